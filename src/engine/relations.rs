//! What one subject's event means for others: who is told, and what being told does.

use super::alert::{Alert, Evidence, Reason};
use super::effect::Effects;
use super::evaluate::concerns;
use super::event::{About, Event, Message};
use super::holding;
use super::lifecycle::{self, Moment};
use super::memory::Memory;
use super::project::{Change, is_archived, texts};
use super::rule::Rule;
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
            effects.messages.push_back((other.subject.clone(), passed_on(slice, &other.subject)));
            continue;
        }
        let copied =
            about.is_some_and(|about| about.links.iter().any(|(to, id)| *to == kind && *id == other.subject.id));
        if !copied || change.related.contains(&kind) || rules.has_rules_for(kind) {
            effects.messages.push_back((other.subject.clone(), Message::Learned));
        }
    }
    tell_contained(interest, slice, event, effects);
    for (kind, related) in &slice.projection.related {
        let is_it = |other: &About| other.subject.kind == *kind && other.subject.id == related.id;
        if !rules.has_rules_for(*kind) || event.facts.about.iter().any(is_it) {
            continue;
        }
        let subject = Subject::new(*kind, related.id.clone());
        if interest.has(*kind) && event.facts.party(*kind).is_none() {
            let message = passed_on(slice, &subject);
            effects.messages.push_back((subject, message));
        } else if heard {
            effects.messages.push_back((subject, Message::Learned));
        }
    }
}

/// Tells the devices that an order or a return is known to hold, where the event does not name them and a rule wants it.
fn tell_contained(interest: Interest<'_>, slice: &Slice, event: &Event<'_>, effects: &mut Effects) {
    if !matches!(slice.subject.kind, SubjectKind::Order | SubjectKind::Return) || !interest.has(SubjectKind::Device) {
        return;
    }
    let devices = slice.projection.record.get("devices").map(texts).unwrap_or_default();
    for device in devices {
        let subject = Subject::new(SubjectKind::Device, device);
        if event.facts.of(&subject).is_none() {
            effects.messages.push_back((subject, Message::Event { counted: None }));
        }
    }
}

