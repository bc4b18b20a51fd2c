//! What the self-watch looks at, and what it finds there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::tell::RULES;
use crate::clock::Steps;
use crate::config::{Settings, Storage};
use crate::daemon::{Fault, Shared};
use crate::engine::{SENT_AGAIN_FOR, Timestamp};
use crate::store::{Told, Vitals};
use crate::telemetry::short;

/// How many rules with faults are named.
const FAULTS_NAMED: usize = 5;

/// Refused secrets are counted over this long.
const REFUSALS_OVER: Duration = Duration::from_secs(600);

/// A given-up message is news for this long.
const DEAD_FOR: Duration = Duration::from_secs(24 * 3600);

/// A message that waits longer than this is late.
const UNDELIVERED_AFTER: Duration = Duration::from_secs(15 * 60);

/// A clock that is off by no more than this is right.
const CLOCK_OFF_BY: Duration = Duration::from_secs(60);

/// A step of the clock is news for this long.
const STEPPED_FOR: Duration = Duration::from_secs(3600);

/// Whoever mends files saves them many times: how often it is told that they are bad.
const MENDING: Duration = Duration::from_secs(600);

/// A configuration may name a credential that is there after a restart, for which its author is given this long.
const RESTARTING: Duration = Duration::from_secs(60);

/// What one watch found.
pub(super) struct Finding {
    pub name: &'static str,
    /// What the name is in words.
    pub words: &'static str,
    pub state: State,
    pub action: &'static str,
    /// What stands below summary and action; where there are details, what else is wrong later is told, too.
    pub details: Option<String>,
    /// What is over before this long has passed is not told.
    pub patience: Duration,
    /// What is wrong by single words of the summary, where the summary also holds what changes from look to look. A word that
    /// is new to whoever was told is news, and a summary with none is not.
    pub faults: BTreeSet<String>,
    /// At least this long lies between two times that it tells that something is wrong which is no news.
    pub spacing: Duration,
    /// At least this long lies between two times that it tells news, or that it is wrong after it was well.
    pub news_spacing: Duration,
}

impl Finding {
    fn new(name: &'static str, state: State, action: &'static str) -> Self {
        let (patience, spacing, news_spacing) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
        Self {
            name,
            words: name,
            state,
            action,
            details: None,
            patience,
            faults: BTreeSet::new(),
            spacing,
            news_spacing,
        }
    }

    /// Of files that cannot be used: what is wrong with them in brief and whole, and what serves instead.
    fn of_files(name: &'static str, wrong: Option<(String, Fault)>, action: &'static str, serves: &str) -> Self {
        let (summary, details) =
            wrong.map(|(summary, fault)| (summary, format!("{serves}\n\n{}", fault.whole))).unzip();
        let finding = Self::new(name, State::wrong_if(summary), action);
        Self { details, spacing: MENDING, news_spacing: MENDING, ..finding }
    }
}

pub(super) enum State {
    Well,
    Wrong(String),
    /// It cannot be seen now: what was so stays so.
    Unknown,
}

impl State {
    fn wrong_if(wrong: Option<String>) -> Self {
        wrong.map_or(Self::Well, Self::Wrong)
    }
}

/// What one look saw.
pub(super) struct Seen {
    pub findings: Vec<Finding>,
    pub vitals: Option<Vitals>,
    /// What was told before this start, where it was not known yet.
    pub told: Option<Vec<Told>>,
    /// Commits work and processing keeps up.
    pub well: bool,
}

