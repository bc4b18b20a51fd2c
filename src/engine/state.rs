//! The fields that a subject can have, and what an event says of one.

use serde::{Deserialize, Serialize};

use super::subject::SubjectKind;
use super::time::Timestamp;
use super::value::{Protection, Value};

/// The type of a field, as rules see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    Text,
    Number,
    Bool,
    Time,
    /// A list of texts.
    List,
}

/// Fields that are learned together and share one time: only newer values replace older ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldGroup {
    Identity,
    Association,
    Status,
    Battery,
    /// Signs of life; each field keeps its newest value by itself.
    Life,
}

/// One field of one kind of subject.
#[derive(Debug)]
pub struct Field {
    pub name: &'static str,
    pub kind: SubjectKind,
    pub ty: FieldType,
    pub group: FieldGroup,
    pub protection: Protection,
}

const fn field(
    kind: SubjectKind,
    name: &'static str,
    ty: FieldType,
    group: FieldGroup,
    protection: Protection,
) -> Field {
    Field { name, kind, ty, group, protection }
}

/// Every field that rules and texts can read, `id` apart, which each kind has.
pub const FIELDS: &[Field] = {
    use FieldGroup::{Association, Battery, Identity, Life, Status};
    use FieldType::{Bool, List, Number, Text, Time};
    use Protection::{Ids, None as Open};
    use SubjectKind::{Device, Item, Order, PackedKit, Patient, Procurement, Return, Site, Ticket, Transfer};
    &[
        field(Device, "serial", Text, Identity, Ids),
        field(Device, "item", Text, Identity, Open),
        field(Device, "model", Text, Identity, Open),
        field(Device, "manufacturer", Text, Identity, Open),
        field(Device, "site", Text, Association, Open),
        field(Device, "patient", Text, Association, Ids),
        field(Device, "associated", Bool, Association, Ids),
        field(Device, "associated_at", Time, Association, Ids),
        field(Device, "status", Text, Status, Ids),
        field(Device, "delivered_at", Time, Life, Ids),
        field(Device, "readings_disabled", Bool, Status, Ids),
        field(Device, "battery", Number, Battery, Ids),
        field(Device, "battery_at", Time, Battery, Ids),
        field(Device, "weak_signal_at", Time, Life, Ids),
        field(Device, "first_reading_at", Time, Life, Ids),
        field(Device, "last_reading_at", Time, Life, Ids),
        field(Device, "last_health_check_at", Time, Life, Ids),
        field(Device, "last_heard_at", Time, Life, Ids),
        field(Device, "return_at", Time, Life, Ids),
        field(Order, "status", Text, Status, Ids),
        field(Order, "status_at", Time, Status, Ids),
        field(Order, "placed_at", Time, Life, Ids),
        field(Order, "shipped_at", Time, Life, Ids),
        field(Order, "delivered_at", Time, Life, Ids),
        field(Order, "patient", Text, Identity, Ids),
        field(Order, "site", Text, Identity, Open),
        field(Order, "devices", List, Identity, Ids),
        field(Order, "items", List, Identity, Open),
        field(Order, "tracking_numbers", List, Identity, Ids),
        field(Return, "status", Text, Status, Ids),
        field(Return, "status_at", Time, Status, Ids),
        field(Return, "order", Text, Identity, Ids),
        field(Return, "patient", Text, Identity, Ids),
        field(Return, "site", Text, Identity, Open),
        field(Return, "devices", List, Identity, Ids),
        field(Return, "tracking_numbers", List, Identity, Ids),
        field(Patient, "site", Text, Identity, Open),
        field(Patient, "enrolled", Bool, Status, Ids),
        field(Patient, "archived", Bool, Status, Ids),
        field(Patient, "open_orders", List, Life, Ids),
        field(Patient, "ordered_items", List, Life, Open),
        field(Site, "name", Text, Identity, Open),
        field(Site, "devices_with_patients", Number, Life, Open),
        field(Item, "name", Text, Identity, Open),
        field(Item, "model", Text, Identity, Open),
        field(Item, "manufacturer", Text, Identity, Open),
        field(Item, "devices_with_patients", Number, Life, Open),
        field(Ticket, "type", Text, Identity, Ids),
        field(Ticket, "status", Text, Status, Ids),
        field(Ticket, "open", Bool, Status, Ids),
        field(Ticket, "created_at", Time, Identity, Ids),
        field(Ticket, "updated_at", Time, Status, Ids),
        field(Ticket, "device", Text, Identity, Ids),
        field(Ticket, "patient", Text, Identity, Ids),
        field(Procurement, "status", Text, Status, Ids),
        field(Procurement, "status_at", Time, Status, Ids),
        field(Transfer, "status", Text, Status, Ids),
        field(Transfer, "status_at", Time, Status, Ids),
        field(PackedKit, "status", Text, Status, Ids),
        field(PackedKit, "status_at", Time, Status, Ids),
    ]
};

impl Field {
    /// The field `name` of `kind`.
    #[must_use]
    pub fn find(kind: SubjectKind, name: &str) -> Option<&'static Self> {
        of(kind).iter().find(|field| field.is_named(name))
    }

    /// The set of the field `name` of `kind` alone; empty where there is none.
    pub(super) fn alone(kind: SubjectKind, name: &str) -> FieldSet {
        let place = of(kind).iter().position(|field| field.is_named(name));
        FieldSet(place.map_or(0, |place| 1 << place))
    }

    fn is_named(&self, name: &str) -> bool {
        std::ptr::eq(self.name, name) || self.name == name
    }

    /// The fields of `kind`, in documentation order.
    pub fn of(kind: SubjectKind) -> impl Iterator<Item = &'static Self> + Clone {
        of(kind).iter()
    }
}

/// Some of the fields of one kind of subject.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FieldSet(u32);

impl FieldSet {
    pub(super) const ALL: Self = Self(u32::MAX);

    /// Adds the fields of another set.
    pub(super) fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// Whether the two have a field in common.
    pub(super) fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// How many kinds of subject there are.
const KINDS: usize = SubjectKind::NAMED.len() + SubjectKind::OWN.len();

/// Where the fields of each kind begin and end in [`FIELDS`], which has them side by side.
const PLACES: [(usize, usize); KINDS] = {
    let mut places = [(0, 0); KINDS];
    let mut at = 0;
    while at < FIELDS.len() {
        let kind = FIELDS[at].kind as usize;
        if places[kind].1 == 0 {
            places[kind].0 = at;
        }
        places[kind].1 = at + 1;
        at += 1;
    }
    places
};

/// A [`FieldSet`] has a bit for each field of a kind.
const _: () = {
    let mut kind = 0;
    while kind < KINDS {
        assert!(PLACES[kind].1 - PLACES[kind].0 <= 32, "more fields of one kind than a set of them can hold");
        kind += 1;
    }
};

fn of(kind: SubjectKind) -> &'static [Field] {
    let (begin, end) = PLACES[kind as usize];
    &FIELDS[begin..end]
}

/// One value of one field, with the time at which it was so where that differs from the event's.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    pub name: &'static str,
    pub value: Value,
    /// `None`: as of the event's `occurred_at`.
    pub at: Option<Timestamp>,
    /// How far along a known order or return status lies, timed or not: a status without a time never takes its subject
    /// back to an earlier stage. `None` for other fields and unknown statuses.
    pub stage: Option<u8>,
}
