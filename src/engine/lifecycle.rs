//! An alert's moves: it fires, is refreshed, is raised, ends. Each move leaves a transition with its reason.

use std::collections::BTreeMap;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::alert::{Alert, AlertGroup, AlertState, End, EventRef, Evidence, Labels, Reason, Seen, Transition};
use super::effect::Effects;
use super::event::{Announcement, Event, Message, Position};
use super::names::Names;
use super::receiver::{Channel, GroupBy, Route};
use super::rule::{Rule, Severity};
use super::rule_set::RuleSet;
use super::slice::Slice;
use super::subject::{Subject, SubjectKind};
use super::time::Timestamp;
use super::value::{Protection, Value};

/// Repeats bring their fresher evidence to the notification groups once in this time, once these have told of the alert.
const REFRESH_GROUPS_EVERY: Duration = Duration::from_secs(60);

/// What a label holds where nothing is known.
const UNKNOWN: &str = "unknown";

/// Where and when a move is decided.
#[derive(Clone, Copy)]
pub(super) struct Moment<'a> {
    pub rules: &'a RuleSet,
    pub now: Timestamp,
    /// The last journal row known.
    pub position: Position,
}

/// The values of everything that the rule reads, as they are now.
pub(super) fn evidence(rule: &Rule, names: &Names<'_>) -> Evidence {
    let mut values = BTreeMap::new();
    let mut path = Vec::new();
    for read in &rule.reads {
        path.clear();
        path.extend(read.path.iter().map(String::as_str));
        if let Some(value) = names.get(&path) {
            values.insert(read.path.join("."), Seen { value, protection: read.protection });
        }
    }
    // Every message about a device names it by its serial.
    if names.slice.subject.kind == SubjectKind::Device
        && let Some(value) = names.get(&["device", "serial"])
    {
        values.entry("device.serial".to_owned()).or_insert(Seen { value, protection: Protection::Ids });
    }
    Evidence { event: names.event.map(reference), values }
}

fn reference(event: &Event<'_>) -> EventRef {
    EventRef {
        position: event.position,
        id: event.id.to_owned(),
        kind: event.kind.to_owned(),
        occurred_at: event.occurred_at,
        received_at: event.received_at,
    }
}

/// Opens an alert.
pub(super) fn fire(
    at: Moment<'_>,
    rule: &Rule,
    slice: &mut Slice,
    event: &Event<'_>,
    severity: Severity,
    evidence: Evidence,
    effects: &mut Effects,
) {
    let number = effects.next_alert;
    effects.next_alert += 1;
    let episode = slice.projection.episodes.entry(rule.name.clone()).or_insert(0);
    *episode += 1;
    let mut alert = Alert {
        number,
        rule: rule.name.clone(),
        subject: slice.subject.clone(),
        episode: *episode,
        state: AlertState::Firing,
        severity,
        labels: labels(rule, slice, severity),
        opened_at: event.occurred_at,
        noticed_at: at.now,
        matched_at: event.received_at,
        count: 1,
        evidence,
        annotations: rule.annotations.clone(),
        end: None,
        groups: Vec::new(),
        told_group_at: at.now,
        rule_set: at.rules.hash.clone(),
        changed: true,
    };
    alert.groups = groups(at.rules, &alert);
    record(at, &alert, event.occurred_at, Reason::Matched { event: event.kind.to_owned() }, effects);
    tell_groups(&alert, true, effects);
    slice.alerts.push(alert);
    slice.dirty = true;
}

/// Refreshes an open alert with another event that meets its rule, and raises it where `severity` is higher.
pub(super) fn repeat(
    at: Moment<'_>,
    rule: &Rule,
    alert: &mut Alert,
    event: &Event<'_>,
    severity: Severity,
    evidence: Evidence,
    effects: &mut Effects,
) {
    let untold = |route: &Route| at.now <= alert.noticed_at.plus(route.group_wait.max(route.group_interval));
    let awaited = at.rules.route.as_ref().is_some_and(untold) && alert.evidence.values != evidence.values;
    alert.count = alert.count.saturating_add(1);
    alert.matched_at = alert.matched_at.max(event.received_at);
    if alert.evidence.event.as_ref().is_none_or(|known| known.occurred_at <= event.occurred_at) {
        alert.evidence = evidence;
    }
    alert.annotations.clone_from(&rule.annotations);
    alert.rule_set.clone_from(&at.rules.hash);
    alert.changed = true;
    if severity > alert.severity {
        raise(at, alert, severity, event.occurred_at, effects);
    } else if awaited || at.now.since(alert.told_group_at) >= REFRESH_GROUPS_EVERY {
        alert.told_group_at = at.now;
        tell_groups(alert, false, effects);
    }
}

