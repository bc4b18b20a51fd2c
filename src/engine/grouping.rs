//! Which notification groups an alert belongs to, and how they hear of it.

use super::alert::{Alert, AlertGroup, Labels};
use super::effect::Effects;
use super::event::{Announcement, Message, News};
use super::inhibition;
use super::labels::{UNKNOWN, open_label};
use super::lifecycle::{Moment, key_of};
use super::receiver::{Channel, Receiver};
use super::route::{GroupBy, Route};
use super::rule_set::RuleSet;
use super::subject::{Subject, SubjectKind};

/// Whether two groups go to the same receiver on the same way.
pub(super) fn goes_where(one: &AlertGroup, other: &AlertGroup) -> bool {
    one.receiver == other.receiver && one.channel == other.channel
}

/// A more serious alert may concern others, or its receivers by another route. Those who know of it hear of this, too, and of
/// its end. Where another route leads to the same place, the alert stays in the group that knows it, and comes by that route.
pub(super) fn add_groups(rules: &RuleSet, alert: &mut Alert) {
    let groups = groups(rules, alert);
    let is_left = |old: &AlertGroup| !groups.iter().any(|group| group.route == old.route && goes_where(group, old));
    let left: Vec<bool> = alert.groups.iter().map(is_left).collect();
    let mut left: Vec<&mut AlertGroup> =
        alert.groups.iter_mut().zip(left).filter_map(|(old, left)| left.then_some(old)).collect();
    let mut others = Vec::new();
    for group in &groups {
        if let Some(place) = left.iter().position(|old| goes_where(old, group)) {
            left.remove(place).route.clone_from(&group.route);
        } else {
            others.push(group.clone());
        }
    }
    others.retain(|group| !alert.groups.iter().any(|old| old.route == group.route && goes_where(old, group)));
    alert.groups.extend(others);
}

/// Tells the groups of an alert how it is now.
pub(super) fn tell_groups(alert: &Alert, news: News, effects: &mut Effects) {
    tell(alert, &alert.groups, news, effects);
}

/// Tells some groups of an alert.
pub(super) fn tell(alert: &Alert, groups: &[AlertGroup], news: News, effects: &mut Effects) {
    for group in groups {
        // A copy is no row of its own to be written back.
        let alert = Alert { changed: false, ..alert.clone() };
        let announcement = Announcement { alert, group: group.clone(), news };
        let subject = Subject::new(SubjectKind::Group, group.id.clone());
        effects.messages.push_back((subject, Message::Alert(Box::new(announcement))));
    }
}

/// Brings an open alert into the groups of another rule set's route; those that have not told of it yet will. A receiver
/// that the route has left stays, to hear of the end; an address that is gone, or that another group reaches now, does not.
pub(super) fn regroup(at: Moment<'_>, alert: &mut Alert, effects: &mut Effects) {
    let mut groups = groups(at.rules, alert);
    let mut left: Vec<&AlertGroup> = alert.groups.iter().collect();
    for group in &mut groups {
        // By the names of the labels, not their values: an alert that was raised stays where it was announced. So it does
        // where another route leads there now.
        let same = |old: &&AlertGroup| goes_where(old, group) && old.labels.keys().eq(group.labels.keys());
        let by_route = left.iter().position(|old| same(old) && old.route == group.route);
        if let Some(place) = by_route.or_else(|| left.iter().position(same)) {
            *group = AlertGroup { route: std::mem::take(&mut group.route), ..left.remove(place).clone() };
        }
    }
    for old in &alert.groups {
        if groups.iter().any(|group| group.id == old.id) {
            continue;
        }
        if at.rules.reaches(&old.receiver, &old.channel) && !groups.iter().any(|group| goes_where(group, old)) {
            groups.push(old.clone());
        } else {
            let subject = Subject::new(SubjectKind::Group, old.id.clone());
            effects.messages.push_back((subject, Message::Left { alert: alert.number }));
        }
    }
    alert.changed |= groups != alert.groups;
    alert.groups = groups;
    tell_groups(alert, News::None, effects);
    inhibition::takes_part(at.rules, alert, effects);
}

/// The groups that the rule set's routes put an alert in: one for each channel of each receiver.
pub(super) fn groups(rules: &RuleSet, alert: &Alert) -> Vec<AlertGroup> {
    let Some(top) = rules.route.as_ref().filter(|_| !alert.shadow) else { return Vec::new() };
    let mut groups: Vec<(&Route, AlertGroup)> = Vec::new();
    for route in top.taken_by(&alert.labels) {
        for group in groups_of(rules, route, alert) {
            // Two routes that gather alike and are open at the same times would say the same twice.
            let alike = |other: &Route| {
                other.group_by == route.group_by
                    && other.mute_time_intervals == route.mute_time_intervals
                    && other.active_time_intervals == route.active_time_intervals
            };
            let said = |(other, known): &(&Route, AlertGroup)| {
                known.id == group.id || goes_where(known, &group) && alike(other)
            };
            if !groups.iter().any(said) {
                groups.push((route, group));
            }
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

/// The groups that a step of escalation puts an alert in.
pub(super) fn groups_to(rules: &RuleSet, route: &Route, receiver: &str, alert: &Alert) -> Vec<AlertGroup> {
    let Some(receiver) = rules.receiver(receiver) else { return Vec::new() };
    let mut groups = ways_to(receiver, route, alert);
    for group in &mut groups {
        group.urgent = true;
    }
    groups
}

fn groups_of(rules: &RuleSet, route: &Route, alert: &Alert) -> Vec<AlertGroup> {
    rules.receiver(&route.receiver).map(|receiver| ways_to(receiver, route, alert)).unwrap_or_default()
}

fn ways_to(receiver: &Receiver, route: &Route, alert: &Alert) -> Vec<AlertGroup> {
    // However many routes lead to a receiver, there is one summary.
    let route_key = if alert.baseline { "" } else { &route.key };
    let (labels, key) = match &route.group_by {
        // What was so already when its rule came is told in one summary.
        _ if alert.baseline => (Labels::new(), "baseline".to_owned()),
        GroupBy::Each => (alert.labels.clone(), format!("alert {}", alert.number)),
        GroupBy::Labels(names) => {
            let labels: Labels = names
                .iter()
                .map(|name| (name.clone(), alert.labels.get(name).cloned().unwrap_or_else(|| open_label(UNKNOWN))))
                .collect();
            let key =
                labels.iter().map(|(name, seen)| format!("{name}={:?}", seen.value.as_text())).collect::<String>();
            (labels, key)
        }
    };
    let channels = receiver.channels.iter().map(|channel| AlertGroup {
        id: group_id(route_key, &receiver.name, channel, &key),
        route: route_key.to_owned(),
        receiver: receiver.name.clone(),
        channel: channel.clone(),
        labels: labels.clone(),
        urgent: false,
    });
    channels.collect()
}

/// A group's id says nothing of its labels, so that it may stand in logs.
fn group_id(route: &str, receiver: &str, channel: &Channel, key: &str) -> String {
    let destination = channel.destination();
    let parts = [receiver, channel.kind(), &destination, key, route];
    // The route on top adds nothing.
    key_of(if route.is_empty() { &parts[..4] } else { &parts })
}
