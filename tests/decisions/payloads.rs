//! Payloads as Impilo sends them.

use serde_json::{Value, json};

/// A device as Impilo embeds it, with patient 5 of site 3.
pub fn device(id: i64) -> Value {
    device_of(id, Some(5))
}

/// A device as Impilo embeds it, with this patient.
pub fn device_of(id: i64, patient: Option<i64>) -> Value {
    json!({
        "id": id,
        "item": { "id": 40, "name": "Cellular Scale", "model": "CS-1", "manufacturer": { "id": 9, "name": "Acme Health" } },
        "currentStatus": "withPatient",
        "currentPatient": patient.map(person),
        "site": { "id": 3, "name": "Harbor Clinic" },
        "deviceIdentifiers": [{ "type": "serial", "value": format!("SN-{id}") }]
    })
}

/// A patient as Impilo embeds it.
pub fn person(id: i64) -> Value {
    json!({
        "id": id, "firstName": "Ada", "lastName": "Quillon", "enrolled": true, "archived": false,
        "site": { "id": 3, "name": "Harbor Clinic" }
    })
}

/// The payload of `device.lowBattery`.
pub fn battery(id: i64, percentage: i64) -> Value {
    json!({ "batteryPercentage": percentage, "device": device(id) })
}

/// The payload of an association event.
pub fn association(id: i64, patient: i64, at: &str, created: bool) -> Value {
    let action = if created { "associate" } else { "disassociate" };
    let with = created.then_some(patient);
    json!({ "patient": person(patient), "device": device_of(id, with), "action": action, "eventTimestamp": at })
}

/// A whole order of this patient that was placed, with a time of its own where given.
pub fn order(id: i64, patient: i64, at: Option<&str>) -> Value {
    let events = at.map(|at| json!([{ "name": "orderPlaced", "eventTimestamp": at }]));
    json!({ "id": id, "currentStatus": "orderPlaced", "patient": person(patient), "orderEvents": events })
}
