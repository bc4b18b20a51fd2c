//! From a recorded payload to an event of a test case: short keys, and over what they make only what differs from it and
//! may be shown.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value as Json};

use super::Original;
use crate::config::{CaseEvent, Id, Place, Source, When};
use crate::engine::{Facts, Protection, SubjectKind, Timestamp};
use crate::impilo::schema::{self, PayloadField, Shape};
use crate::replay::invent::Cast;

/// Times that lie nearer than this to what is invented are left as that.
const NEAR: Duration = Duration::from_secs(5 * 60);

/// The first number that a kind of subject gets, where it is not 1.
const FIRST_ITEM: i64 = 40;

/// Turns recorded events into invented ones, the same subject always into the same.
pub(super) struct Disguise {
    /// By how many milliseconds times are moved.
    moved: i64,
    numbers: BTreeMap<SubjectKind, BTreeMap<String, i64>>,
    cast: Cast,
}

impl Disguise {
    pub fn new(moved: i64) -> Self {
        Self { moved, numbers: BTreeMap::new(), cast: Cast::default() }
    }

    /// The event of a case that began when `first` was received.
    pub fn event(&mut self, original: &Original, first: Timestamp) -> CaseEvent {
        let Original { received_at, read, payload } = original;
        let known = schema::event_type(&read.kind);
        // To the second: the start is on one.
        let at = Duration::from_secs(received_at.since(first).as_secs());
        let late = read.facts.occurred_at.filter(|_| schema::tells_time(&read.kind));
        let late = late.map(|occurred| received_at.since(occurred)).filter(|late| late.as_secs() > 0);
        let mut event = CaseEvent {
            place: Place { source: std::sync::Arc::new(Source::new("", "")), at: 0..0 },
            when: When::Once(at),
            kind: read.kind.clone(),
            names: self.names(&read.facts, known),
            devices: Vec::new(),
            status: None,
            late: late.map(|late| Duration::from_secs(late.as_secs())),
            payload: None,
        };
        // What a device with a patient has anyway need not be said.
        let is_usual = |status: &String| {
            status == "withPatient" && event.names.get(&SubjectKind::Patient).is_some_and(|id| *id != Id::None)
        };
        event.status = status(&read.facts).filter(|status| !is_usual(status));
        if let Some(about) = read.facts.about.first()
            && matches!(about.subject.kind, SubjectKind::Order | SubjectKind::Return)
        {
            event.names.remove(&SubjectKind::Device);
            let devices = read.facts.about.iter().filter(|about| about.subject.kind == SubjectKind::Device);
            event.devices = devices.map(|about| self.number(SubjectKind::Device, &about.subject.id)).collect();
        }
        let received = Timestamp(received_at.0 + self.moved);
        let happened = event.late.map_or(received, |late| received.minus(late));
        let built = self.cast.payload(&event, happened);
        let fields = known.map_or(&[][..], |known| known.payload);
        let about = known.map(|known| known.subject);
        let over = self.over(fields, about, payload, &built);
        event.payload = Some(over).filter(|over| over.as_object().is_some_and(|over| !over.is_empty()));
        event
    }

    /// The short keys of what the event names.
    fn names(&mut self, facts: &Facts, known: Option<&schema::EventType>) -> BTreeMap<SubjectKind, Id> {
        let kinds = known.map_or(&SubjectKind::NAMED[..], |known| known.names);
        let mut names = BTreeMap::new();
        for kind in kinds {
            if let Some(about) = facts.party(*kind).or_else(|| facts.about(*kind)) {
                names.insert(*kind, self.number(*kind, &about.subject.id));
            }
        }
        let about_device = facts.about.first().filter(|about| about.subject.kind == SubjectKind::Device);
        if about_device.is_some() && !names.contains_key(&SubjectKind::Patient) {
            names.insert(SubjectKind::Patient, Id::None);
        }
        names
    }

    /// The number that stands for an id.
    fn number(&mut self, kind: SubjectKind, id: &str) -> Id {
        let numbers = self.numbers.entry(kind).or_default();
        let first = if kind == SubjectKind::Item { FIRST_ITEM } else { 1 };
        let next = first + i64::try_from(numbers.len()).unwrap_or_default();
        Id::Number(*numbers.entry(id.to_owned()).or_insert(next))
    }

    /// What must be laid over `built` so that it says what `real` says, as far as that may be shown.
    fn over(&mut self, fields: &[PayloadField], kind: Option<SubjectKind>, real: &Json, built: &Json) -> Json {
        let mut over = Map::new();
        let nothing = Map::new();
        let (real, built) = (real.as_object().unwrap_or(&nothing), built.as_object().unwrap_or(&nothing));
        for (name, value) in real {
            let field = fields.iter().find(|field| field.name == name);
            let shown = self.shown(field, name, kind, value, built.get(name));
            if let Some(shown) = shown.filter(|shown| built.get(name) != Some(shown)) {
                over.insert(name.clone(), shown);
            }
        }
        for name in built.keys().filter(|name| real.get(*name).is_none_or(Json::is_null)) {
            let field = fields.iter().find(|field| field.name == name);
            let invented = field.is_none_or(|field| field.protection == Protection::Full && kind_of(name).is_none());
            if !invented && !built[name].is_null() {
                over.insert(name.clone(), Json::Null);
            }
        }
        Json::Object(over)
    }

