//! The self-watch: what Pulsewarden says about itself, through a way that works when the rules are broken.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secrecy::ExposeSecret;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::config::{Heartbeat, Settings, Storage};
use crate::daemon::Shared;
use crate::engine::{Channel, Content, Notification, Phi, SelfAlert, Timestamp, key_of};
use crate::impilo;
use crate::journal::codec;
use crate::notify;
use crate::store::{Delivery, Figures, Retention, Store};
use crate::telemetry;

/// How often it looks.
const EVERY: Duration = Duration::from_secs(10);

/// Refused secrets are counted over this long.
const REFUSALS_OVER: Duration = Duration::from_secs(600);

/// A given-up message is news for this long.
const DEAD_FOR: Duration = Duration::from_secs(24 * 3600);

/// How often what has outlived its retention is removed.
const PRUNE_EVERY: Duration = Duration::from_secs(3600);

/// Looks in a row that must be good before a watch says so.
const GOOD_LOOKS: u32 = 3;

/// What the self-watch sees now.
#[derive(Default)]
pub struct Watch {
    firing: Mutex<BTreeMap<&'static str, Firing>>,
}

#[derive(Clone, Debug)]
struct Firing {
    since: Timestamp,
    summary: String,
    good_looks: u32,
}

impl Watch {
    /// The watches that fire, with what they say.
    #[must_use]
    pub fn firing(&self) -> Vec<(&'static str, Timestamp, String)> {
        let firing = self.firing.lock().unwrap_or_else(PoisonError::into_inner);
        firing.iter().map(|(name, firing)| (*name, firing.since, firing.summary.clone())).collect()
    }
}

/// What one watch found.
struct Finding {
    name: &'static str,
    /// `None` where all is well.
    wrong: Option<String>,
    action: &'static str,
}

