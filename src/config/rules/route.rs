//! The tree of routes.

use std::collections::BTreeSet;
use std::time::Duration;

use super::intervals::all;
use super::length::plain;
use super::{Draft, File, Placed, Reference};
use crate::config::problem::{Place, Problem};
use crate::config::suggest::nearest;
use crate::config::walk::{Fields, Walk};
use crate::config::yaml::Node;
use crate::engine::{GroupBy, LabelTest, Matcher, MatcherError, Route, Severity, Step, TimeInterval};

const MINUTE: Duration = Duration::from_secs(60);

/// How deep routes may lie below one another.
const DEEPEST: usize = 16;

/// What other versions know in a route.
const LATER: [&str; 3] = ["match", "match_re", "calendar"];

const EXAMPLE: &str = "{ receiver: logistics, group_by: [alertname, site] }";
const EXAMPLE_STEP: &str = "{ after: 30m, receiver: lead }";
const EXAMPLE_BELOW: &str = "{ matchers: ['severity = \"critical\"'], receiver: oncall }";
pub(super) const EXAMPLE_MATCHER: &str = "severity = \"critical\"";

/// Reads the route on top, and with it all others.
pub(super) fn read(file: &File<'_>, node: &Node, draft: &mut Draft) {
    let walk = file.walk;
    let Some(fields) = walk.fields(node, "a route", EXAMPLE) else { return };
    let help = "put it there: routes: [{ matchers: [...], receiver: ... }]; the route on top takes every alert";
    fields.elsewhere(walk, &["matchers", "continue"], "a route below", help);
    let help = "put it there: routes: [{ mute_time_intervals: [...] }]; the route on top is what is left where others are muted";
    fields.elsewhere(walk, &["mute_time_intervals", "active_time_intervals"], "a route below", help);
    let head = fields.head();
    let value = one(file, fields, draft, None, 0);
    if let Some(first) = draft.route.as_ref().filter(|first| first.origin == file.origin) {
        let problem = Problem::error(head, "a second route on top");
        walk.add(problem.related(first.place.clone(), "the first").help("put one below the other: routes: [...]"));
        return;
    }
    if let Some(mut value) = value {
        set_apart(&mut value, &mut BTreeSet::new());
        draft.route = Some(Placed { value, origin: file.origin, place: head });
    }
}

/// Lets no two routes have the same key: later ones get a number.
fn set_apart(route: &mut Route, known: &mut BTreeSet<String>) {
    let mut key = route.key.clone();
    let mut number = 1;
    while !known.insert(key.clone()) {
        number += 1;
        key = format!("{}#{number}", route.key);
    }
    route.key = key;
    route.routes.iter_mut().for_each(|below| set_apart(below, known));
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
        Some(node) => all(walk.some_items(node, EXAMPLE_MATCHER).iter().map(|node| matcher(walk, node, draft))),
        None => Some(Vec::new()),
    };
    let mute = intervals(walk, &fields, draft, above, "mute_time_intervals");
    let active = intervals(walk, &fields, draft, above, "active_time_intervals");
    let escalate = match fields.get("escalate") {
        Some(node) => all(walk.some_items(node, EXAMPLE_STEP).iter().map(|node| step(walk, node, draft))),
        None => Some(above.map(|above| above.escalate.clone()).unwrap_or_default()),
    };
    fields.done(walk, if above.is_some() { "a route" } else { "the route" }, &LATER);
    let parts = [
        matchers.is_some(),
        goes_on.is_some(),
        receiver.is_some(),
        group_wait.is_some(),
        group_interval.is_some(),
        repeat_interval.is_some(),
        mute.is_some(),
        active.is_some(),
        escalate.is_some(),
    ];
    let whole = parts.into_iter().all(|read| read);
    let matchers = matchers.unwrap_or_default();
    let key = above.map(|above| {
        let own: Vec<String> = matchers.iter().map(Matcher::to_string).collect();
        format!("{}/{}", above.key, own.join(","))
    });
    // What is wrong here must not hide what is wrong below.
    let mut route = Route {
        key: key.unwrap_or_default(),
        matchers,
        goes_on: goes_on.unwrap_or_default(),
        receiver: receiver.unwrap_or_default(),
        group_by,
        group_wait: group_wait.unwrap_or_default(),
        group_interval: group_interval.unwrap_or_default(),
        repeat_interval: repeat_interval.unwrap_or_default(),
        mute_time_intervals: mute.unwrap_or_default(),
        active_time_intervals: active.unwrap_or_default(),
        escalate: escalate.unwrap_or_default(),
        routes: Vec::new(),
    };
    if let Some(node) = routes {
        route.routes = below(file, node, draft, &route, depth)?;
    }
    whole.then_some(route)
}

