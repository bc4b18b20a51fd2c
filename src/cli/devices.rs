//! `devices`: what is known of each.

use std::fmt::Write;

use clap::Args;
use serde_json::json as object;

use super::output::{instant, json, plain, printable, table, text};
use super::{FINE, WRONG, reader};
use crate::config::Settings;
use crate::engine::{Slice, Subject, SubjectKind, Value};
use crate::store::Store;

#[derive(Debug, Args)]
pub struct DeviceArguments {
    /// Show this device alone, by Impilo's id
    id: Option<String>,
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 1000)]
    limit: usize,
    /// Print JSON for programs
    #[arg(long)]
    json: bool,
}

pub(super) fn run(settings: &Settings, arguments: &DeviceArguments) -> anyhow::Result<u8> {
    let store = reader(settings)?;
    let Some(id) = &arguments.id else {
        let devices = store.subjects(SubjectKind::Device, None, arguments.limit)?;
        if arguments.json {
            json(&devices.iter().map(as_json).collect::<Vec<_>>())?;
        } else if devices.is_empty() {
            text("No event about a device has come yet.\n")?;
        } else {
            text(&list(&devices))?;
        }
        return Ok(FINE);
    };
    let found = store.load(&[Subject::new(SubjectKind::Device, id.clone())])?;
    let Some(device) = found.first().filter(|device| device.projection.news_at.is_some()) else {
        eprintln!(
            "pulsewarden: no event about a device {} has come; `pulsewarden devices` lists those known",
            printable(id)
        );
        return Ok(WRONG);
    };
    if arguments.json {
        json(&as_json(device))?;
    } else {
        text(&tell(device))?;
    }
    Ok(FINE)
}

fn as_json(device: &Slice) -> serde_json::Value {
    let state: serde_json::Map<String, serde_json::Value> =
        device.projection.record.iter().map(|(name, value)| (name.to_owned(), json_value(value))).collect();
    let alerts: Vec<u64> = device.alerts.iter().map(|alert| alert.number).collect();
    object!({ "id": device.subject.id, "state": state, "open_alerts": alerts, "news_at": device.projection.news_at.map(|at| at.to_string()), "not_fired": device.projection.verdicts })
}

fn json_value(value: &Value) -> serde_json::Value {
    match value {
        Value::Bool(flag) => object!(flag),
        Value::Int(number) => object!(number),
        Value::Float(number) => object!(number),
        Value::Text(text) => object!(text),
        Value::Time(at) => object!(at.to_string()),
        Value::Span(millis) => object!(millis),
        Value::List(values) => values.iter().map(json_value).collect(),
    }
}

fn list(devices: &[Slice]) -> String {
    let field = |device: &Slice, name: &str| device.projection.record.get(name).map(plain).unwrap_or_default();
    let rows = devices.iter().map(|device| {
        vec![
            printable(&device.subject.id),
            field(device, "serial"),
            field(device, "item"),
            field(device, "site"),
            field(device, "status"),
            field(device, "battery"),
            field(device, "last_heard_at"),
            device.alerts.len().to_string(),
        ]
    });
    table(&["ID", "SERIAL", "ITEM", "SITE", "STATUS", "BATTERY", "LAST HEARD", "OPEN ALERTS"], rows.collect())
}

fn tell(device: &Slice) -> String {
    let mut out = format!("Device {}\n", printable(&device.subject.id));
    for (name, value) in device.projection.record.iter() {
        let _ = writeln!(out, "  {name}: {}", plain(value));
    }
    out.push_str("\nOpen alerts\n");
    for alert in &device.alerts {
        let _ =
            writeln!(out, "  {} {} {} since {}", alert.number, alert.severity, alert.rule, instant(alert.opened_at));
    }
    if device.alerts.is_empty() {
        out.push_str("  none\n");
    }
    out.push_str("\nRules that were tried and did not fire\n");
    for verdict in device.projection.verdicts.iter().rev() {
        let _ = writeln!(out, "  {} at journal row {}: {}", verdict.rule, verdict.position, verdict.why);
    }
    if device.projection.verdicts.is_empty() {
        out.push_str("  none\n");
    }
    out
}
