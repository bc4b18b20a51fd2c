//! Who and what the fleet is made of: sites, patients, models of device, and how Impilo writes them.

use serde_json::{Value, json};

#[derive(Clone, Copy)]
pub struct Site {
    pub id: u64,
    pub name: &'static str,
    pub street: &'static str,
    pub city: &'static str,
    pub zip: &'static str,
}

pub struct Person {
    pub id: u64,
    pub first: &'static str,
    pub last: &'static str,
    pub born: &'static str,
    pub sex: &'static str,
    pub site: Site,
}

pub struct Model {
    pub id: u64,
    pub name: &'static str,
    pub model: &'static str,
    /// How its serial numbers begin.
    pub serial: &'static str,
    /// The type of its readings.
    pub reading: &'static str,
}

/// One device, and whose it is.
pub struct Device<'a> {
    pub id: u64,
    pub model: &'a Model,
    pub site: Site,
    pub patient: Option<&'a Person>,
    pub status: &'a str,
    /// `lastHealthCheck`.
    pub seen: &'a str,
}

pub const HARBOR: Site =
    Site { id: 31, name: "Harbor Cardiology", street: "900 Quay Road", city: "Albany", zip: "12205" };
pub const MEADOW: Site =
    Site { id: 32, name: "Meadow Diabetes Care", street: "41 Millrace Street", city: "Troy", zip: "12180" };

pub const PEOPLE: [Person; 6] = [
    Person { id: 501, first: "Ingrid", last: "Tamsworth", born: "1951-03-28", sex: "female", site: HARBOR },
    Person { id: 502, first: "Oswin", last: "Pellegrew", born: "1947-11-09", sex: "male", site: HARBOR },
    Person { id: 503, first: "Calla", last: "Brindlemoor", born: "1963-07-02", sex: "female", site: HARBOR },
    Person { id: 504, first: "Tobiah", last: "Hestwick", born: "1958-01-17", sex: "male", site: MEADOW },
    Person { id: 505, first: "Maren", last: "Ostrivale", born: "1949-09-30", sex: "female", site: MEADOW },
    Person { id: 506, first: "Quillon", last: "Faraday", born: "1971-05-14", sex: "male", site: MEADOW },
];

pub const MODELS: [Model; 4] = [
    Model {
        id: 71,
        name: "Cellular Blood Pressure Monitor",
        model: "CBP-200",
        serial: "CBP",
        reading: "bloodPressure",
    },
    Model { id: 72, name: "Cellular Scale", model: "CS-110", serial: "CSC", reading: "weight" },
    Model { id: 73, name: "Cellular Glucometer", model: "CG-30", serial: "CGL", reading: "bloodGlucose" },
    Model { id: 74, name: "Pulse Oximeter", model: "PO-5", serial: "POX", reading: "bloodOxygen" },
];

const MAKER: &str = "Northfield Instruments";

pub fn site(site: Site) -> Value {
    json!({
        "id": site.id, "name": site.name, "active": true, "phoneNumber": format!("+1202555{:04}", site.id % 10_000),
        "address": { "lineOne": site.street, "city": site.city, "state": "NY", "zipCode": site.zip, "country": "USA" }
    })
}

pub fn patient(person: &Person) -> Value {
    let number = person.id;
    json!({
        "id": number, "externalIdentifier": format!("EXT-{number}"), "firstName": person.first, "lastName": person.last,
        "dateOfBirth": person.born,
        "email": format!("{}.{}{number}@example.com", person.first.to_lowercase(), person.last.to_lowercase()),
        "phoneNumber": format!("+1202555{:04}", number % 10_000), "archived": false,
        "address": {
            "lineOne": format!("{} Larch Lane", number % 900 + 1), "lineTwo": format!("Apt {}", number % 40 + 1),
            "city": person.site.city, "state": "NY", "zipCode": person.site.zip, "country": "USA",
            "note": "Leave with the front desk"
        },
        "site": site(person.site), "enrolled": true, "sex": person.sex
    })
}

pub fn item(model: &Model) -> Value {
    json!({
        "id": model.id, "manufacturer": { "id": 12, "name": MAKER }, "name": model.name, "model": model.model,
        "sku": format!("{:07}", model.id), "orderable": true
    })
}

pub fn device(device: &Device<'_>) -> Value {
    let id = device.id;
    json!({
        "id": id, "item": item(device.model), "currentStatus": device.status, "used": false,
        "currentPatient": device.patient.map(patient), "site": site(device.site), "lastHealthCheck": device.seen,
        "deviceIdentifiers": [
            { "type": "imei", "value": format!("358294{id:09}") },
            { "type": "serial", "value": format!("{}-26A{id:05}", device.model.serial) },
            { "type": "iccid", "value": format!("890126{id:013}") }
        ],
        "deviceEvents": [
            { "type": "associated", "eventTimestamp": "2026-01-02T15:20:00.000Z" },
            { "type": "reading", "eventTimestamp": device.seen }
        ],
        "externalIdentifier": format!("EXT-DEV-{id}"), "disabledReadings": false
    })
}

/// A reading that a device has taken, `id` being the reading's own. Its value wanders with `by`.
pub fn reading(device: &Device<'_>, id: u64, at: &str, by: u64) -> Value {
    let mut reading = json!({
        "id": id, "readingTimestamp": at, "manual": false, "deviceTimeZoneOffset": -18_000,
        "patientTimeZoneOffset": -18_000, "patient": device.patient.map(patient), "item": item(device.model),
        "device": self::device(device)
    });
    let values = match device.model.reading {
        "bloodPressure" => json!({
            "systolic": 118 + by % 30, "diastolic": 70 + by % 18, "heartRate": 58 + by % 25, "systolicUnit": "mmhg",
            "diastolicUnit": "mmhg", "heartRateUnit": "bpm"
        }),
        "bloodGlucose" => {
            json!({ "glucose": 90 + by % 80, "glucoseUnit": "mgdl", "beforeMeal": true, "afterMeal": false })
        }
        "bloodOxygen" => json!({
            "bloodOxygen": 93 + by % 6, "heartRate": 58 + by % 25, "bloodOxygenUnit": "spo2", "heartRateUnit": "bpm"
        }),
        _ => json!({ "weight": 150 + by % 60, "weightUnit": "lbs" }),
    };
    if let (Some(reading), Value::Object(values)) = (reading.as_object_mut(), values) {
        reading.extend(values);
    }
    reading
}
