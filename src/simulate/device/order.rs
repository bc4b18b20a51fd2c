//! Orders: how a device travels to a patient or a site, and where it gets stuck.

use std::time::Duration;

use super::{Device, Due, Whereabouts};
use crate::engine::{SubjectKind, Timestamp};
use crate::simulate::chance::{DAY, HOUR, MINUTE};
use crate::simulate::told::{Body, Told};
use crate::simulate::truth::Problem;
use crate::simulate::world::World;

const FIRST_ORDER: u64 = 30_000;
const FIRST_KIT: u64 = 6_000;

const HELD: [&str; 4] = ["onHold", "pendingInventory", "reconfirmAddress", "pendingAdditionalInformation"];
const CARRIERS: [&str; 3] = ["USPS", "UPS", "FedEx"];
const NOTES: [&str; 3] = ["Please ship before the weekend.", "Call before delivery.", "Second order of this patient."];

/// Of a hundred parcels of each carrier, how many are lost or weeks late.
const LOST: [(&str, u64); 3] = [("USPS", 3), ("UPS", 1), ("FedEx", 2)];

/// What ends when an order gets another status.
const OVER_WITH_STATUS: [Problem; 7] = [
    Problem::OrderStuck,
    Problem::OrderUnableToFulfill,
    Problem::OrderNotShipped,
    Problem::ParcelLost,
    Problem::UnsuccessfulDelivery,
    Problem::SentBack,
    Problem::NeverCollected,
];

#[derive(Clone, Debug)]
pub(super) struct Order {
    pub id: u64,
    /// `currentStatus`; the one that the order takes next, until it has.
    status: &'static str,
    events: Vec<(&'static str, Timestamp)>,
    /// Ordered by a site for its cupboard.
    for_site: bool,
    /// The one before came to nothing, so this is for the same patient.
    is_second: bool,
    carrier: &'static str,
    note: &'static str,
    overnight: bool,
}

impl Order {
    /// Before the first order of the device at a place.
    pub fn none(place: u64) -> Self {
        Self {
            id: FIRST_ORDER + place * 1000,
            status: "voided",
            events: Vec::new(),
            for_site: false,
            is_second: false,
            carrier: CARRIERS[0],
            note: NOTES[0],
            overnight: false,
        }
    }
}

impl Device {
    pub(super) fn place_order(&mut self, world: &World, told: &mut Told) {
        let is_second = self.order.is_second;
        let for_site = if is_second { self.order.for_site } else { self.chance.happens(0.08) };
        if !is_second && !for_site {
            self.next_patient(world, told);
        }
        self.whereabouts = Whereabouts::Ordered;
        self.status = if self.turn > 1 { "availableRepacked" } else { "available" };
        self.delivered_at = None;
        self.associated_at = None;
        self.used = false;
        self.order = Order {
            id: self.order.id + 1,
            status: "orderPlaced",
            events: Vec::new(),
            for_site,
            is_second: false,
            carrier: self.chance.pick(&CARRIERS),
            note: self.chance.pick(&NOTES),
            overnight: self.chance.happens(0.15),
        };
        self.order_step(world, told);
    }

    /// The order takes the status that it was bound for.
    pub(super) fn order_step(&mut self, world: &World, told: &mut Told) {
        let now = told.now;
        let happened = now.minus(self.chance.between(MINUTE / 300, MINUTE / 4));
        self.order.events.push((self.order.status, happened));
        match self.order.status {
            "awaitingShipment" => {
                self.status = "awaitingShipment";
                self.pack(happened, told);
            }
            "shipped" => self.status = "shipped",
            "delivered" => {
                self.status = "delivered";
                self.delivered_at = Some(happened);
            }
            _ => {}
        }
        for over in OVER_WITH_STATUS {
            self.troubles.end(over, told);
        }
        self.tell_order(world, told);
        let (status, wait) = match self.order.status {
            "orderPlaced" => self.after_placement(),
            "awaitingShipment" => self.after_packing(now),
            "shipped" => self.after_shipment(now),
            "delivered" => return self.arrive(now),
            "voided" => {
                self.order.is_second = true;
                let wait = self.chance.between(DAY, DAY * 10);
                return self.shelve(now, wait);
            }
            "returnIssued" => {
                self.order_begins(Problem::SentBack, now);
                let wait = self.chance.between(DAY * 5, DAY * 15);
                return self.shelve(now, wait);
            }
            "unableToFulfill" => {
                self.order_begins(Problem::OrderUnableToFulfill, now);
                ("voided", self.chance.between(DAY * 2, DAY * 12))
            }
            "unsuccessfulDelivery" => {
                self.order_begins(Problem::UnsuccessfulDelivery, now);
                match self.chance.happens(0.75) {
                    true => ("shipped", self.chance.between(DAY, DAY * 8)),
                    false => ("returnIssued", self.chance.between(DAY * 8, DAY * 15)),
                }
            }
            "availableForPickup" => match self.chance.happens(0.5) {
                true => ("delivered", self.chance.between(HOUR * 5, DAY * 4)),
                false => {
                    self.order_begins(Problem::NeverCollected, now);
                    ("returnIssued", self.chance.between(DAY * 14, DAY * 25))
                }
            },
            _ => self.while_held(now),
        };
        self.order.status = status;
        self.agenda.set(Due::Order, now.plus(wait));
    }

    fn order_begins(&mut self, problem: Problem, now: Timestamp) {
        self.troubles.begin(problem, SubjectKind::Order, self.order.id, now);
    }

