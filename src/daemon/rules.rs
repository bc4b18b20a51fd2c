//! Rule files and configuration on their way into force, at the start and at a reload: everything that can fail is done
//! first, then each part is swapped once.

use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use super::{Shared, read_secrets};
use crate::config::{Bundle, Problems, Settings, load_settings};
use crate::engine::RuleSet;
use crate::notify::Senders;
use crate::store::{Entry, NewRow, Store, StoreError};
use crate::telemetry;

/// How often good files that the store could not take are offered to it again.
const OFFER_EVERY: Duration = Duration::from_secs(3);

/// How often a stored rule set is asked for before a store that fails is believed, and the waits between.
const TRIES: u32 = 5;
const TRY_PAUSE: Duration = Duration::from_millis(200);

/// What is known of the rule files on disk, beside the rule set in force. At most one of the two is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleFiles {
    /// Why the files cannot be used; the last good rule set serves meanwhile.
    pub problem: Option<String>,
    /// Why good files are not in force yet: the store cannot take them now. It is asked again by itself.
    pub waiting: Option<String>,
}

/// Good files that are to come into force, with the configuration that was read beside them.
pub(super) struct Wanted {
    /// `None` where the configuration was not read again.
    configuration: Option<Configuration>,
    bundle: Bundle,
    rules: Arc<RuleSet>,
}

struct Configuration {
    settings: Settings,
    secrets: Vec<SecretString>,
    senders: Arc<Senders>,
}

/// Why nothing new can come into force.
enum Bad {
    Configuration(String),
    Rules(String),
}

/// Why a stored rule set cannot be used.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    Itself(String),
}

impl Shared {
    /// Brings the rule files into force at the start, where they are good and new. Bad files change nothing.
    pub(super) async fn load_rules(&self) {
        let mut waiting = self.wanted.lock().await;
        let settings = self.settings.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match Wanted::read(None, &settings) {
            Ok(wanted) => *waiting = self.take(wanted).await.err().map(|(wanted, _)| wanted),
            Err(Bad::Configuration(problem) | Bad::Rules(problem)) => self.refuse_rules(problem),
        }
        drop(waiting);
        if self.process.is_held() {
            telemetry::processing_held();
        }
    }

    /// Reads configuration and rules again and brings them into force, all or nothing.
    ///
    /// # Errors
    /// What stood in the way; what served before serves on.
    pub async fn reload(&self) -> Result<(), String> {
        let mut waiting = self.wanted.lock().await;
        // What is on disk now replaces what was wanted before.
        *waiting = None;
        let settings = self.settings.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let config = self.config.clone();
        let read = tokio::task::spawn_blocking(move || Wanted::read(config.as_deref(), &settings));
        let wanted = match read.await {
            Ok(Ok(wanted)) => wanted,
            Ok(Err(Bad::Configuration(problem))) => return Err(problem),
            Ok(Err(Bad::Rules(problem))) => {
                self.refuse_rules(problem.clone());
                return Err(problem);
            }
            Err(_) => return Err("the files could not be read: shutting down".to_owned()),
        };
        if let Err((wanted, why)) = self.take(wanted).await {
            *waiting = Some(wanted);
            return Err(format!("{why}; the files are good and come into force by themselves as soon as it can"));
        }
        telemetry::reloaded();
        Ok(())
    }

    /// Offers again what the store could not take, until stopped.
    pub(super) async fn keep_offering(self: Arc<Self>, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(OFFER_EVERY) => {}
            }
            let mut waiting = self.wanted.lock().await;
            if let Some(wanted) = waiting.take() {
                *waiting = self.take(wanted).await.err().map(|(wanted, _)| wanted);
            } else if self.process.is_held() {
                drop(waiting);
                self.begin_with_the_stored().await;
            }
        }
    }

    /// Takes everything at once. The store comes first, since it alone can fail; then the files and why are given back.
    async fn take(&self, wanted: Wanted) -> Result<(), (Wanted, String)> {
        if let Err(why) = self.enter(&wanted.bundle).await {
            let first = {
                let mut files = self.rule_files.lock().unwrap_or_else(PoisonError::into_inner);
                let first = files.waiting.is_none();
                *files = RuleFiles { problem: None, waiting: Some(why.clone()) };
                first
            };
            if first {
                telemetry::rules_wait(&why);
            }
            return Err((wanted, why));
        }
        if self.process.is_held() {
            self.process.begin(Arc::clone(&wanted.rules));
        }
        if let Some(Configuration { mut settings, secrets, senders }) = wanted.configuration {
            let changed = {
                let mut current = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
                let changed = keep_fixed(&current, &mut settings);
                *current = settings;
                changed
            };
            self.secrets.replace(&secrets);
            self.senders.send_replace(senders);
            if !changed.is_empty() {
                telemetry::needs_restart(&changed);
            }
        }
        *self.rule_files.lock().unwrap_or_else(PoisonError::into_inner) = RuleFiles::default();
        Ok(())
    }

    /// Puts the rule set into the store and, where it is a new one, into the journal.
    async fn enter(&self, bundle: &Bundle) -> Result<(), String> {
        let hash = bundle.hash();
        let (store, kept, bytes) = (Arc::clone(&self.store), hash.clone(), bundle.to_bytes());
        let known = tokio::task::spawn_blocking(move || {
            store.keep_rule_set(&kept, &bytes)?;
            store.figures()
        });
        let figures = match known.await {
            Ok(Ok(figures)) => figures,
            Ok(Err(error)) => return Err(error.to_string()),
            Err(_) => return Err("shutting down".to_owned()),
        };
        // Another rule set may be among the rows that are not processed yet; this one must come after it.
        let drained = figures.processed_position == figures.last_position;
        if drained && figures.rule_set == hash {
            return Ok(());
        }
        let row = NewRow { received_at: self.clock.now(), entry: Entry::RuleSet { hash: hash.clone() } };
        self.journal.append(row).await.map_err(|refused| refused.to_string())?;
        telemetry::rules_loaded(&hash);
        Ok(())
    }

    fn refuse_rules(&self, problem: String) {
        telemetry::rules_bad(&problem);
        let problem = if self.process.is_held() {
            format!(
                "{problem}. The last good rules cannot be used either, so events are kept and none is processed until the files are good"
            )
        } else {
            problem
        };
        *self.rule_files.lock().unwrap_or_else(PoisonError::into_inner) =
            RuleFiles { problem: Some(problem), waiting: None };
    }

    /// Lets processing begin where the store could only for a while not give the rule set in force.
    async fn begin_with_the_stored(&self) {
        let store = Arc::clone(&self.store);
        let stored = tokio::task::spawn_blocking(move || stored_rules(&*store, &store.progress()?.rule_set));
        if let Ok(Ok(rules)) = stored.await {
            self.process.begin(rules);
            self.load_rules().await;
        }
    }
}

