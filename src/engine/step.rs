//! The only door of the engine.

use std::borrow::Cow;

use super::effect::Effects;
use super::evaluate::Taken;
use super::event::{About, Command, Event, Input, Message, Position};
use super::lifecycle::Moment;
use super::rule::Derived;
use super::rule_set::RuleSet;
use super::slice::Slice;
use super::standing::Standing;
use super::subject::SubjectKind;
use super::time::Timestamp;
use super::{
    evaluate, following, group, grouping, holding, inhibition, memory, outlet, people, project, recount, relations,
    silence, silent, wake,
};

/// What a step stands on besides its subject and its input.
#[derive(Clone, Copy)]
pub struct Ground<'a> {
    pub rules: &'a RuleSet,
    pub standing: &'a Standing,
}

/// Takes one input into one subject. The same arguments always bring the same result.
///
/// `now` is the journal's time of the row in hand, or the due time of a wake-up; never the wall clock.
pub fn step(ground: Ground<'_>, slice: &mut Slice, input: &Input<'_>, now: Timestamp, effects: &mut Effects) {
    let Ground { rules, standing } = ground;
    let at = |position: Position| Moment { rules, standing, now, position, baseline: false };
    match input {
        Input::Event(event) => {
            let about = event.facts.of(&slice.subject);
            observe(at(event.position), slice, about, event, Told::First, effects);
        }
        Input::Message { message, event, position } => {
            take(at(*position), slice, message, *event, effects);
        }
        Input::Wake { position } => match slice.subject.kind {
            SubjectKind::Group => group::flush(at(*position), slice, effects),
            SubjectKind::Silence => silence::due(at(*position), slice, effects),
            SubjectKind::Outlet => outlet::due(at(*position), slice, effects),
            _ => wake::due(at(*position), slice, effects),
        },
        Input::Rules { since, position } => {
            let judged = std::mem::replace(&mut slice.projection.judged, *since);
            memory::carry_over(ground, slice, judged);
            if standing.deaf_before.contains(&slice.subject.kind) {
                silent::was_deaf(at(*position), slice);
            }
            judge_anew(Moment { baseline: true, ..at(*position) }, slice, effects);
        }
        Input::Healed { since, position } => {
            slice.projection.judged = *since;
            slice.dirty = true;
            wake::heard_already(at(*position), slice, effects);
            slice.unarmed = true;
            wake::arm(at(*position), slice);
        }
        Input::Recount { event, rule } => {
            if let Some(rule) = rules.rule(rule) {
                let taken = Taken::alone(at(event.position), event);
                recount::take(Taken { recounts: true, ..taken }, rule, slice, effects);
            }
        }
        Input::Recounted { rule, position } => {
            if let Some(rule) = rules.rule(rule) {
                let at = Moment { baseline: true, ..at(*position) };
                recount::judge(at, rule, slice, effects);
                wake::arm(at, slice);
            }
        }
        Input::DeliveryFailed { failure, .. } if slice.subject.kind == SubjectKind::Outlet => {
            outlet::failed(slice, failure, effects);
        }
        Input::DeliveryFailed { failure, position } => group::failed(at(*position), slice, failure),
        Input::Command { command: Command::Alert { alert, act, by, .. }, position } => {
            people::act(at(*position), slice, *alert, act, by, effects);
        }
        Input::Command { command: Command::Silence { silence }, .. } => silence::begin(slice, silence),
        Input::Command { command, position } => group::command(at(*position), slice, command, effects),
    }
}

fn take(at: Moment<'_>, slice: &mut Slice, message: &Message, event: Option<&Event<'_>>, effects: &mut Effects) {
    match message {
        Message::Alert(announcement) => group::hear(at, slice, announcement, effects),
        Message::Left { alert } => group::leave(at, slice, *alert, effects),
        Message::Over => silence::end(slice, effects),
        Message::Unhidden => group::unhidden(at, slice),
        Message::Failed(failure) => group::failed(at, slice, failure),
        Message::Hides { group, receiver, channel, alert } => silence::hides(slice, group, receiver, channel, *alert),
        Message::HidesNoMore { receiver, channel, alert } => silence::hides_no_more(slice, receiver, channel, *alert),
        Message::Meets { alert, subject, part } => inhibition::meets(slice, *alert, subject, part, effects),
        Message::PartsWith { alert } => inhibition::parts_with(slice, *alert, effects),
        Message::Inhibited { alert, at, by } => inhibition::heard(slice, (*alert, at), *by, effects),
        Message::Says(saying) => outlet::says(at, slice, saying, effects),
        Message::IsBack { receiver, channel, outage } => {
            outlet::returned(at, slice, (receiver, channel), outage, effects);
        }
        Message::Membership { subject, belongs, brings } => {
            if relations::membership(slice, subject, *belongs, brings) {
                states(at, slice, event, effects);
                wake::arm(at, slice);
                relations::tell_members(slice, effects);
            }
        }
        Message::Counts { more } => {
            relations::counts(slice, *more);
            states(at, slice, None, effects);
            wake::arm(at, slice);
        }
        Message::Awaits { rule, subject, since, met } => {
            let since = since.map(|since| (since, at.position));
            following::awaits(at.rules, slice, (rule, subject), since, met.as_deref(), effects);
        }
        Message::Follows { rule } => {
            if let Some(event) = event {
                following::follows(at, slice, rule, event, effects);
                wake::arm(at, slice);
            }
        }
        Message::Awaited { rule, times, known_from, met } => {
            if let Some(event) = event {
                following::awaited(at, slice, (rule, times), *known_from, met.as_deref(), event, effects);
                wake::arm(at, slice);
            }
        }
        Message::Relation { kind, related, site } => {
            if relations::relation(at, slice, *kind, related, site.as_ref(), event, effects) {
                states(at, slice, event, effects);
                wake::arm(at, slice);
                relations::count_with(slice, effects);
            }
        }
        Message::Returned { patient } => {
            if let Some(event) = event {
                relations::returned(at, slice, patient.as_deref(), event, effects);
                wake::arm(at, slice);
            }
        }
        Message::Learned => {
            if let Some(event) = event {
                observe(at, slice, Some(&said(slice, event)), event, Told::Learned, effects);
            }
        }
        Message::Event { counted } => {
            if let Some(event) = event {
                let told = Told::Concerned { counted: *counted };
                observe(at, slice, Some(&said(slice, event)), event, told, effects);
            }
        }
    }
}

