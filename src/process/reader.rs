//! Reading the journal and understanding its events, on a thread of its own, one batch ahead of deciding.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use crate::engine::{Basis, Event, Facts, Position, Source, Timestamp};
use crate::impilo::{self, Payload};
use crate::journal::codec;
use crate::store::{Entry, EventRow, JournalRow, Store, StoreError};

/// Rows taken into one commit.
pub(super) const BATCH: usize = 512;

/// Bytes of bodies taken into one commit, unpacked: what is understood of them takes up to thirty times that.
const WEIGHT: usize = 8 << 20;

/// A row, and its event where it has one that can be read.
pub(super) type Row = (JournalRow, Option<Read>);

/// An event row as the engine needs it: understood, and with its payload at hand.
pub struct Read {
    pub id: String,
    pub kind: String,
    pub source: Source,
    pub facts: Facts,
    pub payload: Payload,
}

impl Read {
    /// Reads an event from the body of its envelope; `None` where that is no envelope.
    #[must_use]
    pub fn new(id: String, kind: String, source: Source, body: &[u8], received_at: Timestamp) -> Option<Self> {
        let payload = impilo::payload(body)?;
        let facts = impilo::facts(&kind, payload.value(), received_at);
        Some(Self { id, kind, source, facts, payload })
    }

    /// Reads an event row's body. `None` where the row is no event, or its body is gone or cannot be read back.
    #[must_use]
    pub fn of(row: &JournalRow) -> Option<Self> {
        let Entry::Event(EventRow { kind, envelope_id, source, body, .. }) = &row.entry else { return None };
        let body = codec::decode(body.as_deref()?).ok()?;
        Self::new(envelope_id.clone().unwrap_or_default(), kind.clone(), *source, &body, row.received_at)
    }

    /// The event as the engine takes it.
    #[must_use]
    pub fn event(&self, position: Position, received_at: Timestamp) -> Event<'_> {
        let (occurred_at, basis) = match impilo::placed(&self.facts, received_at) {
            // A recovered row was received at the time of its row in Impilo's log.
            (at, Basis::Received) if self.source == Source::Recovered => (at, Basis::Log),
            placed => placed,
        };
        Event {
            position,
            id: &self.id,
            kind: &self.kind,
            source: self.source,
            received_at,
            occurred_at,
            basis,
            facts: &self.facts,
            payload: self.payload.value(),
        }
    }
}

/// What the reading thread is asked: the position after which it is to read, and rows of its own to let go before. The memory
/// that a thread has taken is given back soonest by the same thread.
type Asked = (Position, Vec<Row>);

/// The reading thread: where to ask it, and where its answers come.
type Thread = (SyncSender<Asked>, Receiver<Result<Vec<Row>, StoreError>>);

/// How much reading gives way to receiving, which counts first: Impilo forgets, the journal does not. When the machine is
/// short of time, this thread gets none, and so nothing is decided. Deciding itself runs like everything else, since it holds
/// the writer while it commits, and receiving would wait for it.
const NICENESS: i32 = 19;

/// Reads and understands the journal; one batch ahead while there is a backlog.
pub(super) struct Reader {
    /// `None` where no thread could be made.
    thread: Option<Thread>,
    asked: Option<Position>,
    /// Rows that are decided.
    spent: Vec<Row>,
}

impl Reader {
    pub(super) fn start(store: Arc<dyn Store>) -> Self {
        let (ask, asked) = sync_channel::<Asked>(1);
        let (give, given) = sync_channel(1);
        let work = move || {
            // Without the right to lower a priority it stays as it is.
            let _ = rustix::process::setpriority_process(None, NICENESS);
            while let Ok((after, spent)) = asked.recv() {
                drop(spent);
                if give.send(rows(&*store, after)).is_err() {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("read".to_owned()).spawn(work);
        Self { thread: thread.ok().map(|_| (ask, given)), asked: None, spent: Vec::new() }
    }

    /// Takes rows back that are decided.
    pub(super) fn take_back(&mut self, rows: Vec<Row>) {
        self.spent = rows;
    }

    /// Begins to read the batch after `after`.
    pub(super) fn read_ahead(&mut self, after: Position) {
        if let Some((ask, _)) = &self.thread
            && ask.send((after, std::mem::take(&mut self.spent))).is_ok()
        {
            self.asked = Some(after);
        }
    }

    /// The batch after `after`: what was read ahead, where that is it and not empty.
    pub(super) fn rows(&mut self, store: &dyn Store, after: Position) -> Result<Vec<Row>, StoreError> {
        if let Some(asked) = self.asked
            && let Some(read) = self.answer()
            && asked == after
            && read.as_ref().is_ok_and(|rows| !rows.is_empty())
        {
            return read;
        }
        self.read_ahead(after);
        self.answer().unwrap_or_else(|| rows(store, after))
    }

    /// The answer to what was asked last; `None` where nothing was asked, or the thread has ended.
    fn answer(&mut self) -> Option<Result<Vec<Row>, StoreError>> {
        self.asked.take()?;
        let (_, given) = self.thread.as_ref()?;
        given.recv().ok()
    }
}

/// The rows after `after`, as many as go into one commit.
pub(super) fn rows(store: &dyn Store, after: Position) -> Result<Vec<Row>, StoreError> {
    let mut weight = 0;
    let mut read_rows = Vec::new();
    for row in store.journal(after, BATCH)? {
        if let Entry::Event(EventRow { body: Some(body), .. }) = &row.entry {
            weight += codec::length(body);
        }
        if weight > WEIGHT && !read_rows.is_empty() {
            break;
        }
        // A body that makes the parser panic is one that cannot be read.
        let event = catch_unwind(AssertUnwindSafe(|| Read::of(&row))).unwrap_or_default();
        read_rows.push((row, event));
    }
    Ok(read_rows)
}
