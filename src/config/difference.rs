//! What one set of rule files changes of another, in the words of those who edit them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::bundle::Bundle;
use super::hide;
use super::source::Source;
use super::yaml::{Entry, Node, Value, parse};

/// Names that one line lists.
const LISTED: usize = 20;
/// Characters that are shown of a setting's value.
const SHOWN: usize = 60;

/// What changed between two bundles. Comments, layout, and the files in which things stand count for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    pub rules: Changes,
    pub settings: Vec<SettingChange>,
    pub receivers: Changes,
    pub digests: Changes,
    /// Other keys of rule files that say something else now, such as `route`.
    pub others: Vec<String>,
    /// Rules that the new files have.
    pub rules_now: usize,
}

/// What came, went and changed of things with names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    pub added: Vec<String>,
    pub removed: Vec<String>,
    /// With the keys that changed.
    pub changed: Vec<(String, Vec<String>)>,
}

/// A setting with its value before and now; `None` where it was not, or is not, there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingChange {
    pub name: String,
    pub before: Option<String>,
    pub now: Option<String>,
}

/// The keys of one thing with what they say, layout apart.
type Keys = BTreeMap<String, String>;

/// Everything that the files of a bundle say, by name.
#[derive(Default)]
struct Said {
    rules: BTreeMap<String, Keys>,
    receivers: BTreeMap<String, Keys>,
    digests: BTreeMap<String, Keys>,
    settings: Keys,
    others: Keys,
    /// Rules with names that they had before.
    was: Vec<(String, String)>,
}

impl Bundle {
    /// What `new` changes of this bundle. What cannot be parsed is as though it were not there.
    #[must_use]
    pub fn difference(&self, new: &Self) -> Difference {
        let (mut before, now) = (Said::by(self), Said::by(new));
        let renamed = before.rename(&now);
        let names: BTreeSet<&String> = before.settings.keys().chain(now.settings.keys()).collect();
        let setting = |name: &&String| {
            let (before, now) = (before.settings.get(*name).cloned(), now.settings.get(*name).cloned());
            (before != now).then(|| SettingChange { name: (*name).clone(), before, now })
        };
        let mut rules = Changes::between(&before.rules, &now.rules);
        for (name, keys) in &mut rules.changed {
            if let Some((_, old)) = renamed.iter().find(|(new, _)| new == name) {
                keys.retain(|key| key != "alert" && key != "was");
                keys.insert(0, format!("renamed from {old}"));
            }
        }
        Difference {
            rules,
            settings: names.iter().filter_map(setting).collect(),
            receivers: Changes::between(&before.receivers, &now.receivers),
            digests: Changes::between(&before.digests, &now.digests),
            others: changed_keys(&before.others, &now.others),
            rules_now: now.rules.len(),
        }
    }
}

impl Difference {
    /// Whether the new files say the same as the old ones.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { rules, settings, receivers, digests, others, rules_now: _ } = self;
        [rules, receivers, digests].into_iter().all(Changes::is_empty) && settings.is_empty() && others.is_empty()
    }

    /// How much changed, in a few words.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut parts = Vec::new();
        for (what, changes) in [("rule", &self.rules), ("receiver", &self.receivers), ("digest", &self.digests)] {
            let counts = [
                ("added", changes.added.len()),
                ("removed", changes.removed.len()),
                ("changed", changes.changed.len()),
            ];
            for (how, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
                parts.push(format!("{} {how}", counted(count, what)));
            }
        }
        if !self.settings.is_empty() {
            parts.push(format!("{} changed", counted(self.settings.len(), "setting")));
        }
        parts.extend(self.others.iter().map(|key| format!("{key} changed")));
        parts.join(", ")
    }
}

/// One line for each kind of change.
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, changes) in [("Rules", &self.rules), ("Receivers", &self.receivers), ("Digests", &self.digests)] {
            let changed = changes.changed.iter().map(|(name, keys)| format!("{name} ({})", listed(keys)));
            let lists = [("added", &changes.added), ("removed", &changes.removed), ("changed", &changed.collect())];
            for (how, names) in lists.into_iter().filter(|(_, names)| !names.is_empty()) {
                writeln!(f, "{what} {how}: {}", listed(names))?;
            }
        }
        for SettingChange { name, before, now } in &self.settings {
            match (before, now) {
                (Some(before), Some(now)) => {
                    writeln!(f, "Setting {name}: {} → {}", shown(name, before), shown(name, now))?;
                }
                (None, Some(now)) => writeln!(f, "Setting {name} added: {}", shown(name, now))?,
                (Some(before), None) => writeln!(f, "Setting {name} removed: it was {}", shown(name, before))?,
                (None, None) => {}
            }
        }
        if !self.others.is_empty() {
            writeln!(f, "Changed, too: {}", listed(&self.others))?;
        }
        write!(f, "Now: {}", counted(self.rules_now, "rule"))
    }
}

