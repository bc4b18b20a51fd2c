//! YAML 1.2 as a tree of nodes that know their place in the file. Of YAML it takes what needs no explaining: maps,
//! lists and scalars, in block or flow style. Tags, anchors, aliases, merges and several documents are problems.

mod build;
mod locate;
mod plain;
mod slips;
mod syntax;

use std::ops::Range;

pub use build::{parse, parse_with_nulls};
pub use plain::{is_doubtful, plain_truth};
pub use slips::TYPOGRAPHIC;
pub use syntax::quote;

use super::problem::Place;

/// One value of a file.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where it stands; for scalars without the space and comments after them.
    pub place: Place,
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
    /// Where the key stands.
    pub place: Place,
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
    /// Where the bytes `inside` of a scalar's text stand in the file; the whole node where that cannot be told.
    #[must_use]
    pub fn place_inside(&self, inside: Range<usize>) -> Place {
        let Place { source, at } = &self.place;
        let inside = match &self.value {
            Value::Scalar(scalar) => locate::inside(&source.text, at, scalar, inside),
            _ => None,
        };
        Place { source: source.clone(), at: inside.unwrap_or_else(|| at.clone()) }
    }

    /// `text`, which stands here, for use in a message: an ellipsis where it may not be shown.
    #[must_use]
    pub fn quotable<'t>(&self, text: &'t str) -> &'t str {
        self.place.source.quotable(&self.place.at, text)
    }

    /// The bytes of the file that make it.
    #[must_use]
    pub fn written(&self) -> &str {
        self.place.source.text.get(self.place.at.clone()).unwrap_or_default()
    }

    /// Where its first line stands.
    #[must_use]
    pub fn first_line(&self) -> Place {
        let Place { source, at } = self.place.clone();
        let line = self.written().lines().next().unwrap_or_default().trim_end();
        Place { source, at: at.start..at.start + line.len() }
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

impl Entry {
    /// The key for use in a message: an ellipsis where it may not be shown.
    #[must_use]
    pub fn shown(&self) -> &str {
        self.place.source.quotable(&self.place.at, &self.key)
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
