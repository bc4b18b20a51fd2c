//! What a message about alerts says.

use std::collections::BTreeSet;

use super::{Entry, Page, Section, Tone, foot};
use crate::engine::{Alert, AlertState, Phi, Severity, Timestamp};
use crate::notify::phi::{self, Tell, Told, instant, told};

/// Times that lie further apart than this are told apart.
const NOTEWORTHY: i64 = 10 * 60 * 1000;

/// From how many times within a day on it is said that an alert comes and goes.
const FLAPS: u32 = 3;

pub(super) fn of(
    phi: Phi,
    firing: &[Alert],
    ended: &[Alert],
    firing_omitted: usize,
    ended_omitted: usize,
    repeat: bool,
    receiver: Told,
) -> Page {
    let mut sections = Vec::new();
    let mut list = |title: &'static str, alerts: &[Alert], omitted: usize| {
        if !alerts.is_empty() {
            sections.push(Section {
                title: told!(title),
                entries: alerts.iter().map(|alert| entry(alert, phi)).collect(),
                more: more(omitted),
                ..Section::default()
            });
        }
    };
    list("Open", firing, firing_omitted);
    list("Ended", ended, ended_omitted);
    tell_how_once(&mut sections);
    let baseline = !firing.is_empty() && firing.iter().all(|alert| alert.baseline);
    let mut lead = Vec::new();
    if repeat {
        lead.push(told!("Still open; nothing has changed since the last message."));
    } else if baseline {
        lead.push(told!(
            "These were so already when their rules came into force, or when the fleet was first read. They are listed here once, together."
        ));
    }
    let already = if baseline && !repeat { "already so: " } else { "" };
    let again = if repeat { "still: " } else { already };
    let (open, over) = (firing.len() + firing_omitted, ended.len() + ended_omitted);
    Page {
        headline: headline(firing, ended, (open, over), again),
        preheader: told!(open, " open, ", over, " ended, for the receiver ", &receiver, "."),
        kind: "alerts",
        tone: tone(firing),
        lead,
        sections,
        link: None,
        foot: vec![foot(receiver)],
    }
}

/// How to look into it is told with the first alert of each rule.
fn tell_how_once(sections: &mut [Section]) {
    let mut told: BTreeSet<Told> = BTreeSet::new();
    for entry in sections.iter_mut().flat_map(|section| &mut section.entries) {
        if entry.runbook.is_some() && !told.insert(entry.title.clone()) {
            entry.runbook = None;
        }
    }
}

pub(super) fn more(omitted: usize) -> Option<Told> {
    (omitted > 0).then(|| told!("and ", omitted, " more: `pulsewarden alerts` lists them all"))
}

fn tone(firing: &[Alert]) -> Tone {
    firing.iter().map(|alert| alert.severity).max().map_or(Tone::Good, severity_tone)
}

pub(super) fn severity_tone(severity: Severity) -> Tone {
    match severity {
        Severity::Info => Tone::Info,
        Severity::Warning => Tone::Warning,
        Severity::Critical => Tone::Critical,
    }
}

/// The worst that is open, or how all of it ended.
pub(super) fn badge(firing: &[Alert], ended: &[Alert]) -> Told {
    let badge = match firing.iter().map(|alert| alert.severity).max() {
        Some(severity) => severity.tell(),
        None => {
            let first = ended.first().map(|alert| alert.state);
            let same = ended.iter().all(|alert| Some(alert.state) == first);
            first.filter(|_| same).map_or("ended", end_word).tell()
        }
    };
    badge.upper()
}

/// One alert in a few words that hold no identifier.
pub(in crate::notify) fn heading(alert: &Alert) -> Told {
    let place = ["item", "site"].into_iter().filter_map(|name| phi::open_label(&alert.labels, name, Phi::None));
    let place: Vec<Told> = place.collect();
    let before = if place.is_empty() { "" } else { ": " };
    told!(phi::rule(alert), before, Told::join(&place, ", "), " (alert ", alert.number, ")")
}

