//! From the text of `pulsewarden.yaml` to [`Settings`].

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tracing_subscriber::EnvFilter;

use super::address;
use super::bundle::read_text;
use super::hide;
use super::problem::{Problem, Problems};
use super::secret::SECRETS_FOLDER;
use super::services::{impilo_api, read_endpoints, read_pagerduty, read_slack};
use super::settings::{
    Delivery, Email, Heartbeat, Impilo, LogFormat, Own, Receive, Retention, SecretRef, Settings, Storage,
};
use super::source::Source;
use super::suggest::nearest;
use super::walk::{Fields, Walk};
use super::yaml::{Node, Value, parse};
use crate::engine::LONGEST_PATIENCE;

/// The configuration file that packages install: every key, explained, with its default.
pub const DEFAULT_FILE: &str = include_str!("default.yaml");

const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];

const SECOND: Duration = Duration::from_secs(1);
/// How long a start may wait for Impilo's log.
const LONGEST_RECOVERY_WAIT: Duration = Duration::from_secs(5 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Reads and checks the configuration file; warnings stand beside the value.
///
/// # Errors
/// Every problem of the file, warnings included, where any is an error.
pub fn load_settings(path: &Path) -> Result<(Settings, Vec<Problem>), Problems> {
    let text = read_text(path)?;
    parse_settings(&path.display().to_string(), &text)
}

/// As [`load_settings`], for a text at hand; `name` is how diagnostics call it.
///
/// # Errors
/// As [`load_settings`].
pub fn parse_settings(name: &str, text: &str) -> Result<(Settings, Vec<Problem>), Problems> {
    let Reviewed { settings, problems, .. } = review(name, text);
    if problems.any_errors() { Err(problems) } else { Ok((settings, problems.into_vec())) }
}

/// A configuration file as far as it could be read: for `check`, which looks at everything else all the same.
pub struct Reviewed {
    /// What is wrong in the file is at its default here; mail, webhooks and secrets that are written in a wrong way are
    /// there without their contents, so that nobody is told that they are missing. Not for use by the daemon.
    pub settings: Settings,
    pub problems: Problems,
    /// False where nothing of the file could be understood.
    pub understood: bool,
}

/// Reads a configuration file for [`Reviewed`].
#[must_use]
pub fn review_settings(path: &Path) -> Reviewed {
    match read_text(path) {
        Ok(text) => review(&path.display().to_string(), &text),
        Err(problems) => Reviewed { settings: Settings::default(), problems, understood: false },
    }
}

fn review(name: &str, text: &str) -> Reviewed {
    let source = Arc::new(Source::hiding(name, text, &hide::secrets(text)));
    let (root, syntax) = parse(&source);
    let walk = Walk::new();
    walk.extend(syntax);
    let mut settings = Settings::default();
    let understood = root.is_some();
    if let Some(root) = root.filter(|root| !matches!(root.value, Value::Empty)) {
        read(&walk, &root, &mut settings);
    }
    Reviewed { settings, problems: walk.into_problems(), understood }
}

fn read(walk: &Walk, root: &Node, settings: &mut Settings) {
    let Some(file) = walk.fields(root, "keys with their values", "listen: 127.0.0.1:8080") else { return };
    set(&mut settings.listen, file.get("listen").and_then(|node| address::socket(walk, node)));
    settings.public_url = file.get("public_url").and_then(|node| address::public_url(walk, node));
    set(&mut settings.storage, file.get("storage").and_then(|node| storage(walk, node)));
    set(&mut settings.rules, file.get("rules").and_then(|node| rules(walk, node)));
    set(&mut settings.library, file.get("library").and_then(|node| library(walk, node)));
    if let Some(admin) = section(walk, &file, "admin") {
        let socket = admin.get("socket").and_then(|node| path(walk, node, "/run/pulsewarden/admin.sock"));
        set(&mut settings.admin.socket, socket);
        unused(walk, &admin, "listen");
        admin.done(walk, "admin", &[]);
    }
    if let Some(impilo) = section(walk, &file, "impilo") {
        let secrets = impilo.get("webhook_secrets").map_or(&[][..], |node| walk.items(node));
        let secrets = secrets
            .iter()
            .map(|node| secret(walk, node, "webhook_secrets", "impilo-webhook-secret").unwrap_or_else(unreadable));
        settings.impilo.webhook_secrets = secrets.collect();
        let key = impilo.get("api_key");
        settings.impilo.api_key =
            key.map(|node| secret(walk, node, "api_key", "impilo-api-key").unwrap_or_else(unreadable));
        let api = impilo.get("api").and_then(|node| impilo_api(walk, node));
        set(&mut settings.impilo.api, api);
        read_recovery(walk, &impilo, &mut settings.impilo);
        impilo.done(walk, "impilo", &[]);
    }
    if let Some(receive) = section(walk, &file, "receive") {
        read_receive(walk, &receive, &mut settings.receive);
        receive.done(walk, "receive", &[]);
    }
    settings.email = section(walk, &file, "email").map(|email| read_email(walk, email));
    if let Some(slack) = section(walk, &file, "slack") {
        read_slack(walk, &slack, &mut settings.slack);
        slack.done(walk, "slack", &[]);
    }
    if let Some(webhook) = section(walk, &file, "webhook") {
        read_endpoints(walk, &webhook, &mut settings.endpoints);
        webhook.done(walk, "webhook", &[]);
    }
    if let Some(pagerduty) = section(walk, &file, "pagerduty") {
        read_pagerduty(walk, &pagerduty, &mut settings.pagerduty);
        pagerduty.done(walk, "pagerduty", &[]);
    }
    if let Some(delivery) = section(walk, &file, "delivery") {
        read_delivery(walk, &delivery, &mut settings.delivery);
        delivery.done(walk, "delivery", &[]);
    }
    if let Some(own) = section(walk, &file, "self") {
        read_own(walk, &own, &mut settings.own);
        own.done(walk, "self", &[]);
    }
    if let Some(retention) = section(walk, &file, "retention") {
        read_retention(walk, &retention, &mut settings.retention);
        retention.done(walk, "retention", &[]);
    }
    if let Some(log) = section(walk, &file, "log") {
        set(&mut settings.log.filter, log.get("filter").and_then(|node| log_filter(walk, node)));
        let formats = [
            ("auto", None),
            ("text", Some(LogFormat::Text)),
            ("json", Some(LogFormat::Json)),
            ("journald", Some(LogFormat::Journald)),
        ];
        set(&mut settings.log.format, log.get("format").and_then(|node| walk.choice(node, "a log format", &formats)));
        log.done(walk, "log", &[]);
    }
    if settings.email.is_none()
        && !settings.own.email.is_empty()
        && let Some(node) = file.get("self")
    {
        walk.error(node, "`self.email` needs a mail server", "fill in `email:`, or remove `self.email`");
    }
    let help = "move it to a file in the folder of rule files, such as /etc/pulsewarden/rules/receivers.yaml";
    file.elsewhere(walk, &["receivers", "route", "digests", "override", "settings"], "a rule file", help);
    file.done(walk, "the configuration", &[]);
}

fn read_recovery(walk: &Walk, impilo: &Fields<'_>, to: &mut Impilo) {
    let length = |key, example, least| impilo.get(key).and_then(|node| walk.duration(node, example, least));
    set(&mut to.recovery_wait, length("recovery_wait", "5m", SECOND));
    if to.recovery_wait > LONGEST_RECOVERY_WAIT
        && let Some(node) = impilo.get("recovery_wait")
    {
        walk.error(node, "this length of time is too long", "write at most 5m: nobody is alerted while it lasts");
    }
    set(&mut to.recovery_every, length("recovery_every", "15m", 60 * SECOND));
    set(&mut to.reconcile_every, length("reconcile_every", "6h", 60 * SECOND));
    let most = impilo.get("requests_per_minute").and_then(|node| walk.count(node, 1..=6000));
    set(&mut to.requests_per_minute, most);
}

fn read_receive(walk: &Walk, receive: &Fields<'_>, to: &mut Receive) {
    if let Some(node) = receive.get("max_body")
        && let Some(size) = walk.size(node, "1MiB")
    {
        match usize::try_from(size) {
            Ok(size) if (1024..=64 * 1024 * 1024).contains(&size) => to.max_body = size,
            _ => walk.error(node, "this size is out of range", "write a size from 1KiB to 64MiB"),
        }
    }
    let most = receive.get("max_in_flight").and_then(|node| walk.count(node, 1..=1_000_000));
    set(&mut to.max_in_flight, most.and_then(|most| usize::try_from(most).ok()));
}

fn read_email(walk: &Walk, email: Fields<'_>) -> Email {
    let smtp = email
        .need(walk, "smtp", "email", "write `smtp: smtps://HOST:465` (TLS) or `smtp: smtp://HOST:587` (STARTTLS)")
        .and_then(|node| address::smtp(walk, node));
    let example = "\"Pulsewarden <alerts@clinic.example>\"";
    let from = email
        .need(walk, "from", "email", "write `from: \"Pulsewarden <alerts@clinic.example>\"`")
        .and_then(|node| address::mailbox(walk, node, example));
    let username = email.get("username").and_then(|node| walk.full_text(node, "pulsewarden"));
    let password = email.get("password").and_then(|node| secret(walk, node, "password", "smtp-password"));
    match (email.get("username"), email.get("password")) {
        (Some(node), None) => {
            let help = "add `password: { credential: smtp-password }`";
            walk.error(node, "a user name without a password", help);
        }
        (None, Some(node)) => walk.error(node, "a password without a user name", "add `username:`"),
        _ => {}
    }
    let ca_file = email.get("ca_file").and_then(|node| path(walk, node, "/etc/pulsewarden/ca.pem"));
    let timeout = email.get("timeout").and_then(|node| walk.duration(node, "30s", SECOND));
    email.done(walk, "email", &[]);
    Email {
        smtp: smtp.unwrap_or_default(),
        username: username.map(str::to_owned),
        password,
        ca_file,
        from: from.unwrap_or_default(),
        timeout: timeout.unwrap_or(30 * SECOND),
    }
}

fn read_delivery(walk: &Walk, delivery: &Fields<'_>, to: &mut Delivery) {
    let length = |key, example, least| delivery.get(key).and_then(|node| walk.duration(node, example, least));
    set(&mut to.retry_first, length("retry_first", "30s", SECOND));
    set(&mut to.retry_max, length("retry_max", "30m", SECOND));
    set(&mut to.give_up_after, length("give_up_after", "72h", 60 * SECOND));
    if to.give_up_after > LONGEST_PATIENCE
        && let Some(node) = delivery.get("give_up_after")
    {
        walk.error(node, "this length of time is too long", "write at most 72h: for so long it is kept what was told");
    }
    let most = delivery.get("concurrency").and_then(|node| walk.count(node, 1..=256));
    set(&mut to.concurrency, most.and_then(|most| usize::try_from(most).ok()));
    if to.retry_max < to.retry_first
        && let Some(node) = delivery.get("retry_max").or(delivery.get("retry_first"))
    {
        walk.error(node, "`retry_max` is shorter than `retry_first`", "make it at least as long");
    }
}

fn read_own(walk: &Walk, own: &Fields<'_>, to: &mut Own) {
    let people = own.get("email").map_or(&[][..], |node| walk.items(node));
    to.email = people.iter().filter_map(|node| address::mailbox(walk, node, "it@clinic.example")).collect();
    to.heartbeat = section(walk, own, "heartbeat").and_then(|heartbeat| {
        let url = heartbeat
            .need(walk, "url", "heartbeat", "write `url: https://…`, the address that your dead-man's switch gave you")
            .and_then(|node| heartbeat_url(walk, node));
        let every = heartbeat.get("every").and_then(|node| walk.duration(node, "1m", 5 * SECOND));
        heartbeat.done(walk, "heartbeat", &[]);
        Some(Heartbeat { url: url?, every: every.unwrap_or(60 * SECOND) })
    });
    let length = |key, example, least| own.get(key).and_then(|node| walk.duration(node, example, least));
    set(&mut to.quiet_after, length("quiet_after", "6h", 60 * SECOND));
    set(&mut to.lag, length("lag", "60s", SECOND));
    set(&mut to.refused_secrets, own.get("refused_secrets").and_then(|node| walk.count(node, 1..=1_000_000)));
    set(&mut to.disk_free, own.get("disk_free").and_then(|node| walk.size(node, "512MiB")));
}

fn read_retention(walk: &Walk, retention: &Fields<'_>, to: &mut Retention) {
    let length = |key, example, least| retention.get(key).and_then(|node| walk.duration(node, example, least));
    set(&mut to.readings, length("readings", "7d", DAY));
    set(&mut to.payloads, length("payloads", "90d", DAY));
    set(&mut to.deliveries, length("deliveries", "365d", DAY));
    set(&mut to.alerts, length("alerts", "2190d", DAY));
}

/// The section under `key`. One without any keys is as good as none.
fn section<'n>(walk: &Walk, file: &Fields<'n>, key: &'static str) -> Option<Fields<'n>> {
    let node = file.get(key)?;
    let example = match key {
        "admin" => "{ socket: /run/pulsewarden/admin.sock }",
        "impilo" => "{ webhook_secrets: [{ credential: impilo-webhook-secret }] }",
        "receive" => "{ max_body: 1MiB }",
        "email" => "{ smtp: smtps://mail.clinic.example:465, from: alerts@clinic.example }",
        "slack" => "{ webhooks: { logistics: { credential: slack-logistics } } }",
        "webhook" => "{ endpoints: { records: { url: { credential: … }, secret: { credential: … } } } }",
        "pagerduty" => "{ integrations: { oncall: { credential: pagerduty-oncall } } }",
        "delivery" => "{ give_up_after: 72h }",
        "self" => "{ email: [it@clinic.example] }",
        "heartbeat" => "{ url: https://deadman.example/abc, every: 1m }",
        "retention" => "{ payloads: 90d }",
        _ => "{ filter: info }",
    };
    walk.fields(node, &format!("the keys of `{key}`"), &format!("{key}: {example}"))
}

fn set<T>(to: &mut T, found: Option<T>) {
    if let Some(found) = found {
        *to = found;
    }
}

/// Says that a key of the full configuration does nothing yet.
fn unused(walk: &Walk, fields: &Fields<'_>, key: &'static str) {
    if let Some(node) = fields.get(key) {
        let entry = fields.all().iter().find(|entry| entry.key == key);
        let place = entry.map_or(&node.place, |entry| &entry.place).clone();
        walk.add(
            Problem::warning(place, format!("`{key}` has no effect in this version"))
                .help("it may stay where it is; a later version will use it"),
        );
    }
}

fn storage(walk: &Walk, node: &Node) -> Option<Storage> {
    let example = "sqlite:/var/lib/pulsewarden/pulsewarden.db";
    let text = walk.text(node, example)?;
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        walk.error(node, "PostgreSQL is not supported by this version", format!("write {example}"));
        return None;
    }
    let help = match text.strip_prefix("sqlite:") {
        Some(file) if file.starts_with('/') && !file.starts_with("//") && !file.ends_with('/') => {
            return Some(Storage::Sqlite(PathBuf::from(file)));
        }
        Some(_) => format!("write the file's whole path after `sqlite:`, as in {example}"),
        None if text.starts_with('/') => format!("write sqlite:{}", walk.quotable(node, text)),
        None => format!("write something like {example}"),
    };
    walk.error(node, "this is not a place for the store", help);
    None
}

