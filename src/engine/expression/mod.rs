//! Conditions: CEL over borrowed names, with unknown as a third value.
//!
//! A condition is computed in a rewritten form (`rewrite`), which holds names that no source can spell (`reserved`): so
//! that it can read how long ago something was, also in open time, and spends steps of a `budget` as it goes.

mod borrowed;
mod budget;
mod matching;
mod paths;
mod quick;
mod reserved;
mod rewrite;

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

use cel::common::ast::{EntryExpr, Expr, IdedEntryExpr, IdedExpr, MapExpr, StructExpr};
use cel::common::value::CowVal;
use cel::context::VariableResolver;
use cel::{Context, Env, ExecutionError, Program, Value as Cel};
use smol_str::SmolStr;

use super::names::Names;
use borrowed::borrow;
use budget::Budget;
use matching::Patterns;
use quick::Quick;
use reserved::BUSINESS_TIME;
use rewrite::rewrite;

/// The longest condition, in bytes.
pub const LONGEST: usize = 4096;

/// How deep brackets may nest: the parser's stack is bounded by it.
pub const DEEPEST: usize = 32;

/// How deep the parts of a condition may lie in one another, as the terms of a sum do too: each takes some of the stack.
pub const DEEPEST_PART: usize = 200;

/// How many loops (`exists`, `all`, `map`, `filter`) may stand inside one another.
pub const LOOPS: usize = 2;

/// How `return` is spelled for the parser.
pub const RETURN: &str = "Return";

/// One environment for all conditions; it holds functions alone.
static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

/// What a condition comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Truth {
    True,
    /// `term` is the source of the part that decided.
    False {
        term: SmolStr,
    },
    /// Something that the condition reads is not known.
    Unknown {
        term: SmolStr,
    },
    /// The condition cannot be computed, as with a type that does not fit.
    Fault {
        error: String,
    },
}

/// Why a condition does not compile, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ConditionError {
    pub message: String,
    /// Bytes of the source.
    pub at: Range<usize>,
}

/// A compiled condition.
pub struct Condition {
    source: String,
    /// As it was written; positions in the source are those of its parts.
    program: Arc<Program>,
    reads_clock: bool,
    /// The patterns that it searches for, once compiled.
    patterns: Patterns,
    /// The parts that `&&` and `||` join, so that the one that decided can be named.
    terms: Terms,
}

/// The shape of a condition above its terms.
enum Terms {
    All(Vec<Terms>),
    Any(Vec<Terms>),
    Term { source: SmolStr, expression: Box<IdedExpr>, quick: Option<Quick> },
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Condition").field(&self.source).finish()
    }
}

impl Condition {
    /// Compiles a condition.
    ///
    /// # Errors
    /// When it is not CEL, or larger than a condition may be.
    pub fn compile(source: &str) -> Result<Self, ConditionError> {
        bounded(source)?;
        let spelled = spelled(source);
        let program = ENVIRONMENT.compile(&spelled).map_err(|errors| {
            let first = errors.errors.first();
            let message = first.map_or_else(|| "not a CEL expression".to_owned(), |error| error.msg.clone());
            let (line, column) = first.map_or((1, 1), |error| error.pos);
            let start = offset(source, line, column);
            ConditionError { message, at: start..end_of_token(source, start) }
        })?;
        let (depth, loops) = nesting(program.expression());
        let message = if depth > DEEPEST_PART {
            Some(format!("its parts lie {depth} deep in one another; at most {DEEPEST_PART} are allowed"))
        } else {
            (loops > LOOPS).then(|| format!("{loops} loops inside one another; at most {LOOPS} are allowed"))
        };
        if let Some(message) = message {
            return Err(ConditionError { message, at: 0..source.len() });
        }
        let whole = rewrite(program.expression());
        let reads_clock = whole.reads_clock;
        let whole = || Terms::term(source.trim(), whole.expression);
        let terms = Terms::of(source.trim()).unwrap_or_else(whole);
        Ok(Self {
            source: source.to_owned(),
            program: Arc::new(program),
            reads_clock,
            patterns: Patterns::default(),
            terms,
        })
    }

    /// The condition as it was written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether it reads the time, and so may come to something else although nothing happens.
    #[must_use]
    pub fn reads_clock(&self) -> bool {
        self.reads_clock
    }

    /// Every dotted name that the condition reads, root first.
    #[must_use]
    pub fn reads(&self) -> Vec<Vec<String>> {
        paths::paths(self.program.expression())
    }

    /// The compiled expression as it was written, for the checker.
    #[must_use]
    pub fn expression(&self) -> &IdedExpr {
        self.program.expression()
    }

    /// The bytes of the token of one part of the expression.
    #[must_use]
    pub fn place(&self, id: u64) -> Option<Range<usize>> {
        let (start, stop) = self.program.source_info().offset_for(id)?;
        let start = usize::try_from(start).ok()?.min(self.source.len());
        let stop = usize::try_from(stop).ok()?.saturating_add(1).min(self.source.len());
        (start < stop && self.source.is_char_boundary(start) && self.source.is_char_boundary(stop))
            .then_some(start..stop)
    }

