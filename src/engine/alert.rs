//! An alert: one episode of one rule for one subject, from firing to its end.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::event::Position;
use super::inhibition::Part;
use super::memory::Hit;
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
    /// So many events, or different subjects, within the rule's time.
    Counted { event: String, count: u64, within: String },
    /// A share of the devices with patients, within the rule's time.
    Shared { event: String, count: u64, of: u64, within: String },
    /// Nothing was heard since, where something should have been.
    Silent { since: Timestamp },
    /// The state that the rule is about has held since then.
    Held { since: Timestamp },
    /// What should have followed the event did not.
    NotFollowed { event: String, at: Timestamp },
    /// What should have come before the event did not.
    NotPreceded { event: String },
    /// Severity was raised.
    Raised { to: Severity },
    /// An event met a `resolve` condition.
    ResolvedByEvent { event: String },
    /// Heard from, with no new matching event for the time that `resolve: after` asks.
    QuietSince { last_match: Timestamp },
    /// Heard from, and fewer matching events within the time than the rule asks.
    TooFew { within: String },
    /// What had fallen silent was heard.
    HeardAgain { event: String },
    /// The state no longer holds; `term` is the part of the condition that decided.
    NoLonger { term: String },
    /// What was awaited came after all.
    Followed { event: String },
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
    /// The rule now says something else, and by that it would not fire.
    RuleChanged,
    /// Somebody says that it is over.
    ByHand { by: String },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Matched { event } => write!(f, "{event} met the rule's condition"),
            Self::Counted { event, count, within } => write!(f, "{count} × {event} within {within}"),
            Self::Shared { event, count, of, within } => {
                write!(f, "{count} of {of} devices with patients: {event} within {within}")
            }
            Self::Silent { since } => write!(f, "nothing heard since {since}"),
            Self::Held { since } => write!(f, "it has been so since {since}"),
            Self::NotFollowed { event, at } => write!(f, "{event} at {at} was not followed by what should come"),
            Self::NotPreceded { event } => write!(f, "{event} came without what should come before"),
            Self::Raised { to } => write!(f, "severity raised to {to}"),
            Self::ResolvedByEvent { event } => write!(f, "{event} met the rule's resolve condition"),
            Self::QuietSince { last_match } => write!(f, "heard from, with nothing new since {last_match}"),
            Self::TooFew { within } => write!(f, "heard from, with fewer than the rule asks within {within}"),
            Self::HeardAgain { event } => write!(f, "heard again: {event}"),
            Self::NoLonger { term } => write!(f, "no longer so: {term}"),
            Self::Followed { event } => write!(f, "followed after all by {event}"),
            Self::Disassociated => f.write_str("the device was disassociated from its patient"),
            Self::Reassigned => f.write_str("the device went to another patient"),
            Self::StatusReached { status } => write!(f, "its status is now {status}"),
            Self::PatientArchived => f.write_str("the patient was archived"),
            Self::Returned => f.write_str("the device was returned"),
            Self::LateEvent => f.write_str("a late event shows that it was over before"),
            Self::NoNews { since } => write!(f, "no news since {since}; not known to be well"),
            Self::RuleRemoved => f.write_str("the rule was removed; no longer watched"),
            Self::RuleChanged => f.write_str("the rule was changed and no longer says so; no longer watched"),
            Self::ByHand { by } => write!(f, "resolved by {by}"),
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
    /// What the rule's time came to, where it has one.
    #[serde(default, skip_serializing_if = "Grounds::is_empty")]
    pub grounds: Grounds,
}

/// The times and numbers behind a decision.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Grounds {
    /// From when the rule's time was counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// When that time was over; `noticed_at` of the alert is later by `grace`, or where we could not hear.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// The events that were counted, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub counted: Vec<Hit>,
    /// How many different subjects were counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distinct: Option<u64>,
    /// Of how many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<u64>,
}

impl Grounds {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
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
    /// What would have ended it, where the rule keeps it open for a while in case it comes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending: Option<Box<Ending>>,
    /// It was true already when its rule came: listed, and told in one summary.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub baseline: bool,
    /// Its rule is tried out: nobody is told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shadow: bool,
    /// How many times its rule has fired for its subject within a day, this one included.
    #[serde(default)]
    pub fired: u32,
    /// Somebody has taken it on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<Box<Acknowledgement>>,
    /// Who is to see to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
    /// What people have written about it, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
    /// From when escalation counts, where that is not the firing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalates_from: Option<Timestamp>,
    /// The steps of escalation that were taken.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub escalated: BTreeSet<String>,
    /// What it is under the inhibition rules.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inhibition: Vec<Part>,
    /// The alerts that inhibit it, by where they meet it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inhibited_by: BTreeMap<String, u64>,
    /// Set when this row must be written back.
    #[serde(skip)]
    pub changed: bool,
}

/// Somebody has taken an alert on: it is not repeated, and escalates no further.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// Who, as they gave it.
    pub by: String,
    pub at: Timestamp,
    /// When it lapses, where it was given for a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// What somebody has written about an alert. Counts as protected in full: people write names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    pub by: String,
    pub at: Timestamp,
    pub text: String,
}

/// A notification group of an alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertGroup {
    pub id: String,
    /// The key of the route that put it here.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub route: String,
    pub receiver: String,
    pub channel: Channel,
    pub labels: Labels,
    /// It was led here by escalation, and so waits for nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub urgent: bool,
}

/// An end that waits for `keep_firing_for`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// When what would end it happened, and when that was heard.
    pub at: Timestamp,
    pub heard_at: Timestamp,
    pub reason: Reason,
    pub event: Option<EventRef>,
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
