//! Recovery from Impilo's log that somebody asks for.

use std::time::Duration;

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::{Admin, failed};
use crate::daemon::NotRecovered;
use crate::engine::Timestamp;
use crate::telemetry;

/// The longest stretch that is read at once, as at a start: each six hours of it are one request at the least.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// What is asked of `impilo/recover`.
#[derive(Debug, Serialize, Deserialize)]
pub struct RecoverRequest {
    pub since: Timestamp,
    /// `None`: until now.
    pub until: Option<Timestamp>,
    /// Only looks what is missing.
    pub dry_run: bool,
}

/// Reads a stretch of the log.
pub(super) async fn recover(admin: web::Data<Admin>, request: web::Json<RecoverRequest>) -> HttpResponse {
    let shared = admin.shared.clone();
    let RecoverRequest { since, until, dry_run } = request.into_inner();
    let until = until.unwrap_or_else(|| shared.clock.now());
    if since >= until {
        return failed(422, "the stretch ends before it begins; give an earlier --since");
    }
    if until.since(since) > LONGEST {
        let end = since.plus(LONGEST);
        return failed(
            422,
            &format!("that is more than 30 days of the log at once; ask for it in parts: first --until {end}"),
        );
    }
    // In a task of its own, so that what was begun of a part is done to its end; the next part is not begun where nobody waits
    // for it.
    let gone = CancellationToken::new();
    let _gone = gone.clone().drop_guard();
    match tokio::spawn(async move { shared.recover(since, until, dry_run, &gone).await }).await {
        Ok(Ok(recovered)) => HttpResponse::Ok().json(recovered),
        Ok(Err(error @ NotRecovered::NotConfigured(_))) => failed(422, &error.to_string()),
        Ok(Err(error)) => {
            telemetry::recovery_failed(&error.to_string());
            failed(503, &error.to_string())
        }
        Err(_) => failed(503, "shutting down"),
    }
}
