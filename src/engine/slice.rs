//! What one step may read and write: one subject, its open alerts, and what it last learned of others.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::alert::{Alert, AlertState, Labels};
use super::event::Position;
use super::inhibition::Meeting;
use super::memory::Memory;
use super::muting::Held;
use super::outlet::Outlet;
use super::receiver::Channel;
use super::record::Record;
use super::rule::Severity;
use super::silence::Hiding;
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
    /// Set where there may be a deadline before `due`; every step clears it before it ends.
    pub(super) unarmed: bool,
    /// The last event that was tried here, so that it is tried once on whatever ways it comes.
    pub(super) tried: Position,
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
            unarmed: false,
            tried: 0,
        }
    }

    /// Takes out the open alerts for which `chosen` is true, in order.
    pub(super) fn take_alerts(&mut self, chosen: impl Fn(&Alert) -> bool) -> Vec<Alert> {
        if !self.alerts.iter().any(&chosen) {
            return Vec::new();
        }
        self.dirty = true;
        self.unarmed = true;
        self.alerts.extract_if(.., |alert| chosen(alert)).collect()
    }

    /// What is remembered of a rule, to be changed.
    pub(super) fn memory(&mut self, rule: &str) -> &mut Memory {
        self.dirty = true;
        self.projection.rules.entry(rule.into()).or_default()
    }

    /// When the subject, or one of its devices, was last heard from; for what has no device, the last news.
    pub(super) fn heard_at(&self) -> Option<Timestamp> {
        match self.subject.kind {
            SubjectKind::Device | SubjectKind::Patient | SubjectKind::Site | SubjectKind::Item => {
                self.projection.heard_at
            }
            _ => self.projection.news_at,
        }
    }

    /// The open alert of a rule.
    pub(super) fn open(&self, rule: &str) -> Option<&Alert> {
        self.alerts.iter().find(|alert| alert.rule == rule)
    }

    /// Whether what has been so since `from` was so already when the subject was found.
    pub(super) fn found_so(&self, from: Timestamp) -> bool {
        self.projection.found_at.is_some_and(|found_at| from <= found_at)
    }

    /// True for a subject of which nothing was ever heard.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.projection.news_at.is_none() && self.projection.members.is_empty() && self.alerts.is_empty()
    }

    /// True for a notification group that has nothing left to say, and for whatever else notifying keeps and needs no
    /// more: its row can go.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        match self.subject.kind {
            SubjectKind::Group => self.members.is_empty(),
            SubjectKind::Silence => self.projection.hiding.is_none(),
            SubjectKind::Inhibition => self.projection.meeting.is_none(),
            SubjectKind::Outlet => self.projection.outlet.is_none(),
            _ => false,
        }
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
    pub episodes: BTreeMap<SmolStr, u32>,
    /// The newest time at which each rule's `resolve` was met: what happened before that opens nothing.
    #[serde(rename = "k", skip_serializing_if = "BTreeMap::is_empty")]
    pub resolved: BTreeMap<SmolStr, Timestamp>,
    /// What is remembered of each rule.
    #[serde(rename = "s", skip_serializing_if = "BTreeMap::is_empty")]
    pub rules: BTreeMap<SmolStr, Memory>,
    /// The journal row of the rule set that the subject was last judged by as a whole.
    #[serde(rename = "j", skip_serializing_if = "is_zero")]
    pub judged: Position,
    /// When the last event about this subject came.
    #[serde(rename = "n", skip_serializing_if = "Option::is_none")]
    pub news_at: Option<Timestamp>,
    /// When the first reading of the whole fleet found the subject, of which nothing had been known.
    #[serde(rename = "f", skip_serializing_if = "Option::is_none")]
    pub found_at: Option<Timestamp>,
    /// When the subject, or one of its devices, was last heard from.
    #[serde(rename = "h", skip_serializing_if = "Option::is_none")]
    pub heard_at: Option<Timestamp>,
    /// When a device was last heard by each type of event, for rules about silence that come later.
    #[serde(rename = "y", skip_serializing_if = "BTreeMap::is_empty")]
    pub heard_by: BTreeMap<SmolStr, Timestamp>,
    /// Where a device with a patient is counted: its item and its site.
    #[serde(rename = "c", skip_serializing_if = "BTreeMap::is_empty")]
    pub counted: BTreeMap<SubjectKind, SmolStr>,
    /// Subjects whose rules await an event through this one, by rule.
    #[serde(rename = "x", skip_serializing_if = "BTreeMap::is_empty")]
    pub awaiting: BTreeMap<SmolStr, BTreeSet<Subject>>,
    /// What the patient's orders on their way bring, by order.
    #[serde(rename = "b", skip_serializing_if = "BTreeMap::is_empty")]
    pub ordered: BTreeMap<SmolStr, Vec<String>>,
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
    /// Present in silences only.
    #[serde(rename = "i", skip_serializing_if = "Option::is_none")]
    pub hiding: Option<Hiding>,
    /// Present where alerts meet under an inhibition rule.
    #[serde(rename = "q", skip_serializing_if = "Option::is_none")]
    pub meeting: Option<Meeting>,
    /// Present in outlets only.
    #[serde(rename = "w", skip_serializing_if = "Option::is_none")]
    pub outlet: Option<Outlet>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(position: &Position) -> bool {
    *position == 0
}

