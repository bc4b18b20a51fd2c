//! Support tickets.

use serde_json::Value;

use super::device;
use super::facts::{Said, link, put};
use super::read::{fact, first_id, flag, id, instant, known, object, text};
use super::status;
use crate::engine::{SubjectKind, Value as Known};

/// `supportTicket.event`: a SupportTicket, or one event with a ticket id (inferred, weakly). Its notes are free text and
/// stay in the journal. Own time: `lastUpdated`, else the event's `createdAt`.
pub(super) fn ticket(said: &mut Said, payload: &Value) {
    let inner = object(payload, "supportTicket").or_else(|| object(payload, "ticket")).unwrap_or(payload);
    let Some(ticket_id) = first_id(inner, &["supportTicketId", "ticketId", "id"]) else { return };
    said.of(SubjectKind::Ticket, ticket_id.clone());
    let device_id = object(inner, "device").and_then(|one| device::snapshot(said, one));
    let patient_id = object(inner, "patient").and_then(|one| device::patient(said, one));
    let order_id = object(inner, "order").and_then(|one| id(one, "id"));
    if let Some(order_id) = &order_id {
        said.of(SubjectKind::Order, order_id.clone());
    }
    let updated_at = instant(inner, "lastUpdated").or_else(|| instant(payload, "eventTimestamp"));
    let about = said.of(SubjectKind::Ticket, ticket_id);
    for (name, value) in
        [("type", text(inner, "ticketType")), ("device", device_id.as_deref()), ("patient", patient_id.as_deref())]
    {
        if let Some(value) = value {
            put(about, fact(name, known(value)));
        }
    }
    if let Some(sent) = text(inner, "currentStatus") {
        put(about, fact("status", known(status::word(SubjectKind::Ticket, sent))));
        about.over = status::find(SubjectKind::Ticket, sent).is_some_and(|status| status.over);
    }
    if let Some(open) = flag(inner, "open") {
        put(about, fact("open", Known::Bool(open)));
    }
    for (name, at) in [("created_at", instant(inner, "createdAt")), ("updated_at", updated_at)] {
        if let Some(at) = at {
            put(about, fact(name, Known::Time(at)));
        }
    }
    for (kind, linked) in
        [(SubjectKind::Device, device_id), (SubjectKind::Patient, patient_id), (SubjectKind::Order, order_id)]
    {
        if let Some(linked) = linked {
            link(about, kind, linked);
        }
    }
    said.facts.occurred_at = updated_at;
}
