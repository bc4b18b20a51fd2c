//! Rules about states: `while` something holds, perhaps for a time. Also the `while` of rules about silence.

use smol_str::{SmolStr, format_smolstr};

use super::alert::{Alert, Reason};
use super::effect::Effects;
use super::evaluate::{holds, names};
use super::event::Event;
use super::expression::Truth;
use super::lifecycle::{self, Closing, Moment, Opening};
use super::memory::Memory;
use super::rule::{Rule, Trigger};
use super::slice::{Projection, Slice};
use super::state::{Field, FieldGroup};
use super::time::Timestamp;
use super::value::Value;
use super::{silent, slice::Why};

/// Looks at a rule's state again, since the subject has changed; `event` is what changed it.
pub(super) fn judge(at: Moment<'_>, rule: &Rule, slice: &mut Slice, event: Option<&Event<'_>>, effects: &mut Effects) {
    let Some(condition) = &rule.holds else { return };
    let anew = starts_anew(at, rule, slice, event, effects);
    let memory = slice.projection.rules.get(&rule.name);
    let (held_since, unsure) = memory.map_or((None, false), |memory| (memory.held_since, memory.unsure));
    match holds(Some(condition), rule, &names(at, slice), effects) {
        Truth::True if held_since.is_none() => {
            let since = since(at, rule, slice, event);
            let memory = slice.memory(&rule.name);
            (memory.held_since, memory.shape) = (Some(since), Some(rule.derived.shape));
            slice.unarmed = true;
            let again = |alert: &Alert| alert.rule == rule.name && alert.ending.is_some();
            // With `each`, another value is another story: what ended with the first does not come back.
            if matches!(rule.trigger, Trigger::While { .. }) && !anew && slice.alerts.iter().any(again) {
                lifecycle::comes_back(rule, slice);
            }
        }
        Truth::True if unsure => {
            slice.memory(&rule.name).unsure = false;
            slice.unarmed = true;
        }
        Truth::True => {}
        Truth::False { term } => {
            if held_since.is_some() {
                let memory = slice.memory(&rule.name);
                (memory.held_since, memory.rests, memory.unsure) = (None, false, false);
            }
            ends(at, rule, slice, event, term, effects);
        }
        // Nothing fires for what is not known, and nothing ends.
        Truth::Unknown { .. } | Truth::Fault { .. } if held_since.is_some() && !unsure => {
            slice.memory(&rule.name).unsure = true;
        }
        Truth::Unknown { .. } | Truth::Fault { .. } => {}
    }
    if matches!(rule.trigger, Trigger::While { .. }) {
        due(at, rule, slice, effects);
    }
}

/// The state is over, and with it what rests on it.
fn ends(
    at: Moment<'_>,
    rule: &Rule,
    slice: &mut Slice,
    event: Option<&Event<'_>>,
    term: SmolStr,
    effects: &mut Effects,
) {
    let Some(alert) = slice.open(&rule.name) else { return };
    let when = match event {
        Some(event) => changed_at(rule, slice).unwrap_or(event.occurred_at).min(event.received_at),
        None => at.now,
    };
    let reason = if at.baseline {
        Reason::RuleChanged
    } else if event.is_some() && when < alert.opened_at {
        Reason::LateEvent
    } else {
        Reason::NoLonger { term: term.to_string() }
    };
    lifecycle::would_end(at, rule, slice, Closing { at: when, reason, event }, effects);
}

/// With `each`, another value of that field begins anew; true where this is one.
fn starts_anew(
    at: Moment<'_>,
    rule: &Rule,
    slice: &mut Slice,
    event: Option<&Event<'_>>,
    effects: &mut Effects,
) -> bool {
    let Trigger::While { each: Some(field), .. } = &rule.trigger else { return false };
    let now = slice.projection.record.get(field).map(Value::key);
    let memory = slice.projection.rules.get(&rule.name);
    if memory.and_then(|memory| memory.each.as_ref()) == now.as_ref() {
        return false;
    }
    let known = memory.is_some_and(|memory| memory.each.is_some());
    let memory = slice.memory(&rule.name);
    memory.each = now;
    if known {
        (memory.held_since, memory.rests, memory.unsure) = (None, false, false);
        let term = format_smolstr!("{}.{field} has changed", slice.subject.kind);
        ends(at, rule, slice, event, term, effects);
    }
    known
}

