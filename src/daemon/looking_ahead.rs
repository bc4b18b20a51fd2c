//! Asking Impilo once more how a device is that is about to be called silent.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{NotRecovered, Shared};
use crate::account::Client;
use crate::account::reconcile::Occasion;
use crate::engine::{Ground, Slice, Subject, SubjectKind, Timestamp, falls_silent};
use crate::telemetry;

/// How long before its silence is due a device is asked for. What comes of it is taken in before.
const AHEAD: Duration = Duration::from_secs(10 * 60);

/// How often it is looked whose silence comes near.
const LOOK: Duration = Duration::from_secs(15);

/// So many are asked for one by one. Of more the whole list is read, which takes fewer requests.
const ONE_BY_ONE: usize = 50;

/// Subjects that are looked at, those first that are to be woken first.
const MOST: usize = 20_000;

/// Devices that were asked for, each with the end of the silence that it was asked for.
type Asked = BTreeMap<Subject, Timestamp>;

impl Shared {
    /// Asks for each device shortly before its silence is due.
    pub(super) async fn keep_looking_ahead(self: Arc<Self>, stop: CancellationToken) {
        let mut asked = Asked::new();
        loop {
            tokio::select! {
                () = sleep(LOOK) => {}
                () = stop.cancelled() => return,
            }
            let Ok(client) = self.account().map(|client| self.paced(client)) else { continue };
            if !self.may_begin.is_cancelled() || !self.keeps_up().await {
                continue;
            }
            let looked = tokio::select! {
                looked = self.look_ahead(&client, &mut asked) => looked,
                () = stop.cancelled() => return,
            };
            if let Err(error) = looked {
                telemetry::reading_back_failed(&error.to_string());
            }
        }
    }

    async fn look_ahead(&self, client: &Client, asked: &mut Asked) -> Result<(), NotRecovered> {
        // What the log may still tell is waited for, and time in which nothing was heard puts silences off.
        if !self.recovery_notes().await?.absences.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        asked.retain(|_, due| *due > now);
        let mut near = self.nearly_silent(now).await?;
        near.retain(|(due, slice)| asked.get(&slice.subject) != Some(due));
        let budget = self.budget();
        if near.len() > ONE_BY_ONE {
            self.read_devices(client, Occasion::Silence, &budget).await?;
            asked.extend(near.into_iter().map(|(due, slice)| (slice.subject, due)));
            return Ok(());
        }
        for (due, slice) in near {
            match self.read_one(client, &slice, Occasion::Silence, &budget).await {
                // What Impilo says amiss of one does not concern the others.
                Err(NotRecovered::Impilo(error)) if error.may_concern_one() => {}
                read => drop(read?),
            }
            asked.insert(slice.subject, due);
        }
        Ok(())
    }

    /// The devices whose silence is due soon, and when.
    async fn nearly_silent(&self, now: Timestamp) -> Result<Vec<(Timestamp, Slice)>, NotRecovered> {
        let (store, rules) = (Arc::clone(&self.store), Arc::clone(&self.rule_sets.borrow()));
        let looking = tokio::task::spawn_blocking(move || {
            let until = now.plus(AHEAD);
            let standing = store.progress()?.standing;
            let ground = Ground { rules: &rules, standing: &standing };
            let woken = store.due(until, MOST)?.into_iter().map(|(_, subject)| subject);
            let devices: Vec<Subject> = woken.filter(|subject| subject.kind == SubjectKind::Device).collect();
            let slices = store.load(&devices)?.into_iter();
            let soon = |slice: Slice| {
                let due = falls_silent(ground, &slice, now).filter(|due| *due <= until)?;
                Some((due, slice))
            };
            Ok(slices.filter_map(soon).collect())
        });
        looking.await.map_err(|_| NotRecovered::Stopping)?.map_err(NotRecovered::Store)
    }
}
