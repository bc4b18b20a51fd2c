//! What a message about alerts says.

use std::collections::BTreeSet;

use super::text::{annotation, label};
use super::{Entry, Page, Section, Tone, foot};
use crate::engine::{Alert, AlertState, Labels, Phi, Reason, Severity, Timestamp};
use crate::notify::phi::{self, HIDDEN, instant};

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
    receiver: &str,
) -> Page {
    let mut sections = Vec::new();
    let mut list = |title: &str, alerts: &[Alert], omitted: usize| {
        if !alerts.is_empty() {
            sections.push(Section {
                title: title.to_owned(),
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
        lead.push("Still open; nothing has changed since the last message.".to_owned());
    } else if baseline {
        lead.push(
            "These were so already when their rules came into force. They are listed here once, together.".to_owned(),
        );
    }
    let already = if baseline && !repeat { "already so: " } else { "" };
    let again = if repeat { "still: " } else { already };
    Page {
        headline: headline(firing, ended, (firing_omitted, ended_omitted), again),
        tone: tone(firing),
        lead,
        sections,
        foot: vec![foot(receiver)],
    }
}

/// How to look into it is told with the first alert of each rule.
fn tell_how_once(sections: &mut [Section]) {
    let mut told: BTreeSet<String> = BTreeSet::new();
    for entry in sections.iter_mut().flat_map(|section| &mut section.entries) {
        if entry.runbook.is_some() && !told.insert(entry.title.clone()) {
            entry.runbook = None;
        }
    }
}

pub(super) fn more(omitted: usize) -> Option<String> {
    (omitted > 0).then(|| format!("and {omitted} more: `pulsewarden alerts` lists them all"))
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
pub(super) fn badge(firing: &[Alert], ended: &[Alert]) -> String {
    match firing.iter().map(|alert| alert.severity).max() {
        Some(severity) => severity.as_str().to_uppercase(),
        None => {
            let first = ended.first().map(|alert| alert.state);
            let same = ended.iter().all(|alert| Some(alert.state) == first);
            first.filter(|_| same).map_or("ended", end_word).to_uppercase()
        }
    }
}

/// One alert in a few words that hold no identifier.
pub(in crate::notify) fn heading(alert: &Alert) -> String {
    let place = [open_label(&alert.labels, "item"), open_label(&alert.labels, "site")];
    let place: Vec<String> = place.into_iter().flatten().collect();
    let place = if place.is_empty() { String::new() } else { format!(": {}", place.join(", ")) };
    format!("{}{place} (alert {})", words(&alert.rule), alert.number)
}

fn headline(firing: &[Alert], ended: &[Alert], omitted: (usize, usize), again: &str) -> String {
    let badge = badge(firing, ended);
    let (open, over) = (firing.len() + omitted.0, ended.len() + omitted.1);
    let total = open + over;
    match firing.first().or(ended.first()) {
        Some(alert) if total == 1 => {
            format!("[{badge}] {again}{}", heading(alert))
        }
        Some(alert) => {
            let same = firing.iter().chain(ended).all(|other| other.rule == alert.rule);
            let what = if same { words(&alert.rule) } else { format!("{} and others", words(&alert.rule)) };
            let count =
                if open > 0 && over > 0 { format!("{open} open, {over} ended") } else { format!("{total} alerts") };
            format!("[{badge}] {again}{count}: {what}")
        }
        None => format!("[{badge}] nothing to report"),
    }
}

/// A label that may stand in a headline, where it is known.
pub(super) fn open_label(labels: &Labels, name: &str) -> Option<String> {
    let seen = labels.get(name)?;
    let text = phi::text(seen, Phi::None);
    (text != HIDDEN && text != "unknown").then_some(text)
}

const fn end_word(state: AlertState) -> &'static str {
    match state {
        AlertState::Firing => "open",
        AlertState::Resolved => "resolved",
        AlertState::Expired => "expired",
        AlertState::Closed => "no longer watched",
    }
}

/// `DeviceBatteryLow` as words: "Device battery low".
pub(super) fn words(rule: &str) -> String {
    let mut text = String::new();
    let mut before = ' ';
    for c in rule.chars() {
        if matches!(c, '_' | '-' | ' ') {
            text.push(' ');
        } else if c.is_uppercase() && before.is_lowercase() {
            text.push(' ');
            text.extend(c.to_lowercase());
        } else {
            text.push(c);
        }
        before = c;
    }
    text
}

pub(in crate::notify) fn entry(alert: &Alert, phi: Phi) -> Entry {
    let ended = alert.end.as_ref();
    let title = words(&alert.rule);
    let fallback = || format!("{title} on {} {}", alert.subject.kind, subject_id(alert, phi));
    let summary = annotation(alert, "summary", phi).unwrap_or_else(fallback);
    // What fired it is over: the line must not read as if it were so now.
    let summary = if ended.is_some() { format!("Was: {summary}") } else { summary };
    // What to do is over as well.
    let open_text = |name: &str| if ended.is_some() { None } else { annotation(alert, name, phi) };
    let mut facts = Vec::new();
    let mut add = |name: &str, value: String| {
        if value != "unknown" && !value.is_empty() {
            facts.push((name.to_owned(), value));
        }
    };
    if let Some(end) = ended {
        add("Ended", format!("{}: {}", end_word(alert.state), reason(&end.reason, phi)));
    }
    add("Device", label(alert, "item", phi));
    if let Some(serial) = alert.evidence.values.get("device.serial").filter(|serial| serial.protection <= phi) {
        add("Serial", phi::text(serial, phi));
    }
    add("Site", label(alert, "site", phi));
    for (name, of) in
        [("Device id", "device"), ("Patient id", "patient"), ("Order id", "order"), ("Return id", "return")]
    {
        if let Some(seen) = alert.labels.get(of).filter(|seen| seen.protection <= phi) {
            add(name, phi::text(seen, phi));
        }
    }
    for (name, at) in times(alert) {
        add(name, instant(at));
    }
    if alert.count > 1 {
        add("Seen", format!("{} times", alert.count));
    }
    if alert.fired >= FLAPS {
        add("Flapping", format!("it has fired {} times within a day", alert.fired));
    }
    Entry {
        number: alert.number,
        badge: if ended.is_some() { end_word(alert.state).to_owned() } else { alert.severity.as_str().to_owned() },
        tone: if ended.is_some() { Tone::Good } else { severity_tone(alert.severity) },
        title,
        summary,
        description: open_text("description"),
        action: open_text("action"),
        runbook: open_text("runbook"),
        facts,
    }
}

/// Under `none` a reason tells neither a status nor what became of device and patient: both are identifier-class facts.
pub(in crate::notify) fn reason(reason: &Reason, phi: Phi) -> String {
    match reason {
        Reason::Disassociated | Reason::Reassigned | Reason::PatientArchived | Reason::Returned if phi == Phi::None => {
            "the watch ended".to_owned()
        }
        Reason::StatusReached { .. } if phi == Phi::None => "its status ended the watch".to_owned(),
        Reason::NoLonger { .. } if phi == Phi::None => "it is no longer so".to_owned(),
        Reason::HeardAgain { .. } if phi == Phi::None => "it was heard again".to_owned(),
        Reason::QuietSince { last_match } => format!("heard from, with nothing new since {}", instant(*last_match)),
        Reason::NoNews { since } => format!("no news since {}; not known to be well", instant(*since)),
        _ => reason.to_string(),
    }
}

fn subject_id(alert: &Alert, phi: Phi) -> String {
    if phi == Phi::None { HIDDEN.to_owned() } else { phi::printable(&alert.subject.id) }
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

#[cfg(test)]
mod tests {
    use super::reason;
    use crate::engine::{Phi, Reason};

    #[test]
    fn without_identifiers_no_reason_tells_what_became_of_somebody() {
        for told in [Reason::Disassociated, Reason::Reassigned, Reason::PatientArchived, Reason::Returned] {
            assert_eq!(reason(&told, Phi::None), "the watch ended");
            assert_eq!(reason(&told, Phi::Ids), told.to_string());
        }
        let status = Reason::StatusReached { status: "delivered".to_owned() };
        assert_eq!(reason(&status, Phi::None), "its status ended the watch");
        assert_eq!(reason(&Reason::LateEvent, Phi::None), Reason::LateEvent.to_string());
    }
}
