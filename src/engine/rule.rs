//! What a rule is, once its file has been read and checked.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::expression::Condition;
use super::length::Length;
use super::lifecycle::key_of;
use super::state::{Field, FieldGroup, FieldSet};
use super::subject::SubjectKind;
use super::time::Timestamp;
use super::value::Protection;

/// How urgent an alert is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Info,
    Warning,
    Critical,
}

impl Severity {
    pub const ALL: [Self; 3] = [Self::Info, Self::Warning, Self::Critical];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which event types a rule is about: one type, or every type that begins with a prefix (`reading.*`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventPattern {
    Exactly(String),
    /// The prefix with its dot, as in `reading.`.
    Prefix(String),
}

impl EventPattern {
    /// The type, or the prefix with its dot: no type ends with one.
    fn name(&self) -> &str {
        match self {
            Self::Exactly(name) | Self::Prefix(name) => name,
        }
    }

    #[must_use]
    pub fn matches(&self, kind: &str) -> bool {
        match self {
            Self::Exactly(name) => name == kind,
            Self::Prefix(prefix) => kind.starts_with(prefix.as_str()),
        }
    }
}

impl fmt::Display for EventPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(name) => f.write_str(name),
            Self::Prefix(prefix) => write!(f, "{prefix}*"),
        }
    }
}

/// A name that a condition or a text reads, such as `device.battery`, with how far its value may travel.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Read {
    /// The dotted path, root first.
    pub path: Vec<String>,
    pub protection: Protection,
}

/// An event, and what must hold of it.
#[derive(Debug)]
pub struct EventTest {
    /// Any one of these.
    pub events: Vec<EventPattern>,
    /// `None`: any such event.
    pub condition: Option<Condition>,
}

/// When an open alert becomes more urgent.
#[derive(Debug)]
pub struct Raise {
    pub to: Severity,
    pub when: RaiseWhen,
}

#[derive(Debug)]
pub enum RaiseWhen {
    /// At a matching event for which this holds.
    Where(Condition),
    /// When the alert has been open for this long.
    After(Length),
}

/// What ends an alert with "resolved", besides what ends it by itself.
#[derive(Debug)]
pub enum Resolve {
    Event(EventTest),
    /// Heard from this long with no new matching event.
    After(Length),
    /// Fewer matching events (or different subjects, where the rule counts those) than this within this long.
    Below {
        count: u32,
        within: Length,
    },
}

/// From when on silence counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// It was heard once, and then no more.
    Heard,
    /// It was never heard since it came to its patient.
    Associated,
    /// It was never heard since it was delivered.
    Delivered,
}

/// A share of a whole.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// Between 0 and 1.
    pub part: f64,
    /// True for `at_least`, false for `more_than`.
    pub inclusive: bool,
}

/// The kinds of rule: what makes it fire.
#[derive(Debug)]
pub enum Trigger {
    /// One event.
    Event(EventTest),
    /// So many events, or so many different subjects, within a time.
    Count { test: EventTest, at_least: u32, within: Length, distinct: Option<SubjectKind> },
    /// A share of the subject's devices with patients, each counted once.
    Share { test: EventTest, share: Share, and_at_least: u32, distinct: SubjectKind, within: Length },
    /// Nothing heard for so long where there should be. [`Rule::holds`] says where.
    Silent { events: Vec<EventPattern>, longer_than: Length, since: Since },
    /// [`Rule::holds`] is true, for `lasting` where given. It begins anew whenever the subject's own field `each` changes.
    While { lasting: Option<Length>, each: Option<String> },
    /// One event, and not another within a time; `same` is the kind of subject that links the two.
    NotFollowedBy { test: EventTest, awaited: EventTest, same: SubjectKind, within: Length },
    /// One event, and not another within the time before it.
    NotPrecededBy { test: EventTest, awaited: EventTest, same: SubjectKind, within: Length },
}

impl Trigger {
    /// The event that fires the rule, is counted, or begins the waiting; `None` for rules about silence and states.
    #[must_use]
    pub fn test(&self) -> Option<&EventTest> {
        match self {
            Self::Event(test)
            | Self::Count { test, .. }
            | Self::Share { test, .. }
            | Self::NotFollowedBy { test, .. }
            | Self::NotPrecededBy { test, .. } => Some(test),
            Self::Silent { .. } | Self::While { .. } => None,
        }
    }

