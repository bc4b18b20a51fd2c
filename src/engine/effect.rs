//! What a step brings about beyond its own subject.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::alert::{Alert, Labels, Transition};
use super::digest::DigestReport;
use super::event::Message;
use super::receiver::{Channel, Phi};
use super::subject::Subject;
use super::time::Timestamp;

/// What steps hand back. One value collects a whole batch.
#[derive(Debug, Default)]
pub struct Effects {
    /// The number that the next new alert takes.
    pub next_alert: u64,
    /// To be stepped, first in first out, before the next journal row.
    pub messages: VecDeque<(Subject, Message)>,
    pub transitions: Vec<Transition>,
    /// Alerts that ended and so left their slice.
    pub ended: Vec<Alert>,
    pub notifications: Vec<Notification>,
    /// Rules with conditions that could not be computed, with what was wrong; each rule once.
    pub faults: BTreeMap<String, String>,
}

impl Effects {
    /// A rule's condition could not be computed.
    pub(super) fn fault(&mut self, rule: &str, error: &str) {
        if !self.faults.contains_key(rule) {
            self.faults.insert(rule.to_owned(), error.to_owned());
        }
    }
}

/// One message to one receiver over one channel, before it is rendered: an outbox row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notification {
    /// The same for the same decision, whenever it is made; the source of `Message-ID`.
    pub key: String,
    pub receiver: String,
    pub phi: Phi,
    pub channel: Channel,
    /// The notification group's id; empty for what belongs to none.
    pub group: String,
    /// When it was decided, and so may be sent.
    pub due: Timestamp,
    pub content: Content,
}

/// What a notification says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "content", rename_all = "snake_case")]
pub enum Content {
    Alerts {
        /// The labels that the group shares.
        group_labels: Labels,
        /// Open alerts, most urgent first, [`ALERTS_SHOWN`] at most.
        firing: Vec<Alert>,
        /// Alerts that ended since the last notification, [`ALERTS_SHOWN`] at most.
        ended: Vec<Alert>,
        /// How many more there are than the lists show.
        firing_omitted: usize,
        ended_omitted: usize,
        /// True where nothing changed and `repeat_interval` has passed.
        repeat: bool,
    },
    Digest(Box<DigestReport>),
    /// A marked sample, asked for by `notify test`.
    Test {
        by: String,
    },
    /// Pulsewarden speaks about itself.
    SelfAlert(SelfAlert),
}

/// How many alerts one notification lists.
pub const ALERTS_SHOWN: usize = 50;

/// What Pulsewarden says of its own state. Carries nothing protected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelfAlert {
    /// The watch's name, such as `no_webhooks`.
    pub watch: String,
    pub firing: bool,
    pub summary: String,
    pub action: String,
}
