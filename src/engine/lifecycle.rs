//! An alert's moves: it fires, is refreshed, is raised, ends. Each move leaves a transition with its reason.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::alert::{Alert, AlertState, End, Ending, EventRef, Evidence, Grounds, Reason, Seen, Transition};
use super::effect::Effects;
use super::evaluate::holds;
use super::event::{Event, News, Position};
use super::expression::Truth;
use super::grouping::{self, tell_groups};
use super::inhibition;
use super::labels::{labels, open_label};
use super::names::Names;
use super::rule::{RaiseWhen, Rule, Severity};
use super::rule_set::RuleSet;
use super::slice::Slice;
use super::standing::Standing;
use super::subject::SubjectKind;
use super::time::Timestamp;
use super::value::Protection;

/// Repeats bring their fresher evidence to the notification groups once in this time, once these have told of the alert.
const REFRESH_GROUPS_EVERY: Duration = Duration::from_secs(60);

/// Where and when a move is decided.
#[derive(Clone, Copy)]
pub(super) struct Moment<'a> {
    pub rules: &'a RuleSet,
    pub standing: &'a Standing,
    pub now: Timestamp,
    /// The last journal row known.
    pub position: Position,
    /// True while a subject is judged by rules that have just come, or for what was so when it was found: that is no news.
    pub baseline: bool,
}

/// What opens an alert.
pub(super) struct Opening {
    /// When what fires it happened, or was due.
    pub at: Timestamp,
    /// When it was heard.
    pub heard_at: Timestamp,
    /// How many events, or different subjects, it rests on.
    pub count: u32,
    pub severity: Severity,
    pub reason: Reason,
    pub evidence: Evidence,
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
    Evidence { event: names.event.map(reference), values, grounds: Grounds::default() }
}

/// The rule's severity, or the highest that a `raise` gives with these names.
pub(super) fn severity(rule: &Rule, names: &Names<'_>, effects: &mut Effects) -> Severity {
    let raised = rule.raise.iter().filter(|raise| match &raise.when {
        RaiseWhen::Where(condition) => holds(Some(condition), rule, names, effects) == Truth::True,
        RaiseWhen::After(_) => false,
    });
    raised.map(|raise| raise.to).max().map_or(rule.severity, |raised| raised.max(rule.severity))
}

pub(super) fn reference(event: &Event<'_>) -> EventRef {
    EventRef {
        position: event.position,
        id: event.id.to_owned(),
        kind: event.kind.to_owned(),
        occurred_at: event.occurred_at,
        received_at: event.received_at,
    }
}

/// Opens an alert.
pub(super) fn fire(at: Moment<'_>, rule: &Rule, slice: &mut Slice, opening: Opening, effects: &mut Effects) {
    let Opening { at: when, heard_at, count, severity, reason, evidence } = opening;
    let number = effects.next_alert;
    effects.next_alert += 1;
    let fired = slice.memory(&rule.name).fires(at.now);
    let episode = slice.projection.episodes.entry(rule.name.clone()).or_insert(0);
    *episode += 1;
    let mut alert = Alert {
        number,
        rule: rule.name.to_string(),
        subject: slice.subject.clone(),
        episode: *episode,
        state: AlertState::Firing,
        severity,
        labels: labels(at.rules, rule, slice, severity),
        opened_at: when,
        noticed_at: at.now,
        matched_at: heard_at,
        count,
        evidence,
        annotations: rule.annotations.clone(),
        end: None,
        groups: Vec::new(),
        told_group_at: at.now,
        rule_set: at.rules.hash.clone(),
        ending: None,
        baseline: at.baseline,
        shadow: rule.shadow,
        fired,
        acknowledged: None,
        assignee: None,
        notes: Vec::new(),
        escalates_from: None,
        escalated: BTreeSet::new(),
        inhibition: Vec::new(),
        inhibited_by: BTreeMap::new(),
        changed: true,
    };
    alert.groups = grouping::groups(at.rules, &alert);
    record(at, &alert, when, reason, effects);
    tell_groups(&alert, News::Some, effects);
    inhibition::takes_part(at.rules, &mut alert, effects);
    slice.alerts.push(alert);
    slice.dirty = true;
    slice.unarmed = true;
}

/// Another event that meets an open alert's rule.
pub(super) struct Repeat {
    pub severity: Severity,
    pub evidence: Evidence,
    /// How many it rests on now; `None`: one more than before.
    pub count: Option<u32>,
}

