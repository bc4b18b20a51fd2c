//! A notification group: which of its alerts the receiver is told of, and when. Alertmanager's decisions, made durable.

use super::alert::{Alert, AlertState};
use super::effect::{ALERTS_SHOWN, Content, Effects, Notification};
use super::event::{Announcement, Command};
use super::lifecycle::{Moment, key_of};
use super::rule::{Receiver, Route};
use super::slice::{Group, Member, Slice, Told};
use super::time::Timestamp;

/// An alert of this group fired, was raised, ended, or has fresher evidence.
pub(super) fn hear(at: Moment<'_>, slice: &mut Slice, announcement: &Announcement) {
    let alert = &announcement.alert;
    let open = alert.state == AlertState::Firing;
    let known = slice.members.get(&alert.number);
    let never_told = known.is_none_or(|member| member.told.is_none());
    if !open && never_told {
        leave(slice, alert.number);
        return;
    }
    let told = known.and_then(|member| member.told);
    slice.members.insert(alert.number, Member { alert: alert.clone(), told, changed: true });
    slice.dirty = true;
    if slice.projection.group.is_none() {
        let opening = &announcement.group;
        slice.projection.group = Some(Group {
            receiver: opening.receiver.clone(),
            channel: opening.channel.clone(),
            labels: opening.labels.clone(),
            sequence: 0,
            last_sent: None,
            flush_at: None,
        });
    }
    if announcement.news || never_told {
        schedule(at, slice);
    }
}

/// The alert is nothing for this group any more.
pub(super) fn leave(slice: &mut Slice, alert: u64) {
    drop_members(slice, |member| member.alert.number != alert);
    rest(slice);
}

/// A group without members has neither timers nor a history: the next alert opens it anew, in whichever batch it comes.
fn rest(slice: &mut Slice) {
    if slice.members.is_empty() {
        slice.dirty |= slice.projection.group.take().is_some();
        slice.due = None;
    }
}

/// Plans the next look: after `group_wait` in a new group, else `group_interval` after the last notification.
fn schedule(at: Moment<'_>, slice: &mut Slice) {
    let (Some(route), Some(group)) = (&at.rules.route, &mut slice.projection.group) else { return };
    let look = match group.last_sent {
        None => at.now.plus(route.group_wait),
        Some(sent) => at.now.max(sent.plus(route.group_interval)),
    };
    let next = group.flush_at.map_or(look, |planned| planned.min(look));
    group.flush_at = Some(next);
    slice.due = Some(next);
}

/// The group's time has come: says what there is to say.
pub(super) fn flush(at: Moment<'_>, slice: &mut Slice, effects: &mut Effects) {
    let Some(mut group) = slice.projection.group.take() else {
        slice.due = None;
        return;
    };
    let receiver = at.rules.receiver(&group.receiver).filter(|receiver| receiver.channels.contains(&group.channel));
    let (Some(receiver), Some(route)) = (receiver, &at.rules.route) else {
        drop_members(slice, |_| false);
        slice.dirty = true;
        rest(slice);
        return;
    };
    let Says { something, repeat } = Says::now(at, slice, receiver, route, group.last_sent);
    if something {
        group.sequence += 1;
        group.last_sent = Some(at.now);
        effects.notifications.push(notification(at, slice, &group, receiver, repeat));
        for member in slice.members.values_mut() {
            let alert = &member.alert;
            member.told = Some(Told { state: alert.state, severity: alert.severity, at: at.now });
            member.changed = true;
        }
    }
    drop_members(slice, |member| member.alert.state == AlertState::Firing && member.told.is_some());
    // Where the last one lies further back, there was nothing to repeat.
    let last = group.last_sent.filter(|sent| sent.plus(route.repeat_interval) > at.now).unwrap_or(at.now);
    group.flush_at = Some(last.plus(route.repeat_interval));
    slice.due = group.flush_at;
    slice.projection.group = Some(group);
    slice.dirty = true;
    rest(slice);
}

