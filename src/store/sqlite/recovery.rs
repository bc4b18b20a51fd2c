//! Rows of Impilo's webhook log: paired with what the journal has, or put in their place.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};

use super::connection::{Failure, Writer, json};
use super::journal::{compact, count_events, insert_row, type_id};
use crate::engine::{Position, Source, Timestamp};
use crate::store::{Entry, EventRow, Logged, NewRow, Placing, Print, RecoveryNotes, SIBLINGS_WITHIN, TakenIn};

/// How long before the log's row its webhook can have been received, as clocks differ.
const BEFORE: Duration = Duration::from_secs(5 * 60);

/// How long after it, as Impilo tries again.
const AFTER: Duration = Duration::from_secs(3 * 60 * 60);

/// The first attempt arrives within this time, and the next no sooner than [`TRIED_AGAIN`] (documented: a quarter of an hour).
/// What comes in between with the same content is another event.
const FIRST_ATTEMPT: Duration = Duration::from_secs(2 * 60);
const TRIED_AGAIN: Duration = Duration::from_secs(14 * 60);

/// For how long it is remembered what a webhook may still come for.
const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);

/// Rows looked at in one read.
const PAGE: usize = 1000;

/// Events of the journal that are paired with no row of the log yet.
#[derive(Default)]
pub(super) struct Unpaired {
    by_print: BTreeMap<(i64, Print), BTreeSet<(Timestamp, Position)>>,
    /// The last row that was looked at.
    seen: Position,
}

/// Which rows of the journal may be what the log has.
struct Wanted {
    types: BTreeSet<i64>,
    from: Timestamp,
    to: Timestamp,
}

impl Unpaired {
    /// What the journal has, as far as it is written now.
    pub fn find(
        reader: &Connection,
        logged: &[Logged],
        print: &dyn Fn(&[u8]) -> Option<Print>,
    ) -> Result<Self, Failure> {
        let mut unpaired = Self::default();
        let Some(wanted) = Wanted::of(reader, logged)? else { return Ok(unpaired) };
        unpaired.seen = first_from(reader, wanted.from)?.saturating_sub(1);
        unpaired.read(reader, &wanted, print)?;
        Ok(unpaired)
    }

    fn read(
        &mut self,
        reader: &Connection,
        wanted: &Wanted,
        print: &dyn Fn(&[u8]) -> Option<Print>,
    ) -> Result<(), Failure> {
        let mut select = reader.prepare_cached(
            "SELECT position, kind, type, received_at, log_id IS NULL, body FROM journal WHERE position > ?1
             ORDER BY position LIMIT ?2",
        )?;
        loop {
            let mut rows = select.query(params![self.seen.cast_signed(), PAGE as i64])?;
            let mut some = false;
            while let Some(row) = rows.next()? {
                some = true;
                self.seen = row.get::<_, i64>(0)?.unsigned_abs();
                let (kind, unpaired): (i64, bool) = (row.get(1)?, row.get(4)?);
                let received_at = Timestamp(row.get(3)?);
                if kind != 0 || !unpaired || received_at < wanted.from || received_at > wanted.to {
                    continue;
                }
                let Some(of_type) = row.get::<_, Option<i64>>(2)?.filter(|id| wanted.types.contains(id)) else {
                    continue;
                };
                let body = row.get_ref(5)?.as_blob_or_null().ok().flatten();
                if let Some(print) = body.and_then(print) {
                    self.by_print.entry((of_type, print)).or_default().insert((received_at, self.seen));
                }
            }
            if !some {
                return Ok(());
            }
        }
    }

    /// The first event that may be this row of the log; each is given once.
    fn take(&mut self, of_type: i64, logged: &Logged) -> Option<Position> {
        let (from, to) = (logged.created_at.minus(BEFORE), logged.created_at.plus(AFTER));
        for print in [Some(logged.print), logged.reduced].into_iter().flatten() {
            let Some(events) = self.by_print.get_mut(&(of_type, print)) else { continue };
            let found = events.range((from, 0)..).next().copied().filter(|(received_at, _)| *received_at <= to);
            if let Some(found) = found {
                events.remove(&found);
                return Some(found.1);
            }
        }
        None
    }
}

