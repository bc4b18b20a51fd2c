//! Hop 3: leases what is due, sends it, records what came of it.

mod admit;
mod answer;
mod hand_over;
mod lane;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

pub use lane::{Lane, LaneState, Lanes, Pace, Sign};

use crate::clock::Clock;
use crate::config::Delivery as DeliverySettings;
use crate::engine::{Notification, RuleSet, Timestamp, stand_ins};
use crate::notify::{self, Missed, Senders, Sent, Templates};
use crate::store::{Attempt, AttemptResult, Delivery, Rendered, Rest, Room, Store, StoreError};
use crate::telemetry;
use hand_over::Fallbacks;
use lane::Change;

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

/// Gives the link that a notification carries, where it has one.
pub type Links = dyn Fn(&Notification) -> Option<String> + Send + Sync;

/// What delivering works with.
pub struct Parts {
    pub store: Arc<dyn Store>,
    pub clock: Clock,
    pub senders: watch::Receiver<Arc<Senders>>,
    pub templates: watch::Receiver<Arc<Templates>>,
    /// Where the reader of a mail can take on what it lists.
    pub links: Arc<Links>,
    /// Who stands in for whom is said there.
    pub rule_sets: watch::Receiver<Arc<RuleSet>>,
    pub settings: DeliverySettings,
    /// What is known of the ways out, for whoever wants to know.
    pub lanes: Arc<Lanes>,
    /// Notified when the outbox has grown.
    pub wake: Arc<Notify>,
    pub stop: CancellationToken,
}

/// An attempt that has ended, and what it tells of its lane.
struct Made {
    attempt: Attempt,
    sign: Option<Sign>,
}

/// The same once it is recorded.
struct Settled {
    delivery: u64,
    at: Timestamp,
    sign: Option<Sign>,
}

/// Delivers until it is stopped; what is in flight then is finished and recorded.
pub async fn run(mut parts: Parts) {
    let (results, finished) = unbounded_channel();
    let (recorded, mut settled) = unbounded_channel();
    let recording = tokio::spawn(record_all(Arc::clone(&parts.store), parts.clock.clone(), finished, recorded));
    let mut room = Room::new(parts.settings.concurrency);
    let mut fallbacks = Fallbacks::starting(parts.clock.now());
    while !parts.stop.is_cancelled() && !recording.is_finished() {
        while let Ok(one) = settled.try_recv() {
            settle(&parts, &mut room, one).await;
        }
        if parts.senders.has_changed().unwrap_or(false) {
            parts.senders.mark_unchanged();
            for (lane, limit) in parts.lanes.probe(parts.clock.now()) {
                room.limit(&lane, limit);
            }
        }
        fallbacks.look(&parts).await;
        let leased = match lease(&parts, &room).await {
            Ok(leased) => admit::admitted(&parts, leased).await,
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
            let one = tokio::select! {
                () = parts.wake.notified() => None,
                () = parts.stop.cancelled() => None,
                one = settled.recv() => one,
                () = tokio::time::sleep(nap) => None,
            };
            if let Some(one) = one {
                settle(&parts, &mut room, one).await;
            }
        }
        for delivery in leased {
            room.enter(delivery.id, delivery.notification.channel.lane());
            let (senders, clock) = (parts.senders.borrow().clone(), parts.clock.clone());
            let (settings, rules) = (parts.settings.clone(), parts.rule_sets.borrow().clone());
            let results = results.clone();
            tokio::spawn(async move {
                let (id, later) = (delivery.id, clock.now().plus(settings.retry_max));
                let made = tokio::spawn(attempt(delivery, senders, rules, clock.clone(), settings)).await;
                let made = made.unwrap_or_else(|_| broken(id, clock.now(), later));
                // The recorder outlives every sender.
                let _ = results.send(made);
            });
        }
    }
    drop(results);
    if recording.await.is_err() {
        telemetry::ended_abnormally();
    }
}

/// Makes room again, and takes in what an attempt tells of its lane.
async fn settle(parts: &Parts, room: &mut Room, settled: Settled) {
    let Settled { delivery, at, sign } = settled;
    let (Some(lane), Some(sign)) = (room.leave(delivery), sign) else { return };
    let (limit, change) = parts.lanes.hear(&lane, delivery, sign, at, Pace::of(&parts.settings));
    room.limit(&lane, limit);
    match change {
        Change::Nothing => {}
        Change::Failing => telemetry::lane_fails(&lane),
        Change::Held(until) => telemetry::lane_is_held(&lane, until),
        Change::Back => {
            telemetry::lane_is_back(&lane);
            let (store, now) = (Arc::clone(&parts.store), parts.clock.now());
            // What is not hastened comes at its own time.
            if let Err(error) = blocking(move || store.hasten(&lane, now)).await {
                telemetry::outbox_unavailable(&error);
            }
        }
    }
}

