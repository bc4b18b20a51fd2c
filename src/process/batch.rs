//! One batch: journal rows and due times through the engine, gathered into one outcome.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::cache::Cache;
use super::reader::{BATCH, Read, Reader};
use crate::engine::{self, Effects, Event, Input, Message, Position, RuleSet, Slice, Subject, SubjectKind, Timestamp};
use crate::impilo;
use crate::store::{Entry, JournalRow, Outcome, Progress, Store, StoreError};

/// How many due times are read at once.
const DUE_PAGE: usize = 4096;

/// Turns the hash of a rule set into the rule set.
pub type Compiler = dyn Fn(&str) -> Option<Arc<RuleSet>> + Send;

/// Processing between batches: what is in memory of the store, and how far it has come.
pub struct Processor {
    store: Arc<dyn Store>,
    compile: Box<Compiler>,
    cache: Cache,
    rules: Arc<RuleSet>,
    progress: Progress,
    reader: Reader,
    /// What made the engine panic: it is passed over from then on.
    broken: BTreeSet<InHand>,
}

/// What is being decided.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum InHand {
    Nothing,
    Row(Position),
    Wake(Subject),
}

/// What one batch did.
#[derive(Debug, Default)]
pub struct Done {
    pub rows: usize,
    pub wakes: usize,
    pub notifications: usize,
    /// True where a rule set row took effect.
    pub rules_changed: bool,
    /// Events whose body could not be read back; they changed nothing.
    pub unreadable: Vec<Position>,
    /// What the engine panicked at: the batch changed nothing, and the next passes it over.
    pub broke: Option<InHand>,
}

/// What is in hand while a batch runs.
struct Pass<'b> {
    processor: &'b mut Processor,
    effects: Effects,
    /// Subjects that have changed, each once.
    touched: Vec<Subject>,
    /// Due times up to the horizon, as the slices in hand have them.
    due: BTreeSet<(Timestamp, Subject)>,
    progress: Progress,
    in_hand: InHand,
    rules_before: Arc<RuleSet>,
    done: Done,
}

impl Processor {
    /// Takes up where the store says that processing stopped. `rules` decide until a stored rule set does; `room` is half
    /// the number of slices kept in memory.
    ///
    /// # Errors
    /// When the store cannot say how far processing has come.
    pub fn new(
        store: Arc<dyn Store>,
        compile: Box<Compiler>,
        rules: Arc<RuleSet>,
        room: usize,
    ) -> Result<Self, StoreError> {
        let progress = store.progress()?;
        let reader = Reader::start(Arc::clone(&store));
        let (cache, broken) = (Cache::new(room), BTreeSet::new());
        let mut processor = Self { store, compile, cache, rules, progress, reader, broken };
        if !processor.progress.rule_set.is_empty()
            && let Some(rules) = (processor.compile)(&processor.progress.rule_set)
        {
            processor.rules = rules;
        }
        Ok(processor)
    }

    /// The rule set in force.
    #[must_use]
    pub fn rules(&self) -> &Arc<RuleSet> {
        &self.rules
    }

    /// The last journal row whose outcome is committed.
    #[must_use]
    pub fn position(&self) -> Position {
        self.progress.position
    }

    /// One batch: the next rows of the journal, or, once it is drained, what is due at `now` by the wall clock. `None`
    /// where there is nothing to do.
    ///
    /// # Errors
    /// When the store fails; nothing of the batch has then happened, and the next call tries again.
    pub fn turn(&mut self, now: Timestamp) -> Result<Option<Done>, StoreError> {
        match self.rows(now)? {
            Some(done) => Ok(Some(done)),
            None => self.wakes(now),
        }
    }

    /// Takes in the next rows of the journal; `None` where there are none.
    fn rows(&mut self, noticed_at: Timestamp) -> Result<Option<Done>, StoreError> {
        let mut rows = self.reader.rows(&*self.store, self.progress.position)?;
        let Some((last, position)) = rows.last().map(|(row, _)| (row.at, row.position)) else { return Ok(None) };
        if rows.len() > BATCH / 2 {
            self.reader.read_ahead(position);
        }
        let reads = rows.iter().filter_map(|(_, read)| read.as_ref());
        let subjects = reads.filter_map(|read| read.facts.about.first()).map(|about| &about.subject);
        let absent: Vec<&Subject> = subjects.filter(|subject| !self.cache.contains(subject)).collect();
        self.prefetch(absent)?;
        let (due, horizon) = self.due_until(last)?;
        Pass::run(self, due, noticed_at, |pass| {
            for (row, read) in &mut rows {
                if row.at > horizon {
                    return pass.wake_until(horizon);
                }
                pass.wake_until(row.at)?;
                pass.row(row, read.take())?;
            }
            Ok(())
        })
        .map(Some)
    }

    /// Runs what is due up to `now`, provided that the journal is drained; `None` where nothing is due or rows came.
    fn wakes(&mut self, now: Timestamp) -> Result<Option<Done>, StoreError> {
        let (due, horizon) = self.due_until(now)?;
        if due.is_empty() || !self.store.hold_frontier(horizon, self.progress.position)? {
            return Ok(None);
        }
        Pass::run(self, due, now, |pass| {
            pass.wake_until(horizon)?;
            pass.progress.frontier = pass.progress.frontier.max(horizon);
            Ok(())
        })
        .map(Some)
    }

