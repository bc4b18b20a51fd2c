//! Delivering against receivers that fail in every way, by a clock that is moved by hand.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod addresses;
mod fallback;
mod hour;
mod lanes;
mod post_office;
mod reloads;
#[path = "../it/stand_in.rs"]
mod stand_in;
mod world;
