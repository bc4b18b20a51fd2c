//! What Impilo's log holds of events that were not taken at once.

use std::collections::{BTreeMap, HashSet};

use super::ApiError;
use super::client::{Client, LogQuery, LogRow, Page};
use super::doctor::{Answers, Check, cannot_tell, fine, wrong};
use crate::engine::Timestamp;

/// Pages of the log that are read for each question; more is told as "at least".
const PAGES: u32 = 4;

/// Answers that are no success and that this daemon, or a proxy before it, gives. 0 may stand for none at all: how the log says
/// so is not documented. Whatever else there is stands among what was sent again, a quarter of an hour later.
const ERRORS: [u16; 35] = [
    0, 300, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 406, 408, 410, 411, 413, 415, 421, 422, 429, 499,
    500, 501, 502, 503, 504, 520, 521, 522, 523, 524, 525, 526,
];

/// What the log holds of events that were not taken at once.
#[derive(Default)]
pub struct Untaken {
    /// By our last answer: how many, and when the last was made.
    by_status: BTreeMap<i32, (usize, Option<Timestamp>)>,
    /// Sent again and taken then.
    late: usize,
    /// Answered with an error to the last.
    given_up: usize,
    /// There are more.
    at_least: bool,
}

/// Looks in the log since `from` for what was not taken, of events for the address that `is_ours` knows.
///
/// # Errors
/// Where Impilo gives no answer that can be used.
pub async fn look(client: &Client, from: Timestamp, is_ours: impl Fn(&str) -> bool) -> Result<Untaken, ApiError> {
    let mut looking = Looking {
        client,
        query: LogQuery { from: Some(from), ..LogQuery::default() },
        found: Untaken::default(),
        seen: HashSet::new(),
        is_ours,
    };
    match looking.answered(&ERRORS).await {
        // The specification takes many statuses at once, and its page one alone.
        Err(ApiError::Answered(400)) => {
            for status in ERRORS {
                match looking.answered(&[status]).await {
                    // Not a status that it knows.
                    Err(ApiError::Answered(400)) if status < 200 => {}
                    answered => answered?,
                }
            }
        }
        answered => answered?,
    }
    looking.sent_again().await?;
    Ok(looking.found)
}

struct Looking<'a, F> {
    client: &'a Client,
    query: LogQuery,
    found: Untaken,
    seen: HashSet<LogRow>,
    is_ours: F,
}

impl<F: Fn(&str) -> bool> Looking<'_, F> {
    async fn answered(&mut self, statuses: &[u16]) -> Result<(), ApiError> {
        for page in 1..=PAGES {
            let page_of = self.client.log_answered(&self.query, statuses, page).await?;
            if self.take(page_of, page) {
                break;
            }
        }
        Ok(())
    }

    async fn sent_again(&mut self) -> Result<(), ApiError> {
        for page in 1..=PAGES {
            let page_of = self.client.log_retried(&self.query, page).await?;
            if self.take(page_of, page) {
                break;
            }
        }
        Ok(())
    }

    /// Whether it was the last.
    fn take(&mut self, page_of: Page<LogRow>, page: u32) -> bool {
        self.found.take(page_of.rows, &mut self.seen, &self.is_ours);
        self.found.at_least |= !page_of.last && page == PAGES;
        page_of.last
    }
}

impl Untaken {
    fn take(&mut self, rows: Vec<LogRow>, seen: &mut HashSet<LogRow>, is_ours: &impl Fn(&str) -> bool) {
        for row in rows {
            if row.url.as_deref().is_some_and(|url| !is_ours(url)) || seen.contains(&row) {
                continue;
            }
            if row.was_taken() {
                self.late += usize::from(row.retry_attempts.is_some_and(|retries| retries > 0));
            } else {
                let (count, last) = self.by_status.entry(row.last_status.unwrap_or_default()).or_default();
                *count += 1;
                *last = (*last).max(row.last_retry_at.or(row.created_at));
                self.given_up += usize::from(row.was_sent_last());
            }
            seen.insert(row);
        }
    }
}

/// The check.
pub(super) fn check(answers: &Answers) -> Check {
    let name = "deliveries";
    let errors = match &answers.untaken {
        Err(error) => return cannot_tell(name, error),
        Ok(errors) => errors,
    };
    let late = match errors.late {
        0 => String::new(),
        late => format!("; {late} were taken only when Impilo sent them again"),
    };
    if errors.by_status.is_empty() {
        return fine(name, format!("Impilo's log of the last day shows no event that was not taken{late}"));
    }
    let at_least = if errors.at_least { "at least " } else { "" };
    let count: usize = errors.by_status.values().map(|(count, _)| count).sum();
    let each = errors.by_status.iter().map(|(status, (count, last))| {
        let last = last.map(|last| format!(", the last {last}")).unwrap_or_default();
        match status {
            0 => format!("{count} without an answer{last}"),
            status => format!("{count} with {status}{last}"),
        }
    });
    let each = each.collect::<Vec<_>>().join("; ");
    let mut found =
        format!("Impilo's log of the last day shows {at_least}{count} events that were not taken: {each}{late}");
    // What failed at our side comes again; what was refused is refused again.
    let refused = errors.by_status.keys().any(|status| (300..500).contains(status));
    if errors.given_up > 0 {
        found += &format!("; Impilo has given up on {}", errors.given_up);
    }
    if refused || errors.given_up > 0 {
        let advice = "401 is the secret (see above), 404 the address, 413 `receive.max_body`, 502 to 504 the proxy before this \
                      daemon; the daemon's log says more.";
        let statuses = errors.by_status.keys().map(ToString::to_string);
        return wrong(name, found, advice)
            .with_faults(statuses.chain((errors.given_up > 0).then(|| "given".to_owned())));
    }
    fine(name, found)
}
