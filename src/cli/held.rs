//! Why nobody was told of an alert for a time, and what people did about it.

use std::fmt::Write;

use super::output::{instant, printable};
use crate::engine::Alert;
use crate::store::{Store, StoreError};

/// How many acts of people are told.
const TOLD: usize = 100;

/// What held messages about an alert back, and what people did, in words; empty where there was neither.
pub(super) fn in_words(store: &dyn Store, alert: &Alert) -> Result<String, StoreError> {
    let mut out = String::new();
    let suppressions = store.suppressions(alert.number)?;
    if !suppressions.is_empty() {
        out.push_str("\nHeld back\n");
    }
    for held in suppressions {
        let until = held.until.map_or_else(|| "now".to_owned(), instant);
        let _ = writeln!(
            out,
            "  {} to {until}  from {} by {}: {}",
            instant(held.from),
            printable(&held.receiver),
            held.channel,
            held.cause
        );
    }
    let actions = store.actions(Some(alert.number), TOLD)?;
    if !actions.is_empty() {
        out.push_str("\nPeople\n");
    }
    for action in actions.iter().rev() {
        // Notes name people; `pulsewarden audit --phi` shows them.
        let detail = if action.act == "note" { "" } else { action.detail.as_str() };
        let late = if action.done { "" } else { ", too late" };
        let _ = writeln!(
            out,
            "  {}  {}{}{late}: {} by way of {}",
            instant(action.at),
            action.act,
            if detail.is_empty() { String::new() } else { format!(" {}", printable(detail)) },
            printable(&action.by.name),
            printable(&action.by.via)
        );
    }
    if let Some(taken) = &alert.acknowledged {
        let until = taken.until.map_or_else(String::new, |until| format!(" until {}", instant(until)));
        let _ = writeln!(out, "  {} has it{until}", printable(&taken.by));
    }
    if let Some(assignee) = &alert.assignee {
        let _ = writeln!(out, "  assigned to {}", printable(assignee));
    }
    Ok(out)
}
