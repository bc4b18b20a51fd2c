//! Devices, and the patient, site and item that travel inside them.

use serde_json_borrow::Value;
use smol_str::SmolStr;

use super::facts::{Said, link, put};
use super::read::{at, fact, first_id, flag, id, instant, known, list, number, numeric, object, text};
use super::{FOUND, patient, status};
use crate::engine::{About, Association, SubjectKind, Timestamp, Value as Known};

/// `device.*`: a Device under `device` (lowBattery and the associations: documented; weakSignal and healthcheck:
/// inferred), or the payload itself (healthcheck: inferred), or only a `deviceId`.
///
/// Own times: the associations have `eventTimestamp` (documented). Low battery, weak signal and healthcheck have none:
/// `lastHealthCheck` is when the device last reported, not when this happened, so receipt stands in.
pub(super) fn event(said: &mut Said, name: &str, payload: &Value) {
    let association = match name {
        "associationCreated" => Some(Association::Created),
        "associationRemoved" => Some(Association::Removed),
        _ => None,
    };
    said.facts.occurred_at = instant(payload, "eventTimestamp");
    let Some(device_id) = subject(said, payload) else {
        patient::party(said, payload);
        return;
    };
    if let Some(association) = association {
        associate(said, &device_id, association, payload);
        said.facts.association = Some(association);
    }
    let received_at = said.received_at;
    let about = said.of(SubjectKind::Device, device_id);
    if let Some(level) = battery(payload) {
        put(about, fact("battery", level));
        put(about, fact("battery_at", Known::Time(received_at)));
    }
    match name {
        "weakSignal" => put(about, fact("weak_signal_at", Known::Time(received_at))),
        "healthcheck" if !about.facts.iter().any(|known| known.name == "last_health_check_at") => {
            put(about, fact("last_health_check_at", Known::Time(received_at)));
        }
        _ => {}
    }
    // What was asked for shows that Impilo knows of the device, not that it lives.
    if name == "readBack" {
        said.facts.found = flag(payload, FOUND) == Some(true);
    } else {
        said.heard();
    }
}

/// The device that a payload is about, with what it says of it.
fn subject(said: &mut Said, payload: &Value) -> Option<SmolStr> {
    if let Some(inner) = object(payload, "device")
        && let Some(device_id) = snapshot(said, inner)
    {
        return Some(device_id);
    }
    if let Some(device_id) = first_id(payload, &["deviceId", "device"]) {
        said.of(SubjectKind::Device, device_id.clone());
        return Some(device_id);
    }
    // Without a field of a Device beside it, an `id` may be anything's.
    let bare = ["item", "currentStatus", "currentPatient", "deviceIdentifiers", "lastHealthCheck", "disabledReadings"];
    bare.iter().any(|name| at(payload, name).is_some()).then(|| snapshot(said, payload))?
}

/// `batteryPercentage` (documented: a number). What is no percentage stays in the payload, where a rule can still read it,
/// and is no battery level.
fn battery(payload: &Value) -> Option<Known> {
    number(payload, "batteryPercentage").filter(|level| (0.0..=100.0).contains(level)).map(numeric)
}

/// `device.associationCreated` and `…Removed`: `patient`, `device`, `action`, `eventTimestamp` (documented). The type, not
/// `action`, decides, and `patient` before the device's own `currentPatient`, which may be the one of before or after.
fn associate(said: &mut Said, device_id: &str, association: Association, payload: &Value) {
    let joined = association == Association::Created;
    let named = patient::party(said, payload);
    let its_site = object(payload, "patient").and_then(|inner| object(inner, "site"));
    let own_site = object(payload, "device").and_then(|inner| object(inner, "site"));
    let at = said.instant(payload, "eventTimestamp");
    let about = said.of(SubjectKind::Device, device_id);
    put(about, fact("associated", Known::Bool(joined)));
    if let Some(named) = named {
        about.links.retain(|(kind, _)| *kind != SubjectKind::Patient);
        if joined {
            link(about, SubjectKind::Patient, named.clone());
        }
        put(about, fact("patient", known(named)));
    } else if !joined {
        about.facts.retain(|known| known.name != "patient");
        about.links.retain(|(kind, _)| *kind != SubjectKind::Patient);
    }
    if let Some(at) = at.filter(|_| joined) {
        put(about, fact("associated_at", Known::Time(at)));
    }
    match if joined { its_site.or(own_site) } else { own_site } {
        Some(site) => belongs_to_site(about, site),
        // What stands there is the site of a patient that it has no longer, or not yet.
        None if !joined => {
            about.facts.retain(|known| known.name != "site");
            about.links.retain(|(kind, _)| *kind != SubjectKind::Site);
        }
        None => {}
    }
}

