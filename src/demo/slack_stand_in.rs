//! A stand-in for Slack's incoming webhooks, for the demo and for tests: it holds requests against the documented shape.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::http::StatusCode;
use actix_web::{App, HttpResponse, HttpServer, web};
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// What the stand-in answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Accept,
    /// 429, with this many seconds in `Retry-After`.
    TooMany(u64),
    /// Another status.
    Status(u16),
}

#[derive(Clone)]
struct Shared {
    answer: Arc<Mutex<Answer>>,
    kept: Arc<Mutex<Vec<Value>>>,
    arrivals: UnboundedSender<Value>,
}

/// A running stand-in.
pub struct SlackStandIn {
    address: SocketAddr,
    shared: Shared,
    handle: actix_web::dev::ServerHandle,
}

impl SlackStandIn {
    /// Listens on a free port of the loopback. What is accepted also comes through the receiver.
    ///
    /// # Errors
    /// When no port can be opened.
    pub fn start() -> io::Result<(Self, UnboundedReceiver<Value>)> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?;
        let (arrivals, arrived) = unbounded_channel();
        let shared = Shared { answer: Arc::new(Mutex::new(Answer::Accept)), kept: Arc::default(), arrivals };
        let data = shared.clone();
        let app = move || {
            App::new().app_data(web::Data::new(data.clone())).route("/services/{path:.*}", web::post().to(receive))
        };
        let server = HttpServer::new(app).workers(1).disable_signals().listen(listener)?.run();
        let handle = server.handle();
        tokio::spawn(server);
        Ok((Self { address, shared, handle }, arrived))
    }

    /// The URL of an incoming webhook.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/services/T000/B000/demo", self.address)
    }

    /// What it answers from now on.
    pub fn answer(&self, answer: Answer) {
        *self.shared.answer.lock().unwrap_or_else(PoisonError::into_inner) = answer;
    }

    /// Everything accepted so far.
    #[must_use]
    pub fn messages(&self) -> Vec<Value> {
        self.shared.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Stops listening.
    pub async fn stop(&self) {
        self.handle.stop(false).await;
    }
}

async fn receive(body: web::Bytes, shared: web::Data<Shared>) -> HttpResponse {
    let answer = *shared.answer.lock().unwrap_or_else(PoisonError::into_inner);
    match answer {
        Answer::TooMany(seconds) => {
            return HttpResponse::TooManyRequests()
                .insert_header(("Retry-After", seconds.to_string()))
                .body("rate_limited");
        }
        Answer::Status(code) => {
            let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            return HttpResponse::build(status).body("no_service");
        }
        Answer::Accept => {}
    }
    match serde_json::from_slice::<Value>(&body).ok().filter(is_message) {
        Some(message) => {
            shared.kept.lock().unwrap_or_else(PoisonError::into_inner).push(message.clone());
            // Nobody needs to listen.
            let _ = shared.arrivals.send(message);
            HttpResponse::Ok().body("ok")
        }
        None => HttpResponse::BadRequest().body("invalid_payload"),
    }
}

/// The shape that Slack documents for incoming webhooks: a text, and at most 50 blocks of known types.
fn is_message(message: &Value) -> bool {
    let has_text = message.get("text").and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    let blocks = message.get("blocks").and_then(Value::as_array);
    let fits = |text: Option<&Value>, longest: usize| {
        text.and_then(Value::as_str).is_some_and(|text| !text.is_empty() && text.chars().count() <= longest)
    };
    let is_block = |block: &Value| match block.get("type").and_then(Value::as_str) {
        Some("header") => fits(block.pointer("/text/text"), 150),
        Some("section") => fits(block.pointer("/text/text"), 3000),
        Some("context") => block.get("elements").and_then(Value::as_array).is_some_and(|elements| {
            (1..=10).contains(&elements.len()) && elements.iter().all(|element| fits(element.get("text"), 3000))
        }),
        Some("divider" | "actions") => true,
        _ => false,
    };
    has_text && blocks.is_none_or(|blocks| blocks.len() <= 50 && blocks.iter().all(is_block))
}
