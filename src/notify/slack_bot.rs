//! Slack by a bot: settings, rendering, sending, and what replies mean. A group's first message stands in the channel and always
//! shows how things are; what happened on the way is told in its thread.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::Client;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};

use super::http::{Answer, ask};
use super::known::known;
use super::page::Page;
use super::slack::{ENTRIES, message};
use super::templates::Templates;
use super::{Sender, Sent, misrendered, retry, shortened};
use crate::config::{SecretRef, Slack as SlackSettings};
use crate::engine::{Alert, Channel, Content, Notification, Severity};
use crate::store::{Delivery, Rendered, Root};

/// What Slack says of a message that it will never take (documented).
const NEVER: [&str; 20] = [
    "attachment_payload_limit_exceeded",
    "invalid_arg_name",
    "invalid_arguments",
    "invalid_array_arg",
    "invalid_attachments",
    "invalid_blocks",
    "invalid_blocks_format",
    "invalid_charset",
    "invalid_form_data",
    "invalid_json",
    "invalid_metadata_format",
    "invalid_metadata_schema",
    "invalid_post_type",
    "json_not_object",
    "markdown_text_conflict",
    "metadata_too_large",
    "msg_blocks_too_long",
    "msg_too_long",
    "no_text",
    "too_many_attachments",
];

/// What Slack says where the first message or its channel is gone, or it may no longer be changed or answered to.
const ROOT_LOST: [&str; 6] = [
    "cannot_reply_to_message",
    "cant_update_message",
    "channel_not_found",
    "edit_window_closed",
    "message_not_found",
    "thread_not_found",
];

/// The sender to Slack's Web API.
pub(super) struct Bot {
    token: Option<SecretRef>,
    /// Whether somebody can hear what a button says.
    buttons: bool,
    api: String,
    client: Client,
}

impl Bot {
    pub(super) fn new(settings: &SlackSettings, client: Client) -> Self {
        Self {
            token: settings.bot_token.clone(),
            buttons: settings.signing_secret.is_some(),
            api: settings.api.clone(),
            client,
        }
    }

    /// Posts a group's first message, or one that belongs to no group.
    async fn begin(&self, token: &SecretString, channel: &str, body: &Body, delivery: &Delivery) -> Sent {
        let fields = [("channel", json!(channel))];
        match self.call("chat.postMessage", token, body.with(&fields, self.buttons)).await {
            Said::Posted { reply, place, ts } => {
                let thread = delivery.notification.thread();
                let (shown, open) = (delivery.notification.due, open(&delivery.notification));
                let root = Root { thread, message: ts, place, shown, open };
                let known = thread != 0 && !root.message.is_empty() && !root.place.is_empty();
                Sent::Delivered { reply, refused: None, missed: Vec::new(), root: known.then_some(root) }
            }
            Said::RootLost(sent) | Said::Not(sent) => sent,
        }
    }

    /// Brings the first message up to date, and tells in its thread what has happened. The change comes first: made twice it does
    /// no harm, and a reply would come twice.
    async fn follow(&self, token: &SecretString, root: &Root, body: &Body, delivery: &Delivery) -> Result<Sent, Lost> {
        let notification = &delivery.notification;
        // What comes late must not take the place of what is newer.
        let newest = notification.due >= root.shown;
        if newest {
            let fields = [("channel", json!(root.place)), ("ts", json!(root.message))];
            match self.call("chat.update", token, body.with(&fields, self.buttons)).await {
                Said::Posted { .. } => {}
                Said::RootLost(_) => return Err(Lost),
                Said::Not(sent) => return Ok(sent),
            }
        }
        if notification.is_update() {
            let shown = Root { shown: notification.due, ..root.clone() };
            if !newest {
                return Ok(Sent::Needless { why: "the message shows what is newer" });
            }
            let reply = "changed in place";
            return Ok(Sent::Delivered {
                reply: reply.to_owned(),
                refused: None,
                missed: Vec::new(),
                root: Some(shown),
            });
        }
        let fields = [
            ("channel", json!(root.place)),
            ("thread_ts", json!(root.message)),
            ("reply_broadcast", json!(is_news(notification, root))),
        ];
        match self.call("chat.postMessage", token, body.with(&fields, false)).await {
            Said::Posted { reply, .. } => {
                let shown = Root { shown: notification.due, open: open(notification), ..root.clone() };
                Ok(Sent::Delivered { reply, refused: None, missed: Vec::new(), root: newest.then_some(shown) })
            }
            Said::RootLost(_) => Err(Lost),
            Said::Not(sent) => Ok(sent),
        }
    }

    async fn call(&self, method: &str, token: &SecretString, body: String) -> Said {
        let request = self.client.post(format!("{}/{method}", self.api)).bearer_auth(token.expose_secret());
        match ask(request, body, "Slack").await {
            Ok(answer) => meaning(&answer),
            Err(sent) => Said::Not(sent),
        }
    }
}

impl Sender for Bot {
    fn render(notification: &Notification, page: &Page, templates: &Templates) -> Result<Rendered, String> {
        let mut message = message(page, buttons(notification), templates)?;
        // By its key a message that came twice can be known.
        message["metadata"] =
            json!({ "event_type": "pulsewarden_notification", "event_payload": { "key": notification.key } });
        Ok(Rendered::Slack { body: message.to_string() })
    }

