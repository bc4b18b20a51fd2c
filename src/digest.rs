//! Scheduled summaries: the next due time of each digest is a row; the scheduler only ticks.
//!
//! The scheduler's own arithmetic freezes a zone's offset when a job is added and makes up no missed run. So one job ticks
//! in UTC, and the next due time is computed here, in the digest's zone, and stored.

use std::cmp::Reverse;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use chrono_tz::Tz;
use croner::Cron;
use tokio::sync::{Notify, watch};
use tokio_cron_scheduler::{Job, JobScheduler};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::engine::{
    AlertState, Content, Digest, DigestReport, DigestSection, Notification, Receiver, RuleSet, Timestamp, key_of,
};
use crate::store::{AlertFilter, AlertOrder, DigestDue, Store, StoreError};
use crate::telemetry;

/// Lines of one section.
const LINES: usize = 25;

/// How long after its due time a digest waits for what happened before it to be decided.
const SHORTEST_WAIT: Duration = Duration::from_secs(2);
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// Milliseconds that a digest looks back where there was none before.
const A_DAY: i64 = 24 * 3600 * 1000;

/// How often due rows are looked for.
const TICK: &str = "*/5 * * * * *";

/// What digests work with.
#[derive(Clone)]
pub struct Parts {
    pub store: Arc<dyn Store>,
    pub clock: Clock,
    pub rule_sets: watch::Receiver<Arc<RuleSet>>,
    /// Notified when a digest was put into the outbox.
    pub outbox: Arc<Notify>,
}

/// Why a digest could not run.
#[derive(Debug, thiserror::Error)]
pub enum DigestError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the digest {name} has no next run: {cause}")]
    Schedule { name: String, cause: String },
}

/// Ticks until it is stopped.
///
/// # Errors
/// When the scheduler cannot be started.
pub async fn run(parts: Parts, stop: CancellationToken) -> anyhow::Result<()> {
    let mut scheduler = JobScheduler::new().await.context("the scheduler of digests cannot be made")?;
    let busy = Arc::new(AtomicBool::new(false));
    let job = Job::new_async(TICK, move |_, _| {
        let (parts, busy) = (parts.clone(), Arc::clone(&busy));
        Box::pin(async move {
            if busy.swap(true, Ordering::AcqRel) {
                return;
            }
            let ticked = tokio::task::spawn_blocking(move || tick(&parts)).await;
            busy.store(false, Ordering::Release);
            if let Ok(Err(error)) = ticked {
                telemetry::digest_failed(&error);
            }
        })
    })
    .context("the scheduler of digests refuses its job")?;
    scheduler.add(job).await.context("the scheduler of digests refuses its job")?;
    scheduler.start().await.context("the scheduler of digests cannot be started")?;
    stop.cancelled().await;
    scheduler.shutdown().await.context("the scheduler of digests cannot be stopped")
}

/// Runs every digest that is due now.
///
/// # Errors
/// The first failure; the others have been tried.
pub fn tick(parts: &Parts) -> Result<(), DigestError> {
    let rules = parts.rule_sets.borrow().clone();
    let mut first = Ok(());
    for digest in &rules.digests {
        let done = run_if_due(parts, &rules, digest);
        if first.is_ok() {
            first = done;
        }
    }
    first
}

fn run_if_due(parts: &Parts, rules: &RuleSet, digest: &Digest) -> Result<(), DigestError> {
    let now = parts.clock.now();
    let schedule = format!("{} {}", digest.schedule, digest.time_zone);
    let known = parts.store.digest_due(&digest.name)?;
    let Some(known) = known.filter(|known| known.schedule == schedule) else {
        let due = next_due(digest, now)?;
        return Ok(parts.store.schedule_digest(&digest.name, &DigestDue { schedule, due, covered_until: now })?);
    };
    if known.due > now {
        return Ok(());
    }
    // What was missed is sent once: the report reaches up to the newest due time that has passed.
    let until = latest_due(digest, known.due, now)?;
    if !is_complete(&*parts.store, until, now)? {
        return Ok(());
    }
    let report = report(&*parts.store, digest, known.covered_until, until)?;
    let receiver = rules.receiver(&digest.receiver);
    let says = !digest.skip_when_empty || is_worth_sending(&report);
    let notifications = receiver.filter(|_| says).map(|receiver| notifications(receiver, digest, report, until));
    let next = DigestDue { schedule, due: next_due(digest, now)?, covered_until: until };
    let ran = parts.store.run_digest(&digest.name, known.due, &next, &notifications.unwrap_or_default())?;
    if ran {
        telemetry::digest_ran(&digest.name);
        parts.outbox.notify_one();
    }
    Ok(())
}