/// What an event says of a subject that it came to through another.
fn said<'e>(slice: &Slice, event: &'e Event<'_>) -> Cow<'e, About> {
    let heard = event.facts.about.first().is_some_and(|first| first.heard);
    let about = event.facts.of(&slice.subject).map(Cow::Borrowed);
    about.unwrap_or_else(|| Cow::Owned(About::unnamed(slice.subject.clone(), heard)))
}

/// The rule set is another: alerts of rules that are gone close, states are looked at by the new rules, and what is open
/// belongs to the groups that these make of it and keeps the deadlines that they set.
fn judge_anew(at: Moment<'_>, slice: &mut Slice, effects: &mut Effects) {
    relations::close_removed(at, slice, effects);
    wake::waiting_is_over(at, slice, effects);
    wake::heard_already(at, slice, effects);
    for rule in at.rules.states(slice.subject.kind) {
        holding::judge_anew(at, rule, slice, effects);
    }
    for alert in &mut slice.alerts {
        grouping::regroup(at, alert, effects);
    }
    // Groups have heard of it now, and must not again after a restart.
    slice.dirty |= !slice.alerts.is_empty();
    slice.unarmed = true;
    wake::arm(at, slice);
}

/// Looks at the rules about states, since something of the subject has changed.
fn states(at: Moment<'_>, slice: &mut Slice, event: Option<&Event<'_>>, effects: &mut Effects) {
    for rule in at.rules.states(slice.subject.kind) {
        holding::judge(at, rule, slice, event, effects);
    }
    slice.unarmed = true;
}

/// How an event came to a subject.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    /// It is about this subject; the subject tells the others.
    First,
    /// Another subject passed on what it says of this one.
    Learned,
    /// Another subject passed it on because a rule here wants it.
    Concerned { counted: Option<bool> },
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
    let tried = told != Told::Learned && slice.tried != event.position;
    let interest = at.rules.interest(event.kind);
    let previous = (tried && evaluate::reads_previous(interest, slice)).then(|| slice.projection.record.clone());
    let first = slice.projection.news_at.is_none();
    let change = about.map(|about| project::fold(slice, about, event)).unwrap_or_default();
    if change.overtakes {
        relations::retract(at, slice, event, effects);
    }
    if let Some(reason) = &change.ends {
        relations::end_with_relation(at, slice, event.occurred_at, reason, Some(event), effects);
    }
    if change.begins {
        holding::begin_anew(at, slice, Some(event));
    }
    if tried {
        slice.tried = event.position;
        let then = about.filter(|_| change.late).map(|about| project::as_said(slice, about));
        let mut taken = Taken { then: then.as_ref(), ..Taken::new(at, event, previous.as_ref(), &change) };
        if let Told::Concerned { counted } = told {
            taken.counted = counted;
        }
        evaluate::rules(taken, interest, slice, effects);
    }
    let changed = change.record || !change.related.is_empty();
    slice.unarmed |= changed;
    for rule in at.rules.states(slice.subject.kind) {
        let Derived { own_reads, reads_others, restless, .. } = rule.derived;
        let concerned = own_reads.meets(change.fields) || (reads_others && changed) || restless;
        if concerned || first || change.turns() {
            holding::judge(at, rule, slice, Some(event), effects);
        }
    }
    if change.earlier {
        holding::held_for_longer(at, slice, effects);
    }
    if slice.heard_at() == Some(event.received_at) {
        wake::heard(at, slice, event, effects);
    }
    wake::arm(at, slice);
    relations::tell_returned(slice, &change, effects);
    if changed {
        relations::count_with(slice, effects);
    }
    if told == Told::First {
        relations::tell_others(at.rules, interest, slice, about, event, &change, effects);
    }
    relations::tell_patients(slice, &change, effects);
    if change.record || change.related.contains(&SubjectKind::Site) {
        relations::tell_members(slice, effects);
    }
}
