//! What is read back is what the webhooks have told by then.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use pulsewarden::engine::Timestamp;
use serde_json::{Value, json};

use crate::world::{World, lines, options};

/// Everything in a value that is an Impilo device.
fn devices_in<'v>(value: &'v Value, found: &mut Vec<&'v Value>) {
    match value {
        Value::Object(fields) => {
            if fields.contains_key("deviceIdentifiers") {
                found.push(value);
            }
            fields.values().for_each(|value| devices_in(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| devices_in(value, found)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn devices_orders_returns_and_tickets_are_as_they_were_told_last() {
    let (_, history) = lines(&options(110, 19));
    let world = World::start(options(110, 19));
    for moves in 0..3 {
        let now = world.advance("6d7h").await["now"].clone();
        let now: Timestamp = serde_json::from_value::<DateTime<Utc>>(now).unwrap().into();
        let came = history.iter().take_while(|(at, _)| *at <= now).map(|(_, envelope)| envelope);
        let mut told: BTreeMap<(&str, u64), &Value> = BTreeMap::new();
        for envelope in came {
            let payload = &envelope["payload"];
            let mut devices = Vec::new();
            devices_in(payload, &mut devices);
            told.extend(devices.into_iter().map(|device| (("device", device["id"].as_u64().unwrap()), device)));
            let path = match envelope["type"].as_str().unwrap() {
                "order.statusFull" => "order",
                "return.statusFull" => "return",
                "supportTicket.event" => "support-ticket",
                _ => continue,
            };
            told.insert((path, payload["id"].as_u64().unwrap()), payload);
        }
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        for ((path, id), told) in told {
            let read = world.get(&format!("/api/v3/{path}/{id}")).await;
            *seen.entry(path).or_default() += 1;
            if path == "device" {
                for field in ["/lastHealthCheck", "/currentPatient/id", "/site/id"] {
                    assert_eq!(read.pointer(field), told.pointer(field), "{field} of device {id}");
                }
                // Nothing is told of a device that is put on a shelf.
                let moved = ["availableAtSite", "available", "availableRepacked"];
                assert!(
                    read["currentStatus"] == told["currentStatus"]
                        || moved.contains(&read["currentStatus"].as_str().unwrap())
                );
            } else {
                assert_eq!(&read, told);
            }
        }
        assert!(seen["device"] > 80 && (moves < 2 || (seen.len() == 4 && seen["order"] > 3)), "{seen:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_are_chosen_sorted_and_paged() {
    let world = World::start(options(80, 30));
    world.advance("20d").await;
    let all = world.all("/api/v3/device").await;
    let numbers = |rows: &[Value]| rows.iter().map(|row| row["id"].as_u64().unwrap()).collect::<Vec<_>>();
    assert_eq!(numbers(&all), (100_000..100_080).collect::<Vec<_>>());
    let with_patient = world.all("/api/v3/device?status=withPatient&sort=deviceId").await;
    let expected: Vec<&Value> = all.iter().filter(|device| device["currentStatus"] == "withPatient").collect();
    assert!(!expected.is_empty() && with_patient.iter().eq(expected));
    let patient = &with_patient[3]["currentPatient"]["id"];
    let of_patient = world.all(&format!("/api/v3/device?patientId={patient}")).await;
    assert!(
        of_patient.contains(&with_patient[3]) && of_patient.iter().all(|one| one["currentPatient"]["id"] == *patient)
    );
    let second = world.get("/api/v3/device?page=2&size=30&sortDescending=true").await;
    assert_eq!(numbers(second["content"].as_array().unwrap()), (100_020..100_050).rev().collect::<Vec<_>>());
    let head = (&second["page"], &second["size"], &second["total"], &second["first"], &second["last"]);
    assert_eq!(head, (&json!(2), &json!(30), &json!(80), &json!(false), &json!(false)));
    let beyond = world.get("/api/v3/device?page=9&size=30").await;
    assert_eq!((&beyond["content"], &beyond["last"]), (&json!([]), &json!(true)));
    assert_eq!(world.get("/api/v3/device").await["content"].as_array().unwrap().len(), 15);

    let returns = world.all("/api/v3/return").await;
    let status = returns[0]["currentStatus"].as_str().unwrap();
    let chosen = world.all(&format!("/api/v3/return?status={status}")).await;
    assert!(chosen.iter().eq(returns.iter().filter(|one| one["currentStatus"] == status)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_put_into_the_account_stands_in_place_of_the_fleets() {
    let world = World::start(options(3, 1));
    let device = json!({ "id": 100_001, "currentStatus": "decommissioned", "deviceIdentifiers": [] });
    assert_eq!(world.ask("PUT", "/simulate/device/100001", Some(device.clone())).await.status, 204);
    assert_eq!(world.ask("PUT", "/simulate/device/100002", Some(device.clone())).await.status, 400);
    assert_eq!(world.get("/api/v3/device/100001").await, device);
    assert_eq!(world.all("/api/v3/device?status=decommissioned").await, [device]);
    assert_eq!(world.all("/api/v3/device").await.len(), 3);
    assert_eq!(world.ask("DELETE", "/simulate/device/100001", None).await.status, 204);
    assert_ne!(world.get("/api/v3/device/100001").await["currentStatus"], "decommissioned");
    let order = json!({ "id": 5, "currentStatus": "shipped" });
    assert_eq!(world.ask("PUT", "/simulate/order/5", Some(order.clone())).await.status, 204);
    assert_eq!(world.get("/api/v3/order/5").await, order);
}
