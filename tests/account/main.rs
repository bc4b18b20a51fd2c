//! The stand-in for Impilo: what it answers, what it refuses, how it delivers, and what may go wrong with it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod delivering;
mod documents;
mod facts;
mod objects;
mod program;
mod quirks;
mod world;
