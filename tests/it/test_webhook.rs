//! The webhook that Impilo sends as a test, and what it proves.

use std::process::Stdio;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::account::world;
use super::harness::eventually;
use super::stand_in::Answer;

#[tokio::test(flavor = "multi_thread")]
async fn a_test_webhook_is_known_by_what_it_was_sent_with() {
    let (world, impilo) = world().await;
    let sent = Arc::<Mutex<Option<Value>>>::default();
    let sending = Arc::clone(&sent);
    impilo.interrupt(move |_, asked| {
        asked.path.ends_with("/test/order-status-webhook").then(|| {
            *sending.lock().unwrap() = Some(asked.json());
            Answer::Say(201, Vec::new(), String::new())
        })
    });
    let mut command = world.command(&["impilo", "webhooks", "test", "--json"]);
    let command = command.stdout(Stdio::piped()).spawn().unwrap();
    let body = eventually("Impilo is asked", || sent.lock().unwrap().clone()).await;
    // An order's own comes first, and proves nothing.
    let order = |id: i64, external: &Value| {
        json!({ "id": id, "type": "order.status",
                "payload": { "orderId": id, "externalOrderIds": external, "orderStatusName": "voided" } })
    };
    assert_eq!(world.post(&order(1, &json!(["17"]))).await, 200);
    assert_eq!(world.post(&order(2, &body["externalOrderIds"])).await, 200);
    let output = command.wait_with_output().unwrap();
    let tested: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(output.status.success() && tested["after_ms"].is_u64() && tested["others"] == 1, "{tested}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_webhook_that_cannot_be_recognised_proves_nothing() {
    let (world, impilo) = world().await;
    let sent = Arc::<Mutex<bool>>::default();
    let sending = Arc::clone(&sent);
    impilo.interrupt(move |_, asked| {
        asked.path.ends_with("/test/order-status-webhook").then(|| {
            *sending.lock().unwrap() = true;
            Answer::Say(201, Vec::new(), String::new())
        })
    });
    let mut command = world.command(&["impilo", "webhooks", "test", "--wait", "5s"]);
    let command = command.stdout(Stdio::piped()).spawn().unwrap();
    eventually("Impilo is asked", || sent.lock().unwrap().then_some(())).await;
    let payload = json!({ "orderId": 1, "externalOrderIds": [], "orderStatusName": "voided" });
    assert_eq!(world.post(&json!({ "id": 1, "type": "order.status", "payload": payload })).await, 200);
    let output = command.wait_with_output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.code() == Some(1) && told.contains("none came within 5 s that could be recognised"),
        "{told}"
    );
    assert!(told.contains("1 webhook of its type came") && told.contains("nothing is proven"), "{told}");
    let none = world.run(&["impilo", "webhooks", "test", "--wait", "1s"]);
    assert!(none.code == 1 && none.stdout.contains("none came within 1 s; see"), "{none:?}");
}
