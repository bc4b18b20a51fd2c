//! The simulated fleet: its histories are the same for the same seed, believable, and understood.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod asks;
mod daemon;
mod disturbances;
mod fleet;
mod invariants;
mod oracle;
mod people;
mod pool;
mod run;
mod score;
mod seeds;
mod stored;
mod story;
mod truths;
mod turmoil;

use pulsewarden::engine::Timestamp;
use pulsewarden::simulate::{Fleet, Plan, Webhook};

/// 5 January 2026, noon UTC.
const BEGIN: Timestamp = Timestamp(1_767_614_400_000);

fn plan(seed: u64, devices: u64, days: u32) -> Plan {
    Plan { seed, devices, days, begin: BEGIN }
}

fn webhooks(seed: u64, devices: u64, days: u32) -> Vec<Webhook> {
    Fleet::new(plan(seed, devices, days)).webhooks().collect()
}
