//! Test cases of rules: what stands in `*.test.yaml` beside the rules, read as they are, with every problem and its place.

mod event;
mod expect;
mod files;
mod payload;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value as Json;

pub use files::{TestFile, read_test_file, read_test_text, test_files};

use super::bundle::RuleFile;
use super::problem::{Place, Problem, Problems};
use super::source::Source;
use super::suggest::nearest;
use super::walk::{Fields, Walk};
use super::yaml::{Entry, Node, Value, parse_with_nulls};
use crate::engine::{RuleSet, Severity, Subject, SubjectKind, Timestamp};

/// When a case begins where it does not say: 2 March 2026, a Monday, 10:00 UTC.
const BEGIN: Timestamp = Timestamp(1_772_445_600_000);

/// How long a case may last, in its own time.
const LONGEST: Duration = Duration::from_secs(20 * 366 * 24 * 60 * 60);

/// One test case.
#[derive(Clone, Debug)]
pub struct Case {
    pub name: String,
    pub place: Place,
    pub start: Timestamp,
    /// The settings that it replaces, as a rule file of their own.
    pub settings: Option<RuleFile>,
    pub events: Vec<CaseEvent>,
    pub expect: Vec<Expectation>,
    pub messages: Vec<ExpectedMessage>,
}

/// An event of a case, or a series of them.
#[derive(Clone, Debug)]
pub struct CaseEvent {
    pub place: Place,
    pub when: When,
    /// The event's type.
    pub kind: String,
    /// The subjects that it names, by their short keys.
    pub names: BTreeMap<SubjectKind, Id>,
    /// The devices of an order or a return.
    pub devices: Vec<Id>,
    pub status: Option<String>,
    /// How much sooner than it was received it happened.
    pub late: Option<Duration>,
    /// Laid over the payload that the short keys make; without short keys, the payload itself.
    pub payload: Option<Json>,
}

/// When an event is received, counted from the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    Once(Duration),
    /// Again and again, the ends included.
    Series {
        from: Duration,
        until: Duration,
        every: Duration,
    },
}

/// What a short key names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Id {
    /// `none`: nobody, nothing.
    None,
    Number(i64),
    Text(String),
}

/// What is expected of the alerts of one rule at one time.
#[derive(Clone, Debug)]
pub struct Expectation {
    pub place: Place,
    /// From the start.
    pub at: Duration,
    pub alert: String,
    pub pending: Vec<ExpectedAlert>,
    pub firing: Vec<ExpectedAlert>,
    /// The alerts that ended so far; `None`: not looked at.
    pub resolved: Option<Vec<ExpectedAlert>>,
    pub expired: Option<Vec<ExpectedAlert>>,
    pub closed: Option<Vec<ExpectedAlert>>,
}

/// What is expected of one alert; what is left out is not looked at.
#[derive(Clone, Debug)]
pub struct ExpectedAlert {
    pub place: Place,
    pub subject: Subject,
    pub severity: Option<Severity>,
    pub labels: BTreeMap<String, String>,
    /// Whole texts, as they are rendered.
    pub annotations: BTreeMap<String, String>,
    pub count: Option<u32>,
    /// Words of the reason for which it is as it is.
    pub because: Option<String>,
}

/// A message that one receiver is expected to have got since the expectation before.
#[derive(Clone, Debug)]
pub struct ExpectedMessage {
    pub place: Place,
    /// From the start.
    pub at: Duration,
    pub receiver: String,
    /// Names of rules whose alerts the message lists, by what it says of them. All empty: there is no message.
    pub firing: Vec<String>,
    pub resolved: Vec<String>,
    pub expired: Vec<String>,
    pub closed: Vec<String>,
}

impl Id {
    /// The id as Impilo writes it; null for [`Id::None`].
    #[must_use]
    pub fn to_json(&self) -> Json {
        match self {
            Self::None => Json::Null,
            Self::Number(number) => (*number).into(),
            Self::Text(text) => text.as_str().into(),
        }
    }
}

