//! The names that conditions and texts read, looked up in what a step has at hand, without copying.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json_borrow::Value as Json;

use super::calendar::Calendar;
use super::event::{About, Event};
use super::record::Record;
use super::slice::Slice;
use super::state::Fact;
use super::subject::SubjectKind;
use super::time::Timestamp;
use super::value::Value;

/// Everything that a name can come from during one step.
///
/// Roots: `event` (`id`, `type`, `occurred_at`, `received_at`) and `payload` where there is an event; `settings`; `now`;
/// `previous` (the subject's own fields before this input); the subject's own kind (`device`, `order`, …) and the kinds of
/// subject of which it holds a copy. In a rule about a site, an item or a patient, `device` is the event's device.
#[derive(Clone, Copy)]
pub struct Names<'a> {
    pub slice: &'a Slice,
    pub previous: Option<&'a Record>,
    /// What the subject was when the event happened, where that is over by now: what is late is judged by its own time.
    pub then: Option<&'a Record>,
    pub event: Option<&'a Event<'a>>,
    pub settings: &'a BTreeMap<String, Value>,
    /// The hours of business that conditions can count in, by name.
    pub calendars: &'a BTreeMap<String, Arc<Calendar>>,
    pub now: Timestamp,
}

/// What stands at one place of a dotted name.
#[derive(Clone, Copy)]
pub(super) enum Node<'a> {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(&'a str),
    Time(Timestamp),
    /// Milliseconds.
    Span(i64),
    Values(&'a [Value]),
    Json(&'a Json<'a>),
    Event(&'a Event<'a>),
    Settings(&'a BTreeMap<String, Value>),
    State {
        kind: SubjectKind,
        id: &'a str,
        fields: Fields<'a>,
    },
}

/// Where a subject's fields come from.
#[derive(Clone, Copy)]
pub(super) enum Fields<'a> {
    Record(&'a Record),
    /// Another subject of the event, as the event has it.
    Said(&'a [Fact]),
}

/// What a dotted name begins with.
#[derive(Clone, Copy)]
pub(super) enum Root {
    Event,
    Payload,
    Settings,
    Now,
    Previous,
    Subject(SubjectKind),
}

impl Root {
    pub(super) fn parse(name: &str) -> Option<Self> {
        match name {
            "event" => Some(Self::Event),
            "payload" => Some(Self::Payload),
            "settings" => Some(Self::Settings),
            "now" => Some(Self::Now),
            "previous" => Some(Self::Previous),
            _ => SubjectKind::parse(name).map(Self::Subject),
        }
    }
}

impl<'a> Names<'a> {
    /// The value of a dotted name, where it is known and not an object.
    #[must_use]
    pub fn get(&self, path: &[&str]) -> Option<Value> {
        let (root, rest) = path.split_first()?;
        let node = rest.iter().try_fold(self.root(root)?, |node, name| node.child(name))?;
        node.to_value()
    }

    /// What stands at a root.
    pub(super) fn root(&self, name: &str) -> Option<Node<'a>> {
        self.at(Root::parse(name)?)
    }

    /// The same, of a root whose name was looked up before.
    pub(super) fn at(&self, root: Root) -> Option<Node<'a>> {
        match root {
            Root::Event => self.event.map(Node::Event),
            Root::Payload => self.event.map(|event| Node::Json(event.payload)),
            Root::Settings => Some(Node::Settings(self.settings)),
            Root::Now => Some(Node::Time(self.now)),
            Root::Previous => {
                let subject = &self.slice.subject;
                self.previous.map(|record| state(subject.kind, &subject.id, Fields::Record(record)))
            }
            Root::Subject(kind) => self.subject(kind),
        }
    }

    fn subject(&self, kind: SubjectKind) -> Option<Node<'a>> {
        let slice = self.slice;
        if slice.subject.kind == kind {
            let record = self.then.unwrap_or(&slice.projection.record);
            return Some(state(kind, &slice.subject.id, Fields::Record(record)));
        }
        if let Some(related) = slice.projection.related.get(&kind) {
            return Some(state(kind, &related.id, Fields::Record(&related.record)));
        }
        let facts = &self.event?.facts;
        // Of several patients or sites none is taken at random.
        let any = || facts.about(kind).filter(|_| !matches!(kind, SubjectKind::Patient | SubjectKind::Site));
        let About { subject, facts, .. } = facts.party(kind).or_else(any)?;
        Some(state(kind, &subject.id, Fields::Said(facts)))
    }
}

