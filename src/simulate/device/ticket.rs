//! Support tickets about a device: opened, answered, closed, and some left lying.

use super::{Device, Due};
use crate::engine::{SubjectKind, Timestamp};
use crate::simulate::chance::{DAY, HOUR};
use crate::simulate::told::{Body, Told};
use crate::simulate::truth::Problem;
use crate::simulate::world::World;

const FIRST_TICKET: u64 = 8_000;

const TYPES: [&str; 4] = ["deviceTechnicalSupport", "technicalSupport", "patientEngagement", "customerDeviceInquiry"];
const NOTES: [&str; 4] = [
    "Patient says that nothing lights up.",
    "No readings since last week.",
    "Light blinks red.",
    "Asks how to charge it.",
];
const STAFF: &str = r#"{"id":612,"firstName":"Philippa","lastName":"Okereke","email":"p.okereke@example.org"}"#;

#[derive(Clone, Debug)]
pub(super) struct Ticket {
    id: u64,
    /// `currentStatus`: needsIntake, open or closed.
    status: &'static str,
    events: Vec<(&'static str, Timestamp)>,
    kind: &'static str,
    note: &'static str,
}

impl Ticket {
    /// Before the first ticket about the device at a place.
    pub fn none(place: u64) -> Self {
        Self { id: FIRST_TICKET + place * 1000, status: "closed", events: Vec::new(), kind: TYPES[0], note: NOTES[0] }
    }
}

impl Device {
    /// Somebody notices that the device is silent, and opens a ticket in a day or two.
    pub(super) fn wonder(&mut self, now: Timestamp) {
        if self.ticket.status == "closed" && self.chance.happens(0.4) {
            self.agenda.set(Due::Ticket, now.plus(self.chance.between(DAY, DAY * 3)));
        }
    }

    pub(super) fn ticket_step(&mut self, world: &World, told: &mut Told) {
        let now = told.now;
        self.troubles.end(Problem::TicketUnanswered, told);
        self.troubles.end(Problem::TicketLeftOpen, told);
        let wait = match self.ticket.status {
            "closed" => {
                self.ticket = Ticket {
                    id: self.ticket.id + 1,
                    status: "needsIntake",
                    events: vec![("ticketCreated", now)],
                    kind: self.chance.pick(&TYPES),
                    note: self.chance.pick(&NOTES),
                };
                if self.chance.happens(0.15) {
                    self.troubles.begin(Problem::TicketUnanswered, SubjectKind::Ticket, self.ticket.id, now);
                    self.chance.between(DAY * 3, DAY * 12)
                } else {
                    self.chance.between(HOUR / 2, HOUR * 9)
                }
            }
            "needsIntake" => {
                self.ticket.status = "open";
                self.ticket.events.push(("firstContactAttempt", now));
                if self.chance.happens(0.05) {
                    self.troubles.begin(Problem::TicketLeftOpen, SubjectKind::Ticket, self.ticket.id, now);
                    self.chance.between(DAY * 17, DAY * 30)
                } else {
                    self.chance.between(HOUR * 4, DAY * 4)
                }
            }
            _ => {
                self.ticket.status = "closed";
                self.ticket.events.push(("ticketClosed", now));
                self.chance.between(DAY * 20, DAY * 220)
            }
        };
        self.agenda.set(Due::Ticket, now.plus(wait));
        self.tell_ticket(world, told);
    }

    /// What is open about a device is closed when it leaves its patient.
    pub(super) fn close_ticket(&mut self, world: &World, told: &mut Told) {
        self.troubles.end(Problem::TicketUnanswered, told);
        self.troubles.end(Problem::TicketLeftOpen, told);
        if self.ticket.status != "closed" {
            self.ticket.status = "closed";
            self.ticket.events.push(("ticketClosed", told.now));
            self.tell_ticket(world, told);
        }
    }

    fn tell_ticket(&self, world: &World, told: &mut Told) {
        let now = told.now;
        told.webhook("supportTicket.event", |body| self.write_ticket(world, now, body));
    }

    fn write_ticket(&self, world: &World, updated: Timestamp, body: &mut Body) {
        let ticket = &self.ticket;
        let created = ticket.events.first().map_or(updated, |(_, at)| *at);
        body.add(r#"{"id":"#).show(ticket.id).add(r#","customer":{"id":5,"name":"Larkfield Care"},"patient":"#);
        body.add(&self.patient.json).add(r#","device":"#);
        self.write(world, body);
        body.add(r#","site":"#).add(&world.sites[self.site].json).add(r#","ticketType":""#).add(ticket.kind);
        body.add(r#"","supportTicketNotes":[{"createdBy":"#).add(STAFF).add(r#","note":""#).add(ticket.note);
        body.add(r#"","createdAt":"#).time(created).add(r#"}],"supportTicketEvents":["#);
        for (place, (kind, at)) in ticket.events.iter().enumerate() {
            let comma = if place > 0 { "," } else { "" };
            body.add(comma).add(r#"{"eventType":""#).add(kind).add(r#"","createdAt":"#).time(*at).add("}");
        }
        body.add(r#"],"currentStatus":""#).add(ticket.status).add(r#"","open":"#).show(ticket.status != "closed");
        body.add(r#","assignedTeam":"support","assignee":"#).add(STAFF).add(r#","createdBy":"#).add(STAFF);
        body.add(r#","createdAt":"#).time(created).add(r#","lastUpdated":"#).time(updated).add("}");
    }
}
