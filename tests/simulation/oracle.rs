//! A second opinion, naive on purpose: it keeps everything that came, and asks each time from scratch what that leaves room
//! for. It is written from the documents, not from the engine.
//!
//! What came late or contradicts itself can be understood in more than one way. There it says nothing: it knows a value only
//! where all that came agrees on it ([`Oracle::certain`]).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use pulsewarden::engine::{
    About, Alert, Association, Basis, EventPattern, Interval, Length, Position, Reason, Resolve, Rule, Since, Slice,
    Source, Subject, SubjectKind, Timestamp, Transition, Trigger, Value,
};
use pulsewarden::process::Read;

use crate::daemon::{Daemon, Row, What};
use crate::invariants::{Holds, ensure};
use crate::pool::OURS;

/// For so long after a change, what says otherwise and has no time of its own may be older than the change.
const STILL_ON_ITS_WAY: Duration = Duration::from_secs(3 * 60 * 60 + 60);

/// An event that came.
pub(crate) struct Heard {
    pub(crate) position: Position,
    /// When it came, by the journal.
    pub(crate) at: Timestamp,
    pub(crate) received_at: Timestamp,
    /// When something was heard by it.
    pub(crate) heard_at: Timestamp,
    pub(crate) occurred_at: Timestamp,
    /// Its time is its own.
    pub(crate) own: bool,
    pub(crate) read: Arc<Read>,
}

/// Something that is known for certain.
pub(crate) struct Certain<'o> {
    pub(crate) value: &'o Value,
    /// The first event that said so, of those that all say so up to now, and the last.
    pub(crate) first: &'o Heard,
    pub(crate) last: &'o Heard,
}

/// What a rule asks of an event.
#[derive(Clone, Copy)]
enum Asks {
    Where,
    Awaited,
    Resolve,
}

#[derive(Default)]
pub struct Oracle {
    pub(crate) heard: Vec<Heard>,
    /// Which of them speak of a subject.
    pub(crate) of: BTreeMap<Subject, Vec<usize>>,
    /// Since when the rule set in force decides.
    pub(crate) rules_since: Timestamp,
}

impl Heard {
    pub(crate) fn about(&self, subject: &Subject) -> Option<&About> {
        self.read.facts.about.iter().find(|about| about.subject == *subject)
    }

    fn is_one_of(&self, events: &[EventPattern]) -> bool {
        events.iter().any(|event| event.matches(&self.read.kind))
    }

    /// It is one of these, and the device sent it: a reading that somebody typed in is no sign of life.
    pub(crate) fn is_hearing(&self, events: &[EventPattern]) -> bool {
        let sent = self.read.facts.about.first().is_some_and(|first| first.heard);
        self.is_one_of(events) && (sent || !self.read.kind.starts_with("reading."))
    }

    /// The event is about this subject beyond doubt: it comes first, or the first belongs to it and no other is named.
    pub(crate) fn is_clearly_of(&self, subject: &Subject) -> bool {
        let about = &self.read.facts.about;
        let Some(first) = about.first() else { return false };
        let of_kind = about.iter().filter(|about| about.subject.kind == subject.kind);
        first.subject == *subject
            || (of_kind.count() == 1 && first.links.iter().any(|(kind, id)| (*kind, id) == (subject.kind, &subject.id)))
    }

    pub(crate) fn fact(&self, subject: &Subject, name: &str) -> Option<&Value> {
        self.about(subject)?.facts.iter().find(|fact| fact.name == name).map(|fact| &fact.value)
    }

    fn stage(&self, subject: &Subject) -> Option<u8> {
        self.about(subject)?.facts.iter().find_map(|fact| fact.stage)
    }

    /// The number at `batteryPercentage`.
    fn percentage(&self) -> Option<f64> {
        self.read.payload.value().get("batteryPercentage").as_f64()
    }

    /// The status that the event says of its own subject.
    fn status(&self) -> Option<&str> {
        let first = self.read.facts.about.first()?;
        self.fact(&first.subject, "status").and_then(Value::as_text)
    }
}

/// The name of a rule in the pool; `None` for shipped ones.
fn name(rule: &Rule) -> Option<&str> {
    rule.name.strip_prefix(OURS)
}

