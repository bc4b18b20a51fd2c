//! What has outlived its retention goes, a bounded number of rows at a time: meanwhile events wait for the writer. Journal
//! rows themselves stay: positions and the keys that repeats are known by are small. The file does not shrink; what is
//! freed is used again.

use rusqlite::{OptionalExtension, params};

use super::connection::{Failure, Writer};
use super::{outbox, threads};
use crate::engine::{Notification, Source, Timestamp};
use crate::store::{EventRow, Pruned, Retention};

/// Rows looked at in one transaction.
const CHUNK: i64 = 500;

pub(super) fn prune(
    writer: &mut Writer<'_>,
    retention: &Retention,
    reduce: &mut dyn FnMut(&EventRow) -> Option<Vec<u8>>,
) -> Result<Pruned, Failure> {
    let (reduced_until, emptied_until, processed) = writer
        .sql
        .prepare_cached("SELECT reduced_until, emptied_until, progress.position FROM pruned, progress")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let readings = chunk(writer, reduced_until, processed, retention.readings_before)?;
    let payloads = chunk(writer, emptied_until, processed, retention.payloads_before)?;
    let mut rows = reduce_readings(writer, &readings, reduce)?;
    rows += empty(writer, &payloads)?;
    writer
        .sql
        .prepare_cached("UPDATE pruned SET reduced_until = ?1, emptied_until = ?2")?
        .execute(params![readings.until.max(payloads.until), payloads.until])?;
    let dropped = [
        drop_deliveries(writer, retention.deliveries_before)?,
        drop_alerts(writer, retention.alerts_before)?,
        drop_quarantined(writer, retention.payloads_before)?,
        threads::drop_old(writer, retention.deliveries_before, CHUNK)?,
    ];
    rows += dropped.iter().sum::<u64>();
    let nothing_more = dropped.iter().all(|rows| *rows < CHUNK.unsigned_abs());
    Ok(Pruned { rows, complete: readings.last && payloads.last && nothing_more })
}

/// Positions above `after`, up to and with `until`.
struct Chunk {
    after: i64,
    until: i64,
    /// True where no later one is old enough.
    last: bool,
}

/// The next positions whose rows are older than `before`. Times ascend with positions, so the end is found by halving.
fn chunk(writer: &Writer<'_>, after: i64, processed: i64, before: Timestamp) -> Result<Chunk, Failure> {
    let mut select =
        writer.sql.prepare_cached("SELECT at FROM journal WHERE position >= ?1 ORDER BY position LIMIT 1")?;
    let mut is_old = |position: i64| -> Result<bool, Failure> {
        let at: Option<i64> = select.query_row([position], |row| row.get(0)).optional()?;
        Ok(at.is_some_and(|at| at < before.0))
    };
    let limit = after.saturating_add(CHUNK).min(processed);
    let (mut old, mut end) = (after, limit.max(after));
    while old < end {
        let middle = old + (end - old + 1) / 2;
        if is_old(middle)? {
            old = middle;
        } else {
            end = middle - 1;
        }
    }
    Ok(Chunk { after, until: old, last: old < limit || limit >= processed })
}

/// Readings hold clinical values: old ones shrink to what says that they came.
fn reduce_readings(
    writer: &Writer<'_>,
    chunk: &Chunk,
    reduce: &mut dyn FnMut(&EventRow) -> Option<Vec<u8>>,
) -> Result<u64, Failure> {
    let mut select = writer.sql.prepare_cached(
        "SELECT journal.position, event_types.name, journal.body FROM journal
         JOIN event_types ON event_types.id = journal.type
         WHERE journal.position > ?1 AND journal.position <= ?2 AND journal.kind = 0 AND journal.body IS NOT NULL
           AND event_types.name LIKE 'reading.%'",
    )?;
    let mut rows = select.query(params![chunk.after, chunk.until])?;
    let mut reduced = Vec::new();
    while let Some(row) = rows.next()? {
        let event =
            EventRow { kind: row.get(1)?, envelope_id: None, log_id: None, source: Source::Webhook, body: row.get(2)? };
        reduced.push((row.get::<_, i64>(0)?, reduce(&event)));
    }
    drop(rows);
    let mut update = writer.sql.prepare_cached("UPDATE journal SET body = ?2 WHERE position = ?1")?;
    for (position, body) in &reduced {
        update.execute(params![position, body])?;
    }
    Ok(reduced.len() as u64)
}

fn empty(writer: &Writer<'_>, chunk: &Chunk) -> Result<u64, Failure> {
    let mut update = writer.sql.prepare_cached(
        "UPDATE journal SET body = NULL WHERE position > ?1 AND position <= ?2 AND kind = 0 AND body IS NOT NULL",
    )?;
    Ok(update.execute(params![chunk.after, chunk.until])? as u64)
}

fn drop_deliveries(writer: &Writer<'_>, before: Timestamp) -> Result<u64, Failure> {
    let mut delete = writer.sql.prepare_cached(
        "DELETE FROM outbox WHERE id IN (
            SELECT id FROM outbox WHERE state IN (1, 2, 3) AND ended_at IS NOT NULL AND ended_at < ?1 LIMIT ?2)
         RETURNING id, notification",
    )?;
    let mut rows = delete.query(params![before.0, CHUNK])?;
    let mut gone: Vec<(i64, Vec<u64>)> = Vec::new();
    while let Some(row) = rows.next()? {
        let notification = serde_json::from_str::<Notification>(row.get_ref(1)?.as_str().unwrap_or_default());
        gone.push((row.get(0)?, notification.as_ref().map(outbox::alerts_in).unwrap_or_default()));
    }
    drop(rows);
    let mut unlink = writer.sql.prepare_cached("DELETE FROM outbox_alerts WHERE alert = ?1 AND delivery = ?2")?;
    let mut forget = writer.sql.prepare_cached("DELETE FROM attempts WHERE delivery = ?1")?;
    for (delivery, alerts) in &gone {
        forget.execute([delivery])?;
        for alert in alerts {
            unlink.execute(params![alert.cast_signed(), delivery])?;
        }
    }
    Ok(gone.len() as u64)
}

fn drop_alerts(writer: &Writer<'_>, before: Timestamp) -> Result<u64, Failure> {
    let mut delete = writer.sql.prepare_cached(
        "DELETE FROM alerts WHERE number IN (
            SELECT number FROM alerts WHERE state IN (1, 2, 3) AND moved_at < ?1 LIMIT ?2) RETURNING number",
    )?;
    let gone = delete.query_map(params![before.0, CHUNK], |row| row.get(0))?.collect::<rusqlite::Result<Vec<i64>>>()?;
    let mut forget = writer.sql.prepare_cached("DELETE FROM transitions WHERE alert = ?1")?;
    for number in &gone {
        forget.execute([number])?;
    }
    Ok(gone.len() as u64)
}

fn drop_quarantined(writer: &Writer<'_>, before: Timestamp) -> Result<u64, Failure> {
    let mut delete = writer.sql.prepare_cached(
        "DELETE FROM quarantine WHERE hash IN (SELECT hash FROM quarantine WHERE received_at < ?1 LIMIT ?2)",
    )?;
    Ok(delete.execute(params![before.0, CHUNK])? as u64)
}
