//! The daemon and its account at Impilo: what people ask for over the admin socket, one at a time, and what is looked at every
//! day.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use super::Shared;
use crate::account::client::Subscription;
use crate::account::doctor::{self, Answers, Here, Report, Untold, Verdict};
use crate::account::needs::needed;
use crate::account::rotation::{self, Keeper, RotateError, Rotated};
use crate::account::untaken;
use crate::account::webhooks::{self, Known, Ledger, Plan};
use crate::account::{Access, ApiError, Client, KeptError, NoClient, Pace, Secrets};
use crate::clock::Clock;
use crate::config::Settings;
use crate::engine::{Position, RuleSet, Source};
use crate::journal::codec;
use crate::store::{Entry, EventRow, JournalRow, StoreError};
use crate::telemetry;

/// How often it is looked whether something is due.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// How often Impilo is asked which secret it has while that is not known, or an old one is to be dropped.
const ASK_EVERY: Duration = Duration::from_secs(10 * 60);

/// How often everything is checked, and how often while something is wrong.
const CHECK_EVERY: Duration = Duration::from_secs(24 * 60 * 60);
const CHECK_AGAIN: Duration = Duration::from_secs(30 * 60);

/// The shortest time between two checks because webhooks were refused for their secret.
const CHECK_REFUSED: Duration = Duration::from_secs(5 * 60);

/// The log is searched for errors over this long.
const ERRORS_OVER: Duration = Duration::from_secs(24 * 60 * 60);

/// The type of the webhook that is asked for as a test, and the status that it tells: of such orders nothing more is expected.
const TEST_TYPE: &str = "order.status";
const TEST_STATUS: &str = "voided";

/// How often a test webhook is looked for.
const TEST_LOOK: Duration = Duration::from_millis(200);

/// Rows of the journal that are looked at in one go.
const TEST_ROWS: usize = 1000;

/// How long it is waited for rules to be in force: without them nobody knows what is needed.
const RULES_WITHIN: Duration = Duration::from_secs(15);

/// What a running daemon has of its account.
pub struct Account {
    access: Access,
    /// The secrets that were made here.
    pub keeper: Keeper,
    /// The subscriptions that were made here.
    made: Ledger,
    /// Two commands that change the account must not run at once.
    errands: tokio::sync::Mutex<()>,
    report: Mutex<Option<Report>>,
    /// What all requests keep to that have time.
    pace: Arc<Pace>,
}

/// What came of a test webhook.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tried {
    /// How long it took until it was kept here; `None` where it did not come, or could not be recognised.
    pub after: Option<Duration>,
    /// Webhooks of the same type that came meanwhile and do not hold what the test was sent with.
    pub others: u64,
}

fn webhook_like_the_test(row: &JournalRow) -> Option<&EventRow> {
    match &row.entry {
        Entry::Event(event) if event.kind == TEST_TYPE && event.source == Source::Webhook => Some(event),
        _ => None,
    }
}

