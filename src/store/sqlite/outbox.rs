//! The outbox: notifications until they are delivered or dead.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::connection::{Failure, Writer, json};
use super::journal;
use crate::engine::{Content, DeliveryFailure, Notification, Timestamp};
use crate::store::{Attempt, AttemptResult, Delivery, DeliveryRow, DeliveryState, Rendered, Room};

const WAITING: i64 = 0;
const DELIVERED: i64 = 1;
const DEAD: i64 = 2;
const SUPERSEDED: i64 = 3;

fn state_number(state: DeliveryState) -> i64 {
    match state {
        DeliveryState::Waiting => WAITING,
        DeliveryState::Delivered => DELIVERED,
        DeliveryState::Dead => DEAD,
        DeliveryState::Superseded => SUPERSEDED,
    }
}

/// The alerts that a notification speaks of.
pub(super) fn alerts_in(notification: &Notification) -> Vec<u64> {
    match &notification.content {
        Content::Alerts { firing, ended, .. } => firing.iter().chain(ended).map(|alert| alert.number).collect(),
        Content::Digest(_) | Content::Test { .. } | Content::SelfAlert(_) => Vec::new(),
    }
}

/// A notification made ready to be written.
pub(super) struct Prepared<'o> {
    notification: &'o Notification,
    body: String,
}

pub(super) fn prepare(notifications: &[Notification]) -> Result<Vec<Prepared<'_>>, serde_json::Error> {
    let ready = |notification| Ok(Prepared { notification, body: json(notification)? });
    notifications.iter().map(ready).collect()
}

