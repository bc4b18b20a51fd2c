//! One rule.

use std::collections::BTreeMap;
use std::time::Duration;

use super::condition::{self, Scope};
use super::kind::{self, Kind};
use super::length::{Hours, Lengths, SECOND};
use super::values::is_identifier;
use super::{SEVERITIES, Vocabulary, events, text, trigger};
use crate::config::check::article;
use crate::config::problem::{Place, Problem};
use crate::config::walk::{Fields, Walk};
use crate::config::yaml::{Node, Value};
use crate::engine::{Condition, Derived, EventPattern, Length, Read, Rule, Severity, SubjectKind};

/// The keys of a rule, in the order in which messages list them.
const KEYS: [&str; 27] = [
    "alert",
    "was",
    "subject",
    "event",
    "where",
    "falls",
    "rises",
    "count",
    "share",
    "not_followed_by",
    "not_preceded_by",
    "silent",
    "while",
    "for",
    "each",
    "severity",
    "raise",
    "labels",
    "annotations",
    "resolve",
    "expire",
    "ends_with_relations",
    "calendar",
    "grace",
    "keep_firing_for",
    "repeat_backoff",
    "shadow",
];

/// Labels that alerts have by themselves; a rule's own may not replace them.
pub(in crate::config) const BUILT_IN_LABELS: [&str; 14] = [
    "alertname",
    "severity",
    "subject",
    "device",
    "patient",
    "site",
    "item",
    "model",
    "order",
    "return",
    "ticket",
    "procurement",
    "transfer",
    "packed_kit",
];

/// How long without news an alert stays open.
const EXPIRE: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// A rule on its way: everything that it reads is gathered here.
pub(super) struct Draft<'a> {
    pub walk: &'a Walk,
    pub words: &'a Vocabulary,
    pub lengths: Lengths<'a>,
    pub subject: SubjectKind,
    pub reads: Vec<Read>,
    /// Whether subject and events are known, so that conditions and texts can be judged.
    pub told: bool,
}

/// What was read of a rule.
pub(super) struct RuleRead {
    pub name: Option<(String, Place)>,
    /// Names that the rule had before.
    pub was: Vec<(String, Place)>,
    /// `None` where something is wrong; what it is has been noted.
    pub rule: Option<Rule>,
    pub labels: Vec<String>,
}

pub(super) fn read(walk: &Walk, node: &Node, words: &Vocabulary) -> RuleRead {
    let mut read = RuleRead { name: None, was: Vec::new(), rule: None, labels: Vec::new() };
    let Some(fields) = walk.fields(node, "a rule", "{ alert: DeviceBatteryLow, event: device.lowBattery }") else {
        return read;
    };
    // Keys that only another kind of rule has are said to be so, and not that nobody knows them.
    for key in KEYS {
        fields.get(key);
    }
    read.name = fields
        .renamed(walk, "alert", &["name", "rule"])
        .or_else(|| fields.need(walk, "alert", "a rule", "give it a name: alert: DeviceBatteryLow"))
        .and_then(|node| name(walk, node).map(|name| (name, walk.place(node))));
    for node in items(walk, &fields, "was") {
        read.was.extend(name(walk, node).map(|name| (name, walk.place(node))));
    }
    let labels = fields.get("labels").map_or_else(BTreeMap::new, |node| labels(walk, node, words));
    read.labels.extend(labels.keys().cloned());
    read.rule = rule(walk, &fields, words, read.name.as_ref().map(|(name, _)| &**name), labels);
    if let Some(rule) = &mut read.rule {
        rule.was.extend(read.was.iter().map(|(name, _)| name.into()));
    }
    fields.done(walk, "a rule", &[]);
    read
}