impl Wanted {
    /// `None` where no row of the log needs to be found by its print.
    fn of(reader: &Connection, logged: &[Logged]) -> Result<Option<Self>, Failure> {
        let (mut types, mut from, mut to) = (BTreeSet::new(), Timestamp(i64::MAX), Timestamp(i64::MIN));
        let mut known = reader.prepare_cached(
            "SELECT 1 FROM journal JOIN event_types ON event_types.id = journal.type WHERE log_id = ?1 AND name = ?2",
        )?;
        let mut id = reader.prepare_cached("SELECT id FROM event_types WHERE name = ?1")?;
        for row in logged.iter().filter(|row| row.envelope_id.is_none()) {
            if row.log_id.is_some() && known.exists(params![row.log_id, row.kind])? {
                continue;
            }
            types.extend(id.query_row([&row.kind], |row| row.get::<_, i64>(0)).optional()?);
            (from, to) = (from.min(row.created_at), to.max(row.created_at));
        }
        let some = from <= to;
        Ok(some.then(|| Self { types, from: from.minus(BEFORE), to: to.plus(AFTER) }))
    }
}

/// The first position whose row came at or after `at`: positions have no gaps, and times rise with them.
fn first_from(reader: &Connection, at: Timestamp) -> Result<Position, Failure> {
    let last: i64 = reader.query_row("SELECT coalesce(max(position), 0) FROM journal", [], |row| row.get(0))?;
    let mut select = reader.prepare_cached("SELECT at FROM journal WHERE position = ?1")?;
    let (mut low, mut high) = (1, last + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        let came = select.query_row([middle], |row| row.get::<_, i64>(0)).optional()?;
        if came.is_some_and(|came| came < at.0) { low = middle + 1 } else { high = middle }
    }
    Ok(low.unsigned_abs())
}

/// Rows of the log that have no envelope's id. Where several subscriptions of one type lead here, the log has a row for each of
/// them about one event.
#[derive(Default)]
struct Siblings(BTreeMap<(i64, Print), Vec<OneEvent>>);

/// When the first row about an event was created, and the subscriptions whose rows are about it.
type OneEvent = (Timestamp, BTreeSet<i64>);

impl Siblings {
    /// Whether the row of another subscription came before, about the same event. Rows come by their time.
    fn has(&mut self, of_type: i64, row: &Logged) -> bool {
        let Some(webhook) = row.webhook_id.filter(|_| row.envelope_id.is_none()) else { return false };
        let events = self.0.entry((of_type, row.print)).or_default();
        let is_it = |(at, had): &&mut OneEvent| row.created_at.since(*at) <= SIBLINGS_WITHIN && !had.contains(&webhook);
        if let Some((_, had)) = events.iter_mut().find(is_it) {
            return had.insert(webhook);
        }
        events.push((row.created_at, BTreeSet::from([webhook])));
        false
    }
}

/// A row that is to stand in the journal, with the time at which it is to stand.
type Placed<'a> = (Timestamp, NewRow, Option<&'a Logged>);

