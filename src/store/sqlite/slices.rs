//! Subjects with their open alerts and group members, and the commit of what a batch decided.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::connection::{Failure, Writer, json};
use super::{alerts, outbox, people, stand_ins};
use crate::engine::{Alert, Member, PROJECTION_VERSION, Projection, Slice, Subject, SubjectKind, Timestamp};
use crate::store::{Outcome, Progress};

/// The number of a kind of subject in the tables.
pub(super) fn kind_number(kind: SubjectKind) -> i64 {
    kinds().position(|known| known == kind).unwrap_or_default() as i64
}

fn kinds() -> impl Iterator<Item = SubjectKind> {
    SubjectKind::NAMED.into_iter().chain(SubjectKind::OWN)
}

pub(super) fn kind_of(number: i64) -> Result<SubjectKind, Failure> {
    let kind = usize::try_from(number).ok().and_then(|number| kinds().nth(number));
    kind.ok_or_else(|| Failure::Damaged(format!("a subject is of the unknown kind {number}")))
}

pub(super) fn load(reader: &Connection, subjects: &[Subject]) -> Result<Vec<Slice>, Failure> {
    let mut select =
        reader.prepare_cached("SELECT body, due, open_alerts FROM subjects WHERE kind = ?1 AND id = ?2")?;
    let mut slices = Vec::with_capacity(subjects.len());
    for subject in subjects {
        let row = select
            .query_row(params![kind_number(subject.kind), subject.id.as_str()], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, Option<i64>>(1)?, row.get::<_, i64>(2)?))
            })
            .optional()?;
        let mut slice = Slice::new(subject.clone());
        if let Some((body, due, open_alerts)) = row {
            fill(reader, &mut slice, &body, due, open_alerts)?;
        }
        slices.push(slice);
    }
    Ok(slices)
}

fn fill(reader: &Connection, slice: &mut Slice, body: &str, due: Option<i64>, open_alerts: i64) -> Result<(), Failure> {
    slice.projection = serde_json::from_str::<Projection>(body)
        .map_err(|error| Failure::body(&format!("a {}", slice.subject.kind), &error))?;
    slice.due = due.map(Timestamp);
    if open_alerts > 0 {
        slice.alerts = alerts::open(reader, &slice.subject)?;
    }
    if slice.subject.kind == SubjectKind::Group {
        let mut members = reader.prepare_cached("SELECT alert, body FROM group_members WHERE group_id = ?1")?;
        let mut rows = members.query([slice.subject.id.as_str()])?;
        while let Some(row) = rows.next()? {
            let number = row.get::<_, i64>(0)?.unsigned_abs();
            let member: Member = serde_json::from_str(row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?)
                .map_err(|error| Failure::body("a group's member", &error))?;
            slice.members.insert(number, member);
        }
    }
    Ok(())
}

pub(super) fn list(
    reader: &Connection,
    kind: SubjectKind,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<Slice>, Failure> {
    let mut select = reader.prepare_cached(
        "SELECT id, body, due, open_alerts FROM subjects WHERE kind = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
    )?;
    let mut rows = select.query(params![kind_number(kind), after.unwrap_or_default(), limit as i64])?;
    let mut slices = Vec::new();
    while let Some(row) = rows.next()? {
        let mut slice = Slice::new(Subject::new(kind, row.get::<_, String>(0)?));
        fill(reader, &mut slice, &row.get::<_, String>(1)?, row.get(2)?, row.get(3)?)?;
        slices.push(slice);
    }
    Ok(slices)
}

pub(super) fn due(reader: &Connection, until: Timestamp, limit: usize) -> Result<Vec<(Timestamp, Subject)>, Failure> {
    let mut select = reader.prepare_cached(
        "SELECT due, kind, id FROM subjects WHERE due IS NOT NULL AND due <= ?1 ORDER BY due, kind, id LIMIT ?2",
    )?;
    let mut rows = select.query(params![until.0, limit as i64])?;
    let mut due = Vec::new();
    while let Some(row) = rows.next()? {
        due.push((Timestamp(row.get(0)?), subject(row, 1)?));
    }
    Ok(due)
}

fn subject(row: &Row<'_>, at: usize) -> Result<Subject, Failure> {
    Ok(Subject::new(kind_of(row.get(at)?)?, row.get::<_, String>(at + 1)?))
}

pub(super) fn with_open_alerts(reader: &Connection) -> Result<Vec<Subject>, Failure> {
    let mut select = reader.prepare_cached("SELECT kind, id FROM subjects WHERE open_alerts > 0 ORDER BY kind, id")?;
    let mut rows = select.query([])?;
    let mut subjects = Vec::new();
    while let Some(row) = rows.next()? {
        subjects.push(subject(row, 0)?);
    }
    Ok(subjects)
}

/// What a batch decided, made ready to be written: the writer is held for as short as can be.
pub(super) struct Prepared<'o> {
    slices: Vec<Ready<'o>>,
    alerts: Vec<alerts::Prepared<'o>>,
    ended: &'o [Alert],
    transitions: Vec<(u64, String)>,
    notifications: Vec<outbox::Prepared<'o>>,
    records: people::Prepared,
    progress: &'o Progress,
    standing: String,
    to_judge: Option<String>,
    noticed_at: Timestamp,
}

