//! Receivers, and whether what names them and labels is right.

use std::time::Duration;

use super::length::plain;
use super::rule::{BUILT_IN_LABELS, name};
use super::{Draft, File, Named, Reference, sparing, unique};
use crate::config::address::mailbox;
use crate::config::hide;
use crate::config::problem::{Problem, Problems};
use crate::config::suggest::nearest;
use crate::config::walk::{Fields, Walk};
use crate::config::yaml::{Node, Value as Yaml};
use crate::engine::{Channel, FALLBACK_AFTER, Fallback, Protection, Receiver};

pub(in crate::config) const PHI: [(&str, Protection); 3] =
    [("none", Protection::None), ("ids", Protection::Ids), ("full", Protection::Full)];

/// What other versions know in a receiver, Alertmanager's own channels among them.
const LATER_RECEIVER: [&str; 5] = ["teams", "email_configs", "slack_configs", "webhook_configs", "pagerduty_configs"];

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
    for node in fields.get("webhook").map_or(&[][..], |node| walk.some_items(node, "{ endpoint: records }")) {
        channels.extend(endpoint(walk, node, draft));
    }
    for node in fields.get("pagerduty").map_or(&[][..], |node| walk.some_items(node, "{ integration: oncall }")) {
        channels.extend(pagerduty(walk, node, draft));
    }
    if !["email", "slack", "webhook", "pagerduty"].iter().any(|key| fields.has(key)) {
        let message = "this receiver has neither `email` nor `slack`, `webhook` or `pagerduty`";
        let problem = Problem::warning(fields.head(), message);
        walk.add(problem.help("nothing is sent to it; add email: [{ to: [someone@clinic.example] }]"));
    }
    let send_resolved = fields.get("send_resolved").map_or(Some(true), |node| walk.flag(node));
    let cap = sparing::cap(walk, &draft.words, &fields, &channels);
    let quiet = fields.get("quiet").map_or(Some(None), |node| sparing::quiet(walk, &draft.words, node).map(Some));
    let stands_in = fallback(walk, &fields, draft);
    fields.done(walk, "a receiver", &LATER_RECEIVER);
    let Some((name, place)) = named else { return };
    let fallback = stands_in.and_then(|(reference, after)| {
        let receiver = reference.name.clone();
        draft.fallbacks.push((name.clone(), reference));
        Some(Fallback { receiver, after: after? })
    });
    let value = match (phi, send_resolved, cap, quiet) {
        (Some(phi), Some(send_resolved), Some(cap), Some(quiet)) => {
            Some(Receiver { name: name.clone(), phi, channels, send_resolved, cap, quiet, fallback })
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

/// Slack, by an incoming webhook or by the bot in a channel.
fn slack(walk: &Walk, node: &Node, draft: &mut Draft) -> Option<Channel> {
    let fields = walk.fields(node, "a Slack channel", "{ webhook: logistics }")?;
    let found = match (fields.get("webhook"), fields.get("channel")) {
        (Some(_), Some(other)) => {
            let help = "keep one: `webhook` for an incoming webhook, `channel` for the bot";
            walk.error(other, "`slack` has both a `webhook` and a `channel`", help);
            None
        }
        (Some(node), None) => {
            let example = "slack: { webhooks: { logistics: { credential: … } } }";
            reference(walk, node, "a Slack webhook", example, "webhook: logistics").map(|reference| {
                let channel = Channel::SlackWebhook { webhook: reference.name.clone() };
                draft.to_webhooks.push(reference);
                channel
            })
        }
        (None, Some(node)) => slack_channel(walk, node).map(|channel| {
            draft.to_bot.push(walk.place(node));
            Channel::SlackChannel { channel }
        }),
        (None, None) => {
            let help = "name one of slack.webhooks in pulsewarden.yaml: webhook: logistics";
            // A key without a value is complained of as such.
            if !fields.has("channel") {
                fields.need(walk, "webhook", "`slack`", help);
            }
            None
        }
    };
    fields.done(walk, "`slack`", &["title", "text", "mention"]);
    found
}

/// `#name`, or Slack's id of a channel, which holds when it is renamed.
fn slack_channel(walk: &Walk, node: &Node) -> Option<String> {
    let example = "\"#device-alerts\"";
    let text = walk.full_text(node, example)?;
    let is_id = |text: &str| {
        text.len() >= 9
            && text.starts_with(['C', 'G', 'D'])
            && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    };
    let is_name = |name: &str| {
        !name.is_empty()
            && name.chars().count() <= 80
            && !name.chars().any(|c| c.is_whitespace() || c.is_uppercase() || matches!(c, '#' | '@' | ',' | '/'))
    };
    if text.strip_prefix('#').is_some_and(is_name) || is_id(text) {
        return Some(text.to_owned());
    }
    let help = if is_name(text) {
        format!("write \"#{text}\"")
    } else {
        format!("write its name, as in {example}, or its id")
    };
    walk.error(node, format!("`{}` is not a channel of Slack", walk.quotable(node, text)), help);
    None
}

fn endpoint(walk: &Walk, node: &Node, draft: &mut Draft) -> Option<Channel> {
    let fields = walk.fields(node, "a webhook", "{ endpoint: records }")?;
    let help = "name one of webhook.endpoints in pulsewarden.yaml: endpoint: records";
    let example = "webhook: { endpoints: { records: { url: { credential: … }, secret: { credential: … } } } }";
    let found = fields
        .need(walk, "endpoint", "`webhook`", help)
        .and_then(|node| reference(walk, node, "an endpoint", example, "endpoint: records"));
    fields.done(walk, "`webhook`", &["url", "http_config", "max_alerts"]);
    let reference = found?;
    let channel = Channel::Webhook { endpoint: reference.name.clone() };
    draft.to_endpoints.push(reference);
    Some(channel)
}

fn pagerduty(walk: &Walk, node: &Node, draft: &mut Draft) -> Option<Channel> {
    let fields = walk.fields(node, "a PagerDuty integration", "{ integration: oncall }")?;
    let help = "name one of pagerduty.integrations in pulsewarden.yaml: integration: oncall";
    let example = "pagerduty: { integrations: { oncall: { credential: … } } }";
    let found = fields
        .need(walk, "integration", "`pagerduty`", help)
        .and_then(|node| reference(walk, node, "an integration", example, "integration: oncall"));
    fields.done(walk, "`pagerduty`", &["routing_key", "service_key", "severity"]);
    let reference = found?;
    let channel = Channel::Pagerduty { integration: reference.name.clone() };
    draft.to_integrations.push(reference);
    Some(channel)
}

/// The name of something that the configuration keeps, with the address or key that must not stand in a rule file.
fn reference(walk: &Walk, node: &Node, what: &str, there: &str, here: &str) -> Option<Reference> {
    let name = walk.full_text(node, here.rsplit(' ').next().unwrap_or(here))?;
    if hide::is_secret(name) {
        let part = if name.contains("://") { "address" } else { "key" };
        let message = format!("the {part} of {what} is a secret and must not stand in this file");
        walk.add(
            Problem::error(walk.place(node), message)
                .label("not shown here")
                .help(format!("name it in pulsewarden.yaml: {there}"))
                .help(format!("and write its name here: {here}")),
        );
        return None;
    }
    Some(Reference { name: name.to_owned(), place: walk.place(node) })
}

/// Digests whose receiver has nothing but what pages people: they are sent to nobody.
pub(super) fn digests_to_nobody(draft: &Draft) -> Vec<Problem> {
    let receivers = draft.receivers.iter().filter_map(|named| named.value.as_ref());
    let only_paged: Vec<&str> = receivers
        .filter(|receiver| !receiver.channels.is_empty() && !receiver.channels.iter().any(Channel::takes_digests))
        .map(|receiver| receiver.name.as_str())
        .collect();
    let digests = draft.digests.iter().filter_map(|named| Some((named.value.as_ref()?, &named.place)));
    let lost = digests.filter(|(digest, _)| only_paged.contains(&&*digest.receiver)).map(|(digest, place)| {
        let message = format!("this digest is sent to nobody: `{}` has PagerDuty alone", digest.receiver);
        Problem::warning(place.clone(), message)
            .help("digests do not page; give it a receiver with `email`, `slack` or `webhook`")
    });
    lost.collect()
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
