//! Where recorded events come from: the journal of a store, or a file.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::engine::{Interval, Position, Recovery, Source, Timestamp};
use crate::impilo::Envelope;
use crate::process::Read;
use crate::store::{Entry, EventRow, JournalRow, Store, StoreError};

/// Rows read at once. Each read is a transaction of its own, and the store can go on in between.
const CHUNK: usize = 500;

/// For how long the ids of a file's events are remembered at least, in milliseconds: Impilo's last retry comes within two hours.
const REMEMBERED: i64 = 24 * 60 * 60 * 1000;

/// How much of a file's end is looked at for its last line: more than a body may have.
const TAIL: u64 = 4 << 20;

/// One row of a history.
pub enum Recorded {
    Event {
        position: Position,
        received_at: Timestamp,
        read: Box<Read>,
    },
    /// Nothing could be heard in this stretch.
    Blind(Interval),
    /// From this row on, such a stretch counts as heard.
    Healed(Position, Interval),
    /// An event whose body retention has removed.
    Pruned,
    /// An event that cannot be read back.
    Unreadable,
    /// What no rule hears of.
    Other,
}

/// Rows in the order of time, each with the time at which it counts.
pub trait History {
    /// The next row; `None` at the end.
    ///
    /// # Errors
    /// When it cannot be read.
    fn next(&mut self) -> Result<Option<(Timestamp, Recorded)>, HistoryError>;

    /// How much of it has been read, as a part of one.
    fn done(&self) -> f64;
}

/// Why a history cannot be read on.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("cannot read {path}: {cause}")]
    File { path: PathBuf, cause: io::Error },
    #[error("{path}:{line}: {problem}")]
    Line { path: PathBuf, line: u64, problem: String },
}

/// The journal of a store, read in chunks without disturbing who writes to it.
pub struct Journal<'s> {
    store: &'s dyn Store,
    after: Position,
    last: Position,
    rows: std::vec::IntoIter<JournalRow>,
}

impl<'s> Journal<'s> {
    /// The journal from its beginning to the row that is its last now.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn new(store: &'s dyn Store) -> Result<Self, StoreError> {
        let last = store.events_before(Position::MAX, None, 1)?.first().map_or(0, |row| row.position);
        Ok(Self { store, after: 0, last, rows: Vec::new().into_iter() })
    }
}

impl History for Journal<'_> {
    fn next(&mut self) -> Result<Option<(Timestamp, Recorded)>, HistoryError> {
        if self.rows.len() == 0 {
            self.rows = self.store.journal(self.after, CHUNK)?.into_iter();
        }
        let Some(row) = self.rows.next().filter(|row| row.position <= self.last) else { return Ok(None) };
        self.after = row.position;
        let recorded = match &row.entry {
            Entry::Event(EventRow { body: None, .. }) => Recorded::Pruned,
            Entry::Event(_) => Read::of(&row).map_or(Recorded::Unreadable, |read| Recorded::Event {
                position: row.position,
                received_at: row.received_at,
                read: Box::new(read),
            }),
            Entry::Blind(interval) => Recorded::Blind(*interval),
            Entry::Recovery(Recovery::Healed { interval }) => Recorded::Healed(row.position, *interval),
            Entry::Recovery(_) | Entry::Command(_) | Entry::RuleSet { .. } | Entry::DeliveryFailed(_) => {
                Recorded::Other
            }
        };
        Ok(Some((row.at, recorded)))
    }

    fn done(&self) -> f64 {
        self.after as f64 / self.last.max(1) as f64
    }
}

/// A file of envelopes, one a line, each with `received_at` beside `id`, `type` and `payload`, in the order of receipt. What
/// comes twice, as Impilo's retries do, counts once.
pub struct EventsFile {
    path: PathBuf,
    lines: BufReader<File>,
    line: u64,
    text: Vec<u8>,
    read: u64,
    length: u64,
    received_at: Timestamp,
    known: Known,
}

/// Types and ids of late; forgotten in two steps.
#[derive(Default)]
struct Known {
    young: HashSet<(String, String)>,
    old: HashSet<(String, String)>,
    since: Timestamp,
}

