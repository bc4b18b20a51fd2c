//! What people did, what was held back, and silences.

use rusqlite::{Connection, OptionalExtension, params};

use super::connection::{Failure, Writer, json};
use crate::engine::{Action, Records, SilenceRecord, Suppression, Timestamp};

/// Records made ready to be written.
pub(super) struct Prepared {
    actions: Vec<(Timestamp, Option<u64>, String)>,
    suppressions: Vec<(Suppression, String, String)>,
    silences: Vec<(SilenceRecord, String)>,
}

pub(super) fn prepare(records: &Records) -> Result<Prepared, serde_json::Error> {
    let actions = records.actions.iter().map(|action| Ok((action.at, action.alert, json(action)?)));
    let suppressions = records
        .suppressions
        .iter()
        .map(|suppression| Ok((suppression.clone(), json(&suppression.cause)?, json(suppression)?)));
    let silences = records.silences.iter().map(|silence| Ok((silence.clone(), json(silence)?)));
    Ok(Prepared {
        actions: actions.collect::<Result<_, serde_json::Error>>()?,
        suppressions: suppressions.collect::<Result<_, serde_json::Error>>()?,
        silences: silences.collect::<Result<_, serde_json::Error>>()?,
    })
}

pub(super) fn write(writer: &Writer<'_>, prepared: &Prepared) -> Result<(), Failure> {
    for (at, alert, body) in &prepared.actions {
        let mut insert = writer.sql.prepare_cached("INSERT INTO actions (at, alert, body) VALUES (?1, ?2, ?3)")?;
        insert.execute(params![at.0, alert.map(u64::cast_signed), body])?;
    }
    for (suppression, cause, body) in &prepared.suppressions {
        let mut upsert = writer.sql.prepare_cached(
            "INSERT INTO suppressions (alert, group_id, since, cause, until, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT DO UPDATE SET until = excluded.until, body = excluded.body",
        )?;
        let Suppression { alert, group, from, until, .. } = suppression;
        upsert.execute(params![alert.cast_signed(), group, from.0, cause, until.map(|until| until.0), body])?;
    }
    for (record, body) in &prepared.silences {
        let number = record.silence.number.cast_signed();
        match record.ended_at {
            None => {
                let mut insert =
                    writer.sql.prepare_cached("INSERT INTO silences (number, position, body) VALUES (?1, ?2, ?3)")?;
                insert.execute(params![number, record.position.cast_signed(), body])?;
            }
            Some(ended_at) => {
                let mut update =
                    writer.sql.prepare_cached("UPDATE silences SET ended_at = ?2, body = ?3 WHERE number = ?1")?;
                update.execute(params![number, ended_at.0, body])?;
            }
        }
    }
    Ok(())
}

pub(super) fn actions(reader: &Connection, alert: Option<u64>, limit: usize) -> Result<Vec<Action>, Failure> {
    let mut select =
        reader.prepare_cached("SELECT body FROM actions WHERE ?1 IS NULL OR alert = ?1 ORDER BY id DESC LIMIT ?2")?;
    let mut rows = select.query(params![alert.map(u64::cast_signed), limit as i64])?;
    let mut actions = Vec::new();
    while let Some(row) = rows.next()? {
        actions.push(parse(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?, "an action")?);
    }
    Ok(actions)
}

pub(super) fn suppressions(reader: &Connection, alert: u64) -> Result<Vec<Suppression>, Failure> {
    let mut select =
        reader.prepare_cached("SELECT body FROM suppressions WHERE alert = ?1 ORDER BY since, group_id")?;
    let mut rows = select.query(params![alert.cast_signed()])?;
    let mut suppressions = Vec::new();
    while let Some(row) = rows.next()? {
        suppressions.push(parse(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?, "what was held back")?);
    }
    Ok(suppressions)
}

/// Silences, newest first; with `over` those that have ended, too.
pub(super) fn silences(reader: &Connection, over: bool, limit: usize) -> Result<Vec<SilenceRecord>, Failure> {
    let mut select = reader.prepare_cached(
        "SELECT body, position FROM silences WHERE ?1 OR ended_at IS NULL ORDER BY number DESC LIMIT ?2",
    )?;
    let mut rows = select.query(params![over, limit as i64])?;
    let mut silences = Vec::new();
    while let Some(row) = rows.next()? {
        let mut record: SilenceRecord = parse(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?, "a silence")?;
        record.position = row.get::<_, i64>(1)?.unsigned_abs();
        silences.push(record);
    }
    Ok(silences)
}

fn parse<T: serde::de::DeserializeOwned>(body: &str, what: &str) -> Result<T, Failure> {
    serde_json::from_str(body).map_err(|error| Failure::body(what, &error))
}

/// The key of this name; kept as `new` where there is none yet.
pub(super) fn key(writer: &Writer<'_>, name: &str, new: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut select = writer.sql.prepare_cached("SELECT value FROM keys WHERE name = ?1")?;
    if let Some(known) = select.query_row([name], |row| row.get(0)).optional()? {
        return Ok(known);
    }
    let mut insert = writer.sql.prepare_cached("INSERT INTO keys (name, value) VALUES (?1, ?2)")?;
    insert.execute(params![name, new])?;
    Ok(new.to_vec())
}
