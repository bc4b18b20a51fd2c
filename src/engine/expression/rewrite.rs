//! A condition as it is computed: functions of the clock and of calendars put into operators, and loops made to count.

use cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedEntryExpr, IdedExpr, LiteralValue, MapExpr, StructExpr, operators,
};

use super::reserved::{AGE, BUSINESS_TIME, CALENDARS, DIVISOR, PATTERN, READ, STEP};

/// The function by which conditions read how long ago something was.
const AGE_FUNCTION: &str = "age";

/// The function by which conditions search a text for a regular expression.
const MATCHES: &str = "matches";

/// The name by which conditions read the time.
const NOW: &str = "now";

/// An expression that means the same as another, in terms of reserved names.
pub(super) struct Rewritten {
    pub expression: IdedExpr,
    /// Whether it comes to something else as time goes by.
    pub reads_clock: bool,
}

/// The variables of a loop, and the loop around it.
struct Scope {
    variables: Vec<String>,
    around: Option<usize>,
}

/// Rewrites an expression. What is put in gets no place in the source.
pub(super) fn rewrite(expression: &IdedExpr) -> Rewritten {
    let mut whole = expression.clone();
    let mut reads_clock = false;
    let mut scopes: Vec<Scope> = Vec::new();
    let mut pending: Vec<(&mut IdedExpr, Option<usize>)> = vec![(&mut whole, None)];
    while let Some((part, scope)) = pending.pop() {
        match &mut part.expr {
            Expr::Call(call) => reads_clock |= rewrite_call(call),
            Expr::Comprehension(looped) => count_turns(looped),
            Expr::Ident(name) => {
                if is_variable(&scopes, scope, name) {
                    let read = IdedExpr { id: part.id, expr: std::mem::take(&mut part.expr) };
                    part.expr = Expr::Call(less(READ, read));
                    continue;
                }
                reads_clock |= name.trim_start_matches('.') == NOW;
            }
            _ => {}
        }
        match &mut part.expr {
            Expr::Call(call) => {
                pending.extend(call.target.as_deref_mut().into_iter().chain(&mut call.args).map(|part| (part, scope)));
            }
            Expr::Comprehension(looped) => {
                let variables = [Some(looped.iter_var.clone()), looped.iter_var2.clone()];
                let ComprehensionExpr { iter_range, accu_init, loop_cond, loop_step, result, .. } = &mut **looped;
                scopes.push(Scope { variables: variables.into_iter().flatten().collect(), around: scope });
                let inside = scopes.len().checked_sub(1);
                pending.extend([iter_range, accu_init].map(|part| (part, scope)));
                pending.extend([loop_cond, loop_step, result].map(|part| (part, inside)));
            }
            Expr::Select(select) => pending.push((&mut select.operand, scope)),
            Expr::List(list) => pending.extend(list.elements.iter_mut().map(|part| (part, scope))),
            Expr::Map(MapExpr { entries }) | Expr::Struct(StructExpr { entries, .. }) => {
                pending.extend(entries.iter_mut().flat_map(parts).map(|part| (part, scope)));
            }
            Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => {}
        }
    }
    Rewritten { expression: whole, reads_clock }
}

fn parts(entry: &mut IdedEntryExpr) -> impl Iterator<Item = &mut IdedExpr> {
    let parts = match &mut entry.expr {
        EntryExpr::StructField(field) => [Some(&mut field.value), None],
        EntryExpr::MapEntry(entry) => [Some(&mut entry.key), Some(&mut entry.value)],
    };
    parts.into_iter().flatten()
}

fn is_variable(scopes: &[Scope], scope: Option<usize>, name: &str) -> bool {
    let around = std::iter::successors(scope.and_then(|at| scopes.get(at)), |scope| scopes.get(scope.around?));
    around.into_iter().any(|scope| scope.variables.iter().any(|variable| variable == name))
}

/// Rewrites one call; true where it reads the clock.
fn rewrite_call(call: &mut CallExpr) -> bool {
    match (call.func_name.as_str(), call.target.is_some(), call.args.as_mut_slice()) {
        (AGE_FUNCTION, false, [time]) => *call = less(AGE, std::mem::take(time)),
        (BUSINESS_TIME, false, [name, time]) => {
            let calendar = CallExpr {
                func_name: operators::INDEX.to_owned(),
                target: None,
                args: vec![ident(CALENDARS), std::mem::take(name)],
            };
            *call = subtraction(unplaced(Expr::Call(calendar)), std::mem::take(time));
        }
        (operators::DIVIDE, false, [_, divisor]) => {
            put_behind(DIVISOR, divisor);
            return false;
        }
        (MATCHES, _, [.., pattern]) => {
            let pattern = std::mem::take(pattern);
            let text = call.target.as_deref_mut().or(call.args.first_mut()).map(std::mem::take).unwrap_or_default();
            let compiled = unplaced(Expr::Call(less(PATTERN, pattern)));
            *call = subtraction(compiled, text);
            return false;
        }
        _ => return false,
    }
    true
}

/// Makes every turn of a loop spend a step. The shapes that CEL computes without copying the list so far stay as they
/// are: a list is added to a result, alone or under a condition.
fn count_turns(looped: &mut ComprehensionExpr) {
    if !matches!(looped.loop_cond.expr, Expr::Literal(_)) {
        guard(&mut looped.loop_cond, never());
        return;
    }
    match &mut looped.loop_step.expr {
        Expr::Call(call) if call.func_name == operators::CONDITIONAL => {
            if let Some(condition) = call.args.first_mut() {
                guard(condition, never());
            }
        }
        _ => guard(&mut looped.loop_step, ident(&looped.accu_var)),
    }
}

/// Puts `STEP ? part : otherwise` in the place of a part. Once all is spent, `STEP` is an error, which ends the loop.
fn guard(part: &mut IdedExpr, otherwise: IdedExpr) {
    let args = vec![ident(STEP), std::mem::take(part), otherwise];
    *part = unplaced(Expr::Call(CallExpr { func_name: operators::CONDITIONAL.to_owned(), target: None, args }));
}

fn put_behind(name: &str, part: &mut IdedExpr) {
    *part = unplaced(Expr::Call(less(name, std::mem::take(part))));
}

fn less(name: &str, part: IdedExpr) -> CallExpr {
    subtraction(ident(name), part)
}

fn subtraction(from: IdedExpr, part: IdedExpr) -> CallExpr {
    CallExpr { func_name: operators::SUBSTRACT.to_owned(), target: None, args: vec![from, part] }
}

fn ident(name: &str) -> IdedExpr {
    unplaced(Expr::Ident(name.to_owned()))
}

fn never() -> IdedExpr {
    unplaced(Expr::Literal(LiteralValue::Boolean(false.into())))
}

fn unplaced(expr: Expr) -> IdedExpr {
    IdedExpr { id: 0, expr }
}
