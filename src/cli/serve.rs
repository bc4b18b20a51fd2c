//! `serve`: the daemon under a service manager.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};

use super::{FINE, WRONG};
use crate::daemon::{ConfigFile, Daemon};
use crate::telemetry;

/// How often the service manager hears that the daemon lives, where it does not say how often it wants to.
const KEEPALIVE: Duration = Duration::from_secs(10);
const SHORTEST_KEEPALIVE: Duration = Duration::from_millis(10);

pub(super) fn run(config: &Path) -> anyhow::Result<u8> {
    let file = ConfigFile::at(config);
    let settings = super::settings(config)?;
    telemetry::start(&settings.log)?;
    let runtime = super::runtime()?;
    let ended = runtime.block_on(async {
        let daemon = Daemon::start(settings, Some(file)).await?;
        let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be awaited")?;
        let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT cannot be awaited")?;
        let mut hang_up = signal(SignalKind::hangup()).context("SIGHUP cannot be awaited")?;
        tell(&[NotifyState::Ready, NotifyState::Status(&format!("receiving on {}", daemon.address()))]);
        let every = sd_notify::watchdog_enabled().map_or(KEEPALIVE, |patience| patience / 2);
        let mut keepalive = tokio::time::interval(every.max(SHORTEST_KEEPALIVE));
        let code = loop {
            tokio::select! {
                _ = terminate.recv() => break FINE,
                _ = interrupt.recv() => break FINE,
                part = daemon.ended() => {
                    telemetry::part_gone(&part);
                    break WRONG;
                }
                _ = hang_up.recv() => {
                    tell(&[NotifyState::Reloading]);
                    if let Err(why) = daemon.shared().reload().await {
                        telemetry::reload_failed(&why);
                    }
                    tell(&[NotifyState::Ready]);
                }
                _ = keepalive.tick() => match daemon.shared().is_alive() {
                    Ok(()) => tell(&[NotifyState::Watchdog]),
                    Err(why) => telemetry::watchdog_unfed(&why),
                },
            }
        };
        tell(&[NotifyState::Stopping]);
        tokio::select! {
            () = daemon.stop() => {}
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        Ok(code)
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
