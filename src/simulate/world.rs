//! What the fleet lives in: sites with their patients' households, failures of coverage, bad batches of batteries.
//!
//! All of it follows from the seed and from a device's place in the fleet, never from how many devices there are. So a
//! device lives the same life in a fleet of ten and of ten thousand.

use std::time::Duration;

use super::Plan;
use super::catalog::{self, COMMON_WITH_BATTERY, MODELS};
use super::chance::{Chance, DAY, HOUR, millis, spread};
use super::told::Body;
use crate::engine::{SubjectKind, Timestamp};

const FIRST_SITE: u64 = 3_000;

/// How many devices of two hundred, counted together, belong to the sites up to this one.
const SITE_ENDS: [u64; 5] = [12, 37, 75, 130, 200];
/// Of seven devices, the first of the same household.
const HOUSEHOLDS: [u64; 7] = [0, 0, 2, 3, 4, 4, 4];

const FIRST_NAMES: [&str; 12] = [
    "Ashgrove",
    "Bellweather",
    "Corrin",
    "Dunmore",
    "Elkhart",
    "Fairbourne",
    "Garrow",
    "Hazelby",
    "Ivywood",
    "Juniper Hollow",
    "Kestrel Bay",
    "Larchmere",
];
const LAST_NAMES: [&str; 7] =
    ["Cardiology", "Heart Clinic", "Diabetes Care", "Family Practice", "Renal", "Pulmonary", "Home Health"];
pub(super) const TOWNS: [(&str, &str, &str); 6] = [
    ("Albany", "NY", "12205"),
    ("Troy", "NY", "12180"),
    ("Golden", "CO", "80401"),
    ("Pueblo", "CO", "81003"),
    ("Duluth", "MN", "55802"),
    ("Eureka", "CA", "95501"),
];
/// The time zones of the towns, in hours from UTC.
const ZONES: [i64; 6] = [-5, -5, -7, -7, -6, -8];

/// One failure of a site's coverage is drawn for each of these spans, or none.
const OUTAGE_PERIOD: Duration = DAY.saturating_mul(30);
/// One model has a bad batch in each of these spans.
const DEFECT_PERIOD: Duration = DAY.saturating_mul(60);

/// A clinic that cares for patients.
#[derive(Clone, Debug)]
pub(super) struct Site {
    pub id: u64,
    /// As Impilo's Site.
    pub json: String,
    /// Its town, by place in [`TOWNS`].
    pub town: usize,
    /// How far its clocks are from UTC, in seconds.
    pub zone: i64,
    /// How many of its patients live where coverage is poor.
    pub poor_coverage: f64,
}

/// A time in which something holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub from: Timestamp,
    pub until: Timestamp,
}

/// A bad batch of one model: which, and in which time it shows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Defect {
    /// The model's place in the catalog.
    pub model: usize,
    pub window: Window,
}

#[derive(Clone, Debug)]
pub(super) struct World {
    pub seed: u64,
    pub begin: Timestamp,
    pub end: Timestamp,
    pub sites: Vec<Site>,
    /// The models of the catalog, each as Impilo's Item.
    pub items: Vec<String>,
}

impl World {
    pub fn new(plan: &Plan) -> Self {
        let seed = spread(plan.seed);
        let sites = match plan.devices.checked_sub(1) {
            Some(last) => (0..=site_of(last)).map(|place| site(seed, place as u64)).collect(),
            None => Vec::new(),
        };
        let end = plan.begin.plus(DAY.saturating_mul(plan.days));
        Self { seed, begin: plan.begin, end, sites, items: MODELS.iter().map(catalog::item).collect() }
    }

    /// The failure of a site's coverage that is under way at `at`, or the next one.
    pub fn outage(&self, site: usize, at: Timestamp) -> Window {
        let mut period = self.period(OUTAGE_PERIOD, at);
        loop {
            if let Some(window) = self.outage_in(site, period)
                && window.until > at
            {
                return window;
            }
            period += 1;
        }
    }

