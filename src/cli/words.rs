//! A rule as its file says it, key by key.

use crate::engine::{Condition, EventTest, Rule, Since, Trigger};

/// What makes a rule fire, as keys and values of rule files.
pub(super) fn says(rule: &Rule) -> Vec<(&'static str, String)> {
    let mut said = Vec::new();
    if let Some(test) = rule.trigger.test() {
        said.push(("event", events(test)));
        said.extend(test.condition.as_ref().map(|condition| ("where", source(condition))));
    }
    match &rule.trigger {
        Trigger::Event(_) => {}
        Trigger::Count { at_least, within, distinct, .. } => {
            let of = distinct.map_or(String::new(), |kind| format!(" different {kind}s"));
            said.push(("count", format!("at least {at_least}{of} within {within}")));
        }
        Trigger::Share { share, and_at_least, distinct, within, .. } => {
            let bound = if share.inclusive { "at least" } else { "more than" };
            let percent = share.part * 100.0;
            said.push((
                "share",
                format!("{bound} {percent}% of the devices with patients, and at least {and_at_least} {distinct}s, within {within}"),
            ));
        }
        Trigger::Silent { events, longer_than, since } => {
            let since = match since {
                Since::Heard => "",
                Since::Associated => ", never heard since associated",
                Since::Delivered => ", never heard since delivered",
            };
            let events: Vec<String> = events.iter().map(ToString::to_string).collect();
            said.push(("silent", format!("no {} for longer than {longer_than}{since}", events.join(" or "))));
        }
        Trigger::While { lasting, each } => {
            said.extend(lasting.as_ref().map(|lasting| ("for", lasting.to_string())));
            said.extend(each.as_ref().map(|each| ("each", format!("{}.{each}", rule.subject))));
        }
        Trigger::NotFollowedBy { awaited, same, within, .. } => {
            said.push(("not_followed_by", format!("{} of the same {same} within {within}", awaits(awaited))));
        }
        Trigger::NotPrecededBy { awaited, same, within, .. } => {
            said.push(("not_preceded_by", format!("{} of the same {same} within {within}", awaits(awaited))));
        }
    }
    said.extend(rule.holds.as_ref().map(|condition| ("while", source(condition))));
    said.extend(rule.grace.as_ref().map(|grace| ("grace", grace.to_string())));
    said
}

fn events(test: &EventTest) -> String {
    test.events.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
}

fn awaits(test: &EventTest) -> String {
    let condition = test.condition.as_ref().map(|condition| format!(" where {}", source(condition)));
    format!("{}{}", events(test), condition.unwrap_or_default())
}

/// On one line.
fn source(condition: &Condition) -> String {
    condition.source().split_whitespace().collect::<Vec<_>>().join(" ")
}
