//! What people ask for: their commands go into the journal like events, and come back with what they came to.

pub mod link;
pub mod page;
pub mod slack;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::engine::{Act, Actor, Alert, AlertState, Command, Matcher, Position, Silence, SilenceRecord, Timestamp};
use crate::journal::{Journal, Refused};
use crate::process::Process;
use crate::store::{AlertFilter, Appended, Entry, JournalRow, NewRow, Store, StoreError};

/// How long a command is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(10);

/// Alerts that one command can be about.
pub const MOST_ALERTS: usize = 1000;

/// The longest name and the longest text that are taken, in characters.
const LONGEST_NAME: usize = 80;
const LONGEST_TEXT: usize = 2000;

/// Among how many of the newest actions about one alert that one is looked for that was just asked for.
const NEWEST: usize = 1000;

/// Rows of the journal that are looked at in one go.
const ROWS: usize = 1000;

/// How many open alerts a silence is compared with.
const COMPARED: usize = 100_000;

/// Where people's commands come in.
#[derive(Clone)]
pub struct Desk {
    pub store: Arc<dyn Store>,
    pub journal: Journal,
    pub process: Process,
    pub clock: Clock,
    /// Cancelled once anything is decided. Until then rows that are recovered may come before those that are kept already.
    pub begins: CancellationToken,
}

/// A command that is in the journal.
struct Kept {
    position: Position,
    /// What to know it by where its position may become another.
    may_move: Option<(Timestamp, Command)>,
}

/// Why a command came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("{0}")]
    Senseless(String),
    #[error("it is kept and will be carried out, but processing has not come to it within {} s", PATIENCE.as_secs())]
    NotYet,
    #[error("shutting down")]
    Stopping,
}

/// What a command came to for one alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    pub alert: u64,
    pub what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    Done,
    /// It had ended before.
    Ended,
    /// There is no such alert.
    Unknown,
}

/// A silence as it is asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NewSilence {
    pub matchers: Vec<Matcher>,
    /// `None`: from now on.
    pub from: Option<Timestamp>,
    /// `None`: until the alerts that it matches now have ended.
    pub until: Option<Timestamp>,
    pub by: Actor,
    pub comment: String,
}

impl Desk {
    /// Does something about alerts, and waits until it is done.
    ///
    /// # Errors
    /// When it cannot be kept. What is kept is done, even where it is not waited for.
    pub async fn act(&self, alerts: &[u64], act: &Act, by: &Actor) -> Result<Vec<Outcome>, AskError> {
        let distinct: BTreeSet<u64> = alerts.iter().copied().collect();
        if distinct.is_empty() {
            return Err(AskError::Senseless("name an alert".to_owned()));
        }
        check(by)?;
        match act {
            Act::Assign { to: Some(name) } => named("the name to assign to", name, LONGEST_NAME)?,
            Act::Note { text } => named("the note", text, LONGEST_TEXT)?,
            _ => {}
        }
        if distinct.len() > MOST_ALERTS {
            return Err(AskError::Senseless(format!("more than {MOST_ALERTS} alerts at once")));
        }
        let known = self.read(move |store| find(store, &distinct)).await?;
        let mut outcomes = Vec::new();
        for (number, alert) in known {
            let Some(alert) = alert else {
                outcomes.push((number, None));
                continue;
            };
            let command = Command::Alert { alert: number, subject: alert.subject, act: act.clone(), by: by.clone() };
            outcomes.push((number, Some(self.append(command).await?)));
        }
        let mut decided = Vec::new();
        for (number, kept) in outcomes {
            let position = match kept {
                Some(kept) => Some(self.decided(kept).await?),
                None => None,
            };
            decided.push((number, position));
        }
        self.read(move |store| decided.into_iter().map(|(alert, position)| outcome(store, alert, position)).collect())
            .await
    }

    /// Makes a silence, and waits until it is in force.
    ///
    /// # Errors
    /// When it makes no sense, or cannot be kept.
    pub async fn silence(&self, new: NewSilence) -> Result<SilenceRecord, AskError> {
        let now = self.clock.now();
        let from = new.from.unwrap_or(now).max(now);
        check(&new.by)?;
        named("the comment", &new.comment, LONGEST_TEXT)?;
        if new.until.is_some_and(|until| until <= from) {
            return Err(AskError::Senseless("the silence would end before it begins".to_owned()));
        }
        if new.matchers.is_empty() {
            return Err(AskError::Senseless("a silence needs a matcher, such as device=81500".to_owned()));
        }
        let alerts = match new.until {
            Some(_) => BTreeSet::new(),
            None => {
                let matchers = new.matchers.clone();
                let open = self.read(move |store| hidden_by(store, &matchers)).await?;
                if open.is_empty() {
                    let why = "no open alert matches, so it would end at once; give it a time with --for";
                    return Err(AskError::Senseless(why.to_owned()));
                }
                open.into_iter().map(|alert| alert.number).collect()
            }
        };
        let NewSilence { matchers, until, by, comment, .. } = new;
        let silence = Silence { number: 0, matchers, from, until, alerts, by, comment };
        let kept = self.append(Command::Silence { silence: Box::new(silence) }).await?;
        let position = self.decided(kept).await?;
        let made = self.read(|store| store.silences(true, 1000)).await?;
        made.into_iter().find(|record| record.position == position).ok_or(AskError::NotYet)
    }