/// Makes an open alert more urgent.
pub(super) fn raise(at: Moment<'_>, alert: &mut Alert, to: Severity, when: Timestamp, effects: &mut Effects) {
    alert.severity = to;
    alert.labels.insert("severity".to_owned(), open_label(to.as_str()));
    alert.told_group_at = at.now;
    alert.changed = true;
    record(at, alert, when, Reason::Raised { to }, effects);
    tell_groups(alert, true, effects);
}

/// Ends an alert that has left its slice. `evidence` is what the end rests on, where that is an event.
pub(super) fn end(
    at: Moment<'_>,
    mut alert: Alert,
    when: Timestamp,
    reason: Reason,
    event: Option<&Event<'_>>,
    effects: &mut Effects,
) {
    alert.state = state_after(&reason);
    alert.end = Some(End { at: when, noticed_at: at.now, reason: reason.clone(), event: event.map(reference) });
    alert.rule_set.clone_from(&at.rules.hash);
    alert.changed = true;
    record(at, &alert, when, reason, effects);
    tell_groups(&alert, true, effects);
    effects.ended.push(alert);
}

/// Only evidence resolves; the other ends say that nothing is known.
fn state_after(reason: &Reason) -> AlertState {
    match reason {
        Reason::NoNews { .. } => AlertState::Expired,
        Reason::RuleRemoved => AlertState::Closed,
        Reason::Matched { .. } | Reason::Raised { .. } => AlertState::Firing,
        Reason::ResolvedByEvent { .. }
        | Reason::QuietSince { .. }
        | Reason::Disassociated
        | Reason::Reassigned
        | Reason::StatusReached { .. }
        | Reason::PatientArchived
        | Reason::Returned
        | Reason::LateEvent => AlertState::Resolved,
    }
}

fn record(at: Moment<'_>, alert: &Alert, when: Timestamp, reason: Reason, effects: &mut Effects) {
    effects.transitions.push(Transition {
        alert: alert.number,
        to: alert.state,
        severity: alert.severity,
        at: when,
        noticed_at: at.now,
        position: at.position,
        reason,
        evidence: alert.end.as_ref().map_or_else(
            || alert.evidence.clone(),
            |end| Evidence { event: end.event.clone(), values: BTreeMap::new() },
        ),
        rule_set: at.rules.hash.clone(),
    });
}

fn tell_groups(alert: &Alert, news: bool, effects: &mut Effects) {
    for group in &alert.groups {
        let announcement = Announcement { alert: alert.clone(), group: group.clone(), news };
        let subject = Subject::new(SubjectKind::Group, group.id.clone());
        effects.messages.push_back((subject, Message::Alert(Box::new(announcement))));
    }
}

/// Brings an open alert into the groups of another rule set's route; those that have not told of it yet will. A receiver
/// that the route has left stays, to hear of the end; an address that is gone, or that another group reaches now, does not.
pub(super) fn regroup(at: Moment<'_>, alert: &mut Alert, effects: &mut Effects) {
    let same_place =
        |one: &AlertGroup, other: &AlertGroup| one.receiver == other.receiver && one.channel == other.channel;
    let mut groups = groups(at.rules, alert);
    for group in &mut groups {
        // By the names of the labels, not their values: an alert that was raised stays where it was announced.
        let same = |old: &&AlertGroup| same_place(old, group) && old.labels.keys().eq(group.labels.keys());
        if let Some(old) = alert.groups.iter().find(same) {
            group.clone_from(old);
        }
    }
    for old in &alert.groups {
        if groups.iter().any(|group| group.id == old.id) {
            continue;
        }
        if at.rules.reaches(&old.receiver, &old.channel) && !groups.iter().any(|group| same_place(group, old)) {
            groups.push(old.clone());
        } else {
            let subject = Subject::new(SubjectKind::Group, old.id.clone());
            effects.messages.push_back((subject, Message::Left { alert: alert.number }));
        }
    }
    alert.changed |= groups != alert.groups;
    alert.groups = groups;
    tell_groups(alert, false, effects);
}

