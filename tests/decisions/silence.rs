//! Rules about silence: nothing heard where there should be.

use expect_test::expect;
use pulsewarden::engine::{Subject, SubjectKind};
use serde_json::{Value, json};

use crate::payloads::{association, battery, device, device_of, person};
use crate::world::{World, play};

const SILENT: &str = r#"
rules:
  - { alert: DeviceSilent, subject: device, silent: { longer_than: 72h } }
"#;

fn check(id: i64) -> Value {
    json!({ "device": device(id) })
}

/// A reading of the scale with this id, taken at `at`.
fn weight(id: i64, at: &str) -> Value {
    json!({ "id": 1, "readingTimestamp": at, "device": device(id) })
}

#[test]
fn nothing_heard_for_the_time_fires_at_its_end_and_not_before() {
    let history = play(SILENT, |world| {
        for id in [1, 2, 3, 4] {
            world.post("device.healthcheck", check(id));
        }
        world.until("2026-03-05T09:59:59.999Z");
        world.post("device.healthcheck", check(1));
        world.wait("1ms");
        // At that instant it was silent for long enough already.
        world.post("device.healthcheck", check(2));
        world.wait("1ms");
        world.post("reading.weight", weight(3, "2026-03-05T10:00:00Z"));
        world.until("2026-03-08T09:59:59.999Z");
    });
    expect![[r#"
        #1 DeviceSilent on device 2, seen 1×
          2026-03-05T10:00:00.000Z firing warning: nothing heard since 2026-03-02T10:00:00.000Z
          2026-03-05T10:00:00.000Z resolved warning: heard again: device.healthcheck
        #2 DeviceSilent on device 3, seen 1×
          2026-03-05T10:00:00.000Z firing warning: nothing heard since 2026-03-02T10:00:00.000Z
          2026-03-05T10:00:00.001Z resolved warning: heard again: reading.weight
        #3 DeviceSilent on device 4, seen 1×
          2026-03-05T10:00:00.000Z firing warning: nothing heard since 2026-03-02T10:00:00.000Z
        #4 DeviceSilent on device 1, seen 1×
          2026-03-08T09:59:59.999Z firing warning: nothing heard since 2026-03-05T09:59:59.999Z
    "#]]
    .assert_eq(&history);
}

#[test]
fn only_what_the_rule_listens_for_is_heard() {
    let rules = SILENT.replace("longer_than", "event: reading.weight, longer_than");
    let history = play(&rules, |world| {
        world.post("reading.weight", weight(7, "2026-03-02T09:00:00Z"));
        // Another sign of life, another reading, and one that somebody typed in.
        world.until("2026-03-04T10:00:00Z");
        world.post("device.healthcheck", check(7));
        world.post("device.lowBattery", battery(7, 90));
        world.post("reading.temperature", weight(7, "2026-03-04T10:00:00Z"));
        let mut typed = weight(7, "2026-03-04T10:00:00Z");
        typed["manual"] = json!(true);
        world.post("reading.weight", typed);
        world.wait("3d");
        let mut typed = weight(7, "2026-03-07T10:00:00Z");
        typed["manual"] = json!(true);
        world.post("reading.weight", typed);
    });
    expect![[r#"
        #1 DeviceSilent on device 7, seen 1×
          2026-03-05T10:00:00.000Z firing warning: nothing heard since 2026-03-02T10:00:00.000Z
    "#]]
    .assert_eq(&history);
}

#[test]
fn a_reading_of_long_ago_is_heard_when_it_comes() {
    let history = play(SILENT, |world| {
        world.post("reading.weight", weight(7, "2026-02-20T10:00:00Z"));
        world.wait("71h");
        world.post("reading.weight", weight(7, "2026-02-21T10:00:00Z"));
        world.wait("71h");
    });
    expect![[""]].assert_eq(&history);
}

#[test]
fn what_was_never_heard_is_not_silent() {
    let history = play(SILENT, |world| {
        world.post("device.associationCreated", association(7, 5, "2026-03-02T10:00:00Z", true));
        world.post("device.lowBattery", battery(7, 90));
        world.wait("30d");
    });
    expect![[""]].assert_eq(&history);
}

#[test]
fn a_hearing_in_time_that_is_learned_late_retracts() {
    let history = play(SILENT, |world| {
        for id in [1, 2, 3, 4] {
            world.post("device.healthcheck", check(id));
        }
        world.until("2026-03-05T18:00:00Z");
        // Just in time, at the deadline, after it.
        world.recover("device.healthcheck", check(1), "2026-03-05T09:59:59.999Z");
        world.recover("device.healthcheck", check(2), "2026-03-05T10:00:00Z");
        world.recover("device.healthcheck", check(3), "2026-03-05T12:00:00Z");
        // Before what was heard of it already.
        world.recover("device.healthcheck", check(4), "2026-03-02T09:00:00Z");
        world.until("2026-03-08T09:59:59.998Z");
        // The first one is silent anew from its hearing on, as far as is known.
        world.wait("2d");
    });
    expect![[r#"
        #1 DeviceSilent on device 1, seen 1×
          2026-03-05T10:00:00.000Z firing warning: nothing heard since 2026-03-02T10:00:00.000Z
          2026-03-05T18:00:00.000Z resolved warning, as of 2026-03-05T09:59:59.999Z: a late event shows that it was over before
        #2 DeviceSilent on device 2, seen 1×
          2026-03-05T10:00:00.000Z firing warning: nothing heard since 2026-03-02T10:00:00.000Z
          2026-03-05T18:00:00.000Z resolved warning, as of 2026-03-05T10:00:00.000Z: heard again: device.healthcheck
        #3 DeviceSilent on device 3, seen 1×
          2026-03-05T10:00:00.000Z firing warning: nothing heard since 2026-03-02T10:00:00.000Z
          2026-03-05T18:00:00.000Z resolved warning, as of 2026-03-05T12:00:00.000Z: heard again: device.healthcheck
        #4 DeviceSilent on device 4, seen 1×
          2026-03-05T10:00:00.000Z firing warning: nothing heard since 2026-03-02T10:00:00.000Z
        #5 DeviceSilent on device 1, seen 1×
          2026-03-08T09:59:59.999Z firing warning: nothing heard since 2026-03-05T09:59:59.999Z
        #6 DeviceSilent on device 2, seen 1×
          2026-03-08T10:00:00.000Z firing warning: nothing heard since 2026-03-05T10:00:00.000Z
        #7 DeviceSilent on device 3, seen 1×
          2026-03-08T12:00:00.000Z firing warning: nothing heard since 2026-03-05T12:00:00.000Z
    "#]].assert_eq(&history);
}

#[test]
fn a_hearing_in_time_does_not_retract_what_is_silent_since_then_for_as_long() {
    let history = play(SILENT, |world| {
        world.post("device.healthcheck", check(7));
        world.wait("10d");
        // It would have fired all the same, a few hours later.
        world.recover("device.healthcheck", check(7), "2026-03-02T14:00:00Z");
        world.wait("1d");
        // It was heard after it had fired, and then fell silent again.
        world.recover("device.healthcheck", check(7), "2026-03-06T10:00:00Z");
        world.wait("1d");
        world.post("device.healthcheck", check(7));
    });
    expect![[r#"
        #1 DeviceSilent on device 7, seen 1×
          2026-03-05T10:00:00.000Z firing warning: nothing heard since 2026-03-02T10:00:00.000Z
          2026-03-13T10:00:00.000Z resolved warning, as of 2026-03-06T10:00:00.000Z: heard again: device.healthcheck
        #2 DeviceSilent on device 7, seen 1×
          2026-03-13T10:00:00.000Z firing warning, as of 2026-03-09T10:00:00.000Z: nothing heard since 2026-03-06T10:00:00.000Z
          2026-03-14T10:00:00.000Z resolved warning: heard again: device.healthcheck
    "#]].assert_eq(&history);
}

#[test]
fn a_reading_that_was_stored_is_heard_when_the_log_has_it() {
    let history = play(SILENT, |world| {
        world.post("device.healthcheck", check(7));
        world.until("2026-03-05T18:00:00Z");
        // Taken long before, sent in time.
        world.recover("reading.weight", weight(7, "2026-03-01T10:00:00Z"), "2026-03-05T09:00:00Z");
        world.until("2026-03-08T08:59:59.999Z");
        world.wait("1ms");
    });
    expect![[r#"
        #1 DeviceSilent on device 7, seen 1×
          2026-03-05T10:00:00.000Z firing warning: nothing heard since 2026-03-02T10:00:00.000Z
          2026-03-05T18:00:00.000Z resolved warning, as of 2026-03-05T09:00:00.000Z: a late event shows that it was over before
        #2 DeviceSilent on device 7, seen 1×
          2026-03-08T09:00:00.000Z firing warning: nothing heard since 2026-03-05T09:00:00.000Z
    "#]].assert_eq(&history);
}

#[test]
fn late_news_within_grace_keeps_it_from_firing() {
    let rules = SILENT.replace("72h }", "72h }, grace: 2h");
    let history = play(&rules, |world| {
        for id in [1, 2, 3] {
            world.post("device.healthcheck", check(id));
        }
        world.until("2026-03-05T11:00:00Z");
        world.recover("device.healthcheck", check(1), "2026-03-05T09:00:00Z");
        world.until("2026-03-05T11:59:59.999Z");
        world.post("device.healthcheck", check(2));
        world.wait("1ms");
        world.post("device.healthcheck", check(3));
    });
    expect![[r#"
        #1 DeviceSilent on device 3, seen 1×
          2026-03-05T12:00:00.000Z firing warning, as of 2026-03-05T10:00:00.000Z: nothing heard since 2026-03-02T10:00:00.000Z
          2026-03-05T12:00:00.000Z resolved warning: heard again: device.healthcheck
    "#]].assert_eq(&history);
}

#[test]
fn the_time_counts_from_when_the_state_turned_true() {
    let history = play(SILENT, |world| {
        let disabled = |set: bool| {
            let mut device = device(7);
            device["disabledReadings"] = json!(set);
            json!({ "device": device, "batteryPercentage": 90 })
        };
        world.post("device.healthcheck", check(7));
        world.wait("2d");
        world.post("device.lowBattery", disabled(true));
        world.wait("10d");
        // What is known of it comes with an event that counts as no hearing here.
        world.post("device.lowBattery", disabled(false));
        world.until("2026-03-17T09:59:59.999Z");
        world.wait("1ms");
        world.wait("1h");
        world.post("device.lowBattery", disabled(true));
        world.wait("30d");
    });
    expect![[r#"
        #1 DeviceSilent on device 7, seen 1×
          2026-03-17T10:00:00.000Z firing warning: nothing heard since 2026-03-14T10:00:00.000Z
          2026-03-17T11:00:00.000Z resolved warning: no longer so: !device.readings_disabled
    "#]]
    .assert_eq(&history);
}

#[test]
fn a_device_that_comes_to_another_patient_has_the_time_anew() {
    let history = play(SILENT, |world| {
        world.post("device.healthcheck", check(7));
        world.wait("2d");
        world.post("device.associationRemoved", association(7, 5, "2026-03-04T09:00:00Z", false));
        world.wait("10d");
        world.post("device.associationCreated", association(7, 6, "2026-03-14T08:00:00Z", true));
        world.until("2026-03-17T09:59:59.999Z");
        world.wait("1ms");
        // Straight to another one.
        world.until("2026-03-20T10:00:00Z");
        world.post("device.associationCreated", association(7, 8, "2026-03-20T09:00:00Z", true));
        world.until("2026-03-23T09:59:59.999Z");
        world.wait("1ms");
    });
    expect![[r#"
        #1 DeviceSilent on device 7, seen 1×
          2026-03-17T10:00:00.000Z firing warning: nothing heard since 2026-03-14T10:00:00.000Z
          2026-03-20T10:00:00.000Z resolved warning, as of 2026-03-20T09:00:00.000Z: the device went to another patient
        #2 DeviceSilent on device 7, seen 1×
          2026-03-23T10:00:00.000Z firing warning: nothing heard since 2026-03-20T10:00:00.000Z
    "#]]
    .assert_eq(&history);
}

#[test]
fn a_removal_from_before_the_deadline_that_is_learned_late_retracts() {
    let history = play(SILENT, |world| {
        for id in [1, 2] {
            world.post("device.healthcheck", check(id));
        }
        world.until("2026-03-05T12:00:00Z");
        world.post("device.associationRemoved", association(1, 5, "2026-03-05T09:59:59.999Z", false));
        world.post("device.associationRemoved", association(2, 5, "2026-03-05T10:00:00Z", false));
    });
    expect![[r#"
        #1 DeviceSilent on device 1, seen 1×
          2026-03-05T10:00:00.000Z firing warning: nothing heard since 2026-03-02T10:00:00.000Z
          2026-03-05T12:00:00.000Z resolved warning, as of 2026-03-05T09:59:59.999Z: a late event shows that it was over before
        #2 DeviceSilent on device 2, seen 1×
          2026-03-05T10:00:00.000Z firing warning: nothing heard since 2026-03-02T10:00:00.000Z
          2026-03-05T12:00:00.000Z resolved warning, as of 2026-03-05T10:00:00.000Z: the device was disassociated from its patient
    "#]].assert_eq(&history);
}

const NEVER_USED: &str = r#"
rules:
  - { alert: NeverUsed, subject: device, silent: { event: "reading.*", longer_than: 14d, since: associated } }
  - alert: NeverSteppedOn
    subject: device
    silent: { event: "reading.*", longer_than: 10d, since: delivered }
    while: "!device.readings_disabled"
"#;

/// An order with this device, delivered at `at`.
fn delivered(id: i64, at: &str) -> Value {
    json!({ "id": 90 + id, "currentStatus": "delivered", "devices": [device(id)],
        "orderEvents": [{ "name": "delivered", "eventTimestamp": at }] })
}

#[test]
fn never_heard_since_it_was_delivered_or_associated() {
    let history = play(NEVER_USED, |world| {
        for id in [1, 2, 3] {
            let associated = association(id, 5, "2026-03-02T08:00:00Z", true);
            world.post("device.associationCreated", associated);
        }
        world.wait("1d");
        for id in [1, 2, 3] {
            world.post("order.statusFull", delivered(id, "2026-03-03T09:00:00Z"));
        }
        // The second is used in time and then no more, the third when it is late.
        world.wait("1d");
        world.post("reading.weight", weight(2, "2026-03-04T10:00:00Z"));
        world.until("2026-03-13T08:59:59.999Z");
        world.wait("1ms");
        world.wait("1h");
        world.post("reading.weight", weight(3, "2026-03-13T10:00:00Z"));
        world.until("2026-03-16T09:59:59.999Z");
        world.wait("1ms");
        world.wait("30d");
    });
    expect![[r#"
        #1 NeverSteppedOn on device 1, seen 1×
          2026-03-13T09:00:00.000Z firing warning: nothing heard since 2026-03-03T09:00:00.000Z
        #2 NeverSteppedOn on device 3, seen 1×
          2026-03-13T09:00:00.000Z firing warning: nothing heard since 2026-03-03T09:00:00.000Z
          2026-03-13T10:00:00.000Z resolved warning: heard again: reading.weight
        #3 NeverUsed on device 1, seen 1×
          2026-03-16T10:00:00.000Z firing warning: nothing heard since 2026-03-02T10:00:00.000Z
    "#]]
    .assert_eq(&history);
}

#[test]
fn what_was_heard_before_the_delivery_is_no_use_of_it() {
    let history = play(NEVER_USED, |world| {
        world.post("reading.weight", weight(7, "2026-03-02T09:00:00Z"));
        world.wait("1d");
        world.post("order.statusFull", delivered(7, "2026-03-03T09:00:00Z"));
        world.until("2026-03-14T10:00:00Z");
        // From before, and learned after.
        world.recover("reading.weight", weight(7, "2026-03-03T07:00:00Z"), "2026-03-03T08:00:00Z");
        world.wait("1h");
        // From after it, and learned late.
        world.recover("reading.weight", weight(7, "2026-03-04T07:00:00Z"), "2026-03-04T08:00:00Z");
        world.wait("30d");
    });
    expect![[r#"
        #1 NeverSteppedOn on device 7, seen 1×
          2026-03-13T09:00:00.000Z firing warning: nothing heard since 2026-03-03T09:00:00.000Z
          2026-03-14T11:00:00.000Z resolved warning, as of 2026-03-04T08:00:00.000Z: a late event shows that it was over before
    "#]].assert_eq(&history);
}

const PATIENT: &str = r#"
rules:
  - { alert: PatientSilent, subject: patient, silent: { longer_than: 72h }, while: "!patient.archived" }
  - { alert: SiteSilent, subject: site, silent: { longer_than: 24h } }
"#;

#[test]
fn a_patient_is_silent_when_none_of_its_devices_is_heard() {
    let history = play(PATIENT, |world| {
        world.post("device.healthcheck", check(1));
        world.wait("1d");
        world.post("device.healthcheck", check(2));
        world.wait("1d");
        // A thin event of a device that is known to be the patient's; then one of another patient.
        world.post("device.healthcheck", json!({ "deviceId": 1 }));
        world.wait("1d");
        world.post("device.healthcheck", json!({ "device": device_of(3, Some(6)) }));
        world.until("2026-03-07T09:59:59.999Z");
        world.wait("1ms");
        world.wait("1h");
        world.post("reading.weight", weight(2, "2026-03-07T10:00:00Z"));
        world.wait("1h");
    });
    expect![[r#"
        #1 SiteSilent on site 3, seen 1×
          2026-03-03T10:00:00.000Z firing warning: nothing heard since 2026-03-02T10:00:00.000Z
          2026-03-03T10:00:00.000Z resolved warning: heard again: device.healthcheck
        #2 SiteSilent on site 3, seen 1×
          2026-03-04T10:00:00.000Z firing warning: nothing heard since 2026-03-03T10:00:00.000Z
          2026-03-04T10:00:00.000Z resolved warning: heard again: device.healthcheck
        #3 SiteSilent on site 3, seen 1×
          2026-03-05T10:00:00.000Z firing warning: nothing heard since 2026-03-04T10:00:00.000Z
          2026-03-05T10:00:00.000Z resolved warning: heard again: device.healthcheck
        #4 SiteSilent on site 3, seen 1×
          2026-03-06T10:00:00.000Z firing warning: nothing heard since 2026-03-05T10:00:00.000Z
          2026-03-07T11:00:00.000Z resolved warning: heard again: reading.weight
        #5 PatientSilent on patient 5, seen 1×
          2026-03-07T10:00:00.000Z firing warning: nothing heard since 2026-03-04T10:00:00.000Z
          2026-03-07T11:00:00.000Z resolved warning: heard again: reading.weight
    "#]]
    .assert_eq(&history);
}

#[test]
fn a_silent_patient_that_is_archived_stays_quiet_until_it_is_back() {
    let archived = |set: bool| {
        let mut patient = person(5);
        patient["archived"] = json!(set);
        patient
    };
    let rules = format!("{PATIENT}  - {{ alert: DeviceSilent, subject: device, silent: {{ longer_than: 72h }} }}\n");
    let rules = rules.replace("  - { alert: SiteSilent, subject: site, silent: { longer_than: 24h } }\n", "");
    let history = play(&rules, |world| {
        world.post("device.healthcheck", check(7));
        world.wait("4d");
        world.post("patient.updated", archived(true));
        world.wait("10d");
        world.post("patient.updated", archived(false));
        world.until("2026-03-19T09:59:59.999Z");
        world.wait("1ms");
    });
    expect![[r#"
        #1 DeviceSilent on device 7, seen 1×
          2026-03-05T10:00:00.000Z firing warning: nothing heard since 2026-03-02T10:00:00.000Z
          2026-03-06T10:00:00.000Z resolved warning: the patient was archived
        #2 PatientSilent on patient 5, seen 1×
          2026-03-05T10:00:00.000Z firing warning: nothing heard since 2026-03-02T10:00:00.000Z
          2026-03-06T10:00:00.000Z resolved warning: the patient was archived
        #3 DeviceSilent on device 7, seen 1×
          2026-03-19T10:00:00.000Z firing warning: nothing heard since 2026-03-16T10:00:00.000Z
        #4 PatientSilent on patient 5, seen 1×
          2026-03-19T10:00:00.000Z firing warning: nothing heard since 2026-03-16T10:00:00.000Z
    "#]]
    .assert_eq(&history);
}

#[test]
fn an_event_moves_what_was_heard_and_not_the_wake_up() {
    let due = |world: &World| {
        let slices = world.store.load(&[Subject::new(SubjectKind::Device, "7")]).unwrap();
        slices[0].due.map_or("none".to_owned(), |due| due.to_string())
    };
    let mut world = World::new(SILENT);
    world.post("device.healthcheck", check(7));
    expect!["2026-03-05T10:00:00.000Z"].assert_eq(&due(&world));
    world.wait("1d");
    world.post("device.healthcheck", check(7));
    expect!["2026-03-05T10:00:00.000Z"].assert_eq(&due(&world));
    world.restart();
    world.wait("2d");
    expect!["2026-03-06T10:00:00.000Z"].assert_eq(&due(&world));
    world.post("device.associationRemoved", association(7, 5, "2026-03-05T10:00:00Z", false));
    world.wait("1d");
    expect!["none"].assert_eq(&due(&world));
    expect![[""]].assert_eq(&world.history());
}

#[test]
fn it_comes_back_while_its_end_is_kept_back() {
    let rules = SILENT.replace("72h }", "72h }, keep_firing_for: 4d");
    let history = play(&rules, |world| {
        for id in [1, 2] {
            world.post("device.healthcheck", check(id));
        }
        world.wait("4d");
        for id in [1, 2] {
            world.post("device.healthcheck", check(id));
        }
        // The first is silent anew before its end is told.
        world.wait("2d");
        world.post("device.healthcheck", check(2));
        world.wait("2d");
        world.post("device.healthcheck", check(2));
        world.wait("2d");
    });
    expect![[r#"
        #1 DeviceSilent on device 1, seen 1×
          2026-03-05T10:00:00.000Z firing warning: nothing heard since 2026-03-02T10:00:00.000Z
        #2 DeviceSilent on device 2, seen 1×
          2026-03-05T10:00:00.000Z firing warning: nothing heard since 2026-03-02T10:00:00.000Z
          2026-03-10T10:00:00.000Z resolved warning, as of 2026-03-06T10:00:00.000Z: heard again: device.healthcheck
    "#]]
    .assert_eq(&history);
}