/// Whether an event meets what a rule of the pool asks for, in words of our own; `None` where that is not known here.
fn meets(rule: &Rule, asks: Asks, heard: &Heard) -> Option<bool> {
    let is = |status: &str| heard.status() == Some(status);
    match (name(rule)?, asks) {
        ("BatteryLow" | "BatteryLowKept" | "BatteryLowSure" | "BatteryLowAnywhere", Asks::Where)
        | ("LowOfPatient" | "ModelDefect", Asks::Where) => Some(heard.percentage().is_some_and(|level| level <= 20.0)),
        ("BatteryLow" | "BatteryLowKept" | "BatteryLowSure" | "BatteryLowAnywhere", Asks::Resolve) => {
            Some(heard.percentage().is_some_and(|level| level > 40.0))
        }
        ("WeakOnce" | "WeakOnceBelow" | "WeakThrice" | "WeakTwiceBelow" | "ManyReadings", Asks::Where)
        | ("WeakAtSite" | "SiteShare" | "NotReturned" | "NothingAfterAssociation" | "LowWithoutCheck", Asks::Where)
        | ("NotReturned" | "NothingAfterAssociation" | "DeliveredNotUsed" | "LowWithoutCheck", Asks::Awaited) => {
            Some(true)
        }
        ("NotShipped", Asks::Where) | ("ShippedUnannounced", Asks::Awaited) => Some(is("awaitingShipment")),
        ("NotShipped", Asks::Awaited) | ("ShippedUnannounced", Asks::Where) => Some(is("shipped")),
        ("DeliveredNotUsed", Asks::Where) => Some(is("delivered")),
        _ => None,
    }
}

/// Whether a value of the one field that a state is about makes it hold; `None` for states that are not known here.
pub(crate) fn holds(rule: &Rule, value: &Value) -> Option<bool> {
    let is = |statuses: &[&str]| value.as_text().map(|status| statuses.contains(&status));
    match name(rule)? {
        "OrderWaits" => is(&["onHold", "pendingInventory", "reconfirmAddress"]),
        "OrderHeld" => is(&["onHold"]),
        "OrderWaitsOffice" => is(&["orderPlaced", "onHold", "pendingInventory"]),
        "OrderWaitsDays" => is(&["orderPlaced", "onHold", "awaitingShipment"]),
        "ReturnWaits" => is(&["pendingReturn"]),
        "BatteryState" => match value {
            Value::Int(level) => Some(*level <= 25),
            Value::Float(level) => Some(*level <= 25.0),
            _ => None,
        },
        "Unassociated" => value.as_bool().map(|associated| !associated),
        "TicketOpen" | "PatientArchived" => value.as_bool(),
        _ => None,
    }
}

/// The one field that a state of the pool is about.
pub(crate) fn field(rule: &Rule) -> Option<&'static str> {
    Some(match name(rule)? {
        "OrderWaits" | "OrderHeld" | "OrderWaitsOffice" | "OrderWaitsDays" | "ReturnWaits" => "status",
        "BatteryState" => "battery",
        "Unassociated" => "associated",
        "TicketOpen" => "open",
        "PatientArchived" => "archived",
        _ => return None,
    })
}

impl Oracle {
    /// A row came.
    pub fn hear(&mut self, row: &Row) {
        if let What::Rules(_) = row.what {
            self.rules_since = row.at;
        }
        let (What::Event { read, .. }, Some(event)) = (&row.what, row.event()) else { return };
        let heard_at = match event.source {
            Source::Recovered => event.received_at,
            _ => event.heard_at(),
        };
        for about in &read.facts.about {
            self.of.entry(about.subject.clone()).or_default().push(self.heard.len());
        }
        self.heard.push(Heard {
            position: row.position,
            at: row.at,
            received_at: row.received_at,
            heard_at,
            occurred_at: event.occurred_at,
            own: event.basis == Basis::Own,
            read: Arc::clone(read),
        });
    }

    /// What came of a subject, in that order.
    pub(crate) fn of(&self, subject: &Subject) -> impl DoubleEndedIterator<Item = &Heard> + Clone {
        self.of.get(subject).into_iter().flatten().map(|place| &self.heard[*place])
    }

