//! A lane that fails as a whole: then one delivery at a time finds out whether it is back, and the others wait untried.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::Delivery;
use crate::engine::Timestamp;
use crate::store::Limit;

/// So many different deliveries in a row must fail before the lane counts as failing.
const FAILURES: usize = 5;

/// The longest wait before a probe, however slowly single messages are tried again.
const LONGEST_PROBE: Duration = Duration::from_secs(5 * 60);

/// The wait before the first probe of a lane that fails, and before any; it doubles in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    first: Duration,
    longest: Duration,
}

impl Pace {
    /// As messages are tried again, and at least every five minutes.
    #[must_use]
    pub fn of(settings: &Delivery) -> Self {
        let first = settings.retry_first.min(LONGEST_PROBE);
        Self { first, longest: settings.retry_max.min(LONGEST_PROBE).max(first) }
    }
}

/// What an attempt tells of the lane that it was made in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// The other side took the message, or had something to say about it.
    Alive,
    /// Nobody there, no answer, or an answer that is not about this message.
    Failed,
    /// Nothing is to come before then.
    Hold(Timestamp),
}

/// What is known of one lane. [`Lane::default`] is one that works.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lane {
    /// Different deliveries that failed since the last sign of life, [`FAILURES`] at most.
    failed: Vec<u64>,
    /// When the first of them did.
    since: Option<Timestamp>,
    failing: Option<Failing>,
    /// It was asked to wait until then, and no delivery has been accepted since.
    held_until: Option<Timestamp>,
}

/// A lane in which every delivery would fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Failing {
    next_probe: Timestamp,
    /// Before the probe after that.
    wait: Duration,
}

impl Lane {
    /// The lane once an attempt has told something of it.
    #[must_use]
    pub fn after(&self, delivery: u64, sign: Sign, now: Timestamp, pace: Pace) -> Self {
        match sign {
            Sign::Alive => Self::default(),
            Sign::Hold(until) => {
                let held_until = self.held_until.map_or(until, |before| before.max(until));
                Self { held_until: Some(held_until), ..Self::default() }
            }
            Sign::Failed => self.failed_again(delivery, now, pace),
        }
    }

    fn failed_again(&self, delivery: u64, now: Timestamp, pace: Pace) -> Self {
        let mut lane = self.clone();
        lane.since = lane.since.or(Some(now));
        if lane.failed.len() < FAILURES && !lane.failed.contains(&delivery) {
            lane.failed.push(delivery);
        }
        lane.failing = match lane.failing {
            None if lane.failed.len() < FAILURES => None,
            None => Some(Failing { next_probe: now.plus(pace.first), wait: pace.first }),
            // What was under way when the lane failed comes back late, and is no probe.
            Some(failing) if now < failing.next_probe => Some(failing),
            Some(Failing { wait, .. }) => {
                let wait = wait.saturating_mul(2).min(pace.longest);
                Some(Failing { next_probe: now.plus(wait), wait })
            }
        };
        lane
    }

    /// What it takes; `None` where that is as much as any.
    #[must_use]
    pub fn limit(&self) -> Option<Limit> {
        let not_before = self.failing.map(|failing| failing.next_probe).max(self.held_until)?;
        Some(Limit { at_once: 1, not_before, failing_since: self.failing_since() })
    }

    fn failing_since(&self) -> Option<Timestamp> {
        self.since.filter(|_| self.failing.is_some())
    }

    /// The lane after what it needs has changed: it is probed at once.
    fn to_be_probed(&self, now: Timestamp) -> Self {
        let failing = self.failing.map(|failing| Failing { next_probe: failing.next_probe.min(now), ..failing });
        Self { failing, ..self.clone() }
    }
}

/// A lane that does not take deliveries as it should.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneState {
    /// As [`Channel::lane`](crate::engine::Channel::lane) names it.
    pub lane: String,
    /// Since when every delivery has failed; `None` where the other side only asked for time.
    pub failing_since: Option<Timestamp>,
    /// Nothing is tried before.
    pub next_attempt_at: Timestamp,
}

/// What has changed of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Nothing,
    Failing,
    Held(Timestamp),
    Back,
}

/// Every lane that there is something to know of. It begins anew with each start: the first attempts tell soon enough.
#[derive(Debug, Default)]
pub struct Lanes(Mutex<BTreeMap<String, Lane>>);

impl Lanes {
    /// The lanes that do not take deliveries as they should.
    #[must_use]
    pub fn troubled(&self) -> Vec<LaneState> {
        let lanes = self.lanes();
        let state = |(name, lane): (&String, &Lane)| {
            let limit = lane.limit()?;
            let (failing_since, next_attempt_at) = (limit.failing_since, limit.not_before);
            Some(LaneState { lane: name.clone(), failing_since, next_attempt_at })
        };
        lanes.iter().filter_map(state).collect()
    }

