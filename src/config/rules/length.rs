//! Lengths of time in rules: written out, in business time, or taken from a setting.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use super::Vocabulary;
use super::values::{Written, unfit};
use crate::config::measure::{self, NotBusiness};
use crate::config::problem::Problem;
use crate::config::walk::Walk;
use crate::config::yaml::{Node, Value as Yaml};
use crate::engine::{BusinessTime, Calendar, Length, Value};

pub(super) const SECOND: Duration = Duration::from_secs(1);

/// By whose hours a rule counts business time.
pub(super) enum Hours {
    /// The rule names no calendar.
    Unsaid,
    Of(Arc<Calendar>),
    /// The rule names one that is not there, or is wrong; that has been said.
    Wrong,
}

/// How the lengths of one rule are read.
pub(super) struct Lengths<'a> {
    walk: &'a Walk,
    words: &'a Vocabulary,
    hours: Hours,
    /// Whether any of them was in business time, or meant to be.
    business: Cell<bool>,
}

impl<'a> Lengths<'a> {
    pub(super) fn new(walk: &'a Walk, words: &'a Vocabulary, hours: Hours) -> Self {
        Self { walk, words, hours, business: Cell::new(false) }
    }

    /// Whether any length so far was in business time.
    pub(super) fn any_business(&self) -> bool {
        self.business.get()
    }

    /// A length of at least `least`.
    pub(super) fn read(&self, node: &Node, example: &str, least: Duration) -> Option<Length> {
        let walk = self.walk;
        let text = match self.words.settings.written(walk, node, example) {
            Written::Nowhere => return None,
            Written::Setting(name, found) => match &found.value {
                Value::Span(millis) => return long_enough(walk, node, *millis, least).map(Length::from),
                Value::Text(text) => match measure::business(text) {
                    Ok(amount) => return self.by_hours(node, amount, least),
                    Err(NotBusiness::Plain | NotBusiness::TooLong) => {
                        unfit(walk, node, name, found, "a length of time");
                        return None;
                    }
                    Err(NotBusiness::Meant(help)) => {
                        self.business.set(true);
                        let message = format!("the setting `{name}` is not a length of time");
                        let problem = Problem::error(walk.place(node), message);
                        walk.add(problem.related(found.place.clone(), "set here").help(help));
                        return None;
                    }
                },
                _ => {
                    unfit(walk, node, name, found, "a length of time");
                    return None;
                }
            },
            Written::Here => match &node.value {
                Yaml::Scalar(scalar) if !scalar.faulty => &scalar.text,
                _ => return walk.duration(node, example, least).map(Length::from),
            },
        };
        match measure::business(text) {
            Ok(amount) => self.by_hours(node, amount, least),
            Err(NotBusiness::Plain) => walk.duration(node, example, least).map(Length::from),
            Err(NotBusiness::Meant(help)) => {
                self.business.set(true);
                walk.error(node, format!("`{}` is not a length of time", walk.quotable(node, text)), help);
                None
            }
            Err(NotBusiness::TooLong) => {
                walk.error(node, format!("`{}` is longer than anybody waits", walk.quotable(node, text)), "write less");
                None
            }
        }
    }

    /// As [`Lengths::read`], where none at all may be written: `None` within for that.
    pub(super) fn read_or_none(&self, node: &Node, example: &str) -> Option<Option<Length>> {
        let length = self.read(node, example, Duration::ZERO)?;
        Some(Some(length).filter(|length| *length != Length::Plain(Duration::ZERO)))
    }

    fn by_hours(&self, node: &Node, amount: BusinessTime, least: Duration) -> Option<Length> {
        self.business.set(true);
        let nothing = matches!(amount, BusinessTime::Days(0) | BusinessTime::Open(Duration::ZERO));
        if nothing && !least.is_zero() {
            self.walk.error(node, "this length of time is too short", "write at least 1 business minute");
            return None;
        }
        match &self.hours {
            Hours::Of(calendar) => Some(Length::Business { calendar: Arc::clone(calendar), amount }),
            Hours::Wrong => None,
            Hours::Unsaid => {
                let calendar = self.words.calendars.only(self.walk, node)?;
                Some(Length::Business { calendar, amount })
            }
        }
    }
}

/// A plain length, where business time has no meaning.
pub(super) fn plain(walk: &Walk, words: &Vocabulary, node: &Node, example: &str, least: Duration) -> Option<Duration> {
    match words.settings.written(walk, node, example) {
        Written::Here => walk.duration(node, example, least),
        Written::Setting(_, found) if let Value::Span(millis) = found.value => long_enough(walk, node, millis, least),
        Written::Setting(name, found) => {
            unfit(walk, node, name, found, "a length of time of the clock");
            None
        }
        Written::Nowhere => None,
    }
}

fn long_enough(walk: &Walk, node: &Node, millis: i64, least: Duration) -> Option<Duration> {
    let length = Duration::from_millis(u64::try_from(millis).unwrap_or(0));
    if length < least {
        let help = format!("at least {}", measure::show_duration(least));
        walk.error(node, "this length of time is too short", help);
        return None;
    }
    Some(length)
}