/// Lets go of the members that `keep` does not hold.
fn drop_members(slice: &mut Slice, keep: impl Fn(&Member) -> bool) {
    let gone = slice.members.iter().filter(|(_, member)| !keep(member)).map(|(number, _)| *number);
    let gone: Vec<u64> = gone.collect();
    for number in &gone {
        slice.members.remove(number);
    }
    slice.dirty |= !gone.is_empty();
    slice.removed_members.extend(gone);
}

struct Says {
    something: bool,
    /// Nothing changed; the receiver is reminded.
    repeat: bool,
}

impl Says {
    fn now(at: Moment<'_>, slice: &Slice, receiver: &Receiver, route: &Route, last_sent: Option<Timestamp>) -> Self {
        let fires = |member: &Member| member.alert.state == AlertState::Firing;
        let new = slice.members.values().any(|member| {
            let known = member
                .told
                .is_some_and(|told| told.state == AlertState::Firing && told.severity >= member.alert.severity);
            fires(member) && !known
        });
        let ended = receiver.send_resolved && slice.members.values().any(|member| is_announced_end(&member.alert));
        let due = last_sent.is_some_and(|sent| sent.plus(route.repeat_interval) <= at.now);
        let repeat = !new && !ended && due && slice.members.values().any(fires);
        // A receiver that the route has left still hears of the end of what it was told.
        let routed = receiver.name == route.receiver;
        Self { something: ended || (routed && (new || repeat)), repeat }
    }
}

/// An expired alert is listed in digests and never announced as resolved.
fn is_announced_end(alert: &Alert) -> bool {
    matches!(alert.state, AlertState::Resolved | AlertState::Closed)
}

fn notification(at: Moment<'_>, slice: &Slice, group: &Group, receiver: &Receiver, repeat: bool) -> Notification {
    let mut firing: Vec<&Alert> = Vec::new();
    let mut ended: Vec<&Alert> = Vec::new();
    for Member { alert, .. } in slice.members.values() {
        if alert.state == AlertState::Firing {
            firing.push(alert);
        } else if receiver.send_resolved && is_announced_end(alert) {
            ended.push(alert);
        }
    }
    firing.sort_by_key(|alert| (std::cmp::Reverse(alert.severity), alert.number));
    let sequence = group.sequence.to_string();
    Notification {
        key: key_of(&[&slice.subject.id, &sequence, &at.now.0.to_string()]),
        receiver: receiver.name.clone(),
        phi: receiver.phi,
        channel: group.channel.clone(),
        group: slice.subject.id.clone(),
        due: at.now,
        content: Content::Alerts {
            group_labels: group.labels.clone(),
            firing_omitted: firing.len().saturating_sub(ALERTS_SHOWN),
            ended_omitted: ended.len().saturating_sub(ALERTS_SHOWN),
            firing: firing.into_iter().take(ALERTS_SHOWN).cloned().collect(),
            ended: ended.into_iter().take(ALERTS_SHOWN).cloned().collect(),
            repeat,
        },
    }
}

/// A notification was given up: what it told counts as not told, and the group tries anew.
pub(super) fn failed(at: Moment<'_>, slice: &mut Slice) {
    for member in slice.members.values_mut() {
        member.told = None;
        member.changed = true;
    }
    slice.dirty = true;
    if !slice.members.is_empty() {
        schedule(at, slice);
    }
}

/// Someone asked for something.
pub(super) fn command(at: Moment<'_>, slice: &Slice, command: &Command, effects: &mut Effects) {
    match command {
        Command::TestNotification { receiver, by } => {
            let Some(receiver) = at.rules.receiver(receiver) else { return };
            for (place, channel) in receiver.channels.iter().enumerate() {
                effects.notifications.push(Notification {
                    key: key_of(&[&slice.subject.id, &at.position.to_string(), &place.to_string()]),
                    receiver: receiver.name.clone(),
                    phi: receiver.phi,
                    channel: channel.clone(),
                    group: String::new(),
                    due: at.now,
                    content: Content::Test { by: by.clone() },
                });
            }
        }
    }
}
