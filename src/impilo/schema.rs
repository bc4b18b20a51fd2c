//! Which fields Impilo's payloads have, for the checker of rules and for what may travel how far.
//!
//! The tables say what is known; a payload may hold more. What they do not name travels under `full` only.

use crate::engine::{Protection, SubjectKind};

use super::status;

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

const fn open(name: &'static str, shape: Shape) -> PayloadField {
    PayloadField { name, shape, protection: Protection::None }
}

const fn ids(name: &'static str, shape: Shape) -> PayloadField {
    PayloadField { name, shape, protection: Protection::Ids }
}

const fn full(name: &'static str, shape: Shape) -> PayloadField {
    PayloadField { name, shape, protection: Protection::Full }
}

use Shape::{Bool, Id, Number, Object, Objects, Text, Texts, Time};

const MAKER: &[PayloadField] = &[open("id", Id), open("name", Text)];

const ITEM: &[PayloadField] = &[
    open("id", Id),
    open("manufacturer", Object(MAKER)),
    open("name", Text),
    open("model", Text),
    open("sku", Text),
    open("orderable", Bool),
];

const ADDRESS: &[PayloadField] = &[
    full("lineOne", Text),
    full("lineTwo", Text),
    full("lineThree", Text),
    full("city", Text),
    full("state", Text),
    full("zipCode", Text),
    full("country", Text),
    full("note", Text),
];

const SITE: &[PayloadField] = &[
    open("id", Id),
    open("name", Text),
    open("active", Bool),
    full("phoneNumber", Text),
    full("address", Object(ADDRESS)),
];

const PATIENT: &[PayloadField] = &[
    ids("id", Id),
    full("externalIdentifier", Text),
    full("firstName", Text),
    full("lastName", Text),
    full("dateOfBirth", Text),
    full("email", Text),
    full("phoneNumber", Text),
    ids("archived", Bool),
    full("address", Object(ADDRESS)),
    open("site", Object(SITE)),
    ids("enrolled", Bool),
    full("sex", Text),
];

const IDENTIFIER: &[PayloadField] = &[full("type", Text), full("value", Text)];
const TYPED_EVENT: &[PayloadField] = &[ids("type", Text), ids("eventTimestamp", Time)];
const NAMED_EVENT: &[PayloadField] = &[ids("name", Text), ids("eventTimestamp", Time)];

const DEVICE: &[PayloadField] = &[
    ids("id", Id),
    open("item", Object(ITEM)),
    ids("currentStatus", Text),
    ids("used", Bool),
    ids("currentPatient", Object(PATIENT)),
    open("site", Object(SITE)),
    ids("lastHealthCheck", Time),
    full("deviceIdentifiers", Objects(IDENTIFIER)),
    ids("deviceEvents", Objects(TYPED_EVENT)),
    full("externalIdentifier", Text),
    ids("disabledReadings", Bool),
];

const LOW_BATTERY: &[PayloadField] = &[ids("batteryPercentage", Number), ids("device", Object(DEVICE))];
const WITH_DEVICE: &[PayloadField] = &[ids("device", Object(DEVICE))];

const ASSOCIATION: &[PayloadField] =
    &[ids("patient", Object(PATIENT)), ids("device", Object(DEVICE)), ids("action", Text), ids("eventTimestamp", Time)];

const TRACKING: &[PayloadField] = &[ids("carrier", Text), ids("value", Text)];
const COUNTED: &[PayloadField] = &[open("item", Object(ITEM)), ids("count", Number)];
const KIT: &[PayloadField] = &[ids("devices", Objects(DEVICE))];
const NOTE: &[PayloadField] = &[full("note", Text), full("createdAt", Time), full("createdBy", Text)];

const THIN_ORDER: &[PayloadField] = &[
    ids("orderId", Id),
    ids("id", Id),
    full("externalOrderIds", Texts),
    ids("orderStatusName", Text),
    ids("orderStatus", Text),
    ids("currentStatus", Text),
    ids("status", Text),
];

