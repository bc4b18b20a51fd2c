//! The webhook log: one row for each event and subscription, with what became of it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use serde_json::{Value, json};
use smol_str::SmolStr;

use super::quirks::LogPayload;
use super::request::Asked;
use crate::engine::Timestamp;
use crate::journal::codec;

/// One event on its way to one subscription.
#[derive(Clone)]
pub(super) struct Row {
    pub id: u64,
    pub webhook: i64,
    pub kind: SmolStr,
    pub url: Arc<str>,
    /// The envelope, packed.
    body: Arc<[u8]>,
    pub created: Timestamp,
    /// The secret of that time.
    pub secret: Option<Arc<str>>,
    pub status: Option<u16>,
    /// How often it was sent again.
    pub retries: u32,
    pub retried: Option<Timestamp>,
}

impl Row {
    /// The envelope.
    pub fn envelope(&self) -> Vec<u8> {
        codec::decode(&self.body).unwrap_or_default()
    }

    /// As Impilo's WebhookLog.
    fn json(&self, form: LogPayload) -> Value {
        let mut row = json!({
            "id": self.id,
            "webhookId": self.webhook,
            "webhookType": self.kind.as_str(),
            "webhookUrl": &*self.url,
            "payload": form.written(self.id, &self.envelope()),
            "createTimestamp": self.created.to_string(),
            "retryAttempts": self.retries,
        });
        if let Some(status) = self.status {
            row["lastResponseStatus"] = status.into();
        }
        if let Some(at) = self.retried {
            row["lastRetryTimestamp"] = at.to_string().into();
        }
        row
    }
}

/// The log, oldest row first. It forgets what is old.
pub(super) struct Log {
    rows: VecDeque<Row>,
    next_id: u64,
    /// What is younger has perhaps attempts before it, and stays.
    under_way: Duration,
    keep_for: Duration,
    keep_rows: usize,
}

impl Log {
    pub fn new(under_way: Duration, keep_for: Duration, keep_rows: usize) -> Self {
        // Not the envelopes' numbers: that the two are the same is documented nowhere.
        Self { rows: VecDeque::new(), next_id: 700_001, under_way, keep_for, keep_rows }
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Adds the rows of one event, one for each subscription; gives their numbers.
    pub fn add(
        &mut self,
        subscriptions: impl Iterator<Item = (i64, Arc<str>)>,
        kind: &str,
        body: &[u8],
        secret: Option<&Arc<str>>,
        created: Timestamp,
    ) -> std::ops::Range<u64> {
        let first = self.next_id;
        let mut packed: Option<Arc<[u8]>> = None;
        for (webhook, url) in subscriptions {
            let body = Arc::clone(packed.get_or_insert_with(|| codec::encode(body).into()));
            let (id, kind, secret) = (self.next_id, SmolStr::new(kind), secret.map(Arc::clone));
            let row = Row { id, webhook, kind, url, body, created, secret, status: None, retries: 0, retried: None };
            self.rows.push_back(row);
            self.next_id += 1;
        }
        while let Some(oldest) = self.rows.front() {
            let age = created.since(oldest.created);
            if age < self.under_way || (age <= self.keep_for && self.rows.len() <= self.keep_rows) {
                break;
            }
            self.rows.pop_front();
        }
        first..self.next_id
    }

    pub fn get_mut(&mut self, id: u64) -> Option<&mut Row> {
        let place = id.checked_sub(self.rows.front()?.id)?;
        self.rows.get_mut(usize::try_from(place).ok()?)
    }

    /// The rows that are asked for, newest first (an assumption: no order is documented): how many there are, and a page.
    pub fn find(&self, asked: &Asked, form: LogPayload, (page, size): (usize, usize)) -> (usize, Vec<Value>) {
        let time = |name: &str| {
            asked.one(name).and_then(|text| DateTime::parse_from_rfc3339(text).ok()).map(|at| at.timestamp_millis())
        };
        let kind = asked.one("webhookType");
        let retries =
            asked.number("retryAttemptsMin").unwrap_or(0)..=asked.number("retryAttemptsMax").unwrap_or(u32::MAX);
        let statuses: Vec<u16> =
            asked.all("lastResponseStatus").map(|status| status.parse().unwrap_or_default()).collect();
        let created = time("startTimestamp").unwrap_or(i64::MIN)..time("endTimestamp").unwrap_or(i64::MAX);
        let retried = match (time("startLastRetryTimestamp"), time("endLastRetryTimestamp")) {
            (None, None) => None,
            (from, until) => Some(from.unwrap_or(i64::MIN)..=until.unwrap_or(i64::MAX)),
        };
        let first = self.rows.partition_point(|row| row.created.0 < created.start);
        let end = self.rows.partition_point(|row| row.created.0 < created.end).max(first);
        let mut total = 0;
        let mut shown = Vec::new();
        for row in self.rows.range(first..end).rev() {
            let fits = kind.is_none_or(|kind| row.kind == kind)
                && retries.contains(&row.retries)
                && (statuses.is_empty() || row.status.is_some_and(|status| statuses.contains(&status)))
                && retried.as_ref().is_none_or(|span| row.retried.is_some_and(|at| span.contains(&at.0)));
            if !fits {
                continue;
            }
            if total >= (page - 1).saturating_mul(size) && shown.len() < size {
                shown.push(row.json(form));
            }
            total += 1;
        }
        (total, shown)
    }
}
