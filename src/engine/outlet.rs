//! One way to one receiver: how many messages go over it, and what is folded into one.
//!
//! Up to three quarters of the cap go as they come. Beyond that messages are held, and go together as one summary; the last
//! quarter of the cap is for these, and half of that for messages about critical alerts, which go as they come.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::alert::{Alert, AlertState};
use super::effect::{ALERTS_SHOWN, Content, Counts, Effects, Folded, Notification, Summary};
use super::event::{DeliveryFailure, Message, Saying};
use super::lifecycle::{Moment, key_of};
use super::outage::{Outage, RETURNS_WITHIN};
use super::receiver::{Cap, Channel};
use super::rule::Severity;
use super::rule_set::RuleSet;
use super::slice::Slice;
use super::subject::{Subject, SubjectKind};
use super::time::Timestamp;

/// How long the first summary waits for the rest, and how long where it holds something critical.
const GATHERS: Duration = Duration::from_secs(60);
const GATHERS_URGENT: Duration = Duration::from_secs(5);

/// How long it is remembered what a summary stood for, should it be given up.
const REMEMBERS: Duration = Duration::from_secs(4 * 24 * 60 * 60);

/// What the group of a summary begins with, so that its failure comes back here.
const GROUP: &str = "outlet ";

/// What an outlet remembers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outlet {
    pub receiver: String,
    pub channel: Channel,
    /// When messages went, within the time of the cap.
    pub sent: VecDeque<Timestamp>,
    pub last_summary: Option<Timestamp>,
    /// What waits for the next summary, by group: what a group says later takes the place of what it said before.
    pub held: BTreeMap<String, HeldBack>,
    /// Why, since when and how many messages.
    pub why: Option<Folded>,
    pub since: Option<Timestamp>,
    pub messages: u64,
    /// What summaries stood for.
    pub folded: Vec<FoldedInto>,
    /// Summaries made so far.
    pub sequence: u64,
    /// Until when the daemon was away, while it holds what was due then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub away_until: Option<Timestamp>,
    /// What the next summary has to tell of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outage: Option<Outage>,
}

/// What one group would have said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeldBack {
    /// The keys of its notifications.
    pub keys: Vec<String>,
    pub counts: Counts,
    pub alerts: Vec<Alert>,
    /// What ended, as many as one message shows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ended: Vec<Alert>,
}

/// The notifications that a summary stood for, each with its group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FoldedInto {
    pub summary: String,
    pub at: Timestamp,
    pub notifications: Vec<DeliveryFailure>,
}

/// The subject that stands for a way to a receiver.
pub(super) fn subject(receiver: &str, channel: &Channel) -> Subject {
    Subject::new(SubjectKind::Outlet, key_of(&[receiver, channel.kind(), &channel.destination()]))
}

/// The subject that answers for a notification of this group.
#[must_use]
pub fn answers_for(group: &str) -> Subject {
    match group.strip_prefix(GROUP) {
        Some(outlet) => Subject::new(SubjectKind::Outlet, outlet),
        None => Subject::new(SubjectKind::Group, group),
    }
}

/// A group has something to say: it goes, or is held.
pub(super) fn says(at: Moment<'_>, slice: &mut Slice, saying: &Saying, effects: &mut Effects) {
    let Saying { notification, held, away, counts } = saying;
    // Programs need every message, each by itself.
    if !notification.channel.is_read_by_people() {
        effects.notifications.push(notification.clone());
        return;
    }
    let cap = at.rules.receiver(&notification.receiver).and_then(|receiver| receiver.cap);
    let outlet =
        slice.projection.outlet.get_or_insert_with(|| Outlet::new(&notification.receiver, &notification.channel));
    slice.dirty = true;
    outlet.forget(cap, at.now);
    let urgent = is_urgent(firing(notification));
    let room = cap.is_none_or(|cap| match urgent {
        true => outlet.sent.len() < cap.for_urgent(),
        false => outlet.held.is_empty() && outlet.sent.len() < cap.by_themselves(),
    });
    // What has become urgent since the return does not wait for what is told of it.
    let returned = at.standing.away.is_some_and(|away| away.to <= at.now);
    let waits = *away && !(returned && urgent);
    if room && !held && !waits {
        outlet.told_by_itself(&notification.group);
        if cap.is_some() {
            outlet.sent.push_back(at.now);
        }
        effects.notifications.push(notification.clone());
        return;
    }
    let why = match (waits, held) {
        (true, _) => Folded::Outage,
        (false, true) => Folded::Quiet,
        (false, false) => Folded::Cap,
    };
    let away = at.standing.away.filter(|_| waits);
    outlet.hold(notification, counts, why, (at.now, away.map(|away| away.from)));
    if let Some(away) = away {
        outlet.away_until = Some(away.to);
    }
    slice.due = Some(outlet.summary_due(cap, at.now));
}

