//! The projected state of a subject: a record of named fields, each group of fields with its own time.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::state::{FIELDS, FieldGroup};
use super::time::Timestamp;
use super::value::Value;

/// What is known of a subject now.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    values: Values,
    /// When each group of fields was last known to be so.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
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
        self.values.find(name).map(|place| &self.values.0[place].1)
    }

    /// Every known field, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.values.0.iter().map(|(name, value)| (*name, value))
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
        match self.values.find(name) {
            Some(place) => self.values.0[place].1 = value,
            None => {
                let place = self.values.0.partition_point(|(known, _)| *known < name);
                self.values.0.insert(place, (name, value));
            }
        }
    }

    /// Forgets a field; true where it was known.
    pub fn remove(&mut self, name: &str) -> bool {
        self.values.find(name).map(|place| self.values.0.remove(place)).is_some()
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

/// Fields in the order of their names. A subject has few of them: a look at each is quicker than a tree.
#[derive(Clone, Debug, Default, PartialEq)]
struct Values(Vec<(&'static str, Value)>);

impl Values {
    fn find(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|(known, _)| *known == name)
    }
}

impl Serialize for Values {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// Reads stored values and drops fields that this version no longer has.
impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Known;
        impl<'de> Visitor<'de> for Known {
            type Value = Values;

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
                Ok(Values(values.into_iter().collect()))
            }
        }
        deserializer.deserialize_map(Known)
    }
}

/// The static name that equals `name`, of whichever kind.
fn intern(name: &str) -> Option<&'static str> {
    FIELDS.iter().find(|field| field.name == name).map(|field| field.name)
}
