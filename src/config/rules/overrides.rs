//! `override:`: what a customer's file changes of a shipped rule.

use super::{Named, Origin, SEVERITIES};
use crate::config::problem::{Place, Problem, Problems};
use crate::config::suggest::nearest;
use crate::config::walk::Walk;
use crate::config::yaml::Node;
use crate::engine::{Rule, Severity};

/// One change of one rule.
pub(super) struct Override {
    alert: String,
    place: Place,
    disabled: bool,
    severity: Option<Severity>,
}

pub(super) fn read(walk: &Walk, node: &Node) -> Option<Override> {
    let fields = walk.fields(node, "an override", "{ alert: DeviceBatteryLow, disabled: true }")?;
    let alert_node = fields
        .renamed(walk, "alert", &["name", "rule"])
        .or_else(|| fields.need(walk, "alert", "an override", "name the rule: alert: DeviceBatteryLow"));
    let alert = alert_node.and_then(|node| walk.full_text(node, "DeviceBatteryLow"));
    let disabled = fields.get("disabled").map_or(Some(false), |node| walk.flag(node));
    let severity = fields.get("severity").and_then(|node| walk.choice(node, "a severity", &SEVERITIES));
    let later = ["labels", "annotations", "where", "raise", "resolve", "expire", "shadow"];
    if !["disabled", "severity"].iter().chain(&later).any(|key| fields.has(key)) {
        let problem = Problem::warning(fields.head(walk), "this override changes nothing");
        walk.add(problem.help("add `disabled: true` or `severity: critical`"));
    }
    fields.done(walk, "an override", &later);
    Some(Override { alert: alert?.to_owned(), place: walk.place(alert_node?), disabled: disabled?, severity })
}

/// Applies the changes, in the order in which they stand.
pub(super) fn apply(overrides: Vec<Override>, rules: &mut Vec<Named<Rule>>, problems: &mut Problems) {
    let mut disabled = Vec::new();
    for change in overrides {
        let Some(rule) = rules.iter_mut().find(|rule| rule.name == change.alert) else {
            let help = match nearest(&change.alert, rules.iter().map(|rule| &*rule.name)) {
                Some(near) => format!("did you mean `{near}`?"),
                None if rules.iter().all(|rule| rule.origin != Origin::Library) => {
                    "the shipped rules are not among these files; where `check --rules` is used, add --library \
                     /usr/share/pulsewarden/rules, and elsewhere remove `library: false` from pulsewarden.yaml"
                        .to_owned()
                }
                None => {
                    let names: Vec<_> = rules.iter().map(|rule| &*rule.name).collect();
                    format!("the rules are {}", names.join(", "))
                }
            };
            let message = format!("no rule is named `{}`", change.alert);
            problems.push(Problem::error(change.place, message).help(help));
            continue;
        };
        if let (Some(severity), Some(rule)) = (change.severity, &mut rule.value) {
            rule.severity = severity;
        }
        if change.disabled {
            disabled.push(change.alert);
        }
    }
    rules.retain(|rule| !disabled.contains(&rule.name));
}
