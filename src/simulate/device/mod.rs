//! One device of the fleet and all that becomes of it: from the shelf to a patient, back, and on to the next one.

mod agenda;
mod going_back;
mod life;
mod measure;
mod order;
mod reading;
mod ticket;
mod wear;

use agenda::{Agenda, Due};
use going_back::Return;
use life::Next;
use order::Order;
use ticket::Ticket;
use wear::{Battery, Radio};

use super::catalog::{self, MODELS, Model};
use super::chance::{Chance, DAY, HOUR, MINUTE};
use super::person::Patient;
use super::told::{Body, Told};
use super::truth::{Problem, Troubles};
use super::world::{Window, World, household_of, site_of};
use crate::engine::{SubjectKind, Timestamp};

pub(super) const FIRST_DEVICE: u64 = 100_000;

/// What a list of devices is chosen by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InShort {
    pub id: u64,
    /// `currentStatus`.
    pub status: &'static str,
    /// Impilo's number of the patient who has it.
    pub patient: Option<u64>,
    pub site: u64,
    pub item: u64,
}

/// Where a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whereabouts {
    /// On Impilo's shelf.
    Stock,
    /// In an order that is not delivered.
    Ordered,
    /// At the patient's door, not yet associated.
    Delivered,
    /// In a cupboard of its site.
    AtSite,
    WithPatient,
    /// Taken from its patient, and still lying there.
    Removed,
    /// In a return.
    Returning,
}

#[derive(Clone, Debug)]
pub(super) struct Device {
    place: u64,
    id: u64,
    /// Its place in the catalog.
    model: usize,
    /// Its place among the sites.
    site: usize,
    chance: Chance,
    agenda: Agenda,
    whereabouts: Whereabouts,
    /// `currentStatus`.
    status: &'static str,
    patient: Patient,
    /// Which patient this one is: the first, the second, …
    turn: u64,
    /// Impilo says that it is this patient's.
    associated: bool,
    /// What becomes of it once it is taken from its patient.
    next: Next,
    used: bool,
    /// Its patient has it and has never used it.
    untouched: bool,
    /// Its patient no longer measures.
    idle: bool,
    /// How many readings it has sent.
    readings: u64,
    /// When a measurement was taken that could not be sent.
    kept: Option<Timestamp>,
    battery: Battery,
    radio: Radio,
    /// The failure of its site's coverage, under way or to come.
    outage: Window,
    delivered_at: Option<Timestamp>,
    associated_at: Option<Timestamp>,
    /// The newest of its own `deviceEvents`, and `lastHealthCheck`.
    seen: (&'static str, Timestamp),
    order: Order,
    back: Return,
    ticket: Ticket,
    troubles: Troubles,
    /// Its JSON up to the value of `currentStatus`.
    head: String,
    /// Its identifiers as they stand in its JSON.
    identifiers: String,
}

impl Device {
    /// The device at a place of the fleet, as it is when the history begins.
    pub fn new(world: &World, place: u64) -> Self {
        let id = FIRST_DEVICE + place;
        let mut chance = Chance::of_subject(world.seed, SubjectKind::Device, id);
        let model = catalog::draw(&mut chance);
        let (household, begin) = (household_of(place), world.begin);
        let site = site_of(household);
        let outage = world.outage(site, begin);
        let battery = Battery::new(&MODELS[model], &mut chance, begin);
        let mut device = Self {
            place,
            id,
            model,
            site,
            agenda: Agenda::new(),
            whereabouts: Whereabouts::Stock,
            status: "available",
            patient: Patient::new(world, site, household, 0, begin),
            turn: 0,
            associated: false,
            next: Next::Return,
            used: false,
            untouched: false,
            idle: false,
            readings: 0,
            kept: None,
            battery,
            radio: Radio::Good,
            outage,
            delivered_at: None,
            associated_at: None,
            seen: ("initiated", begin.minus(chance.between(HOUR, DAY * 3))),
            order: Order::none(place),
            back: Return::none(place),
            ticket: Ticket::none(place),
            troubles: Troubles::default(),
            head: format!(r#"{{"id":{id},"item":{},"currentStatus":""#, world.items[model]),
            identifiers: identifiers(&MODELS[model], id),
            chance,
        };
        device.start(world);
        device
    }

    /// Four of five are with a patient when the history begins, some lie in a cupboard of a site, the rest on a shelf.
    fn start(&mut self, world: &World) {
        let begin = world.begin;
        match self.chance.number(0..=99) {
            0..80 => {
                let associated_at = begin.minus(self.chance.between(DAY, DAY * 300));
                self.associated_at = Some(associated_at);
                self.delivered_at = Some(associated_at.minus(self.chance.between(MINUTE, DAY * 2)));
                self.place_with_patient();
                self.untouched = self.model().measure.is_some() && self.chance.happens(0.02);
                self.used = !self.untouched;
                if self.untouched {
                    self.begins(Problem::NeverUsed, associated_at);
                }
                self.settle(world, begin);
                let leaves = self.chance.between(DAY * 2, DAY * 380);
                self.agenda.set(Due::Life, begin.plus(leaves));
            }
            80..86 => self.lie_at_site(begin),
            _ => {
                let ordered = self.chance.between(HOUR, DAY * 50);
                self.agenda.set(Due::Life, begin.plus(ordered));
            }
        }
        let defect = world.defect(begin).window.from.plus(self.chance.between(HOUR, DAY * 5));
        self.agenda.set(Due::Defect, defect);
    }

    /// When something comes due next.
    pub fn next_at(&self) -> Timestamp {
        self.agenda.next_at()
    }

    /// Lives through what is due now.
    pub fn live(&mut self, world: &World, told: &mut Told) {
        match self.agenda.take() {
            Some(Due::Life) => self.get_on(world, told),
            Some(Due::Order) => self.order_step(world, told),
            Some(Due::Return) => self.return_step(world, told),
            Some(Due::Measure) => self.measure(world, told),
            Some(Due::Repeat) => self.repeat(world, told),
            Some(Due::Upload) => self.upload(world, told),
            Some(Due::Check) => self.check_in(world, told),
            Some(Due::Battery) => self.battery_step(world, told),
            Some(Due::Replace) => self.replace_battery(world, told),
            Some(Due::Weak) => self.weak_moment(world, told),
            Some(Due::Radio) => self.radio_step(world, told),
            Some(Due::Outage) => self.outage_step(world, told),
            Some(Due::Defect) => self.defect_step(world, told),
            Some(Due::Patient) => self.patient_moves(world, told),
            Some(Due::Habit) => self.habit_step(told),
            Some(Due::Ticket) => self.ticket_step(world, told),
            None => {}
        }
    }

    /// Tells what is still wrong when the history ends.
    pub fn outlive(&mut self, told: &mut Told) {
        self.troubles.outlive(told);
    }

    pub fn in_short(&self, world: &World) -> InShort {
        InShort {
            id: self.id,
            status: self.status,
            patient: self.associated.then_some(self.patient.id),
            site: world.sites[self.site].id,
            item: self.model().id,
        }
    }

    /// As Impilo's Device.
    pub fn json(&self, world: &World) -> String {
        let mut body = Body::default();
        self.write(world, &mut body);
        body.take()
    }

    fn model(&self) -> &'static Model {
        &MODELS[self.model]
    }

