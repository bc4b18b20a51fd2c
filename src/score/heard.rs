//! What the webhooks themselves say, kept in short, without any rule: the evidence that a problem can be seen by.
//!
//! Times are those of receipt, except that a status has the time that Impilo gives it. A device's tenure is the time in
//! which one patient has it.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use smol_str::SmolStr;

use super::answers::{
    CHANGED, CHURN, CHURN_WITHIN, DEFECT, DEFECT_WITHIN, LOW, OUTAGE, OUTAGE_WITHIN, READINGS_STOP, STRAY,
    STRAY_WITHIN, Share, WEAK, WEAK_WITHIN,
};
use crate::engine::{About, Association, Event, Fact, Subject, SubjectKind, Timestamp, Value};

/// Shorter silences are not kept: nothing is looked for in them.
const GAP: Duration = Duration::from_secs(12 * 3600);

/// A time from its first to its last moment; it is not over where the last is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    pub from: Timestamp,
    pub until: Option<Timestamp>,
}

impl Stretch {
    /// When it ends, where it is not over at `at`.
    pub fn ends_after(self, at: Timestamp) -> Option<Timestamp> {
        let until = self.until.unwrap_or(Timestamp(i64::MAX));
        (self.from <= at && at < until).then_some(until)
    }
}

/// A status that was told.
#[derive(Clone, Debug)]
pub(super) struct Status {
    pub name: SmolStr,
    /// When it began: Impilo's own time where one came, else receipt.
    pub from: Timestamp,
    pub came: Timestamp,
}

/// What was heard of one subject.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    /// When a sign of life came last, and the longer silences before.
    pub life: Option<Timestamp>,
    pub gaps: Vec<Stretch>,
    /// When it was given to a patient, and taken from one.
    pub given: Vec<Timestamp>,
    pub taken: Vec<Timestamp>,
    /// When an order that brought it was delivered, and when its patient was first seen to be archived.
    pub delivered: Vec<Timestamp>,
    pub archived: Vec<Timestamp>,
    is_archived: bool,
    /// Whether a patient has it, as far as anything told.
    is_with_patient: bool,
    strays: VecDeque<Timestamp>,
    /// When readings of a device that nobody has were as many as count.
    pub stray: Vec<Timestamp>,
    reading: Option<Timestamp>,
    /// The first health check of a tenure without a reading so far, and such times that are over.
    unused: Option<Timestamp>,
    pub unused_times: Vec<Stretch>,
    /// From the first health check after readings had stopped until they came again.
    pub stopped: Vec<Stretch>,
    /// Low figures, and the last figure of all.
    pub low: Vec<Timestamp>,
    figure: Option<f64>,
    /// When the battery ran low, and had been better before as far as the figures tell.
    pub falls: Vec<Timestamp>,
    weak: VecDeque<Timestamp>,
    /// When weak signals were as many as count as a device's own trouble.
    pub weak_again: Vec<Timestamp>,
    /// When it was given out as often as counts as going back and forth.
    pub churned: Vec<Timestamp>,
    pub statuses: Vec<Status>,
    /// Of a site or a model: who was heard of lately, and when they were enough.
    recent: BTreeMap<SmolStr, Timestamp>,
    pub reached: Vec<Timestamp>,
    /// Of a site or a model: its devices with patients.
    members: BTreeSet<SmolStr>,
    /// Of a device: where it counts as a member.
    member_of: Vec<Subject>,
}

/// Everything that was heard.
#[derive(Debug, Default)]
pub(super) struct Heard {
    of: HashMap<Subject, History>,
}

impl Heard {
    pub fn of(&self, subject: &Subject) -> Option<&History> {
        self.of.get(subject)
    }

