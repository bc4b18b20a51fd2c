//! What fails in a device: its battery runs low and empty, its radio fades and falls silent.

use std::time::Duration;

use super::{Device, Due};
use crate::engine::Timestamp;
use crate::simulate::catalog::Model;
use crate::simulate::chance::{Chance, DAY, HOUR, MINUTE};
use crate::simulate::told::Told;
use crate::simulate::truth::Problem;
use crate::simulate::world::World;

/// At and below this many percent Impilo warns.
const LOW: f64 = 20.0;
/// Below this the device no longer works.
const EMPTY: f64 = 0.5;
/// Batteries that have to be replaced twice within this time drain too fast.
const DRAINS_WITHIN: Duration = DAY.saturating_mul(45);

/// A battery that runs down evenly.
#[derive(Clone, Debug)]
pub(super) struct Battery {
    /// How full it was at `at`, in percent.
    level: f64,
    at: Timestamp,
    /// How much it loses in a day; nothing on the mains.
    per_day: f64,
    /// How much a good one loses.
    good_per_day: f64,
    pub is_flat: bool,
}

impl Battery {
    pub fn new(model: &Model, chance: &mut Chance, now: Timestamp) -> Self {
        // Some do not hold what they should.
        let wear = if chance.happens(0.04) { 3.0 } else { 1.0 };
        let per_day = model.battery_days.map_or(0.0, |(least, most)| wear * 100.0 / chance.hundredths(least..=most));
        Self { level: chance.hundredths(22..=100), at: now, per_day, good_per_day: per_day, is_flat: false }
    }

    fn level(&self, now: Timestamp) -> f64 {
        (self.level - self.per_day * now.since(self.at).as_secs_f64() / DAY.as_secs_f64()).max(0.0)
    }

    fn set(&mut self, level: f64, per_day: f64, now: Timestamp) {
        *self = Self { level, at: now, per_day, is_flat: false, ..*self };
    }

    /// How long until it is down to `level`.
    fn lasts_to(&self, level: f64, now: Timestamp) -> Duration {
        DAY.mul_f64(((self.level(now) - level) / self.per_day).max(0.0))
    }
}

/// How well a device is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Radio {
    Good,
    /// That many weak signals more, and it falls silent.
    Fading(u64),
    Silent,
}

impl Radio {
    pub fn is_silent(self) -> bool {
        self == Self::Silent
    }
}

impl Device {
    /// A device that is given to a patient has a battery that will do.
    pub(super) fn settle_battery(&mut self, now: Timestamp) {
        if self.battery.is_flat || self.battery.level(now) <= LOW + 1.0 {
            let level = self.chance.hundredths(85..=100);
            self.battery.set(level, self.battery.good_per_day, now);
        }
        self.plan_battery(now);
    }

    /// As good as new, for the next patient.
    pub(super) fn refurbish(&mut self, now: Timestamp) {
        let level = self.chance.hundredths(85..=100);
        self.battery.set(level, self.battery.good_per_day, now);
        self.radio = Radio::Good;
    }

    fn plan_battery(&mut self, now: Timestamp) {
        if self.battery.per_day <= 0.0 {
            return;
        }
        let level = self.battery.level(now);
        let wait = if level > LOW {
            self.battery.lasts_to(LOW, now) + MINUTE
        } else {
            let again = self.chance.between(HOUR * 20, HOUR * 44);
            again.min(self.battery.lasts_to(EMPTY, now) + MINUTE)
        };
        self.agenda.set(Due::Battery, now.plus(wait));
    }

    pub(super) fn battery_step(&mut self, world: &World, told: &mut Told) {
        let now = told.now;
        if self.battery.level(now) <= EMPTY {
            self.battery.is_flat = true;
            self.begins(Problem::FlatBattery, now);
            if !self.agenda.is_set(Due::Replace) {
                self.agenda.set(Due::Replace, now.plus(self.chance.between(DAY * 2, DAY * 20)));
            }
            return;
        }
        if !self.troubles.has(Problem::LowBattery) {
            self.begins(Problem::LowBattery, now);
            if self.low_at.is_some_and(|before| now.since(before) <= DRAINS_WITHIN) {
                self.begins(Problem::BatteryDrains, now);
            }
            self.low_at = Some(now);
            // Most people do it soon, some after a reminder, and some when nothing works any more.
            let wait = match self.chance.number(0..=99) {
                0..45 => Some(self.chance.between(DAY / 2, DAY * 5)),
                45..75 => Some(self.chance.between(DAY * 5, DAY * 14)),
                _ => None,
            };
            if let Some(wait) = wait {
                self.agenda.set(Due::Replace, now.plus(wait));
            }
        }
        self.tell_battery(world, told);
        self.plan_battery(now);
    }

    pub(super) fn replace_battery(&mut self, world: &World, told: &mut Told) {
        let level = self.chance.hundredths(90..=100);
        self.battery.set(level, self.battery.good_per_day, told.now);
        self.troubles.end(Problem::LowBattery, told);
        self.troubles.end(Problem::FlatBattery, told);
        if self.chance.happens(0.6) {
            self.tell_battery(world, told);
        }
        self.plan_battery(told.now);
    }

