//! Which receiver is told which identifiers: what an administrator must know before agreeing with a mail or chat
//! provider.

use crate::engine::{Phi, Protection, RuleSet};

/// A class of what messages can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdentifierClass {
    pub name: &'static str,
    /// The least `phi` under which it leaves.
    pub protection: Protection,
}

/// Every class, the least revealing first.
pub const IDENTIFIERS: [IdentifierClass; 9] = [
    class("alert number, rule, severity", Protection::None),
    class("kind of device, site", Protection::None),
    class("serial number", Protection::Ids),
    class("Impilo's device, order, return and patient ids", Protection::Ids),
    class("status, battery, times", Protection::Ids),
    class("tracking numbers", Protection::Ids),
    class("names, birth dates, addresses, phones, emails", Protection::Full),
    class("IMEI, ICCID, SIM, MAC, external ids", Protection::Full),
    class("notes, clinical values", Protection::Full),
];

/// What one receiver is told, and over which channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposure {
    pub receiver: String,
    pub phi: Phi,
    /// As in `email`, `slack` and `pagerduty`, each once.
    pub channels: Vec<&'static str>,
    /// For each of [`IDENTIFIERS`], whether it may leave.
    pub leaves: [bool; IDENTIFIERS.len()],
}

/// The table of receivers against identifiers, receivers in file order.
#[must_use]
pub fn exposure(rules: &RuleSet) -> Vec<Exposure> {
    let row = |receiver: &crate::engine::Receiver| {
        let mut channels: Vec<_> = receiver.channels.iter().map(crate::engine::Channel::kind).collect();
        channels.sort_unstable();
        channels.dedup();
        Exposure {
            receiver: receiver.name.clone(),
            phi: receiver.phi,
            channels,
            leaves: IDENTIFIERS.map(|class| class.protection <= receiver.phi),
        }
    };
    rules.receivers.iter().map(row).collect()
}

const fn class(name: &'static str, protection: Protection) -> IdentifierClass {
    IdentifierClass { name, protection }
}