    pub fn take(&mut self, event: &Event<'_>) {
        for about in &event.facts.about {
            self.status(about, event);
        }
        let Some(about) = event.facts.about.iter().find(|about| about.subject.kind == SubjectKind::Device) else {
            return;
        };
        if event.kind == "order.statusFull" {
            return self.delivery(event);
        }
        let by_device = event.kind.starts_with("device.") || event.kind.starts_with("reading.");
        if !by_device || !about.heard && event.facts.association.is_none() {
            return;
        }
        self.belongs(about, event);
        let history = self.of.entry(about.subject.clone()).or_default();
        history.is_with_patient = !history.member_of.is_empty();
        let archived = event.facts.about.iter().any(|other| {
            let is_true = |fact: &Fact| fact.name == "archived" && fact.value.as_bool() == Some(true);
            other.subject.kind == SubjectKind::Patient && other.facts.iter().any(is_true)
        });
        if archived && history.is_with_patient && !history.is_archived {
            history.archived.push(event.received_at);
        }
        history.is_archived = archived && history.is_with_patient;
        history.device(about, event);
        let share = match event.kind {
            "device.weakSignal" => Some((SubjectKind::Site, OUTAGE, OUTAGE_WITHIN)),
            "device.lowBattery" if is_low(about) => Some((SubjectKind::Item, DEFECT, DEFECT_WITHIN)),
            _ => None,
        };
        if let Some((kind, share, within)) = share {
            let groups = history.member_of.iter().filter(|subject| subject.kind == kind).cloned();
            for group in groups.collect::<Vec<_>>() {
                let id = about.subject.id.clone();
                self.of.entry(group).or_default().member_heard(id, share, within, event.received_at);
            }
        }
    }

    /// A device that an order brought has arrived.
    fn delivery(&mut self, event: &Event<'_>) {
        for about in event.facts.about.iter().filter(|about| about.subject.kind == SubjectKind::Device) {
            let at = own(about, "delivered_at");
            let history = self.of.entry(about.subject.clone()).or_default();
            if let Some(at) = at.filter(|at| history.delivered.last() != Some(at)) {
                history.delivered.push(at);
            }
        }
    }

    fn status(&mut self, about: &About, event: &Event<'_>) {
        let kinds = [SubjectKind::Order, SubjectKind::Return, SubjectKind::Ticket, SubjectKind::Procurement];
        if !kinds.contains(&about.subject.kind) && about.subject.kind != SubjectKind::Transfer {
            return;
        }
        let Some(fact) = about.facts.iter().find(|fact| fact.name == "status") else { return };
        let Some(name) = fact.value.as_text() else { return };
        let from = fact.at.unwrap_or(event.occurred_at);
        let history = self.of.entry(about.subject.clone()).or_default();
        // The thin event and the whole one tell the same.
        let known = history.statuses.iter().any(|status| {
            status.name == name && status.from.max(from).since(status.from.min(from)) < Duration::from_secs(4 * 3600)
        });
        if !known {
            history.statuses.push(Status { name: name.into(), from, came: event.received_at });
        }
    }

    /// Notes which site and which model a device with a patient counts for.
    fn belongs(&mut self, about: &About, event: &Event<'_>) {
        let removed = event.facts.association == Some(Association::Removed);
        let without = about.facts.iter().any(|fact| fact.name == "associated" && fact.value.as_bool() == Some(false));
        let groups: Vec<Subject> = match removed || without {
            true => Vec::new(),
            false => {
                let kinds = [SubjectKind::Site, SubjectKind::Item];
                let links = about.links.iter().filter(|(kind, _)| kinds.contains(kind));
                links.map(|(kind, id)| Subject { kind: *kind, id: id.clone() }).collect()
            }
        };
        let history = self.of.entry(about.subject.clone()).or_default();
        if history.member_of == groups {
            return;
        }
        let before = std::mem::replace(&mut history.member_of, groups.clone());
        for group in before {
            self.of.entry(group).or_default().members.remove(&about.subject.id);
        }
        for group in groups {
            self.of.entry(group).or_default().members.insert(about.subject.id.clone());
        }
    }
}

fn is_low(about: &About) -> bool {
    figure(about).is_none_or(|figure| figure <= LOW)
}

/// A time that the device itself gives.
fn own(about: &About, name: &str) -> Option<Timestamp> {
    about.facts.iter().find(|fact| fact.name == name).and_then(|fact| fact.value.as_time())
}

fn figure(about: &About) -> Option<f64> {
    match about.facts.iter().find(|fact| fact.name == "battery").map(|fact| &fact.value) {
        Some(Value::Int(figure)) => i32::try_from(*figure).ok().map(f64::from),
        Some(Value::Float(figure)) => Some(*figure),
        _ => None,
    }
}

