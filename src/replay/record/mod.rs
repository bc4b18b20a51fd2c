//! Test cases from recorded events. Whoever they are about is replaced by the invented world of test cases: ids are numbered
//! anew, and names, addresses, clinical values and whatever else leaves under `full` alone become invented ones. Days are moved
//! by whole weeks.

mod disguise;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;

use super::rehearsal::{Story, posted, take};
use super::run::{Run, Watch};
use crate::config::{Case, CaseEvent, TestFile, read_test_text};
use crate::engine::{Alert, AlertState, Notification, Phi, RuleSet, Subject, Timestamp, Transition};
use crate::notify;
use crate::process::Read;
use disguise::Disguise;

/// A week, in milliseconds.
const WEEK: i64 = 7 * 24 * 60 * 60 * 1000;

/// Monday of the week in which recorded cases begin: 2 March 2026, midnight UTC.
const MONDAY: Timestamp = Timestamp(1_772_409_600_000);

/// A recorded event.
pub struct Original {
    pub received_at: Timestamp,
    pub read: Read,
    /// The payload once more, to be taken apart.
    pub payload: Json,
}

/// A test case from recorded events.
pub struct Recording {
    /// A test file with this one case.
    pub text: String,
    /// Rules that make something else of the invented events than of the recorded ones.
    pub differ: BTreeSet<String>,
}

/// What the text of a recording comes to when it is read back.
#[derive(Debug, thiserror::Error)]
#[error("the recorded events make no test case: {0}")]
pub struct Unusable(String);

/// Makes a test case called `name` from events in the order of receipt, with expectations from what `rules` make of it.
///
/// # Errors
/// When what was written cannot be read back, which is a mistake in this.
pub fn record(name: &str, originals: &[Original], rules: &Arc<RuleSet>) -> Result<Recording, Unusable> {
    let first = originals.first().map_or(MONDAY, |original| original.received_at);
    // The same day of the week at the same time.
    let moved = MONDAY.0 + (first.0 - MONDAY.0).rem_euclid(WEEK) - first.0;
    let start = Timestamp((first.0 + moved) / 1000 * 1000);
    let mut disguise = Disguise::new(moved);
    let events: Vec<CaseEvent> = originals.iter().map(|original| disguise.event(original, first)).collect();
    let bare = write::case(name, start, &events, &[]);
    let case = reread(&bare, rules)?;
    let looks = looks(&case, rules);
    let text = write::case(name, start, &events, &looks);
    reread(&text, rules)?;
    Ok(Recording { differ: differences(&case, originals, rules), text })
}

fn reread(text: &str, rules: &RuleSet) -> Result<Case, Unusable> {
    let TestFile { cases, problems } = read_test_text("recorded.test.yaml", text, Some(rules));
    if problems.any_errors() {
        return Err(Unusable(problems.to_string()));
    }
    cases.into_iter().next().ok_or_else(|| Unusable("it is empty".to_owned()))
}

/// What is expected of one rule at one time.
struct Look {
    at: Duration,
    rule: String,
    /// Alerts by the key under which they are listed.
    alerts: BTreeMap<&'static str, Vec<Seen>>,
    /// Why there is none, for the reader.
    why: Option<String>,
}

/// One alert of a look.
struct Seen {
    subject: Subject,
    severity: Option<String>,
    summary: Option<String>,
}

/// Looks at each rule whenever its alerts moved, and at the end at what is pending, or was tried and did not fire.
fn looks(case: &Case, rules: &Arc<RuleSet>) -> Vec<Look> {
    let mut run = Run::new(Arc::clone(rules));
    let mut story = Story::default();
    let mut moved = Moves::default();
    let mut looks = Vec::new();
    let events = posted(case);
    for (place, event) in events.iter().enumerate() {
        take(&mut run, &mut story, place, event);
        moved.since(&story, &run);
        // Several events may come within one second, at whose end the file looks.
        let next = events.get(place + 1).map(|next| next.received_at);
        if next.is_none_or(|next| next > event.received_at) {
            let at = event.received_at.since(case.start);
            looks.extend(moved.take().into_iter().map(|rule| look(at, rule, &run, &story)));
        }
    }
    let at = run.now().since(case.start);
    looks.extend(quiet(&run, &looks).into_iter().map(|rule| look(at, rule, &run, &story)));
    looks
}

