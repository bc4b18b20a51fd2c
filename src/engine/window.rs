//! Rules that count: so many events, or so many different subjects, or a share of the fleet, within a time.
//!
//! A window is open on its left: what happened exactly `within` ago no longer counts.

use super::alert::{Alert, Grounds, Reason};
use super::effect::Effects;
use super::evaluate::{Met, Taken, fires, keep_verdict};
use super::event::Event;
use super::length::Length;
use super::lifecycle::{self, Closing, Moment};
use super::memory::{Hit, Memory};
use super::rule::{Resolve, Rule, Trigger};
use super::slice::{Slice, Why};
use super::subject::SubjectKind;
use super::time::Timestamp;
use super::value::Value;

/// How many counted events a decision names as its evidence.
const NAMED: usize = 20;

/// Counts an event that meets the test; fires where there are enough.
pub(super) fn count(taken: Taken<'_>, rule: &Rule, slice: &mut Slice, mut met: Met, effects: &mut Effects) {
    let event = taken.event;
    let hit = Hit { at: event.occurred_at, position: event.position };
    let (within, why) = match &rule.trigger {
        Trigger::Count { at_least, within, distinct, .. } => {
            let needed = u64::from(*at_least);
            let of = match distinct {
                Some(kind) => match member(event, *kind) {
                    Some(member) => add_member(slice, rule, within, member, hit),
                    None => return keep_verdict(slice, rule, event, unnamed(*kind)),
                },
                None => add_hit(slice, rule, hit),
            };
            let memory = slice.memory(&rule.name);
            let (count, newest) = match distinct {
                Some(_) => (of, memory.members.values().max().copied()),
                None => (within_reach(&memory.hits, within), memory.hits.last().map(|hit| hit.at)),
            };
            met.count = u32::try_from(count).ok();
            met.reason = Reason::Counted { event: event.kind.to_owned(), count, within: within.to_string() };
            let why = (count < needed).then_some(Why::TooFew { count, needed });
            (within, why.or_else(|| over(within, newest, taken.at)))
        }
        Trigger::Share { share, and_at_least, distinct, within, .. } => {
            let Some(member) = member(event, *distinct) else {
                return keep_verdict(slice, rule, event, unnamed(*distinct));
            };
            let count = add_member(slice, rule, within, member, hit);
            let Some(Value::Int(of)) = slice.projection.record.get("devices_with_patients") else {
                let term = format!("{}.devices_with_patients", slice.subject.kind);
                return keep_verdict(slice, rule, event, Why::Unknown { term });
            };
            let of = u64::try_from(*of).unwrap_or(0);
            let part = count as f64 / of.max(1) as f64;
            let enough = if share.inclusive { part >= share.part } else { part > share.part };
            met.count = u32::try_from(count).ok();
            met.evidence.grounds.of = Some(of);
            met.reason = Reason::Shared { event: event.kind.to_owned(), count, of, within: within.to_string() };
            let why = if count < u64::from(*and_at_least) {
                Some(Why::TooFew { count, needed: u64::from(*and_at_least) })
            } else if of == 0 || !enough {
                Some(Why::ShareTooSmall { count, of })
            } else {
                None
            };
            let newest = slice.memory(&rule.name).members.values().max().copied();
            (within, why.or_else(|| over(within, newest, taken.at)))
        }
        _ => return,
    };
    let memory = slice.memory(&rule.name);
    let grounds = Grounds { of: met.evidence.grounds.of, ..grounds(memory, within) };
    met.evidence.grounds = grounds;
    match why {
        // What is open goes on while there is more of it, however few there are now.
        Some(_) if slice.open(&rule.name).is_some() => fires(taken, rule, slice, met, effects),
        Some(why) => keep_verdict(slice, rule, event, why),
        None => fires(taken, rule, slice, met, effects),
    }
}

/// The subject that an event counts for.
fn member<'e>(event: &'e Event<'_>, kind: SubjectKind) -> Option<&'e str> {
    let about = event.facts.party(kind).or_else(|| event.facts.about(kind))?;
    Some(&about.subject.id)
}

fn unnamed(kind: SubjectKind) -> Why {
    Why::Unknown { term: format!("{kind}.id") }
}

/// Why what comes so late opens nothing: the window that it belongs to is over.
fn over(within: &Length, newest: Option<Timestamp>, at: Moment<'_>) -> Option<Why> {
    newest.is_some_and(|newest| within.after(newest) <= at.now).then_some(Why::Late)
}

/// The memory of a rule, without what another version of it has counted.
fn counting<'s>(slice: &'s mut Slice, rule: &Rule) -> &'s mut Memory {
    let memory = slice.memory(&rule.name);
    if memory.shape.is_some_and(|shape| shape != rule.derived.shape) {
        memory.hits.clear();
        memory.members.clear();
    }
    memory.shape = Some(rule.derived.shape);
    memory
}

