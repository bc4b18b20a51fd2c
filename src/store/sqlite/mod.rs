//! The store in one SQLite file: write-ahead log, one writer at a time, readers beside it.
//!
//! What an answer or a message rests on is synced before it is given: appends, leases and results. A batch of processing is
//! committed whole but not synced by itself: the next append or lease syncs it along, nothing has left the house before
//! that, and what a power cut takes back is decided again from the journal, the same way.

mod alerts;
mod amend;
mod connection;
mod digests;
mod figures;
mod journal;
mod ledger;
mod outbox;
mod people;
mod recovery;
mod retention;
mod slices;
mod stale;
mod stand_ins;
mod threads;

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};

use super::{
    AlertFilter, Amendment, Appended, Attempt, AttemptRow, Delivery, DeliveryFilter, DeliveryRow, DigestDue, Entry,
    EventRow, Figures, JournalRow, LastDelivery, Logged, NewRow, NotResent, Outcome, Outline, Overdue, Placing, Print,
    Progress, Pruned, Quarantined, RecoveryNotes, Rendered, Resend, Resent, Retention, Room, Store, StoreError,
    TakenIn, Telling, Told, Vitals,
};
use secrecy::SecretSlice;

use crate::engine::{
    Action, Alert, AlertState, Notification, Position, SilenceRecord, Slice, Subject, SubjectKind, Suppression,
    Timestamp, Transition,
};
use connection::Database;

/// Rows of the journal in one read.
const PAGE: usize = 1_000;

/// A store in one file.
pub struct Sqlite {
    database: Database,
    /// Until when webhooks may come for events that were recovered, in milliseconds.
    copies_until: AtomicI64,
}

impl Sqlite {
    /// Opens the file at `path`, makes it where there is none, and brings its tables up to date.
    ///
    /// # Errors
    /// When it cannot be opened, or a newer version wrote it.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::on(Database::open(path)?)
    }

    /// Opens an existing file for reading alone; writing through it fails.
    ///
    /// # Errors
    /// When it is not there, cannot be read, or has tables of another version.
    pub fn open_reader(path: &Path) -> Result<Self, StoreError> {
        Self::on(Database::open_reader(path)?)
    }

    fn on(database: Database) -> Result<Self, StoreError> {
        let copies_until = database.read("read what was recovered", recovery::copies_until)?;
        Ok(Self { database, copies_until: AtomicI64::new(copies_until.0) })
    }
}

impl Store for Sqlite {
    fn append(&self, rows: &[NewRow], clock: Timestamp) -> Result<Vec<Appended>, StoreError> {
        self.append_printed(rows, &[], clock)
    }

    fn append_printed(
        &self,
        rows: &[NewRow],
        prints: &[Option<Print>],
        clock: Timestamp,
    ) -> Result<Vec<Appended>, StoreError> {
        self.database.synced("append events", |writer| journal::append(writer, rows, prints, clock))
    }

    fn expects_copies(&self, now: Timestamp) -> bool {
        now.0 <= self.copies_until.load(Ordering::Acquire)
    }

    fn take_in(
        &self,
        logged: &[Logged],
        others: &[(Timestamp, NewRow)],
        (placing, clock): (Placing, Timestamp),
        print: &dyn Fn(&[u8]) -> Option<Print>,
        note: &mut dyn FnMut(&[TakenIn], &mut RecoveryNotes),
    ) -> Result<Vec<TakenIn>, StoreError> {
        // Before any of them is looked for: a webhook that comes from here on has its print taken.
        if placing != Placing::Nowhere
            && let Some(last) = logged.iter().map(|row| row.comes_until).max()
        {
            self.copies_until.fetch_max(last.0, Ordering::AcqRel);
        }
        let unpaired = self
            .database
            .read("look for events of Impilo's log", |reader| recovery::Unpaired::find(reader, logged, print))?;
        self.database.synced("take in events of Impilo's log", |writer| {
            let taken = recovery::take_in(writer, logged, others, (placing, clock), unpaired, print)?;
            if placing != Placing::Nowhere {
                let mut notes = recovery::notes(&writer.sql)?;
                note(&taken, &mut notes);
                recovery::note(writer, &notes)?;
            }
            Ok(taken)
        })
    }

    fn recovery(&self) -> Result<RecoveryNotes, StoreError> {
        self.database.read("read how far Impilo's log was read", recovery::notes)
    }

    fn note_recovery(&self, notes: &RecoveryNotes) -> Result<(), StoreError> {
        self.database.synced("note how far Impilo's log was read", |writer| recovery::note(writer, notes))
    }

    fn quarantine(&self, bad: &Quarantined) -> Result<bool, StoreError> {
        self.database.synced("keep a bad body", |writer| journal::quarantine(writer, bad))
    }

