//! Whether the configuration has what receivers name.

use super::{Draft, Reference, read};
use crate::config::bundle::Bundle;
use crate::config::problem::{Problem, Problems};
use crate::config::settings::Settings;
use crate::config::suggest::nearest;

/// What receivers need and the configuration does not have.
pub fn against_settings(bundle: &Bundle, settings: &Settings) -> Problems {
    let (draft, _) = read(bundle);
    let mut problems = Problems::default();
    let Draft { to_webhooks, to_endpoints, to_integrations, to_bot, mail, .. } = draft;
    missing(to_webhooks, settings.slack.webhooks.keys(), "Slack webhook", &mut problems, |name| {
        format!("slack: {{ webhooks: {{ {name}: {{ credential: slack-{name} }} }} }}")
    });
    missing(to_endpoints, settings.endpoints.keys(), "endpoint", &mut problems, |name| {
        format!(
            "webhook: {{ endpoints: {{ {name}: {{ url: {{ credential: webhook-{name}-url }}, \
             secret: {{ credential: webhook-{name}-secret }} }} }} }}"
        )
    });
    missing(to_integrations, settings.pagerduty.integrations.keys(), "PagerDuty integration", &mut problems, |name| {
        format!("pagerduty: {{ integrations: {{ {name}: {{ credential: pagerduty-{name} }} }} }}")
    });
    if settings.slack.bot_token.is_none() {
        for place in to_bot {
            problems.push(
                Problem::error(place, "the configuration has no bot for Slack")
                    .help("add to pulsewarden.yaml: slack: { bot_token: { credential: slack-bot-token } }")
                    .help("or use an incoming webhook here: webhook: NAME"),
            );
        }
    }
    if settings.email.is_none() {
        for place in mail {
            problems.push(
                Problem::error(place, "the configuration has no mail server")
                    .help("fill in `email:` in pulsewarden.yaml, or remove `email` here"),
            );
        }
    }
    problems
}

/// Complains of the names that are not among the known ones; `add` writes what would define one.
fn missing<'n>(
    named: Vec<Reference>,
    known: impl Iterator<Item = &'n String>,
    what: &str,
    problems: &mut Problems,
    add: impl Fn(&str) -> String,
) {
    let known: Vec<&str> = known.map(String::as_str).collect();
    for reference in named.into_iter().filter(|reference| !known.contains(&&*reference.name)) {
        let name = &reference.name;
        let help = match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("add to pulsewarden.yaml: {}", add(name)),
        };
        problems.push(
            Problem::error(reference.place, format!("the configuration has no {what} named `{name}`")).help(help),
        );
    }
}
