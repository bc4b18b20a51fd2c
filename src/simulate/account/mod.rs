//! A stand-in for Impilo: an account with a fleet that lives, its documented interface over HTTP, and webhooks sent by the
//! documented schedule of retries. It refuses every request that is not documented, and says why.
//!
//! What stands under `/simulate/` is not Impilo's: there the clock is moved, and what was refused is read.

mod answer;
mod control;
mod facts;
mod log;
mod objects;
mod odd;
mod pace;
mod quirks;
mod request;
mod send;
mod serve;
mod state;
mod stream;

pub use pace::Pace;
pub use quirks::{LogPayload, Quirks, Stretch};
pub use serve::StandIn;
pub use stream::stream;

use std::time::Duration;

use serde::Serialize;

use super::Plan;
use super::chance::DAY;

/// Which account, and how it is served.
#[derive(Clone)]
pub struct Options {
    pub plan: Plan,
    pub pace: Pace,
    /// What the header `Impilo-API-Key` must hold.
    pub api_key: String,
    /// The webhook secret that the account has at first.
    pub secret: Option<String>,
    /// Where every type of webhook is sent from the start on.
    pub subscribe: Option<String>,
    /// How many webhooks are under way at once, at most.
    pub parallel: usize,
    /// How long an answer to a webhook is waited for.
    pub patience: Duration,
    /// For how long the log keeps its rows, by the simulated clock.
    pub log_for: Duration,
    /// How many rows it keeps at most; one that may yet be sent again stays in any case.
    pub log_rows: usize,
    pub quirks: Quirks,
}

impl Options {
    /// The account of a plan, where everything goes well.
    #[must_use]
    pub fn new(plan: Plan, pace: Pace) -> Self {
        Self {
            plan,
            pace,
            api_key: "simulated-key".to_owned(),
            secret: None,
            subscribe: None,
            parallel: 16,
            patience: Duration::from_secs(10),
            log_for: DAY * 7,
            log_rows: 500_000,
            quirks: Quirks::default(),
        }
    }
}

/// What has happened so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Events, whether anybody has subscribed to them or not.
    pub told: u64,
    /// Attempts to deliver one to a subscription.
    pub attempts: u64,
    /// Attempts that were answered with 200.
    pub delivered: u64,
    /// Attempts that were answered with 200, and the answer was lost.
    pub unanswered: u64,
    /// Attempts that were answered otherwise.
    pub refused: u64,
    /// Attempts without an answer.
    pub unreached: u64,
    /// Events that were given up after the last attempt.
    pub given_up: u64,
    /// Events written in an odd way.
    pub odd: u64,
    /// Requests to the API.
    pub requests: u64,
    /// Those of them that are not documented.
    pub refused_requests: u64,
}

/// A request that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// By the simulated clock.
    pub at: String,
    pub method: String,
    pub path: String,
    pub status: u16,
    pub reason: String,
}
