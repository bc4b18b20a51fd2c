//! Figures for people and for the self-watch, and the proof that commits work.

use rusqlite::{Connection, params};

use super::connection::{Failure, Writer};
use super::journal;
use super::slices::kind_number;
use crate::engine::{SubjectKind, Timestamp};
use crate::store::Figures;

pub(super) fn read(reader: &Connection) -> Result<Figures, Failure> {
    let number = |sql: &str| -> Result<u64, Failure> {
        let found: Option<i64> = reader.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
        Ok(found.unwrap_or_default().unsigned_abs())
    };
    let instant = |sql: &str| -> Result<Option<Timestamp>, Failure> {
        let found: Option<i64> = reader.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
        Ok(found.map(Timestamp))
    };
    let progress = journal::progress(reader)?;
    let mut unprocessed = reader.prepare_cached("SELECT min(position) FROM journal WHERE position > ?1")?;
    let oldest: Option<i64> = unprocessed.query_row([progress.position.cast_signed()], |row| row.get(0))?;
    let oldest_unprocessed = match oldest {
        Some(position) => {
            let mut at = reader.prepare_cached("SELECT at FROM journal WHERE position = ?1")?;
            Some(Timestamp(at.query_row([position], |row| row.get(0))?))
        }
        None => None,
    };
    let mut types = reader
        .prepare_cached("SELECT name, last_received_at, events FROM event_types WHERE events > 0 ORDER BY name")?;
    let last_by_type = types
        .query_map([], |row| Ok((row.get(0)?, Timestamp(row.get(1)?), row.get::<_, i64>(2)?.unsigned_abs())))?
        .collect::<rusqlite::Result<Vec<(String, Timestamp, u64)>>>()?;
    let mut devices = reader.prepare_cached("SELECT count(*) FROM subjects WHERE kind = ?1")?;
    let devices: i64 = devices.query_row([kind_number(SubjectKind::Device)], |row| row.get(0))?;
    Ok(Figures {
        last_position: number("SELECT max(position) FROM journal")?,
        processed_position: progress.position,
        oldest_unprocessed,
        last_webhook: last_by_type.iter().map(|(_, at, _)| *at).max(),
        last_by_type,
        devices: devices.unsigned_abs(),
        open_alerts: number("SELECT count(*) FROM alerts WHERE state = 0")?,
        outbox_waiting: number("SELECT count(*) FROM outbox WHERE state = 0")?,
        outbox_oldest: instant("SELECT min(due) FROM outbox WHERE state = 0")?,
        dead_letters: number("SELECT count(*) FROM outbox WHERE state = 2 AND ended_at IS NOT NULL")?,
        last_dead: instant("SELECT max(ended_at) FROM outbox WHERE state = 2 AND ended_at IS NOT NULL")?,
        last_delivery: instant("SELECT max(ended_at) FROM outbox WHERE state = 1 AND ended_at IS NOT NULL")?,
        quarantined: number("SELECT count(*) FROM quarantine")?,
        rule_set: progress.rule_set,
        database_bytes: number("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")?,
    })
}

pub(super) fn probe(writer: &mut Writer<'_>, clock: Timestamp) -> Result<(), Failure> {
    writer.sql.execute("UPDATE probe SET at = ?1", params![clock.0])?;
    Ok(())
}
