//! What was leased is judged by the rules in force before it goes: a receiver may have less, or be gone, by now.

use std::sync::Arc;

use super::{Parts, blocking};
use crate::engine::{Admission, admit};
use crate::store::{Amended, Amendment, Delivery};
use crate::telemetry;

/// What the ledger says of a message that goes nowhere.
const NOWHERE: &str =
    "not sent: in the rules that are in force by now its receiver is not there, or not to be reached this way";

/// Those that go as they are. The others are changed, or given up, and nothing is sent of them.
pub(super) async fn admitted(parts: &Parts, leased: Vec<Delivery>) -> Vec<Delivery> {
    let rules = parts.rule_sets.borrow().clone();
    let (mut go, mut amendments) = (Vec::new(), Vec::new());
    for delivery in leased {
        let becomes = match admit(&delivery.notification, &rules) {
            Admission::AsItIs => {
                go.push(delivery);
                continue;
            }
            Admission::Changed(notification) => Amended::Changed(notification),
            // Nothing is in force yet.
            Admission::Nowhere if rules.hash.is_empty() => Amended::Later,
            Admission::Nowhere => Amended::Over(NOWHERE.to_owned()),
        };
        amendments.push(Amendment { delivery: delivery.id, becomes });
    }
    if !amendments.is_empty() {
        let (store, now) = (Arc::clone(&parts.store), parts.clock.now());
        // What cannot be amended stays leased until its lease ends, and is not sent.
        if let Err(error) = blocking(move || store.amend(&amendments, &rules.hash, now)).await {
            telemetry::outbox_unavailable(&error);
        }
    }
    go
}
