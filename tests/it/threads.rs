//! Messages of one group hang together, over restarts, in Slack, in a mail program and in PagerDuty.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use crate::events::{NAMES, battery, serial};
use crate::harness::{World, eventually};
use crate::stand_in::{Answer, Asked, StandIn};

/// One message for all alerts of a rule at a site, over every channel that programs read.
const RULES: &str = r##"
receivers:
  - name: team
    phi: ids
    slack: [{ channel: "#device-alerts" }]
    webhook: [{ endpoint: records }]
    pagerduty: [{ integration: oncall }]
override: [{ alert: DeviceBatteryDrainsFast, disabled: true }]
route: { receiver: team, group_by: [alertname, site], group_wait: 0s, group_interval: 1s, repeat_interval: 24h }
"##;

const SECRET: &str = "whsec_c2VjcmV0IG9mIHRoZSB0ZXN0cw==";

/// Slack, PagerDuty and an endpoint in one.
async fn outside() -> StandIn {
    let posted = AtomicU64::new(0);
    StandIn::start(move |asked| answer(asked, &posted)).await
}

fn answer(asked: &Asked, posted: &AtomicU64) -> Answer {
    match asked.path.as_str() {
        "/api/chat.postMessage" => {
            let ts = format!("{}.000100", posted.fetch_add(1, Ordering::Relaxed) + 1);
            Answer::json(&json!({ "ok": true, "channel": "C0001", "ts": ts, "message": asked.json() }))
        }
        "/api/chat.update" => Answer::json(&json!({ "ok": true, "channel": "C0001", "ts": asked.json()["ts"] })),
        "/v2/enqueue" => Answer::status(202),
        "/hook" => Answer::status(204),
        _ => Answer::status(404),
    }
}

async fn world(outside: &StandIn) -> World {
    let at = outside.url();
    let world = World::with(RULES, "").await;
    for (name, secret) in [
        ("bot", "xoxb-1"),
        ("signing", "signs"),
        ("hook", &format!("{at}/hook")),
        ("hook-secret", SECRET),
        ("oncall", "R0"),
    ] {
        fs::write(world.path(name), secret).unwrap();
    }
    let file = |name: &str| format!("{{ file: {} }}", world.path(name).display());
    let more = format!(
        "webhook: {{ endpoints: {{ records: {{ url: {}, secret: {} }} }} }}\npagerduty: {{ integrations: {{ oncall: {} }}, api: {at} }}\n",
        file("hook"),
        file("hook-secret"),
        file("oncall"),
    );
    world.configure(&more);
    let text = fs::read_to_string(world.path("pulsewarden.yaml")).unwrap();
    let bot =
        format!("slack: {{ bot_token: {}, signing_secret: {}, api: {at}/api, webhooks:", file("bot"), file("signing"));
    fs::write(world.path("pulsewarden.yaml"), text.replace("slack: { webhooks:", &bot)).unwrap();
    world
}

/// What was asked of one path, in order.
fn asked(outside: &StandIn, path: &str) -> Vec<Asked> {
    outside.asked().into_iter().filter(|asked| asked.path.starts_with(path)).collect()
}

