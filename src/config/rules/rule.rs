//! One rule.

use std::collections::BTreeMap;
use std::time::Duration;

use super::condition::{self, Scope};
use super::values::{Values, duration, is_identifier};
use super::{SEVERITIES, events, text};
use crate::config::problem::{Place, Problem};
use crate::config::suggest::nearest;
use crate::config::walk::{Fields, Walk};
use crate::config::yaml::{Node, Value};
use crate::engine::{
    Condition, Derived, EventPattern, EventTest, Raise, RaiseWhen, Read, Resolve, Rule, Severity, SubjectKind, Trigger,
};

/// What other versions know in a rule.
const LATER: [&str; 20] = [
    "while",
    "count",
    "share",
    "silent",
    "for",
    "each",
    "not_followed_by",
    "not_preceded_by",
    "calendar",
    "grace",
    "keep_firing_for",
    "shadow",
    "was",
    "repeat_backoff",
    "within",
    "same",
    "distinct",
    "since",
    "longer_than",
    "flap",
];

/// Labels that alerts have by themselves; a rule's own may not replace them.
pub(super) const BUILT_IN_LABELS: [&str; 14] = [
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
const SECOND: Duration = Duration::from_secs(1);

/// A rule on its way: everything that it reads is gathered here.
struct Draft<'a> {
    walk: &'a Walk,
    settings: &'a Values,
    subject: SubjectKind,
    reads: Vec<Read>,
    /// Whether subject and events are known, so that conditions and texts can be judged.
    told: bool,
}

/// What was read of a rule.
pub(super) struct RuleRead {
    pub name: Option<(String, Place)>,
    /// `None` where something is wrong; what it is has been noted.
    pub rule: Option<Rule>,
    pub labels: Vec<String>,
}

pub(super) fn read(walk: &Walk, node: &Node, settings: &Values) -> RuleRead {
    let mut read = RuleRead { name: None, rule: None, labels: Vec::new() };
    let Some(fields) = walk.fields(node, "a rule", "{ alert: DeviceBatteryLow, event: device.lowBattery }") else {
        return read;
    };
    read.name = fields
        .renamed(walk, "alert", &["name", "rule"])
        .or_else(|| fields.need(walk, "alert", "a rule", "give it a name: alert: DeviceBatteryLow"))
        .and_then(|node| name(walk, node).map(|name| (name, walk.place(node))));
    let labels = fields.get("labels").map_or_else(BTreeMap::new, |node| labels(walk, node));
    read.labels.extend(labels.keys().cloned());
    read.rule = rule(walk, &fields, settings, read.name.as_ref().map(|(name, _)| &**name), labels);
    fields.done(walk, "a rule", &LATER);
    read
}

fn rule(
    walk: &Walk,
    fields: &Fields<'_>,
    settings: &Values,
    name: Option<&str>,
    labels: BTreeMap<String, String>,
) -> Option<Rule> {
    let event = event(walk, fields);
    let patterns = event.and_then(|node| events::read(walk, node));
    let subject = subject(walk, fields, patterns.as_deref());
    if let (Some(node), Some(patterns), Some(subject)) = (event, &patterns, subject) {
        events::concern(walk, node, patterns, subject);
    }
    let severity =
        fields.get("severity").map_or(Some(Severity::Warning), |node| walk.choice(node, "a severity", &SEVERITIES));
    // Without subject and events nothing can be said of what the rule reads, but its shape is checked all the same.
    let told = patterns.is_some() && subject.is_some();
    let events = patterns.unwrap_or_default();
    let mut draft = Draft { walk, settings, subject: subject.unwrap_or(SubjectKind::Device), reads: Vec::new(), told };
    let condition = fields.get("where").map(|node| draft.condition(node, &events));
    let raise: Vec<_> = items(walk, fields, "raise").map(|node| draft.raise(node, &events, severity)).collect();
    let mut annotations = draft.annotations(fields.get("annotations"), &events, &labels);
    let resolve: Vec<_> = items(walk, fields, "resolve").map(|node| draft.resolve(node)).collect();
    let expire = fields.get("expire").map_or(Some(EXPIRE), |node| duration(walk, node, settings, "90d", SECOND));
    let ends_with_relations = fields.get("ends_with_relations").map_or(Some(true), |node| walk.flag(node));

    let name = name.filter(|_| told)?;
    if !annotations.contains_key("summary") {
        annotations.insert("summary".to_owned(), text::default_summary(name, draft.subject));
        draft.reads.extend(text::reads_of_default(draft.subject));
    }
    draft.reads.sort();
    draft.reads.dedup();
    Some(Rule {
        name: name.to_owned(),
        was: Vec::new(),
        subject: draft.subject,
        trigger: Trigger::Event(EventTest { events, condition: all(condition)? }),
        holds: None,
        severity: severity?,
        raise: raise.into_iter().collect::<Option<_>>()?,
        labels,
        annotations,
        resolve: resolve.into_iter().collect::<Option<_>>()?,
        expire: Some(expire?.into()),
        ends_with_relations: ends_with_relations?,
        grace: None,
        keep_firing_for: None,
        repeat_backoff: None,
        shadow: false,
        reads: draft.reads,
        derived: Derived::default(),
    })
}

/// Nothing written is fine; something written and refused is not.
fn all<T>(read: Option<Option<T>>) -> Option<Option<T>> {
    match read {
        None => Some(None),
        Some(found) => found.map(Some),
    }
}

/// The events of the rule. Where another version's rule has none, that it is one is said beside its key.
fn event<'n>(walk: &Walk, fields: &Fields<'n>) -> Option<&'n Node> {
    if fields.has("silent") || fields.has("while") {
        return fields.get("event");
    }
    fields.need(walk, "event", "a rule", "say which event it is about: event: device.lowBattery")
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

