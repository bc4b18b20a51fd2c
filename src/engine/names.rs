//! The names that conditions and texts read, looked up in what a step has at hand.

use std::collections::BTreeMap;

use super::event::Event;
use super::slice::Slice;
use super::state::Record;
use super::time::Timestamp;
use super::value::Value;

/// Everything that a name can come from during one step.
///
/// Roots: `event` (`id`, `type`, `occurred_at`, `received_at`) and `payload` where there is an event; `settings`; `now`;
/// `previous` (the subject's own fields before this input); the subject's own kind (`device`, `order`, …) and the kinds of
/// subject of which it holds a copy. In a rule about a site, an item or a patient, `device` is the event's device.
pub struct Names<'a> {
    pub slice: &'a Slice,
    pub previous: Option<&'a Record>,
    pub event: Option<&'a Event<'a>>,
    pub settings: &'a BTreeMap<String, Value>,
    pub now: Timestamp,
}