const ORDER: &[PayloadField] = &[
    ids("id", Id),
    full("externalOrderIds", Texts),
    ids("patient", Object(PATIENT)),
    open("site", Object(SITE)),
    ids("currentStatus", Text),
    ids("orderItems", Objects(COUNTED)),
    ids("orderKits", Objects(COUNTED)),
    ids("orderEvents", Objects(NAMED_EVENT)),
    full("orderNotes", Objects(NOTE)),
    ids("trackingNumbers", Objects(TRACKING)),
    ids("devices", Objects(DEVICE)),
    ids("packedKits", Objects(KIT)),
    ids("shippingOption", Text),
];

const RETURN: &[PayloadField] = &[
    ids("id", Id),
    ids("returnId", Id),
    ids("patient", Object(PATIENT)),
    open("site", Object(SITE)),
    ids("currentStatus", Text),
    ids("status", Text),
    ids("returnItems", Objects(COUNTED)),
    ids("returnEvents", Objects(TYPED_EVENT)),
    ids("trackingNumbers", Objects(TRACKING)),
    ids("returnDevices", Objects(DEVICE)),
    ids("relatedOrderId", Id),
];

macro_rules! reading {
    ($($own:expr),* $(,)?) => {
        &[
            ids("id", Id),
            ids("readingTimestamp", Time),
            ids("manual", Bool),
            ids("deviceTimeZoneOffset", Number),
            ids("patientTimeZoneOffset", Number),
            ids("patient", Object(PATIENT)),
            open("item", Object(ITEM)),
            ids("device", Object(DEVICE)),
            open("site", Object(SITE)),
            $($own),*
        ]
    };
}

const WEIGHT: &[PayloadField] = reading![full("weight", Number), open("weightUnit", Text)];
const GLUCOSE: &[PayloadField] =
    reading![full("glucose", Number), open("glucoseUnit", Text), full("beforeMeal", Bool), full("afterMeal", Bool),];
const OXYGEN: &[PayloadField] = reading![
    full("bloodOxygen", Number),
    full("heartRate", Number),
    open("bloodOxygenUnit", Text),
    open("heartRateUnit", Text),
];
const PRESSURE: &[PayloadField] = reading![
    full("systolic", Number),
    full("diastolic", Number),
    full("heartRate", Number),
    open("systolicUnit", Text),
    open("diastolicUnit", Text),
    open("heartRateUnit", Text),
];
const TEMPERATURE: &[PayloadField] = reading![full("temperature", Number), open("temperatureUnit", Text)];
const PEAK_FLOW: &[PayloadField] = reading![full("peakExpiratoryFlow", Number), full("forcedExpiratoryVolume", Number)];
const SLEEP: &[PayloadField] = reading![
    full("respiration", Number),
    full("heartRate", Number),
    full("bodyTurnOver", Number),
    full("duration", Text),
    full("bedTime", Texts),
    full("getUpTime", Texts),
    full("rem", Number),
    full("deepSleep", Number),
    full("lightSleep", Number),
];

const TICKET: &[PayloadField] = &[
    ids("id", Id),
    ids("patient", Object(PATIENT)),
    ids("order", Object(ORDER)),
    ids("device", Object(DEVICE)),
    open("site", Object(SITE)),
    ids("ticketType", Text),
    full("supportTicketNotes", Objects(NOTE)),
    ids("currentStatus", Text),
    ids("open", Bool),
    open("assignedTeam", Text),
    full("assignee", Text),
    full("createdBy", Text),
    ids("createdAt", Time),
    ids("lastUpdated", Time),
];