struct Ready<'o> {
    slice: &'o Slice,
    /// `None` where the projection need not be written.
    body: Option<String>,
    members: Vec<(u64, String)>,
}

/// Turns an outcome into rows.
pub(super) fn prepare<'o>(outcome: &Outcome<'o>) -> Result<Prepared<'o>, serde_json::Error> {
    let mut prepared = Prepared {
        slices: Vec::with_capacity(outcome.slices.len()),
        alerts: Vec::new(),
        ended: outcome.ended,
        transitions: Vec::with_capacity(outcome.transitions.len()),
        notifications: outbox::prepare(outcome.notifications)?,
        records: people::prepare(outcome.records)?,
        progress: outcome.progress,
        standing: json(&outcome.progress.standing)?,
        to_judge: outcome.progress.to_judge.as_ref().map(json).transpose()?,
        noticed_at: outcome.noticed_at,
    };
    for slice in outcome.slices {
        let written = slice.dirty && !slice.is_spent();
        let body = written.then(|| json(&slice.projection)).transpose()?;
        let changed = slice.members.iter().filter(|(_, member)| member.changed);
        let members = changed.map(|(number, member)| Ok((*number, json(member)?)));
        prepared.slices.push(Ready { slice, body, members: members.collect::<Result<_, serde_json::Error>>()? });
        for alert in slice.alerts.iter().filter(|alert| alert.changed) {
            prepared.alerts.push(alerts::prepare(alert)?);
        }
    }
    for alert in outcome.ended {
        prepared.alerts.push(alerts::prepare(alert)?);
    }
    for transition in outcome.transitions {
        prepared.transitions.push((transition.alert, json(transition)?));
    }
    Ok(prepared)
}

pub(super) fn commit(writer: &mut Writer<'_>, prepared: &Prepared<'_>) -> Result<(), Failure> {
    for row in &prepared.slices {
        write_members(writer, row)?;
        match &row.body {
            Some(body) => write(writer, row.slice, body)?,
            None if row.slice.is_spent() => forget(writer, row.slice)?,
            None => {}
        }
    }
    for alert in &prepared.alerts {
        alerts::write(writer, alert)?;
    }
    alerts::add_transitions(writer, &prepared.transitions, prepared.noticed_at)?;
    outbox::add(writer, &prepared.notifications)?;
    stand_ins::tell_ends(writer, prepared.ended, prepared.noticed_at)?;
    people::write(writer, &prepared.records)?;
    set_progress(writer, prepared)
}

/// Two statements, so that an unchanged due time touches no index.
fn write(writer: &Writer<'_>, slice: &Slice, body: &str) -> Result<(), Failure> {
    let kind = kind_number(slice.subject.kind);
    let due = slice.due.map(|due| due.0);
    let open = slice.alerts.len() as i64;
    let mut same = writer.sql.prepare_cached(
        "UPDATE subjects SET body = ?3, version = ?6 WHERE kind = ?1 AND id = ?2 AND due IS ?4 AND open_alerts = ?5",
    )?;
    if same.execute(params![kind, slice.subject.id.as_str(), body, due, open, PROJECTION_VERSION])? > 0 {
        return Ok(());
    }
    let mut upsert = writer.sql.prepare_cached(
        "INSERT INTO subjects (kind, id, body, due, open_alerts, version) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body, due = excluded.due,
             open_alerts = excluded.open_alerts, version = excluded.version",
    )?;
    upsert.execute(params![kind, slice.subject.id.as_str(), body, due, open, PROJECTION_VERSION])?;
    Ok(())
}

fn write_members(writer: &Writer<'_>, row: &Ready<'_>) -> Result<(), Failure> {
    let group = row.slice.subject.id.as_str();
    for number in &row.slice.removed_members {
        let mut delete = writer.sql.prepare_cached("DELETE FROM group_members WHERE group_id = ?1 AND alert = ?2")?;
        delete.execute(params![group, number.cast_signed()])?;
    }
    for (number, body) in &row.members {
        let mut upsert = writer.sql.prepare_cached(
            "INSERT INTO group_members (group_id, alert, body) VALUES (?1, ?2, ?3)
             ON CONFLICT (group_id, alert) DO UPDATE SET body = excluded.body",
        )?;
        upsert.execute(params![group, number.cast_signed(), body])?;
    }
    Ok(())
}

fn forget(writer: &Writer<'_>, slice: &Slice) -> Result<(), Failure> {
    let kind = kind_number(slice.subject.kind);
    let mut delete = writer.sql.prepare_cached("DELETE FROM subjects WHERE kind = ?1 AND id = ?2")?;
    delete.execute(params![kind, slice.subject.id.as_str()])?;
    Ok(())
}

fn set_progress(writer: &Writer<'_>, prepared: &Prepared<'_>) -> Result<(), Failure> {
    let Prepared { progress, standing, to_judge, .. } = prepared;
    let mut update = writer.sql.prepare_cached(
        "UPDATE progress
         SET position = ?1, frontier = ?2, next_alert = ?3, rule_set = ?4, standing = ?5, to_judge = ?6",
    )?;
    update.execute(params![
        progress.position.cast_signed(),
        progress.frontier.0,
        progress.next_alert.cast_signed(),
        progress.rule_set,
        standing,
        to_judge
    ])?;
    Ok(())
}
