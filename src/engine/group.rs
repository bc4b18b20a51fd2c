//! A notification group: which of its alerts the receiver is told of, and when. Alertmanager's decisions, made durable.

use std::time::Duration;

use super::alert::{Alert, AlertState};
use super::effect::{ALERTS_SHOWN, Content, Counts, Effects, Notification};
use super::event::{Announcement, Command, DeliveryFailure, Message, News, Saying};
use super::lifecycle::{Moment, key_of};
use super::muting::{Cause, Held, Holds, Suppression};
use super::receiver::{LONGEST_PATIENCE, Receiver};
use super::route::Route;
use super::slice::{Group, Member, Slice, Told};
use super::time::Timestamp;
use super::{outlet, silence};

/// For how long the end of an alert is kept after it was told, in case that notification is given up: as long as
/// `delivery.give_up_after` can be, and an hour for the last attempt.
const KEEP_ENDS: Duration = LONGEST_PATIENCE.saturating_add(Duration::from_secs(60 * 60));

/// How many ends are kept at most; the oldest go first.
const ENDS_KEPT: usize = 200;

/// How long a summary of what was so already when its rules came waits for the rest: subjects are judged little by little.
const BASELINE_WAIT: Duration = Duration::from_secs(2 * 60);

/// The longest that repeats are spaced by `repeat_backoff`.
const LONGEST_REPEAT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// An alert of this group fired, was raised, ended, or has fresher evidence.
pub(super) fn hear(at: Moment<'_>, slice: &mut Slice, announcement: &Announcement, effects: &mut Effects) {
    let alert = &announcement.alert;
    let open = alert.state == AlertState::Firing;
    let known = slice.members.get(&alert.number);
    let never_told = known.is_none_or(|member| member.told.is_none());
    // Whoever takes an alert on spares those to whom it was to go next.
    let spared = announcement.group.urgent && alert.acknowledged.is_some();
    if never_told && (!open || spared) {
        leave(at, slice, alert.number, effects);
        return;
    }
    let (told, held) = known.map(|member| (member.told.clone(), member.held.clone())).unwrap_or_default();
    slice.members.insert(alert.number, Member { alert: alert.clone(), told, held, changed: true });
    slice.dirty = true;
    if slice.projection.group.is_none() {
        let opening = &announcement.group;
        slice.projection.group = Some(Group {
            route: opening.route.clone(),
            receiver: opening.receiver.clone(),
            channel: opening.channel.clone(),
            labels: opening.labels.clone(),
            sequence: 0,
            last_sent: None,
            flush_at: None,
            repeats: 0,
            baseline: alert.baseline,
            urgent: opening.urgent,
            reminds: false,
            thread: 0,
        });
    }
    match announcement.news {
        News::Shown if !never_told => show(at, slice, effects),
        News::Reminds if !never_told => {
            show(at, slice, effects);
            remind(at, slice);
        }
        News::Urgent if never_told => look_now(at, slice),
        News::Urgent => {}
        News::None if slice.members.get(&alert.number).is_some_and(is_known) => {}
        _ => schedule(at, slice, Some(alert.number)),
    }
}

/// Whether the receiver knows of a member all that there is to say, and nothing is held back.
fn is_known(member: &Member) -> bool {
    let Member { alert, told, held, .. } = member;
    let knows = |told: &Told| told.state == alert.state && told.severity >= alert.severity;
    held.is_none() && told.as_ref().is_some_and(|told| knows(told))
}

/// The group looks without waiting for anything.
fn look_now(at: Moment<'_>, slice: &mut Slice) {
    let Some(group) = &mut slice.projection.group else { return };
    group.flush_at = Some(at.now);
    slice.due = Some(at.now);
}

/// The route by which an alert is in this group now: another than the one that opened it, where it was raised into that.
fn route_of<'r>(at: Moment<'r>, group: &Group, group_id: &str, alert: &Alert) -> &'r Route {
    let here = alert.groups.iter().find(|known| known.id == group_id);
    at.rules.route_of(here.map_or(&group.route, |here| &here.route), &group.receiver)
}

