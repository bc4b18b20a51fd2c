//! Functions that read the clock: `age(t)` and `business_time("calendar", t)`.

use std::ops::Range;

use cel::common::ast::{Expr, IdedExpr, LiteralValue};

use super::super::suggest::nearest;
use super::Finding;
use super::names::{Kind, Known};

/// The functions, with how one calls them.
pub(super) const FUNCTIONS: [(&str, &str); 2] =
    [("age", "age(device.battery_at)"), ("business_time", "business_time(\"office\", order.status_at)")];

/// What a function takes; `None` for functions that are none of these.
pub(super) fn arguments(function: &str) -> Option<&'static [Kind]> {
    match function {
        "age" => Some(&[Kind::Time]),
        "business_time" => Some(&[Kind::Text, Kind::Time]),
        _ => None,
    }
}

/// What is wrong with a call at `at`, whose arguments stand in `parts`.
pub(super) fn call(
    function: &str,
    at: Range<usize>,
    method: bool,
    wanted: &[Kind],
    parts: &[(&IdedExpr, Range<usize>)],
    kinds: &[Kind],
    known: &Known<'_>,
) -> Option<Finding> {
    let example = FUNCTIONS.iter().find(|(name, _)| *name == function).map_or("", |(_, example)| *example);
    if method || parts.len() != wanted.len() {
        let takes = if wanted.len() == 1 { "a time" } else { "the name of a calendar and a time" };
        return Some(
            Finding::error(at, format!("`{function}` takes {takes} in its brackets"))
                .help(format!("write it as in {example}")),
        );
    }
    for (((_, at), kind), wanted) in parts.iter().zip(kinds).zip(wanted) {
        if !kind.fits(*wanted) {
            let message = format!("`{function}` takes {} here, and this is {}", wanted.words(), kind.words());
            let help = match (wanted, kind) {
                (Kind::Time, Kind::Text) => "times in payloads are text: write timestamp(payload.…)".to_owned(),
                _ => format!("write it as in {example}"),
            };
            return Some(Finding::error(at.clone(), message).help(help));
        }
    }
    let [(name, at), _] = parts else { return None };
    let Expr::Literal(LiteralValue::String(name)) = &name.expr else {
        let help = format!("write the name in quotes, as in {example}");
        return Some(Finding::error(at.clone(), "which calendar this is cannot be told").help(help));
    };
    let name = name.inner();
    if known.more || known.calendars.contains(&name) {
        return None;
    }
    let help = match nearest(name, known.calendars.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.calendars.is_empty() => {
            format!("add it: calendars: {{ {name}: {{ days: mon-fri, from: \"08:00\", … }} }}")
        }
        None => format!("the calendars are {}", known.calendars.join(", ")),
    };
    Some(Finding::error(at.clone(), format!("no calendar is named `{name}`")).help(help))
}