    /// When the next subject wants to be woken.
    ///
    /// # Errors
    /// When the store fails.
    pub fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.store.due(Timestamp(i64::MAX), 1)?.first().map(|(due, _)| *due))
    }

    fn prefetch(&mut self, mut absent: Vec<&Subject>) -> Result<(), StoreError> {
        absent.sort_unstable();
        absent.dedup();
        if absent.is_empty() {
            return Ok(());
        }
        let absent: Vec<Subject> = absent.into_iter().cloned().collect();
        for slice in self.store.load(&absent)? {
            self.cache.insert(slice);
        }
        Ok(())
    }

    /// Everything due at or before `until`, and the instant up to which that is complete.
    fn due_until(&self, until: Timestamp) -> Result<(BTreeSet<(Timestamp, Subject)>, Timestamp), StoreError> {
        let mut limit = DUE_PAGE;
        loop {
            let page = self.store.due(until, limit)?;
            if page.len() < limit {
                return Ok((page.into_iter().collect(), until));
            }
            let first = page.first().map(|(due, _)| *due);
            let last = page.last().map(|(due, _)| *due);
            if let Some(last) = last.filter(|_| first != last) {
                let horizon = Timestamp(last.0.saturating_sub(1));
                return Ok((page.into_iter().filter(|(due, _)| *due <= horizon).collect(), horizon));
            }
            limit = limit.saturating_mul(4);
        }
    }
}

impl<'b> Pass<'b> {
    /// Decides, then commits. Where either fails nothing has happened: not in the store, nor in memory.
    fn run(
        processor: &'b mut Processor,
        due: BTreeSet<(Timestamp, Subject)>,
        noticed_at: Timestamp,
        decide: impl FnOnce(&mut Self) -> Result<(), StoreError>,
    ) -> Result<Done, StoreError> {
        let progress = processor.progress.clone();
        let effects = Effects { next_alert: progress.next_alert, ..Effects::default() };
        let rules_before = Arc::clone(&processor.rules);
        let (touched, in_hand, done) = (Vec::new(), InHand::Nothing, Done::default());
        let mut pass = Self { processor, effects, touched, due, progress, in_hand, rules_before, done };
        // Whatever a panic leaves behind is undone, since none of it is looked at again.
        match catch_unwind(AssertUnwindSafe(|| decide(&mut pass))) {
            Ok(Ok(())) => pass.commit(noticed_at),
            Ok(Err(error)) => {
                pass.undo();
                Err(error)
            }
            Err(_) => Ok(pass.pass_over()),
        }
    }

    /// Forgets what was decided, so that the store's truth is read again.
    fn undo(self) {
        self.processor.rules = self.rules_before;
        for subject in &self.touched {
            self.processor.cache.remove(subject);
        }
    }

    /// The engine panicked, which is a mistake in it. One event that changes nothing is better than none that is decided.
    fn pass_over(self) -> Done {
        let broke = self.in_hand.clone();
        let processor = self.processor;
        processor.rules = self.rules_before;
        processor.cache.clear();
        processor.broken.insert(broke.clone());
        Done { broke: Some(broke), ..Done::default() }
    }

    /// Runs every wake-up due at or before `until`, by due time, then subject.
    fn wake_until(&mut self, until: Timestamp) -> Result<(), StoreError> {
        while let Some((due, _)) = self.due.first().filter(|(due, _)| *due <= until) {
            let due = *due;
            let Some((_, subject)) = self.due.pop_first() else { break };
            self.done.wakes += 1;
            let position = self.progress.position;
            self.in_hand = InHand::Wake(subject.clone());
            if self.processor.broken.contains(&self.in_hand) {
                self.forget_due(&subject)?;
                continue;
            }
            self.step(&subject, &Input::Wake { position }, due)?;
            self.deliver(None, due)?;
        }
        Ok(())
    }

    fn row(&mut self, row: &JournalRow, read: Option<Read>) -> Result<(), StoreError> {
        let position = row.position;
        self.in_hand = InHand::Row(position);
        match &row.entry {
            _ if self.processor.broken.contains(&self.in_hand) => {}
            Entry::Event(_) => match read {
                Some(read) => self.event(row, &read)?,
                None => self.done.unreadable.push(position),
            },
            Entry::Command(command) => {
                let engine::Command::TestNotification { receiver, .. } = command;
                let subject = Subject::new(SubjectKind::Group, format!("test {receiver}"));
                self.step(&subject, &Input::Command { command, position }, row.at)?;
            }
            Entry::RuleSet { hash } => self.rule_set(hash, position, row.at)?,
            Entry::DeliveryFailed(failure) if !failure.group.is_empty() => {
                let subject = Subject::new(SubjectKind::Group, failure.group.clone());
                self.step(&subject, &Input::DeliveryFailed { failure, position }, row.at)?;
            }
            Entry::DeliveryFailed(_) => {}
        }
        self.progress.position = position;
        self.progress.frontier = row.at;
        self.done.rows += 1;
        Ok(())
    }

