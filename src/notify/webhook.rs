//! Endpoints of somebody's own: settings, rendering, sending signed JSON by the convention of Standard Webhooks, and what
//! answers mean.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chrono::{SecondsFormat, Utc};
use reqwest::{Client, Url};
use ring::hmac;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::http::{Answer, ask};
use super::page::{self, Page};
use super::templates::Templates;
use super::{Sender, Sent, delivered, misrendered, phi, retry};
use crate::config::{Endpoint, is_guarded};
use crate::engine::{Alert, Channel, Content, Labels, Notification, Phi, Timestamp};
use crate::store::{Delivery, Rendered};

/// The shape of the body. Fields may be added without a new number.
const VERSION: u32 = 1;

/// What the convention puts before a secret in base64.
const SECRET_PREFIX: &str = "whsec_";

/// The sender to endpoints.
pub(super) struct Webhook {
    endpoints: BTreeMap<String, Endpoint>,
    client: Client,
}

impl Webhook {
    pub(super) fn new(endpoints: &BTreeMap<String, Endpoint>, client: Client) -> Self {
        Self { endpoints: endpoints.clone(), client }
    }

    /// Where a message goes, and what it is signed with.
    fn target(&self, name: &str) -> Result<(Url, hmac::Key), String> {
        let endpoint = self.endpoints.get(name).ok_or(format!("the configuration has no webhook.endpoints.{name}"))?;
        let read = |reference: &crate::config::SecretRef| reference.read().map_err(|error| error.to_string());
        let (url, secret) = (read(&endpoint.url)?, read(&endpoint.secret)?);
        let url = Url::parse(url.expose_secret())
            .map_err(|_| format!("the secret of webhook.endpoints.{name}.url is no web address"))?;
        if !is_guarded(&url) {
            return Err(format!(
                "webhook.endpoints.{name}.url would be used without TLS: it must begin with https:// unless it is on this machine"
            ));
        }
        let key = key(&secret).ok_or_else(|| {
            format!("the secret of webhook.endpoints.{name}.secret is no base64 after {SECRET_PREFIX}")
        })?;
        Ok((url, key))
    }
}

impl Sender for Webhook {
    fn render(notification: &Notification, page: &Page, _: &Templates) -> Result<Rendered, String> {
        Ok(Rendered::Webhook { body: body(notification, page).to_string() })
    }

    async fn send(&self, delivery: &Delivery) -> Sent {
        let (Rendered::Webhook { body }, Channel::Webhook { endpoint }) =
            (&delivery.rendered, &delivery.notification.channel)
        else {
            return misrendered();
        };
        let (url, secret) = match self.target(endpoint) {
            Ok(target) => target,
            Err(error) => return retry(&error),
        };
        let (id, timestamp) = (&delivery.notification.key, Utc::now().timestamp());
        let signature = hmac::sign(&secret, format!("{id}.{timestamp}.{body}").as_bytes());
        let request = self
            .client
            .post(url)
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", format!("v1,{}", BASE64_STANDARD.encode(signature)));
        match ask(request, body.clone(), "the endpoint").await {
            Ok(answer) => meaning(&answer),
            Err(sent) => sent,
        }
    }
}

/// 2xx is delivered. 401, 403, 404 and 407 are tried again, as a wrong secret or address can be mended; so are redirects, which
/// are not followed. 410 says that nobody wants it any more.
fn meaning(answer: &Answer) -> Sent {
    if answer.status.is_success() {
        return delivered(answer.short());
    }
    if answer.is_temporary() || answer.is_mendable() {
        return answer.again("the endpoint");
    }
    Sent::Rejected { error: format!("the endpoint answered {}", answer.short()) }
}

