//! The buttons of messages in Slack. Slack signs what it sends (documented: "Verifying requests from Slack").

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use ring::hmac;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{Desk, MOST_ALERTS};
use crate::engine::{Act, Actor};
use crate::telemetry;

/// How old a request may be, and how far ahead its clock (documented: five minutes).
const FRESH: i64 = 5 * 60 * 1000;

/// Signatures that are remembered, so that none counts twice.
const REMEMBERED: usize = 10_000;

/// Slack gives up after three seconds (documented); what is kept by then is done all the same.
const ANSWERED_WITHIN: Duration = Duration::from_millis(2500);

/// Bytes of a request.
const LARGEST: usize = 256 * 1024;

/// The names of the buttons.
pub const ACKNOWLEDGE: &str = "acknowledge";
pub const RESOLVE: &str = "resolve";

/// What the endpoint works with.
#[derive(Clone)]
pub struct Interactions {
    pub desk: Desk,
    /// The signing secret, read each time; `None` where none is configured.
    pub secret: Arc<dyn Fn() -> Option<SecretString> + Send + Sync>,
    seen: Arc<Mutex<VecDeque<Seen>>>,
    /// In milliseconds. What is older was seen by nobody who could remember it.
    since: i64,
}

/// When a signature came, in milliseconds, and the signature.
type Seen = (i64, Vec<u8>);

impl Interactions {
    #[must_use]
    pub fn new(desk: Desk, secret: Arc<dyn Fn() -> Option<SecretString> + Send + Sync>) -> Self {
        let since = desk.clock.now().0;
        Self { desk, secret, seen: Arc::default(), since }
    }
}

/// Why a request is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Untrusted {
    #[error("no slack.signing_secret is configured")]
    NoSecret,
    #[error("the signature is missing or wrong")]
    Signature,
    #[error("the request is too old, or its clock is wrong")]
    Stale,
    #[error("the request is from before the last start; click again")]
    BeforeStart,
    #[error("the request came before")]
    Replayed,
}

/// The route of the endpoint.
pub fn routes(config: &mut web::ServiceConfig, interactions: Interactions) {
    config.service(
        web::resource("/slack/interactions")
            .app_data(web::Data::new(interactions))
            .app_data(web::PayloadConfig::new(LARGEST))
            .route(web::post().to(interact)),
    );
}

#[derive(Deserialize)]
struct Body {
    payload: String,
}

/// What is read of an interaction (documented: "block_actions").
#[derive(Deserialize)]
struct Interaction {
    #[serde(default)]
    user: User,
    #[serde(default)]
    actions: Vec<Button>,
}

#[derive(Default, Deserialize)]
struct User {
    #[serde(default)]
    id: String,
    #[serde(default)]
    username: String,
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct Button {
    #[serde(default)]
    action_id: String,
    #[serde(default)]
    value: String,
}

async fn interact(interactions: web::Data<Interactions>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    if let Err(why) = verify(&interactions, &request, &body) {
        telemetry::slack_untrusted(&why);
        return HttpResponse::build(StatusCode::UNAUTHORIZED).body(format!("{why}\n"));
    }
    let read = serde_urlencoded::from_bytes::<Body>(&body).ok();
    let read = read.and_then(|body| serde_json::from_str::<Interaction>(&body.payload).ok());
    let Some(Interaction { user, actions }) = read else {
        return HttpResponse::UnprocessableEntity().body("this is no interaction that Pulsewarden knows\n");
    };
    let name = [user.username, user.name, user.id].into_iter().find(|name| !name.is_empty());
    let by = Actor { name: name.unwrap_or_else(|| "somebody".to_owned()), via: "Slack".to_owned() };
    for button in actions {
        let act = match button.action_id.as_str() {
            ACKNOWLEDGE => Act::Acknowledge { until: None },
            RESOLVE => Act::Resolve,
            // Links are buttons, too, and ask for nothing.
            _ => continue,
        };
        let alerts: Vec<u64> = button.value.split(',').filter_map(|number| number.trim().parse().ok()).collect();
        if alerts.is_empty() || alerts.len() > MOST_ALERTS {
            continue;
        }
        let (desk, by) = (interactions.desk.clone(), by.clone());
        // In a task of its own: it is carried out even where Slack waits no longer.
        let acting = tokio::spawn(async move { desk.act(&alerts, &act, &by).await });
        if let Ok(Ok(Err(error))) = tokio::time::timeout(ANSWERED_WITHIN, acting).await {
            return HttpResponse::ServiceUnavailable().body(format!("{error}\n"));
        }
    }
    HttpResponse::Ok().finish()
}

fn verify(interactions: &Interactions, request: &HttpRequest, body: &[u8]) -> Result<(), Untrusted> {
    let secret = (interactions.secret)().ok_or(Untrusted::NoSecret)?;
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let stamp = header("X-Slack-Request-Timestamp").ok_or(Untrusted::Signature)?;
    let signature = header("X-Slack-Signature").ok_or(Untrusted::Signature)?;
    let signed = signature.strip_prefix("v0=").and_then(unhex).ok_or(Untrusted::Signature)?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
    let said = [b"v0:", stamp.as_bytes(), b":", body].concat();
    // In constant time.
    hmac::verify(&key, &said, &signed).map_err(|_| Untrusted::Signature)?;
    let now = interactions.desk.clock.now().0;
    let sent = stamp.parse::<i64>().ok().and_then(|seconds| seconds.checked_mul(1000)).ok_or(Untrusted::Stale)?;
    if (now - sent).abs() > FRESH {
        return Err(Untrusted::Stale);
    }
    // Its time is in whole seconds.
    if sent + 1000 <= interactions.since {
        return Err(Untrusted::BeforeStart);
    }
    let mut seen = interactions.seen.lock().unwrap_or_else(PoisonError::into_inner);
    // What is older would not be taken anyway.
    while seen.front().is_some_and(|(at, _)| now - at > 2 * FRESH) || seen.len() >= REMEMBERED {
        seen.pop_front();
    }
    if seen.iter().any(|(_, known)| *known == signed) {
        return Err(Untrusted::Replayed);
    }
    seen.push_back((now, signed));
    Ok(())
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    let bytes = text.as_bytes().chunks(2);
    bytes.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}
