//! What decisions stand on besides subjects and rows.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::event::Position;
use super::length::Interval;
use super::rule::{Rule, Trigger};
use super::rule_set::RuleSet;
use super::subject::SubjectKind;
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
}