impl Wanted {
    /// Reads the configuration file, where there is one, and the rule files that it names; `settings` name them otherwise.
    fn read(config: Option<&Path>, settings: &Settings) -> Result<Self, Bad> {
        let configuration = config.map(Configuration::read).transpose().map_err(Bad::Configuration)?;
        let settings = configuration.as_ref().map_or(settings, |configuration| &configuration.settings);
        let bad = |problems: Problems| Bad::Rules(first_of(&problems));
        let bundle = Bundle::read(settings.library.as_deref(), &settings.rules).map_err(bad)?;
        let (rules, _) = bundle.compile().map_err(bad)?;
        Ok(Self { configuration, bundle, rules: Arc::new(rules) })
    }
}

impl Configuration {
    fn read(path: &Path) -> Result<Self, String> {
        let (settings, _) = load_settings(path).map_err(|problems| first_of(&problems))?;
        settings.may_serve().map_err(|error| error.to_string())?;
        let secrets = read_secrets(&settings).map_err(|error| error.to_string())?;
        let senders = Arc::new(Senders::new(&settings).map_err(|error| format!("{error:#}"))?);
        Ok(Self { settings, secrets, senders })
    }
}

/// What a running daemon cannot change stays as it is, also in what others read of the settings: the disk that is watched
/// must be the one that is written to. The keys that would have changed.
fn keep_fixed(current: &Settings, new: &mut Settings) -> Vec<&'static str> {
    let same = [
        ("listen", current.listen == new.listen),
        ("storage", current.storage == new.storage),
        ("admin.socket", current.admin.socket == new.admin.socket),
        ("receive.max_body", current.receive.max_body == new.receive.max_body),
        ("receive.max_in_flight", current.receive.max_in_flight == new.receive.max_in_flight),
        ("delivery.retry_first", current.delivery.retry_first == new.delivery.retry_first),
        ("delivery.retry_max", current.delivery.retry_max == new.delivery.retry_max),
        ("delivery.give_up_after", current.delivery.give_up_after == new.delivery.give_up_after),
        ("delivery.concurrency", current.delivery.concurrency == new.delivery.concurrency),
        ("log.filter", current.log.filter == new.log.filter),
        ("log.format", current.log.format == new.log.format),
    ];
    let Settings { listen, storage, admin, receive, delivery, log, .. } = current.clone();
    (new.listen, new.storage, new.admin) = (listen, storage, admin);
    (new.receive, new.delivery, new.log) = (receive, delivery, log);
    same.into_iter().filter(|(_, same)| !same).map(|(key, _)| key).collect()
}

/// How many problems there are, and the first: the whole list is `pulsewarden check`'s to show.
fn first_of(problems: &Problems) -> String {
    let first = problems.iter().next().map(ToString::to_string).unwrap_or_default();
    format!("{}: {first}; `pulsewarden check` shows them all", problems.summary())
}

/// The stored rule set with this hash. A store that fails is asked again: to go on without rules would lose alerts.
pub(super) fn compile(store: &dyn Store, hash: &str) -> Option<Arc<RuleSet>> {
    let mut tries = 1;
    loop {
        match stored_rules(store, hash) {
            Ok(rules) => return Some(rules),
            Err(Unusable::Store(StoreError::Unavailable { .. })) if tries < TRIES => {
                tries += 1;
                std::thread::sleep(TRY_PAUSE);
            }
            Err(why) => {
                telemetry::rule_set_unusable(hash, &why.to_string());
                return None;
            }
        }
    }
}

fn stored_rules(store: &dyn Store, hash: &str) -> Result<Arc<RuleSet>, Unusable> {
    let bytes = store.rule_set(hash)?.ok_or_else(|| Unusable::Itself("it is not in the store".to_owned()))?;
    let bundle = Bundle::from_bytes(&bytes).map_err(|error| Unusable::Itself(error.to_string()))?;
    let (rules, _) = bundle.compile().map_err(|problems| Unusable::Itself(first_of(&problems)))?;
    Ok(Arc::new(rules))
}
