//! Where a subject stands with the rules about it: what is pending and until when, and why the rest does not fire.

use super::effect::Effects;
use super::evaluate::names;
use super::following;
use super::holding;
use super::lifecycle::{self, Moment};
use super::rule::{Rule, Severity, Trigger};
use super::silent;
use super::slice::{Slice, Why};
use super::step::Ground;
use super::time::Timestamp;

/// A rule that fires for a subject at a known time, unless something comes in between.
#[derive(Clone, Copy, Debug)]
pub struct Pending<'r> {
    pub rule: &'r Rule,
    /// As far as it is known by now.
    pub severity: Severity,
    pub since: Timestamp,
    pub until: Timestamp,
}

/// The rules that are pending for a subject at `now`: a state that must hold for longer, something that should follow, and
/// whatever `grace` holds back. A silence that is not long enough yet is not pending.
#[must_use]
pub fn pending<'r>(ground: Ground<'r>, slice: &Slice, now: Timestamp) -> Vec<Pending<'r>> {
    let at = moment(ground, now);
    let mut pending = Vec::new();
    for rule in ground.rules.rules.iter().filter(|rule| rule.subject == slice.subject.kind) {
        if slice.open(&rule.name).is_some() {
            continue;
        }
        let Some(memory) = slice.projection.rules.get(&rule.name) else { continue };
        if let Some(waiting) = &memory.waiting {
            let until = following::deadline(at, rule, waiting);
            pending.push(Pending { rule, severity: waiting.severity, since: waiting.at, until });
        } else if let Some((since, until)) = holding::pending(at, rule, slice).filter(|(_, until)| *until > now) {
            let severity = lifecycle::severity(rule, &names(at, slice), &mut Effects::default());
            pending.push(Pending { rule, severity, since, until });
        }
    }
    pending
}

/// When the subject falls silent by the first rule about that, if nothing is heard from it by then.
#[must_use]
pub fn falls_silent(ground: Ground<'_>, slice: &Slice, now: Timestamp) -> Option<Timestamp> {
    let at = moment(ground, now);
    let rules = ground.rules.states(slice.subject.kind).filter(|rule| matches!(rule.trigger, Trigger::Silent { .. }));
    rules.filter_map(|rule| silent::deadline(at, rule, slice)).min()
}

/// Why a rule does not fire for a subject at `now`: by its state where it is about one, else by the last event that it was
/// tried with. `None` where no event concerned it yet, or too many others since.
#[must_use]
pub fn why_not(ground: Ground<'_>, slice: &Slice, rule: &Rule, now: Timestamp) -> Option<Why> {
    let at = moment(ground, now);
    if let Some(alert) = slice.open(&rule.name) {
        return Some(Why::AlreadyOpen { alert: alert.number });
    }
    let waiting = slice.projection.rules.get(&rule.name).and_then(|memory| memory.waiting.as_ref());
    if let Some(waiting) = waiting {
        return Some(Why::Waits { until: following::deadline(at, rule, waiting) });
    }
    if matches!(rule.trigger, Trigger::While { .. } | Trigger::Silent { .. }) {
        return Some(holding::why(at, rule, slice));
    }
    let verdicts = slice.projection.verdicts.iter().rev();
    verdicts.filter(|verdict| verdict.rule == rule.name).map(|verdict| verdict.why.clone()).next()
}

fn moment<'g>(ground: Ground<'g>, now: Timestamp) -> Moment<'g> {
    let Ground { rules, standing } = ground;
    Moment { rules, standing, now, position: 0, baseline: false }
}
