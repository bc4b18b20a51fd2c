//! Alerts and their moves.

use rusqlite::types::Value as Sql;
use rusqlite::{Connection, params, params_from_iter};

use super::connection::{Failure, Writer, json};
use super::slices::kind_number;
use crate::engine::{Alert, AlertState, Severity, Subject, Timestamp, Transition};
use crate::store::{AlertFilter, AlertOrder, Outline};

fn state_number(state: AlertState) -> i64 {
    AlertState::ALL.iter().position(|known| *known == state).unwrap_or_default() as i64
}

/// An alert made ready to be written.
pub(super) struct Prepared<'o> {
    alert: &'o Alert,
    body: String,
}

pub(super) fn prepare(alert: &Alert) -> Result<Prepared<'_>, serde_json::Error> {
    Ok(Prepared { alert, body: json(alert)? })
}

/// Two statements, so that an alert which is only refreshed touches no index.
pub(super) fn write(writer: &Writer<'_>, prepared: &Prepared<'_>) -> Result<(), Failure> {
    let Prepared { alert, body } = prepared;
    let severity = Severity::ALL.iter().position(|known| *known == alert.severity).unwrap_or_default() as i64;
    let moved_at = alert.end.as_ref().map_or(alert.noticed_at, |end| end.noticed_at);
    let mut refresh = writer.sql.prepare_cached(
        "UPDATE alerts SET rule = ?2, severity = ?3, shadow = ?4, body = ?5 WHERE number = ?1 AND state = ?6 AND moved_at = ?7",
    )?;
    let refreshed = refresh.execute(params![
        alert.number.cast_signed(),
        alert.rule,
        severity,
        alert.shadow,
        body,
        state_number(alert.state),
        moved_at.0,
    ])?;
    if refreshed > 0 {
        return Ok(());
    }
    let mut upsert = writer.sql.prepare_cached(
        "INSERT INTO alerts (number, rule, kind, id, state, severity, shadow, noticed_at, moved_at, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
         ON CONFLICT (number) DO UPDATE SET rule = excluded.rule, state = excluded.state, severity = excluded.severity,
             shadow = excluded.shadow, moved_at = excluded.moved_at, body = excluded.body",
    )?;
    upsert.execute(params![
        alert.number.cast_signed(),
        alert.rule,
        kind_number(alert.subject.kind),
        alert.subject.id.as_str(),
        state_number(alert.state),
        severity,
        alert.shadow,
        alert.noticed_at.0,
        moved_at.0,
        body
    ])?;
    Ok(())
}

pub(super) fn add_transitions(
    writer: &Writer<'_>,
    transitions: &[(u64, String)],
    committed_at: Timestamp,
) -> Result<(), Failure> {
    let mut insert =
        writer.sql.prepare_cached("INSERT INTO transitions (alert, committed_at, body) VALUES (?1, ?2, ?3)")?;
    for (alert, body) in transitions {
        insert.execute(params![alert.cast_signed(), committed_at.0, body])?;
    }
    Ok(())
}