/// Whether all that happened before `until` is decided, so that no later decision falls into a time already reported; or
/// has taken so long that the digest does without it.
fn is_complete(store: &dyn Store, until: Timestamp, now: Timestamp) -> Result<bool, StoreError> {
    let waited = now.since(until);
    if waited >= LONGEST_WAIT {
        return Ok(true);
    }
    // What came just before is on its way into the journal yet.
    if waited < SHORTEST_WAIT {
        return Ok(false);
    }
    let behind = store.vitals()?.oldest_unprocessed.is_some_and(|oldest| oldest < until);
    Ok(!behind && store.due(Timestamp(until.0.saturating_sub(1)), 1)?.is_empty())
}

fn is_worth_sending(report: &DigestReport) -> bool {
    [&report.fired, &report.resolved, &report.expired, &report.open].iter().any(|section| section.total > 0)
        || report.undelivered > 0
}

/// The first due time after `after`, in the digest's zone.
///
/// # Errors
/// When schedule or zone cannot be read, or never comes again.
pub fn next_due(digest: &Digest, after: Timestamp) -> Result<Timestamp, DigestError> {
    let failed = |cause: String| DigestError::Schedule { name: digest.name.clone(), cause };
    let cron: Cron = digest.schedule.parse().map_err(|error| failed(format!("{error}")))?;
    let zone: Tz = digest.time_zone.parse().map_err(|error| failed(format!("{error}")))?;
    let after = after.to_utc().ok_or_else(|| failed("the time is out of range".to_owned()))?.with_timezone(&zone);
    let next = cron.find_next_occurrence(&after, false).map_err(|error| failed(error.to_string()))?;
    Ok(Timestamp(next.timestamp_millis()))
}

fn latest_due(digest: &Digest, mut due: Timestamp, now: Timestamp) -> Result<Timestamp, DigestError> {
    loop {
        let next = next_due(digest, due)?;
        if next > now {
            return Ok(due);
        }
        due = next;
    }
}

fn report(store: &dyn Store, digest: &Digest, from: Timestamp, until: Timestamp) -> Result<DigestReport, StoreError> {
    let section = |filter: AlertFilter| -> Result<DigestSection, StoreError> {
        // Nobody is told of rules that are tried out.
        let filter = AlertFilter { shadow: Some(false), ..filter };
        let total = store.count_alerts(&filter)?;
        let alerts = store.alerts(&AlertFilter { limit: LINES, ..filter })?;
        Ok(DigestSection { alerts, total })
    };
    let ended = |state: AlertState| AlertFilter {
        state: Some(state),
        moved_from: Some(from),
        moved_before: Some(until),
        ..AlertFilter::default()
    };
    let urgent_first = |filter: AlertFilter| section(AlertFilter { order: AlertOrder::MostUrgent, ..filter });
    let mut expired = urgent_first(ended(AlertState::Expired))?;
    let closed = urgent_first(ended(AlertState::Closed))?;
    expired.total += closed.total;
    expired.alerts.extend(closed.alerts);
    expired.alerts.sort_by_key(|alert| (Reverse(alert.severity), alert.noticed_at, alert.number));
    expired.alerts.truncate(LINES);
    let vitals = store.vitals()?;
    Ok(DigestReport {
        name: digest.name.clone(),
        time_zone: digest.time_zone.clone(),
        from,
        until,
        fired: section(AlertFilter {
            noticed_from: Some(from),
            noticed_before: Some(until),
            ..AlertFilter::default()
        })?,
        resolved: section(ended(AlertState::Resolved))?,
        expired,
        open: urgent_first(AlertFilter { state: Some(AlertState::Firing), ..AlertFilter::default() })?,
        last_webhook: vitals.last_webhook(),
        last_delivery: vitals.last_delivery,
        undelivered: store.count_dead(from, until)?,
    })
}

/// What a digest would say now, looking back to the end of its last report, or a day where there was none.
///
/// # Errors
/// When the store cannot be read.
pub fn content(store: &dyn Store, digest: &Digest, now: Timestamp) -> Result<Content, DigestError> {
    let covered = store.digest_due(&digest.name)?.map(|due| due.covered_until);
    let from = covered.unwrap_or(Timestamp(now.0.saturating_sub(A_DAY)));
    Ok(Content::Digest(Box::new(report(store, digest, from, now)?)))
}

