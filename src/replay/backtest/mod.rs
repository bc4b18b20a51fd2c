//! A backtest: what rules would have made of recorded events, and how another rule set differs from that.
//!
//! Besides the fleet itself it holds what it reports: each alert within the window, and the open ones.

mod difference;
mod history;
mod tally;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

pub use difference::{Change, Contrast, difference};
pub use history::{EventsFile, History, HistoryError, Journal, Recorded, last_receipt};
pub use tally::{Episode, RuleSummary};

use super::run::Run;
use crate::engine::{RuleSet, Timestamp};
use tally::Tally;

/// Rows between two calls of the progress.
const SAID_EVERY: u64 = 1024;

/// What of a history is looked at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Window {
    /// What comes before only makes the state that it begins with; `None`: nothing does.
    pub from: Option<Timestamp>,
    /// Time goes on until then, also where no more events come; `None`: until the last event.
    pub until: Option<Timestamp>,
}

/// What a backtest came to.
#[derive(Clone, Debug, Serialize)]
pub struct Backtest {
    /// The window.
    pub from: Timestamp,
    pub until: Timestamp,
    /// Receipt of the first row of the history: what was before is not known to any rule.
    pub history_from: Option<Timestamp>,
    /// Events within the window.
    pub events: u64,
    /// Events before it, which made the state.
    pub warm_up: u64,
    /// Events whose bodies retention has removed; they changed nothing.
    pub pruned: u64,
    /// Events that could not be read back; they changed nothing.
    pub unreadable: u64,
    /// One for each rule set, in the order in which they were given.
    pub outcomes: Vec<Outcome>,
}

/// What one rule set would have made of the window.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The rule set's hash.
    pub rule_set: String,
    pub rules: Vec<RuleSummary>,
    /// How many messages each receiver would have got.
    pub receivers: BTreeMap<String, u64>,
    /// In the order in which they fired.
    pub alerts: Vec<Episode>,
    /// Rules with conditions that could not be computed, with what was wrong.
    pub faults: BTreeMap<String, String>,
}

/// Runs one rule set or several over a history. `progress` hears from time to time how far it is: a part of one, and the time
/// that has been reached.
///
/// # Errors
/// When the history cannot be read on.
pub fn backtest(
    history: &mut impl History,
    rule_sets: &[Arc<RuleSet>],
    window: Window,
    progress: &mut dyn FnMut(f64, Timestamp),
) -> Result<Backtest, HistoryError> {
    let from = window.from.unwrap_or(Timestamp(i64::MIN));
    let until = window.until.unwrap_or(Timestamp(i64::MAX));
    let mut runs: Vec<(Run, Tally)> =
        rule_sets.iter().map(|rules| (Run::new(Arc::clone(rules)), Tally::new(from))).collect();
    let (mut first, mut last) = (None, None);
    let (mut events, mut warm_up, mut pruned, mut unreadable, mut rows) = (0, 0, 0, 0, 0);
    while let Some((at, recorded)) = history.next()? {
        if at > until {
            break;
        }
        first = first.or(Some(at));
        last = Some(at);
        rows += 1;
        if rows % SAID_EVERY == 0 {
            progress(history.done(), at);
        }
        match recorded {
            Recorded::Event { position, received_at, read } => {
                let counted = if at < from { &mut warm_up } else { &mut events };
                *counted += 1;
                let event = read.event(position, received_at);
                runs.iter_mut().for_each(|(run, tally)| run.take(&event, at, tally));
            }
            Recorded::Healed(position, interval) => {
                runs.iter_mut().for_each(|(run, tally)| run.healed(position, interval, at, tally));
            }
            Recorded::Blind(interval) => runs.iter_mut().for_each(|(run, tally)| run.blind(interval, at, tally)),
            Recorded::Pruned => pruned += 1,
            Recorded::Unreadable => unreadable += 1,
            Recorded::Other => {}
        }
    }
    let until = window.until.or(last).unwrap_or_default();
    let outcomes = runs.into_iter().map(|(mut run, mut tally)| {
        run.wake_until(until, &mut tally);
        tally.outcome(&run)
    });
    Ok(Backtest {
        from: window.from.or(first).unwrap_or(until),
        until,
        history_from: first,
        events,
        warm_up,
        pruned,
        unreadable,
        outcomes: outcomes.collect(),
    })
}
