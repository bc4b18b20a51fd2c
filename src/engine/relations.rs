//! What one subject's event means for others: who is told, and what being told does.

use super::alert::{Alert, Reason};
use super::effect::Effects;
use super::event::{About, Event, Message};
use super::lifecycle::{self, Moment};
use super::project::{Change, is_archived};
use super::rule_set::{Interest, RuleSet};
use super::slice::{Projection, Related, Slice};
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
    let heard = about.is_some_and(|about| about.heard);
    for other in &event.facts.about {
        let kind = other.subject.kind;
        if other.subject == slice.subject {
            continue;
        }
        if interest.has(kind) && is_party(slice, other, event) {
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
        let is_it = |other: &About| other.subject.kind == *kind && other.subject.id == related.id;
        if !rules.has_rules_for(*kind) || event.facts.about.iter().any(is_it) {
            continue;
        }
        let subject = Subject::new(*kind, related.id.clone());
        if interest.has(*kind) && event.facts.party(*kind).is_none() {
            effects.messages.push_back((subject, Message::Event));
        } else if heard {
            effects.messages.push_back((subject.clone(), Message::Learned(About::unnamed(subject, true))));
        }
    }
}

/// Whether the event is about `other` too, and does not merely mention it: of several patients or sites it is about one.
fn is_party(slice: &Slice, other: &About, event: &Event<'_>) -> bool {
    let kind = other.subject.kind;
    match event.facts.party(kind) {
        Some(party) => party.subject == other.subject,
        None if matches!(kind, SubjectKind::Patient | SubjectKind::Site) => {
            slice.projection.related.get(&kind).is_none_or(|related| related.id == other.subject.id)
        }
        None => true,
    }
}

/// Keeps a patient's list of what belongs to it.
pub(super) fn tell_patients(slice: &Slice, change: &Change, effects: &mut Effects) {
    let belongs = [SubjectKind::Device, SubjectKind::Order, SubjectKind::Return, SubjectKind::Ticket];
    if !belongs.contains(&slice.subject.kind) {
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
        let site = slice.projection.related.get(&SubjectKind::Site).cloned();
        effects.messages.push_back((member.clone(), Message::Relation { kind: slice.subject.kind, related, site }));
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
    site: Option<&Related>,
    event: Option<&Event<'_>>,
    effects: &mut Effects,
) {
    let Some(related) = slice.projection.related.get_mut(&kind).filter(|related| related.id == news.id) else { return };
    let becomes_archived = is_archived(&news.record) && !is_archived(&related.record);
    if related.record != news.record {
        related.record.clone_from(&news.record);
        slice.dirty = true;
    }
    if kind == SubjectKind::Patient && slice.subject.kind == SubjectKind::Device {
        move_to_site(slice, news.record.get("site"), site);
    }
    if becomes_archived {
        let when = event.map_or(at.now, |event| event.occurred_at);
        end_with_relation(at, slice, when, &Reason::PatientArchived, event, effects);
    }
}

/// A device goes where its patient goes: the name of the site and what is known of it together.
fn move_to_site(slice: &mut Slice, name: Option<&Value>, site: Option<&Related>) {
    let Projection { record, related, .. } = &mut slice.projection;
    let Some(name) = name else { return };
    let moves = record.get("site") != Some(name);
    if moves {
        record.set("site", name.clone());
    }
    match site {
        Some(site) if related.get(&SubjectKind::Site).is_none_or(|known| known.id != site.id) => {
            related.insert(SubjectKind::Site, site.clone());
            slice.dirty = true;
        }
        None if moves => drop(related.remove(&SubjectKind::Site)),
        _ => {}
    }
    slice.dirty |= moves;
}

/// Tells the devices of a return that they are back.
pub(super) fn tell_returned(slice: &Slice, change: &Change, effects: &mut Effects) {
    let patient = slice.projection.record.get("patient").and_then(Value::as_text);
    for device in &change.returned {
        let message = Message::Returned { patient: patient.map(str::to_owned) };
        effects.messages.push_back((Subject::new(SubjectKind::Device, device.clone()), message));
    }
}

/// This device is back, unless somebody else has it by now.
pub(super) fn returned(
    at: Moment<'_>,
    slice: &mut Slice,
    from: Option<&str>,
    event: &Event<'_>,
    effects: &mut Effects,
) {
    let Projection { record, turn, .. } = &slice.projection;
    let with = record.get("patient").and_then(Value::as_text);
    let with_another = with.zip(from).is_some_and(|(with, from)| with != from);
    let since = turn.as_ref().filter(|turn| turn.patient.is_some()).map(|turn| turn.at);
    if !with_another && since.is_none_or(|since| since <= event.occurred_at) {
        end_with_relation(at, slice, event.occurred_at, &Reason::Returned, Some(event), effects);
    }
}

/// Resolves the alerts that a late status fired: what `event` says had happened before.
pub(super) fn retract(at: Moment<'_>, slice: &mut Slice, event: &Event<'_>, effects: &mut Effects) {
    fn family(kind: &str) -> &str {
        kind.split_once('.').map_or(kind, |(family, _)| family)
    }
    let late = |alert: &Alert| {
        alert.opened_at > event.occurred_at
            && alert.evidence.event.as_ref().is_some_and(|fired| {
                fired.occurred_at == fired.received_at && family(&fired.kind) == family(event.kind)
            })
    };
    for alert in slice.take_alerts(late) {
        lifecycle::end(at, alert, event.occurred_at, Reason::LateEvent, Some(event), effects);
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