/// A secret in the convention's form, or any other text as it stands.
fn key(secret: &SecretString) -> Option<hmac::Key> {
    let secret = secret.expose_secret();
    let bytes = match secret.strip_prefix(SECRET_PREFIX) {
        Some(coded) => BASE64_STANDARD.decode(coded).ok()?,
        None => secret.as_bytes().to_vec(),
    };
    Some(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}

/// What `docs/channels.md` tells of: alerts with what their receiver may see; other messages as their text.
fn body(notification: &Notification, page: &Page) -> Value {
    let phi = notification.phi;
    let mut body = json!({
        "version": VERSION,
        "type": kind(&notification.content),
        "timestamp": instant(notification.due),
        "key": notification.key,
        "receiver": notification.receiver,
        "headline": page.headline,
    });
    match &notification.content {
        Content::Alerts { group_labels, firing, ended, firing_omitted, ended_omitted, repeat, update, thread } => {
            body["update"] = json!(update);
            body["group"] = json!(notification.group);
            body["thread"] = json!(thread);
            body["repeat"] = json!(repeat);
            body["group_labels"] = labels(group_labels, phi);
            body["alerts"] = firing.iter().chain(ended).map(|one| alert(one, phi)).collect();
            body["omitted"] = json!({ "firing": firing_omitted, "ended": ended_omitted });
        }
        _ => {
            body["lines"] = json!(page.lead);
            body["sections"] = page.sections.iter().map(section).collect();
            body["foot"] = json!(page.foot);
        }
    }
    body
}

const fn kind(content: &Content) -> &'static str {
    match content {
        Content::Alerts { .. } => "alerts",
        Content::Summary(_) => "summary",
        Content::SilenceEnds { .. } => "silence_ends",
        Content::Digest(_) => "digest",
        Content::Test { .. } => "test",
        Content::SelfAlert(_) => "self_alert",
    }
}

fn alert(alert: &Alert, phi: Phi) -> Value {
    let texts = phi::Texts::of(alert, phi);
    let annotations = alert.annotations.keys().filter_map(|name| Some((name, texts.get(name)?)));
    let mut shown = json!({
        "number": alert.number,
        "rule": alert.rule,
        "state": alert.state,
        "severity": alert.severity,
        "subject": alert.subject.kind.to_string(),
        "labels": labels(&alert.labels, phi),
        "annotations": annotations.collect::<BTreeMap<_, _>>(),
        "started_at": instant(alert.opened_at),
        "noticed_at": instant(alert.noticed_at),
        "count": alert.count,
    });
    if let Some(end) = &alert.end {
        shown["ended_at"] = json!(instant(end.at));
        shown["end_reason"] = json!(phi::reason(&end.reason, phi));
    }
    if let Some((by, at, until)) = phi::acknowledged(alert) {
        shown["acknowledged"] = json!({ "by": by, "at": instant(at), "until": until.map(instant) });
    }
    if let Some(assignee) = phi::assignee(alert, phi) {
        shown["assignee"] = json!(assignee);
    }
    shown
}

/// Labels that the receiver may see; of the others not even the names matter.
fn labels(labels: &Labels, phi: Phi) -> Value {
    let seen = labels.iter().filter(|(_, seen)| seen.protection <= phi);
    seen.map(|(name, seen)| (name.clone(), json!(phi::text(seen, phi)))).collect()
}

fn section(section: &page::Section) -> Value {
    let entries = section.entries.iter().map(|entry| {
        let facts = entry.facts.iter().map(|(name, value)| json!({ "name": name, "value": value }));
        json!({
            "alert": entry.number, "badge": entry.badge, "title": entry.title, "summary": entry.summary,
            "action": entry.action, "facts": facts.collect::<Value>(),
        })
    });
    let lines =
        section.lines.iter().map(|line| json!({ "badge": line.badge, "title": line.title, "details": line.details }));
    let bars = section.bars.iter().map(|bar| json!({ "label": bar.label, "value": bar.value }));
    json!({
        "title": section.title, "entries": entries.collect::<Value>(), "lines": lines.collect::<Value>(),
        "bars": bars.collect::<Value>(), "more": section.more,
    })
}

fn instant(at: Timestamp) -> Option<String> {
    at.to_utc().map(|at| at.to_rfc3339_opts(SecondsFormat::Millis, true))
}
