//! What a rule set is, once its files have been read and checked.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::expression::Condition;
use super::subject::SubjectKind;
use super::value::{Protection, Value};

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
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventPattern {
    Exactly(String),
    /// The prefix with its dot, as in `reading.`.
    Prefix(String),
}

impl EventPattern {
    #[must_use]
    pub fn matches(&self, kind: &str) -> bool {
        match self {
            Self::Exactly(name) => name == kind,
            Self::Prefix(prefix) => kind.starts_with(prefix.as_str()),
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
    After(Duration),
}

/// What ends an alert with "resolved".
#[derive(Debug)]
pub enum Resolve {
    Event(EventTest),
    /// Heard from this long with no new matching event.
    After(Duration),
}

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// The rule's identity: its `alert` name.
    pub name: String,
    pub subject: SubjectKind,
    pub trigger: EventTest,
    pub severity: Severity,
    pub raise: Vec<Raise>,
    pub labels: BTreeMap<String, String>,
    /// Templates by annotation name, such as `summary`; rendered from evidence when a message is made.
    pub annotations: BTreeMap<String, String>,
    pub resolve: Vec<Resolve>,
    /// No news about the subject for this long ends the alert as expired.
    pub expire: Duration,
    /// Whether the alert ends when the subject's relations end.
    pub ends_with_relations: bool,
    /// Every name that the rule's conditions and texts read: what a transition keeps as evidence.
    pub reads: Vec<Read>,
}

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

/// How alerts are gathered into notifications, in Alertmanager's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    pub receiver: String,
    pub group_by: GroupBy,
    /// How long a new group waits for company.
    pub group_wait: Duration,
    /// How long after a notification the group looks again.
    pub group_interval: Duration,
    /// How long until a notification whose alerts still fire is repeated.
    pub repeat_interval: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupBy {
    /// `['...']`: every alert is a group of its own.
    Each,
    Labels(Vec<String>),
}

/// A digest: a scheduled summary for one receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    pub name: String,
    /// Cron, five fields.
    pub schedule: String,
    /// An IANA zone name.
    pub time_zone: String,
    pub receiver: String,
    pub skip_when_empty: bool,
}

/// Everything that the rule files say. Immutable; a change is a new rule set.
#[derive(Debug, Default)]
pub struct RuleSet {
    /// SHA-256 of the files, in hexadecimal.
    pub hash: String,
    pub rules: Vec<Rule>,
    pub settings: BTreeMap<String, Value>,
    pub receivers: Vec<Receiver>,
    /// `None` in a rule set that only records alerts.
    pub route: Option<Route>,
    pub digests: Vec<Digest>,
    index: Index,
}

/// Which rules an event type concerns, so that other rules cost nothing.
#[derive(Debug, Default)]
struct Index {
    exactly: BTreeMap<String, Vec<Place>>,
    prefixes: Vec<(String, Vec<Place>)>,
    by_name: BTreeMap<String, usize>,
    kinds: Vec<SubjectKind>,
}

/// The kind of subject that a rule is about, and the rule's place.
type Place = (SubjectKind, usize);

/// The rules that one event type concerns: looked up once for an event.
#[derive(Clone, Copy)]
pub struct Interest<'s> {
    rules: &'s [Rule],
    exact: &'s [Place],
    prefixes: &'s [(String, Vec<Place>)],
    event: &'s str,
}

impl<'s> Interest<'s> {
    /// The rules about subjects of `kind`.
    pub fn rules(self, kind: SubjectKind) -> impl Iterator<Item = &'s Rule> {
        self.places().filter(move |(of, _)| *of == kind).map(move |(_, rule)| &self.rules[rule])
    }

    /// Whether there is a rule about subjects of `kind`.
    #[must_use]
    pub fn has(self, kind: SubjectKind) -> bool {
        self.places().any(|(of, _)| of == kind)
    }

    /// A rule that names a type both exactly and by prefix is given once.
    fn places(self) -> impl Iterator<Item = Place> + 's {
        let by_prefix = self.prefixes.iter().filter(move |(prefix, _)| self.event.starts_with(prefix.as_str()));
        let by_prefix = by_prefix.flat_map(|(_, rules)| rules).filter(move |rule| !self.exact.contains(rule));
        self.exact.iter().chain(by_prefix).copied()
    }
}

impl RuleSet {
    /// Gathers what the files said and indexes it.
    #[must_use]
    pub fn new(
        hash: String,
        rules: Vec<Rule>,
        settings: BTreeMap<String, Value>,
        receivers: Vec<Receiver>,
        route: Option<Route>,
        digests: Vec<Digest>,
    ) -> Self {
        let index = Index::new(&rules);
        Self { hash, rules, settings, receivers, route, digests, index }
    }

    /// Which rules an event of type `event` can fire, repeat or resolve.
    #[must_use]
    pub fn interest<'s>(&'s self, event: &'s str) -> Interest<'s> {
        let exact = self.index.exactly.get(event).map(Vec::as_slice).unwrap_or_default();
        Interest { rules: &self.rules, exact, prefixes: &self.index.prefixes, event }
    }

    /// The rule with this name.
    #[must_use]
    pub fn rule(&self, name: &str) -> Option<&Rule> {
        self.index.by_name.get(name).map(|rule| &self.rules[*rule])
    }

    /// Whether any rule is about subjects of `kind`.
    #[must_use]
    pub fn has_rules_for(&self, kind: SubjectKind) -> bool {
        self.index.kinds.contains(&kind)
    }

    /// The receiver with this name.
    #[must_use]
    pub fn receiver(&self, name: &str) -> Option<&Receiver> {
        self.receivers.iter().find(|receiver| receiver.name == name)
    }

    /// Whether the receiver with this name is still reached over `channel`.
    #[must_use]
    pub fn reaches(&self, receiver: &str, channel: &Channel) -> bool {
        self.receiver(receiver).is_some_and(|receiver| receiver.channels.contains(channel))
    }
}

impl Index {
    fn new(rules: &[Rule]) -> Self {
        let mut index = Self::default();
        for (at, rule) in rules.iter().enumerate() {
            index.by_name.insert(rule.name.clone(), at);
            if !index.kinds.contains(&rule.subject) {
                index.kinds.push(rule.subject);
            }
            let resolving = rule.resolve.iter().filter_map(|resolve| match resolve {
                Resolve::Event(test) => Some(&test.events),
                Resolve::After(_) => None,
            });
            let mut patterns: Vec<_> = resolving.chain([&rule.trigger.events]).flatten().collect();
            patterns.sort();
            patterns.dedup();
            for pattern in patterns {
                index.add(pattern, (rule.subject, at));
            }
        }
        index
    }

    fn add(&mut self, pattern: &EventPattern, place: Place) {
        match pattern {
            EventPattern::Exactly(kind) => self.exactly.entry(kind.clone()).or_default().push(place),
            EventPattern::Prefix(prefix) => match self.prefixes.iter_mut().find(|(known, _)| known == prefix) {
                Some((_, rules)) => rules.push(place),
                None => self.prefixes.push((prefix.clone(), vec![place])),
            },
        }
    }
}
