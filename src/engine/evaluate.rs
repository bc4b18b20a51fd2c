//! Rules against one event: what ends, what repeats, what fires, and why the rest did not.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::alert::{Evidence, Reason};
use super::calendar::Calendar;
use super::effect::Effects;
use super::event::{Basis, Event};
use super::expression::Truth;
use super::lifecycle::{self, Moment};
use super::names::Names;
use super::project::Change;
use super::rule::{EventTest, Interest, RaiseWhen, Resolve, Rule, Severity};
use super::slice::{Slice, VERDICTS_KEPT, Verdict, Why};
use super::state::Record;

/// Rule files have no calendars yet.
static NO_CALENDARS: BTreeMap<String, Arc<Calendar>> = BTreeMap::new();

/// Tries every rule that the event concerns.
pub(super) fn rules(
    at: Moment<'_>,
    interest: Interest<'_>,
    slice: &mut Slice,
    event: &Event<'_>,
    previous: Option<&Record>,
    change: &Change,
    effects: &mut Effects,
) {
    for rule in interest.rules(slice.subject.kind) {
        if !change.late {
            resolve(at, rule, slice, event, previous, change.overtakes, effects);
        }
        if concerns(&rule.trigger, event) {
            trigger(at, rule, slice, event, previous, change.late, effects);
        }
    }
}

/// Whether any rule that the event concerns reads what the subject was before it.
pub(super) fn reads_previous(interest: Interest<'_>, slice: &Slice) -> bool {
    let mut concerned = interest.rules(slice.subject.kind);
    concerned.any(|rule| rule.reads.iter().any(|read| read.path.first().is_some_and(|root| root == "previous")))
}

fn concerns(test: &EventTest, event: &Event<'_>) -> bool {
    test.events.iter().any(|pattern| pattern.matches(event.kind))
}

fn holds(test: &EventTest, names: &Names<'_>) -> Truth {
    test.condition.as_ref().map_or(Truth::True, |condition| condition.holds(names))
}

fn resolve(
    at: Moment<'_>,
    rule: &Rule,
    slice: &mut Slice,
    event: &Event<'_>,
    previous: Option<&Record>,
    overtakes: bool,
    effects: &mut Effects,
) {
    let open = slice.alerts.iter().position(|alert| alert.rule == rule.name);
    // Events without a time of their own come in order: what they meet while nothing is open makes no later one late.
    if open.is_none() && event.basis != Basis::Own {
        return;
    }
    let settings = &at.rules.settings;
    let names = Names { slice, previous, event: Some(event), settings, calendars: &NO_CALENDARS, now: at.now };
    let met = rule.resolve.iter().any(|resolve| match resolve {
        Resolve::Event(test) => concerns(test, event) && holds(test, &names) == Truth::True,
        Resolve::After(_) => false,
    });
    if !met {
        return;
    }
    match slice.projection.resolved.get_mut(&rule.name) {
        Some(known) => *known = event.occurred_at.max(*known),
        None => drop(slice.projection.resolved.insert(rule.name.clone(), event.occurred_at)),
    }
    slice.dirty = true;
    let Some(open) = open else { return };
    let alert = &slice.alerts[open];
    let newest = alert.evidence.event.as_ref().map_or(alert.opened_at, |event| event.occurred_at);
    // Where the newest match was late itself, the first one counts.
    let matched = if overtakes { alert.opened_at } else { newest };
    if event.occurred_at >= matched {
        let alert = slice.alerts.remove(open);
        let reason = Reason::ResolvedByEvent { event: event.kind.to_owned() };
        lifecycle::end(at, alert, event.occurred_at, reason, Some(event), effects);
    }
}

/// What trying a rule's trigger comes to.
enum Tried {
    Met { severity: Severity, evidence: Evidence },
    Not(Why),
}

fn trigger(
    at: Moment<'_>,
    rule: &Rule,
    slice: &mut Slice,
    event: &Event<'_>,
    previous: Option<&Record>,
    late: bool,
    effects: &mut Effects,
) {
    let settings = &at.rules.settings;
    let names = Names { slice, previous, event: Some(event), settings, calendars: &NO_CALENDARS, now: at.now };
    let resolved = slice.projection.resolved.get(&rule.name);
    let late = late || (event.basis == Basis::Own && resolved.is_some_and(|resolved| event.occurred_at < *resolved));
    let tried = match holds(&rule.trigger, &names) {
        Truth::True if late => Tried::Not(Why::Late),
        Truth::True => Tried::Met { severity: severity(rule, &names), evidence: lifecycle::evidence(rule, &names) },
        Truth::False { term } => Tried::Not(Why::False { term }),
        Truth::Unknown { term } => Tried::Not(Why::Unknown { term }),
        Truth::Fault { error } => Tried::Not(Why::Fault { error }),
    };
    let (severity, evidence) = match tried {
        Tried::Met { severity, evidence } => (severity, evidence),
        Tried::Not(why) => {
            keep_verdict(slice, Verdict { rule: rule.name.clone(), position: event.position, why });
            return;
        }
    };
    match slice.alerts.iter_mut().find(|alert| alert.rule == rule.name) {
        Some(alert) => {
            lifecycle::repeat(at, rule, alert, event, severity, evidence, effects);
            let why = Why::AlreadyOpen { alert: alert.number };
            keep_verdict(slice, Verdict { rule: rule.name.clone(), position: event.position, why });
        }
        None => lifecycle::fire(at, rule, slice, event, severity, evidence, effects),
    }
}

/// The rule's severity, or the highest that a `raise` gives for this event.
fn severity(rule: &Rule, names: &Names<'_>) -> Severity {
    let raised = rule.raise.iter().filter(|raise| match &raise.when {
        RaiseWhen::Where(condition) => condition.holds(names) == Truth::True,
        RaiseWhen::After(_) => false,
    });
    raised.map(|raise| raise.to).max().map_or(rule.severity, |raised| raised.max(rule.severity))
}

/// Keeps why a rule did not fire; the same verdict again only moves to its newest place.
fn keep_verdict(slice: &mut Slice, verdict: Verdict) {
    let verdicts = &mut slice.projection.verdicts;
    verdicts.retain(|known| known.rule != verdict.rule || known.why != verdict.why);
    while verdicts.len() >= VERDICTS_KEPT {
        verdicts.pop_front();
    }
    verdicts.push_back(verdict);
    slice.dirty = true;
}