/// One for each channel; the key is the same whenever it is made, so that no due time is sent twice.
fn notifications(receiver: &Receiver, digest: &Digest, report: DigestReport, due: Timestamp) -> Vec<Notification> {
    let channels = receiver.channels.iter().enumerate();
    let one = |(place, channel): (usize, &crate::engine::Channel)| Notification {
        key: key_of(&["digest", &digest.name, &due.0.to_string(), &receiver.name, &place.to_string()]),
        receiver: receiver.name.clone(),
        phi: receiver.phi,
        channel: channel.clone(),
        group: String::new(),
        due,
        content: Content::Digest(Box::new(report.clone())),
    };
    channels.map(one).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicI64;

    use super::*;
    use crate::config::Bundle;
    use crate::store::sqlite::Sqlite;
    use crate::store::{Entry, NewRow, Outcome, Progress};

    fn digest(schedule: &str, time_zone: &str) -> Digest {
        Digest {
            name: "daily".to_owned(),
            schedule: schedule.to_owned(),
            time_zone: time_zone.to_owned(),
            receiver: "team".to_owned(),
            skip_when_empty: false,
        }
    }

    fn runs(schedule: &str, time_zone: &str, from: &str, count: usize) -> Vec<String> {
        let digest = digest(schedule, time_zone);
        let mut at = Timestamp::from(from.parse::<chrono::DateTime<chrono::Utc>>().unwrap());
        let mut runs = Vec::new();
        for _ in 0..count {
            at = next_due(&digest, at).unwrap();
            runs.push(at.to_string());
        }
        runs
    }

    #[test]
    fn eight_in_the_morning_stays_eight_across_both_clock_changes() {
        assert_eq!(
            runs("0 8 * * *", "America/New_York", "2026-03-06T20:00:00Z", 3),
            ["2026-03-07T13:00:00.000Z", "2026-03-08T12:00:00.000Z", "2026-03-09T12:00:00.000Z"]
        );
        assert_eq!(
            runs("0 8 * * *", "America/New_York", "2026-10-30T20:00:00Z", 3),
            ["2026-10-31T12:00:00.000Z", "2026-11-01T13:00:00.000Z", "2026-11-02T13:00:00.000Z"]
        );
    }

    #[test]
    fn an_hour_that_is_skipped_runs_at_its_end_and_one_that_comes_twice_runs_once() {
        assert_eq!(
            runs("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 2),
            ["2026-03-29T01:00:00.000Z", "2026-03-30T00:30:00.000Z"]
        );
        assert_eq!(
            runs("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2),
            ["2026-10-25T00:30:00.000Z", "2026-10-26T01:30:00.000Z"]
        );
    }

    #[test]
    fn working_days_skip_the_weekend() {
        assert_eq!(
            runs("0 8 * * MON-FRI", "UTC", "2026-03-06T09:00:00Z", 2),
            ["2026-03-09T08:00:00.000Z", "2026-03-10T08:00:00.000Z"]
        );
    }

    fn time(text: &str) -> Timestamp {
        Timestamp::from(text.parse::<chrono::DateTime<chrono::Utc>>().unwrap())
    }

    const RULES: &str = r#"
receivers: [{ name: team, phi: ids, email: [{ to: [team@clinic.example] }] }]
route: { receiver: team }
digests: [{ digest: daily, schedule: "0 8 * * *", time_zone: UTC, receiver: team }]
"#;

    #[test]
    fn it_waits_for_what_came_before_its_time_to_be_decided_but_not_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Sqlite::open(&folder.path().join("pulsewarden.db")).unwrap());
        let hand = Arc::new(AtomicI64::new(0));
        let (rules, _) = Bundle::of(&[("rules.yaml", RULES)]).compile().unwrap();
        let rule_sets = watch::Sender::new(Arc::new(rules));
        let parts = Parts {
            store: Arc::clone(&store) as Arc<dyn Store>,
            clock: Clock::Hand(Arc::clone(&hand)),
            rule_sets: rule_sets.subscribe(),
            outbox: Arc::default(),
        };
        let digests_at = |now: &str| {
            hand.store(time(now).0, Ordering::SeqCst);
            tick(&parts).unwrap();
            store.figures().unwrap().outbox_waiting
        };
        let comes = |at: &str| {
            let row = NewRow { received_at: time(at), entry: Entry::RuleSet { hash: "hash".to_owned() } };
            store.append(&[row], time(at)).unwrap();
        };
        assert_eq!(digests_at("2026-03-01T07:00:00Z"), 0);
        comes("2026-03-01T07:59:59Z");
        comes("2026-03-01T08:00:03Z");
        assert_eq!(digests_at("2026-03-01T08:01:00Z"), 0, "something is not decided yet");
        let progress = Progress { position: 1, next_alert: 1, ..Progress::default() };
        let (slices, ended, transitions, notifications) = (&[], &[], &[], &[]);
        let noticed_at = time("2026-03-01T08:01:00Z");
        store.commit(&Outcome { progress: &progress, slices, ended, transitions, notifications, noticed_at }).unwrap();
        assert_eq!(digests_at("2026-03-01T08:02:00Z"), 1, "what came later is for the next one");
        assert_eq!(digests_at("2026-03-02T08:09:00Z"), 1);
        assert_eq!(digests_at("2026-03-02T08:10:00Z"), 2, "it has waited long enough");
    }
}
