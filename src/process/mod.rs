//! Hop 2: what the journal holds goes through the engine, and each batch is committed in one transaction.
//!
//! One thread does it. Waking it is only a hint: the rows are the truth.

mod batch;
mod cache;
mod order;
mod reader;
mod recount;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use batch::{Compiler, Done, Processor};
pub use order::{Given, InHand, Order, Slices};
pub use reader::Read;

use crate::clock::Clock;
use crate::engine::{Position, RuleSet, Timestamp};
use crate::journal::Life;
use crate::store::{Store, StoreError};
use crate::telemetry::{self, Seldom};

/// Slices in memory: twice this many at most.
const ROOM: usize = 8_192;

/// The longest sleep without a hint; bounds how late a wake-up is noticed when the clock steps.
const NAP: Duration = Duration::from_secs(1);

/// How often it is looked whether deciding may begin.
const LOOK_WHETHER: Duration = Duration::from_millis(50);

/// Events waiting to be kept from which on deciding gives way, and for how many times as long as it worked at most. The
/// less there is to decide, the sooner what waits is kept: so under a load that can be borne both keep up, and under more
/// than that events are kept first.
const PRESSED: usize = 10;
const LONGEST_REST: u32 = 12;

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
    asked: Mutex<Asked>,
    wake: Condvar,
    stop: AtomicBool,
    failing: AtomicBool,
    held: AtomicBool,
    position: AtomicU64,
    /// Rules of the set in force with conditions that could not be computed, with what was wrong.
    faults: Mutex<BTreeMap<String, String>>,
    life: Life,
}

/// What others ask of the thread.
#[derive(Debug, Default)]
struct Asked {
    /// The journal has grown.
    hint: bool,
    /// The rules with which a held thread may begin.
    begin: Option<Arc<RuleSet>>,
}

/// Finds and compiles a stored rule set by its hash; `None` where it cannot, which it has then told.
pub type Compile = dyn Fn(&str) -> Option<Arc<RuleSet>> + Send + Sync;

/// What the processor needs from outside.
pub struct Parts {
    pub store: Arc<dyn Store>,
    pub clock: Clock,
    pub compile: Arc<Compile>,
    /// Where the rule set in force is announced.
    pub rule_sets: watch::Sender<Arc<RuleSet>>,
    /// Called after a commit that added notifications.
    pub outbox: Arc<dyn Fn() + Send + Sync>,
    /// How many events wait to be kept at this moment.
    pub waiting: Arc<AtomicUsize>,
    /// Cancelled once anything may be decided: before, rows may still be put before others.
    pub may_begin: CancellationToken,
}

