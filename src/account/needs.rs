//! Which types of event Impilo should send, and what for.

use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;

use crate::engine::{EventPattern, RuleSet, SubjectKind};
use crate::impilo::schema::EVENT_TYPES;

/// Types that no rule need name: what is known of devices, patients, orders and returns comes from them, and they are the
/// signs of life that silence is measured by.
fn is_basic(kind: &str) -> bool {
    let family = kind.split_once('.').map_or(kind, |(family, _)| family);
    matches!(family, "device" | "reading" | "patient") || matches!(kind, "order.statusFull" | "return.statusFull")
}

/// Every type that is needed, with the rules that need it; types that are needed whatever the rules say may have none.
#[must_use]
pub fn needed(rules: &RuleSet) -> BTreeMap<String, BTreeSet<SmolStr>> {
    let known = || EVENT_TYPES.iter().map(|event| event.name);
    let mut needed: BTreeMap<String, BTreeSet<SmolStr>> =
        known().filter(|kind| is_basic(kind)).map(|kind| (kind.to_owned(), BTreeSet::new())).collect();
    let mut need = |kind: &str, rule: &SmolStr| {
        needed.entry(kind.to_owned()).or_default().insert(rule.clone());
    };
    for rule in &rules.rules {
        for pattern in rule.event_patterns() {
            known().filter(|kind| pattern.matches(kind)).for_each(|kind| need(kind, &rule.name));
            // One that this version does not know can be subscribed to all the same.
            if let EventPattern::Exactly(kind) = pattern {
                need(kind, &rule.name);
            }
        }
        for kind in subjects(rule.subject, rule.reads.iter().filter_map(|read| read.path.first())) {
            let of_it = EVENT_TYPES.iter().filter(|event| event.subject == kind);
            of_it.for_each(|event| need(event.name, &rule.name));
        }
    }
    needed
}

/// The kinds of subject whose state a rule reads, in so far as no basic type tells all of it.
fn subjects<'r>(own: SubjectKind, roots: impl Iterator<Item = &'r String>) -> BTreeSet<SubjectKind> {
    let read = roots.filter_map(|root| SubjectKind::parse(root));
    let told_otherwise = [SubjectKind::Device, SubjectKind::Patient, SubjectKind::Site, SubjectKind::Item];
    read.chain([own]).filter(|kind| !told_otherwise.contains(kind)).collect()
}

/// Rules that can never fire, since nothing comes that they are about: none of the types that would fire them is among
/// `subscribed`.
#[must_use]
pub fn starved(rules: &RuleSet, subscribed: &BTreeSet<&str>) -> Vec<SmolStr> {
    let comes = |pattern: &EventPattern| subscribed.iter().any(|kind| pattern.matches(kind));
    let starves = |rule: &&crate::engine::Rule| match rule.trigger.test() {
        Some(test) => !test.events.iter().any(comes),
        // Silence needs a hearing first, and a state somebody who tells of it.
        None => {
            let named: Vec<&EventPattern> = rule.event_patterns().collect();
            let silent = !named.is_empty() && !named.into_iter().any(comes);
            let kinds = subjects(rule.subject, std::iter::empty());
            let tells = |kind| EVENT_TYPES.iter().any(|event| event.subject == kind && subscribed.contains(event.name));
            let untold = kinds.into_iter().any(|kind| !tells(kind));
            silent || untold
        }
    };
    rules.rules.iter().filter(starves).map(|rule| rule.name.clone()).collect()
}
