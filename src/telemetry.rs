//! What the log says, one function for each operational fact. No payload, name, serial or secret passes through here.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::account::Offered;
use crate::config::{Log, LogFormat};
use crate::digest::DigestError;
use crate::engine::{Position, SelfAlert, SubjectKind, Timestamp};
use crate::impilo::Unreadable;
use crate::notify::Sent;
use crate::store::{AttemptResult, StoreError};

/// Libraries that tell how they start and stop, which we say ourselves; the configured filter may ask for them by name.
const QUIET: &str = "actix_server=warn,tokio_cron_scheduler=warn";

/// Starts logging: text on a terminal, journald under systemd, JSON otherwise, unless the configuration says which.
///
/// # Errors
/// When the filter cannot be read, or logging was started before.
pub fn start(log: &Log) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(format!("{QUIET},{}", log.filter))
        .map_err(|error| anyhow::anyhow!("the log filter `{}` cannot be read: {error}", log.filter))?;
    let under_systemd = std::env::var_os("JOURNAL_STREAM").is_some();
    let format = log.format.unwrap_or(if under_systemd {
        LogFormat::Journald
    } else if std::io::stderr().is_terminal() {
        LogFormat::Text
    } else {
        LogFormat::Json
    });
    let text =
        || tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false).log_internal_errors(false);
    let layer: Box<dyn Layer<_> + Send + Sync> = match format {
        LogFormat::Text => text().boxed(),
        LogFormat::Json => text().json().flatten_event(true).boxed(),
        LogFormat::Journald => match tracing_journald::layer() {
            Ok(layer) => layer.boxed(),
            Err(_) => text().boxed(),
        },
    };
    tracing_subscriber::registry().with(layer.with_filter(filter)).try_init()?;
    Ok(())
}

/// Whether the `n`-th time of something is worth a line: each of the first ten, then every power of ten and so on.
fn is_worth_a_line(n: u64) -> bool {
    n <= 10 || n.is_multiple_of(10_u64.saturating_pow(n.ilog10()))
}

/// A request came without the secret, or with a wrong one.
pub fn secret_refused(so_far: u64, offered: Offered) {
    if is_worth_a_line(so_far) {
        let what = match offered {
            Offered::Replaced => {
                "the one that was replaced, which is refused although `impilo.webhook_secrets` has it, since Impilo had another when it \
                 was last asked; `pulsewarden doctor` asks again"
            }
            Offered::Missing => "missing; compare impilo.webhook_secrets with Impilo",
            Offered::Accepted | Offered::Wrong => "wrong; compare impilo.webhook_secrets with Impilo",
        };
        tracing::warn!(so_far, "a webhook was refused: its secret is {what}");
    }
}

/// A body went over the limit.
pub fn body_too_large(so_far: u64) {
    if is_worth_a_line(so_far) {
        tracing::warn!(so_far, "a webhook was refused: its body is larger than receive.max_body");
    }
}

/// A body with a right secret is no envelope.
pub fn body_unreadable(so_far: u64, reason: &Unreadable, new: bool) {
    if is_worth_a_line(so_far) {
        tracing::warn!(so_far, new, %reason, "a webhook was refused and its body quarantined");
    }
}

/// A bad body could not be quarantined.
pub fn quarantine_failed(error: &StoreError) {
    tracing::error!(%error, "a bad body could not be quarantined; it was refused with 503 and comes again");
}

/// The outbox cannot be read or written now.
pub fn outbox_unavailable(error: &StoreError) {
    tracing::error!(%error, "messages cannot be leased or recorded; trying again");
}

/// A request to the endpoint of Slack's buttons did not come from Slack, or came too late.
pub fn slack_untrusted(why: &dyn std::fmt::Display) {
    tracing::warn!(%why, "a request to /slack/interactions was refused; compare `slack.signing_secret` with Slack's");
}

/// A template of people's own could not be rendered for a message, and the shipped one took its place.
pub fn template_failed(template: &str, error: &str) {
    tracing::error!(template, error, "a template failed, and the shipped one made the message; `pulsewarden check`");
}

