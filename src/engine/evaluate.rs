//! Rules against one event: what ends, what repeats, what fires, and why the rest did not.

use super::alert::{Evidence, Reason};
use super::effect::Effects;
use super::event::{Basis, Event};
use super::expression::{Condition, Truth};
use super::lifecycle::{self, Closing, Moment, Opening, Repeat};
use super::memory::Waiting;
use super::names::Names;
use super::project::Change;
use super::record::Record;
use super::rule::{EventTest, Resolve, Rule, Severity, Trigger};
use super::rule_set::Interest;
use super::slice::{Slice, VERDICTS_KEPT, Verdict, Why};
use super::time::Timestamp;
use super::{following, silent, window};

/// An event as one subject takes it.
#[derive(Clone, Copy)]
pub(super) struct Taken<'a> {
    pub at: Moment<'a>,
    pub event: &'a Event<'a>,
    /// What the subject was before the event, where a rule reads it.
    pub previous: Option<&'a Record>,
    /// What the subject was when the event happened, where that is over by now.
    pub then: Option<&'a Record>,
    /// The event belongs before what is known already: it opens nothing.
    pub late: bool,
    /// It shows that what was known came late itself.
    pub overtakes: bool,
    /// Whether the device that it comes from is one of the subject's devices with patients, where a device passed it on.
    pub counted: Option<bool>,
    /// It comes from the past, to be counted and nothing else.
    pub recounts: bool,
    /// It came through a subject that links it to this one, and need not be about this one.
    pub passed_on: bool,
}

impl<'a> Taken<'a> {
    pub(super) fn new(at: Moment<'a>, event: &'a Event<'a>, previous: Option<&'a Record>, change: &Change) -> Self {
        let (late, overtakes) = (change.late, change.overtakes);
        Self { previous, late, overtakes, ..Self::alone(at, event) }
    }

    /// An event of which nothing more is to be said.
    pub(super) fn alone(at: Moment<'a>, event: &'a Event<'a>) -> Self {
        Self {
            at,
            event,
            previous: None,
            then: None,
            late: false,
            overtakes: false,
            counted: None,
            passed_on: false,
            recounts: false,
        }
    }

    pub(super) fn names<'n>(&self, slice: &'n Slice) -> Names<'n>
    where
        'a: 'n,
    {
        Names { event: Some(self.event), previous: self.previous, then: self.then, ..names(self.at, slice) }
    }
}

/// What can be named where there is no event.
pub(super) fn names<'n>(at: Moment<'n>, slice: &'n Slice) -> Names<'n> {
    let (settings, calendars) = (&at.rules.settings, &at.rules.calendars);
    Names { slice, previous: None, then: None, event: None, settings, calendars, now: at.now }
}

/// Tries every rule that the event concerns.
pub(super) fn rules(taken: Taken<'_>, interest: Interest<'_>, slice: &mut Slice, effects: &mut Effects) {
    for rule in interest.rules(slice.subject.kind) {
        if !taken.late {
            resolve(taken, rule, slice, effects);
        }
        match &rule.trigger {
            Trigger::Event(test) => {
                if let Some(met) = tried(taken, rule, test, slice, effects) {
                    window::note(taken, rule, slice);
                    fires(taken, rule, slice, met, effects);
                }
            }
            Trigger::Count { test, .. } | Trigger::Share { test, .. } => {
                if let Some(met) = tried(taken, rule, test, slice, effects) {
                    window::count(taken, rule, slice, met, effects);
                }
            }
            Trigger::Silent { events, .. } => {
                if events.iter().any(|pattern| pattern.matches(taken.event.kind)) {
                    silent::heard(taken, rule, slice, effects);
                }
            }
            Trigger::NotFollowedBy { test, awaited, .. } | Trigger::NotPrecededBy { test, awaited, .. } => {
                let preceded = matches!(rule.trigger, Trigger::NotPrecededBy { .. });
                if !preceded {
                    following::followed(taken, rule, awaited, slice, effects);
                }
                if let Some(met) = tried(taken, rule, test, slice, effects) {
                    following::begins(taken, rule, slice, met, effects);
                }
                if preceded {
                    following::followed(taken, rule, awaited, slice, effects);
                }
            }
            Trigger::While { .. } => {}
        }
    }
    following::pass_on(taken, interest, slice, effects);
}

