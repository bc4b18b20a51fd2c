//! How well messages come through.

use super::{counted, unheard};
use crate::engine::{DigestReport, Timestamp};
use crate::notify::page::{Line, Section, Tone};
use crate::notify::phi::{self, Told, local, told};

pub(super) fn section(report: &DigestReport) -> Section {
    let local = |at: Timestamp| local(at, &report.time_zone);
    let health = &report.health;
    let given_up = match report.undelivered {
        0 => plain(told!("No message was given up.")),
        count => wrong(told!(counted(count, "message"), " given up: `pulsewarden deliveries --dead` lists them.")),
    };
    let mut lines = vec![given_up];
    if health.waiting > 0 {
        let since = health.waiting_since.map(|since| told!(", the oldest since ", local(since)));
        let what = counted(health.waiting, "message");
        lines.push(plain(told!(what, " waiting to be delivered", since.unwrap_or_default(), ".")));
    }
    for (receiver, proven) in phi::proven(report) {
        lines.push(match proven {
            Some(at) => plain(told!("Receiver ", receiver, ": delivery last proven ", local(at), ".")),
            None => wrong(told!("Receiver ", receiver, ": no message has reached it yet.")),
        });
    }
    lines.push(match report.last_webhook {
        Some(at) => plain(told!("Last webhook: ", local(at), ".")),
        None => wrong(told!("No webhook has come yet.")),
    });
    lines.extend(health.blind.iter().take(5).map(|blind| wrong(unheard(blind, &report.time_zone))));
    let more = health.blind.len().saturating_sub(5);
    let more = (more > 0).then(|| told!("and ", more, " more times in which nothing could be heard"));
    Section { title: told!("Delivery"), lines, more, ..Section::default() }
}

fn plain(title: Told) -> Line {
    Line { badge: None, tone: Tone::Good, title, details: Vec::new() }
}

fn wrong(title: Told) -> Line {
    Line { badge: Some(told!("look")), tone: Tone::Warning, title, details: Vec::new() }
}
