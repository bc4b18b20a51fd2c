//! An alert: one episode of one rule for one subject, from firing to its end.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::event::Position;
use super::receiver::Channel;
use super::rule::Severity;
use super::subject::Subject;
use super::time::Timestamp;
use super::value::{Protection, Value};

/// Where an alert stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    Firing,
    /// Known to be over; the reason says by which evidence.
    Resolved,
    /// No news; not known to be well.
    Expired,
    /// The rule or the subject is gone; no longer watched.
    Closed,
}

impl AlertState {
    pub const ALL: [Self; 4] = [Self::Firing, Self::Resolved, Self::Expired, Self::Closed];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Resolved => "resolved",
            Self::Expired => "expired",
            Self::Closed => "closed",
        }
    }

    /// The state with this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

impl fmt::Display for AlertState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why an alert moved. Holds nothing protected beyond Impilo's numeric ids, so it may be shown under `ids`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Reason {
    /// An event met the rule's condition.
    Matched { event: String },
    /// Severity was raised.
    Raised { to: Severity },
    /// An event met a `resolve` condition.
    ResolvedByEvent { event: String },
    /// Heard from, with no new matching event for the time that `resolve: after` asks.
    QuietSince { last_match: Timestamp },
    /// The device was taken from its patient.
    Disassociated,
    /// The device went to another patient.
    Reassigned,
    /// The subject reached a status after which nothing more is to be watched.
    StatusReached { status: String },
    /// The patient was archived.
    PatientArchived,
    /// A return that lists the device is complete.
    Returned,
    /// What came late shows that the event behind the alert was late itself, and so would have fired nothing.
    LateEvent,
    /// No news about the subject for the rule's `expire`.
    NoNews { since: Timestamp },
    /// The rule is no longer in the rule files.
    RuleRemoved,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Matched { event } => write!(f, "{event} met the rule's condition"),
            Self::Raised { to } => write!(f, "severity raised to {to}"),
            Self::ResolvedByEvent { event } => write!(f, "{event} met the rule's resolve condition"),
            Self::QuietSince { last_match } => write!(f, "heard from, with nothing new since {last_match}"),
            Self::Disassociated => f.write_str("the device was disassociated from its patient"),
            Self::Reassigned => f.write_str("the device went to another patient"),
            Self::StatusReached { status } => write!(f, "its status is now {status}"),
            Self::PatientArchived => f.write_str("the patient was archived"),
            Self::Returned => f.write_str("the device was returned"),
            Self::LateEvent => f.write_str("a late event shows that it was over before"),
            Self::NoNews { since } => write!(f, "no news since {since}; not known to be well"),
            Self::RuleRemoved => f.write_str("the rule was removed; no longer watched"),
        }
    }
}

/// The event behind a move.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRef {
    pub position: Position,
    pub id: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub occurred_at: Timestamp,
    pub received_at: Timestamp,
}

/// A value as it was when a decision was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    #[serde(rename = "v")]
    pub value: Value,
    #[serde(rename = "p")]
    pub protection: Protection,
}

/// What a decision rested on: texts render from this alone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    pub event: Option<EventRef>,
    /// Dotted name to value; a name that was unknown is absent.
    pub values: BTreeMap<String, Seen>,
}

/// A label, with how far its value may travel.
pub type Labels = BTreeMap<String, Seen>;

/// One alert. A repeat refreshes its evidence; it never fires again within an episode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Short number, unique in this store.
    pub number: u64,
    pub rule: String,
    pub subject: Subject,
    /// 1 for the first alert of this rule and subject.
    pub episode: u32,
    pub state: AlertState,
    pub severity: Severity,
    pub labels: Labels,
    /// When what fired it happened.
    pub opened_at: Timestamp,
    /// When Pulsewarden learned of it: the journal's time, or a due time.
    pub noticed_at: Timestamp,
    /// Receipt of the newest matching event.
    pub matched_at: Timestamp,
    /// Matching events so far.
    pub count: u32,
    pub evidence: Evidence,
    /// The rule's annotation templates when the evidence was taken.
    pub annotations: BTreeMap<String, String>,
    pub end: Option<End>,
    /// The notification groups that are told of it, one for each channel of its receiver.
    pub groups: Vec<AlertGroup>,
    /// When the group was last told; repeats tell it again after a minute at the soonest.
    pub told_group_at: Timestamp,
    /// Hash of the rule set that decided last.
    pub rule_set: String,
    /// Set when this row must be written back.
    #[serde(skip)]
    pub changed: bool,
}

/// A notification group of an alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertGroup {
    pub id: String,
    pub receiver: String,
    pub channel: Channel,
    pub labels: Labels,
}

/// How an alert ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// When what ended it happened, or was due.
    pub at: Timestamp,
    pub noticed_at: Timestamp,
    pub reason: Reason,
    /// The event that ended it, where one did.
    pub event: Option<EventRef>,
}

/// One move of an alert, kept for ever beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Transition {
    pub alert: u64,
    pub to: AlertState,
    pub severity: Severity,
    pub at: Timestamp,
    pub noticed_at: Timestamp,
    /// The last journal row that was known when it was decided.
    pub position: Position,
    pub reason: Reason,
    pub evidence: Evidence,
    pub rule_set: String,
}