/// Whether any rule that the event concerns reads what the subject was before it.
pub(super) fn reads_previous(interest: Interest<'_>, slice: &Slice) -> bool {
    interest.rules(slice.subject.kind).any(|rule| rule.derived.reads_previous)
}

/// Whether the event is one of those that a test is about.
pub(super) fn concerns(test: &EventTest, event: &Event<'_>) -> bool {
    test.events.iter().any(|pattern| pattern.matches(event.kind))
}

/// What a condition comes to. What cannot be computed is a mistake in the rule, and told.
pub(super) fn holds(condition: Option<&Condition>, rule: &Rule, names: &Names<'_>, effects: &mut Effects) -> Truth {
    let truth = condition.map_or(Truth::True, |condition| condition.holds(names));
    if let Truth::Fault { error } = &truth {
        effects.fault(&rule.name, error);
    }
    truth
}

fn resolve(taken: Taken<'_>, rule: &Rule, slice: &mut Slice, effects: &mut Effects) {
    let Taken { at, event, .. } = taken;
    let concerned = |resolve: &Resolve| matches!(resolve, Resolve::Event(test) if concerns(test, event));
    if !rule.resolve.iter().any(concerned) {
        return;
    }
    let open = slice.open(&rule.name);
    let waits = slice.projection.rules.get(&rule.name).is_some_and(|memory| memory.waiting.is_some());
    // Events without a time of their own come in order: what they meet while nothing is open makes no later one late.
    if open.is_none() && !waits && event.basis != Basis::Own {
        return;
    }
    let names = taken.names(slice);
    let met = rule.resolve.iter().any(|resolve| match resolve {
        Resolve::Event(test) => {
            concerns(test, event) && holds(test.condition.as_ref(), rule, &names, effects) == Truth::True
        }
        Resolve::After(_) | Resolve::Below { .. } => false,
    });
    if !met {
        return;
    }
    match slice.projection.resolved.get_mut(&rule.name) {
        Some(known) => *known = event.occurred_at.max(*known),
        None => drop(slice.projection.resolved.insert(rule.name.clone(), event.occurred_at)),
    }
    slice.dirty = true;
    if waits && slice.memory(&rule.name).waiting.take_if(|waiting| waiting.at <= event.occurred_at).is_some() {
        window::forget(rule, slice, event.occurred_at);
    }
    let Some(alert) = slice.open(&rule.name) else { return };
    let newest = alert.evidence.event.as_ref().map_or(alert.opened_at, |event| event.occurred_at);
    // Where the newest match was late itself, the first one counts.
    let matched = if taken.overtakes { alert.opened_at } else { newest };
    if event.occurred_at >= matched {
        window::forget(rule, slice, event.occurred_at);
        let reason = Reason::ResolvedByEvent { event: event.kind.to_owned() };
        let closing = Closing { at: event.occurred_at, reason, event: Some(event) };
        lifecycle::would_end(at, rule, slice, closing, effects);
    }
}

/// An event that meets a rule's test.
pub(super) struct Met {
    /// When it happened; where several are counted, the newest of them.
    pub at: Timestamp,
    pub severity: Severity,
    /// Empty where the rule counts: gathered once there are enough.
    pub evidence: Evidence,
    /// How many events, or different subjects, it is now; `None`: one more than before.
    pub count: Option<u32>,
    /// Why it fires, where it does.
    pub reason: Reason,
}

