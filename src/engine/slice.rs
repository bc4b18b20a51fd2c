//! What one step may read and write: one subject, its open alerts, and what it last learned of others.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::alert::{Alert, AlertState, Labels};
use super::event::Position;
use super::receiver::Channel;
use super::rule::Severity;
use super::state::Record;
use super::subject::{Subject, SubjectKind};
use super::time::Timestamp;

/// The shape of [`Projection`] that this version writes; older ones are upgraded on load.
pub const PROJECTION_VERSION: u32 = 1;

/// How many verdicts of rules that were tried without firing are kept.
pub const VERDICTS_KEPT: usize = 8;

/// One subject as the engine works on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Slice {
    pub subject: Subject,
    pub projection: Projection,
    /// The open alerts of this subject; each is a row of its own in the store.
    pub alerts: Vec<Alert>,
    /// The members of a notification group, by alert number; each is a row of its own in the store.
    pub members: BTreeMap<u64, Member>,
    /// Members that left since the slice was last written back.
    pub removed_members: Vec<u64>,
    /// When this subject next wants to be woken.
    pub due: Option<Timestamp>,
    /// Set by a step that changed `projection` or `due`; cleared by whoever writes the slice back.
    pub dirty: bool,
}

impl Slice {
    /// A subject of which nothing is known yet.
    #[must_use]
    pub fn new(subject: Subject) -> Self {
        Self {
            subject,
            projection: Projection::default(),
            alerts: Vec::new(),
            members: BTreeMap::new(),
            removed_members: Vec::new(),
            due: None,
            dirty: false,
        }
    }

    /// Takes out the open alerts for which `chosen` is true, in order.
    pub(super) fn take_alerts(&mut self, chosen: impl Fn(&Alert) -> bool) -> Vec<Alert> {
        if !self.alerts.iter().any(&chosen) {
            return Vec::new();
        }
        self.dirty = true;
        self.alerts.extract_if(.., |alert| chosen(alert)).collect()
    }

    /// True for a notification group that has nothing left to say: its row can go.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.subject.kind == SubjectKind::Group && self.members.is_empty()
    }
}

/// What a subject's row holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Projection {
    #[serde(rename = "r")]
    pub record: Record,
    /// What was last learned of the subjects that this one belongs to, one of each kind.
    #[serde(rename = "l", skip_serializing_if = "BTreeMap::is_empty")]
    pub related: BTreeMap<SubjectKind, Related>,
    /// Subjects that belong to this one and want to hear of its changes; kept for patients.
    #[serde(rename = "m", skip_serializing_if = "BTreeSet::is_empty")]
    pub members: BTreeSet<Subject>,
    /// How many alerts each rule has fired for this subject.
    #[serde(rename = "e", skip_serializing_if = "BTreeMap::is_empty")]
    pub episodes: BTreeMap<String, u32>,
    /// The newest time at which each rule's `resolve` was met: what happened before that opens nothing.
    #[serde(rename = "k", skip_serializing_if = "BTreeMap::is_empty")]
    pub resolved: BTreeMap<String, Timestamp>,
    /// When the last event about this subject came.
    #[serde(rename = "n", skip_serializing_if = "Option::is_none")]
    pub news_at: Option<Timestamp>,
    /// The last association event that counted; devices only.
    #[serde(rename = "t", skip_serializing_if = "Option::is_none")]
    pub turn: Option<Turn>,
    /// Set once the subject's story is over: an order delivered, a patient archived.
    #[serde(rename = "o", skip_serializing_if = "std::ops::Not::not")]
    pub over: bool,
    /// Why rules that were tried did not fire, newest last.
    #[serde(rename = "v", skip_serializing_if = "VecDeque::is_empty")]
    pub verdicts: VecDeque<Verdict>,
    /// Present in notification groups only.
    #[serde(rename = "g", skip_serializing_if = "Option::is_none")]
    pub group: Option<Group>,
}

/// A copy of another subject, as last learned.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Related {
    pub id: String,
    #[serde(rename = "r")]
    pub record: Record,
}

/// A device came to a patient, or left one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// Impilo's id of the patient that has the device since then.
    pub patient: Option<String>,
    /// The patient that had it before, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    pub at: Timestamp,
    pub heard_at: Timestamp,
}

/// A rule that an event concerned and that did not fire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    pub rule: String,
    pub position: Position,
    pub why: Why,
}

/// Why a rule did not fire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Why {
    /// The condition was false; `term` is the part that decided.
    False { term: String },
    /// The condition needed something that is not known.
    Unknown { term: String },
    /// The condition could not be computed.
    Fault { error: String },
    /// An alert of this rule is open already; the event refreshed it.
    AlreadyOpen { alert: u64 },
    /// The event happened before the association, or the watch, ended, or before what resolves the rule.
    Late,
}

/// A notification group: the alerts that one receiver is told of together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    pub receiver: String,
    pub channel: Channel,
    pub labels: Labels,
    /// Notifications made so far.
    pub sequence: u64,
    pub last_sent: Option<Timestamp>,
    /// When the group next decides whether there is something to say.
    pub flush_at: Option<Timestamp>,
}

/// One alert of a notification group. It stays for a while after its end was told, since that may turn out to have failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Member {
    pub alert: Alert,
    /// What the receiver was last told; `None` before the first notification.
    pub told: Option<Box<Told>>,
    /// Set when this row must be written back.
    #[serde(skip)]
    pub changed: bool,
}

/// What a receiver knows of an alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    pub state: AlertState,
    pub severity: Severity,
    pub at: Timestamp,
    /// Which notification of the group told it first.
    #[serde(default)]
    pub sequence: u64,
    /// What it knew before that, should the notification be given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Box<Told>>,
}
