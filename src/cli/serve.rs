//! `serve`: the daemon under a service manager.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};

use super::FINE;
use crate::daemon::Daemon;
use crate::telemetry;

/// How often the service manager hears that the daemon lives, where it asks for that.
const KEEPALIVE: Duration = Duration::from_secs(10);

pub(super) fn run(config: &Path) -> anyhow::Result<u8> {
    let settings = super::settings(config)?;
    telemetry::start(&settings.log)?;
    let runtime = super::runtime()?;
    let ended = runtime.block_on(async {
        let daemon = Daemon::start(settings, Some(config.to_owned())).await?;
        let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be awaited")?;
        let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT cannot be awaited")?;
        let mut hang_up = signal(SignalKind::hangup()).context("SIGHUP cannot be awaited")?;
        tell(&[NotifyState::Ready, NotifyState::Status(&format!("receiving on {}", daemon.address()))]);
        let mut keepalive = tokio::time::interval(KEEPALIVE);
        loop {
            tokio::select! {
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                _ = hang_up.recv() => {
                    tell(&[NotifyState::Reloading]);
                    if let Err(why) = daemon.shared().reload().await {
                        telemetry::reload_failed(&why);
                    }
                    tell(&[NotifyState::Ready]);
                }
                _ = keepalive.tick() => tell(&[NotifyState::Watchdog]),
            }
        }
        tell(&[NotifyState::Stopping]);
        tokio::select! {
            () = daemon.stop() => {}
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        Ok(FINE)
    });
    // After a second signal nothing more is waited for.
    runtime.shutdown_background();
    ended
}

/// Tells the service manager; without one, nobody.
fn tell(state: &[NotifyState<'_>]) {
    // A manager that does not listen cannot be helped.
    let _ = sd_notify::notify(state);
}
