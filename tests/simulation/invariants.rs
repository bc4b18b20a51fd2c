//! What holds of everything that is decided, whatever the rules and the history.

use std::collections::{BTreeMap, BTreeSet};

use pulsewarden::engine::{
    Alert, AlertState, Content, DeliveryFailure, EventRef, Notification, Position, Reason, Severity, Subject,
    Timestamp, Transition, answers_for,
};

use crate::daemon::{Daemon, Decided, Row};

/// Holds, or says what does not.
pub type Holds = Result<(), String>;

/// Says what does not hold.
macro_rules! ensure {
    ($holds:expr, $($what:tt)*) => {
        if !$holds {
            return Err(format!($($what)*));
        }
    };
}
pub(crate) use ensure;

/// An alert, as its moves so far have it.
struct Known {
    rule: String,
    subject: Subject,
    state: AlertState,
    severity: Severity,
    shadow: bool,
    ended_at: Option<Timestamp>,
}

/// Everything that was decided so far.
#[derive(Default)]
pub struct Chronicle {
    alerts: BTreeMap<u64, Known>,
    /// The newest of the times and rows behind a move.
    last: Option<(Timestamp, Position)>,
    episodes: BTreeMap<(String, Subject), u32>,
    keys: BTreeSet<String>,
    /// Which messages told of an alert as firing, by group and alert; those that were given up are taken out.
    told: BTreeMap<(String, u64), Vec<String>>,
    /// Groups with messages that had more alerts than they listed, or became part of a summary: the others were told of by their
    /// number alone.
    counted: BTreeSet<String>,
}

impl Chronicle {
    /// Takes in what one turn decided, and looks at all of it.
    pub fn take(&mut self, decided: &Decided, daemon: &Daemon, rows: &[Row]) -> Holds {
        for moved in &decided.transitions {
            self.moves(moved, decided, daemon, rows).map_err(|what| format!("alert #{}: {what}", moved.alert))?;
        }
        for alert in &decided.ended {
            self.ends(alert).map_err(|what| format!("alert #{} that ended: {what}", alert.number))?;
        }
        for notification in &decided.notifications {
            self.tells(notification, daemon).map_err(|what| format!("message to {}: {what}", notification.receiver))?;
        }
        Ok(())
    }

    /// Alerts with what they are about, newest first.
    pub fn alerts(&self) -> impl Iterator<Item = (u64, &Subject)> {
        self.alerts.iter().rev().map(|(number, known)| (*number, &known.subject))
    }

    /// A message was given up: nobody was told by it.
    pub fn gives_up(&mut self, failure: &DeliveryFailure) {
        self.told.values_mut().for_each(|keys| keys.retain(|key| *key != failure.key));
    }

    fn moves(&mut self, moved: &Transition, decided: &Decided, daemon: &Daemon, rows: &[Row]) -> Holds {
        let place = (moved.noticed_at, moved.position);
        if let Some(last) = self.last {
            ensure!(last.0 <= place.0 && last.1 <= place.1, "moves at {place:?}, after a move at {last:?}");
        }
        self.last = Some(place);
        ensure!(moved.position <= rows.len() as u64, "rests on row {}, which has not come", moved.position);
        ensure!(moved.rule_set == daemon.rules().hash, "was decided by another rule set than the one in force");
        let raises = matches!(moved.reason, Reason::Raised { .. });
        if moved.to == AlertState::Firing && !raises {
            return self.fires(moved, decided, daemon, rows);
        }
        let Some(known) = self.alerts.get_mut(&moved.alert) else { return Err("moves before it fires".to_owned()) };
        ensure!(known.state == AlertState::Firing, "moves to {} after its end", moved.to);
        if raises {
            ensure!(moved.severity > known.severity, "is raised from {} to {}", known.severity, moved.severity);
        } else {
            ensure!(moved.severity == known.severity, "changes its severity as it ends");
            ensure!(decided.ended.iter().any(|alert| alert.number == moved.alert), "ends, and is not told to have");
            known.ended_at = Some(moved.noticed_at);
        }
        (known.state, known.severity) = (moved.to, moved.severity);
        Ok(())
    }

    fn fires(&mut self, moved: &Transition, decided: &Decided, daemon: &Daemon, rows: &[Row]) -> Holds {
        let number = moved.alert;
        ensure!(number == self.alerts.len() as u64 + 1, "takes a number out of turn");
        let Some(alert) = daemon.alert(decided, number) else { return Err("is kept nowhere".to_owned()) };
        has_rule(alert, daemon)?;
        has_evidence(moved, rows)?;
        let twin = self.alerts.iter().find(|(_, known)| {
            known.state == AlertState::Firing && (&known.rule, &known.subject) == (&alert.rule, &alert.subject)
        });
        if let Some((twin, _)) = twin {
            return Err(format!("fires for {} while #{twin} of {} is open", alert.subject, alert.rule));
        }
        let episode = self.episodes.entry((alert.rule.clone(), alert.subject.clone())).or_default();
        *episode += 1;
        ensure!(alert.episode == *episode, "is said to be episode {}, and is {episode}", alert.episode);
        let known = Known {
            rule: alert.rule.clone(),
            subject: alert.subject.clone(),
            state: AlertState::Firing,
            severity: moved.severity,
            shadow: alert.shadow,
            ended_at: None,
        };
        self.alerts.insert(number, known);
        Ok(())
    }

