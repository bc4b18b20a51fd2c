//! Event types that rules name. Impilo's types are an open set: one that is not known may still be right.

use crate::config::suggest::nearest;
use crate::config::walk::Walk;
use crate::config::yaml::Node;
use crate::engine::{EventPattern, SubjectKind};
use crate::impilo::schema::{EVENT_TYPES, EventType};

/// One event type or several; `None` where none of them can be used.
pub(super) fn read(walk: &Walk, node: &Node) -> Option<Vec<EventPattern>> {
    let items = walk.items(node);
    let patterns: Vec<_> = items.iter().filter_map(|item| pattern(walk, item)).collect();
    (!patterns.is_empty() && patterns.len() == items.len()).then_some(patterns)
}

fn pattern(walk: &Walk, node: &Node) -> Option<EventPattern> {
    let name = walk.full_text(node, "device.lowBattery")?;
    if let Some(prefix) = name.strip_suffix('*') {
        if prefix.is_empty() || !prefix.ends_with('.') || prefix.contains('*') {
            walk.error(
                node,
                format!("`{name}` is not a pattern of event types"),
                "write a family with `.*`, as in reading.*",
            );
            return None;
        }
        let pattern = EventPattern::Prefix(prefix.to_owned());
        if known(&pattern).next().is_none() {
            let families = EVENT_TYPES.iter().filter_map(|known| known.name.split_once('.')).map(|(family, _)| family);
            match nearest(prefix.trim_end_matches('.'), families) {
                Some(near) => {
                    walk.error(
                        node,
                        format!("no event type begins with `{prefix}`"),
                        format!("did you mean `{near}.*`?"),
                    );
                    return None;
                }
                None => unknown(walk, node, name),
            }
        }
        return Some(pattern);
    }
    if !EVENT_TYPES.iter().any(|known| known.name == name) {
        if let Some(near) = nearest(name, EVENT_TYPES.iter().map(|known| known.name)) {
            walk.error(node, format!("unknown event type `{name}`"), format!("did you mean `{near}`?"));
            return None;
        }
        unknown(walk, node, name);
    }
    Some(EventPattern::Exactly(name.to_owned()))
}

fn unknown(walk: &Walk, node: &Node, name: &str) {
    let mut families: Vec<_> = EVENT_TYPES.iter().filter_map(|known| known.name.split('.').next()).collect();
    families.dedup();
    walk.warn(
        node,
        format!("`{name}` is not an event type that Impilo is known to send"),
        format!("this is fine where Impilo has a new type; known ones begin with {}", families.join(", ")),
    );
}

/// The known types that a pattern stands for.
pub(super) fn known(pattern: &EventPattern) -> impl Iterator<Item = &'static EventType> {
    EVENT_TYPES.iter().filter(move |known| pattern.matches(known.name))
}

/// What the events are about, where all of them agree and are known.
pub(super) fn subject(patterns: &[EventPattern]) -> Option<SubjectKind> {
    let mut kinds = patterns.iter().flat_map(known).map(|known| known.subject);
    let first = kinds.next()?;
    (kinds.all(|kind| kind == first) && patterns.iter().all(|pattern| known(pattern).next().is_some())).then_some(first)
}

/// Complains of events that never say which subject of this kind they concern.
pub(super) fn concern(walk: &Walk, node: &Node, patterns: &[EventPattern], subject: SubjectKind) {
    for (pattern, item) in patterns.iter().zip(walk.items(node)) {
        let mut types = known(pattern).peekable();
        if types.peek().is_none() || types.any(|known| known.names.contains(&subject)) {
            continue;
        }
        let mut names: Vec<_> = known(pattern).flat_map(|known| known.names).map(|kind| kind.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let shown = match pattern {
            EventPattern::Exactly(name) => name.clone(),
            EventPattern::Prefix(prefix) => format!("{prefix}*"),
        };
        walk.error(
            item,
            format!("`{shown}` does not say which {subject} it is about"),
            format!("it names: {}; set `subject` to one of these, or choose another event", names.join(", ")),
        );
    }
}