    /// What the condition comes to with these names. Only [`Truth::True`] may fire or resolve anything.
    #[must_use]
    pub fn holds(&self, names: &Names<'_>) -> Truth {
        self.terms.hold(&Resolver { names: *names, budget: Budget::new(), patterns: &self.patterns })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    True,
    False,
    Unknown,
    Fault(&'static str),
}

/// What the names of one evaluation stand for.
struct Resolver<'a> {
    names: Names<'a>,
    budget: Budget,
    patterns: &'a Patterns,
}

impl VariableResolver for Resolver<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        if variable.starts_with('@') {
            return reserved::resolve(variable, &self.names, &self.budget, self.patterns);
        }
        let node = self.names.root(if variable == RETURN { "return" } else { variable })?;
        borrow(node, &self.budget).ok().map(CowVal::Owned)
    }
}

fn evaluate(expression: &IdedExpr, resolver: &Resolver<'_>) -> Outcome {
    let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
    context.set_variable_resolver(resolver);
    let value = Cel::resolve(expression, &context);
    if resolver.budget.is_spent() {
        return Outcome::Fault("it takes too long");
    }
    match value {
        Ok(Cel::Bool(true)) => Outcome::True,
        Ok(Cel::Bool(false)) => Outcome::False,
        Ok(_) => Outcome::Fault("it gives a value that is neither true nor false"),
        Err(error) => fault(&error),
    }
}

/// What is not there is unknown; everything else is a fault. The text names no value, since values may be protected.
fn fault(error: &ExecutionError) -> Outcome {
    match error {
        ExecutionError::NoSuchKey(_) | ExecutionError::UndeclaredReference(_) | ExecutionError::IndexOutOfBounds(_) => {
            Outcome::Unknown
        }
        ExecutionError::NoSuchOverload(_)
        | ExecutionError::ValuesNotComparable(..)
        | ExecutionError::UnsupportedBinaryOperator(..)
        | ExecutionError::UnexpectedType { .. } => {
            Outcome::Fault("an operator or function got values of types that it does not take")
        }
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => Outcome::Fault("it divides by zero"),
        ExecutionError::Overflow(..) => Outcome::Fault("a number is too large"),
        ExecutionError::FunctionError { function, .. } if function == BUSINESS_TIME => {
            Outcome::Fault("no calendar has this name")
        }
        ExecutionError::FunctionError { .. } => Outcome::Fault("a function refused its argument"),
        _ => Outcome::Fault("it cannot be computed"),
    }
}

impl Terms {
    /// Splits a source at its outermost `||`, then `&&`; `None` where a part does not stand by itself.
    fn of(source: &str) -> Option<Self> {
        for (operator, join) in [("||", Self::Any as fn(Vec<Self>) -> Self), ("&&", Self::All)] {
            let parts = split(source, operator);
            if parts.len() > 1 {
                return parts.into_iter().map(Self::of).collect::<Option<_>>().map(join);
            }
        }
        let program = ENVIRONMENT.compile(&spelled(source)).ok()?;
        Some(Self::term(source, rewrite(program.expression()).expression))
    }

    fn term(source: &str, expression: IdedExpr) -> Self {
        let quick = Quick::of(&expression);
        Self::Term { source: source.into(), expression: Box::new(expression), quick }
    }

    /// Joins the terms as CEL joins its operands: a false one decides an `&&` and a true one an `||`, whatever the others come
    /// to.
    fn hold(&self, resolver: &Resolver<'_>) -> Truth {
        match self {
            Self::Term { source, expression, quick } => {
                let term = || source.clone();
                let decided = quick.as_ref().and_then(|quick| quick.holds(&resolver.names));
                let decided = decided.map(|holds| if holds { Outcome::True } else { Outcome::False });
                match decided.unwrap_or_else(|| evaluate(expression, resolver)) {
                    Outcome::True => Truth::True,
                    Outcome::False => Truth::False { term: term() },
                    Outcome::Unknown => Truth::Unknown { term: term() },
                    Outcome::Fault(error) => Truth::Fault { error: error.to_owned() },
                }
            }
            Self::All(parts) => {
                let mut undecided = None;
                for part in parts {
                    match part.hold(resolver) {
                        Truth::True => {}
                        decided @ Truth::False { .. } => return decided,
                        other => undecided = Some(worse(undecided, other)),
                    }
                }
                undecided.unwrap_or(Truth::True)
            }
            Self::Any(parts) => {
                let (mut undecided, mut failed) = (None, Vec::new());
                for part in parts {
                    match part.hold(resolver) {
                        Truth::True => return Truth::True,
                        Truth::False { term } => failed.push(term),
                        other => undecided = Some(worse(undecided, other)),
                    }
                }
                // Every alternative had to fail.
                undecided.unwrap_or_else(|| Truth::False { term: failed.join(" || ").into() })
            }
        }
    }
}

