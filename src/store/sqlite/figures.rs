//! Figures for people and for the self-watch, what it told, and the proof that commits work.

use rusqlite::{Connection, OptionalExtension, params};

use super::connection::{Failure, Writer};
use super::slices::kind_number;
use super::{journal, ledger};
use crate::engine::{SubjectKind, Timestamp};
use crate::store::{Figures, NEVER, Telling, Told, Vitals};

fn number(reader: &Connection, sql: &str) -> Result<u64, Failure> {
    let found: Option<i64> = reader.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
    Ok(found.unwrap_or_default().unsigned_abs())
}

fn instant(reader: &Connection, sql: &str) -> Result<Option<Timestamp>, Failure> {
    let found: Option<i64> = reader.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
    Ok(found.map(Timestamp))
}

/// Every query here finds its answer at one end of an index.
pub(super) fn vitals(reader: &Connection) -> Result<Vitals, Failure> {
    let progress = journal::progress(reader)?;
    let mut unprocessed =
        reader.prepare_cached("SELECT at FROM journal WHERE position > ?1 ORDER BY position LIMIT 1")?;
    let oldest: Option<i64> = unprocessed.query_row([progress.position.cast_signed()], |row| row.get(0)).optional()?;
    let newest = instant(reader, "SELECT max(at) FROM (SELECT at FROM journal ORDER BY position DESC LIMIT 1)")?;
    let mut types = reader
        .prepare_cached("SELECT name, last_received_at, events FROM event_types WHERE events > 0 ORDER BY name")?;
    let last_by_type = types
        .query_map([], |row| Ok((row.get(0)?, Timestamp(row.get(1)?), row.get::<_, i64>(2)?.unsigned_abs())))?
        .collect::<rusqlite::Result<Vec<(String, Timestamp, u64)>>>()?;
    Ok(Vitals {
        last_position: number(reader, "SELECT max(position) FROM journal")?,
        reached: newest.unwrap_or_default().max(progress.frontier),
        progress,
        last_commit: instant(reader, "SELECT max(at) FROM probe WHERE at > 0")?,
        oldest_unprocessed: oldest.map(Timestamp),
        last_by_type,
        outbox_oldest: instant(reader, "SELECT min(due) FROM outbox WHERE state = 0")?,
        last_dead: instant(reader, "SELECT max(ended_at) FROM outbox WHERE state = 2 AND ended_at IS NOT NULL")?,
        last_delivery: instant(reader, "SELECT max(ended_at) FROM outbox WHERE state = 1 AND ended_at IS NOT NULL")?,
    })
}

/// Rows at the end of the journal among which is looked for types that never came by themselves.
const LOOKED_AT: i64 = 100_000;

/// Gives the types that never came by themselves the time of their newest event.
fn told_otherwise(reader: &Connection, last_by_type: &mut [(String, Timestamp, u64)]) -> Result<(), Failure> {
    if last_by_type.iter().all(|(_, at, _)| *at != NEVER) {
        return Ok(());
    }
    let mut select = reader.prepare_cached(
        "SELECT event_types.name, max(newest.received_at)
         FROM (SELECT type, received_at FROM journal ORDER BY position DESC LIMIT ?1) AS newest
         JOIN event_types ON event_types.id = newest.type WHERE event_types.last_received_at = 0 GROUP BY newest.type",
    )?;
    let found = select.query_map([LOOKED_AT], |row| Ok((row.get(0)?, Timestamp(row.get(1)?))))?;
    for found in found {
        let (name, at): (String, Timestamp) = found?;
        last_by_type.iter_mut().filter(|(known, ..)| *known == name).for_each(|(_, last, _)| *last = at);
    }
    Ok(())
}

pub(super) fn read(reader: &Connection) -> Result<Figures, Failure> {
    let mut vitals = vitals(reader)?;
    let last_webhook = vitals.last_webhook();
    told_otherwise(reader, &mut vitals.last_by_type)?;
    let mut devices = reader.prepare_cached("SELECT count(*) FROM subjects WHERE kind = ?1")?;
    let devices: i64 = devices.query_row([kind_number(SubjectKind::Device)], |row| row.get(0))?;
    Ok(Figures {
        last_position: vitals.last_position,
        processed_position: vitals.progress.position,
        oldest_unprocessed: vitals.oldest_unprocessed,
        last_webhook,
        last_by_type: vitals.last_by_type,
        devices: devices.unsigned_abs(),
        open_alerts: number(reader, "SELECT count(*) FROM alerts WHERE state = 0")?,
        outbox_waiting: number(reader, "SELECT count(*) FROM outbox WHERE state = 0")?,
        outbox_oldest: vitals.outbox_oldest,
        dead_letters: number(reader, "SELECT count(*) FROM outbox WHERE state = 2 AND ended_at IS NOT NULL")?,
        last_dead: vitals.last_dead,
        last_delivery: vitals.last_delivery,
        last_by_receiver: ledger::last_by_receiver(reader)?,
        quarantined: number(reader, "SELECT count(*) FROM quarantine")?,
        rule_set: vitals.progress.rule_set,
        database_bytes: number(reader, "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")?,
    })
}

pub(super) fn told(reader: &Connection) -> Result<Vec<Told>, Failure> {
    let mut select = reader.prepare_cached("SELECT name, since, summary FROM self_watches ORDER BY name")?;
    let rows = select
        .query_map([], |row| Ok(Told { name: row.get(0)?, since: Timestamp(row.get(1)?), summary: row.get(2)? }))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn tell(writer: &Writer<'_>, telling: &Telling) -> Result<(), Failure> {
    match telling {
        Telling::Begins(Told { name, since, summary }) => writer.sql.execute(
            "INSERT INTO self_watches (name, since, summary) VALUES (?1, ?2, ?3)
             ON CONFLICT (name) DO UPDATE SET since = excluded.since, summary = excluded.summary",
            params![name, since.0, summary],
        )?,
        Telling::Ends { name } => writer.sql.execute("DELETE FROM self_watches WHERE name = ?1", [name])?,
    };
    Ok(())
}

pub(super) fn probe(writer: &mut Writer<'_>, clock: Timestamp) -> Result<(), Failure> {
    writer.sql.execute("UPDATE probe SET at = ?1", params![clock.0])?;
    Ok(())
}