    fn outage_in(&self, site: usize, period: u64) -> Option<Window> {
        let mut chance = Chance::of_subject(self.seed, SubjectKind::Site, site as u64 ^ (period << 32));
        chance.happens(0.5).then(|| {
            let begin = self.begin.plus(OUTAGE_PERIOD.saturating_mul(u32::try_from(period).unwrap_or(u32::MAX)));
            let from = begin.plus(chance.between(DAY, OUTAGE_PERIOD - DAY));
            Window { from, until: from.plus(chance.between(HOUR, HOUR * 3)) }
        })
    }

    /// The bad batch that shows at `at`, or the next one.
    pub fn defect(&self, at: Timestamp) -> Defect {
        let mut period = self.period(DEFECT_PERIOD, at);
        loop {
            let defect = self.defect_in(period);
            if defect.window.until > at {
                return defect;
            }
            period += 1;
        }
    }

    fn defect_in(&self, period: u64) -> Defect {
        let mut chance = Chance::of_subject(self.seed, SubjectKind::Item, period);
        let begin = self.begin.plus(DEFECT_PERIOD.saturating_mul(u32::try_from(period).unwrap_or(u32::MAX)));
        let model = usize::try_from(chance.number(0..=COMMON_WITH_BATTERY as u64 - 1)).unwrap_or_default();
        let from = begin.plus(chance.between(DAY * 5, DAY * 30));
        Defect { model, window: Window { from, until: from.plus(DAY * 12) } }
    }

    fn period(&self, length: Duration, at: Timestamp) -> u64 {
        millis(at.since(self.begin)) / millis(length)
    }
}

/// The place, among all sites, of the site that a device belongs to.
pub(super) fn site_of(device: u64) -> usize {
    let (block, within) = (device / 200, device % 200);
    let place = SITE_ENDS.iter().position(|end| within < *end).unwrap_or_default();
    usize::try_from(block).unwrap_or_default() * SITE_ENDS.len() + place
}

/// The place of the first device of the same household.
pub(super) fn household_of(device: u64) -> u64 {
    let within = device % 7;
    device - within + HOUSEHOLDS[usize::try_from(within).unwrap_or_default()]
}

fn site(seed: u64, place: u64) -> Site {
    let id = FIRST_SITE + place;
    let mut chance = Chance::of_subject(seed, SubjectKind::Site, id << 16);
    let town = usize::try_from(place).unwrap_or_default() % TOWNS.len();
    let (city, state, zip) = TOWNS[town];
    let (first, last) = (chance.pick(&FIRST_NAMES), chance.pick(&LAST_NAMES));
    let mut body = Body::default();
    body.add(r#"{"id":"#).show(id).add(r#","name":""#).add(first).add(" ").add(last).add(" ").show(place + 1);
    body.add(r#"","active":true,"phoneNumber":"+1202555"#).show(format_args!("{:04}", id % 10_000));
    body.add(r#"","address":{"lineOne":""#).show(chance.number(1..=900)).add(r#" Prospect Row","city":""#).add(city);
    body.add(r#"","state":""#).add(state).add(r#"","zipCode":""#).add(zip).add(r#"","country":"USA"}}"#);
    let poor_coverage = chance.hundredths(2..=18) / 100.0;
    Site { id, json: body.take(), town, zone: ZONES[town] * 3600, poor_coverage }
}

#[cfg(test)]
mod tests {
    use super::{household_of, site_of};

    #[test]
    fn households_are_small_and_sites_of_many_sizes() {
        let mut households = std::collections::BTreeMap::new();
        let mut sites = std::collections::BTreeMap::new();
        for place in 0..1400 {
            *households.entry(household_of(place)).or_insert(0) += 1;
            *sites.entry(site_of(place)).or_insert(0) += 1;
        }
        assert_eq!(households.len(), 800);
        assert!(households.values().all(|size| (1..=3).contains(size)));
        assert_eq!(sites.len(), 35);
        assert!(sites.values().all(|size| [12, 25, 38, 55, 70].contains(size)));
    }
}
