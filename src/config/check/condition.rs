//! Conditions: every name exists, types fit, statuses are possible.

use std::ops::Range;

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, SelectExpr, operators};

use super::super::problem::Level;
use super::super::suggest::nearest;
use super::Finding;
use super::clock;
use super::names::{Found, Kind, Known, article};
use super::never;
use super::trial::{self, FUNCTIONS, Unfit};
use crate::engine::{Condition, Protection, RETURN, Read};
use crate::impilo::schema;

/// Checks a condition; gives what there is to say, and what it reads.
pub(in crate::config) fn condition(condition: &Condition, known: &Known<'_>) -> (Vec<Finding>, Vec<Read>) {
    let mut walk = Walk {
        condition,
        known,
        findings: Vec::new(),
        reads: Vec::new(),
        bound: Vec::new(),
        guarded: Vec::new(),
        negated: 0,
    };
    walk.collect_guards(condition.expression());
    let kind = walk.kind(condition.expression());
    if !kind.fits(Kind::Bool) && walk.findings.is_empty() {
        let message = format!("a condition must come to true or false, and this comes to {}", kind.words());
        walk.findings.push(Finding::error(0..condition.source().len(), message));
    }
    if walk.findings.iter().all(|finding| finding.level != Level::Error) {
        let expression = condition.expression();
        let found = never::find(expression, known, &|part| walk.extent(part));
        let found = found.or_else(|| never::always(expression, known, &|part| walk.extent(part)));
        walk.findings.extend(found);
    }
    (walk.findings, walk.reads)
}

struct Walk<'w> {
    condition: &'w Condition,
    known: &'w Known<'w>,
    findings: Vec<Finding>,
    reads: Vec<Read>,
    /// Names that a loop binds.
    bound: Vec<String>,
    /// Paths that `has(…)` asks for somewhere.
    guarded: Vec<String>,
    /// How many negations stand around.
    negated: usize,
}

