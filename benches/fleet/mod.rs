//! An endless stream of webhooks to measure with: a large fleet, every device with a patient of its own.

mod cast;

use pulsewarden::engine::Timestamp;
use serde_json::{Value, json};

use cast::{Device, MODELS, PEOPLE, Person, Site, device, reading};

/// Devices of the stream have ids from here on.
const FIRST_DEVICE: u64 = 100_000;
const FIRST_PATIENT: u64 = 500_000;
const FIRST_SITE: u64 = 3_000;

/// 5 January 2026, noon UTC; each webhook of the stream lies a second after the one before.
const BEGIN: i64 = 1_767_614_400_000;

const SITES: [&str; 8] = [
    "Ashgrove Cardiology",
    "Bellweather Heart",
    "Corrin Diabetes Care",
    "Dunmore Family Practice",
    "Elkhart Renal",
    "Fairbourne Pulmonary",
    "Garrow Geriatrics",
    "Hazelby Home Health",
];

/// Spreads numbers over all bits, so that neighbours have nothing in common.
fn spread(number: u64) -> u64 {
    let mixed = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

fn pick<T>(from: &[T], by: u64) -> &T {
    &from[usize::try_from(by % from.len() as u64).unwrap_or_default()]
}

/// An endless, varied stream of documented webhooks for a fleet of `devices`; the same `number` always gives the same body.
/// Six in ten are low batteries, two are readings, one a weak signal, one a health check.
#[must_use]
pub fn webhook(number: u64, devices: u64) -> Value {
    let (what, which) = (spread(number), spread(number ^ 0x5EED));
    let place = which % devices.max(1);
    let traits = spread(place);
    let name = *pick(&SITES, traits);
    let site = Site {
        id: FIRST_SITE + traits % SITES.len() as u64,
        name,
        street: "14 Prospect Row",
        city: "Albany",
        zip: "12205",
    };
    let like = pick(&PEOPLE, traits >> 8);
    let person = Person { id: FIRST_PATIENT + place, last: pick(&PEOPLE, traits >> 16).last, site, ..*like };
    let second = i64::try_from(number % 100_000_000).unwrap_or_default() * 1000;
    let seen = Timestamp(BEGIN + second).to_string();
    let one = Device {
        id: FIRST_DEVICE + place,
        model: pick(&MODELS, traits >> 24),
        site,
        patient: Some(&person),
        status: "withPatient",
        seen: &seen,
    };
    let id = number + 1;
    let (kind, payload) = match what % 10 {
        0..=5 => {
            ("device.lowBattery".to_owned(), json!({ "batteryPercentage": (what >> 8) % 60, "device": device(&one) }))
        }
        6 => ("device.weakSignal".to_owned(), json!({ "device": device(&one) })),
        7 => ("device.healthcheck".to_owned(), json!({ "device": device(&one) })),
        _ => (format!("reading.{}", one.model.reading), reading(&one, id, &seen, what >> 8)),
    };
    json!({ "id": id, "type": kind, "payload": payload })
}