impl Process {
    /// Starts the thread. Where the store names a rule set that cannot be compiled it is held: no rules at all would let
    /// every event pass for good, so none is decided until [`Process::begin`] brings rules.
    ///
    /// # Errors
    /// When the store cannot say how far processing has come, or the thread cannot be made.
    pub fn start(parts: Parts) -> Result<(Self, JoinHandle<()>), StoreError> {
        let none = parts.rule_sets.borrow().clone();
        let processor = parts.processor(Arc::clone(&none))?;
        let held = Arc::ptr_eq(processor.rules(), &none) && !parts.store.progress()?.rule_set.is_empty();
        let shared = Arc::new(Shared::default());
        shared.position.store(processor.position(), Ordering::Relaxed);
        shared.held.store(held, Ordering::Release);
        let process = Self { shared: Arc::clone(&shared) };
        let work = move || {
            let _runs = shared.life.while_held();
            let processor = if held { shared.begin(&parts) } else { Some(processor) };
            if let Some(processor) = processor {
                shared.work(&parts, processor);
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
        self.shared.asked().hint = true;
        self.shared.wake.notify_one();
    }

    /// Lets a held thread begin with these rules; they decide until the journal brings others.
    pub fn begin(&self, rules: Arc<RuleSet>) {
        self.shared.asked().begin = Some(rules);
        self.shared.held.store(false, Ordering::Release);
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

    /// Whether nothing is decided for want of rules.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.shared.held.load(Ordering::Acquire)
    }

    /// The last journal row whose outcome is committed.
    #[must_use]
    pub fn position(&self) -> Position {
        self.shared.position.load(Ordering::Relaxed)
    }

    /// Rules of the set in force with conditions that could not be computed, with what was wrong.
    #[must_use]
    pub fn faults(&self) -> BTreeMap<String, String> {
        self.shared.faults.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The thread's signs of life.
    #[must_use]
    pub fn life(&self) -> &Life {
        &self.shared.life
    }
}

impl Parts {
    fn processor(&self, rules: Arc<RuleSet>) -> Result<Processor, StoreError> {
        let compile = Arc::clone(&self.compile);
        Processor::new(Arc::clone(&self.store), Box::new(move |hash| compile(hash)), rules, ROOM)
    }
}

impl Shared {
    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Waits for rules to begin with; `None` where the daemon stops without any.
    fn begin(&self, parts: &Parts) -> Option<Processor> {
        while !self.is_stopping() {
            self.life.sign();
            let waits = |asked: &mut Asked| asked.begin.is_none() && !self.is_stopping();
            let waited = self.wake.wait_timeout_while(self.asked(), NAP, waits);
            let (asked, _) = waited.unwrap_or_else(PoisonError::into_inner);
            let Some(rules) = asked.begin.clone() else { continue };
            drop(asked);
            match parts.processor(rules) {
                Ok(processor) => return Some(processor),
                Err(_) => self.failing.store(true, Ordering::Relaxed),
            }
            self.pause(NAP);
        }
        None
    }

    fn work(&self, parts: &Parts, mut processor: Processor) {
        parts.rule_sets.send_replace(Arc::clone(processor.rules()));
        let mut backoff = SHORTEST_BACKOFF;
        let mut failures = Seldom::default();
        while !parts.may_begin.is_cancelled() && !self.is_stopping() {
            self.life.sign();
            self.pause(LOOK_WHETHER);
        }
        while !self.is_stopping() {
            self.life.sign();
            let began = Instant::now();
            match processor.turn(parts.clock.now()) {
                Ok(Some(done)) => {
                    backoff = SHORTEST_BACKOFF;
                    self.failing.store(false, Ordering::Relaxed);
                    self.position.store(processor.position(), Ordering::Relaxed);
                    self.note_faults(&done);
                    announce(&done, &processor, &parts.rule_sets, &*parts.outbox);
                    give_way(&parts.waiting, began.elapsed());
                }
                Ok(None) => {
                    self.failing.store(false, Ordering::Relaxed);
                    self.nap(until_next_due(&processor, parts.clock.now()));
                }
                Err(error) => {
                    self.failing.store(true, Ordering::Relaxed);
                    if let Some(unsaid) = failures.again() {
                        telemetry::processing_failed(&error, unsaid);
                    }
                    self.pause(backoff);
                    backoff = (backoff * 2).min(LONGEST_BACKOFF);
                }
            }
        }
    }

    fn note_faults(&self, done: &Done) {
        if !done.rules_changed && done.faults.is_empty() {
            return;
        }
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        if done.rules_changed {
            faults.clear();
        }
        for (rule, error) in &done.faults {
            if faults.insert(rule.clone(), error.clone()).is_none() {
                telemetry::rule_faulty(rule, error);
            }
        }
    }

    /// Sleeps until there is a hint, at most for `nap`.
    fn nap(&self, nap: Duration) {
        let waited = self.wake.wait_timeout_while(self.asked(), nap, |asked| !asked.hint);
        let (mut asked, _) = waited.unwrap_or_else(PoisonError::into_inner);
        asked.hint = false;
    }

    /// Sleeps for `pause` unless the daemon stops. New rows do not end it: where commits fail they would take the waiting
    /// out of trying again.
    fn pause(&self, pause: Duration) {
        let waited = self.wake.wait_timeout_while(self.asked(), pause, |_| !self.is_stopping());
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}

/// Receiving counts first: Impilo forgets, the journal does not. While more events wait to be kept than any calm day brings,
/// deciding rests; but never for good, since what is decided must not stand still either.
fn give_way(waiting: &AtomicUsize, worked: Duration) {
    let rests_until = Instant::now() + worked * LONGEST_REST;
    while waiting.load(Ordering::Relaxed) >= PRESSED && Instant::now() < rests_until {
        std::thread::sleep(Duration::from_millis(1));
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
