//! What a digest says.

use super::alerts::{entry, more, severity_tone};
use super::{Entry, Page, Section, Tone, foot};
use crate::engine::{Alert, DigestReport, DigestSection, Phi, Timestamp};
use crate::notify::phi::{self, Told, local, told};

pub(super) fn of(phi: Phi, report: &DigestReport, receiver: Told) -> Page {
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
    let (open, fired, resolved) = (report.open.total, report.fired.total, report.resolved.total);
    let worst = report.open.alerts.iter().map(|alert| alert.severity).max();
    let since = local(report.from, &report.time_zone);
    let what = told!("Since ", &since, ": ", fired, " new, ", resolved, " resolved. Open now: ", open, ".");
    let mut lead = vec![what];
    if sections.is_empty() {
        lead = vec![told!("Nothing new and nothing open since ", since, ".")];
    }
    let preheader = Told::join(&lead, " ");
    if report.undelivered > 0 {
        lead.push(told!(
            report.undelivered,
            " messages could not be delivered: `pulsewarden deliveries --dead` lists them."
        ));
    }
    let proven = |what: &'static str, at: Option<Timestamp>| match at {
        Some(at) => told!("Last ", what, ": ", local(at, &report.time_zone), "."),
        None => told!("No ", what, " yet."),
    };
    Page {
        headline: told!("[DIGEST] ", phi::digest(report), ": ", fired, " new, ", open, " open"),
        preheader,
        kind: "digest",
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

fn section(title: &'static str, part: &DigestSection, phi: Phi) -> Section {
    let omitted = usize::try_from(part.total).unwrap_or(usize::MAX).saturating_sub(part.alerts.len());
    // A digest is a list to go through: how to look into each is told when it fires.
    let short = |alert: &Alert| Entry { description: None, runbook: None, ..entry(alert, phi) };
    Section {
        title: told!(title, " (", part.total, ")"),
        entries: part.alerts.iter().map(short).collect(),
        more: more(omitted),
    }
}
