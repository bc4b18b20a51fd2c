//! `settings:` of rule files: named values that conditions, texts and durations read.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::{File, Origin, Placed};
use crate::config::measure;
use crate::config::problem::Problem;
use crate::config::suggest::nearest;
use crate::config::walk::Walk;
use crate::config::yaml::{Node, Value as Yaml};
use crate::engine::Value;

/// The settings by name.
#[derive(Default)]
pub(super) struct Values {
    pub known: BTreeMap<String, Placed<Value>>,
    /// A file could not be read, so that there may be others.
    pub incomplete: bool,
    /// Those that stand in the place of a value.
    used: RefCell<BTreeSet<String>>,
}

pub(super) fn read(file: &File<'_>, node: &Node, settings: &mut Values) {
    let walk = file.walk;
    if matches!(node.value, Yaml::Empty) {
        return;
    }
    let Some(fields) = walk.fields(node, "settings by name", "{ low_battery: 20 }") else { return };
    for entry in fields.all() {
        let place = entry.place.clone();
        if !is_identifier(&entry.key) {
            let problem = Problem::error(place, format!("`{}` cannot be the name of a setting", entry.key));
            walk.add(
                problem
                    .help("use letters, digits and `_`, beginning with a letter: conditions read it as settings.NAME"),
            );
            continue;
        }
        let Some(value) = value(walk, &entry.value) else { continue };
        if let Some(known) = settings.known.get(&entry.key) {
            if known.origin == file.origin {
                let problem = Problem::error(place, format!("the setting `{}` is given twice", entry.key));
                walk.add(problem.related(known.place.clone(), "first here").help("keep one of the two"));
                continue;
            }
            if !alike(&known.value, &value) {
                let (place, there) = match known.origin {
                    Origin::Library => ("in the shipped rules", "shipped here"),
                    Origin::Own | Origin::Test => ("in the rule files", "here"),
                };
                let message = format!("the setting `{}` is {} {place}", entry.key, kind(&known.value));
                let problem = Problem::error(walk.place(&entry.value), message);
                walk.add(problem.label(format!("this is {}", kind(&value))).related(known.place.clone(), there));
                continue;
            }
        }
        settings.known.insert(entry.key.clone(), Placed { value, origin: file.origin, place });
    }
}

fn value(walk: &Walk, node: &Node) -> Option<Value> {
    let example = "20, 72h, true or a word";
    match &node.value {
        Yaml::Scalar(scalar) if scalar.faulty => None,
        Yaml::Scalar(scalar) => match scalar.describe() {
            "true or false" => walk.flag(node).map(Value::Bool),
            "a number" => number(&scalar.text).or_else(|| {
                walk.error(
                    node,
                    format!("the number `{}` cannot be used", scalar.text),
                    "write a plain decimal number",
                );
                None
            }),
            _ if scalar.is_text() && scalar.style == crate::config::yaml::Style::Plain => {
                Some(match measure::duration(&scalar.text) {
                    Ok(length) => Value::Span(i64::try_from(length.as_millis()).unwrap_or(i64::MAX)),
                    Err(_) => Value::from(scalar.text.as_str()),
                })
            }
            _ => Some(Value::from(scalar.text.as_str())),
        },
        Yaml::List(items) => items.iter().map(|item| value(walk, item)).collect::<Option<_>>().map(Value::List),
        _ => {
            walk.wrong_type(node, "a value", example);
            None
        }
    }
}

fn number(text: &str) -> Option<Value> {
    if let Ok(whole) = text.parse() {
        return Some(Value::Int(whole));
    }
    text.parse().ok().filter(|number: &f64| number.is_finite()).map(Value::Float)
}

/// What stands where a value may be written or taken from a setting.
pub(super) enum Written<'v> {
    /// The value itself.
    Here,
    Setting(&'v str, &'v Placed<Value>),
    /// A setting that does not exist, or may stand in a file that could not be read; what there is to say has been
    /// said.
    Nowhere,
}

impl Values {
    /// Looks up `settings.NAME`.
    pub(super) fn written<'v>(&'v self, walk: &Walk, node: &'v Node, example: &str) -> Written<'v> {
        let Yaml::Scalar(scalar) = &node.value else { return Written::Here };
        let Some(name) = scalar.text.strip_prefix("settings.") else { return Written::Here };
        if let Some(found) = self.known.get(name) {
            self.used.borrow_mut().insert(name.to_owned());
            return Written::Setting(name, found);
        }
        if !self.incomplete {
            let help = match nearest(name, self.known.keys().map(String::as_str)) {
                Some(near) => format!("did you mean `settings.{near}`?"),
                None => format!("add it: settings: {{ {name}: {example} }}"),
            };
            walk.error(node, format!("no setting is named `{name}`"), help);
        }
        Written::Nowhere
    }

