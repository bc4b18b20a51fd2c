//! Silences: for a time, nobody is told of the alerts that they match.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::alert::Labels;
use super::effect::{Content, Effects, Notification};
use super::event::Message;
use super::lifecycle::{Moment, key_of};
use super::people::Actor;
use super::receiver::Channel;
use super::route::Matcher;
use super::slice::Slice;
use super::subject::{Subject, SubjectKind};
use super::time::Timestamp;

/// How long before its end a silence is announced to those from whom it hides something: a quarter of its time, and an hour
/// at most.
const ANNOUNCED: i64 = 60 * 60 * 1000;

/// A silence, from the moment on at which somebody asked for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Silence {
    /// Short number, unique in this store; 0 until the journal row that brings it is decided.
    #[serde(default)]
    pub number: u64,
    /// What an alert must have; all of them.
    pub matchers: Vec<Matcher>,
    pub from: Timestamp,
    /// `None`: until the alerts that it covers have ended.
    pub until: Option<Timestamp>,
    /// Where it has no `until`: the open alerts that it covers, as they were when it was made.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub alerts: BTreeSet<u64>,
    pub by: Actor,
    pub comment: String,
}

impl Eq for Silence {}

impl Silence {
    /// Whether it hides the alert with this number and these labels at `now`.
    #[must_use]
    pub fn hides(&self, alert: u64, labels: &Labels, now: Timestamp) -> bool {
        let runs = self.from <= now && self.until.is_none_or(|until| now < until);
        runs && match self.until {
            None => self.alerts.contains(&alert),
            Some(_) => self.matchers.iter().all(|matcher| matcher.holds(labels)),
        }
    }

    fn announced_at(&self) -> Option<Timestamp> {
        let until = self.until?;
        let before = ((until.0 - self.from.0) / 4).clamp(0, ANNOUNCED);
        Some(Timestamp(until.0 - before))
    }
}

/// A silence with how it ended, where it has: a row for people to read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SilenceRecord {
    pub silence: Silence,
    /// The journal row that brought it.
    pub position: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Who ended it before its time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<Actor>,
}

/// What the slice of a silence remembers: from which groups it hides something.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Hiding {
    pub groups: BTreeSet<String>,
    /// Their receivers, once each, with the alerts that it hides from them.
    pub from: Vec<(String, Channel, BTreeSet<u64>)>,
    pub announced: bool,
}

/// The subject that stands for a silence.
pub(super) fn subject(number: u64) -> Subject {
    Subject::new(SubjectKind::Silence, number.to_string())
}

/// It begins, or is known to begin later.
pub(super) fn begin(slice: &mut Slice, silence: &Silence) {
    slice.projection.hiding = Some(Hiding::default());
    slice.due = silence.announced_at().or(silence.until);
    slice.dirty = true;
}

/// A group holds an alert back because of it.
pub(super) fn hides(slice: &mut Slice, group: &str, receiver: &str, channel: &Channel, alert: u64) {
    let Some(hiding) = &mut slice.projection.hiding else { return };
    hiding.groups.insert(group.to_owned());
    match hiding.from.iter_mut().find(|(name, way, _)| name == receiver && way == channel) {
        Some((_, _, alerts)) => drop(alerts.insert(alert)),
        None => hiding.from.push((receiver.to_owned(), channel.clone(), BTreeSet::from([alert]))),
    }
    slice.dirty = true;
}

/// A group holds an alert back no longer, or for another reason.
pub(super) fn hides_no_more(slice: &mut Slice, receiver: &str, channel: &Channel, alert: u64) {
    let Some(hiding) = &mut slice.projection.hiding else { return };
    for (name, way, alerts) in &mut hiding.from {
        if name == receiver && way == channel {
            slice.dirty |= alerts.remove(&alert);
        }
    }
}

/// Its announcement or its end has come.
pub(super) fn due(at: Moment<'_>, slice: &mut Slice, effects: &mut Effects) {
    let silence = at.standing.silences.iter().find(|silence| subject(silence.number) == slice.subject);
    let Some(silence) = silence else { return end(slice, effects) };
    let Some(until) = silence.until else {
        slice.due = None;
        slice.dirty = true;
        return;
    };
    if until <= at.now {
        return end(slice, effects);
    }
    if let Some(hiding) = slice.projection.hiding.as_mut().filter(|hiding| !hiding.announced) {
        hiding.announced = true;
        for (place, (receiver, channel, alerts)) in hiding.from.iter().enumerate() {
            let known = at.rules.receiver(receiver).filter(|known| known.channels.contains(channel));
            let Some(receiver) = known.filter(|_| !alerts.is_empty()) else { continue };
            effects.notifications.push(Notification {
                key: key_of(&["silence", &silence.number.to_string(), &place.to_string()]),
                receiver: receiver.name.clone(),
                phi: receiver.phi,
                channel: channel.clone(),
                group: String::new(),
                due: at.now,
                content: Content::SilenceEnds {
                    silence: silence.number,
                    by: silence.by.name.clone(),
                    until,
                    hidden: alerts.len() as u64,
                },
                remarks: Vec::new(),
            });
        }
    }
    slice.due = Some(until);
    slice.dirty = true;
}

/// It is over: the groups that held something back look anew.
pub(super) fn end(slice: &mut Slice, effects: &mut Effects) {
    if let Some(hiding) = slice.projection.hiding.take() {
        for group in hiding.groups {
            effects.messages.push_back((Subject::new(SubjectKind::Group, group), Message::Unhidden));
        }
    }
    slice.due = None;
    slice.dirty = true;
}
