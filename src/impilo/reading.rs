//! Readings: signs of life. Their values are clinical and are not projected.

use serde_json_borrow::Value;

use super::facts::{Said, put};
use super::read::{fact, first_id, flag, instant, object};
use super::{device, patient};
use crate::engine::{SubjectKind, Value as Known};

/// `reading.*`: the reading with `patient`, `item`, `device` (weight: documented, with a `site` that its model lacks; the
/// others: inferred). A reading typed in by hand (`manual`) says nothing of the device's health.
///
/// Own time: `readingTimestamp` (documented).
pub(super) fn event(said: &mut Said, payload: &Value) {
    let by_hand = flag(payload, "manual") == Some(true);
    let at = said.instant(payload, "readingTimestamp").unwrap_or(said.received_at);
    let device_id = object(payload, "device").and_then(|inner| device::snapshot(said, inner));
    let device_id = device_id.or_else(|| first_id(payload, &["deviceId", "device"]));
    if let Some(device_id) = &device_id {
        said.of(SubjectKind::Device, device_id.clone());
    }
    let patient_id = patient::party(said, payload);
    if let Some(inner) = object(payload, "item") {
        device::item(said, inner);
    }
    if let Some(inner) = object(payload, "site") {
        patient::site(said, inner);
    }
    if let Some(device_id) = device_id {
        let about = said.of(SubjectKind::Device, device_id);
        let tells = |name: &str| about.facts.iter().any(|known| known.name == name);
        let (tells_item, tells_patient, tells_site) = (tells("item"), tells("associated"), tells("site"));
        if !by_hand {
            put(about, fact("first_reading_at", Known::Time(at)));
            put(about, fact("last_reading_at", Known::Time(at)));
        }
        // What the device inside leaves out, the reading around it may tell (inferred).
        if let Some(inner) = object(payload, "item").filter(|_| !tells_item) {
            device::is_of_item(about, inner);
        }
        let with = patient_id.filter(|_| !tells_patient && !by_hand);
        if let Some(patient_id) = with {
            device::belongs_to_patient(about, patient_id);
            let its_site = object(payload, "patient").and_then(|inner| object(inner, "site"));
            if let Some(inner) = its_site.or_else(|| object(payload, "site")).filter(|_| !tells_site) {
                device::belongs_to_site(about, inner);
            }
        }
    }
    if !by_hand {
        said.heard();
    }
    said.facts.occurred_at = instant(payload, "readingTimestamp");
}
