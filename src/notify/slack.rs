//! Slack: rendering, sending through an incoming webhook, and what replies mean.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context;
use reqwest::header::RETRY_AFTER;
use reqwest::{Client, Response, StatusCode};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::page::Page;
use super::templates::{Form, Templates};
use super::{Sent, retry, shortened};
use crate::config::{SecretRef, Slack as SlackSettings};
use crate::store::Rendered;

/// Slack's limits (documented): blocks in a message, characters in a header and in a section.
const MOST_BLOCKS: usize = 50;
const LONGEST_HEADER: usize = 150;
const LONGEST_SECTION: usize = 3000;

/// Alerts shown in one message; more would not be read.
const ENTRIES: usize = 12;

/// For one request, connection included.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Bytes of an answer that are read.
const LONGEST_ANSWER: usize = 4096;

/// The longest wait that a `Retry-After` may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// The sender to Slack.
pub(super) struct Slack {
    webhooks: BTreeMap<String, SecretRef>,
    client: Client,
}

impl Slack {
    pub(super) fn new(settings: &SlackSettings) -> anyhow::Result<Self> {
        let client = Client::builder()
            .timeout(TIMEOUT)
            .user_agent(concat!("pulsewarden/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .context("no HTTP client for Slack can be made")?;
        Ok(Self { webhooks: settings.webhooks.clone(), client })
    }

    pub(super) async fn send(&self, webhook: &str, body: &str) -> Sent {
        let Some(reference) = self.webhooks.get(webhook) else {
            return retry(&format!("the configuration has no slack.webhooks.{webhook}"));
        };
        let url = match reference.read() {
            Ok(url) => url,
            Err(error) => return retry(&error.to_string()),
        };
        let request = self
            .client
            .post(url.expose_secret())
            .header("Content-Type", "application/json; charset=utf-8")
            .body(body.to_owned());
        match request.send().await {
            Ok(response) => {
                let status = response.status();
                let after = response
                    .headers()
                    .get(RETRY_AFTER)
                    .and_then(|value| value.to_str().ok()?.trim().parse().ok())
                    .map(|seconds| Duration::from_secs(seconds).min(LONGEST_WAIT));
                let said = beginning(response).await;
                meaning(status, after, &said)
            }
            Err(error) => retry(&format!("Slack cannot be reached: {}", cause(error))),
        }
    }
}

/// The beginning of an answer: whatever stands behind it would only take room.
async fn beginning(mut response: Response) -> String {
    let mut said = Vec::new();
    while said.len() < LONGEST_ANSWER
        && let Ok(Some(piece)) = response.chunk().await
    {
        said.extend_from_slice(&piece);
    }
    said.truncate(LONGEST_ANSWER);
    String::from_utf8_lossy(&said).into_owned()
}

/// What went wrong, without the URL: it is a secret.
fn cause(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut inner = std::error::Error::source(&error);
    while let Some(next) = inner {
        text = format!("{text}: {next}");
        inner = next.source();
    }
    shortened(&text, 300)
}

/// Replies as Slack documents them: 200 `ok`; 429 with `Retry-After`; 4xx for what will never be accepted.
fn meaning(status: StatusCode, after: Option<Duration>, said: &str) -> Sent {
    let reply = shortened(&format!("{} {said}", status.as_u16()), 120);
    if status.is_success() {
        return Sent::Delivered { reply, refused: None };
    }
    let error = format!("Slack answered {reply}");
    let again = status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::REQUEST_TIMEOUT
        || status.is_server_error()
        || status.is_redirection();
    if again { Sent::Retry { after, answered: true, error } } else { Sent::Rejected { error } }
}

/// The message of a page in Block Kit. `text` is what notifications show, so it holds no identifier.
pub(super) fn render(page: &Page, templates: &Templates) -> Result<Rendered, String> {
    let mut blocks = vec![json!({
        "type": "header",
        "text": { "type": "plain_text", "text": cut(&page.headline, LONGEST_HEADER), "emoji": false }
    })];
    let lead = templates.page(Form::SlackLead, page)?;
    if !lead.trim().is_empty() {
        blocks.push(section(lead.trim()));
    }
    let mut room = ENTRIES;
    for part in &page.sections {
        if page.sections.len() > 1 {
            blocks.push(section(&format!("*{}*", escaped(&part.title))));
        }
        for entry in part.entries.iter().take(room) {
            let text = templates.entry(entry)?;
            // A section without a text is refused.
            if !text.is_empty() {
                blocks.push(section(&text));
            }
        }
        let left = part.entries.len().saturating_sub(room);
        room = room.saturating_sub(part.entries.len());
        if left > 0 {
            blocks.push(context(&format!("and {left} more: `pulsewarden alerts` lists them all")));
        } else if let Some(more) = &part.more {
            blocks.push(context(more));
        }
    }
    blocks.push(context(&page.foot.join(" ")));
    blocks.truncate(MOST_BLOCKS);
    let body =
        json!({ "text": escaped(&page.headline), "blocks": blocks, "unfurl_links": false, "unfurl_media": false });
    Ok(Rendered::Slack { body: body.to_string() })
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": cut(text, LONGEST_SECTION) } })
}

fn context(text: &str) -> Value {
    json!({ "type": "context", "elements": [{ "type": "mrkdwn", "text": cut(&escaped(text), LONGEST_SECTION) }] })
}

/// Slack's three control characters (documented).
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn cut(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    text.chars().take(longest - 1).chain(['…']).collect()
}
