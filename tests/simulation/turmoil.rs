//! A clinic of a few devices in which everything happens within days: what takes an invented fleet months.
//!
//! It tells of one true world, so that what it says agrees with itself; what comes late or out of order is the way's doing.

use std::time::Duration;

use fastrand::Rng;
use pulsewarden::engine::Timestamp;
use pulsewarden::simulate::Webhook;
use serde_json::{Value, json};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

const SITES: [(u64, &str); 2] = [(31, "Harbor Clinic"), (32, "Larch Clinic")];
const ITEMS: [(u64, &str, &str); 2] =
    [(71, "Cellular Scale", "reading.weight"), (72, "Blood Pressure Monitor", "reading.bloodPressure")];

/// What an order can become, from each status.
const ORDER_STEPS: [(&str, &[&str]); 11] = [
    ("orderPlaced", &["onHold", "pendingInventory", "reconfirmAddress", "awaitingShipment", "unableToFulfill"]),
    ("onHold", &["awaitingShipment", "pendingInventory", "voided"]),
    ("pendingInventory", &["awaitingShipment", "onHold"]),
    ("reconfirmAddress", &["awaitingShipment", "voided"]),
    ("unableToFulfill", &["voided"]),
    ("awaitingShipment", &["shipped"]),
    ("shipped", &["delivered", "delivered", "availableForPickup", "unsuccessfulDelivery"]),
    ("availableForPickup", &["delivered", "returnIssued"]),
    ("unsuccessfulDelivery", &["shipped", "returnIssued"]),
    ("delivered", &[]),
    ("returnIssued", &[]),
];
/// What a return can become, from each status.
const RETURN_STEPS: [(&str, &[&str]); 6] = [
    ("rmaPlaced", &["outbound"]),
    ("outbound", &["pendingReturn"]),
    ("pendingReturn", &["inTransit", "inTransit", "voided"]),
    ("inTransit", &["arrived"]),
    ("arrived", &["receiving"]),
    ("receiving", &["completed"]),
];

struct Patient {
    id: u64,
    site: usize,
    enrolled: bool,
    archived: bool,
}

struct Device {
    id: u64,
    item: usize,
    site: usize,
    patient: Option<usize>,
    status: &'static str,
    battery: i64,
    delivered_at: Option<Timestamp>,
    checked_at: Timestamp,
    /// Nothing comes from it until then.
    quiet_until: Timestamp,
}

/// An order or a return.
struct Parcel {
    id: u64,
    patient: usize,
    device: usize,
    status: &'static str,
    events: Vec<(&'static str, Timestamp)>,
}

struct Ticket {
    id: u64,
    device: usize,
    patient: usize,
    created_at: Timestamp,
    status: &'static str,
}

struct Clinic {
    chance: Rng,
    now: Timestamp,
    /// When the last thing happened that has a time of its own.
    happened: Timestamp,
    next_id: u64,
    patients: Vec<Patient>,
    devices: Vec<Device>,
    orders: Vec<Parcel>,
    returns: Vec<Parcel>,
    tickets: Vec<Ticket>,
    told: Vec<Webhook>,
}

/// What happens in the clinic of this seed, in the order of time.
pub fn webhooks(seed: u64, begin: Timestamp, lasting: Duration) -> Vec<Webhook> {
    let mut chance = Rng::with_seed(seed);
    let devices = (0..chance.u64(2..=5)).map(|place| Device {
        id: 101 + place,
        item: chance.usize(..ITEMS.len()),
        site: chance.usize(..SITES.len()),
        patient: None,
        status: "available",
        battery: chance.i64(10..=100),
        delivered_at: None,
        checked_at: begin,
        quiet_until: begin,
    });
    let devices = devices.collect();
    let patients = (0..chance.u64(2..=3)).map(|place| Patient {
        id: 501 + place,
        site: chance.usize(..SITES.len()),
        enrolled: true,
        archived: false,
    });
    let patients = patients.collect();
    let (orders, returns, tickets, told) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut clinic =
        Clinic { chance, now: begin, happened: begin, next_id: 1, patients, devices, orders, returns, tickets, told };
    let pace = MINUTE * clinic.chance.u32(20..=70);
    while clinic.now < begin.plus(lasting) {
        // Much happens at once, and then nothing for a while.
        let gap = if clinic.chance.f64() < 0.4 { MINUTE * 2 } else { pace * 2 };
        clinic.pass(gap);
        clinic.step();
    }
    clinic.told
}

impl Clinic {
    fn step(&mut self) {
        let device = self.chance.usize(..self.devices.len());
        match self.chance.u32(..100) {
            0..26 => self.measure(device),
            26..34 => self.check_in(device),
            34..46 => self.warn_of_battery(device),
            46..56 => self.weak_signals(device),
            56..66 => self.change_patient(device),
            66..76 => self.order_step(),
            76..83 => self.return_step(),
            83..87 => self.ticket_step(),
            87..91 => self.patient_step(),
            91..94 => self.device_step(device),
            94..97 => self.fall_silent(device),
            _ => self.something_else(device),
        }
    }

