//! What keeps a message back: inhibition, time intervals, silences, quiet hours; in this order, the first that does.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::alert::AlertState;
use super::interval::{Muted, muted};
use super::lifecycle::Moment;
use super::receiver::{Quiet, Receiver};
use super::route::Route;
use super::slice::Member;
use super::time::Timestamp;

/// Why nobody is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cause", rename_all = "snake_case")]
pub enum Cause {
    /// Another alert says more.
    Inhibited {
        by: u64,
    },
    /// The route is muted by this time interval.
    Muted {
        interval: String,
    },
    /// The route is active in other hours alone.
    Inactive,
    Silenced {
        silence: u64,
    },
    /// The receiver's quiet hours.
    Quiet {
        calendar: String,
    },
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inhibited { by } => write!(f, "alert {by} says more (inhibit_rules)"),
            Self::Muted { interval } => write!(f, "the route is muted in `{interval}`"),
            Self::Inactive => f.write_str("the route is active at other times"),
            Self::Silenced { silence } => write!(f, "silence {silence}"),
            Self::Quiet { calendar } => write!(f, "quiet hours: outside of `{calendar}`"),
        }
    }
}

/// Something was not told, from then until then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Suppression {
    pub alert: u64,
    pub group: String,
    pub receiver: String,
    /// The kind of channel.
    pub channel: String,
    pub cause: Cause,
    pub from: Timestamp,
    /// `None` while it lasts.
    pub until: Option<Timestamp>,
}

/// What a member waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    pub cause: Cause,
    pub since: Timestamp,
}

/// What holds a message back, and when the clock may let it go.
type Hold = (Cause, Option<Timestamp>);

/// What keeps messages of one group back now, and until when, as far as the clock decides it.
pub(super) struct Holds<'a> {
    at: Moment<'a>,
    quiet: Option<(&'a Quiet, Timestamp)>,
    /// What was found of each route.
    muted: Vec<(&'a Route, Option<Hold>)>,
}

impl<'a> Holds<'a> {
    pub(super) fn of(at: Moment<'a>, receiver: &'a Receiver) -> Self {
        let quiet = receiver.quiet.as_ref().filter(|quiet| !quiet.calendar.is_open(at.now));
        let quiet = quiet.map(|quiet| (quiet, quiet.calendar.add_days(at.now, 0)));
        Self { at, quiet, muted: Vec::new() }
    }

    /// Whether these are the receiver's quiet hours.
    pub(super) const fn is_quiet(&self) -> bool {
        self.quiet.is_some()
    }

    fn muted(&mut self, route: &'a Route) -> Option<Hold> {
        if let Some((_, found)) = self.muted.iter().find(|(known, _)| std::ptr::eq(*known, route)) {
            return found.clone();
        }
        let found = muted(&route.mute_time_intervals, &route.active_time_intervals, self.at.now).map(|(why, until)| {
            let cause = match why {
                Muted::In(interval) => Cause::Muted { interval: interval.to_owned() },
                Muted::Inactive => Cause::Inactive,
            };
            (cause, until)
        });
        self.muted.push((route, found.clone()));
        found
    }

    /// Why the receiver is not told of a member, which came by `route`, and when that may be otherwise.
    pub(super) fn why(&mut self, member: &Member, route: &'a Route) -> Option<Hold> {
        let alert = &member.alert;
        // An end is told to whoever was told of the firing, whatever hides the alert now.
        let tells_end = alert.state != AlertState::Firing && member.told.is_some();
        if let Some(by) = alert.inhibited_by.values().next().filter(|_| !tells_end) {
            return Some((Cause::Inhibited { by: *by }, None));
        }
        if let Some(muted) = self.muted(route) {
            return Some(muted);
        }
        let mut silences =
            self.at.standing.silences.iter().filter(|silence| silence.hides(alert.number, &alert.labels, self.at.now));
        if let Some(first) = silences.next().filter(|_| !tells_end) {
            return Some((Cause::Silenced { silence: first.number }, first.until));
        }
        let (quiet, until) = self.quiet.filter(|(quiet, _)| !quiet.except.contains(&alert.severity))?;
        Some((Cause::Quiet { calendar: quiet.calendar.name().to_owned() }, Some(until)))
    }
}
