//! The daemon's processing in memory: the real order and engine, with a disk that keeps what a store would keep, and nothing
//! else. So a crash can come between any two turns, and within one.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use pulsewarden::engine::{
    Alert, Command, Content, DeliveryFailure, Event, Ground, Interval, Member, Notification, Pending, Position,
    Projection, Rule, RuleSet, Slice, Standing, Subject, Timestamp, Transition, pending,
};
use pulsewarden::process::{Given, Order, Read, Slices};
use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};

use crate::pool::RULE_SETS;

/// A row of the journal.
#[derive(Clone)]
pub struct Row {
    pub position: Position,
    pub at: Timestamp,
    pub received_at: Timestamp,
    pub what: What,
}

#[derive(Clone)]
pub enum What {
    /// An event, understood, with the body that it was read from.
    Event {
        read: Arc<Read>,
        body: Arc<Vec<u8>>,
    },
    /// A rule set, by its place.
    Rules(usize),
    DeliveryFailed(DeliveryFailure),
    Blind(Interval),
    Command(Command),
}

impl Row {
    /// The event, where it is one that can be read.
    pub fn event(&self) -> Option<Event<'_>> {
        match &self.what {
            What::Event { read, .. } => Some(read.event(self.position, self.received_at)),
            _ => None,
        }
    }
}

/// What is kept of a subject.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    projection: Projection,
    due: Option<Timestamp>,
    open_alerts: usize,
    members: BTreeMap<u64, Member>,
}

/// What outlives a crash.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    pub subjects: BTreeMap<Subject, Kept>,
    pub open: BTreeMap<u64, Alert>,
    pub ended: BTreeMap<u64, Alert>,
    pub position: Position,
    pub next_alert: u64,
    pub standing: Standing,
    pub rule_set: usize,
    pub notifications: Vec<Notification>,
    pub transitions: Vec<Transition>,
}

/// What one turn decided.
#[derive(Default)]
pub struct Decided {
    pub transitions: Vec<Transition>,
    pub ended: Vec<Alert>,
    pub notifications: Vec<Notification>,
}

/// Slices in memory with the disk behind them.
struct Memory {
    slices: BTreeMap<Subject, Slice>,
    touched: BTreeSet<Subject>,
    disk: Disk,
}

pub struct Daemon {
    order: Order,
    memory: Memory,
    /// The place of the rule set in force.
    rule_set: usize,
}

/// A value as it comes back from where it is kept.
fn read_back<T: Serialize + DeserializeOwned>(value: &T) -> T {
    serde_json::from_str(&json(value)).unwrap()
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap()
}

impl Disk {
    /// The disk of a daemon that has seen nothing yet.
    pub fn new() -> Self {
        Self { next_alert: 1, ..Self::default() }
    }

    /// A subject as it is kept.
    fn load(&self, subject: &Subject) -> Slice {
        let mut slice = Slice::new(subject.clone());
        let Some(kept) = self.subjects.get(subject) else { return slice };
        slice.projection = read_back(&kept.projection);
        slice.due = kept.due;
        if kept.open_alerts > 0 {
            slice.alerts = self.open.values().filter(|alert| alert.subject == *subject).map(read_back).collect();
        }
        slice.members = kept.members.iter().map(|(number, member)| (*number, read_back(member))).collect();
        slice
    }

    /// Keeps what has changed of a slice, and no more: what forgets to say that it changed is lost.
    fn keep(&mut self, slice: &mut Slice) {
        let spent = slice.is_spent();
        if let Some(kept) = self.subjects.get_mut(&slice.subject) {
            slice.removed_members.iter().for_each(|number| drop(kept.members.remove(number)));
        }
        if slice.dirty && !spent {
            let members = self.subjects.remove(&slice.subject).map(|kept| kept.members).unwrap_or_default();
            let (projection, open_alerts) = (slice.projection.clone(), slice.alerts.len());
            self.subjects.insert(slice.subject.clone(), Kept { projection, due: slice.due, open_alerts, members });
        }
        for (number, member) in slice.members.iter_mut().filter(|(_, member)| member.changed) {
            (member.changed, member.alert.changed) = (false, false);
            if let Some(kept) = self.subjects.get_mut(&slice.subject) {
                kept.members.insert(*number, member.clone());
            }
        }
        for alert in slice.alerts.iter_mut().filter(|alert| alert.changed) {
            alert.changed = false;
            self.open.insert(alert.number, alert.clone());
        }
        if spent {
            self.subjects.remove(&slice.subject);
        }
        slice.removed_members.clear();
        slice.dirty = false;
    }

