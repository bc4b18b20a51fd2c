//! Rules about a share of the devices: of one model, or at one site.

use expect_test::expect;
use serde_json::{Value, json};

use crate::payloads::{association, device_of};
use crate::world::{World, play};

const HALF: &str = r#"
rules:
  - alert: ModelDefect
    subject: item
    event: device.lowBattery
    share: { at_least: 50%, and_at_least: 2, of: devices_with_patients, within: 7d }
  - alert: MoreThanHalf
    subject: site
    event: device.lowBattery
    share: { more_than: 50%, within: 7d }
"#;

fn low(id: i64) -> Value {
    low_of(id, Some(5))
}

fn low_of(id: i64, patient: Option<i64>) -> Value {
    json!({ "batteryPercentage": 9, "device": device_of(id, patient) })
}

/// Makes devices known, each with a patient.
fn known(world: &mut World, ids: std::ops::RangeInclusive<i64>) {
    for id in ids {
        world.post("device.healthcheck", json!({ "device": device_of(id, Some(5)) }));
    }
}

#[test]
fn at_least_takes_in_the_share_itself_and_more_than_does_not() {
    let history = play(HALF, |world| {
        known(world, 1..=4);
        world.post("device.lowBattery", low(1));
        world.post("device.lowBattery", low(1));
        world.wait("1h");
        world.post("device.lowBattery", low(2));
        world.wait("1h");
        world.post("device.lowBattery", low(3));
    });
    expect![[r#"
        #1 ModelDefect on item 40, seen 3×
          2026-03-02T11:00:00.000Z firing warning: 2 of 4 devices with patients: device.lowBattery within 7d
        #2 MoreThanHalf on site 3, seen 3×
          2026-03-02T12:00:00.000Z firing warning: 3 of 4 devices with patients: device.lowBattery within 7d
    "#]]
    .assert_eq(&history);
}

#[test]
fn a_share_of_very_few_is_not_enough_where_the_rule_says_so() {
    let history = play(HALF, |world| {
        known(world, 1..=1);
        world.post("device.lowBattery", low(1));
        world.wait("1h");
        world.post("device.lowBattery", low(2));
    });
    expect![[r#"
        #1 MoreThanHalf on site 3, seen 2×
          2026-03-02T10:00:00.000Z firing warning: 1 of 1 devices with patients: device.lowBattery within 7d
        #2 ModelDefect on item 40, seen 2×
          2026-03-02T11:00:00.000Z firing warning: 2 of 2 devices with patients: device.lowBattery within 7d
    "#]]
    .assert_eq(&history);
}

#[test]
fn a_device_exactly_the_time_ago_no_longer_counts() {
    for at in ["2026-03-09T09:59:59.999Z", "2026-03-09T10:00:00Z"] {
        let history = play(HALF, |world| {
            known(world, 1..=4);
            world.post("device.lowBattery", low(1));
            world.until(at);
            world.post("device.lowBattery", low(2));
        });
        if at < "2026-03-09T10:00:00Z" {
            expect![[r#"
                #1 ModelDefect on item 40, seen 2×
                  2026-03-09T09:59:59.999Z firing warning: 2 of 4 devices with patients: device.lowBattery within 7d
            "#]]
            .assert_eq(&history);
        } else {
            expect![[r#""#]].assert_eq(&history);
        }
    }
}

#[test]
fn the_base_follows_devices_as_they_come_to_patients_and_leave_them() {
    let history = play(HALF, |world| {
        known(world, 1..=6);
        // Never with a patient.
        world.post("device.healthcheck", json!({ "device": device_of(20, None) }));
        world.post("device.lowBattery", low(1));
        world.post("device.lowBattery", low(2));
        // Two of six. One leaves its patient; nothing is tried at that.
        world.wait("1h");
        world.post("device.associationRemoved", association(6, 5, "2026-03-02T10:59:00Z", false));
        world.post("device.lowBattery", low(2));
        // Two of five; another is decommissioned.
        world.wait("1h");
        let mut gone = device_of(5, None);
        gone["currentStatus"] = json!("decommissioned");
        world.post("device.healthcheck", json!({ "device": gone }));
        world.wait("1h");
        world.post("device.lowBattery", low(2));
        // Two of four; two come.
        world.wait("1h");
        world.post("device.associationCreated", association(20, 5, "2026-03-02T13:59:00Z", true));
        world.post("device.associationCreated", association(21, 5, "2026-03-02T13:59:00Z", true));
        world.post("device.associationCreated", association(21, 5, "2026-03-02T13:59:00Z", true));
        world.post("device.lowBattery", low(3));
        // Three of six. One more is more than half.
        world.wait("1h");
        world.post("device.lowBattery", low(4));
    });
    expect![[r#"
        #1 ModelDefect on item 40, seen 4×
          2026-03-02T13:00:00.000Z firing warning: 2 of 4 devices with patients: device.lowBattery within 7d
        #2 MoreThanHalf on site 3, seen 4×
          2026-03-02T15:00:00.000Z firing warning: 4 of 6 devices with patients: device.lowBattery within 7d
    "#]]
    .assert_eq(&history);
}

#[test]
fn a_device_without_a_patient_is_no_part_of_the_share() {
    let history = play(HALF, |world| {
        known(world, 1..=4);
        for id in 10..20 {
            world.post("device.lowBattery", low_of(id, None));
        }
        world.wait("1h");
        // One that is not said to be with a patient, and is known to be with none.
        world.post("device.lowBattery", json!({ "deviceId": 10, "batteryPercentage": 5 }));
        world.wait("1h");
        world.post("device.lowBattery", low(1));
        // One that is known to be with a patient.
        world.post("device.lowBattery", json!({ "deviceId": 2, "batteryPercentage": 5 }));
    });
    expect![[r#"
        #1 ModelDefect on item 40, seen 2×
          2026-03-02T12:00:00.000Z firing warning: 2 of 4 devices with patients: device.lowBattery within 7d
    "#]]
    .assert_eq(&history);
}

#[test]
fn a_device_that_was_counted_and_then_left_its_patient_stays_counted() {
    let history = play(HALF, |world| {
        known(world, 1..=5);
        world.post("device.lowBattery", low(1));
        world.wait("1d");
        world.post("device.associationRemoved", association(1, 5, "2026-03-03T09:59:00Z", false));
        world.wait("1d");
        // With the first one, two of four.
        world.post("device.lowBattery", low(2));
    });
    expect![[r#"
        #1 ModelDefect on item 40, seen 2×
          2026-03-04T10:00:00.000Z firing warning: 2 of 4 devices with patients: device.lowBattery within 7d
    "#]]
    .assert_eq(&history);
}

#[test]
fn a_device_counts_for_its_new_site_and_model_from_then_on() {
    let history = play(HALF, |world| {
        known(world, 1..=3);
        let mut elsewhere = device_of(4, Some(6));
        elsewhere["currentPatient"]["site"] = json!({ "id": 4, "name": "Hill Clinic" });
        world.post("device.healthcheck", json!({ "device": elsewhere }));
        world.post("device.lowBattery", low(1));
        // One of three at the first site, of four of the model. The patient of the fourth moves to the first site.
        let mut moved = elsewhere["currentPatient"].clone();
        moved["site"] = json!({ "id": 3, "name": "Harbor Clinic" });
        world.wait("1h");
        world.post("patient.updated", moved);
        world.wait("1h");
        world.post("device.lowBattery", low(2));
        world.wait("1h");
        world.post("device.lowBattery", json!({ "deviceId": 4, "batteryPercentage": 5 }));
    });
    expect![[r#"
        #1 ModelDefect on item 40, seen 3×
          2026-03-02T12:00:00.000Z firing warning: 2 of 4 devices with patients: device.lowBattery within 7d
        #2 MoreThanHalf on site 3, seen 3×
          2026-03-02T13:00:00.000Z firing warning: 3 of 4 devices with patients: device.lowBattery within 7d
    "#]]
    .assert_eq(&history);
}

#[test]
fn it_ends_when_nothing_was_counted_for_the_time_and_the_model_was_heard_since() {
    let history = play(HALF, |world| {
        known(world, 1..=4);
        for id in 1..=3 {
            world.post("device.lowBattery", low(id));
        }
        world.wait("1d");
        // One more by one of those that are counted: the time is counted from there.
        world.post("device.lowBattery", low(1));
        world.until("2026-03-10T09:59:59.999Z");
        known(world, 4..=4);
        world.wait("1ms");
        world.wait("1d");
    });
    expect![[r#"
        #1 ModelDefect on item 40, seen 3×
          2026-03-02T10:00:00.000Z firing warning: 2 of 4 devices with patients: device.lowBattery within 7d
          2026-03-10T10:00:00.000Z resolved warning: heard from, with fewer than the rule asks within 7d
        #2 MoreThanHalf on site 3, seen 3×
          2026-03-02T10:00:00.000Z firing warning: 3 of 4 devices with patients: device.lowBattery within 7d
          2026-03-10T10:00:00.000Z resolved warning: heard from, with fewer than the rule asks within 7d
    "#]]
    .assert_eq(&history);
}

#[test]
fn a_late_event_counts_at_its_own_time() {
    let late = |id: i64, at: &str| {
        let mut low = low(id);
        low["eventTimestamp"] = json!(at);
        low
    };
    let history = play(HALF, |world| {
        known(world, 1..=4);
        world.until("2026-03-20T10:00:00Z");
        world.post("device.lowBattery", late(1, "2026-03-13T09:59:59.999Z"));
        world.post("device.lowBattery", late(2, "2026-03-20T09:59:59.999Z"));
        world.wait("1h");
        world.post("device.lowBattery", late(3, "2026-03-13T10:00:00Z"));
    });
    expect![[r#"
        #1 ModelDefect on item 40, seen 2×
          2026-03-20T11:00:00.000Z firing warning, as of 2026-03-20T09:59:59.999Z: 2 of 4 devices with patients: device.lowBattery within 7d
    "#]].assert_eq(&history);
}

#[test]
fn a_model_of_which_no_device_has_a_patient_has_no_share() {
    let history = play(&HALF.replace("and_at_least: 2, ", ""), |world| {
        world.post("device.lowBattery", low_of(1, None));
        world.post("device.lowBattery", json!({ "deviceId": 2, "batteryPercentage": 5 }));
    });
    expect![[""]].assert_eq(&history);
}

#[test]
fn a_new_rule_knows_of_how_many_its_share_is() {
    let other = "rules: [{ alert: Other, subject: device, event: device.weakSignal }]";
    let history = play(other, |world| {
        known(world, 1..=4);
        world.post("device.lowBattery", low(1));
        world.rules(HALF);
        world.wait("1h");
        // What came before the rule is counted for it.
        world.post("device.lowBattery", low(2));
        world.wait("1h");
        world.post("device.lowBattery", low(3));
    });
    expect![[r#"
        #1 ModelDefect on item 40, seen 3×
          2026-03-02T11:00:00.000Z firing warning: 2 of 4 devices with patients: device.lowBattery within 7d
        #2 MoreThanHalf on site 3, seen 3×
          2026-03-02T12:00:00.000Z firing warning: 3 of 4 devices with patients: device.lowBattery within 7d
    "#]]
    .assert_eq(&history);
}
