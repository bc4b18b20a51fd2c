//! The part of `pulsewarden.yaml` that says how outside services are reached: Slack, endpoints of somebody's own,
//! PagerDuty.

use std::collections::BTreeMap;

use super::address;
use super::load::{secret, unreadable};
use super::settings::{Endpoint, Pagerduty, SecretRef, Slack};
use super::walk::{Fields, Walk};
use super::yaml::Node;

pub(super) fn read_slack(walk: &Walk, slack: &Fields<'_>, to: &mut Slack) {
    let example = "logistics: { env: SLACK_LOGISTICS_URL }";
    to.webhooks = named_secrets(walk, slack.get("webhooks"), "webhooks by name", example, "slack");
    let of_bot =
        |key: &'static str, name| slack.get(key).map(|node| secret(walk, node, key, name).unwrap_or_else(unreadable));
    to.bot_token = of_bot("bot_token", "slack-bot-token");
    to.signing_secret = of_bot("signing_secret", "slack-signing-secret");
    if let Some(api) = slack.get("api").and_then(|node| base(walk, node, "https://slack.com/api")) {
        to.api = api;
    }
}

pub(super) fn read_endpoints(walk: &Walk, webhook: &Fields<'_>, to: &mut BTreeMap<String, Endpoint>) {
    let example =
        "records: { url: { credential: webhook-records-url }, secret: { credential: webhook-records-secret } }";
    let Some(endpoints) = webhook.get("endpoints").and_then(|node| walk.fields(node, "endpoints by name", example))
    else {
        return;
    };
    for entry in endpoints.all() {
        let name = entry.shown();
        // Whatever is wrong with it, it is there: receivers that name it are not to be complained of as well.
        let mut endpoint = Endpoint { url: unreadable(), secret: unreadable() };
        if let Some(fields) = walk.fields(
            &entry.value,
            "an endpoint",
            &format!(
                "{{ url: {{ credential: webhook-{name}-url }}, secret: {{ credential: webhook-{name}-secret }} }}"
            ),
        ) {
            for (key, place) in [("url", &mut endpoint.url), ("secret", &mut endpoint.secret)] {
                let credential = format!("webhook-{name}-{key}");
                let help = format!("write {key}: {{ credential: {credential} }}");
                if let Some(found) =
                    fields.need(walk, key, "an endpoint", &help).and_then(|node| secret(walk, node, key, &credential))
                {
                    *place = found;
                }
            }
            fields.done(walk, "an endpoint", &[]);
        }
        to.insert(entry.key.clone(), endpoint);
    }
}

pub(super) fn read_pagerduty(walk: &Walk, pagerduty: &Fields<'_>, to: &mut Pagerduty) {
    let example = "oncall: { credential: pagerduty-oncall }";
    to.integrations = named_secrets(walk, pagerduty.get("integrations"), "integrations by name", example, "pagerduty");
    if let Some(api) = pagerduty.get("api").and_then(|node| base(walk, node, "https://events.pagerduty.com")) {
        to.api = api;
    }
}

fn named_secrets(
    walk: &Walk,
    node: Option<&Node>,
    what: &str,
    example: &str,
    prefix: &str,
) -> BTreeMap<String, SecretRef> {
    let Some(named) = node.and_then(|node| walk.fields(node, what, example)) else { return BTreeMap::new() };
    let found = named.all().iter().map(|entry| {
        let found = secret(walk, &entry.value, &entry.key, &format!("{prefix}-{}", entry.key));
        (entry.key.clone(), found.unwrap_or_else(unreadable))
    });
    found.collect()
}

/// The address of Impilo's API, without the path that every request to it has.
pub(super) fn impilo_api(walk: &Walk, node: &Node) -> Option<String> {
    let api = base(walk, node, "https://app.impiloplatform.com")?;
    if let Some(before) = api.strip_suffix("/api/v3") {
        let before = walk.quotable(node, before);
        walk.error(node, "this goes on with /api/v3, which every request adds by itself", format!("write {before}"));
        return None;
    }
    Some(api)
}

/// The base of an interface's addresses, without a trailing slash. Over http:// only to this machine: it is given tokens and
/// health data.
pub(super) fn base(walk: &Walk, node: &Node, example: &str) -> Option<String> {
    let text = walk.text(node, example)?;
    let url = address::http_url(walk, node, text, example)?;
    if !address::is_guarded(&url) {
        walk.error(node, "this address would be used without TLS", format!("write it as in {example}"));
        return None;
    }
    Some(text.trim_end_matches('/').to_owned())
}
