//! Delivering against receivers that fail in every way, by a clock that is moved by hand.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod fallback;
mod hour;
mod lanes;
#[path = "../it/stand_in.rs"]
mod stand_in;
mod world;
