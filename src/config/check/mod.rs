//! What conditions and texts may name: known roots and fields, with types and with how far values may travel.

mod clock;
mod condition;
mod names;
mod never;
mod text;
mod trial;

use std::ops::Range;

pub(super) use condition::condition;
pub(super) use names::{Known, article};
pub(super) use text::text;

use super::problem::Level;

/// Something to say about a condition or a text.
pub(super) struct Finding {
    pub level: Level,
    /// Bytes of the source.
    pub at: Range<usize>,
    pub message: String,
    pub help: Option<String>,
}

impl Finding {
    fn error(at: Range<usize>, message: impl Into<String>) -> Self {
        Self { level: Level::Error, at, message: message.into(), help: None }
    }

    fn warning(at: Range<usize>, message: impl Into<String>) -> Self {
        Self { level: Level::Warning, at, message: message.into(), help: None }
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}
