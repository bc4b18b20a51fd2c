//! What happens at a site as a whole: its coverage fails, and it sends surplus devices to the warehouse.

use super::catalog::MODELS;
use super::chance::{Chance, DAY, HOUR};
use super::told::{Body, Told};
use super::truth::{Problem, Troubles};
use super::world::{Window, World};
use crate::engine::{SubjectKind, Timestamp};

const FIRST_TRANSFER: u64 = 600;
const STATUSES: [&str; 3] = ["requested", "approved", "completed"];

#[derive(Clone, Debug)]
pub(super) struct Clinic {
    /// Its place among the sites.
    place: usize,
    chance: Chance,
    outage: Window,
    is_out: bool,
    transfer: Transfer,
    transfer_due: Timestamp,
    troubles: Troubles,
}

#[derive(Clone, Debug)]
struct Transfer {
    id: u64,
    /// The statuses so far, oldest first.
    events: Vec<(&'static str, Timestamp)>,
    /// Which model, and how many of it.
    model: usize,
    count: u64,
}

impl Clinic {
    pub fn new(world: &World, place: usize) -> Self {
        let site = world.sites[place].id;
        let mut chance = Chance::of_subject(world.seed, SubjectKind::Transfer, site);
        let transfer_due = world.begin.plus(chance.about(DAY * 20));
        let transfer = Transfer { id: FIRST_TRANSFER + place as u64 * 1000, events: Vec::new(), model: 0, count: 0 };
        let outage = world.outage(place, world.begin);
        Self { place, chance, outage, is_out: false, transfer, transfer_due, troubles: Troubles::default() }
    }

    pub fn next_at(&self) -> Timestamp {
        self.outage_due().min(self.transfer_due)
    }

    fn outage_due(&self) -> Timestamp {
        if self.is_out { self.outage.until } else { self.outage.from }
    }

    pub fn live(&mut self, world: &World, told: &mut Told) {
        if told.now < self.outage_due() {
            self.transfer_step(world, told);
        } else if self.is_out {
            self.is_out = false;
            self.troubles.end(Problem::SiteOutage, told);
            self.outage = world.outage(self.place, told.now);
        } else {
            self.is_out = true;
            let site = world.sites[self.place].id;
            self.troubles.begin(Problem::SiteOutage, SubjectKind::Site, site, told.now);
        }
    }

    pub fn outlive(&mut self, told: &mut Told) {
        self.troubles.outlive(told);
    }

    fn transfer_step(&mut self, world: &World, told: &mut Told) {
        let now = told.now;
        if self.transfer.events.len() == STATUSES.len() {
            self.transfer.events.clear();
        }
        if self.transfer.events.is_empty() {
            self.transfer.id += 1;
            self.transfer.model = usize::try_from(self.chance.number(0..=MODELS.len() as u64 - 1)).unwrap_or_default();
            self.transfer.count = self.chance.number(1..=12);
        }
        self.troubles.end(Problem::TransferStuck, told);
        let status = STATUSES[self.transfer.events.len()];
        self.transfer.events.push((status, now));
        let wait = match status {
            "completed" => self.chance.between(DAY * 10, DAY * 45),
            _ if self.chance.happens(0.08) => {
                self.troubles.begin(Problem::TransferStuck, SubjectKind::Transfer, self.transfer.id, now);
                self.chance.between(DAY * 12, DAY * 25)
            }
            _ => self.chance.between(HOUR * 5, DAY * 5),
        };
        self.transfer_due = now.plus(wait);
        let transfer = &self.transfer;
        told.webhook("transferRequest.status", |body| {
            body.add(r#"{"id":"#).show(transfer.id).add(r#","currentStatus":""#).add(status).add(r#""}"#);
        });
        told.webhook("transferRequest.statusFull", |body| transfer.write(world, body));
    }
}

impl Transfer {
    fn write(&self, world: &World, body: &mut Body) {
        body.add(r#"{"id":"#).show(self.id).add(r#","fromCustomer":{"id":5,"name":"Larkfield Care"},"toCustomer":"#);
        body.add(r#"{"id":1,"name":"Platform Warehouse"}"#);
        if let (Some((_, created)), Some((status, _))) = (self.events.first(), self.events.last()) {
            body.add(r#","currentStatus":""#).add(status).add(r#"","createdAt":"#).time(*created);
        }
        body.add(r#","transferRequestNotes":[],"transferRequestEvents":["#);
        for (place, (name, at)) in self.events.iter().rev().enumerate() {
            let comma = if place > 0 { "," } else { "" };
            body.add(comma).add(r#"{"name":""#).add(name).add(r#"","eventTimestamp":"#).time(*at).add("}");
        }
        body.add(r#"],"transferItems":[{"item":"#).add(&world.items[self.model]).add(r#","count":"#);
        body.show(self.count).add("}]}");
    }
}
