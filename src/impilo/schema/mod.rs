//! Which fields Impilo's payloads have, for the checker of rules and for what may travel how far.
//!
//! The tables say what is known; a payload may hold more. What they do not name travels under `full` only, as does, by
//! itself, every object that holds something protected: each of its fields has its own class.

mod models;

use super::status;
use crate::engine::{Protection, SubjectKind};

/// How sure a shape is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    Documented,
    /// No source states it; the nearest model is the best guess.
    Inferred,
}

/// A known event type.
#[derive(Debug)]
pub struct EventType {
    pub name: &'static str,
    pub mark: Mark,
    /// What the event is about.
    pub subject: SubjectKind,
    /// Every kind of subject that the event can name.
    pub names: &'static [SubjectKind],
    pub payload: &'static [PayloadField],
}

/// A field of a payload.
#[derive(Debug)]
pub struct PayloadField {
    pub name: &'static str,
    pub shape: Shape,
    pub protection: Protection,
}

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    Text,
    Number,
    Bool,
    /// A time as text; rules compare it with `timestamp(…)`.
    Time,
    /// An identifier: a number, or a text in one guide.
    Id,
    Object(&'static [PayloadField]),
    /// A list of objects with these fields.
    Objects(&'static [PayloadField]),
    Texts,
}

use SubjectKind as Kind;

const OF_DEVICE: &[Kind] = &[Kind::Device, Kind::Patient, Kind::Site, Kind::Item];
const OF_ORDER: &[Kind] = &[Kind::Order, Kind::Patient, Kind::Site, Kind::Device, Kind::Item];
const OF_RETURN: &[Kind] = &[Kind::Return, Kind::Order, Kind::Patient, Kind::Site, Kind::Device, Kind::Item];
const OF_PATIENT: &[Kind] = &[Kind::Patient, Kind::Site];
const OF_TICKET: &[Kind] = &[Kind::Ticket, Kind::Device, Kind::Patient, Kind::Order, Kind::Site, Kind::Item];
const OF_PROCUREMENT: &[Kind] = &[Kind::Procurement, Kind::Item];
const OF_TRANSFER: &[Kind] = &[Kind::Transfer, Kind::Device, Kind::Patient, Kind::Site, Kind::Item];
const OF_PACKED_KIT: &[Kind] = &[Kind::PackedKit, Kind::Device];

const fn event(
    name: &'static str,
    mark: Mark,
    names: &'static [SubjectKind],
    payload: &'static [PayloadField],
) -> EventType {
    EventType { name, mark, subject: names[0], names, payload }
}

/// The 25 known types: 24 of the published list, and `packedKit.event`, which has a page of its own.
pub const EVENT_TYPES: &[EventType] = {
    use Mark::{Documented, Inferred};
    &[
        event("device.lowBattery", Documented, OF_DEVICE, models::LOW_BATTERY),
        event("device.weakSignal", Inferred, OF_DEVICE, models::DEVICE_OR_BARE),
        event("device.healthcheck", Inferred, OF_DEVICE, models::DEVICE_OR_BARE),
        event("device.associationCreated", Documented, OF_DEVICE, models::ASSOCIATION),
        event("device.associationRemoved", Documented, OF_DEVICE, models::ASSOCIATION),
        event("order.status", Inferred, OF_ORDER, models::THIN_ORDER),
        event("order.statusFull", Inferred, OF_ORDER, models::ORDER),
        event("return.status", Inferred, OF_RETURN, models::RETURN),
        event("return.statusFull", Inferred, OF_RETURN, models::RETURN),
        event("patient.created", Inferred, OF_PATIENT, models::PATIENT),
        event("patient.updated", Inferred, OF_PATIENT, models::PATIENT),
        event("reading.weight", Documented, OF_DEVICE, models::WEIGHT),
        event("reading.bloodGlucose", Inferred, OF_DEVICE, models::GLUCOSE),
        event("reading.bloodOxygen", Inferred, OF_DEVICE, models::OXYGEN),
        event("reading.bloodPressure", Inferred, OF_DEVICE, models::PRESSURE),
        event("reading.temperature", Inferred, OF_DEVICE, models::TEMPERATURE),
        event("reading.peakFlow", Inferred, OF_DEVICE, models::PEAK_FLOW),
        event("reading.sleepMatActivity", Inferred, OF_DEVICE, models::SLEEP_ACTIVITY),
        event("reading.sleepMatDuration", Inferred, OF_DEVICE, models::SLEEP_DURATION),
        event("supportTicket.event", Inferred, OF_TICKET, models::TICKET),
        event("procurement.status", Inferred, OF_PROCUREMENT, models::THIN_PROCUREMENT),
        event("procurement.statusFull", Inferred, OF_PROCUREMENT, models::PROCUREMENT),
        event("transferRequest.status", Inferred, OF_TRANSFER, models::THIN_TRANSFER),
        event("transferRequest.statusFull", Inferred, OF_TRANSFER, models::TRANSFER),
        event("packedKit.event", Documented, OF_PACKED_KIT, models::PACKED_KIT),
    ]
};

/// The known type with this name.
#[must_use]
pub fn event_type(name: &str) -> Option<&'static EventType> {
    EVENT_TYPES.iter().find(|known| known.name == name)
}

/// Whether events of this type can say when they happened. One that is not known may.
#[must_use]
pub fn tells_time(kind: &str) -> bool {
    let thin = [
        "device.lowBattery",
        "device.weakSignal",
        "device.healthcheck",
        "order.status",
        "return.status",
        "patient.created",
        "patient.updated",
        "procurement.status",
        "transferRequest.status",
    ];
    !thin.contains(&kind)
}

/// The field at a dotted path below `payload`, as the known type `event` has it.
#[must_use]
pub fn payload_field(event: &str, path: &[&str]) -> Option<&'static PayloadField> {
    let mut fields = event_type(event)?.payload;
    let (last, way) = path.split_last()?;
    for step in way {
        fields = match fields.iter().find(|field| field.name == *step)?.shape {
            Shape::Object(inner) | Shape::Objects(inner) => inner,
            _ => return None,
        };
    }
    fields.iter().find(|field| field.name == *last)
}

/// The statuses that Impilo is known to use for a kind of subject; empty where none are known.
pub fn statuses(kind: SubjectKind) -> impl Iterator<Item = &'static str> {
    status::STATUSES.iter().filter(move |status| status.kind == kind).map(|status| status.name)
}