impl Changes {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }

    fn between(before: &BTreeMap<String, Keys>, now: &BTreeMap<String, Keys>) -> Self {
        let missing_in = |of: &BTreeMap<String, Keys>, name: &&String| !of.contains_key(*name);
        let changed = now.iter().filter_map(|(name, keys)| {
            let changed = changed_keys(before.get(name)?, keys);
            (!changed.is_empty()).then(|| (name.clone(), changed))
        });
        Self {
            added: now.keys().filter(|name| missing_in(before, name)).cloned().collect(),
            removed: before.keys().filter(|name| missing_in(now, name)).cloned().collect(),
            changed: changed.collect(),
        }
    }
}

impl Said {
    fn by(bundle: &Bundle) -> Self {
        let mut said = Self::default();
        let mut overrides = Vec::new();
        // The library's files come first, so that a customer's setting replaces a shipped one.
        for file in bundle.files() {
            if file.is_table() {
                said.others.entry("tables".to_owned()).or_default().push_str(&file.text);
                continue;
            }
            if file.is_template() {
                said.others.insert(file.name.clone(), file.text.clone());
                continue;
            }
            let (Some(root), _) = parse(&file.source()) else { continue };
            for Entry { key, value, .. } in entries(&root) {
                match key.as_str() {
                    "rules" => {
                        said.rules.extend(named(value, "alert"));
                        said.was.extend(former_names(value));
                    }
                    "receivers" => said.receivers.extend(named(value, "name")),
                    "digests" => said.digests.extend(named(value, "digest")),
                    "override" => overrides.extend(named(value, "alert")),
                    "settings" => said
                        .settings
                        .extend(entries(value).iter().map(|entry| (entry.key.clone(), plain(&entry.value)))),
                    _ => said.others.entry(key.clone()).or_default().push_str(&canonical(value)),
                }
            }
        }
        for (alert, changes) in overrides {
            said.change(&alert, changes);
        }
        said
    }

    /// Brings rules under the names that they have now; gives each new name with the old one.
    fn rename(&mut self, now: &Self) -> Vec<(String, String)> {
        let mut renamed = Vec::new();
        for (new, old) in &now.was {
            if !self.rules.contains_key(new)
                && !now.rules.contains_key(old)
                && let Some(rule) = self.rules.remove(old)
            {
                self.rules.insert(new.clone(), rule);
                renamed.push((new.clone(), old.clone()));
            }
        }
        renamed
    }

    /// Lets an override count as a part of its rule: a rule that it disables is gone.
    fn change(&mut self, alert: &str, changes: Keys) {
        if changes.get("disabled").is_some_and(|value| value == "true") {
            self.rules.remove(alert);
        } else if let Some(rule) = self.rules.get_mut(alert) {
            for (key, value) in changes.into_iter().filter(|(key, _)| key != "alert" && key != "disabled") {
                rule.entry(key).or_default().push_str(&value);
            }
        }
    }
}

fn entries(node: &Node) -> &[Entry] {
    match &node.value {
        Value::Map(entries) => entries,
        _ => &[],
    }
}

/// The nodes of a list. A single one may stand for a list.
fn items(node: &Node) -> &[Node] {
    match &node.value {
        Value::List(items) => items,
        _ => std::slice::from_ref(node),
    }
}

fn value<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    entries(node).iter().find(|entry| entry.key == key).map(|entry| &entry.value)
}

/// The names that rules say they had, each behind the one that they have.
fn former_names(rules: &Node) -> Vec<(String, String)> {
    let one = |rule: &Node| {
        let name = plain(value(rule, "alert")?);
        let was = items(value(rule, "was")?).iter().map(plain);
        Some(was.map(|was| (name.clone(), was)).collect::<Vec<_>>())
    };
    items(rules).iter().filter_map(one).flatten().collect()
}

/// The things of a list by the name under `key`.
fn named(node: &Node, key: &str) -> Vec<(String, Keys)> {
    let one = |item: &Node| {
        let name = plain(value(item, key)?);
        Some((name, entries(item).iter().map(|entry| (entry.key.clone(), canonical(&entry.value))).collect()))
    };
    items(node).iter().filter_map(one).collect()
}

/// A value as people wrote it, where it is one word or text.
fn plain(node: &Node) -> String {
    match &node.value {
        Value::Scalar(scalar) => scalar.text.clone(),
        _ => canonical(node),
    }
}

/// The same text for all ways of writing the same: the order of keys, quotes where text needs none, block or flow
/// style.
fn canonical(node: &Node) -> String {
    match &node.value {
        Value::Empty => String::new(),
        Value::Scalar(scalar) if scalar.is_text() => format!("{:?}", scalar.text),
        Value::Scalar(scalar) => scalar.text.clone(),
        Value::List(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(", ")),
        Value::Map(entries) => {
            let sorted: BTreeMap<&String, String> =
                entries.iter().map(|entry| (&entry.key, canonical(&entry.value))).collect();
            let parts = sorted.iter().map(|(key, value)| format!("{key:?}: {value}"));
            format!("{{{}}}", parts.collect::<Vec<_>>().join(", "))
        }
    }
}