/// A copy of another subject, as last learned.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Related {
    pub id: SmolStr,
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
    pub rule: SmolStr,
    /// The event that was tried.
    pub position: Position,
    pub at: Timestamp,
    pub why: Why,
}

/// Why a rule did not fire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Why {
    /// The condition was false; `term` is the part that decided.
    False { term: SmolStr },
    /// The condition needed something that is not known.
    Unknown { term: SmolStr },
    /// The condition could not be computed.
    Fault { error: String },
    /// An alert of this rule is open already; the event refreshed it.
    AlreadyOpen { alert: u64 },
    /// Fewer than the rule needs within its time.
    TooFew { count: u64, needed: u64 },
    /// What the rule counts by is a share of this many.
    ShareTooSmall { count: u64, of: u64 },
    /// It fires then, unless something comes in between.
    Waits { until: Timestamp },
    /// What must come before did so.
    Preceded { at: Timestamp },
    /// What should be heard never was, as far as is known.
    NeverHeard,
    /// It was so when the subject's relations ended.
    Rests,
    /// What must follow had happened already.
    FollowedAlready { at: Timestamp },
    /// The rule is younger than the subject, so that what came before is not known.
    NotKnownBefore { from: Timestamp },
    /// The event happened before the association, or the watch, ended, or before what resolves the rule.
    Late,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::False { term } => write!(f, "not met: {term}"),
            Self::Unknown { term } => write!(f, "not known: {term}"),
            Self::Fault { error } => write!(f, "cannot be computed: {error}"),
            Self::AlreadyOpen { alert } => write!(f, "alert {alert} is open already and was refreshed"),
            Self::TooFew { count, needed } => write!(f, "{count} within the rule's time, of {needed} that it needs"),
            Self::ShareTooSmall { count, of } => write!(f, "{count} of {of} is too small a share"),
            Self::Waits { until } => write!(f, "waits until {until}"),
            Self::NeverHeard => f.write_str("what should be heard never was, so that there is no silence to measure"),
            Self::Rests => {
                f.write_str("it was so when the watch ended; it counts once that begins anew, or it has been otherwise")
            }
            Self::Preceded { at } => write!(f, "what must come before came at {at}"),
            Self::FollowedAlready { at } => write!(f, "what must follow had come already, at {at}"),
            Self::NotKnownBefore { from } => write!(f, "the rule is newer: what came before {from} is not known"),
            Self::Late => f.write_str("the event happened before the watch ended"),
        }
    }
}

impl Why {
    /// Whether another verdict of this kind only moves the figures on.
    pub(super) fn says_the_same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::TooFew { .. }, Self::TooFew { .. })
            | (Self::ShareTooSmall { .. }, Self::ShareTooSmall { .. })
            | (Self::Waits { .. }, Self::Waits { .. }) => true,
            _ => self == other,
        }
    }
}

/// A notification group: the alerts that one receiver is told of together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// The key of the route that put its first alert here.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub route: String,
    pub receiver: String,
    pub channel: Channel,
    pub labels: Labels,
    /// Notifications made so far.
    pub sequence: u64,
    pub last_sent: Option<Timestamp>,
    /// When the group next decides whether there is something to say.
    pub flush_at: Option<Timestamp>,
    /// Reminders in a row so far, without anything new.
    #[serde(default)]
    pub repeats: u32,
    /// It gathers what was so already when its rules came.
    #[serde(default)]
    pub baseline: bool,
    /// Escalation opened it: it waits for nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub urgent: bool,
    /// Its receiver is to be told again, since nobody has an alert of it any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reminds: bool,
    /// The lowest number among the alerts of its first notification; 0 before that.
    #[serde(default)]
    pub thread: u64,
}

/// One alert of a notification group. It stays for a while after its end was told, since that may turn out to have failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Member {
    pub alert: Alert,
    /// What the receiver was last told; `None` before the first notification.
    pub told: Option<Box<Told>>,
    /// Why the receiver is not told of it now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Box<Held>>,
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
