//! Who has a device: where an event lies relative to what is known of that, and what it changes.

use std::time::Duration;

use super::alert::Reason;
use super::event::{About, Association, Basis, Event};
use super::project::{Change, Known, RETRY_SPAN};
use super::slice::{Projection, Slice, Turn};
use super::state::FieldGroup;
use super::subject::SubjectKind;
use super::value::Value;

/// A snapshot without a time of its own is placed by receipt, and shows what was so a little earlier.
const ON_ITS_WAY: Duration = Duration::from_secs(60);

/// Where an event lies relative to what is known of the association.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Placed {
    Now,
    /// Older than what is known, and in accord with it.
    Older,
    /// Before a change: it opens nothing.
    Before,
    /// It says nothing of the association.
    Nowhere,
}

/// The patient that an event shows the device with; `None` where it shows the device without one.
fn shown_patient(about: &About) -> Option<&str> {
    if about.said("associated").and_then(Value::as_bool) == Some(false) {
        return None;
    }
    about.said("patient").and_then(Value::as_text)
}

/// Places what an event says of a device. Other kinds of subject have no association.
pub(super) fn place(slice: &Slice, about: &About, event: &Event<'_>) -> Placed {
    if slice.subject.kind != SubjectKind::Device {
        return Placed::Nowhere;
    }
    if leaves_its_end(slice, about, event) {
        return Placed::Before;
    }
    let Projection { record, turn, .. } = &slice.projection;
    let own_time = event.basis == Basis::Own;
    let before_turn = own_time && turn.as_ref().is_some_and(|turn| event.occurred_at < turn.at);
    let outdated = |by: Duration| {
        own_time && record.time(FieldGroup::Association).is_some_and(|known| event.occurred_at.plus(by) < known)
    };
    let with = record.get("patient").and_then(Value::as_text);
    let shown = shown_patient(about);
    match event.facts.association {
        Some(Association::Removed) => {
            let of = about.said("patient").and_then(Value::as_text);
            let of_another = of.zip(with).is_some_and(|(of, with)| of != with);
            // What Impilo sends again is hours old. An older time is one that somebody entered, and arrival tells more.
            let sent_again = event.received_at.since(event.occurred_at) <= RETRY_SPAN && outdated(Duration::ZERO);
            let given = turn.as_ref().filter(|turn| turn.patient.as_deref() == with);
            let just_given = given.is_some_and(|turn| event.received_at.since(turn.heard_at) <= RETRY_SPAN);
            if before_turn || (of_another && (sent_again || just_given)) { Placed::Before } else { Placed::Now }
        }
        Some(Association::Created) if before_turn || (outdated(ON_ITS_WAY) && shown != with) => Placed::Before,
        Some(Association::Created) => Placed::Now,
        None if shown.is_none() && about.said("associated").is_none() => {
            let parted = turn.as_ref().is_some_and(|turn| turn.patient.is_none());
            if before_turn && parted { Placed::Before } else { Placed::Nowhere }
        }
        None => {
            let contradicts = record.get("associated").is_some() && shown != with;
            let before = match turn {
                Some(turn) if before_turn => turn.patient.is_none() || turn.patient.as_deref() != shown,
                Some(turn) if !own_time => {
                    event.received_at.since(turn.heard_at) <= RETRY_SPAN && shows_earlier(turn, shown)
                }
                _ => false,
            };
            if before || (contradicts && outdated(Duration::ZERO)) {
                Placed::Before
            } else if outdated(Duration::ZERO) {
                Placed::Older
            } else {
                Placed::Now
            }
        }
    }
}

/// Whether a snapshot shows how it was before `turn`. A third patient is later news, whose own event is still on its way.
fn shows_earlier(turn: &Turn, shown: Option<&str>) -> bool {
    match shown {
        None => turn.patient.is_some(),
        Some(shown) => turn.patient.as_deref() != Some(shown) && turn.before.as_deref().is_none_or(|had| had == shown),
    }
}

/// Whether a snapshot leads a device back from its end: soon after that, it is one still on its way.
fn leaves_its_end(slice: &Slice, about: &About, event: &Event<'_>) -> bool {
    let Projection { record, over, .. } = &slice.projection;
    *over
        && !about.over
        && event.facts.association.is_none()
        && event.basis != Basis::Own
        && about.said("status").is_some()
        && record.time(FieldGroup::Status).is_some_and(|known| event.received_at.since(known) <= RETRY_SPAN)
}

