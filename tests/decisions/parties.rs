//! Whom an event concerns where it mentions several: one patient and one site, and what a thin event leaves out.

use expect_test::expect;
use serde_json::{Value, json};

use crate::payloads::{association, battery, device_of, person};
use crate::world::World;

const RULES: &str = r#"
rules:
  - alert: DeviceLost
    subject: device
    event: device.associationRemoved
    annotations: { summary: "{{ patient.id }} {{ site.name }}" }
    ends_with_relations: false
  - { alert: PatientWithoutDevice, subject: patient, event: device.associationRemoved }
  - { alert: SiteBattery, subject: site, event: device.lowBattery }
"#;

/// The evidence of every alert, as a rule's texts see it.
fn evidence(world: &World) -> String {
    let filter = pulsewarden::store::AlertFilter { limit: 100, ..Default::default() };
    let alerts = world.store.alerts(&filter).unwrap();
    let values = alerts.iter().flat_map(|alert| {
        let seen = alert.evidence.values.iter();
        let seen = seen.map(|(name, seen)| format!("{name}={}", seen.value.as_text().unwrap_or("?")));
        seen.collect::<Vec<_>>()
    });
    values.collect::<Vec<_>>().join(" ")
}

fn at_site(mut owner: Value, field: &str, id: i64) -> Value {
    owner[field] = json!({ "id": id, "name": format!("Site {id}") });
    owner
}

#[test]
fn a_removal_concerns_the_patient_that_was_left_and_not_the_next_one() {
    let mut world = World::new(RULES);
    let mut removal = association(7, 5, "2026-03-02T09:59:00Z", false);
    removal["device"]["currentPatient"] = at_site(person(6), "site", 4);
    world.post("device.associationRemoved", removal);
    expect![[r#"
        #1 DeviceLost on device 7, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.associationRemoved met the rule's condition
        #2 PatientWithoutDevice on patient 5, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.associationRemoved met the rule's condition
    "#]]
    .assert_eq(&world.timeline());
    expect!["patient.id=5 device.serial=SN-7 patient.id=5 site.name=Harbor Clinic"].assert_eq(&evidence(&world));
}

#[test]
fn a_device_counts_for_the_site_of_its_patient_and_not_for_its_own() {
    let mut world = World::new(RULES);
    let device = at_site(device_of(7, Some(5)), "site", 9);
    world.post("device.lowBattery", json!({ "batteryPercentage": 9, "device": device }));
    expect![[r#"
        #1 SiteBattery on site 3, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn a_thin_event_concerns_whom_the_device_belongs_to() {
    let mut world = World::new(RULES);
    world.post("device.healthcheck", json!({ "device": device_of(7, Some(5)) }));
    world.post("device.lowBattery", json!({ "deviceId": 7 }));
    expect![[r#"
        #1 SiteBattery on site 3, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
    "#]]
    .assert_eq(&world.timeline());
}

const HEARD: &str = r#"
rules:
  - { alert: PatientBattery, subject: patient, event: device.lowBattery, resolve: [{ after: 2d }], expire: 10d }
"#;

#[test]
fn a_thin_event_is_a_hearing_and_news_for_whom_the_device_belongs_to() {
    let mut world = World::new(HEARD);
    world.post("device.lowBattery", battery(7, 9));
    world.post("device.lowBattery", battery(8, 9));
    world.wait("3d");
    world.post("device.healthcheck", json!({ "deviceId": 7 }));
    expect![[r#"
        #1 PatientBattery on patient 5, seen 2×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
          2026-03-05T10:00:00.000Z resolved warning: heard from, with nothing new since 2026-03-02T10:00:00.000Z
    "#]]
    .assert_eq(&world.timeline());
    let mut world = World::new(&HEARD.replace("after: 2d", "after: 20d"));
    world.post("device.lowBattery", battery(7, 9));
    world.wait("8d");
    world.post("device.healthcheck", json!({ "deviceId": 7 }));
    world.wait("8d");
    expect![[r#"
        #1 PatientBattery on patient 5, seen 1×
          2026-03-02T10:00:00.000Z firing warning: device.lowBattery met the rule's condition
    "#]]
    .assert_eq(&world.timeline());
}

const SITES: &str = r#"
rules:
  - { alert: DeviceBattery, subject: device, event: device.lowBattery, labels: { team: x }, ends_with_relations: false,
      annotations: { summary: "{{ device.site }}, {{ site.id }}, {{ site.name }}" } }
"#;

#[test]
fn a_device_without_a_patient_is_at_its_own_site() {
    let mut world = World::new(SITES);
    world.post("device.healthcheck", json!({ "device": device_of(7, None) }));
    let mut moved = at_site(json!({ "id": 7 }), "site", 9);
    let transfer = json!({ "id": 1, "currentStatus": "completed", "transferItems": [{ "devices": [moved.clone()] }] });
    world.post("transferRequest.statusFull", transfer);
    world.post("device.lowBattery", json!({ "deviceId": 7 }));
    expect!["device.serial=SN-7 device.site=Site 9 site.id=9 site.name=Site 9"].assert_eq(&evidence(&world));
    moved = at_site(moved, "site", 10);
    world.post("device.lowBattery", json!({ "device": moved }));
    expect!["device.serial=SN-7 device.site=Site 10 site.id=10 site.name=Site 10"].assert_eq(&evidence(&world));
}

#[test]
fn a_device_with_a_patient_is_at_the_site_of_the_patient_wherever_that_goes() {
    let mut world = World::new(SITES);
    world.post("device.healthcheck", json!({ "device": device_of(7, Some(5)) }));
    world.post("device.lowBattery", json!({ "device": at_site(json!({ "id": 7 }), "site", 9) }));
    expect!["device.serial=SN-7 device.site=Harbor Clinic site.id=3 site.name=Harbor Clinic"]
        .assert_eq(&evidence(&world));
    world.post("patient.updated", at_site(person(5), "site", 4));
    world.post("device.lowBattery", json!({ "deviceId": 7 }));
    expect!["device.serial=SN-7 device.site=Site 4 site.id=4 site.name=Site 4"].assert_eq(&evidence(&world));
    let mut device = at_site(device_of(7, Some(5)), "site", 9);
    device["currentPatient"] = json!({ "id": 5 });
    world.post("device.lowBattery", json!({ "device": device }));
    expect!["device.serial=SN-7 device.site=Site 4 site.id=4 site.name=Site 4"].assert_eq(&evidence(&world));
    world.post("device.associationRemoved", json!({ "deviceId": 7, "device": at_site(json!({ "id": 7 }), "site", 9) }));
    world.post("device.lowBattery", json!({ "deviceId": 7 }));
    expect!["device.serial=SN-7 device.site=Site 9 site.id=9 site.name=Site 9"].assert_eq(&evidence(&world));
}