    /// What may be shown of one field, where that is something to be said beside what is built.
    fn shown(
        &mut self,
        field: Option<&PayloadField>,
        name: &str,
        owner: Option<SubjectKind>,
        value: &Json,
        built: Option<&Json>,
    ) -> Option<Json> {
        if value.is_null() {
            return None;
        }
        let Some(field) = field else { return built.is_none().then(|| stand_in(value)) };
        match field.shape {
            Shape::Object(inner) if value.is_object() => {
                let within = kind_of(name);
                let over = self.over(inner, within, value, built.unwrap_or(&Json::Null));
                Some(over).filter(|over| over.as_object().is_some_and(|over| !over.is_empty()))
            }
            Shape::Objects(inner) if value.is_array() && name != "deviceIdentifiers" => {
                Some(self.list(inner, name, value, built)).filter(|list| Some(list) != built)
            }
            Shape::Id => {
                let kind = kind_of_id(name, owner)?;
                let id = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                Some(self.number(kind, &id).to_json())
            }
            Shape::Time if field.protection < Protection::Full => self.time(value, built),
            Shape::Text | Shape::Number | Shape::Bool | Shape::Texts
                if field.protection < Protection::Full && !is_name(name, owner) =>
            {
                Some(value.clone())
            }
            _ => built.is_none().then(|| stand_in(value)),
        }
    }

    /// A list, each entry as a whole.
    fn list(&mut self, fields: &[PayloadField], name: &str, value: &Json, built: Option<&Json>) -> Json {
        let built = built.and_then(Json::as_array);
        let entries = value.as_array().into_iter().flatten().enumerate().map(|(place, entry)| {
            let mut whole = built.and_then(|built| built.get(place)).cloned().unwrap_or(Json::Object(Map::new()));
            let over = self.over(fields, kind_of(name), entry, &whole);
            crate::replay::invent::lay_over(&mut whole, &over);
            whole
        });
        Json::Array(entries.collect())
    }

    /// A time, moved as all of them are; `None` where it is as good as what is built.
    fn time(&self, value: &Json, built: Option<&Json>) -> Option<Json> {
        let read = |value: &Json| value.as_str()?.parse::<DateTime<Utc>>().ok().map(Timestamp::from);
        let real = Timestamp(read(value)?.0 + self.moved);
        match built.and_then(read) {
            Some(built) if real.since(built).max(built.since(real)) <= NEAR => None,
            _ => Some(real.to_string().into()),
        }
    }
}

/// The status of what the event is about, by which the invented world goes on.
fn status(facts: &Facts) -> Option<String> {
    let about = facts.about.first()?;
    let said = about.facts.iter().find(|fact| fact.name == "status")?;
    said.value.as_text().map(str::to_owned)
}

/// Texts that may leave to receivers under `ids`, and stay out of a file that is passed around.
fn is_name(name: &str, owner: Option<SubjectKind>) -> bool {
    (name == "name" && owner == Some(SubjectKind::Site)) || matches!(name, "value" | "trackingNumber" | "assignedTeam")
}

/// What an object of this name is.
fn kind_of(name: &str) -> Option<SubjectKind> {
    match name {
        "device" | "devices" | "returnDevices" => Some(SubjectKind::Device),
        "patient" | "currentPatient" => Some(SubjectKind::Patient),
        "site" => Some(SubjectKind::Site),
        "item" => Some(SubjectKind::Item),
        "order" => Some(SubjectKind::Order),
        "return" => Some(SubjectKind::Return),
        _ => None,
    }
}

/// Whose id a field of this name in an object of this kind is.
fn kind_of_id(name: &str, owner: Option<SubjectKind>) -> Option<SubjectKind> {
    match name {
        "id" => owner,
        "deviceId" => Some(SubjectKind::Device),
        "patientId" => Some(SubjectKind::Patient),
        "orderId" | "relatedOrderId" => Some(SubjectKind::Order),
        "returnId" => Some(SubjectKind::Return),
        "supportTicketId" | "ticketId" => Some(SubjectKind::Ticket),
        "procurementId" => Some(SubjectKind::Procurement),
        "transferRequestId" => Some(SubjectKind::Transfer),
        "packedKitId" => Some(SubjectKind::PackedKit),
        _ => None,
    }
}

/// Something of the same shape that says nothing.
fn stand_in(value: &Json) -> Json {
    match value {
        Json::Null => Json::Null,
        Json::Bool(_) => false.into(),
        Json::Number(_) => 1.into(),
        Json::String(_) => "invented".into(),
        Json::Array(items) => items.iter().map(stand_in).collect(),
        Json::Object(fields) => {
            Json::Object(fields.iter().map(|(name, value)| (name.clone(), stand_in(value))).collect())
        }
    }
}