fn changed_keys(before: &Keys, now: &Keys) -> Vec<String> {
    let all: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    all.into_iter().filter(|key| before.get(*key) != now.get(*key)).cloned().collect()
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn listed(names: &[String]) -> String {
    let mut list = names.iter().take(LISTED).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > LISTED {
        list += &format!(" and {} more", names.len() - LISTED);
    }
    list
}

/// A setting's value for a message: short, on one line, and without what looks like a secret or is called one.
fn shown(name: &str, value: &str) -> String {
    let line = format!("{name}: {value}");
    let source = Source::hiding("", line.as_str(), &hide::secrets(&line));
    let value = source.shown().get(name.len() + 2..).unwrap_or_default();
    let mut shown: String = value.chars().take(SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if value.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "settings: { low: 20, gone: 5 }\n\
                          rules:\n  - { alert: A, event: device.lowBattery, severity: warning }\n\
                          \x20 - { alert: B, where: x }\n\
                          receivers: [{ name: team }]\nroute: { receiver: team }\n";

    fn between(before: &[(&str, &str)], now: &[(&str, &str)]) -> Difference {
        Bundle::of(before).difference(&Bundle::of(now))
    }

    #[test]
    fn comments_layout_and_the_place_of_things_change_nothing() {
        let now = [
            (
                "b.yaml",
                "route:\n  receiver: 'team' # as before\nreceivers: { name: team }\nsettings: { gone: 5, low: 20 }\n",
            ),
            (
                "c.yaml",
                "rules: [{ alert: B, where: \"x\" }, { severity: warning, event: device.lowBattery, alert: A }]\n",
            ),
        ];
        let difference = between(&[("a.yaml", BEFORE)], &now);
        assert!(difference.is_empty(), "{difference}");
        assert_eq!(difference.to_string(), "Now: 2 rules");
    }

    #[test]
    fn what_came_went_and_changed_is_said_by_name() {
        let now = "settings: { low: 25, new: https://hooks.slack.com/services/T0/B0/abc, token: abc }\n\
                   rules: [{ alert: A, event: device.lowBattery, severity: critical, for: 2h }, { alert: C }]\n\
                   receivers: [{ name: team, phi: none }, { name: lead }]\nroute: { receiver: lead }\n\
                   digests: [{ digest: daily }]\n";
        let difference = between(&[("a.yaml", BEFORE)], &[("a.yaml", now)]);
        assert_eq!(
            difference.to_string(),
            "Rules added: C\nRules removed: B\nRules changed: A (for, severity)\n\
             Receivers added: lead\nReceivers changed: team (phi)\nDigests added: daily\n\
             Setting gone removed: it was 5\nSetting low: 20 → 25\n\
             Setting new added: https://hooks.slack.com/******************\nSetting token added: ***\n\
             Changed, too: route\nNow: 2 rules"
        );
        assert_eq!(
            difference.summary(),
            "1 rule added, 1 rule removed, 1 rule changed, 1 receiver added, 1 receiver changed, 1 digest added, \
             4 settings changed, route changed"
        );
    }

    #[test]
    fn a_rule_under_another_name_is_the_same_rule() {
        let now = BEFORE.replace("alert: B", "alert: C, was: [X, B]").replace("where: x", "where: y");
        let difference = between(&[("a.yaml", BEFORE)], &[("a.yaml", &now)]);
        assert_eq!(difference.to_string(), "Rules changed: C (renamed from B, where)\nNow: 2 rules");
    }

    #[test]
    fn a_number_and_the_same_digits_as_text_are_not_the_same() {
        let of = |value: &str| format!("rules: [{{ alert: A, labels: {{ floor: {value} }} }}]");
        assert!(!between(&[("a.yaml", &of("5"))], &[("a.yaml", &of("\"5\""))]).is_empty());
    }

    #[test]
    fn overrides_count_as_parts_of_their_rules() {
        let (severity, disabled) =
            ("override: { alert: A, severity: critical }", "override: [{ alert: A, disabled: true }]");
        let difference = between(&[("a.yaml", BEFORE)], &[("a.yaml", BEFORE), ("own.yaml", severity)]);
        assert_eq!(difference.rules.changed, [("A".to_owned(), vec!["severity".to_owned()])]);
        let difference = between(&[("a.yaml", BEFORE)], &[("a.yaml", BEFORE), ("own.yaml", disabled)]);
        assert_eq!((difference.rules.removed, difference.rules_now), (vec!["A".to_owned()], 1));
    }
}