/// Why the account could not be seen to.
#[derive(Debug, thiserror::Error)]
pub enum Undone {
    #[error(transparent)]
    NoClient(#[from] NoClient),
    #[error(
        "`public_url` is not configured, so it is not known where Impilo should send; set it to the address under which Impilo \
         reaches this daemon"
    )]
    NoAddress,
    #[error(
        "nothing was changed: the account has one secret, and subscriptions to other addresses, too ({others}, to {addresses}); \
         whoever listens there refuses all webhooks from the moment of the change until the new secret is configured there. Have \
         that prepared, and then run the command with --yes"
    )]
    Shared { others: usize, addresses: String },
    #[error("no rules are in force, so it is not known what Impilo should send; see `pulsewarden status`")]
    NoRules,
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Kept(#[from] KeptError),
    #[error(transparent)]
    Rotation(#[from] rotation::RotateError),
}

impl Account {
    /// `folder` is that of the store.
    pub(super) fn new(folder: &Path, accepted: Arc<Secrets>, clock: Clock) -> Self {
        Self {
            access: Access::new(clock),
            keeper: Keeper::open(folder, accepted),
            made: Ledger::in_folder(folder),
            errands: tokio::sync::Mutex::default(),
            report: Mutex::default(),
            pace: Arc::default(),
        }
    }

    /// The configuration may name another key, another address and other secrets now.
    pub(super) fn configure(&self, settings: &Settings, secrets: Vec<SecretString>) {
        self.access.forget();
        let names = settings.impilo.webhook_secrets.iter().map(|place| format!("impilo.webhook_secrets, {place}"));
        self.keeper.configure(names.zip(secrets).collect(), settings.impilo.api_key.is_some());
        if settings.impilo.api_key.is_none() {
            self.tell_replaced();
        }
    }

    /// Nobody can learn which secret Impilo has.
    fn go_deaf(&self) {
        if self.keeper.go_deaf() {
            self.tell_replaced();
        }
    }

    fn tell_replaced(&self) {
        for name in self.keeper.replaced().0 {
            telemetry::replaced_secret_accepted(&name);
        }
    }

    /// What was found last, where the account could be asked at all.
    #[must_use]
    pub fn report(&self) -> Option<Report> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Shared {
    /// What asks Impilo.
    ///
    /// # Errors
    /// Where no API key is configured, or none that can be used.
    pub fn account(&self) -> Result<Client, NoClient> {
        self.impilo.access.client(&self.settings())
    }

    /// The client as what has time uses it: `impilo.requests_per_minute` holds for all of that together.
    pub(super) fn paced(&self, client: Client) -> Client {
        client.paced(&self.impilo.pace, self.settings().impilo.requests_per_minute)
    }

    /// Every subscription of the account, and where they should lead, if that is configured.
    ///
    /// # Errors
    /// Where Impilo cannot be asked.
    pub async fn subscriptions(&self) -> Result<(Vec<Subscription>, Option<String>), Undone> {
        let there = self.account()?.webhooks().await?;
        Ok((there, self.settings().public_url.as_deref().map(webhooks::address)))
    }

    /// What is to be done about subscriptions.
    ///
    /// # Errors
    /// Where Impilo cannot be asked, or it is not known where it should send what.
    pub async fn plan_subscriptions(&self, delete_unknown: bool) -> Result<Plan, Undone> {
        Ok(self.compare_subscriptions(delete_unknown).await?.0)
    }

    /// What is to be done, and the subscriptions that there are.
    async fn compare_subscriptions(&self, delete_unknown: bool) -> Result<(Plan, Vec<Subscription>), Undone> {
        let client = self.account()?;
        let public_url = self.settings().public_url.ok_or(Undone::NoAddress)?;
        let rules = self.rules_in_force().await.ok_or(Undone::NoRules)?;
        let there = client.webhooks().await?;
        Ok((self.plan(&rules, &public_url, &there, delete_unknown)?, there))
    }

    /// The rules in force; at the start they are waited for.
    async fn rules_in_force(&self) -> Option<Arc<RuleSet>> {
        let mut rule_sets = self.rule_sets.clone();
        let in_force = rule_sets.wait_for(|rules| !rules.hash.is_empty());
        let rules = tokio::time::timeout(RULES_WITHIN, in_force).await.ok()?.ok()?;
        Some(Arc::clone(&rules))
    }

    fn plan(
        &self,
        rules: &RuleSet,
        public_url: &str,
        there: &[Subscription],
        delete_unknown: bool,
    ) -> Result<Plan, KeptError> {
        let (url, made) = (webhooks::address(public_url), self.impilo.made.made()?);
        let needed = needed(rules);
        Ok(webhooks::plan(&Known { url: &url, needed: &needed, there, made: &made, delete_unknown }))
    }

    /// Plans anew, and carries the plan out.
    ///
    /// # Errors
    /// As [`Shared::plan_subscriptions`]; what could not be done of the plan stands in it.
    pub async fn sync_subscriptions(&self, delete_unknown: bool) -> Result<Plan, Undone> {
        let _alone = self.impilo.errands.lock().await;
        let client = self.account()?;
        let (mut plan, there) = self.compare_subscriptions(delete_unknown).await?;
        self.impilo.made.prune(&there)?;
        webhooks::apply(&client, &mut plan, &self.impilo.made).await?;
        telemetry::subscriptions_changed(plan.steps.len());
        Ok(plan)
    }

    /// Gives Impilo a new webhook secret; where subscriptions to other addresses would carry it too, only with `for_all`.
    ///
    /// # Errors
    /// Where Impilo does not have the new secret, or nobody knows; and where others must be asked first.
    pub async fn rotate_secret(&self, for_all: bool) -> Result<Rotated, Undone> {
        let _alone = self.impilo.errands.lock().await;
        let client = self.account()?;
        let there = client.webhooks().await.map_err(RotateError::Unasked)?;
        let ours = self.settings().public_url.as_deref().map(webhooks::address);
        let (others, addresses) = webhooks::elsewhere(&there, ours.as_deref());
        if others > 0 && !for_all {
            return Err(Undone::Shared { others, addresses: doctor::some(&addresses) });
        }
        let rotated = rotation::rotate(&client, &self.impilo.keeper, self.clock.now()).await?;
        telemetry::secret_rotated();
        Ok(rotated)
    }

    /// Lets Impilo send a test, and waits for it as long as `within`.
    ///
    /// # Errors
    /// Where Impilo cannot be asked, or the store cannot be read.
    pub async fn try_webhook(&self, within: Duration) -> Result<Tried, Undone> {
        let _alone = self.impilo.errands.lock().await;
        let client = self.account()?;
        let mark = format!("pulsewarden-test-{:016x}", fastrand::u64(..));
        let mut seen = self.newest_row().await?;
        client.test_order_status(TEST_STATUS, &mark).await?;
        let asked = Instant::now();
        let mut tried = Tried::default();
        while asked.elapsed() < within {
            let rows = self.rows_after(seen).await?;
            let Some(last) = rows.last() else {
                tokio::time::sleep(TEST_LOOK).await;
                continue;
            };
            seen = last.position;
            for event in rows.iter().filter_map(webhook_like_the_test) {
                let body = event.body.as_deref().and_then(|body| codec::decode(body).ok()).unwrap_or_default();
                // Wherever it stands, nobody else has it.
                if body.windows(mark.len()).any(|part| part == mark.as_bytes()) {
                    tried.after = Some(asked.elapsed());
                    return Ok(tried);
                }
                tried.others += 1;
            }
        }
        Ok(tried)
    }

    async fn newest_row(&self) -> Result<Position, StoreError> {
        let store = Arc::clone(&self.store);
        let newest = tokio::task::spawn_blocking(move || store.events_before(Position::MAX, None, 1));
        let newest = newest.await.unwrap_or_else(|_| Ok(Vec::new()))?;
        Ok(newest.first().map(|row| row.position).unwrap_or_default())
    }

    async fn rows_after(&self, position: Position) -> Result<Vec<JournalRow>, StoreError> {
        let store = Arc::clone(&self.store);
        let rows = tokio::task::spawn_blocking(move || store.journal(position, TEST_ROWS));
        rows.await.unwrap_or_else(|_| Ok(Vec::new()))
    }

    /// Checks everything about the account, and keeps what was found for the self-watch.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn examine(&self) -> Result<Report, StoreError> {
        let _alone = self.impilo.errands.lock().await;
        let (settings, rules) = (self.settings(), self.rules_in_force().await);
        let asked = match self.account() {
            Ok(client) => Ok(self.ask(&client, &settings, rules.as_deref()).await),
            Err(error) => {
                self.impilo.go_deaf();
                Err(error)
            }
        };
        let store = Arc::clone(&self.store);
        let heard = tokio::task::spawn_blocking(move || store.figures().map(|figures| figures.last_by_type)).await;
        let heard = heard.unwrap_or_else(|_| Ok(Vec::new()))?;
        let here = Here {
            now: self.clock.now(),
            rules: rules.as_deref(),
            accepted: &self.secrets,
            keeper: &self.impilo.keeper,
            heard: &heard,
            public_url: settings.public_url.as_deref(),
        };
        let report = doctor::examine(&here, &asked);
        let mut kept = report.clone();
        if matches!(asked, Err(NoClient::NoKey)) {
            // Who has no key has decided so, and was told at the start. What was found before may be so still.
            let told = kept.checks.iter_mut().filter(|check| check.name != "kept_secrets");
            told.for_each(|check| check.verdict = Verdict::Unknown);
        }
        *self.impilo.report.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
        self.watch.look_now();
        Ok(report)
    }

    async fn ask(&self, client: &Client, settings: &Settings, rules: Option<&RuleSet>) -> Answers {
        let url = settings.public_url.as_deref().map(webhooks::address);
        let is_here = |other: &str| url.as_deref().is_some_and(|url| webhooks::is_same(other, url));
        client.forget_clock();
        let secret = self.learn_secret(client).await;
        // Who does not answer once is not waited for three times.
        let silent = match &secret {
            Err(error @ ApiError::Unreachable(_)) => Some(error.clone()),
            _ => None,
        };
        let there = match &silent {
            Some(error) => Err(error.clone()),
            None => client.webhooks().await,
        };
        let public_url = settings.public_url.as_deref().ok_or(Untold::NoAddress);
        let there =
            there.map_err(Untold::from).and_then(|there| public_url.clone().map(|public_url| (there, public_url)));
        let types = |there: &[Subscription]| -> BTreeSet<String> {
            there.iter().filter(|there| is_here(&there.url)).map(|there| there.kind.clone()).collect()
        };
        let subscribed = there.as_ref().map(|(there, _)| types(there)).map_err(Clone::clone);
        let plan = there.and_then(|(there, public_url)| {
            let rules = rules.ok_or(Untold::NoRules)?;
            Ok(self.plan(rules, public_url, &there, false))
        });
        let untaken = match (silent, public_url) {
            (Some(error), _) => Err(error.into()),
            // Which were for here nobody can tell.
            (None, Err(why)) => Err(why),
            (None, Ok(_)) => {
                untaken::look(client, self.clock.now().minus(ERRORS_OVER), is_here).await.map_err(Untold::from)
            }
        };
        Answers { plan, subscribed, secret, untaken, ahead: client.ahead() }
    }

    /// Asks Impilo which secret it has, and acts on it.
    async fn learn_secret(&self, client: &Client) -> Result<Option<SecretString>, ApiError> {
        let secret = client.secret().await;
        match &secret {
            Ok(Some(there)) => {
                if let Err(error) = self.impilo.keeper.learn(there, self.clock.now()) {
                    telemetry::secret_not_noted(&error.to_string());
                }
            }
            Err(ApiError::Refused(_)) => self.impilo.go_deaf(),
            Ok(None) | Err(_) => {}
        }
        secret
    }

    /// Finishes what was begun about secrets, and checks everything once a day, until stopped.
    pub(super) async fn keep_account(self: Arc<Self>, stop: CancellationToken) {
        let mut asked: Option<Instant> = None;
        let mut checked: Option<(Instant, Duration)> = None;
        let (mut refused, mut could_ask) = (0, true);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            let due = asked.is_none_or(|at| at.elapsed() >= ASK_EVERY);
            if due
                && self.impilo.keeper.is_waiting(self.clock.now())
                && let Ok(client) = self.account()
            {
                asked = Some(Instant::now());
                let settle = self.settle_secret(&client);
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = settle => {}
                }
            }
            // A secret that Impilo has again is accepted again, and of any other it is told at once.
            let now_refused = self.counters.refused_secret.load(Ordering::Relaxed);
            let every = |usual| if now_refused > refused { CHECK_REFUSED } else { usual };
            // A key that cannot be used any more, or can again, is told without waiting for the day to pass.
            let can_ask = self.account().is_ok();
            if can_ask != could_ask || checked.is_none_or(|(at, usual)| at.elapsed() >= every(usual)) {
                (refused, could_ask) = (now_refused, can_ask);
                let report = tokio::select! {
                    () = stop.cancelled() => return,
                    report = self.examine() => report,
                };
                let fine = report.is_ok_and(|report| report.is_fine());
                checked = Some((Instant::now(), if fine { CHECK_EVERY } else { CHECK_AGAIN }));
            }
        }
    }

    /// Asks Impilo which secret it has, alone.
    async fn settle_secret(&self, client: &Client) {
        let _alone = self.impilo.errands.lock().await;
        let _ = self.learn_secret(client).await;
    }
}