    pub(super) fn hear(
        &self,
        name: &str,
        delivery: u64,
        sign: Sign,
        now: Timestamp,
        pace: Pace,
    ) -> (Option<Limit>, Change) {
        let mut lanes = self.lanes();
        let before = lanes.remove(name).unwrap_or_default();
        let after = before.after(delivery, sign, now, pace);
        let change = match (before.failing, after.failing) {
            (None, Some(_)) => Change::Failing,
            (Some(_), None) => Change::Back,
            _ => match (before.held_until, after.held_until) {
                (None, Some(until)) => Change::Held(until),
                _ => Change::Nothing,
            },
        };
        let limit = after.limit();
        if after != Lane::default() {
            lanes.insert(name.to_owned(), after);
        }
        (limit, change)
    }

    /// Has every lane that fails probed at once; each with what it takes now.
    pub(super) fn probe(&self, now: Timestamp) -> Vec<(String, Option<Limit>)> {
        let mut lanes = self.lanes();
        let probed = |(name, lane): (&String, &mut Lane)| {
            *lane = lane.to_be_probed(now);
            (name.clone(), lane.limit())
        };
        lanes.iter_mut().map(probed).collect()
    }

    fn lanes(&self) -> MutexGuard<'_, BTreeMap<String, Lane>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace { first: Duration::from_secs(30), longest: LONGEST_PROBE };

    fn at(seconds: i64) -> Timestamp {
        Timestamp(seconds * 1000)
    }

    /// The lane after these deliveries have failed, one a second.
    fn failed(deliveries: &[u64]) -> Lane {
        deliveries
            .iter()
            .zip(1..)
            .fold(Lane::default(), |lane, (id, second)| lane.after(*id, Sign::Failed, at(second), PACE))
    }

    fn not_before(lane: &Lane) -> Option<i64> {
        lane.limit().map(|limit| limit.not_before.0 / 1000)
    }

    #[test]
    fn it_takes_five_different_deliveries_in_a_row() {
        assert_eq!(failed(&[1, 2, 3, 4]).limit(), None);
        assert_eq!(failed(&[1, 1, 1, 1, 1, 1]).limit(), None, "one that fails again and again says nothing of others");
        let alive = failed(&[1, 2, 3, 4]).after(9, Sign::Alive, at(4), PACE);
        assert_eq!(alive.after(5, Sign::Failed, at(5), PACE).limit(), None);
        let limit = failed(&[1, 2, 3, 4, 5]).limit().unwrap();
        assert_eq!((limit.at_once, limit.not_before, limit.failing_since), (1, at(35), Some(at(1))));
    }

    #[test]
    fn probes_come_at_growing_intervals_and_the_first_success_ends_it() {
        let mut lane = failed(&[1, 2, 3, 4, 5]);
        let mut waits = Vec::new();
        for probe in 0..6 {
            let now = lane.limit().unwrap().not_before;
            lane = lane.after(probe, Sign::Failed, now, PACE);
            waits.push(lane.limit().unwrap().not_before.since(now).as_secs());
        }
        assert_eq!(waits, [60, 120, 240, 300, 300, 300]);
        assert_eq!(lane.after(1, Sign::Alive, at(9999), PACE), Lane::default());
    }

    #[test]
    fn what_was_under_way_when_it_failed_is_no_probe() {
        let mut lane = failed(&[1, 2, 3, 4, 5]);
        for late in 6..20 {
            lane = lane.after(late, Sign::Failed, at(10), PACE);
        }
        assert_eq!(not_before(&lane), Some(35));
    }

    #[test]
    fn a_lane_that_is_asked_to_wait_waits_and_then_goes_one_by_one() {
        let held = Lane::default().after(1, Sign::Hold(at(60)), at(0), PACE).after(2, Sign::Hold(at(40)), at(1), PACE);
        let limit = held.limit().unwrap();
        assert_eq!((limit.at_once, limit.not_before, limit.failing_since), (1, at(60), None));
        assert_eq!(held.after(1, Sign::Alive, at(61), PACE).limit(), None);
        let answers = failed(&[1, 2, 3, 4, 5]).after(1, Sign::Hold(at(60)), at(40), PACE);
        assert_eq!(answers.limit().unwrap().failing_since, None, "whoever asks for time is there");
        let silent = (1..6).fold(held, |lane, id| lane.after(id, Sign::Failed, at(2), PACE));
        assert_eq!(not_before(&silent), Some(60));
    }

    #[test]
    fn a_change_is_told_once() {
        let lanes = Lanes::default();
        let changes: Vec<Change> = (1..8).map(|id| lanes.hear("email", id, Sign::Failed, at(1), PACE).1).collect();
        let told = |change: Change| changes.iter().filter(|told| **told == change).count();
        assert_eq!((told(Change::Failing), told(Change::Nothing)), (1, 6));
        assert_eq!(lanes.troubled().len(), 1);
        assert_eq!(lanes.probe(at(3))[0].1.unwrap().not_before, at(3));
        assert_eq!(lanes.hear("email", 1, Sign::Alive, at(4), PACE), (None, Change::Back));
        assert_eq!(lanes.hear("slack a", 1, Sign::Hold(at(9)), at(4), PACE).1, Change::Held(at(9)));
        assert_eq!(lanes.hear("slack a", 1, Sign::Alive, at(9), PACE).1, Change::Nothing);
        assert!(lanes.troubled().is_empty());
    }
}