/// Somebody was shown what leaves under `full` alone. Commands keep no log of their own: this one line goes to the journal,
/// where the daemon's log is, or else to standard error.
pub fn protected_shown(by: &str, command: &str, what: &str) {
    let say = || tracing::warn!(by, command, what, "protected values were shown");
    match tracing_journald::layer() {
        Ok(layer) => tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), say),
        Err(_) => {
            let text =
                tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false).with_ansi(false);
            tracing::subscriber::with_default(tracing_subscriber::registry().with(text), say);
        }
    }
}

/// An attempt to deliver has ended.
pub fn delivery_attempted(delivery: u64, channel: &str, result: &AttemptResult) {
    match result {
        AttemptResult::Delivered { refused: None, .. } => tracing::info!(delivery, channel, "a message was delivered"),
        AttemptResult::Delivered { refused: Some(_), .. } => {
            tracing::error!(
                delivery,
                channel,
                "a message was refused for some of its addresses; `pulsewarden deliveries` says why"
            );
        }
        AttemptResult::Retry { at, .. } => {
            tracing::warn!(delivery, channel, next_attempt_at = %at, "a message was not delivered yet; `pulsewarden deliveries` says why");
        }
        AttemptResult::Needless { why } => tracing::info!(delivery, channel, "a message was not sent: {why}"),
        AttemptResult::Dead { .. } => {
            tracing::error!(delivery, channel, "a message was given up; `pulsewarden deliveries --dead` says why");
        }
    }
}

/// A lane fails as a whole.
pub fn lane_fails(lane: &str) {
    tracing::error!(
        lane,
        "a way out fails as a whole: one message at a time is tried in it; `pulsewarden status` says when"
    );
}

/// Another side has asked for time.
pub fn lane_is_held(lane: &str, until: Timestamp) {
    tracing::warn!(lane, %until, "a way out was asked to wait: nothing is sent in it before");
}

/// A lane that had failed takes messages again.
pub fn lane_is_back(lane: &str) {
    tracing::info!(lane, "a way out works again: what waits in it is sent now");
}

/// Fallbacks hear what a receiver could not be told for too long.
pub fn handed_over(receiver: &str, fallback: &str, messages: u64) {
    tracing::warn!(receiver, fallback, messages, "messages have waited for too long and go to the fallback as well");
}

/// A journal row's body is damaged.
pub fn event_unreadable(position: Position) {
    tracing::error!(position, "the body of a kept event cannot be read back; it changed nothing");
}

/// An event made the engine panic.
pub fn event_passed_over(position: Position) {
    tracing::error!(position, "an internal error: the event of this journal row changes nothing; please report it");
}

/// A due time made the engine panic.
pub fn deadline_passed_over(kind: SubjectKind) {
    tracing::error!(%kind, "an internal error: a due time was passed over until the next event of its subject; please report it");
}

/// A digest could not run.
pub fn digest_failed(error: &DigestError) {
    tracing::error!(%error, "a digest could not run; trying again");
}

/// A digest ran.
pub fn digest_ran(name: &str) {
    tracing::info!(name, "a digest was put together");
}

/// The daemon is up.
pub fn started(address: SocketAddr) {
    tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "pulsewarden receives webhooks");
}

/// There is no API key, so nothing can be done about time in which nothing is heard.
pub fn outages_not_healed() {
    tracing::warn!(
        "outages cannot be healed, since `impilo.api_key` is not configured: what Impilo reports while this daemon is down is \
         recovered by Impilo's own retries alone, for about two hours"
    );
}

/// Impilo's log could not be read, or what it has not be taken in.
pub fn recovery_failed(why: &str) {
    tracing::warn!(why, "what did not arrive cannot be recovered from Impilo's log now");
}

/// Events came from Impilo's log that had not arrived.
pub fn recovered(events: u64, from: Timestamp, until: Timestamp) {
    tracing::warn!(events, %from, %until, "events that had not arrived were recovered from Impilo's log");
}

/// Asking Impilo how things are did not come to its end.
pub fn reading_back_failed(why: &str) {
    tracing::warn!(why, "devices, orders, returns and tickets could not be read back from Impilo");
}

