//! Rule files and configuration on their way into force, at the start, at a reload and when they change: everything
//! that can fail is done first, then each part is swapped once.

use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use super::fault::{Fault, RuleFiles};
use super::files::{Folders, Print, print_of};
use super::{Shared, read_secrets, rehearsal};
use crate::config::{Bundle, Problems, Settings, load_settings};
use crate::engine::RuleSet;
use crate::notify::{Senders, Templates};
use crate::replay::samples;
use crate::store::{Entry, NewRow, Store, StoreError};
use crate::telemetry;

/// How often good files that the store could not take are offered to it again.
const OFFER_EVERY: Duration = Duration::from_secs(3);

/// How often a stored rule set is asked for before a store that fails is believed, and the waits between.
const TRIES: u32 = 5;

/// Rows of the journal looked at in one read.
const ROWS: usize = 1000;

const TRY_PAUSE: Duration = Duration::from_millis(200);

/// What the store and the parts took last, and what they could not take. Locked as long as rules or configuration
/// change.
#[derive(Default)]
pub(super) struct Standing {
    /// Hash of the rule files.
    rules: String,
    /// What the configuration file held.
    configuration: Option<Print>,
    /// What the store could not take yet.
    waiting: Option<Wanted>,
    /// Where files lie that were refused. A configuration that was not taken either may name other folders than the one
    /// that serves.
    pub(super) refused: Option<Folders>,
}

/// Good files that are to come into force.
struct Wanted {
    /// `None` where the configuration was not read again.
    configuration: Option<Configuration>,
    bundle: Bundle,
    rules: Arc<RuleSet>,
    templates: Arc<Templates>,
}

struct Configuration {
    settings: Settings,
    secrets: Vec<SecretString>,
    senders: Arc<Senders>,
    print: Option<Print>,
}

/// What need not be read again: what the rule files and the configuration file held when they were taken.
#[derive(Default)]
struct Known {
    rules: String,
    configuration: Option<Print>,
}