fn add_hit(slice: &mut Slice, rule: &Rule, hit: Hit) -> u64 {
    let needed = hits_needed(rule);
    let hits = &mut counting(slice, rule).hits;
    let place = hits.partition_point(|known| known <= &hit);
    hits.insert(place, hit);
    if hits.len() > needed {
        hits.drain(..hits.len() - needed);
    }
    hits.len() as u64
}

fn add_member(slice: &mut Slice, rule: &Rule, within: &Length, member: &str, hit: Hit) -> u64 {
    let members = &mut counting(slice, rule).members;
    match members.get_mut(member) {
        Some(known) => *known = hit.at.max(*known),
        None => drop(members.insert(member.to_owned(), hit.at)),
    }
    let newest = members.values().max().copied().unwrap_or(hit.at);
    members.retain(|_, at| within.after(*at) > newest);
    members.len() as u64
}

/// How many events a rule must remember to decide whether it fires, and whether it ends.
fn hits_needed(rule: &Rule) -> usize {
    let fires = match &rule.trigger {
        Trigger::Count { at_least, distinct: None, .. } => *at_least,
        _ => 1,
    };
    let ends = rule.resolve.iter().filter_map(|resolve| match resolve {
        Resolve::Below { count, .. } => Some(*count),
        Resolve::Event(_) | Resolve::After(_) => None,
    });
    ends.fold(fires, u32::max) as usize
}

/// How many of the hits lie within the time that ends with the newest.
fn within_reach(hits: &[Hit], within: &Length) -> u64 {
    let Some(newest) = hits.last() else { return 0 };
    hits.iter().filter(|hit| within.after(hit.at) > newest.at).count() as u64
}

fn grounds(memory: &Memory, within: &Length) -> Grounds {
    let named = memory.hits.len().saturating_sub(NAMED);
    let distinct = (!memory.members.is_empty()).then_some(memory.members.len() as u64);
    let members = memory.members.values();
    let since = memory.hits.first().map(|hit| hit.at).or_else(|| members.clone().min().copied());
    let newest = memory.hits.last().map(|hit| hit.at).or_else(|| members.max().copied());
    let due = newest.map(|newest| within.after(newest));
    Grounds { since, due, counted: memory.hits[named..].to_vec(), distinct, of: None }
}

/// Remembers an event for a rule that counts nothing but ends by a count.
pub(super) fn note(taken: Taken<'_>, rule: &Rule, slice: &mut Slice) {
    if rule.resolve.iter().any(|resolve| matches!(resolve, Resolve::Below { .. })) {
        add_hit(slice, rule, Hit { at: taken.event.occurred_at, position: taken.event.position });
    }
}

/// When an alert's window runs out, and why it ends then; `None` for rules that do not count. It ends no sooner than a
/// hearing after its newest match.
pub(super) fn runs_out(rule: &Rule, slice: &Slice, alert: &Alert) -> Option<(Timestamp, Reason)> {
    let memory = slice.projection.rules.get(&rule.name);
    let newest = |memory: &Memory| {
        let hit = memory.hits.last().map(|hit| hit.at);
        hit.max(memory.members.values().max().copied())
    };
    let newest = memory.and_then(newest).unwrap_or(alert.matched_at);
    let empty = match &rule.trigger {
        Trigger::Count { within, .. } | Trigger::Share { within, .. } => {
            Some((within.after(newest), Reason::TooFew { within: within.to_string() }))
        }
        _ => None,
    };
    let below = rule.resolve.iter().filter_map(|resolve| match resolve {
        Resolve::Below { count, within } => {
            let falls = below(memory, *count, within)?;
            Some((falls, Reason::TooFew { within: within.to_string() }))
        }
        Resolve::Event(_) | Resolve::After(_) => None,
    });
    empty.into_iter().chain(below).min_by_key(|(at, _)| *at)
}

/// When there are fewer than `count` within the time.
fn below(memory: Option<&Memory>, count: u32, within: &Length) -> Option<Timestamp> {
    let memory = memory?;
    let mut times: Vec<Timestamp> = if memory.members.is_empty() {
        memory.hits.iter().map(|hit| hit.at).collect()
    } else {
        memory.members.values().copied().collect()
    };
    times.sort_unstable_by(|one, other| other.cmp(one));
    let deciding = times.get(usize::try_from(count).ok()?.checked_sub(1)?)?;
    Some(within.after(*deciding))
}

/// Ends an alert whose window has run out, where its subject was heard since its newest match.
pub(super) fn end(at: Moment<'_>, rule: &Rule, slice: &mut Slice, event: Option<&Event<'_>>, effects: &mut Effects) {
    let Some(alert) = slice.open(&rule.name) else { return };
    let Some((due, reason)) = runs_out(rule, slice, alert) else { return };
    let heard = slice.heard_at().is_some_and(|heard| heard > alert.matched_at);
    if due <= at.now && heard {
        let when = due.max(event.map_or(due, |event| event.received_at));
        lifecycle::would_end(at, rule, slice, Closing { at: when, reason, event }, effects);
    }
}
