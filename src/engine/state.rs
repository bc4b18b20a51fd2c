//! The projected state of a subject: a record of named fields, each group of fields with its own time.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

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
        of(kind).iter().find(|field| std::ptr::eq(field.name, name) || field.name == name)
    }

    /// The fields of `kind`, in documentation order.
    pub fn of(kind: SubjectKind) -> impl Iterator<Item = &'static Self> + Clone {
        of(kind).iter()
    }
}

/// How many kinds of subject there are.
const KINDS: usize = SubjectKind::NAMED.len() + 1;

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

/// What is known of a subject now.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    #[serde(deserialize_with = "known_values")]
    values: BTreeMap<&'static str, Value>,
    /// When each group of fields was last known to be so.
    #[serde(default)]
    times: BTreeMap<FieldGroup, Timestamp>,
    /// The stage of `status`, or of the last one that had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stage: Option<u8>,
    /// The newest own time of a status that has a stage; `None` where receipt alone has placed it so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status_own_time: Option<Timestamp>,
}

impl Record {
    /// The value of `name`, where known.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// Every known field, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.values.iter().map(|(name, value)| (*name, value))
    }

    /// When the fields of `group` were last known to be so.
    #[must_use]
    pub fn time(&self, group: FieldGroup) -> Option<Timestamp> {
        self.times.get(&group).copied()
    }

    /// The stage of the present status, or of the last one to which Impilo's vocabulary gives one.
    #[must_use]
    pub fn stage(&self) -> Option<u8> {
        self.stage
    }

    /// Sets a field without regard to times; for values that the engine derives itself.
    pub fn set(&mut self, name: &'static str, value: Value) {
        self.values.insert(name, value);
    }

    /// Forgets a field; true where it was known.
    pub fn remove(&mut self, name: &str) -> bool {
        self.values.remove(name).is_some()
    }

    /// Sets the time of a group of fields.
    pub fn set_time(&mut self, group: FieldGroup, at: Timestamp) {
        self.times.insert(group, at);
    }

    /// The newest own time that a status with a stage had.
    #[must_use]
    pub fn status_own_time(&self) -> Option<Timestamp> {
        self.status_own_time
    }

    /// Sets the newest own time of a status.
    pub fn set_status_own_time(&mut self, at: Timestamp) {
        self.status_own_time = Some(at);
    }

    /// Sets the stage that goes with `status`.
    pub fn set_stage(&mut self, stage: Option<u8>) {
        self.stage = stage;
    }
}

/// The static name that equals `name`, of whichever kind.
fn intern(name: &str) -> Option<&'static str> {
    FIELDS.iter().find(|field| field.name == name).map(|field| field.name)
}

/// Reads stored values and drops fields that this version no longer has.
fn known_values<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<&'static str, Value>, D::Error> {
    struct Known;
    impl<'de> Visitor<'de> for Known {
        type Value = BTreeMap<&'static str, Value>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map of fields")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut values = BTreeMap::new();
            while let Some((name, value)) = map.next_entry::<String, Value>()? {
                if let Some(name) = intern(&name) {
                    values.insert(name, value);
                }
            }
            Ok(values)
        }
    }
    deserializer.deserialize_map(Known)
}
