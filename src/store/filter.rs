//! Which alerts are read.

use crate::engine::{AlertState, Subject, Timestamp};

/// Which alerts to read; every field narrows.
#[derive(Clone, Debug, Default)]
pub struct AlertFilter {
    pub number: Option<u64>,
    pub state: Option<AlertState>,
    pub subject: Option<Subject>,
    /// Of rules that are tried out, or of the others.
    pub shadow: Option<bool>,
    /// Moved to its present state at or after this instant.
    pub moved_from: Option<Timestamp>,
    /// Moved to its present state before this instant.
    pub moved_before: Option<Timestamp>,
    /// Fired at or after this instant, as Pulsewarden noticed it.
    pub noticed_from: Option<Timestamp>,
    /// Fired before this instant.
    pub noticed_before: Option<Timestamp>,
    pub order: AlertOrder,
    pub limit: usize,
}

/// Which alerts come first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AlertOrder {
    /// The highest number.
    #[default]
    Newest,
    /// The highest severity, and of these the one that fired first.
    MostUrgent,
}
