//! Rows of Impilo's webhook log on their way into the journal, and how far the log has been read.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::engine::{Interval, Lack, Outage, Timestamp};

/// What two bodies of one event have in common: a hash of the payload that neither spacing nor the order of keys changes.
pub type Print = [u8; 32];

/// How far apart the rows are written that several subscriptions have of one event: at once (inferred), and clocks are not
/// asked to be better than this. The same content later is another event.
pub const SIBLINGS_WITHIN: Duration = Duration::from_secs(5 * 60);

/// A row of Impilo's webhook log that can be read. `Debug` shows no body.
#[derive(Clone)]
pub struct Logged {
    /// The event type.
    pub kind: String,
    pub log_id: Option<i64>,
    /// The subscription that it was sent for.
    pub webhook_id: Option<i64>,
    /// Where the log has the whole envelope.
    pub envelope_id: Option<String>,
    /// The row's `createTimestamp`, by our clock.
    pub created_at: Timestamp,
    /// Until when its webhook may still come by itself, by our clock.
    pub comes_until: Timestamp,
    /// It was created before what is read now, and only tells which rows are of one event.
    pub before: bool,
    pub print: Print,
    /// The print that the event has once retention has reduced it.
    pub reduced: Option<Print>,
    /// An envelope, encoded as the journal keeps it.
    pub body: Vec<u8>,
}

impl std::fmt::Debug for Logged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Logged").field("kind", &self.kind).field("log_id", &self.log_id).finish_non_exhaustive()
    }
}

/// Where recovered rows stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placing {
    /// Each at its own time, before later rows. Only while nothing is processed, and only before what is not processed.
    InOrder,
    /// Behind everything.
    Last,
    /// Nowhere: it is only looked at what would be new.
    Nowhere,
}

/// What became of a row of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakenIn {
    New,
    /// The journal has this event already.
    Known,
}

/// A stretch for which the daemon was away, and that does not count as heard though the log was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doubt {
    pub interval: Interval,
    pub lack: Lack,
    /// Rows of the log that were for other addresses.
    pub others: u64,
}

/// Rows of the log that were stepped over, since they are too long to be read: nobody knows whose they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SteppedOver {
    /// They were created some time in this.
    pub interval: Interval,
    pub rows: u64,
}

/// What the log has told since the first absence that waits for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    /// From here on every row has been looked at.
    pub from: Option<Timestamp>,
    /// The oldest row, whosever it is.
    pub oldest: Option<Timestamp>,
    /// Rows for our address.
    pub ours: u64,
    /// Rows of the absences for other addresses.
    pub others: u64,
}

/// How far Impilo's webhook log has been read, and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RecoveryNotes {
    /// Every row of the log up to here has been looked at.
    pub read_until: Option<Timestamp>,
    /// From here on it was read without a gap.
    pub read_from: Option<Timestamp>,
    /// The last attempt to read it, and why it failed where it did.
    pub tried_at: Option<Timestamp>,
    pub lacks: Option<Lack>,
    /// Stretches for which the daemon was away and that were not recovered yet.
    pub absences: Vec<Interval>,
    /// What the log has told while they wait.
    pub tally: Tally,
    /// Stretches for which the daemon was away, and that the log does not vouch for.
    pub doubts: Vec<Doubt>,
    /// What the address of our rows was when it was read: a hash of it.
    pub read_for: Option<String>,
    /// Stretches of which the receivers were told that something may be missing, which may yet be made up for.
    pub owed: Vec<Interval>,
    /// The daemon is back from this one, and has not told of it yet.
    pub returning: Option<Interval>,
    /// When rows of the log were created that cannot be read and may be missing; the newest ones.
    pub unreadable_at: Vec<Timestamp>,
    /// Rows of the log that were stepped over and may be missing; the newest ones.
    pub stepped_over: Vec<SteppedOver>,
    /// When rows of the log were created of which nobody can tell whose they are; the newest ones.
    pub untold_at: Vec<Timestamp>,
    /// Events taken from the log, ever.
    pub recovered: u64,
    /// Events taken from the log since the daemon came back last.
    pub returned: u64,
    /// Rows of the log that were not answered well and cannot be read, ever.
    pub unreadable: u64,
    /// Milliseconds by which Impilo's clock was ahead of ours when the log was read last.
    pub ahead: Option<i64>,
    /// Whether a subscription led here when the log was read last; `None` where that is not known.
    pub subscribed: Option<bool>,
    /// The last time that the daemon was away.
    pub last_outage: Option<Outage>,
    /// When the devices, orders and returns were read back last.
    pub read_back_at: Option<Timestamp>,
    /// When the whole fleet had been read for the first time.
    pub fleet_read_at: Option<Timestamp>,
}

/// How long a row of the log that cannot be read is a reason to doubt.
const UNREAD_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);

impl RecoveryNotes {
    /// Lets these stretches wait for the log again, which is read from their begin on.
    pub fn look_anew(&mut self, stretches: Vec<Interval>) {
        self.untold_at.retain(|at| !stretches.iter().any(|stretch| within(stretch, at)));
        self.absences.extend(stretches);
        (self.read_until, self.tally) = (None, Tally::default());
    }

    /// How many rows of the log of the last seven days before `until` cannot be read.
    #[must_use]
    pub fn unread_lately(&self, until: Timestamp) -> u64 {
        self.unread(&Interval { from: until.minus(UNREAD_FOR), to: until })
    }

    /// How many rows of the log that may have been created in a stretch cannot be read, so that their events may be missing.
    #[must_use]
    pub fn unread(&self, interval: &Interval) -> u64 {
        let stepped_over = self.stepped_over.iter().filter(|over| meet(&over.interval, interval)).map(|over| over.rows);
        self.unreadable_at.iter().filter(|at| within(interval, at)).count() as u64 + stepped_over.sum::<u64>()
    }
}

/// Whether an instant lies in a stretch.
#[must_use]
pub fn within(interval: &Interval, at: &Timestamp) -> bool {
    interval.from <= *at && *at < interval.to
}

/// Whether two stretches have any time in common.
#[must_use]
pub fn meet(one: &Interval, other: &Interval) -> bool {
    one.from < other.to && other.from < one.to
}