/// What Impilo told when it was asked was another way than it was known.
pub fn read_back(events: usize) {
    tracing::info!(events, "what was read back from Impilo differs from what was known");
}

/// There is an API key that cannot be used.
pub fn account_unusable(why: &str) {
    tracing::error!(why, "nothing can be asked of Impilo, and outages cannot be healed");
}

/// Subscriptions at Impilo were made, moved or ended.
pub fn subscriptions_changed(steps: usize) {
    tracing::info!(steps, "subscriptions at Impilo were compared with what is needed, and changed where they differed");
}

/// Impilo has a new webhook secret.
pub fn secret_rotated() {
    tracing::info!("Impilo has a new webhook secret");
}

/// The secrets that were made here are lost to this start.
pub fn kept_secrets_unreadable(why: &str) {
    tracing::error!(why, "webhook secrets that were made here are not accepted; only the configured ones are");
}

/// Nobody can learn which secret Impilo has.
pub fn replaced_secret_accepted(name: &str) {
    tracing::warn!(
        name,
        "a webhook secret that was replaced is accepted again, since it is configured and Impilo cannot be asked which it has; take \
         it out of `impilo.webhook_secrets` unless Impilo has it"
    );
}

/// Which secret Impilo has is known, and could not be kept.
pub fn secret_not_noted(why: &str) {
    tracing::error!(why, "it cannot be kept which webhook secret Impilo has; all that may come are accepted");
}

/// The daemon was asked to end.
pub fn stopping() {
    tracing::info!("stopping: finishing what was accepted");
}

/// The daemon has ended.
pub fn stopped() {
    tracing::info!("stopped");
}

/// A thread ended by a panic.
pub fn ended_abnormally() {
    tracing::error!("a part of the daemon ended abnormally; what it had not committed is done again at the next start");
}

/// A part that should run as long as the daemon has ended.
pub fn part_ended(part: &str, error: &(dyn std::fmt::Display + Send + Sync)) {
    tracing::error!(part, %error, "a part of the daemon ended; restart the service");
}

/// A rule that is new, or counts otherwise than before, has counted what the journal still has; `seen` is the first event
/// that there was.
pub fn rule_recounted(rule: &str, from: Timestamp, seen: Option<Timestamp>) {
    match seen {
        Some(seen) => {
            tracing::info!(rule, %from, first_event = %seen, "counted what the journal still has for a changed rule");
        }
        None => tracing::info!(rule, %from, "counted what the journal still has for a changed rule; there was nothing"),
    }
}

/// A rule's condition could not be computed; the rule did not fire by it.
pub fn rule_faulty(rule: &str, error: &str) {
    tracing::error!(rule, error, "a condition cannot be computed, so the rule cannot fire by it");
}

/// Nothing could be heard between two instants.
pub fn heard_nothing(from: Timestamp, to: Timestamp) {
    tracing::warn!(%from, %to, "nothing could be heard; no silence in this time is held against a device");
}

/// New rule files were put into the journal.
pub fn rules_loaded(hash: &str) {
    tracing::info!(rule_set = short(hash), "new rules come into force");
}

/// The rule files cannot be used.
pub fn rules_bad(problem: &str) {
    tracing::error!(problem, "the rule files cannot be used; the last good rules serve");
}

/// A stored rule set cannot be used.
pub fn rule_set_unusable(hash: &str, why: &str) {
    tracing::error!(rule_set = short(hash), why, "a stored rule set cannot be used; the one before serves on");
}

/// A reload went through.
pub fn reloaded() {
    tracing::info!("configuration and rules were read again");
}

/// Files changed and came into force.
pub fn changed_files_taken() {
    tracing::info!("files have changed and were read again");
}

/// The configuration file cannot be used.
pub fn configuration_bad(problem: &str) {
    tracing::error!(problem, "the configuration file cannot be used; what was read from it before serves");
}

/// What could not be used can.
pub fn files_good_again() {
    tracing::info!("configuration and rule files can be used again");
}