    /// Lets up to this much time pass.
    fn pass(&mut self, most: Duration) {
        let most = u64::try_from(most.as_millis()).unwrap_or(u64::MAX);
        self.now = self.now.plus(Duration::from_millis(self.chance.u64(1..=most)));
    }

    /// An instant shortly before now, and after the last one.
    fn just(&mut self) -> Timestamp {
        let at = self.now.minus(Duration::from_millis(self.chance.u64(50..=120_000)));
        self.happened = at.max(Timestamp(self.happened.0 + 1));
        self.happened
    }

    fn tell(&mut self, kind: &'static str, payload: &Value) {
        let id = self.next_id;
        self.next_id += 1;
        let body = json!({ "id": id, "type": kind, "payload": payload }).to_string().into_bytes();
        self.told.push(Webhook { at: self.now, id, kind, body });
        self.pass(SECOND);
    }

    fn site(place: usize) -> Value {
        let (id, name) = SITES[place];
        json!({ "id": id, "name": name })
    }

    fn item(place: usize) -> Value {
        let (id, name, _) = ITEMS[place];
        json!({ "id": id, "name": name, "model": format!("M-{id}"), "manufacturer": { "id": 9, "name": "Acme" } })
    }

    fn patient(&self, place: usize) -> Value {
        let Patient { id, site, enrolled, archived } = &self.patients[place];
        json!({ "id": id, "enrolled": enrolled, "archived": archived, "site": Self::site(*site) })
    }

    fn device(&self, place: usize) -> Value {
        let Device { id, item, site, patient, status, delivered_at, checked_at, .. } = &self.devices[place];
        let delivered = delivered_at.map(|at| json!({ "type": "delivered", "eventTimestamp": at.to_string() }));
        json!({
            "id": id, "item": Self::item(*item), "currentStatus": status, "site": Self::site(*site),
            "currentPatient": patient.map(|patient| self.patient(patient)),
            "deviceIdentifiers": [{ "type": "serial", "value": format!("SN-{id}") }],
            "lastHealthCheck": checked_at.to_string(),
            "deviceEvents": delivered.as_slice(), "disabledReadings": false
        })
    }

    fn is_quiet(&self, device: usize) -> bool {
        self.devices[device].quiet_until > self.now
    }

    fn measure(&mut self, device: usize) {
        let Some(patient) = self.devices[device].patient else { return };
        // Somebody can type a reading in whatever the device does.
        let manual = self.chance.f64() < 0.04;
        if self.is_quiet(device) && !manual {
            return;
        }
        let kept = self.chance.f64() < 0.15;
        let taken = if kept { self.now.minus(MINUTE * self.chance.u32(5..400)) } else { self.just() };
        let kind = ITEMS[self.devices[device].item].2;
        let payload = json!({
            "id": self.next_id, "readingTimestamp": taken.to_string(), "manual": manual,
            "patient": self.patient(patient), "item": Self::item(self.devices[device].item),
            "device": self.device(device)
        });
        self.tell(kind, &payload);
    }

    fn check_in(&mut self, device: usize) {
        if !self.is_quiet(device) {
            self.devices[device].checked_at = self.just();
            let payload = json!({ "device": self.device(device) });
            self.tell("device.healthcheck", &payload);
        }
    }

