//! A story lived through: once as it comes, with every invariant looked at after every step, and again from its journal, with
//! crashes and in other batches, which must come to the same.

use std::collections::{BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use pulsewarden::engine::{
    About, AlertState, Basis, Command, DeliveryFailure, Interval, Notification, Position, Reason, Source, Subject,
    SubjectKind, Timestamp, Transition,
};
use pulsewarden::process::Read;
use pulsewarden::simulate::Webhook;

use crate::daemon::{Daemon, Decided, Disk, Row, What};
use crate::invariants::{Chronicle, Holds, ensure, misses_nothing};
use crate::oracle::Oracle;
use crate::people;
use crate::story::{Arrival, Coming, Story};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// How often everything is looked at while nothing comes.
const LOOK: Duration = HOUR.saturating_mul(6);

/// A daemon that comes back sooner says nothing of it.
const BRIEF: Duration = MINUTE;

/// How far ahead the daemon says that it hears nothing.
const AHEAD: Duration = MINUTE.saturating_mul(10);

/// The life of one daemon, as it happens.
pub struct Life<'s> {
    story: &'s Story,
    chance: Rng,
    daemon: Daemon,
    oracle: Oracle,
    chronicle: Chronicle,
    pub rows: Vec<Row>,
    /// What the journal has already, by type and id.
    known: BTreeSet<(String, String)>,
    now: Timestamp,
    last_webhook: Timestamp,
    /// Messages that will turn out not to have reached anybody, by when.
    failures: Vec<(Timestamp, DeliveryFailure)>,
    /// What was kept after a row in the middle.
    snapshot: Option<Disk>,
    snapshot_at: usize,
    /// How many of the last steps are kept for people to read.
    shown: usize,
    steps: VecDeque<String>,
}

/// What a life came to.
pub struct Lived {
    pub rows: Vec<Row>,
    pub end: Timestamp,
    pub disk: Disk,
    pub snapshot: Option<Disk>,
}

/// What did not hold, with the last steps before it.
pub struct Failure {
    pub what: String,
    pub steps: String,
}

impl<'s> Life<'s> {
    pub fn of(story: &'s Story, shown: usize) -> Self {
        let mut chance = Rng::with_seed(story.seed ^ 0x1f);
        let snapshot_at = chance.usize(..=story.arrivals.len());
        Self {
            story,
            chance,
            daemon: Daemon::open(Disk::new()),
            oracle: Oracle::default(),
            chronicle: Chronicle::default(),
            rows: Vec::new(),
            known: BTreeSet::new(),
            now: story.arrivals.first().map_or(Timestamp(0), |first| first.shown),
            last_webhook: Timestamp(i64::MIN),
            failures: Vec::new(),
            snapshot: None,
            snapshot_at,
            shown,
            steps: VecDeque::new(),
        }
    }

    /// Lives through the whole story.
    pub fn live(mut self) -> Result<Lived, Failure> {
        match self.all() {
            Ok(()) => {
                let (disk, end) = (self.daemon.disk().clone(), self.now);
                Ok(Lived { rows: self.rows, end, disk, snapshot: self.snapshot })
            }
            Err(what) => {
                let mut steps = String::new();
                self.steps.iter().for_each(|step| writeln!(steps, "  {step}").unwrap());
                Err(Failure { what, steps })
            }
        }
    }

    fn all(&mut self) -> Holds {
        self.append(self.now, self.now, What::Rules(self.story.rule_sets[0]))?;
        for arrival in &self.story.arrivals {
            if !matches!(arrival.coming, Coming::Back) {
                self.pass_until(arrival.shown.max(self.now))?;
            }
            self.come(arrival)?;
            if self.snapshot.is_none() && self.rows.len() >= self.snapshot_at {
                self.snapshot = Some(self.daemon.disk().clone());
            }
        }
        self.pass_until(self.story.end().max(self.now))?;
        self.look()
    }

    fn come(&mut self, arrival: &Arrival) -> Holds {
        let shown = arrival.shown;
        match &arrival.coming {
            Coming::Webhook(webhook) => self.webhook(webhook, Source::Webhook, shown, shown),
            Coming::Recovered(webhook) => self.webhook(webhook, Source::Recovered, shown, webhook.at),
            Coming::Reload(place) => self.append(shown, shown, What::Rules(*place)),
            Coming::Back => {
                let interval = Interval { from: self.now, to: shown };
                if shown.since(self.now) <= BRIEF {
                    return Ok(());
                }
                self.append(interval.from, shown, What::Blind(interval))
            }
            Coming::Deaf => {
                let interval = Interval { from: self.last_webhook.min(shown), to: shown.plus(AHEAD) };
                self.append(interval.from, shown, What::Blind(interval))
            }
            Coming::Sample => {
                let (receiver, by) = ("logistics".to_owned(), "somebody".to_owned());
                self.append(shown, shown, What::Command(Command::TestNotification { receiver, by }))
            }
            Coming::People => match people::asks(&mut self.chance, &self.chronicle, shown.max(self.now)) {
                Some(command) => self.append(shown, shown, What::Command(command)),
                None => Ok(()),
            },
        }
    }

