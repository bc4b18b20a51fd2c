//! Removes what has outlived its retention, a little at a time: meanwhile events wait for the writer.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::config::Settings;
use crate::daemon::Shared;
use crate::engine::Timestamp;
use crate::impilo;
use crate::journal::codec;
use crate::store::{EventRow, Pruned, Retention, StoreError};
use crate::telemetry;

/// After the start, so that what has come meanwhile is processed first.
const FIRST: Duration = Duration::from_secs(60);

/// How often it is done.
const EVERY: Duration = Duration::from_secs(3600);

/// The rest after each chunk.
const PAUSE: Duration = Duration::from_millis(50);

/// Works until it is stopped.
pub async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let mut wait = FIRST;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
        wait = EVERY;
        let retention = {
            let settings = shared.settings.lock().unwrap_or_else(PoisonError::into_inner);
            retention(&settings, shared.clock.now())
        };
        let mut removed = 0;
        // A failure to prune is a failure to commit, which has a watch of its own.
        while let Ok(pruned) = chunk(&shared, retention).await {
            removed += pruned.rows;
            if pruned.complete {
                break;
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
        if removed > 0 {
            telemetry::pruned(removed);
        }
    }
}

fn retention(settings: &Settings, now: Timestamp) -> Retention {
    let keep = &settings.retention;
    Retention {
        readings_before: now.minus(keep.readings),
        payloads_before: now.minus(keep.payloads),
        deliveries_before: now.minus(keep.deliveries),
        alerts_before: now.minus(keep.alerts),
    }
}

async fn chunk(shared: &Shared, retention: Retention) -> Result<Pruned, StoreError> {
    let store = Arc::clone(&shared.store);
    let pruning = tokio::task::spawn_blocking(move || store.prune(&retention, &mut reduce));
    // Where the task could not run there is nothing to go on with.
    pruning.await.unwrap_or(Ok(Pruned { rows: 0, complete: true }))
}

fn reduce(event: &EventRow) -> Option<Vec<u8>> {
    let body = codec::decode(event.body.as_deref()?).ok()?;
    impilo::reduce(&body).map(|reduced| codec::encode(&reduced))
}