    /// Complains of a customer's own settings that nothing reads, `read` being what conditions and texts do.
    pub(super) fn unread(&self, read: &BTreeSet<&str>) -> Vec<Problem> {
        let used = self.used.borrow();
        let is_read = |name: &str| used.contains(name) || read.contains(name);
        let unread = self.known.iter().filter(|(name, found)| found.origin == Origin::Own && !is_read(name));
        let say = |(name, found): (&String, &Placed<Value>)| {
            let problem = Problem::warning(found.place.clone(), format!("nothing reads the setting `{name}`"));
            match nearest(name, read.iter().copied().chain(used.iter().map(String::as_str))) {
                Some(near) => problem.help(format!("did you mean `{near}`?")),
                None => problem.help("remove it, or name it in a rule as settings.NAME"),
            }
        };
        unread.map(say).collect()
    }

    /// A number, written or taken from a setting.
    pub(super) fn number(&self, walk: &Walk, node: &Node, example: &str) -> Option<f64> {
        match self.written(walk, node, example) {
            Written::Here => {
                let scalar = walk.scalar(node, "a number", example)?;
                let found = (scalar.describe() == "a number").then(|| number(&scalar.text)).flatten();
                if found.is_none() {
                    walk.wrong_type(node, "a number", example);
                }
                as_number(&found?)
            }
            Written::Setting(name, found) => {
                let number = as_number(&found.value);
                if number.is_none() {
                    unfit(walk, node, name, found, "a number");
                }
                number
            }
            Written::Nowhere => None,
        }
    }

    /// A whole number from one to `most`, written or taken from a setting.
    pub(super) fn count(&self, walk: &Walk, node: &Node, most: u32) -> Option<u32> {
        let found = match self.written(walk, node, "3") {
            Written::Here => walk.count(node, 1..=u64::from(most))?,
            Written::Setting(name, found) => match found.value {
                Value::Int(number) => {
                    let fits = u64::try_from(number).ok().filter(|number| (1..=u64::from(most)).contains(number));
                    if fits.is_none() {
                        let message = format!("the setting `{name}` is {number}, which is out of range here");
                        let problem =
                            Problem::error(walk.place(node), message).related(found.place.clone(), "set here");
                        walk.add(problem.help(format!("set it to a number from 1 to {most}")));
                    }
                    fits?
                }
                _ => {
                    unfit(walk, node, name, found, "a whole number");
                    return None;
                }
            },
            Written::Nowhere => return None,
        };
        u32::try_from(found).ok()
    }

    /// A percentage as a part of one, written or taken from a setting.
    pub(super) fn percentage(&self, walk: &Walk, node: &Node) -> Option<f64> {
        match self.written(walk, node, "5%") {
            Written::Here => {
                let scalar = walk.scalar(node, "a percentage", "5%")?;
                match measure::percentage(&scalar.text) {
                    Ok(part) => Some(part),
                    Err(help) => {
                        let text = walk.quotable(node, &scalar.text);
                        walk.error(node, format!("`{text}` is not a percentage"), help);
                        None
                    }
                }
            }
            Written::Setting(name, found) => {
                let part = found.value.as_text().and_then(|text| measure::percentage(text).ok());
                if part.is_none() {
                    unfit(walk, node, name, found, "a percentage");
                }
                part
            }
            Written::Nowhere => None,
        }
    }
}

/// Says that a setting holds something else than what is wanted.
pub(super) fn unfit(walk: &Walk, node: &Node, name: &str, found: &Placed<Value>, wanted: &str) {
    let problem = Problem::error(walk.place(node), format!("the setting `{name}` is not {wanted}"));
    walk.add(problem.related(found.place.clone(), format!("this is {}", kind(&found.value))));
}

pub(super) fn is_identifier(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.len() <= 64
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Whether one may stand where the other does.
fn alike(one: &Value, other: &Value) -> bool {
    let groups: [fn(&Value) -> bool; 2] = [|value| as_number(value).is_some(), is_length];
    kind(one) == kind(other) || groups.iter().any(|group| group(one) && group(other))
}

fn is_length(value: &Value) -> bool {
    matches!(value, Value::Span(_)) || value.as_text().is_some_and(|text| measure::business(text).is_ok())
}

fn as_number(value: &Value) -> Option<f64> {
    match value {
        // What a rule compares with is far smaller than what a float holds exactly.
        #[expect(clippy::cast_precision_loss, reason = "see above")]
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        _ => None,
    }
}

/// What a value is, in words. Business time is kept as the text that it is until a calendar is at hand.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Text(text) if measure::business(text).is_ok() => "business time",
        Value::Bool(_) => "true or false",
        Value::Int(_) | Value::Float(_) => "a number",
        Value::Text(_) => "text",
        Value::Time(_) => "a time",
        Value::Span(_) => "a length of time",
        Value::List(_) => "a list",
    }
}
