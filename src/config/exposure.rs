//! Which receiver is told which identifiers: what an administrator must know before agreeing with a mail or chat
//! provider.

use std::collections::BTreeSet;

use crate::engine::{Phi, Protection, RuleSet};

/// A class of what messages can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdentifierClass {
    pub name: &'static str,
    /// The least `phi` under which it leaves.
    pub protection: Protection,
}

/// Every class, the least revealing first.
pub const IDENTIFIERS: [IdentifierClass; 12] = [
    class("alert number, rule, severity, labels of rules and tables", Protection::None),
    class("when an alert began and ended, and how often it was seen", Protection::None),
    class("who has taken an alert on", Protection::None),
    class("kind of device, site", Protection::None),
    class("serial number", Protection::Ids),
    class("Impilo's device, patient, order, return and other ids", Protection::Ids),
    class("status, battery, times of a device, an order or a return", Protection::Ids),
    class("tracking numbers", Protection::Ids),
    class("names, birth dates, addresses, phones, emails", Protection::Full),
    class("IMEI, ICCID, SIM, MAC, external ids", Protection::Full),
    class("notes, to whom an alert is assigned", Protection::Full),
    class("clinical values, and whatever nobody has described", Protection::Full),
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

/// A rule that reads what leaves under `full` alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProtectedReads {
    pub rule: String,
    /// The names, such as `payload.patient.firstName`, in the order of the alphabet.
    pub names: Vec<String>,
}

/// The rules that read what leaves under `full` alone, in file order: in texts it is hidden from every other receiver.
#[must_use]
pub fn protected_reads(rules: &RuleSet) -> Vec<ProtectedReads> {
    let of = |rule: &crate::engine::Rule| {
        let protected = rule.reads.iter().filter(|read| read.protection == Protection::Full);
        let names: BTreeSet<String> = protected.map(|read| read.path.join(".")).collect();
        let names: Vec<String> = names.into_iter().collect();
        (!names.is_empty()).then(|| ProtectedReads { rule: rule.name.to_string(), names })
    };
    rules.rules.iter().filter_map(of).collect()
}

const fn class(name: &'static str, protection: Protection) -> IdentifierClass {
    IdentifierClass { name, protection }
}
