//! Operators and functions of conditions, tried on values of the types that they will get: what fails on each of them
//! can never be computed.

use std::sync::{Arc, LazyLock};

use cel::common::ast::{CallExpr, Expr, IdedExpr, ListExpr, LiteralValue, operators};
use cel::{Context, Env, ExecutionError, Value as Cel};

use super::super::measure;
use super::names::Kind;

/// What conditions are computed in, without any names.
static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

/// Functions that conditions can call, and what they give.
pub(super) const FUNCTIONS: &[(&str, Kind)] = &[
    ("size", Kind::Number),
    ("contains", Kind::Bool),
    ("startsWith", Kind::Bool),
    ("endsWith", Kind::Bool),
    ("matches", Kind::Bool),
    ("duration", Kind::Span),
    ("timestamp", Kind::Time),
    ("string", Kind::Text),
    ("int", Kind::Number),
    ("uint", Kind::Number),
    ("double", Kind::Number),
    ("bool", Kind::Bool),
    ("dyn", Kind::Any),
    ("type", Kind::Any),
    ("getFullYear", Kind::Number),
    ("getMonth", Kind::Number),
    ("getDate", Kind::Number),
    ("getDayOfMonth", Kind::Number),
    ("getDayOfWeek", Kind::Number),
    ("getDayOfYear", Kind::Number),
    ("getHours", Kind::Number),
    ("getMinutes", Kind::Number),
    ("getSeconds", Kind::Number),
    ("getMilliseconds", Kind::Number),
];

/// Why a call cannot be computed.
pub(super) enum Unfit {
    /// It takes other types.
    Types,
    /// It takes whole numbers or decimal ones, and not one of each.
    MixedNumbers,
    /// A value that stands in the condition itself.
    Value,
    DividesByZero,
}

/// Tries a call whose parts, the target first, are of these kinds.
pub(super) fn call(call: &CallExpr, kinds: &[Kind]) -> Result<(), Unfit> {
    let parts = call.target.as_deref().into_iter().chain(&call.args);
    let Some(samples) = parts.zip(kinds).map(|(part, kind)| samples(part, *kind)).collect::<Option<Vec<_>>>() else {
        return Ok(());
    };
    let arithmetic = [operators::ADD, operators::SUBSTRACT, operators::MULTIPLY, operators::DIVIDE, operators::MODULO];
    let mut fits = false;
    let mut unfit = None;
    for tried in combinations(&samples) {
        let mut parts = tried.into_iter().cloned();
        let target = call.target.as_ref().and_then(|_| parts.next()).map(Box::new);
        let tried = CallExpr { func_name: call.func_name.clone(), target, args: parts.collect() };
        match compute(&IdedExpr { id: 0, expr: Expr::Call(tried) }) {
            Ok(()) => fits = true,
            // What is said of a value says more than what is said of types.
            Err(Unfit::Types) => unfit = unfit.or(Some(Unfit::Types)),
            Err(found) => unfit = Some(found),
        }
    }
    match unfit {
        Some(Unfit::Types) if fits && arithmetic.contains(&&*call.func_name) && has_decimal(call) => {
            Err(Unfit::MixedNumbers)
        }
        Some(unfit) if !fits => Err(unfit),
        _ => Ok(()),
    }
}

fn compute(expression: &IdedExpr) -> Result<(), Unfit> {
    match Cel::resolve_val(expression, &Context::with_env(Arc::clone(&ENVIRONMENT))) {
        Ok(_) => Ok(()),
        Err(
            ExecutionError::NoSuchOverload(_)
            | ExecutionError::ValuesNotComparable(..)
            | ExecutionError::UnsupportedBinaryOperator(..)
            | ExecutionError::UnexpectedType { .. },
        ) => Err(Unfit::Types),
        Err(ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_)) => Err(Unfit::DividesByZero),
        Err(_) => Err(Unfit::Value),
    }
}

/// What stands in the condition itself, or a value of each type that a part can have; `None` where that is not known.
fn samples(part: &IdedExpr, kind: Kind) -> Option<Vec<IdedExpr>> {
    if matches!(part.expr, Expr::Literal(_)) {
        return Some(vec![part.clone()]);
    }
    let literal = |value: LiteralValue| IdedExpr { id: 0, expr: Expr::Literal(value) };
    let text = |text: &str| literal(LiteralValue::String(text.to_owned().into()));
    let whole = || literal(LiteralValue::Int(1.into()));
    let made = |function: &str, from: &str| {
        let made = CallExpr { func_name: function.to_owned(), target: None, args: vec![text(from)] };
        IdedExpr { id: 0, expr: Expr::Call(made) }
    };
    let decimal = || literal(LiteralValue::Double(1.0.into()));
    if let (Kind::Number, Expr::Call(call)) = (kind, &part.expr) {
        match call.func_name.as_str() {
            "double" => return Some(vec![decimal()]),
            name if FUNCTIONS.iter().any(|(function, _)| *function == name) => return Some(vec![whole()]),
            _ => {}
        }
    }
    Some(match kind {
        Kind::Bool => vec![literal(LiteralValue::Boolean(true.into()))],
        Kind::Number => vec![whole(), decimal()],
        // Digits, so that it can be made a number.
        Kind::Text => vec![text("1"), text("1s"), text("2026-01-31T08:00:00Z"), text("true")],
        Kind::Id => vec![whole(), text("1")],
        Kind::Time => vec![made("timestamp", "2026-01-31T08:00:00Z")],
        Kind::Span => vec![made("duration", "1s")],
        Kind::List => vec![IdedExpr { id: 0, expr: Expr::List(ListExpr::default()) }],
        Kind::Object | Kind::Any => return None,
    })
}

/// One of each, in every way.
fn combinations(samples: &[Vec<IdedExpr>]) -> Vec<Vec<&IdedExpr>> {
    samples.iter().fold(vec![Vec::new()], |all, part| {
        all.iter().flat_map(|begun| part.iter().map(|one| [begun.as_slice(), &[one]].concat())).collect()
    })
}

fn has_decimal(call: &CallExpr) -> bool {
    call.args.iter().any(|part| matches!(part.expr, Expr::Literal(LiteralValue::Double(_))))
}

/// What to write instead of a text that a function cannot read.
pub(super) fn instead(function: &str, text: &str) -> (String, String) {
    match function {
        "duration" => {
            let meant =
                measure::duration(text).ok().or_else(|| measure::duration(&measure::meant_duration(text)?).ok());
            let hours = meant.map_or(72, |meant| meant.as_secs() / 3600);
            let example = if hours > 0 { format!("{hours}h") } else { "90m".to_owned() };
            (
                format!("`{text}` is no length of time in a condition"),
                format!("write a number with h, m or s, as in duration(\"{example}\")"),
            )
        }
        "timestamp" => (
            format!("`{text}` is no time in a condition"),
            "write it whole, with its zone, as in timestamp(\"2026-01-31T08:00:00Z\")".to_owned(),
        ),
        "matches" => (
            format!("`{text}` is not a regular expression"),
            "for a sign that has a meaning in one, write a backslash before it, or use contains(…)".to_owned(),
        ),
        _ => (format!("`{function}` cannot read `{text}`"), "write a value that it can read".to_owned()),
    }
}