/// Records what has ended since the last commit, together, until there is nobody left to send.
async fn record_all(
    store: Arc<dyn Store>,
    clock: Clock,
    mut finished: UnboundedReceiver<Made>,
    recorded: UnboundedSender<Settled>,
) {
    let mut made = Vec::new();
    while finished.recv_many(&mut made, RECORDED_AT_ONCE).await > 0 {
        let attempts: Vec<Attempt> = made.iter().map(|one| one.attempt.clone()).collect();
        while let Err(error) = record(&store, &clock, attempts.clone()).await {
            telemetry::outbox_unavailable(&error);
            tokio::time::sleep(STORE_PAUSE).await;
        }
        for Made { attempt, sign } in made.drain(..) {
            // The loop may have ended.
            let _ = recorded.send(Settled { delivery: attempt.delivery, at: attempt.at, sign });
        }
    }
}

async fn lease(parts: &Parts, room: &Room) -> Result<Vec<Delivery>, StoreError> {
    let (store, now, room) = (Arc::clone(&parts.store), parts.clock.now(), room.clone());
    let (templates, links) = (parts.templates.borrow().clone(), Arc::clone(&parts.links));
    let work =
        move || store.lease(now, now.plus(LEASE), &room, &mut |notification| render(notification, &templates, &*links));
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

async fn attempt(
    delivery: Delivery,
    senders: Arc<Senders>,
    rules: Arc<RuleSet>,
    clock: Clock,
    settings: DeliverySettings,
) -> Made {
    let began = Instant::now();
    let sent = senders.send(&delivery).await;
    let (took, at) = (began.elapsed(), clock.now());
    let sign = sign(&delivery, &sent, at);
    let result = judge(&delivery, sent, at, &settings);
    telemetry::delivery_attempted(delivery.id, delivery.notification.channel.kind(), &result);
    let stand_ins = match &result {
        AttemptResult::Dead { .. } => in_place_of(&delivery.notification, &rules, at),
        AttemptResult::Delivered { .. } | AttemptResult::Retry { .. } | AttemptResult::Needless { .. } => Vec::new(),
    };
    Made { attempt: Attempt { delivery: delivery.id, at, took, result, stand_ins }, sign }
}

/// What an attempt tells of its lane.
fn sign(delivery: &Delivery, sent: &Sent, at: Timestamp) -> Option<Sign> {
    match sent {
        Sent::Delivered { .. } => Some(Sign::Alive),
        Sent::Unsendable { .. } | Sent::Needless { .. } => None,
        Sent::Rejected { .. } => Some(Sign::Alive),
        Sent::Retry { after: Some(after), .. } => Some(Sign::Hold(at.plus(*after))),
        Sent::Retry { .. } if sent.lane_failed(&delivery.notification.channel) => Some(Sign::Failed),
        Sent::Retry { .. } => Some(Sign::Alive),
    }
}

/// What the fallback of its receiver hears of a notification that is given up.
fn in_place_of(missed: &Notification, rules: &RuleSet, now: Timestamp) -> Vec<Notification> {
    let named = rules.receiver(&missed.receiver).and_then(|receiver| receiver.fallback.as_ref());
    let fallback = named.and_then(|fallback| rules.receiver(&fallback.receiver));
    fallback.map_or_else(Vec::new, |fallback| stand_ins(missed, fallback, true, now))
}

/// An attempt that ended by a panic must not keep its place in the lane.
fn broken(delivery: u64, at: Timestamp, later: Timestamp) -> Made {
    let result = AttemptResult::Retry { at: later, error: PANICKED.to_owned() };
    Made { attempt: Attempt { delivery, at, took: Duration::ZERO, result, stand_ins: Vec::new() }, sign: None }
}

/// What cannot be rendered fails by itself and not whatever is leased with it.
fn render(notification: &Notification, templates: &Templates, links: &Links) -> Rendered {
    let render = || notify::render(notification, templates, links(notification).as_deref());
    let rendered = catch_unwind(AssertUnwindSafe(render));
    rendered.unwrap_or_else(|_| Rendered::Failed { error: PANICKED.to_owned() })
}

fn judge(delivery: &Delivery, sent: Sent, at: Timestamp, settings: &DeliverySettings) -> AttemptResult {
    match sent {
        Sent::Delivered { reply, refused, missed, root } => {
            let rest = |missed: Missed| Rest {
                addresses: missed.addresses,
                error: answer::kept(&missed.error),
                next_attempt_at: (!missed.for_good).then(|| at.plus(backoff(delivery.attempts, settings))),
            };
            AttemptResult::Delivered {
                reply: answer::kept(&reply),
                refused: refused.map(|refused| answer::kept(&refused)),
                rest: missed.into_iter().map(rest).collect(),
                root,
            }
        }
        Sent::Needless { why } => AttemptResult::Needless { why: why.to_owned() },
        Sent::Rejected { error } | Sent::Unsendable { error } => AttemptResult::Dead { error: answer::kept(&error) },
        Sent::Retry { after, error, .. } => {
            let error = answer::kept(&error);
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