/// The event, for another subject.
fn passed_on(slice: &Slice, to: &Subject) -> Message {
    let from_device = slice.subject.kind == SubjectKind::Device;
    Message::Event { counted: from_device.then(|| slice.projection.counted.get(&to.kind) == Some(&to.id)) }
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
            let items = slice.projection.record.get("items").filter(|_| slice.subject.kind == SubjectKind::Order);
            let brings = items.map(texts).unwrap_or_default().into_iter().map(str::to_owned).collect();
            let message = Message::Membership { subject: slice.subject.clone(), belongs, brings };
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

/// A subject joined or left this one; true where that changes what is known of this one.
pub(super) fn membership(slice: &mut Slice, subject: &Subject, belongs: bool, brings: &[String]) -> bool {
    let Projection { members, ordered, record, .. } = &mut slice.projection;
    let changed = if belongs { members.insert(subject.clone()) } else { members.remove(subject) };
    slice.dirty |= changed;
    if subject.kind != SubjectKind::Order || slice.subject.kind != SubjectKind::Patient {
        return false;
    }
    let known = ordered.get(&subject.id).map(Vec::as_slice);
    if known == belongs.then_some(brings) {
        return false;
    }
    if belongs {
        ordered.insert(subject.id.clone(), brings.to_vec());
    } else {
        ordered.remove(&subject.id);
    }
    let orders = ordered.keys().map(|id| Value::from(id.as_str())).collect();
    let mut items: Vec<&String> = ordered.values().flatten().collect();
    items.sort_unstable();
    items.dedup();
    let items = items.into_iter().map(|item| Value::from(item.as_str())).collect();
    record.set("open_orders", Value::List(orders));
    record.set("ordered_items", Value::List(items));
    slice.dirty = true;
    true
}

/// A device with a patient is counted here from now on, or no longer.
pub(super) fn counts(slice: &mut Slice, more: bool) {
    let record = &mut slice.projection.record;
    let before = match record.get("devices_with_patients") {
        Some(Value::Int(number)) => *number,
        _ => 0,
    };
    record.set("devices_with_patients", Value::Int((before + if more { 1 } else { -1 }).max(0)));
    slice.dirty = true;
}

/// Lets a device be counted by its item and its site while it is with a patient.
pub(super) fn count_with(slice: &mut Slice, effects: &mut Effects) {
    if slice.subject.kind != SubjectKind::Device {
        return;
    }
    let Projection { record, related, counted, over, .. } = &mut slice.projection;
    let with_patient = record.get("associated").and_then(Value::as_bool) == Some(true) && !*over;
    for kind in [SubjectKind::Item, SubjectKind::Site] {
        let wanted = related.get(&kind).filter(|_| with_patient).map(|related| related.id.clone());
        if counted.get(&kind) == wanted.as_ref() {
            continue;
        }
        let before = match &wanted {
            Some(wanted) => counted.insert(kind, wanted.clone()),
            None => counted.remove(&kind),
        };
        for (id, more) in [(before, false), (wanted, true)] {
            if let Some(id) = id {
                effects.messages.push_back((Subject::new(kind, id), Message::Counts { more }));
            }
        }
        slice.dirty = true;
    }
}

/// What this subject belongs to has changed; true where that is news here.
pub(super) fn relation(
    at: Moment<'_>,
    slice: &mut Slice,
    kind: SubjectKind,
    news: &Related,
    site: Option<&Related>,
    event: Option<&Event<'_>>,
    effects: &mut Effects,
) -> bool {
    let related = slice.projection.related.get_mut(&kind).filter(|related| related.id == news.id);
    let Some(related) = related else { return false };
    let (is, was) = (is_archived(&news.record), is_archived(&related.record));
    let changed = related.record != news.record;
    if changed {
        related.record.clone_from(&news.record);
        slice.dirty = true;
    }
    if kind == SubjectKind::Patient && slice.subject.kind == SubjectKind::Device {
        move_to_site(slice, news.record.get("site"), site);
    }
    if is && !was {
        let when = event.map_or(at.now, |event| event.occurred_at);
        end_with_relation(at, slice, when, &Reason::PatientArchived, event, effects);
    } else if was && !is {
        holding::begin_anew(at, slice, event);
    }
    changed
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

/// Resolves the alerts that a late status fired, and drops what waits to: what `event` says had happened before.
pub(super) fn retract(at: Moment<'_>, slice: &mut Slice, event: &Event<'_>, effects: &mut Effects) {
    fn family(kind: &str) -> &str {
        kind.split_once('.').map_or(kind, |(family, _)| family)
    }
    let late = |opened_at: Timestamp, evidence: &Evidence| {
        opened_at > event.occurred_at
            && evidence.event.as_ref().is_some_and(|fired| {
                fired.occurred_at == fired.received_at && family(&fired.kind) == family(event.kind)
            })
    };
    for memory in slice.projection.rules.values_mut() {
        slice.dirty |= memory.waiting.take_if(|waiting| late(waiting.at, &waiting.evidence)).is_some();
    }
    for alert in slice.take_alerts(|alert| late(alert.opened_at, &alert.evidence)) {
        let reference = lifecycle::reference(event);
        lifecycle::end(at, alert, event.occurred_at, Reason::LateEvent, Some(reference), effects);
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
        let late = alert.opened_at > when && at.rules.rule(&alert.rule).is_some_and(|rule| rule.trigger.has_deadline());
        let reason = if late { Reason::LateEvent } else { reason.clone() };
        lifecycle::end(at, alert, when, reason, event.map(lifecycle::reference), effects);
    }
    holding::rest(at, slice);
    let under_way = |memory: &Memory| memory.waiting.is_some() || !memory.hits.is_empty() || !memory.members.is_empty();
    // A rule that counts such ends counts them across patients.
    let counts = |rule: &Rule| rule.trigger.test().zip(event).is_some_and(|(test, event)| concerns(test, event));
    for (name, memory) in slice.projection.rules.iter_mut().filter(|(_, memory)| under_way(memory)) {
        let rule = at.rules.rule(name);
        if rule.is_none_or(|rule| rule.ends_with_relations) {
            memory.let_go(rule.is_some_and(counts));
            slice.dirty = true;
        }
    }
}

/// Closes the alerts of rules that the rule set no longer has.
pub(super) fn close_removed(at: Moment<'_>, slice: &mut Slice, effects: &mut Effects) {
    let gone = |alert: &Alert| at.rules.rule(&alert.rule).is_none_or(|rule| rule.subject != alert.subject.kind);
    for alert in slice.take_alerts(gone) {
        lifecycle::end(at, alert, at.now, Reason::RuleRemoved, None, effects);
    }
}