/// As subjects have it.
impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl ExpectedMessage {
    /// Whether it is expected that there is no message.
    #[must_use]
    pub fn is_none(&self) -> bool {
        [&self.firing, &self.resolved, &self.expired, &self.closed].iter().all(|names| names.is_empty())
    }
}

impl Expectation {
    /// The alerts expected to have ended so far, by how; without what is not looked at.
    pub fn ended(&self) -> impl Iterator<Item = (&'static str, &[ExpectedAlert])> {
        let parts = [("resolved", &self.resolved), ("expired", &self.expired), ("closed", &self.closed)];
        parts.into_iter().filter_map(|(name, alerts)| alerts.as_deref().map(|alerts| (name, alerts)))
    }
}

/// Reads the cases of a file. Names are compared with `rules` where these are known.
pub(super) fn read(source: &Arc<Source>, rules: Option<&RuleSet>) -> (Vec<Case>, Problems) {
    let (root, syntax) = parse_with_nulls(source);
    let walk = Walk::strict();
    walk.extend(syntax);
    let mut cases = Vec::new();
    let example = "tests: [{ test: a low battery fires, events: […], expect: […] }]";
    if let Some(root) = root.filter(|root| !matches!(root.value, Value::Empty))
        && let Some(fields) = walk.fields(&root, "the keys of a test file", example)
    {
        let reader = Reader { walk: &walk, rules };
        let (items, _) =
            fields.get("tests").map_or_else(Default::default, |node| walk.named_items(node, "tests", "test"));
        cases.extend(items.iter().filter_map(|node| reader.case(node)));
        fields.elsewhere(
            &walk,
            &["rules", "settings", "receivers", "route", "override"],
            "a rule file",
            "move it to a file beside this one whose name ends in .yaml alone",
        );
        fields.done(&walk, "a test file", &[]);
    }
    reject_same_names(&walk, &cases);
    (cases, walk.into_problems())
}

fn reject_same_names(walk: &Walk, cases: &[Case]) {
    for (number, case) in cases.iter().enumerate() {
        if let Some(first) = cases[..number].iter().find(|first| first.name == case.name) {
            let problem = Problem::error(case.place.clone(), format!("two tests are called `{}`", case.name));
            walk.add(problem.related(first.place.clone(), "first here").help("give one of the two another name"));
        }
    }
}

/// Reads the cases of one file.
#[derive(Clone, Copy)]
struct Reader<'r> {
    walk: &'r Walk,
    rules: Option<&'r RuleSet>,
}

impl<'r> Reader<'r> {
    fn case(self, node: &Node) -> Option<Case> {
        let walk = self.walk;
        let fields = walk.fields(node, "a test", "{ test: a low battery fires, events: […], expect: […] }")?;
        let name_node = fields
            .renamed(walk, "test", &["name"])
            .or_else(|| fields.need(walk, "test", "a test", "give it a name: test: a low battery fires"));
        let name = name_node.and_then(|node| walk.full_text(node, "a low battery fires"));
        let start = fields.get("start").map_or(Some(BEGIN), |node| self.instant(node));
        fields.get("settings");
        let settings = fields.all().iter().find(|entry| entry.key == "settings");
        let settings = settings.and_then(|entry| self.settings(entry));
        let events: Vec<_> = self.items(&fields, "events").iter().filter_map(|node| self.event(node)).collect();
        let expect: Vec<_> = self.items(&fields, "expect").iter().filter_map(|node| self.expectation(node)).collect();
        let messages: Vec<_> = self.items(&fields, "messages").iter().filter_map(|node| self.message(node)).collect();
        if !fields.has("expect") && !fields.has("messages") {
            let place = fields.head();
            walk.add(
                Problem::error(place, "this test expects nothing")
                    .help("say what should be: expect: [{ at: 1h, alert: DeviceBatteryLow, firing: [{ device: 7 }] }]"),
            );
        }
        fields.done(walk, "a test", &[]);
        let (name, place) = (name?.to_owned(), walk.place(name_node?));
        Some(Case { name, place, start: start?, settings, events, expect, messages })
    }