    /// What is known of a field, where everything that came leaves no doubt: the last that was said of it is the newest in
    /// every respect, and no snapshot that may have been on its way for hours.
    pub(crate) fn certain(&self, subject: &Subject, name: &str) -> Option<Certain<'_>> {
        let said = self.of(subject).filter(|heard| heard.fact(subject, name).is_some());
        let last = said.clone().next_back()?;
        let value = last.fact(subject, name)?;
        let mut first = last;
        for heard in said.rev() {
            if heard.fact(subject, name) == Some(value) {
                first = heard;
                continue;
            }
            break;
        }
        let others = self.of(subject).filter(|heard| heard.fact(subject, name).is_some_and(|other| other != value));
        for other in others {
            let newer = first.occurred_at > other.occurred_at && first.received_at > other.received_at;
            let onward = name != "status"
                || first.own
                || first.stage(subject).zip(other.stage(subject)).is_some_and(|(new, old)| new > old);
            let settled =
                first.own || name == "status" || first.received_at.since(other.received_at) > STILL_ON_ITS_WAY;
            if !(newer && onward && settled) {
                return None;
            }
        }
        Some(Certain { value, first, last })
    }

    /// An alert that has just fired had reason to.
    pub fn may_fire(&self, alert: &Alert, moved: &Transition, rule: &Rule, blind: &[Interval]) -> Holds {
        let grounds = &moved.evidence.grounds;
        if let (Some(since), Some(due)) = (grounds.since, grounds.due) {
            let length = match (&rule.trigger, &moved.reason) {
                (Trigger::Silent { longer_than, .. }, Reason::Silent { .. }) => Some(longer_than),
                (Trigger::While { lasting, .. }, Reason::Held { .. }) => lasting.as_ref(),
                (Trigger::NotFollowedBy { within, .. }, Reason::NotFollowed { .. }) => Some(within),
                _ => None,
            };
            if let Some(length) = length {
                has_lasted(length, since, due, blind)?;
                let grace = rule.grace.as_ref();
                grace.map_or(Ok(()), |grace| has_lasted(grace, due, moved.noticed_at, blind))?;
                ensure!(due <= moved.noticed_at, "fires before {due}, when it is due");
            }
        }
        let fired = moved.evidence.event.as_ref().and_then(|event| self.at(event.position));
        if let Some(fired) = fired {
            ensure!(meets(rule, Asks::Where, fired) != Some(false), "fires for an event that does not meet its rule");
        }
        match &rule.trigger {
            Trigger::Count { at_least, within, distinct, .. } => {
                self.has_so_many(alert, rule, *at_least, within, *distinct)
            }
            Trigger::Share { and_at_least, within, distinct, .. } => {
                self.has_so_many(alert, rule, *and_at_least, within, Some(*distinct))
            }
            _ => Ok(()),
        }
    }

    fn at(&self, position: Position) -> Option<&Heard> {
        let place = self.heard.binary_search_by_key(&position, |heard| heard.position).ok()?;
        self.heard.get(place)
    }

    /// So many matching events came, within so long of one another. The engine counts no more than these.
    fn has_so_many(
        &self,
        alert: &Alert,
        rule: &Rule,
        at_least: u32,
        within: &Length,
        distinct: Option<SubjectKind>,
    ) -> Holds {
        let Some(test) = rule.trigger.test() else { return Ok(()) };
        // What it belongs to, an event need not name: only devices are always named.
        let of_devices = alert.subject.kind != SubjectKind::Device;
        let all = self.heard.iter().filter(|heard| of_devices || heard.about(&alert.subject).is_some());
        let matching =
            all.filter(|heard| heard.is_one_of(&test.events) && meets(rule, Asks::Where, heard) != Some(false));
        let mut times: Vec<(Timestamp, &Heard)> = matching.map(|heard| (heard.occurred_at, heard)).collect();
        times.sort_by_key(|(at, _)| *at);
        let most = times.iter().enumerate().map(|(place, (first, _))| {
            let window = times[place..].iter().take_while(|(at, _)| within.after(*first) > *at);
            match distinct {
                None => window.count(),
                Some(kind) => {
                    let member = |heard: &Heard| {
                        let about = heard.read.facts.about.iter().find(|about| about.subject.kind == kind);
                        about.map(|about| about.subject.id.clone())
                    };
                    let mut members: Vec<_> = window.filter_map(|(_, heard)| member(heard)).collect();
                    members.sort_unstable();
                    members.dedup();
                    members.len()
                }
            }
        });
        let most = most.max().unwrap_or_default();
        ensure!(most >= at_least as usize, "fires for {at_least} within {within}, and {most} came");
        Ok(())
    }

    /// Nothing fires that all that came so far contradicts.
    pub fn may_stay(&self, slice: &Slice, daemon: &Daemon, now: Timestamp) -> Holds {
        for alert in &slice.alerts {
            let Some(rule) = daemon.rules().rule(&alert.rule) else { continue };
            // What is kept for a while has its end; that this comes in time is looked at elsewhere.
            if alert.ending.is_some() {
                continue;
            }
            self.is_not_contradicted(alert, rule, now)
                .and_then(|()| self.is_not_resolved(alert, rule, &daemon.standing().blind))
                .and_then(|()| self.is_not_over(alert, rule))
                .map_err(|what| format!("alert #{} of {} on {} {what}", alert.number, alert.rule, alert.subject))?;
        }
        Ok(())
    }

    fn is_not_contradicted(&self, alert: &Alert, rule: &Rule, now: Timestamp) -> Holds {
        let subject = &alert.subject;
        let evidence = alert.evidence.event.as_ref().and_then(|event| self.at(event.position));
        match &rule.trigger {
            Trigger::Silent { events, longer_than, since } => {
                let sign = |heard: &&Heard| heard.is_one_of(events) && heard.is_clearly_of(subject);
                let alive = |heard: &&Heard| heard.about(subject).is_some_and(|about| about.heard);
                let heard = self.of(subject).filter(sign).filter(alive);
                let Some(last) = heard.max_by_key(|heard| heard.heard_at) else { return Ok(()) };
                let (at, row) = (last.heard_at, last.position);
                ensure!(longer_than.after(at) <= now, "is silent, and was heard at {at} (row {row})");
                let never_used =
                    *since != Since::Heard && alert.evidence.grounds.since.is_some_and(|since| at >= since);
                ensure!(!never_used, "was never used, and was heard at {at} (row {row})");
            }
            Trigger::While { .. } => {
                if let Some(certain) = field(rule).and_then(|field| self.certain(subject, field)) {
                    let (value, row) = (certain.value, certain.last.position);
                    ensure!(holds(rule, value) != Some(false), "holds, and row {row} says {value:?}");
                }
                if name(rule) == Some("CheckedLongAgo") {
                    let checks = self.of(subject).filter_map(|heard| heard.fact(subject, "last_health_check_at"));
                    let last = checks.filter_map(Value::as_time).max();
                    let long_ago = last.is_none_or(|last| now.since(last) > Duration::from_secs(15 * 3600));
                    ensure!(long_ago, "was checked long ago, and that was at {last:?}");
                }
            }
            Trigger::NotFollowedBy { awaited, same, .. } => {
                let Some(first) = evidence else { return Ok(()) };
                let Some(linked) = linked(first, subject, *same) else { return Ok(()) };
                let mut following = self.of(&linked).filter(|heard| {
                    heard.is_one_of(&awaited.events)
                        && meets(rule, Asks::Awaited, heard) == Some(true)
                        && heard.is_clearly_of(&linked)
                        && heard.position != first.position
                        && heard.occurred_at >= first.occurred_at
                });
                if let Some(followed) = following.next() {
                    return Err(format!(
                        "was not followed, and row {} followed row {}",
                        followed.position, first.position
                    ));
                }
            }
            Trigger::NotPrecededBy { awaited, same, within, test } => {
                let firsts = self
                    .of(subject)
                    .filter(|heard| heard.is_one_of(&test.events) && meets(rule, Asks::Where, heard) != Some(false));
                let preceded = |first: &Heard| {
                    let Some(linked) = linked(first, subject, *same) else { return false };
                    let mut before = self.of(&linked).filter(|heard| heard.position != first.position);
                    before.any(|heard| {
                        heard.is_one_of(&awaited.events)
                            && meets(rule, Asks::Awaited, heard) == Some(true)
                            && heard.is_clearly_of(&linked)
                            && heard.occurred_at <= first.occurred_at
                            && within.after(heard.occurred_at) > first.occurred_at
                    })
                };
                ensure!(firsts.clone().any(|first| !preceded(first)), "was not preceded, and all that could be was");
            }
            Trigger::Event(_) | Trigger::Count { .. } | Trigger::Share { .. } => {}
        }
        Ok(())
    }

    /// What ends an alert by the rule's own words has not come.
    fn is_not_resolved(&self, alert: &Alert, rule: &Rule, blind: &[Interval]) -> Holds {
        let subject = &alert.subject;
        let Some(test) = rule.trigger.test() else { return Ok(()) };
        let matches = |heard: &&Heard| heard.is_one_of(&test.events) && meets(rule, Asks::Where, heard) != Some(false);
        let of_devices = subject.kind != SubjectKind::Device;
        let matching: Vec<&Heard> = if of_devices {
            self.heard.iter().filter(matches).collect()
        } else {
            self.of(subject).filter(matches).collect()
        };
        let Some(newest) = matching.iter().map(|heard| heard.occurred_at).max() else { return Ok(()) };
        let Some(last) = matching.iter().map(|heard| heard.received_at).max() else { return Ok(()) };
        let last_row = matching.last().map_or(0, |heard| heard.position);
        let alive =
            |heard: &&Heard| heard.about(subject).is_some_and(|about| about.heard) && heard.is_clearly_of(subject);
        let later =
            self.of(subject).filter(|heard| heard.position > last_row && heard.received_at > last).filter(alive);
        let empty = match &rule.trigger {
            Trigger::Count { within, .. } | Trigger::Share { within, .. } => {
                Some(within.after_hearing(newest.max(last), blind))
            }
            _ => None,
        };
        let quiet = rule.resolve.iter().filter_map(|resolve| match resolve {
            Resolve::After(after) => Some(after.after_hearing(last, blind)),
            Resolve::Below { within, .. } => Some(within.after_hearing(newest.max(last), blind)),
            Resolve::Event(_) => None,
        });
        for over in empty.into_iter().chain(quiet) {
            if let Some(heard) = later.clone().find(|heard| heard.received_at >= over) {
                let (row, at) = (heard.position, heard.received_at);
                return Err(format!("had its last match at {last}, and was heard at {at} (row {row}), after {over}"));
            }
        }
        for resolve in &rule.resolve {
            let Resolve::Event(ends) = resolve else { continue };
            let resolves =
                |heard: &&Heard| heard.is_one_of(&ends.events) && meets(rule, Asks::Resolve, heard) == Some(true);
            let end = self.of(subject).filter(resolves).rfind(|heard| heard.is_clearly_of(subject));
            let Some(end) = end.filter(|end| end.occurred_at > newest && end.position > last_row) else { continue };
            ensure!(self.is_in_doubt(subject, end), "was resolved by row {}", end.position);
        }
        Ok(())
    }

    /// An event may be of the time before somebody else had the device.
    fn is_in_doubt(&self, subject: &Subject, event: &Heard) -> bool {
        let moves = |heard: &&Heard| {
            heard.read.facts.association.is_some()
                || heard.about(subject).is_some_and(|about| about.over)
                || heard.fact(subject, "associated") != event.fact(subject, "associated")
                || heard.fact(subject, "patient") != event.fact(subject, "patient")
        };
        let mut before = self.of(subject).filter(|heard| heard.position < event.position).filter(moves);
        before.next_back().is_none_or(|moved| event.received_at.since(moved.received_at) <= STILL_ON_ITS_WAY)
    }

    /// What the alert's subject belonged to has not ended since it fired.
    fn is_not_over(&self, alert: &Alert, rule: &Rule) -> Holds {
        if !rule.ends_with_relations {
            return Ok(());
        }
        let subject = &alert.subject;
        let fired_before = |heard: &Heard| alert.matched_at < heard.received_at && alert.noticed_at < heard.at;
        if matches!(subject.kind, SubjectKind::Order | SubjectKind::Return)
            && let Some(certain) = self.certain(subject, "status")
        {
            let over = certain.first.about(subject).is_some_and(|about| about.over);
            let (value, row) = (certain.value, certain.first.position);
            ensure!(!(over && fired_before(certain.first)), "was over with {value:?} of row {row}");
        }
        if subject.kind == SubjectKind::Device {
            let mut said: Vec<&Heard> =
                self.of(subject).filter(|heard| heard.fact(subject, "associated").is_some()).collect();
            // The last that was said of it is a removal from the patient that it was with beyond doubt.
            let (Some(last), Some(before)) = (said.pop(), said.last()) else { return Ok(()) };
            let parts = last.own && last.read.facts.association == Some(Association::Removed);
            let in_order = said.iter().all(|heard| heard.occurred_at <= before.occurred_at);
            let newer = before.occurred_at < last.occurred_at && before.at < last.at;
            let with = |heard: &Heard| heard.fact(subject, "patient").cloned();
            let was_with = before.fact(subject, "associated").and_then(Value::as_bool) == Some(true);
            let gone = parts && in_order && newer && was_with && with(before) == with(last) && fired_before(last);
            ensure!(!gone, "outlived row {}, by which its device left its patient", last.position);
        }
        Ok(())
    }
}

/// The subject of `same` by which an event is linked to another.
fn linked(first: &Heard, subject: &Subject, same: SubjectKind) -> Option<Subject> {
    if same == subject.kind {
        return Some(subject.clone());
    }
    let mut named = first.read.facts.about.iter().filter(|about| about.subject.kind == same);
    let one = named.next()?;
    named.next().is_none().then(|| one.subject.clone())
}

/// So much time was heard between two instants. Business time is left to the tests of calendars.
fn has_lasted(length: &Length, since: Timestamp, due: Timestamp, blind: &[Interval]) -> Holds {
    let Length::Plain(length) = length else { return Ok(()) };
    let missed: Duration = blind.iter().map(|one| one.to.min(due).since(one.from.max(since))).sum();
    let heard = due.since(since).saturating_sub(missed);
    ensure!(heard >= *length, "from {since} to {due} {heard:?} were heard, and the rule says {length:?}");
    Ok(())
}
