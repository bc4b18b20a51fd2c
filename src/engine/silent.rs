//! Rules about silence: nothing heard where there should be.
//!
//! Deadlines are lazy: an event moves what was last heard, not the wake-up; that looks when it is due.

use super::alert::Reason;
use super::effect::Effects;
use super::evaluate::{Taken, names};
use super::event::Event;
use super::lifecycle::{self, Closing, Moment, Opening};
use super::memory::Memory;
use super::rule::{EventPattern, Rule, Since, Trigger};
use super::slice::Slice;
use super::subject::SubjectKind;
use super::time::Timestamp;
use super::value::Value;

/// What the rule listens for was heard.
pub(super) fn heard(taken: Taken<'_>, rule: &Rule, slice: &mut Slice, effects: &mut Effects) {
    let Taken { at, event, .. } = taken;
    if is_typed_in(event) {
        return;
    }
    let when = event.heard_at();
    slice.dirty = true;
    match slice.projection.rules.get_mut(&rule.name) {
        Some(memory) => {
            slice.unarmed |= memory.heard_at.is_none();
            memory.heard_at = memory.heard_at.max(Some(when));
            memory.shape = Some(rule.derived.shape);
        }
        None => {
            slice.unarmed = true;
            let memory = Memory { heard_at: Some(when), shape: Some(rule.derived.shape), ..Memory::default() };
            slice.projection.rules.insert(rule.name.clone(), memory);
        }
    }
    let Some(alert) = slice.open(&rule.name) else { return };
    let reason = if when < alert.opened_at {
        // Heard in time, and learned too late: it was not silent then. But it may be by now.
        if ends_patience(at, rule, slice).is_some_and(|(_, due)| due <= at.now) {
            return;
        }
        Reason::LateEvent
    } else {
        Reason::HeardAgain { event: event.kind.to_owned() }
    };
    lifecycle::would_end(at, rule, slice, Closing { at: when, reason, event: Some(event) }, effects);
}

/// While no rule was about such subjects, nobody told this one what was heard of its devices: its silence begins now.
pub(super) fn was_deaf(at: Moment<'_>, slice: &mut Slice) {
    if slice.subject.kind == SubjectKind::Device {
        return;
    }
    let heard_by_now = |heard: &mut Option<Timestamp>| *heard = heard.map(|heard| heard.max(at.now));
    heard_by_now(&mut slice.projection.heard_at);
    for rule in at.rules.states(slice.subject.kind) {
        slice.projection.rules.entry(rule.name.clone()).and_modify(|memory| heard_by_now(&mut memory.heard_at));
    }
    slice.dirty = true;
}

/// A reading that somebody typed in is no sign of life.
fn is_typed_in(event: &Event<'_>) -> bool {
    event.kind.starts_with("reading.") && event.facts.about.first().is_some_and(|first| !first.heard)
}

/// What is known of the last hearing of what a rule listens for: what it remembers itself, and what the subject's own state
/// tells where that says more (a health check read back), or where the rule is new.
fn last_heard(rule: &Rule, events: &[EventPattern], slice: &Slice) -> Option<Timestamp> {
    let remembered = slice.projection.rules.get(&rule.name).and_then(|memory| memory.heard_at);
    let listens = |kind: &str| events.iter().any(|pattern| pattern.matches(kind));
    let field = |name: &str| slice.projection.record.get(name).and_then(Value::as_time);
    let check = field("last_health_check_at").filter(|_| listens("device.healthcheck"));
    // What a snapshot tells of its readings are their own times; what was heard here came with its type.
    let reading = field("last_reading_at").filter(|_| events.iter().any(is_reading));
    let by_type = slice.projection.heard_by.iter().filter(|(kind, _)| listens(kind)).map(|(_, at)| *at).max();
    let of_devices = slice.projection.heard_at.filter(|_| slice.subject.kind != SubjectKind::Device);
    remembered.or(by_type.max(reading).max(of_devices)).max(check)
}

fn is_reading(pattern: &EventPattern) -> bool {
    match pattern {
        EventPattern::Exactly(kind) => kind.starts_with("reading."),
        EventPattern::Prefix(prefix) => prefix == "reading.",
    }
}

