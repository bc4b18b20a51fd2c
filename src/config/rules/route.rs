//! The tree of routes.

use std::time::Duration;

use regex::Regex;

use super::length::plain;
use super::{Draft, File, Placed, Reference};
use crate::config::problem::Problem;
use crate::config::suggest::nearest;
use crate::config::walk::{Fields, Walk};
use crate::config::yaml::Node;
use crate::engine::{GroupBy, LabelTest, Matcher, Route, Severity};

const MINUTE: Duration = Duration::from_secs(60);

/// How deep routes may lie below one another.
const DEEPEST: usize = 16;

/// What other versions know in a route.
const LATER: [&str; 6] = ["match", "match_re", "escalate", "mute_time_intervals", "active_time_intervals", "calendar"];

const EXAMPLE: &str = "{ receiver: logistics, group_by: [alertname, site] }";
const EXAMPLE_BELOW: &str = "{ matchers: ['severity = \"critical\"'], receiver: oncall }";
pub(super) const EXAMPLE_MATCHER: &str = "severity = \"critical\"";

/// Reads the route on top, and with it all others.
pub(super) fn read(file: &File<'_>, node: &Node, draft: &mut Draft) {
    let walk = file.walk;
    let Some(fields) = walk.fields(node, "a route", EXAMPLE) else { return };
    let help = "put it there: routes: [{ matchers: [...], receiver: ... }]; the route on top takes every alert";
    fields.elsewhere(walk, &["matchers", "continue"], "a route below", help);
    let head = fields.head();
    let value = one(file, fields, draft, None, 0);
    if let Some(first) = draft.route.as_ref().filter(|first| first.origin == file.origin) {
        let problem = Problem::error(head, "a second route on top");
        walk.add(problem.related(first.place.clone(), "the first").help("put one below the other: routes: [...]"));
        return;
    }
    if let Some(value) = value {
        draft.route = Some(Placed { value, origin: file.origin, place: head });
    }
}

/// Reads a route; what it does not say, the one above it says.
fn one(file: &File<'_>, fields: Fields<'_>, draft: &mut Draft, above: Option<&Route>, depth: usize) -> Option<Route> {
    let walk = file.walk;
    let receiver = receiver(walk, &fields, draft, above);
    let routes = fields.get("routes");
    let group_by = match fields.get("group_by") {
        Some(node) => group_by(walk, node, draft),
        None => above.map_or(GroupBy::Labels(Vec::new()), |above| above.group_by.clone()),
    };
    let words = &draft.words;
    let length = |key, default, example, least| {
        let found = fields.get(key).map(|node| plain(walk, words, node, example, least));
        found.unwrap_or(Some(default))
    };
    let of_above = |of: fn(&Route) -> Duration, default| above.map_or(default, of);
    let group_wait = length("group_wait", of_above(|above| above.group_wait, 2 * MINUTE), "2m", Duration::ZERO);
    let group_interval =
        length("group_interval", of_above(|above| above.group_interval, 30 * MINUTE), "30m", Duration::from_secs(1));
    let repeat_interval =
        length("repeat_interval", of_above(|above| above.repeat_interval, 24 * 60 * MINUTE), "24h", MINUTE);
    let goes_on = match above.and_then(|_| fields.get("continue")) {
        Some(node) => walk.flag(node),
        None => Some(false),
    };
    let matchers = match above.and_then(|_| fields.get("matchers")) {
        Some(node) => walk.some_items(node, EXAMPLE_MATCHER).iter().map(|node| matcher(walk, node, draft)).collect(),
        None => Some(Vec::new()),
    };
    fields.done(walk, if above.is_some() { "a route" } else { "the route" }, &LATER);
    let key = above.zip(matchers.as_ref()).map(|(above, matchers): (&Route, &Vec<Matcher>)| {
        let own: Vec<String> = matchers.iter().map(Matcher::to_string).collect();
        format!("{}/{}", above.key, own.join(","))
    });
    let mut route = Route {
        key: key.unwrap_or_default(),
        matchers: matchers?,
        goes_on: goes_on?,
        receiver: receiver?,
        group_by,
        group_wait: group_wait?,
        group_interval: group_interval?,
        repeat_interval: repeat_interval?,
        routes: Vec::new(),
    };
    if let Some(node) = routes {
        route.routes = below(file, node, draft, &route, depth)?;
    }
    Some(route)
}

