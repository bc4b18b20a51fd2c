//! The fields of Impilo's models, and of the payloads that are made of them.

use super::Shape::{Bool, Id, Number, Object, Objects, Text, Texts, Time};
use super::{PayloadField, Shape};
use crate::engine::Protection;

const fn open(name: &'static str, shape: Shape) -> PayloadField {
    PayloadField { name, shape, protection: Protection::None }
}

const fn ids(name: &'static str, shape: Shape) -> PayloadField {
    PayloadField { name, shape, protection: Protection::Ids }
}

const fn full(name: &'static str, shape: Shape) -> PayloadField {
    PayloadField { name, shape, protection: Protection::Full }
}

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
    full("active", Bool),
    full("phoneNumber", Text),
    full("address", Object(ADDRESS)),
];

pub(super) const PATIENT: &[PayloadField] = &[
    ids("id", Id),
    full("externalIdentifier", Text),
    full("firstName", Text),
    full("lastName", Text),
    full("dateOfBirth", Text),
    full("email", Text),
    full("phoneNumber", Text),
    ids("archived", Bool),
    full("address", Object(ADDRESS)),
    full("site", Object(SITE)),
    ids("enrolled", Bool),
    full("sex", Text),
];

const CUSTOMER: &[PayloadField] = &[full("id", Id), full("name", Text)];
const USER: &[PayloadField] = &[full("id", Id), full("firstName", Text), full("lastName", Text), full("email", Text)];
const IDENTIFIER: &[PayloadField] = &[full("type", Text), full("value", Text)];
const TYPED_EVENT: &[PayloadField] = &[ids("type", Text), ids("eventTimestamp", Time)];
const NAMED_EVENT: &[PayloadField] = &[ids("name", Text), ids("eventTimestamp", Time)];
const TRACKING: &[PayloadField] = &[ids("carrier", Text), ids("value", Text)];
const NOTE: &[PayloadField] = &[full("note", Text), full("createdAt", Time), full("createdBy", Object(USER))];

const DEVICE: &[PayloadField] = &[
    ids("id", Id),
    open("item", Object(ITEM)),
    ids("currentStatus", Text),
    ids("used", Bool),
    full("currentPatient", Object(PATIENT)),
    full("site", Object(SITE)),
    ids("lastHealthCheck", Time),
    full("deviceIdentifiers", Objects(IDENTIFIER)),
    ids("deviceEvents", Objects(TYPED_EVENT)),
    full("externalIdentifier", Text),
    ids("disabledReadings", Bool),
];

const COUNTED: &[PayloadField] = &[open("item", Object(ITEM)), ids("count", Number)];
const KIT: &[PayloadField] =
    &[ids("id", Id), full("name", Text), ids("archived", Bool), ids("kitItems", Objects(COUNTED))];
const ORDERED_KIT: &[PayloadField] = &[ids("kit", Object(KIT)), ids("count", Number)];
const PACKED: &[PayloadField] = &[ids("kit", Object(KIT)), full("devices", Objects(DEVICE))];
const TRANSFERRED: &[PayloadField] =
    &[open("item", Object(ITEM)), ids("count", Number), full("devices", Objects(DEVICE))];
const PROCURED: &[PayloadField] = &[
    open("item", Object(ITEM)),
    ids("quantityRequested", Number),
    ids("quantityApproved", Number),
    full("costPerItem", Number),
    ids("trackingNumbers", Objects(TRACKING)),
];

pub(super) const LOW_BATTERY: &[PayloadField] = &[ids("batteryPercentage", Number), full("device", Object(DEVICE))];

/// A Device under `device`, or the payload itself.
pub(super) const DEVICE_OR_BARE: &[PayloadField] = &[
    full("device", Object(DEVICE)),
    ids("deviceId", Id),
    ids("id", Id),
    open("item", Object(ITEM)),
    ids("currentStatus", Text),
    ids("used", Bool),
    full("currentPatient", Object(PATIENT)),
    full("site", Object(SITE)),
    ids("lastHealthCheck", Time),
    full("deviceIdentifiers", Objects(IDENTIFIER)),
    ids("deviceEvents", Objects(TYPED_EVENT)),
    full("externalIdentifier", Text),
    ids("disabledReadings", Bool),
];

pub(super) const ASSOCIATION: &[PayloadField] = &[
    full("patient", Object(PATIENT)),
    full("device", Object(DEVICE)),
    ids("action", Text),
    ids("eventTimestamp", Time),
];

pub(super) const THIN_ORDER: &[PayloadField] = &[
    ids("orderId", Id),
    ids("id", Id),
    ids("patientId", Id),
    full("externalOrderIds", Texts),
    ids("orderStatusName", Text),
    ids("orderStatus", Text),
    ids("currentStatus", Text),
    ids("status", Text),
    ids("eventType", Text),
    ids("trackingNumber", Text),
];

pub(super) const ORDER: &[PayloadField] = &[
    ids("id", Id),
    full("externalOrderIds", Texts),
    full("patient", Object(PATIENT)),
    full("site", Object(SITE)),
    ids("currentStatus", Text),
    ids("orderItems", Objects(COUNTED)),
    ids("orderKits", Objects(ORDERED_KIT)),
    ids("orderEvents", Objects(NAMED_EVENT)),
    full("orderNotes", Objects(NOTE)),
    ids("trackingNumbers", Objects(TRACKING)),
    full("devices", Objects(DEVICE)),
    full("packedKits", Objects(PACKED)),
    ids("shippingOption", Text),
];

