//! An invented fleet and what happens to it: envelopes as Impilo sends them. Every person and number is made up.

use std::time::Duration;

use serde_json::{Value, json};

/// One webhook of the story.
#[derive(Clone, Debug)]
pub struct Moment {
    /// How long after the moment before.
    pub after: Duration,
    /// What happens, for the reader.
    pub caption: &'static str,
    pub body: Value,
}

struct Person {
    id: i64,
    first: &'static str,
    last: &'static str,
    site: Site,
}

#[derive(Clone, Copy)]
struct Site {
    id: i64,
    name: &'static str,
}

struct Model {
    id: i64,
    name: &'static str,
    model: &'static str,
    serial: &'static str,
}

const HARBOR: Site = Site { id: 31, name: "Harbor Cardiology" };
const MEADOW: Site = Site { id: 32, name: "Meadow Diabetes Care" };

const PEOPLE: [Person; 6] = [
    Person { id: 501, first: "Ingrid", last: "Tamsworth", site: HARBOR },
    Person { id: 502, first: "Oswin", last: "Pellegrew", site: HARBOR },
    Person { id: 503, first: "Calla", last: "Brindlemoor", site: HARBOR },
    Person { id: 504, first: "Tobiah", last: "Hestwick", site: MEADOW },
    Person { id: 505, first: "Maren", last: "Ostrivale", site: MEADOW },
    Person { id: 506, first: "Quillon", last: "Faraday", site: MEADOW },
];

const MODELS: [Model; 4] = [
    Model { id: 71, name: "Cellular Blood Pressure Monitor", model: "CBP-200", serial: "CBP" },
    Model { id: 72, name: "Cellular Scale", model: "CS-110", serial: "CSC" },
    Model { id: 73, name: "Cellular Glucometer", model: "CG-30", serial: "CGL" },
    Model { id: 74, name: "Pulse Oximeter", model: "PO-5", serial: "POX" },
];

const FIRST_DEVICE: i64 = 9001;
const MAKER: &str = "Northfield Instruments";

fn site(site: Site) -> Value {
    json!({
        "id": site.id, "name": site.name, "active": true, "phoneNumber": "+12025550117",
        "address": { "lineOne": "900 Quay Road", "city": "Albany", "state": "NY", "zipCode": "12205", "country": "USA" }
    })
}

fn patient(person: &Person) -> Value {
    json!({
        "id": person.id, "externalIdentifier": format!("EXT-{}", person.id), "firstName": person.first,
        "lastName": person.last, "dateOfBirth": "1951-03-28",
        "email": format!("{}.{}@example.com", person.first.to_lowercase(), person.last.to_lowercase()),
        "phoneNumber": "+12025550143", "archived": false,
        "address": {
            "lineOne": "118 Larch Lane", "lineTwo": "Apt 4B", "city": "Schenectady", "state": "NY",
            "zipCode": "12304", "country": "USA", "note": "Leave with the front desk"
        },
        "site": site(person.site), "enrolled": true, "sex": "female"
    })
}

fn item(model: &Model) -> Value {
    json!({
        "id": model.id, "manufacturer": { "id": 12, "name": MAKER }, "name": model.name, "model": model.model,
        "sku": format!("{:07}", model.id), "orderable": true
    })
}

fn person_of(place: usize) -> &'static Person {
    &PEOPLE[place % PEOPLE.len()]
}

fn model_of(place: usize) -> &'static Model {
    &MODELS[place % MODELS.len()]
}

/// The device at a place of the fleet, with or without its patient.
fn device(place: usize, id: i64, with_patient: bool) -> Value {
    let (person, model) = (person_of(place), model_of(place));
    json!({
        "id": id, "item": item(model),
        "currentStatus": if with_patient { "withPatient" } else { "available" },
        "used": false,
        "currentPatient": with_patient.then(|| patient(person)),
        "site": site(person.site),
        "lastHealthCheck": "2026-01-05T11:02:41.518Z",
        "deviceIdentifiers": [
            { "type": "imei", "value": format!("3582940771{id:05}") },
            { "type": "serial", "value": format!("{}-26A{id:05}", model.serial) },
            { "type": "iccid", "value": format!("89012600000004{id:05}") }
        ],
        "deviceEvents": [{ "type": "associated", "eventTimestamp": "2026-01-02T15:20:00.000Z" }],
        "externalIdentifier": format!("EXT-DEV-{id}"), "disabledReadings": false
    })
}

