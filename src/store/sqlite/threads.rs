//! The first message of each group's present thread.

use rusqlite::{Connection, OptionalExtension, params};

use super::connection::{Failure, Writer, json};
use crate::engine::{Notification, Timestamp};
use crate::store::Root;

/// What the messages of this notification's group hang on so far.
pub(super) fn root(reader: &Connection, notification: &Notification) -> Result<Option<Root>, Failure> {
    if notification.group.is_empty() {
        return Ok(None);
    }
    let mut select = reader.prepare_cached("SELECT body FROM thread_roots WHERE group_id = ?1 AND lane = ?2")?;
    let found: Option<String> =
        select.query_row(params![notification.group, notification.channel.lane()], |row| row.get(0)).optional()?;
    // One that cannot be read costs nothing but the thread.
    Ok(found.and_then(|body| serde_json::from_str(&body).ok()))
}

/// Keeps what later messages hang on. A message of an older thread that comes late changes nothing.
pub(super) fn keep(writer: &Writer<'_>, group: &str, lane: &str, root: &Root, at: Timestamp) -> Result<(), Failure> {
    let body = json(root).map_err(|error| Failure::body("the beginning of a thread", &error))?;
    let mut insert = writer.sql.prepare_cached(
        "INSERT INTO thread_roots (group_id, lane, thread, written_at, body) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (group_id, lane) DO UPDATE SET thread = ?3, written_at = ?4, body = ?5 WHERE thread <= ?3",
    )?;
    insert.execute(params![group, lane, root.thread.cast_signed(), at.0, body])?;
    Ok(())
}

/// Forgets threads in which nothing was said since `before`, `limit` at most.
pub(super) fn drop_old(writer: &Writer<'_>, before: Timestamp, limit: i64) -> Result<u64, Failure> {
    let mut delete = writer.sql.prepare_cached(
        "DELETE FROM thread_roots WHERE rowid IN (SELECT rowid FROM thread_roots WHERE written_at < ?1 LIMIT ?2)",
    )?;
    Ok(delete.execute(params![before.0, limit])? as u64)
}
