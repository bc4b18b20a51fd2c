//! Making up for time in which nothing could be heard: Impilo's webhook log is read, and what did not arrive is taken in.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::settling::{Brought, heard, made_up_for, may_be_forgotten, remember_unread, settle, tally};
use crate::account::client::Subscription;
use crate::account::recovery::{LogPart, Owner, has_before, read_log, steady};
use crate::account::{ApiError, Client, webhooks};
use crate::engine::{Interval, Lack, Outage, Recovery, Timestamp};
use crate::journal::print_of_kept;
use crate::store::{Doubt, Entry, NewRow, Placing, RecoveryNotes, Store, StoreError, TakenIn, meet};
use crate::telemetry;

/// How far each reading of the log reaches back behind the last: Impilo tries again for 105 minutes (documented), and rows may
/// be written late.
const OVERLAP: Duration = Duration::from_secs(3 * 60 * 60);

/// How much of the log is read at once.
const AT_ONCE: Duration = Duration::from_secs(6 * 60 * 60);

/// The furthest that a start reaches back. How long Impilo keeps its log is not documented.
const FURTHEST: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How long to wait before Impilo is asked again that could not be reached: while a start waits for it, and afterwards.
const AGAIN_AT_START: Duration = Duration::from_secs(5);
const AGAIN: Duration = Duration::from_secs(60);

/// What came back late is told together if its end follows within this time.
const TAKES: Duration = Duration::from_secs(60);

/// Rows of the log that are younger than this may belong to webhooks that are under way.
const ON_ITS_WAY: Duration = Duration::from_secs(60);

/// One reading at a time.
#[derive(Default)]
pub struct Healing(tokio::sync::Mutex<()>);

impl Healing {
    /// Waits for its turn to change what is remembered of the log.
    pub(super) async fn alone(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.0.lock().await
    }
}

/// What one reading of Impilo's log came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovered {
    pub from: Timestamp,
    pub until: Timestamp,
    /// Rows for our own address.
    pub rows: u64,
    /// Rows for other addresses, which are left alone.
    pub others: u64,
    /// Events that were missing and have been taken in.
    pub new: u64,
    /// Rows that were not answered well and cannot be read; they lie in quarantine.
    pub unreadable: u64,
    /// True where it was only looked, and nothing was taken in.
    pub dry_run: bool,
    /// Whether a subscription leads to our own address.
    pub subscribed: bool,
}

/// Why the log could not be read, or what it has not be taken in.
#[derive(Debug, thiserror::Error)]
pub enum NotRecovered {
    #[error("{0}")]
    NotConfigured(String),
    #[error(transparent)]
    Impilo(#[from] ApiError),
    #[error("Impilo's log could not be read in time")]
    TooSlow,
    #[error("whoever asked for it has gone")]
    Unwanted,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("shutting down")]
    Stopping,
}

impl NotRecovered {
    fn lack(&self) -> Lack {
        match self {
            Self::NotConfigured(_) => Lack::NotConfigured,
            Self::Impilo(ApiError::Refused(_)) => Lack::Refused,
            Self::Impilo(ApiError::TooLong(_)) => Lack::Unreadable,
            Self::Impilo(_) | Self::TooSlow | Self::Unwanted | Self::Store(_) | Self::Stopping => Lack::Unreachable,
        }
    }

    /// Whether it is worth while to try again at once.
    pub(super) fn may_pass(&self) -> bool {
        self.lack() == Lack::Unreachable
    }
}

/// What is read, and where it goes.
#[derive(Clone, Copy)]
struct Reading {
    from: Timestamp,
    until: Timestamp,
    placing: Placing,
    /// Somebody asked for this stretch.
    asked_for: bool,
}

/// How long Impilo is waited for.
#[derive(Clone, Copy)]
enum Patience<'a> {
    Until(Instant),
    /// As long as whoever asked is there.
    While(&'a CancellationToken),
    Endless,
}

impl Patience<'_> {
    /// What is asked, unless it takes longer than there is patience.
    async fn with<T>(self, asked: impl Future<Output = T>) -> Result<T, NotRecovered> {
        match self {
            Self::Until(deadline) => timeout_at(deadline, asked).await.map_err(|_| NotRecovered::TooSlow),
            Self::While(gone) => tokio::select! {
                answer = asked => Ok(answer),
                () = gone.cancelled() => Err(NotRecovered::Unwanted),
            },
            Self::Endless => Ok(asked.await),
        }
    }
}

