//! The ways out: each channel renders and sends in its own way.

mod email;
mod page;
mod phi;
mod sheet;
mod slack;

use std::time::Duration;

pub use page::{annotation, label};

use crate::config::Settings;
use crate::engine::{Channel, Content, Notification};
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
pub fn render(notification: &Notification) -> Rendered {
    let page = page::of(notification);
    match &notification.channel {
        Channel::Email { .. } => match &notification.content {
            Content::Digest(report) => email::render(&page).with(sheet::of(report, notification.phi)),
            _ => email::render(&page),
        },
        Channel::SlackWebhook { .. } => slack::render(&page),
    }
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
            (Rendered::Email { subject, text, html, attachments }, Channel::Email { to }) => match &self.email {
                Some(email) => email.send(delivery, to, subject, text, html, attachments).await,
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