/// The open alerts that a group lists.
fn firing(notification: &Notification) -> &[Alert] {
    match &notification.content {
        Content::Alerts { firing, .. } => firing,
        _ => &[],
    }
}

/// Whether there is something among them for which nobody should wait.
fn is_urgent(alerts: &[Alert]) -> bool {
    alerts.iter().any(|alert| alert.severity == Severity::Critical)
}

/// The daemon was away and is back: what was held for that goes in one message, which also tells what may be missing.
pub(super) fn returned(
    at: Moment<'_>,
    slice: &mut Slice,
    (receiver, channel): (&str, &Channel),
    outage: &Outage,
    effects: &mut Effects,
) {
    let holds = slice.projection.outlet.as_ref().is_some_and(|outlet| outlet.why == Some(Folded::Outage));
    if !holds && !outage.may_lack() && !outage.late {
        return;
    }
    let outlet = slice.projection.outlet.get_or_insert_with(|| Outlet::new(receiver, channel));
    outlet.why = Some(Folded::Outage);
    outlet.away_until = None;
    outlet.outage = Some(outage.clone());
    outlet.since = outlet.since.or(Some(outage.interval.from));
    slice.dirty = true;
    summarize(at, slice, effects);
}

/// What tells each way to people that the daemon is back: only receivers that routes lead to have missed something.
#[must_use]
pub fn tells_of_return(rules: &RuleSet, outage: &Outage) -> Vec<(Subject, Message)> {
    let receivers = rules.receivers.iter().filter(|receiver| rules.leads_to(&receiver.name));
    let ways = receivers.flat_map(|receiver| receiver.channels.iter().map(|channel| (&receiver.name, channel)));
    let told = |(receiver, channel): (&String, &Channel)| {
        let (to, channel, outage) = (subject(receiver, channel), channel.clone(), Box::new(outage.clone()));
        (to, Message::IsBack { receiver: receiver.clone(), channel, outage })
    };
    ways.filter(|(_, channel)| channel.is_read_by_people()).map(told).collect()
}

/// The time of the next summary has come.
pub(super) fn due(at: Moment<'_>, slice: &mut Slice, effects: &mut Effects) {
    slice.due = None;
    slice.dirty = true;
    let Some(outlet) = &mut slice.projection.outlet else { return };
    let receiver = at.rules.receiver(&outlet.receiver).filter(|known| known.channels.contains(&outlet.channel));
    let Some(receiver) = receiver else {
        outlet.held.clear();
        return;
    };
    outlet.forget(receiver.cap, at.now);
    if outlet.held.is_empty() {
        return;
    }
    let due = outlet.summary_due(receiver.cap, at.now);
    if due > at.now {
        slice.due = Some(due);
        return;
    }
    summarize(at, slice, effects);
}

/// Says in one message what is held.
fn summarize(at: Moment<'_>, slice: &mut Slice, effects: &mut Effects) {
    let outlet_id = slice.subject.id.to_string();
    let Some(outlet) = &mut slice.projection.outlet else { return };
    let Some(receiver) = at.rules.receiver(&outlet.receiver) else { return };
    slice.due = None;
    outlet.sequence += 1;
    outlet.last_summary = Some(at.now);
    if receiver.cap.is_some() {
        outlet.sent.push_back(at.now);
    }
    let key = key_of(&[&outlet_id, &outlet.sequence.to_string(), &at.now.0.to_string()]);
    let summary = outlet.summarize(&key, at.now);
    effects.notifications.push(Notification {
        key,
        receiver: receiver.name.clone(),
        phi: receiver.phi,
        channel: outlet.channel.clone(),
        group: format!("{GROUP}{outlet_id}"),
        due: at.now,
        content: Content::Summary(Box::new(summary)),
        remarks: Vec::new(),
    });
}

/// A summary was given up: the groups count what it stood for as not told.
pub(super) fn failed(slice: &mut Slice, failure: &DeliveryFailure, effects: &mut Effects) {
    let Some(outlet) = &mut slice.projection.outlet else { return };
    let Some(place) = outlet.folded.iter().position(|folded| folded.summary == failure.key) else { return };
    slice.dirty = true;
    for notification in outlet.folded.remove(place).notifications {
        let group = Subject::new(SubjectKind::Group, notification.group.clone());
        effects.messages.push_back((group, Message::Failed(Box::new(notification))));
    }
}

impl Outlet {
    fn new(receiver: &str, channel: &Channel) -> Self {
        Self {
            receiver: receiver.to_owned(),
            channel: channel.clone(),
            sent: VecDeque::new(),
            last_summary: None,
            held: BTreeMap::new(),
            why: None,
            since: None,
            messages: 0,
            folded: Vec::new(),
            sequence: 0,
            away_until: None,
            outage: None,
        }
    }

