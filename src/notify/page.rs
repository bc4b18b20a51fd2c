//! What a message says, before it takes the form of a channel.

use std::collections::{BTreeMap, BTreeSet};

use minijinja::value::Value as Shown;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Serialize;

use super::phi::{self, HIDDEN, instant, shown};
use crate::engine::{
    Alert, AlertState, Content, DigestReport, DigestSection, Notification, Phi, Reason, SelfAlert, Severity, Timestamp,
};

/// Steps that one text may take: a template that runs away stops there.
const FUEL: u64 = 50_000;

/// Characters of one rendered text.
const LONGEST: usize = 1500;

/// Times that lie further apart than this are told apart.
const NOTEWORTHY: i64 = 10 * 60 * 1000;

/// From how many times within a day on it is said that an alert comes and goes.
const FLAPS: u32 = 3;

/// A message's contents.
#[derive(Debug, Serialize)]
pub(super) struct Page {
    /// For the mail's subject and Slack's notification: holds no identifier.
    pub headline: String,
    pub tone: Tone,
    /// A sentence or two before the lists. What has several lines is shown as it stands.
    pub lead: Vec<String>,
    pub sections: Vec<Section>,
    /// Small print.
    pub foot: Vec<String>,
}

/// How a message looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Tone {
    Critical,
    Warning,
    Info,
    Good,
}

#[derive(Debug, Serialize)]
pub(super) struct Section {
    pub title: String,
    pub entries: Vec<Entry>,
    /// What the list leaves out.
    pub more: Option<String>,
}

/// One alert in a list.
#[derive(Debug, Serialize)]
pub(super) struct Entry {
    pub number: u64,
    pub badge: String,
    pub tone: Tone,
    pub title: String,
    pub summary: String,
    /// What came before it, and what it may mean.
    pub description: Option<String>,
    pub action: Option<String>,
    /// How to look into it.
    pub runbook: Option<String>,
    pub facts: Vec<(String, String)>,
}

/// The page of a notification.
pub(super) fn of(notification: &Notification) -> Page {
    let phi = notification.phi;
    match &notification.content {
        Content::Alerts { firing, ended, firing_omitted, ended_omitted, repeat, .. } => {
            alerts(phi, firing, ended, *firing_omitted, *ended_omitted, *repeat, &notification.receiver)
        }
        Content::Digest(report) => digest(phi, report, &notification.receiver),
        Content::Test { by } => Page {
            headline: format!("[TEST] Pulsewarden reaches {}", notification.receiver),
            tone: Tone::Info,
            lead: vec![
                format!("This is a test for the receiver {}, asked for by {by}.", notification.receiver),
                "Nothing is wrong and nothing needs to be done.".to_owned(),
            ],
            sections: Vec::new(),
            foot: vec![foot(&notification.receiver)],
        },
        Content::SelfAlert(alert) => own(alert),
    }
}

fn foot(receiver: &str) -> String {
    format!("Sent by Pulsewarden to the receiver {receiver}.")
}

fn own(alert: &SelfAlert) -> Page {
    let badge = if alert.firing { "PULSEWARDEN" } else { "PULSEWARDEN OK" };
    Page {
        headline: format!("[{badge}] {}", alert.summary),
        tone: if alert.firing { Tone::Critical } else { Tone::Good },
        lead: std::iter::once(alert.summary.as_str()).chain(alert.action.split("\n\n")).map(str::to_owned).collect(),
        sections: Vec::new(),
        foot: vec![format!("Pulsewarden watches itself; this is its watch {}.", alert.watch)],
    }
}

