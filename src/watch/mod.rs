//! The self-watch: what Pulsewarden says about itself, through a way that works when the rules are broken.

mod look;
mod ready;
pub mod retention;
mod tell;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use secrecy::ExposeSecret;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub use look::free_bytes;
pub use ready::check as ready;

use crate::config::{Heartbeat, Settings};
use crate::daemon::Shared;
use crate::engine::{SelfAlert, Timestamp};
use crate::store::Told;
use crate::telemetry;
use look::{Eyes, Finding, State};

/// How often it looks.
const EVERY: Duration = Duration::from_secs(10);

/// Looks in a row that must be good before a watch says so.
const GOOD_LOOKS: u32 = 3;

/// What the self-watch sees now.
#[derive(Default)]
pub struct Watch(Mutex<Memory>);

#[derive(Default)]
struct Memory {
    firing: BTreeMap<String, Firing>,
    /// Event types that this version does not know and has told.
    types: BTreeSet<String>,
    /// Whether what was told before this start is known.
    read: bool,
}

#[derive(Clone, Debug)]
struct Firing {
    since: Timestamp,
    summary: String,
    good_looks: u32,
    told: How,
}

/// How it was told that a watch fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    NotYet,
    /// The store could not take it, and the mail went out without it.
    PastTheStore,
    ThroughTheStore,
}

/// What is to be done about a watch.
enum Step {
    Begin(Told),
    /// It was told, which the store does not know yet.
    Keep(Told),
    End(Told),
}

impl Watch {
    /// The watches that fire, with what they say.
    #[must_use]
    pub fn firing(&self) -> Vec<(String, Timestamp, String)> {
        let memory = self.memory();
        memory.firing.iter().map(|(name, firing)| (name.clone(), firing.since, firing.summary.clone())).collect()
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what a finding says; returns what is to be done about it, again and again until it is done.
    fn turn(&self, finding: &Finding, now: Timestamp) -> Option<Step> {
        let mut memory = self.memory();
        let firing = match (&finding.state, memory.firing.get_mut(finding.name)) {
            (State::Wrong(summary), Some(firing)) => {
                firing.summary.clone_from(summary);
                firing.good_looks = 0;
                firing
            }
            (State::Wrong(summary), None) => {
                telemetry::watch_turned(&finding.begins(summary));
                let new = Firing { since: now, summary: summary.clone(), good_looks: 0, told: How::NotYet };
                memory.firing.entry(finding.name.to_owned()).or_insert(new)
            }
            (State::Well, Some(firing)) => {
                firing.good_looks = firing.good_looks.saturating_add(1);
                firing
            }
            (State::Unknown, Some(firing)) => firing,
            (State::Well | State::Unknown, None) => return None,
        };
        let told = Told { name: finding.name.to_owned(), since: firing.since, summary: firing.summary.clone() };
        match firing.told {
            How::NotYet => Some(Step::Begin(told)),
            How::PastTheStore => Some(Step::Keep(told)),
            How::ThroughTheStore => (firing.good_looks >= GOOD_LOOKS).then_some(Step::End(told)),
        }
    }

    fn set_told(&self, name: &str, how: How) {
        if let Some(firing) = self.memory().firing.get_mut(name) {
            firing.told = how;
        }
    }

    fn end(&self, name: &str) {
        self.memory().firing.remove(name);
    }

    /// Takes in what was told before this start.
    fn remember(&self, before: Vec<Told>) {
        let mut memory = self.memory();
        memory.read = true;
        for Told { name, since, summary } in before {
            match name.strip_prefix(tell::UNKNOWN_TYPE) {
                Some(kind) => {
                    memory.types.insert(kind.to_owned());
                }
                None => {
                    let firing = memory.firing.entry(name).or_insert(Firing {
                        since,
                        summary,
                        good_looks: 0,
                        told: How::NotYet,
                    });
                    (firing.since, firing.told) = (since, How::ThroughTheStore);
                }
            }
        }
    }
}

impl Finding {
    fn begins(&self, summary: &str) -> SelfAlert {
        let (watch, action) = (self.name.to_owned(), self.action.to_owned());
        SelfAlert { watch, firing: true, summary: summary.to_owned(), action }
    }
}

/// Looks until it is stopped; beats the heart while commits work and processing keeps up.
pub async fn run(shared: Arc<Shared>, outbox: Arc<Notify>, stop: CancellationToken) {
    let mut eyes = Eyes::new(&shared);
    let mut heart = Heart::new();
    loop {
        let turn = async {
            let settings = shared.settings.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if turn(&shared, &settings, &mut eyes, &outbox).await {
                heart.beat(&settings, shared.clock.now()).await;
            }
            tokio::time::sleep(EVERY).await;
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = turn => {}
        }
    }
}

/// Looks once, and tells what is new; true where commits work and processing keeps up.
async fn turn(shared: &Arc<Shared>, settings: &Settings, eyes: &mut Eyes, outbox: &Notify) -> bool {
    let looking = {
        let (shared, settings) = (Arc::clone(shared), settings.clone());
        tokio::task::spawn_blocking(move || look::look(&shared, &settings))
    };
    let Ok(mut seen) = looking.await else { return false };
    if let Some(before) = seen.told.take() {
        shared.watch.remember(before);
    }
    let now = shared.clock.now();
    seen.findings.push(eyes.refused(shared, settings));
    seen.findings.push(eyes.clock(seen.vitals.as_ref(), now));
    for finding in &seen.findings {
        if let Some(step) = shared.watch.turn(finding, now) {
            tell::carry_out(shared, settings, finding, step, outbox).await;
        }
    }
    if let Some(vitals) = &seen.vitals {
        tell::unknown_types(shared, settings, vitals, outbox, now).await;
    }
    seen.well
}

/// Tells the outside that this daemon lives.
struct Heart {
    client: Option<reqwest::Client>,
    beaten_at: Option<Timestamp>,
}

impl Heart {
    fn new() -> Self {
        Self { client: reqwest::Client::builder().timeout(Duration::from_secs(10)).build().ok(), beaten_at: None }
    }

    async fn beat(&mut self, settings: &Settings, now: Timestamp) {
        let (Some(heartbeat), Some(client)) = (&settings.own.heartbeat, &self.client) else { return };
        if self.beaten_at.is_none_or(|at| now.since(at) >= heartbeat.every || now < at) {
            self.beaten_at = Some(now);
            beat(client, heartbeat).await;
        }
    }
}

/// The URL holds a token, so no error quotes it.
async fn beat(client: &reqwest::Client, heartbeat: &Heartbeat) {
    let url = match heartbeat.url.read() {
        Ok(url) => url,
        Err(error) => return telemetry::heartbeat_failed(&error.to_string()),
    };
    match client.get(url.expose_secret()).send().await {
        Ok(response) if response.status().is_success() => {}
        Ok(response) => telemetry::heartbeat_failed(&format!("it answered {}", response.status().as_u16())),
        Err(error) => telemetry::heartbeat_failed(&error.without_url().to_string()),
    }
}
