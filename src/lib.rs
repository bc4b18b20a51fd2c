//! Device-health alerting beside Impilo. The modules stand in the order of an event's way.

pub mod receive;
pub mod journal;
pub mod impilo;
pub mod store;
pub mod process;
pub mod engine;
pub mod deliver;
pub mod notify;
pub mod digest;
pub mod people;
pub mod account;
pub mod watch;
pub mod api;
pub mod config;
pub mod replay;
pub mod cli;
pub mod demo;
pub mod simulate;
pub mod daemon;
pub mod clock;
pub mod telemetry;
