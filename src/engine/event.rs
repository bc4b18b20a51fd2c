//! What the engine is told: events with the facts read out of them, messages between subjects, commands.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::alert::{Alert, AlertGroup};
use super::effect::{Counts, Notification};
use super::inhibition::Part;
use super::memory::{Hit, Waiting};
use super::outage::Outage;
use super::people::{Act, Actor};
use super::receiver::Channel;
use super::silence::Silence;
use super::slice::Related;
use super::state::Fact;
use super::subject::{Subject, SubjectKind};
use super::time::Timestamp;
use super::value::Value;

/// A row's place in the journal; the first row has position 1.
pub type Position = u64;

/// Where an event came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    Webhook,
    Recovered,
    Reconciled,
    Replayed,
    Test,
}

impl Source {
    pub const ALL: [Self; 5] = [Self::Webhook, Self::Recovered, Self::Reconciled, Self::Replayed, Self::Test];

    /// The word for this source in commands and the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Recovered => "recovered",
            Self::Reconciled => "reconciled",
            Self::Replayed => "replayed",
            Self::Test => "test",
        }
    }

    /// The source with this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.as_str() == name)
    }
}

/// What an event's `occurred_at` rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// A time in the payload.
    Own,
    /// The `createTimestamp` of Impilo's webhook log.
    Log,
    /// When Pulsewarden received it.
    Received,
    /// The payload's time lay more than five minutes after receipt, so receipt stands in for it.
    OwnInFuture,
}

/// One event, ready for [`super::step`].
pub struct Event<'a> {
    pub position: Position,
    /// The envelope's `id` as text.
    pub id: &'a str,
    /// The envelope's `type`; an open set.
    pub kind: &'a str,
    pub source: Source,
    pub received_at: Timestamp,
    pub occurred_at: Timestamp,
    pub basis: Basis,
    pub facts: &'a Facts,
    pub payload: &'a serde_json_borrow::Value<'a>,
}

impl Event<'_> {
    /// When we heard: receipt, which for a row of Impilo's log is its time there; for what was read back the time that it has.
    #[must_use]
    pub fn heard_at(&self) -> Timestamp {
        match self.source {
            Source::Reconciled => self.occurred_at.min(self.received_at),
            Source::Webhook | Source::Recovered | Source::Replayed | Source::Test => self.received_at,
        }
    }
}

/// What Impilo's payload says, in Pulsewarden's words.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// The event's own time, where the payload has one.
    pub occurred_at: Option<Timestamp>,
    /// Every subject that the event speaks of; the one it is about comes first. Empty where none is named.
    pub about: Vec<About>,
    /// Set by the two association events.
    pub association: Option<Association>,
    /// True where the first reading of the whole fleet shows how things are: what it shows may have been so for long.
    pub found: bool,
}

/// Whether an association event joins or parts device and patient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Association {
    Created,
    Removed,
}

/// What one event says of one subject.
#[derive(Clone, Debug, PartialEq)]
pub struct About {
    pub subject: Subject,
    pub facts: Vec<Fact>,
    /// Subjects that this one belongs to or is made of, as the event has it.
    pub links: Vec<(SubjectKind, SmolStr)>,
    /// True where the event shows that this subject (a device, or a device of it) was heard from.
    pub heard: bool,
    /// True where the subject's story is over after this event: an order delivered or voided, a return completed or
    /// voided, a device returned or decommissioned, a patient archived.
    pub over: bool,
    /// True where the subject brings its devices back with that: a completed return, not a voided one.
    pub brings_back: bool,
}

impl About {
    /// What an event that does not name `subject` says of it all the same: there is news, and perhaps a sign of life.
    pub(super) fn unnamed(subject: Subject, heard: bool) -> Self {
        Self { subject, facts: Vec::new(), links: Vec::new(), heard, over: false, brings_back: false }
    }

    /// The value said of `field`.
    pub fn said(&self, field: &str) -> Option<&Value> {
        self.facts.iter().find(|fact| fact.name == field).map(|fact| &fact.value)
    }
}

impl Facts {
    /// What the event says of `subject`.
    #[must_use]
    pub fn of(&self, subject: &Subject) -> Option<&About> {
        self.about.iter().find(|about| about.subject == *subject)
    }

    /// What the event says of the first subject of `kind`.
    #[must_use]
    pub fn about(&self, kind: SubjectKind) -> Option<&About> {
        self.about.iter().find(|about| about.subject.kind == kind)
    }

    /// The one of `kind` that the event's first subject belongs to, in the event's own words; for a removal the patient
    /// that was left. Others may be mentioned beside it: the next patient of the device, the site that it came from.
    #[must_use]
    pub fn party(&self, kind: SubjectKind) -> Option<&About> {
        let first = self.about.first()?;
        if first.subject.kind == kind {
            return Some(first);
        }
        let removal = kind == SubjectKind::Patient && self.association == Some(Association::Removed);
        let left = removal.then(|| first.said("patient").and_then(Value::as_text)).flatten();
        let link = || first.links.iter().find(|(to, _)| *to == kind).map(|(_, id)| id.as_str());
        let mut mentioned = self.about.iter().filter(|about| about.subject.kind == kind);
        match left.or_else(link) {
            Some(id) => mentioned.find(|about| about.subject.id == id),
            None => mentioned.next().filter(|_| mentioned.next().is_none()),
        }
    }
}

