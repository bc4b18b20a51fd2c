//! Rules about what should follow an event, or come before it.

use super::alert::Reason;
use super::effect::Effects;
use super::evaluate::{Met, Taken, concerns, fires, holds, keep_verdict, names};
use super::event::{Event, Message};
use super::expression::Truth;
use super::lifecycle::{self, Closing, Moment, Opening};
use super::memory::Waiting;
use super::rule::{EventTest, Rule, Trigger};
use super::rule_set::Interest;
use super::slice::{Slice, Why};
use super::subject::{Subject, SubjectKind};
use super::time::Timestamp;

/// The first event has come: the waiting begins, unless what is awaited has happened already.
pub(super) fn begins(taken: Taken<'_>, rule: &Rule, slice: &mut Slice, met: Met, effects: &mut Effects) {
    let Taken { at, event, .. } = taken;
    let memory = slice.memory(&rule.name);
    let (awaited_at, known_from) = (memory.awaited_at, memory.known_from);
    match &rule.trigger {
        Trigger::NotPrecededBy { within, .. } => {
            let before = awaited_at.filter(|before| *before <= event.occurred_at);
            let why = match before {
                Some(before) if within.after(before) > event.occurred_at => Some(Why::Preceded { at: before }),
                _ => known_from
                    .filter(|from| within.after(*from) > event.occurred_at)
                    .map(|from| Why::NotKnownBefore { from }),
            };
            match why {
                Some(why) => keep_verdict(slice, rule, event, why),
                None => {
                    let reason = Reason::NotPreceded { event: event.kind.to_owned() };
                    fires(taken, rule, slice, Met { reason, ..met }, effects);
                }
            }
        }
        Trigger::NotFollowedBy { within, same, .. } => {
            if slice.open(&rule.name).is_some() {
                return fires(taken, rule, slice, met, effects);
            }
            if let Some(followed) = awaited_at.filter(|followed| *followed >= event.occurred_at) {
                return keep_verdict(slice, rule, event, Why::FollowedAlready { at: followed });
            }
            let reason = Reason::NotFollowed { event: event.kind.to_owned(), at: event.occurred_at };
            let Met { severity, evidence, .. } = met;
            let (from, heard_at) = (event.occurred_at, event.received_at);
            let memory = slice.memory(&rule.name);
            // The first of several counts; a late one can be earlier.
            if memory.waiting.as_ref().is_none_or(|waiting| from < waiting.at) {
                let waiting = Waiting { at: from, heard_at, severity, count: 1, reason, evidence };
                memory.waiting = Some(Box::new(waiting));
            }
            slice.unarmed = true;
            watch(rule, slice, event, *same, effects);
            keep_verdict(slice, rule, event, Why::Waits { until: within.after_hearing(from, at.blind) });
        }
        _ => {}
    }
}

/// Asks the subject that links the two events to pass on what is awaited.
fn watch(rule: &Rule, slice: &Slice, event: &Event<'_>, same: SubjectKind, effects: &mut Effects) {
    if same == slice.subject.kind {
        return;
    }
    let said = event.facts.party(same).map(|about| about.subject.id.as_str());
    let related = || slice.projection.related.get(&same).map(|related| related.id.as_str());
    if let Some(id) = said.or_else(related) {
        let message = Message::Awaits { rule: rule.name.clone(), subject: slice.subject.clone(), awaits: true };
        effects.messages.push_back((Subject::new(same, id), message));
    }
}

/// Remembers, for the subject that links two events, whose rule awaits the second.
pub(super) fn awaits(slice: &mut Slice, rule: &str, subject: &Subject, awaits: bool) {
    let awaiting = &mut slice.projection.awaiting;
    if awaits {
        slice.dirty |= awaiting.entry(rule.to_owned()).or_default().insert(subject.clone());
    } else if let Some(subjects) = awaiting.get_mut(rule) {
        slice.dirty |= subjects.remove(subject);
        if subjects.is_empty() {
            awaiting.remove(rule);
        }
    }
}

/// Passes an event on to those who await it through this subject.
pub(super) fn pass_on(interest: Interest<'_>, slice: &mut Slice, effects: &mut Effects) {
    if slice.projection.awaiting.is_empty() {
        return;
    }
    for rule in interest.linked(slice.subject.kind) {
        if let Some(subjects) = slice.projection.awaiting.remove(&rule.name) {
            slice.dirty = true;
            effects.messages.extend(subjects.into_iter().map(|subject| (subject, Message::Event { counted: None })));
        }
    }
}