/// Looks until it is stopped; beats the heart while commits work; removes what has outlived its retention.
pub async fn run(shared: Arc<Shared>, outbox: Arc<Notify>, stop: CancellationToken) {
    let mut refusals: Vec<(Timestamp, u64)> = Vec::new();
    let mut beaten_at: Option<Timestamp> = None;
    let mut pruned_at = shared.clock.now();
    let client = reqwest::Client::builder().timeout(Duration::from_secs(10)).build().ok();
    loop {
        let now = shared.clock.now();
        let settings = shared.settings.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let look = {
            let (shared, settings) = (Arc::clone(&shared), settings.clone());
            tokio::task::spawn_blocking(move || look(&shared, &settings)).await
        };
        if let Ok((mut findings, well)) = look {
            findings.push(refused(&shared, &settings, &mut refusals, now));
            tell(&shared, &settings, findings, &outbox, now).await;
            if let (true, Some(heartbeat), Some(client)) = (well, &settings.own.heartbeat, &client)
                && beaten_at.is_none_or(|at| now.since(at) >= heartbeat.every)
            {
                beaten_at = Some(now);
                beat(client, heartbeat).await;
            }
        }
        if now.since(pruned_at) >= PRUNE_EVERY {
            pruned_at = now;
            let (store, settings) = (Arc::clone(&shared.store), settings.clone());
            // A failure to prune is a failure to commit, which has a watch of its own.
            let _ = tokio::task::spawn_blocking(move || prune(&*store, &settings, now)).await;
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// Everything that can be seen without waiting on others; true where commits work and processing keeps up.
fn look(shared: &Shared, settings: &Settings) -> (Vec<Finding>, bool) {
    let now = shared.clock.now();
    let committed = shared.store.probe(now).and_then(|()| shared.store.figures());
    let commits = match &committed {
        Ok(_) if shared.process.is_failing() => {
            Some("Events are kept but cannot be processed: commits fail.".to_owned())
        }
        Ok(_) => None,
        Err(error) => Some(format!("Nothing can be kept: {error}.")),
    };
    let figures = committed.unwrap_or_default();
    let lag = figures.oldest_unprocessed.map(|oldest| now.since(oldest)).filter(|lag| *lag > settings.own.lag);
    let well = commits.is_none() && lag.is_none();
    let files = shared.rule_files.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let findings = vec![
        Finding {
            name: "commits",
            wrong: commits.clone(),
            action: "Look at the disk and at `pulsewarden status`; Impilo repeats what was refused for about two hours.",
        },
        Finding {
            name: "lag",
            wrong: lag.map(|lag| format!("Processing is {} s behind.", lag.as_secs())),
            action: "Look at the load of the machine and at the log.",
        },
        Finding {
            name: "no_webhooks",
            wrong: quiet(&figures, shared.started_at, settings, now).filter(|_| commits.is_none()),
            action: "Check that Impilo's subscriptions point here, that the secret is the same, and that the port can be reached.",
        },
        Finding {
            name: "dead_letters",
            wrong: figures
                .last_dead
                .filter(|at| now.since(*at) < DEAD_FOR)
                .map(|at| format!("A message could not be delivered and was given up at {at}.")),
            action: "See `pulsewarden deliveries --dead` for where it should have gone, and why it did not.",
        },
        Finding { name: "low_disk", wrong: low_disk(settings), action: "Free space on the disk that holds the store." },
        Finding {
            name: "rule_files",
            wrong: files
                .problem
                .map(|problem| format!("The rule files cannot be used; the last good rules serve: {problem}.")),
            action: "Run `pulsewarden check`, mend what it shows, then `systemctl reload pulsewarden`.",
        },
    ];
    (findings, well)
}

fn quiet(figures: &Figures, started_at: Timestamp, settings: &Settings, now: Timestamp) -> Option<String> {
    let since = figures.last_webhook.unwrap_or(started_at);
    if now.since(since) <= settings.own.quiet_after {
        return None;
    }
    Some(match figures.last_webhook {
        Some(at) => format!("No webhook has come since {at}."),
        None => "No webhook has ever come.".to_owned(),
    })
}

fn low_disk(settings: &Settings) -> Option<String> {
    let Storage::Sqlite(path) = &settings.storage;
    let free = free_bytes(path)?;
    (free < settings.own.disk_free).then(|| format!("Only {} MiB are free on the disk of the store.", free >> 20))
}

/// Bytes free for this process on the disk that holds `path`.
#[must_use]
pub fn free_bytes(path: &Path) -> Option<u64> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

fn refused(shared: &Shared, settings: &Settings, seen: &mut Vec<(Timestamp, u64)>, now: Timestamp) -> Finding {
    let total = shared.counters.refused_secret.load(Ordering::Relaxed);
    seen.push((now, total));
    seen.retain(|(at, _)| now.since(*at) <= REFUSALS_OVER);
    let before = seen.first().map_or(0, |(_, count)| *count);
    let before = if seen.len() == 1 { 0 } else { before };
    let recent = total - before.min(total);
    Finding {
        name: "refused_secrets",
        wrong: (recent >= settings.own.refused_secrets.max(1))
            .then(|| format!("{recent} webhooks in ten minutes came with a missing or wrong secret.")),
        action: "If Impilo's secret was changed, add the new one to impilo.webhook_secrets and reload.",
    }
}

/// Mails each watch once when it begins to fire and once when it has ended.
async fn tell(shared: &Shared, settings: &Settings, findings: Vec<Finding>, outbox: &Notify, now: Timestamp) {
    for finding in findings {
        let Some(alert) = shared.watch.turn(finding, now) else { continue };
        telemetry::watch_turned(&alert);
        if settings.own.email.is_empty() {
            continue;
        }
        let notification = Notification {
            key: key_of(&["self", &alert.watch, &alert.firing.to_string(), &now.0.to_string()]),
            receiver: "self".to_owned(),
            phi: Phi::None,
            channel: Channel::Email { to: settings.own.email.clone() },
            group: String::new(),
            due: now,
            content: Content::SelfAlert(alert),
        };
        let (store, queued) = (Arc::clone(&shared.store), notification.clone());
        match tokio::task::spawn_blocking(move || store.enqueue(&[queued])).await {
            Ok(Ok(())) => outbox.notify_one(),
            _ => send_at_once(shared, notification).await,
        }
    }
}

/// The store cannot take it: without it, one attempt is better than none.
async fn send_at_once(shared: &Shared, notification: Notification) {
    let rendered = notify::render(&notification);
    let senders = shared.senders.borrow().clone();
    let sent = senders.send(&Delivery { id: 0, since: notification.due, notification, attempts: 0, rendered }).await;
    telemetry::sent_past_the_store(&sent);
}

impl Watch {
    /// What is to be said of a finding, if anything.
    fn turn(&self, finding: Finding, now: Timestamp) -> Option<SelfAlert> {
        let Finding { name, wrong, action } = finding;
        let mut all = self.firing.lock().unwrap_or_else(PoisonError::into_inner);
        match (wrong, all.get_mut(name)) {
            (Some(summary), Some(firing)) => {
                firing.summary = summary;
                firing.good_looks = 0;
                None
            }
            (Some(summary), None) => {
                all.insert(name, Firing { since: now, summary: summary.clone(), good_looks: 0 });
                Some(SelfAlert { watch: name.to_owned(), firing: true, summary, action: action.to_owned() })
            }
            (None, Some(firing)) => {
                firing.good_looks += 1;
                if firing.good_looks < GOOD_LOOKS {
                    return None;
                }
                let ended = all.remove(name)?;
                Some(SelfAlert {
                    watch: name.to_owned(),
                    firing: false,
                    summary: format!("All is well again: {name}."),
                    action: format!("It was, since {}: {}", ended.since, ended.summary),
                })
            }
            (None, None) => None,
        }
    }
}

/// Tells the outside that this daemon lives. The URL holds a token, so no error quotes it.
async fn beat(client: &reqwest::Client, heartbeat: &Heartbeat) {
    let url = match heartbeat.url.read() {
        Ok(url) => url,
        Err(error) => return telemetry::heartbeat_failed(&error.to_string()),
    };
    match client.get(url.expose_secret()).send().await {
        Ok(response) if response.status().is_success() => {}
        Ok(response) => telemetry::heartbeat_failed(&format!("it answered {}", response.status().as_u16())),
        Err(error) => telemetry::heartbeat_failed(&error.without_url().to_string()),
    }
}

fn prune(store: &dyn Store, settings: &Settings, now: Timestamp) {
    let keep = &settings.retention;
    let retention = Retention {
        readings_before: now.minus(keep.readings),
        payloads_before: now.minus(keep.payloads),
        deliveries_before: now.minus(keep.deliveries),
        alerts_before: now.minus(keep.alerts),
    };
    let mut reduce = |event: &crate::store::EventRow| {
        let body = codec::decode(event.body.as_deref()?).ok()?;
        impilo::reduce(&body).map(|reduced| codec::encode(&reduced))
    };
    let mut removed = 0;
    while let Ok(rows @ 1..) = store.prune(&retention, &mut reduce) {
        removed += rows;
    }
    if removed > 0 {
        telemetry::pruned(removed);
    }
}
