//! What Impilo tells when it is asked, beside what is known: differences become events, and nothing else does.

use std::time::Duration;

use super::client::RawObject;
use crate::engine::{About, Slice, Source, Subject, SubjectKind, Timestamp, Value};
use crate::impilo::{self, FOUND, READ_BACK};
use crate::journal::codec;
use crate::store::{Entry, EventRow, NewRow};

/// A health check that is newer than the known one by less than this is not worth an event.
const FRESHER_BY: Duration = Duration::from_secs(60 * 60);

/// What Impilo answers may lag behind what it sends: what was heard of within this time is left alone.
const LAGS_BY: Duration = Duration::from_secs(10 * 60);

/// Fields of a device that a look at it can show to be another way.
const OF_DEVICE: [&str; 4] = ["status", "associated", "patient", "readings_disabled"];

/// When Impilo was asked, and on which occasion.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    pub at: Timestamp,
    pub on: Occasion,
}

/// Why Impilo was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// For the whole fleet, and for the first time: what was not known may have been so for long.
    First,
    Schedule,
    /// A device is about to be called silent: every sign of life counts.
    Silence,
}

/// The events that an object of Impilo's makes of itself beside what is known of it.
#[must_use]
pub fn events(read: &RawObject, known: &Slice, asked: Asked) -> Vec<NewRow> {
    let asked_at = asked.at;
    match known.subject.kind {
        SubjectKind::Device if known.projection.news_at.is_none() => match asked.on {
            Occasion::Silence => Vec::new(),
            Occasion::First | Occasion::Schedule => unknown_device(read, known, asked),
        },
        SubjectKind::Device => device(read, known, asked),
        SubjectKind::Order => of_status("order.statusFull", &["status"], read, known, asked_at),
        SubjectKind::Return => of_status("return.statusFull", &["status"], read, known, asked_at),
        SubjectKind::Ticket => of_status("supportTicket.event", &["status", "open"], read, known, asked_at),
        _ => Vec::new(),
    }
}

/// The events that a device makes of itself, as it was when it was asked for at `asked_at`, beside what is known of it: that
/// it was heard from, at the time of its health check; and its state, where that has changed.
fn device(read: &RawObject, known: &Slice, Asked { at: asked_at, on }: Asked) -> Vec<NewRow> {
    let Some(about) = said_of(READ_BACK, &wrapped(read, on), &known.subject, asked_at) else { return Vec::new() };
    let mut rows = Vec::new();
    let record = &known.projection.record;
    let checked = record.get("last_health_check_at").and_then(Value::as_time);
    let fresher_by = if on == Occasion::Silence { Duration::ZERO } else { FRESHER_BY };
    if let Some(at) =
        checked_at(&about, asked_at).filter(|at| checked.is_none_or(|checked| *at > checked.plus(fresher_by)))
    {
        rows.push(health_check(&known.subject, at, asked_at));
    }
    let differs = |name: &str| about.said(name).is_some_and(|said| record.get(name) != Some(said));
    let gone = about.said("associated").and_then(Value::as_bool) == Some(false);
    // The patient of a device that has none is that of before.
    let mut fields = OF_DEVICE.iter().filter(|name| !(gone && **name == "patient"));
    if may_tell(known, asked_at) && fields.any(|name| differs(name)) {
        rows.push(event(READ_BACK, &wrapped(read, on), asked_at));
    }
    rows
}

/// The events that a device makes of itself of which nothing is known, where a patient has it: how it is, and when it was
/// heard from, so that its silence can be told. Of others it is no news that they are there.
fn unknown_device(read: &RawObject, known: &Slice, Asked { at: asked_at, on }: Asked) -> Vec<NewRow> {
    let payload = wrapped(read, on);
    let about = said_of(READ_BACK, &payload, &known.subject, asked_at);
    let with_patient = |about: &About| about.said("associated").and_then(Value::as_bool) == Some(true);
    let Some(about) = about.filter(with_patient) else { return Vec::new() };
    let heard = checked_at(&about, asked_at).map(|at| health_check(&known.subject, at, asked_at));
    std::iter::once(event(READ_BACK, &payload, asked_at)).chain(heard).collect()
}

/// When the device checked in last. A time that lies ahead is none: receipt stands in for it, and would be new each time.
fn checked_at(about: &About, asked_at: Timestamp) -> Option<Timestamp> {
    about.said("last_health_check_at").and_then(Value::as_time).filter(|at| *at < asked_at)
}

fn health_check(device: &Subject, at: Timestamp, asked_at: Timestamp) -> NewRow {
    let (id, at) = (&device.id, at.to_string());
    let heard = serde_json::json!({ "eventTimestamp": at, "device": { "id": id, "lastHealthCheck": at } });
    event("device.healthcheck", &heard.to_string(), asked_at)
}

/// The event that an order, a return or a ticket makes of itself, where one of these `fields` is another than the known one.
fn of_status(kind: &str, fields: &[&str], read: &RawObject, known: &Slice, asked_at: Timestamp) -> Vec<NewRow> {
    let about = said_of(kind, read.text(), &known.subject, asked_at);
    let said = |name: &str| about.as_ref().and_then(|about| about.said(name));
    let differs = |name: &&str| said(name).is_some_and(|said| known.projection.record.get(name) != Some(said));
    let differs = fields.iter().any(differs);
    let row = (differs && may_tell(known, asked_at)).then(|| event(kind, read.text(), asked_at));
    row.into_iter().collect()
}

fn may_tell(known: &Slice, asked_at: Timestamp) -> bool {
    known.projection.news_at.is_some_and(|news| news.plus(LAGS_BY) < asked_at)
}

fn wrapped(read: &RawObject, on: Occasion) -> String {
    let found = if on == Occasion::First { format!("\"{FOUND}\":true,") } else { String::new() };
    format!("{{{found}\"device\":{}}}", read.text())
}

/// What a payload says of a subject.
fn said_of(kind: &str, payload: &str, subject: &Subject, asked_at: Timestamp) -> Option<About> {
    let payload = impilo::payload(envelope(kind, payload).as_bytes())?;
    let facts = impilo::facts(kind, payload.value(), asked_at);
    facts.about.into_iter().find(|about| about.subject == *subject)
}

fn event(kind: &str, payload: &str, asked_at: Timestamp) -> NewRow {
    let entry = Entry::Event(EventRow {
        kind: kind.to_owned(),
        envelope_id: None,
        log_id: None,
        source: Source::Reconciled,
        body: Some(codec::encode(envelope(kind, payload).as_bytes())),
    });
    NewRow { received_at: asked_at, entry }
}

/// What is read back has no envelope; this one has the id 0, which Impilo gives to none.
fn envelope(kind: &str, payload: &str) -> String {
    format!("{{\"id\":0,\"type\":\"{kind}\",\"payload\":{payload}}}")
}