fn alerts(
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

fn more(omitted: usize) -> Option<String> {
    (omitted > 0).then(|| format!("and {omitted} more: `pulsewarden alerts` lists them all"))
}

fn tone(firing: &[Alert]) -> Tone {
    firing.iter().map(|alert| alert.severity).max().map_or(Tone::Good, severity_tone)
}

fn severity_tone(severity: Severity) -> Tone {
    match severity {
        Severity::Info => Tone::Info,
        Severity::Warning => Tone::Warning,
        Severity::Critical => Tone::Critical,
    }
}

fn headline(firing: &[Alert], ended: &[Alert], omitted: (usize, usize), again: &str) -> String {
    let badge = match firing.iter().map(|alert| alert.severity).max() {
        Some(severity) => severity.as_str().to_uppercase(),
        None => {
            let first = ended.first().map(|alert| alert.state);
            let same = ended.iter().all(|alert| Some(alert.state) == first);
            first.filter(|_| same).map_or("ended", end_word).to_uppercase()
        }
    };
    let (open, over) = (firing.len() + omitted.0, ended.len() + omitted.1);
    let total = open + over;
    match firing.first().or(ended.first()) {
        Some(alert) if total == 1 => {
            let place = [open_label(alert, "item"), open_label(alert, "site")];
            let place: Vec<String> = place.into_iter().flatten().collect();
            let place = if place.is_empty() { String::new() } else { format!(": {}", place.join(", ")) };
            format!("[{badge}] {again}{}{place} (alert {})", words(&alert.rule), alert.number)
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
fn open_label(alert: &Alert, name: &str) -> Option<String> {
    let seen = alert.labels.get(name)?;
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
fn words(rule: &str) -> String {
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

fn entry(alert: &Alert, phi: Phi) -> Entry {
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
fn reason(reason: &Reason, phi: Phi) -> String {
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

/// A label for a receiver that may see `phi`; empty where the alert has none of that name.
#[must_use]
pub fn label(alert: &Alert, name: &str, phi: Phi) -> String {
    alert.labels.get(name).map(|seen| phi::text(seen, phi)).unwrap_or_default()
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

/// A rule's text for a receiver that may see `phi`, rendered from the alert's evidence and nothing else. `None` where the rule
/// has no such text, or it comes to nothing.
#[must_use]
pub fn annotation(alert: &Alert, name: &str, phi: Phi) -> Option<String> {
    let template = alert.annotations.get(name)?;
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_fuel(Some(FUEL));
    environment.set_formatter(|out, state, value| {
        if value.is_undefined() || value.is_none() {
            return Ok(out.write_str("unknown")?);
        }
        minijinja::escape_formatter(out, state, value)
    });
    let rendered = environment.render_str(template, context(alert, phi)).ok()?;
    let text: String = rendered.chars().take(LONGEST).collect();
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// The names that a text can use: `device.serial` and the like from the evidence, `labels`, `alert`.
fn context(alert: &Alert, phi: Phi) -> Shown {
    let mut roots: BTreeMap<String, Shown> = BTreeMap::new();
    let mut tree = Tree::default();
    for (path, seen) in &alert.evidence.values {
        tree.put(path.split('.'), shown(seen, phi));
    }
    for (root, node) in tree.children {
        roots.insert(root, node.into_shown());
    }
    let labels: BTreeMap<String, Shown> =
        alert.labels.iter().map(|(name, seen)| (name.clone(), shown(seen, phi))).collect();
    roots.insert("labels".to_owned(), Shown::from(labels));
    let own: BTreeMap<&str, Shown> = BTreeMap::from([
        ("number", Shown::from(alert.number)),
        ("severity", Shown::from(alert.severity.as_str())),
        ("opened_at", Shown::from(instant(alert.opened_at))),
        ("count", Shown::from(alert.count)),
    ]);
    roots.insert("alert".to_owned(), Shown::from(own));
    Shown::from(roots)
}

/// Dotted names as nested maps.
#[derive(Default)]
struct Tree {
    value: Option<Shown>,
    children: BTreeMap<String, Tree>,
}

impl Tree {
    fn put<'p>(&mut self, mut path: impl Iterator<Item = &'p str>, value: Shown) {
        match path.next() {
            Some(step) => self.children.entry(step.to_owned()).or_default().put(path, value),
            None => self.value = Some(value),
        }
    }

    fn into_shown(self) -> Shown {
        match self.value {
            Some(value) => value,
            None => {
                let children: BTreeMap<String, Shown> =
                    self.children.into_iter().map(|(name, child)| (name, child.into_shown())).collect();
                Shown::from(children)
            }
        }
    }
}

fn digest(phi: Phi, report: &DigestReport, receiver: &str) -> Page {
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
