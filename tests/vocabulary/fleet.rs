//! The invented fleet speaks as Impilo does.

use std::collections::BTreeSet;

use pulsewarden::demo::fleet;
use pulsewarden::engine::SubjectKind;
use pulsewarden::impilo::schema;
use serde_json::Value;

use crate::facts::facts_of;
use crate::schema::all_fit;

const NOW: &str = "2026-03-01T12:00:00.000Z";

fn kind(body: &Value) -> &str {
    body["type"].as_str().unwrap()
}

#[test]
fn the_story_uses_only_documented_fields_but_for_one_event_that_nobody_has_described() {
    let moments = fleet::story(NOW, 7);
    let mut unknown = BTreeSet::new();
    for body in moments.iter().map(|moment| &moment.body) {
        match schema::event_type(kind(body)) {
            Some(known) => all_fit(known.payload, &body["payload"], kind(body)),
            None => assert!(unknown.insert(kind(body).to_owned())),
        }
        assert!(!facts_of(body.to_string().as_bytes()).about.is_empty());
    }
    assert_eq!(unknown.len(), 1);
}

#[test]
fn the_story_shows_a_fleet_of_two_sites_and_one_repeated_delivery() {
    let moments = fleet::story(NOW, 7);
    let (mut devices, mut sites, mut ids) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for body in moments.iter().map(|moment| &moment.body) {
        for about in facts_of(body.to_string().as_bytes()).about {
            match about.subject.kind {
                SubjectKind::Device => drop(devices.insert(about.subject.id)),
                SubjectKind::Site => drop(sites.insert(about.subject.id)),
                _ => {}
            }
        }
        ids.insert(body["id"].to_string());
    }
    assert!(devices.len() >= 6 && sites.len() == 2, "{devices:?} {sites:?}");
    assert_eq!(ids.len(), moments.len() - 1);
    let told: f64 = moments.iter().map(|moment| moment.after.as_secs_f64()).sum();
    assert!(told < 45.0, "a newcomer understands it within a minute, not {told} s");
}

#[test]
fn the_stream_is_the_same_every_time_and_every_device_keeps_its_patient() {
    let mut patients = std::collections::BTreeMap::new();
    let mut kinds = BTreeSet::new();
    for number in 0..2000 {
        let body = fleet::webhook(number, 100);
        assert_eq!(body, fleet::webhook(number, 100));
        all_fit(schema::event_type(kind(&body)).unwrap().payload, &body["payload"], kind(&body));
        kinds.insert(kind(&body).to_owned());
        let device = &body["payload"]["device"];
        let patient = device["currentPatient"]["id"].to_string();
        assert_eq!(*patients.entry(device["id"].to_string()).or_insert_with(|| patient.clone()), patient);
    }
    assert_eq!(patients.len(), 100);
    assert_eq!(kinds.len(), 7);
}
