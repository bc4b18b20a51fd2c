//! Folding an event into a subject's state: newer values win, field group by field group.

use std::time::Duration;

use super::alert::Reason;
use super::event::{About, Association, Basis, Event};
use super::slice::{Related, Slice, Turn};
use super::state::{Fact, Field, FieldGroup, Record};
use super::subject::SubjectKind;
use super::time::Timestamp;
use super::value::Value;

/// For how long after an association event a snapshot that contradicts it is taken for an earlier one still on its way.
/// Impilo's last attempt comes about 105 minutes after the first (documented), later where its job runs late (inferred).
const RETRY_SPAN: Duration = Duration::from_secs(3 * 60 * 60);

/// What an event changed in a subject.
#[derive(Debug, Default)]
pub(super) struct Change {
    /// The event belongs before what is known already: it opens nothing.
    pub late: bool,
    /// What was open before the event ends for this reason.
    pub ends: Option<Reason>,
    /// A field of the subject's own has a new value.
    pub record: bool,
    /// Kinds of related subject whose copy is new or changed.
    pub related: Vec<SubjectKind>,
    /// The patient that the subject belonged to until now.
    pub left: Option<String>,
    /// The patient that it belongs to from now on.
    pub joined: Option<String>,
}

/// Folds what `event` says of the slice's subject into the slice.
pub(super) fn fold(slice: &mut Slice, about: &About, event: &Event<'_>) -> Change {
    let mut change = Change::default();
    let patient_before = patient_of(slice).map(str::to_owned);
    let placed = place(slice, about, event);
    change.late = placed == Placed::Before;
    if placed == Placed::Now {
        turn(slice, about, event, &mut change);
    }
    fold_status(slice, about, event, &mut change);
    fold_plain(&mut slice.projection.record, slice.subject.kind, about, event, &mut change);
    fold_links(slice, about, event, placed, &mut change);
    let patient_after = patient_of(slice).map(str::to_owned);
    if patient_before != patient_after {
        change.left = patient_before;
        change.joined = patient_after;
    }
    if about.over && !change.late {
        change.joined = None;
        change.left = change.left.take().or_else(|| patient_of(slice).map(str::to_owned));
        change.ends = Some(story_over(slice));
    }
    let projection = &mut slice.projection;
    projection.news_at = projection.news_at.max(Some(event.received_at));
    if about.heard && slice.subject.kind == SubjectKind::Device {
        keep_newest(&mut projection.record, "last_heard_at", event.received_at);
    }
    slice.dirty = true;
    change
}

/// The patient that this subject belongs to, as far as known.
fn patient_of(slice: &Slice) -> Option<&str> {
    if slice.subject.kind == SubjectKind::Device {
        return slice.projection.record.get("patient").and_then(Value::as_text);
    }
    slice.projection.related.get(&SubjectKind::Patient).map(|related| related.id.as_str())
}

fn story_over(slice: &Slice) -> Reason {
    if slice.subject.kind == SubjectKind::Patient {
        return Reason::PatientArchived;
    }
    let status = slice.projection.record.get("status").and_then(Value::as_text).unwrap_or("unknown");
    Reason::StatusReached { status: status.to_owned() }
}

/// Where an event lies relative to the last association event that counted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Placed {
    Now,
    Before,
    /// It says nothing of the association.
    Nowhere,
}

fn said<'f>(about: &'f About, name: &str) -> Option<&'f Value> {
    about.facts.iter().find(|fact| fact.name == name).map(|fact| &fact.value)
}

/// The patient that an event shows the device with; `None` where it shows the device without one.
fn shown_patient(about: &About) -> Option<&str> {
    if said(about, "associated").and_then(Value::as_bool) == Some(false) {
        return None;
    }
    said(about, "patient").and_then(Value::as_text)
}

