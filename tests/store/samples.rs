//! Rows, alerts and notifications to keep.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pulsewarden::engine::{
    Alert, AlertState, Channel, Content, End, Evidence, Labels, Member, Notification, Phi, Protection, Reason, Records,
    Seen, Severity, Slice, Source, Subject, SubjectKind, Timestamp, Transition, Value,
};
use pulsewarden::store::{Attempt, AttemptResult, Entry, EventRow, NewRow, Outcome, Progress, Rendered, Store};

pub fn at(ms: i64) -> Timestamp {
    Timestamp(ms)
}

pub fn event(kind: &str, id: &str) -> NewRow {
    from_log(kind, Some(id), None)
}

pub fn from_log(kind: &str, envelope_id: Option<&str>, log_id: Option<i64>) -> NewRow {
    let entry = Entry::Event(EventRow {
        kind: kind.to_owned(),
        envelope_id: envelope_id.map(str::to_owned),
        log_id,
        source: Source::Webhook,
        body: Some(format!("body of {kind}").into_bytes()),
    });
    NewRow { received_at: at(5), entry }
}

pub fn device(id: &str) -> Subject {
    Subject::new(SubjectKind::Device, id)
}

pub fn group(id: &str) -> Subject {
    Subject::new(SubjectKind::Group, id)
}

pub fn labels() -> Labels {
    BTreeMap::from([("site".to_owned(), Seen { value: Value::from("North"), protection: Protection::None })])
}

/// Nothing that people did, and nothing held back.
const NONE: &Records = &Records { actions: Vec::new(), suppressions: Vec::new(), silences: Vec::new() };

/// An alert that fired at `noticed_at`, to be written.
pub fn alert(number: u64, subject: &Subject, noticed_at: i64) -> Alert {
    Alert {
        number,
        rule: "DeviceBatteryLow".to_owned(),
        subject: subject.clone(),
        episode: 1,
        state: AlertState::Firing,
        severity: Severity::Warning,
        labels: labels(),
        opened_at: at(noticed_at - 1),
        noticed_at: at(noticed_at),
        matched_at: at(noticed_at),
        count: 1,
        evidence: Evidence::default(),
        annotations: BTreeMap::from([("summary".to_owned(), "battery low".to_owned())]),
        end: None,
        groups: Vec::new(),
        told_group_at: at(noticed_at),
        rule_set: "hash".to_owned(),
        ending: None,
        baseline: false,
        shadow: false,
        fired: 1,
        acknowledged: None,
        assignee: None,
        notes: Vec::new(),
        escalates_from: None,
        escalated: BTreeSet::new(),
        inhibition: Vec::new(),
        inhibited_by: BTreeMap::new(),
        changed: true,
    }
}

pub fn ended(mut alert: Alert, state: AlertState, noticed_at: i64) -> Alert {
    alert.state = state;
    alert.end =
        Some(End { at: at(noticed_at), noticed_at: at(noticed_at), reason: Reason::Disassociated, event: None });
    alert
}

pub fn transition(alert: &Alert) -> Transition {
    Transition {
        alert: alert.number,
        to: alert.state,
        severity: alert.severity,
        at: alert.opened_at,
        noticed_at: alert.noticed_at,
        position: 1,
        reason: Reason::Matched { event: "device.lowBattery".to_owned() },
        evidence: Evidence::default(),
        rule_set: "hash".to_owned(),
    }
}

/// A slice that must be written.
pub fn slice(subject: &Subject, due: Option<i64>, alerts: Vec<Alert>) -> Slice {
    let mut slice = Slice::new(subject.clone());
    slice.projection.news_at = Some(at(77));
    slice.due = due.map(Timestamp);
    slice.alerts = alerts;
    slice.dirty = true;
    slice
}

pub fn member(alert: Alert) -> (u64, Member) {
    (alert.number, Member { alert, told: None, held: None, changed: true })
}

/// The slice as it looks once it has been written back.
pub fn settled(slice: &Slice) -> Slice {
    let mut slice = slice.clone();
    slice.dirty = false;
    slice.removed_members.clear();
    slice.alerts.iter_mut().for_each(|alert| alert.changed = false);
    for member in slice.members.values_mut() {
        member.changed = false;
        member.alert.changed = false;
    }
    slice
}

pub fn progress(position: u64) -> Progress {
    Progress {
        position,
        frontier: at(position.cast_signed()),
        next_alert: position + 1,
        rule_set: "hash".to_owned(),
        ..Progress::default()
    }
}

/// An outcome that says nothing but how far processing has come.
pub fn outcome(progress: &Progress) -> Outcome<'_> {
    Outcome {
        progress,
        slices: &[],
        ended: &[],
        transitions: &[],
        notifications: &[],
        records: NONE,
        noticed_at: at(9),
    }
}

pub fn commit(store: &dyn Store, slices: &[&Slice], ended: &[Alert]) {
    let progress = store.progress().unwrap();
    store.commit(&Outcome { slices, ended, ..outcome(&progress) }).unwrap();
}

pub fn notification(key: &str, group: &str, due: i64, firing: Vec<Alert>) -> Notification {
    Notification {
        key: key.to_owned(),
        receiver: "team".to_owned(),
        phi: Phi::Ids,
        channel: Channel::SlackWebhook { webhook: "logistics".to_owned() },
        group: group.to_owned(),
        due: at(due),
        content: Content::Alerts {
            group_labels: labels(),
            firing,
            ended: Vec::new(),
            firing_omitted: 0,
            ended_omitted: 0,
            repeat: false,
            update: false,
            thread: 0,
        },
        remarks: Vec::new(),
    }
}

pub fn rendered(text: &str) -> Rendered {
    Rendered::Slack { body: text.to_owned() }
}

/// An attempt that ended then, after seven milliseconds.
pub fn attempt(delivery: u64, ended: i64, result: AttemptResult) -> Attempt {
    Attempt { delivery, at: at(ended), took: Duration::from_millis(7), result, stand_ins: Vec::new() }
}

pub fn delivered() -> AttemptResult {
    AttemptResult::Delivered { reply: "250 ok".to_owned(), refused: None, rest: Vec::new(), root: None }
}

pub fn put_off(until: i64) -> AttemptResult {
    AttemptResult::Retry { at: at(until), error: "try later".to_owned() }
}

pub fn dead() -> AttemptResult {
    AttemptResult::Dead { error: "550 no such mailbox".to_owned() }
}
