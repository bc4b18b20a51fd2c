//! Rules that count: so many events, or so many different subjects, or a share of the fleet, within a time.
//!
//! A window is open on its left: what happened exactly `within` ago no longer counts.

use smol_str::format_smolstr;

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

/// What a rule has counted, as one event is added to it.
struct Counted {
    /// How many, by what the rule needs.
    count: u64,
    /// The newest of them; none of them counts once the rule's time has passed since then.
    newest: Timestamp,
    grounds: Grounds,
}

/// Counts an event that meets the test; fires where there are enough.
pub(super) fn count(taken: Taken<'_>, rule: &Rule, slice: &mut Slice, mut met: Met, effects: &mut Effects) {
    let event = taken.event;
    let hit = Hit { at: event.occurred_at, position: event.position };
    let (within, distinct) = match &rule.trigger {
        Trigger::Count { within, distinct, .. } => (within, *distinct),
        Trigger::Share { within, distinct, .. } => (within, Some(*distinct)),
        _ => return,
    };
    if matches!(rule.trigger, Trigger::Share { .. }) && !is_with_patient(taken) {
        // A share of the devices with patients is made of devices with patients.
        return keep_verdict(slice, rule, event, Why::False { term: "device.associated".into() });
    }
    let mut counted = match distinct {
        Some(kind) => match member(event, kind) {
            Some(member) => add_member(slice, rule, within, member, hit),
            None => return keep_verdict(slice, rule, event, unnamed(kind)),
        },
        None => add_hit(slice, rule, within, hit),
    };
    if taken.recounts {
        return;
    }
    let count = counted.count;
    let why = match &rule.trigger {
        Trigger::Share { share, and_at_least, .. } => {
            let Some(Value::Int(of)) = slice.projection.record.get("devices_with_patients") else {
                let term = format_smolstr!("{}.devices_with_patients", slice.subject.kind);
                return keep_verdict(slice, rule, event, Why::Unknown { term });
            };
            let of = u64::try_from(*of).unwrap_or(0);
            let part = count as f64 / of.max(1) as f64;
            let enough = if share.inclusive { part >= share.part } else { part > share.part };
            counted.grounds.of = Some(of);
            if count < u64::from(*and_at_least) {
                Some(Why::TooFew { count, needed: u64::from(*and_at_least) })
            } else {
                (of == 0 || !enough).then_some(Why::ShareTooSmall { count, of })
            }
        }
        _ => {
            let needed = u64::from(fires_at(rule));
            (count < needed).then_some(Why::TooFew { count, needed })
        }
    };
    // What comes so late opens nothing: the window that it belongs to is over, and the subject was heard since, so that the
    // alert would have ended by now.
    let runs_out = within.after(counted.newest);
    let over = runs_out <= taken.at.now && slice.heard_at().is_some_and(|heard| heard >= runs_out);
    // What is open goes on while there is more of it, however few there are now.
    if let Some(why) = why.or_else(|| over.then_some(Why::Late))
        && slice.open(&rule.name).is_none()
    {
        return keep_verdict(slice, rule, event, why);
    }
    let goes_on = slice.open(&rule.name).is_some() || slice.memory(&rule.name).waiting.is_some();
    // Of events each is one more; of subjects as many are seen as there are.
    met.count = u32::try_from(count).ok().filter(|_| distinct.is_some() || !goes_on);
    met.at = counted.newest;
    let (kind, within) = (event.kind.to_owned(), within.to_string());
    met.reason = match counted.grounds.of {
        Some(of) => Reason::Shared { event: kind, count, of, within },
        None => Reason::Counted { event: kind, count, within },
    };
    met.evidence = lifecycle::evidence(rule, &taken.names(slice));
    met.evidence.grounds = counted.grounds;
    fires(taken, rule, slice, met, effects);
}

/// A window that holds enough for its rule.
pub(super) struct Full<'r> {
    pub count: u64,
    pub newest: Timestamp,
    pub within: &'r Length,
    pub grounds: Grounds,
}

