//! A rule that counts, and is new or counts other events than before: what the journal still has is counted for it.

use std::collections::BTreeSet;

use super::order::{Order, Slices};
use super::reader;
use crate::engine::{Position, Rule, RuleSet, Subject, Timestamp};
use crate::store::{Entry, Store, StoreError};
use crate::telemetry;

/// Rows that are looked at for one change of rules: more would keep everything else waiting for too long.
const MOST_ROWS: u64 = 200_000;

/// Counts anew for every rule of the set in force that `old` did not count for. The row `position` brought the rules.
pub(super) fn recount<S: Slices<Error = StoreError>>(
    store: &dyn Store,
    order: &mut Order,
    slices: &mut S,
    old: &RuleSet,
    position: Position,
) -> Result<(), StoreError> {
    let rules = std::sync::Arc::clone(&order.rules);
    let now = order.standing.rules_at;
    let wanted: Vec<(&Rule, Timestamp)> =
        rules.recounts(old).filter_map(|rule| Some((rule, rule.counts_from(now)?))).collect();
    let Some(from) = wanted.iter().map(|(_, from)| *from).min() else { return Ok(()) };
    let begin = first_at(store, from, position)?.max(position.saturating_sub(MOST_ROWS));
    let mut seen = None;
    let mut counted: BTreeSet<(usize, Subject)> = BTreeSet::new();
    let mut after = begin.saturating_sub(1);
    while after + 1 < position {
        let rows = reader::rows(store, after)?;
        let Some((last, _)) = rows.last() else { break };
        after = last.position;
        for (row, read) in rows.iter().filter(|(row, _)| row.position < position) {
            let Entry::Event(kept) = &row.entry else { continue };
            let concerned = wanted.iter().enumerate();
            let concerned = concerned.filter(|(_, (rule, from))| row.at > *from && rule.counts_by(&kept.kind));
            let concerned: Vec<(usize, &Rule)> = concerned.map(|(place, (rule, _))| (place, *rule)).collect();
            if concerned.is_empty() {
                continue;
            }
            // What retention has taken the body from can no longer be counted.
            let Some(read) = read else { continue };
            seen.get_or_insert(row.at);
            let event = read.event(row.position, row.received_at);
            for (place, rule) in concerned {
                if let Some(subject) = order.recount(slices, &event, rule)? {
                    counted.insert((place, subject));
                }
            }
        }
    }
    for (place, subject) in &counted {
        order.recounted(slices, subject, wanted[*place].0)?;
    }
    for (rule, from) in &wanted {
        telemetry::rule_recounted(&rule.name, *from, seen.filter(|seen| seen > from));
    }
    Ok(())
}

/// The first row that came at `from` or later, of those before `end`.
fn first_at(store: &dyn Store, from: Timestamp, end: Position) -> Result<Position, StoreError> {
    let (mut low, mut high) = (1, end);
    while low < high {
        let middle = low + (high - low) / 2;
        match store.journal(middle - 1, 1)?.first() {
            Some(row) if row.position < end && row.at < from => low = row.position.max(middle) + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}