/// A Device (documented): everything in it is optional. Its site is its patient's while it has one, else its own.
///
/// `currentPatient: null` says that no patient has it (documented), in a Device that is filled in otherwise; where the
/// field is missing or empty, and in an object that holds little but nulls, nothing is known.
pub(super) fn snapshot(said: &mut Said, device: &Value) -> Option<SmolStr> {
    let device_id = id(device, "id")?;
    said.of(SubjectKind::Device, device_id.clone());
    let item_id = object(device, "item").and_then(|inner| item(said, inner));
    let with = object(device, "currentPatient");
    let patient_id = with.and_then(|inner| patient::patient(said, inner));
    let own_site = object(device, "site");
    if let Some(inner) = own_site {
        patient::site(said, inner);
    }
    let health_check = said.instant(device, "lastHealthCheck");
    let delivered = delivered_at(said, device);
    let about = said.of(SubjectKind::Device, device_id.clone());
    if let Some(serial) = serial(device) {
        put(about, fact("serial", known(serial)));
    }
    if let Some(inner) = object(device, "item") {
        is_of_item(about, inner);
    }
    let sent = text(device, "currentStatus");
    if let Some(sent) = sent {
        put(about, fact("status", known(status::word(SubjectKind::Device, sent))));
        about.over |= status::find(SubjectKind::Device, sent).is_some_and(|status| status.over);
    }
    if let Some(disabled) = flag(device, "disabledReadings") {
        put(about, fact("readings_disabled", Known::Bool(disabled)));
    }
    for (name, at) in [("last_health_check_at", health_check), ("delivered_at", delivered)] {
        if let Some(at) = at {
            put(about, fact(name, Known::Time(at)));
        }
    }
    let filled_in = sent.is_some() || item_id.is_some();
    match (at(device, "currentPatient"), patient_id) {
        (Some(Value::Null), _) if filled_in => put(about, fact("associated", Known::Bool(false))),
        (_, Some(patient_id)) => belongs_to_patient(about, patient_id),
        _ => {}
    }
    if let Some(site) = with.and_then(|inner| object(inner, "site")).or(own_site) {
        belongs_to_site(about, site);
    }
    Some(device_id)
}

/// Says that a device is with a patient.
pub(super) fn belongs_to_patient(about: &mut About, patient_id: SmolStr) {
    put(about, fact("associated", Known::Bool(true)));
    put(about, fact("patient", known(patient_id.clone())));
    link(about, SubjectKind::Patient, patient_id);
}

/// Says that a device is at a Site.
pub(super) fn belongs_to_site(about: &mut About, site: &Value) {
    if let Some(name) = text(site, "name") {
        put(about, fact("site", known(name)));
    }
    if let Some(site_id) = id(site, "id") {
        link(about, SubjectKind::Site, site_id);
    }
}

/// Says which Item a device is one of.
pub(super) fn is_of_item(about: &mut About, item: &Value) {
    for (name, value) in [("item", text(item, "name")), ("model", text(item, "model")), ("manufacturer", maker(item))] {
        if let Some(value) = value {
            put(about, fact(name, known(value)));
        }
    }
    if let Some(item_id) = id(item, "id") {
        link(about, SubjectKind::Item, item_id);
    }
}

/// The serial number among `deviceIdentifiers` (documented; the type is a plain text there).
fn serial<'v>(device: &'v Value<'v>) -> Option<&'v str> {
    let mut identifiers = list(device, "deviceIdentifiers");
    let named = identifiers.find(|one| text(one, "type").is_some_and(|kind| status::same(kind, "serial")));
    named.and_then(|one| text(one, "value"))
}

/// When the device was delivered: the newest of `deviceEvents` of that type. The types are not documented, so the word is
/// the status' (inferred).
fn delivered_at(said: &Said, device: &Value) -> Option<Timestamp> {
    let events = list(device, "deviceEvents");
    let delivered = events.filter(|one| text(one, "type").is_some_and(|kind| status::same(kind, "delivered")));
    delivered.filter_map(|one| said.instant(one, "eventTimestamp")).max()
}

/// An Item (documented): a model of device.
pub(super) fn item(said: &mut Said, item: &Value) -> Option<SmolStr> {
    let item_id = id(item, "id")?;
    let about = said.of(SubjectKind::Item, item_id.clone());
    for (name, value) in [("name", text(item, "name")), ("model", text(item, "model")), ("manufacturer", maker(item))] {
        if let Some(value) = value {
            put(about, fact(name, known(value)));
        }
    }
    Some(item_id)
}

fn maker<'v>(item: &'v Value<'v>) -> Option<&'v str> {
    object(item, "manufacturer").and_then(|maker| text(maker, "name"))
}
