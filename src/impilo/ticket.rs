//! Support tickets.

use serde_json_borrow::Value;

use super::facts::{Said, link, put};
use super::read::{fact, first_id, first_text, flag, instant, known, list, object, text};
use super::{device, order, patient, status};
use crate::engine::{SubjectKind, Timestamp, Value as Known};

/// `supportTicket.event`: a SupportTicket, or one event with a ticket's id (inferred, weakly). Its notes are free text and
/// stay in the journal. What is embedded (patient, order, device, site) is as of the ticket's own time.
///
/// Own time: `lastUpdated`, else `eventTimestamp`, else the newest of `supportTicketEvents`, else, for a single event, its
/// `createdAt`.
pub(super) fn event(said: &mut Said, payload: &Value) {
    let inner = object(payload, "supportTicket").or_else(|| object(payload, "ticket")).unwrap_or(payload);
    let Some(ticket_id) = first_id(inner, &["supportTicketId", "ticketId", "id"]) else { return };
    said.of(SubjectKind::Ticket, ticket_id.clone());
    let device_id = object(inner, "device").and_then(|one| device::snapshot(said, one));
    let device_id = device_id.or_else(|| first_id(inner, &["deviceId", "device"]));
    let patient_id = patient::party(said, inner);
    let order_id = object(inner, "order").and_then(|one| order::order(said, one));
    let order_id = order_id.or_else(|| first_id(inner, &["orderId", "order"]));
    let site_id = object(inner, "site").and_then(|one| patient::site(said, one));
    let single_event = text(payload, "eventType").is_some();
    let updated_at = instant(inner, "lastUpdated")
        .or_else(|| instant(payload, "eventTimestamp"))
        .or_else(|| newest_event(inner))
        .or_else(|| instant(payload, "createdAt").filter(|_| single_event));
    let updated = updated_at.map(|at| super::not_ahead(at, said.received_at).unwrap_or(said.received_at));
    let created = said.instant(inner, "createdAt").filter(|_| !single_event);
    for (kind, linked) in [(SubjectKind::Device, &device_id), (SubjectKind::Order, &order_id)] {
        if let Some(linked) = linked {
            said.of(kind, linked.clone());
        }
    }
    let about = said.of(SubjectKind::Ticket, ticket_id);
    for (name, value) in
        [("type", text(inner, "ticketType")), ("device", device_id.as_deref()), ("patient", patient_id.as_deref())]
    {
        if let Some(value) = value {
            put(about, fact(name, known(value)));
        }
    }
    if let Some(sent) = first_text(inner, &["currentStatus", "status"]) {
        put(about, fact("status", known(status::word(SubjectKind::Ticket, sent))));
        about.over |= status::find(SubjectKind::Ticket, sent).is_some_and(|status| status.over);
    }
    if let Some(open) = flag(inner, "open") {
        put(about, fact("open", Known::Bool(open)));
    }
    for (name, at) in [("created_at", created), ("updated_at", updated)] {
        if let Some(at) = at {
            put(about, fact(name, Known::Time(at)));
        }
    }
    for (kind, linked) in [
        (SubjectKind::Device, device_id),
        (SubjectKind::Patient, patient_id),
        (SubjectKind::Order, order_id),
        (SubjectKind::Site, site_id),
    ] {
        if let Some(linked) = linked {
            link(about, kind, linked);
        }
    }
    said.facts.occurred_at = updated_at;
}

fn newest_event(ticket: &Value) -> Option<Timestamp> {
    list(ticket, "supportTicketEvents").filter_map(|one| instant(one, "createdAt")).max()
}