/// Refreshes an open alert, and raises it where the severity is higher. What would have ended it counts no more.
pub(super) fn repeat(
    at: Moment<'_>,
    rule: &Rule,
    alert: &mut Alert,
    event: &Event<'_>,
    repeat: Repeat,
    effects: &mut Effects,
) {
    let Repeat { severity, evidence, count } = repeat;
    let untold = at.rules.longest_wait().is_some_and(|wait| at.now <= alert.noticed_at.plus(wait));
    let awaited = untold && alert.evidence.values != evidence.values;
    alert.ending = None;
    alert.count = count.unwrap_or(alert.count.saturating_add(1));
    alert.matched_at = alert.matched_at.max(event.received_at);
    if alert.evidence.event.as_ref().is_none_or(|known| known.occurred_at <= event.occurred_at) {
        alert.evidence = evidence;
    }
    if alert.annotations != rule.annotations {
        alert.annotations.clone_from(&rule.annotations);
    }
    alert.rule_set.clone_from(&at.rules.hash);
    alert.changed = true;
    if severity > alert.severity {
        raise(at, alert, severity, event.occurred_at, effects);
    } else if awaited || at.now.since(alert.told_group_at) >= REFRESH_GROUPS_EVERY {
        alert.told_group_at = at.now;
        tell_groups(alert, News::None, effects);
    }
}

/// What an end by evidence rests on.
pub(super) struct Closing<'e> {
    /// When what ends it happened, or was due.
    pub at: Timestamp,
    pub reason: Reason,
    pub event: Option<&'e Event<'e>>,
}

/// Ends the open alert of a rule, or lets it stay for the rule's `keep_firing_for` in case it comes back. Where the alert
/// was due only after what ends it, it would not have fired: it is taken back at once.
pub(super) fn would_end(at: Moment<'_>, rule: &Rule, slice: &mut Slice, closing: Closing<'_>, effects: &mut Effects) {
    let Some(open) = slice.alerts.iter().position(|alert| alert.rule == rule.name) else { return };
    let Closing { at: when, reason, event } = closing;
    let alert = &mut slice.alerts[open];
    let retracts = reason == Reason::LateEvent;
    if rule.keep_firing_for.is_some() && !retracts {
        if alert.ending.is_none() {
            let event = event.map(reference);
            alert.ending = Some(Box::new(Ending { at: when, heard_at: at.now, reason, event }));
            alert.changed = true;
            slice.unarmed = true;
        }
        return;
    }
    let alert = slice.alerts.remove(open);
    slice.dirty = true;
    slice.unarmed = true;
    end(at, alert, when, reason, event.map(reference), effects);
}

/// What would have ended the open alert of a rule, and was kept back, counts no more; true where there is such an alert.
pub(super) fn comes_back(rule: &Rule, slice: &mut Slice) -> bool {
    let Some(alert) = slice.alerts.iter_mut().find(|alert| alert.rule == rule.name) else { return false };
    alert.changed |= alert.ending.take().is_some();
    slice.unarmed = true;
    true
}

/// Makes an open alert more urgent.
pub(super) fn raise(at: Moment<'_>, alert: &mut Alert, to: Severity, when: Timestamp, effects: &mut Effects) {
    alert.severity = to;
    alert.labels.insert("severity".to_owned(), open_label(to.as_str()));
    alert.told_group_at = at.now;
    alert.changed = true;
    record(at, alert, when, Reason::Raised { to }, effects);
    grouping::add_groups(at.rules, alert);
    tell_groups(alert, News::Some, effects);
    inhibition::takes_part(at.rules, alert, effects);
}

/// Ends an alert that has left its slice. `evidence` is what the end rests on, where that is an event.
pub(super) fn end(
    at: Moment<'_>,
    mut alert: Alert,
    when: Timestamp,
    reason: Reason,
    event: Option<EventRef>,
    effects: &mut Effects,
) {
    alert.state = state_after(&reason);
    alert.ending = None;
    alert.end = Some(End { at: when, noticed_at: at.now, reason: reason.clone(), event });
    alert.rule_set.clone_from(&at.rules.hash);
    alert.changed = true;
    record(at, &alert, when, reason, effects);
    tell_groups(&alert, News::Some, effects);
    inhibition::takes_part(at.rules, &mut alert, effects);
    effects.ended.push(alert);
}

/// Only evidence resolves; the other ends say that nothing is known.
fn state_after(reason: &Reason) -> AlertState {
    match reason {
        Reason::NoNews { .. } => AlertState::Expired,
        Reason::RuleRemoved | Reason::RuleChanged => AlertState::Closed,
        Reason::Matched { .. }
        | Reason::Counted { .. }
        | Reason::Shared { .. }
        | Reason::Silent { .. }
        | Reason::Held { .. }
        | Reason::NotFollowed { .. }
        | Reason::NotPreceded { .. }
        | Reason::Raised { .. } => AlertState::Firing,
        Reason::ByHand { .. }
        | Reason::TooFew { .. }
        | Reason::HeardAgain { .. }
        | Reason::NoLonger { .. }
        | Reason::Followed { .. }
        | Reason::ResolvedByEvent { .. }
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
        evidence: alert
            .end
            .as_ref()
            .map_or_else(|| alert.evidence.clone(), |end| Evidence { event: end.event.clone(), ..Evidence::default() }),
        rule_set: at.rules.hash.clone(),
    });
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
