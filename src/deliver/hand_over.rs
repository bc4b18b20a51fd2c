//! Fallbacks hear of what a receiver has not been told for too long, while it is still tried.

use std::sync::Arc;
use std::time::Duration;

use super::{Parts, blocking};
use crate::engine::{Content, Fallback, Notification, Receiver, RuleSet, Timestamp, stand_ins};
use crate::store::Overdue;
use crate::telemetry;

/// How often it is looked for what has waited for too long.
const EVERY: Duration = Duration::from_secs(15);

/// After a start, what has waited meanwhile is tried first.
const FIRST: Duration = Duration::from_secs(60);

/// When it is looked for again.
pub(super) struct Fallbacks {
    next: Timestamp,
}

impl Fallbacks {
    pub(super) fn starting(now: Timestamp) -> Self {
        Self { next: now.plus(FIRST) }
    }

    /// Hands over what is overdue, where it is time to look.
    pub(super) async fn look(&mut self, parts: &Parts) {
        let now = parts.clock.now();
        if now < self.next {
            return;
        }
        self.next = now.plus(EVERY);
        let rules = parts.rule_sets.borrow().clone();
        let closed_lanes: Vec<String> = parts.lanes.troubled().into_iter().map(|lane| lane.lane).collect();
        for receiver in &rules.receivers {
            let Some((fallback, after)) = fallback_of(receiver, &rules) else { continue };
            let due_until = now.minus(after);
            let overdue =
                Overdue { receiver: receiver.name.clone(), due_until, closed_lanes: closed_lanes.clone(), now };
            let (store, stands_in) = (Arc::clone(&parts.store), fallback.clone());
            let mut make = move |missed: &Notification| in_place_of(missed, &stands_in, now);
            match blocking(move || store.hand_over(&overdue, &mut make)).await {
                Ok(0) => {}
                Ok(messages) => telemetry::handed_over(&receiver.name, &fallback.name, messages),
                Err(error) => telemetry::outbox_unavailable(&error),
            }
        }
    }
}

fn fallback_of<'r>(receiver: &Receiver, rules: &'r RuleSet) -> Option<(&'r Receiver, Duration)> {
    let Fallback { receiver, after } = receiver.fallback.as_ref()?;
    Some((rules.receiver(receiver)?, *after))
}

/// Only what fires cannot wait until it is given up.
fn in_place_of(missed: &Notification, fallback: &Receiver, now: Timestamp) -> Vec<Notification> {
    match &missed.content {
        Content::Alerts { firing, .. } if !firing.is_empty() => stand_ins(missed, fallback, false, now),
        _ => Vec::new(),
    }
}
