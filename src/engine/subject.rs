//! What an event or an alert is about.

use std::fmt;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// The kinds of thing that have a state of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectKind {
    Device,
    Order,
    Return,
    Patient,
    Site,
    /// An Impilo item: a model of device.
    Item,
    Ticket,
    Procurement,
    Transfer,
    PackedKit,
    /// A notification group; stepped like a subject, never named by a rule, as are those below.
    Group,
    /// A silence.
    Silence,
    /// Where alerts meet under an inhibition rule.
    Inhibition,
    /// One way to one receiver: it comes last of what is due at an instant, so that it hears of all of it.
    Outlet,
}

impl SubjectKind {
    /// Every kind that a rule may name, in the order in which documentation lists them.
    pub const NAMED: [Self; 10] = [
        Self::Device,
        Self::Order,
        Self::Return,
        Self::Patient,
        Self::Site,
        Self::Item,
        Self::Ticket,
        Self::Procurement,
        Self::Transfer,
        Self::PackedKit,
    ];

    /// Kinds that notifying has for itself.
    pub const OWN: [Self; 4] = [Self::Group, Self::Silence, Self::Inhibition, Self::Outlet];

    /// Whether a rule may name it.
    #[must_use]
    pub const fn is_named(self) -> bool {
        !matches!(self, Self::Group | Self::Silence | Self::Inhibition | Self::Outlet)
    }

    /// The word for this kind in rules, commands and the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::Order => "order",
            Self::Return => "return",
            Self::Patient => "patient",
            Self::Site => "site",
            Self::Item => "item",
            Self::Ticket => "ticket",
            Self::Procurement => "procurement",
            Self::Transfer => "transfer",
            Self::PackedKit => "packed_kit",
            Self::Group => "group",
            Self::Silence => "silence",
            Self::Inhibition => "inhibition",
            Self::Outlet => "outlet",
        }
    }

    /// The kind with this name, those that no rule names included.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::NAMED.into_iter().chain(Self::OWN).find(|kind| kind.as_str() == name)
    }
}

impl fmt::Display for SubjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One subject: its kind and Impilo's id for it (numeric ids in decimal).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Subject {
    pub kind: SubjectKind,
    pub id: SmolStr,
}

impl Subject {
    #[must_use]
    pub fn new(kind: SubjectKind, id: impl Into<SmolStr>) -> Self {
        Self { kind, id: id.into() }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.id)
    }
}
