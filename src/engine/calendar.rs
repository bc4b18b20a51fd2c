//! The hours in which business is done.

/// The hours in which business is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    name: String,
}