    fn webhook(&mut self, webhook: &Webhook, source: Source, shown: Timestamp, received_at: Timestamp) -> Holds {
        let (id, kind) = (webhook.id.to_string(), webhook.kind.to_owned());
        self.last_webhook = self.last_webhook.max(shown);
        if !self.known.insert((kind.clone(), id.clone())) {
            return Ok(());
        }
        let Some(read) = Read::new(id, kind, source, &webhook.body, received_at) else {
            return Err(format!("{webhook:?} cannot be read"));
        };
        self.append(shown, received_at, What::Event { read: Arc::new(read), body: Arc::new(webhook.body.clone()) })
    }

    /// Puts a row into the journal, decides it, and looks at what that came to.
    fn append(&mut self, shown: Timestamp, received_at: Timestamp, what: What) -> Holds {
        let at = shown.max(self.now);
        self.wake_until(at)?;
        let row = Row { position: self.rows.len() as Position + 1, at, received_at, what };
        self.now = at;
        self.note(|| describe(&row));
        self.oracle.hear(&row);
        self.rows.push(row);
        let row = &self.rows[self.rows.len() - 1];
        self.daemon.take(&self.rows, 1);
        let subjects: Vec<Subject> = row
            .event()
            .map(|event| event.facts.about.iter().map(|about| about.subject.clone()).collect())
            .unwrap_or_default();
        self.commit()?;
        for subject in &subjects {
            if let Some(slice) = self.daemon.slice(subject) {
                self.oracle.may_stay(slice, &self.daemon, self.now)?;
            }
        }
        Ok(())
    }

    /// Lets time pass, and looks at everything now and then.
    fn pass_until(&mut self, until: Timestamp) -> Holds {
        while self.now < until {
            let rest = until.since(self.now);
            let part = if rest > LOOK {
                self.chance.u32(1..=1000)
            } else if self.chance.f64() < 0.3 {
                self.chance.u32(1..=2000)
            } else {
                return Ok(());
            };
            let next = self.now.plus(LOOK * part / 1000);
            self.wake_until(next.min(until))?;
            self.now = next.min(until);
            self.look()?;
        }
        Ok(())
    }

    /// Runs what is due, one due time after the other; messages that are given up by then come in between.
    fn wake_until(&mut self, until: Timestamp) -> Holds {
        loop {
            let failed = self.failures.iter().map(|(at, _)| *at).min().filter(|at| *at <= until);
            let due = self.daemon.first_due().filter(|due| *due <= until);
            match (due, failed) {
                (Some(due), failed) if failed.is_none_or(|failed| due <= failed) => {
                    self.daemon.wake_until(due);
                    self.now = self.now.max(due);
                    self.commit()?;
                }
                (_, Some(failed)) => {
                    let place = self.failures.iter().position(|(at, _)| *at == failed);
                    let Some(place) = place else { return Ok(()) };
                    let (_, failure) = self.failures.remove(place);
                    self.chronicle.gives_up(&failure);
                    self.append(failed, failed, What::DeliveryFailed(failure))?;
                }
                (Some(_), None) | (None, None) => return Ok(()),
            }
        }
    }

    fn commit(&mut self) -> Holds {
        let decided = self.daemon.commit();
        self.tell_steps(&decided);
        self.chronicle.take(&decided, &self.daemon, &self.rows)?;
        for moved in &decided.transitions {
            let alert = self.daemon.alert(&decided, moved.alert);
            let fired = moved.to == AlertState::Firing && !matches!(moved.reason, Reason::Raised { .. });
            if let (Some(alert), true) = (alert, fired)
                && let Some(rule) = self.daemon.rules().rule(&alert.rule)
            {
                let blind = &self.daemon.standing().blind;
                let may = self.oracle.may_fire(alert, moved, rule, blind);
                may.map_err(|what| format!("alert #{} of {} on {} {what}", alert.number, alert.rule, alert.subject))?;
            }
        }
        for notification in &decided.notifications {
            self.perhaps_fails(notification);
        }
        Ok(())
    }