fn path(walk: &Walk, node: &Node, example: &str) -> Option<PathBuf> {
    let text = walk.full_text(node, example)?;
    if !text.starts_with('/') {
        let help = format!("write the whole path, as in {example}: a relative one depends on where the program starts");
        let text = walk.quotable(node, text);
        walk.error(node, format!("`{text}` does not begin with `/`"), help);
        return None;
    }
    Some(PathBuf::from(text))
}

/// The folder of rule files; rules themselves stand in its files.
fn rules(walk: &Walk, node: &Node) -> Option<PathBuf> {
    if matches!(node.value, Value::List(_) | Value::Map(_)) {
        walk.error(
            node,
            "`rules` is the folder of rule files, and rules stand in its files",
            "move the rules to a file there, such as /etc/pulsewarden/rules/own.yaml",
        );
        return None;
    }
    path(walk, node, "/etc/pulsewarden/rules")
}

fn library(walk: &Walk, node: &Node) -> Option<Option<PathBuf>> {
    match &node.value {
        Value::Scalar(scalar) if scalar.describe() == "true or false" => match walk.flag(node)? {
            false => Some(None),
            true => {
                walk.error(node, "`library` is a folder, or false", "remove the key for the shipped rules");
                None
            }
        },
        _ => {
            let default = "/usr/share/pulsewarden/rules";
            let folder = path(walk, node, default)?;
            // The default may be missing where only the program was copied; a folder that somebody named may not.
            if folder.as_os_str() != default && !folder.is_dir() {
                let message = format!("there is no folder `{}`", folder.display());
                walk.warn(
                    node,
                    message,
                    "without it there are only your own rules; remove the key for the shipped ones",
                );
            }
            Some(Some(folder))
        }
    }
}

