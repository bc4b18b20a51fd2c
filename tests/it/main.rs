//! The built program as its users meet it: processes, ports, files, mails and messages.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod account;
mod answers;
mod crash;
mod delivering;
mod digests;
mod doubts;
mod events;
mod explain;
mod fleet;
mod harness;
mod ledger;
mod impilo;
mod life;
mod mail;
mod manners;
mod meanwhile;
mod outages;
mod people;
mod program;
mod protected;
mod read_back;
mod receiving;
mod recovery;
mod reloading;
mod rotation;
mod rules;
mod simulated;
mod spine;
mod stand_in;
mod stepped_over;
mod templates;
mod test_webhook;
mod threads;
mod watch;
