//! Deadlines: when a subject wants to be looked at again, and what happens then.

use std::time::Duration;

use super::alert::{Alert, Ending, Reason};
use super::effect::Effects;
use super::event::Event;
use super::length::Length;
use super::lifecycle::{self, Closing, Moment};
use super::rule::{RaiseWhen, Resolve, Rule, Severity};
use super::slice::Slice;
use super::time::Timestamp;
use super::{escalation, following, holding, people, window};

/// How often a state that reads the time is looked at again.
const CLOCK_LOOK: Duration = Duration::from_secs(60 * 60);

/// Ends alerts that were waiting for this hearing.
pub(super) fn heard(at: Moment<'_>, slice: &mut Slice, event: &Event<'_>, effects: &mut Effects) {
    if slice.alerts.is_empty() {
        return;
    }
    for rule in open_rules(at, slice) {
        let Some(alert) = slice.open(&rule.name) else { continue };
        // What could not be heard may have been another match.
        let over = |after: &Length| after.after_hearing(alert.matched_at, &at.standing.blind) <= event.received_at;
        let quiet = quiet_time(rule).is_some_and(over);
        if quiet {
            let reason = Reason::QuietSince { last_match: alert.matched_at };
            let closing = Closing { at: event.received_at, reason, event: Some(event) };
            lifecycle::would_end(at, rule, slice, closing, effects);
        } else {
            window::end(at, rule, slice, Some(event), effects);
        }
    }
}

/// Ends alerts that other rules would have ended at a hearing that has been.
pub(super) fn heard_already(at: Moment<'_>, slice: &mut Slice, effects: &mut Effects) {
    for rule in open_rules(at, slice) {
        let (Some(alert), Some(heard)) = (slice.open(&rule.name), slice.heard_at()) else { continue };
        let over = |after: &Length| after.after_hearing(alert.matched_at, &at.standing.blind) <= heard;
        if quiet_time(rule).is_some_and(over) {
            let reason = Reason::QuietSince { last_match: alert.matched_at };
            lifecycle::would_end(at, rule, slice, Closing { at: heard, reason, event: None }, effects);
        } else {
            window::end(at, rule, slice, None, effects);
        }
    }
}

/// The rules of the open alerts.
fn open_rules<'r>(at: Moment<'r>, slice: &Slice) -> Vec<&'r Rule> {
    slice.alerts.iter().filter_map(|alert| at.rules.rule(&alert.rule)).collect()
}

fn quiet_time(rule: &Rule) -> Option<&Length> {
    rule.resolve.iter().find_map(|resolve| match resolve {
        Resolve::After(after) => Some(after),
        Resolve::Event(_) | Resolve::Below { .. } => None,
    })
}

/// Runs the deadlines that have come.
pub(super) fn due(at: Moment<'_>, slice: &mut Slice, effects: &mut Effects) {
    for alert in &mut slice.alerts {
        let Some(rule) = at.rules.rule(&alert.rule) else { continue };
        if let Some((to, when)) = raises(rule, alert).filter(|(_, when)| *when <= at.now).max() {
            lifecycle::raise(at, alert, to, when, effects);
        }
    }
    ends(at, slice, effects);
    people::due(at, slice, effects);
    if at.rules.escalates() {
        escalation::due(at, slice, effects);
    }
    waiting_is_over(at, slice, effects);
    for rule in at.rules.states(slice.subject.kind) {
        if rule.derived.reads_clock {
            holding::judge(at, rule, slice, None, effects);
        }
        holding::due(at, rule, slice, effects);
    }
    slice.due = None;
    slice.unarmed = true;
    arm(at, slice);
    slice.dirty = true;
}

/// Fires what has waited long enough.
pub(super) fn waiting_is_over(at: Moment<'_>, slice: &mut Slice, effects: &mut Effects) {
    let waiting = slice.projection.rules.iter().filter(|(_, memory)| memory.waiting.is_some());
    for rule in waiting.filter_map(|(name, _)| at.rules.rule(name)).collect::<Vec<_>>() {
        following::due(at, rule, slice, effects);
    }
}

