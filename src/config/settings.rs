//! What `pulsewarden.yaml` says.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use thiserror::Error;

use super::secret::SECRETS_FOLDER;
use crate::engine::LONGEST_PATIENCE;

/// The whole configuration, every default filled in.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the public listener binds.
    pub listen: SocketAddr,
    /// The base of every link in a message, without a trailing slash.
    pub public_url: Option<String>,
    pub storage: Storage,
    /// The folder of the customer's own rule files.
    pub rules: PathBuf,
    /// The folder of the shipped rule files; `None` leaves them out.
    pub library: Option<PathBuf>,
    pub admin: Admin,
    pub impilo: Impilo,
    pub receive: Receive,
    pub email: Option<Email>,
    pub slack: Slack,
    /// Endpoints of somebody's own (the key `webhook.endpoints`), by name.
    pub endpoints: BTreeMap<String, Endpoint>,
    pub pagerduty: Pagerduty,
    pub delivery: Delivery,
    pub own: Own,
    pub retention: Retention,
    pub log: Log,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const MEBIBYTE: u64 = 1024 * 1024;

/// What holds where the file says nothing.
impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            public_url: None,
            storage: Storage::Sqlite(PathBuf::from("/var/lib/pulsewarden/pulsewarden.db")),
            rules: PathBuf::from("/etc/pulsewarden/rules"),
            library: Some(PathBuf::from("/usr/share/pulsewarden/rules")),
            admin: Admin { socket: PathBuf::from("/run/pulsewarden/admin.sock") },
            impilo: Impilo::default(),
            receive: Receive { max_body: 1024 * 1024, max_in_flight: 4096 },
            email: None,
            slack: Slack::default(),
            endpoints: BTreeMap::new(),
            pagerduty: Pagerduty::default(),
            delivery: Delivery {
                retry_first: Duration::from_secs(30),
                retry_max: Duration::from_secs(30 * 60),
                give_up_after: LONGEST_PATIENCE,
                concurrency: 16,
            },
            own: Own {
                email: Vec::new(),
                heartbeat: None,
                quiet_after: DAY / 4,
                refused_secrets: 5,
                disk_free: 512 * MEBIBYTE,
                lag: Duration::from_secs(60),
            },
            retention: Retention { readings: 7 * DAY, payloads: 90 * DAY, deliveries: 365 * DAY, alerts: 2190 * DAY },
            log: Log { filter: "info".to_owned(), format: None },
        }
    }
}

/// Why the daemon cannot start with these settings: exit code 78.
#[derive(Debug, Error)]
pub enum CannotServe {
    #[error(
        "no webhook secret is configured, so anybody could post events; put the secret that Impilo sends into \
         {SECRETS_FOLDER}/impilo-webhook-secret and add to pulsewarden.yaml:\n\n  impilo:\n    \
         webhook_secrets: [{{ credential: impilo-webhook-secret }}]"
    )]
    NoWebhookSecret,
}

impl Settings {
    /// Whether the daemon may start with these settings. `check` accepts a file without secrets, `serve` does not.
    ///
    /// # Errors
    /// Where no webhook secret is configured.
    pub fn may_serve(&self) -> Result<(), CannotServe> {
        if self.impilo.webhook_secrets.is_empty() { Err(CannotServe::NoWebhookSecret) } else { Ok(()) }
    }
}

/// Where the store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Storage {
    Sqlite(PathBuf),
}

#[derive(Clone, Debug)]
pub struct Admin {
    /// Unix socket for the command line.
    pub socket: PathBuf,
}

#[derive(Clone, Debug)]
pub struct Impilo {
    /// Every one of these is accepted. [`Settings::may_serve`] refuses to go on without any.
    pub webhook_secrets: Vec<SecretRef>,
    /// Without it nothing can be asked of Impilo.
    pub api_key: Option<SecretRef>,
    /// The base of Impilo's API, without a trailing slash.
    pub api: String,
    /// How long at most deciding waits at a start until Impilo's log has been read.
    pub recovery_wait: Duration,
    /// How often Impilo's log is read for what did not arrive.
    pub recovery_every: Duration,
    /// How often devices, orders and returns are read back.
    pub reconcile_every: Duration,
    /// Requests a minute that reading back, and reading the log except at a start, may make together.
    pub requests_per_minute: u64,
}

impl Default for Impilo {
    fn default() -> Self {
        let api = "https://app.impiloplatform.com".to_owned();
        Self {
            webhook_secrets: Vec::new(),
            api_key: None,
            api,
            recovery_wait: Duration::from_secs(5 * 60),
            recovery_every: Duration::from_secs(15 * 60),
            reconcile_every: DAY / 4,
            requests_per_minute: 30,
        }
    }
}

