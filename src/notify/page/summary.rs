//! What a summary of several messages says.

use super::alerts::{entry, more, severity_tone};
use super::{Entry, Page, Section, Tone, foot};
use crate::engine::{Alert, Folded, Lack, Outage, Phi, Summary};
use crate::notify::phi::{self, Tell, Told, instant, told};

/// How many alerts are named one by one.
const NAMED: usize = 20;

pub(super) fn of(phi: Phi, summary: &Summary, receiver: Told) -> Page {
    let (open, ended) = (summary.counts.open_total(), summary.counts.ended_total());
    let worst = summary.counts.worst();
    let badge = worst.map_or_else(|| told!("ENDED"), |worst| worst.tell().upper());
    let (what, why) = match summary.why {
        Folded::Outage => (
            "after an outage",
            match &summary.outage {
                Some(Outage { interval, late: true, .. }) => told!(
                    "Pulsewarden was not there to hear from ",
                    instant(interval.from),
                    " to ",
                    instant(interval.to),
                    ", and has now been able to make up for it."
                ),
                Some(Outage { interval, .. }) => told!(
                    "Pulsewarden was not there to hear and to tell from ",
                    instant(interval.from),
                    " to ",
                    instant(interval.to),
                    "; this is what happened meanwhile, in one message."
                ),
                None => told!(
                    "Pulsewarden was not there to tell since ",
                    instant(summary.since),
                    "; here it is in one message."
                ),
            },
        ),
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
    lead.extend(summary.outage.iter().flat_map(of_outage));
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
        headline: match (open, ended) {
            (0, 0) => told!("Back ", what),
            _ => told!("[", badge, "] ", open, " open, ", ended, " ended ", what),
        },
        preheader: told!(open, " open, ", ended, " ended, for the receiver ", &receiver, "."),
        kind: "summary",
        tone: worst.map_or(Tone::Good, severity_tone),
        lead,
        sections,
        link: None,
        foot: vec![foot(receiver)],
    }
}

/// What was recovered of an outage, and what may be missing.
fn of_outage(outage: &Outage) -> Vec<Told> {
    let events = if outage.recovered == 1 { " event" } else { " events" };
    let recovered = match (outage.recovered, outage.lacks) {
        (0, None) => told!("Nothing had come in that time: nothing is missing."),
        (0, Some(_)) => told!("Nothing could be recovered from Impilo's log of that time."),
        (count, None) => told!(count, events, " of that time came back from Impilo's log: nothing is missing."),
        (count, Some(_)) => told!(count, events, " of that time came back from Impilo's log."),
    };
    let Some(lack) = outage.lacks else { return vec![recovered] };
    let why = match lack {
        Lack::NotConfigured => told!(
            "Impilo's log cannot be read, since no API key is configured, or no address under which Impilo reaches us."
        ),
        Lack::Refused => told!("Impilo refuses the API key, so its log cannot be read."),
        Lack::Unreachable => {
            told!("Impilo's log could not be read so far. It is tried again, and what it brings is told as it comes.")
        }
        Lack::Unreadable => told!(
            outage.unreadable,
            if outage.unreadable == 1 { " entry" } else { " entries" },
            " of Impilo's log cannot be read and ",
            if outage.unreadable == 1 { "lies" } else { "lie" },
            " in quarantine."
        ),
        Lack::Elsewhere => told!(
            "Impilo's log has ",
            outage.others,
            if outage.others == 1 { " event" } else { " events" },
            " of that time, all for other addresses; compare public_url with `pulsewarden impilo webhooks list`."
        ),
        Lack::NotSubscribed => told!(
            "None of Impilo's webhooks leads here, and its log has no event of that time for us; compare public_url with `pulsewarden impilo webhooks list`."
        ),
        Lack::Untold => told!("Impilo's log has entries of that time that do not say for whom they are."),
        Lack::OutOfReach => {
            told!("Part of that time lies further back than Impilo's log reaches, or than it is read.")
        }
    };
    let mut lines = vec![recovered, why];
    if outage.may_lack() {
        lines.push(told!(
            "Low batteries and weak signals that were reported in that time may have been missed: Impilo tells them once, and nothing else shows them."
        ));
    } else {
        lines.push(told!("Impilo sends what could not be delivered again within two hours, so it may still come."));
    }
    lines
}
