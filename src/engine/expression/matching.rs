//! The patterns that a condition searches texts for, compiled once. CEL's own `matches` compiles them at every call, which
//! takes longer than all the rest of a condition.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use regex::Regex;

/// Patterns that a condition keeps compiled: most have one, which stands in it or is a setting.
const KEPT: usize = 8;

/// The compiled patterns of one condition. What they are changes no result.
#[derive(Default)]
pub(super) struct Patterns(Mutex<Vec<(String, Regex)>>);

/// A pattern may come from a payload.
impl fmt::Debug for Patterns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Patterns(…)")
    }
}

impl Patterns {
    /// The pattern, compiled; `None` where it is none.
    pub(super) fn get(&self, pattern: &str) -> Option<Regex> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, compiled)) = kept.iter().find(|(known, _)| known == pattern) {
            return Some(compiled.clone());
        }
        let compiled = Regex::new(pattern).ok()?;
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.push((pattern.to_owned(), compiled.clone()));
        Some(compiled)
    }
}
