//! What one subject's event means for others: who is told, and what being told does.

use super::alert::{Alert, Reason};
use super::effect::Effects;
use super::event::{About, Event, Message};
use super::lifecycle::{self, Moment};
use super::project::Change;
use super::rule::{Interest, RuleSet};
use super::slice::{Related, Slice};
use super::subject::{Subject, SubjectKind};
use super::time::Timestamp;
use super::value::Value;

/// Tells the other subjects of an event what it says of them, where they do not know it or a rule of theirs wants it.
pub(super) fn tell_others(
    rules: &RuleSet,
    interest: Interest<'_>,
    slice: &Slice,
    about: Option<&About>,
    event: &Event<'_>,
    change: &Change,
    effects: &mut Effects,
) {
    let concerned = |kind: SubjectKind| interest.has(kind);
    for other in &event.facts.about {
        let kind = other.subject.kind;
        if other.subject == slice.subject {
            continue;
        }
        if concerned(kind) {
            effects.messages.push_back((other.subject.clone(), Message::Event));
            continue;
        }
        let copied =
            about.is_some_and(|about| about.links.iter().any(|(to, id)| *to == kind && *id == other.subject.id));
        if !copied || change.related.contains(&kind) || rules.has_rules_for(kind) {
            effects.messages.push_back((other.subject.clone(), Message::Learned(other.clone())));
        }
    }
    for (kind, related) in &slice.projection.related {
        if concerned(*kind) && !event.facts.about.iter().any(|other| other.subject.kind == *kind) {
            effects.messages.push_back((Subject::new(*kind, related.id.clone()), Message::Event));
        }
    }
}

/// Keeps a patient's list of what belongs to it.
pub(super) fn tell_patients(slice: &Slice, change: &Change, effects: &mut Effects) {
    if !matches!(slice.subject.kind, SubjectKind::Device | SubjectKind::Order | SubjectKind::Return) {
        return;
    }
    for (patient, belongs) in [(&change.left, false), (&change.joined, true)] {
        if let Some(patient) = patient {
            let message = Message::Membership { subject: slice.subject.clone(), belongs };
            effects.messages.push_back((Subject::new(SubjectKind::Patient, patient.clone()), message));
        }
    }
}

/// Tells what belongs to a patient that the patient has changed.
pub(super) fn tell_members(slice: &Slice, effects: &mut Effects) {
    for member in &slice.projection.members {
        let related = Related { id: slice.subject.id.clone(), record: slice.projection.record.clone() };
        effects.messages.push_back((member.clone(), Message::Relation { kind: slice.subject.kind, related }));
    }
}

/// A subject joined or left this one.
pub(super) fn membership(slice: &mut Slice, subject: &Subject, belongs: bool) {
    let changed = if belongs {
        slice.projection.members.insert(subject.clone())
    } else {
        slice.projection.members.remove(subject)
    };
    slice.dirty |= changed;
}

/// What this subject belongs to has changed.
pub(super) fn relation(
    at: Moment<'_>,
    slice: &mut Slice,
    kind: SubjectKind,
    news: &Related,
    event: Option<&Event<'_>>,
    effects: &mut Effects,
) {
    let Some(related) = slice.projection.related.get_mut(&kind).filter(|related| related.id == news.id) else { return };
    if related.record != news.record {
        related.record.clone_from(&news.record);
        if let (SubjectKind::Device, Some(site)) = (slice.subject.kind, news.record.get("site")) {
            slice.projection.record.set("site", site.clone());
        }
        slice.dirty = true;
    }
    if kind == SubjectKind::Patient && news.record.get("archived").and_then(Value::as_bool) == Some(true) {
        let when = event.map_or(at.now, |event| event.occurred_at);
        end_with_relation(at, slice, when, &Reason::PatientArchived, event, effects);
    }
}

/// Ends every alert of the slice that ends with its relations.
pub(super) fn end_with_relation(
    at: Moment<'_>,
    slice: &mut Slice,
    when: Timestamp,
    reason: &Reason,
    event: Option<&Event<'_>>,
    effects: &mut Effects,
) {
    let ends = |alert: &Alert| at.rules.rule(&alert.rule).is_none_or(|rule| rule.ends_with_relations);
    for alert in slice.take_alerts(ends) {
        lifecycle::end(at, alert, when, reason.clone(), event, effects);
    }
}

/// Closes the alerts of rules that the rule set no longer has.
pub(super) fn close_removed(at: Moment<'_>, slice: &mut Slice, effects: &mut Effects) {
    for alert in
        slice.take_alerts(|alert| at.rules.rule(&alert.rule).is_none_or(|rule| rule.subject != alert.subject.kind))
    {
        lifecycle::end(at, alert, at.now, Reason::RuleRemoved, None, effects);
    }
}
