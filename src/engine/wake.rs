//! Deadlines of open alerts: when a subject wants to be looked at again, and what happens then.

use super::alert::{Alert, Reason};
use super::effect::Effects;
use super::event::Event;
use super::length::Length;
use super::lifecycle::{self, Moment};
use super::rule::{RaiseWhen, Resolve, Rule, Severity};
use super::slice::Slice;
use super::time::Timestamp;

/// Ends alerts whose `resolve: after` was waiting for this hearing.
pub(super) fn heard(at: Moment<'_>, slice: &mut Slice, event: &Event<'_>, effects: &mut Effects) {
    let quiet = |alert: &Alert| {
        let after = at.rules.rule(&alert.rule).and_then(quiet_time);
        after.is_some_and(|after| after.after(alert.matched_at) <= event.received_at)
    };
    for alert in slice.take_alerts(quiet) {
        let reason = Reason::QuietSince { last_match: alert.matched_at };
        lifecycle::end(at, alert, event.received_at, reason, Some(event), effects);
    }
}

fn quiet_time(rule: &Rule) -> Option<&Length> {
    rule.resolve.iter().find_map(|resolve| match resolve {
        Resolve::After(after) => Some(after),
        Resolve::Event(_) | Resolve::Below { .. } => None,
    })
}

/// Runs the deadlines that have come: raises by age, and expiry for want of news.
pub(super) fn due(at: Moment<'_>, slice: &mut Slice, effects: &mut Effects) {
    for alert in &mut slice.alerts {
        let Some(rule) = at.rules.rule(&alert.rule) else { continue };
        if let Some((to, when)) = raises(rule, alert).filter(|(_, when)| *when <= at.now).max() {
            lifecycle::raise(at, alert, to, when, effects);
        }
    }
    let news_at = slice.projection.news_at;
    let expired = |alert: &Alert| {
        at.rules.rule(&alert.rule).and_then(|rule| expires(rule, alert, news_at)).is_some_and(|due| due <= at.now)
    };
    for alert in slice.take_alerts(expired) {
        let since = last_news(&alert, news_at);
        lifecycle::end(at, alert, at.now, Reason::NoNews { since }, None, effects);
    }
    slice.due = None;
    arm(at, slice);
    slice.dirty = true;
}

/// Makes sure that the slice wakes no later than its first deadline. A deadline that has moved on is found out at the
/// wake-up, so that ordinary events need not touch it.
pub(super) fn arm(at: Moment<'_>, slice: &mut Slice) {
    let news_at = slice.projection.news_at;
    let deadlines = slice.alerts.iter().filter_map(|alert| {
        let rule = at.rules.rule(&alert.rule)?;
        let raise = raises(rule, alert).map(|(_, when)| when).min();
        raise.into_iter().chain(expires(rule, alert, news_at)).min()
    });
    // Another rule set can set a deadline that has passed already.
    let Some(first) = deadlines.min().map(|first| first.max(at.now)) else { return };
    if slice.due.is_none_or(|due| first < due) {
        slice.due = Some(first);
        slice.dirty = true;
    }
}

/// Raises by age that are still to come for an alert, with their times.
fn raises<'a>(rule: &'a Rule, alert: &'a Alert) -> impl Iterator<Item = (Severity, Timestamp)> + 'a {
    rule.raise.iter().filter_map(|raise| match &raise.when {
        RaiseWhen::After(age) if raise.to > alert.severity => Some((raise.to, age.after(alert.noticed_at))),
        _ => None,
    })
}

fn last_news(alert: &Alert, news_at: Option<Timestamp>) -> Timestamp {
    news_at.map_or(alert.matched_at, |news| news.max(alert.matched_at))
}

fn expires(rule: &Rule, alert: &Alert, news_at: Option<Timestamp>) -> Option<Timestamp> {
    rule.expire.as_ref().map(|expire| expire.after(last_news(alert, news_at)))
}