/// Tries the event that a rule is about; where it does not meet the test, why is kept.
fn tried(taken: Taken<'_>, rule: &Rule, test: &EventTest, slice: &mut Slice, effects: &mut Effects) -> Option<Met> {
    let event = taken.event;
    if !concerns(test, event) {
        return None;
    }
    let names = taken.names(slice);
    let resolved = slice.projection.resolved.get(&rule.name);
    let late = taken.late || (event.basis == Basis::Own && resolved.is_some_and(|at| event.occurred_at < *at));
    let truth = match holds(test.condition.as_ref(), rule, &names, effects) {
        Truth::True => holds(rule.holds.as_ref(), rule, &names, effects),
        other => other,
    };
    let why = match truth {
        Truth::True if late => Why::Late,
        Truth::True => {
            let severity = lifecycle::severity(rule, &names, effects);
            let counts = matches!(rule.trigger, Trigger::Count { .. } | Trigger::Share { .. });
            let evidence = if counts { Evidence::default() } else { lifecycle::evidence(rule, &names) };
            let reason = Reason::Matched { event: event.kind.to_owned() };
            return Some(Met { at: event.occurred_at, severity, evidence, count: None, reason });
        }
        Truth::False { term } => Why::False { term },
        Truth::Unknown { term } => Why::Unknown { term },
        Truth::Fault { error } => Why::Fault { error },
    };
    keep_verdict(slice, rule, event, why);
    None
}

/// The rule's condition is met: what is open is refreshed; else an alert opens, or waits for `grace`.
pub(super) fn fires(taken: Taken<'_>, rule: &Rule, slice: &mut Slice, met: Met, effects: &mut Effects) {
    let Taken { at, event, .. } = taken;
    let Met { at: opened_at, severity, evidence, count, reason } = met;
    if let Some(alert) = slice.alerts.iter_mut().find(|alert| alert.rule == rule.name) {
        let alert_number = alert.number;
        slice.unarmed = true;
        lifecycle::repeat(at, rule, alert, event, Repeat { severity, evidence, count }, effects);
        keep_verdict(slice, rule, event, Why::AlreadyOpen { alert: alert_number });
        return;
    }
    let Some(grace) = &rule.grace else {
        let heard_at = event.received_at;
        let opening = Opening { at: opened_at, heard_at, count: count.unwrap_or(1), severity, reason, evidence };
        lifecycle::fire(at, rule, slice, opening, effects);
        return;
    };
    let until = grace.after_hearing(event.received_at, &at.standing.blind);
    let waiting = slice.memory(&rule.name).waiting.take();
    let waiting = match waiting {
        Some(mut waiting) => {
            waiting.severity = waiting.severity.max(severity);
            waiting.count = count.unwrap_or(waiting.count.saturating_add(1));
            waiting
        }
        None => {
            let count = count.unwrap_or(1);
            Box::new(Waiting { at: opened_at, heard_at: event.received_at, severity, count, reason, evidence })
        }
    };
    slice.memory(&rule.name).waiting = Some(waiting);
    slice.unarmed = true;
    keep_verdict(slice, rule, event, Why::Waits { until });
}

/// Keeps why a rule did not fire; the same verdict again only moves to its newest place.
pub(super) fn keep_verdict(slice: &mut Slice, rule: &Rule, event: &Event<'_>, why: Why) {
    let verdicts = &mut slice.projection.verdicts;
    let same = verdicts.iter().position(|known| known.rule == rule.name && known.why.says_the_same_as(&why));
    let mut verdict = Verdict { rule: rule.name.clone(), position: event.position, at: event.received_at, why };
    match same {
        Some(place) => {
            // The rest moves up, and the new one stands last.
            for known in verdicts.range_mut(place..).rev() {
                std::mem::swap(known, &mut verdict);
            }
        }
        None => {
            while verdicts.len() >= VERDICTS_KEPT {
                verdicts.pop_front();
            }
            verdicts.push_back(verdict);
        }
    }
    slice.dirty = true;
}
