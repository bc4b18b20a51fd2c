//! Receivers, and whether what names them and labels is right.

use std::time::Duration;

use super::length::plain;
use super::rule::{BUILT_IN_LABELS, name};
use super::{Draft, File, Named, Reference, unique};
use crate::config::address::mailbox;
use crate::config::problem::{Problem, Problems};
use crate::config::suggest::nearest;
use crate::config::walk::{Fields, Walk};
use crate::config::yaml::{Node, Value as Yaml};
use crate::engine::{Channel, FALLBACK_AFTER, Fallback, Protection, Receiver};

pub(in crate::config) const PHI: [(&str, Protection); 3] =
    [("none", Protection::None), ("ids", Protection::Ids), ("full", Protection::Full)];

/// What other versions know in a receiver, Alertmanager's own channels among them.
const LATER_RECEIVER: [&str; 8] =
    ["cap", "quiet", "webhook", "pagerduty", "teams", "email_configs", "slack_configs", "webhook_configs"];

/// A fallback that hears of everything that comes a moment late is no fallback.
const SHORTEST_FALLBACK: Duration = Duration::from_secs(60);

pub(super) fn read_receiver(file: &File<'_>, node: &Node, draft: &mut Draft) {
    let walk = file.walk;
    let example = "{ name: logistics, email: [{ to: [logistics@clinic.example] }] }";
    let Some(fields) = walk.fields(node, "a receiver", example) else { return };
    let named = fields
        .renamed(walk, "name", &["receiver"])
        .or_else(|| fields.need(walk, "name", "a receiver", "give it a name: name: logistics"))
        .and_then(|node| name(walk, node).map(|name| (name, walk.place(node))));
    let phi =
        fields.get("phi").map_or(Some(Protection::Ids), |node| walk.choice(node, "one of the settings of `phi`", &PHI));
    let mut channels = Vec::new();
    for node in fields.get("email").map_or(&[][..], |node| walk.some_items(node, "{ to: [logistics@clinic.example] }"))
    {
        channels.extend(email(walk, node, draft));
    }
    for node in fields.get("slack").map_or(&[][..], |node| walk.some_items(node, "{ webhook: logistics }")) {
        channels.extend(slack(walk, node, draft));
    }
    if !fields.has("email") && !fields.has("slack") {
        let problem = Problem::warning(fields.head(), "this receiver has neither `email` nor `slack`");
        walk.add(problem.help("nothing is sent to it; add email: [{ to: [someone@clinic.example] }]"));
    }
    let send_resolved = fields.get("send_resolved").map_or(Some(true), |node| walk.flag(node));
    let stands_in = fallback(walk, &fields, draft);
    fields.done(walk, "a receiver", &LATER_RECEIVER);
    let Some((name, place)) = named else { return };
    let fallback = stands_in.and_then(|(reference, after)| {
        let receiver = reference.name.clone();
        draft.fallbacks.push((name.clone(), reference));
        Some(Fallback { receiver, after: after? })
    });
    let value = match (phi, send_resolved) {
        (Some(phi), Some(send_resolved)) => {
            Some(Receiver { name: name.clone(), phi, channels, send_resolved, fallback })
        }
        _ => None,
    };
    let receiver = Named { name, value, origin: file.origin, place };
    unique(walk, &draft.receivers, &receiver);
    draft.receivers.push(receiver);
}

/// Who stands in for the receiver, and after how long where that can be read.
fn fallback(walk: &Walk, fields: &Fields<'_>, draft: &Draft) -> Option<(Reference, Option<Duration>)> {
    let after = fields.get("fallback_after");
    let Some(node) = fields.get("fallback") else {
        if let Some(node) = after {
            walk.error(node, "`fallback_after` without `fallback`", "name the receiver that stands in: fallback: it");
        }
        return None;
    };
    let after = after.map_or(Some(FALLBACK_AFTER), |node| plain(walk, &draft.words, node, "30m", SHORTEST_FALLBACK));
    let reference = name(walk, node).map(|name| Reference { name, place: walk.place(node) });
    Some((reference?, after))
}

fn email(walk: &Walk, node: &Node, draft: &mut Draft) -> Option<Channel> {
    let example = "{ to: [logistics@clinic.example] }";
    if let Yaml::Scalar(scalar) = &node.value
        && scalar.text.contains('@')
    {
        walk.error(node, "expected a map with `to`, found text", format!("write {{ to: [{}] }}", scalar.text));
        return None;
    }
    let fields = walk.fields(node, "a mail", example)?;
    let to_node = fields.need(walk, "to", "`email`", "say to whom: to: [logistics@clinic.example]");
    let people = to_node.map_or(&[][..], |node| walk.some_items(node, "logistics@clinic.example"));
    let to: Vec<_> = people.iter().filter_map(|node| mailbox(walk, node, "logistics@clinic.example")).collect();
    fields.done(walk, "`email`", &["subject", "from", "cc", "bcc", "html", "text", "headers"]);
    draft.mail.push(walk.place(to_node?));
    (!to.is_empty()).then_some(Channel::Email { to })
}

