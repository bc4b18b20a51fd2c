//! What is heard of a device that works: readings and health checks, while its patient keeps measuring.

use std::time::Duration;

use super::{Device, Due, Whereabouts};
use crate::engine::Timestamp;
use crate::simulate::chance::{DAY, HOUR, MINUTE, millis};
use crate::simulate::told::Told;
use crate::simulate::truth::Problem;
use crate::simulate::world::World;

/// How far a measurement may lie from the hour at which its patient measures.
const LEEWAY: Duration = Duration::from_secs(35 * 60);
/// Whoever has forgotten to measure for so long no longer measures.
const LAPSE: Duration = DAY.saturating_mul(6);

impl Device {
    /// Sets the next time to measure: the next of the model's hours where the patient lives.
    pub(super) fn plan_measuring(&mut self, world: &World, now: Timestamp) {
        let hours = self.model().hours;
        let Some(first) = hours.first() else { return };
        let zone = world.sites[self.site].zone * 1000;
        let length = i64::try_from(millis(DAY)).unwrap_or(i64::MAX);
        let local = now.0 + zone;
        let midnight = Timestamp(local - local.rem_euclid(length) - zone);
        // What was measured early is not due again.
        let after = now.plus(LEEWAY);
        let later = hours.iter().map(|hour| midnight.plus(hours_of(*hour))).find(|at| *at > after);
        let hour = later.unwrap_or_else(|| midnight.plus(DAY + hours_of(*first)));
        self.agenda.set(Due::Measure, hour.minus(LEEWAY).plus(self.chance.about(LEEWAY)));
    }

    pub(super) fn measure(&mut self, world: &World, told: &mut Told) {
        self.plan_measuring(world, told.now);
        if self.idle || self.battery.is_flat {
            self.skipping_since = None;
            return;
        }
        if !self.chance.happens(self.patient.diligence) {
            return self.skip(told.now);
        }
        if self.untouched {
            self.untouched = false;
            self.troubles.end(Problem::NeverUsed, told);
        }
        self.used = true;
        if !self.is_online(told.now) {
            self.skipping_since = None;
            self.kept = Some(told.now);
            if !self.radio.is_silent() {
                let sent = self.outage.until.plus(self.chance.about(MINUTE * 10));
                self.agenda.set(Due::Upload, sent);
            }
        } else if self.chance.happens(0.015) {
            self.kept = Some(told.now);
            self.agenda.set(Due::Upload, told.now.plus(self.chance.between(MINUTE * 20, HOUR * 5)));
        } else {
            self.send_reading(world, told);
            if self.chance.happens(self.model().repeats) {
                self.agenda.set(Due::Repeat, told.now.plus(self.chance.between(MINUTE, MINUTE * 4)));
            }
        }
    }

    /// Whoever forgets it once forgets it again, some for a week.
    fn skip(&mut self, now: Timestamp) {
        let since = *self.skipping_since.get_or_insert(now);
        if self.associated && !self.untouched && now.since(since) >= LAPSE {
            self.begins(Problem::StoppedMeasuring, since);
        }
    }

    pub(super) fn repeat(&mut self, world: &World, told: &mut Told) {
        if self.is_online(told.now) && !self.battery.is_flat {
            self.send_reading(world, told);
        }
    }

    fn send_reading(&mut self, world: &World, told: &mut Told) {
        let taken = told.now.minus(self.chance.between(MINUTE / 20, MINUTE));
        self.tell_reading(taken, world, told);
    }

    /// Sends what was measured while there was no way out.
    pub(super) fn upload(&mut self, world: &World, told: &mut Told) {
        if self.battery.is_flat || !self.is_online(told.now) {
            return;
        }
        if let Some(taken) = self.kept.take() {
            self.tell_reading(taken, world, told);
        }
    }

    pub(super) fn check_in(&mut self, world: &World, told: &mut Told) {
        let period = self.model().check;
        let wait = match self.whereabouts {
            Whereabouts::WithPatient => self.chance.between(period * 9 / 10, period * 11 / 10),
            _ => self.chance.between(period * 2, period * 4),
        };
        self.agenda.set(Due::Check, told.now.plus(wait));
        if self.battery.is_flat || !self.is_online(told.now) {
            return;
        }
        self.seen = ("healthcheck", told.now.minus(self.chance.between(MINUTE / 300, MINUTE / 4)));
        self.tell("device.healthcheck", world, told);
    }

    /// Whether what the device sends gets out.
    fn is_online(&self, now: Timestamp) -> bool {
        !self.radio.is_silent() && !(self.outage.from..self.outage.until).contains(&now)
    }

    /// When the patient's habit of measuring ends, or begins again.
    pub(super) fn plan_habit(&mut self, now: Timestamp) {
        let changes = [self.patient.stops_at, self.patient.resumes_at].into_iter().flatten();
        if let Some(at) = changes.filter(|at| *at > now).min() {
            self.agenda.set(Due::Habit, at);
        }
        let passed = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
        self.idle = passed(self.patient.stops_at) && !passed(self.patient.resumes_at);
        if self.idle && self.model().measure.is_some() && !self.untouched {
            self.begins(Problem::StoppedMeasuring, now);
        }
    }

    pub(super) fn habit_step(&mut self, told: &mut Told) {
        self.plan_habit(told.now);
        if !self.idle {
            self.troubles.end(Problem::StoppedMeasuring, told);
        }
    }
}

fn hours_of(number: u64) -> Duration {
    Duration::from_secs(number * 3600)
}
