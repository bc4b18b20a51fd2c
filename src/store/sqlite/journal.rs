//! The journal: rows with positions, each event once.

use rusqlite::types::{Value as Sql, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::connection::{Failure, Writer};
use super::recovery;
use crate::engine::{Position, Source, Timestamp};
use crate::store::{Appended, Entry, EventRow, JournalRow, NewRow, Print, Progress, Quarantined};

const EVENT: i64 = 0;
const COMMAND: i64 = 1;
const RULE_SET: i64 = 2;
const DELIVERY_FAILED: i64 = 3;
const BLIND: i64 = 4;
const RECOVERY: i64 = 5;

const COLUMNS: &str = "journal.position, journal.at, journal.received_at, journal.kind, event_types.name,
    journal.envelope_id, journal.log_id, journal.source, journal.body";

/// Appends rows. A row with a print may be the webhook of a recovered event.
pub(super) fn append(
    writer: &mut Writer<'_>,
    rows: &[NewRow],
    prints: &[Option<Print>],
    clock: Timestamp,
) -> Result<Vec<Appended>, Failure> {
    let at = clock.max(writer.ends.at);
    let mut position = writer.ends.position;
    let mut appended = Vec::with_capacity(rows.len());
    let mut by_type: Vec<(i64, i64, Timestamp)> = Vec::new();
    for (place, row) in rows.iter().enumerate() {
        let next = position + 1;
        if let (Entry::Event(event), Some(Some(print))) = (&row.entry, prints.get(place))
            && let Some(id) = &event.envelope_id
        {
            let kind = type_id(writer, &event.kind)?;
            if recovery::adopts(writer, kind, id, row.received_at, print)? {
                appended.push(Appended::Known);
                continue;
            }
        }
        let new = insert_row(writer, next, at, row)?;
        if let (true, Entry::Event(event)) = (new, &row.entry) {
            // When a webhook came last is told of webhooks alone.
            let came = if event.source == Source::Webhook { row.received_at } else { Timestamp::default() };
            let kind = type_id(writer, &event.kind)?;
            count(&mut by_type, kind, came);
        }
        if new {
            position = next;
            appended.push(Appended::New { position, at });
        } else {
            appended.push(Appended::Known);
        }
    }
    for (kind, events, received_at) in by_type {
        count_events(writer, kind, events, received_at)?;
    }
    if position > writer.ends.position {
        writer.ends.position = position;
        writer.ends.at = at;
    }
    Ok(appended)
}

/// Puts a row in its place; false where the journal has its event already.
pub(super) fn insert_row(
    writer: &mut Writer<'_>,
    position: Position,
    at: Timestamp,
    row: &NewRow,
) -> Result<bool, Failure> {
    let (kind, body) = match &row.entry {
        Entry::Event(event) => {
            let kind = type_id(writer, &event.kind)?;
            return insert_event(writer, position, at, row.received_at, kind, event);
        }
        Entry::Command(command) => (COMMAND, json(command)?),
        Entry::RuleSet { hash } => (RULE_SET, hash.clone().into_bytes()),
        Entry::DeliveryFailed(failure) => (DELIVERY_FAILED, json(failure)?),
        Entry::Blind(interval) => (BLIND, json(interval)?),
        Entry::Recovery(recovery) => (RECOVERY, json(recovery)?),
    };
    insert(writer, position, at, row.received_at, kind, &body)
}

/// Counts events of a type, of which the last came at `received_at`.
pub(super) fn count_events(
    writer: &Writer<'_>,
    of_type: i64,
    events: i64,
    received_at: Timestamp,
) -> Result<(), Failure> {
    let mut update = writer.sql.prepare_cached(
        "UPDATE event_types SET events = events + ?2, last_received_at = max(last_received_at, ?3) WHERE id = ?1",
    )?;
    update.execute(params![of_type, events, received_at.0])?;
    Ok(())
}

fn count(by_type: &mut Vec<(i64, i64, Timestamp)>, kind: i64, received_at: Timestamp) {
    match by_type.iter_mut().find(|(known, ..)| *known == kind) {
        Some((_, events, newest)) => {
            *events += 1;
            *newest = received_at.max(*newest);
        }
        None => by_type.push((kind, 1, received_at)),
    }
}

/// The id of an event type, which is new where nobody had it.
pub(super) fn type_id(writer: &mut Writer<'_>, name: &str) -> Result<i64, Failure> {
    if let Some(id) = writer.ends.types.get(name) {
        return Ok(*id);
    }
    if let Some((_, id)) = writer.new_types.iter().find(|(known, _)| known == name) {
        return Ok(*id);
    }
    let mut insert = writer
        .sql
        .prepare_cached("INSERT INTO event_types (name, events, last_received_at) VALUES (?1, 0, 0) RETURNING id")?;
    let id = insert.query_row([name], |row| row.get(0))?;
    drop(insert);
    writer.new_types.push((name.to_owned(), id));
    Ok(id)
}

fn insert_event(
    writer: &Writer<'_>,
    position: Position,
    at: Timestamp,
    received_at: Timestamp,
    kind: i64,
    event: &EventRow,
) -> Result<bool, Failure> {
    // A taken position must fail: it would mean that somebody else writes, and the event would be lost as if known.
    let mut insert = writer.sql.prepare_cached(
        "INSERT INTO journal (position, at, received_at, kind, type, envelope_id, log_id, source, body)
         VALUES (?1, ?2, ?3, 0, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (envelope_id, type) WHERE envelope_id IS NOT NULL DO NOTHING
         ON CONFLICT (log_id, type) WHERE log_id IS NOT NULL DO NOTHING",
    )?;
    let source = Source::ALL.iter().position(|source| *source == event.source).unwrap_or_default();
    let inserted = insert.execute(params![
        position.cast_signed(),
        at.0,
        received_at.0,
        kind,
        event.envelope_id.as_deref().map(compact),
        event.log_id,
        source as i64,
        event.body,
    ])?;
    Ok(inserted > 0)
}

/// A whole number takes less room than its digits.
pub(super) fn compact(id: &str) -> Sql {
    match id.parse::<i64>() {
        Ok(number) if number.to_string() == id => Sql::Integer(number),
        _ => Sql::Text(id.to_owned()),
    }
}

pub(super) fn insert(
    writer: &Writer<'_>,
    position: Position,
    at: Timestamp,
    received_at: Timestamp,
    kind: i64,
    body: &[u8],
) -> Result<bool, Failure> {
    let mut insert = writer
        .sql
        .prepare_cached("INSERT INTO journal (position, at, received_at, kind, body) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    insert.execute(params![position.cast_signed(), at.0, received_at.0, kind, body])?;
    Ok(true)
}

fn json(value: &impl serde::Serialize) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(value).map_err(|error| Failure::body("a journal row", &error))
}

pub(super) fn quarantine(writer: &mut Writer<'_>, bad: &Quarantined) -> Result<bool, Failure> {
    let inserted = writer.sql.execute(
        "INSERT INTO quarantine (hash, received_at, reason, body) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
        params![bad.hash, bad.received_at.0, bad.reason, bad.body],
    )?;
    Ok(inserted > 0)
}

pub(super) fn after(reader: &Connection, after: Position, limit: usize) -> Result<Vec<JournalRow>, Failure> {
    let mut select = reader.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM journal LEFT JOIN event_types ON event_types.id = journal.type
         WHERE position > ?1 ORDER BY position LIMIT ?2"
    ))?;
    let mut rows = select.query(params![after.cast_signed(), limit as i64])?;
    let mut journal = Vec::new();
    while let Some(row) = rows.next()? {
        journal.push(read(row)?);
    }
    Ok(journal)
}

