//! A message that could not be sent for long, judged again by how its alerts stand now.
//!
//! Every message of a group lists all that is open in it, so a newer one that waits covers an older one. What fired and ended
//! with nobody told becomes one line. Each alert of a message that goes is told by another one, or covered by that line.

use std::collections::BTreeSet;
use std::time::Duration;

use super::alert::Alert;
use super::effect::{ALERTS_SHOWN, Content, Notification};
use super::remark::Remark;

/// A message that waits for longer than this is judged again when it is sent.
pub const STALE_AFTER: Duration = Duration::from_secs(60 * 60);

/// A newer message of the same group.
#[derive(Clone, Debug)]
pub struct Later {
    pub id: u64,
    pub notification: Notification,
    /// It waits, and is not being sent: it can still be changed. The others were delivered.
    pub open: bool,
}

/// What becomes of a message that is judged again.
#[derive(Clone, Debug, PartialEq)]
pub enum StaleVerdict {
    Stands,
    /// It is sent in these words.
    Changed(Box<Notification>),
    /// Newer ones say all that it says; these of them take something over from it.
    Superseded {
        by: u64,
        changed: Vec<(u64, Notification)>,
    },
}

/// Judges a message: `over` are the alerts that are open no more, and `known` those that the receiver was told of before.
#[must_use]
pub fn judge_again(stale: &Notification, over: &BTreeSet<u64>, known: &BTreeSet<u64>, later: &[Later]) -> StaleVerdict {
    superseded(stale, known, later).unwrap_or_else(|| match without_ended(stale, over) {
        Some(changed) => StaleVerdict::Changed(Box::new(changed)),
        None => StaleVerdict::Stands,
    })
}

/// The message with one line in place of the alerts that are `over`; `None` where there are none to be told so.
#[must_use]
pub fn without_ended(stale: &Notification, over: &BTreeSet<u64>) -> Option<Notification> {
    let mut changed = stale.clone();
    let Content::Alerts { firing, firing_omitted, repeat, .. } = &mut changed.content else { return None };
    let gone: BTreeSet<u64> = firing.iter().map(|alert| alert.number).filter(|number| over.contains(number)).collect();
    // How those stand that are only counted is not known, so one that is listed must be left to begin with.
    if gone.is_empty() || (gone.len() == firing.len() && *firing_omitted > 0) {
        return None;
    }
    firing.retain(|alert| !gone.contains(&alert.number));
    *repeat = false;
    add_line(&mut changed.remarks, gone, |alerts| Remark::EndedMeanwhile { alerts }, is_ended_meanwhile);
    Some(changed)
}

/// What takes the message's place; `None` where something of it would be told by nobody.
fn superseded(stale: &Notification, known: &BTreeSet<u64>, later: &[Later]) -> Option<StaleVerdict> {
    let Content::Alerts { firing, ended, firing_omitted: 0, ended_omitted: 0, .. } = &stale.content else {
        return None;
    };
    let lines: BTreeSet<u64> = stale.remarks.iter().filter_map(Remark::alerts).flatten().copied().collect();
    let mut later = later.to_vec();
    later.sort_by_key(|newer| newer.id);
    let mut touched = BTreeSet::new();
    let mut by = None;
    let mut carried: BTreeSet<u64> = BTreeSet::new();
    for number in firing.iter().map(|alert| alert.number).chain(lines.iter().copied()).collect::<BTreeSet<_>>() {
        let Some(newer) = later.iter_mut().find(|newer| ends(&newer.notification, number)) else {
            match later.iter().rfind(|newer| fires(&newer.notification, number)) {
                Some(newer) => by = by.max(Some(newer.id)),
                None if lines.contains(&number) => {
                    carried.insert(number);
                }
                None => return None,
            }
            continue;
        };
        by = by.max(Some(newer.id));
        if newer.open && !known.contains(&number) {
            take_out(&mut newer.notification, number);
            touched.insert(newer.id);
        }
    }
    if !carried.is_empty() || !ended.is_empty() {
        let target = later.iter_mut().rfind(|newer| newer.open)?;
        by = by.max(Some(target.id));
        touched.insert(target.id);
        carry(&mut target.notification, ended);
        add_line(
            &mut target.notification.remarks,
            carried,
            |alerts| Remark::FiredAndEnded { alerts },
            is_fired_and_ended,
        );
    }
    let changed = later.into_iter().filter(|newer| touched.contains(&newer.id));
    Some(StaleVerdict::Superseded { by: by?, changed: changed.map(|newer| (newer.id, newer.notification)).collect() })
}

