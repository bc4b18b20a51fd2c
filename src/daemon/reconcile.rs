//! Asking Impilo, gently and again and again, how devices with patients, orders, returns and tickets are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{NotRecovered, Shared};
use crate::account::Client;
use crate::account::client::RawObject;
use crate::account::pages::Pages;
use crate::account::reconcile::{self, Asked, Occasion};
use crate::engine::{Lack, Slice, Subject, SubjectKind, Timestamp, Value};
use crate::store::{NewRow, RecoveryNotes};
use crate::telemetry;

/// Orders, returns and tickets that were not heard of for this long are asked for.
const QUIET: Duration = Duration::from_secs(24 * 60 * 60);

/// How many of each are asked for in one go, those first that were not heard of for longest.
const MOST: usize = 2000;

/// Answers one after the other that are about something else than was asked for. After more it is not the objects.
const MOST_STRANGE: u32 = 20;

/// Subjects read at once.
const PAGE: usize = 1000;

/// Deciding that lags by no more than this keeps up.
const LAGS: Duration = Duration::from_secs(3);

/// How often it is looked whether it is time.
const LOOK: Duration = Duration::from_secs(5);

/// The first and the longest wait until Impilo is asked again that could not be asked; they become longer and longer.
const FIRST_WAIT: Duration = Duration::from_secs(10);
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);

/// Keeps requests apart that nobody waits for. How many there may be together, the client keeps to itself.
pub(super) struct Budget(Duration);

impl Budget {
    /// Waits until the next request is made.
    pub(super) async fn wait(&self) {
        sleep(self.0).await;
    }
}

impl Shared {
    /// Reads back on its schedule, and after time that was not recovered in full.
    pub(super) async fn keep_reconciling(self: Arc<Self>, stop: CancellationToken) {
        let (mut wait, mut again) = (LOOK, FIRST_WAIT);
        loop {
            tokio::select! {
                () = sleep(wait) => {}
                () = stop.cancelled() => return,
            }
            if !self.may_begin.is_cancelled() || !self.is_time().await {
                continue;
            }
            let Ok(client) = self.account().map(|client| self.paced(client)) else { continue };
            let read = tokio::select! {
                read = self.read_back(&client) => read,
                () = stop.cancelled() => return,
            };
            if let Err(error) = &read {
                telemetry::reading_back_failed(&error.to_string());
            }
            if read.is_err_and(|error| error.may_pass()) {
                (wait, again) = (again, (again * 2).min(LONGEST_WAIT));
                continue;
            }
            (wait, again) = (LOOK, FIRST_WAIT);
            // Also where Impilo refuses: the next time is as good.
            if let Err(error) = self.note_read_back(|notes, now| notes.read_back_at = Some(now)).await {
                telemetry::reading_back_failed(&error.to_string());
            }
        }
    }

    /// Gives the requests that nobody waits for as much room as they are allowed.
    pub(super) fn budget(&self) -> Budget {
        Budget(Duration::from_secs(60).div_f64(self.settings().impilo.requests_per_minute.max(1) as f64))
    }

    async fn is_time(&self) -> bool {
        let Ok(notes) = self.recovery_notes().await else { return false };
        let (now, last) = (self.clock.now(), notes.read_back_at);
        let never = notes.fleet_read_at.is_none() && last.is_none();
        let last = last.unwrap_or(self.started_at);
        let due = now.since(last) >= self.settings().impilo.reconcile_every || now < last;
        // What is known is compared with what Impilo says only where it is known.
        (never || due || missed(&notes)) && self.keeps_up().await
    }

    /// Whether what has come is decided, but for what has just come.
    pub(super) async fn keeps_up(&self) -> bool {
        let store = Arc::clone(&self.store);
        let looking = tokio::task::spawn_blocking(move || store.vitals());
        let Ok(Ok(vitals)) = looking.await else { return false };
        vitals.oldest_unprocessed.is_none_or(|oldest| self.clock.now().since(oldest) <= LAGS)
    }

    async fn note_read_back(&self, change: impl FnOnce(&mut RecoveryNotes, Timestamp)) -> Result<(), NotRecovered> {
        let _one = self.healing.alone().await;
        let mut notes = self.recovery_notes().await?;
        change(&mut notes, self.clock.now());
        self.note(notes).await
    }

    /// Reads back all devices with patients, and the orders, returns and tickets that were not heard of for long.
    async fn read_back(&self, client: &Client) -> Result<(), NotRecovered> {
        let budget = self.budget();
        let notes = self.recovery_notes().await?;
        let first = notes.fleet_read_at.is_none();
        // While it is not known what happened, anything may have moved.
        let quiet = if missed(&notes) { Duration::ZERO } else { QUIET };
        let (mut told, listed) =
            self.read_devices(client, if first { Occasion::First } else { Occasion::Schedule }, &budget).await?;
        if first {
            self.note_read_back(|notes, now| notes.fleet_read_at = Some(now)).await?;
        }
        for kind in [SubjectKind::Device, SubjectKind::Order, SubjectKind::Return, SubjectKind::Ticket] {
            told += self.read_unheard(client, (kind, quiet), &listed, &budget).await?;
        }
        if told > 0 {
            telemetry::read_back(told);
            self.process.wake();
        }
        Ok(())
    }

