//! Impilo's webhook log as the journal takes it in: rows for our own address, in whichever form each is.

use std::collections::BTreeSet;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::client::{Client, LogQuery, LogRow, Subscription};
use super::pages::Pages;
use super::webhooks::is_same;
use super::{ApiError, pages};
use crate::engine::{Interval, Timestamp};
use crate::impilo::answer::Unread;
use crate::impilo::{self, LoggedEvent};
use crate::journal::codec;
use crate::store::{Logged, Quarantined, SIBLINGS_WITHIN, SteppedOver};

/// What the log has for one address in a stretch of time.
#[derive(Default)]
pub struct LogPart {
    /// Rows that can be read.
    pub logged: Vec<Logged>,
    /// Rows that cannot be read and were not answered well, so that their events may be missing.
    pub unreadable: Vec<Quarantined>,
    /// When rows were created that cannot be read and were answered well by now.
    pub kept_at: BTreeSet<Timestamp>,
    /// Rows that are too long to be read, and what is kept of them.
    pub stepped_over: Vec<(SteppedOver, Quarantined)>,
    /// When each row for our address was created.
    pub created: BTreeSet<Timestamp>,
    /// Rows for our address.
    pub ours: u64,
    /// Rows for other addresses, or for one that is not told; these are left alone.
    pub others: u64,
    /// When those for other addresses were created.
    pub others_at: Vec<Timestamp>,
    /// When those were created that do not tell whose they are.
    pub untold_at: BTreeSet<Timestamp>,
    /// The oldest row, whosever it is.
    pub oldest: Option<Timestamp>,
}

/// Whose rows of the log are, and by how much Impilo's clock differs.
pub struct Owner<'a> {
    /// The address whose rows are ours.
    pub url: &'a str,
    /// The account's subscriptions.
    pub subscriptions: &'a [Subscription],
    /// Milliseconds by which Impilo's clock is ahead of ours.
    pub ahead: i64,
}

/// A difference of clocks up to this is that of a request's way; it lies within what pairing allows for.
const LEAST_AHEAD: i64 = 60_000;

/// How long after an event the last attempt at it may come, and one that is under way when it is read.
const COMES_FOR: Duration = Duration::from_secs(3 * 60 * 60);
const UNDER_WAY: Duration = Duration::from_secs(2 * 60);

/// The difference of clocks to go by: that of before where the `measured` one is near it, so that the same row always gets the same
/// time, though every measure is another.
#[must_use]
pub fn steady(before: Option<i64>, measured: Option<i64>) -> Option<i64> {
    let near = |before: &i64| measured.is_none_or(|measured| measured.abs_diff(*before) < LEAST_AHEAD.unsigned_abs());
    before.filter(near).or(measured)
}

/// A greater one is no clock's.
const MOST_AHEAD: i64 = 24 * 60 * 60 * 1000;

impl<'a> Owner<'a> {
    #[must_use]
    pub fn new(url: &'a str, subscriptions: &'a [Subscription], ahead: Option<i64>) -> Self {
        let ahead = ahead.filter(|ahead| (LEAST_AHEAD..MOST_AHEAD).contains(&ahead.abs())).unwrap_or(0);
        Self { url, subscriptions, ahead }
    }

    /// Whether a subscription leads to our address now.
    #[must_use]
    pub fn is_subscribed(&self) -> bool {
        self.subscriptions.iter().any(|one| is_same(&one.url, self.url))
    }

    /// Whether a row is ours; `None` where neither its address nor its subscription tells, or the two differ.
    fn owns(&self, row: &LogRow) -> Option<bool> {
        let id = row.webhook_id;
        let by_id = id.and_then(|id| self.subscriptions.iter().find(|one| one.id == id));
        let by_id = by_id.map(|one| is_same(&one.url, self.url));
        match row.url.as_deref().map(|url| is_same(url, self.url)) {
            // It leads here by now; whether what it sent before was for us, nobody knows.
            Some(false) if by_id == Some(true) => None,
            Some(ours) => Some(ours),
            None => by_id,
        }
    }

    /// A time of Impilo's by our clock, and the other way round.
    fn by_our_clock(&self, at: Timestamp) -> Timestamp {
        Timestamp(at.0.saturating_sub(self.ahead))
    }

    fn by_their_clock(&self, at: Timestamp) -> Timestamp {
        Timestamp(at.0.saturating_add(self.ahead))
    }
}

/// Whether the log has any row that was created before `at`, whosever it is.
///
/// # Errors
/// When Impilo cannot be asked.
pub async fn has_before(client: &Client, owner: &Owner<'_>, at: Timestamp) -> Result<bool, ApiError> {
    let query = LogQuery { from: None, until: Some(owner.by_their_clock(at)), kind: None };
    Ok(!client.log(&query, 1).await?.rows.is_empty())
}

/// Reads the rows of `owner` that were created at or after `from` and before `until`, by our clock.
///
/// # Errors
/// When Impilo cannot be asked to the end.
pub async fn read_log(
    client: &Client,
    owner: &Owner<'_>,
    from: Timestamp,
    until: Timestamp,
) -> Result<LogPart, ApiError> {
    let (begins, ends) = (owner.by_their_clock(from.minus(SIBLINGS_WITHIN)), owner.by_their_clock(until));
    let query = LogQuery { from: Some(begins), until: Some(ends), kind: None };
    let key = |row: &LogRow| match row.id {
        Some(id) => (Some((id, row.webhook_id)), None),
        None => (None, Some(row.clone())),
    };
    let mut rows = pages::Pages::new(|page| client.log(&query, page), key);
    gather(&mut rows, owner, (from, until)).await
}

