//! Devices, and the patient, site and item that travel inside them; readings as signs of life.

use serde_json::Value;

use super::facts::{Said, link, put};
use super::read::{fact, flag, id, instant, known, list, number, numeric, object, text};
use super::status;
use crate::engine::{Association, Fact, SubjectKind, Timestamp, Value as Known};

/// `device.*`: a Device under `device` (lowBattery and the associations: documented; the others: inferred), or the payload
/// itself (healthcheck: inferred), or only a `deviceId`.
///
/// Own times: the associations have `eventTimestamp` (documented). Low battery, weak signal and healthcheck have none:
/// `lastHealthCheck` is when the device last reported, not when this happened, so receipt stands in.
pub(super) fn event(said: &mut Said, name: &str, payload: &Value, received_at: Timestamp) {
    let inner = object(payload, "device").unwrap_or(payload);
    let Some(device_id) = snapshot(said, inner).or_else(|| id(payload, "deviceId")) else {
        if let Some(patient_object) = object(payload, "patient") {
            patient(said, patient_object);
        }
        return;
    };
    said.of(SubjectKind::Device, device_id.clone());
    let association = match name {
        "associationCreated" => Some(Association::Created),
        "associationRemoved" => Some(Association::Removed),
        _ => None,
    };
    if let Some(association) = association {
        associate(said, &device_id, association, payload);
    }
    let device = said.of(SubjectKind::Device, device_id);
    match name {
        "lowBattery" => {
            let level = number(payload, "batteryPercentage").filter(|level| (0.0..=100.0).contains(level));
            if let Some(level) = level {
                put(device, fact("battery", numeric(level)));
            }
        }
        "weakSignal" => put(device, fact("weak_signal_at", Known::Time(received_at))),
        _ => {}
    }
    for about in &mut said.facts.about {
        about.heard = true;
    }
    said.facts.association = association;
    if association.is_some() || said.facts.occurred_at.is_none() {
        said.facts.occurred_at = instant(payload, "eventTimestamp");
    }
}

/// `device.associationCreated` and `…Removed`: `patient`, `device`, `action`, `eventTimestamp` (documented). The type, not
/// `action`, decides. The device inside may show the patient of before or after.
fn associate(said: &mut Said, device_id: &str, association: Association, payload: &Value) {
    let with = object(payload, "patient").and_then(|inner| patient(said, inner)).or_else(|| id(payload, "patientId"));
    let site = object(payload, "patient").and_then(|inner| object(inner, "site"));
    let at = instant(payload, "eventTimestamp");
    let joined = association == Association::Created;
    let device = said.of(SubjectKind::Device, device_id.to_owned());
    device.facts.retain(|known| known.name != "patient");
    put(device, fact("associated", Known::Bool(joined)));
    if let Some(with) = &with {
        put(device, fact("patient", known(with)));
    }
    device.links.retain(|(kind, _)| *kind != SubjectKind::Patient);
    if joined {
        if let Some(at) = at {
            put(device, fact("associated_at", Known::Time(at)));
        }
        if let Some(with) = with {
            link(device, SubjectKind::Patient, with);
        }
        if let Some(name) = site.and_then(|site| text(site, "name")) {
            put(device, fact("site", known(name)));
        }
        if let Some(site) = site.and_then(|site| id(site, "id")) {
            link(device, SubjectKind::Site, site);
        }
    }
}

/// A Device (documented): everything in it is optional. `currentPatient: null` says that no patient has it (documented);
/// where the field is missing or empty, nothing is known. Its site is its patient's while it has one.
pub(super) fn snapshot(said: &mut Said, device: &Value) -> Option<String> {
    let device_id = id(device, "id")?;
    let item = object(device, "item");
    let own_site = object(device, "site");
    let with = object(device, "currentPatient");
    said.of(SubjectKind::Device, device_id.clone());
    let item_id = item.and_then(|item| self::item(said, item));
    let patient_id = with.and_then(|with| patient(said, with));
    let patient_site = with.and_then(|with| object(with, "site"));
    if let Some(own_site) = own_site {
        site(said, own_site);
    }
    let about = said.of(SubjectKind::Device, device_id.clone());
    if let Some(serial) = serial(device) {
        put(about, fact("serial", known(serial)));
    }
    for (name, value) in [
        ("item", item.and_then(|item| text(item, "name"))),
        ("model", item.and_then(|item| text(item, "model"))),
        ("manufacturer", item.and_then(|item| object(item, "manufacturer")).and_then(|maker| text(maker, "name"))),
    ] {
        if let Some(value) = value {
            put(about, fact(name, known(value)));
        }
    }
    if let Some(sent) = text(device, "currentStatus") {
        put(about, fact("status", known(status::word(SubjectKind::Device, sent))));
        about.over = status::find(SubjectKind::Device, sent).is_some_and(|status| status.over);
    }
    if let Some(disabled) = flag(device, "disabledReadings") {
        put(about, fact("readings_disabled", Known::Bool(disabled)));
    }
    if let Some(at) = instant(device, "lastHealthCheck") {
        put(about, fact("last_health_check_at", Known::Time(at)));
    }
    match (device.get("currentPatient"), patient_id) {
        (Some(Value::Null), _) => put(about, fact("associated", Known::Bool(false))),
        (_, Some(patient_id)) => {
            put(about, fact("associated", Known::Bool(true)));
            put(about, fact("patient", known(patient_id.clone())));
            link(about, SubjectKind::Patient, patient_id);
        }
        _ => {}
    }
    if let Some(site) = patient_site.or(own_site) {
        if let Some(name) = text(site, "name") {
            put(about, fact("site", known(name)));
        }
        if let Some(site) = id(site, "id") {
            link(about, SubjectKind::Site, site);
        }
    }
    if let Some(item) = item_id {
        link(about, SubjectKind::Item, item);
    }
    Some(device_id)
}

