//! Names that only rewritten conditions hold, and what they stand for. No source can spell them.

use std::fmt;

use cel::common::traits::{Indexer, Subtractor};
use cel::common::types::{CelBool, CelDouble, CelDuration, CelString, CelTimestamp, Kind, Type};
use cel::common::value::{CowVal, Val};
use cel::{ExecutionError, Value as Cel};
use chrono::TimeDelta;
use regex::Regex;

use super::borrowed::instant;
use super::budget::{Budget, steps_of_held, steps_of_pattern, steps_of_search};
use super::matching::Patterns;
use crate::engine::calendar::Calendar;
use crate::engine::names::Names;
use crate::engine::time::Timestamp;

/// `AGE - t` is the time from `t` to now.
pub(super) const AGE: &str = "@age";

/// `CALENDARS["office"] - t` is the open time from `t` to now.
pub(super) const CALENDARS: &str = "@calendars";

/// `x / (DIVISOR - y)` is `x / y`, and fails where `y` is 0.0.
pub(super) const DIVISOR: &str = "@divisor";

/// `READ - x` is `x`, and spends what it takes to read it.
pub(super) const READ: &str = "@read";

/// `PATTERN - p - x` is whether the regular expression `p` is found in `x`; it spends what it takes to compile the one and to
/// search the other.
pub(super) const PATTERN: &str = "@pattern";

/// True, and spends one step.
pub(super) const STEP: &str = "@step";

/// The function by which conditions read open time; errors of it name it.
pub(super) const BUSINESS_TIME: &str = "business_time";

static TYPE: Type = Type::simple_type(Kind::Opaque, "reserved");

/// What stands at a reserved name; `None` where there is no such name, or nothing left to spend.
pub(super) fn resolve<'b>(
    name: &str,
    names: &Names<'b>,
    budget: &'b Budget,
    patterns: &'b Patterns,
) -> Option<CowVal<'b, 'b>> {
    Some(CowVal::owned(match name {
        AGE => Reserved::Age { now: names.now },
        CALENDARS => Reserved::Calendars { names: *names },
        DIVISOR => Reserved::Divisor,
        READ => Reserved::Metered { budget, steps: steps_of_held },
        PATTERN => Reserved::Patterns { patterns, budget },
        STEP => return budget.spend(1).ok().map(|()| CowVal::owned(CelBool::from(true))),
        _ => return None,
    }))
}

#[derive(Clone)]
enum Reserved<'v> {
    Age { now: Timestamp },
    Calendars { names: Names<'v> },
    Open { calendar: &'v Calendar, now: Timestamp },
    Divisor,
    Metered { budget: &'v Budget, steps: fn(&dyn Val) -> u64 },
    Patterns { patterns: &'v Patterns, budget: &'v Budget },
    Pattern { pattern: Regex, budget: &'v Budget },
}

/// Names may hold protected values.
impl fmt::Debug for Reserved<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reserved(…)")
    }
}

impl Val for Reserved<'_> {
    fn get_type(&self) -> &Type {
        &TYPE
    }

    fn cel_type() -> &'static Type {
        &TYPE
    }

    fn as_subtractor<'b, 'w>(&'b self) -> Option<&'b (dyn Subtractor + 'w)>
    where
        Self: 'w,
    {
        Some(self)
    }

    fn as_indexer<'b, 'w>(&'b self) -> Option<&'b (dyn Indexer + 'w)>
    where
        Self: 'w,
    {
        Some(self)
    }

    fn clone_as_boxed<'w>(&self) -> Box<dyn Val + 'w>
    where
        Self: 'w,
    {
        Box::new(self.clone())
    }
}

impl Subtractor for Reserved<'_> {
    fn sub<'b, 'w>(&'b self, operand: &(dyn Val + 'w)) -> Result<CowVal<'b, 'w>, ExecutionError>
    where
        Self: 'w,
    {
        match self {
            Self::Age { now } => span(instant(*now).signed_duration_since(time(operand)?.inner())),
            Self::Open { calendar, now } => {
                let since = Timestamp(time(operand)?.inner().timestamp_millis());
                let open = calendar.open_between(since, *now);
                span(TimeDelta::from_std(open).unwrap_or(TimeDelta::MAX))
            }
            Self::Divisor if operand.downcast_ref::<CelDouble>().is_some_and(|divisor| *divisor.inner() == 0.0) => {
                Err(ExecutionError::DivisionByZero(Cel::Null))
            }
            Self::Divisor => Ok(CowVal::Owned(operand.clone_as_boxed())),
            Self::Metered { budget, steps } => {
                budget.spend(steps(operand))?;
                Ok(CowVal::Owned(operand.clone_as_boxed()))
            }
            Self::Patterns { patterns, budget } => {
                let pattern = text(operand)?;
                budget.spend(steps_of_pattern(pattern))?;
                let pattern =
                    patterns.get(pattern).ok_or_else(|| ExecutionError::function_error("matches", "no pattern"))?;
                Ok(CowVal::owned(Reserved::Pattern { pattern, budget }))
            }
            Self::Pattern { pattern, budget } => {
                let text = text(operand)?;
                budget.spend(steps_of_search(text))?;
                Ok(CowVal::owned(CelBool::from(pattern.is_match(text))))
            }
            Self::Calendars { .. } => Err(unexpected(operand, "a name")),
        }
    }
}

impl<'v> Indexer for Reserved<'v> {
    fn get<'b, 'w>(&'b self, key: &dyn Val) -> Result<CowVal<'b, 'w>, ExecutionError>
    where
        Self: 'w,
    {
        let Self::Calendars { names } = self else { return Err(unexpected(key, "nothing")) };
        let name = key.downcast_ref::<CelString>().ok_or_else(|| unexpected(key, "string"))?;
        let calendar = names.calendars.get(name.inner());
        let calendar: &'v Calendar =
            calendar.ok_or_else(|| ExecutionError::function_error(BUSINESS_TIME, "no such calendar"))?;
        Ok(CowVal::owned(Reserved::Open { calendar, now: names.now }))
    }

    fn steal<'w>(self: Box<Self>, key: &dyn Val) -> Result<Box<dyn Val + 'w>, ExecutionError>
    where
        Self: 'w,
    {
        self.get(key).map(CowVal::into_owned)
    }
}

fn text<'o>(operand: &'o (dyn Val + '_)) -> Result<&'o str, ExecutionError> {
    operand.downcast_ref::<CelString>().map(CelString::inner).ok_or_else(|| unexpected(operand, "string"))
}

fn time<'o>(operand: &'o (dyn Val + '_)) -> Result<&'o CelTimestamp, ExecutionError> {
    operand.downcast_ref::<CelTimestamp>().ok_or_else(|| unexpected(operand, "timestamp"))
}

/// A length of time, where CEL can hold it: up to 292 years.
fn span<'b, 'w>(span: TimeDelta) -> Result<CowVal<'b, 'w>, ExecutionError> {
    match span.num_nanoseconds() {
        Some(_) => Ok(CowVal::owned(CelDuration::from(span))),
        None => Err(ExecutionError::Overflow("sub", Cel::Null, Cel::Null)),
    }
}

fn unexpected(got: &dyn Val, want: &str) -> ExecutionError {
    ExecutionError::UnexpectedType { got: got.get_type().name().to_owned(), want: want.to_owned() }
}