/// Adds notifications; a key that is known is left alone.
pub(super) fn add(writer: &Writer<'_>, notifications: &[Prepared<'_>]) -> Result<(), Failure> {
    for Prepared { notification, body } in notifications {
        let mut insert = writer.sql.prepare_cached(
            "INSERT INTO outbox (key, group_id, lane, repeats, state, due, next_attempt_at, leased, attempts, notification)
             VALUES (?1, ?2, ?3, ?4, 0, ?5, ?5, 0, 0, ?6) ON CONFLICT (key) DO NOTHING RETURNING id",
        )?;
        let Notification { key, group, channel, due, content, .. } = notification;
        let repeats = matches!(content, Content::Alerts { repeat: true, .. });
        let id: Option<i64> =
            insert.query_row(params![key, group, channel.lane(), repeats, due.0, body], |row| row.get(0)).optional()?;
        let Some(id) = id else { continue };
        if !group.is_empty() {
            supersede_reminders(writer, group, id, *due)?;
        }
        let mut link = writer
            .sql
            .prepare_cached("INSERT INTO outbox_alerts (alert, delivery) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?;
        for alert in alerts_in(notification) {
            link.execute(params![alert.cast_signed(), id])?;
        }
    }
    Ok(())
}

/// A reminder that nobody has tried to send says nothing that the group's newer message does not say.
fn supersede_reminders(writer: &Writer<'_>, group: &str, by: i64, at: Timestamp) -> Result<(), Failure> {
    let mut update = writer.sql.prepare_cached(
        "UPDATE outbox SET state = 3, next_attempt_at = NULL, ended_at = ?3
         WHERE group_id = ?1 AND state = 0 AND repeats = 1 AND attempts = 0 AND id <> ?2",
    )?;
    update.execute(params![group, by, at.0])?;
    Ok(())
}

/// The lanes in which something waits, each with the time of its next attempt.
fn lanes(reader: &Connection) -> Result<Vec<(String, Timestamp)>, Failure> {
    let mut select =
        reader.prepare_cached("SELECT lane, min(next_attempt_at) FROM outbox WHERE state = 0 GROUP BY lane")?;
    let lanes = select.query_map([], |row| Ok((row.get(0)?, Timestamp(row.get(1)?))))?;
    Ok(lanes.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn next(reader: &Connection, room: &Room) -> Result<Option<Timestamp>, Failure> {
    let open = lanes(reader)?.into_iter().filter(|(lane, _)| room.left(lane) > 0);
    Ok(open.map(|(_, next)| next).min())
}

/// A lease is nothing but a next attempt in the future: when it ends without a result, the row is due again.
pub(super) fn lease(
    writer: &mut Writer<'_>,
    now: Timestamp,
    until: Timestamp,
    room: &Room,
    render: &mut dyn FnMut(&Notification) -> Rendered,
) -> Result<Vec<Delivery>, Failure> {
    let mut leased = Vec::new();
    for (lane, _) in lanes(&writer.sql)?.into_iter().filter(|(_, next)| *next <= now) {
        let waiting = due(writer, &lane, now, room.left(&lane))?;
        for row in waiting.into_iter().filter(|row| !room.has(row.id.unsigned_abs())) {
            match row.read() {
                Ok((notification, kept)) => {
                    let rendered = match kept {
                        Some(rendered) => rendered,
                        None => keep_rendering(writer, row.id, render(&notification))?,
                    };
                    let id = row.id.unsigned_abs();
                    let since = row.since.unwrap_or(now);
                    leased.push(Delivery { id, notification, attempts: row.attempts, since, rendered });
                }
                Err(error) => give_up(writer, row.id, now, &error)?,
            }
        }
    }
    let mut hold = writer.sql.prepare_cached(
        "UPDATE outbox SET next_attempt_at = ?2, leased = 1, attempts = attempts + 1, first_attempt_at = ?3 WHERE id = ?1",
    )?;
    for delivery in &leased {
        hold.execute(params![delivery.id.cast_signed(), until.0, delivery.since.0])?;
    }
    Ok(leased)
}

/// A row of the outbox as it stands there.
struct Waiting {
    id: i64,
    notification: String,
    rendered: Option<String>,
    attempts: u32,
    since: Option<Timestamp>,
}

impl Waiting {
    fn read(&self) -> Result<(Notification, Option<Rendered>), serde_json::Error> {
        let rendered = self.rendered.as_deref().map(serde_json::from_str).transpose()?;
        Ok((serde_json::from_str(&self.notification)?, rendered))
    }
}

fn due(writer: &Writer<'_>, lane: &str, now: Timestamp, limit: usize) -> Result<Vec<Waiting>, Failure> {
    let mut select = writer.sql.prepare_cached(
        "SELECT id, notification, rendered, attempts, first_attempt_at FROM outbox
         WHERE state = 0 AND lane = ?1 AND next_attempt_at <= ?2 ORDER BY next_attempt_at, id LIMIT ?3",
    )?;
    let rows = select.query_map(params![lane, now.0, limit as i64], |row| {
        Ok(Waiting {
            id: row.get(0)?,
            notification: row.get(1)?,
            rendered: row.get(2)?,
            attempts: row.get(3)?,
            since: row.get::<_, Option<i64>>(4)?.map(Timestamp),
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Keeps what a message came to, so that every attempt sends the same.
fn keep_rendering(writer: &Writer<'_>, id: i64, rendered: Rendered) -> Result<Rendered, Failure> {
    let kept = json(&rendered).map_err(|error| Failure::body("a message to be kept", &error))?;
    let mut keep = writer.sql.prepare_cached("UPDATE outbox SET rendered = ?2 WHERE id = ?1")?;
    keep.execute(params![id, kept])?;
    Ok(rendered)
}

/// What cannot be read back would stand in the way of everything behind it.
fn give_up(writer: &Writer<'_>, id: i64, now: Timestamp, error: &serde_json::Error) -> Result<(), Failure> {
    let why = format!("the stored message does not parse (column {})", error.column());
    let mut update = writer.sql.prepare_cached(
        "UPDATE outbox SET state = 2, next_attempt_at = NULL, leased = 0, ended_at = ?2, last_error = ?3 WHERE id = ?1",
    )?;
    update.execute(params![id, now.0, why])?;
    Ok(())
}

pub(super) fn release(writer: &Writer<'_>) -> Result<(), Failure> {
    let mut update = writer
        .sql
        .prepare_cached("UPDATE outbox SET next_attempt_at = due, leased = 0 WHERE state = 0 AND leased = 1")?;
    update.execute([])?;
    Ok(())
}

pub(super) fn record(writer: &mut Writer<'_>, attempts: &[Attempt], clock: Timestamp) -> Result<(), Failure> {
    let mut failures = Vec::new();
    for attempt in attempts {
        let id = attempt.delivery.cast_signed();
        match &attempt.result {
            AttemptResult::Delivered { reply, refused } => {
                let mut update = writer.sql.prepare_cached(
                    "UPDATE outbox SET state = 1, next_attempt_at = NULL, leased = 0, ended_at = ?2, reply = ?3, last_error = ?4
                     WHERE id = ?1 AND state = 0",
                )?;
                update.execute(params![id, attempt.at.0, reply, refused])?;
            }
            AttemptResult::Retry { at, error } => {
                let mut update = writer.sql.prepare_cached(
                    "UPDATE outbox SET next_attempt_at = ?2, leased = 0, last_error = ?3 WHERE id = ?1 AND state = 0",
                )?;
                update.execute(params![id, at.0, error])?;
            }
            AttemptResult::Dead { error } => {
                let mut update = writer.sql.prepare_cached(
                    "UPDATE outbox SET state = 2, next_attempt_at = NULL, leased = 0, ended_at = ?2, last_error = ?3
                     WHERE id = ?1 AND state = 0 RETURNING key, group_id",
                )?;
                let failed: Option<(String, String)> = update
                    .query_row(params![id, attempt.at.0, error], |row| Ok((row.get(0)?, row.get(1)?)))
                    .optional()?;
                failures.extend(failed);
            }
        }
    }
    for (key, group) in failures.into_iter().filter(|(_, group)| !group.is_empty()) {
        journal::delivery_failed(writer, &DeliveryFailure { key, group }, clock)?;
    }
    Ok(())
}

pub(super) fn list(
    reader: &Connection,
    alert: Option<u64>,
    state: Option<DeliveryState>,
    limit: usize,
) -> Result<Vec<DeliveryRow>, Failure> {
    let mut select = reader.prepare_cached(
        "SELECT id, notification, state, attempts, next_attempt_at, ended_at, last_error FROM outbox
         WHERE (?1 IS NULL OR id IN (SELECT delivery FROM outbox_alerts WHERE alert = ?1))
           AND (?2 IS NULL OR state = ?2)
         ORDER BY id DESC LIMIT ?3",
    )?;
    let mut rows = select.query(params![alert.map(u64::cast_signed), state.map(state_number), limit as i64])?;
    let mut deliveries = Vec::new();
    while let Some(row) = rows.next()? {
        let notification: Notification = serde_json::from_str(row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?)
            .map_err(|error| Failure::body("a notification", &error))?;
        let alerts = alerts_in(&notification);
        let state = match row.get::<_, i64>(2)? {
            WAITING => DeliveryState::Waiting,
            DELIVERED => DeliveryState::Delivered,
            SUPERSEDED => DeliveryState::Superseded,
            _ => DeliveryState::Dead,
        };
        let ended_at: Option<i64> = row.get(5)?;
        deliveries.push(DeliveryRow {
            id: row.get::<_, i64>(0)?.unsigned_abs(),
            key: notification.key,
            group: notification.group,
            receiver: notification.receiver,
            channel: notification.channel,
            phi: notification.phi,
            alerts,
            state,
            attempts: row.get(3)?,
            due: notification.due,
            next_attempt_at: row.get::<_, Option<i64>>(4)?.map(Timestamp),
            delivered_at: ended_at.filter(|_| state == DeliveryState::Delivered).map(Timestamp),
            last_error: row.get(6)?,
        });
    }
    Ok(deliveries)
}

pub(super) fn count_dead(reader: &Connection, from: Timestamp, before: Timestamp) -> Result<u64, Failure> {
    let mut select =
        reader.prepare_cached("SELECT count(*) FROM outbox WHERE state = 2 AND ended_at >= ?1 AND ended_at < ?2")?;
    Ok(select.query_row(params![from.0, before.0], |row| row.get::<_, i64>(0))?.unsigned_abs())
}

/// The newest come first, so that one look at the end of an index is enough.
pub(super) fn proven(reader: &Connection, limit: usize) -> Result<BTreeMap<String, Timestamp>, Failure> {
    let mut select = reader.prepare_cached(
        "SELECT json_extract(notification, '$.receiver'), ended_at FROM outbox
         WHERE state = 1 AND ended_at IS NOT NULL ORDER BY ended_at DESC LIMIT ?1",
    )?;
    let rows = select.query_map([limit as i64], |row| Ok((row.get::<_, String>(0)?, Timestamp(row.get(1)?))))?;
    let mut proven = BTreeMap::new();
    for row in rows {
        let (receiver, at) = row?;
        proven.entry(receiver).or_insert(at);
    }
    Ok(proven)
}
