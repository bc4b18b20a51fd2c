//! Orders and returns.

use serde_json_borrow::Value;
use smol_str::SmolStr;

use super::facts::{Said, link, put};
use super::read::{LONGEST_LIST, fact, first_id, first_text, known, list, object, text};
use super::{device, patient, status};
use crate::engine::{About, Fact, SubjectKind, Timestamp, Value as Known};

/// Names that a thin status event may use for its status. None is documented with certainty: the first is the test
/// request's, the others are those of the models beside it (inferred).
const STATUS_NAMES: &[&str] = &[
    "orderStatusName",
    "orderStatus",
    "returnStatusName",
    "returnStatus",
    "currentStatus",
    "status",
    "eventType",
    "name",
    "type",
];

/// `order.status` (an id and a status: documented; the names: inferred) and `order.statusFull` (an Order; inferred).
///
/// Own time: the newest of `orderEvents` whose name is the present status. Thin events have none.
pub(super) fn order_event(said: &mut Said, payload: &Value) {
    let inner = object(payload, "order").unwrap_or(payload);
    if order(said, inner).is_some() {
        said.facts.occurred_at = status_at(inner, "orderEvents", "name");
    }
}

/// `return.status` (weakly inferred: an id and a status) and `return.statusFull` (a Return; inferred).
///
/// Own time: the newest of `returnEvents` whose type is the present status. Thin events have none.
pub(super) fn return_event(said: &mut Said, payload: &Value) {
    let inner = object(payload, "return").unwrap_or(payload);
    if returned(said, inner).is_some() {
        said.facts.occurred_at = status_at(inner, "returnEvents", "type");
    }
}

/// An Order (documented), or part of one: alone, or inside a ticket.
pub(super) fn order(said: &mut Said, order: &Value) -> Option<SmolStr> {
    let order_id = first_id(order, &["orderId", "id"])?;
    say_status(said, SubjectKind::Order, &order_id, order, &Events::of(order, "orderEvents", "name"));
    parties(said, SubjectKind::Order, &order_id, order);
    let kits = list(order, "packedKits").flat_map(|kit| list(kit, "devices"));
    let every = list(order, "devices").chain(kits).take(LONGEST_LIST);
    let devices: Vec<Known> = every.filter_map(|one| contained(said, one)).collect();
    let events = Events::of(order, "orderEvents", "name");
    if let Some(at) = events.newest(said, "delivered") {
        for device_id in devices.iter().filter_map(Known::as_text) {
            put(said.of(SubjectKind::Device, device_id), fact("delivered_at", Known::Time(at)));
        }
    }
    for (name, status) in [("placed_at", "orderPlaced"), ("shipped_at", "shipped"), ("delivered_at", "delivered")] {
        if let Some(at) = events.newest(said, status) {
            put(said.of(SubjectKind::Order, order_id.clone()), fact(name, Known::Time(at)));
        }
    }
    let about = said.of(SubjectKind::Order, order_id.clone());
    contents(about, devices, order);
    let items = list(order, "orderItems").chain(kit_items(order)).filter_map(|one| text(object(one, "item")?, "name"));
    let mut items: Vec<&str> = items.take(LONGEST_LIST).collect();
    items.sort_unstable();
    items.dedup();
    if !items.is_empty() {
        put(about, fact("items", Known::List(items.into_iter().map(known).collect())));
    }
    Some(order_id)
}

/// What the kits of an order are made of.
fn kit_items<'v>(order: &'v Value<'v>) -> impl Iterator<Item = &'v Value<'v>> {
    list(order, "orderKits").filter_map(|one| object(one, "kit")).flat_map(|kit| list(kit, "kitItems"))
}

/// A Return (documented), or part of one.
pub(super) fn returned(said: &mut Said, returned: &Value) -> Option<SmolStr> {
    let return_id = first_id(returned, &["returnId", "id"])?;
    say_status(said, SubjectKind::Return, &return_id, returned, &Events::of(returned, "returnEvents", "type"));
    if let Some(order_id) = first_id(returned, &["relatedOrderId", "orderId"]) {
        let about = said.of(SubjectKind::Return, return_id.clone());
        put(about, fact("order", known(order_id.clone())));
        link(about, SubjectKind::Order, order_id.clone());
        said.of(SubjectKind::Order, order_id);
    }
    parties(said, SubjectKind::Return, &return_id, returned);
    let devices: Vec<Known> = list(returned, "returnDevices").filter_map(|one| contained(said, one)).collect();
    expect_back(said, returned, &devices);
    contents(said.of(SubjectKind::Return, return_id.clone()), devices, returned);
    Some(return_id)
}

