//! The admin interface on a unix socket: what changes state or needs a secret. Who may open the socket may use it.

pub mod client;
mod people;
mod deliveries;
mod digests;
mod recovery;
mod impilo;
mod status;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::{App, HttpResponse, HttpServer, web};
use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::daemon::Shared;
use crate::deliver::LaneState;
use crate::engine::{Command, key_of};
use crate::people::Desk;
use crate::store::{Appended, DeliveryRow, DeliveryState, Entry, NewRow};
use crate::telemetry;

pub use digests::DigestRequest;
pub use impilo::{RotateRequest, SyncRequest, Tested, TryRequest, WebhookRow, Webhooks};
pub use people::{ActRequest, UnsilenceRequest, Unsilenced};
pub use recovery::RecoverRequest;
pub use status::{Receiving, RuleState, Status, WatchState, Whole};

/// How long a test notification is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Among how many of the newest messages those are looked for that were asked for.
const NEWEST: usize = 200;

/// What the admin interface works with.
#[derive(Clone)]
pub struct Admin {
    pub shared: Arc<Shared>,
    pub desk: Desk,
}

/// A server on the socket at `path`. A socket that nobody listens on any more is replaced.
///
/// # Errors
/// When the socket cannot be made.
pub fn server(admin: Admin, path: &Path) -> anyhow::Result<Server> {
    let place = path.display();
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("the folder of the admin socket {place} cannot be made"))?;
    }
    if path.exists() {
        if UnixStream::connect(path).is_ok() {
            anyhow::bail!("another daemon listens on the admin socket {place}; stop it, or set another admin.socket");
        }
        fs::remove_file(path).with_context(|| format!("the old admin socket {place} cannot be removed"))?;
    }
    let app = move || App::new().app_data(web::Data::new(admin.clone())).configure(routes);
    let server = HttpServer::new(app).workers(1).disable_signals();
    // Who hangs up does not wait for an answer any more: what runs for him alone ends.
    let server = server.h1_allow_half_closed(false).bind_uds(path).with_context(|| {
        format!("the admin socket {place} cannot be made; check its folder, or set another admin.socket")
    })?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o660))
        .with_context(|| format!("the permissions of the admin socket {place} cannot be set"))?;
    Ok(server.run())
}

fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/api/v1/status", web::get().to(get_status))
        .route("/api/v1/notifications/test", web::post().to(test_notification))
        .route("/api/v1/deliveries/resend", web::post().to(deliveries::resend))
        .route("/api/v1/digests/send", web::post().to(digests::send))
        .route("/api/v1/impilo/recover", web::post().to(recovery::recover))
        .route("/api/v1/reload", web::post().to(reload))
        .configure(people::routes)
        .configure(impilo::routes)
        .default_service(web::to(|| async { failed(404, "there is nothing here") }));
}

fn failed(status: u16, why: &str) -> HttpResponse {
    let status =
        actix_web::http::StatusCode::from_u16(status).unwrap_or(actix_web::http::StatusCode::INTERNAL_SERVER_ERROR);
    HttpResponse::build(status).json(serde_json::json!({ "error": why }))
}

async fn get_status(admin: web::Data<Admin>) -> HttpResponse {
    let shared = Arc::clone(&admin.shared);
    match web::block(move || status::of(&shared)).await {
        Ok(Ok(status)) => HttpResponse::Ok().json(status),
        Ok(Err(error)) => failed(503, &error.to_string()),
        Err(_) => failed(503, "shutting down"),
    }
}

async fn reload(admin: web::Data<Admin>) -> HttpResponse {
    let shared = Arc::clone(&admin.shared);
    // In a task of its own: a client that goes away half-way must not leave half a reload.
    match tokio::spawn(async move { shared.reload().await }).await {
        Ok(Ok(())) => HttpResponse::Ok().json(serde_json::json!({ "reloaded": true })),
        Ok(Err(why)) => {
            telemetry::reload_failed(&why);
            failed(422, &why)
        }
        Err(_) => failed(503, "shutting down"),
    }
}