fn rule(
    walk: &Walk,
    fields: &Fields<'_>,
    words: &Vocabulary,
    name: Option<&str>,
    labels: BTreeMap<String, String>,
) -> Option<Rule> {
    let (kind, fits) = kind::find(walk, fields);
    let part_node = fields.get(kind.key()).filter(|_| !matches!(kind, Kind::Event | Kind::While));
    let part = part_node.and_then(|node| walk.fields(node, &format!("the keys of `{}`", kind.key()), kind.example()));
    let told = tell(walk, fields, kind, part.as_ref());
    let severity_node = fields.get("severity");
    let severity = severity_node.map_or(Some(Severity::Warning), |node| walk.choice(node, "a severity", &SEVERITIES));
    let lengths = Lengths::new(walk, words, hours(walk, fields, words));
    // Without subject and events nothing can be said of what the rule reads, but its shape is checked all the same.
    let (subject, events) = told.clone().unwrap_or((SubjectKind::Device, Vec::new()));
    let mut draft = Draft { walk, words, lengths, subject, reads: Vec::new(), told: told.is_some() };

    let trigger = draft.trigger(fields, kind, part.as_ref(), &events);
    if let Some(part) = part {
        part.done(walk, &format!("`{}`", kind.key()), &[]);
    }
    let holds = draft.holds(fields, kind, &events);
    let of_events: &[EventPattern] = if kind.has_event() { &events } else { &[] };
    let raise: Vec<_> = items(walk, fields, "raise")
        .map(|node| {
            // What another file has changed is not the fault of this one.
            let other = severity_node.is_some_and(|severity| !severity.place.is_in(&node.place));
            draft.raise(node, kind, of_events, severity.filter(|_| !other))
        })
        .collect();
    let mut annotations = draft.annotations(fields.get("annotations"), of_events, &labels);
    let resolve: Vec<_> = items(walk, fields, "resolve").map(|node| draft.resolve(node, kind)).collect();
    let lasting = Lasting::read(&draft, fields, kind);
    let repeat_backoff = fields.get("repeat_backoff").map(|node| backoff(walk, node, words));
    let flag = |key, default| fields.get(key).map_or(Some(default), |node| walk.flag(node));
    let (ends_with_relations, shadow) = (flag("ends_with_relations", true), flag("shadow", false));
    kind::misplaced(walk, fields, kind);
    kind::foreign(walk, fields);
    if let Some(node) = fields.get("calendar").filter(|_| !draft.lengths.any_business()) {
        let help = "write a length such as 2 business days, or remove `calendar`";
        walk.warn(node, "nothing in this rule is counted in business time", help);
    }

    let (trigger, lasting) = (trigger?, lasting?);
    if let (Some(node), Some(expire)) = (fields.get("expire"), &lasting.expire) {
        draft.expires_at_once(node, expire, &trigger);
    }
    for (node, end) in items(walk, fields, "resolve").zip(&resolve) {
        draft.ends_soon(node, end.as_ref(), &trigger);
    }

    let name = name.filter(|_| told.is_some() && fits)?;
    if !annotations.contains_key("summary") {
        annotations.insert("summary".to_owned(), text::default_summary(name, draft.subject));
        draft.reads.extend(text::reads_of_default(draft.subject));
    }
    draft.reads.sort();
    draft.reads.dedup();
    let Lasting { expire, grace, keep_firing_for } = lasting;
    Some(Rule {
        name: name.into(),
        was: Vec::new(),
        subject: draft.subject,
        trigger,
        holds: all(holds)?,
        severity: severity?,
        raise: raise.into_iter().collect::<Option<_>>()?,
        labels,
        annotations,
        resolve: resolve.into_iter().collect::<Option<_>>()?,
        expire,
        ends_with_relations: ends_with_relations?,
        grace,
        keep_firing_for,
        repeat_backoff: all(repeat_backoff)?,
        shadow: shadow?,
        reads: draft.reads,
        derived: Derived::default(),
    })
}

/// How long an alert stays, and how long it is waited for.
struct Lasting {
    expire: Option<Length>,
    grace: Option<Length>,
    keep_firing_for: Option<Length>,
}

