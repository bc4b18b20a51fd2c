//! What a step brings about beyond its own subject.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::alert::{Alert, AlertState, Labels, Transition};
use super::digest::DigestReport;
use super::event::Message;
use super::muting::Suppression;
use super::outage::Outage;
use super::people::Action;
use super::receiver::{Channel, Phi};
use super::remark::Remark;
use super::rule::Severity;
use super::silence::SilenceRecord;
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
    pub records: Records,
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

/// What is kept for people to read besides alerts and their moves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Records {
    /// What people did.
    pub actions: Vec<Action>,
    /// What was held back, and what is held back no longer.
    pub suppressions: Vec<Suppression>,
    /// Silences that were made or have ended.
    pub silences: Vec<SilenceRecord>,
}

impl Records {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.actions.is_empty() && self.suppressions.is_empty() && self.silences.is_empty()
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
    /// What became of it on its way, told before what it says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<Remark>,
}

impl Notification {
    /// Whether it changes what was sent, and says nothing new.
    #[must_use]
    pub fn is_update(&self) -> bool {
        matches!(self.content, Content::Alerts { update: true, .. })
    }

    /// Which of its group's threads it belongs to; 0 for what belongs to none.
    #[must_use]
    pub fn thread(&self) -> u64 {
        match &self.content {
            Content::Alerts { thread, .. } if !self.group.is_empty() => *thread,
            _ => 0,
        }
    }
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
        /// Alerts that ended since the last notification, [`Channel::ends_shown`] at most.
        ended: Vec<Alert>,
        /// How many more there are than the lists show.
        firing_omitted: usize,
        ended_omitted: usize,
        /// True where nothing changed and `repeat_interval` has passed.
        repeat: bool,
        /// True where people did something and nothing else changed: for ways on which a message can be changed.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        update: bool,
        /// What the messages of a group have in common from its opening until it has nothing left to say: the lowest number
        /// among the alerts of the first of them. 0 for what was decided before this was known.
        #[serde(default)]
        thread: u64,
    },
    /// What would have been too many messages, or was held back for quiet hours, in one.
    Summary(Box<Summary>),
    /// A silence that hides something is about to end.
    SilenceEnds {
        silence: u64,
        by: String,
        until: Timestamp,
        hidden: u64,
    },
    Digest(Box<DigestReport>),
    /// A marked sample, asked for by `notify test`.
    Test {
        by: String,
    },
    /// Pulsewarden speaks about itself.
    SelfAlert(SelfAlert),
}

/// Why messages come as one summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Folded {
    /// There would have been more than the receiver's cap.
    Cap,
    /// Quiet hours are over.
    Quiet,
    /// They were due while the daemon was away.
    Outage,
}

/// Several messages in one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    pub why: Folded,
    /// When the first of them was decided.
    pub since: Timestamp,
    /// The time for which the daemon was away, where it tells of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outage: Option<Outage>,
    /// How many messages there would have been.
    pub messages: u64,
    pub counts: Counts,
    /// The most urgent open alerts, [`ALERTS_SHOWN`] at most.
    pub alerts: Vec<Alert>,
    /// Alerts that ended, [`ALERTS_SHOWN`] at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ended: Vec<Alert>,
}

/// Alerts in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Open alerts by rule and severity.
    pub open: BTreeMap<String, BTreeMap<Severity, u64>>,
    /// Ended alerts by rule.
    pub ended: BTreeMap<String, u64>,
}

impl Counts {
    /// Counts an alert.
    pub fn add(&mut self, alert: &Alert) {
        if alert.state == AlertState::Firing {
            *self.open.entry(alert.rule.clone()).or_default().entry(alert.severity).or_default() += 1;
        } else {
            *self.ended.entry(alert.rule.clone()).or_default() += 1;
        }
    }

    /// Adds what others have counted.
    pub fn add_all(&mut self, other: &Self) {
        for (rule, by_severity) in &other.open {
            for (severity, count) in by_severity {
                *self.open.entry(rule.clone()).or_default().entry(*severity).or_default() += count;
            }
        }
        for (rule, count) in &other.ended {
            *self.ended.entry(rule.clone()).or_default() += count;
        }
    }

    /// How many are open.
    #[must_use]
    pub fn open_total(&self) -> u64 {
        self.open.values().flat_map(BTreeMap::values).sum()
    }

    /// How many have ended.
    #[must_use]
    pub fn ended_total(&self) -> u64 {
        self.ended.values().sum()
    }

    /// The highest severity among the open ones.
    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        self.open.values().flat_map(BTreeMap::keys).max().copied()
    }
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