/// Shows what people did where a message can be changed.
fn show(at: Moment<'_>, slice: &mut Slice, effects: &mut Effects) {
    let Some(mut group) = slice.projection.group.take() else { return };
    let receiver = at.rules.receiver(&group.receiver).filter(|receiver| receiver.channels.contains(&group.channel));
    if let Some(receiver) = receiver.filter(|_| group.channel.updates() && group.last_sent.is_some()) {
        group.sequence += 1;
        let says = Says { update: true, ..Says::default() };
        let told = |member: &Member| member.told.is_some() && !is_told_end(member);
        effects.notifications.push(notification(at, slice, &group, receiver, &says, told));
    }
    slice.projection.group = Some(group);
}

/// The receiver is told again, now.
fn remind(at: Moment<'_>, slice: &mut Slice) {
    if let Some(group) = &mut slice.projection.group {
        group.reminds = true;
    }
    look_now(at, slice);
}

/// The alert is nothing for this group any more.
pub(super) fn leave(at: Moment<'_>, slice: &mut Slice, alert: u64, effects: &mut Effects) {
    if let Some(member) = slice.members.get_mut(&alert)
        && let Some(group) = &slice.projection.group
    {
        hold(at, group, &slice.subject.id, member, None, effects);
    }
    drop_members(slice, |member| member.alert.number != alert);
    rest(slice);
}

/// Something that held messages back is over.
pub(super) fn unhidden(at: Moment<'_>, slice: &mut Slice) {
    if slice.members.values().any(|member| member.held.is_some()) {
        schedule(at, slice, None);
        slice.dirty = true;
    }
}

/// Keeps in mind, and in the records, what holds a member back from now on; `None` where nothing does.
fn hold(
    at: Moment<'_>,
    group: &Group,
    group_id: &str,
    member: &mut Member,
    cause: Option<Cause>,
    effects: &mut Effects,
) {
    if member.held.as_ref().map(|held| &held.cause) == cause.as_ref() {
        return;
    }
    let record = |held: &Held, until| Suppression {
        alert: member.alert.number,
        group: group_id.to_owned(),
        receiver: group.receiver.clone(),
        channel: group.channel.kind().to_owned(),
        cause: held.cause.clone(),
        from: held.since,
        until,
    };
    let over = member.held.as_ref().map(|held| record(held, Some(at.now)));
    let held = cause.map(|cause| Held { cause, since: at.now });
    let begins = held.as_ref().map(|held| record(held, None));
    if let Some(Cause::Silenced { silence: number }) = member.held.as_ref().map(|held| &held.cause) {
        let (receiver, channel) = (group.receiver.clone(), group.channel.clone());
        let message = Message::HidesNoMore { receiver, channel, alert: member.alert.number };
        effects.messages.push_back((silence::subject(*number), message));
    }
    if let Some(Held { cause: Cause::Silenced { silence: number }, .. }) = &held {
        let message = Message::Hides {
            group: group_id.to_owned(),
            receiver: group.receiver.clone(),
            channel: group.channel.clone(),
            alert: member.alert.number,
        };
        effects.messages.push_back((silence::subject(*number), message));
    }
    effects.records.suppressions.extend(over.into_iter().chain(begins));
    member.held = held.map(Box::new);
    member.changed = true;
}

/// A group that has nothing left to say has neither timers nor a history: the next alert opens it anew, in whichever batch
/// it comes. Only the ends that it has told are kept for a while.
fn rest(slice: &mut Slice) {
    if !slice.members.values().all(is_told_end) {
        return;
    }
    let first_told = slice.members.values().filter_map(|member| member.told.as_ref()).map(|told| told.at).min();
    match &mut slice.projection.group {
        Some(group) if first_told.is_some() => (group.last_sent, group.flush_at) = (None, None),
        group => *group = None,
    }
    slice.due = first_told.map(|at| at.plus(KEEP_ENDS));
    slice.dirty = true;
}

/// Whether the receiver knows of this alert's end: there is nothing more to say of it.
fn is_told_end(member: &Member) -> bool {
    let state = member.alert.state;
    state != AlertState::Firing && member.told.as_ref().is_some_and(|told| told.state == state)
}

