//! The terms that rules are mostly made of, computed without the interpreter: a flag, `has`, a comparison, and what `!`,
//! `&&` and `||` make of these.
//!
//! It gives an answer only where the interpreter could give no other: both sides known, of one type, and of a type that
//! is compared one way only. All else, every error included, is the interpreter's.

use cel::common::ast::{Expr, IdedExpr, LiteralValue, operators};

use super::borrowed::clamped;
use super::paths::path;
use crate::engine::names::{Names, Node, Root};

/// A term that may be computed so.
pub(super) enum Quick {
    Flag(Path),
    Has(Path),
    Not(Box<Quick>),
    All(Vec<Quick>),
    Any(Vec<Quick>),
    Compare(Side, Comparison, Side),
}

/// A dotted name.
pub(super) struct Path {
    root: Root,
    fields: Vec<String>,
}

pub(super) enum Side {
    Path(Path),
    Text(String),
    Int(i64),
    Bool(bool),
}

#[derive(Clone, Copy)]
pub(super) enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Quick {
    /// The term as one of these, where it is.
    pub(super) fn of(expression: &IdedExpr) -> Option<Self> {
        match &expression.expr {
            Expr::Select(select) if select.test => {
                let mut path = Path::of(&select.operand)?;
                path.fields.push(select.field.clone());
                Some(Self::Has(path))
            }
            Expr::Select(_) | Expr::Ident(_) => Path::of(expression).map(Self::Flag),
            Expr::Call(call) if call.target.is_none() => {
                let all = || call.args.iter().map(Self::of).collect::<Option<Vec<_>>>();
                match (call.func_name.as_str(), call.args.as_slice()) {
                    (operators::LOGICAL_NOT, [part]) => Self::of(part).map(|part| Self::Not(Box::new(part))),
                    (operators::LOGICAL_AND, _) => all().map(Self::All),
                    (operators::LOGICAL_OR, _) => all().map(Self::Any),
                    (operator, [left, right]) => {
                        Some(Self::Compare(Side::of(left)?, Comparison::of(operator)?, Side::of(right)?))
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// What it comes to; `None` where that is left to the interpreter.
    pub(super) fn holds(&self, names: &Names<'_>) -> Option<bool> {
        match self {
            Self::Flag(path) => match path.node(names)? {
                Node::Bool(flag) => Some(flag),
                _ => None,
            },
            Self::Has(path) => {
                let (field, holder) = path.fields.split_last()?;
                let holder = holder.iter().try_fold(names.at(path.root)?, |node, name| node.child(name))?;
                holder.is_object().then(|| holder.child(field).is_some())
            }
            Self::Not(part) => part.holds(names).map(|holds| !holds),
            Self::All(parts) => decided(parts, names, false),
            Self::Any(parts) => decided(parts, names, true),
            Self::Compare(left, comparison, right) => comparison.holds(left.node(names)?, right.node(names)?),
        }
    }
}

/// What parts come to together, one of which decides by coming to `deciding`. What stands behind that is never computed.
fn decided(parts: &[Quick], names: &Names<'_>, deciding: bool) -> Option<bool> {
    for part in parts {
        if part.holds(names)? == deciding {
            return Some(deciding);
        }
    }
    Some(!deciding)
}

impl Path {
    fn of(expression: &IdedExpr) -> Option<Self> {
        // `has` looks like the name that it asks for.
        if matches!(&expression.expr, Expr::Select(select) if select.test) {
            return None;
        }
        let mut fields = path(expression)?;
        let root = Root::parse(&fields.remove(0))?;
        Some(Self { root, fields })
    }

    fn node<'a>(&self, names: &Names<'a>) -> Option<Node<'a>> {
        self.fields.iter().try_fold(names.at(self.root)?, |node, name| node.child(name))
    }
}

impl Side {
    fn of(expression: &IdedExpr) -> Option<Self> {
        match &expression.expr {
            Expr::Literal(LiteralValue::String(text)) => Some(Self::Text(text.inner().to_owned())),
            Expr::Literal(LiteralValue::Int(number)) => Some(Self::Int(*number.inner())),
            Expr::Literal(LiteralValue::Boolean(flag)) => Some(Self::Bool(*flag.inner())),
            _ => Path::of(expression).map(Self::Path),
        }
    }

    fn node<'a>(&'a self, names: &Names<'a>) -> Option<Node<'a>> {
        match self {
            Self::Path(path) => path.node(names),
            Self::Text(text) => Some(Node::Text(text)),
            Self::Int(number) => Some(Node::Int(*number)),
            Self::Bool(flag) => Some(Node::Bool(*flag)),
        }
    }
}

impl Comparison {
    fn of(operator: &str) -> Option<Self> {
        match operator {
            operators::EQUALS => Some(Self::Equal),
            operators::NOT_EQUALS => Some(Self::Unequal),
            operators::LESS => Some(Self::Less),
            operators::LESS_EQUALS => Some(Self::LessOrEqual),
            operators::GREATER => Some(Self::Greater),
            operators::GREATER_EQUALS => Some(Self::GreaterOrEqual),
            _ => None,
        }
    }

    fn holds(self, left: Node<'_>, right: Node<'_>) -> Option<bool> {
        match (left, right) {
            (Node::Int(left), Node::Int(right)) => Some(self.orders(&left, &right)),
            (Node::Time(left), Node::Time(right)) => Some(self.orders(&clamped(left), &clamped(right))),
            (Node::Text(left), Node::Text(right)) if self.is_equality() => Some(self.orders(left, right)),
            (Node::Bool(left), Node::Bool(right)) if self.is_equality() => Some(self.orders(&left, &right)),
            _ => None,
        }
    }

    const fn is_equality(self) -> bool {
        matches!(self, Self::Equal | Self::Unequal)
    }

    fn orders<T: Ord + ?Sized>(self, left: &T, right: &T) -> bool {
        match self {
            Self::Equal => left == right,
            Self::Unequal => left != right,
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
        }
    }
}
