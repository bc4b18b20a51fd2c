//! What the ledger of deliveries tells, and what can be asked of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{DeliveryState, Root};
use crate::engine::{Notification, Timestamp};

/// The outcome of one attempt to deliver.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub delivery: u64,
    /// When it ended.
    pub at: Timestamp,
    pub took: Duration,
    pub result: AttemptResult,
    /// Where it was given up: what a fallback hears in its place, added in the same commit.
    pub stand_ins: Vec<Notification>,
}

#[derive(Clone, Debug)]
pub enum AttemptResult {
    /// Accepted by the other side; `reply` is what it said, shortened. `refused` says what of it was not, `rest` by which of
    /// several addresses: these become deliveries of their own. `root` is what the group's messages hang on from now on,
    /// where that has changed.
    Delivered { reply: String, refused: Option<String>, rest: Vec<Rest>, root: Option<Root> },
    /// Nothing was sent, and nothing need be.
    Needless { why: String },
    /// To be tried again then.
    Retry { at: Timestamp, error: String },
    /// Given up. Appends a [`DeliveryFailed`](crate::store::Entry::DeliveryFailed) row where the delivery belongs to a group.
    Dead { error: String },
}

/// What became of one attempt to deliver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    Accepted,
    /// To be tried again.
    PutOff,
    /// The last one: refused for good, or patience was at its end.
    GivenUp,
    /// The daemon ended before the answer was recorded, so the message may have arrived.
    Unknown,
}

/// One attempt, as it was recorded with its result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptRow {
    pub delivery: u64,
    /// From 1.
    pub number: u32,
    /// When it began.
    pub at: Timestamp,
    /// Milliseconds until its answer.
    pub took: u64,
    pub outcome: AttemptOutcome,
    /// What the other side said or what went wrong, shortened, without addresses.
    pub answer: String,
}

/// Which deliveries to read; every field narrows.
#[derive(Clone, Debug, Default)]
pub struct DeliveryFilter {
    pub id: Option<u64>,
    pub alert: Option<u64>,
    pub state: Option<DeliveryState>,
    pub receiver: Option<String>,
    pub limit: usize,
}

/// A leased delivery that does not go as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Amendment {
    pub delivery: u64,
    pub becomes: Amended,
}

/// What becomes of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Amended {
    /// It is due in these words.
    Changed(Box<Notification>),
    /// It is given up for this reason.
    Over(String),
    /// It cannot be judged yet.
    Later,
}

/// Addresses that did not get a message which others of its addresses got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rest {
    pub addresses: Vec<String>,
    pub error: String,
    /// When they are tried again; `None` where they refused it for good.
    pub next_attempt_at: Option<Timestamp>,
}

/// Parts the key of a message from what says that it is only for the rest of its addresses.
const REST: char = '/';

/// The key of the rest of a message.
#[must_use]
pub fn key_of_rest(key: &str, rest: &Rest) -> String {
    format!("{key}{REST}{}", if rest.next_attempt_at.is_some() { "put off" } else { "refused" })
}

/// Whether a message is for the rest of another's addresses.
#[must_use]
pub fn is_rest(key: &str) -> bool {
    key.contains(REST)
}

/// The key of the message that a key is, or that it is the rest of.
#[must_use]
pub fn whole(key: &str) -> &str {
    key.split(REST).next().unwrap_or(key)
}

/// When a receiver was last reached over one way out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastDelivery {
    pub receiver: String,
    /// The way out, as [`Channel::lane`](crate::engine::Channel::lane) names it.
    pub lane: String,
    pub at: Timestamp,
}

/// Messages of one receiver that have waited for too long.
#[derive(Clone, Debug)]
pub struct Overdue {
    pub receiver: String,
    /// Those due at or before this instant that have failed at least once.
    pub due_until: Timestamp,
    /// Lanes in which those count that could not even be tried.
    pub closed_lanes: Vec<String>,
    pub now: Timestamp,
}

/// What is to be sent again.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Resend {
    /// These deliveries; where there are none, all that were given up.
    pub ids: Vec<u64>,
    /// Of this receiver alone.
    pub receiver: Option<String>,
    /// Given up this long ago at most.
    pub within: Option<Duration>,
    /// Also what was not given up.
    pub force: bool,
}

/// A delivery, and the one that repeats it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resent {
    pub from: u64,
    pub id: u64,
}

/// Why nothing was sent again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotResent {
    #[error("there is no message {0}; `pulsewarden deliveries` lists them")]
    Unknown(u64),
    #[error("message {id} was not given up: it is {state}; --force sends it again all the same")]
    NotDead { id: u64, state: &'static str },
    #[error("message {by} tells again what message {id} told; --force sends it again all the same")]
    Told { id: u64, by: u64 },
    #[error("message {id} cannot be sent again: {why}")]
    Impossible { id: u64, why: String },
}
