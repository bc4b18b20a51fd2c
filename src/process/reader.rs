//! Reading the journal and understanding its events, one batch ahead of deciding on a thread of its own.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use serde_json::Value as Json;

use crate::engine::{Facts, Position, Source};
use crate::impilo;
use crate::journal::codec;
use crate::store::{Entry, EventRow, JournalRow, Store, StoreError};

/// Rows taken into one commit.
pub(super) const BATCH: usize = 256;

/// A row, and its event where it has one that can be read.
pub(super) type Row = (JournalRow, Option<Read>);

/// An event row as the engine needs it.
pub(super) struct Read {
    pub id: String,
    pub kind: String,
    pub source: Source,
    pub facts: Facts,
    pub payload: Json,
}

/// The thread that reads ahead: where to ask it, and where its answers come.
type Ahead = (SyncSender<Position>, Receiver<Result<Vec<Row>, StoreError>>);

/// Reads ahead while there is a backlog.
pub(super) struct Reader {
    /// `None` where no thread could be made: then nothing is read ahead.
    ahead: Option<Ahead>,
    asked: Option<Position>,
}

impl Reader {
    pub(super) fn start(store: Arc<dyn Store>) -> Self {
        let (ask, asked) = sync_channel::<Position>(1);
        let (give, given) = sync_channel(1);
        let work = move || {
            super::give_way();
            while let Ok(after) = asked.recv() {
                if give.send(rows(&*store, after)).is_err() {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("read ahead".to_owned()).spawn(work);
        Self { ahead: thread.ok().map(|_| (ask, given)), asked: None }
    }

    /// Begins to read the batch after `after`.
    pub(super) fn read_ahead(&mut self, after: Position) {
        if let Some((ask, _)) = &self.ahead
            && ask.try_send(after).is_ok()
        {
            self.asked = Some(after);
        }
    }

    /// The batch after `after`: what was read ahead, where that is it.
    pub(super) fn rows(&mut self, store: &dyn Store, after: Position) -> Result<Vec<Row>, StoreError> {
        let asked = self.asked.take();
        if let (Some(asked), Some((_, given))) = (asked, &self.ahead)
            && let Ok(read) = given.recv()
            && asked == after
            && read.as_ref().is_ok_and(|rows| !rows.is_empty())
        {
            return read;
        }
        rows(store, after)
    }
}

fn rows(store: &dyn Store, after: Position) -> Result<Vec<Row>, StoreError> {
    let rows = store.journal(after, BATCH)?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let event = read(&row);
            (row, event)
        })
        .collect())
}

/// Reads an event row's body. `None` where it cannot be read back.
fn read(row: &JournalRow) -> Option<Read> {
    let Entry::Event(EventRow { kind, envelope_id, source, body, .. }) = &row.entry else { return None };
    let body = codec::decode(body.as_deref()?).ok()?;
    let payload = impilo::payload(&body)?;
    let facts = impilo::facts(kind, &payload, row.received_at);
    Some(Read { id: envelope_id.clone().unwrap_or_default(), kind: kind.clone(), source: *source, facts, payload })
}