fn listed(notification: &Notification) -> (&[Alert], &[Alert]) {
    match &notification.content {
        Content::Alerts { firing, ended, .. } => (firing, ended),
        _ => (&[], &[]),
    }
}

fn fires(notification: &Notification, number: u64) -> bool {
    listed(notification).0.iter().any(|alert| alert.number == number)
}

/// Whether it tells of the end, in its list or in a line.
fn ends(notification: &Notification, number: u64) -> bool {
    listed(notification).1.iter().any(|alert| alert.number == number)
        || notification.remarks.iter().filter_map(Remark::alerts).any(|alerts| alerts.contains(&number))
}

/// Moves an end from the list to the line: nobody was told that it had fired.
fn take_out(notification: &mut Notification, number: u64) {
    let Content::Alerts { ended, .. } = &mut notification.content else { return };
    if !ended.iter().any(|alert| alert.number == number) {
        return;
    }
    ended.retain(|alert| alert.number != number);
    let alerts = BTreeSet::from([number]);
    add_line(&mut notification.remarks, alerts, |alerts| Remark::FiredAndEnded { alerts }, is_fired_and_ended);
}

/// Puts ends that were not told before those of a newer message.
fn carry(notification: &mut Notification, missed: &[Alert]) {
    let Content::Alerts { ended, ended_omitted, .. } = &mut notification.content else { return };
    let new = missed.iter().filter(|alert| !ended.iter().any(|known| known.number == alert.number));
    let mut all: Vec<Alert> = new.cloned().collect();
    all.append(ended);
    *ended_omitted += all.len().saturating_sub(ALERTS_SHOWN);
    all.truncate(ALERTS_SHOWN);
    *ended = all;
}

fn is_ended_meanwhile(remark: &Remark) -> bool {
    matches!(remark, Remark::EndedMeanwhile { .. })
}

fn is_fired_and_ended(remark: &Remark) -> bool {
    matches!(remark, Remark::FiredAndEnded { .. })
}

