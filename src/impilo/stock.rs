//! What moves stock: procurements, transfer requests, packed kits.

use serde_json_borrow::Value;

use super::device;
use super::facts::{Said, link, put};
use super::order::{Events, say_status, status_at};
use super::read::{fact, first_id, first_text, id, instant, known, list, object};
use crate::engine::{Fact, SubjectKind};

/// `procurement.status` (an id and a status: documented; the names: weak) and `procurement.statusFull` (a Procurement;
/// inferred). Its known statuses are not documented beyond `received`.
///
/// Own time: the newest of `procurementEvents` whose name is the present status. Thin events have none.
pub(super) fn procurement(said: &mut Said, payload: &Value) {
    let inner = object(payload, "procurement").unwrap_or(payload);
    let Some(own_id) = first_id(inner, &["procurementId", "id"]) else { return };
    say_status(said, SubjectKind::Procurement, &own_id, inner, &Events::of(inner, "procurementEvents", "name"));
    for moved in list(inner, "procurementItems") {
        if let Some(item) = object(moved, "item") {
            device::item(said, item);
        }
    }
    said.facts.occurred_at = status_at(inner, "procurementEvents", "name");
}

/// `transferRequest.status` (an id and a status: documented; the names: weak) and `transferRequest.statusFull` (a
/// TransferRequest, with its devices once completed; inferred).
///
/// Own time: the newest of `transferRequestEvents` whose name is the present status. Thin events have none.
pub(super) fn transfer(said: &mut Said, payload: &Value) {
    let inner = object(payload, "transferRequest").unwrap_or(payload);
    let Some(own_id) = first_id(inner, &["transferRequestId", "id"]) else { return };
    say_status(said, SubjectKind::Transfer, &own_id, inner, &Events::of(inner, "transferRequestEvents", "name"));
    for moved in list(inner, "transferItems") {
        if let Some(item) = object(moved, "item") {
            device::item(said, item);
        }
        for one in list(moved, "devices") {
            device::snapshot(said, one);
        }
    }
    said.facts.occurred_at = status_at(inner, "transferRequestEvents", "name");
}

/// `packedKit.event`: `packedKitId`, `deviceId`, `eventType`, `eventTimestamp` (documented; only `started` was ever seen).
/// A kit's id stands in no order, so a kit cannot be joined with one.
///
/// Own time: `eventTimestamp` (documented).
pub(super) fn packed_kit(said: &mut Said, payload: &Value) {
    let Some(kit_id) = first_id(payload, &["packedKitId", "id"]) else { return };
    let at = said.instant(payload, "eventTimestamp");
    let about = said.of(SubjectKind::PackedKit, kit_id);
    if let Some(status) = first_text(payload, &["eventType", "currentStatus", "status"]) {
        put(about, Fact { at, ..fact("status", known(status)) });
    }
    let whole = object(payload, "device");
    let device_id = whole.and_then(|inner| id(inner, "id")).or_else(|| first_id(payload, &["deviceId", "device"]));
    if let Some(device_id) = device_id {
        link(about, SubjectKind::Device, device_id.clone());
        said.of(SubjectKind::Device, device_id);
    }
    if let Some(inner) = whole {
        device::snapshot(said, inner);
    }
    said.facts.occurred_at = instant(payload, "eventTimestamp");
}
