//! Statuses and the flags beside them: which of two counts, and when a subject's story is over.

use super::alert::Reason;
use super::association::Placed;
use super::event::{About, Basis, Event};
use super::project::{Change, Known, RETRY_SPAN, patient_of};
use super::record::Record;
use super::slice::{Projection, Slice};
use super::state::{Fact, Field, FieldGroup};
use super::subject::SubjectKind;
use super::time::Timestamp;
use super::value::Value;

/// Folds the status in, and what is learned together with it.
pub(super) fn fold(
    slice: &mut Slice,
    (about, facts): (&About, &[Known<'_>]),
    event: &Event<'_>,
    placed: Placed,
    change: &mut Change,
) {
    let kind = slice.subject.kind;
    let record = &mut slice.projection.record;
    if placed == Placed::Before {
        for (fact, _) in facts.iter().filter(|(_, field)| field.group == FieldGroup::Status) {
            if record.get(fact.name).is_none() {
                change.set(kind, record, fact);
            }
        }
        return;
    }
    let mut at = None;
    if let Some(fact) = about.facts.iter().find(|fact| fact.name == "status") {
        at = fold_one(record, kind, fact, event, change);
        if at.is_none() {
            change.late |= kind != SubjectKind::Device && record.get("status") != Some(&fact.value);
            return;
        }
    }
    if unarchives_in_passing(record, about, event) {
        return;
    }
    for (fact, _) in facts.iter().filter(|(fact, field)| field.group == FieldGroup::Status && fact.name != "status") {
        let when = fact.at.unwrap_or(event.occurred_at);
        if at.is_some() || record.time(FieldGroup::Status).is_none_or(|known| when >= known) {
            change.set(kind, record, fact);
            at = at.max(Some(when));
        }
    }
    if let Some(at) = at {
        record.set_time(FieldGroup::Status, at);
    }
}

/// Takes a status where it counts, and gives the time as of which it does.
///
/// A time of its own beats receipt: it may lie before the receipt of what is held, where it shows a later stage, and then
/// that was late already when it came. Without one, a status never leads back.
fn fold_one(
    record: &mut Record,
    kind: SubjectKind,
    fact: &Fact,
    event: &Event<'_>,
    change: &mut Change,
) -> Option<Timestamp> {
    let timed = fact.at.is_some() || event.basis == Basis::Own;
    let when = fact.at.unwrap_or(event.occurred_at);
    let stages = record.stage().zip(fact.stage);
    let older = record.time(FieldGroup::Status).is_some_and(|known| when < known);
    if timed && older {
        let same = fact.stage.is_some() && record.get("status") == Some(&fact.value);
        let onward = stages.is_some_and(|(held, new)| new > held);
        let after_timed = record.status_own_time().is_none_or(|known| when >= known);
        if !after_timed || !(onward || same) {
            return None;
        }
        change.overtakes = onward;
    } else if !timed && stages.is_some_and(|(held, new)| new < held) {
        return None;
    }
    let repeats = !change.set(kind, record, fact);
    change.status = !repeats;
    change.earlier = repeats && older;
    if (!repeats || (timed && older)) && Field::find(kind, "status_at").is_some() {
        record.set("status_at", Value::Time(when));
        change.moved(kind, "status_at");
    }
    record.set_stage(fact.stage.or(record.stage()));
    if timed && record.stage().is_some() {
        record.set_status_own_time(when);
    }
    Some(when)
}

/// Whether what is said of an archived patient in passing shows the time before: soon after it was archived, it does.
pub(super) fn unarchives_in_passing(record: &Record, about: &About, event: &Event<'_>) -> bool {
    let is = |value: Option<&Value>| value.and_then(Value::as_bool);
    is(about.said("archived")) == Some(false)
        && is(record.get("archived")) == Some(true)
        && event.basis != Basis::Own
        && event.facts.about.first().is_some_and(|first| first.subject != about.subject)
        && record.time(FieldGroup::Status).is_some_and(|known| event.received_at.since(known) <= RETRY_SPAN)
}

/// Ends what is open as the subject's story becomes over, and not when that is merely said again.
pub(super) fn fold_over(slice: &mut Slice, about: &About, change: &mut Change) {
    let Projection { record, over, .. } = &mut slice.projection;
    let stands = |name: &str| about.said(name).is_some_and(|value| record.get(name) == Some(value));
    if !change.late && about.over != *over && (stands("status") || stands("archived")) {
        *over = about.over;
        let reason = reason(slice.subject.kind, record);
        let patient = patient_of(slice).map(str::to_owned);
        if about.over {
            change.left = change.left.take().or(patient);
            change.ends = Some(reason);
        } else {
            change.joined = patient;
            change.begins = true;
        }
    }
    if slice.projection.over {
        change.joined = None;
    }
}

fn reason(kind: SubjectKind, record: &Record) -> Reason {
    if kind == SubjectKind::Patient {
        return Reason::PatientArchived;
    }
    let status = record.get("status").and_then(Value::as_text).unwrap_or("unknown");
    Reason::StatusReached { status: status.to_owned() }
}