    /// Keeps a slice that comes from elsewhere.
    pub fn put(&mut self, slice: Slice) {
        let Slice { subject, projection, alerts, members, due, .. } = slice;
        self.subjects.insert(subject, Kept { projection, due, open_alerts: alerts.len(), members });
        self.open.extend(alerts.into_iter().map(|alert| (alert.number, alert)));
    }

    /// Whether a slice is as it is kept, and else how it is kept.
    fn has(&self, slice: &Slice) -> Result<(), Option<&Kept>> {
        let kept = self.subjects.get(&slice.subject);
        let mut open = self.open.values().filter(|alert| alert.subject == slice.subject);
        let alerts = slice.alerts.iter().all(|alert| open.next() == Some(alert)) && open.next().is_none();
        let same = match kept {
            // Judging anew what changes nothing is not kept.
            Some(kept) => {
                let judged = slice.projection.judged;
                slice.due == kept.due
                    && slice.members == kept.members
                    && slice.alerts.len() == kept.open_alerts
                    && slice.projection == Projection { judged, ..kept.projection.clone() }
            }
            None => slice.is_unknown() && slice.members.is_empty(),
        };
        if same && alerts { Ok(()) } else { Err(kept) }
    }

    /// Where this differs from another disk, for people.
    pub fn difference(&self, other: &Self) -> Option<String> {
        let lists = [
            ("move", texts(&self.transitions, &other.transitions)),
            ("message", texts(&self.notifications, &other.notifications)),
        ];
        let list = lists.into_iter().find_map(|(what, found)| Some(format!("{what} {}", found?)));
        let stands = |disk: &Self| (disk.position, disk.next_alert, disk.rule_set, disk.standing.clone());
        list.or_else(|| first(&self.open, &other.open).map(|found| format!("open alert {found}")))
            .or_else(|| first(&self.ended, &other.ended).map(|found| format!("ended alert {found}")))
            .or_else(|| first(&self.judged_whenever(), &other.judged_whenever()))
            .or_else(|| (stands(self) != stands(other)).then(|| "what decisions stand on".to_owned()))
    }

    /// Every subject, without the rule set that it was last judged by: judging anew what changes nothing is not kept.
    fn judged_whenever(&self) -> BTreeMap<&Subject, Kept> {
        let without = |kept: &Kept| {
            let mut kept = kept.clone();
            kept.projection.judged = 0;
            kept
        };
        self.subjects.iter().map(|(subject, kept)| (subject, without(kept))).collect()
    }
}

impl Serialize for Kept {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (&self.projection, self.due, self.open_alerts, &self.members).serialize(serializer)
    }
}

/// The first place at which two lists differ, with both texts.
fn texts<T: PartialEq + Serialize>(one: &[T], two: &[T]) -> Option<String> {
    let place = (0..one.len().max(two.len())).find(|place| one.get(*place) != two.get(*place))?;
    Some(format!("{place}:\n    {}\n    {}", json(&one.get(place)), json(&two.get(place))))
}

/// The first key at which two maps differ, with both texts.
fn first<K: Ord + fmt::Debug, V: PartialEq + Serialize>(one: &BTreeMap<K, V>, two: &BTreeMap<K, V>) -> Option<String> {
    let keys: BTreeSet<&K> = one.keys().chain(two.keys()).collect();
    let key = keys.into_iter().find(|key| one.get(key) != two.get(key))?;
    Some(format!("{key:?}:\n    {}\n    {}", json(&one.get(key)), json(&two.get(key))))
}