    /// Reads the list of devices with patients; gives the number of events that come of it, and who was listed.
    pub(super) async fn read_devices(
        &self,
        client: &Client,
        on: Occasion,
        budget: &Budget,
    ) -> Result<(usize, BTreeSet<String>), NotRecovered> {
        let fetch = |page| async move {
            budget.wait().await;
            client.devices_with_patients(page).await
        };
        let mut pages = Pages::new(fetch, RawObject::id);
        let (mut told, mut listed) = (0, BTreeSet::new());
        loop {
            let asked = Asked { at: self.clock.now(), on };
            let Some(page) = pages.next().await? else { return Ok((told, listed)) };
            let read: BTreeMap<String, RawObject> =
                page.into_iter().filter_map(|device| Some((device.id()?, device))).collect();
            listed.extend(read.keys().cloned());
            let subjects = read.keys().map(|id| Subject::new(SubjectKind::Device, id.as_str())).collect();
            let known = self.slices(subjects).await?;
            let rows = known.iter().filter_map(|slice| Some((read.get(slice.subject.id.as_str())?, slice)));
            told +=
                self.tell(rows.flat_map(|(device, slice)| reconcile::events(device, slice, asked)).collect()).await?;
        }
    }

    /// Asks one by one for what was not heard of for long, and was not `listed`.
    async fn read_unheard(
        &self,
        client: &Client,
        (kind, quiet): (SubjectKind, Duration),
        listed: &BTreeSet<String>,
        budget: &Budget,
    ) -> Result<usize, NotRecovered> {
        let (mut told, mut strange) = (0, 0);
        for slice in &self.unheard((kind, quiet), listed.clone()).await? {
            match self.read_one(client, slice, Occasion::Schedule, budget).await {
                Ok(more) => (told, strange) = (told + more, 0),
                // What Impilo says of this one does not concern the others, unless it says so of all.
                Err(NotRecovered::Impilo(error)) if error.may_concern_one() && strange < MOST_STRANGE => strange += 1,
                Err(error) => return Err(error),
            }
        }
        Ok(told)
    }

    /// Asks for one device, order, return or ticket; gives the number of events that come of it.
    pub(super) async fn read_one(
        &self,
        client: &Client,
        slice: &Slice,
        on: Occasion,
        budget: &Budget,
    ) -> Result<usize, NotRecovered> {
        budget.wait().await;
        let asked = Asked { at: self.clock.now(), on };
        let id = slice.subject.id.as_str();
        let read = match slice.subject.kind {
            SubjectKind::Device => client.device(id).await,
            SubjectKind::Return => client.return_(id).await,
            SubjectKind::Ticket => client.ticket(id).await,
            _ => client.order(id).await,
        };
        let Some(read) = read? else { return Ok(0) };
        self.tell(reconcile::events(&read, slice, asked)).await
    }

    /// Subjects of a kind that go on and were not heard of for long: of devices those that are with patients, and not
    /// `listed`.
    async fn unheard(
        &self,
        (kind, quiet_for): (SubjectKind, Duration),
        listed: BTreeSet<String>,
    ) -> Result<Vec<Slice>, NotRecovered> {
        let (store, now) = (Arc::clone(&self.store), self.clock.now());
        let looking = tokio::task::spawn_blocking(move || {
            let mut quiet: Vec<(Timestamp, Subject)> = Vec::new();
            let mut after: Option<String> = None;
            loop {
                let page = store.subjects(kind, after.as_deref(), PAGE)?;
                let Some(last) = page.last() else { break };
                after = Some(last.subject.id.to_string());
                let with_patient = |slice: &Slice| {
                    kind != SubjectKind::Device
                        || slice.projection.record.get("associated").and_then(Value::as_bool) == Some(true)
                };
                let going_on = page.iter().filter(|slice| !slice.projection.over && with_patient(slice));
                let heard = going_on.filter_map(|slice| Some((slice.projection.news_at?, slice.subject.clone())));
                quiet.extend(heard.filter(|(news_at, _)| now.since(*news_at) >= quiet_for));
            }
            quiet.retain(|(_, subject)| !listed.contains(subject.id.as_str()));
            quiet.sort();
            quiet.truncate(MOST);
            let subjects: Vec<Subject> = quiet.into_iter().map(|(_, subject)| subject).collect();
            store.load(&subjects)
        });
        looking.await.map_err(|_| NotRecovered::Stopping)?.map_err(NotRecovered::Store)
    }

    pub(super) async fn slices(&self, subjects: Vec<Subject>) -> Result<Vec<Slice>, NotRecovered> {
        let store = Arc::clone(&self.store);
        let loading = tokio::task::spawn_blocking(move || store.load(&subjects));
        loading.await.map_err(|_| NotRecovered::Stopping)?.map_err(NotRecovered::Store)
    }

    /// Puts what was read back into the journal; gives how many events it is.
    async fn tell(&self, rows: Vec<NewRow>) -> Result<usize, NotRecovered> {
        if rows.is_empty() {
            return Ok(0);
        }
        let (store, now, count) = (Arc::clone(&self.store), self.clock.now(), rows.len());
        let appending = tokio::task::spawn_blocking(move || store.append(&rows, now));
        appending.await.map_err(|_| NotRecovered::Stopping)?.map_err(NotRecovered::Store)?;
        self.process.wake();
        Ok(count)
    }
}

/// Whether the last outage was not made up for in full, and nothing was read back since. While the log may still tell of it,
/// that is waited for.
fn missed(notes: &RecoveryNotes) -> bool {
    if notes.lacks == Some(Lack::Unreachable) && !notes.absences.is_empty() {
        return false;
    }
    let since = |at: &Timestamp| notes.read_back_at.is_none_or(|last| *at > last);
    notes.last_outage.as_ref().is_some_and(|outage| outage.lacks.is_some() && since(&outage.interval.to))
}
