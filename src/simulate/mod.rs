//! Invented histories of whole fleets, as Impilo's webhooks, to measure and to test with months of them.
//!
//! Devices are ordered, delivered, used, forgotten and sent back; batteries run down, coverage fails, parcels are lost.
//! The same [`Plan`] brings the same bytes. Each device has a stream of chance of its own, so one device more leaves
//! the others' lives alone. What is really wrong is told beside the webhooks ([`Truth`]), whoever notices it.
//! [`Disturbed`] brings the webhooks as a receiver gets them: late, twice, out of order, or never.

pub mod account;
mod catalog;
mod chance;
mod clinic;
mod device;
mod disturb;
mod fleet;
mod person;
mod told;
mod truth;
mod warehouse;
mod world;

pub use device::InShort;
pub use disturb::{ClockSteps, Disturb, Disturbed, Downtime};
pub use fleet::Fleet;
pub use truth::{Problem, Truth};

use crate::engine::Timestamp;

/// Which history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Another seed is another history.
    pub seed: u64,
    /// How many devices there are.
    pub devices: u64,
    /// How many days are told.
    pub days: u32,
    /// When they begin.
    pub begin: Timestamp,
}

/// One webhook.
#[derive(Clone, PartialEq, Eq)]
pub struct Webhook {
    /// When Impilo sends it first.
    pub at: Timestamp,
    /// The envelope's id, which no other webhook of the history has.
    pub id: u64,
    /// The envelope's type.
    pub kind: &'static str,
    /// The whole envelope.
    pub body: Vec<u8>,
}

/// The body is left out.
impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} at {}", self.kind, self.id, self.at)
    }
}

/// Something that happens in a fleet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    Webhook(Webhook),
    /// Something that was wrong and is over, or, at the end of the history, is still wrong.
    Truth(Truth),
}