impl Shared {
    /// How far deciding lags, where the oldest row that waits for it came at `oldest`. It does not while it waits for recovery,
    /// and what that brings is as old as it is.
    #[must_use]
    pub fn lag(&self, oldest: Timestamp) -> Duration {
        let since = *self.decides_since.lock().unwrap_or_else(PoisonError::into_inner);
        since.map_or(Duration::ZERO, |since| self.clock.now().since(oldest.max(since)))
    }

    /// Makes up for the time that the daemon was away, before anything is decided, and says what came of it. Deciding begins
    /// when this ends, however it ends.
    pub(super) async fn make_up(self: Arc<Self>, stop: CancellationToken) {
        let _begins = self.may_begin.clone().drop_guard();
        let deadline = Instant::now() + self.settings().impilo.recovery_wait;
        let read = loop {
            let read = self.catch_up(Placing::InOrder, Patience::Until(deadline)).await;
            match &read {
                Err(error) if error.may_pass() && Instant::now() + AGAIN_AT_START < deadline => {}
                _ => break read,
            }
            tokio::select! {
                () = sleep(AGAIN_AT_START) => {}
                () = stop.cancelled() => return,
            }
        };
        if let Err(error) = self.end_absence(read).await {
            telemetry::recovery_failed(&error.to_string());
        }
        *self.decides_since.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.clock.now());
    }

    /// Says what came of the absence that the daemon has come back from.
    async fn end_absence(&self, read: Result<Recovered, NotRecovered>) -> Result<(), NotRecovered> {
        let _one = self.healing.alone().await;
        let mut notes = self.recovery_notes().await?;
        let Some(interval) = notes.returning.take() else { return Ok(()) };
        let mut unreadable = notes.unread(&interval);
        let doubts = notes.doubts.iter().filter(|doubt| meet(&doubt.interval, &interval));
        let others = doubts.clone().map(|doubt| doubt.others).sum();
        let lacks = match read {
            Ok(_) => doubts.map(|doubt| doubt.lack).next_back(),
            Err(error) => Some(error.lack()),
        };
        if lacks == Some(Lack::Unreadable) {
            unreadable = unreadable.max(1);
        }
        let outage = Outage { interval, recovered: notes.returned, unreadable, others, lacks, late: false };
        if outage.may_lack() {
            notes.owed.push(interval);
        }
        notes.last_outage = Some(outage.clone());
        self.append_recovery(Recovery::Ended { outage }, notes).await
    }

    /// Reads the log again and again, until it is stopped.
    pub(super) async fn keep_recovering(self: Arc<Self>, stop: CancellationToken) {
        tokio::select! {
            () = self.may_begin.cancelled() => {}
            () = stop.cancelled() => return,
        }
        loop {
            let read = self.catch_up(Placing::Last, Patience::Endless).await;
            let wait = match &read {
                Err(error) if error.may_pass() => AGAIN,
                _ => self.settings().impilo.recovery_every,
            };
            tokio::select! {
                () = sleep(wait) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// Reads the log from where it was read last, takes in what is missing, and lets what was blind count as heard.
    async fn catch_up(&self, placing: Placing, patience: Patience<'_>) -> Result<Recovered, NotRecovered> {
        let _one = self.healing.alone().await;
        let read = self.catch_up_alone(placing, patience).await;
        let mut notes = self.recovery_notes().await?;
        notes.tried_at = Some(self.clock.now());
        let lacks = read.as_ref().map_or_else(|error| Some(error.lack()), Brought::lack);
        if let (Some(_), Err(error)) = (lacks.filter(|lack| notes.lacks != Some(*lack)), &read) {
            telemetry::recovery_failed(&error.to_string());
        }
        notes.lacks = lacks;
        self.note(notes).await?;
        read.map(|brought| brought.recovered)
    }

    async fn catch_up_alone(&self, placing: Placing, patience: Patience<'_>) -> Result<Brought, NotRecovered> {
        let (client, url) = self.log_of_ours()?;
        // Before anything is decided only the deadline counts.
        let client = if placing == Placing::InOrder { client } else { self.paced(client) };
        let notes = self.notes_for(&url).await?;
        let now = self.clock.now();
        let first = notes.absences.iter().map(|absence| absence.from).min().unwrap_or(now);
        let from = notes.read_until.unwrap_or(first).min(now).minus(OVERLAP).max(now.minus(FURTHEST));
        // Where nothing waits for it, what is just on its way is left to come by itself.
        let wants_all = placing == Placing::InOrder || !notes.absences.is_empty();
        let until = if wants_all { now } else { now.minus(ON_ITS_WAY) };
        let reading = Reading { from, until, placing, asked_for: false };
        let brought = self.read_stretch(&client, &url, reading, patience).await?;
        let new = brought.recovered.new;
        let (brought, healed) = self.heal(reading, brought).await?;
        if new > 0 {
            telemetry::recovered(new, from, now);
        }
        if !healed.is_empty() || new > 0 {
            self.process.wake();
        }
        Ok(brought)
    }

    /// What is remembered, for a reading of the rows for `url`. Where that is another address than before, what was in doubt
    /// for its sake is looked at anew.
    async fn notes_for(&self, url: &str) -> Result<RecoveryNotes, NotRecovered> {
        let mut notes = self.recovery_notes().await?;
        let hash: String = Sha256::digest(url).iter().map(|byte| format!("{byte:02x}")).collect();
        if notes.read_for.as_ref() == Some(&hash) {
            return Ok(notes);
        }
        let anew = |doubt: &mut Doubt| matches!(doubt.lack, Lack::Elsewhere | Lack::NotSubscribed);
        let again: Vec<Interval> = notes.doubts.extract_if(.., anew).map(|doubt| doubt.interval).collect();
        if !again.is_empty() {
            notes.look_anew(again);
        }
        // What led to another address did not lead here.
        notes.subscribed = notes.read_for.as_ref().map(|_| false);
        notes.read_for = Some(hash);
        self.note(notes.clone()).await?;
        Ok(notes)
    }

    /// Reads a stretch of the log because somebody asks for it; with `dry_run` it is only looked what is missing. It ends where
    /// it is once `gone` is cancelled; what was taken in until then stays.
    ///
    /// # Errors
    /// When the log cannot be read, or the store fails, or nobody waits for it any more.
    pub async fn recover(
        &self,
        from: Timestamp,
        until: Timestamp,
        dry_run: bool,
        gone: &CancellationToken,
    ) -> Result<Recovered, NotRecovered> {
        let patience = Patience::While(gone);
        let _one = patience.with(self.healing.alone()).await?;
        let (client, url) = self.log_of_ours()?;
        let placing = if dry_run { Placing::Nowhere } else { Placing::Last };
        let reading = Reading { from, until, placing, asked_for: true };
        let brought = self.read_stretch(&self.paced(client), &url, reading, patience).await;
        self.process.wake();
        let recovered = brought?.recovered;
        // What was in doubt may be certain by now. Where that cannot be seen yet, it is looked at again by itself.
        if !dry_run
            && self.doubts_anew(Interval { from, to: until }).await?
            && let Err(error) = self.catch_up_alone(Placing::Last, patience).await
        {
            telemetry::recovery_failed(&error.to_string());
        }
        Ok(recovered)
    }

    /// Lets stretches be read again of which it was not certain that nothing is missing, where they lie within this one; false
    /// where there are none.
    async fn doubts_anew(&self, within: Interval) -> Result<bool, NotRecovered> {
        let mut notes = self.recovery_notes().await?;
        let lies_within = |doubt: &mut Doubt| within.from <= doubt.interval.from && doubt.interval.to <= within.to;
        let again: Vec<Interval> = notes.doubts.extract_if(.., lies_within).map(|doubt| doubt.interval).collect();
        if again.is_empty() {
            return Ok(false);
        }
        notes.look_anew(again);
        self.note(notes).await?;
        Ok(true)
    }

    /// What asks for the log, and the address whose rows are ours.
    fn log_of_ours(&self) -> Result<(Client, String), NotRecovered> {
        let client = self.account().map_err(|error| NotRecovered::NotConfigured(error.to_string()))?;
        let base = self.settings.lock().unwrap_or_else(PoisonError::into_inner).public_url.clone();
        let base = base.ok_or_else(|| {
            let why = "`public_url` is not configured, so it is not known which rows of Impilo's log are ours";
            NotRecovered::NotConfigured(format!("{why}; add `public_url: https://…`, the address that Impilo posts to"))
        })?;
        Ok((client, webhooks::address(&base)))
    }

    /// Reads a stretch of the log, one part after the other by time.
    async fn read_stretch(
        &self,
        client: &Client,
        url: &str,
        reading: Reading,
        patience: Patience<'_>,
    ) -> Result<Brought, NotRecovered> {
        let Reading { from, until, placing, .. } = reading;
        let subscriptions = patience.with(subscriptions(client)).await??;
        let mut notes = self.recovery_notes().await?;
        let ahead = steady(notes.ahead, client.ahead());
        if notes.ahead != ahead {
            notes.ahead = ahead;
            self.note(notes).await?;
        }
        let owner = Owner::new(url, subscriptions.as_deref().unwrap_or_default(), ahead);
        let subscribed = subscriptions.as_ref().map(|_| owner.is_subscribed());
        let mut brought = Brought { subscribed, ..Brought::default() };
        let dry_run = placing == Placing::Nowhere;
        let leads_here = subscribed == Some(true);
        let mut recovered = Recovered { from, until, dry_run, subscribed: leads_here, ..Recovered::default() };
        let mut begins = from;
        while begins < until {
            let ends = begins.plus(AT_ONCE).min(until);
            let part = patience.with(read_log(client, &owner, begins, ends)).await??;
            brought.created.extend(part.created.iter().copied());
            brought.untold.extend(part.untold_at.iter().copied());
            recovered.rows += part.ours;
            recovered.others += part.others;
            recovered.unreadable += part.missing();
            recovered.new += self.take_in(part, reading, (begins, ends)).await?;
            begins = ends;
        }
        let notes = self.recovery_notes().await?;
        if let Some(first) =
            notes.absences.iter().filter(|absence| may_be_forgotten(absence)).map(|absence| absence.from).min()
            && let first = first.max(notes.tally.from.unwrap_or(first))
            && notes.tally.oldest.is_none_or(|oldest| oldest > first)
            && !patience.with(has_before(client, &owner, first)).await??
        {
            brought.reaches = Some(notes.tally.oldest.unwrap_or(until));
        }
        brought.recovered = recovered;
        Ok(brought)
    }

    /// Takes in what was read; gives the number of new events.
    async fn take_in(
        &self,
        part: LogPart,
        reading: Reading,
        (begins, read_until): (Timestamp, Timestamp),
    ) -> Result<u64, NotRecovered> {
        let placing = reading.placing;
        let (store, now) = (Arc::clone(&self.store), self.clock.now());
        let taking = tokio::task::spawn_blocking(move || {
            if placing == Placing::Last && !part.logged.is_empty() {
                returns_late(&*store, now)?;
            }
            if placing != Placing::Nowhere {
                for bad in remember_unread(&mut store.recovery()?, &part) {
                    store.quarantine(bad)?;
                }
            }
            let new = |taken: &[TakenIn]| taken.iter().filter(|taken| **taken == TakenIn::New).count() as u64;
            let mut note = |taken: &[TakenIn], notes: &mut RecoveryNotes| {
                remember_unread(notes, &part);
                notes.recovered += new(taken);
                notes.returned += new(taken);
                // What lies between is still to be read where somebody asked for a later stretch.
                if !reading.asked_for || notes.read_until.is_some_and(|until| begins <= until) {
                    tally(notes, &part, begins);
                    // What was read before, where this goes on from there.
                    let goes_on = notes.read_until.is_some_and(|until| begins <= until);
                    let known = notes.read_from.filter(|_| goes_on);
                    notes.read_from = Some(known.map_or(begins, |known| known.min(begins)));
                    notes.read_until = notes.read_until.max(Some(read_until));
                }
            };
            Ok(new(&store.take_in(&part.logged, &[], (placing, now), &print_of_kept, &mut note)?))
        });
        taking.await.map_err(|_| NotRecovered::Stopping)?.map_err(NotRecovered::Store)
    }

    /// Lets count as heard what the log has told of in full.
    async fn heal(&self, reading: Reading, brought: Brought) -> Result<(Brought, Vec<Interval>), NotRecovered> {
        let (store, now) = (Arc::clone(&self.store), self.clock.now());
        let healing = tokio::task::spawn_blocking(move || {
            let mut notes = store.recovery()?;
            let blind = store.progress()?.standing.blind;
            let was_away = notes.absences.iter().any(|absence| absence.to <= reading.until);
            let mut healed = heard(&notes, &blind, reading.until, &brought);
            healed.extend(settle(&mut notes, reading.until, &brought));
            notes.subscribed = brought.subscribed.or(notes.subscribed);
            let row = |interval: &Interval| {
                let entry = Entry::Recovery(Recovery::Healed { interval: *interval });
                (interval.from, NewRow { received_at: now, entry })
            };
            let mut rows: Vec<(Timestamp, NewRow)> = healed.iter().map(row).collect();
            // What was told to be lacking, and is not: the receivers hear of that.
            if let Some(outage) = was_away.then(|| made_up_for(&mut notes)).flatten() {
                rows.push((now, NewRow { received_at: now, entry: Entry::Recovery(Recovery::Ended { outage }) }));
            }
            let mut note = |_: &[TakenIn], kept: &mut RecoveryNotes| kept.clone_from(&notes);
            store.take_in(&[], &rows, (reading.placing, now), &print_of_kept, &mut note)?;
            Ok((brought, healed))
        });
        healing.await.map_err(|_| NotRecovered::Stopping)?.map_err(NotRecovered::Store)
    }

    /// Appends a row, and remembers in the same commit what is so from then on.
    async fn append_recovery(&self, recovery: Recovery, notes: RecoveryNotes) -> Result<(), NotRecovered> {
        let (store, now) = (Arc::clone(&self.store), self.clock.now());
        let row = (now, NewRow { received_at: now, entry: Entry::Recovery(recovery) });
        let appending = tokio::task::spawn_blocking(move || {
            let mut note = |_: &[TakenIn], kept: &mut RecoveryNotes| kept.clone_from(&notes);
            store.take_in(&[], &[row], (Placing::Last, now), &print_of_kept, &mut note)
        });
        appending.await.map_err(|_| NotRecovered::Stopping)?.map(drop).map_err(NotRecovered::Store)
    }

    pub(super) async fn recovery_notes(&self) -> Result<RecoveryNotes, NotRecovered> {
        let store = Arc::clone(&self.store);
        let reading = tokio::task::spawn_blocking(move || store.recovery());
        reading.await.map_err(|_| NotRecovered::Stopping)?.map_err(NotRecovered::Store)
    }

    pub(super) async fn note(&self, notes: RecoveryNotes) -> Result<(), NotRecovered> {
        let store = Arc::clone(&self.store);
        let noting = tokio::task::spawn_blocking(move || store.note_recovery(&notes));
        noting.await.map_err(|_| NotRecovered::Stopping)?.map_err(NotRecovered::Store)
    }
}

/// What is made up for after deciding has begun goes into one message as well, which the end of it brings: much of it is over.
fn returns_late(store: &dyn Store, now: Timestamp) -> Result<(), StoreError> {
    let Some(from) = store.recovery()?.absences.iter().map(|absence| absence.from).min() else { return Ok(()) };
    let interval = Interval { from, to: now.plus(TAKES) };
    let entry = Entry::Recovery(Recovery::Begun { interval });
    store.append(&[NewRow { received_at: now, entry }], now).map(drop)
}

/// The account's subscriptions; `None` where Impilo does not tell them. What may pass is waited for: without them some rows do not
/// tell whose they are, and what is decided of those stays.
async fn subscriptions(client: &Client) -> Result<Option<Vec<Subscription>>, ApiError> {
    match client.webhooks().await {
        Err(ApiError::NotFound | ApiError::TooLong(_)) => Ok(None),
        Err(error @ ApiError::Answered(_)) if !error.may_pass() => Ok(None),
        told => told.map(Some),
    }
}