    fn warn_of_battery(&mut self, device: usize) {
        if self.is_quiet(device) {
            return;
        }
        let replaced = self.devices[device].battery < 25 && self.chance.f64() < 0.3;
        let level = if replaced { 100 } else { (self.devices[device].battery - self.chance.i64(0..=25)).max(1) };
        self.devices[device].battery = level;
        let payload = match self.chance.u32(..10) {
            0 => json!({ "batteryPercentage": level, "deviceId": self.devices[device].id }),
            1 => json!({ "device": self.device(device) }),
            _ => json!({ "batteryPercentage": level, "device": self.device(device) }),
        };
        self.tell("device.lowBattery", &payload);
    }

    fn weak_signals(&mut self, device: usize) {
        let site = self.devices[device].site;
        for place in 0..self.devices.len() {
            let near = self.devices[place].site == site && self.chance.bool();
            if (place == device || near) && !self.is_quiet(place) {
                let payload = json!({ "device": self.device(place) });
                self.tell("device.weakSignal", &payload);
            }
        }
    }

    fn change_patient(&mut self, device: usize) {
        let had = self.devices[device].patient;
        if let Some(patient) = had {
            self.part(device, patient);
        }
        if had.is_none() || self.chance.f64() < 0.3 {
            let patient = self.chance.usize(..self.patients.len());
            self.join(device, patient);
        }
    }

    fn join(&mut self, device: usize, patient: usize) {
        self.devices[device].patient = Some(patient);
        self.devices[device].status = "withPatient";
        self.devices[device].site = self.patients[patient].site;
        self.tell_association(device, patient, true);
    }

    fn part(&mut self, device: usize, patient: usize) {
        self.devices[device].patient = None;
        self.devices[device].status = "available";
        self.tell_association(device, patient, false);
    }

    fn tell_association(&mut self, device: usize, patient: usize, created: bool) {
        let (kind, action) = match created {
            true => ("device.associationCreated", "associate"),
            false => ("device.associationRemoved", "disassociate"),
        };
        let at = self.just();
        let payload = json!({
            "patient": self.patient(patient), "device": self.device(device), "action": action,
            "eventTimestamp": at.to_string()
        });
        self.tell(kind, &payload);
    }

    fn order_step(&mut self) {
        let open = self.orders.iter().position(|order| !next(&ORDER_STEPS, order.status).is_empty());
        let place = match open.filter(|_| self.chance.f64() < 0.75) {
            Some(place) => {
                let steps = next(&ORDER_STEPS, self.orders[place].status);
                self.orders[place].status = steps[self.chance.usize(..steps.len())];
                place
            }
            None => {
                let order = self.parcel(901 + self.orders.len() as u64, "orderPlaced");
                self.orders.push(order);
                self.orders.len() - 1
            }
        };
        let happened = self.just();
        let Parcel { id, patient, device, status, events } = &mut self.orders[place];
        let (id, patient, device, status) = (*id, *patient, *device, *status);
        events.push((status, happened));
        let events: Vec<Value> = events.iter().map(|(name, at)| named("name", name, *at)).collect();
        if status == "delivered" {
            self.devices[device].delivered_at = Some(happened);
        }
        let told = self.chance.u32(..4);
        if told != 0 {
            let thin = json!({ "orderId": id, "orderStatusName": status });
            self.tell("order.status", &thin);
        }
        if told != 1 {
            let full = json!({
                "id": id, "patient": self.patient(patient), "currentStatus": status, "orderEvents": events,
                "orderItems": [{ "item": Self::item(self.devices[device].item), "count": 1 }],
                "devices": [self.device(device)]
            });
            self.tell("order.statusFull", &full);
        }
        if status == "delivered" && self.devices[device].patient.is_none() && self.chance.f64() < 0.6 {
            self.pass(HOUR * 4);
            self.join(device, patient);
        }
    }

    fn parcel(&mut self, id: u64, status: &'static str) -> Parcel {
        let device = self.chance.usize(..self.devices.len());
        let any = self.chance.usize(..self.patients.len());
        let patient = self.devices[device].patient.unwrap_or(any);
        Parcel { id, patient, device, status, events: Vec::new() }
    }