    /// Whether what fires is that a time is over: an alert is as of then.
    #[must_use]
    pub const fn has_deadline(&self) -> bool {
        matches!(self, Self::Silent { .. } | Self::While { .. } | Self::NotFollowedBy { .. })
    }

    /// The event that must follow or come before, and the kind of subject that links it to the first.
    #[must_use]
    pub fn awaited(&self) -> Option<(&EventTest, SubjectKind)> {
        match self {
            Self::NotFollowedBy { awaited, same, .. } | Self::NotPrecededBy { awaited, same, .. } => {
                Some((awaited, *same))
            }
            _ => None,
        }
    }
}

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// The rule's identity: its `alert` name.
    pub name: SmolStr,
    /// Names that the rule had before: what is kept under them is taken over.
    pub was: Vec<SmolStr>,
    pub subject: SubjectKind,
    pub trigger: Trigger,
    /// `while`: a state that must hold. Beside an event it is read at that event; `None`: any state.
    pub holds: Option<Condition>,
    pub severity: Severity,
    pub raise: Vec<Raise>,
    pub labels: BTreeMap<String, String>,
    /// Templates by annotation name, such as `summary`; rendered from evidence when a message is made.
    pub annotations: BTreeMap<String, String>,
    pub resolve: Vec<Resolve>,
    /// No news about the subject for this long ends the alert as expired; `None`: never.
    pub expire: Option<Length>,
    /// Whether the alert ends when the subject's relations end.
    pub ends_with_relations: bool,
    /// How long what would fire waits for late evidence: the alert is pending meanwhile.
    pub grace: Option<Length>,
    /// How long an alert stays open after what would end it, in case it comes back.
    pub keep_firing_for: Option<Length>,
    /// By how much each repeat of a notification waits longer than the one before; at least 1.
    pub repeat_backoff: Option<f64>,
    /// Alerts are recorded and nobody is told.
    pub shadow: bool,
    /// Every name that the rule's conditions and texts read: what a transition keeps as evidence.
    pub reads: Vec<Read>,
    pub derived: Derived,
}

/// What follows from the rest of a rule; [`super::RuleSet::new`] fills it in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Derived {
    /// What decides which events count: where it changes, what was counted before counts for nothing.
    pub(super) shape: u64,
    /// The names that `while` reads.
    pub(super) state_reads: Vec<Vec<String>>,
    /// The subject's own fields that `while` reads, and the one that `each` names.
    pub(super) own_reads: FieldSet,
    /// `while` reads what is known of other subjects.
    pub(super) reads_others: bool,
    /// `while` can change although nothing that is known of a subject is news: it reads the time, or others' signs of life.
    pub(super) restless: bool,
    /// `while` reads the time, so that it changes by itself.
    pub(super) reads_clock: bool,
    /// It reads what the subject was before an event.
    pub(super) reads_previous: bool,
}

impl Rule {
    /// Whether it counts events or subjects within a time.
    pub(super) fn counts(&self) -> bool {
        matches!(self.trigger, Trigger::Count { .. } | Trigger::Share { .. })
    }

    /// Whether an event of this type counts, or makes what was counted before it count for nothing.
    #[must_use]
    pub fn counts_by(&self, event: &str) -> bool {
        let resolves = self.resolve.iter().filter_map(|resolve| match resolve {
            Resolve::Event(test) => Some(test),
            Resolve::After(_) | Resolve::Below { .. } => None,
        });
        let mut tests = self.trigger.test().into_iter().chain(resolves);
        tests.any(|test| test.events.iter().any(|pattern| pattern.matches(event)))
    }

    /// The types of every event that it names, whatever for.
    pub fn event_patterns(&self) -> impl Iterator<Item = &EventPattern> {
        let resolves = self.resolve.iter().filter_map(|resolve| match resolve {
            Resolve::Event(test) => Some(test),
            Resolve::After(_) | Resolve::Below { .. } => None,
        });
        let awaited = self.trigger.awaited().map(|(awaited, _)| awaited);
        let tests = self.trigger.test().into_iter().chain(awaited).chain(resolves);
        let silent = match &self.trigger {
            Trigger::Silent { events, .. } => &events[..],
            _ => &[],
        };
        tests.flat_map(|test| &test.events).chain(silent)
    }

