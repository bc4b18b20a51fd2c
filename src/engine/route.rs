//! Which receivers hear of an alert: a tree of routes, walked as Alertmanager walks its own.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use regex::Regex;

use serde::{Deserialize, Serialize};

use super::alert::Labels;
use super::escalation::Step;
use super::interval::TimeInterval;

/// How alerts are gathered into notifications, in Alertmanager's words. What a route below another does not say, that one
/// says: here it has been filled in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Route {
    /// What sets it apart from other routes: its matchers and those of the routes above, and a number where several have the
    /// same; empty for the one on top.
    pub key: String,
    /// What an alert must have to come here; the route on top has none.
    pub matchers: Vec<Matcher>,
    /// Routes beside it, further down, are tried too where this one matches.
    pub goes_on: bool,
    pub receiver: String,
    pub group_by: GroupBy,
    /// How long a new group waits for company.
    pub group_wait: Duration,
    /// How long after a notification the group looks again.
    pub group_interval: Duration,
    /// How long until a notification whose alerts still fire is repeated.
    pub repeat_interval: Duration,
    /// In these nothing is sent; what is still so goes out afterwards.
    pub mute_time_intervals: Vec<TimeInterval>,
    /// Outside of these nothing is sent; none stands for always.
    pub active_time_intervals: Vec<TimeInterval>,
    /// Who else is told while nobody takes an alert on.
    pub escalate: Vec<Step>,
    /// Tried in order; the first that matches takes the alert, and with `goes_on` the next one may, too.
    pub routes: Vec<Route>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum GroupBy {
    /// `['...']`: every alert is a group of its own.
    #[default]
    Each,
    Labels(Vec<String>),
}

/// A test of one label. A label that an alert does not have counts as empty.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Matcher {
    pub label: String,
    pub test: LabelTest,
}

/// What a label must be.
#[derive(Clone)]
pub enum LabelTest {
    Is(String),
    IsNot(String),
    /// The whole of it matches.
    Matches(Regex),
    MatchesNot(Regex),
}

impl Route {
    /// Whether this route or one below it leads to this receiver, also by escalation.
    #[must_use]
    pub fn leads_to(&self, receiver: &str) -> bool {
        self.receiver == receiver
            || self.escalate.iter().any(|step| step.receiver == receiver)
            || self.routes.iter().any(|route| route.leads_to(receiver))
    }

    /// The routes that an alert with these labels takes, deepest first matches only: never empty for the route on top.
    #[must_use]
    pub fn taken_by<'r>(&'r self, labels: &Labels) -> Vec<&'r Self> {
        let mut taken = Vec::new();
        self.walk(labels, &mut taken);
        taken
    }

    fn walk<'r>(&'r self, labels: &Labels, taken: &mut Vec<&'r Self>) {
        let before = taken.len();
        for route in &self.routes {
            if route.matchers.iter().all(|matcher| matcher.holds(labels)) {
                route.walk(labels, taken);
                if !route.goes_on {
                    break;
                }
            }
        }
        if taken.len() == before {
            taken.push(self);
        }
    }

    /// This route and all below it, from the top.
    pub fn all(&self) -> impl Iterator<Item = &Self> {
        let mut pending = vec![self];
        std::iter::from_fn(move || {
            let next = pending.pop()?;
            pending.extend(next.routes.iter().rev());
            Some(next)
        })
    }
}

impl Matcher {
    /// Whether an alert's labels pass.
    #[must_use]
    pub fn holds(&self, labels: &Labels) -> bool {
        let text = labels.get(&self.label).and_then(|seen| seen.value.as_text()).unwrap_or_default();
        match &self.test {
            LabelTest::Is(value) => text == value,
            LabelTest::IsNot(value) => text != value,
            LabelTest::Matches(pattern) => pattern.is_match(text),
            LabelTest::MatchesNot(pattern) => !pattern.is_match(text),
        }
    }
}

/// Why a text is no matcher.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MatcherError {
    #[error("not a matcher")]
    NoOperator,
    #[error("the text behind `{operator}` is not one text")]
    NotOneText { label: String, operator: &'static str },
    #[error("`{pattern}` is not a regular expression")]
    BadPattern { label: String, pattern: String },
}

/// In Alertmanager's way of writing: `label = "text"`, `!=`, `=~`, `!~`.
impl FromStr for Matcher {
    type Err = MatcherError;

    fn from_str(text: &str) -> Result<Self, MatcherError> {
        let text = text.trim();
        let label: String = text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        let rest = text.get(label.len()..).unwrap_or_default().trim_start();
        let operator = ["=~", "!~", "!=", "="].into_iter().find(|operator| rest.starts_with(operator));
        let Some(operator) = operator.filter(|_| !label.is_empty()) else { return Err(MatcherError::NoOperator) };
        let value = rest.get(operator.len()..).unwrap_or_default().trim();
        let Some(value) = unquoted(value) else { return Err(MatcherError::NotOneText { label, operator }) };
        let pattern = || {
            // By itself first: what closes a bracket that it has not opened would get around the anchors.
            Regex::new(value)
                .and_then(|_| Regex::new(&format!("^(?:{value})$")))
                .map_err(|_| MatcherError::BadPattern { label: label.clone(), pattern: value.to_owned() })
        };
        let test = match operator {
            "=" => LabelTest::Is(value.to_owned()),
            "!=" => LabelTest::IsNot(value.to_owned()),
            "=~" => LabelTest::Matches(pattern()?),
            _ => LabelTest::MatchesNot(pattern()?),
        };
        Ok(Self { label, test })
    }
}

/// A text in quotes, or one word without.
fn unquoted(text: &str) -> Option<&str> {
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote) {
            return inner.strip_suffix(quote).filter(|inner| !inner.contains(quote));
        }
    }
    let word = !text.is_empty() && !text.contains([',', '"', '\'', '=', '{', '}']);
    word.then_some(text)
}

impl TryFrom<String> for Matcher {
    type Error = MatcherError;

    fn try_from(text: String) -> Result<Self, MatcherError> {
        text.parse()
    }
}

impl From<Matcher> for String {
    fn from(matcher: Matcher) -> Self {
        matcher.to_string()
    }
}

/// As it is written in rule files.
impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (operator, value) = match &self.test {
            LabelTest::Is(value) => ("=", value.as_str()),
            LabelTest::IsNot(value) => ("!=", value.as_str()),
            LabelTest::Matches(pattern) => ("=~", pattern.as_str()),
            LabelTest::MatchesNot(pattern) => ("!~", pattern.as_str()),
        };
        let whole = value.strip_prefix("^(?:").and_then(|value| value.strip_suffix(")$"));
        let value = whole.filter(|_| operator.ends_with('~')).unwrap_or(value);
        let quote = if value.contains('"') { '\'' } else { '"' };
        write!(f, "{}{operator}{quote}{value}{quote}", self.label)
    }
}

impl fmt::Debug for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}