/// Sorts the rows of a list by what can be done with them.
async fn gather<F, K, I, Fetched>(
    rows: &mut Pages<F, K, I>,
    owner: &Owner<'_>,
    (from, until): (Timestamp, Timestamp),
) -> Result<LogPart, ApiError>
where
    F: FnMut(u32) -> Fetched,
    Fetched: Future<Output = Result<super::client::Page<LogRow>, ApiError>>,
    K: Fn(&LogRow) -> I,
    I: std::hash::Hash + Eq,
{
    let mut part = LogPart::default();
    while let Some(page) = rows.next().await? {
        for row in page {
            if let Some(unread) = &row.unread {
                part.step_over(unread, owner, (from, until));
                continue;
            }
            // A row without its own time is no older than its last attempt, and never of the time at which it is read.
            let created_at = row.created_at.or(row.last_retry_at).map(|at| owner.by_our_clock(at));
            let created_at = created_at.filter(|at| *at <= until);
            if created_at.is_some_and(|at| at < from) {
                part.take_before(&row, created_at.filter(|_| owner.owns(&row) == Some(true)));
                continue;
            }
            part.oldest = part.oldest.into_iter().chain(created_at).min();
            match owner.owns(&row) {
                Some(true) => {
                    part.ours += 1;
                    part.take(&row, created_at, until);
                    continue;
                }
                Some(false) => part.others_at.push(created_at.unwrap_or(until)),
                None => {
                    part.untold_at.insert(created_at.unwrap_or(until));
                }
            }
            part.others += 1;
        }
    }
    Ok(part)
}

impl LogPart {
    /// How many rows may be missing because they cannot be read.
    #[must_use]
    pub fn missing(&self) -> u64 {
        self.unreadable.len() as u64 + self.stepped_over.iter().map(|(stepped_over, _)| stepped_over.rows).sum::<u64>()
    }

    /// Rows of which it is known where they stand in the list, and by that of which time they are.
    fn step_over(&mut self, unread: &Unread, owner: &Owner<'_>, (from, until): (Timestamp, Timestamp)) {
        let earliest = unread.from.map_or(from, |at| owner.by_our_clock(at));
        let latest = unread.to.map_or(until, |at| owner.by_our_clock(at).plus(Duration::from_millis(1)));
        if latest <= from {
            return;
        }
        let interval =
            Interval { from: earliest.max(from), to: latest.min(until).max(earliest.plus(Duration::from_millis(1))) };
        let Unread { place, rows, .. } = *unread;
        let reason = format!(
            "row {place} of Impilo's log from {from} to {until} is too long to be read ({rows} in a row are), so it was stepped over"
        );
        let hash = hexadecimal(format!("{} {} {rows}", interval.from, interval.to).as_bytes());
        let quarantined = Quarantined { received_at: interval.from, hash, reason, body: codec::encode(b"") };
        self.stepped_over.push((SteppedOver { interval, rows }, quarantined));
    }

    /// A row that was read before tells which of the others are about the same event.
    fn take_before(&mut self, row: &LogRow, created_at: Option<Timestamp>) {
        let text = row.payload.as_ref().map_or("", |payload| payload.text());
        let read = impilo::logged(text, row.kind.as_deref(), row.id).ok();
        let logged = read.zip(created_at).and_then(|(event, created_at)| logged(event, row, created_at));
        self.logged.extend(logged.map(|logged| Logged { before: true, ..logged }));
    }

    fn take(&mut self, row: &LogRow, created_at: Option<Timestamp>, until: Timestamp) {
        let text = row.payload.as_ref().map_or("", |payload| payload.text());
        let read = impilo::logged(text, row.kind.as_deref(), row.id);
        let reason = match (read, created_at) {
            (Ok(event), Some(created_at)) => {
                if let Some(logged) = logged(event, row, created_at) {
                    self.created.insert(created_at);
                    self.logged.push(logged);
                    return;
                }
                "a row of Impilo's log has a body that cannot be read".to_owned()
            }
            (Ok(_), None) => "a row of Impilo's log does not say when it was created".to_owned(),
            (Err(error), _) => error.to_string(),
        };
        self.created.extend(created_at);
        // Answered means kept.
        if row.was_taken() {
            self.kept_at.extend(created_at);
            return;
        }
        self.unreadable.push(Quarantined {
            received_at: created_at.unwrap_or(until),
            hash: hexadecimal(text.as_bytes()),
            reason,
            body: codec::encode(text.as_bytes()),
        });
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn logged(event: LoggedEvent, row: &LogRow, created_at: Timestamp) -> Option<Logged> {
    let (kind, envelope_id, body) = match event {
        LoggedEvent::Envelope { kind, id, body } => (kind, Some(id), body),
        LoggedEvent::Inner { kind, body } => (kind, None, body),
    };
    Some(Logged {
        reduced: if kind.starts_with("reading.") { impilo::reduced_print(&body) } else { None },
        print: impilo::print(&body)?,
        kind,
        before: false,
        log_id: row.id,
        webhook_id: row.webhook_id,
        envelope_id,
        created_at,
        comes_until: comes_until(row, created_at),
        body: codec::encode(&body),
    })
}

/// Until when Impilo may still send what a row of its log is about, which was created at `created_at`: three times more after
/// the first, for 105 minutes (documented), and later where its job runs late (inferred). What was taken, or was sent as often as
/// that, comes no more, but for an attempt that is under way.
fn comes_until(row: &LogRow, created_at: Timestamp) -> Timestamp {
    match row.was_taken() || row.was_sent_last() {
        true => created_at.plus(UNDER_WAY),
        false => created_at.plus(COMES_FOR),
    }
}
