//! Returns: how a device travels back, and where it is lost.

use std::time::Duration;

use super::{Device, Due, Whereabouts};
use crate::engine::{SubjectKind, Timestamp};
use crate::simulate::chance::{DAY, HOUR, MINUTE};
use crate::simulate::told::{Body, Told};
use crate::simulate::truth::Problem;
use crate::simulate::world::World;

use super::life::Next;

const FIRST_RETURN: u64 = 7_000;

#[derive(Clone, Debug)]
pub(super) struct Return {
    id: u64,
    /// `currentStatus`; the one that the return takes next, until it has.
    status: &'static str,
    events: Vec<(&'static str, Timestamp)>,
}

impl Return {
    /// Before the first return of the device at a place.
    pub fn none(place: u64) -> Self {
        Self { id: FIRST_RETURN + place * 1000, status: "voided", events: Vec::new() }
    }
}

impl Device {
    pub(super) fn open_return(&mut self, world: &World, told: &mut Told) {
        self.whereabouts = Whereabouts::Returning;
        self.next = Next::Return;
        for due in [Due::Measure, Due::Repeat, Due::Habit] {
            self.agenda.clear(due);
        }
        // Nobody is expected to measure with a device that is to be sent back.
        for over in [Problem::StoppedMeasuring, Problem::NeverUsed] {
            self.troubles.end(over, told);
        }
        self.back = Return { id: self.back.id + 1, status: "rmaPlaced", events: Vec::new() };
        self.return_step(world, told);
    }

    /// The return takes the status that it was bound for.
    pub(super) fn return_step(&mut self, world: &World, told: &mut Told) {
        let now = told.now;
        let happened = now.minus(self.chance.between(MINUTE / 300, MINUTE / 4));
        for over in [Problem::RmaOverdue, Problem::LostInTransit, Problem::StuckInReceiving, Problem::ReturnVoided] {
            self.troubles.end(over, told);
        }
        let leaves = ["inTransit", "completed", "voided"].contains(&self.back.status);
        if leaves && self.associated {
            self.remove(world, told);
            self.whereabouts = Whereabouts::Returning;
        }
        match self.back.status {
            "inTransit" => self.agenda.clear(Due::Check),
            "completed" => self.status = "refurbishing",
            "voided" => self.return_begins(Problem::ReturnVoided, now),
            _ => {}
        }
        self.back.events.push((self.back.status, happened));
        self.tell_return(world, told);
        let (status, wait) = match self.back.status {
            "rmaPlaced" => ("outbound", self.chance.between(DAY / 2, DAY * 2)),
            "outbound" => ("pendingReturn", self.chance.between(DAY * 2, DAY * 4)),
            "pendingReturn" => self.while_pending(now),
            "inTransit" => self.in_transit(now),
            "arrived" => ("receiving", self.chance.between(HOUR * 3, DAY * 2)),
            "receiving" => self.while_received(now),
            _ => {
                let wait = self.chance.between(DAY * 4, DAY * 20);
                return self.shelve(now, wait);
            }
        };
        self.back.status = status;
        self.agenda.set(Due::Return, now.plus(wait));
    }

    fn return_begins(&mut self, problem: Problem, now: Timestamp) {
        self.troubles.begin(problem, SubjectKind::Return, self.back.id, now);
    }

    fn while_pending(&mut self, now: Timestamp) -> (&'static str, Duration) {
        match self.chance.number(0..=99) {
            0..15 => {
                self.return_begins(Problem::RmaOverdue, now);
                ("inTransit", self.chance.between(DAY * 18, DAY * 45))
            }
            15..18 => ("voided", self.chance.between(DAY, DAY * 6)),
            _ => ("inTransit", self.chance.between(DAY, DAY * 9)),
        }
    }

    fn in_transit(&mut self, now: Timestamp) -> (&'static str, Duration) {
        match self.chance.number(0..=99) {
            0..3 => {
                self.return_begins(Problem::LostInTransit, now);
                ("arrived", self.chance.between(DAY * 15, DAY * 40))
            }
            3..8 => {
                self.return_begins(Problem::LostInTransit, now);
                ("voided", self.chance.between(DAY * 25, DAY * 50))
            }
            _ => ("arrived", self.chance.between(DAY * 2, DAY * 5)),
        }
    }

    fn while_received(&mut self, now: Timestamp) -> (&'static str, Duration) {
        if self.chance.happens(0.1) {
            self.return_begins(Problem::StuckInReceiving, now);
            return ("completed", self.chance.between(DAY * 8, DAY * 30));
        }
        ("completed", self.chance.between(HOUR * 4, DAY * 3))
    }

    /// The return's status to both kinds of subscription.
    fn tell_return(&self, world: &World, told: &mut Told) {
        let back = &self.back;
        told.webhook("return.status", |body| {
            body.add(r#"{"id":"#).show(back.id).add(r#","currentStatus":""#).add(back.status).add(r#""}"#);
        });
        told.webhook("return.statusFull", |body| self.write_return(world, body));
    }

    fn write_return(&self, world: &World, body: &mut Body) {
        let back = &self.back;
        body.add(r#"{"id":"#).show(back.id).add(r#","patient":"#).add(&self.patient.json).add(r#","currentStatus":""#);
        body.add(back.status).add(r#"","returnKits":[],"returnItems":[{"item":"#).add(&world.items[self.model]);
        body.add(r#","count":1}],"returnEvents":["#);
        for (place, (kind, at)) in back.events.iter().enumerate() {
            let comma = if place > 0 { "," } else { "" };
            body.add(comma).add(r#"{"type":""#).add(kind).add(r#"","eventTimestamp":"#).time(*at).add("}");
        }
        body.add(r#"],"trackingNumbers":["#);
        if back.events.len() > 1 {
            body.add(r#"{"carrier":"USPS","value":"92023901"#).show(format_args!("{:012}", back.id)).add(r#""}"#);
        }
        body.add(r#"],"returnDevices":["#);
        self.write(world, body);
        body.add(r#"],"relatedOrderId":"#).show(self.order.id).add("}");
    }
}