/// Rules whose alerts have moved since the last look.
#[derive(Default)]
struct Moves {
    rules: BTreeSet<String>,
    ended: usize,
    open: BTreeMap<u64, String>,
}

impl Moves {
    fn since(&mut self, story: &Story, run: &Run) {
        self.rules.extend(story.ended[self.ended..].iter().map(|alert| alert.rule.clone()));
        self.ended = story.ended.len();
        let open = run.slices().flat_map(|slice| &slice.alerts);
        let open: BTreeMap<u64, String> =
            open.map(|alert| (alert.number, format!("{} {}", alert.rule, alert.severity))).collect();
        let fresh = open.iter().filter(|(number, what)| self.open.get(number) != Some(what));
        self.rules.extend(fresh.filter_map(|(_, what)| Some(what.split_once(' ')?.0.to_owned())));
        self.open = open;
    }

    fn take(&mut self) -> BTreeSet<String> {
        std::mem::take(&mut self.rules)
    }
}

/// Rules that are pending at the end, or were tried without ever firing, apart from those that were looked at then.
fn quiet(run: &Run, looks: &[Look]) -> BTreeSet<String> {
    let mut rules = BTreeSet::new();
    for slice in run.slices() {
        rules.extend(run.pending(slice).iter().map(|pending| pending.rule.name.to_string()));
        let tried = slice.projection.verdicts.iter().map(|verdict| verdict.rule.to_string());
        rules.extend(tried.filter(|rule| looks.iter().all(|look| look.rule != *rule)));
    }
    rules
}

fn look(at: Duration, rule: String, run: &Run, story: &Story) -> Look {
    let mut alerts: BTreeMap<&'static str, Vec<Seen>> = BTreeMap::new();
    let mut why = None;
    let mut slices: Vec<_> = run.slices().collect();
    slices.sort_by(|one, other| one.subject.cmp(&other.subject));
    for slice in slices {
        let pending = run.pending(slice).into_iter().filter(|pending| pending.rule.name == rule);
        let seen = pending.map(|pending| Seen {
            subject: slice.subject.clone(),
            severity: Some(pending.severity.to_string()),
            summary: None,
        });
        alerts.entry("pending").or_default().extend(seen);
        let open = slice.alerts.iter().filter(|alert| alert.rule == rule);
        alerts.entry("firing").or_default().extend(open.map(|alert| Seen {
            subject: slice.subject.clone(),
            severity: Some(alert.severity.to_string()),
            summary: notify::annotation(alert, "summary", Phi::Full),
        }));
        if let Some(verdict) = slice.projection.verdicts.iter().rev().find(|verdict| verdict.rule == rule) {
            why = Some(verdict.why.to_string());
        }
    }
    for ended in story.ended.iter().filter(|alert| alert.rule == rule) {
        let name = match ended.state {
            AlertState::Expired => "expired",
            AlertState::Closed => "closed",
            AlertState::Firing | AlertState::Resolved => "resolved",
        };
        let seen = Seen { subject: ended.subject.clone(), severity: None, summary: None };
        alerts.entry(name).or_default().push(seen);
    }
    alerts.retain(|_, seen| !seen.is_empty());
    Look { at, rule, why: why.filter(|_| alerts.is_empty()), alerts }
}

/// How often each rule fired.
#[derive(Default)]
struct Fired(BTreeMap<String, u64>);

impl Watch for Fired {
    fn fired(&mut self, alert: &Alert) {
        *self.0.entry(alert.rule.clone()).or_default() += 1;
    }

    fn moved(&mut self, _: &Transition) {}

    fn ended(&mut self, _: &Alert) {}

    fn told(&mut self, _: &Notification) {}
}

/// Rules that do not fire as often for the invented events as for the recorded ones.
fn differences(case: &Case, originals: &[Original], rules: &Arc<RuleSet>) -> BTreeSet<String> {
    let (mut recorded, mut invented) = (Fired::default(), Fired::default());
    let mut run = Run::new(Arc::clone(rules));
    for (position, original) in (1..).zip(originals) {
        let at = original.received_at;
        run.take(&original.read.event(position, at), at, &mut recorded);
    }
    let mut run = Run::new(Arc::clone(rules));
    for (position, event) in (1..).zip(posted(case)) {
        let at = event.received_at;
        run.take(&event.read.event(position, at), at, &mut invented);
    }
    let names = recorded.0.keys().chain(invented.0.keys());
    names.filter(|name| recorded.0.get(*name) != invented.0.get(*name)).cloned().collect()
}
