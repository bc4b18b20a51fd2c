//! Which receivers hear of an alert: a tree of routes, walked as Alertmanager walks its own.

use std::fmt;
use std::time::Duration;

use regex::Regex;

use super::alert::Labels;

/// How alerts are gathered into notifications, in Alertmanager's words. What a route below another does not say, that one
/// says: here it has been filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// What sets it apart from other routes: its matchers and those of the routes above; empty for the one on top.
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
    /// Tried in order; the first that matches takes the alert, and with `goes_on` the next one may, too.
    pub routes: Vec<Route>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupBy {
    /// `['...']`: every alert is a group of its own.
    Each,
    Labels(Vec<String>),
}

/// A test of one label. A label that an alert does not have counts as empty.
#[derive(Clone)]
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
        write!(f, "{}{operator}{value:?}", self.label)
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
