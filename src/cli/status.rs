//! `status`: how the daemon is doing, on one screen.

use std::fmt::Write;

use super::output::{ago, instant, json, table, text};
use super::{FINE, Json, WRONG, reader};
use crate::api::Status;
use crate::api::client::{AdminClient, ClientError};
use crate::clock::Clock;
use crate::config::Settings;
use crate::store::{Figures, Store};
use crate::telemetry::short;

pub(super) async fn run(settings: &Settings, how: Json) -> anyhow::Result<u8> {
    let asked: Result<Status, ClientError> = match AdminClient::new(&settings.admin.socket) {
        Ok(client) => client.get("/api/v1/status").await,
        Err(error) => Err(error),
    };
    match asked {
        Ok(status) => {
            let wrong = is_wrong(&status);
            if how.json {
                json(&status)?;
            } else {
                text(&screen(&status))?;
            }
            Ok(if wrong { WRONG } else { FINE })
        }
        Err(error) => {
            let figures = reader(settings).and_then(|store| Ok(store.figures()?));
            let problem = error.to_string();
            if how.json {
                let figures = figures.ok();
                json(&serde_json::json!({ "running": false, "problem": problem, "figures": figures }))?;
            } else {
                let store = match figures {
                    Ok(figures) => format!("The store says:\n{}", of_store(&figures)),
                    Err(error) => format!("Nor can the store be asked: {error:#}\n"),
                };
                text(&format!("Pulsewarden is not running, as far as this user can see: {problem}.\n\n{store}"))?;
            }
            Ok(WRONG)
        }
    }
}

fn is_wrong(status: &Status) -> bool {
    status.commits_fail || status.rules.problem.is_some() || !status.watches.is_empty()
}

fn screen(status: &Status) -> String {
    let mut out = String::new();
    let word = if is_wrong(status) { "has problems" } else { "is well" };
    let mut line = |text: std::fmt::Arguments<'_>| {
        // Writing to a String cannot fail.
        let _ = out.write_fmt(text);
        out.push('\n');
    };
    line(format_args!(
        "Pulsewarden {} {word}; up since {} ({})",
        status.version,
        instant(status.started_at),
        ago(status.started_at, status.now)
    ));
    for watch in &status.watches {
        line(format_args!("  ! {} (since {})", watch.summary, instant(watch.since)));
    }
    if let Some(problem) = &status.rules.problem {
        line(format_args!("  ! the rule files cannot be used, the last good rules serve: {problem}"));
    }
    let receiving = &status.receiving;
    line(format_args!(
        "Receiving on {}: {} new, {} repeated; refused: {} for the secret, {} unreadable, {} too large, {} not kept",
        status.listen,
        receiving.accepted,
        receiving.repeated,
        receiving.refused_secret,
        receiving.unreadable,
        receiving.too_large,
        receiving.unavailable
    ));
    let rules = if status.rules.in_force.is_empty() { "none yet" } else { short(&status.rules.in_force) };
    let files = match (&status.rules.problem, status.rules.changed_on_disk) {
        (Some(_), _) => "the last good one, since the files cannot be used",
        (None, true) => {
            "the files have changed since; `pulsewarden check && systemctl reload pulsewarden` brings them into force"
        }
        (None, false) => "the same as the files",
    };
    line(format_args!("Rule set in force: {rules}, {files}"));
    if let Some(free) = status.disk_free {
        line(format_args!(
            "Disk: {} MiB free, the store takes {} MiB",
            free >> 20,
            status.figures.database_bytes >> 20
        ));
    }
    out.push_str(&of_store(&status.figures));
    out
}

fn of_store(figures: &Figures) -> String {
    let now = Clock::Wall.now();
    let lag = figures.oldest_unprocessed.map_or_else(
        || "everything is processed".to_owned(),
        |oldest| {
            format!(
                "{} waiting, the oldest from {}",
                figures.last_position - figures.processed_position,
                ago(oldest, now)
            )
        },
    );
    let mut out = format!("Journal: {} rows, {lag}\n", figures.last_position);
    let delivery = figures.last_delivery.map_or_else(|| "none yet".to_owned(), |at| ago(at, now));
    let _ = writeln!(
        out,
        "Devices: {}; open alerts: {}; quarantined bodies: {}",
        figures.devices, figures.open_alerts, figures.quarantined
    );
    let _ = writeln!(
        out,
        "Messages: {} waiting, {} given up; last delivered: {delivery}",
        figures.outbox_waiting, figures.dead_letters
    );
    if figures.last_by_type.is_empty() {
        out.push_str("No webhook has come yet.\n");
        return out;
    }
    let rows = figures
        .last_by_type
        .iter()
        .map(|(name, at, count)| vec![name.clone(), count.to_string(), instant(*at), ago(*at, now)]);
    out.push('\n');
    out.push_str(&table(&["TYPE", "EVENTS", "LAST", ""], rows.collect()));
    out
}
