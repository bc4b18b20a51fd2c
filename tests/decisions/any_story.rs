//! Stories that nobody thought of: however they come, they give the same history, and no rule is open twice for a subject.

use std::collections::BTreeSet;

use pulsewarden::engine::AlertState;
use serde_json::{Value, json};

use crate::payloads::{association, device_of, person};
use crate::world::{World, instant, play, span};

const RULES: &str = r#"
calendars:
  office: { days: mon-fri, from: "08:00", to: "18:00", time_zone: America/New_York }
rules:
  - { alert: Low, subject: device, event: device.lowBattery, where: "payload.batteryPercentage < 30",
      raise: [{ to: critical, where: "payload.batteryPercentage < 10" }, { to: critical, after: 3d }],
      resolve: [{ event: device.lowBattery, where: "payload.batteryPercentage > 60" }, { after: 2d }],
      keep_firing_for: 2h, expire: 6d }
  - { alert: Weak, subject: device, event: device.weakSignal, count: { at_least: 3, within: 12h }, grace: 1h,
      resolve: [{ count: { below: 2, within: 5h } }, { event: device.healthcheck, where: "device.battery > 50" }] }
  - { alert: SiteWeak, subject: site, event: device.weakSignal, count: { at_least: 2, distinct: device, within: 6h } }
  - { alert: Share, subject: item, event: device.lowBattery, share: { more_than: 40%, and_at_least: 2, within: 1d } }
  - { alert: Silent, subject: device, silent: { longer_than: 30h }, grace: 1h, keep_firing_for: 1d }
  - { alert: NeverUsed, subject: device, silent: { event: "reading.*", longer_than: 40h, since: associated } }
  - { alert: PatientSilent, subject: patient, silent: { longer_than: 1 business day } }
  - { alert: StaysLow, subject: device, while: "device.battery < 30 && size(patient.open_orders) == 0", for: 20h }
  - { alert: Stuck, subject: order, while: "order.status in ['onHold', 'pendingInventory']", for: 1 business day,
      each: order.status, keep_firing_for: 3h }
  - { alert: Old, subject: order, while: "now - order.status_at > duration('30h')", for: 2h }
  - { alert: NoReturn, subject: device, event: device.associationRemoved, keep_firing_for: 5h,
      not_followed_by: { event: [return.statusFull, return.status], within: 2d } }
  - { alert: NoOrder, subject: device, event: device.associationRemoved, grace: 30m,
      not_followed_by: { event: [order.statusFull, order.status], where: "order.status != 'voided'", same: patient,
        within: 30h } }
  - { alert: Unordered, subject: device, event: device.associationCreated,
      not_preceded_by: { event: [order.statusFull, order.status], same: patient, within: 2d } }
  - { alert: Stranger, subject: patient, event: order.statusFull,
      not_preceded_by: { event: patient.updated, within: 3d } }
"#;

/// Numbers as from dice, the same for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    fn id(&mut self, from: i64, many: usize) -> i64 {
        from + i64::try_from(self.below(many)).unwrap()
    }
}

/// A time of some hours before, or the present one.
fn earlier(world: &World, dice: &mut Dice) -> String {
    let back = dice.one(&["0ms", "1ms", "20m", "3h", "20h", "40h"]);
    world.now.minus(span(back)).to_string()
}

