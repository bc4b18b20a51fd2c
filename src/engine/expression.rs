//! Conditions: CEL over borrowed names, with unknown as a third value.

use super::names::Names;

/// What a condition comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Truth {
    True,
    /// `term` is the source of the part that decided.
    False {
        term: String,
    },
    /// Something that the condition reads is not known.
    Unknown {
        term: String,
    },
    /// The condition cannot be computed, as with a type that does not fit.
    Fault {
        error: String,
    },
}

/// A compiled condition.
#[derive(Debug)]
pub struct Condition {
    source: String,
}

impl Condition {
    /// What the condition comes to with these names. Only [`Truth::True`] may fire or resolve anything.
    #[must_use]
    pub fn holds(&self, _names: &Names<'_>) -> Truth {
        Truth::Unknown { term: self.source.clone() }
    }
}
