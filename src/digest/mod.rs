//! Scheduled summaries: the next due time of each digest is a row; the scheduler only ticks.
//!
//! The scheduler's own arithmetic freezes a zone's offset when a job is added and makes up no missed run. So one job ticks
//! in UTC, and the next due time is computed here, in the digest's zone, and stored.

mod report;
mod schedule;
mod survey;
mod tally;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use tokio::sync::{Notify, watch};
use tokio_cron_scheduler::{Job, JobScheduler};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::engine::{
    Acknowledgement, Channel, Content, Digest, DigestPart, DigestReport, Notification, Receiver, RuleSet, Silence,
    Timestamp, key_of,
};
use crate::store::{DigestDue, Outline, Store, StoreError};
use crate::telemetry;
use report::Maker;
use schedule::Timetable;

/// Lines of one section.
const LINES: usize = 25;

/// Rows of the table beside a mail.
const TABLE: usize = 1000;

/// Days that the chart of open alerts looks back.
const DAYS: u64 = 13;

/// Milliseconds that a preview looks back where there was no digest before.
const A_DAY: i64 = 24 * 3600 * 1000;

/// How long after its due time a digest waits for what happened before it to be decided.
const SHORTEST_WAIT: Duration = Duration::from_secs(2);
const LONGEST_WAIT: Duration = Duration::from_secs(600);

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
    /// When the daemon started: what happened while it did not run is decided after that.
    pub started_at: Timestamp,
}

/// Why a digest could not run.
#[derive(Debug, thiserror::Error)]
pub enum DigestError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the digest {name} has no next run: {cause}")]
    Schedule { name: String, cause: String },
    #[error("the rules in force have no digest `{name}`; `pulsewarden digest list` shows them")]
    Unknown { name: String },
    #[error(
        "the receiver {receiver} of the digest {name} has no channel that takes digests; give it `email` or `slack`"
    )]
    Nobody { name: String, receiver: String },
}

/// The time that a digest looks at.
struct Window {
    from: Timestamp,
    until: Timestamp,
    /// When it is put together.
    now: Timestamp,
    /// The instants for which the chart of open alerts says how many there were.
    days: Vec<Timestamp>,
    /// Silences that are not over.
    silences: Vec<Silence>,
}

impl Window {
    fn new(
        store: &dyn Store,
        timetable: &Timetable,
        from: Timestamp,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let silences = store.progress()?.standing.silences;
        Ok(Self { from, until, now, days: timetable.days(DAYS, now), silences })
    }

    /// Whether a silence hides an alert.
    fn is_silenced(&self, alert: &Outline) -> bool {
        self.silences.iter().any(|silence| silence.hides(alert.number, &alert.labels, self.now))
    }

    /// Whether somebody has taken an alert on, and that has not lapsed.
    fn is_taken_on(&self, by: Option<&Acknowledgement>) -> bool {
        by.is_some_and(|by| by.until.is_none_or(|until| until > self.now))
    }
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
    let schedule = format!("{} {}", digest.schedules.join(", "), digest.time_zone);
    let timetable = Timetable::of(digest)?;
    let known = parts.store.digest_due(&digest.name)?;
    let Some(known) = known.filter(|known| known.schedule == schedule) else {
        let due = timetable.next(now)?;
        return Ok(parts.store.schedule_digest(&digest.name, &DigestDue { schedule, due, covered_until: now })?);
    };
    if known.due > now {
        return Ok(());
    }
    // What was missed is sent once: the report reaches up to the newest due time that has passed.
    let passed = timetable.passed(known.due, now)?;
    let until = passed.newest;
    let undecided = match readiness(parts, until, now)? {
        Readiness::Wait => return Ok(()),
        Readiness::Ready => None,
        Readiness::LongEnough { undecided } => Some(undecided),
    };
    let window = Window::new(&*parts.store, &timetable, known.covered_until, until, now)?;
    let (store, passed) = (&*parts.store, Some(&passed));
    let maker = Maker { store, rules, digest, window: &window, passed, asked_by: None, undecided: undecided.is_some() };
    let mut reports = maker.reports()?;
    reports.retain(|report| !digest.skip_when_empty || is_worth_sending(report));
    let notifications = rules.receiver(&digest.receiver).map(|receiver| notifications(receiver, &reports, until));
    // What is decided later belongs into the next one, also where it happened before.
    let covered_until = undecided.map_or(until, |at| at.clamp(known.covered_until, until));
    let next = DigestDue { schedule, due: timetable.next(now)?, covered_until };
    let ran = parts.store.run_digest(&digest.name, known.due, &next, &notifications.unwrap_or_default())?;
    if ran {
        telemetry::digest_ran(&digest.name);
        parts.outbox.notify_one();
    }
    Ok(())
}

