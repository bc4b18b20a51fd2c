//! What becomes of a stretch in which nothing could be heard: it is recovered or not, and told in one message.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::length::Interval;

/// Impilo tries a delivery again for 105 minutes (documented), and its job may run late (inferred): what failed longer ago than
/// this does not come by itself.
pub const SENT_AGAIN_FOR: Duration = Duration::from_secs(2 * 60 * 60);

/// How long after its return what was held for an outage goes at the latest.
pub(super) const RETURNS_WITHIN: Duration = Duration::from_secs(15 * 60);

/// A row of the journal about such a stretch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "recovery", rename_all = "snake_case")]
pub enum Recovery {
    /// The daemon did not run in this stretch, and is back at its end. What was due in it is told in one message.
    Begun { interval: Interval },
    /// All that came in this stretch is in the journal: it counts as heard.
    Healed { interval: Interval },
    /// The daemon has done what it could after it was away.
    Ended { outage: Outage },
}

/// Time in which the daemon was away, and what came of looking for what it missed. Holds nothing protected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    pub interval: Interval,
    /// Events taken from Impilo's log.
    pub recovered: u64,
    /// Rows of the log that could not be read.
    pub unreadable: u64,
    /// Rows of the log for other addresses, where there was none for ours.
    #[serde(default)]
    pub others: u64,
    /// Why it is not certain that nothing is missing; `None` where all of it was recovered.
    pub lacks: Option<Lack>,
    /// It was recovered after it had been told that it could not be.
    #[serde(default)]
    pub late: bool,
}

/// Why a stretch could not be recovered in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lack {
    /// Impilo's log is not asked: there is no API key, or no `public_url` that tells which rows are ours.
    NotConfigured,
    /// Impilo refuses the API key.
    Refused,
    /// Impilo's log could not be read in time; it is tried again.
    Unreachable,
    /// Rows of the log are in no form that can be read.
    Unreadable,
    /// All rows of the log are for other addresses than ours.
    Elsewhere,
    /// No subscription leads here, and no row of the log is for us.
    NotSubscribed,
    /// Rows of the log do not tell whose they are.
    Untold,
    /// It lies further back than the log is read, or than it reaches.
    OutOfReach,
}

impl Outage {
    /// Whether something may be missing that Impilo does not send again by itself.
    #[must_use]
    pub fn may_lack(&self) -> bool {
        self.lacks.is_some() && self.interval.to.since(self.interval.from) > SENT_AGAIN_FOR
    }
}
