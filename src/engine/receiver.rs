//! Who is told, over which ways, and when in summary.

use std::time::Duration;

use serde::{Deserialize, Serialize};

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
}

impl Channel {
    /// The channel's kind, for tables and logs.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Email { .. } => "email",
            Self::SlackWebhook { .. } => "slack",
        }
    }

    /// The way out that the channel shares with others: the mail server, or one webhook of Slack. Where one is slow, the
    /// others are not.
    #[must_use]
    pub fn lane(&self) -> String {
        match self {
            Self::Email { .. } => "email".to_owned(),
            Self::SlackWebhook { webhook } => format!("slack {webhook}"),
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
}

/// Who hears what a receiver cannot be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fallback {
    pub receiver: String,
    /// How long a message about something that fires may wait before the fallback hears it, too.
    pub after: Duration,
}

/// A digest: a scheduled summary for one receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    pub name: String,
    /// Cron, five fields.
    pub schedule: String,
    /// An IANA zone name.
    pub time_zone: String,
    pub receiver: String,
    pub skip_when_empty: bool,
}
