//! How much of the outbox may be under way, lane by lane.

use std::collections::BTreeMap;

use crate::engine::Timestamp;

/// What is under way, and how much more may be in each lane (see [`Channel::lane`](crate::engine::Channel::lane)).
#[derive(Clone, Debug)]
pub struct Room {
    each: usize,
    /// Deliveries whose result is not recorded yet, with their lanes.
    under_way: BTreeMap<u64, String>,
    /// Lanes that take less than others.
    limits: BTreeMap<String, Limit>,
}

/// What a lane takes that fails, or was asked to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Deliveries at once.
    pub at_once: usize,
    /// Nothing is leased before.
    pub not_before: Timestamp,
    /// Since when the lane has failed, where it does: what waits in it has waited for its receiver since then.
    pub failing_since: Option<Timestamp>,
}

impl Room {
    /// Room for `each` deliveries at once in every lane.
    #[must_use]
    pub fn new(each: usize) -> Self {
        Self { each: each.max(1), under_way: BTreeMap::new(), limits: BTreeMap::new() }
    }

    pub fn enter(&mut self, delivery: u64, lane: String) {
        self.under_way.insert(delivery, lane);
    }

    /// The lane that the delivery was in.
    pub fn leave(&mut self, delivery: u64) -> Option<String> {
        self.under_way.remove(&delivery)
    }

    /// Whether the result of this delivery is still awaited: whatever its lease says, it must not be made again.
    #[must_use]
    pub fn has(&self, delivery: u64) -> bool {
        self.under_way.contains_key(&delivery)
    }

    /// Sets what a lane takes; `None` is as much as any.
    pub fn limit(&mut self, lane: &str, limit: Option<Limit>) {
        match limit {
            Some(limit) => self.limits.insert(lane.to_owned(), limit),
            None => self.limits.remove(lane),
        };
    }

    /// How many more `lane` takes, once it takes any.
    #[must_use]
    pub fn left(&self, lane: &str) -> usize {
        let most = self.limits.get(lane).map_or(self.each, |limit| limit.at_once.min(self.each));
        most.saturating_sub(self.under_way.values().filter(|busy| *busy == lane).count())
    }

    /// When the lane takes deliveries again; long ago where it does.
    #[must_use]
    pub fn opens(&self, lane: &str) -> Timestamp {
        self.limits.get(lane).map_or(Timestamp(i64::MIN), |limit| limit.not_before)
    }

    /// Since when the lane has failed.
    #[must_use]
    pub fn failing_since(&self, lane: &str) -> Option<Timestamp> {
        self.limits.get(lane)?.failing_since
    }
}