impl Lasting {
    fn read(draft: &Draft<'_>, fields: &Fields<'_>, kind: Kind) -> Option<Self> {
        let expires = matches!(kind, Kind::Event | Kind::Count | Kind::Share | Kind::NotPrecededBy);
        let usual = expires.then(|| Length::from(EXPIRE));
        let expire = fields.get("expire").map(|node| match &node.value {
            Value::Scalar(scalar) if scalar.text == "never" => Some(None),
            _ => draft.lengths.read(node, "90d", SECOND).map(Some),
        });
        let or_none =
            |key, example| fields.get(key).map_or(Some(None), |node| draft.lengths.read_or_none(node, example));
        let (grace, keep_firing_for) = (or_none("grace", "2h"), or_none("keep_firing_for", "1h"));
        Some(Self { expire: expire.unwrap_or(Some(usual))?, grace: grace?, keep_firing_for: keep_firing_for? })
    }
}

/// By how much each repeat waits longer than the one before.
fn backoff(walk: &Walk, node: &Node, words: &Vocabulary) -> Option<f64> {
    let number = words.settings.number(walk, node, "2")?;
    if !(1.0..=10.0).contains(&number) {
        walk.error(
            node,
            "this number is out of range",
            "write a number from 1 (every repeat waits as long as the first) to 10",
        );
        return None;
    }
    Some(number)
}

/// By whose hours the rule counts business time.
fn hours(walk: &Walk, fields: &Fields<'_>, words: &Vocabulary) -> Hours {
    match fields.get("calendar") {
        None => Hours::Unsaid,
        Some(node) => words.calendars.named(walk, node).map_or(Hours::Wrong, Hours::Of),
    }
}

/// What the rule is about, and its events: those that it names, or those that count as heard.
fn tell(
    walk: &Walk,
    fields: &Fields<'_>,
    kind: Kind,
    part: Option<&Fields<'_>>,
) -> Option<(SubjectKind, Vec<EventPattern>)> {
    let event = match kind {
        Kind::Silent => part.and_then(|part| part.get("event")),
        Kind::While => None,
        Kind::Event if kind::has_foreign_condition(fields) => fields.get("event"),
        Kind::Event => {
            let help = "say which event it is about: event: device.lowBattery; or write `while` or `silent`";
            fields.need(walk, "event", "a rule", help)
        }
        _ => {
            let what = format!("a rule with `{}`", kind.key());
            fields.need(walk, "event", &what, "say which event: event: device.weakSignal")
        }
    };
    let patterns = match (event, kind) {
        (Some(node), _) => events::read(walk, node),
        (None, Kind::Silent) => Some(trigger::heard()),
        (None, Kind::While) => Some(Vec::new()),
        (None, _) => None,
    };
    let subject = subject(walk, fields, kind, patterns.as_deref());
    if let (Some(node), Some(patterns), Some(subject)) = (event, &patterns, subject) {
        events::concern(walk, node, patterns, subject);
        if kind == Kind::Silent && subject != SubjectKind::Device {
            let help = format!("{} is heard through its devices: choose events that name one", article(subject));
            events::need(walk, node, patterns, SubjectKind::Device, &help);
        }
    }
    Some((subject?, patterns?))
}

/// Nothing written is fine; something written and refused is not.
pub(super) fn all<T>(read: Option<Option<T>>) -> Option<Option<T>> {
    match read {
        None => Some(None),
        Some(found) => found.map(Some),
    }
}

fn items<'n>(walk: &Walk, fields: &Fields<'n>, key: &'static str) -> std::slice::Iter<'n, Node> {
    fields.get(key).map_or(&[][..], |node| walk.items(node)).iter()
}

/// Names of rules, receivers and digests stand in commands, addresses and labels.
pub(super) fn name(walk: &Walk, node: &Node) -> Option<String> {
    let name = walk.full_text(node, "DeviceBatteryLow")?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if name.len() > 100 || !name.bytes().all(fits) {
        walk.error(node, format!("`{name}` cannot be a name"), "use letters, digits, `_` and `-`, at most 100 of them");
        return None;
    }
    Some(name.to_owned())
}

