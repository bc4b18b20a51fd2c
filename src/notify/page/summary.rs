//! What a summary of several messages says.

use super::alerts::{entry, more, severity_tone, words};
use super::{Entry, Page, Section, Tone, foot};
use crate::engine::{Folded, Phi, Summary};
use crate::notify::phi::instant;

/// How many alerts are named one by one.
const NAMED: usize = 20;

pub(super) fn of(phi: Phi, summary: &Summary, receiver: &str) -> Page {
    let (open, ended) = (summary.counts.open_total(), summary.counts.ended_total());
    let worst = summary.counts.worst();
    let badge = worst.map_or_else(|| "ENDED".to_owned(), |worst| worst.as_str().to_uppercase());
    let (what, why) = match summary.why {
        Folded::Quiet => {
            ("after quiet hours", "Quiet hours are over. This is what was held back and is still so.".to_owned())
        }
        Folded::Cap => (
            "in one message",
            format!(
                "There would have been {} messages since {}, more than this receiver takes. They are folded into this one.",
                summary.messages,
                instant(summary.since)
            ),
        ),
    };
    let mut lead = vec![why];
    for (rule, by_severity) in &summary.counts.open {
        let counts = by_severity.iter().rev().map(|(severity, count)| format!("{count} {severity}"));
        lead.push(format!("{}: {} open.", words(rule), counts.collect::<Vec<_>>().join(", ")));
    }
    for (rule, count) in &summary.counts.ended {
        lead.push(format!("{}: {count} ended.", words(rule)));
    }
    let named = summary.alerts.len().min(NAMED);
    let left = usize::try_from(open).unwrap_or(usize::MAX).saturating_sub(named);
    let short = |alert| Entry { description: None, runbook: None, ..entry(alert, phi) };
    let entries: Vec<Entry> = summary.alerts.iter().take(NAMED).map(short).collect();
    let mut sections = Vec::new();
    if !entries.is_empty() {
        sections.push(Section { title: "The most urgent".to_owned(), entries, more: more(left), ..Section::default() });
    }
    Page {
        headline: format!("[{badge}] {open} open, {ended} ended {what}"),
        tone: worst.map_or(Tone::Good, severity_tone),
        lead,
        sections,
        foot: vec![foot(receiver)],
    }
}
