//! The ways out: each channel renders and sends in its own way.

mod email;
mod page;
mod phi;
mod slack;
mod templates;

use std::time::Duration;

pub use templates::{Sample, Templates};

use crate::config::Settings;
use crate::engine::{Alert, Channel, Notification, Phi};
use crate::store::{Delivery, Rendered};

/// What became of one attempt to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// Accepted; the reply, shortened. `refused` says which part of several addresses was not.
    Delivered { reply: String, refused: Option<String> },
    /// Not now; `after` is what the other side asked for, `answered` whether it was the one that said no.
    Retry { after: Option<Duration>, answered: bool, error: String },
    /// Never: trying again would bring the same.
    Rejected { error: String },
}

/// Renders a notification for its channel, showing what its receiver may see. The same notification always renders the
/// same.
#[must_use]
pub fn render(notification: &Notification, templates: &Templates) -> Rendered {
    let made = page_of(notification, templates).and_then(|page| match &notification.channel {
        Channel::Email { .. } => email::render(&page, templates),
        Channel::SlackWebhook { .. } => slack::render(&page, templates),
    });
    made.unwrap_or_else(|error| Rendered::Failed { error })
}

/// What a notification tells its receiver. A headline of people's own making sees only what may leave under `none`.
fn page_of(notification: &Notification, templates: &Templates) -> Result<page::Page, String> {
    let mut page = page::of(notification, notification.phi);
    if templates.has_own_for(templates::Form::Headline, &page) {
        let open = page::of(notification, Phi::None);
        page.headline = phi::Told::headline(templates.headline(&open)?);
    }
    Ok(page)
}

/// A label of an alert for whoever may see `phi`; empty where the alert has none of that name.
#[must_use]
pub fn label(alert: &Alert, name: &str, phi: Phi) -> String {
    phi::label(alert, name, phi).to_string()
}

/// A rule's text about an alert for whoever may see `phi`. `None` where the rule has no such text, or it comes to nothing.
#[must_use]
pub fn annotation(alert: &Alert, name: &str, phi: Phi) -> Option<String> {
    phi::Texts::of(alert, phi).get(name).map(|text| text.to_string())
}

/// Everything that is needed to send.
pub struct Senders {
    email: Option<email::Email>,
    slack: slack::Slack,
}

impl Senders {
    /// Senders as configured. Secrets are read when they are needed.
    ///
    /// # Errors
    /// When the mail settings cannot be used, or no HTTP client can be made.
    pub fn new(settings: &Settings) -> anyhow::Result<Self> {
        Ok(Self {
            email: settings.email.clone().map(email::Email::new).transpose()?,
            slack: slack::Slack::new(&settings.slack)?,
        })
    }

    /// Makes one attempt.
    pub async fn send(&self, delivery: &Delivery) -> Sent {
        match (&delivery.rendered, &delivery.notification.channel) {
            (Rendered::Email { subject, text, html }, Channel::Email { to }) => match &self.email {
                Some(email) => email.send(delivery, to, subject, text, html).await,
                None => retry("the configuration has no `email` section"),
            },
            (Rendered::Slack { body }, Channel::SlackWebhook { webhook }) => self.slack.send(webhook, body).await,
            (Rendered::Failed { error }, _) => Sent::Rejected { error: error.clone() },
            _ => Sent::Rejected { error: "the message was rendered for another channel".to_owned() },
        }
    }
}

/// What the administrator can mend is tried again.
fn retry(error: &str) -> Sent {
    Sent::Retry { after: None, answered: false, error: error.to_owned() }
}

/// At most `limit` characters of what another side said, on one line.
fn shortened(text: &str, limit: usize) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(limit).collect::<String>().trim().to_owned()
}