    fn begins(&mut self, problem: Problem, from: Timestamp) {
        self.troubles.begin(problem, SubjectKind::Device, self.id, from);
    }

    /// As Impilo's Device.
    fn write(&self, world: &World, body: &mut Body) {
        body.add(&self.head).add(self.status).add(r#"","used":"#).add(if self.used { "true" } else { "false" });
        body.add(r#","currentPatient":"#).add(if self.associated { &self.patient.json } else { "null" });
        body.add(r#","site":"#).add(&world.sites[self.site].json).add(r#","lastHealthCheck":"#).time(self.seen.1);
        body.add(&self.identifiers);
        if let Some(at) = self.delivered_at {
            body.add(r#"{"type":"delivered","eventTimestamp":"#).time(at).add("},");
        }
        if let Some(at) = self.associated_at {
            body.add(r#"{"type":"associated","eventTimestamp":"#).time(at).add("},");
        }
        body.add(r#"{"type":""#).add(self.seen.0).add(r#"","eventTimestamp":"#).time(self.seen.1);
        body.add(r#"}],"externalIdentifier":"EXT-DEV-"#).show(self.id).add(r#"","disabledReadings":false}"#);
    }

    /// A webhook whose payload is the device under its name.
    fn tell(&self, kind: &'static str, world: &World, told: &mut Told) {
        told.webhook(kind, |body| {
            body.add(r#"{"device":"#);
            self.write(world, body);
            body.add("}");
        });
    }
}

fn identifiers(model: &Model, id: u64) -> String {
    let serial = model.serial;
    let imei = format!(r#"{{"type":"imei","value":"358294{id:09}"}}"#);
    let serial = format!(r#"{{"type":"serial","value":"{serial}-26A{id:06}"}}"#);
    let iccid = format!(r#"{{"type":"iccid","value":"890126{id:013}"}}"#);
    format!(r#","deviceIdentifiers":[{imei},{serial},{iccid}],"deviceEvents":["#)
}