/// Takes in rows of the log; gives what became of each.
pub(super) fn take_in(
    writer: &mut Writer<'_>,
    logged: &[Logged],
    others: &[(Timestamp, NewRow)],
    (placing, clock): (Placing, Timestamp),
    mut unpaired: Unpaired,
    print: &dyn Fn(&[u8]) -> Option<Print>,
) -> Result<Vec<TakenIn>, Failure> {
    if let Some(wanted) = Wanted::of(&writer.sql, logged)? {
        // What has come since the journal was looked at.
        unpaired.read(&writer.sql, &wanted, print)?;
    }
    let mut taken = vec![TakenIn::Known; logged.len()];
    let mut placed: Vec<Placed<'_>> = others.iter().map(|(at, row)| (*at, row.clone(), None)).collect();
    let mut by_age: Vec<usize> = (0..logged.len()).collect();
    by_age.sort_by_key(|place| (logged[*place].created_at, logged[*place].log_id));
    let (mut new, mut siblings) = (BTreeSet::new(), Siblings::default());
    for place in by_age {
        let row = &logged[place];
        let of_type =
            if placing == Placing::Nowhere { known_type(&writer.sql, row)? } else { type_id(writer, &row.kind)? };
        if siblings.has(of_type, row) || row.before || is_known(writer, of_type, row, placing, &mut unpaired)? {
            continue;
        }
        // The log may have it on several pages, or for several subscriptions.
        let first = row.log_id.is_none_or(|id| new.insert((of_type, format!("log {id}"))))
            & row.envelope_id.as_ref().is_none_or(|id| new.insert((of_type, format!("envelope {id}"))));
        if !first {
            continue;
        }
        taken[place] = TakenIn::New;
        let event = EventRow {
            kind: row.kind.clone(),
            envelope_id: row.envelope_id.clone(),
            log_id: row.log_id,
            source: Source::Recovered,
            body: Some(row.body.clone()),
        };
        let received_at = row.created_at;
        placed.push((received_at, NewRow { received_at, entry: Entry::Event(event) }, Some(row)));
    }
    if placing == Placing::Nowhere {
        return Ok(taken);
    }
    placed.sort_by_key(|(at, ..)| *at);
    let positions = make_room(writer, &placed, placing, clock)?;
    for ((_, row, logged), (position, at)) in placed.iter().zip(positions) {
        if !insert_row(writer, position, at, row)? {
            // Positions have no gaps.
            return Err(Failure::Damaged("an event of Impilo's log is there twice".to_owned()));
        }
        let (Entry::Event(event), Some(logged)) = (&row.entry, logged) else { continue };
        let of_type = type_id(writer, &event.kind)?;
        count_events(writer, of_type, 1, Timestamp::default())?;
        if event.envelope_id.is_none() {
            let mut insert = writer.sql.prepare_cached(
                "INSERT INTO recovered (position, type, print, created_at, comes_until) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?;
            let (created_at, comes_until) = (logged.created_at.0, logged.comes_until.0);
            insert.execute(params![position.cast_signed(), of_type, &logged.print[..], created_at, comes_until])?;
        }
    }
    writer.sql.execute("DELETE FROM recovered WHERE created_at < ?1", [clock.minus(REMEMBERED).0])?;
    Ok(taken)
}

/// The id of a type that the journal knows; one that no row has where it does not.
fn known_type(reader: &Connection, row: &Logged) -> Result<i64, Failure> {
    let mut select = reader.prepare_cached("SELECT id FROM event_types WHERE name = ?1")?;
    Ok(select.query_row([&row.kind], |row| row.get(0)).optional()?.unwrap_or(-1))
}

/// Whether the journal has this event; then it is paired with the row of the log.
fn is_known(
    writer: &Writer<'_>,
    of_type: i64,
    row: &Logged,
    placing: Placing,
    unpaired: &mut Unpaired,
) -> Result<bool, Failure> {
    if let Some(id) = row.log_id {
        let mut known = writer.sql.prepare_cached("SELECT 1 FROM journal WHERE log_id = ?1 AND type = ?2")?;
        if known.exists(params![id, of_type])? {
            return Ok(true);
        }
    }
    let position = match &row.envelope_id {
        Some(id) => writer
            .sql
            .prepare_cached("SELECT position FROM journal WHERE envelope_id = ?1 AND type = ?2")?
            .query_row(params![compact(id), of_type], |row| row.get::<_, i64>(0))
            .optional()?
            .map(i64::unsigned_abs),
        None => unpaired.take(of_type, row),
    };
    let Some(position) = position else { return Ok(false) };
    if placing == Placing::Nowhere {
        return Ok(true);
    }
    let mut pair =
        writer.sql.prepare_cached("UPDATE journal SET log_id = ?2 WHERE position = ?1 AND log_id IS NULL")?;
    pair.execute(params![position.cast_signed(), row.log_id])?;
    Ok(true)
}

/// Where each of the rows goes, in their order; rows that come later than one of them make way.
fn make_room(
    writer: &mut Writer<'_>,
    placed: &[Placed<'_>],
    placing: Placing,
    clock: Timestamp,
) -> Result<Vec<(Position, Timestamp)>, Failure> {
    let ends = &mut *writer.ends;
    if placing == Placing::Last || placed.is_empty() {
        let at = clock.max(ends.at);
        let first = ends.position + 1;
        if !placed.is_empty() {
            (ends.position, ends.at) = (ends.position + placed.len() as u64, at);
        }
        return Ok((first..).zip(std::iter::repeat_n(at, placed.len())).collect());
    }
    let (processed, frontier): (i64, i64) =
        writer.sql.query_row("SELECT position, frontier FROM progress", [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let before: Option<i64> =
        writer.sql.query_row("SELECT at FROM journal WHERE position = ?1", [processed], |row| row.get(0)).optional()?;
    let floor = before.unwrap_or_default().max(frontier);
    let later: Vec<(i64, i64)> = writer
        .sql
        .prepare_cached("SELECT position, at FROM journal WHERE position > ?1 ORDER BY position")?
        .query_map([processed], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let mut positions = Vec::with_capacity(placed.len());
    let mut moves = Vec::with_capacity(later.len());
    let (mut next, mut later) = (processed + 1, later.into_iter().peekable());
    for (at, ..) in placed {
        let at = at.0.max(floor);
        while let Some((position, _)) = later.next_if(|(_, came)| *came <= at) {
            moves.push((position, next));
            next += 1;
        }
        positions.push((next.unsigned_abs(), Timestamp(at)));
        next += 1;
    }
    for (position, _) in later {
        moves.push((position, next));
        next += 1;
    }
    let mut shift = writer.sql.prepare_cached("UPDATE journal SET position = ?2 WHERE position = ?1")?;
    let mut along = writer.sql.prepare_cached("UPDATE recovered SET position = ?2 WHERE position = ?1")?;
    for (from, to) in moves.into_iter().rev().filter(|(from, to)| from != to) {
        shift.execute([from, to])?;
        along.execute([from, to])?;
    }
    drop((shift, along));
    ends.position = (next - 1).unsigned_abs();
    ends.at = positions.last().map_or(ends.at, |(_, at)| ends.at.max(*at));
    Ok(positions)
}

/// A webhook that was recovered before: the recovered row takes its id.
pub(super) fn adopts(
    writer: &Writer<'_>,
    of_type: i64,
    envelope_id: &str,
    received_at: Timestamp,
    print: &Print,
) -> Result<bool, Failure> {
    let id = compact(envelope_id);
    let mut known = writer.sql.prepare_cached("SELECT 1 FROM journal WHERE envelope_id = ?1 AND type = ?2")?;
    if known.exists(params![id, of_type])? {
        return Ok(true);
    }
    let mut find = writer.sql.prepare_cached(
        "SELECT position FROM recovered WHERE print = ?1 AND type = ?2 AND ?3 <= comes_until
             AND created_at <= ?4 AND (created_at >= ?5 OR created_at <= ?6)
         ORDER BY created_at LIMIT 1",
    )?;
    let (first, again) = (received_at.minus(FIRST_ATTEMPT).0, received_at.minus(TRIED_AGAIN).0);
    let newest = received_at.plus(BEFORE).0;
    let of_webhook = params![&print[..], of_type, received_at.0, newest, first, again];
    let found: Option<i64> = find.query_row(of_webhook, |row| row.get(0)).optional()?;
    let Some(position) = found else { return Ok(false) };
    writer.sql.execute("UPDATE journal SET envelope_id = ?2 WHERE position = ?1", params![position, id])?;
    writer.sql.execute("DELETE FROM recovered WHERE position = ?1", [position])?;
    Ok(true)
}

/// Until when a webhook may come for an event that was recovered.
pub(super) fn copies_until(reader: &Connection) -> Result<Timestamp, Failure> {
    let last: Option<i64> = reader.query_row("SELECT max(comes_until) FROM recovered", [], |row| row.get(0))?;
    Ok(last.map_or(Timestamp(i64::MIN), Timestamp))
}

pub(super) fn notes(reader: &Connection) -> Result<RecoveryNotes, Failure> {
    let body: Option<String> =
        reader.query_row("SELECT body FROM recovery WHERE one = 1", [], |row| row.get(0)).optional()?;
    let read = body.map(|body| serde_json::from_str(&body)).transpose();
    Ok(read.map_err(|error| Failure::body("how far the log was read", &error))?.unwrap_or_default())
}

pub(super) fn note(writer: &Writer<'_>, notes: &RecoveryNotes) -> Result<(), Failure> {
    let body = json(notes).map_err(|error| Failure::body("how far the log was read", &error))?;
    writer.sql.execute("INSERT OR REPLACE INTO recovery (one, body) VALUES (1, ?1)", [body])?;
    Ok(())
}
