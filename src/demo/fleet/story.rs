//! A few days of a small fleet, told in half a minute.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};

use super::Moment;
use super::cast::{Device, HARBOR, MODELS, Model, PEOPLE, Person, device, item, patient, reading};

const FIRST_DEVICE: u64 = 9001;

/// The order that gets stuck, and the return of what it replaces.
const ORDER: u64 = 4410;
const RETURN: u64 = 7702;

struct Teller<'a> {
    now: &'a str,
    next_id: i64,
    moments: Vec<Moment>,
}

impl<'a> Teller<'a> {
    fn tell(&mut self, after_ms: u64, caption: &'static str, kind: &str, payload: Value) {
        let body = json!({ "id": self.next_id, "type": kind, "payload": payload });
        self.next_id += 1;
        self.moments.push(Moment { after: Duration::from_millis(after_ms), caption, body });
    }

    /// Impilo sends the last event again, as it does when it missed the answer.
    fn again(&mut self, after_ms: u64, caption: &'static str) {
        if let Some(last) = self.moments.last().map(|moment| moment.body.clone()) {
            self.moments.push(Moment { after: Duration::from_millis(after_ms), caption, body: last });
        }
    }

    /// The device at a place of the fleet: two blood pressure monitors, two scales, a glucometer and an oximeter.
    fn device(&self, place: usize) -> Device<'a> {
        let (person, model) = (person_of(place), model_of(place));
        let id = FIRST_DEVICE + place as u64;
        Device { id, model, site: person.site, patient: Some(person), status: "withPatient", seen: self.now }
    }

    fn battery(&self, place: usize, percentage: u8) -> Value {
        json!({ "batteryPercentage": percentage, "device": device(&self.device(place)) })
    }

    fn reading(&self, place: usize) -> Value {
        let place_number = place as u64;
        reading(&self.device(place), 880_000 + place_number, self.now, 7 * place_number)
    }

    fn association(&self, place: usize, created: bool) -> Value {
        let shown = self.device(place);
        let (status, with) = if created { ("withPatient", shown.patient) } else { ("available", None) };
        json!({
            "patient": patient(person_of(place)), "device": device(&Device { status, patient: with, ..shown }),
            "action": if created { "associate" } else { "disassociate" }, "eventTimestamp": self.now
        })
    }

    fn thin_order(status: &str) -> Value {
        json!({ "orderId": ORDER, "externalOrderIds": ["WEB-88213"], "orderStatusName": status })
    }

    /// The whole order, as `order.statusFull` brings it: delivered now.
    fn delivered_order(&self, place: usize) -> Value {
        let sent = Device { id: FIRST_DEVICE + 40, status: "delivered", ..self.device(place) };
        json!({
            "id": ORDER, "externalOrderIds": ["WEB-88213"], "patient": patient(person_of(place)),
            "currentStatus": "delivered", "orderItems": [{ "item": item(model_of(place)), "count": 1 }], "orderKits": [],
            "orderEvents": [
                { "name": "orderPlaced", "eventTimestamp": earlier(self.now, 6) },
                { "name": "shipped", "eventTimestamp": earlier(self.now, 2) },
                { "name": "delivered", "eventTimestamp": self.now }
            ],
            "orderNotes": [{ "note": "Please ship before the weekend.", "createdAt": earlier(self.now, 6), "createdBy": null }],
            "trackingNumbers": [{ "carrier": "USPS", "value": "9400100000000000004410" }],
            "devices": [device(&sent)], "packedKits": [], "shippingOption": "standard"
        })
    }

    fn returned(&self, place: usize, status: &str) -> Value {
        json!({
            "id": RETURN, "patient": patient(person_of(place)), "currentStatus": status, "returnKits": [],
            "returnItems": [{ "item": item(model_of(place)), "count": 1 }],
            "returnEvents": [
                { "type": "rmaPlaced", "eventTimestamp": earlier(self.now, 3) },
                { "type": status, "eventTimestamp": self.now }
            ],
            "trackingNumbers": [{ "carrier": "USPS", "value": "9400100000000000007702" }],
            "returnDevices": [device(&self.device(place))], "relatedOrderId": ORDER
        })
    }
}

