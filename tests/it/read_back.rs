//! What changed at Impilo without a webhook is read back, and what Impilo says amiss of one keeps no other from being read.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use pulsewarden::engine::{Source, Timestamp};
use pulsewarden::journal::codec;
use pulsewarden::store::{Entry, EventRow, NewRow, RecoveryNotes, Store};
use serde_json::{Value, json};

use super::doubts::{ago, back_with};
use super::harness::{World, eventually};
use super::impilo::{Impilo, URL, page_without};
use super::stand_in::{Answer, Asked};

fn device(id: i64, patient: Option<i64>) -> Value {
    let status = if patient.is_some() { "withPatient" } else { "available" };
    let patient = patient.map(|id| json!({ "id": id, "firstName": "A", "lastName": "B" }));
    json!({ "id": id, "item": { "id": 1, "name": "Scale" }, "currentStatus": status, "currentPatient": patient })
}

fn keep(store: &dyn Store, at: Timestamp, id: i64, kind: &str, payload: &Value) {
    let body = json!({ "id": id, "type": kind, "payload": payload }).to_string();
    let entry = Entry::Event(EventRow {
        kind: kind.to_owned(),
        envelope_id: Some(id.to_string()),
        log_id: None,
        source: Source::Webhook,
        body: Some(codec::encode(body.as_bytes())),
    });
    store.append(&[NewRow { received_at: at, entry }], at).unwrap();
}

/// A daemon that knows of devices with patients and of an order, was away for two days, and whose last reading back was long
/// ago.
async fn back(impilo: &Impilo, devices: &[i64]) -> World {
    impilo.account().add("device.healthcheck", URL);
    back_with(48, impilo, |store, gone| {
        let before = gone.minus(Duration::from_secs(60));
        for id in devices {
            keep(store, before, 100 + id, "device.healthcheck", &json!({ "device": device(*id, Some(3)) }));
        }
        keep(store, before, 500, "order.statusFull", &json!({ "id": 5, "currentStatus": "shipped" }));
        keep(store, before, 600, "supportTicket.event", &json!({ "id": 6, "open": true, "currentStatus": "open" }));
        let notes = RecoveryNotes { read_back_at: Some(Timestamp(0)), ..RecoveryNotes::default() };
        store.note_recovery(&notes).unwrap();
    })
    .await
}

/// What reading back has told so far: types, and ids of devices and orders.
fn told(world: &World) -> BTreeSet<(String, i64)> {
    let of = |entry: Entry| {
        let Entry::Event(EventRow { kind, source: Source::Reconciled, body: Some(body), .. }) = entry else {
            return None;
        };
        let body: Value = serde_json::from_slice(&codec::decode(&body).unwrap()).unwrap();
        let payload = &body["payload"];
        let id = payload.pointer("/device/id").or(payload.get("id")).unwrap();
        Some((kind, id.as_i64().or_else(|| id.as_str()?.parse().ok()).unwrap()))
    };
    world.store().journal(0, 10_000).unwrap().into_iter().filter_map(|row| of(row.entry)).collect()
}

fn path(asked: &Asked) -> (&str, &str) {
    let (path, query) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
    (path.trim_start_matches("/api/v3"), query)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_at_impilo_is_an_event_and_what_is_amiss_is_left_out() {
    let impilo = Impilo::start().await;
    let checked = ago(1).to_string();
    impilo.interrupt(move |_, asked| {
        let (path, query) = path(asked);
        let mut fresh = device(9, Some(4));
        fresh["lastHealthCheck"] = checked.as_str().into();
        let mut nameless = device(0, Some(3));
        nameless.as_object_mut().unwrap().remove("id");
        let mut worded = device(0, Some(3));
        worded["id"] = "seven".into();
        // The third cannot be had, the next two say nothing of themselves that can be used.
        let list = [fresh, device(12, Some(3)), device(13, Some(3)), nameless, worded, device(14, Some(5))];
        Some(match path {
            "/device" => page_without(&list, query, &[13]),
            // Another one than was asked for, one without an id, one that is too long, and one as it is.
            "/device/10" => Answer::json(&device(8, None)),
            "/device/11" => Answer::json(&json!({ "message": "there is trouble" })),
            "/device/13" => Answer::Say(200, Vec::new(), " ".repeat(33 << 20)),
            "/device/15" => Answer::json(&device(15, None)),
            "/support-ticket/6" => Answer::json(&json!({ "id": 6, "open": false, "currentStatus": "open" })),
            "/order/5" => Answer::json(&json!({ "id": 5, "currentStatus": "delivered" })),
            path if path.starts_with("/device/") => Answer::status(404),
            _ => return None,
        })
    });
    let world = back(&impilo, &[10, 11, 12, 13, 14, 15]).await;
    eventually("the ticket is read back", || {
        told(&world).iter().any(|(kind, _)| kind == "supportTicket.event").then_some(())
    })
    .await;
    let told = told(&world);
    let has = |kind: &str, id: i64| told.contains(&(kind.to_owned(), id));
    assert!(has("device.healthcheck", 9) && has("device.readBack", 14) && has("device.readBack", 15), "{told:?}");
    assert!(has("order.statusFull", 5), "{told:?}");
    let ids: BTreeSet<i64> = told.iter().map(|(_, id)| *id).collect();
    assert!(ids.iter().all(|id| [5, 6, 9, 14, 15].contains(id)), "{told:?}");
    world.settle().await;
    let devices = world.json(&["devices"]);
    let devices = devices.as_array().unwrap();
    assert!(devices.iter().all(|device| device["id"] != "8" && device["id"] != "seven"), "{devices:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_impilo_cannot_be_asked_it_is_asked_again() {
    let impilo = Impilo::start().await;
    let refused = Arc::<AtomicUsize>::default();
    let refusing = Arc::clone(&refused);
    impilo.interrupt(move |_, asked| {
        let (path, query) = path(asked);
        Some(match path {
            // As often as one reading asks, and more.
            "/device" if refusing.fetch_add(1, Ordering::SeqCst) < 5 => Answer::status(503),
            "/device" => page_without(&[device(12, Some(7))], query, &[]),
            path if path.contains("/device/") || path.contains("/order/") || path.contains("/support-ticket/") => {
                Answer::status(404)
            }
            _ => return None,
        })
    });
    let world = back(&impilo, &[12]).await;
    eventually("the device is read back", || told(&world).contains(&("device.readBack".to_owned(), 12)).then_some(()))
        .await;
    assert!(refused.load(Ordering::SeqCst) > 5);
    assert!(world.log().contains("could not be read back"), "{}", world.log());
}