/// Notes when a return last named its devices. One that was voided brings nothing back.
fn expect_back(said: &mut Said, returned: &Value, devices: &[Known]) {
    let Some(status) = first_text(returned, STATUS_NAMES) else { return };
    if status::same(status, "voided") {
        return;
    }
    let at = Events::of(returned, "returnEvents", "type").newest(said, status).unwrap_or(said.received_at);
    for device_id in devices.iter().filter_map(Known::as_text) {
        put(said.of(SubjectKind::Device, device_id), fact("return_at", Known::Time(at)));
    }
}

/// The dated entries of an order, a return and the like: which of them come first is not documented.
pub(super) struct Events<'v> {
    owner: &'v Value<'v>,
    list: &'static str,
    /// The field that says which event it was.
    name: &'static str,
}

impl<'v> Events<'v> {
    pub fn of(owner: &'v Value<'v>, list: &'static str, name: &'static str) -> Self {
        Self { owner, list, name }
    }

    fn called<'s>(&'s self, status: &'s str) -> impl Iterator<Item = &'v Value<'v>> + 's {
        let entries = list(self.owner, self.list);
        entries.filter(|entry| text(entry, self.name).is_some_and(|name| status::same(name, status)))
    }

    /// When the newest entry of this name happened.
    pub fn newest(&self, said: &Said, status: &str) -> Option<Timestamp> {
        self.called(status).filter_map(|entry| said.instant(entry, "eventTimestamp")).max()
    }
}

/// The own time of a status: the newest of its entries. `None` where there is none, also where other statuses have a time.
pub(super) fn status_at(owner: &Value, list: &'static str, name: &'static str) -> Option<Timestamp> {
    let sent = first_text(owner, STATUS_NAMES)?;
    let events = Events::of(owner, list, name);
    events.called(sent).filter_map(|entry| super::read::instant(entry, "eventTimestamp")).max()
}

/// Says the status of a subject: the known word for it, its own time and its stage.
pub(super) fn say_status(said: &mut Said, kind: SubjectKind, id: &str, owner: &Value, events: &Events<'_>) {
    let sent = first_text(owner, STATUS_NAMES);
    let at = sent.and_then(|sent| events.newest(said, sent));
    let about = said.of(kind, id);
    let Some(sent) = sent else { return };
    let status = status::find(kind, sent);
    let stage = status.and_then(|status| status.stage);
    put(about, Fact { name: "status", value: known(status::word(kind, sent)), at, stage });
    about.over |= status.is_some_and(|status| status.over);
    about.brings_back |= kind == SubjectKind::Return && status.is_some_and(|status| status.name == "completed");
}

/// A device inside an order or a return.
fn contained(said: &mut Said, inner: &Value) -> Option<Known> {
    device::snapshot(said, inner).map(known)
}

/// The patient or the site that an order or a return belongs to. A patient's order is at the patient's site.
fn parties(said: &mut Said, kind: SubjectKind, own_id: &str, owner: &Value) {
    let patient_id = patient::party(said, owner);
    let its_site = || object(owner, "patient").and_then(|inner| object(inner, "site"));
    let site = object(owner, "site").or_else(its_site);
    let site_id = site.and_then(|inner| patient::site(said, inner));
    let about = said.of(kind, own_id);
    if let Some(patient_id) = patient_id {
        put(about, fact("patient", known(patient_id.clone())));
        link(about, SubjectKind::Patient, patient_id);
    }
    if let Some(name) = site.and_then(|inner| text(inner, "name")) {
        put(about, fact("site", known(name)));
    }
    if let Some(site_id) = site_id {
        link(about, SubjectKind::Site, site_id);
    }
}

/// The devices and tracking numbers of an order or a return. Empty lists say nothing: examples leave them empty at will.
fn contents(about: &mut About, mut devices: Vec<Known>, owner: &Value) {
    let mut seen = std::collections::BTreeSet::new();
    devices.retain(|device| device.as_text().is_some_and(|id| seen.insert(id.to_owned())));
    if !devices.is_empty() {
        put(about, fact("devices", Known::List(devices)));
    }
    let each = list(owner, "trackingNumbers").filter_map(|one| text(one, "value").or_else(|| one.as_str()));
    let tracking: Vec<Known> = each.chain(text(owner, "trackingNumber")).map(known).collect();
    if !tracking.is_empty() {
        put(about, fact("tracking_numbers", Known::List(tracking)));
    }
}
