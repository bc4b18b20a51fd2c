//! PagerDuty by its Events API v2: settings, rendering, sending, and what answers mean. Each alert is an incident of its own,
//! known by its `dedup_key`, so that saying a thing twice does no harm.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use chrono::SecondsFormat;
use reqwest::{Client, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::http::{Answer, ask};
use super::page::{self, Page};
use super::templates::Templates;
use super::{Sender, Sent, delivered, misrendered, phi, retry, shortened};
use crate::config::{Pagerduty as PagerdutySettings, SecretRef};
use crate::engine::{Alert, Channel, Content, Notification, Phi, Severity, Timestamp};
use crate::store::{Delivery, Rendered, Root};

/// Characters of a summary (documented).
const LONGEST_SUMMARY: usize = 1024;

/// Events in one attempt that PagerDuty has trouble with before the rest waits, too.
const TROUBLES: usize = 3;

/// Deliveries whose progress is remembered.
const REMEMBERED: usize = 1000;

/// The sender to PagerDuty.
pub(super) struct Pagerduty {
    integrations: BTreeMap<String, SecretRef>,
    api: String,
    client: Client,
    /// Events of unfinished deliveries that PagerDuty has taken, by the notification's key. 120 a minute are taken: a longer
    /// message must go on where it stopped. After a restart it begins anew, which does no harm.
    taken: Mutex<BTreeMap<String, BTreeSet<usize>>>,
}

impl Pagerduty {
    pub(super) fn new(settings: &PagerdutySettings, client: Client) -> Self {
        let (integrations, api) = (settings.integrations.clone(), settings.api.clone());
        Self { integrations, api, client, taken: Mutex::default() }
    }

    async fn enqueue(&self, key: &SecretString, event: &str) -> Said {
        let Ok(mut event) = serde_json::from_str::<Value>(event) else {
            return Said::Refused("the kept event is no JSON".to_owned());
        };
        event["routing_key"] = json!(key.expose_secret());
        let request = self.client.post(format!("{}/v2/enqueue", self.api));
        match ask(request, event.to_string(), "PagerDuty").await {
            Ok(answer) => meaning(&answer),
            Err(sent) => Said::Stop(sent),
        }
    }

    /// Sends what has not been taken yet, as far as it goes.
    async fn send_all(&self, secret: &SecretString, events: &[String], taken: &mut BTreeSet<usize>) -> Sent {
        let (mut reply, mut refused, mut later) = (String::new(), Vec::new(), Vec::new());
        for (place, event) in events.iter().enumerate() {
            if taken.contains(&place) {
                continue;
            }
            match self.enqueue(secret, event).await {
                Said::Taken(said) => {
                    taken.insert(place);
                    reply = said;
                }
                Said::Refused(error) => refused.push(error),
                Said::Later(sent) if later.len() + 1 < TROUBLES => later.push(sent),
                Said::Later(sent) | Said::Stop(sent) => return sent,
            }
        }
        if let Some(sent) = later.pop() {
            return sent;
        }
        let (missing, of) = (refused.len(), events.len());
        let Some(error) = refused.first() else { return delivered(reply) };
        let error = shortened(&format!("{missing} of {of} events were refused: {error}"), 300);
        match taken.is_empty() {
            true => Sent::Rejected { error },
            false => Sent::Delivered { reply, refused: Some(error), missed: Vec::new(), root: None },
        }
    }
}

impl Sender for Pagerduty {
    fn render(notification: &Notification, page: &Page, _: &Templates) -> Result<Rendered, String> {
        let events = events(notification, page).iter().map(Value::to_string).collect();
        Ok(Rendered::Pagerduty { events })
    }

    async fn send(&self, delivery: &Delivery) -> Sent {
        let notification = &delivery.notification;
        let (Rendered::Pagerduty { events }, Channel::Pagerduty { integration }) =
            (&delivery.rendered, &notification.channel)
        else {
            return misrendered();
        };
        let Some(reference) = self.integrations.get(integration) else {
            return retry(&format!("the configuration has no pagerduty.integrations.{integration}"));
        };
        let secret = match reference.read() {
            Ok(secret) => secret,
            Err(error) => return retry(&error.to_string()),
        };
        let rest = incident_of_the_rest(notification);
        let open_rest = delivery.root.as_ref().map(|root| root.message.clone()).filter(|key| !key.is_empty());
        let over = open_rest.filter(|key| rest.as_ref() != Some(key));
        let events: Vec<String> =
            events.iter().cloned().chain(over.iter().map(|key| event("resolve", key).to_string())).collect();
        if events.is_empty() {
            return Sent::Needless { why: "there is nothing in it for PagerDuty" };
        }
        let mut taken =
            self.taken.lock().unwrap_or_else(PoisonError::into_inner).remove(&notification.key).unwrap_or_default();
        let sent = self.send_all(&secret, &events, &mut taken).await;
        match sent {
            Sent::Delivered { reply, refused, .. } => {
                let changed = rest.is_some() || over.is_some();
                let root = Root {
                    thread: notification.thread(),
                    message: rest.unwrap_or_default(),
                    place: String::new(),
                    shown: notification.due,
                    open: BTreeMap::new(),
                };
                Sent::Delivered { reply, refused, missed: Vec::new(), root: changed.then_some(root) }
            }
            Sent::Retry { .. } => {
                let mut all = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
                if all.len() < REMEMBERED {
                    all.insert(notification.key.clone(), taken);
                }
                sent
            }
            Sent::Rejected { .. } | Sent::Unsendable { .. } | Sent::Needless { .. } => sent,
        }
    }
}

/// What PagerDuty's answer to one event means.
enum Said {
    Taken(String),
    /// This event is wrong, and others may not be.
    Refused(String),
    /// PagerDuty has trouble with this one.
    Later(Sent),
    /// It would be the same for every other one now.
    Stop(Sent),
}

/// 202 is taken; 400 is an event that is wrong, unless it is the integration's key, which the administrator can mend; 429 and
/// 5xx pass.
fn meaning(answer: &Answer) -> Said {
    if answer.status.is_success() {
        return Said::Taken(answer.short());
    }
    if answer.status.is_server_error() {
        return Said::Later(answer.again("PagerDuty"));
    }
    let wrong_key = answer.status == StatusCode::BAD_REQUEST
        && ["routing_key", "routing key"].iter().any(|word| answer.body.to_ascii_lowercase().contains(word));
    if answer.is_temporary() || answer.is_mendable() || wrong_key {
        return Said::Stop(answer.again("PagerDuty"));
    }
    Said::Refused(format!("PagerDuty answered {}", answer.short()))
}

fn events(notification: &Notification, page: &Page) -> Vec<Value> {
    let phi = notification.phi;
    match &notification.content {
        Content::Alerts { firing, ended, .. } => {
            let mut events = Vec::new();
            for alert in firing {
                events.push(trigger(alert, phi, notification));
                if alert.acknowledged.is_some() {
                    events.push(event("acknowledge", &incident(alert)));
                }
            }
            events.extend(ended.iter().map(|alert| event("resolve", &incident(alert))));
            events.extend(trigger_the_rest(notification));
            events
        }
        Content::Test { by } => {
            let key = format!("pulsewarden-test-{}", notification.key);
            let details = json!({ "asked for by": by, "receiver": notification.receiver });
            let summary = format!("{} (nothing is wrong)", page.headline);
            vec![
                incident_event(&key, &summary, Severity::Info, notification.due, "Pulsewarden", details),
                event("resolve", &key),
            ]
        }
        Content::SelfAlert(own) => {
            let key = format!("pulsewarden-self-{}", own.watch);
            if !own.firing {
                return vec![event("resolve", &key)];
            }
            let details = json!({ "what to do": own.action });
            vec![incident_event(&key, &own.summary, Severity::Critical, notification.due, "Pulsewarden", details)]
        }
        // Summaries page nobody.
        Content::Summary(_) | Content::SilenceEnds { .. } | Content::Digest(_) => Vec::new(),
    }
}

/// An alert's incident. Number and time hold no identifier, and keep two installations apart.
fn incident(alert: &Alert) -> String {
    format!("pulsewarden-{}-{}", alert.number, alert.noticed_at.0)
}

/// The one incident that stands for the alerts that a message does not list.
fn incident_of_the_rest(notification: &Notification) -> Option<String> {
    match &notification.content {
        Content::Alerts { firing_omitted: 1.., thread, .. } => {
            Some(format!("pulsewarden-rest-{}-{thread}", notification.group))
        }
        _ => None,
    }
}

fn trigger_the_rest(notification: &Notification) -> Option<Value> {
    let Content::Alerts { firing, firing_omitted, .. } = &notification.content else { return None };
    let key = incident_of_the_rest(notification)?;
    let last = firing.last()?;
    let summary = format!("{firing_omitted} more alerts beside {}", page::heading(last));
    let details = json!({ "all of them": "pulsewarden alerts", "receiver": notification.receiver });
    Some(incident_event(&key, &summary, last.severity, notification.due, &source(last, notification.phi), details))
}

/// The title of an incident shows on locked screens, so it holds no identifier.
fn trigger(alert: &Alert, phi: Phi, notification: &Notification) -> Value {
    let entry = page::entry(alert, phi);
    let mut details: BTreeMap<&str, &str> = entry.facts.iter().map(|(name, value)| (&**name, &**value)).collect();
    details.extend([("Summary", &*entry.summary), ("Receiver", &*notification.receiver)]);
    for (name, text) in [("Description", &entry.description), ("To do", &entry.action), ("Runbook", &entry.runbook)] {
        details.extend(text.as_deref().map(|text| (name, text)));
    }
    let source = source(alert, phi);
    let mut event = incident_event(
        &incident(alert),
        &page::heading(alert),
        alert.severity,
        alert.opened_at,
        &source,
        json!(details),
    );
    event["payload"]["class"] = json!(alert.rule);
    event["payload"]["group"] = json!(source);
    event
}

fn source(alert: &Alert, phi: Phi) -> String {
    Some(phi::label(alert, "site", phi).to_string())
        .filter(|site| !site.is_empty())
        .unwrap_or_else(|| "Pulsewarden".to_owned())
}

fn incident_event(key: &str, summary: &str, severity: Severity, at: Timestamp, source: &str, details: Value) -> Value {
    let mut event = event("trigger", key);
    event["client"] = json!("Pulsewarden");
    event["payload"] = json!({
        "summary": shortened(summary, LONGEST_SUMMARY),
        "source": source,
        "severity": severity.as_str(),
        "timestamp": at.to_utc().map(|at| at.to_rfc3339_opts(SecondsFormat::Millis, true)),
        "custom_details": details,
    });
    event
}

fn event(action: &str, key: &str) -> Value {
    json!({ "event_action": action, "dedup_key": key })
}