/// Sends a digest now, as asked for by somebody. Its due time stays, and what the next one covers. Gives the keys of the
/// messages.
///
/// # Errors
/// When there is no such digest, nobody who gets it, or the store fails.
pub fn send(parts: &Parts, name: &str, by: &str) -> Result<Vec<String>, DigestError> {
    let rules = parts.rule_sets.borrow().clone();
    let digest = rules.digests.iter().find(|digest| digest.name == name);
    let digest = digest.ok_or_else(|| DigestError::Unknown { name: name.to_owned() })?;
    let receiver =
        rules.receiver(&digest.receiver).filter(|receiver| receiver.channels.iter().any(Channel::takes_digests));
    let receiver =
        receiver.ok_or_else(|| DigestError::Nobody { name: name.to_owned(), receiver: digest.receiver.clone() })?;
    let now = parts.clock.now();
    let from = parts.store.digest_due(name)?.map_or(now, |due| due.covered_until);
    let window = Window::new(&*parts.store, &Timetable::of(digest)?, from, now, now)?;
    let (store, window) = (&*parts.store, &window);
    let undecided = undecided_before(store, now)?.is_some();
    let maker = Maker { store, rules: &rules, digest, window, passed: None, asked_by: Some(by), undecided };
    let notifications = notifications(receiver, &maker.reports()?, now);
    parts.store.enqueue(&notifications)?;
    telemetry::digest_ran(name);
    parts.outbox.notify_one();
    Ok(notifications.into_iter().map(|notification| notification.key).collect())
}

/// What a digest would say now, looking back to the end of its last report, or a day where there was none. Of one that is
/// split, the first of its messages.
///
/// # Errors
/// When there is no next run, or the store cannot be read.
pub fn content(store: &dyn Store, rules: &RuleSet, digest: &Digest, now: Timestamp) -> Result<Content, DigestError> {
    let covered = store.digest_due(&digest.name)?.map(|due| due.covered_until);
    let from = covered.unwrap_or(Timestamp(now.0.saturating_sub(A_DAY)));
    let window = Window::new(store, &Timetable::of(digest)?, from, now, now)?;
    let undecided = undecided_before(store, now)?.is_some();
    let maker = Maker { store, rules, digest, window: &window, passed: None, asked_by: None, undecided };
    Ok(Content::Digest(Box::new(maker.reports()?.into_iter().next().unwrap_or_default())))
}

/// The next `count` times at which a digest is due after `after`.
///
/// # Errors
/// When a schedule or the zone cannot be read, or never comes again.
pub fn due_times(digest: &Digest, after: Timestamp, count: usize) -> Result<Vec<Timestamp>, DigestError> {
    let timetable = Timetable::of(digest)?;
    let mut times = vec![timetable.next(after)?];
    while times.len() < count
        && let Some(last) = times.last().copied()
    {
        times.push(timetable.next(last)?);
    }
    Ok(times)
}

/// Whether a digest can be put together.
enum Readiness {
    /// What happened before its time is not decided yet.
    Wait,
    /// It is, so that no later decision falls into a time already reported.
    Ready,
    /// It is not, from this instant on, and has taken so long that the digest does without.
    LongEnough { undecided: Timestamp },
}

fn readiness(parts: &Parts, until: Timestamp, now: Timestamp) -> Result<Readiness, StoreError> {
    // What came just before is on its way into the journal yet.
    if now.since(until) < SHORTEST_WAIT {
        return Ok(Readiness::Wait);
    }
    let Some(undecided) = undecided_before(&*parts.store, until)? else { return Ok(Readiness::Ready) };
    let waited = now.since(until.max(parts.started_at));
    Ok(if waited < LONGEST_WAIT { Readiness::Wait } else { Readiness::LongEnough { undecided } })
}