const THIN_STOCK: &[PayloadField] = &[
    ids("id", Id),
    ids("procurementId", Id),
    ids("transferRequestId", Id),
    ids("currentStatus", Text),
    ids("status", Text),
    ids("eventType", Text),
];
const PROCUREMENT: &[PayloadField] = &[
    ids("id", Id),
    ids("currentStatus", Text),
    ids("procurementType", Text),
    ids("procurementItems", Objects(COUNTED)),
    ids("procurementEvents", Objects(NAMED_EVENT)),
];
const TRANSFER: &[PayloadField] = &[
    ids("id", Id),
    open("fromCustomer", Object(MAKER)),
    open("toCustomer", Object(MAKER)),
    ids("currentStatus", Text),
    ids("createdAt", Time),
    full("transferRequestNotes", Objects(NOTE)),
    ids("transferRequestEvents", Objects(NAMED_EVENT)),
    ids("transferItems", Objects(COUNTED)),
];
const PACKED_KIT: &[PayloadField] =
    &[ids("packedKitId", Id), ids("deviceId", Id), ids("eventType", Text), ids("eventTimestamp", Time)];

const OF_DEVICE: &[SubjectKind] = &[SubjectKind::Device, SubjectKind::Patient, SubjectKind::Site, SubjectKind::Item];
const OF_ORDER: &[SubjectKind] = &[SubjectKind::Order, SubjectKind::Patient, SubjectKind::Site, SubjectKind::Device];
const OF_RETURN: &[SubjectKind] =
    &[SubjectKind::Return, SubjectKind::Order, SubjectKind::Patient, SubjectKind::Site, SubjectKind::Device];
const OF_PATIENT: &[SubjectKind] = &[SubjectKind::Patient, SubjectKind::Site];
const OF_TICKET: &[SubjectKind] = &[SubjectKind::Ticket, SubjectKind::Device, SubjectKind::Patient, SubjectKind::Order];

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
        event("device.lowBattery", Documented, OF_DEVICE, LOW_BATTERY),
        event("device.weakSignal", Inferred, OF_DEVICE, WITH_DEVICE),
        event("device.healthcheck", Inferred, OF_DEVICE, WITH_DEVICE),
        event("device.associationCreated", Documented, OF_DEVICE, ASSOCIATION),
        event("device.associationRemoved", Documented, OF_DEVICE, ASSOCIATION),
        event("order.status", Inferred, OF_ORDER, THIN_ORDER),
        event("order.statusFull", Inferred, OF_ORDER, ORDER),
        event("return.status", Inferred, OF_RETURN, RETURN),
        event("return.statusFull", Inferred, OF_RETURN, RETURN),
        event("patient.created", Inferred, OF_PATIENT, PATIENT),
        event("patient.updated", Inferred, OF_PATIENT, PATIENT),
        event("reading.weight", Documented, OF_DEVICE, WEIGHT),
        event("reading.bloodGlucose", Inferred, OF_DEVICE, GLUCOSE),
        event("reading.bloodOxygen", Inferred, OF_DEVICE, OXYGEN),
        event("reading.bloodPressure", Inferred, OF_DEVICE, PRESSURE),
        event("reading.temperature", Inferred, OF_DEVICE, TEMPERATURE),
        event("reading.peakFlow", Inferred, OF_DEVICE, PEAK_FLOW),
        event("reading.sleepMatActivity", Inferred, OF_DEVICE, SLEEP),
        event("reading.sleepMatDuration", Inferred, OF_DEVICE, SLEEP),
        event("supportTicket.event", Inferred, OF_TICKET, TICKET),
        event("procurement.status", Inferred, &[SubjectKind::Procurement], THIN_STOCK),
        event("procurement.statusFull", Inferred, &[SubjectKind::Procurement], PROCUREMENT),
        event("transferRequest.status", Inferred, &[SubjectKind::Transfer], THIN_STOCK),
        event("transferRequest.statusFull", Inferred, &[SubjectKind::Transfer], TRANSFER),
        event("packedKit.event", Documented, &[SubjectKind::PackedKit, SubjectKind::Device], PACKED_KIT),
    ]
};

/// The known type with this name.
#[must_use]
pub fn event_type(name: &str) -> Option<&'static EventType> {
    EVENT_TYPES.iter().find(|known| known.name == name)
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