fn state<'a>(kind: SubjectKind, id: &'a str, fields: Fields<'a>) -> Node<'a> {
    Node::State { kind, id, fields }
}

impl<'a> Node<'a> {
    /// Whether names can stand below this place.
    pub(super) fn is_object(&self) -> bool {
        matches!(self, Self::Json(Json::Object(_)) | Self::Settings(_) | Self::Event(_) | Self::State { .. })
    }

    /// What stands at `name` below this place. Null counts as missing.
    pub(super) fn child(&self, name: &str) -> Option<Self> {
        match *self {
            Self::Json(json) => Self::json(json.as_object()?.get(name)?),
            Self::Settings(settings) => settings.get(name).map(Self::value),
            Self::Event(event) => match name {
                "id" => Some(Self::Text(event.id)),
                "type" => Some(Self::Text(event.kind)),
                "occurred_at" => Some(Self::Time(event.occurred_at)),
                "received_at" => Some(Self::Time(event.received_at)),
                _ => None,
            },
            Self::State { id, .. } if name == "id" => Some(Self::Text(id)),
            Self::State { kind, fields, .. } => {
                let value = match fields {
                    Fields::Record(record) => record.get(name),
                    Fields::Said(facts) => facts.iter().find(|fact| fact.name == name).map(|fact| &fact.value),
                };
                value.map(Self::value).or(match (kind, name) {
                    // Impilo documents the flag as optional: where it is not said, readings are on.
                    (SubjectKind::Device, "readings_disabled") => Some(Self::Bool(false)),
                    // No order was heard of.
                    (SubjectKind::Patient, "open_orders" | "ordered_items") => Some(Self::Values(&[])),
                    _ => None,
                })
            }
            _ => None,
        }
    }

    pub(super) fn json(json: &'a Json<'a>) -> Option<Self> {
        match json {
            Json::Null => None,
            Json::Bool(flag) => Some(Self::Bool(*flag)),
            Json::Number(number) => {
                Some(number.as_i64().map_or_else(|| Self::Float(number.as_f64().unwrap_or(f64::NAN)), Self::Int))
            }
            Json::Str(text) => Some(Self::Text(text)),
            Json::Array(_) | Json::Object(_) => Some(Self::Json(json)),
        }
    }

    pub(super) fn value(value: &'a Value) -> Self {
        match value {
            Value::Bool(flag) => Self::Bool(*flag),
            Value::Int(number) => Self::Int(*number),
            Value::Float(number) => Self::Float(*number),
            Value::Text(text) => Self::Text(text),
            Value::Time(at) => Self::Time(*at),
            Value::Span(span) => Self::Span(*span),
            Value::List(values) => Self::Values(values),
        }
    }

    fn to_value(self) -> Option<Value> {
        match self {
            Self::Bool(flag) => Some(Value::Bool(flag)),
            Self::Int(number) => Some(Value::Int(number)),
            Self::Float(number) => Some(Value::Float(number)),
            Self::Text(text) => Some(Value::from(text)),
            Self::Time(at) => Some(Value::Time(at)),
            Self::Span(span) => Some(Value::Span(span)),
            Self::Values(values) => Some(Value::List(values.to_vec())),
            Self::Json(Json::Array(items)) => {
                Some(Value::List(items.iter().filter_map(|item| Self::json(item)?.to_value()).collect()))
            }
            Self::Json(_) | Self::Event(_) | Self::Settings(_) | Self::State { .. } => None,
        }
    }
}