/// Whoever the receiver is, a headline tells nothing that may not leave under `none`.
fn headline(firing: &[Alert], ended: &[Alert], (open, over): (usize, usize), again: &'static str) -> Told {
    let badge = badge(firing, ended);
    let total = open + over;
    match firing.first().or(ended.first()) {
        Some(alert) if total == 1 => told!("[", badge, "] ", again, heading(alert)),
        Some(alert) => {
            let same = firing.iter().chain(ended).all(|other| other.rule == alert.rule);
            let others = if same { "" } else { " and others" };
            let count =
                if open > 0 && over > 0 { told!(open, " open, ", over, " ended") } else { told!(total, " alerts") };
            told!("[", badge, "] ", again, count, ": ", phi::rule(alert), others)
        }
        None => told!("[", badge, "] nothing to report"),
    }
}

const fn end_word(state: AlertState) -> &'static str {
    match state {
        AlertState::Firing => "open",
        AlertState::Resolved => "resolved",
        AlertState::Expired => "expired",
        AlertState::Closed => "no longer watched",
    }
}

pub(in crate::notify) fn entry(alert: &Alert, phi: Phi) -> Entry {
    let ended = alert.end.as_ref();
    let title = phi::rule(alert);
    let fallback = || told!(&title, " on ", alert.subject.kind, " ", phi::subject_id(&alert.subject, phi));
    let texts = phi::Texts::of(alert, phi);
    let summary = texts.get("summary").unwrap_or_else(fallback);
    // What fired it is over: the line must not read as if it were so now.
    let summary = if ended.is_some() { told!("Was: ", summary) } else { summary };
    // What to do is over as well.
    let open_text = |name: &str| if ended.is_some() { None } else { texts.get(name) };
    Entry {
        number: alert.number,
        badge: if ended.is_some() { end_word(alert.state).tell() } else { alert.severity.tell() },
        tone: if ended.is_some() { Tone::Good } else { severity_tone(alert.severity) },
        description: open_text("description"),
        action: open_text("action"),
        runbook: open_text("runbook"),
        facts: facts(alert, phi),
        title,
        summary,
    }
}

/// What is known of an alert, by name.
fn facts(alert: &Alert, phi: Phi) -> Vec<(Told, Told)> {
    let mut facts = Vec::new();
    let mut add = |name: &'static str, value: Told| {
        if !value.is_unknown() && !value.is_empty() {
            facts.push((told!(name), value));
        }
    };
    if let Some(end) = &alert.end {
        add("Ended", told!(end_word(alert.state), ": ", phi::reason(&end.reason, phi)));
    }
    add("Device", phi::label(alert, "item", phi));
    if let Some(serial) = phi::evidence(alert, "device.serial", phi) {
        add("Serial", serial);
    }
    add("Site", phi::label(alert, "site", phi));
    for (name, of) in
        [("Device id", "device"), ("Patient id", "patient"), ("Order id", "order"), ("Return id", "return")]
    {
        if let Some(id) = phi::open_label(&alert.labels, of, phi) {
            add(name, id);
        }
    }
    for (name, at) in times(alert) {
        add(name, instant(at));
    }
    if alert.count > 1 {
        add("Seen", told!(alert.count, " times"));
    }
    if alert.fired >= FLAPS {
        add("Flapping", told!("it has fired ", alert.fired, " times within a day"));
    }
    if let Some((by, at, until)) = phi::acknowledged(alert) {
        let until = until.map_or_else(Told::default, |until| told!(", until ", instant(until)));
        add("Taken on", told!("by ", by, " at ", instant(at), until));
    }
    if let Some(assignee) = phi::assignee(alert, phi) {
        add("Assigned to", assignee);
    }
    if let Some((note, before)) = phi::last_note(alert, phi) {
        let before = if before > 0 { told!("; ", before, " more before it") } else { Told::default() };
        add("Note", told!(note, before));
    }
    facts
}

/// When it happened, and when Pulsewarden learned of it where that is noteworthy.
fn times(alert: &Alert) -> Vec<(&'static str, Timestamp)> {
    let mut times = vec![("Since", alert.opened_at)];
    if alert.noticed_at.0.saturating_sub(alert.opened_at.0).abs() > NOTEWORTHY {
        times.push(("Learned", alert.noticed_at));
    }
    if let Some(end) = &alert.end {
        times.push(("Until", end.at));
    }
    times
}