/// The groups that the rule set's route puts an alert in: one for each channel of the receiver.
fn groups(rules: &RuleSet, alert: &Alert) -> Vec<AlertGroup> {
    let Some(route) = &rules.route else { return Vec::new() };
    let Some(receiver) = rules.receiver(&route.receiver) else { return Vec::new() };
    let (labels, key) = match &route.group_by {
        GroupBy::Each => (alert.labels.clone(), format!("alert {}", alert.number)),
        GroupBy::Labels(names) => {
            let labels: Labels = names
                .iter()
                .map(|name| (name.clone(), alert.labels.get(name).cloned().unwrap_or_else(|| open_label(UNKNOWN))))
                .collect();
            let key =
                labels.iter().map(|(name, seen)| format!("{name}={:?}", seen.value.as_text())).collect::<String>();
            (labels, key)
        }
    };
    let channels = receiver.channels.iter().map(|channel| AlertGroup {
        id: group_id(&receiver.name, channel, &key),
        receiver: receiver.name.clone(),
        channel: channel.clone(),
        labels: labels.clone(),
    });
    channels.collect()
}

/// A group's id says nothing of its labels, so that it may stand in logs.
fn group_id(receiver: &str, channel: &Channel, key: &str) -> String {
    let destination = match channel {
        Channel::Email { to } => to.join(","),
        Channel::SlackWebhook { webhook } => webhook.clone(),
    };
    key_of(&[receiver, channel.kind(), &destination, key])
}

/// A key that the same parts always give: the first 128 bits of a SHA-256 over length-prefixed parts, in hexadecimal.
pub fn key_of(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn open_label(text: &str) -> Seen {
    Seen { value: Value::from(text), protection: Protection::None }
}

/// The labels that every alert has, and the rule's own.
fn labels(rule: &Rule, slice: &Slice, severity: Severity) -> Labels {
    let kind = slice.subject.kind;
    let projection = &slice.projection;
    let own = |name: &str| projection.record.get(name).and_then(Value::as_text);
    let copy = |kind: SubjectKind, name: &str| {
        projection.related.get(&kind).and_then(|related| related.record.get(name)).and_then(Value::as_text)
    };
    let id_of = |wanted: SubjectKind, field: &str| {
        if kind == wanted {
            return Some(slice.subject.id.as_str());
        }
        own(field).or_else(|| projection.related.get(&wanted).map(|related| related.id.as_str()))
    };
    let own_name = |wanted: SubjectKind| (kind == wanted).then(|| own("name").unwrap_or(&slice.subject.id));
    let site = own_name(SubjectKind::Site).or_else(|| own("site")).or_else(|| copy(SubjectKind::Site, "name"));
    let site = site.or_else(|| id_of(SubjectKind::Site, "site"));
    let item = own_name(SubjectKind::Item).or_else(|| own("item")).or_else(|| copy(SubjectKind::Item, "name"));
    let model = own("model").or_else(|| copy(SubjectKind::Item, "model"));
    let mut labels = Labels::new();
    let mut put = |name: &str, value: Option<&str>, protection: Protection| {
        let seen = Seen { value: Value::from(value.unwrap_or(UNKNOWN)), protection };
        labels.insert(name.to_owned(), seen);
    };
    put("alertname", Some(&rule.name), Protection::None);
    put("severity", Some(severity.as_str()), Protection::None);
    put("subject", Some(kind.as_str()), Protection::None);
    put("device", id_of(SubjectKind::Device, "device"), Protection::Ids);
    put("patient", id_of(SubjectKind::Patient, "patient"), Protection::Ids);
    put("site", site, Protection::None);
    put("item", item, Protection::None);
    put("model", model, Protection::None);
    if !matches!(kind, SubjectKind::Device | SubjectKind::Patient | SubjectKind::Site | SubjectKind::Item) {
        put(kind.as_str(), Some(&slice.subject.id), Protection::Ids);
    }
    for (name, value) in &rule.labels {
        labels.entry(name.clone()).or_insert_with(|| open_label(value));
    }
    labels
}