/// What one subject tells another. Consumed before the next journal row, within the same commit.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// Another subject's event, the journal row in hand, says something of the receiver, be it that there is news.
    Learned,
    /// The event of the journal row in hand concerns the receiver too, and a rule of its kind wants it. `counted`: whether
    /// the device that it comes from is one of the receiver's devices with patients, where a device passes it on.
    Event { counted: Option<bool> },
    /// `subject` belongs to the receiver from now on, or no longer. `brings`: the items of an order on its way.
    Membership { subject: Subject, belongs: bool, brings: Vec<String> },
    /// A device with a patient is counted by the receiver from now on, or no longer.
    Counts { more: bool },
    /// A rule of `subject` awaits an event of the receiver's, and asks whether one came since then already, or for `met`
    /// whether one came before it.
    Awaits { rule: SmolStr, subject: Subject, since: Option<Timestamp>, met: Option<Box<Waiting>> },
    /// To who asked: the event of the journal row in hand is one that the rule awaits. It need not be about the receiver.
    Follows { rule: SmolStr },
    /// To who asked: when the awaited events came, newest last; and what it asked for.
    Awaited { rule: SmolStr, times: Vec<Hit>, known_from: Option<Timestamp>, met: Option<Box<Waiting>> },
    /// What the receiver belongs to has changed: its new state, and the site that this belongs to in turn.
    Relation { kind: SubjectKind, related: Related, site: Option<Related> },
    /// To a device: a return that lists it is complete. It comes from `patient`, where that is known.
    Returned { patient: Option<String> },
    /// To a notification group: one of its alerts changed.
    Alert(Box<Announcement>),
    /// To a notification group: the alert is no longer its own.
    Left { alert: u64 },
    /// To a notification group: a silence that held something back is over.
    Unhidden,
    /// To a notification group: what it said was folded into a summary that could not be delivered.
    Failed(Box<DeliveryFailure>),
    /// To the place where alerts meet under an inhibition rule: this one takes part, or takes part as something else.
    Meets { alert: u64, subject: Subject, part: Part },
    /// To that place: the alert takes part no longer.
    PartsWith { alert: u64 },
    /// To a subject with open alerts: one of them is inhibited `by` another under the rule that meets `at`, or no longer.
    Inhibited { alert: u64, at: String, by: Option<u64> },
    /// To a silence: a group holds an alert back because of it.
    Hides { group: String, receiver: String, channel: Channel, alert: u64 },
    /// To a silence: the group holds the alert back no longer, or for another reason.
    HidesNoMore { receiver: String, channel: Channel, alert: u64 },
    /// To a silence: it is over.
    Over,
    /// To an outlet: a group has something to say over it.
    Says(Box<Saying>),
    /// The daemon was away, and has done what it could to make up for it.
    IsBack { receiver: String, channel: Channel, outage: Box<Outage> },
}

/// What a group has to say, before its outlet decides whether it goes by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Saying {
    pub notification: Notification,
    /// It was held back for quiet hours, so that it goes into one summary with the rest.
    pub held: bool,
    /// The daemon was away and has not told of it yet, so that it goes into the one message of its return.
    pub away: bool,
    /// What it says in numbers.
    pub counts: Counts,
}

/// What a notification group is told of an alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Announcement {
    pub alert: Alert,
    /// The receiver of this message, and how it begins where it does not exist yet.
    pub group: AlertGroup,
    pub news: News,
}

/// How much of a change of an alert a receiver must hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Nothing: only the evidence is fresher.
    None,
    /// It fired, was raised, ended, or is held back no longer.
    Some,
    /// Somebody did something about it: shown where a message can be changed.
    Shown,
    /// Nobody has taken it on any more.
    Reminds,
    /// Nobody has taken it on for so long that these are to hear of it now.
    Urgent,
}

/// What people and administrators ask for; journaled, since it can change a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Send a clearly marked sample to one receiver.
    TestNotification { receiver: String, by: String },
    /// Somebody does something about an alert of `subject`.
    Alert { alert: u64, subject: Subject, act: Act, by: Actor },
    /// Nobody is to be told of what the silence matches.
    Silence { silence: Box<Silence> },
    /// A silence ends before its time.
    Unsilence { silence: u64, by: Actor },
}

/// A notification that was given up after its last attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryFailure {
    /// The delivery's key.
    pub key: String,
    /// The notification group's id; empty for digests, tests and self-alerts.
    pub group: String,
}

/// One input of [`super::step`].
pub enum Input<'a> {
    /// An event that is about this subject, or that a rule of this subject's kind wants.
    Event(&'a Event<'a>),
    /// News from another subject; the event is the journal row in hand, where that is an event.
    Message { message: &'a Message, event: Option<&'a Event<'a>>, position: Position },
    /// A due time of this subject has come; `now` is that due time, `position` the last row before it.
    Wake { position: Position },
    /// An event of the past, for a rule that counts anew.
    Recount { event: &'a Event<'a>, rule: &'a str },
    /// What came before is counted for a rule; `now` is when the rule came into force.
    Recounted { rule: &'a str, position: Position },
    /// Another rule set is in force since the journal row `since`; `now` is that row's time.
    Rules { since: Position, position: Position },
    /// A stretch counts as heard since the journal row `since`; `now` is that row's time.
    Healed { since: Position, position: Position },
    /// A notification of this group was given up.
    DeliveryFailed { failure: &'a DeliveryFailure, position: Position },
    /// Someone asked for something; the subject is what it is about.
    Command { command: &'a Command, position: Position },
}