/// Plans the next look for the sake of one alert, or of all: after `group_wait` in a new group, else `group_interval` after the
/// last notification.
fn schedule(at: Moment<'_>, slice: &mut Slice, alert: Option<u64>) {
    let Slice { projection, members, subject, .. } = &*slice;
    let Some(group) = &projection.group else { return };
    let look = |route: &Route| match group.last_sent {
        None if group.urgent => at.now,
        None if group.baseline => at.now.plus(route.group_wait.max(BASELINE_WAIT)),
        None => at.now.plus(route.group_wait),
        Some(sent) => at.now.max(sent.plus(route.group_interval)),
    };
    let concerned = members.values().filter(|member| alert.is_none_or(|alert| alert == member.alert.number));
    let looks = concerned.map(|member| look(route_of(at, group, &subject.id, &member.alert)));
    if let Some(next) = looks.min() {
        look_by(slice, next);
    }
}

/// The group looks then, or earlier where that is planned.
fn look_by(slice: &mut Slice, latest: Timestamp) {
    let Some(group) = &mut slice.projection.group else { return };
    let next = group.flush_at.map_or(latest, |planned| planned.min(latest));
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
    let Some(receiver) = receiver else {
        drop_members(slice, |_| false);
        slice.dirty = true;
        rest(slice);
        return;
    };
    let (look, after_quiet) = look_at_holds(at, slice, &group, receiver, effects);
    let repeat_interval = repeat_interval(at, slice, &group);
    let says = Says::now(at, slice, receiver, &group, repeat_interval);
    group.reminds = false;
    if says.something {
        group.repeats = if says.repeat { group.repeats.saturating_add(1) } else { 0 };
        group.sequence += 1;
        if group.last_sent.is_none() || group.thread == 0 {
            let said = slice.members.values().filter(|member| is_said(member, receiver));
            group.thread = said.map(|member| member.alert.number).min().unwrap_or_default();
        }
        group.last_sent = Some(at.now);
        let said = |member: &Member| member.held.is_none() && is_said(member, receiver);
        let notification = notification(at, slice, &group, receiver, &says, said);
        send(at, slice, receiver, notification, after_quiet, effects);
        for member in slice.members.values_mut().filter(|member| said(member)) {
            tell(member, group.sequence, at.now);
        }
    }
    let told_ends = slice.members.values().filter(|member| is_told_end(member)).count();
    let mut too_many = told_ends.saturating_sub(ENDS_KEPT);
    drop_members(slice, |member| {
        if is_told_end(member) {
            let kept = too_many == 0 && member.told.as_ref().is_some_and(|told| at.now < told.at.plus(KEEP_ENDS));
            too_many = too_many.saturating_sub(1);
            return kept;
        }
        let is_held = member.held.is_some();
        is_held || member.alert.state == AlertState::Firing && member.told.is_some()
    });
    let repeat_interval = self::repeat_interval(at, slice, &group);
    // Where the last one lies further back, there was nothing to repeat.
    let last = group.last_sent.filter(|sent| sent.plus(repeat_interval) > at.now).unwrap_or(at.now);
    let repeats_at = last.plus(repeat_interval);
    group.flush_at = Some(look.map_or(repeats_at, |look| look.min(repeats_at)));
    slice.due = group.flush_at;
    slice.projection.group = Some(group);
    slice.dirty = true;
    rest(slice);
}

/// Judges what holds members back. Gives when the clock may let one of them go, and whether what is told now was held back
/// for quiet hours.
fn look_at_holds(
    at: Moment<'_>,
    slice: &mut Slice,
    group: &Group,
    receiver: &Receiver,
    effects: &mut Effects,
) -> (Option<Timestamp>, bool) {
    let mut holds = Holds::of(at, receiver);
    let (mut look, mut after_quiet) = (None, false);
    let Slice { members, subject, .. } = slice;
    for member in members.values_mut().filter(|member| is_said(member, receiver)) {
        let route = route_of(at, group, &subject.id, &member.alert);
        let (cause, until) = holds.why(member, route).map_or((None, None), |(cause, until)| (Some(cause), until));
        let was_quiet = member.held.as_ref().is_some_and(|held| matches!(held.cause, Cause::Quiet { .. }));
        // What has become urgent meanwhile does not wait for them to be over.
        after_quiet |= was_quiet && cause.is_none() && !holds.is_quiet();
        look = look.into_iter().chain(until).min();
        hold(at, group, &subject.id, member, cause, effects);
    }
    (look, after_quiet)
}

