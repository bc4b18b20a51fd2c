//! Hop 1: the HTTP port. Checks the secret, the size and the shape, and answers once the journal has the event.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use actix_web::dev::Server;
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CONTENT_ENCODING, CONTENT_LENGTH, HeaderValue, RETRY_AFTER};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, Resource, guard, web};
use sha2::{Digest, Sha256};
use tokio::net::TcpSocket;

use crate::account::{Offered, Secrets};
use crate::clock::Clock;
use crate::engine::Source;
use crate::impilo::{Envelope, Unreadable};
use crate::journal::{Journal, Refused, codec};
use crate::store::{Appended, Entry, EventRow, NewRow, Quarantined, Store};
use crate::telemetry;

/// The header in which Impilo sends its secret (documented).
const SECRET_HEADER: &str = "Impilo-Webhook-Secret";

/// How long a body may take to come.
const BODY_WITHIN: Duration = Duration::from_secs(15);

/// How long a stop waits for requests under way, in seconds: what is accepted is kept within milliseconds.
const CLOSED_WITHIN: u64 = 5;

/// What a client is asked to wait when the store cannot keep up, in seconds.
const COME_AGAIN: u64 = 5;

/// How long an answer to whether the daemon is ready holds, and how long one is waited for.
const READY_FOR: Duration = Duration::from_secs(1);
const READY_PATIENCE: Duration = Duration::from_secs(10);

/// Connections that may wait to be taken up.
const BACKLOG: u32 = 4096;

fn hash(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// What came to the port since the start.
#[derive(Debug, Default)]
pub struct Counters {
    pub accepted: AtomicU64,
    pub repeated: AtomicU64,
    pub refused_secret: AtomicU64,
    pub unreadable: AtomicU64,
    pub too_large: AtomicU64,
    pub encoded: AtomicU64,
    pub unavailable: AtomicU64,
}

fn count(counter: &AtomicU64) -> u64 {
    counter.fetch_add(1, Ordering::Relaxed) + 1
}

/// Why the daemon cannot do its work now, as anybody may know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotReady {
    #[error("events cannot be kept now")]
    Keep,
    #[error("events cannot be processed now")]
    Process,
    #[error("processing lags")]
    Lag,
    #[error("the check takes too long")]
    NoAnswer,
}

type Checked = Result<(), NotReady>;

/// Whether the daemon can do its work now. Anybody may ask, and the check costs a commit: it runs once a second at most.
#[derive(Clone)]
pub struct Readiness {
    check: Arc<dyn Fn() -> Checked + Send + Sync>,
    last: Arc<tokio::sync::Mutex<Option<(Instant, Checked)>>>,
}

impl Readiness {
    #[must_use]
    pub fn new(check: impl Fn() -> Checked + Send + Sync + 'static) -> Self {
        Self { check: Arc::new(check), last: Arc::default() }
    }

    async fn now(&self) -> Checked {
        let checked = async {
            let mut last = Arc::clone(&self.last).lock_owned().await;
            if let Some((at, checked)) = *last
                && at.elapsed() < READY_FOR
            {
                return checked;
            }
            let check = Arc::clone(&self.check);
            // The check takes the lock along: while it runs no other one begins, even where its asker has gone away.
            let checking = web::block(move || {
                let checked = check();
                *last = Some((Instant::now(), checked));
                checked
            });
            checking.await.unwrap_or(Err(NotReady::NoAnswer))
        };
        tokio::time::timeout(READY_PATIENCE, checked).await.unwrap_or(Err(NotReady::NoAnswer))
    }
}

/// Whether the daemon's threads run; the text says which does not.
pub type Liveness = dyn Fn() -> Result<(), String> + Send + Sync;

/// What the port works with.
#[derive(Clone)]
pub struct Webhook {
    pub journal: Journal,
    pub store: Arc<dyn Store>,
    pub secrets: Arc<Secrets>,
    pub clock: Clock,
    pub counters: Arc<Counters>,
    /// Bytes.
    pub max_body: usize,
    pub readiness: Readiness,
    /// Answers without waiting.
    pub liveness: Arc<Liveness>,
}

/// Opens the port. A burst has more connections than the 128 that the standard library would let wait.
///
/// # Errors
/// When the port is taken, or may not be opened.
pub fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

/// A server on `listener`, with what `others` have to show there.
///
/// # Errors
/// When the socket cannot be listened on.
pub fn server(
    webhook: Webhook,
    others: impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
    listener: TcpListener,
) -> std::io::Result<Server> {
    let app = move || App::new().app_data(web::Data::new(webhook.clone())).configure(&others).configure(routes);
    let server = HttpServer::new(app)
        .workers(std::thread::available_parallelism().map_or(2, std::num::NonZero::get))
        .keep_alive(Duration::from_secs(75))
        .client_request_timeout(Duration::from_secs(15))
        .shutdown_timeout(CLOSED_WITHIN)
        .disable_signals()
        .listen(listener)?;
    Ok(server.run())
}

/// The public routes.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/webhooks/impilo").route(web::post().to(receive)).default_service(web::to(only_post)))
        .service(looked_at("/healthz").route(web::route().to(alive)))
        .service(looked_at("/readyz").route(web::route().to(ready)))
        .default_service(web::to(|| async { refuse(StatusCode::NOT_FOUND, "there is nothing here") }));
}

