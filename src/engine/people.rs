//! What people do about an alert: they take it on, give it back, assign it, write about it, call it resolved.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::alert::{Acknowledgement, Alert, Note, Reason};
use super::effect::Effects;
use super::event::News;
use super::grouping;
use super::lifecycle::{self, Moment};
use super::slice::Slice;
use super::time::Timestamp;
use super::wake;

/// Who did something, and by which way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// As they gave it, or as the system knows them.
    pub name: String,
    /// How it came: `command line`, `the link sent to logistics@clinic.example`, `Slack`.
    pub via: String,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} by {}", self.name, self.via)
    }
}

/// What somebody does about an alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum Act {
    /// Takes it on; with `until` for that long.
    Acknowledge {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
    },
    /// Gives it back.
    Unacknowledge,
    /// Says who is to see to it; `None` takes that back.
    Assign {
        to: Option<String>,
    },
    Note {
        text: String,
    },
    /// Says that it is over.
    Resolve,
}

impl Act {
    /// The word for it in commands and the audit log.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Acknowledge { .. } => "acknowledge",
            Self::Unacknowledge => "unacknowledge",
            Self::Assign { .. } => "assign",
            Self::Note { .. } => "note",
            Self::Resolve => "resolve",
        }
    }
}

/// One line of the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    pub at: Timestamp,
    /// The journal row that asked for it.
    pub position: u64,
    pub by: Actor,
    /// The word for what was done: `acknowledge`, `silence` and the like.
    pub act: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silence: Option<u64>,
    /// What was written, for whom it was assigned, until when it holds.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// False where it came to nothing, since the alert had ended.
    pub done: bool,
}

/// Takes in what somebody does about an alert of this subject.
pub(super) fn act(at: Moment<'_>, slice: &mut Slice, number: u64, act: &Act, by: &Actor, effects: &mut Effects) {
    let place = slice.alerts.iter().position(|alert| alert.number == number);
    effects.records.actions.push(Action {
        at: at.now,
        position: at.position,
        by: by.clone(),
        act: act.as_str().to_owned(),
        alert: Some(number),
        silence: None,
        detail: detail(act),
        done: place.is_some(),
    });
    let Some(place) = place else { return };
    if *act == Act::Resolve {
        let alert = slice.alerts.remove(place);
        slice.dirty = true;
        slice.unarmed = true;
        lifecycle::end(at, alert, at.now, Reason::ByHand { by: by.name.clone() }, None, effects);
        wake::arm(at, slice);
        return;
    }
    let alert = &mut slice.alerts[place];
    let reminds = change(alert, at.now, act, by);
    alert.changed = true;
    grouping::tell_groups(alert, if reminds { News::Reminds } else { News::Shown }, effects);
    slice.unarmed = true;
    wake::arm(at, slice);
}

/// Changes the alert; true where its receivers are to be reminded of it.
fn change(alert: &mut Alert, now: Timestamp, act: &Act, by: &Actor) -> bool {
    match act {
        Act::Acknowledge { until } => {
            let acknowledged = Acknowledgement { by: by.name.clone(), at: now, until: *until };
            alert.acknowledged = Some(Box::new(acknowledged));
            false
        }
        Act::Unacknowledge => give_back(alert, now),
        Act::Assign { to } => {
            alert.assignee.clone_from(to);
            false
        }
        Act::Note { text } => {
            alert.notes.push(Note { by: by.name.clone(), at: now, text: text.clone() });
            false
        }
        Act::Resolve => false,
    }
}

/// Nobody has it any more: its receivers are told again, and escalation counts from now.
fn give_back(alert: &mut Alert, now: Timestamp) -> bool {
    let was = alert.acknowledged.take().is_some();
    if was {
        alert.escalates_from = Some(now);
        alert.escalated.clear();
    }
    was
}

fn detail(act: &Act) -> String {
    match act {
        Act::Acknowledge { until: Some(until) } => format!("until {until}"),
        Act::Assign { to: Some(to) } => format!("to {to}"),
        Act::Assign { to: None } => "to nobody".to_owned(),
        Act::Note { text } => text.clone(),
        Act::Acknowledge { until: None } | Act::Unacknowledge | Act::Resolve => String::new(),
    }
}

/// When an acknowledgement lapses.
pub(super) fn lapses(alert: &Alert) -> Option<Timestamp> {
    alert.acknowledged.as_ref().and_then(|acknowledged| acknowledged.until)
}

/// Takes back acknowledgements whose time is over.
pub(super) fn due(at: Moment<'_>, slice: &mut Slice, effects: &mut Effects) {
    for alert in &mut slice.alerts {
        if lapses(alert).is_none_or(|until| until > at.now) {
            continue;
        }
        let by = alert.acknowledged.as_ref().map(|acknowledged| acknowledged.by.clone()).unwrap_or_default();
        effects.records.actions.push(Action {
            at: at.now,
            position: at.position,
            by: Actor { name: by, via: "the end of the time that it was given for".to_owned() },
            act: "unacknowledge".to_owned(),
            alert: Some(alert.number),
            silence: None,
            detail: String::new(),
            done: true,
        });
        give_back(alert, at.now);
        alert.changed = true;
        grouping::tell_groups(alert, News::Reminds, effects);
    }
}
