//! Test cases of rules, run: their events go through the engine, and at the given times what is there is compared with what is
//! expected.

mod alerts;
mod difference;
mod junit;
mod messages;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

pub use difference::{Difference, FieldDifference, Mismatch, Part};
pub use junit::{Tested, junit};

use super::invent::Cast;
use super::run::{Run, Watch};
use crate::config::{Case, CaseEvent, When};
use crate::engine::{Alert, AlertState, Content, Notification, RuleSet, Source, Timestamp, Transition};
use crate::process::Read;

/// What was heard of a run so far.
#[derive(Default)]
pub(super) struct Story {
    /// Alerts that ended, in that order.
    pub ended: Vec<Alert>,
    /// Why each alert moved last.
    pub reasons: BTreeMap<u64, String>,
    pub messages: Vec<Message>,
}

/// A message that somebody would have got, whatever the channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub at: Timestamp,
    pub receiver: String,
    /// The rules of the alerts that it lists, by what it says of these.
    pub says: BTreeMap<AlertState, BTreeSet<String>>,
    pub repeat: bool,
}

/// An event of a case at its time.
pub(super) struct Posted {
    pub received_at: Timestamp,
    pub read: Read,
}

/// Runs a case with `rules`, its own settings included, and gives everything that is not as expected, in the order of time.
#[must_use]
pub fn rehearse(case: &Case, rules: Arc<RuleSet>) -> Vec<Mismatch> {
    let mut posted = posted(case).into_iter().enumerate().peekable();
    let mut run = Run::new(rules);
    let mut story = Story::default();
    let mut mismatches = Vec::new();
    let mut looks: Vec<Duration> = case.expect.iter().map(|expected| expected.at).collect();
    looks.extend(case.messages.iter().map(|expected| expected.at));
    looks.sort_unstable();
    looks.dedup();
    for look in looks {
        let now = case.start.plus(look);
        while let Some((place, event)) = posted.next_if(|(_, event)| event.received_at <= now) {
            take(&mut run, &mut story, place, &event);
        }
        run.wake_until(now, &mut story);
        let expected = case.expect.iter().filter(|expected| expected.at == look);
        mismatches.extend(expected.filter_map(|expected| alerts::compare(expected, case.start, &run, &story)));
        mismatches.extend(messages::compare(case, look, &story));
    }
    mismatches
}

/// Takes the event at this place of a case.
pub(super) fn take(run: &mut Run, story: &mut Story, place: usize, event: &Posted) {
    let position = place as u64 + 1;
    run.take(&event.read.event(position, event.received_at), event.received_at, story);
}

/// The events of a case in the order in which they are received, understood.
pub(super) fn posted(case: &Case) -> Vec<Posted> {
    let mut planned: Vec<(Timestamp, &CaseEvent)> = Vec::new();
    for event in &case.events {
        match event.when {
            When::Once(at) => planned.push((case.start.plus(at), event)),
            When::Series { from, until, every } => {
                let mut at = from;
                while at <= until {
                    planned.push((case.start.plus(at), event));
                    at += every;
                }
            }
        }
    }
    planned.sort_by_key(|(at, _)| *at);
    let mut cast = Cast::default();
    let written = planned.into_iter().enumerate().filter_map(|(place, (received_at, event))| {
        let happened_at = event.late.map_or(received_at, |late| received_at.minus(late));
        let payload = cast.payload(event, happened_at);
        let body = json!({ "id": place + 1, "type": event.kind, "payload": payload }).to_string();
        let id = (place + 1).to_string();
        let read = Read::new(id, event.kind.clone(), Source::Test, body.as_bytes(), received_at)?;
        Some(Posted { received_at, read })
    });
    written.collect()
}

impl Watch for Story {
    fn fired(&mut self, _: &Alert) {}

    fn moved(&mut self, transition: &Transition) {
        self.reasons.insert(transition.alert, transition.reason.to_string());
    }

    fn ended(&mut self, alert: &Alert) {
        self.ended.push(alert.clone());
    }

    fn told(&mut self, notification: &Notification) {
        let Content::Alerts { firing, ended, repeat, .. } = &notification.content else { return };
        let mut says: BTreeMap<AlertState, BTreeSet<String>> = BTreeMap::new();
        for alert in firing.iter().chain(ended) {
            says.entry(alert.state).or_default().insert(alert.rule.clone());
        }
        let message = Message { at: notification.due, receiver: notification.receiver.clone(), says, repeat: *repeat };
        // The same message over another channel of the receiver.
        let mut same_time = self.messages.iter().rev().take_while(|known| known.at == message.at);
        if !same_time.any(|known| *known == message) {
            self.messages.push(message);
        }
    }
}
