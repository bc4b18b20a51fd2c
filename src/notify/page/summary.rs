//! What a summary of several messages says.

use super::alerts::{entry, more, severity_tone};
use super::{Entry, Page, Section, Tone, foot};
use crate::engine::{Alert, Folded, Phi, Summary};
use crate::notify::phi::{self, Tell, Told, instant, told};

/// How many alerts are named one by one.
const NAMED: usize = 20;

pub(super) fn of(phi: Phi, summary: &Summary, receiver: Told) -> Page {
    let (open, ended) = (summary.counts.open_total(), summary.counts.ended_total());
    let worst = summary.counts.worst();
    let badge = worst.map_or_else(|| told!("ENDED"), |worst| worst.tell().upper());
    let (what, why) = match summary.why {
        Folded::Quiet => {
            ("after quiet hours", told!("Quiet hours are over. This is what was held back and is still so."))
        }
        Folded::Cap => (
            "in one message",
            told!(
                "There would have been ",
                summary.messages,
                " messages since ",
                instant(summary.since),
                ", more than this receiver takes. They are folded into this one."
            ),
        ),
    };
    let mut lead = vec![why];
    for (rule, by_severity) in phi::open_by_rule(&summary.counts) {
        let counts = by_severity.iter().rev().map(|(severity, count)| told!(*count, " ", *severity));
        lead.push(told!(rule, ": ", Told::join(&counts.collect::<Vec<_>>(), ", "), " open."));
    }
    for (rule, count) in phi::ended_by_rule(&summary.counts) {
        lead.push(told!(rule, ": ", count, " ended."));
    }
    let short = |alert: &Alert| Entry { description: None, runbook: None, ..entry(alert, phi) };
    let section = |title: &'static str, alerts: &[Alert], total: u64| {
        let entries: Vec<Entry> = alerts.iter().take(NAMED).map(short).collect();
        let left = usize::try_from(total).unwrap_or(usize::MAX).saturating_sub(entries.len());
        (!entries.is_empty()).then(|| Section { title: told!(title), entries, more: more(left), ..Section::default() })
    };
    let sections = [section("The most urgent", &summary.alerts, open), section("Ended", &summary.ended, ended)];
    let sections = sections.into_iter().flatten().collect();
    Page {
        headline: told!("[", badge, "] ", open, " open, ", ended, " ended ", what),
        preheader: told!(open, " open, ", ended, " ended, for the receiver ", &receiver, "."),
        kind: "summary",
        tone: worst.map_or(Tone::Good, severity_tone),
        lead,
        sections,
        link: None,
        foot: vec![foot(receiver)],
    }
}
