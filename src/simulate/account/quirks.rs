//! What may go wrong between Impilo and a receiver, and the forms in which the log tells payloads.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::engine::Timestamp;
use crate::simulate::chance::{Chance, HOUR, MINUTE};

/// What a row of the log has as payload. Nobody documents which it is; the only example is no JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogPayload {
    /// The whole envelope.
    #[default]
    Envelope,
    /// The envelope's payload.
    Payload,
    /// With single quotes, which is no JSON.
    SingleQuotes,
    /// Cut off in the middle.
    Cut,
    /// Another of these from row to row.
    Mixed,
}

/// An envelope without its payload read.
#[derive(Deserialize)]
struct Outer<'e> {
    #[serde(borrow)]
    payload: &'e RawValue,
}

impl LogPayload {
    /// An envelope as the row of this number tells it.
    pub(super) fn written(self, row: u64, envelope: &[u8]) -> String {
        let text = || String::from_utf8_lossy(envelope).into_owned();
        match self {
            Self::Envelope => text(),
            Self::Payload => serde_json::from_slice::<Outer<'_>>(envelope)
                .map_or_else(|_| text(), |outer| outer.payload.get().to_owned()),
            Self::SingleQuotes => text().replace('"', "'"),
            Self::Cut => text().chars().take(envelope.len() / 2).collect(),
            Self::Mixed => {
                let forms = [Self::Envelope, Self::Payload, Self::SingleQuotes, Self::Cut];
                forms[(row % 4) as usize].written(row, envelope)
            }
        }
    }
}

/// A stretch of the history, from its begin on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    pub from: Duration,
    pub until: Duration,
}

/// How badly the account behaves. Shares are of webhooks or of attempts to deliver one; all of it follows from the seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Quirks {
    /// The share of attempts whose answer is lost: what was taken comes again.
    pub duplicates: f64,
    /// The share of attempts that are held up for minutes, so that later ones overtake them.
    pub reordered: f64,
    /// The share of webhooks whose first attempt comes late, …
    pub late: f64,
    /// … by this much at most.
    pub late_by: Duration,
    /// Retries are sent in batches this far apart; zero where each comes at its time (inferred: there was a batch job).
    pub batch: Duration,
    /// The share of attempts that carry a secret that is not the account's.
    pub wrong_secrets: f64,
    /// The share of webhooks that are written otherwise than usual, in ways that Impilo's documents show.
    pub odd: f64,
    /// When no attempt reaches anybody.
    pub undelivered: Vec<Stretch>,
    /// When the API answers 503.
    pub api_down: Vec<Stretch>,
    pub log_payload: LogPayload,
}

/// Nothing goes wrong.
impl Default for Quirks {
    fn default() -> Self {
        Self {
            duplicates: 0.0,
            reordered: 0.0,
            late: 0.0,
            late_by: HOUR * 2,
            batch: Duration::ZERO,
            wrong_secrets: 0.0,
            odd: 0.0,
            undelivered: Vec::new(),
            api_down: Vec::new(),
            log_payload: LogPayload::Envelope,
        }
    }
}

/// For how long an attempt is held up at most. Less than the time to the first retry.
const HELD_UP: Duration = MINUTE.saturating_mul(10);

/// How long after an attempt that failed the next one follows (documented: four attempts in all).
const WAITS: [Duration; 3] = [MINUTE.saturating_mul(15), MINUTE.saturating_mul(30), MINUTE.saturating_mul(60)];

/// No failure brings another attempt sooner than this.
pub(super) const SOONEST_RETRY: Duration = WAITS[0];

/// What becomes of one attempt.
pub(super) struct Fate {
    /// How much later than planned it is made.
    pub held_up: Duration,
    /// It carries another secret.
    pub wrong_secret: bool,
    /// What the receiver answers is lost.
    pub unanswered: bool,
}

impl Quirks {
    /// The fate of the attempt of this number (0 is the first) to deliver a row.
    pub(super) fn fate(&self, seed: u64, row: u64, attempt: u32) -> Fate {
        let mut chance = Chance::of(seed, (row << 3) | u64::from(attempt));
        let mut held_up = Duration::ZERO;
        if chance.happens(self.reordered) {
            held_up += chance.between(Duration::ZERO, HELD_UP);
        }
        if chance.happens(self.late) && attempt == 0 {
            held_up += chance.between(MINUTE, self.late_by.max(MINUTE));
        }
        Fate { held_up, wrong_secret: chance.happens(self.wrong_secrets), unanswered: chance.happens(self.duplicates) }
    }

    /// No attempt to deliver an event is made later than this after it.
    pub(super) fn longest_way(&self) -> Duration {
        let waits: Duration = WAITS.iter().map(|wait| *wait + HELD_UP + self.batch).sum();
        waits + HELD_UP + self.late_by
    }

    /// When what failed at `at` is tried again, by how often it was tried; `None` where Impilo gives up.
    pub(super) fn next_attempt(&self, at: Timestamp, attempts: u32) -> Option<Timestamp> {
        let due = at.plus(*WAITS.get(usize::try_from(attempts).ok()?.checked_sub(1)?)?);
        let batch = i64::try_from(self.batch.as_millis()).unwrap_or(i64::MAX);
        if batch == 0 {
            return Some(due);
        }
        let late = due.0.rem_euclid(batch);
        Some(Timestamp(if late == 0 { due.0 } else { due.0 - late + batch }))
    }
}

/// Whether `at` lies in one of the stretches of a history that begins at `begin`.
pub(super) fn within(stretches: &[Stretch], begin: Timestamp, at: Timestamp) -> bool {
    stretches.iter().any(|stretch| (begin.plus(stretch.from)..begin.plus(stretch.until)).contains(&at))
}