/// What is asked of `notifications/test`.
#[derive(Debug, Serialize, Deserialize)]
pub struct TestRequest {
    pub receiver: String,
    /// Who asks, as the message tells.
    pub by: String,
}

/// What became of a test on one channel.
#[derive(Debug, Serialize, Deserialize)]
pub struct TestResult {
    pub channel: String,
    pub state: String,
    /// Attempts so far.
    pub attempts: u32,
    /// What the last failed one came to, or which of several addresses were refused.
    pub error: Option<String>,
}

async fn test_notification(admin: web::Data<Admin>, request: web::Json<TestRequest>) -> HttpResponse {
    let shared = &admin.shared;
    let TestRequest { receiver, by } = request.into_inner();
    let command = Command::TestNotification { receiver: receiver.clone(), by };
    let row = NewRow { received_at: shared.clock.now(), entry: Entry::Command(command) };
    let position = match shared.journal.append(row).await {
        Ok(Appended::New { position, .. }) => position,
        Ok(Appended::Known) => return failed(500, "the command was taken for a repeat"),
        Err(refused) => return failed(503, &refused.to_string()),
    };
    let subject = format!("test {receiver}");
    let of_this = |row: &DeliveryRow| {
        (0..16).any(|place: usize| row.key == key_of(&[&subject, &position.to_string(), &place.to_string()]))
    };
    let mut waited = Duration::ZERO;
    loop {
        // Asked first: what is read afterwards holds all that was decided by then.
        let processed = shared.process.position() >= position;
        let rows = match rows_of(shared, of_this).await {
            Ok(rows) => rows,
            Err(why) => return failed(503, &why),
        };
        if processed && rows.is_empty() {
            let why = format!(
                "the rules in force have no receiver `{receiver}` with a channel; see `receivers` in the rule files"
            );
            return failed(404, &why);
        }
        if (processed && are_settled(&rows)) || waited >= PATIENCE {
            let lanes = shared.lanes.troubled();
            return HttpResponse::Ok().json(rows.iter().map(|row| result(row, &lanes)).collect::<Vec<_>>());
        }
        tokio::time::sleep(LOOK_AGAIN).await;
        waited += LOOK_AGAIN;
    }
}

/// The newest messages that are meant.
async fn rows_of(shared: &Shared, meant: impl Fn(&DeliveryRow) -> bool) -> Result<Vec<DeliveryRow>, String> {
    let store = Arc::clone(&shared.store);
    match web::block(move || store.deliveries(None, None, NEWEST)).await {
        Ok(Ok(rows)) => Ok(rows.into_iter().filter(meant).collect()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("shutting down".to_owned()),
    }
}

/// Whether something has come of each.
fn are_settled(rows: &[DeliveryRow]) -> bool {
    rows.iter().all(|row| row.state != DeliveryState::Waiting || row.last_error.is_some())
}

fn result(row: &DeliveryRow, lanes: &[LaneState]) -> TestResult {
    let untried = row.state == DeliveryState::Waiting && row.last_error.is_none();
    let lane = lanes.iter().find(|lane| untried && lane.lane == row.channel.lane());
    let waits = lane
        .map(|lane| format!("messages by {} wait until {}; see `pulsewarden status`", lane.lane, lane.next_attempt_at));
    let state = match row.state {
        DeliveryState::Delivered => "delivered",
        DeliveryState::Dead | DeliveryState::Superseded => "given up",
        DeliveryState::Waiting if row.last_error.is_some() => "failed, trying again",
        DeliveryState::Waiting => "not delivered yet",
    };
    TestResult {
        channel: row.channel.kind().to_owned(),
        state: state.to_owned(),
        attempts: row.attempts,
        error: row.last_error.clone().or(waits),
    }
}
