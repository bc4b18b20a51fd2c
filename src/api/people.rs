//! What people do about alerts, and silences.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};

use super::{Admin, failed};
use crate::engine::{Act, Actor};
use crate::people::{AskError, NewSilence};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/api/v1/alerts/act", web::post().to(act))
        .route("/api/v1/silences", web::post().to(silence))
        .route("/api/v1/silences/end", web::post().to(unsilence));
}

/// What is asked of `alerts/act`.
#[derive(Debug, Serialize, Deserialize)]
pub struct ActRequest {
    pub alerts: Vec<u64>,
    #[serde(flatten)]
    pub act: Act,
    pub by: Actor,
}

/// What is asked of `silences/end`.
#[derive(Debug, Serialize, Deserialize)]
pub struct UnsilenceRequest {
    pub silence: u64,
    pub by: Actor,
}

/// Whether a silence ran until now.
#[derive(Debug, Serialize, Deserialize)]
pub struct Unsilenced {
    pub ended: bool,
}

async fn act(admin: web::Data<Admin>, request: web::Json<ActRequest>) -> HttpResponse {
    let ActRequest { alerts, act, by } = request.into_inner();
    let desk = admin.desk.clone();
    // In a task of its own: whoever goes away half-way must not leave half of the alerts.
    match tokio::spawn(async move { desk.act(&alerts, &act, &by).await }).await {
        Ok(Ok(outcomes)) => HttpResponse::Ok().json(outcomes),
        Ok(Err(error)) => refused(&error),
        Err(_) => failed(503, "shutting down"),
    }
}

async fn silence(admin: web::Data<Admin>, request: web::Json<NewSilence>) -> HttpResponse {
    match admin.desk.silence(request.into_inner()).await {
        Ok(record) => HttpResponse::Ok().json(record),
        Err(error) => refused(&error),
    }
}

async fn unsilence(admin: web::Data<Admin>, request: web::Json<UnsilenceRequest>) -> HttpResponse {
    let UnsilenceRequest { silence, by } = request.into_inner();
    match admin.desk.unsilence(silence, &by).await {
        Ok(ended) => HttpResponse::Ok().json(Unsilenced { ended }),
        Err(error) => refused(&error),
    }
}

fn refused(error: &AskError) -> HttpResponse {
    let status = match error {
        AskError::Senseless(_) => 422,
        AskError::Store(_) | AskError::Refused(_) | AskError::NotYet | AskError::Stopping => 503,
    };
    failed(status, &error.to_string())
}