/// Brings the association up to date. A snapshot says what is so, not since when.
pub(super) fn fold(
    slice: &mut Slice,
    (about, facts): (&About, &[Known<'_>]),
    event: &Event<'_>,
    placed: Placed,
    change: &mut Change,
) {
    let projection = &mut slice.projection;
    let record = &mut projection.record;
    let was_associated = record.get("associated").and_then(Value::as_bool);
    let patient_before = record.get("patient").and_then(Value::as_text).map(str::to_owned);
    let removed = match event.facts.association {
        Some(kind) => kind == Association::Removed,
        None => about.said("associated").and_then(Value::as_bool) == Some(false),
    };
    for (fact, field) in facts {
        let associates = field.group == FieldGroup::Association && fact.name != "site";
        let wanted = || placed == Placed::Now || record.get(fact.name).is_none();
        if associates && wanted() && !(removed && fact.name == "patient") {
            change.set(SubjectKind::Device, record, fact);
        }
    }
    if removed {
        for field in ["patient", "associated_at"] {
            change.forget(SubjectKind::Device, record, field);
        }
        projection.related.remove(&SubjectKind::Patient);
    }
    let patient_after = record.get("patient").and_then(Value::as_text).map(str::to_owned);
    let moved = patient_before.is_some() && patient_after.is_some() && patient_before != patient_after;
    if moved && about.said("associated_at").is_none() {
        change.forget(SubjectKind::Device, record, "associated_at");
    }
    let known_at = record.time(FieldGroup::Association);
    record.set_time(FieldGroup::Association, event.occurred_at.max(known_at.unwrap_or(event.occurred_at)));
    let told_removed = event.facts.association == Some(Association::Removed);
    if (told_removed && was_associated != Some(false)) || (removed && was_associated == Some(true)) {
        change.ends = Some(Reason::Disassociated);
    } else if moved {
        change.ends = Some(Reason::Reassigned);
    }
    if event.facts.association.is_some() {
        let left = about.said("patient").and_then(Value::as_text).filter(|_| removed).map(str::to_owned);
        let earlier = projection.turn.take().and_then(|turn| turn.before);
        let before =
            left.or_else(|| patient_before.filter(|before| patient_after.as_ref() != Some(before))).or(earlier);
        projection.turn =
            Some(Turn { patient: patient_after, before, at: event.occurred_at, heard_at: event.received_at });
    }
}

/// Brings the device's site up to date: its patient's while one is known, else its own. True where the event's counts, so
/// that what is known of it moves with the name.
pub(super) fn fold_site(
    slice: &mut Slice,
    about: &About,
    event: &Event<'_>,
    placed: Placed,
    change: &mut Change,
) -> bool {
    let fact = about.facts.iter().find(|fact| fact.name == "site");
    let link = about.links.iter().find(|(kind, _)| *kind == SubjectKind::Site);
    if (fact.is_none() && link.is_none()) || !site_counts(slice, event, placed) {
        return false;
    }
    let Projection { record, related, .. } = &mut slice.projection;
    let elsewhere = related.get(&SubjectKind::Site).is_some_and(|known| link.is_none_or(|(_, id)| *id != known.id));
    match fact {
        Some(fact) => {
            let moves = change.set(SubjectKind::Device, record, fact);
            if moves && link.is_none() {
                related.remove(&SubjectKind::Site);
            }
        }
        None if elsewhere => change.forget(SubjectKind::Device, record, "site"),
        None => {}
    }
    true
}

fn site_counts(slice: &Slice, event: &Event<'_>, placed: Placed) -> bool {
    let Projection { record, related, .. } = &slice.projection;
    if placed == Placed::Before {
        return false;
    }
    if record.get("site").is_none() && !related.contains_key(&SubjectKind::Site) {
        return true;
    }
    let known_at = record.time(FieldGroup::Association);
    if event.basis == Basis::Own && known_at.is_some_and(|known| event.occurred_at < known) {
        return false;
    }
    let Some(patient) = record.get("patient").and_then(Value::as_text) else { return true };
    let is_it = |other: &&About| other.subject.kind == SubjectKind::Patient && other.subject.id == patient;
    let patients = event.facts.about.iter().find(is_it).is_some_and(|other| other.said("site").is_some());
    let copy = related.get(&SubjectKind::Patient).filter(|copy| copy.id == patient);
    placed != Placed::Nowhere && (patients || copy.is_none_or(|copy| copy.record.get("site").is_none()))
}
