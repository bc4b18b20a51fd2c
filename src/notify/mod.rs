//! The ways out: each channel renders and sends in its own way.

mod email;
pub(crate) mod http;
mod known;
mod page;
mod pagerduty;
mod phi;
mod sheet;
mod slack;
mod slack_bot;
mod templates;
mod webhook;

use std::time::Duration;

pub use templates::{Sample, Templates};

use crate::config::Settings;
use crate::engine::{Alert, Channel, Content, Notification, Phi};
use crate::store::{Delivery, Rendered, Root};
use page::Page;

/// What became of one attempt to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// Accepted; the reply, shortened. `refused` says which part was not, `missed` by which addresses. `root` is what the
    /// group's messages hang on from now on, where that has changed.
    Delivered { reply: String, refused: Option<String>, missed: Vec<Missed>, root: Option<Root> },
    /// Not now; `after` is what the other side asked for, `answered` whether it was the one that said no.
    Retry { after: Option<Duration>, answered: bool, error: String },
    /// Never: trying again would bring the same.
    Rejected { error: String },
    /// There is nothing in it for this way out, so nothing was sent.
    Needless { why: &'static str },
    /// It cannot even go out, which says nothing of the other side.
    Unsendable { error: String },
}

/// Addresses of a message that others of its addresses got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missed {
    pub addresses: Vec<String>,
    pub error: String,
    /// They will never take it; else it is tried again.
    pub for_good: bool,
}

impl Sent {
    /// Whether the way out itself failed, so that other messages would fail in it, too. An answer of a mail server is about
    /// one message or its addresses; the other ways out lead to one place each.
    #[must_use]
    pub fn lane_failed(&self, channel: &Channel) -> bool {
        match self {
            Self::Retry { answered, .. } => !answered || !matches!(channel, Channel::Email { .. }),
            Self::Delivered { .. } | Self::Rejected { .. } | Self::Unsendable { .. } | Self::Needless { .. } => false,
        }
    }
}

/// A way out. Each stands in a file of its own, with the same four parts: its settings, how it renders, how it sends, and
/// which answers mean that a message is delivered, to be tried again, or never taken.
trait Sender {
    /// The message in the form that this channel sends; the same notification always comes to the same. Fails where not even
    /// the shipped templates can make it.
    fn render(notification: &Notification, page: &Page, templates: &Templates) -> Result<Rendered, String>;

    /// Makes one attempt. Secrets are read when they are needed.
    async fn send(&self, delivery: &Delivery) -> Sent;
}

/// Renders a notification for its channel, showing what its receiver may see. The same notification always renders the
/// same. `link` is where the reader of a mail can take on what it lists.
#[must_use]
pub fn render(notification: &Notification, templates: &Templates, link: Option<&str>) -> Rendered {
    let made = page_of(notification, templates).and_then(|mut page| match &notification.channel {
        Channel::Email { .. } => {
            page.link = link.map(phi::link);
            let mail = email::Email::render(notification, &page, templates)?;
            Ok(match &notification.content {
                Content::Digest(report) => mail.with(sheet::of(report, notification.phi)),
                _ => mail,
            })
        }
        Channel::SlackWebhook { .. } => slack::Slack::render(notification, &page, templates),
        Channel::SlackChannel { .. } => slack_bot::Bot::render(notification, &page, templates),
        Channel::Webhook { .. } => webhook::Webhook::render(notification, &page, templates),
        Channel::Pagerduty { .. } => pagerduty::Pagerduty::render(notification, &page, templates),
    });
    made.unwrap_or_else(|error| Rendered::Failed { error })
}

/// What a notification tells its receiver. A headline of people's own making sees only what may leave under `none`.
fn page_of(notification: &Notification, templates: &Templates) -> Result<Page, String> {
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
    bot: slack_bot::Bot,
    webhook: webhook::Webhook,
    pagerduty: pagerduty::Pagerduty,
}

impl Senders {
    /// Senders as configured. Secrets are read when they are needed.
    ///
    /// # Errors
    /// When the mail settings cannot be used, or no HTTP client can be made.
    pub fn new(settings: &Settings) -> anyhow::Result<Self> {
        let client = http::client()?;
        Ok(Self {
            email: settings.email.clone().map(email::Email::new).transpose()?,
            slack: slack::Slack::new(&settings.slack, client.clone()),
            bot: slack_bot::Bot::new(&settings.slack, client.clone()),
            webhook: webhook::Webhook::new(&settings.endpoints, client.clone()),
            pagerduty: pagerduty::Pagerduty::new(&settings.pagerduty, client),
        })
    }

    /// Makes one attempt.
    pub async fn send(&self, delivery: &Delivery) -> Sent {
        if let Rendered::Failed { error } = &delivery.rendered {
            return Sent::Unsendable { error: error.clone() };
        }
        match &delivery.notification.channel {
            Channel::Email { .. } => match &self.email {
                Some(email) => email.send(delivery).await,
                None => retry("the configuration has no `email` section"),
            },
            Channel::SlackWebhook { .. } => self.slack.send(delivery).await,
            Channel::SlackChannel { .. } => self.bot.send(delivery).await,
            Channel::Webhook { .. } => self.webhook.send(delivery).await,
            Channel::Pagerduty { .. } => self.pagerduty.send(delivery).await,
        }
    }
}

/// What was accepted whole, with this reply.
fn delivered(reply: String) -> Sent {
    Sent::Delivered { reply, refused: None, missed: Vec::new(), root: None }
}

/// What the administrator can mend is tried again.
fn retry(error: &str) -> Sent {
    Sent::Retry { after: None, answered: false, error: error.to_owned() }
}

/// The message cannot be sent over this channel at all.
fn misrendered() -> Sent {
    Sent::Unsendable { error: "the message was rendered for another channel".to_owned() }
}

/// At most `limit` characters of what another side said, on one line.
fn shortened(text: &str, limit: usize) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(limit).collect::<String>().trim().to_owned()
}
