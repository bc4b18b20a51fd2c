//! Conditions of rules: compiled, and checked against what their events and subjects can have.

use crate::config::check::{self, Finding, Known};
use crate::config::problem::Problem;
use crate::config::walk::Walk;
use crate::config::yaml::{Node, TYPOGRAPHIC};
use crate::engine::{Condition, EventPattern, Read, SubjectKind};

use super::Vocabulary;

/// Where a condition or text stands, and so what it can read.
pub(super) struct Scope<'a> {
    pub subject: SubjectKind,
    /// The events at which it is tried; empty where there are none.
    pub events: &'a [EventPattern],
    /// It is about a state, so that events themselves cannot be read.
    pub state: bool,
    pub words: &'a Vocabulary,
}

impl Scope<'_> {
    /// What a condition can name, or with `labels` what a text can.
    pub(super) fn known<'k>(&'k self, labels: Option<&'k [&'k str]>) -> Known<'k> {
        let Vocabulary { settings, calendars, .. } = self.words;
        Known {
            subject: self.subject,
            events: self.events,
            state: self.state,
            settings: settings.known.iter().map(|(name, placed)| (name.as_str(), &placed.value)).collect(),
            calendars: calendars.known.keys().map(String::as_str).collect(),
            more: settings.incomplete,
            labels,
        }
    }
}

/// A condition, and what it reads. Without a scope nothing can be said of the names in it, but its shape is checked.
pub(super) fn read(walk: &Walk, node: &Node, scope: Option<&Scope<'_>>) -> Option<(Condition, Vec<Read>)> {
    let source = walk.full_text(node, "\"payload.batteryPercentage <= 20\"")?;
    if let Some(at) = comment(source) {
        let help = "write what is to be remembered after a `#`, outside of the condition";
        let line = source.get(at..).and_then(|rest| rest.lines().next()).map_or(0, str::len);
        let place = node.place_inside(at..at + line);
        walk.add(Problem::error(place, "a condition holds no comments").help(help));
        return None;
    }
    match Condition::compile(source) {
        Ok(condition) => {
            let (findings, reads) = check::condition(&condition, &scope?.known(None));
            report(walk, node, findings);
            Some((condition, reads))
        }
        Err(error) => {
            let (message, help) = in_words(&error.message, source.get(error.at.start..).unwrap_or_default());
            walk.add(Problem::error(node.place_inside(error.at), message).help(help));
            None
        }
    }
}

/// Where a comment begins: `//` outside of quotes.
fn comment(source: &str) -> Option<usize> {
    let mut quote = None;
    let mut bytes = source.bytes().enumerate().peekable();
    while let Some((at, byte)) = bytes.next() {
        match (quote, byte) {
            (Some(_), b'\\') => drop(bytes.next()),
            (Some(open), close) if open == close => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'/') if bytes.peek().is_some_and(|(_, next)| *next == b'/') => return Some(at),
            _ => {}
        }
    }
    None
}

/// Operators as people write them who are used to others.
const OPERATORS: [(&str, &str); 9] = [
    ("=<", "write <="),
    ("=‹", "write <="),
    ("=>", "write >="),
    ("=›", "write >="),
    ("=!", "write !="),
    ("≤", "write <="),
    ("≥", "write >="),
    ("≠", "write !="),
    ("=", "write == to compare"),
];

/// What the CEL parser says of what stands at `rest`, for people who have never met one.
fn in_words(message: &str, rest: &str) -> (String, &'static str) {
    const SHAPE: &str = "a condition is made of comparisons (==, !=, <, <=, >, >=, in) joined with && and ||";
    let quoted = |after: &str| {
        let rest = message.split_once(after)?.1.strip_prefix('\'')?;
        rest.split_once('\'').map(|(token, _)| token.trim())
    };
    if let Some(name) = message.strip_prefix("reserved identifier: ") {
        return (
            format!("`{name}` is a reserved word"),
            "CEL keeps it for itself; names begin with payload, event, settings or a kind of subject",
        );
    }
    let Some(message) = message.strip_prefix("Syntax error: ") else {
        return (format!("this cannot be a condition: {message}"), SHAPE);
    };
    if message.contains("error at: ''") || message.contains("error at: '\"") {
        return ("this text has no closing quote".to_owned(), "end the text with the quote that it begins with");
    }
    if let Some(token) = quoted("token recognition error at: ") {
        if let Some((written, help)) = OPERATORS.iter().find(|(written, _)| rest.starts_with(written)) {
            return (format!("`{written}` means nothing in a condition"), help);
        }
        let help = match token.chars().next() {
            Some('&') => "write && for and",
            Some('|') => "write || for or",
            Some(quote) if TYPOGRAPHIC.contains(&quote) => "this is a typographic quote: write \" or '",
            _ => SHAPE,
        };
        return (format!("`{token}` means nothing in a condition"), help);
    }
    if let Some(token) = quoted("missing ") {
        return (format!("a `{token}` is missing here"), "every bracket that is opened must be closed");
    }
    match quoted(" input ") {
        Some("<EOF>") => ("the condition ends too soon".to_owned(), SHAPE),
        Some("and" | "AND") => ("`and` is not an operator".to_owned(), "write &&"),
        Some("or" | "OR") => ("`or` is not an operator".to_owned(), "write ||"),
        Some("not" | "NOT") => ("`not` is not an operator".to_owned(), "write !"),
        Some(token) => (format!("`{token}` does not fit here"), SHAPE),
        None => (format!("this is not a condition: {message}"), SHAPE),
    }
}

/// Adds what a check found, at its place in the file.
pub(super) fn report(walk: &Walk, node: &Node, findings: Vec<Finding>) {
    for finding in findings {
        let place = node.place_inside(finding.at);
        let problem = Problem { level: finding.level, ..Problem::error(place, finding.message) };
        walk.add(match finding.help {
            Some(help) => problem.help(help),
            None => problem,
        });
    }
}