/// The oldest of what happened before `until` and is not decided.
fn undecided_before(store: &dyn Store, until: Timestamp) -> Result<Option<Timestamp>, StoreError> {
    let row = store.vitals()?.oldest_unprocessed.filter(|oldest| *oldest < until);
    let due = store.due(Timestamp(until.0.saturating_sub(1)), 1)?.first().map(|(due, _)| *due);
    Ok(row.into_iter().chain(due).min())
}

fn is_worth_sending(report: &DigestReport) -> bool {
    let alerts = [&report.fired, &report.resolved, &report.expired, &report.open].iter().any(|part| part.total > 0);
    let things = [&report.silent, &report.battery, &report.orders, &report.returns].iter().any(|part| part.total > 0);
    let deaf = report.parts.contains(&DigestPart::DeliveryHealth) && !report.health.blind.is_empty();
    alerts || things || deaf || report.undelivered > 0
}

/// One for each report and channel; the key is the same whenever it is made, so that no due time is sent twice.
fn notifications(receiver: &Receiver, reports: &[DigestReport], due: Timestamp) -> Vec<Notification> {
    let one = |report: &DigestReport, place: usize, channel: &Channel| {
        let (due_text, place) = (due.0.to_string(), place.to_string());
        let mut key = vec!["digest", &report.name, &due_text, &receiver.name, &place];
        if report.asked_by.is_some() {
            key.push("by hand");
        }
        if let Some((label, value)) = &report.split {
            key.extend([label.as_str(), value]);
        }
        let mut report = report.clone();
        // Tables stand beside mails alone.
        report.table = report.table.filter(|_| matches!(channel, Channel::Email { .. }));
        Notification {
            key: key_of(&key),
            receiver: receiver.name.clone(),
            phi: receiver.phi,
            channel: channel.clone(),
            group: String::new(),
            due,
            content: Content::Digest(Box::new(report)),
            remarks: Vec::new(),
        }
    };
    let channels = || receiver.channels.iter().enumerate().filter(|(_, channel)| channel.takes_digests());
    let each = |report| channels().map(move |(place, channel)| one(report, place, channel));
    reports.iter().flat_map(each).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicI64;

    use super::*;
    use crate::config::Bundle;
    use crate::engine::Records;
    use crate::store::sqlite::Sqlite;
    use crate::store::{Entry, NewRow, Outcome, Progress};

    fn time(text: &str) -> Timestamp {
        Timestamp::from(text.parse::<chrono::DateTime<chrono::Utc>>().unwrap())
    }

    /// What PagerDuty is told of is no digest.
    const RULES: &str = r#"
receivers: [{ name: team, phi: ids, email: [{ to: [team@clinic.example] }], pagerduty: [{ integration: oncall }] }]
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
            started_at: time("2026-03-01T06:00:00Z"),
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
        let records = &Records::default();
        store
            .commit(&Outcome { progress: &progress, slices, ended, transitions, notifications, records, noticed_at })
            .unwrap();
        assert_eq!(digests_at("2026-03-01T08:02:00Z"), 1, "what came later is for the next one");
        assert_eq!(digests_at("2026-03-02T08:09:00Z"), 1);
        assert_eq!(digests_at("2026-03-02T08:10:00Z"), 2, "it has waited long enough");
        let covered = store.digest_due("daily").unwrap().unwrap().covered_until;
        assert_eq!(covered, time("2026-03-01T08:00:03Z"), "what is decided later is for the next one");
        let again = Parts { started_at: time("2026-03-03T12:00:00Z"), ..parts.clone() };
        let digests_at = |now: &str| {
            hand.store(time(now).0, Ordering::SeqCst);
            tick(&again).unwrap();
            store.figures().unwrap().outbox_waiting
        };
        assert_eq!(digests_at("2026-03-03T12:09:00Z"), 2, "after a start, there is the same time to decide");
        assert_eq!(digests_at("2026-03-03T12:10:00Z"), 3);
    }
}