/// Why nothing new can come into force.
enum Bad {
    Configuration(Fault),
    Rules { fault: Fault, folders: Folders },
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
        let mut standing = self.standing.lock().await;
        let settings = self.settings();
        match Wanted::at_start(&settings) {
            Ok(wanted) => {
                // What the store cannot take is offered again.
                let _ = self.take(wanted, &mut standing).await;
            }
            Err(fault) => {
                self.serve_all_the_same(&settings, &mut standing).await;
                self.refuse(Bad::Rules { fault, folders: Folders::of(&settings) }, &mut standing);
            }
        }
        drop(standing);
        if self.process.is_held() {
            telemetry::processing_held();
        }
    }

    /// Where the files are bad at the start, the templates of the rule set in force make the messages. Where there is none
    /// yet and the templates alone are bad, the rules come into force with the shipped ones: better a message that
    /// looks otherwise than no alert.
    async fn serve_all_the_same(&self, settings: &Settings, standing: &mut Standing) {
        let store = Arc::clone(&self.store);
        let stored = tokio::task::spawn_blocking(move || {
            let hash = store.progress()?.rule_set;
            if hash.is_empty() { Ok(None) } else { stored_templates(&*store, &hash).map(Some) }
        });
        match stored.await {
            Ok(Ok(Some(templates))) => {
                self.templates.send_replace(Arc::new(templates));
            }
            Ok(Ok(None)) => {
                if let Ok(wanted) = Wanted::with_shipped_templates(settings) {
                    // What the store cannot take is offered again.
                    let _ = self.take(wanted, standing).await;
                }
            }
            // The shipped ones make the messages.
            Ok(Err(_)) | Err(_) => {}
        }
    }

    /// Reads configuration and rules again and brings them into force, all or nothing.
    ///
    /// # Errors
    /// What stood in the way; what served before serves on.
    pub async fn reload(&self) -> Result<(), String> {
        let mut standing = self.standing.lock().await;
        // What is on disk now replaces what was wanted before.
        standing.waiting = None;
        match self.read(Known::default()).await {
            Some(Ok(Some(wanted))) => self.take(wanted, &mut standing).await?,
            Some(Err(bad)) => return Err(self.refuse(bad, &mut standing)),
            Some(Ok(None)) | None => return Err("the files could not be read: shutting down".to_owned()),
        }
        telemetry::reloaded();
        Ok(())
    }

    /// Brings changed files into force, as [`Shared::reload`] does; nothing happens where they say what serves already.
    /// What looks like a file in the middle of being written changes nothing and is no fault as long as it is `early`:
    /// then the answer is false.
    pub(super) async fn take_changes(&self, early: bool) -> bool {
        let mut standing = self.standing.lock().await;
        let rules = standing.waiting.as_ref().map_or_else(|| standing.rules.clone(), |wanted| wanted.bundle.hash());
        match self.read(Known { rules, configuration: standing.configuration }).await {
            Some(Err(_)) if early => return false,
            Some(Ok(Some(wanted))) if early && wanted.has_empty_file() => return false,
            Some(Ok(Some(wanted))) => {
                standing.waiting = None;
                if self.take(wanted, &mut standing).await.is_ok() {
                    telemetry::changed_files_taken();
                }
            }
            Some(Ok(None)) => {
                standing.refused = None;
                let waiting = standing.waiting.as_ref().and_then(|_| self.rule_files().waiting);
                self.show(RuleFiles { waiting, ..RuleFiles::default() });
            }
            Some(Err(bad)) => {
                self.refuse(bad, &mut standing);
            }
            None => {}
        }
        true
    }

    /// Offers again what the store could not take, until stopped.
    pub(super) async fn keep_offering(self: Arc<Self>, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(OFFER_EVERY) => {}
            }
            let mut standing = self.standing.lock().await;
            if let Some(wanted) = standing.waiting.take() {
                // It is kept for the next time where it fails.
                let _ = self.take(wanted, &mut standing).await;
            } else if self.process.is_held() {
                drop(standing);
                self.begin_with_the_stored().await;
            }
        }
    }

    /// What is on disk, where it is not what is known. `None` where the daemon ends.
    async fn read(&self, known: Known) -> Option<Result<Option<Wanted>, Bad>> {
        let (config, settings) = (self.config.clone(), self.settings());
        tokio::task::spawn_blocking(move || Wanted::read(config.as_deref(), &settings, &known)).await.ok()
    }

    /// Takes everything at once. The store comes first, since it alone can fail; then the files are kept to be offered
    /// again.
    async fn take(&self, wanted: Wanted, standing: &mut Standing) -> Result<(), String> {
        let hash = wanted.bundle.hash();
        standing.refused = None;
        if let Err(why) = self.enter(&wanted.bundle, &hash).await {
            self.show(RuleFiles { waiting: Some(why.clone()), ..RuleFiles::default() });
            standing.waiting = Some(wanted);
            return Err(format!("{why}; the files are good and come into force by themselves as soon as it can"));
        }
        if self.process.is_held() {
            self.process.begin(Arc::clone(&wanted.rules));
        }
        if let Some(Configuration { mut settings, secrets, senders, print }) = wanted.configuration {
            let changed = {
                let mut current = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
                let changed = keep_fixed(&current, &mut settings);
                *current = settings;
                changed
            };
            self.impilo.configure(&self.settings(), secrets);
            self.senders.send_replace(senders);
            standing.configuration = print;
            if !changed.is_empty() {
                telemetry::needs_restart(&changed);
            }
        }
        self.templates.send_replace(wanted.templates);
        standing.rules = hash;
        self.show(RuleFiles::default());
        Ok(())
    }

    /// Puts the rule set into the store and, where it is a new one, into the journal.
    async fn enter(&self, bundle: &Bundle, hash: &str) -> Result<(), String> {
        let (store, kept, bytes) = (Arc::clone(&self.store), hash.to_owned(), bundle.to_bytes());
        let known = tokio::task::spawn_blocking(move || {
            store.keep_rule_set(&kept, &bytes)?;
            last_rule_set(&*store)
        });
        let last = match known.await {
            Ok(Ok(last)) => last,
            Ok(Err(error)) => return Err(error.to_string()),
            Err(_) => return Err("shutting down".to_owned()),
        };
        if last == hash {
            return Ok(());
        }
        let row = NewRow { received_at: self.clock.now(), entry: Entry::RuleSet { hash: hash.to_owned() } };
        self.journal.append(row).await.map_err(|refused| refused.to_string())?;
        telemetry::rules_loaded(hash);
        Ok(())
    }

    /// Lets everybody know what is wrong; what serves is left alone. Returns it in brief.
    fn refuse(&self, bad: Bad, standing: &mut Standing) -> String {
        let (Bad::Rules { fault, .. } | Bad::Configuration(fault)) = &bad;
        let brief = fault.brief.clone();
        standing.waiting = None;
        self.show(match bad {
            Bad::Rules { mut fault, folders } => {
                standing.refused = Some(folders);
                if self.process.is_held() {
                    fault.brief += ". The last good rules cannot be used either, so events are kept and none is \
                                    processed until the files are good";
                }
                // The configuration was read before the rules, and without complaint.
                RuleFiles { problem: Some(fault), ..RuleFiles::default() }
            }
            Bad::Configuration(fault) => {
                RuleFiles { problem: self.rule_files().problem, configuration: Some(fault), waiting: None }
            }
        });
        brief
    }

    /// Lets everybody see what is known of the files, and says what is new of it.
    fn show(&self, files: RuleFiles) {
        let before = std::mem::replace(&mut *self.files.lock().unwrap_or_else(PoisonError::into_inner), files.clone());
        match &files {
            RuleFiles { configuration: Some(fault), .. } if before.configuration != files.configuration => {
                telemetry::configuration_bad(&fault.brief);
            }
            RuleFiles { problem: Some(fault), .. } if before.problem != files.problem => {
                telemetry::rules_bad(&fault.brief);
            }
            RuleFiles { waiting: Some(why), .. } if before.waiting.is_none() => telemetry::rules_wait(why),
            RuleFiles { problem: None, configuration: None, .. }
                if before.problem.is_some() || before.configuration.is_some() =>
            {
                telemetry::files_good_again();
            }
            _ => {}
        }
        if before != files {
            self.watch.look_now();
        }
    }

    /// What is known of the files on disk.
    #[must_use]
    pub fn rule_files(&self) -> RuleFiles {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).clone()
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

