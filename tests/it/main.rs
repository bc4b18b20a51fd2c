//! The built program as its users meet it: processes, ports, files, mails and messages.

mod crash;
mod events;
mod harness;
mod outages;
mod program;
mod receiving;
mod rules;
mod spine;
mod watch;
