//! How the daemon is, as the store tells it, and what the daemon has told of itself.

use serde::{Deserialize, Serialize};

use super::{LastDelivery, Progress};
use crate::engine::{Position, Timestamp};

/// Stands for the time of a receipt where there was none: what is recovered or read back did not come by itself.
pub const NEVER: Timestamp = Timestamp(0);

/// What the daemon looks at again and again: it costs the same however large the fleet and the journal.
#[derive(Clone, Debug, Default)]
pub struct Vitals {
    pub last_position: Position,
    pub progress: Progress,
    /// No later row has an `at` below this.
    pub reached: Timestamp,
    /// When the daemon last proved that it can commit.
    pub last_commit: Option<Timestamp>,
    /// `at` of the oldest row that is not processed.
    pub oldest_unprocessed: Option<Timestamp>,
    /// Newest receipt by event type, with how many there were; [`NEVER`] where none of them came by itself.
    pub last_by_type: Vec<(String, Timestamp, u64)>,
    /// Since when the message that waits longest has been due.
    pub outbox_oldest: Option<Timestamp>,
    pub last_dead: Option<Timestamp>,
    pub last_delivery: Option<Timestamp>,
}

impl Vitals {
    /// Receipt of the newest webhook.
    #[must_use]
    pub fn last_webhook(&self) -> Option<Timestamp> {
        let came = self.last_by_type.iter().map(|(_, at, _)| *at).filter(|at| *at != NEVER);
        came.max()
    }
}

/// Figures for `status`: [`Vitals`], and counts of what there is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Figures {
    pub last_position: Position,
    pub processed_position: Position,
    /// `at` of the oldest row that is not processed.
    pub oldest_unprocessed: Option<Timestamp>,
    pub last_webhook: Option<Timestamp>,
    /// Newest receipt by event type, with how many there were; of types that never came by themselves the time of the newest
    /// event, or [`NEVER`] where that is long ago.
    pub last_by_type: Vec<(String, Timestamp, u64)>,
    pub devices: u64,
    pub open_alerts: u64,
    pub outbox_waiting: u64,
    pub outbox_oldest: Option<Timestamp>,
    pub dead_letters: u64,
    pub last_dead: Option<Timestamp>,
    pub last_delivery: Option<Timestamp>,
    /// When each receiver was last reached.
    #[serde(default)]
    pub last_by_receiver: Vec<LastDelivery>,
    pub quarantined: u64,
    pub rule_set: String,
    pub database_bytes: u64,
}

/// Something that the self-watch has told and not taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What it is about; one of each.
    pub name: String,
    pub since: Timestamp,
    pub summary: String,
}

/// A change of what the self-watch has told.
#[derive(Clone, Debug)]
pub enum Telling {
    Begins(Told),
    Ends { name: String },
}
