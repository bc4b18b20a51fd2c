//! The state of the daemon on one screen.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use serde::{Deserialize, Serialize};

use crate::account::SecretUse;
use crate::config::{Bundle, Storage};
use crate::daemon::Shared;
use crate::deliver::LaneState;
use crate::engine::Timestamp;
use crate::store::{Figures, StoreError};
use crate::watch;

/// What `pulsewarden status` shows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Status {
    pub version: String,
    pub now: Timestamp,
    pub started_at: Timestamp,
    pub listen: String,
    pub figures: Figures,
    pub rules: RuleState,
    pub receiving: Receiving,
    pub watches: Vec<WatchState>,
    /// Ways out that do not take messages as they should.
    pub lanes: Vec<LaneState>,
    pub disk_free: Option<u64>,
    pub commits_fail: bool,
}

/// The rule set in force, and what is wrong with the files.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RuleState {
    pub in_force: String,
    /// Since when; `None` where it is not known yet.
    pub in_force_since: Option<Timestamp>,
    /// Why the files on disk are not in force; the last good ones serve.
    pub problem: Option<String>,
    /// Why good files are not in force yet; they come into force by themselves.
    pub waiting: Option<String>,
    /// No rules at all can be used: nothing is processed until the files are good.
    pub held: bool,
    /// The files that can be read now are others than those in force; they are about to be taken.
    pub changed_on_disk: bool,
}

/// What came to the port since the start.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Receiving {
    pub accepted: u64,
    pub repeated: u64,
    pub refused_secret: u64,
    pub unreadable: u64,
    pub too_large: u64,
    pub unavailable: u64,
    /// How often each secret was used.
    pub secrets: Vec<SecretUse>,
}

/// A watch of the daemon on itself that fires.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WatchState {
    pub name: String,
    pub since: Timestamp,
    pub summary: String,
}

pub(super) fn of(shared: &Shared) -> Result<Status, StoreError> {
    let figures = shared.store.figures()?;
    let counters = &shared.counters;
    let settings = shared.settings.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let on_disk = Bundle::read(settings.library.as_deref(), &settings.rules);
    let files = shared.rule_files();
    let Storage::Sqlite(path) = &settings.storage;
    Ok(Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        now: shared.clock.now(),
        started_at: shared.started_at,
        listen: shared.address.to_string(),
        rules: RuleState {
            in_force: figures.rule_set.clone(),
            in_force_since: shared.watch.in_force_since(&figures.rule_set),
            changed_on_disk: on_disk.is_ok_and(|bundle| bundle.hash() != figures.rule_set),
            problem: files.problem.map(|fault| fault.brief),
            waiting: files.waiting,
            held: shared.process.is_held(),
        },
        figures,
        receiving: Receiving {
            accepted: counters.accepted.load(Ordering::Relaxed),
            repeated: counters.repeated.load(Ordering::Relaxed),
            refused_secret: counters.refused_secret.load(Ordering::Relaxed),
            unreadable: counters.unreadable.load(Ordering::Relaxed),
            too_large: counters.too_large.load(Ordering::Relaxed),
            unavailable: counters.unavailable.load(Ordering::Relaxed),
            secrets: shared.secrets.uses(),
        },
        watches: shared
            .watch
            .firing()
            .into_iter()
            .map(|(name, since, summary)| WatchState { name: name.to_owned(), since, summary })
            .collect(),
        lanes: shared.lanes.troubled(),
        disk_free: watch::free_bytes(path),
        commits_fail: shared.process.is_failing(),
    })
}