fn slack(walk: &Walk, node: &Node, draft: &mut Draft) -> Option<Channel> {
    let fields = walk.fields(node, "a Slack channel", "{ webhook: logistics }")?;
    let webhook = match fields.get("webhook") {
        Some(node) => webhook(walk, node).map(|name| Reference { name, place: walk.place(node) }),
        None => {
            // A channel by the bot is complained of as such.
            if !fields.has("channel") {
                fields.need(
                    walk,
                    "webhook",
                    "`slack`",
                    "name one of slack.webhooks in pulsewarden.yaml: webhook: logistics",
                );
            }
            None
        }
    };
    fields.done(walk, "`slack`", &["channel", "title", "text", "mention"]);
    let reference = webhook?;
    let channel = Channel::SlackWebhook { webhook: reference.name.clone() };
    draft.to_webhooks.push(reference);
    Some(channel)
}

fn webhook(walk: &Walk, node: &Node) -> Option<String> {
    let name = walk.full_text(node, "logistics")?;
    if name.contains("://") {
        walk.add(
            Problem::error(
                walk.place(node),
                "the address of a Slack webhook is a secret and must not stand in this file",
            )
            .label("not shown here")
            .help("name it in pulsewarden.yaml: slack: { webhooks: { logistics: { credential: … } } }")
            .help("and write its name here: webhook: logistics"),
        );
        return None;
    }
    Some(name.to_owned())
}

/// Judges the names of receivers and labels once all files are read.
pub(super) fn check_references(draft: &Draft, problems: &mut Problems) {
    let receivers: Vec<_> = draft.receivers.iter().map(|named| &*named.name).collect();
    for reference in draft.to_receivers.iter().chain(draft.fallbacks.iter().map(|(_, reference)| reference)) {
        if receivers.contains(&&*reference.name) {
            continue;
        }
        let help = match nearest(&reference.name, receivers.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if receivers.is_empty() => {
                format!("define it: receivers: [{{ name: {}, email: [{{ to: […] }}] }}]", reference.name)
            }
            None => format!("the receivers are {}", receivers.join(", ")),
        };
        let message = format!("no receiver is named `{}`", reference.name);
        problems.push(Problem::error(reference.place.clone(), message).help(help));
    }
    check_loops(draft, problems);
    let own = draft.labels.iter().chain(draft.words.tables.labels.keys()).map(String::as_str);
    let labels: Vec<_> = BUILT_IN_LABELS.into_iter().chain(own).collect();
    for reference in &draft.to_labels {
        if labels.contains(&&*reference.name) {
            continue;
        }
        let message = format!("no rule has a label `{}`", reference.name);
        problems.push(match nearest(&reference.name, labels.iter().copied()) {
            Some(near) => Problem::error(reference.place.clone(), message).help(format!("did you mean `{near}`?")),
            None => Problem::warning(reference.place.clone(), message).help(format!(
                "every alert has {}; rules add their own with `labels`",
                BUILT_IN_LABELS[..8].join(", ")
            )),
        });
    }
}

/// A message that nobody can be told must come to an end somewhere.
fn check_loops(draft: &Draft, problems: &mut Problems) {
    let next = |name: &str| draft.fallbacks.iter().find(|(of, _)| of == name).map(|(_, reference)| &*reference.name);
    let mut told: Vec<&str> = Vec::new();
    for (name, reference) in &draft.fallbacks {
        let mut way = vec![name.as_str()];
        while let Some(further) = way.last().and_then(|last| next(last)).filter(|further| !way.contains(further)) {
            way.push(further);
        }
        let closes = way.last().and_then(|last| next(last)) == Some(name);
        if !closes || told.contains(&name.as_str()) {
            continue;
        }
        told.extend(&way);
        let error = |message: String| Problem::error(reference.place.clone(), message);
        problems.push(if way.len() == 1 {
            error(format!("`{name}` is its own fallback")).help("name another receiver, over another channel")
        } else {
            error(format!("the fallbacks go round in a circle: {}, {name}", way.join(", ")))
                .help("leave `fallback` out at the one that is reached most surely")
        });
    }
}
