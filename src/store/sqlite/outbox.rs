//! The outbox: notifications until they are delivered or dead.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, params};

use super::connection::{Failure, Writer, json};
use super::{journal, ledger, stale, threads};
use crate::engine::{Content, DeliveryFailure, Notification, Remark, Timestamp};
use crate::store::{Attempt, AttemptResult, Delivery, Rendered, Room};

/// The alerts that a notification speaks of.
pub(super) fn alerts_in(notification: &Notification) -> Vec<u64> {
    match &notification.content {
        Content::Alerts { firing, ended, .. } => {
            let named = notification.remarks.iter().filter_map(Remark::alerts).flatten().copied();
            firing.iter().chain(ended).map(|alert| alert.number).chain(named).collect()
        }
        Content::Summary(summary) => summary.alerts.iter().chain(&summary.ended).map(|alert| alert.number).collect(),
        Content::SilenceEnds { .. } | Content::Digest(_) | Content::Test { .. } | Content::SelfAlert(_) => Vec::new(),
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
    for prepared in notifications {
        let Notification { group, due, .. } = prepared.notification;
        let Some(id) = insert(writer, prepared, group, Origin::default())? else { continue };
        if !group.is_empty() {
            supersede_reminders(writer, group, id, *due)?;
        }
    }
    Ok(())
}

/// What a row comes from that no decision of the engine has made.
#[derive(Clone, Copy, Default)]
pub(super) struct Origin {
    pub resent_from: Option<i64>,
    pub stands_in_for: Option<i64>,
}

/// Adds one row, as a part of `group`; `None` where its key is known.
pub(super) fn insert(
    writer: &Writer<'_>,
    Prepared { notification, body }: &Prepared<'_>,
    group: &str,
    origin: Origin,
) -> Result<Option<i64>, Failure> {
    let mut insert = writer.sql.prepare_cached(
        "INSERT INTO outbox (key, group_id, lane, repeats, state, due, next_attempt_at, leased, attempts, notification,
                             receiver, resent_from, stands_in_for)
         VALUES (?1, ?2, ?3, ?4, 0, ?5, ?5, 0, 0, ?6, ?7, ?8, ?9) ON CONFLICT (key) DO NOTHING RETURNING id",
    )?;
    let Notification { key, receiver, channel, due, content, .. } = notification;
    let repeats = matches!(content, Content::Alerts { repeat: true, .. });
    let Origin { resent_from, stands_in_for } = origin;
    let row = params![key, group, channel.lane(), repeats, due.0, body, receiver, resent_from, stands_in_for];
    let id: Option<i64> = insert.query_row(row, |row| row.get(0)).optional()?;
    if let Some(id) = id {
        link(writer, notification, id)?;
    }
    Ok(id)
}

