//! A run of the engine over a history, in memory. It holds what the fleet is like now, and nothing of what was.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::convert::Infallible;
use std::sync::Arc;

use crate::engine::{
    self, Alert, Event, Ground, Interval, Notification, Pending, Position, Records, Recovery, Rule, RuleSet, Slice,
    Standing, Subject, Timestamp, Transition, Why,
};
use crate::process::{Given, Order, Slices};

/// Hears what a run decides, as it comes.
pub trait Watch {
    /// An alert fired. What happens to it within the same step is told after this.
    fn fired(&mut self, alert: &Alert);

    /// An alert moved, its firing included.
    fn moved(&mut self, transition: &Transition);

    /// An alert ended.
    fn ended(&mut self, alert: &Alert);

    /// Somebody would have been told.
    fn told(&mut self, notification: &Notification);
}

/// One rule set over one history. The same events always give the same decisions, and those that a daemon would have made
/// with these rules.
pub struct Run {
    order: Order,
    memory: Memory,
    now: Timestamp,
}

/// Every subject there is.
#[derive(Default)]
struct Memory {
    slices: HashMap<Subject, Slice>,
    /// The number that the next alert to fire will have at least.
    unseen: u64,
    /// Alerts that fired since somebody looked, as they were after the step.
    fired: Vec<Alert>,
}

impl Run {
    /// A run that knows of nothing yet.
    #[must_use]
    pub fn new(rules: Arc<RuleSet>) -> Self {
        let memory = Memory { unseen: 1, ..Memory::default() };
        Self { order: Order::new(rules, Standing::default(), 0, 1, BTreeSet::new()), memory, now: Timestamp(i64::MIN) }
    }

    /// Takes an event that came `at`; an event cannot come before the one before it. Whatever is due by then runs first.
    pub fn take(&mut self, event: &Event<'_>, at: Timestamp, watch: &mut impl Watch) {
        let at = at.max(self.now);
        self.wake_until(at, watch);
        let Ok(()) = self.order.row(&mut self.memory, event.position, at, Given::Event(event));
        self.tell(watch);
    }

    /// In this stretch nothing could be heard, as what is due after `at` knows.
    pub fn blind(&mut self, interval: Interval, at: Timestamp, watch: &mut impl Watch) {
        self.wake_until(at.max(self.now), watch);
        self.order.standing.add_blind(interval);
    }

    /// The row `position`, which came `at`: what was blind in this stretch counts as heard.
    pub fn healed(&mut self, position: Position, interval: Interval, at: Timestamp, watch: &mut impl Watch) {
        let at = at.max(self.now);
        self.wake_until(at, watch);
        let Ok(()) = self.order.row(&mut self.memory, position, at, Given::Recovery(&Recovery::Healed { interval }));
        self.tell(watch);
    }

    /// Lets time pass: whatever is due by `until` runs.
    pub fn wake_until(&mut self, until: Timestamp, watch: &mut impl Watch) {
        while let Some(due) = self.order.first_due().filter(|due| *due <= until) {
            let Ok(_) = self.order.wake_until(&mut self.memory, due);
            self.tell(watch);
        }
        self.now = self.now.max(until);
    }

    /// The rules that decide.
    #[must_use]
    pub fn rules(&self) -> &Arc<RuleSet> {
        &self.order.rules
    }

    /// How far the run has come.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// What is known of a subject.
    #[must_use]
    pub fn slice(&self, subject: &Subject) -> Option<&Slice> {
        self.memory.slices.get(subject)
    }

    /// Everything that is known, in no order.
    pub fn slices(&self) -> impl Iterator<Item = &Slice> {
        self.memory.slices.values()
    }

    /// The rules that are pending for a subject now.
    #[must_use]
    pub fn pending(&self, slice: &Slice) -> Vec<Pending<'_>> {
        engine::pending(self.ground(), slice, self.now)
    }

    /// Why a rule does not fire for a subject now, where that is known.
    #[must_use]
    pub fn why_not(&self, slice: &Slice, rule: &Rule) -> Option<Why> {
        engine::why_not(self.ground(), slice, rule, self.now)
    }

    /// Rules with conditions that could not be computed, with what was wrong.
    #[must_use]
    pub const fn faults(&self) -> &BTreeMap<String, String> {
        &self.order.effects.faults
    }

    fn ground(&self) -> Ground<'_> {
        Ground { rules: &self.order.rules, standing: &self.order.standing }
    }

    fn tell(&mut self, watch: &mut impl Watch) {
        let effects = &mut self.order.effects;
        self.memory.fired.drain(..).for_each(|alert| watch.fired(&alert));
        effects.records = Records::default();
        if effects.transitions.is_empty() && effects.notifications.is_empty() {
            return;
        }
        effects.transitions.drain(..).for_each(|moved| watch.moved(&moved));
        effects.ended.drain(..).for_each(|alert| watch.ended(&alert));
        effects.notifications.drain(..).for_each(|notification| watch.told(&notification));
    }
}

impl Slices for Memory {
    type Error = Infallible;

    fn with(&mut self, subject: &Subject, work: impl FnOnce(&mut Slice)) -> Result<(), Infallible> {
        let slice = match self.slices.get_mut(subject) {
            Some(slice) => slice,
            None => self.slices.entry(subject.clone()).or_insert_with(|| Slice::new(subject.clone())),
        };
        work(slice);
        let new = slice.alerts.iter().filter(|alert| alert.number >= self.unseen);
        self.fired.extend(new.cloned());
        self.unseen = self.fired.last().map_or(self.unseen, |alert| self.unseen.max(alert.number + 1));
        slice.removed_members.clear();
        if slice.is_spent() && slice.due.is_none() {
            self.slices.remove(subject);
        }
        Ok(())
    }

    fn to_judge(&mut self) -> Result<BTreeSet<Subject>, Infallible> {
        // All of them: there is no store to bring in the others little by little.
        Ok(self.slices.keys().filter(|subject| subject.kind.is_named()).cloned().collect())
    }
}
