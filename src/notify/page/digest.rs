//! What a digest says.

use super::alerts::{entry, more, severity_tone, words};
use super::{Entry, Page, Section, Tone, foot};
use crate::engine::{Alert, DigestReport, DigestSection, Phi, Timestamp};
use crate::notify::phi::instant;

pub(super) fn of(phi: Phi, report: &DigestReport, receiver: &str) -> Page {
    let mut sections = Vec::new();
    let parts = [
        ("Open", &report.open),
        ("New", &report.fired),
        ("Resolved", &report.resolved),
        ("Ended without news", &report.expired),
    ];
    for (title, part) in parts {
        if part.total > 0 {
            sections.push(section(title, part, phi));
        }
    }
    let open = report.open.total;
    let worst = report.open.alerts.iter().map(|alert| alert.severity).max();
    let mut lead = vec![format!(
        "Since {}: {} new, {} resolved. Open now: {open}.",
        local(report.from, &report.time_zone),
        report.fired.total,
        report.resolved.total
    )];
    if sections.is_empty() {
        lead = vec![format!("Nothing new and nothing open since {}.", local(report.from, &report.time_zone))];
    }
    if report.undelivered > 0 {
        lead.push(format!(
            "{} messages could not be delivered: `pulsewarden deliveries --dead` lists them.",
            report.undelivered
        ));
    }
    let proven = |what: &str, at: Option<Timestamp>| match at {
        Some(at) => format!("Last {what}: {}.", local(at, &report.time_zone)),
        None => format!("No {what} yet."),
    };
    Page {
        headline: format!("[DIGEST] {}: {} new, {open} open", words(&report.name), report.fired.total),
        tone: worst.map_or(Tone::Good, severity_tone),
        lead,
        sections,
        foot: vec![
            proven("webhook", report.last_webhook),
            proven("proven delivery", report.last_delivery),
            foot(receiver),
        ],
    }
}

fn section(title: &str, part: &DigestSection, phi: Phi) -> Section {
    let omitted = usize::try_from(part.total).unwrap_or(usize::MAX).saturating_sub(part.alerts.len());
    // A digest is a list to go through: how to look into each is told when it fires.
    let short = |alert: &Alert| Entry { description: None, runbook: None, ..entry(alert, phi) };
    Section {
        title: format!("{title} ({})", part.total),
        entries: part.alerts.iter().map(short).collect(),
        more: more(omitted),
    }
}

/// An instant in a digest's own zone.
fn local(at: Timestamp, time_zone: &str) -> String {
    match (time_zone.parse::<chrono_tz::Tz>(), at.to_utc()) {
        (Ok(zone), Some(at)) => at.with_timezone(&zone).format("%Y-%m-%d %H:%M %Z").to_string(),
        _ => instant(at),
    }
}