/// What a rule has counted and what still counts at `now`, where that is enough.
pub(super) fn full<'r>(rule: &'r Rule, slice: &Slice, now: Timestamp) -> Option<Full<'r>> {
    let memory = slice.projection.rules.get(&rule.name)?;
    let (Trigger::Count { within, .. } | Trigger::Share { within, .. }) = &rule.trigger else { return None };
    let counts = |at: &Timestamp| within.after(*at) > now;
    let hits: Vec<Hit> = memory.hits.iter().filter(|hit| counts(&hit.at)).copied().collect();
    let members: Vec<Timestamp> = memory.members.times().filter(counts).collect();
    let times = || hits.iter().map(|hit| hit.at).chain(members.iter().copied());
    let (since, newest) = (times().min()?, times().max()?);
    let count = hits.len().max(members.len()) as u64;
    let of = match &rule.trigger {
        Trigger::Share { share, and_at_least, .. } => {
            let Some(Value::Int(of)) = slice.projection.record.get("devices_with_patients") else { return None };
            let of = u64::try_from(*of).ok().filter(|of| *of > 0)?;
            let part = count as f64 / of as f64;
            let enough = if share.inclusive { part >= share.part } else { part > share.part };
            (enough && count >= u64::from(*and_at_least)).then_some(Some(of))?
        }
        _ => (count >= u64::from(fires_at(rule))).then_some(None)?,
    };
    let distinct = (!members.is_empty()).then_some(count);
    let named = hits.len().saturating_sub(NAMED);
    let due = Some(within.after(newest));
    Some(Full {
        count,
        newest,
        within,
        grounds: Grounds { since: Some(since), due, counted: hits[named..].to_vec(), distinct, of },
    })
}

/// Whether an alert that a full window fired would have ended by now, by the rule's own `resolve`: its subject was heard since.
pub(super) fn has_ended(at: Moment<'_>, rule: &Rule, slice: &Slice, newest: Timestamp) -> bool {
    let Some(heard) = slice.heard_at().filter(|heard| *heard > newest) else { return false };
    let memory = slice.projection.rules.get(&rule.name);
    rule.resolve.iter().any(|resolve| match resolve {
        Resolve::After(after) => after.after_hearing(newest, &at.standing.blind) <= heard,
        Resolve::Below { count, within } => {
            memory.and_then(|memory| below(at, memory, *count, within, newest)).is_some_and(|falls| falls <= heard)
        }
        Resolve::Event(_) => false,
    })
}

/// The subject that an event counts for.
fn member<'e>(event: &'e Event<'_>, kind: SubjectKind) -> Option<&'e str> {
    let about = event.facts.party(kind).or_else(|| event.facts.about(kind))?;
    Some(&about.subject.id)
}

/// Whether the event's device is with a patient, as far as is known.
fn is_with_patient(taken: Taken<'_>) -> bool {
    let said = || taken.event.facts.about(SubjectKind::Device)?.said("associated").and_then(Value::as_bool);
    taken.counted.or_else(said) != Some(false)
}

