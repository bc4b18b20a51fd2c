//! From a type and a payload to facts: which subjects an event speaks of, and what it says of each.

use std::collections::BTreeMap;

use serde_json_borrow::Value;
use smol_str::SmolStr;

use super::read::{id, instant, object};
use super::{device, not_ahead, order, patient, reading, stock, ticket};
use crate::engine::{About, Fact, Facts, Subject, SubjectKind, Timestamp};

/// What `payload` says, leniently. `received_at` stands in for a sign of life that carries no time, and for a time that
/// lies too far ahead of it.
#[must_use]
pub fn facts(kind: &str, payload: &Value, received_at: Timestamp) -> Facts {
    let mut said = Said::new(received_at);
    let (family, rest) = kind.split_once('.').unwrap_or((kind, ""));
    match family {
        "device" => device::event(&mut said, rest, payload),
        "reading" => reading::event(&mut said, payload),
        "patient" => patient::event(&mut said, payload),
        "order" => order::order_event(&mut said, payload),
        "return" => order::return_event(&mut said, payload),
        "procurement" => stock::procurement(&mut said, payload),
        "transferRequest" => stock::transfer(&mut said, payload),
        "packedKit" => stock::packed_kit(&mut said, payload),
        "supportTicket" => ticket::event(&mut said, payload),
        _ => unknown(&mut said, payload),
    }
    said.facts
}

/// How many subjects one event may speak of. A body of the largest usual size holds about 700 devices; whatever a nested
/// list adds beyond is not projected.
const MOST_SUBJECTS: usize = 1000;

/// From how many subjects on they are looked up in an index: nearly all events speak of fewer than ten.
const INDEXED_FROM: usize = 32;

/// Facts under collection. What is said twice of one subject is gathered under it.
pub(super) struct Said {
    pub facts: Facts,
    pub received_at: Timestamp,
    /// The places of the subjects in `facts.about`, once there are many.
    places: BTreeMap<Subject, usize>,
    /// Takes what is said of one subject too many.
    beyond: About,
}

fn nothing_of(subject: Subject) -> About {
    About { subject, facts: Vec::new(), links: Vec::new(), heard: false, over: false, brings_back: false }
}

impl Said {
    fn new(received_at: Timestamp) -> Self {
        let beyond = nothing_of(Subject::new(SubjectKind::Device, String::new()));
        Self { facts: Facts::default(), received_at, places: BTreeMap::new(), beyond }
    }

    /// The entry of a subject, new or known.
    pub fn of(&mut self, kind: SubjectKind, id: impl Into<SmolStr>) -> &mut About {
        let subject = Subject::new(kind, id);
        let about = &mut self.facts.about;
        let place = if about.len() < INDEXED_FROM {
            about.iter().position(|known| known.subject == subject)
        } else {
            self.places.get(&subject).copied()
        };
        if let Some(place) = place {
            return &mut about[place];
        }
        if about.len() >= MOST_SUBJECTS {
            self.beyond = nothing_of(subject);
            return &mut self.beyond;
        }
        let place = about.len();
        if place >= INDEXED_FROM {
            self.places.insert(subject.clone(), place);
        }
        about.push(nothing_of(subject));
        if about.len() == INDEXED_FROM {
            self.places = about.iter().enumerate().map(|(place, known)| (known.subject.clone(), place)).collect();
        }
        &mut about[place]
    }

    /// The instant at `name`, as a value of a fact: receipt where it lies too far ahead of that.
    pub fn instant(&self, value: &Value, name: &str) -> Option<Timestamp> {
        instant(value, name).map(|at| not_ahead(at, self.received_at).unwrap_or(self.received_at))
    }

    /// Marks every subject so far as heard from: the event comes from a device of theirs.
    pub fn heard(&mut self) {
        for about in &mut self.facts.about {
            about.heard = true;
        }
    }
}

/// Adds a fact, in place of one of that name.
pub(super) fn put(about: &mut About, fact: Fact) {
    about.facts.retain(|known| known.name != fact.name);
    about.facts.push(fact);
}

/// Adds a link, in place of one to that kind.
pub(super) fn link(about: &mut About, kind: SubjectKind, id: impl Into<SmolStr>) {
    about.links.retain(|(known, _)| *known != kind);
    about.links.push((kind, id.into()));
}

/// A type that nobody has described: whatever is recognisable in it, the device first.
fn unknown(said: &mut Said, payload: &Value) {
    if object(payload, "device").is_some() || id(payload, "deviceId").is_some() {
        device::event(said, "", payload);
    }
    if let Some(inner) = object(payload, "order") {
        order::order(said, inner);
    }
    if let Some(inner) = object(payload, "return") {
        order::returned(said, inner);
    }
    patient::party(said, payload);
    for (kind, name, id_name) in [
        (SubjectKind::Order, "order", "orderId"),
        (SubjectKind::Return, "return", "returnId"),
        (SubjectKind::Ticket, "supportTicket", "supportTicketId"),
        (SubjectKind::Procurement, "procurement", "procurementId"),
        (SubjectKind::Transfer, "transferRequest", "transferRequestId"),
        (SubjectKind::PackedKit, "packedKit", "packedKitId"),
        (SubjectKind::Site, "site", "siteId"),
        (SubjectKind::Item, "item", "itemId"),
    ] {
        let inner = object(payload, name);
        if let Some(inner) = inner.filter(|_| kind == SubjectKind::Site) {
            patient::site(said, inner);
        } else if let Some(inner) = inner.filter(|_| kind == SubjectKind::Item) {
            device::item(said, inner);
        } else if let Some(named) = inner.and_then(|inner| id(inner, "id")).or_else(|| id(payload, id_name)) {
            said.of(kind, named);
        }
    }
    said.facts.occurred_at = instant(payload, "eventTimestamp");
}