/// Adds alerts to the line of one kind, of which there is one at most.
fn add_line(
    remarks: &mut Vec<Remark>,
    mut alerts: BTreeSet<u64>,
    line: impl FnOnce(BTreeSet<u64>) -> Remark,
    is_line: impl Fn(&Remark) -> bool,
) {
    if alerts.is_empty() {
        return;
    }
    if let Some(place) = remarks.iter().position(&is_line) {
        alerts.extend(remarks.remove(place).alerts().into_iter().flatten());
    }
    remarks.push(line(alerts));
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::engine::{AlertState, Channel, Evidence, Labels, Phi, Severity, Subject, SubjectKind, Timestamp};

    fn alert(number: u64) -> Alert {
        Alert {
            number,
            rule: "DeviceBatteryLow".to_owned(),
            subject: Subject::new(SubjectKind::Device, "1"),
            episode: 1,
            state: AlertState::Firing,
            severity: Severity::Warning,
            labels: Labels::new(),
            opened_at: Timestamp(0),
            noticed_at: Timestamp(0),
            matched_at: Timestamp(0),
            count: 1,
            evidence: Evidence::default(),
            annotations: BTreeMap::new(),
            end: None,
            groups: Vec::new(),
            told_group_at: Timestamp(0),
            rule_set: String::new(),
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
            changed: false,
        }
    }

    fn says(firing: &[u64], ended: &[u64]) -> Notification {
        let alerts = |numbers: &[u64]| numbers.iter().map(|number| alert(*number)).collect();
        Notification {
            key: format!("{firing:?} {ended:?}"),
            receiver: "team".to_owned(),
            phi: Phi::Ids,
            channel: Channel::Email { to: vec!["team@clinic.example".to_owned()] },
            group: "g".to_owned(),
            due: Timestamp(0),
            content: Content::Alerts {
                group_labels: Labels::new(),
                firing: alerts(firing),
                ended: alerts(ended),
                firing_omitted: 0,
                ended_omitted: 0,
                repeat: false,
                update: false,
                thread: 0,
            },
            remarks: Vec::new(),
        }
    }

    /// In short: what it lists as open and as ended, then its lines.
    fn short(notification: &Notification) -> String {
        let numbers = |alerts: &[Alert]| alerts.iter().map(|alert| alert.number).collect::<Vec<_>>();
        let (firing, ended) = listed(notification);
        let lines: Vec<_> = notification
            .remarks
            .iter()
            .map(|remark| match remark {
                Remark::EndedMeanwhile { alerts } => format!(" meanwhile {alerts:?}"),
                Remark::FiredAndEnded { alerts } => format!(" in between {alerts:?}"),
                _ => String::new(),
            })
            .collect();
        format!("{:?} {:?}{}", numbers(firing), numbers(ended), lines.concat())
    }

    fn verdict(stale: &Notification, over: &[u64], known: &[u64], later: &[(u64, &Notification, bool)]) -> String {
        let set = |numbers: &[u64]| numbers.iter().copied().collect();
        let later: Vec<_> = later
            .iter()
            .map(|(id, notification, open)| Later { id: *id, notification: (*notification).clone(), open: *open })
            .collect();
        match judge_again(stale, &set(over), &set(known), &later) {
            StaleVerdict::Stands => "stands".to_owned(),
            StaleVerdict::Changed(changed) => short(&changed),
            StaleVerdict::Superseded { by, changed } => {
                let changed = changed.iter().map(|(id, changed)| format!("; {id}: {}", short(changed)));
                format!("by {by}{}", changed.collect::<String>())
            }
        }
    }

    #[test]
    fn what_is_still_so_stands_and_what_has_ended_becomes_a_line() {
        assert_eq!(verdict(&says(&[1, 2], &[3]), &[], &[], &[]), "stands");
        assert_eq!(verdict(&says(&[1, 2], &[3]), &[2], &[], &[]), "[1] [3] meanwhile {2}");
        assert_eq!(verdict(&says(&[1], &[]), &[1], &[], &[]), "[] [] meanwhile {1}", "nobody else tells of it");
        let mut many = says(&[1], &[]);
        if let Content::Alerts { firing_omitted, .. } = &mut many.content {
            *firing_omitted = 7;
        }
        assert_eq!(verdict(&many, &[1], &[], &[]), "stands");
    }

    #[test]
    fn a_newer_message_that_says_it_all_takes_its_place() {
        let end = says(&[], &[1, 2]);
        assert_eq!(verdict(&says(&[1], &[]), &[1], &[], &[(5, &end, true)]), "by 5; 5: [] [2] in between {1}");
        assert_eq!(verdict(&says(&[1], &[]), &[1], &[1], &[(5, &end, true)]), "by 5", "its firing was told before");
        assert_eq!(verdict(&says(&[1], &[]), &[1], &[], &[(5, &end, false)]), "by 5", "its end was told");
        assert_eq!(verdict(&says(&[1], &[]), &[], &[], &[(5, &says(&[1, 2], &[]), true)]), "by 5");
        let apart = [(5, &says(&[], &[1]), true), (6, &says(&[], &[2]), true)];
        assert_eq!(
            verdict(&says(&[1, 2], &[]), &[1, 2], &[], &apart),
            "by 6; 5: [] [] in between {1}; 6: [] [] in between {2}"
        );
    }

    #[test]
    fn it_goes_only_where_all_of_it_is_told_elsewhere() {
        assert_eq!(verdict(&says(&[1, 2], &[]), &[1], &[], &[(5, &says(&[], &[1]), true)]), "[2] [] meanwhile {1}");
        assert_eq!(verdict(&says(&[], &[3]), &[3], &[3], &[(5, &says(&[4], &[]), true)]), "by 5; 5: [4] [3]");
        assert_eq!(verdict(&says(&[], &[3]), &[3], &[3], &[(5, &says(&[4], &[]), false)]), "stands");
    }

    #[test]
    fn lines_are_carried_along_and_joined() {
        let mut changed = says(&[2], &[]);
        changed.remarks = vec![Remark::EndedMeanwhile { alerts: BTreeSet::from([1]) }];
        let newer = says(&[2, 4], &[]);
        assert_eq!(verdict(&changed, &[], &[], &[(5, &newer, true)]), "by 5; 5: [2, 4] [] in between {1}");
        assert_eq!(verdict(&changed, &[], &[], &[(5, &newer, false)]), "stands", "the line would be lost");
        let mut newer = says(&[], &[2]);
        newer.remarks = vec![Remark::FiredAndEnded { alerts: BTreeSet::from([9]) }];
        assert_eq!(verdict(&changed, &[2], &[], &[(5, &newer, true)]), "by 5; 5: [] [] in between {1, 2, 9}");
    }
}
