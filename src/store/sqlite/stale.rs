//! Judging again what has waited for long, in the transaction that leases it.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, params};

use super::connection::{Failure, Writer, json};
use super::outbox::{self, Waiting};
use crate::engine::{Content, Later, Notification, STALE_AFTER, StaleVerdict, Timestamp, judge_again};
use crate::store::Room;

/// Judges those of `waiting` that are stale; true where any of them, or another, is not as it was read.
pub(super) fn judge(writer: &Writer<'_>, waiting: &[Waiting], room: &Room, now: Timestamp) -> Result<bool, Failure> {
    let old = |row: &&Waiting| now.since(row.due) >= STALE_AFTER || row.attempts > 0;
    let mut rows: Vec<&Waiting> = waiting.iter().filter(|row| !room.has(row.id.unsigned_abs())).filter(old).collect();
    // An older message goes over into a newer one, which may then go over into a newer one still.
    rows.sort_by_key(|row| row.id);
    let mut any = false;
    for row in rows {
        any |= judge_one(writer, row.id, now.since(row.due) >= STALE_AFTER, now)?;
    }
    Ok(any)
}

/// Before it is stale, a message is only looked at for a newer one that has overtaken it.
fn judge_one(writer: &Writer<'_>, id: i64, stale: bool, now: Timestamp) -> Result<bool, Failure> {
    let Some((group, notification)) = read(writer, id)? else { return Ok(false) };
    if !matches!(notification.content, Content::Alerts { .. }) {
        return Ok(false);
    }
    let alerts: BTreeSet<u64> = outbox::alerts_in(&notification).into_iter().collect();
    let mut later = if group.is_empty() { Vec::new() } else { delivered_since(writer, id, &group, &alerts)? };
    if stale && !group.is_empty() {
        later.extend(waiting_since(writer, id, &group)?);
    } else if later.is_empty() && !stale && !group.is_empty() {
        return Ok(false);
    }
    let over = only(&alerts, |alert| is_over(writer, alert))?;
    let known = only(&alerts, |alert| was_told(writer, alert, id, &group))?;
    match judge_again(&notification, &over, &known, &later) {
        // Nothing newer will come of what belongs to no group.
        StaleVerdict::Changed(changed) if stale || group.is_empty() => rewrite(writer, id, &changed)?,
        StaleVerdict::Stands | StaleVerdict::Changed(_) => return Ok(false),
        StaleVerdict::Superseded { by, changed } => {
            for (newer, changed) in changed {
                rewrite(writer, newer.cast_signed(), &changed)?;
            }
            let mut update = writer.sql.prepare_cached(
                "UPDATE outbox SET state = 3, next_attempt_at = NULL, leased = 0, ended_at = ?2, superseded_by = ?3
                 WHERE id = ?1",
            )?;
            update.execute(params![id, now.0, by.cast_signed()])?;
        }
    }
    Ok(true)
}

