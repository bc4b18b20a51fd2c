//! Slack by incoming webhooks: settings, rendering, sending, and what replies mean. Messages of the bot are of the same blocks.

use std::collections::BTreeMap;

use reqwest::Client;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::http::{Answer, ask};
use super::page::{Page, Section, Tone};
use super::phi::Told;
use super::templates::{Form, Templates};
use super::{Sender, Sent, delivered, misrendered, retry};
use crate::config::{SecretRef, Slack as SlackSettings};
use crate::engine::{Channel, Notification};
use crate::store::{Delivery, Rendered};

/// Slack's limits (documented): blocks in a message, characters in a header, in a section and in a notification.
const MOST_BLOCKS: usize = 50;
const LONGEST_HEADER: usize = 150;
const LONGEST_SECTION: usize = 3000;
const LONGEST_TEXT: usize = 3000;

/// Alerts shown in one message; more would not be read.
pub(super) const ENTRIES: usize = 12;

/// Of a list of lines: blocks, and characters of one line.
const MOST_BLOCKS_OF_A_LIST: usize = 2;
const LONGEST_LINE: usize = 600;

/// The sender to Slack's incoming webhooks.
pub(super) struct Slack {
    webhooks: BTreeMap<String, SecretRef>,
    client: Client,
}

impl Slack {
    pub(super) fn new(settings: &SlackSettings, client: Client) -> Self {
        Self { webhooks: settings.webhooks.clone(), client }
    }
}

impl Sender for Slack {
    fn render(_: &Notification, page: &Page, templates: &Templates) -> Result<Rendered, String> {
        Ok(Rendered::Slack { body: message(page, None, templates)?.to_string() })
    }

    async fn send(&self, delivery: &Delivery) -> Sent {
        let (Rendered::Slack { body }, Channel::SlackWebhook { webhook }) =
            (&delivery.rendered, &delivery.notification.channel)
        else {
            return misrendered();
        };
        let Some(reference) = self.webhooks.get(webhook) else {
            return retry(&format!("the configuration has no slack.webhooks.{webhook}"));
        };
        let url = match reference.read() {
            Ok(url) => url,
            Err(error) => return retry(&error.to_string()),
        };
        match ask(self.client.post(url.expose_secret()), body.clone(), "Slack").await {
            Ok(answer) => meaning(&answer),
            Err(sent) => sent,
        }
    }
}

/// Replies as Slack documents them: 200 `ok`; 429 with `Retry-After`; 400 for what will never be accepted; 403, 404 and 410 for
/// a webhook or a channel that is closed, which the administrator can mend.
fn meaning(answer: &Answer) -> Sent {
    if answer.status.is_success() {
        return delivered(answer.short());
    }
    if answer.is_temporary() || answer.is_mendable() || answer.status == reqwest::StatusCode::GONE {
        return answer.again("Slack");
    }
    Sent::Rejected { error: format!("Slack answered {}", answer.short()) }
}

/// The message of a page in Block Kit, with `buttons` before the small print. `text` is what notifications show, so it holds no
/// identifier.
pub(super) fn message(page: &Page, buttons: Option<Value>, templates: &Templates) -> Result<Value, String> {
    let headline = if page.headline.trim().is_empty() { "Pulsewarden" } else { &*page.headline };
    let mut blocks = vec![json!({
        "type": "header",
        "text": { "type": "plain_text", "text": cut(headline, LONGEST_HEADER), "emoji": false }
    })];
    let lead = templates.page(Form::SlackLead, page)?;
    if !lead.trim().is_empty() {
        blocks.push(section(lead.trim()));
    }
    let mut room = ENTRIES;
    for part in &page.sections {
        if part.entries.is_empty() {
            blocks.extend(listed(part));
            continue;
        }
        if page.sections.len() > 1 && !part.title.trim().is_empty() {
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
    // The buttons and the small print always have their place.
    blocks.truncate(MOST_BLOCKS - 2);
    blocks.extend(buttons);
    let foot = Told::join(&page.foot, " ");
    if !foot.trim().is_empty() {
        blocks.push(context(&foot));
    }
    let text = cut(&escaped(headline), LONGEST_TEXT);
    Ok(json!({ "text": text, "blocks": blocks, "unfurl_links": false, "unfurl_media": false }))
}

/// A section of lines and bars: as many lines as the blocks hold, each whole, and how many more there are.
fn listed(part: &Section) -> Vec<Value> {
    let mut texts = vec![format!("*{}*", escaped(&part.title))];
    let mut shown = 0;
    for line in &part.lines {
        let badge = line.badge.as_ref().map(|badge| format!("{} {} · ", mark(line.tone), escaped(badge)));
        let details: String = line.details.iter().map(|detail| format!("\n      {}", escaped(detail))).collect();
        let text = cut(&format!("{}*{}*{details}", badge.unwrap_or_default(), escaped(&line.title)), LONGEST_LINE);
        let length = |text: &str| text.chars().count();
        let room = texts.len() < MOST_BLOCKS_OF_A_LIST;
        match texts.last_mut() {
            Some(last) if length(last) + length(&text) < LONGEST_SECTION => {
                last.push('\n');
                last.push_str(&text);
            }
            _ if room => texts.push(text),
            _ => break,
        }
        shown += 1;
    }
    let bars: Vec<String> = part
        .bars
        .iter()
        .map(|bar| format!("{}{}  {} {}", escaped(&bar.label).replace('`', "'"), bar.pad, bar.blocks, bar.value))
        .collect();
    if !bars.is_empty() {
        texts.push(format!("```{}```", cut(&bars.join("\n"), LONGEST_SECTION - 6)));
    }
    let mut blocks: Vec<Value> = texts.iter().map(|text| section(text)).collect();
    let left = part.lines.len() - shown;
    let more = match (left, &part.more) {
        (0, more) => more.as_ref().map(ToString::to_string),
        (left, None) => Some(format!("and {left} more")),
        (left, Some(more)) => Some(format!("{left} more are left out here, {more}")),
    };
    blocks.extend(more.map(|more| context(&more)));
    blocks
}

const fn mark(tone: Tone) -> &'static str {
    match tone {
        Tone::Critical => ":red_circle:",
        Tone::Warning => ":large_orange_circle:",
        Tone::Info => ":large_blue_circle:",
        Tone::Good => ":white_check_mark:",
    }
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

/// At most so many characters, as Slack counts them. Half of an escaped character would show as what it is.
fn cut(text: &str, longest: usize) -> String {
    if text.encode_utf16().count() <= longest {
        return text.to_owned();
    }
    let mut room = longest - 1;
    let fits = |c: &char| {
        let left = room.checked_sub(c.len_utf16());
        room = left.unwrap_or(0);
        left.is_some()
    };
    let mut kept: String = text.chars().take_while(fits).collect();
    if let Some(half) = kept.rfind('&').filter(|at| kept.len() - at < "&amp;".len() && !kept[*at..].contains(';')) {
        kept.truncate(half);
    }
    kept.push('…');
    kept
}