impl Standing {
    /// Before anything was taken from the files but the configuration that held `print`.
    pub(super) fn new(configuration: Option<Print>) -> Self {
        Self { configuration, ..Self::default() }
    }
}

impl Wanted {
    /// Reads and checks the configuration file, where there is one, and the rule files that it names; `settings` name
    /// them otherwise. `None` where all this is known.
    fn read(config: Option<&Path>, settings: &Settings, known: &Known) -> Result<Option<Self>, Bad> {
        let changed = config.filter(|path| known.configuration.is_none() || print_of(path) != known.configuration);
        let configuration = changed.map(Configuration::read).transpose().map_err(Bad::Configuration)?;
        let settings = configuration.as_ref().map_or(settings, |configuration| &configuration.settings);
        let bad = |fault| Bad::Rules { fault, folders: Folders::of(settings) };
        let bundle = read_rules(settings).map_err(bad)?;
        if configuration.is_none() && bundle.hash() == known.rules {
            return Ok(None);
        }
        let (rules, templates) = checked(&bundle, Some(settings)).map_err(bad)?;
        rehearsal::pass(settings, &bundle, &rules).map_err(bad)?;
        Ok(Some(Self { configuration, bundle, rules, templates }))
    }

    /// Reads and checks the rule files for a daemon that has none yet. What receivers need of the configuration is not
    /// asked for then, nor are tests run: a message that waits for its mail server, or an alert that its author did not
    /// expect, is better than one that nobody recorded.
    fn at_start(settings: &Settings) -> Result<Self, Fault> {
        let bundle = read_rules(settings)?;
        let (rules, templates) = checked(&bundle, None)?;
        Ok(Self { configuration: None, bundle, rules, templates })
    }

