//! Alerts against what is really wrong.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::answers::{Ground, Sight, is_judged, rules_for};
use super::heard::Heard;
use crate::engine::{Alert, Notification, Reason, RuleSet, Subject, Timestamp, Transition};
use crate::replay::Watch;
use crate::simulate::{Problem, Truth};

/// What is kept of an alert.
#[derive(Clone, Debug)]
struct Told {
    rule: String,
    subject: Subject,
    noticed_at: Timestamp,
    ended_at: Option<Timestamp>,
    /// What came late took it back.
    retracted: bool,
}

/// Every alert of a run.
#[derive(Debug, Default)]
pub(super) struct Alerts {
    all: Vec<Told>,
    /// How many there are of each rule that nobody is told of.
    shadowed: BTreeMap<String, usize>,
    /// Places of those that are open, by number.
    open: HashMap<u64, usize>,
}

impl Watch for Alerts {
    fn fired(&mut self, alert: &Alert) {
        if alert.shadow {
            *self.shadowed.entry(alert.rule.clone()).or_default() += 1;
            return;
        }
        self.open.insert(alert.number, self.all.len());
        let (rule, subject) = (alert.rule.clone(), alert.subject.clone());
        self.all.push(Told { rule, subject, noticed_at: alert.noticed_at, ended_at: None, retracted: false });
    }

    fn moved(&mut self, _: &Transition) {}

    fn ended(&mut self, alert: &Alert) {
        let place = self.open.remove(&alert.number);
        if let (Some(told), Some(end)) = (place.and_then(|place| self.all.get_mut(place)), &alert.end) {
            told.ended_at = Some(end.noticed_at);
            told.retracted = end.reason == Reason::LateEvent;
        }
    }

    fn told(&mut self, _: &Notification) {}
}

/// Why a problem was missed, or an alert is false.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "cause", rename_all = "kebab-case")]
pub enum Cause {
    /// The rule set has none of the rules that would tell it.
    NoRule,
    /// It was told, and too late.
    Late,
    /// It had been told, and the alert had ended before.
    EndedBefore,
    /// The alert of an earlier problem was open still, and told nobody of this one.
    LeftOver,
    /// What came late took the alert back.
    LateEvent,
    /// No such alert at all.
    NoAlert,
    /// It was not so yet: a problem of this kind began within two days.
    Before { problem: Problem },
    /// It was so no longer: a problem of this kind had ended within two days.
    After { problem: Problem },
    /// Something else was wrong.
    Another { problem: Problem },
    /// Nothing was wrong.
    Nothing,
}

/// A visible problem that no alert told in time.
#[derive(Clone, Debug, Serialize)]
pub struct Miss {
    #[serde(flatten)]
    pub truth: Truth,
    /// When it should have been told.
    pub due: Timestamp,
    /// When it was, where it was told late.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub told_at: Option<Timestamp>,
    #[serde(flatten)]
    pub cause: Cause,
}

/// An alert that no problem explains.
#[derive(Clone, Debug, Serialize)]
pub struct FalseAlert {
    pub rule: String,
    #[serde(flatten)]
    pub subject: Subject,
    pub fired_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    #[serde(flatten)]
    pub cause: Cause,
}

/// What became of one kind of problem.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ProblemScore {
    pub all: usize,
    /// Not shown by the webhooks.
    pub untold: usize,
    /// Over before it was due.
    pub too_short: usize,
    /// Not yet due when the history ended.
    pub unripe: usize,
    pub visible: usize,
    pub found: usize,
    pub missed: usize,
    /// Of those that were found: from the beginning of the problem to the alert, in seconds, the middle one and the longest.
    pub median_seconds: u64,
    pub longest_seconds: u64,
    #[serde(skip)]
    delays: Vec<u64>,
}

/// What the alerts of one rule were worth.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RuleScore {
    /// Those that somebody is told of.
    pub alerts: usize,
    /// The first about a problem.
    pub right: usize,
    /// About a problem that another alert has told already.
    pub repeated: usize,
    pub wrong: usize,
    /// In shadow, so that nobody is told.
    pub shadowed: usize,
    /// No problem of the fleet is this rule's, so its alerts are neither right nor wrong.
    pub not_judged: usize,
}