/// The awaited event, where this is it: what waits for it is off, and what fired for want of it ends.
pub(super) fn followed(taken: Taken<'_>, rule: &Rule, awaited: &EventTest, slice: &mut Slice, effects: &mut Effects) {
    let Taken { at, event, .. } = taken;
    if !concerns(awaited, event) {
        return;
    }
    if holds(awaited.condition.as_ref(), rule, &taken.names(slice), effects) != Truth::True {
        still_awaits(rule, slice, event, effects);
        return;
    }
    let when = event.occurred_at;
    let memory = slice.memory(&rule.name);
    memory.awaited_at = memory.awaited_at.max(Some(when));
    memory.waiting.take_if(|waiting| match rule.trigger {
        Trigger::NotPrecededBy { .. } => when <= waiting.at,
        _ => when >= waiting.at,
    });
    let Some(alert) = slice.open(&rule.name) else { return };
    let since = alert.evidence.event.as_ref().map_or(alert.opened_at, |event| event.occurred_at);
    let reason = match &rule.trigger {
        Trigger::NotPrecededBy { within, .. } if when <= since && within.after(when) > since => Reason::LateEvent,
        Trigger::NotPrecededBy { .. } => return,
        // It happened in time, and was learned too late.
        _ if when >= since && when < alert.opened_at => Reason::LateEvent,
        _ if when >= since => Reason::Followed { event: event.kind.to_owned() },
        _ => return,
    };
    lifecycle::would_end(at, rule, slice, Closing { at: when, reason, event: Some(event) }, effects);
}

/// What was passed on was not what is awaited: it goes on being awaited.
fn still_awaits(rule: &Rule, slice: &Slice, event: &Event<'_>, effects: &mut Effects) {
    let Trigger::NotFollowedBy { same, .. } = &rule.trigger else { return };
    let waits = slice.projection.rules.get(&rule.name).is_some_and(|memory| memory.waiting.is_some());
    if waits || slice.open(&rule.name).is_some() {
        watch(rule, slice, event, *same, effects);
    }
}

/// When what waits fires, with `grace`.
pub(super) fn deadline(at: Moment<'_>, rule: &Rule, waiting: &Waiting) -> Timestamp {
    let due = patience(at, rule, waiting);
    match (&rule.grace, &rule.trigger) {
        (Some(grace), Trigger::NotFollowedBy { .. }) => grace.after_hearing(due, at.blind),
        _ => due,
    }
}

/// When the rule's own time is over.
fn patience(at: Moment<'_>, rule: &Rule, waiting: &Waiting) -> Timestamp {
    match (&rule.trigger, &rule.grace) {
        (Trigger::NotFollowedBy { within, .. }, _) => within.after_hearing(waiting.at, at.blind),
        (_, Some(grace)) => grace.after_hearing(waiting.heard_at, at.blind),
        _ => waiting.heard_at,
    }
}

/// Fires what has waited long enough.
pub(super) fn due(at: Moment<'_>, rule: &Rule, slice: &mut Slice, effects: &mut Effects) {
    let memory = slice.projection.rules.get(&rule.name);
    let Some(waiting) = memory.and_then(|memory| memory.waiting.as_ref()) else { return };
    if deadline(at, rule, waiting) > at.now {
        return;
    }
    let opened_at = match rule.trigger {
        Trigger::NotFollowedBy { .. } => patience(at, rule, waiting),
        _ => waiting.at,
    };
    let Some(waiting) = slice.memory(&rule.name).waiting.take() else { return };
    let names = names(at, slice);
    // A state that the rule asks for must hold to the end.
    if !matches!(holds(rule.holds.as_ref(), rule, &names, effects), Truth::True | Truth::Unknown { .. }) {
        return;
    }
    let Waiting { at: from, heard_at, severity, count, reason, mut evidence } = *waiting;
    let severity = severity.max(lifecycle::severity(rule, &names));
    for (name, seen) in lifecycle::evidence(rule, &names).values {
        evidence.values.insert(name, seen);
    }
    evidence.grounds.since.get_or_insert(from);
    evidence.grounds.due.get_or_insert(opened_at);
    let opening = Opening { at: opened_at, heard_at, count, severity, reason, evidence };
    lifecycle::fire(at, rule, slice, opening, effects);
}