    fn journal(&self, after: Position, limit: usize) -> Result<Vec<JournalRow>, StoreError> {
        self.database.read("read the journal", |reader| journal::after(reader, after, limit))
    }

    fn events_before(&self, before: Position, kind: Option<&str>, limit: usize) -> Result<Vec<JournalRow>, StoreError> {
        let page = |before, limit| {
            self.database.read("read the journal", move |reader| journal::before(reader, before, None, limit))
        };
        let Some(kind) = kind else { return page(before, limit) };
        // A rare type may lie anywhere: one read over the whole journal would keep its log from being written back.
        let (mut found, mut before) = (Vec::new(), before);
        while found.len() < limit {
            let rows = page(before, PAGE)?;
            let Some(last) = rows.last() else { break };
            before = last.position;
            let of_kind = |row: &JournalRow| matches!(&row.entry, Entry::Event(event) if event.kind == kind);
            found.extend(rows.into_iter().filter(of_kind));
        }
        found.truncate(limit);
        Ok(found)
    }

    fn progress(&self) -> Result<Progress, StoreError> {
        self.database.read("read how far processing has come", journal::progress)
    }

    fn load(&self, subjects: &[Subject]) -> Result<Vec<Slice>, StoreError> {
        self.database.read("read subjects", |reader| slices::load(reader, subjects))
    }

    fn due(&self, until: Timestamp, limit: usize) -> Result<Vec<(Timestamp, Subject)>, StoreError> {
        self.database.read("read what is due", |reader| slices::due(reader, until, limit))
    }

    fn subjects_with_open_alerts(&self) -> Result<Vec<Subject>, StoreError> {
        self.database.read("read subjects with open alerts", slices::with_open_alerts)
    }

    fn hold_frontier(&self, at: Timestamp, processed: Position) -> Result<bool, StoreError> {
        self.database.hold_frontier(at, processed)
    }

    fn commit(&self, outcome: &Outcome<'_>) -> Result<(), StoreError> {
        let prepared =
            slices::prepare(outcome).map_err(|error| self.database.unreadable("what was decided", &error))?;
        self.database.unsynced("commit what was decided", |writer| slices::commit(writer, &prepared))
    }

    fn lease(
        &self,
        now: Timestamp,
        until: Timestamp,
        room: &Room,
        render: &mut dyn FnMut(&Notification) -> Rendered,
    ) -> Result<Vec<Delivery>, StoreError> {
        if self.next_delivery(room)?.is_none_or(|next| next > now) {
            return Ok(Vec::new());
        }
        self.database.synced("lease deliveries", |writer| outbox::lease(writer, now, until, room, render))
    }

    fn release(&self) -> Result<(), StoreError> {
        self.database.synced("release deliveries", |writer| outbox::release(writer))
    }

    fn record(&self, attempts: &[Attempt], clock: Timestamp) -> Result<(), StoreError> {
        self.database.synced("record deliveries", |writer| outbox::record(writer, attempts, clock))
    }

    fn amend(&self, amendments: &[Amendment], rule_set: &str, now: Timestamp) -> Result<(), StoreError> {
        self.database.synced("amend deliveries", |writer| amend::amend(writer, amendments, rule_set, now))
    }

    fn next_delivery(&self, room: &Room) -> Result<Option<Timestamp>, StoreError> {
        self.database.read("read what is to be delivered", |reader| outbox::next(reader, room))
    }

    fn enqueue(&self, notifications: &[Notification]) -> Result<(), StoreError> {
        let ready =
            outbox::prepare(notifications).map_err(|error| self.database.unreadable("a notification", &error))?;
        self.database.synced("add notifications", |writer| outbox::add(writer, &ready))
    }

    fn digest_due(&self, name: &str) -> Result<Option<DigestDue>, StoreError> {
        self.database.read("read digests", |reader| digests::due(reader, name))
    }

    fn schedule_digest(&self, name: &str, due: &DigestDue) -> Result<(), StoreError> {
        self.database.synced("schedule a digest", |writer| digests::schedule(writer, name, due))
    }

    fn run_digest(
        &self,
        name: &str,
        due: Timestamp,
        next: &DigestDue,
        notifications: &[Notification],
    ) -> Result<bool, StoreError> {
        let ready = outbox::prepare(notifications).map_err(|error| self.database.unreadable("a digest", &error))?;
        self.database.synced("run a digest", |writer| digests::run(writer, name, due, next, &ready))
    }

    fn keep_rule_set(&self, hash: &str, bundle: &[u8]) -> Result<(), StoreError> {
        self.database.synced("keep a rule set", |writer| digests::keep_rule_set(writer, hash, bundle))
    }

    fn rule_set(&self, hash: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.database.read("read a rule set", |reader| digests::rule_set(reader, hash))
    }