    fn forget(&mut self, cap: Option<Cap>, now: Timestamp) {
        let per = cap.map_or(Duration::ZERO, |cap| cap.per);
        while self.sent.front().is_some_and(|sent| sent.plus(per) <= now) {
            self.sent.pop_front();
        }
        self.folded.retain(|folded| folded.at.plus(REMEMBERS) > now);
    }

    /// A group says by itself how it stands, so that a summary need not say it; but for what had ended before.
    fn told_by_itself(&mut self, group: &str) {
        let Some(held) = self.held.get_mut(group) else { return };
        held.counts.open.clear();
        held.alerts.clear();
        if held.counts.ended.is_empty() {
            self.messages -= held.keys.len() as u64;
            self.held.remove(group);
        }
        // That the daemon was away is told all the same.
        if self.held.is_empty() && self.away_until.is_none() {
            (self.why, self.since) = (None, None);
        }
    }

    /// Keeps what a notification says for a summary. What came and went after the daemon was `gone` is only counted.
    fn hold(
        &mut self,
        notification: &Notification,
        counts: &Counts,
        why: Folded,
        (now, gone): (Timestamp, Option<Timestamp>),
    ) {
        let Content::Alerts { firing, ended, .. } = &notification.content else { return };
        let group = self.held.entry(notification.group.clone()).or_insert_with(|| HeldBack {
            keys: Vec::new(),
            counts: Counts::default(),
            alerts: Vec::new(),
            ended: Vec::new(),
        });
        // What it has open it says anew each time; an end it says once.
        let mut counts = counts.clone();
        for (rule, ended) in std::mem::take(&mut group.counts.ended) {
            *counts.ended.entry(rule).or_default() += ended;
        }
        group.counts = counts;
        group.alerts.clone_from(firing);
        let known = ended.iter().filter(|alert| gone.is_none_or(|gone| alert.noticed_at < gone));
        let more = known.take(ALERTS_SHOWN.saturating_sub(group.ended.len()));
        group.ended.extend(more.cloned());
        group.keys.push(notification.key.clone());
        self.why = Some(match (self.why, why) {
            (Some(Folded::Outage), _) | (_, Folded::Outage) => Folded::Outage,
            (Some(Folded::Cap), _) => Folded::Cap,
            _ => why,
        });
        self.since = self.since.or(Some(now));
        self.messages += 1;
    }

    /// When the next summary goes.
    fn summary_due(&self, cap: Option<Cap>, now: Timestamp) -> Timestamp {
        // The row that ends the outage comes before that.
        if let Some(back) = self.away_until.filter(|_| self.why == Some(Folded::Outage)) {
            return back.plus(RETURNS_WITHIN);
        }
        let Some(cap) = cap else { return now };
        // The last one that there is room for must hold as much as it can.
        let last = self.sent.len() + 2 > cap.messages as usize;
        let urgent = !last && self.held.values().any(|held| is_urgent(&held.alerts));
        let gathered = match self.why {
            // All that was held back for quiet hours comes at the same instant.
            Some(Folded::Quiet | Folded::Outage) | None => now,
            Some(Folded::Cap) => self.since.unwrap_or(now).plus(if urgent { GATHERS_URGENT } else { GATHERS }),
        };
        let between = cap.between_summaries();
        let between = if urgent { between.min(GATHERS) } else { between };
        let spaced = self.last_summary.map_or(now, |last| last.plus(between));
        // When enough of what was sent lies far enough back.
        let too_many = (self.sent.len() + 1).saturating_sub(cap.messages as usize);
        let room = too_many.checked_sub(1).and_then(|last| self.sent.get(last)).map_or(now, |sent| sent.plus(cap.per));
        gathered.max(spaced).max(room).max(now)
    }

    fn summarize(&mut self, key: &str, now: Timestamp) -> Summary {
        let mut counts = Counts::default();
        let (mut alerts, mut ended) = (Vec::new(), Vec::new());
        let mut notifications = Vec::new();
        for (group, held) in std::mem::take(&mut self.held) {
            counts.add_all(&held.counts);
            alerts.extend(held.alerts.into_iter().filter(|alert| alert.state == AlertState::Firing));
            ended.extend(held.ended);
            notifications.extend(held.keys.into_iter().map(|key| DeliveryFailure { key, group: group.clone() }));
        }
        alerts.sort_by_key(|alert: &Alert| (std::cmp::Reverse(alert.severity), alert.number));
        alerts.truncate(ALERTS_SHOWN);
        ended.sort_by_key(|alert| alert.number);
        ended.truncate(ALERTS_SHOWN);
        self.folded.push(FoldedInto { summary: key.to_owned(), at: now, notifications });
        Summary {
            why: self.why.take().unwrap_or(Folded::Cap),
            outage: self.outage.take(),
            since: self.since.take().unwrap_or(now),
            messages: std::mem::take(&mut self.messages),
            counts,
            alerts,
            ended,
        }
    }
}
