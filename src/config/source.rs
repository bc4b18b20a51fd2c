//! The text of one file that people wrote, as diagnostics show it.

use std::fmt;
use std::ops::Range;

/// One file's name and text. What must not be shown is blanked in [`Source::shown`], at the same byte positions.
pub struct Source {
    /// The path as people know it.
    pub name: String,
    pub text: String,
    shown: String,
}

impl Source {
    /// A source of which everything may be shown.
    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self::hiding(name, text, &[])
    }

    /// A source whose `hidden` byte ranges are shown as asterisks.
    #[must_use]
    pub fn hiding(name: impl Into<String>, text: impl Into<String>, hidden: &[Range<usize>]) -> Self {
        let text = text.into();
        let mut shown = text.clone().into_bytes();
        for range in hidden {
            let Some(bytes) = shown.get_mut(range.clone()) else { continue };
            // A range that cuts a character in half would leave invalid text behind.
            if text.is_char_boundary(range.start) && text.is_char_boundary(range.end) {
                bytes.iter_mut().filter(|byte| **byte != b'\n' && **byte != b'\r').for_each(|byte| *byte = b'*');
            }
        }
        let shown = String::from_utf8(shown).unwrap_or_default();
        Self { name: name.into(), text, shown }
    }

    /// The text with secrets blanked; as long as `text`.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// The bytes at `at` for use in a message: an ellipsis where they may not be shown.
    #[must_use]
    pub fn quotable<'t>(&self, at: &Range<usize>, text: &'t str) -> &'t str {
        if self.text.get(at.clone()) == self.shown.get(at.clone()) { text } else { "…" }
    }

    /// Line and column of a byte position, both counted from one; columns count characters.
    #[must_use]
    pub fn line_column(&self, at: usize) -> (usize, usize) {
        let before = self.text.get(..at).unwrap_or(&self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        (line, column)
    }
}

/// Configuration files can hold secrets that somebody pasted, so `Debug` shows the name alone.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Source").field(&self.name).finish()
    }
}