    /// How far back it counts from `now`, to the hour.
    #[must_use]
    pub fn counts_from(&self, now: Timestamp) -> Option<Timestamp> {
        let (Trigger::Count { within, .. } | Trigger::Share { within, .. }) = &self.trigger else { return None };
        if let Length::Plain(within) = within {
            return Some(now.minus(*within));
        }
        // Business time is never shorter than it says, and rarely ten times as long.
        let hour = Duration::from_secs(3600);
        let hours = 1_u32..24 * 400;
        let reaches = |back: &u32| within.after(now.minus(hour * *back)) <= now;
        hours.into_iter().find(reaches).map(|back| now.minus(hour * back))
    }

    /// Whether what was counted by this rule is all that `new` needs.
    pub(super) fn remembers_for(&self, new: &Self) -> bool {
        let reach = |rule: &Self| match &rule.trigger {
            Trigger::Count { within, at_least, distinct, .. } => {
                Some((within.clone(), distinct.map_or(*at_least, |_| 0)))
            }
            Trigger::Share { within, .. } => Some((within.clone(), 0)),
            _ => None,
        };
        let (Some((old, kept)), Some((within, needed))) = (reach(self), reach(new)) else { return false };
        let longer = within.after(Timestamp(0)) > old.after(Timestamp(0));
        // Of events the newest are kept, however long ago they were.
        let by_time = new.is_distinct() && longer;
        self.derived.shape == new.derived.shape && needed <= kept && !by_time
    }

    fn is_distinct(&self) -> bool {
        matches!(self.trigger, Trigger::Count { distinct: Some(_), .. } | Trigger::Share { .. })
    }

    /// Fills in what follows from the rest.
    pub(super) fn derive(&mut self) {
        let mut parts: Vec<&str> = Vec::new();
        let tests = self.trigger.test().into_iter().chain(self.trigger.awaited().map(|(awaited, _)| awaited));
        for test in tests {
            parts.extend(test.events.iter().map(EventPattern::name));
            parts.extend(["where", test.condition.as_ref().map_or("", Condition::source)]);
        }
        match &self.trigger {
            Trigger::Count { distinct, .. } => parts.push(distinct.map_or("", SubjectKind::as_str)),
            Trigger::Share { distinct, .. } => parts.push(distinct.as_str()),
            Trigger::Silent { events, .. } => parts.extend(events.iter().map(EventPattern::name)),
            _ => {}
        }
        let holds = self.holds.as_ref();
        parts.extend(["while", holds.map_or("", Condition::source)]);
        // Kept in the store, so that it must be the same wherever and whenever it is made.
        let shape = key_of(&parts);
        let shape = shape.get(..16).and_then(|first| u64::from_str_radix(first, 16).ok()).unwrap_or_default();
        let state_reads = holds.map(Condition::reads).unwrap_or_default();
        let reads_clock = holds.is_some_and(Condition::reads_clock);
        let reads_previous = self.reads.iter().any(|read| read.path.first().is_some_and(|root| root == "previous"));
        let mut derived = Derived { shape, reads_clock, reads_previous, restless: reads_clock, ..Derived::default() };
        for path in &state_reads {
            let name = path.get(1).map(String::as_str);
            match path.first().and_then(|root| SubjectKind::parse(root)) {
                Some(kind) if kind == self.subject => {
                    derived.own_reads.add(name.map_or(FieldSet::ALL, |name| Field::alone(kind, name)));
                }
                Some(kind) => {
                    let field = name.and_then(|name| Field::find(kind, name));
                    derived.reads_others = true;
                    derived.restless |= name.is_none() || field.is_some_and(|field| field.group == FieldGroup::Life);
                }
                None => derived.restless |= name.is_none(),
            }
        }
        if let Trigger::While { each: Some(field), .. } = &self.trigger {
            derived.own_reads.add(Field::alone(self.subject, field));
        }
        self.derived = Derived { state_reads, ..derived };
    }
}

/// A table that joins labels to alerts: by the value of one label, the values of others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// The label whose value is looked up: `site`, `patient` and the like.
    pub key: String,
    /// The labels that the table adds.
    pub columns: Vec<String>,
    /// The values of the columns by that of the key.
    pub rows: BTreeMap<String, Vec<String>>,
}
