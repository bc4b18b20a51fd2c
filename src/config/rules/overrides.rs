//! `override:`: what a file changes of a rule that stands elsewhere. The changes are made in the tree before the rule
//! is read, so that the same code judges them; each value knows the file in which it stands.

use super::kind::Kind;
use super::{File, Origin};
use crate::config::problem::{Place, Problem};
use crate::config::suggest::nearest;
use crate::config::walk::Walk;
use crate::config::yaml::{Entry, Node, Value};

/// Keys whose maps are changed key by key; everything else is replaced as a whole.
const BY_KEY: [&str; 9] =
    ["labels", "annotations", "count", "share", "silent", "not_followed_by", "not_preceded_by", "falls", "rises"];

/// What other names people give to `alert`.
const OTHER_NAMES: [&str; 2] = ["name", "rule"];

/// One change of one rule.
struct Override {
    alert: String,
    place: Place,
    disabled: bool,
    changes: Vec<Entry>,
}

/// Makes every change, in the order in which they stand, and gives the names of the rules that are switched off. A rule
/// that may stand in a file that could not be read is not called missing.
pub(super) fn apply(walk: &Walk, files: &mut [File<'_>], incomplete: bool) -> Vec<String> {
    let mut overrides = Vec::new();
    for file in &*files {
        if let Some(node) = file.get("override") {
            let (items, _) = walk.named_items(node, "override", "alert");
            overrides.extend(items.iter().filter_map(|node| read(walk, node)));
        }
    }
    let mut disabled = Vec::new();
    for change in overrides {
        if !files.iter_mut().any(|file| change_in(walk, file, &change)) {
            if !incomplete {
                missing(walk, files, &change);
            }
        } else if change.disabled {
            disabled.push(change.alert);
        }
    }
    disabled
}

fn read(walk: &Walk, node: &Node) -> Option<Override> {
    let fields = walk.fields(node, "an override", "{ alert: DeviceBatteryLow, disabled: true }")?;
    let alert_node = fields
        .renamed(walk, "alert", &OTHER_NAMES)
        .or_else(|| fields.need(walk, "alert", "an override", "name the rule: alert: DeviceBatteryLow"));
    let alert = alert_node.and_then(|node| walk.full_text(node, "DeviceBatteryLow"));
    // What stands empty there is a slip, and not the same as what is missing.
    let disabled = fields.all().iter().find(|entry| entry.key == "disabled");
    let disabled = disabled.map_or(Some(false), |entry| walk.flag(&entry.value));
    let mut changes = Vec::new();
    for entry in fields.all() {
        let problem = |message: String, help: &str| {
            walk.add(Problem::error(entry.place.clone(), message).help(help));
        };
        match &*entry.key {
            "alert" | "disabled" => {}
            key if OTHER_NAMES.contains(&key) => {}
            "subject" => problem(
                "an override cannot change what a rule is about".to_owned(),
                "switch the rule off with `disabled: true`, and write a rule of your own",
            ),
            "enabled" => problem("unknown key `enabled` in an override".to_owned(), "write disabled: true or false"),
            key if nearest(key, ["disabled"]).is_some() => {
                problem(format!("unknown key `{}` in an override", entry.shown()), "did you mean `disabled`?");
            }
            _ => changes.push(entry.clone()),
        }
    }
    if !fields.has("disabled") && changes.is_empty() && fields.all().len() == 1 {
        let problem = Problem::warning(fields.head(), "this override changes nothing");
        walk.add(problem.help("add what is to be changed, such as `severity: critical` or `disabled: true`"));
    }
    Some(Override { alert: alert?.to_owned(), place: walk.place(alert_node?), disabled: disabled?, changes })
}

/// Changes the rule, if the file has it.
fn change_in(walk: &Walk, file: &mut File<'_>, change: &Override) -> bool {
    let Some(rules) = file.get_mut("rules") else { return false };
    // Rules that were written as a map by name are there, and have been complained of.
    let by_name = |entry: &Entry| matches!(entry.value.value, Value::Map(_) | Value::Empty);
    if let Value::Map(entries) = &rules.value
        && entries.iter().all(by_name)
        && entries.iter().any(|entry| entry.key == change.alert)
    {
        return true;
    }
    let items = match &mut rules.value {
        Value::List(items) => items.as_mut_slice(),
        _ => std::slice::from_mut(rules),
    };
    let Some(rule) = items.iter_mut().find(|item| name(item) == Some(&change.alert)) else { return false };
    if let Value::Map(keys) = &mut rule.value {
        let changes = change.changes.iter().filter(|entry| may_change(walk, keys, &entry.key, &entry.place));
        let changes: Vec<Entry> = changes.cloned().collect();
        changes.into_iter().for_each(|entry| merge(keys, entry));
    }
    true
}

/// Whether a key leaves the rule the kind of rule that it is; what does not is noted.
fn may_change(walk: &Walk, rule: &[Entry], key: &str, place: &Place) -> bool {
    let makes_kind = key == "event" || Kind::WITH_KEYS.iter().any(|(known, _)| *known == key);
    if makes_kind && !rule.iter().any(|known| known.key == key) {
        let message = format!("the rule has no `{key}`, and an override cannot make it another kind of rule");
        let help = "switch the rule off with `disabled: true`, and write a rule of your own";
        walk.add(Problem::error(place.clone(), message).help(help));
        return false;
    }
    true
}

fn merge(rule: &mut Vec<Entry>, change: Entry) {
    let Some(known) = rule.iter_mut().find(|known| known.key == change.key) else {
        rule.push(change);
        return;
    };
    match (&mut known.value.value, change) {
        (Value::Map(keys), Entry { key, value: Node { value: Value::Map(changes), .. }, .. })
            if BY_KEY.contains(&&*key) =>
        {
            for change in changes {
                match keys.iter_mut().find(|known| known.key == change.key) {
                    Some(known) => *known = change,
                    None => keys.push(change),
                }
            }
        }
        (_, change) => *known = change,
    }
}

/// The name of a rule, as far as it can be read.
fn name(rule: &Node) -> Option<&str> {
    let Value::Map(keys) = &rule.value else { return None };
    let named = |key: &str| keys.iter().find(|entry| entry.key == key);
    let entry = named("alert").or_else(|| OTHER_NAMES.into_iter().find_map(named))?;
    match &entry.value.value {
        Value::Scalar(scalar) => Some(&scalar.text),
        _ => None,
    }
}

/// Says that no rule has this name.
fn missing(walk: &Walk, files: &[File<'_>], change: &Override) {
    let rules = |file: &File<'_>| -> Vec<String> {
        let items = file.get("rules").map_or(&[][..], |node| walk.items(node));
        items.iter().filter_map(name).map(str::to_owned).collect()
    };
    let names: Vec<String> = files.iter().flat_map(rules).collect();
    let shipped = files.iter().any(|file| file.origin == Origin::Library && !rules(file).is_empty());
    let help = match nearest(&change.alert, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None if !shipped => {
            "the shipped rules are not among these files; where `check --rules` is used, add --library \
                             /usr/share/pulsewarden/rules, and elsewhere remove `library: false` from pulsewarden.yaml"
                .to_owned()
        }
        None => format!("the rules are {}", names.join(", ")),
    };
    walk.add(Problem::error(change.place.clone(), format!("no rule is named `{}`", change.alert)).help(help));
}