impl Walk<'_> {
    fn collect_guards(&mut self, expression: &IdedExpr) {
        match &expression.expr {
            Expr::Select(select) => {
                if select.test
                    && let Some(path) = path(expression)
                {
                    self.guarded.push(path.join("."));
                }
                self.collect_guards(&select.operand);
            }
            Expr::Call(call) => {
                call.args.iter().chain(call.target.as_deref()).for_each(|part| self.collect_guards(part));
            }
            _ => {}
        }
    }

    /// The type of an expression; everything wrong inside it is noted.
    fn kind(&mut self, expression: &IdedExpr) -> Kind {
        match &expression.expr {
            Expr::Literal(literal) => match literal {
                LiteralValue::Boolean(_) => Kind::Bool,
                LiteralValue::Double(_) | LiteralValue::Int(_) | LiteralValue::UInt(_) => Kind::Number,
                LiteralValue::String(_) => Kind::Text,
                LiteralValue::Bytes(_) | LiteralValue::Null => Kind::Any,
            },
            Expr::Ident(_) | Expr::Select(_) => self.name(expression),
            Expr::Call(call) => self.call(expression, call),
            Expr::List(list) => {
                for element in &list.elements {
                    self.kind(element);
                }
                Kind::List
            }
            Expr::Comprehension(looped) => {
                self.kind(&looped.iter_range);
                let before = self.bound.len();
                self.bound.extend([looped.iter_var.clone(), looped.accu_var.clone()]);
                self.bound.extend(looped.iter_var2.clone());
                self.kind(&looped.loop_step);
                self.bound.truncate(before);
                Kind::Any
            }
            Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => Kind::Any,
        }
    }

    fn name(&mut self, expression: &IdedExpr) -> Kind {
        let test = matches!(&expression.expr, Expr::Select(select) if select.test);
        let Some(path) = path(expression) else {
            if let Expr::Select(select) = &expression.expr {
                self.kind(&select.operand);
            }
            return Kind::Any;
        };
        if self.bound.iter().any(|bound| bound == path[0]) {
            return Kind::Any;
        }
        match self.known.find(&path) {
            Ok(found) => {
                self.read(&path, found);
                if !test && self.negated > 0 && path[0] == "payload" && !self.guarded.contains(&path.join(".")) {
                    let name = path.join(".");
                    let at = self.whole(expression);
                    self.findings.push(
                        Finding::warning(at, format!("`{name}` may be missing, and then this is unknown, not true"))
                            .help(format!("say what is meant: `!has({name}) || …` or `has({name}) && …`")),
                    );
                }
                if test { Kind::Bool } else { found.kind }
            }
            Err(missing) => {
                let at = self.step(expression, path.len(), missing.step);
                let finding = if missing.perhaps {
                    Finding::warning(at, format!("{}; what Impilo sends there is not documented", missing.message))
                } else {
                    Finding::error(at, missing.message)
                };
                self.findings.push(match missing.help {
                    Some(help) => finding.help(help),
                    None => finding,
                });
                Kind::Any
            }
        }
    }

    fn read(&mut self, path: &[&str], found: Found) {
        let plain = !matches!(path[0], "settings" | "now") && found.kind != Kind::Object;
        if plain {
            let path = path.iter().map(|step| (*step).to_owned()).collect();
            self.reads.push(Read { path, protection: found.protection });
        } else if path[0] == "settings" && path.len() > 1 {
            let path = path.iter().map(|step| (*step).to_owned()).collect();
            self.reads.push(Read { path, protection: Protection::None });
        }
    }

    fn call(&mut self, expression: &IdedExpr, call: &CallExpr) -> Kind {
        let function = call.func_name.as_str();
        let negates = matches!(function, operators::LOGICAL_NOT | operators::NOT_EQUALS);
        self.negated += usize::from(negates);
        let kinds: Vec<Kind> =
            call.target.as_deref().into_iter().chain(&call.args).map(|part| self.kind(part)).collect();
        self.negated -= usize::from(negates);
        match function {
            operators::LOGICAL_AND | operators::LOGICAL_OR | operators::LOGICAL_NOT => {
                for (part, kind) in call.args.iter().zip(&kinds) {
                    if !kind.fits(Kind::Bool) {
                        let at = self.whole(part);
                        let message = format!("this is {}, where true or false is needed", kind.words());
                        self.findings.push(Finding::error(at, message));
                    }
                }
                Kind::Bool
            }
            operators::EQUALS
            | operators::NOT_EQUALS
            | operators::LESS
            | operators::LESS_EQUALS
            | operators::GREATER
            | operators::GREATER_EQUALS => {
                self.compare(expression, call, &kinds);
                Kind::Bool
            }
            operators::IN => {
                self.within(call, &kinds);
                Kind::Bool
            }
            operators::ADD | operators::SUBSTRACT => {
                let fits = self.tried(expression, call, &kinds);
                match kinds.as_slice() {
                    _ if !fits => Kind::Any,
                    [Kind::Time, Kind::Time] => Kind::Span,
                    [Kind::Time, _] | [_, Kind::Time] => Kind::Time,
                    [Kind::Span, _] | [_, Kind::Span] => Kind::Span,
                    [kind, _] => *kind,
                    _ => Kind::Any,
                }
            }
            operators::MULTIPLY | operators::DIVIDE | operators::MODULO | operators::NEGATE => {
                self.tried(expression, call, &kinds);
                Kind::Number
            }
            operators::CONDITIONAL => kinds.get(1).copied().unwrap_or(Kind::Any),
            _ if is_operator(function) => Kind::Any,
            _ => self.function(expression, call, &kinds),
        }
    }

    fn function(&mut self, expression: &IdedExpr, call: &CallExpr, kinds: &[Kind]) -> Kind {
        let function = call.func_name.as_str();
        if let Some(wanted) = clock::arguments(function) {
            let at = self.find_word(expression, function);
            let parts: Vec<_> = call.args.iter().map(|part| (part, self.whole(part))).collect();
            let method = call.target.is_some();
            self.findings.extend(clock::call(function, at, method, wanted, &parts, kinds, self.known));
            return Kind::Span;
        }
        if let Some((_, kind)) = FUNCTIONS.iter().find(|(name, _)| *name == function) {
            self.tried(expression, call, kinds);
            return *kind;
        }
        let known = FUNCTIONS.iter().map(|(name, _)| *name).chain(clock::FUNCTIONS.iter().map(|(name, _)| *name));
        let help = match nearest(function, known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                "functions are age, business_time, duration, timestamp, size, contains, startsWith, endsWith, matches, \
                 and CEL's others"
                    .to_owned()
            }
        };
        let at = self.find_word(expression, function);
        self.findings.push(Finding::error(at, format!("there is no function `{function}`")).help(help));
        Kind::Any
    }

    /// Whether a call can be computed with some values of the right types; what is wrong is noted.
    fn tried(&mut self, expression: &IdedExpr, call: &CallExpr, kinds: &[Kind]) -> bool {
        let function = call.func_name.as_str();
        let Err(unfit) = trial::call(call, kinds) else { return true };
        let parts: Vec<&IdedExpr> = call.target.as_deref().into_iter().chain(&call.args).collect();
        let at = match parts.as_slice() {
            _ if !is_operator(function) => self.find_word(expression, function),
            [left, right] => self.span(left, right).unwrap_or_else(|| self.whole(expression)),
            _ => self.whole(expression),
        };
        let shown = if is_operator(function) { function.trim_matches('_') } else { function };
        self.findings.push(match unfit {
            Unfit::Types => {
                let kinds: Vec<&str> = kinds.iter().map(|kind| kind.words()).collect();
                Finding::error(at, format!("`{shown}` does not take {}", kinds.join(" and ")))
                    .help("this can never be computed, so the condition would never hold")
            }
            Unfit::MixedNumbers => {
                Finding::warning(at, format!("`{shown}` does not take a whole number and a decimal one"))
                    .help("make both decimal, as in `double(device.battery) * 0.5`")
            }
            Unfit::DividesByZero => {
                Finding::error(at, "this divides by zero").help("divide by a number that is not zero")
            }
            Unfit::Value => {
                let literal = parts.iter().rev().find_map(|part| match &part.expr {
                    Expr::Literal(LiteralValue::String(text)) => Some((self.whole(part), text.inner())),
                    _ => None,
                });
                match literal {
                    Some((at, text)) => {
                        let (message, help) = trial::instead(function, text);
                        Finding::error(at, message).help(help)
                    }
                    None => Finding::error(at, format!("`{shown}` cannot be computed with this")),
                }
            }
        });
        false
    }

    /// `in` looks through a list, of which each item can be what is looked for.
    fn within(&mut self, call: &CallExpr, kinds: &[Kind]) {
        let ([needle, haystack], [kind, of]) = (call.args.as_slice(), kinds) else { return };
        if let Expr::List(list) = &haystack.expr {
            for element in &list.elements {
                let found = self.kind(element);
                if kind.fits(found) {
                    self.status(needle, element);
                } else {
                    let (one, other) = (kind.words(), found.words());
                    let finding = Finding::error(
                        self.whole(element),
                        format!("{one} is compared with {other}, which is never true"),
                    );
                    self.findings.push(match found {
                        Kind::Number => finding.help("text stands in quotes"),
                        Kind::Text if *kind == Kind::Number => finding.help("numbers stand without quotes"),
                        _ => finding,
                    });
                }
            }
        } else if !matches!(of, Kind::List | Kind::Any | Kind::Object) {
            let at = self.whole(haystack);
            let written = self.condition.source().get(at.clone()).unwrap_or_default().to_owned();
            let help = match haystack.expr {
                Expr::Literal(_) => format!("put it into brackets: [{written}]"),
                _ => format!("for a part of a text, write {written}.contains(…)"),
            };
            self.findings
                .push(Finding::error(at, format!("`in` looks through a list, and this is {}", of.words())).help(help));
        }
    }

    fn compare(&mut self, expression: &IdedExpr, call: &CallExpr, kinds: &[Kind]) {
        let ([left, right], [left_kind, right_kind]) = (call.args.as_slice(), kinds) else { return };
        if !left_kind.fits(*right_kind) {
            let (one, other) = (left_kind.words(), right_kind.words());
            let at = self.span(left, right).unwrap_or_else(|| self.whole(expression));
            let mut finding = Finding::error(at, format!("{one} is compared with {other}, which is never true"));
            if matches!((left_kind, right_kind), (Kind::Text, Kind::Time) | (Kind::Time, Kind::Text)) {
                finding = finding.help("times in payloads are text: write `timestamp(payload.…)`");
            } else if matches!((left_kind, right_kind), (Kind::Span, Kind::Number) | (Kind::Number, Kind::Span)) {
                finding = finding.help("a length of time has a unit: write `duration(\"72h\")`");
            } else if matches!((left_kind, right_kind), (Kind::Span, Kind::Text) | (Kind::Text, Kind::Span)) {
                finding = finding.help("a condition compares with time of the clock: write `duration(\"72h\")`");
            } else if matches!((left_kind, right_kind), (Kind::Number, Kind::Text)) {
                finding = finding.help("numbers stand without quotes");
            }
            self.findings.push(finding);
        }
        self.status(left, right);
        self.status(right, left);
    }

    /// A status compared with a word that Impilo is not known to use.
    fn status(&mut self, name: &IdedExpr, literal: &IdedExpr) {
        let Expr::Literal(LiteralValue::String(word)) = &literal.expr else { return };
        let Some(kind) = path(name).and_then(|path| self.known.find(&path).ok()).and_then(|found| found.status_of)
        else {
            return;
        };
        let word = word.inner();
        let mut statuses = schema::statuses(kind).peekable();
        if statuses.peek().is_none() || statuses.any(|status| status == word) {
            return;
        }
        let at = self.whole(literal);
        let finding =
            Finding::warning(at, format!("Impilo is not known to give {} the status `{word}`", article(kind)));
        self.findings.push(match nearest(word, schema::statuses(kind)) {
            Some(near) => finding.help(format!("did you mean `{near}`?")),
            None => finding.help(format!("known are {}", schema::statuses(kind).collect::<Vec<_>>().join(", "))),
        });
    }

    /// The bytes of one step of a dotted name.
    fn step(&self, expression: &IdedExpr, steps: usize, step: usize) -> Range<usize> {
        let mut at = expression;
        for _ in step + 1..steps {
            match &at.expr {
                Expr::Select(select) => at = &select.operand,
                _ => break,
            }
        }
        match &at.expr {
            Expr::Select(select) => self.field(at, select),
            _ => self.whole(at),
        }
    }

    /// The field after a dot.
    fn field(&self, expression: &IdedExpr, select: &SelectExpr) -> Range<usize> {
        let source = self.condition.source();
        let from = self.start(expression);
        let found = source.get(from..).and_then(|rest| rest.find(&select.field)).map(|at| from + at);
        found.map_or(0..source.len(), |start| start..start + select.field.len())
    }

    fn find_word(&self, expression: &IdedExpr, word: &str) -> Range<usize> {
        let source = self.condition.source();
        let near = self.start(expression).saturating_sub(word.len() + 1);
        let near = (near..source.len()).find(|at| source.is_char_boundary(*at)).unwrap_or(0);
        let found = source.get(near..).and_then(|rest| rest.find(word)).map(|at| near + at);
        found.or_else(|| source.find(word)).map_or(0..source.len(), |start| start..start + word.len())
    }

    fn start(&self, expression: &IdedExpr) -> usize {
        self.condition.place(expression.id).map_or(0, |place| place.start)
    }

    /// The bytes of a name or a literal, first step to last.
    fn whole(&self, expression: &IdedExpr) -> Range<usize> {
        let mut root = expression;
        while let Expr::Select(select) = &root.expr {
            root = &select.operand;
        }
        let start = self.condition.place(root.id);
        let end = match &expression.expr {
            Expr::Select(select) => Some(self.field(expression, select)),
            _ => self.condition.place(expression.id),
        };
        match (start, end) {
            (Some(start), Some(end)) if start.start < end.end => start.start..end.end,
            _ => 0..self.condition.source().len(),
        }
    }

    /// The bytes of an expression with all that it is made of.
    fn extent(&self, expression: &IdedExpr) -> Option<Range<usize>> {
        let parts: Vec<Range<usize>> = match &expression.expr {
            Expr::Call(call) => {
                call.target.as_deref().into_iter().chain(&call.args).filter_map(|part| self.extent(part)).collect()
            }
            Expr::List(list) => list.elements.iter().filter_map(|part| self.extent(part)).collect(),
            _ => vec![self.whole(expression)],
        };
        let own = self.condition.place(expression.id);
        let start = parts.iter().chain(&own).map(|place| place.start).min()?;
        Some(start..parts.iter().chain(&own).map(|place| place.end).max()?)
    }

    fn span(&self, left: &IdedExpr, right: &IdedExpr) -> Option<Range<usize>> {
        let (left, right) = (self.whole(left), self.whole(right));
        (left.start < right.end).then_some(left.start..right.end)
    }
}

fn is_operator(function: &str) -> bool {
    !function.starts_with(|c: char| c.is_ascii_alphabetic())
}

/// The steps of a dotted name.
pub(super) fn path(expression: &IdedExpr) -> Option<Vec<&str>> {
    let mut steps = Vec::new();
    let mut at = expression;
    loop {
        match &at.expr {
            Expr::Ident(name) => {
                steps.push(if name == RETURN { "return" } else { name.as_str() });
                steps.reverse();
                return Some(steps);
            }
            Expr::Select(select) => {
                steps.push(&select.field);
                at = &select.operand;
            }
            _ => return None,
        }
    }
}
