//! Who was told, against who should have been.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::difference::{Difference, Mismatch, Part};
use super::{Message, Story};
use crate::config::{Case, ExpectedMessage, spell_duration};
use crate::engine::{AlertState, Timestamp};

/// Compares the messages that are expected by `look`, for each receiver that one is expected for.
pub(super) fn compare(case: &Case, look: Duration, story: &Story) -> Vec<Mismatch> {
    let mut mismatches = Vec::new();
    let now: Vec<&ExpectedMessage> = case.messages.iter().filter(|expected| expected.at == look).collect();
    let receivers: BTreeSet<&str> = now.iter().map(|expected| expected.receiver.as_str()).collect();
    for receiver in receivers {
        let wanted: Vec<_> = now.iter().filter(|expected| expected.receiver == receiver).copied().collect();
        let earlier = case.messages.iter().filter(|expected| expected.receiver == receiver && expected.at < look);
        let since = earlier.map(|expected| expected.at).max();
        let came = |at: Timestamp| since.is_none_or(|since| at > case.start.plus(since));
        let found = story.messages.iter().filter(|message| message.receiver == receiver && came(message.at));
        let differences = differences(case.start, &wanted, found.collect());
        if let Some(first) = wanted.first().filter(|_| !differences.is_empty()) {
            mismatches.push(Mismatch {
                place: first.place.clone(),
                at: look,
                about: format!("messages to {receiver}"),
                parts: vec![Part { name: "messages", differences }],
            });
        }
    }
    mismatches
}

fn differences(start: Timestamp, wanted: &[&ExpectedMessage], mut found: Vec<&Message>) -> Vec<Difference> {
    let mut differences = Vec::new();
    for expected in wanted.iter().filter(|expected| !expected.is_none()) {
        let says = says(expected);
        match found.iter().position(|message| message.says == says) {
            Some(place) => drop(found.remove(place)),
            None => differences.push(Difference::Missing { what: format!("one of {}", show(&says)), why: None }),
        }
    }
    differences.extend(found.into_iter().map(|message| {
        let again = if message.repeat { ", a reminder" } else { "" };
        let what = format!("one of {} at {}{again}", show(&message.says), spell_duration(message.at.since(start)));
        Difference::Surplus { what, why: None }
    }));
    differences
}

fn says(expected: &ExpectedMessage) -> BTreeMap<AlertState, BTreeSet<String>> {
    let parts = [
        (AlertState::Firing, &expected.firing),
        (AlertState::Resolved, &expected.resolved),
        (AlertState::Expired, &expected.expired),
        (AlertState::Closed, &expected.closed),
    ];
    let said = parts.into_iter().filter(|(_, names)| !names.is_empty());
    said.map(|(state, names)| (state, names.iter().cloned().collect())).collect()
}

/// As in `firing DeviceBatteryLow; resolved DeviceWeakSignal`.
fn show(says: &BTreeMap<AlertState, BTreeSet<String>>) -> String {
    let parts = says.iter().map(|(state, names)| {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        format!("{state} {}", names.join(", "))
    });
    parts.collect::<Vec<_>>().join("; ")
}