    fn ends(&self, alert: &Alert) -> Holds {
        let known = self.alerts.get(&alert.number);
        ensure!(known.is_some_and(|known| known.state == alert.state), "is {} by no move", alert.state);
        ensure!(alert.state != AlertState::Firing, "still fires");
        let Some(end) = &alert.end else { return Err("has no end".to_owned()) };
        ensure!(end.noticed_at >= alert.noticed_at, "ends before it fires");
        Ok(())
    }

    fn tells(&mut self, notification: &Notification, daemon: &Daemon) -> Holds {
        let Notification { key, group, due, content, receiver, .. } = notification;
        ensure!(self.keys.insert(key.clone()), "has the key of another");
        if let Content::Summary(summary) = content {
            ensure!(summary.messages > 0, "sums up nothing");
            let outlet = daemon.slice(&answers_for(group)).and_then(|slice| slice.projection.outlet.as_ref());
            let stands_for = outlet.and_then(|outlet| outlet.folded.iter().find(|folded| folded.summary == *key));
            let Some(stands_for) = stands_for else { return Err("is not known to sum up anything".to_owned()) };
            ensure!(
                stands_for.notifications.len() as u64 == summary.messages,
                "says {} messages, and stands for {}",
                summary.messages,
                stands_for.notifications.len()
            );
            self.counted.extend(stands_for.notifications.iter().map(|told| told.group.clone()));
        }
        let Content::Alerts { firing, ended, firing_omitted, .. } = content else { return Ok(()) };
        if *firing_omitted > 0 {
            self.counted.insert(group.clone());
        }
        ensure!(!firing.is_empty() || !ended.is_empty(), "says nothing");
        for alert in firing.iter().chain(ended) {
            let Some(known) = self.alerts.get(&alert.number) else { return Err("lists an unknown alert".to_owned()) };
            ensure!(!known.shadow, "tells of #{}, whose rule is tried out", alert.number);
        }
        for alert in firing {
            let known = &self.alerts[&alert.number];
            // It may have ended since, at the same instant.
            let fires = known.ended_at.is_none_or(|ended| ended >= *due);
            ensure!(alert.state == AlertState::Firing && fires, "lists #{} as firing, which is over", alert.number);
            self.told.entry((group.clone(), alert.number)).or_default().push(key.clone());
        }
        for alert in ended {
            let known = &self.alerts[&alert.number];
            ensure!(
                known.state == alert.state,
                "lists #{} as {}, and it is {}",
                alert.number,
                alert.state,
                known.state
            );
            ensure!(alert.state != AlertState::Expired, "announces that #{} has expired", alert.number);
            ensure!(receiver != "quiet", "tells of an end, and its receiver wants to hear of none");
            let told = self.told.get(&(group.clone(), alert.number));
            let told = told.is_some_and(|keys| !keys.is_empty()) || self.counted.contains(group);
            ensure!(told, "tells the end of #{}, and never told that it fires", alert.number);
        }
        Ok(())
    }
}

/// The rule is there, and speaks of such subjects.
fn has_rule(alert: &Alert, daemon: &Daemon) -> Holds {
    let rule = daemon.rules().rule(&alert.rule);
    ensure!(rule.is_some_and(|rule| rule.subject == alert.subject.kind), "has no rule {}", alert.rule);
    Ok(())
}

/// There is an event, which has come, or else the times that were decided by.
fn has_evidence(moved: &Transition, rows: &[Row]) -> Holds {
    match &moved.evidence.event {
        Some(event) => {
            ensure!(has_come(event, rows), "fires for event {} at {}, which never came", event.id, event.position);
        }
        None => {
            let grounds = &moved.evidence.grounds;
            ensure!(grounds.since.is_some() && grounds.due.is_some(), "fires without evidence");
        }
    }
    Ok(())
}

fn has_come(event: &EventRef, rows: &[Row]) -> bool {
    let row = event.position.checked_sub(1).and_then(|place| rows.get(usize::try_from(place).ok()?));
    row.and_then(Row::event).is_some_and(|came| {
        (came.id, came.kind, came.received_at) == (event.id.as_str(), event.kind.as_str(), event.received_at)
    })
}

/// Nothing is pending whose time has come, and no end is kept back for longer than its rule says.
pub fn misses_nothing(daemon: &Daemon, now: Timestamp) -> Holds {
    ensure!(daemon.first_due().is_none_or(|due| due > now), "something is due since {:?}", daemon.first_due());
    for slice in daemon.slices() {
        for pending in daemon.pending(slice, now) {
            let (rule, until) = (&pending.rule.name, pending.until);
            ensure!(until > now, "{rule} is pending for {} until {until}, and it is {now}", slice.subject);
            let woken = slice.due.is_some_and(|due| due <= until);
            ensure!(woken, "{rule} is pending for {} until {until}, which is woken {:?}", slice.subject, slice.due);
        }
        for alert in &slice.alerts {
            let keep = daemon.rules().rule(&alert.rule).and_then(|rule| rule.keep_firing_for.as_ref());
            let Some(ending) = &alert.ending else { continue };
            let until =
                keep.map_or(ending.heard_at, |keep| keep.after_hearing(ending.heard_at, &daemon.standing().blind));
            ensure!(until > now, "alert #{} was to stay until {until}, and it is {now}", alert.number);
        }
    }
    Ok(())
}
