//! Rules about what should follow an event, or come before it.
//!
//! Where the two events have another subject in common than the rule's own (`same`), that one links them: it remembers when
//! the awaited event last came, answers who asks for it, and passes it on to who waits for it.

use smol_str::{SmolStr, format_smolstr};

use super::alert::Reason;
use super::effect::Effects;
use super::evaluate::{Met, Taken, concerns, fires, holds, keep_verdict, names};
use super::event::{Event, Message, Position};
use super::expression::Truth;
use super::lifecycle::{self, Closing, Moment, Opening};
use super::memory::{Hit, Waiting};
use super::rule::{EventTest, Rule, Trigger};
use super::rule_set::{Interest, RuleSet};
use super::slice::{Slice, Why};
use super::subject::{Subject, SubjectKind};
use super::time::Timestamp;

/// How many times of an awaited event are remembered where one must come before: the one before an event that is late may
/// not be the newest.
const TIMES_KEPT: usize = 8;

/// The first event has come: the waiting begins, unless what is awaited has happened already.
pub(super) fn begins(taken: Taken<'_>, rule: &Rule, slice: &mut Slice, met: Met, effects: &mut Effects) {
    let event = taken.event;
    match &rule.trigger {
        Trigger::NotPrecededBy { same, .. } if *same != slice.subject.kind => {
            let Some(link) = link(event, slice, *same) else {
                return keep_verdict(slice, rule, event, Why::Unknown { term: format_smolstr!("{same}.id") });
            };
            slice.memory(&rule.name).link = Some(link);
            let reason = Reason::NotPreceded { event: event.kind.to_owned() };
            ask(rule, slice, *same, Some(event.occurred_at), Some(waiting(event, reason, met)), effects);
        }
        Trigger::NotPrecededBy { .. } => {
            let memory = slice.memory(&rule.name);
            let before = Before { times: memory.awaited.clone(), known_from: memory.known_from };
            came_before(taken, rule, slice, &before, met, effects);
        }
        Trigger::NotFollowedBy { within, same, .. } => {
            let linked = *same != slice.subject.kind;
            if linked {
                let link = link(event, slice, *same);
                slice.memory(&rule.name).link = link;
            }
            if slice.open(&rule.name).is_some_and(|alert| alert.ending.is_none()) {
                fires(taken, rule, slice, met, effects);
                return ask(rule, slice, *same, None, None, effects);
            }
            let memory = slice.memory(&rule.name);
            // An event does not follow itself.
            let others = memory.awaited.iter().filter(|hit| hit.position != event.position && !linked);
            if let Some(at) = others.map(|hit| hit.at).filter(|at| *at >= event.occurred_at).max() {
                return keep_verdict(slice, rule, event, Why::FollowedAlready { at });
            }
            // The first of several counts; a late one can be earlier.
            if memory.waiting.as_ref().is_none_or(|waiting| event.occurred_at < waiting.at) {
                let reason = Reason::NotFollowed { event: event.kind.to_owned(), at: event.occurred_at };
                memory.waiting = Some(waiting(event, reason, met));
            }
            slice.unarmed = true;
            let until = within.after_hearing(event.occurred_at, &taken.at.standing.blind);
            keep_verdict(slice, rule, event, Why::Waits { until });
            ask(rule, slice, *same, Some(event.occurred_at), None, effects);
        }
        _ => {}
    }
}

fn waiting(event: &Event<'_>, reason: Reason, met: Met) -> Box<Waiting> {
    let Met { severity, evidence, .. } = met;
    Box::new(Waiting { at: event.occurred_at, heard_at: event.received_at, severity, count: 1, reason, evidence })
}

/// What is known of the awaited events before one.
struct Before {
    times: Vec<Hit>,
    known_from: Option<Timestamp>,
}

/// Fires unless the awaited event came before.
fn came_before(taken: Taken<'_>, rule: &Rule, slice: &mut Slice, before: &Before, met: Met, effects: &mut Effects) {
    let Trigger::NotPrecededBy { within, .. } = &rule.trigger else { return };
    let reaches = |from: &Timestamp| within.after(*from) > met.at;
    let Before { times, known_from } = before;
    let others = times.iter().filter(|hit| hit.position != taken.event.position).map(|hit| hit.at);
    let last = others.filter(|at| *at <= met.at).max();
    // Of so many that came after it, the ones before are forgotten.
    let forgotten = (last.is_none() && times.len() >= TIMES_KEPT).then(|| times.first().map(|hit| hit.at)).flatten();
    let why = match last.filter(reaches) {
        Some(at) => Some(Why::Preceded { at }),
        None => known_from.filter(reaches).or(forgotten).map(|from| Why::NotKnownBefore { from }),
    };
    match why {
        Some(why) => keep_verdict(slice, rule, taken.event, why),
        None => {
            let reason = Reason::NotPreceded { event: taken.event.kind.to_owned() };
            fires(taken, rule, slice, Met { reason, ..met }, effects);
        }
    }
}

