//! Holds a request against what is documented.

use std::fmt;

use chrono::{DateTime, NaiveDate};
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::facts::{Call, DOCUMENTED, Documented, Field, Kind, Parameter};

/// The most that a page may hold, and what it holds where nobody says (documented).
const LARGEST_PAGE: i32 = 250;
const USUAL_PAGE: i32 = 15;

/// A request as it came.
pub(super) struct Came<'r> {
    pub method: &'r str,
    pub path: &'r str,
    /// Without the question mark.
    pub query: &'r str,
    pub key: Option<&'r str>,
    pub content_type: Option<&'r str>,
    pub body: &'r [u8],
}

/// A request that is documented.
#[derive(Debug)]
pub(super) struct Asked {
    pub call: Call,
    /// The number in the path.
    pub id: i64,
    query: Vec<(String, String)>,
    pub body: Map<String, Value>,
}

/// Why a request is refused, and the status that says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub status: u16,
    pub reason: String,
}

/// Refuses with a status and a reason.
pub(super) fn refuse<T>(status: u16, reason: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { status, reason: reason.into() })
}

impl Asked {
    /// Holds a request against the facts; `key` is the API key that is right.
    pub fn check(came: &Came<'_>, key: &str) -> Result<Self, Refusal> {
        let (documented, id) = find(came.method, came.path)?;
        match came.key {
            Some(shown) if shown == key => {}
            Some(_) => return refuse(401, "the header Impilo-API-Key holds another key"),
            None => return refuse(401, "the header Impilo-API-Key is missing"),
        }
        let query: Vec<(String, String)> = serde_urlencoded::from_str(came.query)
            .or_else(|_| refuse(400, "the query is not a list of names and values"))?;
        for (place, (name, value)) in query.iter().enumerate() {
            let known = documented.query.iter().find(|known| known.name == name);
            let Some(known) = known else {
                return refuse(400, format!("the query parameter `{name}` is not documented here"));
            };
            if !known.repeated && query[..place].iter().any(|(earlier, _)| earlier == name) {
                return refuse(400, format!("the query parameter `{name}` may stand once"));
            }
            check_parameter(known, value)?;
        }
        let body = match documented.body {
            Some(fields) => check_body(came, fields)?,
            None if came.body.is_empty() => Map::new(),
            None => return refuse(400, "no body is documented here"),
        };
        Ok(Self { call: documented.call, id, query, body })
    }

    /// The values of a query parameter.
    pub fn all<'q>(&'q self, name: &'q str) -> impl Iterator<Item = &'q str> {
        self.query.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The value of a query parameter that stands once.
    pub fn one(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The value of a whole number; checked before.
    pub fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.one(name)?.parse().ok()
    }

    /// Which page, from 1, and how many it holds.
    pub fn page(&self) -> (usize, usize) {
        let number = |name, otherwise| usize::try_from(self.number(name).unwrap_or(otherwise)).unwrap_or(1);
        (number("page", 1), number("size", USUAL_PAGE))
    }

    /// The names in its query.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.query.iter().map(|(name, _)| name.as_str())
    }