/// Looks at a rule's state by what the rule says now. Where that is something else than before, what is remembered of it goes:
/// since when the state holds, and when it was heard.
pub(super) fn judge_anew(at: Moment<'_>, rule: &Rule, slice: &mut Slice, effects: &mut Effects) {
    let memory = slice.projection.rules.get_mut(&rule.name);
    let other = memory.filter(|memory| memory.shape.is_some_and(|shape| shape != rule.derived.shape));
    let changed = other.is_some();
    if let Some(memory) = other {
        let shape = Some(rule.derived.shape);
        *memory = Memory { shape, fired_at: std::mem::take(&mut memory.fired_at), ..Memory::default() };
        slice.dirty = true;
    }
    judge(at, rule, slice, None, effects);
    match rule.trigger {
        Trigger::Silent { .. } => silent::close(at, rule, slice, changed, effects),
        _ => close(at, rule, slice, effects),
    }
    due(at, rule, slice, effects);
}

/// Closes the alert of a rule that now asks for a longer time than the state has lasted.
fn close(at: Moment<'_>, rule: &Rule, slice: &mut Slice, effects: &mut Effects) {
    if held_long_enough(at, rule, slice).is_some_and(|(_, due)| due > at.now) {
        for alert in slice.take_alerts(|alert| alert.rule == rule.name && alert.ending.is_none()) {
            lifecycle::end(at, alert, at.now, Reason::RuleChanged, None, effects);
        }
    }
}

/// The subject's relations have ended: what is so still counts for nothing.
pub(super) fn rest(at: Moment<'_>, slice: &mut Slice) {
    for rule in at.rules.states(slice.subject.kind).filter(|rule| rule.ends_with_relations) {
        let held = slice.projection.rules.get(&rule.name).is_some_and(|memory| memory.held_since.is_some());
        if held || rule.holds.is_none() {
            slice.memory(&rule.name).rests = true;
        }
    }
}

/// The subject's relations begin anew: what has been so all the while counts from now on.
pub(super) fn begin_anew(at: Moment<'_>, slice: &mut Slice, event: Option<&Event<'_>>) {
    for rule in at.rules.states(slice.subject.kind) {
        if !slice.projection.rules.get(&rule.name).is_some_and(|memory| memory.rests) {
            continue;
        }
        let since = match &rule.trigger {
            Trigger::Silent { .. } => received(at, event),
            _ => event.map_or(at.now, |event| event.occurred_at.min(at.now)),
        };
        let memory = slice.memory(&rule.name);
        (memory.held_since, memory.rests) = (Some(since), false);
        slice.unarmed = true;
    }
}

/// The status is known from an earlier time on: states that are true count from there.
pub(super) fn held_for_longer(at: Moment<'_>, slice: &mut Slice, effects: &mut Effects) {
    for rule in at.rules.states(slice.subject.kind).filter(|rule| matches!(rule.trigger, Trigger::While { .. })) {
        let known = slice.projection.rules.get(&rule.name).and_then(Memory::counts_since);
        if let (Some(since), Some(known)) = (changed_at(rule, slice), known)
            && since < known
        {
            slice.memory(&rule.name).held_since = Some(since);
            slice.unarmed = true;
            due(at, rule, slice, effects);
        }
    }
}

/// Since when a state that is true now has been so: the newest of the times of what the condition reads, as far as these are
/// known; else the event's. One that reads the time is so since it was looked at.
fn since(at: Moment<'_>, rule: &Rule, slice: &Slice, event: Option<&Event<'_>>) -> Timestamp {
    if rule.derived.reads_clock {
        return at.now;
    }
    let fallback = event.map_or(at.now, |event| event.occurred_at);
    if matches!(rule.trigger, Trigger::Silent { .. }) {
        // What is to be heard can be heard only from then on.
        return if at.baseline { changed_at(rule, slice).unwrap_or(at.now).min(at.now) } else { received(at, event) };
    }
    changed_at(rule, slice).unwrap_or(fallback).min(at.now)
}

/// When an event was received: that of one out of Impilo's log lies further back than its row.
fn received(at: Moment<'_>, event: Option<&Event<'_>>) -> Timestamp {
    event.map_or(at.now, |event| event.received_at.min(at.now))
}