/// What rules are worth, measured on one history.
#[derive(Clone, Debug, Serialize)]
pub struct Score {
    /// Webhooks that came, each once.
    pub webhooks: u64,
    pub visible: usize,
    pub found: usize,
    /// Alerts that are right or wrong.
    pub judged: usize,
    pub wrong: usize,
    /// Alerts beyond the first about a problem, which are neither.
    pub repeated: usize,
    pub problems: BTreeMap<Problem, ProblemScore>,
    pub rules: BTreeMap<String, RuleScore>,
    pub misses: Vec<Miss>,
    pub false_alerts: Vec<FalseAlert>,
    /// Rules whose conditions could not be computed, and why.
    pub faults: BTreeMap<String, String>,
}

impl Score {
    /// Which part of the visible problems was found, in percent; `None` where there was nothing to find.
    #[must_use]
    pub fn found_percent(&self) -> Option<f64> {
        percent(self.found, self.visible)
    }

    /// Which part of the judged alerts is false, in percent; `None` where there is none.
    #[must_use]
    pub fn false_percent(&self) -> Option<f64> {
        percent(self.wrong, self.judged)
    }
}

fn percent(part: usize, of: usize) -> Option<f64> {
    let exact = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    (of > 0).then(|| exact(part) * 100.0 / exact(of))
}

/// How far a problem may lie from an alert to be named as its neighbour.
const NEAR: std::time::Duration = std::time::Duration::from_secs(2 * 86_400);

pub(super) fn judge(
    ground: &Ground,
    truths: &[Truth],
    alerts: &Alerts,
    heard: &Heard,
    rules: &RuleSet,
    webhooks: u64,
    faults: BTreeMap<String, String>,
) -> Score {
    let mut score = Score {
        webhooks,
        visible: 0,
        found: 0,
        judged: 0,
        wrong: 0,
        repeated: 0,
        problems: BTreeMap::new(),
        rules: BTreeMap::new(),
        misses: Vec::new(),
        false_alerts: Vec::new(),
        faults,
    };
    let (mut told, mut shown) = (HashMap::<&Subject, Vec<&Told>>::new(), HashMap::<&Subject, Vec<Shown>>::new());
    for alert in &alerts.all {
        told.entry(&alert.subject).or_default().push(alert);
    }
    for truth in truths {
        let from = truth.from.max(ground.begin).minus(ground.slack);
        let until = ground.shows_until(truth, heard.of(&truth.subject)).plus(ground.slack);
        shown.entry(&truth.subject).or_default().push(Shown { problem: truth.problem, from, until, is_told: false });
    }
    for truth in truths {
        let history = heard.of(&truth.subject);
        let known = About {
            truth,
            sight: ground.sight(truth, history),
            until: ground.shows_until(truth, history).plus(ground.slack),
            told: told.get(&truth.subject).map_or(&[][..], Vec::as_slice),
            shown: shown.get(&truth.subject).map_or(&[][..], Vec::as_slice),
        };
        score.problem(ground, &known, rules);
    }
    for alert in &alerts.all {
        score.alert(alert, shown.get_mut(&alert.subject).map_or(&mut [][..], Vec::as_mut_slice));
    }
    for (rule, count) in &alerts.shadowed {
        score.rules.entry(rule.clone()).or_default().shadowed = *count;
    }
    for problem in score.problems.values_mut() {
        problem.delays.sort_unstable();
        problem.median_seconds = problem.delays.get(problem.delays.len() / 2).copied().unwrap_or_default();
        problem.longest_seconds = problem.delays.last().copied().unwrap_or_default();
    }
    score
}

/// A problem, from when until when it may be told.
struct Shown {
    problem: Problem,
    from: Timestamp,
    until: Timestamp,
    /// Whether an alert has told it.
    is_told: bool,
}

impl Shown {
    /// Whether an alert of this rule is right at this time.
    fn explains(&self, rule: &str, at: Timestamp) -> bool {
        self.from <= at && at <= self.until && rules_for(self.problem).contains(&rule)
    }
}

/// What is known of one problem.
struct About<'a> {
    truth: &'a Truth,
    sight: Sight,
    /// Until when the webhooks show it.
    until: Timestamp,
    /// The alerts about its subject, and the subject's problems.
    told: &'a [&'a Told],
    shown: &'a [Shown],
}