pub(super) fn before(
    reader: &Connection,
    before: Position,
    kind: Option<&str>,
    limit: usize,
) -> Result<Vec<JournalRow>, Failure> {
    let mut select = reader.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM journal JOIN event_types ON event_types.id = journal.type
         WHERE position < ?1 AND (?2 IS NULL OR event_types.name = ?2) ORDER BY position DESC LIMIT ?3"
    ))?;
    let before = i64::try_from(before).unwrap_or(i64::MAX);
    let mut rows = select.query(params![before, kind, limit as i64])?;
    let mut journal = Vec::new();
    while let Some(row) = rows.next()? {
        journal.push(read(row)?);
    }
    Ok(journal)
}

fn read(row: &Row<'_>) -> Result<JournalRow, Failure> {
    let position = row.get::<_, i64>(0)?.unsigned_abs();
    let damaged = |what: &str| Failure::Damaged(format!("journal row {position} {what}"));
    let body = || row.get::<_, Option<Vec<u8>>>(8);
    let entry = match row.get::<_, i64>(3)? {
        EVENT => Entry::Event(EventRow {
            kind: row.get(4)?,
            envelope_id: match row.get_ref(5)? {
                ValueRef::Integer(number) => Some(number.to_string()),
                ValueRef::Text(text) => Some(String::from_utf8_lossy(text).into_owned()),
                _ => None,
            },
            log_id: row.get(6)?,
            source: source(row.get(7)?).ok_or_else(|| damaged("has an unknown source"))?,
            body: body()?,
        }),
        COMMAND => Entry::Command(parse(body()?, position)?),
        RULE_SET => Entry::RuleSet { hash: String::from_utf8_lossy(&body()?.unwrap_or_default()).into_owned() },
        DELIVERY_FAILED => Entry::DeliveryFailed(parse(body()?, position)?),
        BLIND => Entry::Blind(parse(body()?, position)?),
        RECOVERY => Entry::Recovery(parse(body()?, position)?),
        _ => return Err(damaged("is of an unknown kind")),
    };
    Ok(JournalRow { position, at: Timestamp(row.get(1)?), received_at: Timestamp(row.get(2)?), entry })
}

