//! Folding an event into a subject's state: newer values win, field group by field group.

use std::time::Duration;

use super::alert::Reason;
use super::association::{self, Placed};
use super::event::{About, Event};
use super::record::Record;
use super::slice::{Related, Slice};
use super::state::{Fact, Field, FieldGroup, FieldSet};
use super::status;
use super::subject::SubjectKind;
use super::time::Timestamp;
use super::value::Value;

/// For how long after a change a snapshot that shows the time before it is taken for an earlier one still on its way.
/// Impilo's last attempt comes about 105 minutes after the first (documented), later where its job runs late (inferred).
pub(super) const RETRY_SPAN: Duration = Duration::from_secs(3 * 60 * 60);

/// What an event changed in a subject.
#[derive(Debug, Default)]
pub(super) struct Change {
    /// The event belongs before what is known already: it opens nothing.
    pub late: bool,
    /// What was open before the event ends for this reason.
    pub ends: Option<Reason>,
    /// The status held until now was placed by receipt, and was late when it came.
    pub overtakes: bool,
    /// The status is another one.
    pub status: bool,
    /// The status is the same, and has been so for longer than was known.
    pub earlier: bool,
    /// Devices that are back by this, and were not before.
    pub returned: Vec<String>,
    /// A field of the subject's own has a new value; one that only moves on with each sign of life is not meant.
    pub record: bool,
    /// The subject's own fields that have a new value, signs of life included.
    pub fields: FieldSet,
    /// Kinds of related subject whose copy is new or changed.
    pub related: Vec<SubjectKind>,
    /// The patient that the subject belonged to until now.
    pub left: Option<String>,
    /// The patient that it belongs to from now on.
    pub joined: Option<String>,
    /// What had ended begins anew: it has a patient again, or its story goes on.
    pub begins: bool,
}

impl Change {
    /// Sets a field; true where its value is new.
    pub fn set(&mut self, kind: SubjectKind, record: &mut Record, fact: &Fact) -> bool {
        let new = set(record, fact);
        if new {
            self.record = true;
            self.moved(kind, fact.name);
        }
        new
    }

    /// Forgets a field.
    pub fn forget(&mut self, kind: SubjectKind, record: &mut Record, name: &str) {
        if record.remove(name) {
            self.record = true;
            self.moved(kind, name);
        }
    }

    /// Notes that a field has another value.
    pub fn moved(&mut self, kind: SubjectKind, name: &str) {
        self.fields.add(Field::alone(kind, name));
    }

    /// Whether it goes beyond the values of fields: what had been judged of the subject may be another matter now.
    pub fn turns(&self) -> bool {
        self.begins || self.overtakes || self.ends.is_some()
    }
}

/// A fact, and the field that it is about.
pub(super) type Known<'a> = (&'a Fact, &'static Field);

/// Folds what `event` says of the slice's subject into the slice.
pub(super) fn fold(slice: &mut Slice, about: &About, event: &Event<'_>) -> Change {
    let mut change = Change::default();
    let patient_before = patient_of(slice).map(str::to_owned);
    let starts_before = starts(slice);
    let facts = known_fields(slice.subject.kind, about);
    let placed = association::place(slice, about, event);
    let listed = slice.projection.record.get("devices").filter(|_| about.brings_back).cloned();
    change.late = placed == Placed::Before;
    if matches!(placed, Placed::Now | Placed::Older) {
        association::fold(slice, (about, &facts), event, placed, &mut change);
    }
    status::fold(slice, (about, &facts), event, placed, &mut change);
    fold_plain(slice, &facts, event, placed, &mut change);
    fold_links(slice, about, event, placed, &mut change);
    if patient_before.as_deref() != patient_of(slice) {
        change.left = patient_before;
        change.joined = patient_of(slice).map(str::to_owned);
    }
    status::fold_over(slice, about, &mut change);
    change.begins |= change.joined.is_some();
    slice.unarmed |= starts(slice) != starts_before;
    if about.brings_back && slice.projection.over {
        let told = listed.as_ref().filter(|_| !change.status).map(texts).unwrap_or_default();
        let all = slice.projection.record.get("devices").map(texts).unwrap_or_default();
        change.returned = all.into_iter().filter(|device| !told.contains(device)).map(str::to_owned).collect();
    }
    let projection = &mut slice.projection;
    if event.facts.found && projection.news_at.is_none() {
        projection.found_at = Some(event.received_at);
        slice.unarmed = true;
    }
    projection.news_at = projection.news_at.max(Some(event.received_at));
    if about.heard {
        projection.heard_at = projection.heard_at.max(Some(event.heard_at()));
        if slice.subject.kind == SubjectKind::Device {
            keep_newest(&mut projection.record, SubjectKind::Device, "last_heard_at", event.heard_at(), &mut change);
            match projection.heard_by.get_mut(event.kind) {
                Some(known) => *known = event.heard_at().max(*known),
                None => drop(projection.heard_by.insert(event.kind.into(), event.heard_at())),
            }
        }
    }
    slice.dirty = true;
    change
}

