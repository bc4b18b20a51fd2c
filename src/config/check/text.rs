//! Texts: they parse, every name exists, every filter is known.

use std::ops::Range;

use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior};

use super::Finding;
use super::names::{Kind, Known};
use crate::engine::Read;

/// Steps that the trial run of a text may take.
const FUEL: u64 = 50_000;

/// Checks a text; gives what there is to say, and what it reads. Names are judged where it is known what can be named.
pub(in crate::config) fn text(source: &str, known: Option<&Known<'_>>) -> (Vec<Finding>, Vec<Read>) {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_fuel(Some(FUEL));
    environment.set_debug(true);
    let template = match environment.template_from_str(source) {
        Ok(template) => template,
        Err(error) => return (vec![syntax(source, &error)], Vec::new()),
    };
    let mut findings = Vec::new();
    let mut reads = Vec::new();
    let mut names: Vec<String> = template.undeclared_variables(true).into_iter().collect();
    names.sort();
    for (name, known) in names.into_iter().filter_map(|name| Some((name, known?))) {
        let path: Vec<&str> = name.split('.').collect();
        match known.find(&path) {
            Ok(found) if found.kind == Kind::Object => {
                let message = format!("`{name}` has fields, and cannot be shown as a whole");
                findings.push(
                    Finding::error(place(source, &name), message).help(format!("name a field, as in `{name}.id`")),
                );
            }
            Ok(_) if matches!(path[0], "labels" | "alert") => {}
            Ok(found) => reads.push(Read {
                path: path.iter().map(|step| (*step).to_owned()).collect(),
                protection: found.protection,
            }),
            Err(missing) => {
                let finding = if missing.perhaps {
                    Finding::warning(
                        place(source, &name),
                        format!("{}; what Impilo sends there is not documented", missing.message),
                    )
                } else {
                    Finding::error(place(source, &name), missing.message)
                };
                findings.push(match missing.help {
                    Some(help) => finding.help(help),
                    None => finding,
                });
            }
        }
    }
    if let Err(error) = template.render(minijinja::context! {})
        && matches!(
            error.kind(),
            ErrorKind::UnknownFilter | ErrorKind::UnknownTest | ErrorKind::UnknownFunction | ErrorKind::OutOfFuel
        )
    {
        findings.push(syntax(source, &error));
    }
    (findings, reads)
}

fn syntax(source: &str, error: &minijinja::Error) -> Finding {
    let what = error.detail().map_or_else(|| error.kind().to_string(), ToOwned::to_owned);
    let at = error.range().filter(|range| range.end <= source.len() && range.start < range.end);
    Finding::error(at.unwrap_or(0..source.len()), format!("this text cannot be rendered: {what}"))
        .help("names stand in double braces, as in {{ device.serial }}")
}

/// Where a dotted name stands.
fn place(source: &str, name: &str) -> Range<usize> {
    let mut from = 0;
    while let Some(at) = source.get(from..).and_then(|rest| rest.find(name)).map(|at| from + at) {
        let end = at + name.len();
        let before = source.get(..at).and_then(|text| text.chars().next_back());
        let after = source.get(end..).and_then(|text| text.chars().next());
        let inside = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        if !inside(before) && before != Some('.') && !inside(after) {
            return at..end;
        }
        from = end;
    }
    0..source.len()
}
