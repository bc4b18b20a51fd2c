//! A few days of recorded events, and two rule sets for them.

use std::fmt::Write as _;
use std::time::Duration;

use pulsewarden::engine::Timestamp;
use serde_json::{Value, json};

use crate::folder;

/// 2 March 2026, 10:00 UTC.
pub const BEGIN: Timestamp = Timestamp(1_772_445_600_000);

pub const RULES: &str = r#"rules:
  - alert: Low
    event: device.lowBattery
    where: "payload.batteryPercentage <= 20"
    raise: [{ to: critical, where: "payload.batteryPercentage <= 5" }]
    resolve: [{ event: device.lowBattery, where: "payload.batteryPercentage > 40" }]
    expire: 10d
  - { alert: Held, subject: order, while: 'order.status == "onHold"', for: 1d }
receivers: [{ name: team, email: [{ to: [team@clinic.example] }] }]
route: { receiver: team, group_by: [alertname], group_wait: 2m, group_interval: 10m, repeat_interval: 7d }
"#;

/// The same, stricter about batteries and more patient with orders, under other names.
pub const OTHERS: &str = r#"rules:
  - alert: Low
    event: device.lowBattery
    where: "payload.batteryPercentage <= 10"
    resolve: [{ event: device.lowBattery, where: "payload.batteryPercentage > 40" }]
    expire: 10d
  - { alert: OrderHeld, was: Held, subject: order, while: 'order.status == "onHold"', for: 2d }
  - { alert: Weak, event: device.weakSignal }
receivers: [{ name: office, email: [{ to: [office@clinic.example] }] }]
route: { receiver: office, group_by: [alertname], group_wait: 2m, group_interval: 10m, repeat_interval: 7d }
"#;

/// So many hours after the beginning.
pub fn at(hours: u64) -> Timestamp {
    BEGIN.plus(Duration::from_secs(hours * 3600))
}

fn device(id: i64) -> Value {
    json!({ "id": id, "currentStatus": "withPatient", "currentPatient": { "id": id + 100, "lastName": "Quillon" } })
}

/// Hours from the beginning, and what came then.
pub fn history() -> Vec<(u64, Value)> {
    let battery = |id: i64, percentage: i64| json!({ "batteryPercentage": percentage, "device": device(id) });
    let order = |status: &str| json!({ "orderId": 12, "orderStatusName": status });
    let told = [
        (0, "device.lowBattery", battery(7, 18)),
        (5, "device.lowBattery", battery(8, 9)),
        (24, "order.status", order("onHold")),
        (30, "device.weakSignal", json!({ "device": device(9) })),
        (48, "device.lowBattery", battery(7, 4)),
        (60, "device.lowBattery", battery(8, 90)),
        (90, "order.status", order("shipped")),
        (120, "device.lowBattery", battery(7, 95)),
        (130, "device.lowBattery", battery(10, 20)),
    ];
    let numbered = told.into_iter().enumerate();
    numbered
        .map(|(id, (hours, kind, payload))| (hours, json!({ "id": id + 1, "type": kind, "payload": payload })))
        .collect()
}

/// The events as a file has them.
pub fn lines() -> String {
    let mut lines = String::new();
    for (hours, mut envelope) in history() {
        envelope["received_at"] = if hours == 5 { json!(at(5).0) } else { json!(at(hours).to_string()) };
        writeln!(lines, "{envelope}").unwrap();
    }
    lines
}

/// A folder with both rule sets and the events.
pub fn files() -> tempfile::TempDir {
    folder(&[("old/rules.yaml", RULES), ("new/rules.yaml", OTHERS), ("events.jsonl", &lines())])
}

/// The hashes of rule sets change with every letter of the files.
pub fn blurred(printed: &str) -> String {
    let mut out = String::new();
    for word in printed.split_inclusive(['(', ')', '"']) {
        let hex = word.trim_end_matches([')', '"']);
        let is_hash = matches!(hex.len(), 12 | 64) && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        out += &if is_hash { word.replace(hex, "HASH") } else { word.to_owned() };
    }
    out
}
