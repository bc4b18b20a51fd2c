//! Names as CEL sees them: looked up on access, copied never.

use std::fmt;

use cel::ExecutionError;
use cel::common::traits::Indexer;
use cel::common::types::{CelBool, CelDouble, CelDuration, CelInt, CelList, CelString, CelTimestamp, MAP_TYPE, Type};
use cel::common::value::{CowVal, Val};
use chrono::{DateTime, TimeDelta};
use serde_json_borrow::Value as Json;

use crate::engine::names::Node;

/// A node as a CEL value that borrows what it stands for.
pub(super) fn borrow<'b, 'v>(node: Node<'v>) -> CowVal<'b, 'v> {
    CowVal::Owned(boxed(node))
}

fn boxed<'v>(node: Node<'v>) -> Box<dyn Val + 'v> {
    match node {
        Node::Bool(flag) => Box::new(CelBool::from(flag)),
        Node::Int(number) => Box::new(CelInt::from(number)),
        Node::Float(number) => Box::new(CelDouble::from(number)),
        Node::Text(text) => Box::new(CelString::from(text)),
        Node::Time(at) => {
            let at = DateTime::from_timestamp_millis(at.0).unwrap_or_default();
            Box::new(CelTimestamp::from(at.fixed_offset()))
        }
        Node::Span(millis) => Box::new(CelDuration::from(TimeDelta::milliseconds(millis))),
        Node::Values(values) => {
            let items: Vec<Box<dyn Val + 'v>> = values.iter().map(|value| boxed(Node::value(value))).collect();
            Box::new(CelList::from(items))
        }
        Node::Json(Json::Array(items)) => {
            let items: Vec<Box<dyn Val + 'v>> = items.iter().filter_map(Node::json).map(boxed).collect();
            Box::new(CelList::from(items))
        }
        Node::Json(_) | Node::Event(_) | Node::Settings(_) | Node::State { .. } => Box::new(Object(node)),
    }
}

/// Something with fields.
#[derive(Clone, Copy)]
struct Object<'v>(Node<'v>);

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
        match self.0.child(name.inner()) {
            Some(node) => Ok(CowVal::Owned(boxed(node))),
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