fn log_filter(walk: &Walk, node: &Node) -> Option<String> {
    let text = walk.full_text(node, "info")?;
    let help =
        "write a level (error, warn, info, debug, trace), and others for parts after it, as in info,lettre=debug";
    // To the filter a word alone is a part of a program, of which it would show everything, and nothing of any other.
    let words = text.split(',').map(str::trim).filter(|part| !part.is_empty() && !part.contains(['=', '[']));
    let mut unknown = words.filter(|word| !LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word)));
    if let Some(word) = unknown.next() {
        let begins = |level: &&&str| word.to_ascii_lowercase().starts_with(**level);
        let meant = LEVELS.iter().find(begins).copied().or_else(|| nearest(word, LEVELS));
        let help = meant.map_or_else(|| help.to_owned(), |level| format!("did you mean `{level}`?"));
        walk.error(node, format!("`{}` is not a log level", walk.quotable(node, word)), help);
        return None;
    }
    if EnvFilter::builder().parse(text).is_err() {
        walk.error(node, format!("`{}` is not a log filter", walk.quotable(node, text)), help);
        return None;
    }
    if !shows_errors(text) {
        let help = "begin with the least level to show, as in info,lettre=debug";
        walk.error(node, "this filter hides all that Pulsewarden itself has to say", help);
        return None;
    }
    Some(text.to_owned())
}