    fn items<'n>(self, fields: &Fields<'n>, key: &'static str) -> &'n [Node] {
        fields.get(key).map_or(&[], |node| self.walk.items(node))
    }

    /// An instant as RFC 3339 has it.
    fn instant(self, node: &Node) -> Option<Timestamp> {
        let example = "2026-03-02T10:00:00Z";
        let text = self.walk.text(node, example)?;
        let read = text.parse::<DateTime<Utc>>().ok();
        if read.is_none() {
            let text = self.walk.quotable(node, text);
            let help = format!("write date, time and zone, as in {example}");
            self.walk.error(node, format!("`{text}` is not an instant"), help);
        }
        read.map(Timestamp::from)
    }

    /// A time of the case, counted from its start.
    fn offset(self, node: &Node) -> Option<Duration> {
        let offset = self.walk.duration(node, "30m", Duration::ZERO)?;
        if offset > LONGEST {
            self.walk.error(node, "no test lasts longer than 20 years", "choose a shorter time");
            return None;
        }
        Some(offset)
    }

    /// Settings, as a rule file in which everything else of this file is blank: so each keeps its place.
    fn settings(self, entry: &Entry) -> Option<RuleFile> {
        let fields = self.walk.fields(&entry.value, "settings by name", "{ low_battery: 25 }")?;
        if let Some(rules) = self.rules {
            for entry in fields.all().iter().filter(|entry| !rules.settings.contains_key(&entry.key)) {
                let place = entry.place.clone();
                let known = rules.settings.keys().map(String::as_str);
                let help = match nearest(&entry.key, known.clone()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("the rules have {}", listed(known)),
                };
                self.walk.add(Problem::error(place, format!("no setting is named `{}`", entry.key)).help(help));
            }
        }
        let Place { source, at } = &entry.place;
        Some(RuleFile::of_settings(source, &(at.start..entry.value.place.at.end)))
    }

    /// The rule that an expectation names; complains where there is none of that name.
    fn alert(self, node: &Node) -> Option<(String, Option<SubjectKind>)> {
        let name = self.walk.full_text(node, "DeviceBatteryLow")?;
        let Some(rules) = self.rules else { return Some((name.to_owned(), None)) };
        let Some(rule) = rules.rule(name) else {
            let names = rules.rules.iter().map(|rule| rule.name.as_str());
            let help = match nearest(name, names.clone()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the rules under test are {}", listed(names)),
            };
            self.walk.error(node, format!("no rule is named `{}`", self.walk.quotable(node, name)), help);
            return None;
        };
        Some((rule.name.to_string(), Some(rule.subject)))
    }

    /// What a short key names: Impilo's number, or text.
    fn id(self, node: &Node) -> Option<Id> {
        let scalar = self.walk.scalar(node, "an id", "7")?;
        match scalar.describe() {
            "nothing" => Some(Id::None),
            "text" if scalar.text == "none" => Some(Id::None),
            "text" if !scalar.text.trim().is_empty() => Some(Id::Text(scalar.text.clone())),
            "a number" => {
                let number = scalar.text.parse().ok();
                if number.is_none() {
                    self.walk.wrong_type(node, "an id", "7");
                }
                number.map(Id::Number)
            }
            _ => {
                self.walk.wrong_type(node, "an id", "7");
                None
            }
        }
    }

    /// Text, or a number as it is written.
    fn words(self, node: &Node, example: &str) -> Option<String> {
        let scalar = self.walk.scalar(node, "text", example)?;
        if scalar.describe() == "nothing" {
            self.walk.wrong_type(node, "text", example);
            return None;
        }
        Some(scalar.text.clone())
    }
}

/// `a, b and 3 more`.
fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    const SHOWN: usize = 12;
    let names: Vec<&str> = names.collect();
    match names.len() {
        0 => "none".to_owned(),
        count if count > SHOWN => format!("{} and {} more", names[..SHOWN].join(", "), count - SHOWN),
        _ => names.join(", "),
    }
}
