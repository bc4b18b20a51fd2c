//! Orders, returns, and what moves stock: procurements, transfers, packed kits.

use serde_json::Value;

use super::device;
use super::facts::{Said, link, put};
use super::read::{fact, first_id, first_text, id, instant, known, list, object, text};
use super::status::{self, same};
use crate::engine::{About, Fact, SubjectKind, Timestamp, Value as Known};

/// Names that a thin status event may use for its status (inferred; none is documented with certainty).
const STATUS_NAMES: &[&str] =
    &["orderStatusName", "orderStatus", "currentStatus", "status", "eventType", "name", "type"];

/// `order.status` (an id and a status; names inferred) and `order.statusFull` (an Order; inferred).
///
/// Own time: the newest of `orderEvents` whose name is the present status. Thin events have none.
pub(super) fn order(said: &mut Said, payload: &Value) {
    let inner = object(payload, "order").unwrap_or(payload);
    let Some(order_id) = first_id(inner, &["orderId", "id"]) else { return };
    said.of(SubjectKind::Order, order_id.clone());
    let at = newest(inner, "orderEvents", "name", same);
    let status_at = set_status(said.of(SubjectKind::Order, order_id.clone()), inner, at);
    said.facts.occurred_at = status_at;
    parties(said, SubjectKind::Order, &order_id, inner);
    let delivered_at = moment(inner, "orderEvents", "name", "delivered");
    let devices: Vec<Known> = list(inner, "devices")
        .chain(list(inner, "packedKits").flat_map(|kit| list(kit, "devices")))
        .filter_map(|one| device::snapshot(said, one))
        .map(Known::Text)
        .collect();
    for device_id in devices.iter().filter_map(Known::as_text) {
        if let Some(at) = delivered_at {
            put(said.of(SubjectKind::Device, device_id.to_owned()), fact("delivered_at", Known::Time(at)));
        }
    }
    let about = said.of(SubjectKind::Order, order_id);
    for (name, status) in [("placed_at", "orderPlaced"), ("shipped_at", "shipped"), ("delivered_at", "delivered")] {
        if let Some(at) = moment(inner, "orderEvents", "name", status) {
            put(about, fact(name, Known::Time(at)));
        }
    }
    contents(about, devices, inner);
}

/// `return.status` and `return.statusFull`: a Return or part of one (inferred; the thin one weakly).
///
/// Own time: the newest of `returnEvents` whose type is the present status. Thin events have none.
pub(super) fn returned(said: &mut Said, payload: &Value) {
    let inner = object(payload, "return").unwrap_or(payload);
    let Some(return_id) = first_id(inner, &["returnId", "id"]) else { return };
    let at = newest(inner, "returnEvents", "type", same);
    let status_at = set_status(said.of(SubjectKind::Return, return_id.clone()), inner, at);
    said.facts.occurred_at = status_at;
    parties(said, SubjectKind::Return, &return_id, inner);
    let devices: Vec<Known> =
        list(inner, "returnDevices").filter_map(|one| device::snapshot(said, one)).map(Known::Text).collect();
    let about = said.of(SubjectKind::Return, return_id);
    if let Some(order_id) = id(inner, "relatedOrderId") {
        put(about, fact("order", known(order_id.clone())));
        link(about, SubjectKind::Order, order_id);
    }
    contents(about, devices, inner);
}

/// `procurement.*` and `transferRequest.*`: thin ones with an id and a status (content documented, names weak), full ones
/// with the model (inferred). Own time: the newest event whose name is the present status.
pub(super) fn stock(said: &mut Said, kind: SubjectKind, payload: &Value) {
    let (inner, own_id, events) = match kind {
        SubjectKind::Transfer => ("transferRequest", "transferRequestId", "transferRequestEvents"),
        _ => ("procurement", "procurementId", "procurementEvents"),
    };
    let inner = object(payload, inner).unwrap_or(payload);
    let Some(stock_id) = first_id(inner, &[own_id, "id"]) else { return };
    let at = newest(inner, events, "name", same);
    said.facts.occurred_at = set_status(said.of(kind, stock_id), inner, at);
    for moved in list(inner, "transferItems") {
        for one in list(moved, "devices") {
            device::snapshot(said, one);
        }
    }
}

