//! Wiring alone: settings in, threads and tasks out, signals.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use actix_web::dev::ServerHandle;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::api::{self, Admin};
use crate::clock::Clock;
use crate::config::{Bundle, Problems, SecretError, Settings, Storage, load_settings};
use crate::deliver;
use crate::digest;
use crate::engine::{RuleSet, Timestamp};
use crate::journal::{Journal, JournalThread, Refused};
use crate::notify::Senders;
use crate::process::{self, Process};
use crate::receive::{self, Counters, Readiness, Secrets, Webhook};
use crate::store::sqlite::Sqlite;
use crate::store::{Entry, NewRow, Store, StoreError};
use crate::telemetry;
use crate::watch::{self as self_watch, Watch};

/// Why the daemon cannot start as configured.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    CannotServe(#[from] crate::config::CannotServe),
    #[error("an Impilo webhook secret cannot be read")]
    Secret(#[from] SecretError),
    #[error("the port {address} cannot be opened: {error}; choose another `listen`, or stop what uses it")]
    Port { address: SocketAddr, error: std::io::Error },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0:#}")]
    Other(#[from] anyhow::Error),
}

/// What is known of the rule files on disk, beside the rule set in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleFiles {
    /// Why the files cannot be used; the last good rule set serves meanwhile.
    pub problem: Option<String>,
    /// Hash of the files, where they are good.
    pub hash: Option<String>,
}

/// A running daemon.
pub struct Daemon {
    address: SocketAddr,
    shared: Arc<Shared>,
    journal_thread: JournalThread,
    process_thread: JoinHandle<()>,
    server: ServerHandle,
    admin: ServerHandle,
    tasks: JoinSet<()>,
    stop_delivery: CancellationToken,
    stop_tasks: CancellationToken,
}

/// What the parts of a running daemon share.
pub struct Shared {
    pub store: Arc<dyn Store>,
    pub clock: Clock,
    pub settings: Mutex<Settings>,
    /// Where the settings came from; `None` where there is no file.
    pub config: Option<PathBuf>,
    pub journal: Journal,
    pub process: Process,
    pub secrets: Arc<Secrets>,
    pub counters: Arc<Counters>,
    pub senders: watch::Sender<Arc<Senders>>,
    pub rule_files: Mutex<RuleFiles>,
    pub watch: Watch,
    pub started_at: Timestamp,
    pub address: SocketAddr,
}

impl Daemon {
    /// Starts everything. `config` is read again at a reload.
    ///
    /// # Errors
    /// When there is no secret, no port or no store: nothing is left running then.
    pub async fn start(settings: Settings, config: Option<PathBuf>) -> Result<Self, StartError> {
        settings.may_serve()?;
        let secrets = Arc::new(Secrets::new(&read_secrets(&settings)?));
        let senders = watch::Sender::new(Arc::new(Senders::new(&settings)?));
        let clock = Clock::Wall;
        let Storage::Sqlite(path) = &settings.storage;
        let store: Arc<dyn Store> = Arc::new(Sqlite::open(path)?);
        if let Err(error) = store.release() {
            telemetry::outbox_unavailable(&error);
        }
        let port = |error| StartError::Port { address: settings.listen, error };
        let listener = receive::listen(settings.listen).map_err(port)?;
        let address = listener.local_addr().map_err(port)?;

        let outbox = Arc::new(Notify::new());
        let rule_sets = watch::Sender::new(Arc::<RuleSet>::default());
        let in_force = rule_sets.subscribe();
        let from = Arc::clone(&store);
        let wake_outbox = Arc::clone(&outbox);
        let (process, process_thread) = Process::start(process::Parts {
            store: Arc::clone(&store),
            clock: clock.clone(),
            compile: Box::new(move |hash| compile(&*from, hash)),
            rule_sets,
            outbox: Arc::new(move || wake_outbox.notify_one()),
        })?;
        let hint = process.clone();
        let (journal, journal_thread) = Journal::start(
            Arc::clone(&store),
            clock.clone(),
            settings.receive.max_in_flight,
            Arc::new(move || hint.wake()),
        )
        .map_err(anyhow::Error::from)?;

        let shared = Arc::new(Shared {
            store: Arc::clone(&store),
            clock: clock.clone(),
            config,
            journal: journal.clone(),
            process,
            secrets: Arc::clone(&secrets),
            counters: Arc::new(Counters::default()),
            senders,
            rule_files: Mutex::default(),
            watch: Watch::default(),
            started_at: clock.now(),
            address,
            settings: Mutex::new(settings.clone()),
        });
        shared.load_rules().await;

        let readiness = Arc::clone(&shared);
        let webhook = Webhook {
            journal,
            store: Arc::clone(&store),
            secrets,
            clock: clock.clone(),
            counters: Arc::clone(&shared.counters),
            max_body: settings.receive.max_body,
            readiness: Readiness::new(move || self_watch::ready(&readiness)),
        };
        let public = receive::server(webhook, listener).map_err(port)?;
        let server = public.handle();
        let socket = api::server(Admin { shared: Arc::clone(&shared) }, &settings.admin.socket)?;
        let admin = socket.handle();

        let (stop_delivery, stop_tasks) = (CancellationToken::new(), CancellationToken::new());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            if let Err(error) = public.await {
                telemetry::part_ended("the public port", &error);
            }
        });
        tasks.spawn(async move {
            if let Err(error) = socket.await {
                telemetry::part_ended("the admin socket", &error);
            }
        });
        tasks.spawn(deliver::run(deliver::Parts {
            store: Arc::clone(&store),
            clock: clock.clone(),
            senders: shared.senders.subscribe(),
            settings: settings.delivery.clone(),
            wake: Arc::clone(&outbox),
            stop: stop_delivery.clone(),
        }));
        let digests = digest::Parts { store, clock, rule_sets: in_force, outbox: Arc::clone(&outbox) };
        let stop = stop_tasks.clone();
        tasks.spawn(async move {
            if let Err(error) = digest::run(digests, stop).await {
                telemetry::part_ended("the digests", &*error);
            }
        });
        tasks.spawn(self_watch::run(Arc::clone(&shared), outbox, stop_tasks.clone()));
        tasks.spawn(self_watch::retention::run(Arc::clone(&shared), stop_tasks.clone()));
        telemetry::started(address);
        telemetry::outages_not_healed();
        Ok(Self { address, shared, journal_thread, process_thread, server, admin, tasks, stop_delivery, stop_tasks })
    }

    /// Where the public port listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What the parts share.
    #[must_use]
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Lets nothing more in, finishes what was accepted, delivers what is in flight, and ends.
    pub async fn stop(mut self) {
        telemetry::stopping();
        self.server.stop(true).await;
        self.admin.stop(false).await;
        self.shared.journal.close();
        self.shared.process.stop();
        self.stop_tasks.cancel();
        let threads = tokio::task::spawn_blocking(move || {
            self.journal_thread.join();
            self.process_thread.join().is_ok()
        });
        if !threads.await.unwrap_or(false) {
            telemetry::ended_abnormally();
        }
        self.stop_delivery.cancel();
        while self.tasks.join_next().await.is_some() {}
        telemetry::stopped();
    }
}

