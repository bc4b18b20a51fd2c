//! Hop 3: leases what is due, sends it, records what came of it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::Delivery as DeliverySettings;
use crate::engine::{Notification, Timestamp};
use crate::notify::{self, Senders, Sent, Templates};
use crate::store::{Attempt, AttemptResult, Delivery, Rendered, Room, Store, StoreError};
use crate::telemetry;

/// A lease outlives any attempt: it ends early where its daemon ends, by [`Store::release`].
const LEASE: Duration = Duration::from_secs(15 * 60);

/// The longest and the shortest sleep without a hint.
const NAP: Duration = Duration::from_secs(5);
const SHORTEST_NAP: Duration = Duration::from_millis(2);

/// Results in one commit.
const RECORDED_AT_ONCE: usize = 256;

/// What the ledger says of a panic, whose place the log has.
const PANICKED: &str = "an internal error; the log says where";

/// The wait after the store failed.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// What delivering works with.
pub struct Parts {
    pub store: Arc<dyn Store>,
    pub clock: Clock,
    pub senders: tokio::sync::watch::Receiver<Arc<Senders>>,
    pub templates: tokio::sync::watch::Receiver<Arc<Templates>>,
    pub settings: DeliverySettings,
    /// Notified when the outbox has grown.
    pub wake: Arc<Notify>,
    pub stop: CancellationToken,
}

/// Delivers until it is stopped; what is in flight then is finished and recorded.
pub async fn run(parts: Parts) {
    let (results, finished) = unbounded_channel();
    let (recorded, mut settled) = unbounded_channel();
    let recording = tokio::spawn(record_all(Arc::clone(&parts.store), parts.clock.clone(), finished, recorded));
    let mut room = Room::new(parts.settings.concurrency);
    while !parts.stop.is_cancelled() && !recording.is_finished() {
        while let Ok(delivery) = settled.try_recv() {
            room.leave(delivery);
        }
        let leased = match lease(&parts, &room).await {
            Ok(leased) => leased,
            Err(error) => {
                telemetry::outbox_unavailable(&error);
                tokio::select! {
                    () = parts.stop.cancelled() => {}
                    () = tokio::time::sleep(STORE_PAUSE) => {}
                }
                continue;
            }
        };
        if leased.is_empty() {
            let nap = until_next(&parts, &room).await;
            tokio::select! {
                () = parts.wake.notified() => {}
                () = parts.stop.cancelled() => {}
                Some(delivery) = settled.recv() => room.leave(delivery),
                () = tokio::time::sleep(nap) => {}
            }
        }
        for delivery in leased {
            room.enter(delivery.id, delivery.notification.channel.lane());
            let (senders, clock) = (parts.senders.borrow().clone(), parts.clock.clone());
            let (settings, results) = (parts.settings.clone(), results.clone());
            tokio::spawn(async move {
                let (id, later) = (delivery.id, clock.now().plus(settings.retry_max));
                let made = tokio::spawn(attempt(delivery, senders, clock.clone(), settings)).await;
                let attempt = made.unwrap_or_else(|_| broken(id, clock.now(), later));
                // The recorder outlives every sender.
                let _ = results.send(attempt);
            });
        }
    }
    drop(results);
    if recording.await.is_err() {
        telemetry::ended_abnormally();
    }
}

/// Records what has ended since the last commit, together, until there is nobody left to send.
async fn record_all(
    store: Arc<dyn Store>,
    clock: Clock,
    mut finished: UnboundedReceiver<Attempt>,
    recorded: UnboundedSender<u64>,
) {
    let mut attempts = Vec::new();
    while finished.recv_many(&mut attempts, RECORDED_AT_ONCE).await > 0 {
        while let Err(error) = record(&store, &clock, attempts.clone()).await {
            telemetry::outbox_unavailable(&error);
            tokio::time::sleep(STORE_PAUSE).await;
        }
        for attempt in attempts.drain(..) {
            // The loop may have ended.
            let _ = recorded.send(attempt.delivery);
        }
    }
}

async fn lease(parts: &Parts, room: &Room) -> Result<Vec<Delivery>, StoreError> {
    let (store, now, room) = (Arc::clone(&parts.store), parts.clock.now(), room.clone());
    let templates = parts.templates.borrow().clone();
    let work = move || store.lease(now, now.plus(LEASE), &room, &mut |notification| render(notification, &templates));
    blocking(work).await
}

async fn record(store: &Arc<dyn Store>, clock: &Clock, attempts: Vec<Attempt>) -> Result<(), StoreError> {
    let (store, now) = (Arc::clone(store), clock.now());
    blocking(move || store.record(&attempts, now)).await
}

async fn until_next(parts: &Parts, room: &Room) -> Duration {
    let (store, room) = (Arc::clone(&parts.store), room.clone());
    let next = blocking(move || store.next_delivery(&room)).await.ok().flatten();
    next.map_or(NAP, |next| next.since(parts.clock.now()).clamp(SHORTEST_NAP, NAP))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        Err(StoreError::Unavailable {
            place: "this process".to_owned(),
            doing: "run a task",
            cause: if error.is_panic() { "the task ended abnormally".to_owned() } else { "shutting down".to_owned() },
        })
    })
}

async fn attempt(delivery: Delivery, senders: Arc<Senders>, clock: Clock, settings: DeliverySettings) -> Attempt {
    let sent = senders.send(&delivery).await;
    let at = clock.now();
    let result = judge(&delivery, sent, at, &settings);
    telemetry::delivery_attempted(delivery.id, delivery.notification.channel.kind(), &result);
    Attempt { delivery: delivery.id, at, result }
}

/// An attempt that ended by a panic must not keep its place in the lane.
fn broken(delivery: u64, at: Timestamp, later: Timestamp) -> Attempt {
    Attempt { delivery, at, result: AttemptResult::Retry { at: later, error: PANICKED.to_owned() } }
}

/// What cannot be rendered fails by itself and not whatever is leased with it.
fn render(notification: &Notification, templates: &Templates) -> Rendered {
    let rendered = catch_unwind(AssertUnwindSafe(|| notify::render(notification, templates)));
    rendered.unwrap_or_else(|_| Rendered::Failed { error: PANICKED.to_owned() })
}

fn judge(delivery: &Delivery, sent: Sent, at: Timestamp, settings: &DeliverySettings) -> AttemptResult {
    match sent {
        Sent::Delivered { reply, refused } => AttemptResult::Delivered { reply, refused },
        Sent::Rejected { error } => AttemptResult::Dead { error },
        Sent::Retry { after, error, .. } => {
            let next = at.plus(after.unwrap_or_else(|| backoff(delivery.attempts, settings)));
            if next > delivery.since.plus(settings.give_up_after) {
                AttemptResult::Dead { error: format!("given up after {} attempts: {error}", delivery.attempts + 1) }
            } else {
                AttemptResult::Retry { at: next, error }
            }
        }
    }
}

/// Doubles with each attempt up to the limit, and varies by a quarter so that many do not come at once.
fn backoff(attempts: u32, settings: &DeliverySettings) -> Duration {
    let doubled = settings.retry_first.saturating_mul(2_u32.saturating_pow(attempts.min(20)));
    doubled.min(settings.retry_max).mul_f64(0.75 + fastrand::f64() / 2.0)
}