    /// As [`Wanted::at_start`], without the customer's templates.
    fn with_shipped_templates(settings: &Settings) -> Result<Self, Fault> {
        let bundle = read_rules(settings)?.without_templates();
        let (rules, templates) = checked(&bundle, None)?;
        Ok(Self { configuration: None, bundle, rules, templates })
    }

    /// Whether a file holds nothing, as one that an editor is about to fill.
    fn has_empty_file(&self) -> bool {
        self.bundle.files().iter().any(|file| file.text.trim().is_empty())
    }
}

fn read_rules(settings: &Settings) -> Result<Bundle, Fault> {
    Bundle::read(settings.library.as_deref(), &settings.rules).map_err(|problems| Fault::of(&problems))
}

/// The compiled rule set and the templates, after everything that must hold before they may take the place of others. Where
/// `settings` are given, they must have what its receivers need.
fn checked(bundle: &Bundle, settings: Option<&Settings>) -> Result<(Arc<RuleSet>, Arc<Templates>), Fault> {
    let bad = |problems: &Problems| Fault::of(problems);
    let (rules, _) = bundle.compile().map_err(|problems| bad(&problems))?;
    if let Some(problems) = settings.map(|settings| bundle.check_receivers(settings)).filter(Problems::any_errors) {
        return Err(bad(&problems));
    }
    let (templates, _) = Templates::of(bundle).map_err(|problems| bad(&problems))?;
    if !templates.are_shipped() {
        let problems = templates.check(&samples(&rules));
        if problems.any_errors() {
            return Err(bad(&problems));
        }
    }
    Ok((Arc::new(rules), Arc::new(templates)))
}

impl Configuration {
    fn read(path: &Path) -> Result<Self, Fault> {
        // Taken first: what changes between the two readings is then read again.
        let print = print_of(path);
        let (settings, _) = load_settings(path).map_err(|problems| Fault::of(&problems))?;
        settings.may_serve().map_err(|error| Fault::one(error.to_string()))?;
        let secrets = read_secrets(&settings).map_err(|error| Fault::one(error.to_string()))?;
        let senders = Arc::new(Senders::new(&settings).map_err(|error| Fault::one(format!("{error:#}")))?);
        Ok(Self { settings, secrets, senders, print })
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

/// The templates that were kept with the rule set of this hash.
fn stored_templates(store: &dyn Store, hash: &str) -> Result<Templates, Unusable> {
    let (templates, _) =
        Templates::of(&stored(store, hash)?).map_err(|problems| Unusable::Itself(Fault::of(&problems).brief))?;
    Ok(templates)
}

fn stored(store: &dyn Store, hash: &str) -> Result<Bundle, Unusable> {
    let bytes = store.rule_set(hash)?.ok_or_else(|| Unusable::Itself("it is not in the store".to_owned()))?;
    Bundle::from_bytes(&bytes).map_err(|error| Unusable::Itself(error.to_string()))
}

fn stored_rules(store: &dyn Store, hash: &str) -> Result<Arc<RuleSet>, Unusable> {
    let (rules, _) = stored(store, hash)?.compile().map_err(|problems| Unusable::Itself(Fault::of(&problems).brief))?;
    Ok(Arc::new(rules))
}

/// The rule set that will be in force once all that is in the journal has been processed.
fn last_rule_set(store: &dyn Store) -> Result<String, StoreError> {
    let progress = store.progress()?;
    let (mut last, mut after) = (progress.rule_set, progress.position);
    loop {
        let rows = store.journal(after, ROWS)?;
        let Some(end) = rows.last() else { return Ok(last) };
        after = end.position;
        for row in rows {
            if let Entry::RuleSet { hash } = row.entry {
                last = hash;
            }
        }
    }
}