/// `None` where it waits no more, or cannot be read back, which leasing finds out, too.
fn read(writer: &Writer<'_>, id: i64) -> Result<Option<(String, Notification)>, Failure> {
    let mut select =
        writer.sql.prepare_cached("SELECT group_id, notification FROM outbox WHERE id = ?1 AND state = 0")?;
    let row: Option<(String, String)> = select.query_row([id], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    Ok(row.and_then(|(group, body)| Some((group, serde_json::from_str(&body).ok()?))))
}

fn only(alerts: &BTreeSet<u64>, mut is: impl FnMut(u64) -> rusqlite::Result<bool>) -> Result<BTreeSet<u64>, Failure> {
    let mut found = BTreeSet::new();
    for alert in alerts {
        if is(*alert)? {
            found.insert(*alert);
        }
    }
    Ok(found)
}

fn is_over(writer: &Writer<'_>, alert: u64) -> rusqlite::Result<bool> {
    let mut select = writer.sql.prepare_cached("SELECT 1 FROM alerts WHERE number = ?1 AND state <> 0")?;
    select.exists([alert.cast_signed()])
}

/// Whether an older message of the group that spoke of this alert has been delivered.
fn was_told(writer: &Writer<'_>, alert: u64, before: i64, group: &str) -> rusqlite::Result<bool> {
    let mut select = writer.sql.prepare_cached(
        "SELECT 1 FROM outbox_alerts JOIN outbox ON outbox.id = outbox_alerts.delivery
         WHERE outbox_alerts.alert = ?1 AND outbox_alerts.delivery < ?2 AND outbox.group_id = ?3 AND outbox.state = 1",
    )?;
    select.exists(params![alert.cast_signed(), before, group])
}

/// Newer messages of the group that were delivered and speak of the alerts.
fn delivered_since(writer: &Writer<'_>, id: i64, group: &str, alerts: &BTreeSet<u64>) -> Result<Vec<Later>, Failure> {
    let mut select = writer.sql.prepare_cached(
        "SELECT outbox.id FROM outbox_alerts JOIN outbox ON outbox.id = outbox_alerts.delivery
         WHERE outbox_alerts.alert = ?1 AND outbox_alerts.delivery > ?2 AND outbox.group_id = ?3 AND outbox.state = 1",
    )?;
    let mut ids = BTreeSet::new();
    for alert in alerts {
        let found = select.query_map(params![alert.cast_signed(), id, group], |row| row.get::<_, i64>(0))?;
        ids.extend(found.collect::<rusqlite::Result<Vec<_>>>()?);
    }
    read_later(writer, ids, false)
}

/// Newer messages of the group that wait and are not being sent.
fn waiting_since(writer: &Writer<'_>, id: i64, group: &str) -> Result<Vec<Later>, Failure> {
    let mut select = writer
        .sql
        .prepare_cached("SELECT id FROM outbox WHERE group_id = ?2 AND state = 0 AND leased = 0 AND id > ?1")?;
    let found = select.query_map(params![id, group], |row| row.get(0))?;
    let ids = found.collect::<rusqlite::Result<BTreeSet<i64>>>()?;
    read_later(writer, ids, true)
}

fn read_later(writer: &Writer<'_>, ids: BTreeSet<i64>, open: bool) -> Result<Vec<Later>, Failure> {
    let mut body = writer.sql.prepare_cached("SELECT notification FROM outbox WHERE id = ?1")?;
    let mut later = Vec::new();
    for id in ids {
        let text: String = body.query_row([id], |row| row.get(0))?;
        // What cannot be read back tells nothing, and is given up when it is leased.
        let Ok(notification) = serde_json::from_str(&text) else { continue };
        later.push(Later { id: id.unsigned_abs(), notification, open });
    }
    Ok(later)
}

/// The newest message of its group that tells, or will, of every alert of an older one; `None` where there is something
/// that none of them does.
pub(super) fn told_since(
    writer: &Writer<'_>,
    id: i64,
    group: &str,
    notification: &Notification,
) -> Result<Option<u64>, Failure> {
    let mut select = writer.sql.prepare_cached(
        "SELECT max(outbox.id) FROM outbox_alerts JOIN outbox ON outbox.id = outbox_alerts.delivery
         WHERE outbox_alerts.alert = ?1 AND outbox_alerts.delivery > ?2 AND outbox.group_id = ?3
           AND outbox.state IN (0, 1)",
    )?;
    let mut newest = None;
    for alert in outbox::alerts_in(notification) {
        let found: Option<i64> = select.query_row(params![alert.cast_signed(), id, group], |row| row.get(0))?;
        let Some(found) = found.filter(|_| !group.is_empty()) else { return Ok(None) };
        newest = newest.max(Some(found.unsigned_abs()));
    }
    Ok(newest)
}

/// Gives a waiting message other words, in which every later attempt sends it.
pub(super) fn rewrite(writer: &Writer<'_>, id: i64, notification: &Notification) -> Result<(), Failure> {
    let body = json(notification).map_err(|error| Failure::body("a message to be kept", &error))?;
    let mut update = writer.sql.prepare_cached("UPDATE outbox SET notification = ?2, rendered = NULL WHERE id = ?1")?;
    update.execute(params![id, body])?;
    outbox::link(writer, notification, id)
}

/// The alerts of a message that are open no more.
pub(super) fn over(writer: &Writer<'_>, notification: &Notification) -> Result<BTreeSet<u64>, Failure> {
    let alerts = outbox::alerts_in(notification).into_iter().collect();
    only(&alerts, |alert| is_over(writer, alert))
}