impl Daemon {
    /// Takes up where the disk ends.
    pub fn open(disk: Disk) -> Self {
        let due = disk.subjects.iter().filter_map(|(subject, kept)| Some((kept.due?, subject.clone()))).collect();
        let Disk { position, next_alert, rule_set, standing, .. } = &disk;
        let rules = if *position == 0 { Arc::default() } else { Arc::clone(&RULE_SETS[*rule_set].rules) };
        let order = Order::new(rules, standing.clone(), *position, *next_alert, due);
        let rule_set = *rule_set;
        Self { order, memory: Memory { slices: BTreeMap::new(), touched: BTreeSet::new(), disk }, rule_set }
    }

    /// What would be left after a crash now.
    pub fn disk(&self) -> &Disk {
        &self.memory.disk
    }

    /// Everything since the last commit is lost.
    pub fn crash(self) -> Self {
        Self::open(self.memory.disk)
    }

    /// Takes the next rows of the journal, which were read together: what is due before each runs first.
    pub fn take(&mut self, journal: &[Row], count: usize) {
        let done = usize::try_from(self.order.position()).unwrap();
        for row in &journal[done..done + count] {
            self.wake_until(row.at);
            let event = row.event();
            let given = match (&row.what, &event) {
                (What::Event { .. }, Some(event)) => Given::Event(event),
                (What::Event { .. }, None) => Given::Nothing,
                (What::Rules(place), _) => Given::Rules(Arc::clone(&RULE_SETS[*place].rules)),
                (What::DeliveryFailed(failure), _) => Given::DeliveryFailed(failure),
                (What::Blind(interval), _) => Given::Blind(*interval),
                (What::Command(command), _) => Given::Command(command),
            };
            let before = Arc::clone(&self.order.rules);
            let Ok(()) = self.order.row(&mut self.memory, row.position, row.at, given);
            if let What::Rules(place) = row.what {
                self.rule_set = place;
                self.recount(journal, &before);
                self.judge();
            }
        }
    }

    /// Counts for rules that are new, or count other events than before, what the journal has.
    fn recount(&mut self, journal: &[Row], before: &RuleSet) {
        let rules = Arc::clone(&self.order.rules);
        let (now, position) = (self.order.standing.rules_at, self.order.position());
        let mut counted = BTreeSet::new();
        for row in journal.iter().filter(|row| row.position < position) {
            let Some(event) = row.event() else { continue };
            for (place, rule) in rules.recounts(before).enumerate() {
                if !rule.counts_by(event.kind) || rule.counts_from(now).is_none_or(|from| row.at <= from) {
                    continue;
                }
                let Ok(subject) = self.order.recount(&mut self.memory, &event, rule);
                counted.extend(subject.map(|subject| (place, subject)));
            }
        }
        let recounts: Vec<&Rule> = rules.recounts(before).collect();
        for (place, subject) in &counted {
            let Ok(()) = self.order.recounted(&mut self.memory, subject, recounts[*place]);
        }
    }

    /// Judges by the new rule set what it was not judged at once.
    fn judge(&mut self) {
        let known: BTreeSet<Subject> =
            self.memory.disk.subjects.keys().chain(self.memory.slices.keys()).cloned().collect();
        let rules = Arc::clone(&self.order.rules);
        for subject in known.iter().filter(|subject| rules.has_rules_for(subject.kind)) {
            let Ok(()) = self.order.judge(&mut self.memory, subject);
        }
    }

    /// Runs what is due.
    pub fn wake_until(&mut self, until: Timestamp) {
        let Ok(_) = self.order.wake_until(&mut self.memory, until);
    }

    /// When something is due next.
    pub fn first_due(&self) -> Option<Timestamp> {
        self.order.first_due()
    }

