//! What one run comes to: its alerts within the window, and the messages about them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use serde::Serialize;

use super::Outcome;
use crate::engine::{Alert, AlertState, Content, Notification, Severity, Subject, Timestamp, Transition};
use crate::replay::{Run, Watch};

/// One alert of a backtest, without anything of its evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Episode {
    pub rule: String,
    pub subject: Subject,
    /// When what fired it happened.
    pub opened_at: Timestamp,
    /// When Pulsewarden would have learned of it.
    pub fired_at: Timestamp,
    /// The highest that it reached.
    pub severity: Severity,
    /// It was open already when the window began.
    pub before: bool,
    /// Nobody is told of it, since its rule is tried out.
    pub shadow: bool,
    /// How it ended; `None`: it is open at the end of the window.
    pub end: Option<EpisodeEnd>,
}

/// How an alert of a backtest ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EpisodeEnd {
    pub at: Timestamp,
    pub state: AlertState,
    pub reason: String,
}

/// The figures of one rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RuleSummary {
    pub rule: String,
    /// Open when the window began.
    pub open_before: u64,
    /// Fired, resolved, expired and closed within the window.
    pub fired: u64,
    pub resolved: u64,
    pub expired: u64,
    pub closed: u64,
    /// Open when the window ended.
    pub still_open: u64,
    /// How long those that ended had been open, in seconds: half of them longer.
    pub median_open_seconds: Option<u64>,
    /// Messages that list alerts of this rule; a message may list those of several.
    pub messages: u64,
}

/// Hears a run and keeps what falls into the window.
pub(super) struct Tally {
    from: Timestamp,
    open: HashMap<u64, Episode>,
    over: Vec<Episode>,
    messages: BTreeMap<String, u64>,
    receivers: BTreeMap<String, u64>,
}

impl Tally {
    /// Counts what happens from `from` on.
    pub fn new(from: Timestamp) -> Self {
        let (open, over) = (HashMap::new(), Vec::new());
        Self { from, open, over, messages: BTreeMap::new(), receivers: BTreeMap::new() }
    }

    /// What it came to, once the run has ended.
    pub fn outcome(self, run: &Run) -> Outcome {
        let Self { open, over: mut alerts, messages, receivers, .. } = self;
        let rules = run.rules();
        alerts.extend(open.into_values());
        let key = |one: &Episode| (one.fired_at, one.rule.clone(), one.subject.clone());
        alerts.sort_by_cached_key(key);
        let mut summaries: BTreeMap<&str, (RuleSummary, Vec<Duration>)> = BTreeMap::new();
        for rule in &rules.rules {
            let summary = RuleSummary { rule: rule.name.to_string(), ..RuleSummary::default() };
            summaries.insert(&rule.name, (summary, Vec::new()));
        }
        for alert in &alerts {
            let Some((summary, lengths)) = summaries.get_mut(alert.rule.as_str()) else { continue };
            *if alert.before { &mut summary.open_before } else { &mut summary.fired } += 1;
            match &alert.end {
                None => summary.still_open += 1,
                Some(end) => {
                    lengths.push(end.at.since(alert.fired_at));
                    match end.state {
                        AlertState::Expired => summary.expired += 1,
                        AlertState::Closed => summary.closed += 1,
                        AlertState::Firing | AlertState::Resolved => summary.resolved += 1,
                    }
                }
            }
        }
        let summaries = rules.rules.iter().filter_map(|rule| summaries.remove(rule.name.as_str()));
        let summaries = summaries.map(|(mut summary, mut lengths)| {
            summary.messages = messages.get(&summary.rule).copied().unwrap_or_default();
            lengths.sort_unstable();
            summary.median_open_seconds = lengths.get(lengths.len() / 2).map(Duration::as_secs);
            summary
        });
        Outcome {
            rule_set: rules.hash.clone(),
            rules: summaries.collect(),
            receivers,
            alerts,
            faults: run.faults().clone(),
        }
    }
}

impl Watch for Tally {
    fn fired(&mut self, alert: &Alert) {
        let episode = Episode {
            rule: alert.rule.clone(),
            subject: alert.subject.clone(),
            opened_at: alert.opened_at,
            fired_at: alert.noticed_at,
            severity: alert.severity,
            before: alert.noticed_at < self.from,
            shadow: alert.shadow,
            end: None,
        };
        self.open.insert(alert.number, episode);
    }

    fn moved(&mut self, transition: &Transition) {
        if let Some(episode) = self.open.get_mut(&transition.alert) {
            episode.severity = episode.severity.max(transition.severity);
        }
    }

    fn ended(&mut self, alert: &Alert) {
        let Some(mut episode) = self.open.remove(&alert.number) else { return };
        let Some(end) = &alert.end else { return };
        if end.noticed_at >= self.from {
            let (at, reason) = (end.noticed_at, end.reason.to_string());
            episode.end = Some(EpisodeEnd { at, state: alert.state, reason });
            self.over.push(episode);
        }
    }

    fn told(&mut self, notification: &Notification) {
        let Content::Alerts { firing, ended, .. } = &notification.content else { return };
        if notification.due < self.from {
            return;
        }
        *self.receivers.entry(notification.receiver.clone()).or_default() += 1;
        let rules: BTreeSet<&str> = firing.iter().chain(ended).map(|alert| alert.rule.as_str()).collect();
        for rule in rules {
            *self.messages.entry(rule.to_owned()).or_default() += 1;
        }
    }
}
