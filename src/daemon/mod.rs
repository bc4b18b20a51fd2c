//! Wiring alone: settings in, threads and tasks out, signals.

mod account;
mod fault;
mod files;
mod hearing;
mod looking_ahead;
mod part;
mod reconcile;
mod recovery;
mod rehearsal;
mod rules;
mod settling;

use std::fs;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web;
use rustix::fs::Access;
use secrecy::SecretString;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

pub use account::{Account, Tried, Undone};
pub use fault::{Fault, RuleFiles};
pub use files::ConfigFile;
use hearing::note_absence;
use part::Ended;
pub use part::Part;
pub use recovery::{Healing, NotRecovered, Recovered};
use rules::{Standing, compile};

use crate::account::{NoClient, Secrets};
use crate::api::{self, Admin};
use crate::clock::Clock;
use crate::config::{SecretError, Settings, Storage};
use crate::deliver::{self, Lanes};
use crate::digest;
use crate::engine::{RuleSet, Timestamp};
use crate::journal::{Journal, JournalThread};
use crate::notify::{Senders, Templates};
use crate::people::link::Signer;
use crate::people::page::Pages;
use crate::people::slack::Interactions;
use crate::people::{self, Desk};
use crate::process::{self, Process};
use crate::receive::{self, Counters, Readiness, Webhook};
use crate::store::sqlite::Sqlite;
use crate::store::{Store, StoreError};
use crate::telemetry;
use crate::watch::{self as self_watch, Watch};

/// How long the steps of stopping may take. Together they stay well below the unit's TimeoutStopSec.
const CLOSE_PORTS: Duration = Duration::from_secs(25);
const FINISH_THREADS: Duration = Duration::from_secs(10);
const FINISH_TASKS: Duration = Duration::from_secs(10);

