//! Readings as Impilo sends them.

use super::Device;
use crate::engine::Timestamp;
use crate::simulate::catalog::Measure;
use crate::simulate::chance::Chance;
use crate::simulate::told::{Body, Told};
use crate::simulate::truth::Problem;
use crate::simulate::world::World;

const FIRST_READING: u64 = 880_000_000;

impl Device {
    /// A reading that was taken at `taken`, with all that its model measures.
    pub(super) fn tell_reading(&mut self, taken: Timestamp, world: &World, told: &mut Told) {
        let mut chance = self.chance.fork();
        let manual = self.chance.happens(0.02);
        // What somebody types in says nothing of the device.
        if manual {
            self.skipping_since.get_or_insert(told.now);
        } else {
            if taken > self.seen.1 {
                self.seen = ("reading", taken);
            }
            self.skipping_since = None;
            if !self.idle {
                self.troubles.end(Problem::StoppedMeasuring, told);
            }
        }
        let Some(measure) = self.model().measure else { return };
        let kinds: &[&'static str] = match measure {
            Measure::BloodPressure => &["reading.bloodPressure"],
            Measure::Weight => &["reading.weight"],
            Measure::BloodGlucose => &["reading.bloodGlucose"],
            Measure::BloodOxygen => &["reading.bloodOxygen"],
            Measure::Temperature => &["reading.temperature"],
            Measure::PeakFlow => &["reading.peakFlow"],
            Measure::Sleep => &["reading.sleepMatActivity", "reading.sleepMatDuration"],
        };
        for kind in kinds {
            self.readings += 1;
            let id = FIRST_READING + self.place * 1_000_000 + self.readings;
            told.webhook(kind, |body| {
                body.add(r#"{"id":"#).show(id);
                body.add(r#","readingTimestamp":"#).time(taken).add(r#","manual":"#).show(manual);
                let zone = world.sites[self.site].zone;
                body.add(r#","deviceTimeZoneOffset":"#).show(zone).add(r#","patientTimeZoneOffset":"#).show(zone);
                values(kind, taken, &mut chance, body);
                body.add(r#","patient":"#).add(if self.associated { &self.patient.json } else { "null" });
                body.add(r#","item":"#).add(&world.items[self.model]);
                body.add(r#","device":"#);
                self.write(world, body);
                if measure == Measure::Weight {
                    body.add(r#","site":"#).add(&world.sites[self.site].json);
                }
                body.add("}");
            });
        }
    }
}

fn values(kind: &str, taken: Timestamp, chance: &mut Chance, body: &mut Body) {
    match kind {
        "reading.bloodPressure" => {
            body.add(r#","systolic":"#).show(chance.number(104..=168)).add(r#","diastolic":"#);
            body.show(chance.number(62..=102)).add(r#","heartRate":"#).show(chance.number(52..=96));
            body.add(r#","systolicUnit":"mmhg","diastolicUnit":"mmhg","heartRateUnit":"bpm""#);
        }
        "reading.weight" => {
            body.add(r#","weight":"#).show(chance.number(115..=290)).add(".").show(chance.number(0..=9));
            body.add(r#","weightUnit":"lbs""#);
        }
        "reading.bloodGlucose" => {
            let before = chance.happens(0.6);
            body.add(r#","glucose":"#).show(chance.number(72..=240)).add(r#","glucoseUnit":"mgdl","beforeMeal":"#);
            body.show(before).add(r#","afterMeal":"#).show(!before);
        }
        "reading.bloodOxygen" => {
            body.add(r#","bloodOxygen":"#).show(chance.number(88..=99)).add(r#","heartRate":"#);
            body.show(chance.number(52..=104)).add(r#","bloodOxygenUnit":"spo2","heartRateUnit":"bpm""#);
        }
        "reading.temperature" => {
            body.add(r#","temperature":"#).show(chance.number(97..=100)).add(".").show(chance.number(0..=9));
            body.add(r#","temperatureUnit":"F""#);
        }
        "reading.peakFlow" => {
            body.add(r#","peakExpiratoryFlow":"#).show(chance.number(240..=560)).add(r#".5,"peakExpiratoryFlowUnit":"#);
            body.add(r#""lpm","forcedExpiratoryVolume":"#).show(chance.number(1..=3)).add(".");
            body.show(chance.number(1..=9)).add(r#","forcedExpiratoryVolumeUnit":"lps""#);
        }
        _ => {
            body.add(r#","respiration":"#).show(chance.number(11..=19)).add(r#","heartRate":"#);
            body.show(chance.number(48..=76)).add(r#","bodyTurnOver":"#).show(chance.number(3..=22));
            body.add(r#","duration":"21:00~05:00""#);
            night(kind, taken, chance, body);
        }
    }
}

/// What the two readings of a night do not have in common.
fn night(kind: &str, taken: Timestamp, chance: &mut Chance, body: &mut Body) {
    if kind == "reading.sleepMatDuration" {
        body.add(r#","rem":"#).show(chance.number(50..=120)).add(r#","deepSleep":"#).show(chance.number(40..=110));
        body.add(r#","lightSleep":"#).show(chance.number(180..=330));
    } else if let Some(day) = taken.to_utc().map(|at| at.date_naive()) {
        let minutes = (chance.number(0..=59), chance.number(0..=59));
        let evening = day.pred_opt().unwrap_or(day);
        body.add(r#","bedTime":[""#).show(evening).add("/21:").show(format_args!("{:02}", minutes.0));
        body.add(r#""],"getUpTime":[""#).show(day).add("/04:").show(format_args!("{:02}", minutes.1)).add(r#""]"#);
    }
}