/// Everything that the store, the disk and the rule files show.
pub(super) fn look(shared: &Shared, settings: &Settings) -> Seen {
    let now = shared.clock.now();
    let read = shared.watch.memory().read;
    let told = if read { None } else { shared.store.told().ok() };
    let committed = shared.store.probe(now).and_then(|()| shared.store.vitals());
    let commits = match &committed {
        Ok(_) if shared.process.is_failing() => {
            Some("Events are kept but cannot be processed: commits fail.".to_owned())
        }
        Ok(_) => None,
        Err(error) => Some(format!("Nothing can be kept: {error}.")),
    };
    let vitals = committed.ok();
    let from = |see: &dyn Fn(&Vitals) -> State| vitals.as_ref().map_or(State::Unknown, see);
    let lag = from(&|vitals| {
        let lag = vitals.oldest_unprocessed.map(|oldest| shared.lag(oldest)).filter(|lag| *lag > settings.own.lag);
        State::wrong_if(lag.map(|lag| format!("Processing is {} s behind.", lag.as_secs())))
    });
    let well = commits.is_none() && matches!(lag, State::Well);
    let heard = from(&|vitals| quiet(vitals.last_webhook(), shared.started_at, settings.own.quiet_after, now));
    if let (State::Wrong(_), Some(vitals)) = (&heard, &vitals) {
        shared.hear_nothing(vitals.last_webhook(), now);
    }
    let files = shared.rule_files();
    let serves = in_force(shared, vitals.as_ref(), told.as_deref());
    let findings = vec![
        Finding::new(
            "commits",
            State::wrong_if(commits),
            "Look at the disk and at `pulsewarden status`; Impilo repeats what was refused for about two hours.",
        ),
        Finding::new("lag", lag, "Look at the load of the machine and at the log."),
        Finding::new(
            "no_webhooks",
            heard,
            "Check that Impilo's subscriptions point here, that the secret is the same, and that the port can be \
             reached.",
        ),
        Finding::new(
            "undelivered",
            from(&|vitals| {
                let late = vitals.outbox_oldest.filter(|due| now.since(*due) > UNDELIVERED_AFTER);
                State::wrong_if(late.map(|due| format!("A message has been waiting to be delivered since {due}.")))
            }),
            "See `pulsewarden deliveries` for where it should go, and what the other side answers.",
        ),
        Finding::new(
            "dead_letters",
            from(&|vitals| {
                let dead = vitals.last_dead.filter(|at| now.since(*at) < DEAD_FOR);
                State::wrong_if(
                    dead.map(|at| format!("A message could not be delivered and was given up at {}.", minute(at))),
                )
            }),
            "See `pulsewarden deliveries --dead` for where it should have gone, and why it did not.",
        ),
        Finding::new(
            "rule_conditions",
            State::wrong_if(faulty(&shared.process.faults())),
            "Correct the condition; `pulsewarden explain RULE KIND ID` says what it reads. Other rules are not touched \
             by it.",
        ),
        Finding::new(
            "templates",
            State::wrong_if(unrenderable(&shared.templates.borrow().faults())),
            "The shipped template made the message. Correct the one in the folder `templates` beside the rule files; \
             `pulsewarden check` tries it, and it is read again by itself.",
        ),
        Finding::new(
            "log_rows",
            // What is younger may come by itself.
            shared.store.recovery().map_or(State::Unknown, |notes| {
                State::wrong_if(unread(notes.unread_lately(now.minus(SENT_AGAIN_FOR))))
            }),
            "Their events may be missing; `pulsewarden status` says what is certain. Ask Impilo what its log has of that time.",
        ),
        Finding::new("low_disk", State::wrong_if(low_disk(settings)), "Free space on the disk that holds the store."),
        Finding::of_files(
            "rule_files",
            files
                .problem
                .map(|fault| (format!("The rule files cannot be used; {}: {}.", serves.brief, fault.brief), fault)),
            "Mend what is shown here; `pulsewarden check` says whether all is well. Changed files are read again by \
             themselves.",
            &serves.sentence,
        ),
        Finding {
            patience: RESTARTING,
            ..Finding::of_files(
                "configuration",
                files.configuration.map(|fault| {
                    (
                        format!("The configuration file cannot be used; what was read before serves: {}.", fault.brief),
                        fault,
                    )
                }),
                "Mend what is shown here; `pulsewarden check` says whether all is well. The file is read again by \
             itself, and changes of rule files wait for it.",
                &serves.sentence,
            )
        },
    ];
    Seen { findings, vitals, told, well }
}

/// Rows of Impilo's log that cannot be read.
fn unread(rows: u64) -> Option<String> {
    let rows_of = if rows == 1 { "row" } else { "rows" };
    (rows > 0).then(|| format!("{rows} {rows_of} of Impilo's log of the last seven days cannot be read."))
}

