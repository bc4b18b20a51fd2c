//! What a subject remembers of a rule between events: what it counts, what it waits for, since when a state holds.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::alert::{Evidence, Reason};
use super::event::Position;
use super::members::Members;
use super::rule::Severity;
use super::slice::Slice;
use super::step::Ground;
use super::time::Timestamp;

/// A rule that fires again and again for one subject within this time flaps.
const FLAPS_WITHIN: Duration = Duration::from_secs(24 * 60 * 60);

/// How often that is counted at most.
const FLAPS_COUNTED: usize = 20;

/// What a subject remembers of one rule. Nothing is kept of rules that have met nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// When what a rule about silence listens for was last heard.
    #[serde(rename = "h", skip_serializing_if = "Option::is_none")]
    pub heard_at: Option<Timestamp>,
    /// Since when `while` has been true; `None` while it is not.
    #[serde(rename = "s", skip_serializing_if = "Option::is_none")]
    pub held_since: Option<Timestamp>,
    /// It was so when the subject's relations ended, and counts for nothing until they begin anew, or it has been otherwise.
    #[serde(rename = "o", skip_serializing_if = "std::ops::Not::not")]
    pub rests: bool,
    /// `while` was true, and is not known now.
    #[serde(rename = "u", skip_serializing_if = "std::ops::Not::not")]
    pub unsure: bool,
    /// The value of the field that `each` names.
    #[serde(rename = "e", skip_serializing_if = "Option::is_none")]
    pub each: Option<String>,
    /// The newest matching events, by their time; no more than the rule needs.
    #[serde(rename = "w", skip_serializing_if = "Vec::is_empty")]
    pub hits: Vec<Hit>,
    /// Where different subjects are counted: each one's newest match within the rule's time.
    #[serde(rename = "m", skip_serializing_if = "Members::is_empty")]
    pub members: Members,
    /// What makes the rest what it is: it counts for nothing once the rule says otherwise.
    #[serde(rename = "d", skip_serializing_if = "Option::is_none")]
    pub shape: Option<u64>,
    /// What fires unless something comes in between.
    #[serde(rename = "p", skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Box<Waiting>>,
    /// When it fired within the last day, oldest first.
    #[serde(rename = "f", skip_serializing_if = "Vec::is_empty")]
    pub fired_at: Vec<Timestamp>,
    /// When the awaited events last happened, newest last; no more than the rule needs.
    #[serde(rename = "a", skip_serializing_if = "Vec::is_empty")]
    pub awaited: Vec<Hit>,
    /// The subject that the first event and the awaited one have in common, where that is another than this.
    #[serde(rename = "l", skip_serializing_if = "Option::is_none")]
    pub link: Option<SmolStr>,
    /// The rule is younger than the subject: what happened before this is not known.
    #[serde(rename = "n", skip_serializing_if = "Option::is_none")]
    pub known_from: Option<Timestamp>,
}

/// An event that was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Hit {
    #[serde(rename = "t")]
    pub at: Timestamp,
    #[serde(rename = "p")]
    pub position: Position,
}

/// What would fire, and waits: for something that should follow, or for late evidence (`grace`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Waiting {
    /// When what would fire happened.
    pub at: Timestamp,
    /// When it was heard.
    pub heard_at: Timestamp,
    pub severity: Severity,
    pub count: u32,
    /// Why it fires, where it does.
    pub reason: Reason,
    pub evidence: Evidence,
}

impl Memory {
    /// Since when `while` counts, where it does.
    pub(super) fn counts_since(&self) -> Option<Timestamp> {
        self.held_since.filter(|_| !self.rests && !self.unsure)
    }

    /// Whether there is nothing in it that is worth keeping.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Notes that the rule fires, and says how many times it did within the last day.
    pub(super) fn fires(&mut self, now: Timestamp) -> u32 {
        self.fired_at.retain(|at| at.plus(FLAPS_WITHIN) > now);
        if self.fired_at.len() >= FLAPS_COUNTED {
            self.fired_at.remove(0);
        }
        self.fired_at.push(now);
        u32::try_from(self.fired_at.len()).unwrap_or(u32::MAX)
    }

    /// Forgets what was under way, as the subject's relations end; what was counted goes with it unless it stays.
    pub(super) fn let_go(&mut self, counted_stays: bool) {
        self.waiting = None;
        if !counted_stays {
            self.hits.clear();
            self.members.clear();
        }
    }
}

/// Brings what is remembered, and what is open, under the names that rules have now; what no rule asks for is forgotten.
/// `judged` is the row of the rule set that the slice was judged by before.
pub(super) fn carry_over(ground: Ground<'_>, slice: &mut Slice, judged: Position) {
    let Ground { rules, standing } = ground;
    let kind = slice.subject.kind;
    for rule in &rules.rules {
        for old in rule.was.iter().filter(|old| rules.rule(old).is_none()) {
            rename(slice, old, &rule.name);
        }
        let concerned = rule.subject == kind || rule.trigger.awaited().is_some_and(|(_, same)| same == kind);
        let new = standing.came_with.get(&rule.name).is_some_and(|came| *came > judged);
        // What came before the rule is not known.
        if concerned
            && new
            && let Some(known) = slice.projection.news_at
        {
            slice.memory(&rule.name).known_from = Some(known);
        }
    }
    let projection = &mut slice.projection;
    let before = projection.rules.len() + projection.awaiting.len();
    projection.rules.retain(|name, memory| rules.rule(name).is_some() && !memory.is_empty());
    projection.awaiting.retain(|name, _| rules.rule(name).is_some());
    slice.dirty |= projection.rules.len() + projection.awaiting.len() != before;
}

fn rename(slice: &mut Slice, old: &str, new: &str) {
    let projection = &mut slice.projection;
    if let Some(memory) = projection.rules.remove(old) {
        projection.rules.insert(new.into(), memory);
        slice.dirty = true;
    }
    if let Some(awaiting) = projection.awaiting.remove(old) {
        projection.awaiting.insert(new.into(), awaiting);
        slice.dirty = true;
    }
    if let Some(episodes) = projection.episodes.remove(old) {
        projection.episodes.insert(new.into(), episodes);
        slice.dirty = true;
    }
    if let Some(resolved) = projection.resolved.remove(old) {
        projection.resolved.insert(new.into(), resolved);
    }
    for alert in slice.alerts.iter_mut().filter(|alert| alert.rule == old) {
        new.clone_into(&mut alert.rule);
        alert.changed = true;
    }
}
