//! From a type and a payload to facts: which subjects an event speaks of, and what it says of each.

use serde_json::Value;

use super::read::{first_id, id, instant, object};
use super::{device, order, ticket};
use crate::engine::{About, Fact, Facts, Subject, SubjectKind, Timestamp};

/// What `payload` says, leniently. `received_at` stands in for a sign of life that carries no time.
#[must_use]
pub fn facts(kind: &str, payload: &Value, received_at: Timestamp) -> Facts {
    let mut said = Said::default();
    let (family, rest) = kind.split_once('.').unwrap_or((kind, ""));
    match family {
        "device" => device::event(&mut said, rest, payload, received_at),
        "reading" => device::reading(&mut said, payload, received_at),
        "patient" => patient_event(&mut said, payload),
        "order" => order::order(&mut said, payload),
        "return" => order::returned(&mut said, payload),
        "procurement" => order::stock(&mut said, SubjectKind::Procurement, payload),
        "transferRequest" => order::stock(&mut said, SubjectKind::Transfer, payload),
        "packedKit" => order::packed_kit(&mut said, payload),
        "supportTicket" => ticket::ticket(&mut said, payload),
        _ => unknown(&mut said, payload, received_at),
    }
    said.facts
}

/// Facts under collection. What is said twice of one subject is gathered under it.
#[derive(Default)]
pub(super) struct Said {
    pub facts: Facts,
}

impl Said {
    /// The entry of a subject, new or known.
    pub fn of(&mut self, kind: SubjectKind, id: String) -> &mut About {
        let about = &mut self.facts.about;
        let place = about.iter().position(|known| known.subject.kind == kind && known.subject.id == id);
        let place = place.unwrap_or_else(|| {
            let subject = Subject::new(kind, id);
            about.push(About { subject, facts: Vec::new(), links: Vec::new(), heard: false, over: false });
            about.len() - 1
        });
        &mut about[place]
    }
}

/// Adds a fact, in place of one of that name.
pub(super) fn put(about: &mut About, fact: Fact) {
    about.facts.retain(|known| known.name != fact.name);
    about.facts.push(fact);
}

/// Adds a link, in place of one to that kind.
pub(super) fn link(about: &mut About, kind: SubjectKind, id: String) {
    about.links.retain(|(known, _)| *known != kind);
    about.links.push((kind, id));
}

/// `patient.created`, `patient.updated`: a Patient (inferred), or the merged form of one guide with a text id.
fn patient_event(said: &mut Said, payload: &Value) {
    let patient = object(payload, "patient").unwrap_or(payload);
    device::patient(said, patient);
    said.facts.occurred_at = instant(payload, "updatedAt").or_else(|| instant(payload, "createdAt"));
}

/// A type that nobody has described: whatever is recognisable in it.
fn unknown(said: &mut Said, payload: &Value, received_at: Timestamp) {
    if object(payload, "device").is_some() || id(payload, "deviceId").is_some() {
        device::event(said, "", payload, received_at);
    }
    if let Some(patient) = object(payload, "patient") {
        device::patient(said, patient);
    } else if let Some(patient) = id(payload, "patientId") {
        said.of(SubjectKind::Patient, patient);
    }
    for (kind, name, id_name) in [
        (SubjectKind::Order, "order", "orderId"),
        (SubjectKind::Return, "return", "returnId"),
        (SubjectKind::Ticket, "supportTicket", "supportTicketId"),
        (SubjectKind::Procurement, "procurement", "procurementId"),
        (SubjectKind::Transfer, "transferRequest", "transferRequestId"),
        (SubjectKind::PackedKit, "packedKit", "packedKitId"),
    ] {
        let named = object(payload, name).and_then(|inner| id(inner, "id")).or_else(|| first_id(payload, &[id_name]));
        if let Some(named) = named {
            said.of(kind, named);
        }
    }
    said.facts.occurred_at = instant(payload, "eventTimestamp");
}
