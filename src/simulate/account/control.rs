//! What is not Impilo's, under `/simulate/`: moving the clock, reading what was refused, putting things into the account,
//! and making it behave otherwise.

use actix_web::{HttpResponse, web};
use chrono::DateTime;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::Tally;
use super::objects::Shelf;
use super::quirks::LogPayload;
use super::send::Shared;
use super::state::Account;
use crate::config::parse_duration;
use crate::engine::Timestamp;

/// How the account is now.
#[derive(Serialize)]
struct Status {
    now: String,
    /// The fleet's history has ended.
    ended: bool,
    /// Attempts that are planned.
    waiting: usize,
    log_rows: usize,
    #[serde(flatten)]
    tally: Tally,
}

/// Where the clock is to go, and by how much; where nothing is said it stays, and what is due is waited for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    to: Option<String>,
    advance: Option<String>,
}

/// What is to be another way from now on.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    api_down: Option<bool>,
    undelivered: Option<bool>,
    duplicates: Option<f64>,
    reordered: Option<f64>,
    late: Option<f64>,
    wrong_secrets: Option<f64>,
    odd: Option<f64>,
    log_payload: Option<LogPayload>,
}

/// An envelope that the fleet does not tell.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Added {
    r#type: String,
    payload: Box<RawValue>,
    /// Goes into the log and is never sent.
    #[serde(default)]
    unsent: bool,
}

/// The routes.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/simulate/status", web::get().to(status))
        .route("/simulate/refused", web::get().to(refused))
        .route("/simulate/clock", web::post().to(move_clock))
        .route("/simulate/quirks", web::patch().to(change))
        .route("/simulate/webhooks", web::post().to(add))
        .service(web::resource("/simulate/{kind}/{id}").route(web::put().to(put)).route(web::delete().to(take_away)));
}

type At = web::Data<Shared>;

fn shown(account: &Account) -> HttpResponse {
    HttpResponse::Ok().json(Status {
        now: account.now.to_string(),
        ended: account.fleet.next_at().is_none(),
        waiting: account.waiting(),
        log_rows: account.log.len(),
        tally: account.tally,
    })
}

fn wrong(why: &str) -> HttpResponse {
    HttpResponse::BadRequest().json(serde_json::json!({ "reason": why }))
}

async fn status(shared: At) -> HttpResponse {
    let now = shared.clock().now();
    let mut account = shared.account();
    account.pass(now);
    shown(&account)
}

async fn refused(shared: At) -> HttpResponse {
    HttpResponse::Ok().json(shared.account().refused())
}

async fn move_clock(body: web::Bytes, shared: At) -> HttpResponse {
    let Ok(Move { to, advance }) = serde_json::from_slice(if body.is_empty() { b"{}" } else { &body }) else {
        return wrong("the body is {\"to\": a time}, {\"advance\": a length as in 4h}, or {}");
    };
    let now = shared.clock().now();
    let to = match (to, advance) {
        (Some(to), None) => DateTime::parse_from_rfc3339(&to).ok().map(|at| Timestamp(at.timestamp_millis())),
        (None, Some(by)) => parse_duration(&by).map(|by| now.plus(by)),
        (None, None) => Some(now),
        (Some(_), Some(_)) => None,
    };
    let Some(to) = to else { return wrong("say `to` as in 2026-01-05T12:00:00Z, or `advance` as in 4h") };
    if to < now {
        return wrong("a clock goes forward: `to` is before the time that it shows");
    }
    if to > now && !shared.clock().move_to(to) {
        return HttpResponse::Conflict()
            .json(serde_json::json!({ "reason": "this clock goes by itself; start with --by-hand" }));
    }
    let change = shared.change();
    shared.settle(change).await;
    shown(&shared.account())
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

async fn change(body: web::Bytes, shared: At) -> HttpResponse {
    let change: Change = match serde_json::from_slice(&body) {
        Ok(change) => change,
        Err(error) => return wrong(&error.to_string()),
    };
    let chances = [change.duplicates, change.reordered, change.late, change.wrong_secrets, change.odd];
    if chances.into_iter().flatten().any(|chance| !(0.0..=1.0).contains(&chance)) {
        return wrong("how often something goes wrong is from 0 to 1");
    }
    let mut account = shared.account();
    set(&mut account.api_down, change.api_down);
    set(&mut account.undelivered, change.undelivered);
    let quirks = &mut account.quirks;
    set(&mut quirks.duplicates, change.duplicates);
    set(&mut quirks.reordered, change.reordered);
    set(&mut quirks.late, change.late);
    set(&mut quirks.wrong_secrets, change.wrong_secrets);
    set(&mut quirks.odd, change.odd);
    set(&mut quirks.log_payload, change.log_payload);
    shown(&account)
}

async fn add(body: web::Bytes, shared: At) -> HttpResponse {
    let added: Added = match serde_json::from_slice(&body) {
        Ok(added) => added,
        Err(error) => return wrong(&error.to_string()),
    };
    let id = shared.account().add(&added.r#type, added.payload.get(), added.unsent);
    shared.change();
    HttpResponse::Created().json(serde_json::json!({ "id": id }))
}

fn shelf<'a>(account: &'a mut Account, kind: &str) -> Option<&'a mut Shelf> {
    match kind {
        "device" => Some(&mut account.devices),
        "order" => Some(&mut account.orders),
        "return" => Some(&mut account.returns),
        "support-ticket" => Some(&mut account.tickets),
        _ => None,
    }
}

async fn put(path: web::Path<(String, u64)>, body: web::Bytes, shared: At) -> HttpResponse {
    let (kind, id) = path.into_inner();
    let mut account = shared.account();
    let now = account.now;
    let Some(shelf) = shelf(&mut account, &kind) else { return HttpResponse::NotFound().finish() };
    let fits = serde_json::from_slice::<Value>(&body).is_ok_and(|object| object["id"].as_u64() == Some(id));
    if fits && shelf.keep(&body, now).is_some() {
        HttpResponse::NoContent().finish()
    } else {
        wrong("the body is the object, with the same `id` as in the path")
    }
}

async fn take_away(path: web::Path<(String, u64)>, shared: At) -> HttpResponse {
    let (kind, id) = path.into_inner();
    let mut account = shared.account();
    match shelf(&mut account, &kind).map(|shelf| shelf.remove(id)) {
        Some(true) => HttpResponse::NoContent().finish(),
        _ => HttpResponse::NotFound().finish(),
    }
}