/// Rules with conditions that could not be computed.
fn faulty(faults: &BTreeMap<String, String>) -> Option<String> {
    let named = faults.iter().take(FAULTS_NAMED).map(|(rule, error)| format!("{rule} ({error})"));
    let named = named.collect::<Vec<_>>().join(", ");
    let more = faults.len().saturating_sub(FAULTS_NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    (!faults.is_empty()).then(|| format!("Conditions that cannot be computed keep rules from firing: {named}{more}."))
}

/// Templates of people's own that failed at a message.
fn unrenderable(faults: &[String]) -> Option<String> {
    (!faults.is_empty()).then(|| format!("A template could not make a message: {}.", faults.join("; ")))
}

/// What decides while the files cannot be used.
struct Serves {
    brief: &'static str,
    sentence: String,
}

fn in_force(shared: &Shared, vitals: Option<&Vitals>, told: Option<&[Told]>) -> Serves {
    let hash = vitals.map_or("", |vitals| vitals.progress.rule_set.as_str());
    if shared.process.is_held() {
        let brief = "there are no rules to serve with, so events are kept and not processed";
        return Serves {
            brief,
            sentence: "No event is lost: all are processed as soon as there are rules.".to_owned(),
        };
    }
    if vitals.is_some() && hash.is_empty() {
        let brief = "there were none before, so no event raises an alert";
        return Serves {
            brief,
            sentence: "Events that come meanwhile are kept, and raise no alert later either.".to_owned(),
        };
    }
    let before = told.and_then(|told| told.iter().find(|told| told.name == RULES && told.summary == hash));
    let since = before.map(|told| told.since).or_else(|| shared.watch.in_force_since(hash));
    let since = since.map_or_else(String::new, |since| format!(" since {since}"));
    let rules = if hash.is_empty() { String::new() } else { format!(" ({})", short(hash)) };
    let sentence = format!("The rules that have been in force{since}{rules} go on serving.");
    Serves { brief: "the last good rules serve", sentence }
}

/// An instant in a headline.
fn minute(at: Timestamp) -> String {
    at.to_utc().map_or_else(|| at.to_string(), |at| at.format("%Y-%m-%d %H:%M UTC").to_string())
}

/// Time in which this daemon did not run says nothing about Impilo, for better or for worse.
fn quiet(last: Option<Timestamp>, started_at: Timestamp, after: Duration, now: Timestamp) -> State {
    if last.is_some_and(|last| now.since(last) <= after) {
        return State::Well;
    }
    if now.since(started_at.max(last.unwrap_or(started_at))) <= after {
        return State::Unknown;
    }
    State::Wrong(match last {
        Some(at) => format!("No webhook has come since {}.", minute(at)),
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

/// What can be seen only by comparing one look with those before.
pub(super) struct Eyes {
    started: Instant,
    /// How many webhooks had been refused for their secret by then, and how many had been taken.
    refusals: Vec<(Instant, u64, u64)>,
    steps: Steps,
    /// The last step of the clock: by how many milliseconds, and when by the clock as it was afterwards.
    stepped: Option<(Instant, i64, Timestamp)>,
}

impl Eyes {
    pub(super) fn new(shared: &Shared) -> Self {
        let started = Instant::now();
        Self { started, refusals: vec![(started, 0, 0)], steps: Steps::of(shared.clock.clone()), stepped: None }
    }

    pub(super) fn refused(&mut self, shared: &Shared, settings: &Settings, last_webhook: Option<Timestamp>) -> Finding {
        let total = shared.counters.refused_secret.load(Ordering::Relaxed);
        let counters = &shared.counters;
        let taken = counters.accepted.load(Ordering::Relaxed) + counters.repeated.load(Ordering::Relaxed);
        self.refusals.push((Instant::now(), total, taken));
        self.refusals.retain(|(at, ..)| at.elapsed() <= REFUSALS_OVER);
        let before = self.refusals.first().map_or((0, 0), |(_, refused, taken)| (*refused, *taken));
        let recent = total.saturating_sub(before.0);
        let many = recent >= settings.own.refused_secrets.max(1);
        // Where all that comes is refused, nothing is heard.
        if many && taken == before.1 {
            shared.hear_nothing(last_webhook, shared.clock.now());
        }
        let state = if many {
            State::Wrong(format!("{recent} webhooks in ten minutes came with a missing or wrong secret."))
        } else if self.started.elapsed() < REFUSALS_OVER {
            State::Unknown
        } else {
            State::Well
        };
        Finding::new(
            "refused_secrets",
            state,
            "If Impilo's secret was changed, add the new secret beside the old one (see README, \"Changing Impilo's \
             secret\"), then restart.",
        )
    }

    pub(super) fn clock(&mut self, vitals: Option<&Vitals>, now: Timestamp) -> Finding {
        let step = self.steps.since_last();
        if step.unsigned_abs() > millis(CLOCK_OFF_BY) {
            self.stepped = Some((Instant::now(), step, now));
        }
        let ahead = vitals.map(|vitals| vitals.reached).filter(|reached| reached.since(now) > CLOCK_OFF_BY);
        let stepped = self.stepped.filter(|(at, ..)| at.elapsed() < STEPPED_FOR);
        let mut wrong = Vec::new();
        if let Some((_, by, at)) = stepped {
            let way = if by > 0 { "ahead" } else { "back" };
            wrong.push(format!("This machine's clock was set {way} by {} s, to {at}.", by.unsigned_abs() / 1000));
        }
        if let Some(reached) = ahead {
            wrong.push(format!(
                "Events are kept with times up to {reached}, and this machine's clock shows {now}: alerts are held back until it gets there."
            ));
        }
        let state = match (wrong.is_empty(), vitals) {
            (false, _) => State::Wrong(wrong.join(" ")),
            (true, Some(_)) => State::Well,
            (true, None) => State::Unknown,
        };
        Finding::new("clock", state, "Look at this machine's clock and at what sets it (`timedatectl`).")
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_is_counted_only_while_it_runs() {
        let hour = Duration::from_secs(3600);
        let state = |last: Option<i64>, started: i64, now: i64| {
            let minutes = |at: i64| Timestamp(at * 60_000);
            match quiet(last.map(minutes), minutes(started), hour, minutes(now)) {
                State::Well => "well",
                State::Wrong(_) => "wrong",
                State::Unknown => "unknown",
            }
        };
        assert_eq!(state(Some(0), 0, 60), "well");
        assert_eq!(state(Some(0), 0, 61), "wrong");
        assert_eq!(state(Some(0), 600, 601), "unknown", "it was down, and may hear yet");
        assert_eq!(state(Some(0), 600, 661), "wrong");
        assert_eq!(state(None, 600, 659), "unknown");
        assert_eq!(state(None, 600, 661), "wrong");
    }
}
