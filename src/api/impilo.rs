//! The account at Impilo: its subscriptions, its secret, and what is wrong with either.

use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};

use super::{Admin, failed};
use crate::account::webhooks::{is_same, shown};
use crate::daemon::Undone;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/api/v1/impilo/webhooks", web::get().to(webhooks))
        .route("/api/v1/impilo/webhooks/sync", web::post().to(sync))
        .route("/api/v1/impilo/webhooks/test", web::post().to(test))
        .route("/api/v1/impilo/secret/rotate", web::post().to(rotate))
        .route("/api/v1/impilo/doctor", web::post().to(doctor));
}

/// Every subscription of the account.
#[derive(Debug, Serialize, Deserialize)]
pub struct Webhooks {
    /// Where Impilo should send, if that is configured.
    pub url: Option<String>,
    pub webhooks: Vec<WebhookRow>,
}

/// One subscription.
#[derive(Debug, Serialize, Deserialize)]
pub struct WebhookRow {
    pub id: i64,
    #[serde(rename = "type")]
    pub kind: String,
    /// Without what may be a token in it.
    pub url: String,
    /// Whether it leads to this daemon.
    pub here: bool,
}

/// What is asked of `impilo/webhooks/sync`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct SyncRequest {
    /// False: the plan is made and not carried out.
    pub apply: bool,
    /// Whether subscriptions to this daemon may be deleted that were not made by it.
    pub delete_unknown: bool,
}

async fn webhooks(admin: web::Data<Admin>) -> HttpResponse {
    match admin.shared.subscriptions().await {
        Ok((there, url)) => {
            let mut webhooks: Vec<WebhookRow> = there
                .into_iter()
                .map(|there| {
                    let here = url.as_ref().is_some_and(|url| is_same(&there.url, url));
                    WebhookRow { id: there.id, kind: there.kind, url: shown(&there.url, url.as_deref()), here }
                })
                .collect();
            webhooks.sort_by(|one, other| (&one.kind, one.id).cmp(&(&other.kind, other.id)));
            HttpResponse::Ok().json(Webhooks { url, webhooks })
        }
        Err(error) => undone(&error),
    }
}

async fn sync(admin: web::Data<Admin>, request: web::Json<SyncRequest>) -> HttpResponse {
    let shared = Arc::clone(&admin.shared);
    let SyncRequest { apply, delete_unknown } = request.into_inner();
    // In a task of its own: a client that goes away half-way must not leave half of it, and neither of those that follow.
    let synced = tokio::spawn(async move {
        if apply {
            shared.sync_subscriptions(delete_unknown).await
        } else {
            shared.plan_subscriptions(delete_unknown).await
        }
    });
    match synced.await {
        Ok(Ok(plan)) => HttpResponse::Ok().json(plan),
        Ok(Err(error)) => undone(&error),
        Err(_) => failed(503, "shutting down"),
    }
}

/// What is asked of `impilo/webhooks/test`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct TryRequest {
    /// For how many seconds it is waited.
    pub wait_s: u64,
}

/// What came of a test webhook.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Tested {
    /// Milliseconds until it was kept here; `None` where it did not come in time, or could not be recognised.
    pub after_ms: Option<u64>,
    /// Webhooks of the same type that came meanwhile and do not hold what the test was sent with.
    pub others: u64,
}

async fn test(admin: web::Data<Admin>, request: web::Json<TryRequest>) -> HttpResponse {
    match admin.shared.try_webhook(Duration::from_secs(request.wait_s)).await {
        Ok(tried) => {
            let after_ms = tried.after.map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
            HttpResponse::Ok().json(Tested { after_ms, others: tried.others })
        }
        Err(error) => undone(&error),
    }
}

/// What is asked of `impilo/secret/rotate`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct RotateRequest {
    /// Also where subscriptions to other addresses would carry the new secret.
    pub for_all: bool,
}

async fn rotate(admin: web::Data<Admin>, request: web::Json<RotateRequest>) -> HttpResponse {
    let shared = Arc::clone(&admin.shared);
    match tokio::spawn(async move { shared.rotate_secret(request.for_all).await }).await {
        Ok(Ok(rotated)) => HttpResponse::Ok().json(rotated),
        Ok(Err(error)) => undone(&error),
        Err(_) => failed(503, "shutting down"),
    }
}

async fn doctor(admin: web::Data<Admin>) -> HttpResponse {
    match admin.shared.examine().await {
        Ok(report) => HttpResponse::Ok().json(report),
        Err(error) => failed(503, &error.to_string()),
    }
}

fn undone(error: &Undone) -> HttpResponse {
    let status = match error {
        Undone::NoClient(_) | Undone::NoAddress | Undone::NoRules | Undone::Shared { .. } => 422,
        Undone::Api(_) | Undone::Kept(_) | Undone::Rotation(_) => 502,
        Undone::Store(_) => 503,
    };
    failed(status, &error.to_string())
}