/// Has the row found by every alert that it speaks of.
pub(super) fn link(writer: &Writer<'_>, notification: &Notification, id: i64) -> Result<(), Failure> {
    let mut link = writer
        .sql
        .prepare_cached("INSERT INTO outbox_alerts (alert, delivery) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?;
    for alert in alerts_in(notification) {
        link.execute(params![alert.cast_signed(), id])?;
    }
    Ok(())
}

/// A reminder that nobody has tried to send says nothing that the group's newer message does not say.
fn supersede_reminders(writer: &Writer<'_>, group: &str, by: i64, at: Timestamp) -> Result<(), Failure> {
    let mut update = writer.sql.prepare_cached(
        "UPDATE outbox SET state = 3, next_attempt_at = NULL, ended_at = ?3, superseded_by = ?2
         WHERE group_id = ?1 AND state = 0 AND repeats = 1 AND attempts = 0 AND id <> ?2",
    )?;
    update.execute(params![group, by, at.0])?;
    Ok(())
}

/// The lanes in which something waits, each with the time of its next attempt. A group's messages go out one after the
/// other, since each answers to the one before.
fn lanes(reader: &Connection) -> Result<Vec<(String, Timestamp)>, Failure> {
    let mut select = reader.prepare_cached(
        "SELECT lane, min(next_attempt_at) FROM outbox WHERE state = 0 AND (leased = 1 OR group_id NOT IN
            (SELECT group_id FROM outbox WHERE state = 0 AND leased = 1 AND group_id <> '')) GROUP BY lane",
    )?;
    let lanes = select.query_map([], |row| Ok((row.get(0)?, Timestamp(row.get(1)?))))?;
    Ok(lanes.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn next(reader: &Connection, room: &Room) -> Result<Option<Timestamp>, Failure> {
    let open = lanes(reader)?.into_iter().filter(|(lane, _)| room.left(lane) > 0);
    Ok(open.map(|(lane, next)| next.max(room.opens(&lane))).min())
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
    let mut groups = BTreeSet::new();
    for (lane, _) in lanes(&writer.sql)?.into_iter().filter(|(lane, next)| *next <= now && room.opens(lane) <= now) {
        let mut waiting = due(writer, &lane, now, room.left(&lane))?;
        if stale::judge(writer, &waiting, room, now)? {
            waiting = due(writer, &lane, now, room.left(&lane))?;
        }
        for row in waiting.into_iter().filter(|row| !room.has(row.id.unsigned_abs())) {
            match row.read() {
                Ok((notification, _)) if groups.contains(&notification.group) => {}
                Ok((notification, kept)) => {
                    if !notification.group.is_empty() {
                        groups.insert(notification.group.clone());
                    }
                    let rendered = match kept {
                        Some(rendered) => rendered,
                        None => keep_rendering(writer, row.id, render(&notification))?,
                    };
                    let id = row.id.unsigned_abs();
                    // Patience with a receiver begins with the first attempt, or with the failure of its lane.
                    let failing = room.failing_since(&lane).map(|since| since.max(notification.due).min(now));
                    let since = row.since.or(failing).unwrap_or(now);
                    let root = threads::root(&writer.sql, &notification)?;
                    leased.push(Delivery { id, notification, attempts: row.attempts, since, rendered, root });
                }
                Err(error) => give_up(writer, row.id, now, &error)?,
            }
        }
    }
    let mut hold = writer.sql.prepare_cached(
        "UPDATE outbox SET next_attempt_at = ?2, leased = 1, leased_at = ?4, attempts = attempts + 1, first_attempt_at = ?3
         WHERE id = ?1",
    )?;
    for delivery in &leased {
        hold.execute(params![delivery.id.cast_signed(), until.0, delivery.since.0, now.0])?;
    }
    Ok(leased)
}

/// A row of the outbox as it stands there.
pub(super) struct Waiting {
    pub id: i64,
    pub due: Timestamp,
    notification: String,
    rendered: Option<String>,
    pub attempts: u32,
    since: Option<Timestamp>,
}

impl Waiting {
    pub(super) fn read(&self) -> Result<(Notification, Option<Rendered>), serde_json::Error> {
        let rendered = self.rendered.as_deref().map(serde_json::from_str).transpose()?;
        Ok((serde_json::from_str(&self.notification)?, rendered))
    }
}

fn due(writer: &Writer<'_>, lane: &str, now: Timestamp, limit: usize) -> Result<Vec<Waiting>, Failure> {
    let mut select = writer.sql.prepare_cached(
        "SELECT id, notification, rendered, attempts, first_attempt_at, due FROM outbox
         WHERE state = 0 AND lane = ?1 AND next_attempt_at <= ?2 AND (leased = 1 OR group_id NOT IN
            (SELECT group_id FROM outbox WHERE state = 0 AND leased = 1 AND group_id <> ''))
         ORDER BY next_attempt_at, id LIMIT ?3",
    )?;
    let rows = select.query_map(params![lane, now.0, limit as i64], |row| {
        Ok(Waiting {
            id: row.get(0)?,
            notification: row.get(1)?,
            rendered: row.get(2)?,
            attempts: row.get(3)?,
            since: row.get::<_, Option<i64>>(4)?.map(Timestamp),
            due: Timestamp(row.get(5)?),
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
    ledger::lose_answers(writer)?;
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
        ledger::keep(writer, attempt)?;
        match &attempt.result {
            AttemptResult::Delivered { reply, refused, rest, root } => {
                let mut update = writer.sql.prepare_cached(
                    "UPDATE outbox SET state = 1, next_attempt_at = NULL, leased = 0, ended_at = ?2, reply = ?3, last_error = ?4
                     WHERE id = ?1 AND state = 0 RETURNING group_id, lane",
                )?;
                let sent: Option<(String, String)> = update
                    .query_row(params![id, attempt.at.0, reply, refused], |row| Ok((row.get(0)?, row.get(1)?)))
                    .optional()?;
                if let Some((group, lane)) = sent {
                    ledger::prove(writer, id, attempt.at)?;
                    for rest in rest {
                        ledger::keep_rest(writer, id, rest, attempt.at)?;
                    }
                    // What belongs to no group, such as the rest of a message, is nothing that others answer to.
                    if let Some(root) = root.as_ref().filter(|_| !group.is_empty()) {
                        threads::keep(writer, &group, &lane, root, attempt.at)?;
                    }
                }
            }
            AttemptResult::Needless { why } => {
                let mut update = writer.sql.prepare_cached(
                    "UPDATE outbox SET state = 3, next_attempt_at = NULL, leased = 0, ended_at = ?2, last_error = ?3
                     WHERE id = ?1 AND state = 0",
                )?;
                update.execute(params![id, attempt.at.0, why])?;
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
                     WHERE id = ?1 AND state = 0 RETURNING key, group_id, handed_over > 0",
                )?;
                let dead: Option<(String, String, bool)> = update
                    .query_row(params![id, attempt.at.0, error], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                    .optional()?;
                let Some((key, group, handed_over)) = dead else { continue };
                if !handed_over {
                    ledger::stand_in(writer, id, &attempt.stand_ins)?;
                }
                failures.push((key, group));
            }
        }
    }
    for (key, group) in failures.into_iter().filter(|(_, group)| !group.is_empty()) {
        journal::delivery_failed(writer, &DeliveryFailure { key, group }, clock)?;
    }
    Ok(())
}

pub(super) fn count_dead(reader: &Connection, from: Timestamp, before: Timestamp) -> Result<u64, Failure> {
    let mut select =
        reader.prepare_cached("SELECT count(*) FROM outbox WHERE state = 2 AND ended_at >= ?1 AND ended_at < ?2")?;
    Ok(select.query_row(params![from.0, before.0], |row| row.get::<_, i64>(0))?.unsigned_abs())
}
