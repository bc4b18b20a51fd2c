//! YAML 1.2 as a tree of nodes that know their place in the file. Of YAML it takes what needs no explaining: maps, lists and
//! scalars, in block or flow style. Tags, anchors, aliases, merges and several documents are problems.

mod build;
mod locate;
mod plain;
mod slips;
mod syntax;

use std::ops::Range;
use std::sync::Arc;

pub use build::parse;
pub use plain::{is_doubtful, plain_truth};
pub use slips::TYPOGRAPHIC;
pub use syntax::quote;

use super::problem::Place;
use super::source::Source;

/// One value of the file.
#[derive(Clone, Debug)]
pub struct Node {
    /// Bytes of the source; for scalars without the space and comments after them.
    pub at: Range<usize>,
    pub value: Value,
}

#[derive(Clone, Debug)]
pub enum Value {
    /// Nothing was written.
    Empty,
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key with its value. Keys are unique within their map.
#[derive(Clone, Debug)]
pub struct Entry {
    pub key: String,
    pub key_at: Range<usize>,
    pub value: Node,
}

#[derive(Clone, Debug)]
pub struct Scalar {
    pub text: String,
    pub style: Style,
    /// Already reported, so that no further complaint about its value helps anybody.
    pub faulty: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    /// `|` or `>`.
    Block,
}

impl Node {
    /// Where the node stands.
    #[must_use]
    pub fn place(&self, source: &Arc<Source>) -> Place {
        Place { source: source.clone(), at: self.at.clone() }
    }

    /// Where the bytes `inside` of a scalar's text stand in the file; the whole node where that cannot be told.
    #[must_use]
    pub fn place_inside(&self, source: &Arc<Source>, inside: Range<usize>) -> Place {
        let at = match &self.value {
            Value::Scalar(scalar) => locate::inside(&source.text, &self.at, scalar, inside),
            _ => None,
        };
        Place { source: source.clone(), at: at.unwrap_or_else(|| self.at.clone()) }
    }

    /// What the node is, for messages about what it should have been.
    #[must_use]
    pub fn describe(&self) -> &'static str {
        match &self.value {
            Value::Empty => "nothing",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
            Value::Scalar(scalar) => scalar.describe(),
        }
    }
}

impl Scalar {
    /// What an unquoted scalar means in YAML 1.2; text where it is quoted.
    #[must_use]
    pub fn describe(&self) -> &'static str {
        match self.style {
            Style::Plain => plain::kind(&self.text).describe(),
            _ => "text",
        }
    }

    /// Whether it is text: quoted, or an unquoted word that is neither a number nor a truth value.
    #[must_use]
    pub fn is_text(&self) -> bool {
        self.style != Style::Plain || plain::kind(&self.text) == plain::Kind::Text
    }
}
