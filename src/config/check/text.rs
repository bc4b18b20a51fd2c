//! Texts: they parse, every name exists, every filter is known and takes what it is given.

use std::collections::BTreeMap;
use std::ops::Range;

use minijinja::{AutoEscape, Environment, ErrorKind, Template, UndefinedBehavior, Value as Shown};

use super::super::suggest::nearest;
use super::Finding;
use super::names::{Kind, Known};
use crate::engine::Read;

/// The filters that people use.
const FILTERS: [&str; 12] =
    ["abs", "capitalize", "default", "first", "float", "int", "length", "lower", "replace", "round", "title", "upper"];

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
    let mut kinds = Vec::new();
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
            Ok(found) => {
                if !matches!(path[0], "labels" | "alert") {
                    let path = path.iter().map(|step| (*step).to_owned()).collect();
                    reads.push(Read { path, protection: found.protection });
                }
                kinds.push((name, found.kind));
            }
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
    if let Some(known) = known {
        findings.extend(single_braces(source, known));
    }
    if findings.is_empty() {
        findings.extend(trial(source, &template, &kinds));
    }
    (findings, reads)
}

/// Renders the text with nothing and with values of the right types, so that each branch is walked that depends on
/// them.
fn trial(source: &str, template: &Template<'_, '_>, kinds: &[(String, Kind)]) -> Option<Finding> {
    let mut unfit = Vec::new();
    for known in [false, true] {
        for number in [true, false] {
            let context = if known { filled(kinds, number) } else { Shown::from(BTreeMap::<String, Shown>::new()) };
            let Err(error) = template.render(context) else { continue };
            match error.kind() {
                // A filter that does not take what is unknown gets it at worst; what it is given here can be wrong
                // where the type is not known.
                ErrorKind::InvalidOperation | ErrorKind::UndefinedError => {
                    if known {
                        unfit.push(error);
                    }
                }
                _ => return Some(syntax(source, &error)),
            }
        }
    }
    match unfit.as_slice() {
        [_, error] => Some(syntax(source, error)),
        _ => None,
    }
}

/// A value for every name, as messages give them: times, lengths of time and lists are text. What may be of several
/// types is
/// `number` or text.
fn filled(kinds: &[(String, Kind)], number: bool) -> Shown {
    let mut root = Tree::default();
    for (name, kind) in kinds {
        let value = match kind {
            Kind::Number => Shown::from(7),
            Kind::Bool => Shown::from(number),
            Kind::Id | Kind::Any if number => Shown::from(7),
            _ => Shown::from("text"),
        };
        let branch = name.split('.').fold(&mut root, |at, step| at.0.entry(step.to_owned()).or_default());
        branch.1 = Some(value);
    }
    root.into_shown()
}

/// Dotted names as nested maps.
#[derive(Default)]
struct Tree(BTreeMap<String, Tree>, Option<Shown>);

impl Tree {
    fn into_shown(self) -> Shown {
        let Self(branches, value) = self;
        let branches = || branches.into_iter().map(|(name, branch)| (name, branch.into_shown()));
        value.unwrap_or_else(|| Shown::from(branches().collect::<BTreeMap<_, _>>()))
    }
}

/// Names between single braces, which come out as they are written.
fn single_braces(source: &str, known: &Known<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (open, _) in source.match_indices('{') {
        let rest = &source[open + 1..];
        let Some(close) = rest.find(['{', '}']).filter(|close| rest[*close..].starts_with('}')) else { continue };
        let name = rest[..close].trim();
        let alone = !source[..open].ends_with('{') && !rest[close + 1..].starts_with('}');
        let path: Vec<&str> = name.split('.').collect();
        if alone && path.len() > 1 && known.find(&path).is_ok_and(|found| found.kind != Kind::Object) {
            let at = open..open + close + 2;
            let message = format!("`{}` comes out as it is written: names stand in double braces", &source[at.clone()]);
            findings.push(Finding::warning(at, message).help(format!("write {{{{ {name} }}}}")));
        }
    }
    findings
}

fn syntax(source: &str, error: &minijinja::Error) -> Finding {
    let what = error.detail().map_or_else(|| error.kind().to_string(), ToOwned::to_owned);
    let at = error.range().filter(|range| range.end <= source.len() && range.start < range.end);
    let at = at.unwrap_or(0..source.len());
    let help = match error.kind() {
        ErrorKind::UnknownFilter => match nearest(source.get(at.clone()).unwrap_or_default(), FILTERS) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("filters are {}, and MiniJinja's others", FILTERS.join(", ")),
        },
        ErrorKind::InvalidOperation | ErrorKind::UndefinedError => {
            "show the value as it is, or use a filter or an operator for values of its type".to_owned()
        }
        _ => "names stand in double braces, as in {{ device.serial }}".to_owned(),
    };
    Finding::error(at, format!("this text cannot be rendered: {what}")).help(help)
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