    async fn send(&self, delivery: &Delivery) -> Sent {
        let (Rendered::Slack { body }, Channel::SlackChannel { channel }) =
            (&delivery.rendered, &delivery.notification.channel)
        else {
            return misrendered();
        };
        let Ok(body) = serde_json::from_str(body).map(Body) else {
            return Sent::Rejected { error: "the kept message is no JSON".to_owned() };
        };
        let Some(token) = &self.token else { return retry("the configuration has no slack.bot_token") };
        let token = match token.read() {
            Ok(token) => token,
            Err(error) => return retry(&error.to_string()),
        };
        let thread = delivery.notification.thread();
        if let Some(root) = delivery.root.as_ref().filter(|root| thread != 0 && root.thread == thread)
            && let Ok(sent) = self.follow(&token, root, &body, delivery).await
        {
            return sent;
        }
        if delivery.notification.is_update() {
            return Sent::Needless { why: "there is no message to change" };
        }
        self.begin(&token, channel, &body, delivery).await
    }
}

/// The first message is gone: somebody has deleted it.
struct Lost;

/// A rendered message, before it is said where it goes.
struct Body(Map<String, Value>);

impl Body {
    fn with(&self, fields: &[(&str, Value)], buttons: bool) -> String {
        let mut whole = self.0.clone();
        if !buttons && let Some(blocks) = whole.get_mut("blocks").and_then(Value::as_array_mut) {
            blocks.retain(|block| block["type"] != "actions");
        }
        whole.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        Value::Object(whole).to_string()
    }
}

/// What Slack's answer means.
enum Said {
    Posted { reply: String, place: String, ts: String },
    RootLost(Sent),
    Not(Sent),
}

/// Slack answers `200` with `ok: false` and a word. What is not known to be final is tried again: most of the words speak of
/// rights, tokens and channels, which the administrator can mend, or of Slack's own troubles.
fn meaning(answer: &Answer) -> Said {
    if answer.is_temporary() {
        return Said::Not(answer.again("Slack"));
    }
    let Ok(said) = serde_json::from_str::<Value>(&answer.body) else {
        // Whether the message was taken is not known, and a second one does less harm than none.
        return Said::Not(answer.again("Slack"));
    };
    let text = |name: &str| said[name].as_str().unwrap_or_default();
    if said["ok"] == true {
        let reply = format!("{} ok", answer.status.as_u16());
        return Said::Posted { reply, place: text("channel").to_owned(), ts: text("ts").to_owned() };
    }
    let word = text("error");
    let error = shortened(&format!("Slack answered {} {}", answer.status.as_u16(), known(word)), 120);
    if NEVER.contains(&word) {
        return Said::Not(Sent::Rejected { error });
    }
    let asked = (word == "ratelimited" || word == "rate_limited").then_some(Duration::from_secs(30));
    let again = Sent::Retry { after: answer.after.or(asked), answered: true, error };
    if ROOT_LOST.contains(&word) { Said::RootLost(again) } else { Said::Not(again) }
}

/// The alerts that a message lists and that still fire.
fn listed(notification: &Notification) -> &[Alert] {
    match &notification.content {
        Content::Alerts { firing, .. } => &firing[..firing.len().min(ENTRIES)],
        _ => &[],
    }
}

fn open(notification: &Notification) -> BTreeMap<u64, Severity> {
    match &notification.content {
        Content::Alerts { firing, .. } => firing.iter().map(|alert| (alert.number, alert.severity)).collect(),
        _ => BTreeMap::new(),
    }
}

/// Whether a reply must show in the channel, too: a thread alone calls nobody. So it is for what fires or has been raised since
/// the first message was last changed, and for reminders.
fn is_news(notification: &Notification, root: &Root) -> bool {
    let repeat = matches!(notification.content, Content::Alerts { repeat: true, .. });
    let more = |(number, severity): (&u64, &Severity)| root.open.get(number).is_none_or(|told| severity > told);
    repeat || open(notification).iter().any(more)
}

/// What people can do about the alerts that the message lists. Each button's value is their numbers, with commas between.
fn buttons(notification: &Notification) -> Option<Value> {
    let listed = listed(notification);
    if listed.is_empty() {
        return None;
    }
    let numbers: Vec<String> = listed.iter().map(|alert| alert.number.to_string()).collect();
    let value = numbers.join(",");
    let label = |text: &str| json!({ "type": "plain_text", "text": text, "emoji": false });
    let button = |action: &str, text: &str| json!({ "type": "button", "action_id": action, "text": label(text), "value": value });
    let mut elements = Vec::new();
    if listed.iter().any(|alert| alert.acknowledged.is_none()) {
        let mut acknowledge = button("acknowledge", "Acknowledge");
        acknowledge["style"] = json!("primary");
        elements.push(acknowledge);
    }
    let mut resolve = button("resolve", "Resolve");
    let what =
        if listed.len() == 1 { "This alert counts".to_owned() } else { format!("These {} alerts count", listed.len()) };
    resolve["confirm"] = json!({
        "title": label("Resolve by hand?"),
        "text": label(&format!("{what} as resolved, whatever the devices say.")),
        "confirm": label("Resolve"),
        "deny": label("Cancel"),
    });
    elements.push(resolve);
    Some(json!({ "type": "actions", "elements": elements }))
}