/// The time intervals that a route below names; it does not take over those of the route above, as in Alertmanager.
fn intervals(
    walk: &Walk,
    fields: &Fields<'_>,
    draft: &Draft,
    above: Option<&Route>,
    key: &'static str,
) -> Option<Vec<TimeInterval>> {
    match above.and_then(|_| fields.get(key)) {
        Some(node) => draft.words.intervals.named(walk, node),
        None => Some(Vec::new()),
    }
}

fn step(walk: &Walk, node: &Node, draft: &mut Draft) -> Option<Step> {
    let fields = walk.fields(node, "a step", EXAMPLE_STEP)?;
    let after = fields
        .need(walk, "after", "a step of `escalate`", "say how long after it fired: after: 30m")
        .and_then(|node| plain(walk, &draft.words, node, "30m", MINUTE));
    let receiver = fields.need(walk, "receiver", "a step of `escalate`", "say who is told then: receiver: lead");
    let receiver = receiver.and_then(|node| Some((walk.full_text(node, "lead")?.to_owned(), walk.place(node))));
    fields.done(walk, "`escalate`", &[]);
    let (name, place) = receiver?;
    draft.to_receivers.push(Reference { name: name.clone(), place });
    Some(Step { after: after?, receiver: name })
}

fn below(file: &File<'_>, node: &Node, draft: &mut Draft, above: &Route, depth: usize) -> Option<Vec<Route>> {
    let walk = file.walk;
    if depth >= DEEPEST {
        walk.error(node, format!("routes more than {DEEPEST} deep"), "put several matchers into one route");
        return None;
    }
    let mut routes = Vec::new();
    let mut whole = true;
    // Where routes are that let nothing of theirs go on, with their matchers; those without take whatever comes.
    let mut taking: Vec<(Vec<Matcher>, Place)> = Vec::new();
    for node in walk.some_items(node, EXAMPLE_BELOW) {
        let Some(fields) = walk.fields(node, "a route", EXAMPLE_BELOW) else {
            whole = false;
            continue;
        };
        let head = fields.head();
        let read = one(file, fields, draft, Some(above), depth + 1);
        let matchers = read.as_ref().map(|route| route.matchers.as_slice()).unwrap_or_default();
        let takes = |taken: &[Matcher]| taken.iter().all(|matcher| matchers.contains(matcher));
        if let Some((_, before)) = taking.iter().find(|(taken, _)| takes(taken)) {
            let problem = Problem::warning(head.clone(), "no alert comes to this route");
            let problem = problem.related(before.clone(), "this one takes all of them");
            walk.add(problem.help("give that one other matchers, or continue: true, or let it come last"));
        }
        match read {
            Some(route) => {
                if !route.goes_on {
                    taking.push((route.matchers.clone(), head));
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
pub(super) fn several(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split([',', ';', ' ']).filter(|word| !word.is_empty()).collect();
    (words.len() > 1).then(|| words.join(", "))
}

/// A matcher in Alertmanager's way of writing: `label = "text"`, `!=`, `=~`, `!~`.
pub(super) fn matcher(walk: &Walk, node: &Node, draft: &mut Draft) -> Option<Matcher> {
    let text = walk.full_text(node, EXAMPLE_MATCHER)?;
    let matcher = match text.parse::<Matcher>() {
        Ok(matcher) => matcher,
        Err(error) => return refuse(walk, node, error.to_string(), help(&error)),
    };
    draft.to_labels.push(Reference { name: matcher.label.clone(), place: walk.place(node) });
    let severities = [Severity::Info, Severity::Warning, Severity::Critical].map(Severity::as_str);
    if let LabelTest::Is(value) | LabelTest::IsNot(value) = &matcher.test
        && matcher.label == "severity"
        && !severities.contains(&value.as_str())
    {
        let near = nearest(value, severities).map_or_else(
            || format!("the severities are {}", severities.join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        walk.add(Problem::warning(walk.place(node), format!("no alert has the severity `{value}`")).help(near));
    }
    Some(matcher)
}

/// What to write instead.
pub(super) fn help(error: &MatcherError) -> String {
    match error {
        MatcherError::NoOperator => format!("write a label, one of = != =~ !~, and a text: {EXAMPLE_MATCHER}"),
        MatcherError::NotOneText { label, operator } => {
            format!("put it in quotes, and each matcher in an entry of its own: ['{label} {operator} \"...\"']")
        }
        MatcherError::BadPattern { label, .. } => {
            format!("write one as \"North.*|South\", or compare the whole text: {label} = \"...\"")
        }
    }
}

fn refuse<T>(walk: &Walk, node: &Node, message: impl Into<String>, help: impl Into<String>) -> Option<T> {
    walk.error(node, message, help);
    None
}
