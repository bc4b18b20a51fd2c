//! Hop 2: what the journal holds goes through the engine, and each batch is committed in one transaction.
//!
//! One thread does it. Waking it is only a hint: the rows are the truth.

mod batch;
mod cache;
mod reader;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::watch;

pub use batch::{Compiler, Done, InHand, Processor};

use crate::clock::Clock;
use crate::engine::{Position, RuleSet, Timestamp};
use crate::store::{Store, StoreError};
use crate::telemetry;

/// Slices in memory: twice this many at most.
const ROOM: usize = 8_192;

/// The longest sleep without a hint; bounds how late a wake-up is noticed when the clock steps.
const NAP: Duration = Duration::from_secs(1);

/// The waits between attempts while commits fail.
const SHORTEST_BACKOFF: Duration = Duration::from_millis(50);
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);

/// A running processor. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Process {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    hint: Mutex<bool>,
    wake: Condvar,
    stop: AtomicBool,
    failing: AtomicBool,
    position: AtomicU64,
}

/// What the processor needs from outside.
pub struct Parts {
    pub store: Arc<dyn Store>,
    pub clock: Clock,
    /// Finds and compiles a stored rule set by its hash; `None` where it cannot, which it has then told.
    pub compile: Box<Compiler>,
    /// Where the rule set in force is announced.
    pub rule_sets: watch::Sender<Arc<RuleSet>>,
    /// Called after a commit that added notifications.
    pub outbox: Arc<dyn Fn() + Send + Sync>,
}

impl Process {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the store cannot say how far processing has come, or the thread cannot be made.
    pub fn start(parts: Parts) -> Result<(Self, JoinHandle<()>), StoreError> {
        let rules = parts.rule_sets.borrow().clone();
        let mut processor = Processor::new(Arc::clone(&parts.store), parts.compile, rules, ROOM)?;
        parts.rule_sets.send_replace(Arc::clone(processor.rules()));
        let shared = Arc::new(Shared::default());
        shared.position.store(processor.position(), Ordering::Relaxed);
        let process = Self { shared: Arc::clone(&shared) };
        let (clock, rule_sets, outbox) = (parts.clock, parts.rule_sets, parts.outbox);
        let work = move || {
            let mut backoff = SHORTEST_BACKOFF;
            while !shared.stop.load(Ordering::Acquire) {
                match processor.turn(clock.now()) {
                    Ok(Some(done)) => {
                        backoff = SHORTEST_BACKOFF;
                        shared.failing.store(false, Ordering::Relaxed);
                        shared.position.store(processor.position(), Ordering::Relaxed);
                        announce(&done, &processor, &rule_sets, &*outbox);
                    }
                    Ok(None) => {
                        shared.failing.store(false, Ordering::Relaxed);
                        shared.nap(until_next_due(&processor, clock.now()));
                    }
                    Err(error) => {
                        shared.failing.store(true, Ordering::Relaxed);
                        tracing::error!(%error, "events are kept but cannot be processed; trying again");
                        shared.nap(backoff);
                        backoff = (backoff * 2).min(LONGEST_BACKOFF);
                    }
                }
            }
        };
        let thread = std::thread::Builder::new().name("process".to_owned()).spawn(work).map_err(|error| {
            StoreError::Unavailable {
                place: "this process".to_owned(),
                doing: "start the processing thread",
                cause: error.to_string(),
            }
        })?;
        Ok((process, thread))
    }

    /// Says that the journal has grown.
    pub fn wake(&self) {
        *self.shared.hint.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.shared.wake.notify_one();
    }

    /// Asks the thread to end after the batch in hand.
    pub fn stop(&self) {
        self.shared.stop.store(true, Ordering::Release);
        self.wake();
    }

    /// Whether the last attempt to commit failed.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.shared.failing.load(Ordering::Relaxed)
    }

    /// The last journal row whose outcome is committed.
    #[must_use]
    pub fn position(&self) -> Position {
        self.shared.position.load(Ordering::Relaxed)
    }
}

impl Shared {
    /// Sleeps until there is a hint, at most for `nap`.
    fn nap(&self, nap: Duration) {
        let hint = self.hint.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.wake.wait_timeout_while(hint, nap, |hint| !*hint);
        let (mut hint, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *hint = false;
    }
}

/// How long there is nothing to do, as far as the store knows.
fn until_next_due(processor: &Processor, now: Timestamp) -> Duration {
    let due = processor.next_due().ok().flatten();
    due.map_or(NAP, |due| due.since(now).clamp(Duration::from_millis(1), NAP))
}

fn announce(
    done: &Done,
    processor: &Processor,
    rule_sets: &watch::Sender<Arc<RuleSet>>,
    outbox: &(dyn Fn() + Send + Sync),
) {
    if done.rules_changed {
        rule_sets.send_replace(Arc::clone(processor.rules()));
    }
    if done.notifications > 0 {
        outbox();
    }
    for position in &done.unreadable {
        telemetry::event_unreadable(*position);
    }
    match &done.broke {
        Some(InHand::Row(position)) => telemetry::event_passed_over(*position),
        Some(InHand::Wake(subject)) => telemetry::deadline_passed_over(subject.kind),
        Some(InHand::Nothing) | None => {}
    }
}