    fn tell_battery(&self, world: &World, told: &mut Told) {
        if self.radio.is_silent() {
            return;
        }
        let level = self.battery.level(told.now).ceil();
        told.webhook("device.lowBattery", |body| {
            body.add(r#"{"batteryPercentage":"#).show(level).add(r#","device":"#);
            self.write(world, body);
            body.add("}");
        });
    }

    /// A bad batch shows: nearly half of its model's devices run down within days.
    pub(super) fn defect_step(&mut self, world: &World, told: &mut Told) {
        let now = told.now;
        let defect = world.defect(now);
        if self.associated && defect.model == self.model && self.chance.happens(0.45) && !self.battery.is_flat {
            let level = self.chance.hundredths(21..=30).min(self.battery.level(now));
            let per_day = self.chance.hundredths(8..=20);
            self.battery.set(level, per_day, now);
            self.plan_battery(now);
        }
        let next = world.defect(defect.window.until).window.from;
        self.agenda.set(Due::Defect, next.plus(self.chance.between(HOUR, DAY * 5)));
    }

    pub(super) fn settle_radio(&mut self, world: &World, now: Timestamp) {
        self.radio = Radio::Good;
        self.plan_fading(now);
        self.plan_weak_moment(now);
        self.outage = world.outage(self.site, now);
        self.plan_outage();
    }

    /// The device does not come on: nothing is heard of it until somebody helps.
    pub(super) fn stay_dark(&mut self, since: Timestamp, now: Timestamp) {
        self.radio = Radio::Silent;
        self.begins(Problem::NeverHeard, since);
        self.agenda.set(Due::Radio, now.plus(self.chance.between(DAY * 8, DAY * 30)));
    }

    fn plan_fading(&mut self, now: Timestamp) {
        let mean = if self.patient.poor_coverage { DAY * 45 } else { DAY * 160 };
        let wait = self.chance.between(DAY, mean * 2);
        self.agenda.set(Due::Radio, now.plus(wait));
    }

    fn plan_weak_moment(&mut self, now: Timestamp) {
        let wait = match self.patient.poor_coverage {
            true => self.chance.between(HOUR * 3, HOUR * 30),
            false => self.chance.about(DAY * 50),
        };
        self.agenda.set(Due::Weak, now.plus(wait));
    }

    pub(super) fn weak_moment(&mut self, world: &World, told: &mut Told) {
        self.plan_weak_moment(told.now);
        if !self.battery.is_flat && !self.radio.is_silent() {
            if self.patient.poor_coverage {
                self.begins(Problem::WeakCoverage, told.now);
            }
            self.tell("device.weakSignal", world, told);
        }
    }

    pub(super) fn radio_step(&mut self, world: &World, told: &mut Told) {
        let now = told.now;
        let wait = match self.radio {
            Radio::Good => {
                // One in three falls silent without a word before.
                let signals = self.chance.number(0..=5).saturating_sub(1);
                self.radio = Radio::Fading(signals);
                if signals > 0 {
                    self.begins(Problem::FadingRadio, now);
                }
                MINUTE
            }
            Radio::Fading(0) => {
                self.radio = Radio::Silent;
                self.troubles.end(Problem::FadingRadio, told);
                self.begins(Problem::Silent, now);
                self.wonder(now);
                self.chance.between(DAY * 2, DAY * 24)
            }
            Radio::Fading(left) => {
                self.radio = Radio::Fading(left - 1);
                if !self.battery.is_flat {
                    self.tell("device.weakSignal", world, told);
                }
                self.chance.between(MINUTE * 20, HOUR * 5)
            }
            Radio::Silent => {
                self.radio = Radio::Good;
                self.troubles.end(Problem::Silent, told);
                self.troubles.end(Problem::NeverHeard, told);
                self.agenda.set(Due::Check, now.plus(self.chance.between(MINUTE / 60, MINUTE)));
                if self.kept.is_some() {
                    self.agenda.set(Due::Upload, now.plus(self.chance.between(MINUTE, MINUTE * 5)));
                }
                self.plan_fading(now);
                return;
            }
        };
        self.agenda.set(Due::Radio, now.plus(wait));
    }

    /// When the coverage of its site fails, most devices there say that their signal is weak; nothing else gets out.
    pub(super) fn outage_step(&mut self, world: &World, told: &mut Told) {
        if told.now < self.outage.until {
            if !self.battery.is_flat && !self.radio.is_silent() && self.chance.happens(0.8) {
                self.tell("device.weakSignal", world, told);
            }
            self.agenda.set(Due::Outage, self.outage.until);
        } else {
            self.outage = world.outage(self.site, told.now);
            self.plan_outage();
        }
    }

    fn plan_outage(&mut self) {
        let noticed = self.outage.from.plus(self.chance.between(MINUTE, MINUTE * 45));
        self.agenda.set(Due::Outage, noticed);
    }
}