/// Whether errors of Pulsewarden get through a filter: the part that names it best decides.
fn shows_errors(filter: &str) -> bool {
    let parts = filter.split(',').map(|part| part.trim().rsplit_once('=').unwrap_or(("", part.trim())));
    let best = parts.filter(|(target, _)| "pulsewarden".starts_with(target)).max_by_key(|(target, _)| target.len());
    best.is_some_and(|(_, level)| !level.eq_ignore_ascii_case("off"))
}

/// The address of a dead-man's switch: by reference, or in the file itself, since all that it can do is be silent.
fn heartbeat_url(walk: &Walk, node: &Node) -> Option<SecretRef> {
    if matches!(node.value, Value::Map(_)) {
        return secret(walk, node, "url", "heartbeat-url");
    }
    let example = "https://deadman.example/abc";
    let text = walk.text(node, example)?;
    address::http_url(walk, node, text, example)?;
    Some(SecretRef::Literal(SecretString::from(text)))
}

/// A reference to a secret. `name` is the file or credential that the help proposes.
pub(super) fn secret(walk: &Walk, node: &Node, key: &str, name: &str) -> Option<SecretRef> {
    let proposal = format!("{{ credential: {name} }}");
    let fields = match &node.value {
        Value::Map(_) => walk.fields(node, "a reference to a secret", &proposal)?,
        Value::Scalar(_) => {
            let proposal = if key == "webhook_secrets" { format!("[{proposal}]") } else { proposal };
            walk.add(
                Problem::error(walk.place(node), "a secret must not stand in this file")
                    .label("not shown here")
                    .help(format!(
                        "put it into a file of its own (sudo install -m 600 /dev/stdin {SECRETS_FOLDER}/{name}), and write \
                         {key}: {proposal}"
                    ))
                    .help("it was readable for everybody who can read this file: change it at its source, too"),
            );
            return None;
        }
        _ => {
            walk.wrong_type(node, "a reference to a secret", &proposal);
            return None;
        }
    };
    let file = fields.get("file").map(|node| secret_file(walk, node, name));
    let credential = fields.get("credential").map(|node| reference_name(walk, node, "a systemd credential", name));
    let env = fields.get("env").map(|node| reference_name(walk, node, "an environment variable", "SLACK_URL"));
    let found = match (file, credential, env) {
        (Some(file), None, None) => file.map(SecretRef::File),
        (None, Some(name), None) => name.map(SecretRef::Credential),
        (None, None, Some(name)) => name.map(SecretRef::Env),
        (None, None, None) if fields.all().is_empty() => {
            walk.error(node, "this refers to no secret", format!("write {proposal}"));
            None
        }
        (None, None, None) => None,
        _ => {
            walk.error(node, "this refers to more than one secret", "keep one of `file`, `credential` and `env`");
            None
        }
    };
    fields.done(walk, "a reference to a secret", &[]);
    found
}

/// A file that the service itself reads.
fn secret_file(walk: &Walk, node: &Node, name: &str) -> Option<PathBuf> {
    let found = path(walk, node, &format!("/path/to/{name}"))?;
    if found.starts_with(SECRETS_FOLDER) {
        let name = found.strip_prefix(SECRETS_FOLDER).unwrap_or(&found).display();
        walk.warn(
            node,
            format!("the service cannot look into {SECRETS_FOLDER}: systemd reads it for the service"),
            format!("write {{ credential: {name} }}"),
        );
    }
    Some(found)
}

/// What stands for a secret whose reference is wrong, and has been complained of.
pub(super) fn unreadable() -> SecretRef {
    SecretRef::Literal(SecretString::default())
}

fn reference_name(walk: &Walk, node: &Node, what: &str, example: &str) -> Option<String> {
    let text = walk.text(node, example)?;
    if !hide::is_name(text) {
        // What stands here may be the secret itself.
        walk.error(node, format!("this is not the name of {what}"), format!("write the name alone, as in {example}"));
        return None;
    }
    Some(text.to_owned())
}