fn step(world: &mut World, dice: &mut Dice) {
    let device = dice.id(1, 4);
    let patient = dice.one(&[None, Some(5), Some(5), Some(6)]);
    let snapshot = device_of(device, patient);
    let own = (dice.below(4) == 0).then(|| earlier(world, dice));
    let (kind, payload): (&str, Value) = match dice.below(14) {
        0 | 1 => {
            let level = dice.one(&[5, 20, 29, 30, 55, 90]);
            ("device.lowBattery", json!({ "batteryPercentage": level, "device": snapshot, "eventTimestamp": own }))
        }
        2 | 3 => ("device.weakSignal", json!({ "device": snapshot, "eventTimestamp": own })),
        4 => ("device.healthcheck", json!({ "deviceId": device })),
        5 => ("device.healthcheck", json!({ "device": snapshot })),
        6 => {
            let at = earlier(world, dice);
            let manual = dice.below(4) == 0;
            ("reading.weight", json!({ "id": 1, "readingTimestamp": at, "device": snapshot, "manual": manual }))
        }
        7 => {
            let at = earlier(world, dice);
            ("device.associationRemoved", association(device, dice.id(5, 2), &at, false))
        }
        8 => {
            let at = earlier(world, dice);
            ("device.associationCreated", association(device, dice.id(5, 2), &at, true))
        }
        9 => {
            let status = dice.one(&["onHold", "pendingInventory", "shipped", "delivered", "voided"]);
            ("order.status", json!({ "orderId": dice.id(90, 3), "orderStatusName": status }))
        }
        10 => {
            let status = dice.one(&["orderPlaced", "onHold", "pendingInventory", "shipped", "delivered"]);
            let at = earlier(world, dice);
            let order = json!({ "id": dice.id(90, 3), "currentStatus": status, "patient": person(dice.id(5, 2)),
                "devices": [{ "id": device }], "orderEvents": [{ "name": status, "eventTimestamp": at }] });
            ("order.statusFull", order)
        }
        11 => {
            let status = dice.one(&["rmaPlaced", "inTransit", "completed"]);
            (
                "return.statusFull",
                json!({ "id": dice.id(80, 2), "currentStatus": status, "returnDevices": [{ "id": device }] }),
            )
        }
        12 => ("return.status", json!({ "id": dice.id(80, 2), "currentStatus": "arrived" })),
        _ => {
            let mut patient = person(dice.id(5, 2));
            patient["archived"] = json!(dice.below(3) == 0);
            patient["updatedAt"] = json!(own);
            ("patient.updated", patient)
        }
    };
    if dice.below(12) == 0 {
        let at = earlier(world, dice);
        world.recover(kind, payload, &at);
    } else {
        world.post(kind, payload);
    }
}

fn story(world: &mut World, seed: u64) {
    let mut dice = Dice(seed);
    let other =
        RULES.replace("30h", "20h").replace("at_least: 3", "at_least: 2").replace("Stuck,", "Held, was: Stuck,");
    let fewer: String = RULES.split_inclusive("\n  - ").filter(|rule| !rule.starts_with("{ alert: NoOrder")).collect();
    for _ in 0..45 {
        match dice.below(40) {
            0 => world.rules(&other),
            1 => world.rules(&fewer),
            2 => world.rules(RULES),
            3 => {
                let until = world.now.plus(span(dice.one(&["1h", "10h", "50h"])));
                world.blind_until(&until.to_string());
            }
            _ => step(world, &mut dice),
        }
        world.wait(dice.one(&["0ms", "1ms", "10m", "1h", "7h", "13h"]));
    }
    world.wait("5d");
}

#[test]
fn any_story_gives_the_same_history_however_it_comes() {
    for seed in 0..2 {
        let history = play(RULES, |world| story(world, seed));
        assert!(history.lines().count() > 20, "{history}");
    }
}

#[test]
fn no_rule_is_ever_open_twice_for_a_subject() {
    for seed in 100..104 {
        let mut world = World::new(RULES);
        story(&mut world, seed);
        let mut open = BTreeSet::new();
        for alert in world.alerts() {
            assert!(alert.opened_at <= alert.noticed_at || alert.opened_at <= world.now, "{alert:?}");
            if let Some(end) = &alert.end {
                assert!(end.noticed_at >= alert.noticed_at, "{alert:?}");
            }
            if alert.state == AlertState::Firing {
                assert!(open.insert((alert.rule.clone(), alert.subject.clone())), "{}", world.history());
            }
        }
        assert!(world.now > instant("2026-03-02T10:00:00Z"));
    }
}
