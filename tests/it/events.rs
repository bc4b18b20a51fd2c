//! Webhooks as Impilo sends them. Every person and number is made up.

use serde_json::{Value, json};

/// The patient's names: they must turn up nowhere outside the store.
pub const NAMES: [&str; 2] = ["Marisol", "Quillfeather"];

pub const ITEM: &str = "Cellular Scale";

pub fn serial(device: u64) -> String {
    format!("CSC-26A{device:05}")
}

fn device_with(device: u64, patient: bool) -> Value {
    json!({
        "id": device,
        "item": { "id": 72, "name": ITEM, "model": "CS-110", "manufacturer": { "id": 12, "name": "Northfield" } },
        "currentStatus": if patient { "withPatient" } else { "available" },
        "currentPatient": patient.then(self::patient),
        "deviceIdentifiers": [{ "type": "serial", "value": serial(device) }, { "type": "imei", "value": "358294077100001" }],
        "disabledReadings": false
    })
}

fn patient() -> Value {
    json!({
        "id": 48213, "firstName": NAMES[0], "lastName": NAMES[1], "dateOfBirth": "1951-03-28",
        "externalIdentifier": "FH-000481", "email": "marisol.quillfeather@example.com"
    })
}

pub fn battery(id: u64, device: u64, percentage: u64) -> Value {
    let payload = json!({ "batteryPercentage": percentage, "device": device_with(device, true) });
    json!({ "id": id, "type": "device.lowBattery", "payload": payload })
}

pub fn health_check(id: u64, device: u64) -> Value {
    json!({ "id": id, "type": "device.healthcheck", "payload": { "device": device_with(device, true) } })
}

/// The device is taken from its patient now.
pub fn association_removed(id: u64, device: u64) -> Value {
    let now = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    json!({
        "id": id, "type": "device.associationRemoved",
        "payload": { "patient": patient(), "device": device_with(device, false), "action": "disassociate", "eventTimestamp": now }
    })
}
