//! Impilo's models, filled in.

use serde_json::{Value as Json, json};

use super::Device;
use crate::config::Id;

const FIRST_NAMES: [&str; 8] = ["Ada", "Oswin", "Calla", "Tobiah", "Maren", "Quillon", "Ingrid", "Lorcan"];
const LAST_NAMES: [&str; 7] = ["Quillon", "Tamsworth", "Pellegrew", "Brindlemoor", "Hestwick", "Ostrivale", "Faraday"];

/// Names of the sites with these numbers; others are called by their number.
const SITES: [(i64, &str); 4] =
    [(1, "Ashgrove Cardiology"), (2, "Meadow Diabetes Care"), (3, "Harbor Clinic"), (4, "Elkhart Renal")];

/// Items with these numbers: name, model, and the readings that they take; others are called by their number.
const ITEMS: [(i64, &str, &str, &[&str]); 7] = [
    (40, "Cellular Scale", "CS-1", &["weight"]),
    (41, "Blood Pressure Monitor", "BP-2", &["bloodPressure"]),
    (42, "Cellular Glucometer", "CG-3", &["bloodGlucose"]),
    (43, "Pulse Oximeter", "PO-5", &["bloodOxygen"]),
    (44, "Thermometer", "TH-2", &["temperature"]),
    (45, "Peak Flow Meter", "PF-6", &["peakFlow"]),
    (46, "Sleep Mat", "SM-4", &["sleepMatActivity", "sleepMatDuration"]),
];

/// The item of a device that is first heard of with this type of event.
pub(super) fn item_of(kind: &str) -> Id {
    let reading = kind.strip_prefix("reading.").unwrap_or("weight");
    let known = ITEMS.iter().find(|(.., readings)| readings.contains(&reading));
    Id::Number(known.map_or(40, |(id, ..)| *id))
}

/// A number that an id always gives, for picking something by.
fn number(id: &Id) -> u64 {
    match id {
        Id::None => 0,
        Id::Number(number) => number.unsigned_abs(),
        Id::Text(text) => text.bytes().fold(7, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte))),
    }
}

fn pick<'n>(names: &[&'n str], id: &Id) -> &'n str {
    let count = u64::try_from(names.len()).unwrap_or(1).max(1);
    usize::try_from(number(id) % count).ok().and_then(|place| names.get(place)).copied().unwrap_or_default()
}

fn phone(id: &Id) -> String {
    format!("+1303555{:04}", number(id) % 10_000)
}

fn address(id: &Id) -> Json {
    json!({
        "lineOne": format!("{} Larch Lane", number(id) % 900 + 1), "city": "Larchfield", "state": "CO", "zipCode": "80299",
        "country": "USA"
    })
}

pub(super) fn customer() -> Json {
    json!({ "id": 8, "name": "Larch Remote Care" })
}

pub(super) fn site(id: &Id) -> Json {
    let known = SITES.iter().find(|(number, _)| Id::Number(*number) == *id);
    let name = known.map_or_else(|| format!("Clinic {id}"), |(_, name)| (*name).to_owned());
    json!({ "id": id.to_json(), "name": name, "active": true, "phoneNumber": phone(id), "address": address(id) })
}

pub(super) fn patient(id: &Id, site: &Id) -> Json {
    let (first, last) = (pick(&FIRST_NAMES, id), pick(&LAST_NAMES, id));
    json!({
        "id": id.to_json(), "externalIdentifier": format!("EXT-{id}"), "firstName": first, "lastName": last,
        "dateOfBirth": format!("{}-04-{:02}", 1935 + number(id) % 40, number(id) % 28 + 1),
        "email": format!("{}.{}@example.com", first.to_lowercase(), last.to_lowercase()), "phoneNumber": phone(id),
        "archived": false, "address": address(id), "site": self::site(site), "enrolled": true, "sex": "female"
    })
}

pub(super) fn item(id: &Id) -> Json {
    let known = ITEMS.iter().find(|(number, ..)| Id::Number(*number) == *id);
    let (name, model) = known.map_or_else(
        || (format!("Item {id}"), format!("M-{id}")),
        |(_, name, model, _)| ((*name).to_owned(), (*model).to_owned()),
    );
    json!({
        "id": id.to_json(), "manufacturer": { "id": 9, "name": "Acme Health" }, "name": name, "model": model,
        "sku": format!("{:07}", number(id)), "orderable": true
    })
}

pub(super) fn device(id: &Id, device: &Device, patient: Option<Json>) -> Json {
    let mut written = json!({
        "id": id.to_json(), "item": item(&device.item), "currentStatus": device.status, "used": device.seen.is_some(),
        "currentPatient": patient, "site": site(&device.site),
        "deviceIdentifiers": [
            { "type": "serial", "value": format!("SN-{id}") },
            { "type": "imei", "value": format!("358294{:09}", number(id) % 1_000_000_000) }
        ],
        "deviceEvents": [], "externalIdentifier": format!("EXT-DEV-{id}"), "disabledReadings": false
    });
    if let (Some(written), Some(seen)) = (written.as_object_mut(), device.seen) {
        written.insert("lastHealthCheck".to_owned(), seen.to_string().into());
    }
    written
}

/// What a reading of this type says of the patient.
pub(super) fn values(kind: &str) -> Json {
    match kind {
        "reading.bloodPressure" => json!({
            "systolic": 128, "diastolic": 79, "heartRate": 66, "systolicUnit": "mmhg", "diastolicUnit": "mmhg",
            "heartRateUnit": "bpm"
        }),
        "reading.bloodGlucose" => {
            json!({ "glucose": 112, "glucoseUnit": "mgdl", "beforeMeal": true, "afterMeal": false })
        }
        "reading.bloodOxygen" => {
            json!({ "bloodOxygen": 96, "heartRate": 71, "bloodOxygenUnit": "spo2", "heartRateUnit": "bpm" })
        }
        "reading.temperature" => json!({ "temperature": 98.4, "temperatureUnit": "F" }),
        "reading.peakFlow" => json!({
            "peakExpiratoryFlow": 412.0, "forcedExpiratoryVolume": 2.6, "peakExpiratoryFlowUnit": "lpm",
            "forcedExpiratoryVolumeUnit": "lps"
        }),
        "reading.sleepMatActivity" => json!({
            "respiration": 14, "heartRate": 58, "bodyTurnOver": 11, "duration": "20:00~06:00",
            "bedTime": ["2026-03-01/21:48"], "getUpTime": ["2026-03-02/05:57"]
        }),
        "reading.sleepMatDuration" => json!({
            "respiration": 14, "heartRate": 58, "bodyTurnOver": 11, "duration": "20:00~06:00", "rem": 74,
            "deepSleep": 96, "lightSleep": 243
        }),
        _ => json!({ "weight": 162.4, "weightUnit": "lbs" }),
    }
}
