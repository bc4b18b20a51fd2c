//! What the port answers.

use pulsewarden::store::Store;
use serde_json::Value;

use crate::events::battery;
use crate::harness::{SECRET, World, eventually};

async fn reason(response: reqwest::Response) -> String {
    let body: Value = response.json().await.unwrap();
    body["error"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_without_the_right_secret_is_kept() {
    let mut world = World::new().await;
    world.start().await;
    for secret in [None, Some(""), Some("wrong"), Some("the-secret-of-the-test")] {
        for body in [battery(1, 9001, 8).to_string(), "no JSON".to_owned()] {
            assert_eq!(world.post_raw(secret, body).await.status(), 401);
        }
    }
    let kept = world.store().events_before(u64::MAX, None, 10).unwrap();
    assert_eq!((kept.len(), world.store().figures().unwrap().quarantined), (0, 0));
    assert_eq!(world.json(&["status"])["receiving"]["refused_secret"], 8);
    assert!(!world.log().contains("the-secret-of-the-test"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_envelope_is_quarantined_once_and_the_reason_said() {
    let mut world = World::new().await;
    world.start().await;
    let bad = ["", "no JSON", "[1]", "{\"id\":1}", "{\"id\":1,\"type\":7,\"payload\":{}}"];
    for _ in 0..2 {
        for body in bad {
            let response = world.post_raw(Some(SECRET), body).await;
            assert_eq!(response.status(), 422, "{body}");
            assert!(!reason(response).await.is_empty());
        }
    }
    assert_eq!(world.store().figures().unwrap().quarantined, bad.len() as u64);
    assert_eq!(world.post(&battery(1, 9001, 8)).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_is_refused() {
    let mut world = World::new().await;
    world.start().await;
    let large = vec![b' '; 2 << 20];
    // The refusal may come before the body is through, and then breaks its sending.
    let posted = world.http.post(world.url()).header("Impilo-Webhook-Secret", SECRET).body(large).send().await;
    assert!(posted.is_err() || posted.is_ok_and(|response| response.status() == 413));
    assert_eq!(world.json(&["status"])["receiving"]["too_large"], 1);
    assert_eq!(world.post(&battery(1, 9001, 8)).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_type_and_the_second_form_are_kept() {
    let mut world = World::new().await;
    world.start().await;
    let unknown = serde_json::json!({ "id": 7, "type": "device.tiltDetected", "payload": null });
    let second = serde_json::json!({ "event": "device.lowBattery", "data": battery(1, 9001, 8)["payload"] });
    for body in [&unknown, &second, &second] {
        assert_eq!(world.post(body).await, 200);
    }
    world.settle().await;
    let figures = world.store().figures().unwrap();
    let counts: Vec<(&str, u64)> = figures.last_by_type.iter().map(|(kind, _, count)| (&**kind, *count)).collect();
    assert!(counts.contains(&("device.tiltDetected", 1)) && counts.contains(&("device.lowBattery", 1)), "{counts:?}");
    assert_eq!(world.alerts().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encoded_body_is_refused_with_the_reason() {
    let mut world = World::new().await;
    world.start().await;
    let send = |encoding: &'static str| {
        let request = world.http.post(world.url()).header("Impilo-Webhook-Secret", SECRET);
        request.header("Content-Encoding", encoding).body(battery(1, 9001, 8).to_string()).send()
    };
    let refused = send("gzip").await.unwrap();
    assert_eq!(refused.status(), 415);
    assert!(reason(refused).await.contains("Content-Encoding"));
    assert_eq!(world.store().figures().unwrap().quarantined, 0);
    assert_eq!(send("identity").await.unwrap().status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_method_is_answered_whoever_asks() {
    let mut world = World::new().await;
    world.start().await;
    let answer = world.http.get(world.url()).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), &answer.headers()["Allow"]), (405, &"POST".parse().unwrap()));
    let base = world.url().replace("/webhooks/impilo", "");
    for path in ["healthz", "readyz"] {
        assert_eq!(world.http.get(format!("{base}/{path}")).send().await.unwrap().status(), 200);
        let head = world.http.head(format!("{base}/{path}")).send().await.unwrap();
        assert_eq!(head.status(), 200, "{path}");
        let answer = world.http.post(format!("{base}/{path}")).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), &answer.headers()["Allow"]), (405, &"GET, HEAD".parse().unwrap()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_answered_as_kept_while_the_file_is_elsewhere() {
    let mut world = World::new().await;
    world.start().await;
    assert_eq!(world.post(&battery(1, 9001, 8)).await, 200);
    world.settle().await;
    let (here, away) = (world.path("pulsewarden.db"), world.path("away.db"));
    std::fs::rename(&here, &away).unwrap();
    assert_eq!(world.post(&battery(2, 9002, 8)).await, 503);
    let base = world.url().replace("/webhooks/impilo", "");
    let ready = world.http.get(format!("{base}/readyz")).send().await.unwrap();
    assert_eq!(ready.status(), 503);
    assert_eq!(reason(ready).await, "events cannot be kept now", "neither the path nor what the store says is public");
    std::fs::rename(&away, &here).unwrap();
    assert_eq!(world.post(&battery(2, 9002, 8)).await, 200);
    eventually("both are processed", || (world.alerts().len() == 2).then_some(())).await;
}
