//! What comes late, and what was learned before it: nothing is taken back that newer evidence has settled.

use expect_test::expect;
use pulsewarden::engine::{Subject, SubjectKind};
use serde_json::{Value, json};

use crate::payloads::{association, battery, device, device_of};
use crate::world::World;

const RULES: &str = r#"
rules:
  - alert: DeviceBatteryLow
    subject: device
    event: device.lowBattery
    where: "payload.batteryPercentage <= 20"
    annotations: { summary: "{{ device.patient }} {{ device.battery }} {{ device.status }}" }
"#;

fn low(patient: Option<i64>, percentage: i64) -> Value {
    json!({ "batteryPercentage": percentage, "device": device_of(7, patient) })
}

/// What is known of the device.
fn known(world: &World) -> String {
    let slices = world.store.load(&[Subject::new(SubjectKind::Device, "7")]);
    let record = &slices.unwrap()[0].projection.record;
    let text = |name: &str| record.get(name).and_then(|value| value.as_text()).unwrap_or("none").to_owned();
    let time =
        |name: &str| record.get(name).and_then(|value| value.as_time()).map_or("?".to_owned(), |at| at.to_string());
    format!("patient {}, status {}, since {}", text("patient"), text("status"), time("associated_at"))
}

#[test]
fn a_third_patient_soon_after_a_removal_is_the_next_one() {
    let mut world = World::new(RULES);
    world.post("device.lowBattery", low(Some(5), 90));
    world.post("device.associationRemoved", association(7, 5, "2026-03-02T10:00:00Z", false));
    world.wait("10m");
    world.restart();
    world.post("device.lowBattery", low(Some(6), 9));
    world.wait("10m");
    world.post("device.lowBattery", low(Some(5), 8));
    world.post("device.associationCreated", association(7, 6, "2026-03-02T10:05:00Z", true));
    expect![[r#"
        #1 DeviceBatteryLow on device 7, seen 1×
          2026-03-02T10:10:00.000Z firing warning: device.lowBattery met the rule's condition
    "#]]
    .assert_eq(&world.timeline());
    expect!["patient 6, status withPatient, since 2026-03-02T10:05:00.000Z"].assert_eq(&known(&world));
}

#[test]
fn the_patient_before_the_last_change_is_known_across_a_gap() {
    let mut world = World::new(RULES);
    world.post("device.associationCreated", association(7, 5, "2026-03-01T10:00:00Z", true));
    world.post("device.associationRemoved", association(7, 5, "2026-03-02T09:00:00Z", false));
    world.post("device.associationCreated", association(7, 6, "2026-03-02T09:30:00Z", true));
    world.post("device.lowBattery", low(Some(5), 9));
    world.post("device.lowBattery", low(None, 9));
    expect![[""]].assert_eq(&world.timeline());
    expect!["patient 6, status withPatient, since 2026-03-02T09:30:00.000Z"].assert_eq(&known(&world));
    world.post("device.lowBattery", low(Some(8), 9));
    expect![[r#"
        #1 DeviceBatteryLow on device 7, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn an_older_removal_from_another_patient_ends_nothing() {
    let mut world = World::new(RULES);
    world.post("device.lowBattery", low(Some(6), 9));
    world.post("device.associationRemoved", association(7, 5, "2026-03-02T09:00:00Z", false));
    expect![[r#"
        #1 DeviceBatteryLow on device 7, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
    "#]]
    .assert_eq(&world.timeline());
    expect!["patient 6, status withPatient, since ?"].assert_eq(&known(&world));
}

#[test]
fn an_older_association_does_not_override_what_was_seen_since() {
    let mut world = World::new(RULES);
    world.post("device.lowBattery", low(Some(6), 9));
    world.post("device.associationCreated", association(7, 5, "2026-03-02T09:00:00Z", true));
    expect![[r#"
        #1 DeviceBatteryLow on device 7, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
    "#]]
    .assert_eq(&world.timeline());
    expect!["patient 6, status withPatient, since ?"].assert_eq(&known(&world));
}

#[test]
fn an_older_snapshot_with_a_time_of_its_own_does_not_override_a_newer_one() {
    let mut world = World::new(RULES);
    world.post("device.lowBattery", low(Some(5), 9));
    let full = json!({ "id": 90, "currentStatus": "shipped", "devices": [device_of(7, None)],
        "orderEvents": [{ "name": "shipped", "eventTimestamp": "2026-03-02T08:55:00Z" }] });
    world.post("order.statusFull", full);
    for (patient, at) in [(6, "09:10"), (5, "09:20"), (6, "09:15")] {
        let at = format!("2026-03-02T{at}:00Z");
        let reading = json!({ "id": 1, "readingTimestamp": at, "device": device_of(7, Some(patient)) });
        world.post("reading.weight", reading);
    }
    expect![[r#"
        #1 DeviceBatteryLow on device 7, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
    "#]]
    .assert_eq(&world.timeline());
    expect!["patient 5, status withPatient, since ?"].assert_eq(&known(&world));
}

#[test]
fn a_repeated_removal_ends_nothing_that_was_opened_since() {
    let mut world = World::new(RULES);
    world.post("device.associationRemoved", association(7, 5, "2026-03-02T09:00:00Z", false));
    world.post("device.lowBattery", low(None, 9));
    world.post("device.associationRemoved", association(7, 5, "2026-03-02T09:00:00Z", false));
    expect![[r#"
        #1 DeviceBatteryLow on device 7, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn what_comes_from_before_a_change_fills_gaps_and_replaces_nothing() {
    let mut world = World::new(RULES);
    world.post("device.lowBattery", json!({ "batteryPercentage": 80, "deviceId": 7 }));
    let removal = json!({ "device": { "id": 7 }, "patient": { "id": 5 }, "eventTimestamp": "2026-03-02T10:00:00Z" });
    world.post("device.associationRemoved", removal);
    world.wait("10m");
    world.post("device.lowBattery", low(Some(5), 9));
    expect![[""]].assert_eq(&world.timeline());
    expect!["patient none, status withPatient, since ?"].assert_eq(&known(&world));
    world.wait("4h");
    world.post(
        "device.lowBattery",
        json!({ "device": { "id": 7, "currentStatus": "available" }, "batteryPercentage": 7 }),
    );
    world.wait("10m");
    expect!["patient none, status available, since ?"].assert_eq(&known(&world));
}

#[test]
fn a_retried_snapshot_does_not_bring_a_decommissioned_device_back() {
    let mut world = World::new(RULES);
    let mut gone = device(7);
    gone["currentStatus"] = json!("decommissioned");
    world.post("device.healthcheck", json!({ "device": gone }));
    world.wait("20m");
    world.post("device.lowBattery", battery(7, 9));
    expect![[""]].assert_eq(&world.timeline());
    expect!["patient 5, status decommissioned, since ?"].assert_eq(&known(&world));
    world.wait("4h");
    world.post("device.lowBattery", battery(7, 9));
    expect![[r#"
        #1 DeviceBatteryLow on device 7, seen 1×
          2026-03-02T14:20:00.000Z firing warning: device.lowBattery met the rule's condition
    "#]]
    .assert_eq(&world.timeline());
    expect!["patient 5, status withPatient, since ?"].assert_eq(&known(&world));
}

#[test]
fn what_is_unknown_so_far_is_taken_from_an_older_event_too() {
    let mut world = World::new(RULES);
    world.post("device.healthcheck", json!({ "device": { "id": 7, "item": { "id": 40, "name": "Newer name" } } }));
    let reading = json!({ "id": 1, "readingTimestamp": "2026-03-02T09:00:00Z", "device": device(7) });
    world.post("reading.weight", reading);
    let slices = world.store.load(&[Subject::new(SubjectKind::Device, "7")]).unwrap();
    let text = |name: &str| slices[0].projection.record.get(name).and_then(|value| value.as_text()).map(str::to_owned);
    assert_eq!(text("serial").as_deref(), Some("SN-7"));
    assert_eq!(text("item").as_deref(), Some("Newer name"));
}