/// Why the daemon cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    CannotServe(#[from] crate::config::CannotServe),
    #[error("an Impilo webhook secret cannot be read")]
    Secret(#[from] SecretError),
    #[error("the configuration of mail or Slack cannot be used: {0:#}")]
    Senders(anyhow::Error),
    #[error("the port {address} cannot be opened: {error}; choose another `listen`, or stop what uses it")]
    Port { address: SocketAddr, error: std::io::Error },
    #[error(transparent)]
    Store(#[from] StoreError),
    /// This user may not write there, or it is no folder.
    #[error("{0}; give the service's user its own folder there, or set another `storage`")]
    StorePlace(StoreError),
    #[error("{0:#}")]
    Other(#[from] anyhow::Error),
}

impl StartError {
    /// Whether somebody must change something first; what is left may have passed when the daemon is started again.
    #[must_use]
    pub fn needs_a_human(&self) -> bool {
        match self {
            Self::CannotServe(_) | Self::Secret(_) | Self::Senders(_) | Self::StorePlace(_) => true,
            Self::Port { error, .. } => error.kind() == ErrorKind::PermissionDenied,
            Self::Store(StoreError::TooNew { .. } | StoreError::Damaged { .. }) => true,
            Self::Store(StoreError::Unavailable { .. }) | Self::Other(_) => false,
        }
    }
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
    ended: Ended,
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
    pub impilo: Account,
    pub senders: watch::Sender<Arc<Senders>>,
    pub templates: watch::Sender<Arc<Templates>>,
    files: Mutex<RuleFiles>,
    standing: tokio::sync::Mutex<Standing>,
    pub watch: Watch,
    pub lanes: Arc<Lanes>,
    /// The rule set in force.
    pub rule_sets: watch::Receiver<Arc<RuleSet>>,
    /// Notified when the outbox has grown.
    pub outbox: Arc<Notify>,
    /// What digests work with, for those that are asked for by hand.
    pub digests: digest::Parts,
    /// Until when it is noted that nothing can be heard.
    deaf_until: Mutex<Option<Timestamp>>,
    healing: Healing,
    /// Cancelled once anything is decided, and since when.
    may_begin: CancellationToken,
    decides_since: Mutex<Option<Timestamp>>,
    pub started_at: Timestamp,
    pub address: SocketAddr,
}

impl Daemon {
    /// Starts everything. `config` is where `settings` were read from; it is read again at a reload, and when it
    /// changes.
    ///
    /// # Errors
    /// When there is no secret, no port or no store: nothing is left running then.
    pub async fn start(settings: Settings, config: Option<ConfigFile>) -> Result<Self, StartError> {
        settings.may_serve()?;
        let (config, print) = config.map(ConfigFile::into_parts).unzip();
        let given = read_secrets(&settings)?;
        let secrets = Arc::<Secrets>::default();
        let senders = watch::Sender::new(Arc::new(Senders::new(&settings).map_err(StartError::Senders)?));
        let clock = Clock::Wall;
        let Storage::Sqlite(path) = &settings.storage;
        let store: Arc<dyn Store> = Arc::new(Sqlite::open(path).map_err(|error| refused_by(path, error))?);
        let account = Account::new(folder_of(path), Arc::clone(&secrets));
        account.configure(&settings, given);
        if let Some(damage) = account.keeper.damage() {
            telemetry::kept_secrets_unreadable(&damage);
        }
        if let Err(error) = store.release() {
            telemetry::outbox_unavailable(&error);
        }
        let port = |error| StartError::Port { address: settings.listen, error };
        let listener = receive::listen(settings.listen).map_err(port)?;
        let address = listener.local_addr().map_err(port)?;

        let may_begin = CancellationToken::new();
        let was_away = note_absence(&*store, clock.now())?;
        if !was_away {
            may_begin.cancel();
        }

        let outbox = Arc::new(Notify::new());
        let waiting = Arc::<AtomicUsize>::default();
        let rule_sets = watch::Sender::new(Arc::<RuleSet>::default());
        let (in_force, for_watch) = (rule_sets.subscribe(), rule_sets.subscribe());
        let (for_all, for_delivery) = (rule_sets.subscribe(), rule_sets.subscribe());
        let from = Arc::clone(&store);
        let wake_outbox = Arc::clone(&outbox);
        let (process, process_thread) = Process::start(process::Parts {
            store: Arc::clone(&store),
            clock: clock.clone(),
            compile: Arc::new(move |hash| compile(&*from, hash)),
            rule_sets,
            outbox: Arc::new(move || wake_outbox.notify_one()),
            waiting: Arc::clone(&waiting),
            may_begin: may_begin.clone(),
        })?;
        let hint = process.clone();
        let (journal, journal_thread) = Journal::start(
            Arc::clone(&store),
            clock.clone(),
            settings.receive.max_in_flight,
            waiting,
            Arc::new(move || hint.wake()),
        )
        .map_err(anyhow::Error::from)?;

        let digests = digest::Parts {
            store: Arc::clone(&store),
            clock: clock.clone(),
            rule_sets: in_force,
            outbox: Arc::clone(&outbox),
            started_at: clock.now(),
        };
        let shared = Arc::new(Shared {
            digests: digests.clone(),
            store: Arc::clone(&store),
            clock: clock.clone(),
            config,
            journal: journal.clone(),
            process,
            secrets: Arc::clone(&secrets),
            counters: Arc::new(Counters::default()),
            impilo: account,
            senders,
            templates: watch::Sender::new(Arc::new(Templates::shipped())),
            files: Mutex::default(),
            standing: tokio::sync::Mutex::new(Standing::new(print.flatten())),
            watch: Watch::default(),
            lanes: Arc::default(),
            rule_sets: for_all,
            outbox: Arc::clone(&outbox),
            deaf_until: Mutex::default(),
            healing: Healing::default(),
            may_begin: may_begin.clone(),
            decides_since: Mutex::new((!was_away).then(|| clock.now())),
            started_at: clock.now(),
            address,
            settings: Mutex::new(settings.clone()),
        });
        shared.load_rules().await;

        let (readiness, liveness) = (Arc::clone(&shared), Arc::clone(&shared));
        let webhook = Webhook {
            journal,
            store: Arc::clone(&store),
            secrets,
            clock: clock.clone(),
            counters: Arc::clone(&shared.counters),
            max_body: settings.receive.max_body,
            readiness: Readiness::new(move || self_watch::ready(&readiness)),
            liveness: Arc::new(move || liveness.is_alive()),
        };
        let desk = shared.desk();
        let signer = Signer::of(&*store).map_err(anyhow::Error::from)?;
        let pages = Pages { desk: desk.clone(), signer: signer.clone() };
        let signing = Arc::clone(&shared);
        let interactions = Interactions::new(desk.clone(), Arc::new(move || signing.slack_signing_secret()));
        let others = move |config: &mut web::ServiceConfig| {
            people::page::routes(config, pages.clone());
            people::slack::routes(config, interactions.clone());
        };
        let public = receive::server(webhook, others, listener).map_err(port)?;
        let server = public.handle();
        let socket = api::server(Admin { shared: Arc::clone(&shared), desk }, &settings.admin.socket)?;
        let admin = socket.handle();

        let (stop_delivery, stop_tasks) = (CancellationToken::new(), CancellationToken::new());
        let mut tasks = JoinSet::new();
        let ended = Ended::new();
        for (part, life) in [(Part::Journal, shared.journal.life()), (Part::Process, shared.process.life())] {
            let life = life.clone();
            tasks.spawn(ended.told(part, async move { life.ended().await }));
        }
        tasks.spawn(ended.told(Part::PublicPort, async move {
            if let Err(error) = public.await {
                telemetry::part_ended("the public port", &error);
            }
        }));
        tasks.spawn(ended.told(Part::AdminSocket, async move {
            if let Err(error) = socket.await {
                telemetry::part_ended("the admin socket", &error);
            }
        }));
        let delivery = deliver::run(deliver::Parts {
            store: Arc::clone(&store),
            clock: clock.clone(),
            senders: shared.senders.subscribe(),
            rule_sets: for_delivery,
            templates: shared.templates.subscribe(),
            links: shared.links(signer),
            settings: settings.delivery.clone(),
            lanes: Arc::clone(&shared.lanes),
            wake: Arc::clone(&outbox),
            stop: stop_delivery.clone(),
        });
        tasks.spawn(ended.told(Part::Delivery, delivery));
        let stop = stop_tasks.clone();
        let begins = may_begin.clone();
        tasks.spawn(ended.told(Part::Digests, async move {
            // What they tell is not known before.
            begins.cancelled().await;
            if let Err(error) = digest::run(digests, stop).await {
                telemetry::part_ended("the digests", &*error);
            }
        }));
        let watch = self_watch::run(Arc::clone(&shared), outbox, for_watch, stop_tasks.clone());
        tasks.spawn(ended.told(Part::SelfWatch, watch));
        tasks.spawn(ended.told(Part::Rules, Arc::clone(&shared).keep_offering(stop_tasks.clone())));
        tasks.spawn(ended.told(Part::Files, Arc::clone(&shared).keep_watching(stop_tasks.clone())));
        let recovering = Arc::clone(&shared).keep_recovering(stop_tasks.clone());
        tasks.spawn(ended.told(Part::Recovery, recovering));
        let reconciling = Arc::clone(&shared).keep_reconciling(stop_tasks.clone());
        tasks.spawn(ended.told(Part::Reconciliation, reconciling));
        let looking_ahead = Arc::clone(&shared).keep_looking_ahead(stop_tasks.clone());
        tasks.spawn(ended.told(Part::LookingAhead, looking_ahead));
        if was_away {
            tasks.spawn(Arc::clone(&shared).make_up(stop_tasks.clone()));
        }
        tasks.spawn(ended.told(Part::Retention, self_watch::retention::run(Arc::clone(&shared), stop_tasks.clone())));
        tasks.spawn(ended.told(Part::Account, Arc::clone(&shared).keep_account(stop_tasks.clone())));
        telemetry::started(address);
        match shared.account() {
            Ok(_) => {}
            Err(NoClient::NoKey) => telemetry::outages_not_healed(),
            Err(error) => telemetry::account_unusable(&error.to_string()),
        }
        Ok(Self {
            address,
            shared,
            journal_thread,
            process_thread,
            server,
            admin,
            tasks,
            ended,
            stop_delivery,
            stop_tasks,
        })
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

    /// Returns once a part has ended that should run as long as the daemon. Without it the daemon would look healthy and do
    /// only half of its work, so whoever runs it should end it then.
    pub async fn ended(&self) -> Part {
        self.ended.first().await
    }

    /// Lets nothing more in, finishes what was accepted, delivers what is in flight, and ends. What takes too long is
    /// given up: the journal and the outbox have it, and the next start does it again.
    pub async fn stop(mut self) {
        telemetry::stopping();
        // A hanging mail server gets nothing new while the ports drain.
        self.stop_delivery.cancel();
        let ports = async {
            self.server.stop(true).await;
            self.admin.stop(false).await;
        };
        if timeout(CLOSE_PORTS, ports).await.is_err() {
            telemetry::not_waited_for("answering requests");
        }
        self.shared.journal.close();
        self.shared.process.stop();
        self.stop_tasks.cancel();
        let threads = tokio::task::spawn_blocking(move || {
            let journal = self.journal_thread.join();
            self.process_thread.join().is_ok() && journal
        });
        match timeout(FINISH_THREADS, threads).await {
            Ok(Ok(true)) => {}
            Ok(_) => telemetry::ended_abnormally(),
            Err(_) => telemetry::not_waited_for("processing"),
        }
        let tasks = async { while self.tasks.join_next().await.is_some() {} };
        if timeout(FINISH_TASKS, tasks).await.is_err() {
            telemetry::not_waited_for("an attempt to deliver");
            self.tasks.abort_all();
        }
        telemetry::stopped();
    }
}

impl Shared {
    /// Where people's commands come in.
    fn desk(&self) -> Desk {
        Desk {
            store: Arc::clone(&self.store),
            journal: self.journal.clone(),
            process: self.process.clone(),
            clock: self.clock.clone(),
            begins: self.may_begin.clone(),
        }
    }

    /// The links in mails, which begin with the address that is configured when they are made.
    fn links(self: &Arc<Self>, signer: Signer) -> Arc<deliver::Links> {
        let shared = Arc::clone(self);
        Arc::new(move |notification| {
            let base = shared.settings.lock().unwrap_or_else(PoisonError::into_inner).public_url.clone()?;
            people::link::to_take_on(&signer, &base, notification)
        })
    }

    /// What Slack signs its requests with, as it is configured now.
    fn slack_signing_secret(&self) -> Option<SecretString> {
        let settings = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        settings.slack.signing_secret.as_ref().and_then(|secret| secret.read().ok())
    }

    /// Whether both threads run and make progress. A full disk is no reason to say no: a restart does not heal it.
    ///
    /// # Errors
    /// Which thread does not.
    pub fn is_alive(&self) -> Result<(), String> {
        for (part, life) in [(Part::Journal, self.journal.life()), (Part::Process, self.process.life())] {
            life.check().map_err(|why| format!("{part} {why}"))?;
        }
        Ok(())
    }

    fn settings(&self) -> Settings {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn read_secrets(settings: &Settings) -> Result<Vec<secrecy::SecretString>, SecretError> {
    settings.impilo.webhook_secrets.iter().map(crate::config::SecretRef::read).collect()
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// What the store's refusal to open comes from: a place that this user may not use, or something that may pass.
fn refused_by(path: &Path, error: StoreError) -> StartError {
    let folder = folder_of(path);
    let usable = fs::create_dir_all(folder)
        .and_then(|()| Ok(rustix::fs::access(folder, Access::WRITE_OK | Access::EXEC_OK)?))
        .and_then(|()| match rustix::fs::access(path, Access::READ_OK | Access::WRITE_OK) {
            Err(rustix::io::Errno::NOENT) => Ok(()),
            usable => Ok(usable?),
        });
    match (error, usable.map_err(|error| error.kind())) {
        (
            error @ StoreError::Unavailable { .. },
            Err(
                ErrorKind::PermissionDenied
                | ErrorKind::NotADirectory
                | ErrorKind::AlreadyExists
                | ErrorKind::ReadOnlyFilesystem,
            ),
        ) => StartError::StorePlace(error),
        (error, _) => StartError::Store(error),
    }
}
