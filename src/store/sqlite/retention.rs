//! What has outlived its retention goes, a bounded number of rows at a time. Journal rows themselves stay: positions and
//! the keys that repeats are known by are small.

use rusqlite::params;

use super::connection::{Failure, Writer};
use crate::engine::Source;
use crate::store::{EventRow, Retention};

/// Rows touched in one call.
const CHUNK: i64 = 500;

pub(super) fn prune(
    writer: &mut Writer<'_>,
    retention: &Retention,
    reduce: &mut dyn FnMut(&EventRow) -> Option<Vec<u8>>,
) -> Result<u64, Failure> {
    let mut touched = reduce_readings(writer, retention, reduce)?;
    let forget = |sql: &str, before: i64| writer.sql.prepare_cached(sql)?.execute(params![before, CHUNK]);
    touched += forget(
        "UPDATE journal SET body = NULL WHERE position IN (
            SELECT position FROM journal WHERE kind = 0 AND body IS NOT NULL AND received_at < ?1
              AND position <= (SELECT position FROM progress) ORDER BY position LIMIT ?2)",
        retention.payloads_before.0,
    )? as u64;
    touched += forget(
        "DELETE FROM outbox WHERE id IN (
            SELECT id FROM outbox WHERE state <> 0 AND ended_at < ?1 ORDER BY id LIMIT ?2)",
        retention.deliveries_before.0,
    )? as u64;
    touched += forget(
        "DELETE FROM transitions WHERE alert IN (
            SELECT number FROM alerts WHERE state <> 0 AND moved_at < ?1 ORDER BY number LIMIT ?2)",
        retention.alerts_before.0,
    )? as u64;
    touched += forget(
        "DELETE FROM alerts WHERE number IN (
            SELECT number FROM alerts WHERE state <> 0 AND moved_at < ?1 ORDER BY number LIMIT ?2)",
        retention.alerts_before.0,
    )? as u64;
    writer.sql.execute("DELETE FROM outbox_alerts WHERE delivery NOT IN (SELECT id FROM outbox)", [])?;
    writer.sql.execute("DELETE FROM quarantine WHERE received_at < ?1", params![retention.payloads_before.0])?;
    Ok(touched)
}

/// Readings hold clinical values: old ones shrink to what says that they came. They come in the order of their positions,
/// so one number tells how far this has got.
fn reduce_readings(
    writer: &mut Writer<'_>,
    retention: &Retention,
    reduce: &mut dyn FnMut(&EventRow) -> Option<Vec<u8>>,
) -> Result<u64, Failure> {
    let mut select = writer.sql.prepare_cached(
        "SELECT journal.position, event_types.name, journal.body FROM journal
         JOIN event_types ON event_types.id = journal.type
         WHERE event_types.name LIKE 'reading.%' AND journal.kind = 0 AND journal.body IS NOT NULL
           AND journal.position > (SELECT reduced_until FROM pruned) AND journal.received_at < ?1
           AND journal.position <= (SELECT position FROM progress)
         ORDER BY journal.position LIMIT ?2",
    )?;
    let mut rows = select.query(params![retention.readings_before.0, CHUNK])?;
    let mut reduced = Vec::new();
    while let Some(row) = rows.next()? {
        let event =
            EventRow { kind: row.get(1)?, envelope_id: None, log_id: None, source: Source::Webhook, body: row.get(2)? };
        reduced.push((row.get::<_, i64>(0)?, reduce(&event)));
    }
    drop(rows);
    drop(select);
    let mut update = writer.sql.prepare_cached("UPDATE journal SET body = ?2 WHERE position = ?1")?;
    for (position, body) in &reduced {
        update.execute(params![position, body])?;
    }
    if let Some((last, _)) = reduced.last() {
        writer.sql.execute("UPDATE pruned SET reduced_until = ?1", params![last])?;
    }
    Ok(reduced.len() as u64)
}