impl About<'_> {
    /// Whether an alert that was there before the problem began was about one that had not ended then. One that is left over
    /// from an earlier problem tells nobody of a new one.
    fn went_on(&self, alert: &Told, from: Timestamp) -> bool {
        self.shown.iter().any(|one| one.until >= from && one.explains(&alert.rule, alert.noticed_at))
    }
}

impl Score {
    fn problem(&mut self, ground: &Ground, about: &About<'_>, set: &RuleSet) {
        let &About { truth, sight, until, told, .. } = about;
        let from = truth.from.max(ground.begin);
        let score = self.problems.entry(truth.problem).or_default();
        score.all += 1;
        let due = match sight {
            Sight::Untold => return score.untold += 1,
            Sight::TooShort => return score.too_short += 1,
            Sight::Unripe => return score.unripe += 1,
            // What shows it may have begun before.
            Sight::Seen(due) => due.max(from),
        };
        score.visible += 1;
        self.visible += 1;
        let rules = rules_for(truth.problem);
        let left_over = told.iter().any(|alert| {
            let is_old = alert.noticed_at < from && alert.ended_at.is_none_or(|ended| ended >= from);
            is_old && rules.contains(&alert.rule.as_str()) && !about.went_on(alert, from)
        });
        let mut answers = told.iter().filter(|alert| {
            let is_new = alert.noticed_at >= from.minus(ground.slack);
            rules.contains(&alert.rule.as_str()) && (is_new || about.went_on(alert, from))
        });
        let in_time = |alert: &&&Told| {
            let open_then = alert.ended_at.is_none_or(|ended| ended >= due.minus(ground.slack));
            alert.noticed_at <= due.plus(ground.slack) && open_then && !alert.retracted
        };
        if let Some(alert) = answers.clone().find(in_time) {
            score.found += 1;
            self.found += 1;
            score.delays.push(alert.noticed_at.since(from).as_secs());
            return;
        }
        score.missed += 1;
        let late =
            answers.clone().find(|alert| alert.noticed_at > due && alert.noticed_at <= until && !alert.retracted);
        let within =
            answers.find(|alert| alert.noticed_at <= until && alert.ended_at.is_none_or(|at| at >= truth.from));
        let cause = match (late, within) {
            (Some(_), _) => Cause::Late,
            (None, Some(alert)) if alert.retracted => Cause::LateEvent,
            (None, Some(_)) => Cause::EndedBefore,
            (None, None) if !set.rules.iter().any(|rule| rules.contains(&rule.name.as_str())) => Cause::NoRule,
            (None, None) if left_over => Cause::LeftOver,
            (None, None) => Cause::NoAlert,
        };
        let told_at = late.map(|alert| alert.noticed_at);
        self.misses.push(Miss { truth: truth.clone(), due, told_at, cause });
    }

    fn alert(&mut self, alert: &Told, shown: &mut [Shown]) {
        let score = self.rules.entry(alert.rule.clone()).or_default();
        score.alerts += 1;
        if !is_judged(&alert.rule) {
            score.not_judged += 1;
            return;
        }
        let at = alert.noticed_at;
        let mut its = shown.iter_mut().filter(|one| one.explains(&alert.rule, at)).peekable();
        if its.peek().is_some() {
            match its.find(|one| !one.is_told) {
                Some(one) => {
                    one.is_told = true;
                    score.right += 1;
                    self.judged += 1;
                }
                None => {
                    score.repeated += 1;
                    self.repeated += 1;
                }
            }
            return;
        }
        let open = |one: &&Shown| one.from <= at && at <= one.until;
        let is_its = |one: &&Shown| rules_for(one.problem).contains(&alert.rule.as_str());
        self.judged += 1;
        score.wrong += 1;
        self.wrong += 1;
        let near = |one: &&Shown| one.from.minus(NEAR) <= at && at <= one.until.plus(NEAR);
        let (its, other) = (shown.iter().find(|one| is_its(one) && near(one)), shown.iter().find(open));
        let cause = match (its, other) {
            _ if alert.retracted => Cause::LateEvent,
            (Some(one), _) if at < one.from => Cause::Before { problem: one.problem },
            (Some(one), _) => Cause::After { problem: one.problem },
            (None, Some(one)) => Cause::Another { problem: one.problem },
            (None, None) => Cause::Nothing,
        };
        let Told { rule, subject, noticed_at, ended_at, .. } = alert.clone();
        self.false_alerts.push(FalseAlert { rule, subject, fired_at: noticed_at, ended_at, cause });
    }
}
