//! `alerts`: what is open, and everything about one.

use std::fmt::Write;

use clap::Args;
use serde::Serialize;

use super::deliveries::{Told, deliveries_of};
use super::held;
use super::output::{HIDDEN, audited, hide, instant, json, plain, table, text};
use super::{FINE, WRONG, reader};
use crate::config::Settings;
use crate::engine::{Alert, AlertState, Seen, Subject, SubjectKind, Transition};
use crate::store::{AlertFilter, Store};

#[derive(Debug, Args)]
pub struct AlertArguments {
    /// Show this alert alone, with everything about it
    number: Option<u64>,
    /// Ended ones too
    #[arg(long)]
    all: bool,
    /// Alerts of this device alone, by Impilo's id
    #[arg(long, value_name = "ID")]
    device: Option<String>,
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
    /// Show what leaves under `phi: full` alone, such as names and notes; the log records who did
    #[arg(long, requires = "number")]
    phi: bool,
    /// Print JSON for programs
    #[arg(long)]
    json: bool,
}

/// One alert with all that happened to it.
#[derive(Serialize)]
struct Story {
    alert: Alert,
    moves: Vec<Transition>,
    deliveries: Vec<Told>,
}

pub(super) fn run(settings: &Settings, arguments: &AlertArguments) -> anyhow::Result<u8> {
    let store = reader(settings)?;
    let filter = AlertFilter {
        number: arguments.number,
        state: (!arguments.all && arguments.number.is_none()).then_some(AlertState::Firing),
        subject: arguments.device.as_ref().map(|id| Subject::new(SubjectKind::Device, id.clone())),
        limit: arguments.limit,
        ..AlertFilter::default()
    };
    let mut alerts = store.alerts(&filter)?;
    if !arguments.phi {
        alerts.iter_mut().for_each(hide_all);
    }
    let Some(number) = arguments.number else {
        if arguments.json {
            json(&alerts)?;
        } else {
            text(&list(&alerts, arguments.all))?;
        }
        return Ok(FINE);
    };
    let Some(alert) = alerts.pop() else {
        eprintln!("pulsewarden: there is no alert {number}; `pulsewarden alerts --all` lists them");
        return Ok(WRONG);
    };
    let mut moves = store.transitions(number)?;
    if arguments.phi {
        audited("alerts", &number.to_string());
    } else {
        moves.iter_mut().flat_map(|moved| moved.evidence.values.values_mut()).for_each(hide);
    }
    let story = Story { alert, moves, deliveries: deliveries_of(&store, number)? };
    if arguments.json {
        json(&story)?;
    } else {
        let people = held::in_words(&store, &story.alert)?;
        text(&[tell(&story), people].concat())?;
    }
    Ok(FINE)
}

/// What leaves under `full` alone is not shown in a terminal either: values, who was asked to see to it, and notes.
fn hide_all(alert: &mut Alert) {
    let groups = alert.groups.iter_mut().flat_map(|group| group.labels.values_mut());
    alert.evidence.values.values_mut().chain(alert.labels.values_mut()).chain(groups).for_each(hide);
    alert.assignee.iter_mut().chain(alert.notes.iter_mut().map(|note| &mut note.text)).for_each(|text| {
        HIDDEN.clone_into(text);
    });
}

/// A value that was not hidden before.
fn value(seen: &Seen) -> String {
    plain(&seen.value)
}

fn list(alerts: &[Alert], all: bool) -> String {
    if alerts.is_empty() {
        return if all { "No alert has ever fired.\n".to_owned() } else { "No alert is open.\n".to_owned() };
    }
    let label = |alert: &Alert, name: &str| alert.labels.get(name).map(value).unwrap_or_default();
    let rows = alerts.iter().map(|alert| {
        vec![
            alert.number.to_string(),
            match &alert.acknowledged {
                Some(taken) if alert.state == AlertState::Firing => format!("taken on by {}", taken.by),
                _ => alert.state.to_string(),
            },
            alert.severity.to_string(),
            if alert.shadow { format!("{} (shadow)", alert.rule) } else { alert.rule.clone() },
            alert.subject.to_string(),
            label(alert, "item"),
            label(alert, "site"),
            instant(alert.opened_at),
            alert.count.to_string(),
        ]
    });
    table(&["NUMBER", "STATE", "SEVERITY", "RULE", "SUBJECT", "ITEM", "SITE", "SINCE", "SEEN"], rows.collect())
}

fn tell(story: &Story) -> String {
    let alert = &story.alert;
    let mut out = format!("Alert {}: {} on {}\n", alert.number, alert.rule, alert.subject);
    let _ = writeln!(
        out,
        "  {} {}, since {}, noticed {}, seen {}×, episode {}",
        alert.severity,
        alert.state,
        instant(alert.opened_at),
        instant(alert.noticed_at),
        alert.count,
        alert.episode
    );
    if alert.shadow {
        out.push_str("  in shadow: its rule is tried out, and nobody is told\n");
    }
    if alert.baseline {
        out.push_str("  baseline: it was so already when its rule came into force, or when the fleet was first read\n");
    }
    if alert.fired > 1 {
        let _ = writeln!(out, "  it has fired {} times within a day", alert.fired);
    }
    if let Some(ending) = &alert.ending {
        let _ = writeln!(out, "  about to end since {}: {}", instant(ending.heard_at), ending.reason);
    }
    let labels: Vec<String> = alert.labels.iter().map(|(name, seen)| format!("{name}={}", value(seen))).collect();
    let _ = writeln!(out, "  labels: {}", labels.join(", "));
    out.push_str("\nMoves\n");
    for moved in &story.moves {
        let _ = writeln!(out, "  {}  {} ({}): {}", instant(moved.noticed_at), moved.to, moved.severity, moved.reason);
        if let Some(event) = &moved.evidence.event {
            let _ = writeln!(
                out,
                "      by event {} ({}), happened {}, received {}, journal row {}",
                event.id,
                event.kind,
                instant(event.occurred_at),
                instant(event.received_at),
                event.position
            );
        }
        for (name, seen) in &moved.evidence.values {
            let _ = writeln!(out, "      {name} = {}", value(seen));
        }
    }
    out.push_str("\nMessages\n");
    if story.deliveries.is_empty() {
        out.push_str("  none: no route, or its group still waits\n");
    }
    story.deliveries.iter().rev().for_each(|told| told.in_words(&mut out));
    out
}