/// Hands a notification to its outlet, where the receiver has a limit or quiet hours, or the daemon was away; else to the
/// outbox.
fn send(
    at: Moment<'_>,
    slice: &Slice,
    receiver: &Receiver,
    notification: Notification,
    after_quiet: bool,
    effects: &mut Effects,
) {
    let away = at.standing.was_away(at.now);
    if receiver.cap.is_none() && receiver.quiet.is_none() && !away {
        effects.notifications.push(notification);
        return;
    }
    let mut counts = Counts::default();
    for member in slice.members.values().filter(|member| member.held.is_none() && is_said(member, receiver)) {
        counts.add(&member.alert);
    }
    let outlet = outlet::subject(&receiver.name, &notification.channel);
    let saying = Saying { notification, held: after_quiet, away, counts };
    effects.messages.push_back((outlet, Message::Says(Box::new(saying))));
}

/// The receiver is told of a member. What it knew already, it goes on knowing should this notification fail.
fn tell(member: &mut Member, sequence: u64, now: Timestamp) {
    let Member { alert, told, changed, .. } = member;
    if told.as_ref().is_some_and(|told| told.state == alert.state && told.severity >= alert.severity) {
        return;
    }
    let before = told.take();
    *told = Some(Box::new(Told { state: alert.state, severity: alert.severity, at: now, sequence, before }));
    *changed = true;
}

/// Lets go of the members that `keep` does not hold.
fn drop_members(slice: &mut Slice, mut keep: impl FnMut(&Member) -> bool) {
    let gone = slice.members.iter().filter(|(_, member)| !keep(member)).map(|(number, _)| *number);
    let gone: Vec<u64> = gone.collect();
    for number in &gone {
        slice.members.remove(number);
    }
    slice.dirty |= !gone.is_empty();
    slice.removed_members.extend(gone);
}

/// How long until the group is reminded of: longer each time where the rules of all that is open ask for it.
fn repeat_interval(at: Moment<'_>, slice: &Slice, group: &Group) -> Duration {
    let open = || slice.members.values().filter(|member| member.alert.state == AlertState::Firing);
    let backoff =
        |member: &Member| at.rules.rule(&member.alert.rule).and_then(|rule| rule.repeat_backoff).unwrap_or(1.0);
    let backoff = open().map(backoff).reduce(f64::min).unwrap_or(1.0);
    let times = backoff.powi(i32::try_from(group.repeats).unwrap_or(i32::MAX));
    let of_each = open().map(|member| route_of(at, group, &slice.subject.id, &member.alert).repeat_interval);
    let shortest = of_each.min().unwrap_or_else(|| at.rules.route_of(&group.route, &group.receiver).repeat_interval);
    let longest = LONGEST_REPEAT.max(shortest);
    Duration::try_from_secs_f64(shortest.as_secs_f64() * times).map_or(longest, |spaced| spaced.min(longest))
}

/// What a group says.
#[derive(Clone, Copy, Default)]
struct Says {
    something: bool,
    /// Nothing changed; the receiver is reminded.
    repeat: bool,
    /// People did something, and nothing else changed.
    update: bool,
}

impl Says {
    fn now(at: Moment<'_>, slice: &Slice, receiver: &Receiver, group: &Group, repeat_interval: Duration) -> Self {
        let members = || slice.members.values().filter(|member| member.held.is_none());
        let fires = |member: &&Member| member.alert.state == AlertState::Firing;
        // A receiver that the routes have left still hears of the end of what it was told.
        let routed = |member: &&Member| {
            let escalated = member.alert.groups.iter().any(|group| group.urgent && *group.id == *slice.subject.id);
            escalated || at.rules.routes_to(&receiver.name, &member.alert)
        };
        let new = members().filter(fires).any(|member| !is_known(member) && routed(&member));
        let ended = members().any(|member| !fires(&member) && is_said(member, receiver));
        let due = group.reminds || group.last_sent.is_some_and(|sent| sent.plus(repeat_interval) <= at.now);
        // Whoever has taken an alert on need not be reminded of it.
        let waits = |member: &&Member| fires(member) && routed(member) && member.alert.acknowledged.is_none();
        let repeat = !new && !ended && due && members().any(|member| waits(&member));
        Self { something: ended || new || repeat, repeat, update: false }
    }
}