/// Ends what has run out, has come to the end of `keep_firing_for`, or of which there was no news.
fn ends(at: Moment<'_>, slice: &mut Slice, effects: &mut Effects) {
    for rule in open_rules(at, slice) {
        window::end(at, rule, slice, None, effects);
    }
    let kept = |alert: &Alert| at.rules.rule(&alert.rule).and_then(|rule| kept_until(at, rule, alert));
    for alert in slice.take_alerts(|alert| kept(alert).is_some_and(|until| until <= at.now)) {
        if let Some(ending) = alert.ending.clone() {
            let Ending { at: when, reason, event, .. } = *ending;
            lifecycle::end(at, alert, when, reason, event, effects);
        }
    }
    let news_at = slice.projection.news_at;
    let expired = |alert: &Alert| {
        let rule = at.rules.rule(&alert.rule);
        rule.and_then(|rule| expires(at, rule, alert, news_at)).is_some_and(|due| due <= at.now)
    };
    for alert in slice.take_alerts(expired) {
        let since = last_news(&alert, news_at);
        lifecycle::end(at, alert, at.now, Reason::NoNews { since }, None, effects);
    }
}

/// Makes sure that the slice wakes no later than its first deadline. A deadline that has moved on is found out at the
/// wake-up, so that ordinary events need not touch it.
pub(super) fn arm(at: Moment<'_>, slice: &mut Slice) {
    if !std::mem::take(&mut slice.unarmed) {
        return;
    }
    let news_at = slice.projection.news_at;
    let alerts = slice.alerts.iter().filter_map(|alert| {
        let rule = at.rules.rule(&alert.rule)?;
        let raise = raises(rule, alert).map(|(_, when)| when).min();
        // What has run out waits for a hearing, which needs no wake-up.
        let runs_out = window::runs_out(at, rule, slice, alert).map(|(due, _)| due).filter(|due| *due > at.now);
        let escalates = at.rules.escalates().then(|| escalation::next(at.rules, alert)).flatten();
        let of_people = [people::lapses(alert), escalates];
        let raise = raise.into_iter().chain(of_people.into_iter().flatten()).min();
        let others = [kept_until(at, rule, alert), expires(at, rule, alert, news_at), runs_out];
        raise.into_iter().chain(others.into_iter().flatten()).min()
    });
    let waiting = slice
        .projection
        .rules
        .iter()
        .filter_map(|(name, memory)| Some(following::deadline(at, at.rules.rule(name)?, memory.waiting.as_ref()?)));
    let states = at.rules.states(slice.subject.kind).filter_map(|rule| {
        let look = (rule.derived.reads_clock && !slice.projection.over).then(|| at.now.plus(CLOCK_LOOK));
        holding::deadline(at, rule, slice).into_iter().chain(look).min()
    });
    // Another rule set can set a deadline that has passed already.
    let Some(first) = alerts.chain(waiting).chain(states).min().map(|first| first.max(at.now)) else { return };
    if slice.due.is_none_or(|due| first < due) {
        slice.due = Some(first);
        slice.dirty = true;
    }
}

/// Until when an alert whose end has come stays open.
fn kept_until(at: Moment<'_>, rule: &Rule, alert: &Alert) -> Option<Timestamp> {
    let ending = alert.ending.as_ref()?;
    Some(
        rule.keep_firing_for
            .as_ref()
            .map_or(ending.heard_at, |keep| keep.after_hearing(ending.heard_at, &at.standing.blind)),
    )
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

fn expires(at: Moment<'_>, rule: &Rule, alert: &Alert, news_at: Option<Timestamp>) -> Option<Timestamp> {
    rule.expire.as_ref().map(|expire| expire.after_hearing(last_news(alert, news_at), &at.standing.blind))
}
