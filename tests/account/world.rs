//! A stand-in whose clock is moved by hand, and a receiver that answers as it is told and keeps what comes.

use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use pulsewarden::engine::Timestamp;
use pulsewarden::simulate::Plan;
use pulsewarden::simulate::account::{Options, Pace, StandIn, stream};
use reqwest::Method;
use serde_json::{Value, json};

/// Monday, 2026-01-05T12:00:00Z.
pub const BEGIN: Timestamp = Timestamp(1_767_614_400_000);
pub const KEY: &str = "simulated-key";

pub fn minutes(number: u64) -> Duration {
    Duration::from_secs(number * 60)
}

/// An account without devices, or with some.
pub fn options(devices: u64, days: u32) -> Options {
    Options::new(Plan { seed: 3, devices, days, begin: BEGIN }, Pace::ByHand)
}

/// The lines of a stream: when each comes, and the envelope; and how many events were told.
pub fn lines(options: &Options) -> (u64, Vec<(Timestamp, Value)>) {
    let mut out = Vec::new();
    let told = stream(options, &mut out, None, &mut |_| {}).unwrap().told;
    let lines = String::from_utf8(out).unwrap();
    let read = lines.lines().map(|line| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        let at = line.as_object_mut().unwrap().remove("received_at").unwrap();
        (serde_json::from_value::<chrono::DateTime<chrono::Utc>>(at).unwrap().into(), line)
    });
    (told, read.collect())
}

/// A webhook as it came.
#[derive(Clone, Debug, PartialEq)]
pub struct Came {
    pub secret: Option<String>,
    pub body: Value,
}

/// Answers with the status that a function says, by what came and how many came before.
type Answers = Arc<dyn Fn(&Came, usize) -> u16 + Send + Sync>;

#[derive(Clone)]
pub struct Receiver {
    pub url: String,
    kept: Arc<Mutex<Vec<Came>>>,
}

impl Receiver {
    pub fn start(answers: impl Fn(&Came, usize) -> u16 + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let kept: Arc<Mutex<Vec<Came>>> = Arc::default();
        let answers: Answers = Arc::new(answers);
        let data = (Arc::clone(&kept), answers);
        let app =
            move || App::new().app_data(web::Data::new(data.clone())).default_service(web::post().to(Self::receive));
        tokio::spawn(HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run());
        Self { url, kept }
    }

    async fn receive(
        request: HttpRequest,
        body: web::Bytes,
        data: web::Data<(Arc<Mutex<Vec<Came>>>, Answers)>,
    ) -> HttpResponse {
        let secret = request.headers().get("Impilo-Webhook-Secret").map(|secret| secret.to_str().unwrap().to_owned());
        let came = Came { secret, body: serde_json::from_slice(&body).unwrap() };
        let mut kept = data.0.lock().unwrap();
        let status = (data.1)(&came, kept.len());
        kept.push(came);
        HttpResponse::build(StatusCode::from_u16(status).unwrap()).finish()
    }

    pub fn came(&self) -> Vec<Came> {
        self.kept.lock().unwrap().clone()
    }

    pub fn ids(&self) -> Vec<u64> {
        self.came().iter().map(|came| came.body["id"].as_u64().unwrap_or_default()).collect()
    }
}

/// An answer of the stand-in.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
    pub date: String,
}

pub struct World {
    pub stand_in: StandIn,
    http: reqwest::Client,
}

impl World {
    pub fn start(options: Options) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stand_in = StandIn::start(options, listener, None).unwrap();
        Self { stand_in, http: reqwest::Client::new() }
    }

    /// With the API key.
    pub async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let body = body.map(|body| (body.to_string(), "application/json"));
        self.ask_as(method, path, body.as_ref().map(|(body, kind)| (body.as_str(), *kind)), Some(KEY)).await
    }

    pub async fn ask_as(&self, method: &str, path: &str, body: Option<(&str, &str)>, key: Option<&str>) -> Answer {
        let url = format!("http://{}{path}", self.stand_in.address());
        let mut request = self.http.request(Method::from_bytes(method.as_bytes()).unwrap(), url);
        if let Some(key) = key {
            request = request.header("Impilo-API-Key", key);
        }
        if let Some((body, kind)) = body {
            request = request.header("Content-Type", kind).body(body.to_owned());
        }
        let answer = request.send().await.unwrap();
        let date = answer.headers()["date"].to_str().unwrap().to_owned();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::Null), date }
    }

    pub async fn get(&self, path: &str) -> Value {
        let answer = self.ask("GET", path, None).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    }

    /// Every row of all pages.
    pub async fn all(&self, path: &str) -> Vec<Value> {
        let mut rows = Vec::new();
        for page in 1.. {
            let sign = if path.contains('?') { '&' } else { '?' };
            let mut answer = self.get(&format!("{path}{sign}page={page}&size=250")).await;
            rows.append(answer["content"].as_array_mut().unwrap());
            if answer["last"] == true {
                break;
            }
        }
        rows
    }

    /// Every row of the log, but for the URL, whose port is another each time.
    pub async fn log(&self) -> Vec<Value> {
        let mut rows = self.all("/api/v3/webhook/logs").await;
        rows.iter_mut().for_each(|row| row["webhookUrl"] = Value::Null);
        rows
    }

    pub async fn subscribe(&self, kind: &str, url: &str) -> i64 {
        let body = json!({ "type": kind, "url": url });
        let answer = self.ask("POST", "/api/v3/webhook", Some(body)).await;
        assert_eq!(answer.status, 200);
        answer.body["id"].as_i64().unwrap()
    }

    /// Moves the clock, and waits until what was due is done.
    pub async fn advance(&self, by: &str) -> Value {
        let answer = self.ask("POST", "/simulate/clock", Some(json!({ "advance": by }))).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body
    }

    pub async fn change(&self, quirks: Value) {
        let answer = self.ask("PATCH", "/simulate/quirks", Some(quirks)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    /// An envelope beside the fleet's; gives its number.
    pub async fn tell(&self, kind: &str, payload: Value) -> u64 {
        let body = json!({ "type": kind, "payload": payload });
        let answer = self.ask("POST", "/simulate/webhooks", Some(body)).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.body["id"].as_u64().unwrap()
    }

    pub async fn refused(&self) -> Vec<Value> {
        self.get("/simulate/refused").await.as_array().unwrap().clone()
    }
}