/// What a line has beside the envelope.
#[derive(Deserialize)]
struct Receipt {
    received_at: Instant,
}

/// RFC 3339, or milliseconds since 1970.
#[derive(Deserialize)]
#[serde(untagged)]
enum Instant {
    Millis(i64),
    Text(DateTime<Utc>),
}

impl EventsFile {
    /// Opens a file.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: &Path) -> Result<Self, HistoryError> {
        let failed = |cause| HistoryError::File { path: path.to_owned(), cause };
        let file = File::open(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        Ok(Self {
            path: path.to_owned(),
            lines: BufReader::with_capacity(1 << 16, file),
            line: 0,
            text: Vec::new(),
            read: 0,
            length,
            received_at: Timestamp(i64::MIN),
            known: Known::default(),
        })
    }

    fn problem(&self, problem: impl Into<String>) -> HistoryError {
        HistoryError::Line { path: self.path.clone(), line: self.line, problem: problem.into() }
    }

    fn understand(&mut self) -> Result<(Timestamp, Recorded), HistoryError> {
        let envelope = Envelope::read(&self.text)
            .map_err(|error| self.problem(format!("{error}; each line is one envelope, as Impilo sends it")))?;
        let received_at = receipt(&self.text).ok_or_else(|| {
            self.problem(
                "no `received_at` beside `id`, `type` and `payload`; write an instant such as 2026-03-02T10:00:00Z",
            )
        })?;
        if received_at < self.received_at {
            return Err(self.problem("it was received before the line above it; sort the file by `received_at`"));
        }
        let (id, kind) = (envelope.id, envelope.kind.into_owned());
        self.received_at = received_at;
        if !self.known.is_new(&kind, &id, received_at) {
            return Ok((received_at, Recorded::Other));
        }
        let read = Read::new(id, kind, Source::Webhook, &self.text, received_at);
        let position = self.line;
        let event = |read| Recorded::Event { position, received_at, read: Box::new(read) };
        Ok((received_at, read.map_or(Recorded::Unreadable, event)))
    }
}

impl History for EventsFile {
    fn next(&mut self) -> Result<Option<(Timestamp, Recorded)>, HistoryError> {
        loop {
            self.text.clear();
            let length = self.lines.read_until(b'\n', &mut self.text);
            let length = length.map_err(|cause| HistoryError::File { path: self.path.clone(), cause })?;
            if length == 0 {
                return Ok(None);
            }
            self.line += 1;
            self.read += length as u64;
            if !self.text.trim_ascii().is_empty() {
                return self.understand().map(Some);
            }
        }
    }

    fn done(&self) -> f64 {
        self.read as f64 / self.length.max(1) as f64
    }
}

impl Known {
    fn is_new(&mut self, kind: &str, id: &str, at: Timestamp) -> bool {
        if at.0 - self.since.0 > REMEMBERED {
            self.old = std::mem::take(&mut self.young);
            self.since = at;
        }
        let key = (kind.to_owned(), id.to_owned());
        !self.old.contains(&key) && self.young.insert(key)
    }
}

fn receipt(line: &[u8]) -> Option<Timestamp> {
    let Receipt { received_at } = serde_json::from_slice(line).ok()?;
    Some(match received_at {
        Instant::Millis(millis) => Timestamp(millis),
        Instant::Text(at) => Timestamp::from(at),
    })
}

/// When the last event of a file was received; `None` where its end cannot be understood.
///
/// # Errors
/// When the file cannot be read.
pub fn last_receipt(path: &Path) -> Result<Option<Timestamp>, HistoryError> {
    let tail = || -> io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
        let mut tail = Vec::new();
        io::Read::read_to_end(&mut file, &mut tail)?;
        Ok(tail)
    };
    let tail = tail().map_err(|cause| HistoryError::File { path: path.to_owned(), cause })?;
    let mut lines = tail.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    Ok(lines.rfind(|line| !line.is_empty()).and_then(receipt))
}
