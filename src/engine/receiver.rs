//! Who is told, and over which ways.

use serde::{Deserialize, Serialize};

use super::value::Protection;

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
}