    fn perhaps_fails(&mut self, notification: &Notification) {
        if self.chance.f64() < self.story.given_up {
            let Notification { key, group, due, .. } = notification;
            let at = due.plus(MINUTE * self.chance.u32(1..60 * 25));
            self.failures.push((at, DeliveryFailure { key: key.clone(), group: group.clone() }));
        }
    }

    /// Looks at everything that there is.
    fn look(&mut self) -> Holds {
        self.note(|| "…".to_owned());
        self.wake_until(self.now)?;
        misses_nothing(&self.daemon, self.now)?;
        for slice in self.daemon.slices().filter(|slice| slice.subject.kind != SubjectKind::Group) {
            self.oracle.may_stay(slice, &self.daemon, self.now)?;
            self.oracle.must_fire(slice, &self.daemon, self.now)?;
        }
        self.daemon.unkept().map_or(Ok(()), |what| Err(format!("what is kept is not what is in memory: {what}")))
    }

    fn note(&mut self, what: impl FnOnce() -> String) {
        if self.shown == 0 {
            return;
        }
        if self.steps.len() >= self.shown {
            self.steps.pop_front();
        }
        self.steps.push_back(format!("{} {}", self.now, what()));
    }

    fn tell_steps(&mut self, decided: &Decided) {
        if self.shown == 0 {
            return;
        }
        for moved in &decided.transitions {
            let alert = self.daemon.alert(decided, moved.alert);
            let whose = alert.map_or_else(String::new, |alert| format!(" {} on {}", alert.rule, alert.subject));
            let Transition { alert, to, severity, at, reason, .. } = moved;
            self.note(|| format!("    #{alert}{whose} {to} {severity}, as of {at}: {reason}"));
        }
        for notification in &decided.notifications {
            self.note(|| format!("    message to {} at {}", notification.receiver, notification.due));
        }
    }
}

/// A row, for people: an event with what it says of whom.
fn describe(row: &Row) -> String {
    let what = match &row.what {
        What::Event { read, .. } => event(row, read),
        What::Rules(place) => format!("rule set {place} comes into force"),
        What::DeliveryFailed(failure) => format!("message {} is given up", failure.key),
        What::Blind(Interval { from, to }) => format!("nothing was heard from {from} to {to}"),
        What::Command(command) => format!("somebody asks: {command:?}"),
    };
    format!("row {}: {what}", row.position)
}

fn event(row: &Row, read: &Read) -> String {
    let event = read.event(row.position, row.received_at);
    let basis = if event.basis == Basis::Own { "its own time" } else { "receipt" };
    let mut text = format!("{:?} {} {} of {} by {basis}", read.source, read.kind, read.id, event.occurred_at);
    if row.received_at != row.at {
        write!(text, ", received {}", row.received_at).unwrap();
    }
    let level = read.payload.value().get("batteryPercentage").as_f64();
    level.iter().for_each(|level| write!(text, ", {level}%").unwrap());
    for About { subject, facts, links, heard, over, .. } in &read.facts.about {
        write!(text, "; {subject}").unwrap();
        for fact in facts {
            write!(text, " {}={}", fact.name, fact.value.key()).unwrap();
        }
        links.iter().for_each(|(kind, id)| write!(text, " of:{kind} {id}").unwrap());
        for (set, word) in [(heard, " heard"), (over, " over")] {
            text.push_str(if *set { word } else { "" });
        }
    }
    text
}

/// Decides a journal anew, with crashes and in batches as they come.
pub fn replayed(from: Disk, rows: &[Row], end: Timestamp, chance: &mut Rng) -> Disk {
    let mut done = usize::try_from(from.position).unwrap_or(usize::MAX);
    let mut daemon = Daemon::open(from);
    let largest = [1, 8, 512][chance.usize(..3)];
    while let Some(next) = rows.get(done) {
        let count = chance.usize(1..=largest).min(rows.len() - done);
        if chance.f64() < 0.1 {
            // It ends before what it decided is kept.
            daemon.take(rows, count);
            daemon = daemon.crash();
        }
        if chance.f64() < 0.3 {
            // What is due by the clock runs before the rows come.
            daemon.wake_until(Timestamp(next.at.0 - chance.i64(1..=3_600_000)));
            daemon.commit();
        }
        daemon.take(rows, count);
        daemon.commit();
        if chance.f64() < 0.2 {
            daemon = daemon.crash();
        }
        done += count;
    }
    daemon.wake_until(end);
    daemon.commit();
    daemon.disk().clone()
}

/// What a replay came to is what the life came to.
pub fn same(lived: &Disk, replayed: &Disk) -> Holds {
    let difference = lived.difference(replayed);
    ensure!(difference.is_none(), "{}", difference.unwrap_or_default());
    Ok(())
}
