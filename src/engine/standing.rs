//! What decisions stand on besides subjects and rows.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::effect::Records;
use super::event::Position;
use super::length::Interval;
use super::outage::RETURNS_WITHIN;
use super::people::{Action, Actor};
use super::rule::{Rule, Trigger};
use super::rule_set::RuleSet;
use super::silence::{self, Silence, SilenceRecord};
use super::subject::{Subject, SubjectKind};
use super::time::Timestamp;

/// How many stretches without hearing are remembered.
const MOST_BLIND: usize = 1000;

/// What decisions stand on besides subjects and rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Standing {
    /// The row that brought the rule set in force, and its time.
    pub rules_since: Position,
    pub rules_at: Timestamp,
    /// The row with which each rule about what came before came, where rules were in force before it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub came_with: BTreeMap<SmolStr, Position>,
    /// Kinds of subject that no rule was about before these rules: nobody told them what was heard of their devices.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub deaf_before: BTreeSet<SubjectKind>,
    /// When nothing could be heard: in order, apart from one another.
    pub blind: Vec<Interval>,
    /// The last row that brought blind time, or said that the daemon was away in it, and its time.
    #[serde(skip_serializing_if = "is_zero")]
    pub blind_since: Position,
    pub blind_at: Timestamp,
    /// The last row that made blind time count as heard, so that every deadline is looked at anew, and its time.
    #[serde(skip_serializing_if = "is_zero")]
    pub healed_since: Position,
    pub healed_at: Timestamp,
    /// When the daemon was away last, until it has told of that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub away: Option<Interval>,
    /// Silences that are not over, in the order of their numbers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub silences: Vec<Silence>,
    /// How many silences there have been.
    #[serde(skip_serializing_if = "is_zero")]
    pub silences_made: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Standing {
    /// Another rule set takes the place of `old` with the row `position`, which came `at`.
    pub fn begin(&mut self, old: &RuleSet, new: &RuleSet, position: Position, at: Timestamp) {
        (self.rules_since, self.rules_at) = (position, at);
        let looks_back = |rule: &&Rule| matches!(rule.trigger, Trigger::NotPrecededBy { .. });
        let came_with = new.rules.iter().filter(looks_back).filter_map(|rule| {
            let mut names = std::iter::once(&rule.name).chain(&rule.was);
            let before = names.find(|name| old.rule(name).as_ref().is_some_and(looks_back));
            let came = before.map_or(Some(position), |before| self.came_with.get(before).copied());
            Some((rule.name.clone(), came?))
        });
        self.came_with = came_with.collect();
        let new_kinds =
            SubjectKind::NAMED.into_iter().filter(|kind| new.has_rules_for(*kind) && !old.has_rules_for(*kind));
        self.deaf_before = new_kinds.collect();
    }

    /// Takes in another stretch in which nothing could be heard; those that touch become one.
    pub fn add_blind(&mut self, new: Interval) {
        let mut new = new;
        if new.from >= new.to {
            return;
        }
        self.blind.retain(|known| {
            let apart = known.to < new.from || new.to < known.from;
            if !apart {
                new = Interval { from: known.from.min(new.from), to: known.to.max(new.to) };
            }
            apart
        });
        let place = self.blind.partition_point(|known| known.from < new.from);
        self.blind.insert(place, new);
        // What lies further back than any deadline reaches need not be remembered.
        if self.blind.len() > MOST_BLIND {
            self.blind.remove(0);
        }
    }

    /// What was blind counts as heard, by the row `position` that came `at`; true where deadlines may have been put off by it.
    pub fn heal(&mut self, healed: Interval, position: Position, at: Timestamp) -> bool {
        let before = self.blind.len();
        let mut left = Vec::with_capacity(before + 1);
        let mut met = false;
        for known in self.blind.drain(..) {
            if known.to <= healed.from || healed.to <= known.from {
                left.push(known);
                continue;
            }
            met = true;
            for rest in [
                Interval { from: known.from, to: healed.from.min(known.to) },
                Interval { from: healed.to.max(known.from), to: known.to },
            ] {
                if rest.from < rest.to {
                    left.push(rest);
                }
            }
        }
        self.blind = left;
        // Where it became blind with the row just before, at the same instant, nothing has been decided by that.
        let decided = met && (position != self.blind_since + 1 || at != self.blind_at);
        if decided {
            (self.healed_since, self.healed_at) = (position, at);
        }
        decided
    }

    /// The last row since which every subject has to be looked at once, and its time.
    #[must_use]
    pub fn looked_since(&self) -> (Position, Timestamp) {
        (self.rules_since, self.rules_at).max((self.healed_since, self.healed_at))
    }

    /// Whether the daemon was away and has not told of it yet at `now`, however little time has passed since: what there is to
    /// say goes with that.
    #[must_use]
    pub fn was_away(&self, now: Timestamp) -> bool {
        self.away.is_some_and(|away| now < away.to.plus(RETURNS_WITHIN))
    }

    /// Takes in a new silence, which gets its number; gives the subject that stands for it.
    pub fn add_silence(
        &mut self,
        silence: &Silence,
        position: Position,
        at: Timestamp,
        records: &mut Records,
    ) -> Subject {
        self.silences_made += 1;
        let silence = Silence { number: self.silences_made, ..silence.clone() };
        records.actions.push(action(&silence, &silence.by, "silence", position, at));
        records.silences.push(SilenceRecord { silence: silence.clone(), position, ended_at: None, ended_by: None });
        let subject = silence::subject(silence.number);
        self.silences.push(silence);
        subject
    }

    /// Ends a silence before its time; gives the subject that stands for it, where it was not over yet.
    pub fn end_silence(
        &mut self,
        number: u64,
        by: &Actor,
        position: Position,
        at: Timestamp,
        records: &mut Records,
    ) -> Option<Subject> {
        let place = self.silences.iter().position(|silence| silence.number == number)?;
        let silence = self.silences.remove(place);
        records.actions.push(action(&silence, by, "unsilence", position, at));
        records.silences.push(ended(silence, at, Some(by.clone())));
        Some(silence::subject(number))
    }

    /// Lets go of the silences whose time is over by `at`.
    pub fn silences_over(&mut self, at: Timestamp, records: &mut Records) {
        let over = |silence: &mut Silence| silence.until.is_some_and(|until| until <= at);
        for silence in self.silences.extract_if(.., over) {
            let until = silence.until.unwrap_or(at);
            records.silences.push(ended(silence, until, None));
        }
    }

    /// These alerts have ended: gives the subjects of the silences that were to last no longer.
    pub fn alerts_over(
        &mut self,
        alerts: impl Iterator<Item = u64>,
        at: Timestamp,
        records: &mut Records,
    ) -> Vec<Subject> {
        if self.silences.is_empty() {
            return Vec::new();
        }
        let over: BTreeSet<u64> = alerts.collect();
        let done = |silence: &mut Silence| {
            silence.alerts.retain(|alert| !over.contains(alert));
            silence.until.is_none() && silence.alerts.is_empty()
        };
        let mut subjects = Vec::new();
        for silence in self.silences.extract_if(.., |silence| done(silence)) {
            subjects.push(silence::subject(silence.number));
            records.silences.push(ended(silence, at, None));
        }
        subjects
    }
}

fn ended(silence: Silence, at: Timestamp, by: Option<Actor>) -> SilenceRecord {
    SilenceRecord { silence, position: 0, ended_at: Some(at), ended_by: by }
}

fn action(silence: &Silence, by: &Actor, act: &str, position: Position, at: Timestamp) -> Action {
    Action {
        at,
        position,
        by: by.clone(),
        act: act.to_owned(),
        alert: None,
        silence: Some(silence.number),
        detail: silence.comment.clone(),
        done: true,
    }
}
