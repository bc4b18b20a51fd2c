//! What decisions stand on besides subjects and rows.

use serde::{Deserialize, Serialize};

use super::event::Position;
use super::length::Interval;
use super::time::Timestamp;

/// How many stretches without hearing are remembered.
const MOST_BLIND: usize = 1000;

/// What decisions stand on besides subjects and rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Standing {
    /// The row that brought the rule set in force, and its time.
    pub rules_since: Position,
    pub rules_at: Timestamp,
    /// When nothing could be heard: in order, apart from one another.
    pub blind: Vec<Interval>,
}

impl Standing {
    /// Takes in another stretch in which nothing could be heard; those that touch become one.
    pub fn add_blind(&mut self, new: Interval) {
        let mut new = new;
        if new.from >= new.to {
            return;
        }
        self.blind.retain(|known| {
            let apart = known.to < new.from || new.to < known.from;
            if !apart {
                new = Interval { from: known.from.min(new.from), to: known.to.max(new.to) };
            }
            apart
        });
        let place = self.blind.partition_point(|known| known.from < new.from);
        self.blind.insert(place, new);
        // What lies further back than any deadline reaches need not be remembered.
        if self.blind.len() > MOST_BLIND {
            self.blind.remove(0);
        }
    }
}