/// The subject of this kind that an event and what it is about have in common; of a removal the patient that was left.
fn link(event: &Event<'_>, slice: &Slice, same: SubjectKind) -> Option<SmolStr> {
    let said = event.facts.party(same).map(|about| about.subject.id.clone());
    let related = || slice.projection.related.get(&same).map(|related| related.id.clone());
    let left = || {
        slice.projection.turn.as_ref().filter(|_| same == SubjectKind::Patient)?.before.as_deref().map(SmolStr::from)
    };
    said.or_else(related).or_else(left)
}

/// Asks the subject that links the two events to pass on what is awaited, and whether one came since then already.
fn ask(
    rule: &Rule,
    slice: &Slice,
    same: SubjectKind,
    since: Option<Timestamp>,
    met: Option<Box<Waiting>>,
    effects: &mut Effects,
) {
    if same == slice.subject.kind {
        return;
    }
    let link = slice.projection.rules.get(&rule.name).and_then(|memory| memory.link.clone());
    if let Some(link) = link {
        let message = Message::Awaits { rule: rule.name.clone(), subject: slice.subject.clone(), since, met };
        effects.messages.push_back((Subject::new(same, link), message));
    }
}

/// Remembers, for the subject that links two events, whose rule awaits the second, and says what is known of it.
pub(super) fn awaits(
    rules: &RuleSet,
    slice: &mut Slice,
    (name, subject): (&str, &Subject),
    since: Option<(Timestamp, Position)>,
    met: Option<&Waiting>,
    effects: &mut Effects,
) {
    let Some(rule) = rules.rule(name) else { return };
    let awaiting = slice.projection.awaiting.entry(name.into()).or_default();
    slice.dirty |= awaiting.insert(subject.clone());
    let memory = slice.projection.rules.get(name);
    let times = memory.map(|memory| memory.awaited.clone()).unwrap_or_default();
    let answers = match rule.trigger {
        Trigger::NotPrecededBy { .. } => met.is_some(),
        _ => since.is_some_and(|(since, asking)| times.iter().any(|hit| hit.position != asking && hit.at >= since)),
    };
    if answers {
        let known_from = memory.and_then(|memory| memory.known_from);
        let met = met.cloned().map(Box::new);
        let message = Message::Awaited { rule: name.into(), times, known_from, met };
        effects.messages.push_back((subject.clone(), message));
    }
}

/// The subject that links two events has told when the awaited ones came.
pub(super) fn awaited(
    at: Moment<'_>,
    slice: &mut Slice,
    (name, times): (&str, &[Hit]),
    known_from: Option<Timestamp>,
    met: Option<&Waiting>,
    event: &Event<'_>,
    effects: &mut Effects,
) {
    let Some(rule) = at.rules.rule(name) else { return };
    if let Some(met) = met {
        let Waiting { at: when, severity, evidence, reason, .. } = met.clone();
        let met = Met { at: when, severity, evidence, count: None, reason };
        let before = Before { times: times.to_vec(), known_from };
        return came_before(Taken::alone(at, event), rule, slice, &before, met, effects);
    }
    let others = times.iter().filter(|hit| hit.position != event.position);
    let Some(at) = others.map(|hit| hit.at).max() else { return };
    if slice.memory(name).waiting.take_if(|waiting| at >= waiting.at).is_some() {
        keep_verdict(slice, rule, event, Why::FollowedAlready { at });
    }
}

/// Remembers when an awaited event came.
fn remember(rule: &Rule, slice: &mut Slice, event: &Event<'_>) {
    // One more than the newest, which may be the event that asks.
    let kept = if matches!(rule.trigger, Trigger::NotPrecededBy { .. }) { TIMES_KEPT } else { 2 };
    let hit = Hit { at: event.occurred_at, position: event.position };
    let times = &mut slice.memory(&rule.name).awaited;
    if let Err(place) = times.binary_search(&hit) {
        times.insert(place, hit);
    }
    let superfluous = times.len().saturating_sub(kept);
    times.drain(..superfluous);
}

/// Passes an event on to those who await it through this subject, and remembers that it came.
pub(super) fn pass_on(taken: Taken<'_>, interest: Interest<'_>, slice: &mut Slice, effects: &mut Effects) {
    for rule in interest.linked(slice.subject.kind) {
        let Some((awaited, _)) = rule.trigger.awaited() else { continue };
        if holds(awaited.condition.as_ref(), rule, &taken.names(slice), effects) == Truth::True {
            remember(rule, slice, taken.event);
        }
        if let Some(subjects) = slice.projection.awaiting.remove(&rule.name) {
            slice.dirty = true;
            let message = || Message::Follows { rule: rule.name.clone() };
            effects.messages.extend(subjects.into_iter().map(|subject| (subject, message())));
        }
    }
}

