//! How the alerts of two rule sets over the same history differ.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::Outcome;
use super::tally::Episode;
use crate::engine::{RuleSet, Subject, Timestamp};

/// One alert that is not the same under both rule sets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    pub rule: String,
    pub subject: Subject,
    /// What is not the same; for an alert that only one of the two has, that alone.
    pub contrast: BTreeSet<Contrast>,
    pub new: Option<Episode>,
    pub old: Option<Episode>,
}

/// In what an alert of the new rule set differs from that of the old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Contrast {
    OnlyNew,
    OnlyOld,
    Earlier,
    Later,
    Severity,
    /// It ends at another time, or in another way.
    End,
}

impl Contrast {
    /// For people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OnlyNew => "only in new",
            Self::OnlyOld => "only in old",
            Self::Earlier => "earlier",
            Self::Later => "later",
            Self::Severity => "other severity",
            Self::End => "other end",
        }
    }
}

impl Change {
    /// When the alert first fired, under whichever rule set.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        let times = self.new.iter().chain(&self.old).map(|episode| episode.fired_at);
        times.min().unwrap_or_default()
    }
}

/// The alerts of one rule and subject under both rule sets, in the order of time.
#[derive(Default)]
struct Sides<'e> {
    new: Vec<&'e Episode>,
    old: Vec<&'e Episode>,
}

/// Every alert that is not the same under both, in the order of time. Alerts of one rule and subject are compared with those
/// that were open at the same time; rules that have another name now are compared with what they were (`was`).
#[must_use]
pub fn difference(new: &Outcome, new_rules: &RuleSet, old: &Outcome) -> Vec<Change> {
    let mut names: BTreeMap<&str, &str> = BTreeMap::new();
    for rule in &new_rules.rules {
        names.extend(rule.was.iter().map(|was| (was.as_str(), rule.name.as_str())));
    }
    let renamed = |episode: &Episode| match new_rules.rule(&episode.rule) {
        Some(_) => episode.rule.clone(),
        None => names.get(episode.rule.as_str()).map_or_else(|| episode.rule.clone(), |name| (*name).to_owned()),
    };
    let mut pairs: BTreeMap<(String, &Subject), Sides<'_>> = BTreeMap::new();
    for episode in &new.alerts {
        pairs.entry((episode.rule.clone(), &episode.subject)).or_default().new.push(episode);
    }
    for episode in &old.alerts {
        pairs.entry((renamed(episode), &episode.subject)).or_default().old.push(episode);
    }
    let mut changes = Vec::new();
    for ((rule, subject), Sides { new, old }) in pairs {
        for (new, old) in paired(&new, &old) {
            let contrast = contrast(new, old);
            if !contrast.is_empty() {
                let (rule, subject) = (rule.clone(), subject.clone());
                changes.push(Change { rule, subject, contrast, new: new.cloned(), old: old.cloned() });
            }
        }
    }
    changes.sort_by_key(Change::at);
    changes
}

/// Puts alerts of one rule and subject together that were open at the same time; both are in the order of time.
fn paired<'e>(new: &[&'e Episode], old: &[&'e Episode]) -> Vec<(Option<&'e Episode>, Option<&'e Episode>)> {
    let ends = |episode: &Episode| episode.end.as_ref().map_or(Timestamp(i64::MAX), |end| end.at);
    let (mut new, mut old) = (new.iter().copied().peekable(), old.iter().copied().peekable());
    let mut pairs = Vec::new();
    loop {
        match (new.peek(), old.peek()) {
            (None, None) => return pairs,
            (Some(one), Some(other)) if ends(one) < other.fired_at => pairs.push((new.next(), None)),
            (Some(one), Some(other)) if ends(other) < one.fired_at => pairs.push((None, old.next())),
            _ => pairs.push((new.next(), old.next())),
        }
    }
}

fn contrast(new: Option<&Episode>, old: Option<&Episode>) -> BTreeSet<Contrast> {
    let (new, old) = match (new, old) {
        (Some(new), Some(old)) => (new, old),
        (Some(_), None) => return BTreeSet::from([Contrast::OnlyNew]),
        (None, _) => return BTreeSet::from([Contrast::OnlyOld]),
    };
    let end = |episode: &Episode| episode.end.as_ref().map(|end| (end.at, end.state));
    let found = [
        (Contrast::Earlier, new.fired_at < old.fired_at),
        (Contrast::Later, new.fired_at > old.fired_at),
        (Contrast::Severity, new.severity != old.severity),
        (Contrast::End, end(new) != end(old)),
    ];
    found.into_iter().filter(|(_, differs)| *differs).map(|(contrast, _)| contrast).collect()
}