impl Shared {
    /// Reads the rule files and brings them into force where they are good and new. Bad files change nothing.
    async fn load_rules(&self) -> bool {
        let (library, rules) = {
            let settings = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
            (settings.library.clone(), settings.rules.clone())
        };
        let files = match read_rules(library.as_deref(), &rules) {
            Ok(bundle) => match self.bring_into_force(&bundle).await {
                Ok(()) => RuleFiles { problem: None, hash: Some(bundle.hash()) },
                Err(error) => RuleFiles { problem: Some(error), hash: None },
            },
            Err(problems) => RuleFiles { problem: Some(first_of(&problems)), hash: None },
        };
        if let Some(problem) = &files.problem {
            telemetry::rules_bad(problem);
        }
        let good = files.problem.is_none();
        *self.rule_files.lock().unwrap_or_else(PoisonError::into_inner) = files;
        good
    }

    async fn bring_into_force(&self, bundle: &Bundle) -> Result<(), String> {
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
        self.journal.append(row).await.map_err(|refused: Refused| refused.to_string())?;
        telemetry::rules_loaded(&hash);
        Ok(())
    }

    /// Reads configuration and rules again: everything that can fail is done first, then each part is swapped once.
    ///
    /// # Errors
    /// What stood in the way; what served before serves on.
    pub async fn reload(&self) -> Result<(), String> {
        if let Some(path) = &self.config {
            let (settings, _) = load_settings(path).map_err(|problems| first_of(&problems))?;
            settings.may_serve().map_err(|error| error.to_string())?;
            let secrets = read_secrets(&settings).map_err(|error| error.to_string())?;
            let senders = Senders::new(&settings).map_err(|error| format!("{error:#}"))?;
            let fixed = {
                let mut current = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
                let fixed = current.listen != settings.listen
                    || current.storage != settings.storage
                    || current.admin.socket != settings.admin.socket;
                *current = settings;
                fixed
            };
            self.secrets.replace(&secrets);
            self.senders.send_replace(Arc::new(senders));
            if fixed {
                telemetry::needs_restart();
            }
        }
        if self.load_rules().await {
            telemetry::reloaded();
            return Ok(());
        }
        let files = self.rule_files.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Err(files.problem.unwrap_or_default())
    }
}

fn read_secrets(settings: &Settings) -> Result<Vec<secrecy::SecretString>, SecretError> {
    settings.impilo.webhook_secrets.iter().map(crate::config::SecretRef::read).collect()
}

fn read_rules(library: Option<&std::path::Path>, rules: &std::path::Path) -> Result<Bundle, Problems> {
    let bundle = Bundle::read(library, rules)?;
    bundle.compile()?;
    Ok(bundle)
}

/// How many problems there are, and the first: the whole list is `pulsewarden check`'s to show.
fn first_of(problems: &Problems) -> String {
    let first = problems.iter().next().map(ToString::to_string).unwrap_or_default();
    format!("{}: {first}; `pulsewarden check` shows them all", problems.summary())
}

/// The stored rule set with this hash.
fn compile(store: &dyn Store, hash: &str) -> Option<Arc<RuleSet>> {
    let bytes = match store.rule_set(hash) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => {
            telemetry::rule_set_unusable(hash, "it is not in the store");
            return None;
        }
        Err(error) => {
            telemetry::rule_set_unusable(hash, &error.to_string());
            return None;
        }
    };
    let bundle = match Bundle::from_bytes(&bytes) {
        Ok(bundle) => bundle,
        Err(error) => {
            telemetry::rule_set_unusable(hash, &error.to_string());
            return None;
        }
    };
    match bundle.compile() {
        Ok((rules, _)) => Some(Arc::new(rules)),
        Err(problems) => {
            telemetry::rule_set_unusable(hash, &first_of(&problems));
            None
        }
    }
}