fn place(slice: &Slice, about: &About, event: &Event<'_>) -> Placed {
    if slice.subject.kind != SubjectKind::Device {
        return Placed::Nowhere;
    }
    let projection = &slice.projection;
    let own_time = event.basis == Basis::Own;
    let speaks =
        event.facts.association.is_some() || said(about, "associated").is_some() || said(about, "patient").is_some();
    let Some(last) = &projection.turn else {
        return if speaks { Placed::Now } else { Placed::Nowhere };
    };
    match event.facts.association {
        Some(_) if own_time && event.occurred_at < last.at => Placed::Before,
        Some(Association::Removed) => {
            let of = said(about, "patient").and_then(Value::as_text);
            let with = projection.record.get("patient").and_then(Value::as_text);
            match (of, with) {
                (Some(of), Some(with)) if of != with => Placed::Before,
                _ => Placed::Now,
            }
        }
        Some(Association::Created) => Placed::Now,
        None => {
            let contradicts = speaks && shown_patient(about) != last.patient.as_deref();
            let before = if own_time {
                event.occurred_at < last.at && (contradicts || last.patient.is_none())
            } else {
                contradicts && event.received_at.since(last.heard_at) <= RETRY_SPAN
            };
            if before {
                Placed::Before
            } else if speaks {
                Placed::Now
            } else {
                Placed::Nowhere
            }
        }
    }
}

/// Brings the association up to date. A snapshot sets values but no time: when it began to be so is not known.
fn turn(slice: &mut Slice, about: &About, event: &Event<'_>, change: &mut Change) {
    let record = &mut slice.projection.record;
    let was_associated = record.get("associated").and_then(Value::as_bool);
    let patient_before = record.get("patient").and_then(Value::as_text).map(str::to_owned);
    let removed = match event.facts.association {
        Some(kind) => kind == Association::Removed,
        None => said(about, "associated").and_then(Value::as_bool) == Some(false),
    };
    for fact in &about.facts {
        let associates =
            Field::find(SubjectKind::Device, fact.name).is_some_and(|f| f.group == FieldGroup::Association);
        if associates && !(removed && fact.name == "patient") {
            change.record |= set(record, fact);
        }
    }
    if removed {
        change.record |= record.remove("patient") | record.remove("associated_at");
        slice.projection.related.remove(&SubjectKind::Patient);
    }
    let patient_after = record.get("patient").and_then(Value::as_text).map(str::to_owned);
    if event.facts.association.is_some() {
        record.set_time(FieldGroup::Association, event.occurred_at);
        slice.projection.turn =
            Some(Turn { patient: patient_after.clone(), at: event.occurred_at, heard_at: event.received_at });
    }
    let told_removed = event.facts.association == Some(Association::Removed);
    if told_removed || (removed && was_associated == Some(true)) {
        change.ends = Some(Reason::Disassociated);
    } else if patient_before.is_some() && patient_after.is_some() && patient_before != patient_after {
        change.ends = Some(Reason::Reassigned);
    }
}

fn fold_status(slice: &mut Slice, about: &About, event: &Event<'_>, change: &mut Change) {
    let kind = slice.subject.kind;
    let record = &mut slice.projection.record;
    let mut at = None;
    if let Some(fact) = about.facts.iter().find(|fact| fact.name == "status") {
        let timed = fact.at.is_some() || event.basis == Basis::Own;
        let when = fact.at.unwrap_or(event.occurred_at);
        let (held, new) = (record.stage(), fact.stage);
        let back = held.zip(new).is_some_and(|(held, new)| new < held);
        let onward = held.zip(new).is_some_and(|(held, new)| new > held);
        let older = record.time(FieldGroup::Status).is_some_and(|known| when < known);
        if if timed { older && !onward } else { back } {
            change.late |= kind != SubjectKind::Device && record.get("status") != Some(&fact.value);
            return;
        }
        if set(record, fact) {
            change.record = true;
            if Field::find(kind, "status_at").is_some() {
                record.set("status_at", Value::Time(when));
            }
        }
        record.set_stage(new);
        at = Some(when);
    }
    for fact in about.facts.iter().filter(|fact| fact.name != "status") {
        if Field::find(kind, fact.name).is_some_and(|field| field.group == FieldGroup::Status) {
            let when = fact.at.unwrap_or(event.occurred_at);
            if at.is_some() || record.time(FieldGroup::Status).is_none_or(|known| when >= known) {
                change.record |= set(record, fact);
                at = at.max(Some(when));
            }
        }
    }
    if let Some(at) = at {
        record.set_time(FieldGroup::Status, at);
    }
}

