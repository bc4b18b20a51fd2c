//! A rule set: everything that the rule files say, and which of its rules an event concerns.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use smol_str::SmolStr;

use super::alert::Alert;
use super::calendar::Calendar;
use super::digest::Digest;
use super::inhibition::InhibitRule;
use super::receiver::{Channel, Receiver};
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
    pub inhibit_rules: Vec<InhibitRule>,
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
    /// By the types that rules name in full.
    exactly: BTreeMap<String, Concerned>,
    /// By the beginnings that rules name, the longest first; for types that no rule names in full.
    prefixes: Vec<(String, Concerned)>,
    by_name: BTreeMap<SmolStr, usize>,
    kinds: Vec<SubjectKind>,
    /// Rules about states and silence, which any change of a subject concerns.
    states: ByKind,
    /// The longest that any route lets a group wait before it speaks.
    longest_wait: Option<Duration>,
    /// Whether any route escalates.
    escalates: bool,
    /// Stands for the route where there is none.
    nowhere: Route,
}

/// How many kinds of subject there are.
const KINDS: usize = SubjectKind::NAMED.len() + SubjectKind::OWN.len();

/// Places of rules, by the kind of subject.
type ByKind = [Vec<usize>; KINDS];

/// All rules that one event type concerns.
#[derive(Debug, Default)]
struct Concerned {
    /// By the kind of subject that they are about.
    own: ByKind,
    /// By the kind of subject that links the event to theirs.
    linked: ByKind,
}

/// What a rule says of the events that concern it.
struct Named<'r> {
    pattern: &'r EventPattern,
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
    concerned: Option<&'s Concerned>,
}

impl<'s> Interest<'s> {
    /// The rules about subjects of `kind`.
    pub fn rules(self, kind: SubjectKind) -> impl Iterator<Item = &'s Rule> {
        self.at(self.concerned.map(|concerned| &concerned.own[kind as usize]))
    }

    /// The rules about other subjects that await this event through a subject of `kind`.
    pub fn linked(self, kind: SubjectKind) -> impl Iterator<Item = &'s Rule> {
        self.at(self.concerned.map(|concerned| &concerned.linked[kind as usize]))
    }

    /// Whether there is a rule about subjects of `kind`, or one that they link the event to.
    #[must_use]
    pub fn has(self, kind: SubjectKind) -> bool {
        let any = |rules: &ByKind| !rules[kind as usize].is_empty();
        self.concerned.is_some_and(|concerned| any(&concerned.own) || any(&concerned.linked))
    }

    fn at(self, places: Option<&'s Vec<usize>>) -> impl Iterator<Item = &'s Rule> {
        places.into_iter().flatten().map(move |rule| &self.rules[*rule])
    }
}

impl RuleSet {
    /// Gathers what the files said and indexes it.
    #[must_use]
    pub fn new(mut files: RuleFiles) -> Self {
        files.rules.iter_mut().for_each(Rule::derive);
        let mut index = Index::new(&files.rules);
        let waits = files.route.iter().flat_map(Route::all).map(|route| route.group_wait.max(route.group_interval));
        index.longest_wait = waits.max();
        index.nowhere.repeat_interval = Duration::from_secs(24 * 60 * 60);
        index.escalates = files.route.iter().flat_map(Route::all).any(|route| !route.escalate.is_empty());
        Self { files, index }
    }

