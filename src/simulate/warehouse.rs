//! What happens to a model as a whole: more of it is procured, and one batch of batteries is bad.

use super::catalog::MODELS;
use super::chance::{Chance, DAY, HOUR};
use super::told::{Body, Told};
use super::truth::{Problem, Troubles};
use super::world::{Defect, World};
use crate::engine::{SubjectKind, Timestamp};

const FIRST_PROCUREMENT: u64 = 300;
const STATUSES: [&str; 3] = ["requested", "approved", "received"];

#[derive(Clone, Debug)]
pub(super) struct Shelf {
    /// The model's place in the catalog.
    model: usize,
    chance: Chance,
    defect: Defect,
    shows: bool,
    procurement: u64,
    /// The statuses so far, oldest first.
    events: Vec<(&'static str, Timestamp)>,
    quantity: u64,
    procurement_due: Timestamp,
    troubles: Troubles,
}

impl Shelf {
    pub fn new(world: &World, model: usize) -> Self {
        let mut chance = Chance::of_subject(world.seed, SubjectKind::Procurement, MODELS[model].id);
        let procurement_due = world.begin.plus(chance.about(DAY * 6));
        Self {
            model,
            chance,
            defect: world.defect(world.begin),
            shows: false,
            procurement: FIRST_PROCUREMENT + model as u64 * 100_000,
            events: Vec::new(),
            quantity: 0,
            procurement_due,
            troubles: Troubles::default(),
        }
    }

    pub fn next_at(&self) -> Timestamp {
        self.defect_due().min(self.procurement_due)
    }

    fn defect_due(&self) -> Timestamp {
        if self.shows { self.defect.window.until } else { self.defect.window.from }
    }

    pub fn live(&mut self, world: &World, told: &mut Told) {
        if told.now < self.defect_due() {
            self.procure(world, told);
        } else if self.shows {
            self.shows = false;
            self.troubles.end(Problem::DefectiveModel, told);
            self.defect = world.defect(told.now);
        } else {
            self.shows = true;
            if self.defect.model == self.model {
                let item = MODELS[self.model].id;
                self.troubles.begin(Problem::DefectiveModel, SubjectKind::Item, item, told.now);
            }
        }
    }

    pub fn outlive(&mut self, told: &mut Told) {
        self.troubles.outlive(told);
    }

    fn procure(&mut self, world: &World, told: &mut Told) {
        let now = told.now;
        if self.events.len() == STATUSES.len() {
            self.events.clear();
        }
        if self.events.is_empty() {
            self.procurement += 1;
            self.quantity = self.chance.number(1..=20) * 10;
        }
        self.troubles.end(Problem::ProcurementStuck, told);
        let status = STATUSES[self.events.len()];
        self.events.push((status, now));
        let wait = match status {
            "received" => self.chance.between(DAY * 2, DAY * 12),
            _ if self.chance.happens(0.05) => {
                self.troubles.begin(Problem::ProcurementStuck, SubjectKind::Procurement, self.procurement, now);
                self.chance.between(DAY * 16, DAY * 30)
            }
            _ => self.chance.between(HOUR * 6, DAY * 6),
        };
        self.procurement_due = now.plus(wait);
        let id = self.procurement;
        told.webhook("procurement.status", |body| {
            body.add(r#"{"procurementId":"#).show(id).add(r#","eventType":""#).add(status).add(r#""}"#);
        });
        told.webhook("procurement.statusFull", |body| self.write(status, world, body));
    }

    fn write(&self, status: &str, world: &World, body: &mut Body) {
        body.add(r#"{"id":"#).show(self.procurement).add(r#","currentStatus":""#).add(status);
        body.add(r#"","procurementType":"shippingNotice","procurementItems":[{"item":"#).add(&world.items[self.model]);
        body.add(r#","quantityRequested":"#).show(self.quantity).add(r#","quantityApproved":"#).show(self.quantity);
        body.add(r#","costPerItem":18.4,"trackingNumbers":[]}],"procurementEvents":["#);
        for (place, (name, at)) in self.events.iter().enumerate() {
            let comma = if place > 0 { "," } else { "" };
            body.add(comma).add(r#"{"name":""#).add(name).add(r#"","eventTimestamp":"#).time(*at).add("}");
        }
        body.add("]}");
    }
}