/// Whether a notification lists this member: while it fires, and once more when it has ended. An expired alert is listed in
/// digests and never announced as resolved.
fn is_said(member: &Member, receiver: &Receiver) -> bool {
    match member.alert.state {
        AlertState::Firing => true,
        AlertState::Resolved | AlertState::Closed => receiver.send_resolved && !is_told_end(member),
        AlertState::Expired => false,
    }
}

fn notification(
    at: Moment<'_>,
    slice: &Slice,
    group: &Group,
    receiver: &Receiver,
    says: &Says,
    said: impl Fn(&Member) -> bool,
) -> Notification {
    let said = slice.members.values().filter(|member| said(member)).map(|member| &member.alert);
    let (mut firing, ended): (Vec<&Alert>, Vec<&Alert>) = said.partition(|alert| alert.state == AlertState::Firing);
    firing.sort_by_key(|alert| (std::cmp::Reverse(alert.severity), alert.number));
    let ends_shown = group.channel.ends_shown();
    Notification {
        key: key(&slice.subject.id, group.sequence, at.now),
        receiver: receiver.name.clone(),
        phi: receiver.phi,
        channel: group.channel.clone(),
        group: slice.subject.id.to_string(),
        due: at.now,
        content: Content::Alerts {
            group_labels: group.labels.clone(),
            firing_omitted: firing.len().saturating_sub(ALERTS_SHOWN),
            ended_omitted: ended.len().saturating_sub(ends_shown),
            firing: firing.into_iter().take(ALERTS_SHOWN).cloned().collect(),
            ended: ended.into_iter().take(ends_shown).cloned().collect(),
            repeat: says.repeat,
            update: says.update,
            thread: group.thread,
        },
        remarks: Vec::new(),
    }
}

/// The key of a group's notification.
fn key(group: &str, sequence: u64, at: Timestamp) -> String {
    key_of(&[group, &sequence.to_string(), &at.0.to_string()])
}

/// A notification was given up: what it was the first to tell counts as not told, and the group tries anew.
pub(super) fn failed(at: Moment<'_>, slice: &mut Slice, failure: &DeliveryFailure) {
    let is_it = |told: &Told| key(&failure.group, told.sequence, told.at) == failure.key;
    let mut forgotten = false;
    for member in slice.members.values_mut() {
        if forget(&mut member.told, &is_it) {
            member.changed = true;
            forgotten = true;
        }
    }
    if !forgotten {
        return;
    }
    drop_members(slice, |member| member.alert.state == AlertState::Firing || member.told.is_some());
    if slice.members.values().any(|member| !is_told_end(member)) {
        try_again(at, slice);
        slice.dirty = true;
    }
    rest(slice);
}

/// Plans to tell anew what was given up, as late as a reminder: what is refused for good is refused again. News come earlier,
/// and bring it along.
fn try_again(at: Moment<'_>, slice: &mut Slice) {
    let Some(group) = &slice.projection.group else { return };
    let again = group.last_sent.unwrap_or(at.now).plus(repeat_interval(at, slice, group)).max(at.now);
    look_by(slice, again);
}

/// Takes one notification out of what a receiver was told; true where it was there.
fn forget(told: &mut Option<Box<Told>>, is_it: &impl Fn(&Told) -> bool) -> bool {
    match told {
        Some(known) if is_it(known) => {
            *told = known.before.take();
            true
        }
        Some(known) => forget(&mut known.before, is_it),
        None => false,
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
                    remarks: Vec::new(),
                });
            }
        }
        Command::Alert { .. } | Command::Silence { .. } | Command::Unsilence { .. } => {}
    }
}