fn person_of(place: usize) -> &'static Person {
    &PEOPLE[place % PEOPLE.len()]
}

fn model_of(place: usize) -> &'static Model {
    &MODELS[place % MODELS.len()]
}

/// The same time of day some days before; `now` itself where it is no time.
fn earlier(now: &str, days: i64) -> String {
    let then = now.parse::<DateTime<Utc>>().ok().and_then(|now| now.checked_sub_signed(TimeDelta::days(days)));
    then.map_or_else(|| now.to_owned(), |then| then.to_rfc3339_opts(SecondsFormat::Millis, true))
}

/// The story that the demo tells: times are `now` in RFC 3339, ids begin at `first_id`.
#[must_use]
pub fn story(now: &str, first_id: i64) -> Vec<Moment> {
    let mut story = Teller { now, next_id: first_id, moments: Vec::new() };
    let created = story.association(0, true);
    story.tell(0, "a patient gets a blood pressure monitor", "device.associationCreated", created);
    let low = story.battery(0, 18);
    story.tell(500, "its first battery warning, at 18 %: somebody is told", "device.lowBattery", low);
    story.again(1500, "Impilo sends the same event again: it counts once");
    let weight = story.reading(1);
    story.tell(1500, "a scale reports a weight: a sign of life", "reading.weight", weight);
    let weak = json!({ "device": device(&story.device(2)) });
    story.tell(1500, "a glucometer with a weak signal: once says nothing", "device.weakSignal", weak.clone());
    let lower = story.battery(0, 8);
    story.tell(
        2000,
        "the first battery again, at 8 %: its alert is open, so nobody is told twice",
        "device.lowBattery",
        lower,
    );
    story.tell(2000, "an order cannot be fulfilled", "order.status", Teller::thin_order("unableToFulfill"));
    let lowest = story.battery(0, 4);
    story.tell(2500, "the first battery again, at 4 %: now it is critical", "device.lowBattery", lowest);
    let unheard_of = json!({ "device": device(&story.device(3)), "angle": 40 });
    story.tell(2000, "an event that nobody has described: kept, and counted", "device.tiltDetected", unheard_of);
    let oxygen = story.reading(3);
    story.tell(1000, "a blood oxygen reading from the second site", "reading.bloodOxygen", oxygen);
    story.tell(
        1500,
        "the warehouse has found another one: the order's alert resolves",
        "order.status",
        Teller::thin_order("SHIPPED"),
    );
    for _ in 0..3 {
        story.tell(400, "the glucometer's weak signal again", "device.weakSignal", weak.clone());
    }
    story.tell(400, "and the fifth time within days: somebody is told", "device.weakSignal", weak);
    let checked = json!({ "device": device(&story.device(5)) });
    story.tell(1500, "a scale checks in by itself", "device.healthcheck", checked);
    let pressure = story.reading(4);
    story.tell(1000, "a blood pressure reading", "reading.bloodPressure", pressure);
    let delivered = story.delivered_order(4);
    story.tell(1500, "the order is delivered, and says which device it brought", "order.statusFull", delivered);
    let full = story.battery(0, 95);
    story.tell(
        2000,
        "the batteries were changed, 95 %: the alert resolves, and says by which event",
        "device.lowBattery",
        full,
    );
    let on_its_way = story.returned(4, "inTransit");
    story.tell(2000, "the old monitor is on its way back", "return.statusFull", on_its_way);
    let spare = Device { patient: None, status: "availableAtSite", site: HARBOR, ..story.device(1) };
    let spare = json!({ "device": device(&Device { id: FIRST_DEVICE + 60, ..spare }) });
    story.tell(
        1000,
        "a spare scale in a cupboard, with nobody: its weak signal is no trouble",
        "device.weakSignal",
        spare,
    );
    let removed = story.association(2, false);
    story.tell(
        2000,
        "the glucometer is taken back: what was open about it ends, and says why",
        "device.associationRemoved",
        removed,
    );
    story.moments
}