fn source(number: i64) -> Option<Source> {
    Source::ALL.get(usize::try_from(number).ok()?).copied()
}

fn parse<T: serde::de::DeserializeOwned>(body: Option<Vec<u8>>, position: Position) -> Result<T, Failure> {
    serde_json::from_slice(&body.unwrap_or_default())
        .map_err(|error| Failure::body(&format!("journal row {position}"), &error))
}

/// Adds the row of a delivery that was given up.
pub(super) fn delivery_failed(
    writer: &mut Writer<'_>,
    failure: &crate::engine::DeliveryFailure,
    clock: Timestamp,
) -> Result<(), Failure> {
    let at = clock.max(writer.ends.at);
    let position = writer.ends.position + 1;
    insert(writer, position, at, clock, DELIVERY_FAILED, &json(failure)?)?;
    writer.ends.position = position;
    writer.ends.at = at;
    Ok(())
}

pub(super) fn progress(reader: &Connection) -> Result<Progress, Failure> {
    let progress = reader
        .prepare_cached("SELECT position, frontier, next_alert, rule_set, standing, to_judge FROM progress")?
        .query_row([], |row| {
            let (standing, to_judge): (String, Option<String>) = (row.get(4)?, row.get(5)?);
            let progress = Progress {
                position: row.get::<_, i64>(0)?.unsigned_abs(),
                frontier: Timestamp(row.get(1)?),
                next_alert: row.get::<_, i64>(2)?.unsigned_abs(),
                rule_set: row.get(3)?,
                ..Progress::default()
            };
            Ok((progress, standing, to_judge))
        })
        .optional()?;
    let missing = || Failure::Damaged("the row that says how far processing has come is missing".to_owned());
    let (progress, standing, to_judge) = progress.ok_or_else(missing)?;
    let bad = |error| Failure::body("how far processing has come", &error);
    let to_judge = to_judge.map(|to_judge| serde_json::from_str(&to_judge)).transpose().map_err(bad)?;
    Ok(Progress { standing: serde_json::from_str(&standing).map_err(bad)?, to_judge, ..progress })
}