    fn after_placement(&mut self) -> (&'static str, Duration) {
        match self.chance.number(0..=99) {
            0..18 => (self.chance.pick(&HELD), self.chance.between(HOUR, HOUR * 12)),
            18..22 => ("unableToFulfill", self.chance.between(HOUR, DAY * 2)),
            _ => ("awaitingShipment", self.chance.between(HOUR * 3, DAY * 3 / 2)),
        }
    }

    /// Half of what is held goes on within hours, the rest only when somebody asks.
    fn while_held(&mut self, now: Timestamp) -> (&'static str, Duration) {
        if self.chance.happens(0.5) {
            return ("awaitingShipment", self.chance.between(HOUR, HOUR * 20));
        }
        self.order_begins(Problem::OrderStuck, now);
        ("awaitingShipment", self.chance.between(DAY * 3, DAY * 20))
    }

    fn after_packing(&mut self, now: Timestamp) -> (&'static str, Duration) {
        if self.chance.happens(0.03) {
            self.order_begins(Problem::OrderNotShipped, now);
            return ("shipped", self.chance.between(DAY * 6, DAY * 15));
        }
        ("shipped", self.chance.between(HOUR * 4, DAY * 2))
    }

    /// Parcels arrive, are not taken, or are lost, by some carriers more than by others.
    fn after_shipment(&mut self, now: Timestamp) -> (&'static str, Duration) {
        let lost = LOST.iter().find(|(carrier, _)| *carrier == self.order.carrier).map_or(0, |(_, lost)| *lost);
        if self.chance.number(0..=99) < lost {
            self.order_begins(Problem::ParcelLost, now);
            return match self.chance.happens(0.5) {
                true => ("delivered", self.chance.between(DAY * 13, DAY * 25)),
                false => ("voided", self.chance.between(DAY * 20, DAY * 35)),
            };
        }
        let way = self.chance.between(DAY, DAY * 5);
        match self.chance.number(0..=99) {
            0..7 => ("unsuccessfulDelivery", way),
            7..14 => ("availableForPickup", way),
            _ => ("delivered", way),
        }
    }

    fn arrive(&mut self, now: Timestamp) {
        if self.order.for_site {
            return self.lie_at_site(now);
        }
        self.whereabouts = Whereabouts::Delivered;
        let wait = match self.chance.number(0..=99) {
            0..70 => self.chance.between(MINUTE, MINUTE * 30),
            70..96 => self.chance.between(HOUR * 6, DAY * 3),
            _ => {
                self.begins(Problem::NotAssigned, now);
                self.chance.between(DAY * 7, DAY * 20)
            }
        };
        self.agenda.set(Due::Life, now.plus(wait));
    }

    /// Back on the shelf, until it is ordered again.
    pub(super) fn shelve(&mut self, now: Timestamp, wait: Duration) {
        self.refurbish(now);
        self.whereabouts = Whereabouts::Stock;
        self.agenda.clear(Due::Check);
        self.agenda.set(Due::Life, now.plus(wait));
    }

    fn pack(&self, happened: Timestamp, told: &mut Told) {
        let kit = FIRST_KIT + self.order.id - FIRST_ORDER;
        told.webhook("packedKit.event", |body| {
            body.add(r#"{"eventTimestamp":"#).time(happened).add(r#","eventType":"started","packedKitId":"#).show(kit);
            body.add(r#","deviceId":"#).show(self.id).add("}");
        });
    }

    /// The order's status to both kinds of subscription.
    fn tell_order(&self, world: &World, told: &mut Told) {
        let order = &self.order;
        told.webhook("order.status", |body| {
            body.add(r#"{"orderId":"#).show(order.id).add(r#","externalOrderIds":["WEB-"#).show(order.id);
            body.add(r#""],"orderStatusName":""#).add(order.status).add(r#""}"#);
        });
        told.webhook("order.statusFull", |body| self.write_order(world, body));
    }

    fn write_order(&self, world: &World, body: &mut Body) {
        let order = &self.order;
        body.add(r#"{"id":"#).show(order.id).add(r#","externalOrderIds":["WEB-"#).show(order.id).add(r#""],"#);
        match order.for_site {
            true => body.add(r#""site":"#).add(&world.sites[self.site].json),
            false => body.add(r#""patient":"#).add(&self.patient.json),
        };
        body.add(r#","currentStatus":""#).add(order.status).add(r#"","orderItems":[{"item":"#);
        body.add(&world.items[self.model]).add(r#","count":1}],"orderKits":[],"orderEvents":["#);
        for (place, (name, at)) in order.events.iter().enumerate() {
            let comma = if place > 0 { "," } else { "" };
            body.add(comma).add(r#"{"name":""#).add(name).add(r#"","eventTimestamp":"#).time(*at).add("}");
        }
        body.add(r#"],"orderNotes":[{"note":""#).add(order.note).add(r#"","createdAt":"#);
        let placed = order.events.first().map_or(world.begin, |(_, at)| *at);
        body.time(placed).add(r#","createdBy":null}],"trackingNumbers":["#);
        if order.events.iter().any(|(name, _)| *name == "shipped") {
            body.add(r#"{"carrier":""#).add(order.carrier).add(r#"","value":"94001000"#);
            body.show(format_args!("{:012}", order.id)).add(r#""}"#);
        }
        body.add(r#"],"devices":["#);
        if order.events.iter().any(|(name, _)| *name == "awaitingShipment") {
            self.write(world, body);
        }
        body.add(r#"],"packedKits":[],"shippingOption":""#);
        body.add(if order.overnight { "overnight" } else { "standard" }).add(r#""}"#);
    }
}
