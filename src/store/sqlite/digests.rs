//! Digests with their next due times, and rule sets by hash.

use rusqlite::{Connection, OptionalExtension, params};

use super::connection::{Failure, Writer};
use super::outbox;
use crate::engine::Timestamp;
use crate::store::DigestDue;

pub(super) fn due(reader: &Connection, name: &str) -> Result<Option<DigestDue>, Failure> {
    let mut select = reader.prepare_cached("SELECT schedule, due, covered_until FROM digests WHERE name = ?1")?;
    let due = select.query_row([name], |row| {
        Ok(DigestDue { schedule: row.get(0)?, due: Timestamp(row.get(1)?), covered_until: Timestamp(row.get(2)?) })
    });
    Ok(due.optional()?)
}

pub(super) fn schedule(writer: &mut Writer<'_>, name: &str, due: &DigestDue) -> Result<(), Failure> {
    writer.sql.execute(
        "INSERT INTO digests (name, schedule, due, covered_until) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (name) DO UPDATE SET schedule = excluded.schedule, due = excluded.due
         WHERE digests.schedule <> excluded.schedule",
        params![name, due.schedule, due.due.0, due.covered_until.0],
    )?;
    Ok(())
}

pub(super) fn run(
    writer: &mut Writer<'_>,
    name: &str,
    due: Timestamp,
    next: &DigestDue,
    notifications: &[outbox::Prepared<'_>],
) -> Result<bool, Failure> {
    let moved = writer.sql.execute(
        "UPDATE digests SET schedule = ?3, due = ?4, covered_until = ?5 WHERE name = ?1 AND due = ?2",
        params![name, due.0, next.schedule, next.due.0, next.covered_until.0],
    )?;
    if moved > 0 {
        outbox::add(writer, notifications)?;
    }
    Ok(moved > 0)
}

pub(super) fn keep_rule_set(writer: &mut Writer<'_>, hash: &str, bundle: &[u8]) -> Result<(), Failure> {
    writer.sql.execute(
        "INSERT INTO rule_sets (hash, bundle) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        params![hash, bundle],
    )?;
    Ok(())
}

pub(super) fn rule_set(reader: &Connection, hash: &str) -> Result<Option<Vec<u8>>, Failure> {
    let mut select = reader.prepare_cached("SELECT bundle FROM rule_sets WHERE hash = ?1")?;
    Ok(select.query_row([hash], |row| row.get(0)).optional()?)
}
