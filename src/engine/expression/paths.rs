//! The dotted names that a condition reads.

use cel::common::ast::{Expr, IdedExpr, MapExpr, StructExpr};

use super::parts;

/// Every dotted name in an expression, root first; names that a loop binds are left out.
pub(super) fn paths(expression: &IdedExpr) -> Vec<Vec<String>> {
    let mut walk = Walk { found: Vec::new(), bound: Vec::new() };
    walk.of(expression);
    walk.found
}

struct Walk {
    found: Vec<Vec<String>>,
    bound: Vec<String>,
}

impl Walk {
    fn of(&mut self, expression: &IdedExpr) {
        match &expression.expr {
            Expr::Ident(name) => self.add(vec![name.clone()]),
            Expr::Select(select) => match path(expression) {
                Some(path) => self.add(path),
                None => self.of(&select.operand),
            },
            Expr::Call(call) => call.target.as_deref().into_iter().chain(&call.args).for_each(|part| self.of(part)),
            Expr::List(list) => list.elements.iter().for_each(|part| self.of(part)),
            Expr::Comprehension(looped) => {
                self.of(&looped.iter_range);
                self.of(&looped.accu_init);
                let before = self.bound.len();
                self.bound.extend([looped.iter_var.clone(), looped.accu_var.clone()]);
                self.bound.extend(looped.iter_var2.clone());
                for part in [&looped.loop_cond, &looped.loop_step, &looped.result] {
                    self.of(part);
                }
                self.bound.truncate(before);
            }
            Expr::Map(MapExpr { entries }) | Expr::Struct(StructExpr { entries, .. }) => {
                entries.iter().flat_map(parts).for_each(|part| self.of(part));
            }
            Expr::Literal(_) | Expr::Unspecified => {}
        }
    }

    fn add(&mut self, path: Vec<String>) {
        if !self.bound.contains(&path[0]) && !self.found.contains(&path) {
            self.found.push(path);
        }
    }
}

/// The dotted name that an expression is, root first.
pub(super) fn path(expression: &IdedExpr) -> Option<Vec<String>> {
    match &expression.expr {
        Expr::Ident(name) => Some(vec![if name == super::RETURN { "return".to_owned() } else { name.clone() }]),
        Expr::Select(select) => {
            let mut path = path(&select.operand)?;
            path.push(select.field.clone());
            Some(path)
        }
        _ => None,
    }
}
