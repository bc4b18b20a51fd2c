//! The ledger: attempts, proofs of delivery, what fallbacks hear, and what is sent again.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};

use super::connection::{Failure, Writer, json};
use super::outbox::{self, Origin};
use super::{stale, stand_ins};
use crate::engine::{Channel, Notification, Timestamp, key_of, without_ended};
use crate::store::{
    Attempt, AttemptOutcome, AttemptResult, AttemptRow, DeliveryFilter, DeliveryRow, DeliveryState, LastDelivery,
    NotResent, Overdue, Resend, Resent, Rest, key_of_rest,
};

/// Messages handed over in one transaction.
const HANDED_OVER_AT_ONCE: i64 = 100;

/// In the order of their numbers.
const STATES: [DeliveryState; 4] =
    [DeliveryState::Waiting, DeliveryState::Delivered, DeliveryState::Dead, DeliveryState::Superseded];
const OUTCOMES: [AttemptOutcome; 4] =
    [AttemptOutcome::Accepted, AttemptOutcome::PutOff, AttemptOutcome::GivenUp, AttemptOutcome::Unknown];

fn number_of<T: PartialEq>(all: &[T], one: &T) -> i64 {
    all.iter().position(|known| known == one).map_or(i64::MAX, |at| at as i64)
}

/// Keeps an attempt with its result.
pub(super) fn keep(writer: &Writer<'_>, attempt: &Attempt) -> Result<(), Failure> {
    let (outcome, answer) = match &attempt.result {
        AttemptResult::Delivered { reply, refused, .. } => {
            (AttemptOutcome::Accepted, refused.as_ref().unwrap_or(reply))
        }
        AttemptResult::Needless { .. } => return Ok(()),
        AttemptResult::Retry { error, .. } => (AttemptOutcome::PutOff, error),
        AttemptResult::Dead { error } => (AttemptOutcome::GivenUp, error),
    };
    let mut insert = writer.sql.prepare_cached(
        "INSERT INTO attempts (delivery, number, at, took, outcome, answer)
         SELECT id, attempts, ?2, ?3, ?4, ?5 FROM outbox WHERE id = ?1 ON CONFLICT DO NOTHING",
    )?;
    let took = i64::try_from(attempt.took.as_millis()).unwrap_or(i64::MAX);
    let began = attempt.at.minus(attempt.took);
    insert.execute(params![attempt.delivery.cast_signed(), began.0, took, number_of(&OUTCOMES, &outcome), answer])?;
    Ok(())
}

/// Has the addresses that did not get a message have it as a delivery of their own, with the patience that is left, or none.
/// It belongs to no group: the others of its addresses were told.
pub(super) fn keep_rest(writer: &Writer<'_>, id: i64, rest: &Rest, at: Timestamp) -> Result<(), Failure> {
    let mut select = writer.sql.prepare_cached("SELECT notification FROM outbox WHERE id = ?1")?;
    let body: String = select.query_row([id], |row| row.get(0))?;
    let Ok(mut notification) = serde_json::from_str::<Notification>(&body) else { return Ok(()) };
    let Channel::Email { to } = &mut notification.channel else { return Ok(()) };
    to.clone_from(&rest.addresses);
    notification.key = key_of_rest(&notification.key, rest);
    let body = json(&notification).map_err(|error| Failure::body("the rest of a message", &error))?;
    let mut insert = writer.sql.prepare_cached(
        "INSERT INTO outbox (key, group_id, lane, repeats, state, due, next_attempt_at, leased, attempts, first_attempt_at,
                             ended_at, last_error, notification, rendered, receiver, handed_over)
         SELECT ?2, '', lane, repeats, ?3, due, ?4, 0, attempts, first_attempt_at, ?5, ?6, ?7, rendered, receiver, handed_over
         FROM outbox WHERE id = ?1 ON CONFLICT (key) DO NOTHING RETURNING id",
    )?;
    let (state, next) = match rest.next_attempt_at {
        Some(next) => (DeliveryState::Waiting, Some(next.0)),
        None => (DeliveryState::Dead, None),
    };
    let ended_at = next.is_none().then_some(at.0);
    let row = params![id, notification.key, number_of(&STATES, &state), next, ended_at, rest.error, body];
    match insert.query_row(row, |row| row.get(0)).optional()? {
        Some(new) => outbox::link(writer, &notification, new),
        None => Ok(()),
    }
}

