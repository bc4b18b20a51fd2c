//! The ways out: each channel renders and sends in its own way.

use std::time::Duration;

/// What became of one attempt to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// Accepted; the reply, shortened.
    Delivered { reply: String },
    /// Not now; `after` is what the other side asked for.
    Retry { after: Option<Duration>, error: String },
    /// Never: trying again would bring the same.
    Rejected { error: String },
}
