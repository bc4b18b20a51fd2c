//! What all that came asks for: silences and states that have lasted long enough have fired.

use pulsewarden::engine::{About, EventPattern, Rule, Since, Slice, Subject, SubjectKind, Timestamp, Trigger};

use crate::daemon::Daemon;
use crate::invariants::{Holds, ensure};
use crate::oracle::{Heard, Oracle, field, holds};

impl Oracle {
    /// What all that came asks for has fired: silences, and states that have lasted long enough.
    pub fn must_fire(&self, slice: &Slice, daemon: &Daemon, now: Timestamp) -> Holds {
        let blind = &daemon.standing().blind;
        for rule in daemon.rules().rules.iter().filter(|rule| rule.subject == slice.subject.kind) {
            let (since, length) = match &rule.trigger {
                Trigger::Silent { events, longer_than, since: Since::Heard } if is_plain(rule) => {
                    (self.silent_since(&slice.subject, events), Some(longer_than))
                }
                Trigger::While { lasting, .. } => (self.held_since(&slice.subject, rule), lasting.as_ref()),
                _ => continue,
            };
            let Some(since) = since else { continue };
            let since = since.max(self.rules_since);
            let due = length.map_or(since, |length| length.after_hearing(since, blind));
            let due = rule.grace.as_ref().map_or(due, |grace| grace.after_hearing(due, blind));
            let open = slice.alerts.iter().any(|alert| alert.rule == rule.name);
            ensure!(
                due > now || open,
                "{} has been so for {} since {since} and does not fire for it, as it should since {due}",
                rule.name,
                slice.subject
            );
        }
        Ok(())
    }

    /// Since when a device that is beyond doubt with its patient was not heard.
    fn silent_since(&self, subject: &Subject, events: &[EventPattern]) -> Option<Timestamp> {
        if subject.kind != SubjectKind::Device {
            return None;
        }
        let with = self.certain(subject, "associated").filter(|with| with.value.as_bool() == Some(true))?;
        let patient = self.certain(subject, "patient")?;
        // Orders and returns speak of the ends of its story, and so may its patient.
        let ends =
            |heard: &Heard| heard.about(subject).is_some_and(|about| about.over) || !heard.is_clearly_of(subject);
        if self.of(subject).any(|heard| ends(heard) || heard.read.facts.about.iter().any(|about| about.over)) {
            return None;
        }
        if self.a_patient_is_archived() {
            return None;
        }
        // Whatever speaks of a newer check has it that the device was heard then.
        let check = |heard: &Heard| heard.fact(subject, "last_health_check_at").is_some();
        let last = |heard: &mut dyn Iterator<Item = &Heard>| heard.map(|heard| heard.at.max(heard.heard_at)).max();
        let heard = last(&mut self.of(subject).filter(|heard| heard.is_hearing(events)))?;
        let checked = last(&mut self.of(subject).filter(|heard| check(heard))).unwrap_or(heard);
        let turns = self.of(subject).filter(|heard| heard.read.facts.association.is_some());
        let turned = last(&mut turns.clone()).unwrap_or(heard);
        let turned_at = turns.map(|heard| heard.occurred_at).max().unwrap_or(heard);
        [heard, checked, with.first.at, patient.first.at, turned, turned_at].into_iter().max()
    }

    /// Whoever it is: what belongs to whom is not looked into.
    fn a_patient_is_archived(&self) -> bool {
        let archived = |about: &About| about.subject.kind == SubjectKind::Patient && about.over;
        self.heard.iter().any(|heard| heard.read.facts.about.iter().any(archived))
    }

    /// Since when a state has held beyond doubt, of an order or a return whose patient is not archived.
    fn held_since(&self, subject: &Subject, rule: &Rule) -> Option<Timestamp> {
        if !matches!(subject.kind, SubjectKind::Order | SubjectKind::Return) {
            return None;
        }
        let certain = self.certain(subject, field(rule)?)?;
        let ends = self.a_patient_is_archived();
        (holds(rule, certain.value) == Some(true) && !ends).then(|| certain.first.at.max(certain.first.occurred_at))
    }
}

/// A silence counts wherever a device is with a patient, as it does where the rule does not say.
fn is_plain(rule: &Rule) -> bool {
    rule.holds.as_ref().is_some_and(|holds| holds.source() == "device.associated && !device.readings_disabled")
}