/// Of two parts that decide nothing the first one tells, but a fault before what is merely unknown.
fn worse(before: Option<Truth>, next: Truth) -> Truth {
    match before {
        Some(before) if matches!(before, Truth::Fault { .. }) || !matches!(next, Truth::Fault { .. }) => before,
        _ => next,
    }
}

/// Splits at an operator outside brackets and quotes.
fn split<'s>(source: &'s str, operator: &str) -> Vec<&'s str> {
    let bytes = source.as_bytes();
    let (mut parts, mut from, mut depth, mut quote) = (Vec::new(), 0, 0_usize, None);
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        match (quote, byte) {
            (Some(_), b'\\') => at += 1,
            (Some(open), close) if open == close => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'(' | b'[' | b'{') => depth += 1,
            (None, b')' | b']' | b'}') => depth = depth.saturating_sub(1),
            (None, b'?') if depth == 0 => return vec![source],
            _ if depth == 0 && source.get(at..).is_some_and(|rest| rest.starts_with(operator)) => {
                parts.push(source.get(from..at).unwrap_or_default().trim());
                at += operator.len();
                from = at;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    parts.push(source.get(from..).unwrap_or_default().trim());
    parts
}

/// `return` is a reserved word of CEL and the name of a kind of subject: the parser is given [`RETURN`] in its place, which
/// is as long, so that every position stays true.
fn spelled(source: &str) -> String {
    let mut text = source.to_owned();
    let mut quote = None;
    for (at, byte) in source.bytes().enumerate() {
        match (quote, byte) {
            (Some(open), close) if open == close => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'r') => {
                let before = source.get(..at).and_then(|text| text.chars().next_back());
                let after = source.get(at + RETURN.len()..).and_then(|text| text.chars().next());
                let word = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
                let whole = !before.is_some_and(word) && after.is_some_and(|c| matches!(c, '.' | ' ' | ')'));
                if whole && source.get(at..).is_some_and(|rest| rest.starts_with("return")) {
                    text.replace_range(at..at + RETURN.len(), RETURN);
                }
            }
            _ => {}
        }
    }
    text
}

fn bounded(source: &str) -> Result<(), ConditionError> {
    if source.len() > LONGEST {
        let message = format!("{} bytes long; at most {LONGEST} are allowed", source.len());
        return Err(ConditionError { message, at: 0..source.len() });
    }
    let mut depth = 0_usize;
    let mut run = 0_usize;
    for (at, byte) in source.bytes().enumerate() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        run = if matches!(byte, b'!' | b'-') {
            run + 1
        } else if byte.is_ascii_whitespace() {
            run
        } else {
            0
        };
        if depth > DEEPEST || run > DEEPEST {
            let message = format!("nested more than {DEEPEST} deep");
            return Err(ConditionError { message, at: at..at + 1 });
        }
    }
    Ok(())
}

/// How deep the parts of an expression lie in one another, and how many loops. Not by recursion, which it is to bound.
fn nesting(expression: &IdedExpr) -> (usize, usize) {
    let (mut deepest, mut most) = (0, 0);
    let mut pending = vec![(expression, 1, 0)];
    while let Some((part, depth, loops)) = pending.pop() {
        deepest = deepest.max(depth);
        most = most.max(loops);
        let mut add = |part, loops| pending.push((part, depth + 1, loops));
        match &part.expr {
            Expr::Call(call) => call.args.iter().chain(call.target.as_deref()).for_each(|part| add(part, loops)),
            Expr::Comprehension(looped) => {
                [&looped.iter_range, &looped.accu_init].into_iter().for_each(|part| add(part, loops));
                let inside = [&looped.loop_cond, &looped.loop_step, &looped.result];
                inside.into_iter().for_each(|part| add(part, loops + 1));
            }
            Expr::Select(select) => add(&select.operand, loops),
            Expr::List(list) => list.elements.iter().for_each(|part| add(part, loops)),
            Expr::Map(MapExpr { entries }) | Expr::Struct(StructExpr { entries, .. }) => {
                entries.iter().flat_map(parts).for_each(|part| add(part, loops));
            }
            Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => {}
        }
    }
    (deepest, most)
}

/// What is computed in an entry of a map.
fn parts(entry: &IdedEntryExpr) -> impl Iterator<Item = &IdedExpr> {
    let parts = match &entry.expr {
        EntryExpr::StructField(field) => [Some(&field.value), None],
        EntryExpr::MapEntry(entry) => [Some(&entry.key), Some(&entry.value)],
    };
    parts.into_iter().flatten()
}

fn offset(source: &str, line: isize, column: isize) -> usize {
    let line = usize::try_from(line).unwrap_or(1).max(1);
    let before: usize = source.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let rest = source.get(before..).unwrap_or_default();
    let column = usize::try_from(column).unwrap_or(1).max(1);
    let within: usize = rest.chars().take(column - 1).map(char::len_utf8).sum();
    (before + within).min(source.len())
}

fn end_of_token(source: &str, start: usize) -> usize {
    let rest = source.get(start..).unwrap_or_default();
    let word: usize = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').map(char::len_utf8).sum();
    let first = rest.chars().next().map_or(0, char::len_utf8);
    start + word.max(first)
}
