//! `status`: how the daemon is doing, on one screen.

use std::fmt::Write;
use std::time::Duration;

use super::output::{ago, instant, json, table, text};
use super::{FINE, Json, WRONG, reader};
use crate::api::Status;
use crate::api::client::{AdminClient, ClientError};
use crate::clock::Clock;
use crate::config::Settings;
use crate::engine::{Interval, SENT_AGAIN_FOR, Timestamp};
use crate::store::{Figures, NEVER, Store};
use crate::telemetry::short;

/// A gap is news for this long.
const NEWS: Duration = Duration::from_secs(24 * 60 * 60);

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
                let running = matches!(error, ClientError::NotRunning { .. }).then_some(false);
                json(&serde_json::json!({ "running": running, "problem": problem, "figures": figures }))?;
            } else {
                let store = match figures {
                    Ok(figures) => format!("The store says:\n{}", of_store(&figures)),
                    Err(error) => format!("Nor can the store be asked: {error:#}\n"),
                };
                let verdict = match error {
                    ClientError::NotRunning { .. } => "Pulsewarden is not running",
                    _ => "Pulsewarden cannot be asked how it is doing",
                };
                text(&format!("{verdict}: {problem}.\n\n{store}"))?;
            }
            Ok(WRONG)
        }
    }
}

fn is_wrong(status: &Status) -> bool {
    let rules = &status.rules;
    status.commits_fail
        || rules.held
        || rules.problem.is_some()
        || rules.waiting.is_some()
        || !status.watches.is_empty()
        || status.whole.not_heard.iter().any(|gap| may_lack(gap, status.now))
        || status.lanes.iter().any(|lane| lane.failing_since.is_some())
}

/// Whether something may be missing that Impilo does not send again by itself, and that is news.
fn may_lack(gap: &Interval, now: Timestamp) -> bool {
    gap.to.since(gap.from) > SENT_AGAIN_FOR && now.since(gap.to) < NEWS
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
    let rules = &status.rules;
    // The watch on the rule files says the same, a little later.
    for watch in status.watches.iter().filter(|watch| rules.problem.is_none() || watch.name != "rule_files") {
        line(format_args!("  ! {} (since {})", watch.summary, instant(watch.since)));
    }
    if let Some(problem) = &rules.problem {
        let instead = if rules.held { "" } else { ", the last good rules serve" };
        line(format_args!("  ! the rule files cannot be used{instead}: {problem}"));
    } else if rules.held {
        line(format_args!("  ! the stored rule set cannot be used: events are kept, and none is processed"));
    }
    if let Some(waiting) = &rules.waiting {
        line(format_args!(
            "  ! the rule files are good and come into force as soon as the store can take them: {waiting}"
        ));
    }
    for lane in &status.lanes {
        let next = instant(lane.next_attempt_at);
        match lane.failing_since {
            Some(since) => line(format_args!(
                "  ! messages by {} fail since {}; the next attempt is made {next}, and the others wait for it",
                lane.lane,
                instant(since)
            )),
            None => line(format_args!("  ! messages by {} wait until {next}, as the other side has asked", lane.lane)),
        }
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
    line(format_args!("Are we whole? {}", status.whole.sentence));
    for secret in &receiving.secrets {
        let last = secret.last.map_or_else(String::new, |last| format!(", the last time {}", instant(last)));
        line(format_args!("Secret {}: used {} times{last}", secret.name, secret.uses));
    }
    let in_force = if rules.in_force.is_empty() { "none yet" } else { short(&rules.in_force) };
    let files = match (&rules.problem, rules.changed_on_disk) {
        _ if rules.held => "which cannot be used: nothing is processed",
        (Some(_), _) => "the last good one, since the files cannot be used",
        (None, true) => "the files have changed since and come into force in a moment",
        (None, false) => "the same as the files",
    };
    let since = rules.in_force_since.map_or_else(String::new, |since| format!(" since {}", instant(since)));
    line(format_args!("Rule set in force: {in_force}{since}, {files}"));
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
    if !figures.last_by_receiver.is_empty() {
        let reached = figures.last_by_receiver.iter();
        let rows =
            reached.map(|last| vec![last.receiver.clone(), last.lane.clone(), instant(last.at), ago(last.at, now)]);
        out.push('\n');
        out.push_str(&table(&["RECEIVER", "BY", "LAST REACHED", ""], rows.collect()));
    }
    if figures.last_by_type.is_empty() {
        out.push_str("No webhook has come yet.\n");
        return out;
    }
    let rows = figures.last_by_type.iter().map(|(name, at, count)| match *at {
        NEVER => vec![name.clone(), count.to_string(), "long ago".to_owned(), String::new()],
        at => vec![name.clone(), count.to_string(), instant(at), ago(at, now)],
    });
    out.push('\n');
    out.push_str(&table(&["TYPE", "EVENTS", "LAST", ""], rows.collect()));
    out
}
