//! What the messages of a group hang on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::engine::{Severity, Timestamp};

/// The first message of a group's thread, as its channel knows it: later ones are answers to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Root {
    /// The thread, as the notification names it: a group that opens anew begins another one.
    pub thread: u64,
    /// Its `Message-ID`, or Slack's `ts`.
    pub message: String,
    /// Slack's id of the channel; empty for mail.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub place: String,
    /// When what the message shows now was decided.
    pub shown: Timestamp,
    /// The open alerts that it lists now, each as urgent as it was told; nothing for mail, which stays as it was sent.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub open: BTreeMap<u64, Severity>,
}
