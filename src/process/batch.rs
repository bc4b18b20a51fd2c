//! One batch: journal rows and due times through the engine, gathered into one outcome.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::cache::Cache;
use super::order::{Given, InHand, Order, Slices};
use super::reader::{BATCH, Read, Reader};
use super::recount::recount;
use crate::engine::{Position, RuleSet, Slice, Subject, SubjectKind, Timestamp};
use crate::store::{Entry, JournalRow, Outcome, Progress, Store, StoreError};

/// How many due times are read at once.
const DUE_PAGE: usize = 4096;

/// How many subjects are judged by a new rule set in one batch.
const TO_JUDGE: usize = 1024;

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
    /// Rules with conditions that could not be computed, with what was wrong.
    pub faults: BTreeMap<String, String>,
    /// What the engine panicked at: the batch changed nothing, and the next passes it over.
    pub broke: Option<InHand>,
}

/// A batch while it is decided.
struct Pass<'b> {
    slices: Kept<'b>,
    compile: &'b Compiler,
    order: Order,
    progress: Progress,
    done: Done,
}

/// What a batch decided, before it is committed.
struct Decided {
    order: Order,
    /// Subjects that have changed, each once.
    touched: Vec<Subject>,
    progress: Progress,
    done: Done,
}

/// Slices in the cache, with the store behind it.
struct Kept<'b> {
    cache: &'b mut Cache,
    store: &'b dyn Store,
    broken: &'b BTreeSet<InHand>,
    /// Subjects that have changed, each once.
    touched: Vec<Subject>,
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
        // New rules judge everything before the next row, however the rows are batched: what they decide, and in which order,
        // must not hang on when a batch ended or the daemon did.
        if let Some(cursor) = self.progress.to_judge.clone() {
            return self.judge(&cursor, now).map(Some);
        }
        match self.rows(now)? {
            Some(done) => Ok(Some(done)),
            None => self.wakes(now),
        }
    }

    /// Judges the next subjects, after `cursor`, by the rule set that has come into force.
    fn judge(&mut self, cursor: &Subject, noticed_at: Timestamp) -> Result<Done, StoreError> {
        let mut kinds = SubjectKind::NAMED.into_iter().filter(|kind| *kind >= cursor.kind);
        let found = kinds.find_map(|kind| {
            let after = (kind == cursor.kind).then_some(cursor.id.as_str());
            let concerned = self.rules.has_rules_for(kind);
            let slices = if concerned { self.store.subjects(kind, after, TO_JUDGE) } else { Ok(Vec::new()) };
            slices.map(|slices| (!slices.is_empty()).then_some(slices)).transpose()
        });
        let slices = found.transpose()?.unwrap_or_default();
        let subjects: Vec<Subject> = slices.iter().map(|slice| slice.subject.clone()).collect();
        let (since, _) = self.progress.standing.looked_since();
        for slice in slices.into_iter().filter(|slice| slice.projection.judged < since) {
            if !self.cache.contains(&slice.subject) {
                self.cache.insert(slice);
            }
        }
        self.decide(BTreeSet::new(), noticed_at, |pass| {
            for subject in &subjects {
                pass.order.judge(&mut pass.slices, subject)?;
            }
            pass.progress.to_judge = subjects.last().cloned();
            Ok(())
        })
    }

    /// Takes in the next rows of the journal; `None` where there are none.
    fn rows(&mut self, noticed_at: Timestamp) -> Result<Option<Done>, StoreError> {
        let rows = self.reader.rows(&*self.store, self.progress.position)?;
        let Some((last, position)) = rows.last().map(|(row, _)| (row.at, row.position)) else { return Ok(None) };
        if rows.len() > BATCH / 2 {
            self.reader.read_ahead(position);
        }
        let reads = rows.iter().filter_map(|(_, read)| read.as_ref());
        let subjects = reads.filter_map(|read| read.facts.about.first()).map(|about| &about.subject);
        let absent: Vec<&Subject> = subjects.filter(|subject| !self.cache.contains(subject)).collect();
        self.prefetch(absent)?;
        let (due, horizon) = self.due_until(last)?;
        let decided = self.decide(due, noticed_at, |pass| {
            for (row, read) in &rows {
                if row.at > horizon {
                    return pass.wake_until(horizon);
                }
                pass.wake_until(row.at)?;
                pass.row(row, read.as_ref())?;
                if pass.progress.to_judge.is_some() {
                    break;
                }
            }
            Ok(())
        });
        self.reader.take_back(rows);
        decided.map(Some)
    }

    /// Runs what is due up to `now`, provided that the journal is drained; `None` where nothing is due or rows came.
    fn wakes(&mut self, now: Timestamp) -> Result<Option<Done>, StoreError> {
        let (due, horizon) = self.due_until(now)?;
        if due.is_empty() || !self.store.hold_frontier(horizon, self.progress.position)? {
            return Ok(None);
        }
        self.decide(due, now, |pass| {
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

    /// Decides, then commits. Where either fails nothing has happened: not in the store, nor in memory.
    fn decide(
        &mut self,
        due: BTreeSet<(Timestamp, Subject)>,
        noticed_at: Timestamp,
        decide: impl FnOnce(&mut Pass<'_>) -> Result<(), StoreError>,
    ) -> Result<Done, StoreError> {
        let progress = self.progress.clone();
        let mut pass = Pass {
            slices: Kept { cache: &mut self.cache, store: &*self.store, broken: &self.broken, touched: Vec::new() },
            compile: &*self.compile,
            order: Order::new(
                Arc::clone(&self.rules),
                progress.standing.clone(),
                progress.position,
                progress.next_alert,
                due,
            ),
            progress,
            done: Done::default(),
        };
        // Whatever a panic leaves behind is undone, since none of it is looked at again.
        let result = catch_unwind(AssertUnwindSafe(|| decide(&mut pass)));
        let Pass { slices: Kept { touched, .. }, order, progress, done, .. } = pass;
        match result {
            Ok(Ok(())) => self.commit(Decided { order, touched, progress, done }, noticed_at),
            Ok(Err(error)) => {
                self.undo(&touched);
                Err(error)
            }
            Err(_) => Ok(self.pass_over(order.into_in_hand())),
        }
    }

    /// Forgets what was decided of these subjects, so that the store's truth is read again.
    fn undo(&mut self, touched: &[Subject]) {
        for subject in touched {
            self.cache.remove(subject);
        }
    }

    /// The engine panicked, which is a mistake in it. One event that changes nothing is better than none that is decided.
    fn pass_over(&mut self, broke: InHand) -> Done {
        self.cache.clear();
        self.broken.insert(broke.clone());
        Done { broke: Some(broke), ..Done::default() }
    }

    fn commit(&mut self, decided: Decided, noticed_at: Timestamp) -> Result<Done, StoreError> {
        let Decided { order, touched, mut progress, mut done } = decided;
        let effects = &order.effects;
        progress.next_alert = effects.next_alert;
        progress.standing = order.standing.clone();
        done.faults.clone_from(&effects.faults);
        done.notifications = effects.notifications.len();
        let slices: Vec<&Slice> = touched.iter().filter_map(|subject| self.cache.peek(subject)).collect();
        let committed = self.store.commit(&Outcome {
            progress: &progress,
            slices: &slices,
            ended: &effects.ended,
            transitions: &effects.transitions,
            notifications: &effects.notifications,
            records: &effects.records,
            noticed_at,
        });
        if let Err(error) = committed {
            self.undo(&touched);
            return Err(error);
        }
        self.progress = progress;
        self.rules = order.rules;
        for subject in &touched {
            if self.cache.peek(subject).is_some_and(Slice::is_spent) {
                self.cache.remove(subject);
            } else if let Some(slice) = self.cache.peek_mut(subject) {
                settle(slice);
            }
        }
        self.cache.age();
        Ok(done)
    }
}

impl Pass<'_> {
    fn wake_until(&mut self, until: Timestamp) -> Result<(), StoreError> {
        self.done.wakes += self.order.wake_until(&mut self.slices, until)?;
        Ok(())
    }

    fn row(&mut self, row: &JournalRow, read: Option<&Read>) -> Result<(), StoreError> {
        let position = row.position;
        self.order.begin(position);
        let event = read.map(|read| read.event(position, row.received_at));
        let given = match (&row.entry, &event) {
            _ if self.slices.is_broken(&InHand::Row(position)) => Given::Nothing,
            (Entry::Event(_), Some(event)) => Given::Event(event),
            (Entry::Event(_), None) => {
                self.done.unreadable.push(position);
                Given::Nothing
            }
            (Entry::Command(command), _) => Given::Command(command),
            (Entry::RuleSet { hash }, _) => self.rules(hash),
            (Entry::DeliveryFailed(failure), _) => Given::DeliveryFailed(failure),
            (Entry::Blind(interval), _) => Given::Blind(*interval),
            (Entry::Recovery(recovery), _) => Given::Recovery(recovery),
        };
        let before = matches!(given, Given::Rules(_)).then(|| Arc::clone(&self.order.rules));
        let healed = self.order.standing.healed_since;
        self.order.row(&mut self.slices, position, row.at, given)?;
        if self.order.standing.healed_since > healed {
            self.progress.to_judge = Some(Subject::new(SubjectKind::Device, ""));
        }
        if let Some(before) = before {
            recount(self.slices.store, &mut self.order, &mut self.slices, &before, position)?;
        }
        self.progress.position = position;
        self.progress.frontier = row.at;
        self.done.rows += 1;
        Ok(())
    }

    /// The rule set that comes into force, where it can be had.
    fn rules(&mut self, hash: &str) -> Given<'static> {
        let Some(rules) = (self.compile)(hash) else { return Given::Nothing };
        hash.clone_into(&mut self.progress.rule_set);
        self.done.rules_changed = true;
        self.progress.to_judge = Some(Subject::new(SubjectKind::Device, ""));
        Given::Rules(rules)
    }
}

impl Slices for Kept<'_> {
    type Error = StoreError;

    fn with(&mut self, subject: &Subject, work: impl FnOnce(&mut Slice)) -> Result<(), StoreError> {
        if !self.cache.uses(subject) {
            for slice in self.store.load(std::slice::from_ref(subject))? {
                self.cache.insert(slice);
            }
        }
        let Some(slice) = self.cache.used(subject) else { return Ok(()) };
        let changed_before = is_changed(slice);
        work(slice);
        if !changed_before && is_changed(slice) {
            self.touched.push(subject.clone());
        }
        Ok(())
    }

    fn to_judge(&mut self) -> Result<BTreeSet<Subject>, StoreError> {
        let mut open: BTreeSet<Subject> = self.store.subjects_with_open_alerts()?.into_iter().collect();
        for subject in &self.touched {
            if self.cache.peek(subject).is_some_and(|slice| !slice.alerts.is_empty()) {
                open.insert(subject.clone());
            } else {
                open.remove(subject);
            }
        }
        Ok(open)
    }

    fn is_broken(&self, in_hand: &InHand) -> bool {
        self.broken.contains(in_hand)
    }
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