/// The newest time at which one of the subject's own fields that the rule's condition reads came to be as it is; `None` where
/// one of them has no such time.
fn changed_at(rule: &Rule, slice: &Slice) -> Option<Timestamp> {
    let Projection { record, turn, .. } = &slice.projection;
    let kind = slice.subject.kind;
    let time = |name: &str| record.get(name).and_then(Value::as_time);
    let mut newest = None;
    for path in &rule.derived.state_reads {
        let root = path.first()?;
        // These never change by themselves.
        if root == "settings" || path.get(1).is_some_and(|name| name == "id") {
            continue;
        }
        let name = path.get(1)?;
        if root != kind.as_str() {
            return None;
        }
        let at = match Field::find(kind, name)?.group {
            FieldGroup::Status => time("status_at").or_else(|| record.time(FieldGroup::Status)),
            FieldGroup::Association => {
                let turned = turn.as_ref().map(|turn| turn.at);
                time("associated_at").max(turned).or_else(|| record.time(FieldGroup::Association))
            }
            FieldGroup::Battery => time("battery_at"),
            FieldGroup::Identity | FieldGroup::Life => None,
        };
        newest = newest.max(Some(at?));
    }
    newest
}

/// When a state has held for long enough, without `grace`.
fn held_long_enough(at: Moment<'_>, rule: &Rule, slice: &Slice) -> Option<(Timestamp, Timestamp)> {
    let Trigger::While { lasting, .. } = &rule.trigger else { return None };
    let since = slice.projection.rules.get(&rule.name)?.counts_since()?;
    Some((since, lasting.as_ref().map_or(since, |lasting| lasting.after_hearing(since, &at.standing.blind))))
}

/// When the rule wants to be looked at.
pub(super) fn deadline(at: Moment<'_>, rule: &Rule, slice: &Slice) -> Option<Timestamp> {
    match &rule.trigger {
        Trigger::Silent { .. } => silent::deadline(at, rule, slice),
        _ if slice.open(&rule.name).is_some_and(|alert| alert.ending.is_none()) => None,
        _ => {
            let (_, due) = held_long_enough(at, rule, slice)?;
            Some(rule.grace.as_ref().map_or(due, |grace| grace.after_hearing(due, &at.standing.blind)))
        }
    }
}

/// Fires where the deadline has come.
pub(super) fn due(at: Moment<'_>, rule: &Rule, slice: &mut Slice, effects: &mut Effects) {
    if matches!(rule.trigger, Trigger::Silent { .. }) {
        return silent::due(at, rule, slice, effects);
    }
    if deadline(at, rule, slice).is_none_or(|due| due > at.now) {
        return;
    }
    if lifecycle::comes_back(rule, slice) {
        return;
    }
    let Some((since, due)) = held_long_enough(at, rule, slice) else { return };
    let names = names(at, slice);
    let severity = lifecycle::severity(rule, &names, effects);
    let mut evidence = lifecycle::evidence(rule, &names);
    evidence.grounds.since = Some(since);
    evidence.grounds.due = Some(due);
    let reason = Reason::Held { since };
    let at = Moment { baseline: at.baseline || slice.found_so(since), ..at };
    lifecycle::fire(at, rule, slice, Opening { at: due, heard_at: due, count: 1, severity, reason, evidence }, effects);
}

/// Since when, and until when, a rule is pending: its state holds and must hold longer, or `grace` holds it back.
pub(super) fn pending(at: Moment<'_>, rule: &Rule, slice: &Slice) -> Option<(Timestamp, Timestamp)> {
    let until = deadline(at, rule, slice)?;
    if let Trigger::Silent { .. } = rule.trigger {
        return silent::overdue(at, rule, slice).map(|since| (since, until));
    }
    held_long_enough(at, rule, slice).map(|(since, _)| (since, until))
}

/// What a rule about a state or silence is waiting for, for those who ask why it does not fire.
pub(super) fn why(at: Moment<'_>, rule: &Rule, slice: &Slice) -> Why {
    if let Some(alert) = slice.open(&rule.name) {
        return Why::AlreadyOpen { alert: alert.number };
    }
    if let Some(until) = deadline(at, rule, slice) {
        return Why::Waits { until };
    }
    let memory = slice.projection.rules.get(&rule.name);
    if memory.is_some_and(|memory| memory.rests) {
        return Why::Rests;
    }
    let mut quiet = Effects::default();
    match holds(rule.holds.as_ref(), rule, &names(at, slice), &mut quiet) {
        Truth::True => Why::NeverHeard,
        Truth::False { term } => Why::False { term },
        Truth::Unknown { term } => Why::Unknown { term },
        Truth::Fault { error } => Why::Fault { error },
    }
}
