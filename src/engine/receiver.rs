//! Who is told, and over which ways.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::calendar::Calendar;
use super::effect::ALERTS_SHOWN;
use super::rule::Severity;
use super::value::Protection;

/// The longest that `delivery.give_up_after` may be: what a group keeps of ends, it keeps for longer.
pub const LONGEST_PATIENCE: Duration = Duration::from_secs(3 * 24 * 60 * 60);

/// How long a receiver with a fallback may be out of reach where its rule file says nothing.
pub const FALLBACK_AFTER: Duration = Duration::from_secs(30 * 60);

/// How much a receiver may be told.
pub type Phi = Protection;

/// Where a receiver's messages go; each channel gets its own delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Channel {
    Email {
        to: Vec<String>,
    },
    /// An incoming webhook of Slack, by its name in the configuration.
    SlackWebhook {
        webhook: String,
    },
    /// A channel of Slack, by the bot: `#name`, or Slack's id of it.
    SlackChannel {
        channel: String,
    },
    /// An endpoint of somebody's own, by its name in the configuration.
    Webhook {
        endpoint: String,
    },
    /// An integration of PagerDuty, by its name in the configuration.
    Pagerduty {
        integration: String,
    },
}

/// How many ended alerts one message lists where each must be said by itself; elsewhere [`ALERTS_SHOWN`].
const ENDS_OF_INCIDENTS: usize = 1000;

impl Channel {
    /// The channel's kind, for tables and logs.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Email { .. } => "email",
            Self::SlackWebhook { .. } | Self::SlackChannel { .. } => "slack",
            Self::Webhook { .. } => "webhook",
            Self::Pagerduty { .. } => "pagerduty",
        }
    }

    /// Where it leads, as its receiver names it.
    #[must_use]
    pub fn destination(&self) -> String {
        match self {
            Self::Email { to } => to.join(","),
            Self::SlackWebhook { webhook } => webhook.clone(),
            Self::SlackChannel { channel } => format!("channel {channel}"),
            Self::Webhook { endpoint } => endpoint.clone(),
            Self::Pagerduty { integration } => integration.clone(),
        }
    }

    /// Whether digests go there. What pages people at night is no place for a summary.
    #[must_use]
    pub const fn takes_digests(&self) -> bool {
        !matches!(self, Self::Pagerduty { .. })
    }

    /// How many ended alerts one message lists. PagerDuty keeps an incident of each alert open until it hears of its end.
    #[must_use]
    pub const fn ends_shown(&self) -> usize {
        if matches!(self, Self::Pagerduty { .. }) { ENDS_OF_INCIDENTS } else { ALERTS_SHOWN }
    }

    /// Whether what was sent can be changed, so that what people do is shown there.
    #[must_use]
    pub const fn updates(&self) -> bool {
        matches!(self, Self::SlackChannel { .. } | Self::Webhook { .. } | Self::Pagerduty { .. })
    }

    /// Whether people read what comes there, so that it must not be too much.
    #[must_use]
    pub const fn is_read_by_people(&self) -> bool {
        matches!(self, Self::Email { .. } | Self::SlackWebhook { .. } | Self::SlackChannel { .. })
    }

    /// The way out that the channel shares with others: the mail server, one webhook or channel of Slack, one endpoint, one
    /// integration. Where one is slow, the others are not.
    #[must_use]
    pub fn lane(&self) -> String {
        match self {
            Self::Email { .. } => "email".to_owned(),
            Self::SlackWebhook { webhook } => format!("slack {webhook}"),
            Self::SlackChannel { channel } => format!("slack bot {channel}"),
            Self::Webhook { endpoint } => format!("webhook {endpoint}"),
            Self::Pagerduty { integration } => format!("pagerduty {integration}"),
        }
    }
}

/// Who is told, and how much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receiver {
    pub name: String,
    pub phi: Phi,
    pub channels: Vec<Channel>,
    /// Whether ends are announced to this receiver.
    pub send_resolved: bool,
    pub fallback: Option<Fallback>,
    /// Beyond it, messages come as one summary.
    pub cap: Option<Cap>,
    /// Hours in which what is less than urgent waits.
    pub quiet: Option<Quiet>,
}

/// How many messages a receiver gets over one channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cap {
    pub messages: u32,
    pub per: Duration,
}

impl Cap {
    /// How many of them are for summaries.
    fn summaries(self) -> u32 {
        (self.messages / 4).max(1)
    }

    /// How many messages go as they come.
    pub(super) fn by_themselves(self) -> usize {
        self.messages.saturating_sub(self.summaries()) as usize
    }

    /// How many messages go as they come where they are about critical alerts: half of the summaries must still find room.
    pub(super) fn for_urgent(self) -> usize {
        self.messages.saturating_sub(self.summaries().div_ceil(2)) as usize
    }

    /// The time between two summaries.
    pub(super) fn between_summaries(self) -> Duration {
        self.per / (self.summaries() + 1)
    }
}

/// Hours in which a receiver is left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quiet {
    /// Outside of it, messages wait.
    pub calendar: Arc<Calendar>,
    /// Severities that do not wait.
    pub except: Vec<Severity>,
}

/// Who hears what a receiver cannot be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fallback {
    pub receiver: String,
    /// How long a message about something that fires may wait before the fallback hears it, too.
    pub after: Duration,
}
