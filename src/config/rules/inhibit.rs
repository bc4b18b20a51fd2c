//! Inhibition rules: which alerts say more than which others.

use super::intervals::all;
use super::route::{EXAMPLE_MATCHER, matcher, several};
use super::{Draft, File, Reference};
use crate::config::problem::Problem;
use crate::config::yaml::Node;
use crate::engine::{InhibitRule, Matcher};

const EXAMPLE: &str = "{ source_matchers: ['alertname = \"SiteConnectivityOutage\"'], \
                       target_matchers: ['alertname = \"DeviceSilent\"'], equal: [site] }";

/// What Alertmanager's older files say, and what other versions know.
const LATER: [&str; 5] = ["source_match", "source_match_re", "target_match", "target_match_re", "name"];

/// Reads one of `inhibit_rules:`.
pub(super) fn read(file: &File<'_>, node: &Node, draft: &mut Draft) {
    let walk = file.walk;
    let Some(fields) = walk.fields(node, "an inhibition rule", EXAMPLE) else { return };
    let mut matchers = |key, help| -> Option<Vec<Matcher>> {
        let node = fields.need(walk, key, "an inhibition rule", help)?;
        all(walk.some_items(node, EXAMPLE_MATCHER).iter().map(|node| matcher(walk, node, draft)))
    };
    let source = matchers(
        "source_matchers",
        "say which alerts say more: source_matchers: ['alertname = \"SiteConnectivityOutage\"']",
    );
    let target = matchers(
        "target_matchers",
        "say which alerts need not be told then: target_matchers: ['alertname = \"DeviceSilent\"']",
    );
    let help = "say what both must have in common, such as equal: [site]; without it, one alert would hide those of \
                everybody else";
    let equal = fields.need(walk, "equal", "an inhibition rule", help).map(|node| {
        let mut labels = Vec::new();
        for node in walk.some_items(node, "site") {
            let Some(label) = walk.full_text(node, "site") else { continue };
            if let Some(labels) = several(label) {
                walk.error(node, "several labels in one text", format!("write [{labels}]"));
                continue;
            }
            draft.to_labels.push(Reference { name: label.to_owned(), place: walk.place(node) });
            labels.push(label.to_owned());
        }
        labels
    });
    let head = fields.head();
    fields.done(walk, "an inhibition rule", &LATER);
    let (Some(source_matchers), Some(target_matchers), Some(equal)) = (source, target, equal) else { return };
    if equal.is_empty() {
        return;
    }
    let rule = InhibitRule { source_matchers, target_matchers, equal };
    if rule.source_matchers == rule.target_matchers {
        let problem =
            Problem::warning(head.clone(), "every alert that inhibits is one that is inhibited, so nothing ever is");
        walk.add(problem.help("let source_matchers and target_matchers differ"));
    }
    let turned = |other: &&InhibitRule| {
        other.source_matchers == rule.target_matchers && other.target_matchers == rule.source_matchers
    };
    if draft.inhibit_rules.iter().any(|other| turned(&other)) && rule.source_matchers != rule.target_matchers {
        let problem =
            Problem::warning(head, "an earlier rule says the opposite: of two such alerts nobody hears of either");
        walk.add(problem.help("keep the one whose source says more"));
    }
    draft.inhibit_rules.push(rule);
}