fn subject(walk: &Walk, fields: &Fields<'_>, patterns: Option<&[EventPattern]>) -> Option<SubjectKind> {
    match fields.get("subject") {
        Some(node) => {
            let kinds: Vec<_> = SubjectKind::NAMED.iter().map(|kind| (kind.as_str(), *kind)).collect();
            // One that is misspelt is noted, and taken for the one that was probably meant.
            walk.choice(node, "a kind of subject", &kinds).or_else(|| match &node.value {
                Value::Scalar(scalar) => SubjectKind::parse(nearest(&scalar.text, kinds.iter().map(|kind| kind.0))?),
                _ => None,
            })
        }
        None => {
            let found = events::subject(patterns?);
            if found.is_none() {
                walk.add(
                    Problem::error(fields.head(walk), "the events do not tell what this rule is about")
                        .help("add `subject`, as in subject: device"),
                );
            }
            found
        }
    }
}

fn labels(walk: &Walk, node: &Node) -> BTreeMap<String, String> {
    let Some(fields) = walk.fields(node, "labels by name", "{ team: logistics }") else { return BTreeMap::new() };
    let mut labels = BTreeMap::new();
    for entry in fields.all() {
        let place = Place { source: walk.source.clone(), at: entry.key_at.clone() };
        if BUILT_IN_LABELS.contains(&&*entry.key) {
            let problem = Problem::error(place, format!("every alert has a label `{}` already", entry.key));
            walk.add(problem.help("choose another name; a rule cannot replace the built-in labels"));
        } else if !is_identifier(&entry.key) {
            let problem = Problem::error(place, format!("`{}` cannot be the name of a label", entry.key));
            walk.add(problem.help("use letters, digits and `_`, beginning with a letter"));
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
    fn condition(&mut self, node: &Node, events: &[EventPattern]) -> Option<Condition> {
        let scope = Scope { subject: self.subject, events, settings: self.settings };
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
        let scope = Scope { subject: self.subject, events, settings: self.settings };
        let (texts, reads) = text::read(self.walk, node, Some(&scope).filter(|_| self.told), labels.keys());
        self.reads.extend(reads);
        texts
    }

    fn raise(&mut self, node: &Node, events: &[EventPattern], from: Option<Severity>) -> Option<Raise> {
        let walk = self.walk;
        let fields = walk.fields(node, "a raise of severity", "{ to: critical, after: 7d }")?;
        let to_node = fields.need(walk, "to", "`raise`", "say which severity: to: critical");
        let to = to_node.and_then(|node| walk.choice(node, "a severity", &SEVERITIES));
        if let (Some(node), Some(to), Some(from)) = (to_node, to, from)
            && to <= from
        {
            walk.warn(
                node,
                format!("the rule is `{from}` already, so this changes nothing"),
                "raise to a higher severity",
            );
        }
        let when = match (fields.get("where"), fields.get("after")) {
            (Some(node), None) => self.condition(node, events).map(RaiseWhen::Where),
            (None, Some(node)) => {
                duration(walk, node, self.settings, "7d", SECOND).map(|age| RaiseWhen::After(age.into()))
            }
            // A key without a value is complained of as such.
            (None, None) if fields.has("where") || fields.has("after") => None,
            (found, _) => {
                let message = if found.is_some() { "both `where` and `after`" } else { "neither `where` nor `after`" };
                let problem = Problem::error(fields.head(walk), format!("this raise has {message}"));
                walk.add(
                    problem.help(
                        "write one entry for each, as in [{ to: critical, where: … }, { to: critical, after: 7d }]",
                    ),
                );
                None
            }
        };
        fields.done(walk, "`raise`", &["for", "count"]);
        Some(Raise { to: to?, when: when? })
    }

    fn resolve(&mut self, node: &Node) -> Option<Resolve> {
        let walk = self.walk;
        let fields = walk.fields(node, "an end of the alert", "{ event: device.healthcheck } or { after: 14d }")?;
        let event = fields.get("event");
        let after = fields.get("after");
        let end = match (event, after) {
            (Some(node), None) => {
                let patterns = events::read(walk, node);
                if let (Some(patterns), true) = (&patterns, self.told) {
                    events::concern(walk, node, patterns, self.subject);
                }
                let condition = match (fields.get("where"), &patterns) {
                    (Some(node), Some(patterns)) => Some(self.condition(node, patterns)),
                    _ => None,
                };
                match (patterns, all(condition)) {
                    (Some(events), Some(condition)) => Some(Resolve::Event(EventTest { events, condition })),
                    _ => None,
                }
            }
            (None, Some(node)) => {
                if let Some(node) = fields.get("where") {
                    walk.error(
                        node,
                        "`where` tests an event, and `after` has none",
                        "write two entries, one of them with `event`",
                    );
                }
                duration(walk, node, self.settings, "14d", SECOND).map(|quiet| Resolve::After(quiet.into()))
            }
            (Some(_), Some(_)) => {
                let problem = Problem::error(fields.head(walk), "this end has both `event` and `after`");
                walk.add(problem.help("write two entries: either of them ends the alert"));
                None
            }
            (None, None) => {
                // So are keys of other versions, and keys without a value.
                if !["count", "event", "after"].iter().any(|key| fields.has(key)) {
                    let problem = Problem::error(fields.head(walk), "this end has neither `event` nor `after`");
                    walk.add(problem.help("write { event: TYPE, where: … } or { after: 14d }"));
                }
                fields.get("where");
                None
            }
        };
        fields.get("where");
        fields.done(walk, "`resolve`", &["count", "while", "for"]);
        end
    }
}
