//! Event types that rules name. Impilo's types are an open set: one that is not known may still be right.

use crate::config::suggest::nearest;
use crate::config::walk::Walk;
use crate::config::yaml::{Node, Value};
use crate::engine::{EventPattern, SubjectKind};
use crate::impilo::schema::{EVENT_TYPES, EventType};

/// One event type or several. A type that is misspelt is noted and taken for the one that was probably meant, so that
/// what reads it can be judged; `None` where one of them cannot even be guessed.
pub(super) fn read(walk: &Walk, node: &Node) -> Option<Vec<EventPattern>> {
    let items = walk.some_items(node, "device.lowBattery");
    let patterns: Vec<_> = items.iter().filter_map(|item| pattern(walk, item)).collect();
    (!patterns.is_empty() && patterns.len() == items.len()).then_some(patterns)
}

fn pattern(walk: &Walk, node: &Node) -> Option<EventPattern> {
    let name = walk.full_text(node, "device.lowBattery")?;
    if !is_type(name) {
        misshapen(walk, node, name);
        return None;
    }
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
                    return Some(EventPattern::Prefix(format!("{near}.")));
                }
                None => unknown(walk, node, name),
            }
        }
        return Some(pattern);
    }
    if !EVENT_TYPES.iter().any(|known| known.name == name) {
        if let Some(near) = nearest(name, EVENT_TYPES.iter().map(|known| known.name)) {
            walk.error(node, format!("unknown event type `{name}`"), format!("did you mean `{near}`?"));
            return Some(EventPattern::Exactly(near.to_owned()));
        }
        unknown(walk, node, name);
    }
    Some(EventPattern::Exactly(name.to_owned()))
}

/// Whether this has the shape of every type of Impilo's: a family, a dot, a name.
fn is_type(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'*');
    name.contains(['.', '*']) && name.bytes().all(fits)
}

/// Something that is no event type, known or not, with what was probably meant to paste.
fn misshapen(walk: &Walk, node: &Node, name: &str) {
    let types = || EVENT_TYPES.iter().map(|known| known.name);
    let meant = |word: &str| {
        let last = |name: &'static str| name.split_once('.').map_or(name, |(_, last)| last);
        let near = nearest(word, types());
        near.or_else(|| types().find(|name| nearest(word, [last(name)]).is_some())).map(str::to_owned)
    };
    let words: Vec<&str> = name.split([',', ';']).map(str::trim).filter(|word| !word.is_empty()).collect();
    if words.len() > 1 {
        let words: Vec<String> = words.iter().map(|word| meant(word).unwrap_or_else(|| (*word).to_owned())).collect();
        let help = format!("write [{}]", words.join(", "));
        walk.error(node, "several event types in one text", help);
        return;
    }
    let help = match meant(name) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "a type is a family, a dot and a name, as in device.lowBattery; rules.md in the documentation lists \
                 those of Impilo"
            .to_owned(),
    };
    walk.error(node, format!("`{}` is not an event type", walk.quotable(node, name)), help);
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

/// Complains of events that never say which subject of this kind they concern: the kind that the rule is about.
pub(super) fn concern(walk: &Walk, node: &Node, patterns: &[EventPattern], subject: SubjectKind) {
    need(walk, node, patterns, subject, "set `subject` to one of these, or choose another event");
}

/// Complains of events that never say which subject of this kind they concern.
pub(super) fn need(walk: &Walk, node: &Node, patterns: &[EventPattern], kind: SubjectKind, help: &str) {
    for (pattern, item) in patterns.iter().zip(walk.items(node)) {
        if link(pattern, kind) != Link::Never {
            continue;
        }
        let mut names: Vec<_> = known(pattern).flat_map(|known| known.names).map(|kind| kind.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        walk.error(
            item,
            format!("`{}` does not say which {kind} it is about", shown(pattern)),
            format!("it names: {}; {help}", names.join(", ")),
        );
    }
}

/// How an event type and a kind of subject hang together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// The event says which one it concerns.
    Said,
    /// The event itself does not, but what it is about may be known to belong together with one; the type that says so.
    Relation { full: &'static str },
    /// No event of the type has to do with any.
    Never,
    /// Nothing is known of the type.
    Unknown,
}

/// How the types of a pattern and a kind of subject hang together: the best that any of them has.
pub(super) fn link(pattern: &EventPattern, kind: SubjectKind) -> Link {
    let mut found = Link::Unknown;
    for event in known(pattern) {
        if !event.names.contains(&kind) {
            found = if found == Link::Unknown { Link::Never } else { found };
            continue;
        }
        match whole(event) {
            Some(full) if !says(event, kind) => found = Link::Relation { full },
            _ => return Link::Said,
        }
    }
    found
}

/// The type that brings the whole object, where this one brings its status alone.
fn whole(event: &EventType) -> Option<&'static str> {
    let full = |known: &&EventType| known.name.strip_suffix("Full") == Some(event.name);
    EVENT_TYPES.iter().find(full).map(|known| known.name)
}

/// Whether an event that brings little more than a status says which one it concerns.
fn says(event: &EventType, kind: SubjectKind) -> bool {
    event.subject == kind || event.payload.iter().any(|field| field.name.strip_suffix("Id") == Some(kind.as_str()))
}

/// The pattern as people write it.
pub(super) fn shown(pattern: &EventPattern) -> String {
    match pattern {
        EventPattern::Exactly(name) => name.clone(),
        EventPattern::Prefix(prefix) => format!("{prefix}*"),
    }
}

/// A kind of subject. One that is misspelt is noted, and taken for the one that was probably meant.
pub(super) fn kind_of_subject(walk: &Walk, node: &Node) -> Option<SubjectKind> {
    let kinds: Vec<_> = SubjectKind::NAMED.iter().map(|kind| (kind.as_str(), *kind)).collect();
    walk.choice(node, "a kind of subject", &kinds).or_else(|| match &node.value {
        Value::Scalar(scalar) => SubjectKind::parse(nearest(&scalar.text, kinds.iter().map(|kind| kind.0))?),
        _ => None,
    })
}
