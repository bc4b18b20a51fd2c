//! The stand-in's port.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, DATE};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::answer::{Answer, NOT_SERVED, answer};
use super::control;
use super::pace::Clock;
use super::request::{Asked, Came, Refusal, refuse};
use super::send::{self, Shared};
use super::state::Account;
use super::{Options, Refused, Tally};
use crate::engine::Timestamp;
use crate::simulate::InShort;

/// The largest body that is read: the largest documented one is a few lines.
const LARGEST_BODY: usize = 1 << 20;

/// How often to look whether everything is told.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// A running stand-in.
pub struct StandIn {
    address: SocketAddr,
    shared: Arc<Shared>,
    handle: actix_web::dev::ServerHandle,
    sending: JoinHandle<()>,
    stop: CancellationToken,
}

impl StandIn {
    /// Serves on `listener` and begins to send. What goes wrong in the fleet is written to `truths`, one line of JSON for each.
    ///
    /// # Errors
    /// When the listener cannot be used, or no HTTP client can be made.
    pub fn start(options: Options, listener: TcpListener, truths: Option<Box<dyn Write + Send>>) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build();
        let client = client.map_err(io::Error::other)?;
        let account = Account::new(&options, truths);
        let clock = Clock::new(options.pace, options.plan.begin);
        let shared = Arc::new(Shared::new(account, clock));
        let data = web::Data::from(Arc::clone(&shared));
        let key = web::Data::new(options.api_key.clone());
        let app = move || {
            App::new()
                .app_data(web::Data::clone(&data))
                .app_data(web::Data::clone(&key))
                .app_data(web::PayloadConfig::new(LARGEST_BODY))
                .configure(control::routes)
                .default_service(web::to(serve))
        };
        let server = HttpServer::new(app).workers(2).disable_signals().shutdown_timeout(1).listen(listener)?.run();
        let handle = server.handle();
        tokio::spawn(server);
        let stop = CancellationToken::new();
        let sending = tokio::spawn(send::run(Arc::clone(&shared), client, options, stop.clone()));
        Ok(Self { address, shared, handle, sending, stop })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Moves a clock that is moved by hand, and waits until everything due by then was sent and answered.
    pub async fn move_to(&self, at: Timestamp) {
        self.shared.clock().move_to(at);
        self.shared.settle(self.shared.change()).await;
    }

    /// An envelope beside those of the fleet; gives its number.
    pub fn add(&self, kind: &str, payload: &str) -> u64 {
        let id = self.shared.account().add(kind, payload, false);
        self.shared.change();
        id
    }

    /// The fleet's devices in short, in the order of their numbers.
    #[must_use]
    pub fn devices(&self) -> Vec<InShort> {
        self.shared.account().fleet.devices().collect()
    }

    /// A device of the fleet as Impilo's Device.
    #[must_use]
    pub fn device(&self, id: u64) -> Option<String> {
        self.shared.account().fleet.device(id)
    }

    /// What has happened so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.shared.account().tally
    }

    /// Waits until the fleet's history has ended and nothing is planned or under way.
    pub async fn ended(&self) {
        loop {
            self.shared.settle(self.shared.change()).await;
            let is_over = {
                let account = self.shared.account();
                account.fleet.next_at().is_none() && account.waiting() == 0
            };
            if is_over {
                return;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Stops sending and listening; tells what has happened, and what was refused.
    ///
    /// # Errors
    /// When the file of truths could not be written.
    pub async fn stop(self) -> io::Result<(Tally, Vec<Refused>)> {
        self.stop.cancel();
        // It ends by itself once it is told to.
        let _ = self.sending.await;
        self.handle.stop(false).await;
        let mut account = self.shared.account();
        account.close()?;
        Ok((account.tally, account.refused().to_vec()))
    }
}

/// Everything that is not under `/simulate/`.
async fn serve(
    request: HttpRequest,
    body: web::Bytes,
    shared: web::Data<Shared>,
    key: web::Data<String>,
) -> HttpResponse {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let came = Came {
        method: request.method().as_str(),
        path: request.path(),
        query: request.query_string(),
        key: header("Impilo-API-Key"),
        content_type: header("Content-Type"),
        body: &body,
    };
    let now = shared.clock().now();
    let (answered, date) = {
        let mut account = shared.account();
        account.pass(now);
        account.tally.requests += 1;
        let checked = Asked::check(&came, &key);
        let documented = checked.is_ok();
        let answered = match checked {
            Ok(_) if account.is_api_down() => refuse(503, "the account is down for now"),
            Ok(asked) => answer(&mut account, &asked),
            Err(refusal) => Err(refusal),
        };
        // What an account may answer to a documented request is no fault of whoever asks; what it cannot answer is told.
        if let Err(Refusal { status, reason }) = &answered
            && (!documented || *status == NOT_SERVED)
        {
            account.refuse(came.method, came.path, *status, reason);
        }
        (answered, account.now)
    };
    shared.change();
    let (status, json): Answer = match answered {
        Ok(answer) => answer,
        // Impilo documents no body of errors; this one is for whoever reads why.
        Err(Refusal { status, reason }) => (status, Some(serde_json::json!({ "reason": reason }).to_string())),
    };
    let mut response = HttpResponse::build(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    if let Some(date) = date.to_utc() {
        response.insert_header((DATE, date.format("%a, %d %b %Y %H:%M:%S GMT").to_string()));
    }
    match json {
        Some(json) => response.insert_header((CONTENT_TYPE, "application/json")).body(json),
        None => response.finish(),
    }
}
