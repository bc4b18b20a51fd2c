//! A rule set: everything that the rule files say, and which of its rules an event concerns.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

use smol_str::SmolStr;

use super::alert::Alert;
use super::calendar::Calendar;
use super::receiver::{Channel, Digest, Receiver};
use super::route::Route;
use super::rule::{EventPattern, Resolve, Rule, Table, Trigger};
use super::subject::SubjectKind;
use super::value::Value;

/// What the rule files say, part by part.
#[derive(Debug, Default)]
pub struct RuleFiles {
    /// SHA-256 of the files, in hexadecimal.
    pub hash: String,
    pub rules: Vec<Rule>,
    pub settings: BTreeMap<String, Value>,
    pub calendars: BTreeMap<String, Arc<Calendar>>,
    pub tables: Vec<Table>,
    pub receivers: Vec<Receiver>,
    /// `None` in a rule set that only records alerts.
    pub route: Option<Route>,
    pub digests: Vec<Digest>,
}

/// Everything that the rule files say, indexed. Immutable; a change is a new rule set.
#[derive(Debug, Default)]
pub struct RuleSet {
    files: RuleFiles,
    index: Index,
}

impl Deref for RuleSet {
    type Target = RuleFiles;

    fn deref(&self) -> &RuleFiles {
        &self.files
    }
}

/// Which rules an event type concerns, so that other rules cost nothing.
#[derive(Debug, Default)]
struct Index {
    exactly: BTreeMap<String, Vec<Place>>,
    prefixes: Vec<(String, Vec<Place>)>,
    by_name: BTreeMap<SmolStr, usize>,
    kinds: Vec<SubjectKind>,
    /// Rules about states and silence, which any change of a subject concerns.
    states: Vec<(SubjectKind, usize)>,
}

/// A rule that an event type concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    /// The kind of subject that is to hear of the event.
    kind: SubjectKind,
    rule: usize,
    /// True where that subject is not the rule's own, but links the event to it.
    links: bool,
}

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
        self.places().filter(move |place| place.kind == kind && !place.links).map(move |place| &self.rules[place.rule])
    }

    /// The rules about other subjects that await this event through a subject of `kind`.
    pub fn linked(self, kind: SubjectKind) -> impl Iterator<Item = &'s Rule> {
        self.places().filter(move |place| place.kind == kind && place.links).map(move |place| &self.rules[place.rule])
    }

    /// Whether there is a rule about subjects of `kind`, or one that they link the event to.
    #[must_use]
    pub fn has(self, kind: SubjectKind) -> bool {
        self.places().any(|place| place.kind == kind)
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
    pub fn new(mut files: RuleFiles) -> Self {
        files.rules.iter_mut().for_each(Rule::derive);
        let index = Index::new(&files.rules);
        Self { files, index }
    }

    /// Which rules an event of type `event` can fire, repeat or resolve.
    #[must_use]
    pub fn interest<'s>(&'s self, event: &'s str) -> Interest<'s> {
        let exact = self.index.exactly.get(event).map(Vec::as_slice).unwrap_or_default();
        Interest { rules: &self.rules, exact, prefixes: &self.index.prefixes, event }
    }

    /// The rules about states and silence of subjects of `kind`.
    pub fn states(&self, kind: SubjectKind) -> impl Iterator<Item = &Rule> {
        self.index.states.iter().filter(move |(of, _)| *of == kind).map(|(_, rule)| &self.rules[*rule])
    }

    /// The rules that must count anew what came before, where this rule set takes the place of `old`: those that are new,
    /// count other events, or remember less than they need.
    pub fn recounts<'s>(&'s self, old: &'s Self) -> impl Iterator<Item = &'s Rule> {
        self.rules.iter().filter(move |rule| {
            let names = std::iter::once(&rule.name).chain(&rule.was);
            let before = names.filter_map(|name| old.rule(name)).find(|before| before.subject == rule.subject);
            rule.counts() && before.is_none_or(|before| !before.remembers_for(rule))
        })
    }

    /// The rule with this name.
    #[must_use]
    pub fn rule(&self, name: &str) -> Option<&Rule> {
        self.index.by_name.get(name).map(|rule| &self.rules[*rule])
    }

    /// Whether any rule is about subjects of `kind`, or has its events linked by one.
    #[must_use]
    pub fn has_rules_for(&self, kind: SubjectKind) -> bool {
        self.index.kinds.contains(&kind)
    }

    /// The route of a group: the one with its key, else the first to its receiver, else the one on top, which then says when
    /// the group speaks and no longer that it does.
    #[must_use]
    pub fn route_of(&self, key: &str, receiver: &str) -> Option<&Route> {
        let top = self.route.as_ref()?;
        let by_key = top.all().find(|route| route.key == key && route.receiver == receiver);
        by_key.or_else(|| top.all().find(|route| route.receiver == receiver)).or(Some(top))
    }

    /// Whether a route takes an alert to this receiver.
    #[must_use]
    pub fn routes_to(&self, receiver: &str, alert: &Alert) -> bool {
        let taken = self.route.iter().flat_map(|top| top.taken_by(&alert.labels));
        taken.into_iter().any(|route| route.receiver == receiver)
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
    fn new<'r>(rules: &'r [Rule]) -> Self {
        let mut index = Self::default();
        for (at, rule) in rules.iter().enumerate() {
            index.by_name.insert(rule.name.clone(), at);
            let links = rule.trigger.awaited().map(|(_, same)| same);
            for kind in [Some(rule.subject), links].into_iter().flatten() {
                if !index.kinds.contains(&kind) {
                    index.kinds.push(kind);
                }
            }
            if matches!(rule.trigger, Trigger::While { .. } | Trigger::Silent { .. }) {
                index.states.push((rule.subject, at));
            }
            let mut patterns: Vec<(&'r EventPattern, Place)> = Vec::new();
            let own = Place { kind: rule.subject, rule: at, links: false };
            let mut add =
                |events: &'r [EventPattern], place: Place| patterns.extend(events.iter().map(|event| (event, place)));
            for resolve in &rule.resolve {
                if let Resolve::Event(test) = resolve {
                    add(&test.events, own);
                }
            }
            if let Some(test) = rule.trigger.test() {
                add(&test.events, own);
            }
            if let Trigger::Silent { events, .. } = &rule.trigger {
                add(events, own);
            }
            if let Some((awaited, same)) = rule.trigger.awaited() {
                add(&awaited.events, own);
                if same != rule.subject {
                    add(&awaited.events, Place { kind: same, rule: at, links: true });
                }
            }
            patterns.sort();
            patterns.dedup();
            for (pattern, place) in patterns {
                index.add(pattern, place);
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
