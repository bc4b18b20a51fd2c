//! An invented fleet and what happens to it: envelopes as Impilo sends them. Every person and number is made up.

mod cast;
mod story;
mod stream;

use std::time::Duration;

use serde_json::Value;

pub use story::story;
pub use stream::webhook;

/// One webhook of the story.
#[derive(Clone, Debug)]
pub struct Moment {
    /// How long after the moment before.
    pub after: Duration,
    /// What happens, for the reader.
    pub caption: &'static str,
    pub body: Value,
}
