//! Group commit: one writer thread appends what many requests bring, and answers after the commit.

pub mod codec;
mod life;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

pub use life::Life;

use crate::clock::Clock;
use crate::engine::Source;
use crate::impilo;
use crate::store::{Appended, Entry, NewRow, Print, Store};
use crate::telemetry::{self, Seldom};

/// Rows in one commit: enough to spread the cost of a sync, few enough to answer soon.
const BATCH: usize = 512;

/// How often the writer shows that it lives where nothing comes.
const NAP: Duration = Duration::from_secs(1);

/// Why a row was not kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("too many events are waiting to be kept")]
    Full,
    #[error("{0}")]
    Unavailable(String),
    #[error("shutting down")]
    Closing,
}

type Answer = Result<Appended, Refused>;

struct Waiting {
    row: NewRow,
    answer: oneshot::Sender<Answer>,
}

/// One row that waits, also where its client gives up.
struct Waits<'j>(&'j AtomicUsize);

impl<'j> Waits<'j> {
    fn new(waiting: &'j AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The way into the journal. Cheap to clone.
#[derive(Clone)]
pub struct Journal {
    queue: Arc<RwLock<Option<SyncSender<Waiting>>>>,
    waiting: Arc<AtomicUsize>,
    life: Life,
}

/// The writer thread.
pub struct JournalThread(JoinHandle<()>);

impl Journal {
    /// Starts the writer. `max_in_flight` rows may wait, and `waiting` counts them; `committed` is called after each commit
    /// that brought something new.
    ///
    /// # Errors
    /// When the thread cannot be made.
    pub fn start(
        store: Arc<dyn Store>,
        clock: Clock,
        max_in_flight: usize,
        waiting: Arc<AtomicUsize>,
        committed: Arc<dyn Fn() + Send + Sync>,
    ) -> std::io::Result<(Self, JournalThread)> {
        let (sender, receiver) = sync_channel(max_in_flight.max(1));
        let life = Life::default();
        let shown = life.clone();
        let work = move || {
            let _runs = shown.while_held();
            write(&receiver, &*store, &clock, &*committed, &shown);
        };
        let thread = std::thread::Builder::new().name("journal".to_owned()).spawn(work)?;
        let journal = Self { queue: Arc::new(RwLock::new(Some(sender))), waiting, life };
        Ok((journal, JournalThread(thread)))
    }

    /// The writer's signs of life.
    #[must_use]
    pub fn life(&self) -> &Life {
        &self.life
    }

    /// Keeps a row; returns once it is committed and synced.
    ///
    /// # Errors
    /// When the row was not kept: the queue is full, the store failed, or the writer is closing.
    pub async fn append(&self, row: NewRow) -> Answer {
        let (answer, answered) = oneshot::channel();
        {
            let queue = self.queue.read().unwrap_or_else(PoisonError::into_inner);
            let Some(sender) = queue.as_ref() else { return Err(Refused::Closing) };
            match sender.try_send(Waiting { row, answer }) {
                Ok(()) => {}
                Err(TrySendError::Full(_)) => return Err(Refused::Full),
                Err(TrySendError::Disconnected(_)) => return Err(Refused::Closing),
            }
        }
        let _waits = Waits::new(&self.waiting);
        answered.await.unwrap_or(Err(Refused::Closing))
    }

    /// Lets nothing more in. What is in finishes.
    pub fn close(&self) {
        self.queue.write().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl JournalThread {
    /// Waits until everything accepted is committed; call [`Journal::close`] first. False where the writer has panicked.
    #[must_use]
    pub fn join(self) -> bool {
        self.0.join().is_ok()
    }
}

fn write(
    queue: &Receiver<Waiting>,
    store: &dyn Store,
    clock: &Clock,
    committed: &(dyn Fn() + Send + Sync),
    life: &Life,
) {
    let mut rows = Vec::with_capacity(BATCH);
    let mut answers = Vec::with_capacity(BATCH);
    let mut refusals = Seldom::default();
    loop {
        life.sign();
        let first = match queue.recv_timeout(NAP) {
            Ok(first) => first,
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        for Waiting { row, answer } in std::iter::once(first).chain(queue.try_iter().take(BATCH - 1)) {
            rows.push(row);
            answers.push(answer);
        }
        let now = clock.now();
        // Only where an event was recovered whose webhook may still come.
        let prints = if store.expects_copies(now) { rows.iter().map(print_of).collect() } else { Vec::new() };
        match store.append_printed(&rows, &prints, now) {
            Ok(appended) => {
                let new = appended.iter().any(|one| matches!(one, Appended::New { .. }));
                for (answer, one) in answers.drain(..).zip(appended) {
                    // A client that has gone away will come again.
                    let _ = answer.send(Ok(one));
                }
                if new {
                    committed();
                }
            }
            Err(error) => {
                if let Some(unsaid) = refusals.again() {
                    telemetry::events_refused(&error, rows.len(), unsaid);
                }
                let refused = Refused::Unavailable(error.to_string());
                for answer in answers.drain(..) {
                    let _ = answer.send(Err(refused.clone()));
                }
            }
        }
        rows.clear();
    }
}

/// What a webhook is known by where it was recovered before.
fn print_of(row: &NewRow) -> Option<Print> {
    match &row.entry {
        Entry::Event(event) if event.source == Source::Webhook => print_of_kept(event.body.as_deref()?),
        _ => None,
    }
}

/// The print of a body as it is kept.
#[must_use]
pub fn print_of_kept(body: &[u8]) -> Option<Print> {
    impilo::print(&codec::decode(body).ok()?)
}
