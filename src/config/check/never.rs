//! Conditions that can never be true, since what they ask of one name excludes itself; and alternatives of which one
//! always holds.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, operators};

use super::Finding;
use super::condition::path;
use super::names::Known;
use crate::engine::{EventPattern, Value};

/// What a condition excludes, where it excludes everything. `at` tells where a part of it stands.
pub(super) fn find(
    expression: &IdedExpr,
    known: &Known<'_>,
    at: &dyn Fn(&IdedExpr) -> Option<Range<usize>>,
) -> Option<Finding> {
    let mut parts = Vec::new();
    conjuncts(expression, &mut parts);
    let mut asked = Asked { known, names: BTreeMap::new() };
    let mut either = Vec::new();
    for part in parts {
        match &part.expr {
            Expr::Call(call) if call.func_name == operators::LOGICAL_OR => either.push(call),
            _ => {
                if let Some(conflict) = asked.add(part, true) {
                    return Some(say(&conflict, at));
                }
            }
        }
    }
    // Of alternatives each must be impossible by itself, beside what is asked anyway.
    either.into_iter().find_map(|call| {
        let mut ways = Vec::new();
        alternatives(call, &mut ways);
        let conflicts: Option<Vec<_>> = ways
            .into_iter()
            .map(|way| {
                let mut asked = asked.clone();
                let mut parts = Vec::new();
                conjuncts(way, &mut parts);
                parts.into_iter().find_map(|part| asked.add(part, true))
            })
            .collect();
        conflicts?.first().map(|conflict| say(conflict, at))
    })
}

/// Alternatives that leave nothing out, as in `status != "a" || status != "b"`.
pub(super) fn always(
    expression: &IdedExpr,
    known: &Known<'_>,
    at: &dyn Fn(&IdedExpr) -> Option<Range<usize>>,
) -> Option<Finding> {
    let mut parts = Vec::new();
    conjuncts(expression, &mut parts);
    parts.into_iter().find_map(|part| {
        let Expr::Call(call) = &part.expr else { return None };
        let mut ways = Vec::new();
        if call.func_name == operators::LOGICAL_OR {
            alternatives(call, &mut ways);
        }
        let mut asked = Asked { known, names: BTreeMap::new() };
        let conflict = ways.into_iter().find_map(|way| asked.add(way, false))?;
        let message = format!("every `{}` is one of these, so this is always true", conflict.name);
        Some(Finding::warning(at(part)?, message).help(match conflict.meant {
            Some(meant) => format!("to leave out several, write !({meant})"),
            None => "join with && instead, or leave this out".to_owned(),
        }))
    })
}

/// Parts that exclude each other.
struct Conflict<'e> {
    name: String,
    parts: Vec<&'e IdedExpr>,
    /// What would be meant by the two together.
    meant: Option<String>,
}

fn say(conflict: &Conflict<'_>, at: &dyn Fn(&IdedExpr) -> Option<Range<usize>>) -> Finding {
    let places: Vec<Range<usize>> = conflict.parts.iter().filter_map(|part| at(part)).collect();
    let start = places.iter().map(|place| place.start).min().unwrap_or(0);
    let end = places.iter().map(|place| place.end).max().unwrap_or(start);
    let alone = conflict.parts.len() == 1;
    let message = match conflict.name.as_str() {
        "event.type" if alone => "the events of this rule are of other types, so this is never true".to_owned(),
        name if alone => format!("no `{name}` is like this, so this is never true"),
        name => format!("no `{name}` is all of this at once, so this is never true"),
    };
    Finding::error(start..end, message).help(match &conflict.meant {
        Some(meant) => format!("for one of several, write {meant}"),
        None if alone => "add the type to `event`, or remove this".to_owned(),
        None => "remove what does not fit, or join with ||".to_owned(),
    })
}

fn conjuncts<'e>(expression: &'e IdedExpr, parts: &mut Vec<&'e IdedExpr>) {
    match &expression.expr {
        Expr::Call(call) if call.func_name == operators::LOGICAL_AND => {
            call.args.iter().for_each(|part| conjuncts(part, parts));
        }
        _ => parts.push(expression),
    }
}

fn alternatives<'e>(call: &'e CallExpr, ways: &mut Vec<&'e IdedExpr>) {
    for part in &call.args {
        match &part.expr {
            Expr::Call(inner) if inner.func_name == operators::LOGICAL_OR => alternatives(inner, ways),
            _ => ways.push(part),
        }
    }
}