pub(super) const RETURN: &[PayloadField] = &[
    ids("id", Id),
    ids("returnId", Id),
    full("patient", Object(PATIENT)),
    full("site", Object(SITE)),
    ids("currentStatus", Text),
    ids("status", Text),
    ids("eventType", Text),
    ids("returnKits", Objects(KIT)),
    ids("returnItems", Objects(COUNTED)),
    ids("returnEvents", Objects(TYPED_EVENT)),
    ids("trackingNumbers", Objects(TRACKING)),
    full("returnDevices", Objects(DEVICE)),
    ids("relatedOrderId", Id),
];

/// What every reading has, and its own values beside it. The values and their units are clinical.
macro_rules! reading {
    ($($own:expr),* $(,)?) => {
        &[
            ids("id", Id),
            ids("readingTimestamp", Time),
            ids("manual", Bool),
            full("deviceTimeZoneOffset", Number),
            full("patientTimeZoneOffset", Number),
            full("patient", Object(PATIENT)),
            open("item", Object(ITEM)),
            full("device", Object(DEVICE)),
            full("site", Object(SITE)),
            $($own),*
        ]
    };
}

pub(super) const WEIGHT: &[PayloadField] = reading![full("weight", Number), full("weightUnit", Text)];
pub(super) const GLUCOSE: &[PayloadField] =
    reading![full("glucose", Number), full("glucoseUnit", Text), full("beforeMeal", Bool), full("afterMeal", Bool)];
pub(super) const OXYGEN: &[PayloadField] = reading![
    full("bloodOxygen", Number),
    full("heartRate", Number),
    full("bloodOxygenUnit", Text),
    full("heartRateUnit", Text),
];
pub(super) const PRESSURE: &[PayloadField] = reading![
    full("systolic", Number),
    full("diastolic", Number),
    full("heartRate", Number),
    full("systolicUnit", Text),
    full("diastolicUnit", Text),
    full("heartRateUnit", Text),
];
pub(super) const TEMPERATURE: &[PayloadField] = reading![full("temperature", Number), full("temperatureUnit", Text)];
pub(super) const PEAK_FLOW: &[PayloadField] = reading![
    full("peakExpiratoryFlow", Number),
    full("peakExpiratoryFlowUnit", Text),
    full("forcedExpiratoryVolume", Number),
    full("forcedExpiratoryVolumeUnit", Text),
];
pub(super) const SLEEP_ACTIVITY: &[PayloadField] = reading![
    full("respiration", Number),
    full("heartRate", Number),
    full("bodyTurnOver", Number),
    full("duration", Text),
    full("bedTime", Texts),
    full("getUpTime", Texts),
];
pub(super) const SLEEP_DURATION: &[PayloadField] = reading![
    full("respiration", Number),
    full("heartRate", Number),
    full("bodyTurnOver", Number),
    full("duration", Text),
    full("rem", Number),
    full("deepSleep", Number),
    full("lightSleep", Number),
];

const TICKET_EVENT: &[PayloadField] = &[ids("eventType", Text), ids("createdAt", Time)];
pub(super) const TICKET: &[PayloadField] = &[
    ids("id", Id),
    ids("supportTicketId", Id),
    ids("ticketId", Id),
    full("customer", Object(CUSTOMER)),
    full("patient", Object(PATIENT)),
    full("order", Object(ORDER)),
    full("device", Object(DEVICE)),
    full("site", Object(SITE)),
    ids("ticketType", Text),
    full("supportTicketNotes", Objects(NOTE)),
    ids("supportTicketEvents", Objects(TICKET_EVENT)),
    ids("currentStatus", Text),
    ids("open", Bool),
    ids("assignedTeam", Text),
    full("assignee", Object(USER)),
    full("createdBy", Object(USER)),
    ids("eventType", Text),
    ids("createdAt", Time),
    ids("lastUpdated", Time),
];

pub(super) const THIN_PROCUREMENT: &[PayloadField] =
    &[ids("procurementId", Id), ids("id", Id), ids("currentStatus", Text), ids("status", Text), ids("eventType", Text)];
pub(super) const PROCUREMENT: &[PayloadField] = &[
    ids("id", Id),
    ids("currentStatus", Text),
    ids("procurementType", Text),
    ids("procurementItems", Objects(PROCURED)),
    ids("procurementEvents", Objects(NAMED_EVENT)),
];
pub(super) const THIN_TRANSFER: &[PayloadField] = &[
    ids("transferRequestId", Id),
    ids("id", Id),
    ids("currentStatus", Text),
    ids("status", Text),
    ids("eventType", Text),
];
pub(super) const TRANSFER: &[PayloadField] = &[
    ids("id", Id),
    full("fromCustomer", Object(CUSTOMER)),
    full("toCustomer", Object(CUSTOMER)),
    ids("currentStatus", Text),
    ids("createdAt", Time),
    full("transferRequestNotes", Objects(NOTE)),
    ids("transferRequestEvents", Objects(NAMED_EVENT)),
    full("transferItems", Objects(TRANSFERRED)),
];
pub(super) const PACKED_KIT: &[PayloadField] =
    &[ids("packedKitId", Id), ids("deviceId", Id), ids("eventType", Text), ids("eventTimestamp", Time)];