/// The awaited event, where this is it: what waits for it is off, and what fired for want of it ends.
pub(super) fn followed(taken: Taken<'_>, rule: &Rule, awaited: &EventTest, slice: &mut Slice, effects: &mut Effects) {
    if !concerns(awaited, taken.event) {
        return;
    }
    if is_linked(taken, rule, slice)
        && holds(awaited.condition.as_ref(), rule, &taken.names(slice), effects) == Truth::True
    {
        ends(taken, rule, slice, effects);
    }
}

/// An awaited event came through the subject that links it to the first one. An event that is about this subject too has been
/// taken already.
pub(super) fn follows(at: Moment<'_>, slice: &mut Slice, rule: &str, event: &Event<'_>, effects: &mut Effects) {
    let Some(rule) = at.rules.rule(rule) else { return };
    if let Some((awaited, _)) = rule.trigger.awaited().filter(|_| slice.tried != event.position) {
        let taken = Taken { passed_on: true, ..Taken::alone(at, event) };
        followed(taken, rule, awaited, slice, effects);
    }
    ask_again(rule, slice, effects);
}

/// What was passed on once is passed on no more: what still waits asks anew.
fn ask_again(rule: &Rule, slice: &Slice, effects: &mut Effects) {
    let waits = slice.projection.rules.get(&rule.name).is_some_and(|memory| memory.waiting.is_some());
    if let Some((_, same)) = rule.trigger.awaited()
        && (waits || slice.open(&rule.name).is_some())
    {
        ask(rule, slice, same, None, None, effects);
    }
}

/// Whether an event has that in common with the first one by which the rule links them.
fn is_linked(taken: Taken<'_>, rule: &Rule, slice: &Slice) -> bool {
    let Some((_, same)) = rule.trigger.awaited() else { return false };
    if same == slice.subject.kind {
        return true;
    }
    let link = slice.projection.rules.get(&rule.name).and_then(|memory| memory.link.as_deref());
    let named = taken.event.facts.party(same).map(|about| about.subject.id.as_str());
    let related = || slice.projection.related.get(&same).map(|related| related.id.as_str());
    match named {
        Some(_) => named == link,
        // It came through the subject that links them, which it does not name.
        None => taken.passed_on || (link.is_some() && related() == link),
    }
}

fn ends(taken: Taken<'_>, rule: &Rule, slice: &mut Slice, effects: &mut Effects) {
    let Taken { at, event, .. } = taken;
    let when = event.occurred_at;
    remember(rule, slice, event);
    let comes_before = |first: Timestamp, last: Timestamp| match &rule.trigger {
        Trigger::NotPrecededBy { within, .. } => when <= first && within.after(when) > last,
        _ => false,
    };
    let memory = slice.memory(&rule.name);
    memory.waiting.take_if(|waiting| match rule.trigger {
        Trigger::NotPrecededBy { .. } => comes_before(waiting.at, waiting.at),
        _ => when >= waiting.at,
    });
    let Some(alert) = slice.open(&rule.name) else { return };
    let since = alert.evidence.event.as_ref().map_or(alert.opened_at, |event| event.occurred_at);
    let reason = match &rule.trigger {
        Trigger::NotPrecededBy { .. } if comes_before(alert.opened_at, since) => Reason::LateEvent,
        Trigger::NotPrecededBy { .. } => return,
        // It happened in time, and was learned too late.
        _ if when >= since && when < alert.opened_at => Reason::LateEvent,
        _ if when >= since => Reason::Followed { event: event.kind.to_owned() },
        _ => return,
    };
    lifecycle::would_end(at, rule, slice, Closing { at: when, reason, event: Some(event) }, effects);
}

/// When what waits fires, with `grace`.
pub(super) fn deadline(at: Moment<'_>, rule: &Rule, waiting: &Waiting) -> Timestamp {
    let due = patience(at, rule, waiting);
    match (&rule.grace, &rule.trigger) {
        (Some(grace), Trigger::NotFollowedBy { .. }) => grace.after_hearing(due, &at.standing.blind),
        _ => due,
    }
}

/// When the rule's own time is over.
fn patience(at: Moment<'_>, rule: &Rule, waiting: &Waiting) -> Timestamp {
    match (&rule.trigger, &rule.grace) {
        (Trigger::NotFollowedBy { within, .. }, _) => within.after_hearing(waiting.at, &at.standing.blind),
        (_, Some(grace)) => grace.after_hearing(waiting.heard_at, &at.standing.blind),
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
    let severity = severity.max(lifecycle::severity(rule, &names, effects));
    for (name, seen) in lifecycle::evidence(rule, &names).values {
        evidence.values.insert(name, seen);
    }
    evidence.grounds.since.get_or_insert(from);
    evidence.grounds.due.get_or_insert(opened_at);
    if lifecycle::comes_back(rule, slice) {
        return;
    }
    let opening = Opening { at: opened_at, heard_at, count, severity, reason, evidence };
    lifecycle::fire(at, rule, slice, opening, effects);
}