/// What is asked of each name so far.
#[derive(Clone)]
struct Asked<'e, 'k> {
    known: &'k Known<'k>,
    names: BTreeMap<String, Values<'e>>,
}

/// The values that a name may still have.
#[derive(Clone, Default)]
struct Values<'e> {
    /// `None`: any text.
    texts: Option<BTreeSet<String>>,
    not_texts: BTreeSet<String>,
    /// Bounds, and whether they are values themselves.
    least: Option<(f64, bool)>,
    most: Option<(f64, bool)>,
    flag: Option<bool>,
    parts: Vec<&'e IdedExpr>,
}

/// A value that stands in a condition, or a setting of it.
enum Given {
    Texts(BTreeSet<String>),
    Number(f64),
}

impl<'e> Asked<'e, '_> {
    /// Takes one more part, which must be true or false; what it conflicts with, if anything.
    fn add(&mut self, part: &'e IdedExpr, holds: bool) -> Option<Conflict<'e>> {
        if let Some(name) = path(part) {
            let test = matches!(&part.expr, Expr::Select(select) if select.test);
            let name = if test { format!("has({})", name.join(".")) } else { name.join(".") };
            return self.narrow(name, part, |values| {
                let fits = values.flag.is_none_or(|flag| flag == holds);
                values.flag = Some(holds);
                fits
            });
        }
        let Expr::Call(call) = &part.expr else { return None };
        match (call.func_name.as_str(), call.args.as_slice()) {
            (operators::LOGICAL_NOT, [inner]) => self.add(inner, !holds),
            (operator, [left, right]) => {
                let list = if operator == operators::IN { texts_of(right) } else { None };
                let operator = if holds { operator } else { negated(operator)? };
                let (name, operator, given) = match list.map(Given::Texts).or_else(|| self.given(right)) {
                    Some(given) => (path(left)?, operator, given),
                    None => (path(right)?, turned(operator)?, self.given(left)?),
                };
                self.narrow(name.join("."), part, |values| values.compare(operator, &given))
            }
            _ => None,
        }
    }

    fn narrow(
        &mut self,
        name: String,
        part: &'e IdedExpr,
        narrow: impl FnOnce(&mut Values<'e>) -> bool,
    ) -> Option<Conflict<'e>> {
        let first = Values { texts: self.types(&name), ..Values::default() };
        let values = self.names.entry(name.clone()).or_insert(first);
        let before = values.texts.clone();
        values.parts.push(part);
        if narrow(values) {
            return None;
        }
        let given = |part: &IdedExpr| match &part.expr {
            Expr::Call(call) if matches!(call.func_name.as_str(), operators::EQUALS | operators::NOT_EQUALS) => {
                call.args.iter().find_map(text_of)
            }
            _ => None,
        };
        // Only what was compared in the same way can be said in one list.
        let same = |part: &&IdedExpr| function(part) == values.parts.first().and_then(|first| function(first));
        let alike = values.parts.iter().all(same);
        let texts: Option<Vec<String>> = values.parts.iter().map(|part| given(part)).collect();
        let meant = texts.filter(|texts| alike && texts.len() > 1 && before.is_some()).map(|texts| {
            let texts: Vec<String> = texts.iter().map(|text| format!("\"{text}\"")).collect();
            format!("{name} in [{}]", texts.join(", "))
        });
        Some(Conflict { name, parts: values.parts.clone(), meant })
    }

    /// The types that events of the rule have, where these are all named.
    fn types(&self, name: &str) -> Option<BTreeSet<String>> {
        let exact = |pattern: &EventPattern| match pattern {
            EventPattern::Exactly(name) => Some(name.clone()),
            EventPattern::Prefix(_) => None,
        };
        let all = || self.known.events.iter().map(exact).collect::<Option<BTreeSet<_>>>();
        if name == "event.type" { all().filter(|types| !types.is_empty()) } else { None }
    }

    fn given(&self, expression: &IdedExpr) -> Option<Given> {
        if let Some(text) = text_of(expression) {
            return Some(Given::Texts(BTreeSet::from([text])));
        }
        match &expression.expr {
            Expr::Literal(_) => number_of(expression).map(Given::Number),
            Expr::Call(call) if call.func_name == operators::NEGATE => {
                call.args.first().and_then(number_of).map(|number| Given::Number(-number))
            }
            _ => match *path(expression)? {
                ["settings", name] => match self.known.settings.get(name)? {
                    Value::Text(text) => Some(Given::Texts(BTreeSet::from([text.to_string()]))),
                    Value::Int(number) => i32::try_from(*number).ok().map(|number| Given::Number(f64::from(number))),
                    Value::Float(number) => Some(Given::Number(*number)),
                    _ => None,
                },
                _ => None,
            },
        }
    }
}

