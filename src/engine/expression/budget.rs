//! How much work one evaluation may be.

use std::sync::atomic::{AtomicU64, Ordering};

use cel::ExecutionError;
use cel::common::types::{CelBytes, CelList, CelMap, CelOptional, CelString};
use cel::common::value::Val;
use serde_json_borrow::Value as Json;

use crate::engine::names::Node;
use crate::engine::value::Value;

/// How many steps one evaluation of a condition may take.
///
/// A step is one turn of a loop, one value read, one element of a list that is read, or 64 bytes of a text that is
/// read. Every operation takes at most as long as its operands are large, so this bounds what a payload can make a
/// condition cost: two loops inside one another over 10,000 elements would take a hundred million. It is far more than
/// an honest payload needs.
const STEPS: u64 = 1_000_000;

/// Bytes of a text that make one step.
const TEXT_OF_A_STEP: u64 = 64;

/// How much longer a text takes to be searched for a regular expression than to be read.
const SEARCH: u64 = 4;

/// The steps that it takes to compile a regular expression, and more for each byte of it, and each time a part is
/// repeated.
const PATTERN: (u64, u64, u64) = (100, 10, 20);

/// What is left to spend. It is only shared within one evaluation; it is atomic because CEL asks values to be `Sync`.
pub(super) struct Budget(AtomicU64);

impl Budget {
    pub(super) fn new() -> Self {
        Self(AtomicU64::new(STEPS))
    }

    /// Takes steps away.
    ///
    /// # Errors
    /// When there are not as many left; then there are none from now on, however the evaluation goes on.
    pub(super) fn spend(&self, steps: u64) -> Result<(), ExecutionError> {
        let left = self.0.load(Ordering::Relaxed).saturating_sub(steps);
        self.0.store(left, Ordering::Relaxed);
        if left == 0 { Err(ExecutionError::function_error("budget", "spent")) } else { Ok(()) }
    }

    /// Whether it was not enough.
    pub(super) fn is_spent(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }
}

/// The steps that it takes to read a text.
pub(super) fn steps_of_text(text: &str) -> u64 {
    1 + length(text.len()) / TEXT_OF_A_STEP
}

/// The steps that it takes to read what stands at a name.
pub(super) fn steps_of_node(node: &Node<'_>) -> u64 {
    match node {
        Node::Text(text) => steps_of_text(text),
        Node::Values(values) => 1 + values.iter().map(steps_of_value).sum::<u64>(),
        Node::Json(json) => steps_of_json(json),
        _ => 1,
    }
}

fn steps_of_value(value: &Value) -> u64 {
    match value {
        Value::Text(text) => steps_of_text(text),
        Value::List(values) => 1 + values.iter().map(steps_of_value).sum::<u64>(),
        _ => 1,
    }
}

/// Fields of objects are read one by one, elements of lists all at once.
fn steps_of_json(json: &Json<'_>) -> u64 {
    match json {
        Json::Str(text) => steps_of_text(text),
        Json::Array(items) => 1 + items.iter().map(steps_of_json).sum::<u64>(),
        _ => 1,
    }
}

/// The steps that it takes to read a value once more, which a loop holds.
pub(super) fn steps_of_held(value: &dyn Val) -> u64 {
    if let Some(text) = value.downcast_ref::<CelString>() {
        steps_of_text(text.inner())
    } else if let Some(list) = value.downcast_ref::<CelList>() {
        1 + list.inner().iter().map(|item| steps_of_held(item.as_ref())).sum::<u64>()
    } else if let Some(map) = value.downcast_ref::<CelMap>() {
        1 + map.inner().values().map(|value| steps_of_held(value.as_ref())).sum::<u64>()
    } else if let Some(optional) = value.downcast_ref::<CelOptional>() {
        1 + optional.option().map_or(0, steps_of_held)
    } else if let Some(bytes) = value.downcast_ref::<CelBytes>() {
        1 + length(bytes.inner().len()) / TEXT_OF_A_STEP
    } else {
        1
    }
}

/// The steps that it takes to search a text for a regular expression.
pub(super) fn steps_of_search(text: &str) -> u64 {
    SEARCH * steps_of_text(text)
}

/// The steps that it takes to compile a regular expression. Parts that are repeated a number of times, as by `{40}`,
/// are compiled as often.
pub(super) fn steps_of_pattern(pattern: &str) -> u64 {
    let (least, for_byte, for_repetition) = PATTERN;
    let counts = pattern.split('{').skip(1).filter_map(|rest| rest.split_once('}'));
    let numbers =
        counts.filter_map(|(count, _)| count.rsplit(',').find_map(|number| number.trim().parse::<u64>().ok()));
    let repeated = numbers.fold(1, |all: u64, times| all.saturating_mul(times.max(1)));
    repeated.saturating_mul(for_repetition).saturating_add(least + for_byte * length(pattern.len()))
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