pub(super) fn open(reader: &Connection, subject: &Subject) -> Result<Vec<Alert>, Failure> {
    let mut select =
        reader.prepare_cached("SELECT body FROM alerts WHERE kind = ?1 AND id = ?2 AND state = 0 ORDER BY number")?;
    let mut rows = select.query(params![kind_number(subject.kind), subject.id.as_str()])?;
    let mut alerts = Vec::new();
    while let Some(row) = rows.next()? {
        alerts.push(parse(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?);
    }
    Ok(alerts)
}

fn parse(body: &str) -> Result<Alert, Failure> {
    serde_json::from_str(body).map_err(|error| Failure::body("an alert", &error))
}

/// The conditions of a filter, and their values.
fn conditions(filter: &AlertFilter) -> (String, Vec<Sql>) {
    let mut sql = String::from("1");
    let mut values = Vec::new();
    let mut add = |condition: &str, value: i64| {
        sql.push_str(" AND ");
        sql.push_str(condition);
        values.push(Sql::Integer(value));
    };
    if let Some(number) = filter.number {
        add("number = ?", number.cast_signed());
    }
    if let Some(state) = filter.state {
        add("state = ?", state_number(state));
    }
    if let Some(shadow) = filter.shadow {
        add("shadow = ?", i64::from(shadow));
    }
    if let Some(from) = filter.moved_from {
        add("moved_at >= ?", from.0);
    }
    if let Some(before) = filter.moved_before {
        add("moved_at < ?", before.0);
    }
    if let Some(from) = filter.noticed_from {
        add("noticed_at >= ?", from.0);
    }
    if let Some(before) = filter.noticed_before {
        add("noticed_at < ?", before.0);
    }
    if let Some(subject) = &filter.subject {
        add("kind = ?", kind_number(subject.kind));
        sql.push_str(" AND id = ?");
        values.push(Sql::Text(subject.id.to_string()));
    }
    (sql, values)
}

pub(super) fn list(reader: &Connection, filter: &AlertFilter) -> Result<Vec<Alert>, Failure> {
    let (conditions, mut values) = conditions(filter);
    values.push(Sql::Integer(filter.limit as i64));
    let order = match filter.order {
        AlertOrder::Newest => "number DESC",
        AlertOrder::MostUrgent => "severity DESC, noticed_at, number",
    };
    let mut select = reader.prepare(&format!("SELECT body FROM alerts WHERE {conditions} ORDER BY {order} LIMIT ?"))?;
    let mut rows = select.query(params_from_iter(values))?;
    let mut alerts = Vec::new();
    while let Some(row) = rows.next()? {
        alerts.push(parse(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?);
    }
    Ok(alerts)
}

/// The index gives these in order, so that a page costs the same however many there are.
pub(super) fn outlines(
    reader: &Connection,
    state: AlertState,
    after: (Timestamp, u64),
    limit: usize,
) -> Result<Vec<Outline>, Failure> {
    let mut select = reader.prepare_cached(
        "SELECT number, severity, noticed_at, moved_at, json_extract(body, '$.opened_at'),
             json_extract(body, '$.acknowledged'), json_extract(body, '$.labels')
         FROM alerts INDEXED BY alerts_moved WHERE state = ?1 AND (moved_at, number) > (?2, ?3) AND shadow = 0
         ORDER BY moved_at, number LIMIT ?4",
    )?;
    let from = params![state_number(state), after.0.0, after.1.cast_signed(), limit as i64];
    let mut rows = select.query(from)?;
    let mut outlines = Vec::new();
    let broken = |error| Failure::body("an alert", &error);
    while let Some(row) = rows.next()? {
        let severity = usize::try_from(row.get::<_, i64>(1)?).ok().and_then(|place| Severity::ALL.get(place).copied());
        let acknowledged = row.get_ref(5)?.as_str_or_null().map_err(rusqlite::Error::from)?;
        outlines.push(Outline {
            number: row.get::<_, i64>(0)?.unsigned_abs(),
            severity: severity.ok_or_else(|| Failure::Damaged("an alert has an unknown severity".to_owned()))?,
            opened_at: Timestamp(row.get(4)?),
            noticed_at: Timestamp(row.get(2)?),
            moved_at: Timestamp(row.get(3)?),
            acknowledged: acknowledged.map(serde_json::from_str).transpose().map_err(broken)?,
            labels: serde_json::from_str(row.get_ref(6)?.as_str().map_err(rusqlite::Error::from)?).map_err(broken)?,
        });
    }
    Ok(outlines)
}

pub(super) fn count(reader: &Connection, filter: &AlertFilter) -> Result<u64, Failure> {
    let (conditions, values) = conditions(filter);
    let mut select = reader.prepare(&format!("SELECT count(*) FROM alerts WHERE {conditions}"))?;
    Ok(select.query_row(params_from_iter(values), |row| row.get::<_, i64>(0))?.unsigned_abs())
}

pub(super) fn transitions(reader: &Connection, alert: u64) -> Result<Vec<Transition>, Failure> {
    let mut select = reader.prepare_cached("SELECT body FROM transitions WHERE alert = ?1 ORDER BY id")?;
    let mut rows = select.query([alert.cast_signed()])?;
    let mut transitions = Vec::new();
    while let Some(row) = rows.next()? {
        let body = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
        transitions.push(serde_json::from_str(body).map_err(|error| Failure::body("a move", &error))?);
    }
    Ok(transitions)
}
