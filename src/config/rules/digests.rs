//! Digests: what, when, in which zone, to whom.

use chrono::{DateTime, Utc};
use croner::Cron;

use super::route::{EXAMPLE_MATCHER, matcher};
use super::rule::{BUILT_IN_LABELS, name};
use super::{Draft, File, Named, Reference, unique, zone};
use crate::config::problem::Problem;
use crate::config::walk::Walk;
use crate::config::yaml::Node;
use crate::engine::{Digest, DigestPart};

const EXAMPLE_SCHEDULE: &str = "\"0 8 * * MON-FRI\"";

/// Labels of which a value says who or what something is: a message for each would be one for each patient.
pub(in crate::config) const TOO_FINE: [&str; 8] =
    ["device", "patient", "order", "return", "ticket", "procurement", "transfer", "packed_kit"];

/// The words for what a digest shows.
pub(in crate::config) const SECTIONS: [(&str, DigestPart); 9] = {
    let mut words = [("", DigestPart::CallList); 9];
    let mut at = 0;
    while at < words.len() {
        words[at] = (DigestPart::ALL[at].as_str(), DigestPart::ALL[at]);
        at += 1;
    }
    words
};

pub(super) fn read(file: &File<'_>, node: &Node, draft: &mut Draft) {
    let walk = file.walk;
    let example = "{ digest: daily, schedule: \"0 8 * * MON-FRI\", time_zone: America/New_York, receiver: logistics }";
    let Some(fields) = walk.fields(node, "a digest", example) else { return };
    let named = fields
        .renamed(walk, "digest", &["name"])
        .or_else(|| fields.need(walk, "digest", "a digest", "give it a name: digest: daily-device-health"))
        .and_then(|node| name(walk, node).map(|name| (name, walk.place(node))));
    let schedules = fields
        .need(walk, "schedule", "a digest", "say when: schedule: \"0 8 * * MON-FRI\"")
        .and_then(|node| whole(walk.some_items(node, EXAMPLE_SCHEDULE).iter().map(|node| schedule(walk, node))));
    let time_zone = fields
        .need(walk, "time_zone", "a digest", "say in which zone: time_zone: America/New_York")
        .and_then(|node| zone::read(walk, node))
        .map(|zone| zone.name().to_owned());
    let receiver_node = fields.need(walk, "receiver", "a digest", "say who gets it: receiver: logistics");
    let receiver = receiver_node.and_then(|node| walk.full_text(node, "logistics")).map(str::to_owned);
    if let (Some(node), Some(name)) = (receiver_node, &receiver) {
        draft.to_receivers.push(Reference { name: name.clone(), place: walk.place(node) });
    }
    let parts = fields.get("sections").map_or_else(|| Some(DigestPart::ALL.to_vec()), |node| sections(walk, node));
    let matchers = fields.get("matchers").map_or(Some(Vec::new()), |node| {
        whole(walk.some_items(node, EXAMPLE_MATCHER).iter().map(|node| matcher(walk, node, draft)))
    });
    let split_by = fields.get("split_by").map_or(Some(None), |node| split_by(walk, node, draft).map(Some));
    let flag = |key| fields.get(key).map_or(Some(false), |node| walk.flag(node));
    let (csv, skip_when_empty) = (flag("csv"), flag("skip_when_empty"));
    fields.done(walk, "a digest", &["calendar", "subject", "columns"]);
    let Some((name, place)) = named else { return };
    let value = || {
        Some(Digest {
            name: name.clone(),
            schedules: schedules?,
            time_zone: time_zone?,
            receiver: receiver?,
            parts: parts?,
            matchers: matchers?,
            split_by: split_by?,
            csv: csv?,
            skip_when_empty: skip_when_empty?,
        })
    };
    let value = value();
    let digest = Named { name, value, origin: file.origin, place };
    unique(walk, &draft.digests, &digest);
    draft.digests.push(digest);
}

/// All of them, or none where one is wrong.
fn whole<T>(read: impl Iterator<Item = Option<T>>) -> Option<Vec<T>> {
    // Every one is read, so that every mistake is told.
    let read: Vec<Option<T>> = read.collect();
    read.into_iter().collect()
}

/// What the digest shows, in order.
fn sections(walk: &Walk, node: &Node) -> Option<Vec<DigestPart>> {
    let mut parts: Vec<DigestPart> = Vec::new();
    let mut right = true;
    for node in walk.some_items(node, "call_list, open_alerts") {
        match walk.choice(node, "a section of a digest", &SECTIONS) {
            Some(part) if parts.contains(&part) => {
                walk.error(node, format!("`{}` stands here twice", part.as_str()), "remove one of the two");
                right = false;
            }
            Some(part) => parts.push(part),
            None => right = false,
        }
    }
    (right && !parts.is_empty()).then_some(parts)
}

/// The label of which each value gets a message of its own.
fn split_by(walk: &Walk, node: &Node, draft: &mut Draft) -> Option<String> {
    let label = walk.full_text(node, "site")?;
    if TOO_FINE.contains(&label) {
        walk.error(
            node,
            format!("a digest cannot be split by `{label}`: each one would get a message of its own"),
            "split it by site, team or another label that many alerts share",
        );
        return None;
    }
    if !label.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        let help = format!("write one label, such as {}", BUILT_IN_LABELS[5]);
        walk.add(Problem::error(walk.place(node), format!("`{label}` is not a label")).help(help));
        return None;
    }
    draft.to_labels.push(Reference { name: label.to_owned(), place: walk.place(node) });
    Some(label.to_owned())
}

/// Five fields, as in crontab, that come true at some time.
fn schedule(walk: &Walk, node: &Node) -> Option<String> {
    let example = EXAMPLE_SCHEDULE;
    let text = walk.full_text(node, example)?;
    let count = text.split_whitespace().count();
    if count != 5 {
        let fields = "minute, hour, day of month, month, day of week";
        let help = format!("write five fields ({fields}), as in {example}");
        walk.error(
            node,
            format!("`{text}` is not a schedule: it has {count} field{}", if count == 1 { "" } else { "s" }),
            help,
        );
        return None;
    }
    let cron: Cron = match text.parse() {
        Ok(cron) => cron,
        Err(error) => {
            let error = error.to_string();
            let reason = error.trim_start_matches("Component error: ").trim_end_matches('.').to_lowercase();
            match text.split([' ', ',', '-']).find(|word| is_whole_name(word)) {
                Some(word) => {
                    let help =
                        format!("names of days and months have three letters: write {}", word[..3].to_uppercase());
                    walk.error(node, format!("`{text}` is not a schedule: `{word}` is written out"), help);
                }
                None => {
                    walk.error(
                        node,
                        format!("`{text}` is not a schedule: {reason}"),
                        format!("write it as in {example}"),
                    );
                }
            }
            return None;
        }
    };
    // Any fixed instant would do: the question is whether there is a next time at all.
    let start = DateTime::<Utc>::UNIX_EPOCH;
    if cron.find_next_occurrence(&start, false).is_err() {
        walk.error(node, format!("`{text}` never comes"), "check day and month");
        return None;
    }
    Some(text.to_owned())
}

/// Whether this is the whole name of a day or a month, of which schedules know the first three letters.
fn is_whole_name(word: &str) -> bool {
    const NAMES: [&str; 18] = [
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "january",
        "february",
        "march",
        "april",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    NAMES.contains(&&*word.to_ascii_lowercase())
}