    /// Keeps what was decided.
    pub fn commit(&mut self) -> Decided {
        let Memory { slices, touched, disk } = &mut self.memory;
        for subject in std::mem::take(touched) {
            let Some(slice) = slices.get_mut(&subject) else { continue };
            disk.keep(slice);
            if slice.is_spent() {
                slices.remove(&subject);
            }
        }
        disk.position = self.order.position();
        let effects = &mut self.order.effects;
        let mut decided = Decided {
            transitions: std::mem::take(&mut effects.transitions),
            ended: std::mem::take(&mut effects.ended),
            notifications: std::mem::take(&mut effects.notifications),
        };
        for alert in &mut decided.ended {
            alert.changed = false;
            disk.open.remove(&alert.number);
            disk.ended.insert(alert.number, alert.clone());
        }
        for notification in &mut decided.notifications {
            match &mut notification.content {
                Content::Alerts { firing, ended, .. } => {
                    firing.iter_mut().chain(ended).for_each(|alert| alert.changed = false);
                }
                Content::Summary(summary) => summary.alerts.iter_mut().for_each(|alert| alert.changed = false),
                _ => {}
            }
        }
        disk.transitions.extend_from_slice(&decided.transitions);
        disk.notifications.extend_from_slice(&decided.notifications);
        disk.next_alert = effects.next_alert;
        disk.standing.clone_from(&self.order.standing);
        disk.rule_set = self.rule_set;
        decided
    }

    /// Every slice that is in memory; after a commit each is as it is kept.
    pub fn slices(&self) -> impl Iterator<Item = &Slice> {
        self.memory.slices.values()
    }

    /// A slice in memory.
    pub fn slice(&self, subject: &Subject) -> Option<&Slice> {
        self.memory.slices.get(subject)
    }

    /// An alert that is open, or ended in this turn.
    pub fn alert<'a>(&'a self, decided: &'a Decided, number: u64) -> Option<&'a Alert> {
        let mut alerts = self.slices().flat_map(|slice| &slice.alerts).chain(&decided.ended);
        alerts.find(|alert| alert.number == number)
    }

    /// The first slice in memory that is not what is kept of it.
    pub fn unkept(&self) -> Option<String> {
        self.slices().find_map(|slice| {
            let kept = self.memory.disk.has(slice).err()?;
            let in_memory = (&slice.projection, slice.due, &slice.alerts, &slice.members);
            Some(format!("{}:\n    in memory {}\n    kept      {}", slice.subject, json(&in_memory), json(&kept)))
        })
    }

    /// What stands by itself: stretches without hearing.
    pub fn standing(&self) -> &Standing {
        &self.order.standing
    }

    pub fn rules(&self) -> &Arc<RuleSet> {
        &self.order.rules
    }

    /// What is pending for a subject.
    pub fn pending(&self, slice: &Slice, now: Timestamp) -> Vec<Pending<'_>> {
        pending(Ground { rules: &self.order.rules, standing: &self.order.standing }, slice, now)
    }
}

impl Slices for Memory {
    type Error = Infallible;

    fn with(&mut self, subject: &Subject, work: impl FnOnce(&mut Slice)) -> Result<(), Infallible> {
        if !self.slices.contains_key(subject) {
            self.slices.insert(subject.clone(), self.disk.load(subject));
        }
        if let Some(slice) = self.slices.get_mut(subject) {
            work(slice);
            if is_changed(slice) {
                self.touched.insert(subject.clone());
            }
        }
        Ok(())
    }

    fn to_judge(&mut self) -> Result<BTreeSet<Subject>, Infallible> {
        let mut open: BTreeSet<Subject> = self.disk.open.values().map(|alert| alert.subject.clone()).collect();
        for subject in &self.touched {
            if self.slices[subject].alerts.is_empty() {
                open.remove(subject);
            } else {
                open.insert(subject.clone());
            }
        }
        Ok(open)
    }
}

fn is_changed(slice: &Slice) -> bool {
    slice.dirty || slice.alerts.iter().any(|alert| alert.changed) || slice.members.values().any(|member| member.changed)
}
