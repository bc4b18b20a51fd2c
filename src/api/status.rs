//! The state of the daemon on one screen.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use serde::{Deserialize, Serialize};

use crate::account::SecretUse;
use crate::config::{Bundle, Storage};
use crate::daemon::Shared;
use crate::deliver::LaneState;
use crate::engine::{Interval, Lack, Outage, Timestamp};
use crate::store::{Doubt, Figures, StoreError};
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
    /// Whether everything that Impilo had to say is here.
    #[serde(default)]
    pub whole: Whole,
}

/// The answer to whether everything that Impilo had to say is here.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Whole {
    pub whole: bool,
    pub sentence: String,
    /// Up to when Impilo's log has been read.
    pub read_until: Option<Timestamp>,
    /// When nothing could be heard, as far as that was not made up for; the last ten.
    pub not_heard: Vec<Interval>,
    /// Events taken from Impilo's log, ever.
    pub recovered: u64,
    /// Rows of it that were not answered well and cannot be read, ever.
    pub unreadable: u64,
    /// The last time that the daemon was away.
    pub last_outage: Option<Outage>,
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
        whole: whole(shared)?,
    })
}

/// How many stretches are listed.
const LISTED: usize = 10;

fn whole(shared: &Shared) -> Result<Whole, StoreError> {
    let notes = shared.store.recovery()?;
    let blind = shared.store.progress()?.standing.blind;
    let not_heard: Vec<Interval> = blind.iter().rev().take(LISTED).copied().collect();
    let unread = notes.unread_lately(shared.clock.now());
    // A gap of which processing has not heard yet.
    let all_told = !not_heard.is_empty() || (notes.doubts.is_empty() && notes.absences.is_empty());
    let sentence = match (not_heard.first(), notes.lacks, notes.read_until) {
        _ if notes.returning.is_some() || (notes.lacks.is_none() && !all_told) => {
            "Not known yet: the daemon has just come back, and reads what came meanwhile from Impilo's log.".to_owned()
        }
        (Some(last), lacks, _) => {
            let more = match blind.len() - 1 {
                0 => String::new(),
                more => format!(" ({more} earlier gaps beside it)"),
            };
            let doubt =
                notes.doubts.iter().rfind(|doubt| doubt.interval.from < last.to && last.from < doubt.interval.to);
            let why = match (lacks, doubt) {
                (None | Some(Lack::Elsewhere), Some(Doubt { lack: Lack::Elsewhere, others, .. })) => {
                    format!("Impilo's log has {others} events of that time, {}", why_not(Lack::Elsewhere))
                }
                (None, Some(doubt)) => why_not(doubt.lack).to_owned(),
                (Some(Lack::Elsewhere), _) => format!("rows of Impilo's log are {}", why_not(Lack::Elsewhere)),
                (Some(lack), _) => why_not(lack).to_owned(),
                (None, None) => "Impilo's log did not make up for it".to_owned(),
            };
            format!("Not whole: nothing was heard from {} to {}{more}, and {why}.", last.from, last.to)
        }
        (None, None, Some(_)) if unread > 0 => {
            let (rows, lie) = if unread == 1 { ("row", "lies") } else { ("rows", "lie") };
            format!(
                "No gap is known, but it is not certain: {unread} {rows} of Impilo's log of the last seven days cannot be read and {lie} \
                 in quarantine."
            )
        }
        (None, None, Some(until)) => {
            let from = notes.read_from.map(|from| format!(" from {from}")).unwrap_or_default();
            format!("Whole: all that Impilo's log has{from} up to {until} is here.")
        }
        (None, Some(Lack::Elsewhere), _) => {
            format!("No gap is known, but it is not certain: rows of Impilo's log are {}.", why_not(Lack::Elsewhere))
        }
        (None, Some(lack), _) => format!("No gap is known, but it is not certain: {}.", why_not(lack)),
        (None, None, None) => "No gap is known; Impilo's log has not been read yet.".to_owned(),
    };
    Ok(Whole {
        whole: not_heard.is_empty() && all_told && unread == 0 && notes.lacks.is_none() && notes.read_until.is_some(),
        sentence,
        read_until: notes.read_until,
        not_heard,
        recovered: notes.recovered,
        unreadable: notes.unreadable,
        last_outage: notes.last_outage,
    })
}

const fn why_not(lack: Lack) -> &'static str {
    match lack {
        Lack::NotConfigured => {
            "Impilo's log cannot be read: `impilo.api_key` or `public_url` is not configured, or cannot be used"
        }
        Lack::Refused => "Impilo refuses the API key",
        Lack::Unreachable => "Impilo's log could not be read at the last attempt",
        Lack::Unreadable => "rows of Impilo's log cannot be read",
        Lack::Elsewhere => "all for other addresses; compare `public_url` with `pulsewarden impilo webhooks list`",
        Lack::NotSubscribed => {
            "none of Impilo's webhooks leads here; compare `public_url` with `pulsewarden impilo webhooks list`"
        }
        Lack::Untold => "rows of Impilo's log do not tell for whom they are",
        Lack::OutOfReach => "it lies further back than Impilo's log reaches, or than it is read",
    }
}
