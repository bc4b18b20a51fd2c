//! Digests: what, when, in which zone, to whom.

use chrono::{DateTime, Utc};
use croner::Cron;

use super::rule::name;
use super::{Draft, File, Named, Reference, unique, zone};
use crate::config::walk::Walk;
use crate::config::yaml::Node;
use crate::engine::Digest;

pub(super) fn read(file: &File<'_>, node: &Node, draft: &mut Draft) {
    let walk = file.walk;
    let example = "{ digest: daily, schedule: \"0 8 * * MON-FRI\", time_zone: America/New_York, receiver: logistics }";
    let Some(fields) = walk.fields(node, "a digest", example) else { return };
    let named = fields
        .renamed(walk, "digest", &["name"])
        .or_else(|| fields.need(walk, "digest", "a digest", "give it a name: digest: daily-device-health"))
        .and_then(|node| name(walk, node).map(|name| (name, walk.place(node))));
    let schedule = fields
        .need(walk, "schedule", "a digest", "say when: schedule: \"0 8 * * MON-FRI\"")
        .and_then(|node| schedule(walk, node));
    let time_zone = fields
        .need(walk, "time_zone", "a digest", "say in which zone: time_zone: America/New_York")
        .and_then(|node| zone::read(walk, node))
        .map(|zone| zone.name().to_owned());
    let receiver_node = fields.need(walk, "receiver", "a digest", "say who gets it: receiver: logistics");
    let receiver = receiver_node.and_then(|node| walk.full_text(node, "logistics")).map(str::to_owned);
    if let (Some(node), Some(name)) = (receiver_node, &receiver) {
        draft.to_receivers.push(Reference { name: name.clone(), place: walk.place(node) });
    }
    let skip_when_empty = fields.get("skip_when_empty").map_or(Some(false), |node| walk.flag(node));
    fields.done(walk, "a digest", &["sections", "calendar", "subject"]);
    let Some((name, place)) = named else { return };
    let value = match (schedule, time_zone, receiver, skip_when_empty) {
        (Some(schedule), Some(time_zone), Some(receiver), Some(skip_when_empty)) => {
            Some(Digest { name: name.clone(), schedule, time_zone, receiver, skip_when_empty })
        }
        _ => None,
    };
    let digest = Named { name, value, origin: file.origin, place };
    unique(walk, &draft.digests, &digest);
    draft.digests.push(digest);
}

/// Five fields, as in crontab, that come true at some time.
fn schedule(walk: &Walk, node: &Node) -> Option<String> {
    let example = "\"0 8 * * MON-FRI\"";
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