/// Slack's calls in short: the method, and what it hangs on.
fn calls(outside: &StandIn) -> Vec<String> {
    let calls = asked(outside, "/api/").into_iter().map(|asked| {
        let (method, body) = (asked.path.trim_start_matches("/api/chat.").to_owned(), asked.json());
        let buttons = body["blocks"].as_array().unwrap().iter().any(|block| block["type"] == "actions");
        let on = body["ts"].as_str().or(body["thread_ts"].as_str()).unwrap_or("the channel").to_owned();
        let shown = if body["reply_broadcast"] == true { " shown" } else { "" };
        format!("{method} {on}{shown}{}", if buttons { " with buttons" } else { "" })
    });
    calls.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_one_message_in_slack_one_incident_an_alert_and_one_conversation() {
    let outside = outside().await;
    let mut world = world(&outside).await;
    world.start().await;
    assert_eq!(world.post(&battery(1, 9001, 8)).await, 200);
    eventually("the first message", || (calls(&outside).len() == 1).then_some(())).await;
    world.settle().await;
    // What it hangs on outlives the daemon.
    world.stop().await;
    world.start().await;
    assert_eq!(world.post(&battery(2, 9002, 8)).await, 200);
    eventually("the change and its reply", || (calls(&outside).len() == 3).then_some(())).await;
    world.settle().await;
    for device in [9001, 9002] {
        assert_eq!(world.post(&battery(device, device, 90)).await, 200);
    }
    eventually("the end of both", || {
        let ends = asked(&outside, "/v2/").iter().filter(|asked| asked.json()["event_action"] == "resolve").count();
        (ends == 2 && calls(&outside).last()? == "postMessage 1.000100").then_some(())
    })
    .await;
    world.settle().await;
    let before = calls(&outside);
    assert_eq!(
        before[..3],
        ["postMessage the channel with buttons", "update 1.000100 with buttons", "postMessage 1.000100 shown"]
    );
    assert!(
        before[3..].iter().all(|call| call.starts_with("update 1.000100") || call == "postMessage 1.000100"),
        "{before:?}"
    );
    // What opens anew begins anew.
    assert_eq!(world.post(&battery(3, 9001, 8)).await, 200);
    let again = eventually("a new message", || calls(&outside).get(before.len()).cloned()).await;
    assert_eq!(again, "postMessage the channel with buttons");
    world.settle().await;

    let events: Vec<Value> = asked(&outside, "/v2/").iter().map(Asked::json).collect();
    let key = |event: &Value| event["dedup_key"].as_str().unwrap().to_owned();
    let mut last = BTreeMap::new();
    for event in &events {
        assert_eq!(event["routing_key"], "R0");
        last.insert(key(event), event["event_action"].as_str().unwrap());
    }
    let mut states: Vec<&str> = last.into_values().collect();
    states.sort_unstable();
    assert_eq!(states, ["resolve", "resolve", "trigger"]);

    let told = asked(&outside, "/hook");
    assert!(told.iter().all(is_genuine));
    let first = told[0].json();
    assert_eq!((&first["version"], &first["type"], &first["receiver"]), (&json!(1), &json!("alerts"), &json!("team")));
    assert_eq!(first["key"], told[0].headers["webhook-id"]);
    assert!(told[0].body.contains(&serial(9001)) && NAMES.iter().all(|name| !told[0].body.contains(name)));
    let mut forged = told[0].clone();
    forged.body = forged.body.replace("firing", "ending");
    assert!(!is_genuine(&forged));
    assert!(["xoxb-1", SECRET, "/hook"].iter().all(|secret| !world.log().contains(secret)));
}

/// Whether the example in the documents takes a message for what it says it is.
fn is_genuine(asked: &Asked) -> bool {
    let documents = include_str!("../../docs/channels.md");
    let example = documents.split("```python\n").nth(1).unwrap().split("```").next().unwrap();
    let program = format!(
        "{example}\nimport json, sys\ngiven = json.load(sys.stdin)\n\
         sys.exit(0 if is_genuine(given['secret'], given['headers'], given['body'].encode()) else 3)\n"
    );
    let mut child = Command::new("/usr/bin/python3").args(["-c", &program]).stdin(Stdio::piped()).spawn().unwrap();
    let given = json!({ "secret": SECRET, "headers": asked.headers, "body": asked.body });
    serde_json::to_writer(child.stdin.take().unwrap(), &given).unwrap();
    match child.wait().unwrap().code() {
        Some(0) => true,
        Some(3) => false,
        code => panic!("the example ended with {code:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_goes_over_every_channel() {
    let outside = outside().await;
    let mut world = world(&outside).await;
    world.start().await;
    let output = world.run(&["notify", "test", "--receiver", "team"]);
    assert_eq!(output.code, 0, "{output:?}");
    let paths: Vec<String> = outside.asked().into_iter().map(|asked| asked.path).collect();
    for path in ["/api/chat.postMessage", "/hook", "/v2/enqueue"] {
        assert!(paths.iter().any(|asked| asked == path), "{paths:?}");
    }
}
