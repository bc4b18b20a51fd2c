//! Names as CEL sees them: looked up on access, copied never.

use std::fmt;

use cel::ExecutionError;
use cel::common::traits::Indexer;
use cel::common::types::{CelBool, CelDouble, CelDuration, CelInt, CelList, CelString, CelTimestamp, MAP_TYPE, Type};
use cel::common::value::{CowVal, Val};
use chrono::{DateTime, FixedOffset, TimeDelta};
use serde_json_borrow::Value as Json;

use super::budget::{Budget, steps_of_node};
use crate::engine::names::Node;
use crate::engine::time::Timestamp;

/// The first and the last instant that CEL knows, in milliseconds since 1970: the years 1 to 9999.
const CEL_TIMES: (i64, i64) = (-62_135_596_800_000, 253_402_300_799_999);

/// The longest length of time that CEL knows, in milliseconds: 292 years, which are as many nanoseconds as it can
/// count.
const CEL_SPAN: i64 = i64::MAX / 1_000_000;

/// A node as a CEL value that borrows what it stands for; reading it spends steps.
///
/// # Errors
/// When there are not enough of them left.
pub(super) fn borrow<'v>(node: Node<'v>, budget: &'v Budget) -> Result<Box<dyn Val + 'v>, ExecutionError> {
    budget.spend(steps_of_node(&node))?;
    Ok(boxed(node, budget))
}

/// An instant as CEL has it. What lies outside of the years that it knows becomes the nearest one that does not.
pub(super) fn instant(at: Timestamp) -> DateTime<FixedOffset> {
    DateTime::from_timestamp_millis(clamped(at).0).unwrap_or_default().fixed_offset()
}

pub(super) fn clamped(at: Timestamp) -> Timestamp {
    let (first, last) = CEL_TIMES;
    Timestamp(at.0.clamp(first, last))
}

fn boxed<'v>(node: Node<'v>, budget: &'v Budget) -> Box<dyn Val + 'v> {
    match node {
        Node::Bool(flag) => Box::new(CelBool::from(flag)),
        Node::Int(number) => Box::new(CelInt::from(number)),
        Node::Float(number) => Box::new(CelDouble::from(number)),
        Node::Text(text) => Box::new(CelString::from(text)),
        Node::Time(at) => Box::new(CelTimestamp::from(instant(at))),
        Node::Span(millis) => Box::new(CelDuration::from(TimeDelta::milliseconds(millis.clamp(-CEL_SPAN, CEL_SPAN)))),
        Node::Values(values) => {
            let items: Vec<Box<dyn Val + 'v>> = values.iter().map(|value| boxed(Node::value(value), budget)).collect();
            Box::new(CelList::from(items))
        }
        Node::Json(Json::Array(items)) => {
            let items: Vec<Box<dyn Val + 'v>> =
                items.iter().filter_map(Node::json).map(|node| boxed(node, budget)).collect();
            Box::new(CelList::from(items))
        }
        Node::Json(_) | Node::Event(_) | Node::Settings(_) | Node::State { .. } => Box::new(Object { node, budget }),
    }
}

/// Something with fields.
#[derive(Clone, Copy)]
struct Object<'v> {
    node: Node<'v>,
    budget: &'v Budget,
}

/// Fields may be protected.
impl fmt::Debug for Object<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Object(…)")
    }
}

impl<'v> Val for Object<'v> {
    fn get_type(&self) -> &Type {
        &MAP_TYPE
    }

    fn cel_type() -> &'static Type {
        &MAP_TYPE
    }

    fn as_indexer<'b, 'w>(&'b self) -> Option<&'b (dyn Indexer + 'w)>
    where
        Self: 'w,
    {
        Some(self)
    }

    fn into_indexer<'w>(self: Box<Self>) -> Option<Box<dyn Indexer + 'w>>
    where
        Self: 'w,
    {
        Some(self)
    }

    fn clone_as_boxed<'w>(&self) -> Box<dyn Val + 'w>
    where
        Self: 'w,
    {
        Box::new(*self)
    }
}

impl<'v> Indexer for Object<'v> {
    fn get<'b, 'w>(&'b self, key: &dyn Val) -> Result<CowVal<'b, 'w>, ExecutionError>
    where
        Self: 'w,
    {
        let Some(name) = key.downcast_ref::<CelString>() else {
            return Err(ExecutionError::UnexpectedType {
                got: key.get_type().name().to_owned(),
                want: "string".to_owned(),
            });
        };
        match self.node.child(name.inner()) {
            Some(node) => borrow(node, self.budget).map(CowVal::Owned),
            None => Err(ExecutionError::no_such_key(name.inner())),
        }
    }

    fn steal<'w>(self: Box<Self>, key: &dyn Val) -> Result<Box<dyn Val + 'w>, ExecutionError>
    where
        Self: 'w,
    {
        self.get(key).map(CowVal::into_owned)
    }
}
