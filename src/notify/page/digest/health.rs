//! How well messages come through.

use super::{counted, local, unheard};
use crate::engine::{DigestReport, Timestamp};
use crate::notify::page::{Line, Section, Tone};

pub(super) fn section(report: &DigestReport) -> Section {
    let local = |at: Timestamp| local(at, &report.time_zone);
    let health = &report.health;
    let given_up = match report.undelivered {
        0 => plain("No message was given up.".to_owned()),
        count => {
            let what = counted(count, "message");
            wrong(format!("{what} given up: `pulsewarden deliveries --dead` lists them."))
        }
    };
    let mut lines = vec![given_up];
    if health.waiting > 0 {
        let since = health.waiting_since.map(|since| format!(", the oldest since {}", local(since)));
        let what = counted(health.waiting, "message");
        lines.push(plain(format!("{what} waiting to be delivered{}.", since.unwrap_or_default())));
    }
    for (receiver, proven) in &health.receivers {
        lines.push(match proven {
            Some(at) => plain(format!("Receiver {receiver}: delivery last proven {}.", local(*at))),
            None => wrong(format!("Receiver {receiver}: none of the newest deliveries went there.")),
        });
    }
    lines.push(match report.last_webhook {
        Some(at) => plain(format!("Last webhook: {}.", local(at))),
        None => wrong("No webhook has come yet.".to_owned()),
    });
    lines.extend(health.blind.iter().take(5).map(|blind| wrong(unheard(blind, &report.time_zone))));
    let more = health.blind.len().saturating_sub(5);
    let more = (more > 0).then(|| format!("and {more} more times in which nothing could be heard"));
    Section { title: "Delivery".to_owned(), lines, more, ..Section::default() }
}

fn plain(title: String) -> Line {
    Line { badge: None, tone: Tone::Good, title, details: Vec::new() }
}

fn wrong(title: String) -> Line {
    Line { badge: Some("look".to_owned()), tone: Tone::Warning, title, details: Vec::new() }
}