fn below(file: &File<'_>, node: &Node, draft: &mut Draft, above: &Route, depth: usize) -> Option<Vec<Route>> {
    let walk = file.walk;
    if depth >= DEEPEST {
        walk.error(node, format!("routes more than {DEEPEST} deep"), "put several matchers into one route");
        return None;
    }
    let mut routes = Vec::new();
    let mut whole = true;
    // Where the route is that takes whatever comes to it.
    let mut takes_all = None;
    for node in walk.some_items(node, EXAMPLE_BELOW) {
        let Some(fields) = walk.fields(node, "a route", EXAMPLE_BELOW) else {
            whole = false;
            continue;
        };
        if let Some(before) = &takes_all {
            let problem = Problem::warning(fields.head(), "no alert comes to this route");
            let problem = problem.related(Clone::clone(before), "this one takes all of them");
            walk.add(problem.help("give that one matchers, or continue: true, or let it come last"));
        }
        let head = fields.head();
        match one(file, fields, draft, Some(above), depth + 1) {
            Some(route) => {
                if route.matchers.is_empty() && !route.goes_on && takes_all.is_none() {
                    takes_all = Some(head);
                }
                routes.push(route);
            }
            None => whole = false,
        }
    }
    whole.then_some(routes)
}

fn receiver(walk: &Walk, fields: &Fields<'_>, draft: &mut Draft, above: Option<&Route>) -> Option<String> {
    let node = match above {
        Some(above) => match fields.get("receiver") {
            Some(node) => node,
            None => return Some(above.receiver.clone()),
        },
        None => fields.need(walk, "receiver", "the route", "say who is told: receiver: logistics")?,
    };
    let name = walk.full_text(node, "logistics")?.to_owned();
    draft.to_receivers.push(Reference { name: name.clone(), place: walk.place(node) });
    Some(name)
}

fn group_by(walk: &Walk, node: &Node, draft: &mut Draft) -> GroupBy {
    let mut labels = Vec::new();
    let mut each = None;
    for node in walk.items(node) {
        let Some(label) = walk.full_text(node, "site") else { continue };
        if let Some(labels) = several(label) {
            walk.error(node, "several labels in one text", format!("write [{labels}]"));
            continue;
        }
        if label == "..." {
            each = Some(node);
            continue;
        }
        draft.to_labels.push(Reference { name: label.to_owned(), place: walk.place(node) });
        labels.push(label.to_owned());
    }
    let Some(node) = each else { return GroupBy::Labels(labels) };
    if !labels.is_empty() {
        walk.error(
            node,
            "`...` stands for every label, so the other labels say nothing",
            "write group_by: [\"...\"] alone",
        );
    }
    GroupBy::Each
}

/// Words in one text that belong into a list.
fn several(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split([',', ';', ' ']).filter(|word| !word.is_empty()).collect();
    (words.len() > 1).then(|| words.join(", "))
}

/// A matcher in Alertmanager's way of writing: `label = "text"`, `!=`, `=~`, `!~`.
pub(super) fn matcher(walk: &Walk, node: &Node, draft: &mut Draft) -> Option<Matcher> {
    let text = walk.full_text(node, EXAMPLE_MATCHER)?;
    let label: String = text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    let rest = text.get(label.len()..).unwrap_or_default().trim_start();
    let operator = ["=~", "!~", "!=", "="].into_iter().find(|operator| rest.starts_with(operator));
    let (Some(operator), false) = (operator, label.is_empty()) else {
        return refuse(
            walk,
            node,
            "not a matcher".to_owned(),
            format!("write a label, one of = != =~ !~, and a text: {EXAMPLE_MATCHER}"),
        );
    };
    let value = rest.get(operator.len()..).unwrap_or_default().trim();
    let Some(value) = unquoted(value) else {
        return refuse(
            walk,
            node,
            format!("the text behind `{operator}` is not one text"),
            format!("put it in quotes, and each matcher in an entry of its own: ['{label} {operator} \"...\"']"),
        );
    };
    draft.to_labels.push(Reference { name: label.clone(), place: walk.place(node) });
    let severities = [Severity::Info, Severity::Warning, Severity::Critical].map(Severity::as_str);
    if label == "severity" && ["=", "!="].contains(&operator) && !severities.contains(&value) {
        let near = nearest(value, severities).map_or_else(
            || format!("the severities are {}", severities.join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        walk.add(Problem::warning(walk.place(node), format!("no alert has the severity `{value}`")).help(near));
    }
    let pattern = || match Regex::new(&format!("^(?:{value})$")) {
        Ok(pattern) => Some(pattern),
        Err(_) => refuse(
            walk,
            node,
            format!("`{value}` is not a regular expression"),
            format!("write one as \"North.*|South\", or compare the whole text: {label} = \"...\""),
        ),
    };
    let test = match operator {
        "=" => LabelTest::Is(value.to_owned()),
        "!=" => LabelTest::IsNot(value.to_owned()),
        "=~" => LabelTest::Matches(pattern()?),
        _ => LabelTest::MatchesNot(pattern()?),
    };
    Some(Matcher { label, test })
}

fn refuse<T>(walk: &Walk, node: &Node, message: impl Into<String>, help: impl Into<String>) -> Option<T> {
    walk.error(node, message, help);
    None
}

/// A text in quotes, or one word without.
fn unquoted(text: &str) -> Option<&str> {
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote) {
            return inner.strip_suffix(quote).filter(|inner| !inner.contains(quote));
        }
    }
    let word = !text.is_empty() && !text.contains([',', '"', '\'', '=', '{', '}']);
    word.then_some(text)
}