/// A rule set that says something else than the one before is in force; `said` is what is told of it.
pub fn rules_changed(before: &str, now: &str, said: &str) {
    tracing::info!(before = short(before), now = short(now), "{said}");
}

/// A changed setting takes effect at the next start only.
pub fn needs_restart(keys: &[&str]) {
    tracing::warn!("{} changed: restart the service for that to take effect", keys.join(", "));
}

/// A reload failed.
pub fn reload_failed(why: &str) {
    tracing::error!(why, "the reload failed; what served before serves on");
}

/// A watch on the daemon itself began to fire or ended.
pub fn watch_turned(alert: &SelfAlert) {
    if alert.firing {
        tracing::error!(watch = alert.watch, "{}", alert.summary);
    } else {
        tracing::info!(watch = alert.watch, "{}", alert.summary);
    }
}

/// A self-alert was sent without the store.
pub fn sent_past_the_store(sent: &Sent) {
    match sent {
        Sent::Delivered { .. } => tracing::warn!("a self-alert was sent past the store, which cannot take it"),
        Sent::Retry { .. } | Sent::Rejected { .. } | Sent::Unsendable { .. } | Sent::Needless { .. } => {
            tracing::error!("a self-alert could neither be kept nor sent");
        }
    }
}

/// The heartbeat did not reach its place.
pub fn heartbeat_failed(why: &str) {
    tracing::warn!(why, "the heartbeat did not arrive");
}

/// What had outlived its retention was removed.
pub fn pruned(rows: u64) {
    tracing::info!(rows, "removed what has outlived its retention");
}

/// An event type that this version does not know was told of. Its name is anything that the sender likes, so it is not said.
pub fn unknown_type_told() {
    tracing::warn!("an event type came that this version does not know; a self-alert names it");
}

/// A webhook came encoded.
pub fn body_encoded(so_far: u64) {
    if is_worth_a_line(so_far) {
        tracing::warn!(so_far, "a webhook was refused: its body has a Content-Encoding, and nothing decodes it");
    }
}

/// The beginning of a hash, enough to tell rule sets apart.
#[must_use]
pub fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

/// What may go wrong many times a second is said at once, and then at most every ten seconds: a log that floods fills the
/// disk that may be the trouble.
#[derive(Debug, Default)]
pub struct Seldom {
    said_at: Option<Instant>,
    unsaid: u64,
}

impl Seldom {
    /// It went wrong again. Where that is to be said, how often it was not said since the last time.
    pub fn again(&mut self) -> Option<u64> {
        if self.said_at.is_some_and(|at| at.elapsed() < Duration::from_secs(10)) {
            self.unsaid += 1;
            return None;
        }
        self.said_at = Some(Instant::now());
        Some(std::mem::take(&mut self.unsaid))
    }
}

/// The journal could not take events.
pub fn events_refused(error: &StoreError, events: usize, unsaid: u64) {
    tracing::error!(%error, events, unsaid, "events were refused with 503; they come again");
}

/// A batch of processing failed.
pub fn processing_failed(error: &StoreError, unsaid: u64) {
    tracing::error!(%error, unsaid, "events are kept but cannot be processed; trying again");
}

/// A part that should run as long as the daemon has ended by itself.
pub fn part_gone(part: &dyn std::fmt::Display) {
    tracing::error!(%part, "a part of the daemon has ended by itself; the daemon ends, to be started again");
}

/// The files are good, and the store cannot take them.
pub fn rules_wait(error: &dyn std::fmt::Display) {
    tracing::error!(%error, "the rule files are good but the store cannot take them now; trying again every few seconds");
}

/// Neither the files nor the stored rule set give rules to decide by.
pub fn processing_held() {
    tracing::error!(
        "neither the stored rule set nor the rule files can be used: events are kept, and none is processed until the files are good"
    );
}

/// Some attempts to deliver, or a thread, did not end in time.
pub fn not_waited_for(what: &str) {
    tracing::warn!("{what} did not end in time and is given up; it is done again at the next start");
}

/// The service manager's watchdog is left to bite.
pub fn watchdog_unfed(why: &str) {
    tracing::error!(why, "the daemon does not tell the service manager that it lives, so as to be started again");
}