fn fleet_device(place: usize) -> Value {
    device(place, FIRST_DEVICE + place as i64, true)
}

fn battery(place: usize, percentage: i64) -> Value {
    json!({ "batteryPercentage": percentage, "device": fleet_device(place) })
}

fn order(status: &str) -> Value {
    json!({ "orderId": 4410, "externalOrderIds": ["WEB-88213"], "orderStatusName": status })
}

fn returned(status: &str) -> Value {
    json!({ "id": 7702, "currentStatus": status, "patient": patient(person_of(4)), "returnDevices": [fleet_device(4)] })
}

/// The story that the demo tells: times are `now` in RFC 3339, ids begin at `first_id`.
#[must_use]
pub fn story(now: &str, first_id: i64) -> Vec<Moment> {
    let mut moments = Vec::new();
    let mut id = first_id;
    let mut tell = |after_ms: u64, caption: &'static str, kind: &str, payload: Value| {
        let body = json!({ "id": id, "type": kind, "payload": payload });
        moments.push(Moment { after: Duration::from_millis(after_ms), caption, body });
        id += 1;
    };
    let association = |place: usize, created: bool| {
        json!({
            "patient": patient(person_of(place)), "device": device(place, FIRST_DEVICE + place as i64, created),
            "action": if created { "associate" } else { "disassociate" }, "eventTimestamp": now
        })
    };
    let reading = |place: usize, name: &str, value: Value| {
        let mut reading = json!({
            "id": 880_000 + place, "readingTimestamp": now, "manual": false, "deviceTimeZoneOffset": -18000,
            "patient": patient(person_of(place)), "item": item(model_of(place)), "device": fleet_device(place)
        });
        reading[name] = value;
        reading
    };
    tell(0, "a patient gets a blood pressure monitor", "device.associationCreated", association(0, true));
    tell(500, "the first battery warning, at 18 %", "device.lowBattery", battery(0, 18));
    tell(2500, "a scale reports a weight: a sign of life", "reading.weight", reading(1, "weight", json!(171.4)));
    tell(1500, "a glucometer with a weak signal", "device.weakSignal", json!({ "device": fleet_device(2) }));
    tell(
        2500,
        "the same battery again, at 8 %: the alert is open, so nobody is told twice",
        "device.lowBattery",
        battery(0, 8),
    );
    tell(2000, "an order gets stuck", "order.status", order("onHold"));
    tell(2500, "the first battery again, at 4 %: now it is critical", "device.lowBattery", battery(0, 4));
    tell(
        2500,
        "a device nobody has described speaks: kept, and counted",
        "device.tiltDetected",
        json!({ "device": fleet_device(3), "angle": 40 }),
    );
    tell(1500, "a blood oxygen reading", "reading.bloodOxygen", reading(3, "bloodOxygen", json!(97)));
    tell(1500, "the order moves on: its alert resolves", "order.status", order("shipped"));
    tell(2500, "the patient changed the batteries: 95 %", "device.lowBattery", battery(0, 95));
    tell(2500, "a return is on its way", "return.statusFull", returned("inTransit"));
    tell(
        1500,
        "the glucometer is taken back: what was open about it ends, and says why",
        "device.associationRemoved",
        association(2, false),
    );
    moments
}

/// An endless, varied stream of documented webhooks for a fleet of `devices`; the same `number` always gives the same body.
#[must_use]
pub fn webhook(number: u64, devices: u64) -> Value {
    let mixed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 17;
    let place = usize::try_from(mixed % devices.max(1)).unwrap_or_default();
    let id = 100_000 + i64::try_from(mixed % devices.max(1)).unwrap_or_default();
    let level = i64::try_from(mixed / 7 % 60).unwrap_or_default();
    let envelope_id = i64::try_from(number + 1).unwrap_or(i64::MAX);
    let one = device(place, id, true);
    let (kind, payload) = match mixed % 10 {
        0..=5 => ("device.lowBattery", json!({ "batteryPercentage": level, "device": one })),
        6 => ("device.weakSignal", json!({ "device": one })),
        7 => ("device.healthcheck", json!({ "device": one })),
        _ => (
            "reading.weight",
            json!({
                "id": envelope_id, "readingTimestamp": "2026-01-05T11:02:41Z", "weight": 150.5, "weightUnit": "lbs",
                "manual": false, "patient": patient(person_of(place)), "item": item(model_of(place)), "device": one
            }),
        ),
    };
    json!({ "id": envelope_id, "type": kind, "payload": payload })
}