/// Identity, battery and signs of life.
fn fold_plain(record: &mut Record, kind: SubjectKind, about: &About, event: &Event<'_>, change: &mut Change) {
    let known = [FieldGroup::Identity, FieldGroup::Battery].map(|group| record.time(group));
    let mut newest = [None; 2];
    for fact in &about.facts {
        let Some(field) = Field::find(kind, fact.name) else { continue };
        let at = fact.at.unwrap_or(event.occurred_at);
        match field.group {
            FieldGroup::Identity | FieldGroup::Battery => {
                let group = usize::from(field.group == FieldGroup::Battery);
                if known[group].is_none_or(|known| at >= known) {
                    change.record |= set(record, fact);
                    newest[group] = newest[group].max(Some(at));
                }
            }
            FieldGroup::Life => match fact.value.as_time() {
                Some(at) if fact.name.starts_with("first_") => keep_first(record, fact.name, at),
                Some(at) => keep_newest(record, fact.name, at),
                None => change.record |= set(record, fact),
            },
            FieldGroup::Association | FieldGroup::Status => {}
        }
    }
    if let Some(at) = newest[0] {
        record.set_time(FieldGroup::Identity, at);
    }
    if let Some(at) = newest[1] {
        record.set_time(FieldGroup::Battery, at);
        if record.get("battery").is_some() {
            record.set("battery_at", Value::Time(at));
        }
    }
}

fn keep_first(record: &mut Record, name: &'static str, at: Timestamp) {
    if record.get(name).and_then(Value::as_time).is_none_or(|known| at < known) {
        record.set(name, Value::Time(at));
    }
}

fn keep_newest(record: &mut Record, name: &'static str, at: Timestamp) {
    if record.get(name).and_then(Value::as_time).is_none_or(|known| at > known) {
        record.set(name, Value::Time(at));
    }
}

/// Sets a field; true where its value is new.
fn set(record: &mut Record, fact: &Fact) -> bool {
    if record.get(fact.name) == Some(&fact.value) {
        return false;
    }
    record.set(fact.name, fact.value.clone());
    true
}

/// Keeps a copy of what the event says of each subject that this one belongs to.
fn fold_links(slice: &mut Slice, about: &About, event: &Event<'_>, placed: Placed, change: &mut Change) {
    let device = slice.subject.kind == SubjectKind::Device;
    let associated = slice.projection.record.get("associated").and_then(Value::as_bool) != Some(false);
    for (kind, id) in &about.links {
        let with_patient = matches!(kind, SubjectKind::Patient | SubjectKind::Site);
        if device && with_patient && placed == Placed::Before {
            continue;
        }
        if device && *kind == SubjectKind::Patient && !associated {
            continue;
        }
        let related = slice.projection.related.entry(*kind).or_default();
        let mut changed = false;
        if related.id != *id {
            *related = Related { id: id.clone(), record: Record::default() };
            changed = true;
        }
        let said = event.facts.about.iter().find(|other| other.subject.kind == *kind && other.subject.id == *id);
        for fact in said.into_iter().flat_map(|other| &other.facts) {
            let moves = fact.value.as_time().is_some();
            changed |= set(&mut related.record, fact) && !moves;
        }
        if changed {
            change.related.push(*kind);
        }
    }
}