/// From when the silence counts, where it does.
fn counts_from(rule: &Rule, slice: &Slice) -> Option<Timestamp> {
    let Trigger::Silent { events, since, .. } = &rule.trigger else { return None };
    let memory = slice.projection.rules.get(&rule.name);
    let held_since = memory.and_then(Memory::counts_since);
    if memory.is_some_and(|memory| memory.rests) || (rule.holds.is_some() && held_since.is_none()) {
        return None;
    }
    let record = &slice.projection.record;
    let heard = last_heard(rule, events, slice);
    let turn = slice.projection.turn.as_ref().filter(|turn| turn.patient.is_some());
    let associated = record.get("associated_at").and_then(Value::as_time).max(turn.map(|turn| turn.at));
    let from = match since {
        Since::Heard => Some(heard?).max(associated),
        Since::Associated => {
            // Of a device that was found with its patient nobody knows since when, but by then at the latest.
            let found = slice.projection.found_at.filter(|_| heard.is_none());
            associated.filter(|from| heard.is_none_or(|heard| heard < *from)).or(found)
        }
        Since::Delivered => {
            let delivered = record.get("delivered_at").and_then(Value::as_time);
            delivered.filter(|from| heard.is_none_or(|heard| heard < *from))
        }
    };
    Some(from?).max(held_since)
}

/// When the silence has lasted too long, without `grace`; `None` while it does not count.
fn ends_patience(at: Moment<'_>, rule: &Rule, slice: &Slice) -> Option<(Timestamp, Timestamp)> {
    let Trigger::Silent { longer_than, .. } = &rule.trigger else { return None };
    let from = counts_from(rule, slice)?;
    Some((from, longer_than.after_hearing(from, &at.standing.blind)))
}

/// Closes the alert of a rule that now asks for a longer silence, or with `changed` listens for something else, and by that
/// would not fire.
pub(super) fn close(at: Moment<'_>, rule: &Rule, slice: &mut Slice, changed: bool, effects: &mut Effects) {
    let known = rule.holds.is_none() || slice.projection.rules.get(&rule.name).is_some_and(|m| m.held_since.is_some());
    let too_soon = ends_patience(at, rule, slice).map(|(_, due)| due > at.now);
    // Where nothing can be said of a rule that is the same, what fired stays.
    if !known || !too_soon.unwrap_or(changed) {
        return;
    }
    for alert in slice.take_alerts(|alert| alert.rule == rule.name && (changed || alert.ending.is_none())) {
        lifecycle::end(at, alert, at.now, Reason::RuleChanged, None, effects);
    }
}

/// When the rule wants to be looked at.
pub(super) fn deadline(at: Moment<'_>, rule: &Rule, slice: &Slice) -> Option<Timestamp> {
    // What is about to end comes back when it is silent anew.
    if slice.open(&rule.name).is_some_and(|alert| alert.ending.is_none()) {
        return None;
    }
    let (_, due) = ends_patience(at, rule, slice)?;
    Some(rule.grace.as_ref().map_or(due, |grace| grace.after_hearing(due, &at.standing.blind)))
}

/// From when the silence counts, where it has lasted too long already and `grace` alone holds it back.
pub(super) fn overdue(at: Moment<'_>, rule: &Rule, slice: &Slice) -> Option<Timestamp> {
    ends_patience(at, rule, slice).filter(|(_, due)| *due <= at.now).map(|(from, _)| from)
}

/// Fires where the deadline has come.
pub(super) fn due(at: Moment<'_>, rule: &Rule, slice: &mut Slice, effects: &mut Effects) {
    if deadline(at, rule, slice).is_none_or(|due| due > at.now) {
        return;
    }
    if lifecycle::comes_back(rule, slice) {
        return;
    }
    let Some((from, due)) = ends_patience(at, rule, slice) else { return };
    let names = names(at, slice);
    let severity = lifecycle::severity(rule, &names, effects);
    let mut evidence = lifecycle::evidence(rule, &names);
    evidence.grounds.since = Some(from);
    evidence.grounds.due = Some(due);
    let reason = Reason::Silent { since: from };
    let at = Moment { baseline: at.baseline || slice.found_so(from), ..at };
    lifecycle::fire(at, rule, slice, Opening { at: due, heard_at: due, count: 1, severity, reason, evidence }, effects);
}
