//! The invented fleet that is measured with speaks as Impilo does.

#[path = "../../benches/fleet/mod.rs"]
mod stream;

use std::collections::BTreeSet;

use pulsewarden::impilo::schema;
use serde_json::Value;

use crate::schema::all_fit;

fn kind(body: &Value) -> &str {
    body["type"].as_str().unwrap()
}

#[test]
fn the_stream_is_the_same_every_time_and_every_device_keeps_its_patient() {
    let mut patients = std::collections::BTreeMap::new();
    let mut kinds = BTreeSet::new();
    for number in 0..2000 {
        let body = stream::webhook(number, 100);
        assert_eq!(body, stream::webhook(number, 100));
        all_fit(schema::event_type(kind(&body)).unwrap().payload, &body["payload"], kind(&body));
        kinds.insert(kind(&body).to_owned());
        let device = &body["payload"]["device"];
        let patient = device["currentPatient"]["id"].to_string();
        assert_eq!(*patients.entry(device["id"].to_string()).or_insert_with(|| patient.clone()), patient);
    }
    assert_eq!(patients.len(), 100);
    assert_eq!(kinds.len(), 7);
}
