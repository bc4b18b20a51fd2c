//! Impilo's webhook log as the journal takes it in: rows for our own address, in whichever form each is.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::client::{Client, LogQuery, LogRow};
use super::pages::Pages;
use super::webhooks::is_same;
use super::{ApiError, pages};
use crate::engine::Timestamp;
use crate::impilo::{self, LoggedEvent};
use crate::journal::codec;
use crate::store::{Logged, Quarantined};

/// What the log has for one address in a stretch of time.
#[derive(Default)]
pub struct LogPart {
    /// Rows that can be read.
    pub logged: Vec<Logged>,
    /// Rows that cannot be read and were not answered well, so that their events may be missing.
    pub unreadable: Vec<Quarantined>,
    /// When each row for our address was created.
    pub created: BTreeSet<Timestamp>,
    /// Rows for our address.
    pub ours: u64,
    /// Rows for other addresses, or for one that is not told; these are left alone.
    pub others: u64,
}

/// Reads the rows for `url` that were created at or after `from` and before `until`.
///
/// # Errors
/// When Impilo cannot be asked to the end.
pub async fn read_log(client: &Client, url: &str, from: Timestamp, until: Timestamp) -> Result<LogPart, ApiError> {
    let query = LogQuery { from: Some(from), until: Some(until), kind: None };
    let key = |row: &LogRow| match row.id {
        Some(id) => (Some((id, row.webhook_id)), None),
        None => (None, Some(row.clone())),
    };
    let mut rows = pages::Pages::new(|page| client.log(&query, page), key);
    gather(&mut rows, url, until).await
}

/// Sorts the rows of a list by what can be done with them.
async fn gather<F, K, I, Fetched>(rows: &mut Pages<F, K, I>, url: &str, until: Timestamp) -> Result<LogPart, ApiError>
where
    F: FnMut(u32) -> Fetched,
    Fetched: Future<Output = Result<super::client::Page<LogRow>, ApiError>>,
    K: Fn(&LogRow) -> I,
    I: std::hash::Hash + Eq,
{
    let mut part = LogPart::default();
    while let Some(page) = rows.next().await? {
        for row in page {
            if row.url.as_deref().is_none_or(|theirs| !is_same(theirs, url)) {
                part.others += 1;
                continue;
            }
            part.ours += 1;
            part.take(&row, until);
        }
    }
    Ok(part)
}

impl LogPart {
    fn take(&mut self, row: &LogRow, until: Timestamp) {
        let text = row.payload.as_ref().map_or("", |payload| payload.text());
        // A row without its own time is no older than its last attempt, and never of the time at which it is read.
        let created_at = row.created_at.or(row.last_retry_at).filter(|at| *at <= until);
        let read = impilo::logged(text, row.kind.as_deref(), row.id);
        let reason = match (read, created_at) {
            (Ok(event), Some(created_at)) => {
                if let Some(logged) = logged(event, row.id, created_at) {
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
        if row.last_status.is_some_and(|status| (200..300).contains(&status)) {
            return;
        }
        let hash: String = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
        self.unreadable.push(Quarantined {
            received_at: created_at.unwrap_or(until),
            hash,
            reason,
            body: codec::encode(text.as_bytes()),
        });
    }
}

fn logged(event: LoggedEvent, log_id: Option<i64>, created_at: Timestamp) -> Option<Logged> {
    let (kind, envelope_id, body) = match event {
        LoggedEvent::Envelope { kind, id, body } => (kind, Some(id), body),
        LoggedEvent::Inner { kind, body } => (kind, None, body),
    };
    Some(Logged {
        reduced: if kind.starts_with("reading.") { impilo::reduced_print(&body) } else { None },
        print: impilo::print(&body)?,
        kind,
        log_id,
        envelope_id,
        created_at,
        body: codec::encode(&body),
    })
}