    /// A text of the body, empty where there is none.
    pub fn text(&self, name: &str) -> &str {
        self.body.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}

/// The documented request at a path, and the number in it.
fn find(method: &str, path: &str) -> Result<(&'static Documented, i64), Refusal> {
    let at_path: Vec<(&Documented, i64)> =
        DOCUMENTED.iter().filter_map(|known| Some((known, number_in(path, known.path)?))).collect();
    // `/webhook/logs` is no webhook, and a number is no name: a path has one meaning.
    if let Some(found) = at_path.iter().find(|(known, _)| known.method == method) {
        return Ok(*found);
    }
    if at_path.is_empty() {
        return refuse(404, "nothing that this stand-in serves is documented at this path");
    }
    let methods: Vec<&str> = at_path.iter().map(|(known, _)| known.method).collect();
    refuse(405, format!("documented here: {}", methods.join(", ")))
}

/// The number where the pattern has `{}`, 0 where it has none; `None` where the path is another.
fn number_in(path: &str, pattern: &str) -> Option<i64> {
    match pattern.strip_suffix("{}") {
        Some(before) => path.strip_prefix(before)?.parse().ok(),
        None => (path == pattern).then_some(0),
    }
}

fn check_parameter(known: &Parameter, value: &str) -> Result<(), Refusal> {
    let name = known.name;
    let fits = match known.kind {
        Kind::Int32 => value.parse::<i32>().is_ok(),
        Kind::Int64 => value.parse::<i64>().is_ok(),
        Kind::Double => value.parse::<f64>().is_ok(),
        Kind::Bool => matches!(value, "true" | "false"),
        Kind::Text => true,
        Kind::Texts => false,
        Kind::Instant => DateTime::parse_from_rfc3339(value).is_ok(),
        Kind::Date => NaiveDate::parse_from_str(value, "%Y-%m-%d").is_ok(),
        Kind::OneOf(values) => values.contains(&value),
    };
    if !fits {
        return refuse(400, format!("the query parameter `{name}` must be {}", named(known.kind)));
    }
    match (name, value.parse::<i32>()) {
        ("page", Ok(page)) if page < 1 => refuse(400, "the first page is 1"),
        ("size", Ok(size)) if !(1..=LARGEST_PAGE).contains(&size) => {
            refuse(400, format!("a page holds from 1 to {LARGEST_PAGE}"))
        }
        _ => Ok(()),
    }
}

fn check_body(came: &Came<'_>, fields: &[Field]) -> Result<Map<String, Value>, Refusal> {
    let sort = came.content_type.map(|text| text.split(';').next().unwrap_or_default().trim());
    if sort != Some("application/json") {
        return refuse(415, "the body must be application/json");
    }
    let body = match serde_json::from_slice(came.body) {
        Ok(Once(body)) => body,
        Err(error) if error.to_string().starts_with(TWICE) => return refuse(400, "a field may stand once in the body"),
        Err(_) => return refuse(400, "the body must be a JSON object"),
    };
    for (name, value) in &body {
        let Some(known) = fields.iter().find(|known| known.name == name) else {
            return refuse(400, format!("the field `{name}` is not documented here, or is Impilo's to set"));
        };
        if !is_of(value, known.kind) {
            return refuse(400, format!("the field `{name}` must be {}", named(known.kind)));
        }
    }
    match fields.iter().find(|known| known.required && !body.contains_key(known.name)) {
        Some(missing) => refuse(400, format!("the field `{}` is missing", missing.name)),
        None => Ok(body),
    }
}

/// An object in which every field stands once.
struct Once(Map<String, Value>);

const TWICE: &str = "a field stands twice";

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Map<String, Value>;

            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
                let mut body = Map::new();
                while let Some((name, value)) = fields.next_entry::<String, Value>()? {
                    if body.insert(name, value).is_some() {
                        return Err(A::Error::custom(TWICE));
                    }
                }
                Ok(body)
            }
        }
        deserializer.deserialize_map(Fields).map(Self)
    }
}

fn is_of(value: &Value, kind: Kind) -> bool {
    match kind {
        Kind::Int32 => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        Kind::Int64 => value.is_i64(),
        Kind::Double => value.is_number(),
        Kind::Bool => value.is_boolean(),
        Kind::Text => value.as_str().is_some_and(|text| !text.is_empty()),
        Kind::Texts => value.as_array().is_some_and(|texts| texts.iter().all(Value::is_string)),
        Kind::Instant | Kind::Date => value.is_string(),
        Kind::OneOf(values) => value.as_str().is_some_and(|text| values.contains(&text)),
    }
}

fn named(kind: Kind) -> String {
    match kind {
        Kind::Int32 => "a whole number of 32 bits".to_owned(),
        Kind::Int64 => "a whole number of 64 bits".to_owned(),
        Kind::Double => "a number".to_owned(),
        Kind::Bool => "true or false".to_owned(),
        Kind::Text => "a text".to_owned(),
        Kind::Texts => "a list of texts".to_owned(),
        Kind::Instant => "a time as in 2022-03-10T16:15:50Z".to_owned(),
        Kind::Date => "a date as in 2022-03-10".to_owned(),
        Kind::OneOf(values) => format!("one of {}", values.join(", ")),
    }
}
