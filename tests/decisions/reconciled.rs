//! What is read back from Impilo: what it shows is taken in where it is news, and leads nothing back.

use pulsewarden::account::client::RawObject;
use pulsewarden::account::reconcile::{self, Asked, Occasion};
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
    read_back_on(Occasion::Schedule, world, object)
}

fn read_back_on(on: Occasion, world: &mut World, object: &serde_json::Value) -> usize {
    let asked = Asked { at: world.now, on };
    let rows = reconcile::events(&RawObject::new(object.to_string()), &known(world), asked);
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
fn before_a_silence_is_told_every_sign_of_life_counts() {
    let mut world = World::new(RULES);
    world.post("device.healthcheck", json!({ "device": device("withPatient", Some(3), "2026-03-02T10:00:00Z") }));
    world.until("2026-03-05T09:55:00Z");
    let newer = device("withPatient", Some(3), "2026-03-02T10:20:00Z");
    assert_eq!(read_back(&mut world, &newer), 0);
    assert_eq!(read_back_on(Occasion::Silence, &mut world, &newer), 1);
    world.until("2026-03-05T10:19:00Z");
    assert!(world.alerts().is_empty(), "{:?}", world.alerts());
    world.until("2026-03-05T10:21:00Z");
    assert_eq!(world.alerts().len(), 1);
}

#[test]
fn a_device_that_nobody_knew_of_is_watched_from_then_on_where_a_patient_has_it() {
    let mut world = World::new(RULES);
    assert_eq!(read_back(&mut world, &device("available", None, "2026-03-01T10:00:00Z")), 0);
    assert_eq!(read_back(&mut world, &device("withPatient", Some(3), "2026-03-01T10:00:00Z")), 2);
    let heard = known(&world).projection.record.get("last_heard_at").and_then(Value::as_time);
    assert_eq!(heard, Some(instant("2026-03-01T10:00:00Z")));
    world.wait("71h");
    assert!(world.alerts().is_empty(), "what was before it was known is held against nobody");
    world.wait("2h");
    let alert = world.alerts().remove(0);
    assert!(!alert.baseline, "{alert:?}");
}

/// What the first reading of the fleet finds is old for whoever is told of it: listed once, together.
#[test]
fn the_first_day_is_calm() {
    let rules = r#"
receivers: [{ name: team, phi: ids, email: [{ to: [team@clinic.example] }] }]
route: { receiver: team, group_by: [alertname, device], group_wait: 0s }
rules:
  - { alert: Silent, subject: device, silent: { event: device.healthcheck, longer_than: 72h }, while: device.associated, severity: warning }
  - { alert: NeverHeard, subject: device, silent: { event: "reading.*", longer_than: 96h, since: associated }, while: device.associated, severity: warning }
  - { alert: Lost, subject: device, while: 'device.status == "lost"', severity: critical }
"#;
    let mut world = World::new(rules);
    let with_id = |id: u64, status: &str| {
        let mut object = device(status, Some(id + 100), "2026-02-01T10:00:00Z");
        object["id"] = json!(id);
        object
    };
    let find = |world: &mut World, id: u64, status: &str| {
        let slice = world.store.load(&[Subject::new(SubjectKind::Device, id.to_string().as_str())]).unwrap().remove(0);
        let asked = Asked { at: world.now, on: Occasion::First };
        let rows = reconcile::events(&RawObject::new(with_id(id, status).to_string()), &slice, asked);
        world.at_once(|world| rows.into_iter().for_each(|row| world.append(row.entry)));
    };
    for id in 1..=6 {
        find(&mut world, id, if id == 1 { "lost" } else { "withPatient" });
    }
    world.wait("30m");
    let found = world.alerts();
    assert!(found.iter().all(|alert| alert.baseline) && found.len() == 1, "{found:?}");
    // One that is lost from then on is news.
    world.post("device.healthcheck", json!({ "device": with_id(2, "lost") }));
    world.wait("1h");
    assert_eq!(world.alerts().iter().filter(|alert| alert.rule == "Lost" && !alert.baseline).count(), 1);
    world.wait("5d");
    let silent: Vec<_> = world.alerts().into_iter().filter(|alert| alert.rule == "Silent").collect();
    assert_eq!(silent.len(), 6);
    assert_eq!(silent.iter().filter(|alert| !alert.baseline).count(), 1, "the one that was heard since: {silent:?}");
    assert_eq!(world.alerts().iter().filter(|alert| alert.rule == "NeverHeard" && alert.baseline).count(), 6);
    let messages = world.messages();
    let first = messages.lines().filter(|message| message.contains("firing") && !message.contains("again")).count();
    assert_eq!(first, 5, "three summaries, and two by themselves: {messages}");
}