/// Attempts whose daemon ended before their answer came: nobody will record them any more.
pub(super) fn lose_answers(writer: &Writer<'_>) -> Result<(), Failure> {
    let mut insert = writer.sql.prepare_cached(
        "INSERT INTO attempts (delivery, number, at, took, outcome, answer)
         SELECT id, attempts, coalesce(leased_at, due), 0, ?1, '' FROM outbox WHERE state = 0 AND leased = 1
         ON CONFLICT DO NOTHING",
    )?;
    insert.execute([number_of(&OUTCOMES, &AttemptOutcome::Unknown)])?;
    Ok(())
}

/// The receiver of this delivery has been reached.
pub(super) fn prove(writer: &Writer<'_>, id: i64, at: Timestamp) -> Result<(), Failure> {
    let mut upsert = writer.sql.prepare_cached(
        "INSERT INTO last_deliveries (receiver, lane, at) SELECT receiver, lane, ?2 FROM outbox WHERE id = ?1
         ON CONFLICT (receiver, lane) DO UPDATE SET at = max(at, excluded.at)",
    )?;
    upsert.execute(params![id, at.0])?;
    Ok(())
}

pub(super) fn last_by_receiver(reader: &Connection) -> Result<Vec<LastDelivery>, Failure> {
    let mut select = reader.prepare_cached("SELECT receiver, lane, at FROM last_deliveries ORDER BY receiver, lane")?;
    let rows = select.query_map([], |row| {
        Ok(LastDelivery { receiver: row.get(0)?, lane: row.get(1)?, at: Timestamp(row.get(2)?) })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn hasten(writer: &Writer<'_>, lane: &str, now: Timestamp) -> Result<(), Failure> {
    let mut update = writer.sql.prepare_cached(
        "UPDATE outbox SET next_attempt_at = ?2 WHERE state = 0 AND lane = ?1 AND leased = 0 AND next_attempt_at > ?2",
    )?;
    update.execute(params![lane, now.0])?;
    Ok(())
}

pub(super) fn attempts(reader: &Connection, delivery: u64) -> Result<Vec<AttemptRow>, Failure> {
    let mut select = reader
        .prepare_cached("SELECT number, at, took, outcome, answer FROM attempts WHERE delivery = ?1 ORDER BY number")?;
    let rows = select.query_map([delivery.cast_signed()], |row| {
        let outcome = usize::try_from(row.get::<_, i64>(3)?).ok().and_then(|at| OUTCOMES.get(at).copied());
        Ok(AttemptRow {
            delivery,
            number: row.get(0)?,
            at: Timestamp(row.get(1)?),
            took: row.get::<_, i64>(2)?.unsigned_abs(),
            outcome: outcome.unwrap_or(AttemptOutcome::Unknown),
            answer: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn list(reader: &Connection, filter: &DeliveryFilter) -> Result<Vec<DeliveryRow>, Failure> {
    let mut select = reader.prepare_cached(
        "SELECT id, notification, state, attempts, next_attempt_at, ended_at, last_error, resent_from, stands_in_for,
                superseded_by
         FROM outbox
         WHERE (?1 IS NULL OR id IN (SELECT delivery FROM outbox_alerts WHERE alert = ?1))
           AND (?2 IS NULL OR state = ?2) AND (?3 IS NULL OR receiver = ?3) AND (?4 IS NULL OR id = ?4)
         ORDER BY id DESC LIMIT ?5",
    )?;
    let DeliveryFilter { id, alert, state, receiver, limit } = filter;
    let state = state.map(|state| number_of(&STATES, &state));
    let number = |number: &Option<u64>| number.map(u64::cast_signed);
    let mut rows = select.query(params![number(alert), state, receiver, number(id), *limit as i64])?;
    let mut deliveries = Vec::new();
    while let Some(row) = rows.next()? {
        let notification: Notification = serde_json::from_str(row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?)
            .map_err(|error| Failure::body("a notification", &error))?;
        let alerts = outbox::alerts_in(&notification);
        let state = state_of(row.get(2)?);
        let ended_at: Option<i64> = row.get(5)?;
        let other = |column| -> rusqlite::Result<_> { Ok(row.get::<_, Option<i64>>(column)?.map(i64::unsigned_abs)) };
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
            resent_from: other(7)?,
            stands_in_for: other(8)?,
            superseded_by: other(9)?,
        });
    }
    Ok(deliveries)
}

fn state_of(number: i64) -> DeliveryState {
    let state = usize::try_from(number).ok().and_then(|at| STATES.get(at).copied());
    state.unwrap_or(DeliveryState::Dead)
}

/// Adds what a fallback hears in the place of a delivery's receiver.
pub(super) fn stand_in(writer: &Writer<'_>, id: i64, stand_ins: &[Notification]) -> Result<(), Failure> {
    for notification in stand_ins {
        if !stand_ins::is_news(writer, notification)? {
            continue;
        }
        let ready = outbox::prepare(std::slice::from_ref(notification));
        for prepared in &ready.map_err(|error| Failure::body("a message to be kept", &error))? {
            outbox::insert(writer, prepared, "", Origin { stands_in_for: Some(id), ..Origin::default() })?;
        }
    }
    Ok(())
}

/// Messages that their receiver should have had long ago, with their bodies.
pub(super) fn overdue(reader: &Connection, overdue: &Overdue) -> Result<Vec<(i64, String)>, Failure> {
    let Overdue { receiver, due_until, closed_lanes, .. } = overdue;
    let marks = vec!["?"; closed_lanes.len()].join(", ");
    let mut select = reader.prepare(&format!(
        "SELECT id, notification FROM outbox
         WHERE state = 0 AND handed_over = 0 AND receiver = ? AND due <= ?
           AND ((leased = 0 AND attempts > 0) OR lane IN ({marks}))
         ORDER BY due, id LIMIT {HANDED_OVER_AT_ONCE}"
    ))?;
    let mut values = vec![Value::from(receiver.clone()), Value::from(due_until.0)];
    values.extend(closed_lanes.iter().map(|lane| Value::from(lane.clone())));
    let rows = select.query_map(params_from_iter(values), |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn hand_over(
    writer: &Writer<'_>,
    late: &Overdue,
    make: &mut dyn FnMut(&Notification) -> Vec<Notification>,
) -> Result<u64, Failure> {
    let mut handed_over = 0;
    for (id, body) in overdue(&writer.sql, late)? {
        // What cannot be read back is given up when it is leased.
        let Ok(notification) = serde_json::from_str::<Notification>(&body) else { continue };
        // A fallback that hears late must not hear of what is over.
        let told = without_ended(&notification, &stale::over(writer, &notification)?).unwrap_or(notification);
        let stand_ins = make(&told);
        stand_in(writer, id, &stand_ins)?;
        handed_over += u64::from(!stand_ins.is_empty());
        let mut mark = writer.sql.prepare_cached("UPDATE outbox SET handed_over = ?2 WHERE id = ?1")?;
        // What is nothing for a fallback now is looked at no more, and told to it when it is given up.
        mark.execute(params![id, if stand_ins.is_empty() { -1 } else { late.now.0 }])?;
    }
    Ok(handed_over)
}

pub(super) fn resend(
    writer: &Writer<'_>,
    resend: &Resend,
    now: Timestamp,
    make: &mut dyn FnMut(&Notification) -> Result<Notification, String>,
) -> Result<Result<Vec<Resent>, NotResent>, Failure> {
    let mut rows = Vec::new();
    if resend.ids.is_empty() {
        let from = resend.within.map_or(i64::MIN, |within| now.minus(within).0);
        // What was sent again before is that one's business.
        let mut select = writer.sql.prepare_cached(
            "SELECT id FROM outbox AS dead WHERE state = 2 AND coalesce(ended_at, 0) >= ?1 AND (?2 IS NULL OR receiver = ?2)
               AND NOT EXISTS (SELECT 1 FROM outbox WHERE resent_from = dead.id) ORDER BY id",
        )?;
        let found = select.query_map(params![from, resend.receiver], |row| row.get::<_, i64>(0))?;
        rows.extend(found.collect::<rusqlite::Result<Vec<_>>>()?);
    } else {
        rows.extend(resend.ids.iter().map(|id| id.cast_signed()));
    }
    let mut sent = Vec::new();
    let mut ready = Vec::new();
    for id in rows {
        match readdress(writer, id, resend.force, now, make)? {
            Ok(notification) => ready.push((id, notification)),
            // Its group has told it anew by itself.
            Err(NotResent::Told { .. }) if resend.ids.is_empty() => {}
            Err(why) => return Ok(Err(why)),
        }
    }
    for (id, notification) in ready {
        let prepared = outbox::prepare(std::slice::from_ref(&notification));
        let prepared = prepared.map_err(|error| Failure::body("a message to be kept", &error))?;
        for one in &prepared {
            // A group's own messages are neither superseded by an old one nor told of its failure.
            let new = outbox::insert(writer, one, "", Origin { resent_from: Some(id), ..Origin::default() })?;
            sent.extend(new.map(|new| Resent { from: id.unsigned_abs(), id: new.unsigned_abs() }));
        }
    }
    Ok(Ok(sent))
}

/// What a delivery says, as it is to be sent now.
fn readdress(
    writer: &Writer<'_>,
    id: i64,
    force: bool,
    now: Timestamp,
    make: &mut dyn FnMut(&Notification) -> Result<Notification, String>,
) -> Result<Result<Notification, NotResent>, Failure> {
    let mut select = writer.sql.prepare_cached(
        "SELECT state, notification, key, (SELECT count(*) FROM outbox AS again WHERE again.resent_from = outbox.id),
                group_id
         FROM outbox WHERE id = ?1",
    )?;
    let mut rows = select.query([id])?;
    let number = id.unsigned_abs();
    let Some(row) = rows.next()? else { return Ok(Err(NotResent::Unknown(number))) };
    let state = match state_of(row.get(0)?) {
        DeliveryState::Dead => None,
        DeliveryState::Waiting => Some("still waiting"),
        DeliveryState::Delivered => Some("delivered"),
        DeliveryState::Superseded => Some("superseded by a newer message"),
    };
    if let Some(state) = state.filter(|_| !force) {
        return Ok(Err(NotResent::NotDead { id: number, state }));
    }
    let Ok(old) = serde_json::from_str::<Notification>(row.get_ref(1)?.as_str().unwrap_or_default()) else {
        return Ok(Err(NotResent::Impossible { id: number, why: "it cannot be read back".to_owned() }));
    };
    let (key, again, group): (String, i64, String) = (row.get(2)?, row.get(3)?, row.get(4)?);
    if let Some(by) = stale::told_since(writer, id, &group, &old)?.filter(|_| !force) {
        return Ok(Err(NotResent::Told { id: number, by }));
    }
    let old = without_ended(&old, &stale::over(writer, &old)?).unwrap_or(old);
    Ok(match make(&old) {
        Ok(new) => Ok(Notification { key: key_of(&["resent", &key, &again.to_string()]), due: now, ..new }),
        Err(why) => Err(NotResent::Impossible { id: number, why }),
    })
}