/// What is said of fields that the kind of subject has, each with its field.
fn known_fields(kind: SubjectKind, about: &About) -> Vec<Known<'_>> {
    about.facts.iter().filter_map(|fact| Some((fact, Field::find(kind, fact.name)?))).collect()
}

/// From when a device could be heard: whatever waits for that has another deadline where this changes.
fn starts(slice: &Slice) -> (Option<Timestamp>, Option<Timestamp>) {
    let delivered = slice.projection.record.get("delivered_at").and_then(Value::as_time);
    (delivered, slice.projection.turn.as_ref().map(|turn| turn.at))
}

/// The subject's state with what a late event says of it in place of what came after.
pub(super) fn as_said(slice: &Slice, about: &About) -> Record {
    let mut record = slice.projection.record.clone();
    for fact in &about.facts {
        record.set(fact.name, fact.value.clone());
    }
    record
}

/// The patient that this subject belongs to, as far as known.
pub(super) fn patient_of(slice: &Slice) -> Option<&str> {
    if slice.subject.kind == SubjectKind::Device {
        return slice.projection.record.get("patient").and_then(Value::as_text);
    }
    slice.projection.related.get(&SubjectKind::Patient).map(|related| related.id.as_str())
}

/// The texts in a list.
pub(super) fn texts(list: &Value) -> Vec<&str> {
    match list {
        Value::List(values) => values.iter().filter_map(Value::as_text).collect(),
        _ => Vec::new(),
    }
}

/// Identity, battery and signs of life. What is unknown so far is filled in whatever its time.
fn fold_plain(slice: &mut Slice, facts: &[Known<'_>], event: &Event<'_>, placed: Placed, change: &mut Change) {
    let kind = slice.subject.kind;
    let record = &mut slice.projection.record;
    let known = [FieldGroup::Identity, FieldGroup::Battery].map(|group| record.time(group));
    let mut newest = [None; 2];
    for (fact, field) in facts {
        let at = fact.at.unwrap_or(event.occurred_at);
        match field.group {
            FieldGroup::Identity | FieldGroup::Battery => {
                let group = usize::from(field.group == FieldGroup::Battery);
                if placed != Placed::Before && known[group].is_none_or(|known| at >= known) {
                    change.set(kind, record, fact);
                    newest[group] = newest[group].max(Some(at));
                } else if record.get(fact.name).is_none() {
                    change.set(kind, record, fact);
                }
            }
            FieldGroup::Life => match fact.value.as_time() {
                Some(at) if fact.name.starts_with("first_") => keep_first(record, kind, fact.name, at, change),
                Some(at) => keep_newest(record, kind, fact.name, at, change),
                None => drop(change.set(kind, record, fact)),
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
            change.moved(kind, "battery_at");
        }
    }
}

fn keep_first(record: &mut Record, kind: SubjectKind, name: &'static str, at: Timestamp, change: &mut Change) {
    if record.get(name).and_then(Value::as_time).is_none_or(|known| at < known) {
        record.set(name, Value::Time(at));
        change.moved(kind, name);
    }
}

fn keep_newest(record: &mut Record, kind: SubjectKind, name: &'static str, at: Timestamp, change: &mut Change) {
    if record.get(name).and_then(Value::as_time).is_none_or(|known| at > known) {
        record.set(name, Value::Time(at));
        change.moved(kind, name);
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
    let its_site = !device || association::fold_site(slice, about, event, placed, change);
    let associated = slice.projection.record.get("associated").and_then(Value::as_bool) != Some(false);
    let patient = |slice: &Slice, id: &str| patient_of(slice).is_none_or(|patient| patient == id);
    for (kind, id) in &about.links {
        let counts = match kind {
            SubjectKind::Site => its_site,
            SubjectKind::Patient if device => placed != Placed::Before && associated && patient(slice, id),
            _ => placed != Placed::Before || !slice.projection.related.contains_key(kind),
        };
        if !counts {
            continue;
        }
        let related = slice.projection.related.entry(*kind).or_default();
        let mut changed = false;
        if related.id != *id {
            *related = Related { id: id.clone(), record: Record::default() };
            changed = true;
        }
        let said = event.facts.about.iter().find(|other| other.subject.kind == *kind && other.subject.id == *id);
        let said = said.filter(|said| !status::unarchives_in_passing(&related.record, said, event));
        let was_archived = is_archived(&related.record);
        for fact in said.into_iter().flat_map(|other| &other.facts) {
            let moves = fact.value.as_time().is_some();
            changed |= set(&mut related.record, fact) && !moves;
        }
        if *kind == SubjectKind::Patient && !was_archived && is_archived(&related.record) {
            related.record.set_time(FieldGroup::Status, event.occurred_at);
            change.ends.get_or_insert(Reason::PatientArchived);
        }
        change.begins |= *kind == SubjectKind::Patient && was_archived && !is_archived(&related.record);
        if changed {
            change.related.push(*kind);
        }
    }
}

/// Whether this is the record of an archived patient.
pub(super) fn is_archived(record: &Record) -> bool {
    record.get("archived").and_then(Value::as_bool) == Some(true)
}