impl Values<'_> {
    /// Whether anything is left.
    fn compare(&mut self, operator: &str, given: &Given) -> bool {
        match (operator, given) {
            (operators::EQUALS | operators::IN, Given::Texts(texts)) => {
                let left = match &self.texts {
                    Some(before) => before.intersection(texts).cloned().collect(),
                    None => texts.clone(),
                };
                self.texts = Some(left);
            }
            (operators::NOT_EQUALS, Given::Texts(texts)) => self.not_texts.extend(texts.iter().cloned()),
            (operators::EQUALS, Given::Number(number)) => {
                self.at_least(*number, true);
                self.at_most(*number, true);
            }
            (operators::LESS, Given::Number(number)) => self.at_most(*number, false),
            (operators::LESS_EQUALS, Given::Number(number)) => self.at_most(*number, true),
            (operators::GREATER, Given::Number(number)) => self.at_least(*number, false),
            (operators::GREATER_EQUALS, Given::Number(number)) => self.at_least(*number, true),
            _ => return true,
        }
        let texts = self.texts.as_ref().is_none_or(|texts| texts.iter().any(|text| !self.not_texts.contains(text)));
        let numbers = match (self.least, self.most) {
            (Some((least, one)), Some((most, other))) => least < most || (one && other && least <= most),
            _ => true,
        };
        texts && numbers
    }

    fn at_least(&mut self, number: f64, itself: bool) {
        let tighter = self.least.is_none_or(|(known, _)| number > known || (number >= known && !itself));
        if tighter {
            self.least = Some((number, itself));
        }
    }

    fn at_most(&mut self, number: f64, itself: bool) {
        let tighter = self.most.is_none_or(|(known, _)| number < known || (number <= known && !itself));
        if tighter {
            self.most = Some((number, itself));
        }
    }
}

fn function(expression: &IdedExpr) -> Option<&str> {
    match &expression.expr {
        Expr::Call(call) => Some(&call.func_name),
        _ => None,
    }
}

fn text_of(expression: &IdedExpr) -> Option<String> {
    match &expression.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner().to_owned()),
        _ => None,
    }
}

/// The texts of a list that has nothing else.
fn texts_of(expression: &IdedExpr) -> Option<BTreeSet<String>> {
    match &expression.expr {
        Expr::List(list) => list.elements.iter().map(text_of).collect(),
        _ => None,
    }
}

fn number_of(expression: &IdedExpr) -> Option<f64> {
    match &expression.expr {
        Expr::Literal(LiteralValue::Int(number)) => i32::try_from(*number.inner()).ok().map(f64::from),
        Expr::Literal(LiteralValue::UInt(number)) => u32::try_from(*number.inner()).ok().map(f64::from),
        Expr::Literal(LiteralValue::Double(number)) => Some(*number.inner()),
        _ => None,
    }
}

/// The comparison that is true where this one is false.
fn negated(operator: &str) -> Option<&'static str> {
    Some(match operator {
        operators::EQUALS | operators::IN => operators::NOT_EQUALS,
        operators::NOT_EQUALS => operators::EQUALS,
        operators::LESS => operators::GREATER_EQUALS,
        operators::LESS_EQUALS => operators::GREATER,
        operators::GREATER => operators::LESS_EQUALS,
        operators::GREATER_EQUALS => operators::LESS,
        _ => return None,
    })
}

/// The comparison with its sides changed.
fn turned(operator: &str) -> Option<&'static str> {
    Some(match operator {
        operators::EQUALS => operators::EQUALS,
        operators::NOT_EQUALS => operators::NOT_EQUALS,
        operators::LESS => operators::GREATER,
        operators::LESS_EQUALS => operators::GREATER_EQUALS,
        operators::GREATER => operators::LESS,
        operators::GREATER_EQUALS => operators::LESS_EQUALS,
        _ => return None,
    })
}
