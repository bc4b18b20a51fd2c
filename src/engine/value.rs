//! Values that rules and texts read, each with how far it may travel.

use std::fmt;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::time::Timestamp;

/// How far a value may travel outside Pulsewarden. A receiver's `phi` setting admits its own class and the
/// ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protection {
    /// Leaves under every setting: rule, severity, kind of device, site.
    None,
    /// Leaves under `ids`: serials, Impilo's ids, tracking numbers, battery and status.
    Ids,
    /// Leaves under `full` only: names, contact data, IMEI and the like, notes, clinical values.
    Full,
}

/// One value.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub enum Value {
    #[serde(rename = "b")]
    Bool(bool),
    #[serde(rename = "i")]
    Int(i64),
    #[serde(rename = "f")]
    Float(f64),
    #[serde(rename = "s")]
    Text(SmolStr),
    #[serde(rename = "t")]
    Time(Timestamp),
    /// A length of time in milliseconds.
    #[serde(rename = "d")]
    Span(i64),
    #[serde(rename = "l")]
    List(Vec<Value>),
}

impl Value {
    /// The text in a [`Value::Text`].
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The instant in a [`Value::Time`].
    #[must_use]
    pub fn as_time(&self) -> Option<Timestamp> {
        match self {
            Self::Time(at) => Some(*at),
            _ => None,
        }
    }

    /// A text that is the same for the same value, to tell whether one has changed.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Bool(flag) => flag.to_string(),
            Self::Int(number) | Self::Span(number) => number.to_string(),
            Self::Float(number) => number.to_string(),
            Self::Text(text) => text.to_string(),
            Self::Time(at) => at.to_string(),
            Self::List(values) => values.iter().map(Self::key).collect::<Vec<_>>().join("\u{1f}"),
        }
    }

    /// The flag in a [`Value::Bool`].
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(flag) => Some(*flag),
            _ => None,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

/// Values may hold protected health information, so `Debug` shows the type alone.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bool(_) => "Bool(…)",
            Self::Int(_) => "Int(…)",
            Self::Float(_) => "Float(…)",
            Self::Text(_) => "Text(…)",
            Self::Time(_) => "Time(…)",
            Self::Span(_) => "Span(…)",
            Self::List(_) => "List(…)",
        })
    }
}
