//! Windows counted anew from what came before: for a rule that is new, or that counts other events than it did.

use super::alert::{Evidence, Reason};
use super::effect::Effects;
use super::evaluate::{Met, Taken, concerns, names};
use super::expression::{Condition, Truth};
use super::lifecycle::{self, Moment, Opening};
use super::rule::{EventTest, Resolve, Rule, Trigger};
use super::slice::Slice;
use super::window;

/// Counts an event of the past, where it meets the rule's test as things stand now; what was counted before one that resolves
/// counts for nothing. Nothing fires yet.
pub(super) fn take(taken: Taken<'_>, rule: &Rule, slice: &mut Slice, effects: &mut Effects) {
    let names = taken.names(slice);
    // What cannot be computed is told when an event comes.
    let holds = |condition: &Condition| condition.holds(&names) == Truth::True;
    let meets = |test: &EventTest| concerns(test, taken.event) && test.condition.as_ref().is_none_or(holds);
    let resolves = rule.resolve.iter().any(|resolve| matches!(resolve, Resolve::Event(test) if meets(test)));
    let counts = rule.trigger.test().is_some_and(meets) && rule.holds.as_ref().is_none_or(holds);
    if resolves {
        window::forget(rule, slice, taken.event.occurred_at);
    }
    if counts {
        let names = taken.names(slice);
        let severity = lifecycle::severity(rule, &names, effects);
        let reason = Reason::Matched { event: taken.event.kind.to_owned() };
        let met = Met { at: taken.event.occurred_at, severity, evidence: Evidence::default(), count: None, reason };
        window::count(taken, rule, slice, met, effects);
    }
}

/// Everything is counted: a window that is full opens its alert as one that was so already.
pub(super) fn judge(at: Moment<'_>, rule: &Rule, slice: &mut Slice, effects: &mut Effects) {
    if slice.open(&rule.name).is_some() {
        return;
    }
    let full = window::full(rule, slice, at.now);
    let Some(full) = full.filter(|full| !window::has_ended(at, rule, slice, full.newest)) else { return };
    let names = names(at, slice);
    let severity = lifecycle::severity(rule, &names, effects);
    let mut evidence = lifecycle::evidence(rule, &names);
    let count = full.count;
    let event = match &rule.trigger {
        Trigger::Count { test, .. } | Trigger::Share { test, .. } => {
            test.events.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
        }
        _ => return,
    };
    let within = full.within.to_string();
    let reason = match full.grounds.of {
        Some(of) => Reason::Shared { event, count, of, within },
        None => Reason::Counted { event, count, within },
    };
    let (newest, count) = (full.newest, u32::try_from(count).unwrap_or(u32::MAX));
    evidence.grounds = full.grounds;
    let opening = Opening { at: newest, heard_at: newest, count, severity, reason, evidence };
    lifecycle::fire(at, rule, slice, opening, effects);
}
