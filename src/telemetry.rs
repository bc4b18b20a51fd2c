//! What the log says, one function for each operational fact. No payload, name, serial or secret passes through here.

use std::io::IsTerminal;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::config::{Log, LogFormat};
use crate::digest::DigestError;
use crate::impilo::Unreadable;
use crate::store::{AttemptResult, StoreError};

/// Starts logging: text on a terminal, journald under systemd, JSON otherwise, unless the configuration says which.
///
/// # Errors
/// When the filter cannot be read, or logging was started before.
pub fn start(log: &Log) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&log.filter)
        .map_err(|error| anyhow::anyhow!("the log filter `{}` cannot be read: {error}", log.filter))?;
    let under_systemd = std::env::var_os("JOURNAL_STREAM").is_some();
    let format = log.format.unwrap_or(if under_systemd {
        LogFormat::Journald
    } else if std::io::stderr().is_terminal() {
        LogFormat::Text
    } else {
        LogFormat::Json
    });
    let text = || tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false);
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
pub fn secret_refused(so_far: u64, offered: bool) {
    if is_worth_a_line(so_far) {
        let what = if offered { "wrong" } else { "missing" };
        tracing::warn!(
            so_far,
            "a webhook was refused: its secret is {what}; compare impilo.webhook_secrets with Impilo"
        );
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

/// An attempt to deliver has ended.
pub fn delivery_attempted(delivery: u64, channel: &str, result: &AttemptResult) {
    match result {
        AttemptResult::Delivered { .. } => tracing::info!(delivery, channel, "a message was delivered"),
        AttemptResult::Retry { at, .. } => {
            tracing::warn!(delivery, channel, next_attempt_at = %at, "a message was not delivered yet; `pulsewarden deliveries` says why");
        }
        AttemptResult::Dead { .. } => {
            tracing::error!(delivery, channel, "a message was given up; `pulsewarden deliveries --dead` says why");
        }
    }
}

/// A digest could not run.
pub fn digest_failed(error: &DigestError) {
    tracing::error!(%error, "a digest could not run; trying again");
}

/// A digest ran.
pub fn digest_ran(name: &str) {
    tracing::info!(name, "a digest was put together");
}
