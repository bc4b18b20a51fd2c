//! Inhibition: while one alert fires, those that follow from it are not told.
//!
//! Which alerts come together is decided by labels that must be equal, and so by what their subjects belong to. Each set of
//! equal values is a subject of its own: alerts tell it when they fire and end, and it tells those that it inhibits.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::alert::{Alert, AlertState};
use super::effect::Effects;
use super::event::{Message, News};
use super::grouping;
use super::labels::UNKNOWN;
use super::lifecycle::key_of;
use super::route::Matcher;
use super::rule_set::RuleSet;
use super::slice::Slice;
use super::subject::{Subject, SubjectKind};

/// An entry of `inhibit_rules`.
#[derive(Clone, Debug, PartialEq)]
pub struct InhibitRule {
    /// What an alert that inhibits must have.
    pub source_matchers: Vec<Matcher>,
    /// What an alert that is inhibited must have.
    pub target_matchers: Vec<Matcher>,
    /// Labels that both must have, with the same value; never empty.
    pub equal: Vec<String>,
}

/// What an alert is under one inhibition rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The subject that stands for the rule and the values of its equal labels.
    pub meets_at: String,
    pub source: bool,
    pub target: bool,
}

/// The alerts that meet under one inhibition rule. An alert that is both source and target is not inhibited by another one
/// that is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Meeting {
    /// Firing sources by number; true where they are targets, too.
    pub sources: BTreeMap<u64, bool>,
    /// Targets by number, with their subject; true where they are sources, too.
    pub targets: BTreeMap<u64, (Subject, bool)>,
}

impl InhibitRule {
    fn part(&self, alert: &Alert) -> Option<Part> {
        let all = |matchers: &[Matcher]| matchers.iter().all(|matcher| matcher.holds(&alert.labels));
        let (source, target) = (all(&self.source_matchers), all(&self.target_matchers));
        if !source && !target {
            return None;
        }
        let known = |label: &String| {
            let text = alert.labels.get(label)?.value.as_text()?;
            (!text.is_empty() && text != UNKNOWN).then(|| text.to_owned())
        };
        let values: Vec<String> = self.equal.iter().map(known).collect::<Option<_>>()?;
        let mut parts: Vec<String> = vec![self.to_string()];
        parts.extend(values);
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        Some(Part { meets_at: key_of(&parts), source, target })
    }
}

impl std::fmt::Display for InhibitRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let list = |matchers: &[Matcher]| matchers.iter().map(Matcher::to_string).collect::<Vec<_>>().join(", ");
        let (source, target) = (list(&self.source_matchers), list(&self.target_matchers));
        write!(f, "{source} inhibits {target} where {} is the same", self.equal.join(", "))
    }
}

/// An alert fired, was raised, ended, or is looked at by another rule set: those whom it meets hear of it.
pub(super) fn takes_part(rules: &RuleSet, alert: &mut Alert, effects: &mut Effects) {
    let open = alert.state == AlertState::Firing && !alert.shadow;
    let now: Vec<Part> = rules.inhibit_rules.iter().filter(|_| open).filter_map(|rule| rule.part(alert)).collect();
    if now == alert.inhibition {
        return;
    }
    let number = alert.number;
    for left in alert.inhibition.iter().filter(|old| !now.iter().any(|part| part.meets_at == old.meets_at)) {
        alert.inhibited_by.remove(&left.meets_at);
        effects.messages.push_back((meeting(&left.meets_at), Message::PartsWith { alert: number }));
    }
    for part in now.iter().filter(|part| !alert.inhibition.contains(part)) {
        let message = Message::Meets { alert: number, subject: alert.subject.clone(), part: part.clone() };
        effects.messages.push_back((meeting(&part.meets_at), message));
    }
    alert.inhibition = now;
    alert.changed = true;
}

fn meeting(id: &str) -> Subject {
    Subject::new(SubjectKind::Inhibition, id)
}

/// An alert comes to those that it meets, or comes as something else.
pub(super) fn meets(slice: &mut Slice, alert: u64, subject: &Subject, part: &Part, effects: &mut Effects) {
    let before = inhibited(slice);
    let meeting = slice.projection.meeting.get_or_insert_default();
    meeting.sources.remove(&alert);
    meeting.targets.remove(&alert);
    if part.source {
        meeting.sources.insert(alert, part.target);
    }
    if part.target {
        meeting.targets.insert(alert, (subject.clone(), part.source));
    }
    slice.dirty = true;
    tell(slice, &before, effects);
}

/// An alert is no longer among them.
pub(super) fn parts_with(slice: &mut Slice, alert: u64, effects: &mut Effects) {
    let before = inhibited(slice);
    if let Some(meeting) = &mut slice.projection.meeting {
        meeting.sources.remove(&alert);
        meeting.targets.remove(&alert);
        if meeting.sources.is_empty() && meeting.targets.is_empty() {
            slice.projection.meeting = None;
        }
    }
    slice.dirty = true;
    tell(slice, &before, effects);
}

/// Which targets are inhibited, each by the source with the lowest number.
fn inhibited(slice: &Slice) -> BTreeMap<u64, u64> {
    let Some(meeting) = &slice.projection.meeting else { return BTreeMap::new() };
    let any = meeting.sources.keys().next();
    let mere = meeting.sources.iter().find(|(_, both)| !**both).map(|(number, _)| number);
    let by = |both: bool| if both { mere } else { any };
    let targets = meeting.targets.iter();
    targets.filter_map(|(number, (_, both))| Some((*number, *by(*both)?))).collect()
}

fn tell(slice: &Slice, before: &BTreeMap<u64, u64>, effects: &mut Effects) {
    let now = inhibited(slice);
    let Some(meeting) = &slice.projection.meeting else { return };
    for (number, (subject, _)) in &meeting.targets {
        let by = now.get(number).copied();
        if by != before.get(number).copied() {
            let message = Message::Inhibited { alert: *number, at: slice.subject.id.to_string(), by };
            effects.messages.push_back((subject.clone(), message));
        }
    }
}

/// An open alert of this subject is inhibited from now on, by another alert than before, or no longer.
pub(super) fn heard(slice: &mut Slice, (number, meets_at): (u64, &str), by: Option<u64>, effects: &mut Effects) {
    let Some(alert) = slice.alerts.iter_mut().find(|alert| alert.number == number) else { return };
    let was = !alert.inhibited_by.is_empty();
    match by {
        Some(source) => drop(alert.inhibited_by.insert(meets_at.to_owned(), source)),
        None => drop(alert.inhibited_by.remove(meets_at)),
    }
    alert.changed = true;
    let freed = was && alert.inhibited_by.is_empty();
    grouping::tell_groups(alert, if freed { News::Some } else { News::None }, effects);
}