    fn alerts(&self, filter: &AlertFilter) -> Result<Vec<Alert>, StoreError> {
        self.database.read("read alerts", |reader| alerts::list(reader, filter))
    }

    fn outlines(&self, state: AlertState, after: (Timestamp, u64), limit: usize) -> Result<Vec<Outline>, StoreError> {
        self.database.read("read alerts", |reader| alerts::outlines(reader, state, after, limit))
    }

    fn count_alerts(&self, filter: &AlertFilter) -> Result<u64, StoreError> {
        self.database.read("count alerts", |reader| alerts::count(reader, filter))
    }

    fn count_dead(&self, from: Timestamp, before: Timestamp) -> Result<u64, StoreError> {
        self.database.read("count deliveries", |reader| outbox::count_dead(reader, from, before))
    }

    fn transitions(&self, alert: u64) -> Result<Vec<Transition>, StoreError> {
        self.database.read("read an alert's moves", |reader| alerts::transitions(reader, alert))
    }

    fn subjects(&self, kind: SubjectKind, after: Option<&str>, limit: usize) -> Result<Vec<Slice>, StoreError> {
        self.database.read("read subjects", |reader| slices::list(reader, kind, after, limit))
    }

    fn actions(&self, alert: Option<u64>, limit: usize) -> Result<Vec<Action>, StoreError> {
        self.database.read("read what people did", |reader| people::actions(reader, alert, limit))
    }

    fn suppressions(&self, alert: u64) -> Result<Vec<Suppression>, StoreError> {
        self.database.read("read what was held back", |reader| people::suppressions(reader, alert))
    }

    fn silences(&self, over: bool, limit: usize) -> Result<Vec<SilenceRecord>, StoreError> {
        self.database.read("read silences", |reader| people::silences(reader, over, limit))
    }

    fn key(&self, name: &str, new: &[u8]) -> Result<SecretSlice<u8>, StoreError> {
        let key = self.database.synced("keep a key", |writer| people::key(writer, name, new))?;
        Ok(key.into())
    }

    fn find_deliveries(&self, filter: &DeliveryFilter) -> Result<Vec<DeliveryRow>, StoreError> {
        self.database.read("read deliveries", |reader| ledger::list(reader, filter))
    }

    fn attempts(&self, delivery: u64) -> Result<Vec<AttemptRow>, StoreError> {
        self.database.read("read attempts", |reader| ledger::attempts(reader, delivery))
    }

    fn last_delivery_by_receiver(&self) -> Result<Vec<LastDelivery>, StoreError> {
        self.database.read("read deliveries", ledger::last_by_receiver)
    }

    fn hasten(&self, lane: &str, now: Timestamp) -> Result<(), StoreError> {
        self.database.synced("hasten deliveries", |writer| ledger::hasten(writer, lane, now))
    }

    fn hand_over(
        &self,
        overdue: &Overdue,
        make: &mut dyn FnMut(&Notification) -> Vec<Notification>,
    ) -> Result<u64, StoreError> {
        let none = self.database.read("read deliveries", |reader| Ok(ledger::overdue(reader, overdue)?.is_empty()))?;
        if none {
            return Ok(0);
        }
        self.database.synced("hand deliveries over", |writer| ledger::hand_over(writer, overdue, make))
    }

    fn resend(
        &self,
        resend: &Resend,
        now: Timestamp,
        make: &mut dyn FnMut(&Notification) -> Result<Notification, String>,
    ) -> Result<Result<Vec<Resent>, NotResent>, StoreError> {
        self.database.synced("send deliveries again", |writer| ledger::resend(writer, resend, now, make))
    }

    fn vitals(&self) -> Result<Vitals, StoreError> {
        self.database.read("read figures", figures::vitals)
    }

    fn figures(&self) -> Result<Figures, StoreError> {
        self.database.read("read figures", figures::read)
    }

    fn told(&self) -> Result<Vec<Told>, StoreError> {
        self.database.read("read what it told of itself", figures::told)
    }

    fn tell(&self, telling: &Telling, notifications: &[Notification]) -> Result<(), StoreError> {
        let ready =
            outbox::prepare(notifications).map_err(|error| self.database.unreadable("a notification", &error))?;
        self.database.synced("tell of itself", |writer| {
            figures::tell(writer, telling)?;
            outbox::add(writer, &ready)
        })
    }

    fn prune(
        &self,
        retention: &Retention,
        reduce: &mut dyn FnMut(&EventRow) -> Option<Vec<u8>>,
    ) -> Result<Pruned, StoreError> {
        let doing = "remove what has outlived its retention";
        self.database.synced(doing, |writer| retention::prune(writer, retention, reduce))
    }

    fn probe(&self, clock: Timestamp) -> Result<(), StoreError> {
        self.database.synced("commit", |writer| figures::probe(writer, clock))
    }
}