fn unnamed(kind: SubjectKind) -> Why {
    Why::Unknown { term: format_smolstr!("{kind}.id") }
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

fn add_hit(slice: &mut Slice, rule: &Rule, within: &Length, hit: Hit) -> Counted {
    let (enough, kept) = (fires_at(rule) as usize, hits_needed(rule));
    let hits = &mut counting(slice, rule).hits;
    // An event is counted once, also where what came before is counted anew.
    let place = hits.binary_search(&hit).unwrap_or_else(|place| {
        hits.insert(place, hit);
        place
    });
    let together = |window: &[Hit]| {
        let (first, last) = (window.first(), window.last());
        first.zip(last).is_some_and(|(first, last)| within.after(first.at) > last.at)
    };
    // An event that is late can make enough of those before the newest.
    let ends = (place..hits.len()).rev().filter_map(|last| Some((last + 1).checked_sub(enough)?..=last));
    let found = ends.filter(|window| *window.start() <= place).find(|window| together(&hits[window.clone()]));
    let counted = found.unwrap_or_else(|| {
        let last = hits.len() - 1;
        let first = hits.partition_point(|known| within.after(known.at) <= hits[last].at);
        first..=last
    });
    let counted = &hits[counted];
    let newest = counted.last().map_or(hit.at, |last| last.at);
    let named = counted.len().saturating_sub(NAMED);
    let grounds = Grounds {
        since: counted.first().map(|first| first.at),
        due: Some(within.after(newest)),
        counted: counted[named..].to_vec(),
        ..Grounds::default()
    };
    let counted = Counted { count: counted.len() as u64, newest, grounds };
    if hits.len() > kept {
        hits.drain(..hits.len() - kept);
    }
    counted
}

fn add_member(slice: &mut Slice, rule: &Rule, within: &Length, member: &str, hit: Hit) -> Counted {
    let members = &mut counting(slice, rule).members;
    members.add(member, hit.at);
    let newest = members.newest().unwrap_or(hit.at);
    members.forget_while(|at| within.after(at) <= newest);
    let count = members.len() as u64;
    let since = members.oldest();
    let due = Some(within.after(newest));
    Counted { count, newest, grounds: Grounds { since, due, distinct: Some(count), ..Grounds::default() } }
}

/// How many events fire a rule.
fn fires_at(rule: &Rule) -> u32 {
    match &rule.trigger {
        Trigger::Count { at_least, .. } => (*at_least).max(1),
        _ => 1,
    }
}

/// How many events a rule must remember to decide whether it fires, and whether it ends.
fn hits_needed(rule: &Rule) -> usize {
    let ends = rule.resolve.iter().filter_map(|resolve| match resolve {
        Resolve::Below { count, .. } => Some(*count),
        Resolve::Event(_) | Resolve::After(_) => None,
    });
    ends.fold(fires_at(rule), u32::max) as usize
}

/// Remembers an event for a rule that counts nothing but ends by a count.
pub(super) fn note(taken: Taken<'_>, rule: &Rule, slice: &mut Slice) {
    let ends = rule.resolve.iter().find_map(|resolve| match resolve {
        Resolve::Below { within, .. } => Some(within),
        Resolve::Event(_) | Resolve::After(_) => None,
    });
    if let Some(within) = ends {
        add_hit(slice, rule, within, Hit { at: taken.event.occurred_at, position: taken.event.position });
    }
}

/// What was counted up to then is over: it counts for no other alert.
pub(super) fn forget(rule: &Rule, slice: &mut Slice, until: Timestamp) {
    if slice.projection.rules.contains_key(&rule.name) {
        let memory = slice.memory(&rule.name);
        memory.hits.retain(|hit| hit.at > until);
        memory.members.forget_while(|at| at <= until);
    }
}

/// When an alert's window runs out, and the time within which there are too few then; `None` for rules that do not count. It
/// ends no sooner than a hearing after its newest match, and time in which nothing could be heard does not make it empty.
pub(super) fn runs_out<'r>(
    at: Moment<'_>,
    rule: &'r Rule,
    slice: &Slice,
    alert: &Alert,
) -> Option<(Timestamp, &'r Length)> {
    let memory = slice.projection.rules.get(&rule.name);
    let newest = |memory: &Memory| {
        let hit = memory.hits.last().map(|hit| hit.at);
        hit.max(memory.members.newest())
    };
    let newest = memory.and_then(newest).unwrap_or(alert.matched_at);
    let empty = match &rule.trigger {
        Trigger::Count { within, .. } | Trigger::Share { within, .. } => {
            Some((within.after_hearing(newest, &at.standing.blind), within))
        }
        _ => None,
    };
    let below = rule.resolve.iter().filter_map(|resolve| match resolve {
        Resolve::Below { count, within } => Some((below(at, memory?, *count, within, alert.opened_at)?, within)),
        Resolve::Event(_) | Resolve::After(_) => None,
    });
    empty.into_iter().chain(below).min_by_key(|(at, _)| *at)
}

/// When there are fewer than `count` within the time; `None` where nothing is known of what was counted.
fn below(at: Moment<'_>, memory: &Memory, count: u32, within: &Length, opened_at: Timestamp) -> Option<Timestamp> {
    let place = usize::try_from(count).ok()?.checked_sub(1)?;
    let deciding = if memory.members.is_empty() {
        memory.hits.last()?;
        memory.hits.iter().rev().nth(place).map(|hit| hit.at)
    } else {
        memory.members.times().nth(place)
    };
    // There never were so many.
    Some(deciding.map_or(opened_at, |deciding| within.after_hearing(deciding, &at.standing.blind)))
}

/// Ends an alert whose window has run out, where its subject was heard since its newest match.
pub(super) fn end(at: Moment<'_>, rule: &Rule, slice: &mut Slice, event: Option<&Event<'_>>, effects: &mut Effects) {
    let Some(alert) = slice.open(&rule.name) else { return };
    let Some((due, within)) = runs_out(at, rule, slice, alert) else { return };
    let heard = slice.heard_at().is_some_and(|heard| heard > alert.matched_at);
    if due <= at.now && heard {
        let when = due.max(event.map_or(due, |event| event.received_at));
        let reason = Reason::TooFew { within: within.to_string() };
        lifecycle::would_end(at, rule, slice, Closing { at: when, reason, event }, effects);
    }
}