    /// Ends a silence, and waits until it is over; false where it was over before, or never was.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub async fn unsilence(&self, silence: u64, by: &Actor) -> Result<bool, AskError> {
        check(by)?;
        let runs = self.read(|store| store.silences(false, 100_000)).await?;
        if !runs.iter().any(|record| record.silence.number == silence) {
            return Ok(false);
        }
        let kept = self.append(Command::Unsilence { silence, by: by.clone() }).await?;
        self.decided(kept).await?;
        Ok(true)
    }

    async fn append(&self, command: Command) -> Result<Kept, AskError> {
        let received_at = self.clock.now();
        let may_move = (!self.begins.is_cancelled()).then(|| (received_at, command.clone()));
        match self.journal.append(NewRow { received_at, entry: Entry::Command(command) }).await? {
            Appended::New { position, .. } => Ok(Kept { position, may_move }),
            // Only events are known by an id.
            Appended::Known => Err(AskError::NotYet),
        }
    }

    /// Waits until a command is decided; gives the position at which it stands then.
    async fn decided(&self, kept: Kept) -> Result<Position, AskError> {
        let position = match kept.may_move {
            Some((received_at, command)) => {
                tokio::time::timeout(PATIENCE, self.begins.cancelled()).await.map_err(|_| AskError::NotYet)?;
                let found = self.read(move |store| place_of(store, kept.position, received_at, &command)).await?;
                found.ok_or(AskError::NotYet)?
            }
            None => kept.position,
        };
        let mut waited = Duration::ZERO;
        while self.process.position() < position {
            if waited >= PATIENCE {
                return Err(AskError::NotYet);
            }
            tokio::time::sleep(PAUSE).await;
            waited += PAUSE;
        }
        Ok(position)
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, AskError> {
        let store = Arc::clone(&self.store);
        let read = tokio::task::spawn_blocking(move || read(&*store)).await;
        Ok(read.map_err(|_| AskError::Stopping)??)
    }
}

fn find(store: &dyn Store, numbers: &BTreeSet<u64>) -> Result<Vec<(u64, Option<Alert>)>, StoreError> {
    numbers.iter().map(|number| Ok((*number, store.alert(*number)?))).collect()
}

/// Where a command stands that was first kept at `from`: rows only move up.
fn place_of(
    store: &dyn Store,
    from: Position,
    received_at: Timestamp,
    command: &Command,
) -> Result<Option<Position>, StoreError> {
    let mut after = from.saturating_sub(1);
    loop {
        let rows = store.journal(after, ROWS)?;
        let Some(last) = rows.last() else { return Ok(None) };
        after = last.position;
        let is_it = |row: &&JournalRow| {
            row.received_at == received_at && matches!(&row.entry, Entry::Command(kept) if kept == command)
        };
        if let Some(row) = rows.iter().find(is_it) {
            return Ok(Some(row.position));
        }
    }
}

/// Whoever does something has a name that others can read.
fn check(by: &Actor) -> Result<(), AskError> {
    named("the name of who asks", &by.name, LONGEST_NAME)
}

fn named(what: &str, text: &str, longest: usize) -> Result<(), AskError> {
    if text.trim().is_empty() {
        return Err(AskError::Senseless(format!("{what} is empty")));
    }
    if text.chars().count() > longest {
        return Err(AskError::Senseless(format!("{what} is longer than {longest} characters")));
    }
    Ok(())
}

/// What came of the command at this position; `None` where there was no such alert.
fn outcome(store: &dyn Store, alert: u64, position: Option<Position>) -> Result<Outcome, StoreError> {
    let Some(position) = position else { return Ok(Outcome { alert, what: What::Unknown }) };
    let of_alert = store.actions(Some(alert), NEWEST)?;
    let came_late = of_alert.iter().any(|action| action.position == position && !action.done);
    Ok(Outcome { alert, what: if came_late { What::Ended } else { What::Done } })
}

/// The open alerts that a silence with these matchers would hide now.
///
/// # Errors
/// When the store cannot be read.
pub fn hidden_by(store: &dyn Store, matchers: &[Matcher]) -> Result<Vec<Alert>, StoreError> {
    let filter = AlertFilter { state: Some(AlertState::Firing), limit: COMPARED, ..AlertFilter::default() };
    let mut open = store.alerts(&filter)?;
    open.retain(|alert| matchers.iter().all(|matcher| matcher.holds(&alert.labels)));
    Ok(open)
}