/// `packedKit.event`: `packedKitId`, `deviceId`, `eventType`, `eventTimestamp` (documented).
pub(super) fn packed_kit(said: &mut Said, payload: &Value) {
    let Some(kit_id) = first_id(payload, &["packedKitId", "id"]) else { return };
    let at = instant(payload, "eventTimestamp");
    let about = said.of(SubjectKind::PackedKit, kit_id);
    if let Some(status) = first_text(payload, &["eventType", "currentStatus", "status"]) {
        put(about, Fact { name: "status", value: known(status), at, stage: None });
    }
    let device_id = id(payload, "deviceId");
    if let Some(device_id) = &device_id {
        link(about, SubjectKind::Device, device_id.clone());
    }
    if let Some(device_id) = device_id {
        said.of(SubjectKind::Device, device_id);
    }
    said.facts.occurred_at = at;
}

/// Sets status and stage; gives the status' own time.
fn set_status(about: &mut About, inner: &Value, at: impl Fn(&str) -> Option<Timestamp>) -> Option<Timestamp> {
    let sent = first_text(inner, STATUS_NAMES)?;
    let kind = about.subject.kind;
    let known_status = status::find(kind, sent);
    let at = at(sent);
    let stage = known_status.and_then(|status| status.stage);
    put(about, Fact { name: "status", value: known(status::word(kind, sent)), at, stage });
    about.over = known_status.is_some_and(|status| status.over);
    at
}

/// The newest time among the entries of `events` whose name is the status asked for.
fn newest<'v>(
    inner: &'v Value,
    events: &'static str,
    name: &'static str,
    is: impl Fn(&str, &str) -> bool + 'v,
) -> impl Fn(&str) -> Option<Timestamp> + 'v {
    move |status| {
        let entries = list(inner, events).filter(|entry| text(entry, name).is_some_and(|named| is(named, status)));
        entries.filter_map(|entry| instant(entry, "eventTimestamp")).max()
    }
}

fn moment(inner: &Value, events: &'static str, name: &'static str, status: &str) -> Option<Timestamp> {
    newest(inner, events, name, same)(status)
}

/// The patient or the site that an order or a return belongs to.
fn parties(said: &mut Said, kind: SubjectKind, own_id: &str, inner: &Value) {
    let patient = object(inner, "patient");
    let patient_id = patient.and_then(|one| device::patient(said, one)).or_else(|| id(inner, "patientId"));
    if let Some(patient_id) = &patient_id {
        said.of(SubjectKind::Patient, patient_id.clone());
    }
    let site = object(inner, "site").or_else(|| patient.and_then(|one| object(one, "site")));
    let site_id = site.and_then(|one| device::site(said, one));
    let about = said.of(kind, own_id.to_owned());
    if let Some(patient_id) = patient_id {
        put(about, fact("patient", known(patient_id.clone())));
        link(about, SubjectKind::Patient, patient_id);
    }
    if let Some(name) = site.and_then(|one| text(one, "name")) {
        put(about, fact("site", known(name)));
    }
    if let Some(site_id) = site_id {
        link(about, SubjectKind::Site, site_id);
    }
}

fn contents(about: &mut About, devices: Vec<Known>, inner: &Value) {
    if !devices.is_empty() {
        put(about, fact("devices", Known::List(devices)));
    }
    let tracking: Vec<Known> = list(inner, "trackingNumbers")
        .filter_map(|one| text(one, "value").or_else(|| one.as_str()))
        .chain(text(inner, "trackingNumber"))
        .map(known)
        .collect();
    if !tracking.is_empty() {
        put(about, fact("tracking_numbers", Known::List(tracking)));
    }
}