fn subject(walk: &Walk, fields: &Fields<'_>, kind: Kind, patterns: Option<&[EventPattern]>) -> Option<SubjectKind> {
    let found = match fields.get("subject") {
        Some(node) => events::kind_of_subject(walk, node)?,
        None if kind == Kind::While => {
            let problem = Problem::error(fields.head(), "nothing tells what this rule is about");
            walk.add(problem.help("add `subject`, as in subject: device"));
            return None;
        }
        None => {
            let found = events::subject(patterns?);
            if found.is_none() {
                walk.add(
                    Problem::error(fields.head(), "the events do not tell what this rule is about")
                        .help("add `subject`, as in subject: device"),
                );
            }
            found?
        }
    };
    let heard = [SubjectKind::Device, SubjectKind::Patient, SubjectKind::Site, SubjectKind::Item];
    if kind == Kind::Silent && !heard.contains(&found) {
        let place = kind::key_place(fields, "silent");
        let problem = Problem::error(place, format!("{} is not heard, so it is never silent", article(found)));
        walk.add(problem.help("write subject: device, or patient, site or item for all of its devices together"));
        return None;
    }
    Some(found)
}

fn labels(walk: &Walk, node: &Node, words: &Vocabulary) -> BTreeMap<String, String> {
    let Some(fields) = walk.fields(node, "labels by name", "{ team: logistics }") else { return BTreeMap::new() };
    let mut labels = BTreeMap::new();
    for entry in fields.all() {
        let place = entry.place.clone();
        if BUILT_IN_LABELS.contains(&&*entry.key) {
            let problem = Problem::error(place, format!("every alert has a label `{}` already", entry.key));
            walk.add(problem.help("choose another name; a rule cannot replace the built-in labels"));
        } else if !is_identifier(&entry.key) {
            let problem = Problem::error(place, format!("`{}` cannot be the name of a label", entry.key));
            walk.add(problem.help("use letters, digits and `_`, beginning with a letter"));
        } else if let Some(table) = words.tables.labels.get(&entry.key) {
            let problem = Problem::error(place, format!("a table gives the label `{}` already", entry.key));
            walk.add(problem.related(table.place.clone(), "given here").help("choose another name for one of them"));
        } else if let Some(text) = walk.text(&entry.value, "logistics") {
            if text.contains("{{") {
                walk.error(
                    &entry.value,
                    "labels are fixed words, not texts with names in them",
                    "put this into `annotations`",
                );
            }
            labels.insert(entry.key.clone(), text.to_owned());
        }
    }
    labels
}

impl Draft<'_> {
    /// A condition that tests an event.
    pub(super) fn condition(&mut self, node: &Node, events: &[EventPattern]) -> Option<Condition> {
        self.read_condition(node, events, false)
    }

    /// `while`: the state that must hold. Beside events, those that these name can be read too.
    fn holds(&mut self, fields: &Fields<'_>, kind: Kind, events: &[EventPattern]) -> Option<Option<Condition>> {
        let events = if kind.has_event() { events } else { &[] };
        match fields.get("while") {
            Some(node) => Some(self.read_condition(node, events, true)),
            None if kind == Kind::While && !kind::has_foreign_condition(fields) => {
                fields.need(
                    self.walk,
                    "while",
                    "a rule with `for`",
                    "say which state: while: 'order.status == \"onHold\"'",
                );
                Some(None)
            }
            None if kind == Kind::While => Some(None),
            // One without a value is complained of as such.
            None if kind == Kind::Silent && self.told && self.subject == SubjectKind::Device => Some(self.watched()),
            None => None,
        }
    }

    fn read_condition(&mut self, node: &Node, events: &[EventPattern], state: bool) -> Option<Condition> {
        let scope = Scope { subject: self.subject, events, state, words: self.words };
        let (condition, reads) = condition::read(self.walk, node, Some(&scope).filter(|_| self.told))?;
        self.reads.extend(reads);
        Some(condition)
    }

    fn annotations(
        &mut self,
        node: Option<&Node>,
        events: &[EventPattern],
        labels: &BTreeMap<String, String>,
    ) -> BTreeMap<String, String> {
        let Some(node) = node else { return BTreeMap::new() };
        let scope = Scope { subject: self.subject, events, state: events.is_empty(), words: self.words };
        let (texts, reads) = text::read(self.walk, node, Some(&scope).filter(|_| self.told), labels.keys());
        self.reads.extend(reads);
        texts
    }
}
