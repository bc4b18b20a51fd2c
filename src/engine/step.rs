//! The only door of the engine.

use std::borrow::Cow;

use super::effect::Effects;
use super::event::{About, Event, Input, Message, Position};
use super::lifecycle::{self, Moment};
use super::rule_set::RuleSet;
use super::slice::Slice;
use super::subject::SubjectKind;
use super::time::Timestamp;
use super::{evaluate, group, project, relations, wake};

/// Takes one input into one subject. The same arguments always bring the same result.
///
/// `now` is the journal's time of the row in hand, or the due time of a wake-up; never the wall clock.
pub fn step(rules: &RuleSet, slice: &mut Slice, input: &Input<'_>, now: Timestamp, effects: &mut Effects) {
    let at = |position: Position| Moment { rules, now, position };
    match input {
        Input::Event(event) => {
            let about = event.facts.of(&slice.subject);
            observe(at(event.position), slice, about, event, Told::First, effects);
        }
        Input::Message { message, event, position } => {
            take(at(*position), slice, message, *event, effects);
        }
        Input::Wake { position } if slice.subject.kind == SubjectKind::Group => {
            group::flush(at(*position), slice, effects);
        }
        Input::Wake { position } => wake::due(at(*position), slice, effects),
        Input::Rules { position } => judge_anew(at(*position), slice, effects),
        Input::DeliveryFailed { failure, position } => group::failed(at(*position), slice, failure),
        Input::Command { command, position } => group::command(at(*position), slice, command, effects),
    }
}

fn take(at: Moment<'_>, slice: &mut Slice, message: &Message, event: Option<&Event<'_>>, effects: &mut Effects) {
    match message {
        Message::Alert(announcement) => group::hear(at, slice, announcement),
        Message::Left { alert } => group::leave(slice, *alert),
        Message::Membership { subject, belongs } => relations::membership(slice, subject, *belongs),
        Message::Relation { kind, related, site } => {
            relations::relation(at, slice, *kind, related, site.as_ref(), event, effects);
        }
        Message::Returned { patient } => {
            if let Some(event) = event {
                relations::returned(at, slice, patient.as_deref(), event, effects);
            }
        }
        Message::Learned(about) => {
            if let Some(event) = event {
                observe(at, slice, Some(about), event, Told::Learned, effects);
            }
        }
        Message::Event => {
            if let Some(event) = event {
                let heard = event.facts.about.first().is_some_and(|first| first.heard);
                let about = event.facts.of(&slice.subject).map(Cow::Borrowed);
                let about = about.unwrap_or_else(|| Cow::Owned(About::unnamed(slice.subject.clone(), heard)));
                observe(at, slice, Some(&about), event, Told::Concerned, effects);
            }
        }
    }
}

/// The rule set is another: alerts of rules that are gone close, the rest belong to the groups that
/// it makes of them and keep the deadlines that it sets.
fn judge_anew(at: Moment<'_>, slice: &mut Slice, effects: &mut Effects) {
    relations::close_removed(at, slice, effects);
    for alert in &mut slice.alerts {
        lifecycle::regroup(at, alert, effects);
    }
    wake::arm(at, slice);
}

/// How an event came to a subject.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    /// It is about this subject; the subject tells the others.
    First,
    /// Another subject passed on what it says of this one.
    Learned,
    /// Another subject passed it on because a rule here wants it.
    Concerned,
}

/// Folds the event in, then ends, then starts: a relation ends only what was open before the event.
fn observe(
    at: Moment<'_>,
    slice: &mut Slice,
    about: Option<&About>,
    event: &Event<'_>,
    told: Told,
    effects: &mut Effects,
) {
    let tried = told != Told::Learned;
    let interest = at.rules.interest(event.kind);
    let previous = (tried && evaluate::reads_previous(interest, slice)).then(|| slice.projection.record.clone());
    let change = about.map(|about| project::fold(slice, about, event)).unwrap_or_default();
    if change.overtakes {
        relations::retract(at, slice, event, effects);
    }
    if let Some(reason) = &change.ends {
        relations::end_with_relation(at, slice, event.occurred_at, reason, Some(event), effects);
    }
    if tried {
        evaluate::rules(at, interest, slice, event, previous.as_ref(), &change, effects);
    }
    if about.is_some_and(|about| about.heard) {
        wake::heard(at, slice, event, effects);
    }
    wake::arm(at, slice);
    relations::tell_returned(slice, &change, effects);
    if told == Told::First {
        relations::tell_others(at.rules, interest, slice, about, event, &change, effects);
    }
    relations::tell_patients(slice, &change, effects);
    if change.record || change.related.contains(&SubjectKind::Site) {
        relations::tell_members(slice, effects);
    }
}