impl History {
    fn device(&mut self, about: &About, event: &Event<'_>) {
        let at = event.received_at;
        match event.facts.association {
            Some(Association::Created) => return self.is_given(at),
            Some(Association::Removed) => return self.is_taken(at),
            None => {}
        }
        if let Some(before) = self.life.filter(|before| at.since(*before) >= GAP) {
            self.gaps.push(Stretch { from: before, until: Some(at) });
        }
        self.life = Some(self.life.map_or(at, |before| before.max(at)));
        match event.kind {
            "device.healthcheck" => self.check(at, own(about, "last_health_check_at").unwrap_or(at)),
            "device.lowBattery" => self.battery(about, at),
            "device.weakSignal" => self.weak_signal(at),
            _ => self.read(at, own(about, "last_reading_at").unwrap_or(at)),
        }
    }

    fn is_given(&mut self, at: Timestamp) {
        self.end_of_tenure(at);
        self.life.get_or_insert(at);
        self.given.push(at);
        let often = usize::try_from(CHURN).unwrap_or(usize::MAX);
        if let Some(place) = self.given.len().checked_sub(often)
            && at.since(self.given[place]) <= CHURN_WITHIN
        {
            self.churned.push(at);
        }
    }

    fn is_taken(&mut self, at: Timestamp) {
        self.end_of_tenure(at);
        self.taken.push(at);
    }

    fn end_of_tenure(&mut self, at: Timestamp) {
        self.readings_begin(at);
        self.reading = None;
        self.weak.clear();
        self.falls.clear();
    }

    fn readings_begin(&mut self, at: Timestamp) {
        if let Some(from) = self.unused.take() {
            self.unused_times.push(Stretch { from, until: Some(at) });
        }
        if let Some(last) = self.stopped.last_mut().filter(|last| last.until.is_none()) {
            last.until = Some(at);
        }
    }

    /// A reading that came `at`, and was taken at `taken`.
    fn read(&mut self, at: Timestamp, taken: Timestamp) {
        if !self.is_with_patient {
            self.strays.push_back(at);
            self.strays.retain(|stray| at.since(*stray) <= STRAY_WITHIN);
            if self.strays.len() >= STRAY {
                self.stray.push(at);
            }
            return;
        }
        self.readings_begin(at);
        self.reading = self.reading.max(Some(taken));
    }

    fn check(&mut self, at: Timestamp, checked: Timestamp) {
        if !self.is_with_patient {
            return;
        }
        let Some(reading) = self.reading else {
            self.unused.get_or_insert(at);
            return;
        };
        let proven = self.stopped.last().is_some_and(|last| last.until.is_none());
        if proven || checked.since(reading) <= READINGS_STOP {
            return;
        }
        self.stopped.push(Stretch { from: at, until: None });
    }

    fn battery(&mut self, about: &About, at: Timestamp) {
        if is_low(about) {
            self.low.push(at);
        }
        let Some(figure) = figure(about) else { return };
        if figure <= LOW && self.figure.is_none_or(|before| before > LOW || figure >= before + CHANGED) {
            self.falls.push(at);
        }
        self.figure = Some(figure);
    }

    fn weak_signal(&mut self, at: Timestamp) {
        self.weak.push_back(at);
        self.weak.retain(|signal| at.since(*signal) <= WEAK_WITHIN);
        if self.weak.len() >= WEAK {
            self.weak_again.push(at);
        }
    }

    fn member_heard(&mut self, id: SmolStr, share: Share, within: Duration, at: Timestamp) {
        self.recent.insert(id, at);
        let members = &self.members;
        self.recent.retain(|id, heard| at.since(*heard) <= within && members.contains(id));
        if share.is_reached(self.recent.len(), self.members.len()) {
            self.reached.push(at);
        }
    }

    /// The time without readings since the device was given out that began last, and is not over.
    pub fn unused_now(&self) -> Option<Stretch> {
        self.unused.map(|from| Stretch { from, until: None })
    }

    /// The silence that is not over.
    pub fn gap_now(&self) -> Option<Stretch> {
        self.life.map(|from| Stretch { from, until: None })
    }
}
