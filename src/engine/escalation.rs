//! Who is told next, where nobody takes an alert on.

use std::time::Duration;

use super::alert::{Alert, AlertGroup};
use super::effect::Effects;
use super::event::News;
use super::grouping;
use super::lifecycle::Moment;
use super::route::Route;
use super::rule_set::RuleSet;
use super::slice::Slice;
use super::time::Timestamp;

/// One step: so long after the alert fired, this receiver is told as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub after: Duration,
    pub receiver: String,
}

/// The steps that are still to come for an alert, each with its route, its name there and its time.
fn to_come<'r>(
    rules: &'r RuleSet,
    alert: &'r Alert,
) -> impl Iterator<Item = (&'r Route, &'r Step, String, Timestamp)> + 'r {
    let waits = alert.acknowledged.is_none() && !alert.shadow && !alert.baseline;
    let routes = rules.route.iter().filter(move |_| waits).flat_map(|top| top.taken_by(&alert.labels));
    let from = alert.escalates_from.unwrap_or(alert.noticed_at);
    let steps =
        routes.flat_map(|route| route.escalate.iter().enumerate().map(move |(place, step)| (route, place, step)));
    steps.filter_map(move |(route, place, step)| {
        // By whom it leads to, not by its place: a step put before it must not pass for it.
        let before = route.escalate.iter().take(place).filter(|earlier| earlier.receiver == step.receiver).count();
        let name = format!("{}#{}#{before}", route.key, step.receiver);
        let due = from.plus(step.after);
        (!alert.escalated.contains(&name)).then_some((route, step, name, due))
    })
}

/// When the next step of an alert is due.
pub(super) fn next(rules: &RuleSet, alert: &Alert) -> Option<Timestamp> {
    to_come(rules, alert).map(|(.., due)| due).min()
}

/// Takes the steps that are due.
pub(super) fn due(at: Moment<'_>, slice: &mut Slice, effects: &mut Effects) {
    for alert in &mut slice.alerts {
        let steps: Vec<(Vec<AlertGroup>, String)> = to_come(at.rules, alert)
            .filter(|(.., due)| *due <= at.now)
            .map(|(route, step, name, _)| (grouping::groups_to(at.rules, route, &step.receiver, alert), name))
            .collect();
        if steps.is_empty() {
            continue;
        }
        let mut added = Vec::new();
        for (groups, name) in steps {
            alert.escalated.insert(name);
            for group in groups {
                // Where it waits in a group that goes there, it waits no longer.
                let group = match alert.groups.iter_mut().find(|old| grouping::goes_where(old, &group)) {
                    Some(old) => {
                        (old.route, old.urgent) = (group.route, true);
                        old.clone()
                    }
                    None => {
                        alert.groups.push(group.clone());
                        group
                    }
                };
                added.push(group);
            }
        }
        alert.changed = true;
        grouping::tell(alert, &added, News::Urgent, effects);
    }
}