    fn return_step(&mut self) {
        let open = self.returns.iter().position(|back| !next(&RETURN_STEPS, back.status).is_empty());
        let place = match open.filter(|_| self.chance.f64() < 0.8) {
            Some(place) => {
                let steps = next(&RETURN_STEPS, self.returns[place].status);
                self.returns[place].status = steps[self.chance.usize(..steps.len())];
                place
            }
            None => {
                let back = self.parcel(701 + self.returns.len() as u64, "rmaPlaced");
                self.returns.push(back);
                self.returns.len() - 1
            }
        };
        let happened = self.just();
        let Parcel { id, patient, device, status, events } = &mut self.returns[place];
        let (id, patient, device, status) = (*id, *patient, *device, *status);
        events.push((status, happened));
        let events: Vec<Value> = events.iter().map(|(kind, at)| named("type", kind, *at)).collect();
        if status == "inTransit" && self.devices[device].patient == Some(patient) && self.chance.bool() {
            self.part(device, patient);
        }
        if status == "completed" {
            self.devices[device].status = "refurbishing";
        }
        let told = self.chance.u32(..4);
        if told != 0 {
            self.tell("return.status", &json!({ "id": id, "currentStatus": status }));
        }
        if told != 1 {
            let full = json!({
                "id": id, "patient": self.patient(patient), "currentStatus": status, "returnEvents": events,
                "returnDevices": [self.device(device)]
            });
            self.tell("return.statusFull", &full);
        }
    }

    fn ticket_step(&mut self) {
        let open = self.tickets.iter().position(|ticket| ticket.status != "closed");
        let place = match open.filter(|_| self.chance.f64() < 0.7) {
            Some(place) => {
                let ticket = &mut self.tickets[place];
                ticket.status = if ticket.status == "needsIntake" { "open" } else { "closed" };
                place
            }
            None => {
                let device = self.chance.usize(..self.devices.len());
                let Some(patient) = self.devices[device].patient else { return };
                let id = 801 + self.tickets.len() as u64;
                self.tickets.push(Ticket { id, device, patient, created_at: self.now, status: "needsIntake" });
                self.tickets.len() - 1
            }
        };
        let Ticket { id, device, patient, created_at, status } = self.tickets[place];
        let payload = json!({
            "id": id, "patient": self.patient(patient), "device": self.device(device), "currentStatus": status,
            "ticketType": "technicalSupport", "open": status != "closed", "createdAt": created_at.to_string(),
            "lastUpdated": self.now.to_string()
        });
        self.tell("supportTicket.event", &payload);
    }

    fn patient_step(&mut self) {
        let place = self.chance.usize(..self.patients.len());
        match self.chance.u32(..4) {
            0 => self.patients[place].archived ^= true,
            1 => self.patients[place].enrolled ^= true,
            _ => self.patients[place].site = self.chance.usize(..SITES.len()),
        }
        let payload = self.patient(place);
        self.tell("patient.updated", &payload);
    }

    /// The device reaches the end of its life, or comes back from there.
    fn device_step(&mut self, device: usize) {
        self.devices[device].status = match self.devices[device].status {
            "decommissioned" | "refurbishing" => "availableRepacked",
            _ if self.devices[device].patient.is_none() => "decommissioned",
            with_patient => with_patient,
        };
        self.check_in(device);
    }

    fn fall_silent(&mut self, device: usize) {
        let lasting = HOUR * self.chance.u32(6..60);
        self.devices[device].quiet_until = self.now.plus(lasting);
    }

    fn something_else(&mut self, device: usize) {
        let at = self.just();
        let id = self.devices[device].id;
        match self.chance.u32(..4) {
            0 => self.tell("device.firmwareUpdated", &json!({ "deviceId": id })),
            1 => {
                let payload = json!({
                    "packedKitId": 601, "deviceId": id, "eventType": "started", "eventTimestamp": at.to_string()
                });
                self.tell("packedKit.event", &payload);
            }
            2 => self.tell("procurement.status", &json!({ "procurementId": 1, "status": "received" })),
            _ => self.tell("transferRequest.status", &json!({ "transferRequestId": 2, "status": "approved" })),
        }
    }
}

fn named(key: &str, name: &str, at: Timestamp) -> Value {
    json!({ key: name, "eventTimestamp": at.to_string() })
}

fn next(steps: &[(&str, &'static [&'static str])], status: &str) -> &'static [&'static str] {
    steps.iter().find(|(from, _)| *from == status).map_or(&[], |(_, to)| to)
}
