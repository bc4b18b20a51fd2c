//! Conditions of rules: compiled, and checked against what their events and subjects can have.

use crate::config::problem::{Level, Problem};
use crate::config::walk::Walk;
use crate::config::yaml::Node;
use crate::engine::{Condition, EventPattern, Read, SubjectKind};

use super::values::Values;

/// Where a condition or text stands, and so what it can read.
pub(super) struct Scope<'a> {
    pub subject: SubjectKind,
    /// The events at which it is tried.
    pub events: &'a [EventPattern],
    pub settings: &'a Values,
}

/// A condition, and what it reads.
pub(super) fn read(walk: &Walk, node: &Node, _scope: &Scope<'_>) -> Option<(Condition, Vec<Read>)> {
    let source = walk.full_text(node, "\"payload.batteryPercentage <= 20\"")?;
    match Condition::compile(source) {
        Ok(condition) => Some((condition, Vec::new())),
        Err(error) => {
            let place = node.place_inside(&walk.source, error.at);
            walk.add(Problem { level: Level::Error, ..Problem::error(place, error.message) });
            None
        }
    }
}