/// The serial number among `deviceIdentifiers` (documented; the type is a plain text there).
fn serial(device: &Value) -> Option<&str> {
    let mut identifiers = list(device, "deviceIdentifiers");
    let named = identifiers.find(|one| text(one, "type").is_some_and(|kind| status::same(kind, "serial")));
    named.and_then(|one| text(one, "value"))
}

/// An Item (documented): a model of device.
pub(super) fn item(said: &mut Said, item: &Value) -> Option<String> {
    let item_id = id(item, "id")?;
    let about = said.of(SubjectKind::Item, item_id.clone());
    for (name, value) in [
        ("name", text(item, "name")),
        ("model", text(item, "model")),
        ("manufacturer", object(item, "manufacturer").and_then(|maker| text(maker, "name"))),
    ] {
        if let Some(value) = value {
            put(about, fact(name, known(value)));
        }
    }
    Some(item_id)
}

/// A Patient (documented). Only what rules need is projected; names and contact data stay in the journal.
pub(super) fn patient(said: &mut Said, patient: &Value) -> Option<String> {
    let patient_id = id(patient, "id")?;
    let its_site = object(patient, "site");
    let site_id = its_site.and_then(|its_site| site(said, its_site));
    let about = said.of(SubjectKind::Patient, patient_id.clone());
    if let Some(name) = its_site.and_then(|its_site| text(its_site, "name")) {
        put(about, fact("site", known(name)));
    }
    for (name, sent) in [("enrolled", "enrolled"), ("archived", "archived")] {
        if let Some(set) = flag(patient, sent) {
            put(about, fact(name, Known::Bool(set)));
        }
    }
    about.over |= flag(patient, "archived") == Some(true);
    if let Some(site_id) = site_id {
        link(about, SubjectKind::Site, site_id);
    }
    Some(patient_id)
}

/// A Site (documented).
pub(super) fn site(said: &mut Said, site: &Value) -> Option<String> {
    let site_id = id(site, "id")?;
    let about = said.of(SubjectKind::Site, site_id.clone());
    if let Some(name) = text(site, "name") {
        put(about, fact("name", known(name)));
    }
    Some(site_id)
}

/// `reading.*`: the reading with `patient`, `item`, `device` (weight: documented; the others: inferred). Its values are
/// clinical and not projected. Its own time is `readingTimestamp`. A reading typed in by hand says nothing of the device.
pub(super) fn reading(said: &mut Said, payload: &Value, received_at: Timestamp) {
    let at = instant(payload, "readingTimestamp");
    let by_hand = flag(payload, "manual") == Some(true);
    let device_id =
        object(payload, "device").and_then(|inner| snapshot(said, inner)).or_else(|| id(payload, "deviceId"));
    let patient_id =
        object(payload, "patient").and_then(|inner| patient(said, inner)).or_else(|| id(payload, "patientId"));
    if let Some(inner) = object(payload, "item") {
        item(said, inner);
    }
    if let Some(inner) = object(payload, "site") {
        site(said, inner);
    }
    if let Some(patient_id) = &patient_id {
        said.of(SubjectKind::Patient, patient_id.clone());
    }
    if let Some(device_id) = device_id {
        let about = said.of(SubjectKind::Device, device_id);
        if !by_hand {
            let at = at.map_or(received_at, |at| at.min(received_at));
            put(about, fact("first_reading_at", Known::Time(at)));
            put(about, fact("last_reading_at", Known::Time(at)));
            let tells_patient = about.facts.iter().any(|Fact { name, .. }| *name == "associated");
            if let Some(patient_id) = patient_id.filter(|_| !tells_patient) {
                put(about, fact("associated", Known::Bool(true)));
                put(about, fact("patient", known(patient_id.clone())));
                link(about, SubjectKind::Patient, patient_id);
            }
        }
    }
    for about in &mut said.facts.about {
        about.heard = !by_hand;
    }
    said.facts.occurred_at = at;
}
