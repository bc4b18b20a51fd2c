//! Digests that are asked for by hand.

use std::time::Duration;

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};

use super::{Admin, LOOK_AGAIN, PATIENCE, are_settled, failed, result, rows_of};
use crate::digest::{self, DigestError};
use crate::store::DeliveryRow;

/// What is asked of `digests/send`.
#[derive(Debug, Serialize, Deserialize)]
pub struct DigestRequest {
    pub digest: String,
    /// Who asks, as the message tells.
    pub by: String,
}

/// Sends a digest now, and waits for what comes of it.
pub(super) async fn send(admin: web::Data<Admin>, request: web::Json<DigestRequest>) -> HttpResponse {
    let shared = &admin.shared;
    let parts = shared.digests.clone();
    let DigestRequest { digest, by } = request.into_inner();
    let keys = match web::block(move || digest::send(&parts, &digest, &by)).await {
        Ok(Ok(keys)) => keys,
        Ok(Err(error @ (DigestError::Unknown { .. } | DigestError::Nobody { .. }))) => {
            return failed(404, &error.to_string());
        }
        Ok(Err(error)) => return failed(503, &error.to_string()),
        Err(_) => return failed(503, "shutting down"),
    };
    let mut waited = Duration::ZERO;
    loop {
        let rows = match rows_of(shared, |row: &DeliveryRow| keys.contains(&row.key)).await {
            Ok(rows) => rows,
            Err(why) => return failed(503, &why),
        };
        if are_settled(&rows) || waited >= PATIENCE {
            let lanes = shared.lanes.troubled();
            return HttpResponse::Ok().json(rows.iter().map(|row| result(row, &lanes)).collect::<Vec<_>>());
        }
        tokio::time::sleep(LOOK_AGAIN).await;
        waited += LOOK_AGAIN;
    }
}
