//! What is read back from Impilo: what it shows is taken in where it is news, and leads nothing back.

use pulsewarden::account::client::RawObject;
use pulsewarden::account::reconcile;
use pulsewarden::engine::{Slice, Subject, SubjectKind, Value};
use serde_json::json;

use crate::world::{World, instant};

const RULES: &str = r#"
receivers: [{ name: team, phi: ids, email: [{ to: [team@clinic.example] }] }]
route: { receiver: team }
rules:
  - { alert: Silent, subject: device, silent: { event: device.healthcheck, longer_than: 72h }, while: device.associated, severity: warning }
"#;

fn device(status: &str, patient: Option<u64>, check: &str) -> serde_json::Value {
    json!({
        "id": 7, "item": { "id": 1, "name": "Scale" }, "currentStatus": status, "lastHealthCheck": check,
        "currentPatient": patient.map(|id| json!({ "id": id, "firstName": "A", "lastName": "B" }))
    })
}

fn known(world: &World) -> Slice {
    world.store.load(&[Subject::new(SubjectKind::Device, "7")]).unwrap().remove(0)
}

fn read_back(world: &mut World, object: &serde_json::Value) -> usize {
    let rows = reconcile::events(&RawObject::new(object.to_string()), &known(world), world.now);
    let count = rows.len();
    for row in rows {
        world.append(row.entry);
    }
    count
}

/// A device that was heard from at the beginning, and is silent since; four days have passed.
fn silent() -> World {
    let mut world = World::new(RULES);
    let first = device("withPatient", Some(3), "2026-03-02T10:00:00Z");
    world.post("device.healthcheck", json!({ "device": first }));
    world.wait("4d");
    assert_eq!(world.alerts().len(), 1);
    world
}

fn status(world: &World) -> Option<String> {
    known(world).projection.record.get("status").and_then(Value::as_text).map(str::to_owned)
}

#[test]
fn a_health_check_that_was_missed_is_a_hearing_at_its_time() {
    let mut world = silent();
    assert_eq!(read_back(&mut world, &device("withPatient", Some(3), "2026-03-06T09:00:00Z")), 1);
    let alert = world.alerts().remove(0);
    assert!(alert.end.is_some(), "{alert:?}");
    let heard = known(&world).projection.record.get("last_heard_at").and_then(Value::as_time);
    assert_eq!(heard, Some(instant("2026-03-06T09:00:00Z")));
    // The silence counts from there.
    world.until("2026-03-09T08:59:00Z");
    assert_eq!(world.alerts().iter().filter(|alert| alert.end.is_none()).count(), 0);
    world.until("2026-03-09T09:01:00Z");
    assert_eq!(world.alerts().iter().filter(|alert| alert.end.is_none()).count(), 1);
}

#[test]
fn what_is_as_it_was_makes_no_event() {
    let mut world = silent();
    assert_eq!(read_back(&mut world, &device("withPatient", Some(3), "2026-03-02T10:00:00Z")), 0);
    assert_eq!(world.alerts().iter().filter(|alert| alert.end.is_none()).count(), 1);
}

#[test]
fn a_device_that_has_no_patient_any_more_is_watched_no_more_and_was_not_heard() {
    let mut world = silent();
    assert_eq!(read_back(&mut world, &device("available", None, "2026-03-02T10:00:00Z")), 1);
    assert_eq!(status(&world).as_deref(), Some("available"));
    assert!(world.alerts()[0].end.is_some());
    let heard = known(&world).projection.record.get("last_heard_at").and_then(Value::as_time);
    assert_eq!(heard, Some(instant("2026-03-02T10:00:00Z")), "to ask is not to hear");
}

#[test]
fn what_was_just_heard_counts_more_than_an_answer() {
    let mut world = silent();
    let now = device("withPatient", Some(3), "2026-03-06T10:00:00Z");
    world.post("device.healthcheck", json!({ "device": now }));
    world.wait("5m");
    assert_eq!(read_back(&mut world, &device("available", None, "2026-03-06T10:00:00Z")), 0);
}

#[test]
fn what_nobody_has_heard_of_stays_so() {
    let mut world = World::new(RULES);
    assert_eq!(read_back(&mut world, &device("withPatient", Some(3), "2026-03-01T10:00:00Z")), 0);
}