/// Where a secret is to be found. The value is read when it is needed, never kept in the configuration.
#[derive(Clone, Debug)]
pub enum SecretRef {
    File(PathBuf),
    /// A credential as systemd provides it, usually from [`SECRETS_FOLDER`].
    Credential(String),
    Env(String),
    /// Made by `demo` and tests; a configuration file can give the heartbeat's address so, and no other secret.
    Literal(SecretString),
}

#[derive(Clone, Debug)]
pub struct Receive {
    /// Bytes.
    pub max_body: usize,
    /// Events accepted and not yet committed; beyond it `503`.
    pub max_in_flight: usize,
}

#[derive(Clone, Debug)]
pub struct Email {
    /// `smtps://host:465` (implicit TLS), `smtp://host:587` (STARTTLS, required unless the host is loopback).
    pub smtp: String,
    pub username: Option<String>,
    pub password: Option<SecretRef>,
    /// Extra certificate authority, PEM.
    pub ca_file: Option<PathBuf>,
    /// A mailbox, as in `Pulsewarden <alerts@clinic.example>`.
    pub from: String,
    /// For one message, connection included.
    pub timeout: Duration,
}

#[derive(Clone, Debug)]
pub struct Slack {
    /// Incoming webhooks by name; the URL is a secret.
    pub webhooks: BTreeMap<String, SecretRef>,
    /// The bot's token, with the scope `chat:write`.
    pub bot_token: Option<SecretRef>,
    /// What Slack signs its own requests with; without it messages have no buttons.
    pub signing_secret: Option<SecretRef>,
    /// The base of Slack's Web API, without a trailing slash.
    pub api: String,
}

impl Default for Slack {
    fn default() -> Self {
        let api = "https://slack.com/api".to_owned();
        Self { webhooks: BTreeMap::new(), bot_token: None, signing_secret: None, api }
    }
}

/// Where signed messages go, in JSON.
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub url: SecretRef,
    /// What messages are signed with.
    pub secret: SecretRef,
}

#[derive(Clone, Debug)]
pub struct Pagerduty {
    /// Integration keys by name.
    pub integrations: BTreeMap<String, SecretRef>,
    /// The base of the Events API v2, without a trailing slash.
    pub api: String,
}

impl Default for Pagerduty {
    fn default() -> Self {
        Self { integrations: BTreeMap::new(), api: "https://events.pagerduty.com".to_owned() }
    }
}

impl Settings {
    /// Every secret that ways out need.
    pub fn secrets_of_services(&self) -> impl Iterator<Item = &SecretRef> {
        let slack = self.slack.webhooks.values().chain(&self.slack.bot_token).chain(&self.slack.signing_secret);
        let endpoints = self.endpoints.values().flat_map(|endpoint| [&endpoint.url, &endpoint.secret]);
        slack.chain(endpoints).chain(self.pagerduty.integrations.values())
    }
}

#[derive(Clone, Debug)]
pub struct Delivery {
    /// Waits before the second attempt; doubles, with jitter, up to `retry_max`.
    pub retry_first: Duration,
    pub retry_max: Duration,
    /// A notification that was not delivered this long after its first attempt is dead; at most
    /// [`LONGEST_PATIENCE`].
    pub give_up_after: Duration,
    /// Deliveries under way at once.
    pub concurrency: usize,
}

/// The key `self`: who hears about Pulsewarden itself, and when.
#[derive(Clone, Debug)]
pub struct Own {
    pub email: Vec<String>,
    pub heartbeat: Option<Heartbeat>,
    /// No webhook for this long raises a self-alert.
    pub quiet_after: Duration,
    /// Refused secrets within ten minutes that raise a self-alert.
    pub refused_secrets: u64,
    /// Free bytes below which the disk counts as low.
    pub disk_free: u64,
    /// An unprocessed event older than this raises a self-alert.
    pub lag: Duration,
}

#[derive(Clone, Debug)]
pub struct Heartbeat {
    /// Holds a token, so it is a secret.
    pub url: SecretRef,
    pub every: Duration,
}

#[derive(Clone, Debug)]
pub struct Retention {
    pub readings: Duration,
    pub payloads: Duration,
    pub deliveries: Duration,
    pub alerts: Duration,
}

#[derive(Clone, Debug)]
pub struct Log {
    /// A filter in the manner of `tracing_subscriber::EnvFilter`.
    pub filter: String,
    /// `None`: text on a terminal, journald under systemd, JSON otherwise.
    pub format: Option<LogFormat>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
    Journald,
}
