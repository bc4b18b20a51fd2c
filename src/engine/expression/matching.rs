//! `matches`, with its patterns compiled once. CEL's own compiles them at every call, which takes longer than all the rest of a
//! condition.

use std::cell::RefCell;
use std::collections::HashMap;

use cel::common::types::{CelBool, CelString};
use cel::{DeclarationError, Env, ExecutionError};
use regex::Regex;

/// The function by which rewritten conditions search a text. No source can spell it.
pub(super) const SEARCH: &str = "@matches";

/// Patterns that a thread keeps compiled: rules have few, and what payloads bring is not kept for long.
const KEPT: usize = 64;

thread_local! {
    static PATTERNS: RefCell<HashMap<String, Regex>> = RefCell::default();
}

/// CEL's functions, and this one.
///
/// # Errors
/// When CEL has a function of that name already.
pub(super) fn add_to(env: &mut Env) -> Result<(), DeclarationError> {
    cel::add_member_overload!(env, fn search: (CelString, CelString) -> Result<CelBool>, name = "@matches")
}

fn search(text: &CelString<'_>, pattern: &CelString<'_>) -> Result<CelBool, ExecutionError> {
    let pattern = pattern.inner();
    PATTERNS.with_borrow_mut(|kept| {
        if let Some(known) = kept.get(pattern) {
            return Ok(CelBool::from(known.is_match(text.inner())));
        }
        let compiled =
            Regex::new(pattern).map_err(|_| ExecutionError::function_error("matches", "not a regular expression"))?;
        let found = compiled.is_match(text.inner());
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(pattern.to_owned(), compiled);
        Ok(CelBool::from(found))
    })
}
