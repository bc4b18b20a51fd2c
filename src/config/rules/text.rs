//! Annotations: texts with names in double braces.

use std::collections::BTreeMap;

use super::condition::{Scope, report};
use super::rule::BUILT_IN_LABELS;
use crate::config::check;
use crate::config::problem::Problem;
use crate::config::suggest::nearest;
use crate::config::walk::Walk;
use crate::config::yaml::Node;
use crate::engine::{Field, Protection, Read, SubjectKind};

/// The annotations that messages show.
const SHOWN: [&str; 4] = ["summary", "description", "action", "runbook"];

/// The annotations of one rule, and what they read. Without a scope nothing can be said of the names in them. `labels`
/// are those that the rule adds.
pub(super) fn read<'a>(
    walk: &Walk,
    node: &Node,
    scope: Option<&Scope<'_>>,
    labels: impl Iterator<Item = &'a String>,
) -> (BTreeMap<String, String>, Vec<Read>) {
    let mut texts = BTreeMap::new();
    let mut reads = Vec::new();
    let Some(fields) = walk.fields(node, "texts by name", "{ summary: \"…\", action: \"…\" }") else {
        return (texts, Vec::new());
    };
    let mut labels: Vec<&str> = BUILT_IN_LABELS.into_iter().chain(labels.map(String::as_str)).collect();
    if let Some(scope) = scope {
        labels.extend(scope.words.tables.labels.keys().map(String::as_str));
    }
    for entry in fields.all() {
        if !SHOWN.contains(&&*entry.key) {
            let place = entry.place.clone();
            let problem = Problem::warning(place, format!("no message shows the annotation `{}`", entry.key));
            walk.add(match nearest(&entry.key, SHOWN) {
                Some(near) => problem.help(format!("did you mean `{near}`?")),
                None => problem.help(
                    "messages show `summary`, `description`, `action` and `runbook`; put the text into one of them",
                ),
            });
        }
        if let Some(text) = walk.full_text(&entry.value, "\"Battery at {{ device.battery }}%\"") {
            let (findings, read) = check::text(text, scope.map(|scope| scope.known(Some(&labels))).as_ref());
            report(walk, &entry.value, findings);
            reads.extend(read);
            texts.insert(entry.key.clone(), text.to_owned());
        }
    }
    (texts, reads)
}

/// What an alert says where its rule has no `summary`.
pub(super) fn default_summary(rule: &str, subject: SubjectKind) -> String {
    match subject {
        SubjectKind::Device => format!("{rule}: {{{{ device.item }}}} {{{{ device.serial }}}}"),
        SubjectKind::Site | SubjectKind::Item => format!("{rule}: {{{{ {subject}.name }}}}"),
        _ => format!("{rule}: {subject} {{{{ {subject}.id }}}}"),
    }
}

/// The names that [`default_summary`] reads.
pub(super) fn reads_of_default(subject: SubjectKind) -> Vec<Read> {
    let fields: &[&str] = match subject {
        SubjectKind::Device => &["item", "serial"],
        SubjectKind::Site | SubjectKind::Item => &["name"],
        _ => &["id"],
    };
    let read = |name: &&str| Read {
        path: vec![subject.as_str().to_owned(), (*name).to_owned()],
        protection: Field::find(subject, name).map_or(Protection::Ids, |field| field.protection),
    };
    fields.iter().map(read).collect()
}