    fn event(&mut self, row: &JournalRow, read: &Read) -> Result<(), StoreError> {
        let Some(first) = read.facts.about.first() else { return Ok(()) };
        let (occurred_at, basis) = impilo::placed(&read.facts, row.received_at);
        let event = Event {
            position: row.position,
            id: &read.id,
            kind: &read.kind,
            source: read.source,
            received_at: row.received_at,
            occurred_at,
            basis,
            facts: &read.facts,
            payload: read.payload.value(),
        };
        self.step(&first.subject, &Input::Event(&event), row.at)?;
        self.deliver(Some(&event), row.at)
    }

    /// A rule set comes into force: whatever is open is judged by it.
    fn rule_set(&mut self, hash: &str, position: Position, now: Timestamp) -> Result<(), StoreError> {
        let Some(rules) = (self.processor.compile)(hash) else { return Ok(()) };
        self.processor.rules = rules;
        hash.clone_into(&mut self.progress.rule_set);
        self.done.rules_changed = true;
        let mut open: BTreeSet<Subject> = self.processor.store.subjects_with_open_alerts()?.into_iter().collect();
        open.extend(self.touched.iter().cloned());
        for subject in open {
            self.step(&subject, &Input::Rules { position }, now)?;
            self.deliver(None, now)?;
        }
        Ok(())
    }

    /// Takes the messages between subjects, first in first out, until there are none.
    fn deliver(&mut self, event: Option<&Event<'_>>, now: Timestamp) -> Result<(), StoreError> {
        while let Some((subject, message)) = self.effects.messages.pop_front() {
            let position = event.map_or(self.progress.position, |event| event.position);
            let message: &Message = &message;
            self.step(&subject, &Input::Message { message, event, position }, now)?;
        }
        Ok(())
    }

    fn step(&mut self, subject: &Subject, input: &Input<'_>, now: Timestamp) -> Result<(), StoreError> {
        let rules = Arc::clone(&self.processor.rules);
        let effects = &mut self.effects;
        let Some(slice) = slice_of(&mut self.processor.cache, &*self.processor.store, subject)? else { return Ok(()) };
        let (due_before, changed_before) = (slice.due, is_changed(slice));
        engine::step(&rules, slice, input, now, effects);
        if slice.due != due_before {
            if let Some(due) = due_before {
                self.due.remove(&(due, subject.clone()));
            }
            if let Some(due) = slice.due {
                self.due.insert((due, subject.clone()));
            }
        }
        if !changed_before && is_changed(slice) {
            self.touched.push(subject.clone());
        }
        Ok(())
    }

    /// Lets a subject sleep until an event wakes it.
    fn forget_due(&mut self, subject: &Subject) -> Result<(), StoreError> {
        if let Some(slice) = slice_of(&mut self.processor.cache, &*self.processor.store, subject)? {
            slice.due = None;
            if !is_changed(slice) {
                self.touched.push(subject.clone());
            }
            slice.dirty = true;
        }
        Ok(())
    }

    fn commit(self, noticed_at: Timestamp) -> Result<Done, StoreError> {
        let mut this = self;
        this.progress.next_alert = this.effects.next_alert;
        this.done.notifications = this.effects.notifications.len();
        let cache = &this.processor.cache;
        let slices: Vec<&Slice> = this.touched.iter().filter_map(|subject| cache.peek(subject)).collect();
        let committed = this.processor.store.commit(&Outcome {
            progress: &this.progress,
            slices: &slices,
            ended: &this.effects.ended,
            transitions: &this.effects.transitions,
            notifications: &this.effects.notifications,
            noticed_at,
        });
        if let Err(error) = committed {
            this.undo();
            return Err(error);
        }
        let Self { processor, touched, progress, done, .. } = this;
        processor.progress = progress;
        for subject in &touched {
            if processor.cache.peek(subject).is_some_and(Slice::is_spent) {
                processor.cache.remove(subject);
            } else if let Some(slice) = processor.cache.peek_mut(subject) {
                settle(slice);
            }
        }
        processor.cache.age();
        Ok(done)
    }
}

/// The slice of a subject, from memory or from the store.
fn slice_of<'c>(
    cache: &'c mut Cache,
    store: &dyn Store,
    subject: &Subject,
) -> Result<Option<&'c mut Slice>, StoreError> {
    if !cache.contains(subject) {
        for slice in store.load(std::slice::from_ref(subject))? {
            cache.insert(slice);
        }
    }
    Ok(cache.get(subject))
}

fn is_changed(slice: &Slice) -> bool {
    slice.dirty || slice.alerts.iter().any(|alert| alert.changed) || slice.members.values().any(|member| member.changed)
}

/// Marks a slice as written back.
fn settle(slice: &mut Slice) {
    slice.dirty = false;
    slice.removed_members.clear();
    for alert in &mut slice.alerts {
        alert.changed = false;
    }
    for member in slice.members.values_mut() {
        member.changed = false;
    }
}