    /// Which rules an event of type `event` can fire, repeat or resolve.
    #[must_use]
    pub fn interest(&self, event: &str) -> Interest<'_> {
        let by_prefix = || self.index.prefixes.iter().find(|(prefix, _)| event.starts_with(prefix.as_str()));
        let exactly = self.index.exactly.get(event);
        Interest { rules: &self.rules, concerned: exactly.or_else(|| by_prefix().map(|(_, concerned)| concerned)) }
    }

    /// The rules about states and silence of subjects of `kind`.
    pub fn states(&self, kind: SubjectKind) -> impl Iterator<Item = &Rule> {
        self.index.states[kind as usize].iter().map(|rule| &self.rules[*rule])
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

    /// The route by which something comes to a receiver: the one with this key that leads there or escalates to it, else the first
    /// that leads there, else the one on top, which then says when a group speaks and no longer that it does. Where no route is
    /// left, ends are told at once.
    #[must_use]
    pub fn route_of(&self, key: &str, receiver: &str) -> &Route {
        let Some(top) = &self.route else { return &self.index.nowhere };
        let leads = |route: &&Route| route.receiver == receiver;
        let escalates = |route: &&Route| route.escalate.iter().any(|step| step.receiver == receiver);
        let by_key = top.all().find(|route| route.key == key && (leads(route) || escalates(route)));
        by_key.or_else(|| top.all().find(leads)).unwrap_or(top)
    }

    /// The longest that any route lets a group wait before it speaks; `None` where there is no route.
    #[must_use]
    pub fn longest_wait(&self) -> Option<Duration> {
        self.index.longest_wait
    }

    /// Whether any route escalates.
    #[must_use]
    pub fn escalates(&self) -> bool {
        self.index.escalates
    }

    /// Whether a route takes an alert to this receiver.
    #[must_use]
    pub fn routes_to(&self, receiver: &str, alert: &Alert) -> bool {
        let mut taken = self.route.iter().flat_map(|top| top.taken_by(&alert.labels));
        taken.any(|route| route.receiver == receiver)
    }

    /// Whether any route leads to this receiver.
    #[must_use]
    pub fn leads_to(&self, receiver: &str) -> bool {
        self.route.as_ref().is_some_and(|top| top.leads_to(receiver))
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
        let mut named: Vec<Named<'_>> = Vec::new();
        for (at, rule) in rules.iter().enumerate() {
            index.by_name.insert(rule.name.clone(), at);
            let links = rule.trigger.awaited().map(|(_, same)| same);
            for kind in [Some(rule.subject), links].into_iter().flatten() {
                if !index.kinds.contains(&kind) {
                    index.kinds.push(kind);
                }
            }
            if matches!(rule.trigger, Trigger::While { .. } | Trigger::Silent { .. }) {
                index.states[rule.subject as usize].push(at);
            }
            named.extend(named_by(rule, at));
        }
        for one in &named {
            match one.pattern {
                EventPattern::Exactly(kind) if !index.exactly.contains_key(kind) => {
                    index.exactly.insert(kind.clone(), Concerned::by(&named, |pattern| pattern.matches(kind)));
                }
                EventPattern::Prefix(prefix) if !index.prefixes.iter().any(|(known, _)| known == prefix) => {
                    let reaches = |pattern: &EventPattern| matches!(pattern, EventPattern::Prefix(other) if prefix.starts_with(other.as_str()));
                    index.prefixes.push((prefix.clone(), Concerned::by(&named, reaches)));
                }
                _ => {}
            }
        }
        index.prefixes.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        index
    }
}

/// The events that concern a rule.
fn named_by(rule: &Rule, at: usize) -> Vec<Named<'_>> {
    let mut named = Vec::new();
    let resolves = rule.resolve.iter().filter_map(|resolve| match resolve {
        Resolve::Event(test) => Some(&test.events),
        Resolve::After(_) | Resolve::Below { .. } => None,
    });
    let mut lists: Vec<&Vec<EventPattern>> = resolves.collect();
    lists.extend(rule.trigger.test().map(|test| &test.events));
    if let Trigger::Silent { events, .. } = &rule.trigger {
        lists.push(events);
    }
    let awaited = rule.trigger.awaited();
    lists.extend(awaited.map(|(awaited, _)| &awaited.events));
    let own = lists.into_iter().flatten();
    named.extend(own.map(|pattern| Named { pattern, kind: rule.subject, rule: at, links: false }));
    if let Some((awaited, same)) = awaited.filter(|(_, same)| *same != rule.subject) {
        let linked = awaited.events.iter();
        named.extend(linked.map(|pattern| Named { pattern, kind: same, rule: at, links: true }));
    }
    named
}

impl Concerned {
    /// The rules that name an event by one of the patterns for which `chosen` is true, each once and in their order.
    fn by(named: &[Named<'_>], chosen: impl Fn(&EventPattern) -> bool) -> Self {
        let mut concerned = Self::default();
        for one in named.iter().filter(|one| chosen(one.pattern)) {
            let places = if one.links { &mut concerned.linked } else { &mut concerned.own };
            let rules = &mut places[one.kind as usize];
            if !rules.contains(&one.rule) {
                rules.push(one.rule);
            }
        }
        concerned
    }
}