/// A resource that is looked at, and refuses everything else.
fn looked_at(path: &str) -> Resource {
    let reads = guard::Any(guard::Get()).or(guard::Head());
    let other = web::route().guard(guard::Not(reads)).to(|| async { wrong_method("GET, HEAD") });
    web::resource(path).route(other)
}

async fn only_post() -> HttpResponse {
    wrong_method("POST")
}

fn wrong_method(allowed: &'static str) -> HttpResponse {
    let mut answer = refuse(StatusCode::METHOD_NOT_ALLOWED, &format!("use {allowed}"));
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    answer
}

async fn alive(webhook: web::Data<Webhook>) -> HttpResponse {
    match (webhook.liveness)() {
        Ok(()) => HttpResponse::Ok().body("ok\n"),
        Err(why) => refuse(StatusCode::SERVICE_UNAVAILABLE, &why),
    }
}

async fn ready(webhook: web::Data<Webhook>) -> HttpResponse {
    match webhook.readiness.now().await {
        Ok(()) => HttpResponse::Ok().body("ready\n"),
        Err(why) => refuse(StatusCode::SERVICE_UNAVAILABLE, &why.to_string()),
    }
}

async fn receive(request: HttpRequest, payload: web::Payload, webhook: web::Data<Webhook>) -> HttpResponse {
    let counters = &webhook.counters;
    let offered = request.headers().get(SECRET_HEADER).map_or(&b""[..], |value| value.as_bytes());
    let offered = webhook.secrets.accept(offered, webhook.clock.now());
    if offered != Offered::Accepted {
        telemetry::secret_refused(count(&counters.refused_secret), offered);
        return refuse(StatusCode::UNAUTHORIZED, "the Impilo-Webhook-Secret header is missing or wrong");
    }
    if request
        .headers()
        .get(CONTENT_ENCODING)
        .is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
    {
        telemetry::body_encoded(count(&counters.encoded));
        return refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send the body as it is, without a Content-Encoding");
    }
    let announced =
        request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > webhook.max_body) {
        return too_large(&webhook);
    }
    let body = match tokio::time::timeout(BODY_WITHIN, payload.to_bytes_limited(webhook.max_body)).await {
        Err(_) => return refuse(StatusCode::REQUEST_TIMEOUT, "the body did not come in time"),
        Ok(read) => read,
    };
    let body = match body {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return refuse(StatusCode::BAD_REQUEST, "the body ended before it was complete"),
        Err(_) => return too_large(&webhook),
    };
    let received_at = webhook.clock.now();
    let row = match Envelope::read(&body) {
        Ok(envelope) => NewRow {
            received_at,
            entry: Entry::Event(EventRow {
                kind: envelope.kind.into_owned(),
                envelope_id: Some(envelope.id),
                log_id: None,
                source: Source::Webhook,
                body: Some(codec::encode(&body)),
            }),
        },
        Err(reason) => return set_aside(&webhook, body.to_vec(), reason).await,
    };
    match webhook.journal.append(row).await {
        Ok(Appended::New { .. }) => {
            count(&counters.accepted);
            HttpResponse::Ok().finish()
        }
        Ok(Appended::Known) => {
            count(&counters.repeated);
            HttpResponse::Ok().finish()
        }
        Err(refused) => unavailable(&webhook, &refused),
    }
}

fn too_large(webhook: &Webhook) -> HttpResponse {
    telemetry::body_too_large(count(&webhook.counters.too_large));
    let limit = webhook.max_body;
    refuse(StatusCode::PAYLOAD_TOO_LARGE, &format!("the body is larger than {limit} bytes (receive.max_body)"))
}

fn unavailable(webhook: &Webhook, refused: &Refused) -> HttpResponse {
    count(&webhook.counters.unavailable);
    let why = match refused {
        Refused::Full => "too many events are waiting to be kept",
        Refused::Unavailable(_) => "the event could not be kept now",
        Refused::Closing => "shutting down",
    };
    HttpResponse::ServiceUnavailable()
        .insert_header((RETRY_AFTER, COME_AGAIN.to_string()))
        .json(serde_json::json!({ "error": why }))
}

/// A body that is no envelope is kept once for people to look at, and refused.
async fn set_aside(webhook: &Webhook, body: Vec<u8>, reason: Unreadable) -> HttpResponse {
    let store = Arc::clone(&webhook.store);
    let received_at = webhook.clock.now();
    let kept = web::block(move || {
        let hash: String = hash(&body).iter().map(|byte| format!("{byte:02x}")).collect();
        let bad = Quarantined { received_at, hash, reason: reason.to_string(), body: codec::encode(&body) };
        store.quarantine(&bad)
    });
    match kept.await {
        Ok(Ok(new)) => {
            telemetry::body_unreadable(count(&webhook.counters.unreadable), &reason, new);
            refuse(StatusCode::UNPROCESSABLE_ENTITY, &reason.to_string())
        }
        Ok(Err(error)) => {
            telemetry::quarantine_failed(&error);
            unavailable(webhook, &Refused::Unavailable(error.to_string()))
        }
        Err(_) => unavailable(webhook, &Refused::Closing),
    }
}

fn refuse(status: StatusCode, why: &str) -> HttpResponse {
    HttpResponse::build(status).json(serde_json::json!({ "error": why }))
}
