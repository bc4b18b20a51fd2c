//! What the engine decides, seen through journal, processor and store: scenarios with their whole timeline.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod alerts;
mod any_story;
mod associations;
mod blind;
mod business;
mod carried_over;
mod channels;
mod counting;
mod digests;
mod ends;
mod faults;
mod following;
mod found;
mod groups;
mod held_back;
mod judging;
mod late;
mod linked;
mod messages;
mod parties;
mod payloads;
mod people;
mod preceding;
mod reconciled;
mod recount;
mod routes;
mod rule_changes;
mod shares;
mod silence;
mod states;
mod statuses;
mod storms;
mod urgent;
mod world;
