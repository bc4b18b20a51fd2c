//! A small world: a store, the processor, a hand-moved clock. Envelopes go in as Impilo sends them; a timeline comes out.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use pulsewarden::config::Bundle;
use pulsewarden::engine::{
    Act, Actor, Alert, Command, Content, DeliveryFailure, Interval, Lack, Notification, Outage, Recovery, RuleSet,
    Silence, Source, Subject, Timestamp, Transition,
};
use pulsewarden::impilo::Envelope;
use pulsewarden::journal::codec;
use pulsewarden::process::Processor;
use pulsewarden::store::sqlite::Sqlite;
use pulsewarden::store::{AlertFilter, Attempt, AttemptResult, Entry, EventRow, NewRow, Rendered, Room, Store};
use serde_json::{Value, json};

pub struct World {
    pub store: Arc<dyn Store>,
    processor: Processor,
    pub now: Timestamp,
    next_id: i64,
    messages: Vec<String>,
    /// Every notification decided, in the order of the messages in the timeline.
    pub notifications: Vec<Notification>,
    /// Every rule that could not be computed, with what was wrong, once for each batch.
    pub faults: Vec<(String, String)>,
    /// While set, what comes waits for one batch.
    gathering: bool,
    /// What has come since the clock moved, while it is gathered.
    gathered: Vec<NewRow>,
    /// What happens besides, and must make no difference.
    habit: Habit,
    /// The last event, to be sent again.
    last: Option<NewRow>,
    folder: tempfile::TempDir,
}

/// What must make no difference to a story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Habit {
    Nothing,
    /// Everything in memory is forgotten after every step, and after every batch of it.
    Restarting,
    /// Impilo sends every event again, at once and before the next one.
    Repeating,
}

/// Plays a story in every way that must make no difference, and gives its history: as it is, with a restart between every two
/// steps, with every event sent again, and with all of it in one batch.
pub fn play(rules: &str, story: impl Fn(&mut World)) -> String {
    let history = |habit: Habit| {
        let mut world = World { habit, ..World::new(rules) };
        story(&mut world);
        world.history()
    };
    let plain = history(Habit::Nothing);
    for habit in [Habit::Restarting, Habit::Repeating] {
        assert_eq!(plain, history(habit), "{habit:?} makes a difference");
    }
    let mut world = World::new(rules);
    world.at_once(&story);
    assert_eq!(plain, world.history(), "one batch makes a difference");
    plain
}

pub fn instant(text: &str) -> Timestamp {
    Timestamp::from(text.parse::<DateTime<Utc>>().unwrap())
}

pub fn span(text: &str) -> std::time::Duration {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let millis = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => panic!("a span like 5m, not {text}"),
    };
    std::time::Duration::from_millis(number.parse::<u64>().unwrap() * millis)
}

fn bundle(rules: &str) -> Bundle {
    Bundle::of(&[("rules.yaml", rules)])
}

fn compile(store: &Arc<dyn Store>, hash: &str) -> Option<Arc<RuleSet>> {
    let bytes = store.rule_set(hash).unwrap()?;
    let bundle = Bundle::from_bytes(&bytes).unwrap();
    match bundle.compile() {
        Ok((rules, _)) => Some(Arc::new(rules)),
        Err(problems) => panic!("{}", problems.render(false)),
    }
}

impl World {
    /// A world that begins on 2 March 2026, 10:00 UTC, with these rules.
    pub fn new(rules: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(Sqlite::open(&folder.path().join("pulsewarden.db")).unwrap());
        let processor = Self::processor(&store);
        let now = instant("2026-03-02T10:00:00Z");
        let mut world = Self {
            store,
            processor,
            now,
            next_id: 1,
            messages: Vec::new(),
            notifications: Vec::new(),
            faults: Vec::new(),
            gathering: false,
            gathered: Vec::new(),
            habit: Habit::Nothing,
            last: None,
            folder,
        };
        world.rules(rules);
        world
    }

    fn processor(store: &Arc<dyn Store>) -> Processor {
        let from = Arc::clone(store);
        Processor::new(Arc::clone(store), Box::new(move |hash| compile(&from, hash)), Arc::default(), 64).unwrap()
    }

    /// Forgets everything that is in memory and opens the store again.
    pub fn restart(&mut self) {
        let path = self.folder.path().join("pulsewarden.db");
        self.store = Arc::new(Sqlite::open(&path).unwrap());
        self.processor = Self::processor(&self.store);
    }

    /// Brings a rule set into force.
    pub fn rules(&mut self, rules: &str) {
        let bundle = bundle(rules);
        let hash = bundle.hash();
        self.store.keep_rule_set(&hash, &bundle.to_bytes()).unwrap();
        self.append(Entry::RuleSet { hash });
    }

    /// Brings a rule set into force, with a restart after every batch of what it judges.
    pub fn restart_in_between(&mut self, rules: &str) {
        let before = std::mem::replace(&mut self.habit, Habit::Restarting);
        self.rules(rules);
        self.habit = before;
    }

    pub fn append(&mut self, entry: Entry) {
        self.add(NewRow { received_at: self.now, entry });
    }

    fn add(&mut self, row: NewRow) {
        if self.gathering {
            self.gathered.push(row);
            return;
        }
        if self.habit == Habit::Repeating {
            let again = self.last.clone();
            self.store.append(again.as_slice(), self.now).unwrap();
        }
        self.store.append(std::slice::from_ref(&row), self.now).unwrap();
        if self.habit == Habit::Repeating && matches!(row.entry, Entry::Event(_)) {
            self.store.append(std::slice::from_ref(&row), self.now).unwrap();
            self.last = Some(row);
        }
        self.drain();
    }

    /// Posts an event with the next envelope id.
    pub fn post(&mut self, kind: &str, payload: Value) {
        let row = self.event(kind, payload, Source::Webhook);
        self.append(row);
    }

    /// Finds an event in Impilo's log, which has it since `at`.
    pub fn recover(&mut self, kind: &str, payload: Value, at: &str) {
        let entry = self.event(kind, payload, Source::Recovered);
        self.add(NewRow { received_at: instant(at), entry });
    }

    fn event(&mut self, kind: &str, payload: Value, source: Source) -> Entry {
        let id = self.next_id;
        self.next_id += 1;
        let body = json!({ "id": id, "type": kind, "payload": payload }).to_string();
        let envelope = Envelope::read(body.as_bytes()).unwrap();
        let recovered = source == Source::Recovered;
        Entry::Event(EventRow {
            kind: envelope.kind.to_string(),
            envelope_id: (!recovered).then(|| envelope.id.to_string()),
            log_id: recovered.then_some(id),
            source,
            body: Some(codec::encode(body.as_bytes())),
        })
    }

    /// Somebody does something about an alert.
    pub fn act(&mut self, alert: u64, act: Act) {
        let subject = self.alerts().iter().find(|known| known.number == alert).unwrap().subject.clone();
        self.act_on(subject, alert, act);
    }

    /// Somebody does something about an alert of this subject.
    pub fn act_on(&mut self, subject: Subject, alert: u64, act: Act) {
        let by = Actor { name: "Ann".to_owned(), via: "command line".to_owned() };
        self.append(Entry::Command(Command::Alert { alert, subject, act, by }));
    }

    /// Somebody silences what has these labels for some time from now on.
    pub fn silence(&mut self, matchers: &[&str], time: &str) {
        let until = Some(self.now.plus(span(time)));
        self.silence_from(matchers, self.now, until, &[]);
    }

    /// A silence with its times.
    pub fn silence_from(&mut self, matchers: &[&str], from: Timestamp, until: Option<Timestamp>, alerts: &[u64]) {
        let silence = Silence {
            number: 0,
            matchers: matchers.iter().map(|text| text.parse().unwrap()).collect(),
            from,
            until,
            alerts: alerts.iter().copied().collect(),
            by: Actor { name: "Ann".to_owned(), via: "command line".to_owned() },
            comment: "works on it".to_owned(),
        };
        self.append(Entry::Command(Command::Silence { silence: Box::new(silence) }));
    }

    /// Somebody ends a silence.
    pub fn unsilence(&mut self, silence: u64) {
        let by = Actor { name: "Bob".to_owned(), via: "command line".to_owned() };
        self.append(Entry::Command(Command::Unsilence { silence, by }));
    }

    /// What was held back of an alert, a line each.
    pub fn held(&self, alert: u64) -> String {
        let mut text = String::new();
        for held in self.store.suppressions(alert).unwrap() {
            let until = held.until.map_or_else(|| "now".to_owned(), |until| until.to_string());
            writeln!(text, "{} to {until} from {}: {}", held.from, held.receiver, held.cause).unwrap();
        }
        text
    }

    /// What people did, oldest first.
    pub fn audit(&self) -> String {
        let mut text = String::new();
        for action in self.store.actions(None, 100).unwrap().iter().rev() {
            let about = action.alert.or(action.silence).unwrap_or_default();
            let came = if action.done { "" } else { ", too late" };
            writeln!(text, "{} {} {about} ({}) {}{came}", action.at, action.act, action.by, action.detail).unwrap();
        }
        text
    }

    /// Moves the clock; what falls due in between runs at its own time.
    pub fn wait(&mut self, text: &str) {
        self.move_to(self.now.plus(span(text)));
        self.drain();
    }

    /// Moves the clock to this instant; what falls due in between runs at its own time.
    pub fn until(&mut self, at: &str) {
        let at = instant(at);
        assert!(self.now <= at, "it is {} already", self.now);
        self.move_to(at);
        self.drain();
    }

    /// Moves the clock to this instant, while nothing can be heard.
    pub fn blind_until(&mut self, at: &str) {
        let interval = Interval { from: self.now, to: instant(at) };
        self.append(Entry::Blind(interval));
        self.move_to(interval.to);
        self.drain();
    }

    /// What was blind between these instants counts as heard from now on.
    pub fn heal(&mut self, from: &str, to: &str) {
        let interval = Interval { from: instant(from), to: instant(to) };
        self.append(Entry::Recovery(Recovery::Healed { interval }));
    }

    /// The daemon is away until this instant, and what was due then is told in one message.
    pub fn away_until(&mut self, at: &str, lacks: Option<Lack>) {
        let interval = Interval { from: self.now, to: instant(at) };
        self.append(Entry::Blind(interval));
        self.append(Entry::Recovery(Recovery::Begun { interval }));
        if lacks.is_none() {
            self.append(Entry::Recovery(Recovery::Healed { interval }));
        }
        self.move_to(interval.to);
        self.drain();
        let outage = Outage { interval, recovered: 3, unreadable: 0, others: 0, lacks, late: false };
        self.append(Entry::Recovery(Recovery::Ended { outage }));
    }

    /// The daemon was away until this instant and made up for it, and has not told of it yet.
    pub fn returned_at(&mut self, at: &str) {
        let interval = Interval { from: self.now, to: instant(at) };
        self.append(Entry::Blind(interval));
        self.append(Entry::Recovery(Recovery::Begun { interval }));
        self.append(Entry::Recovery(Recovery::Healed { interval }));
        self.move_to(interval.to);
        self.drain();
    }

    /// It tells of an absence that it has made up for.
    pub fn ended(&mut self, from: &str, to: &str) {
        let interval = Interval { from: instant(from), to: instant(to) };
        let outage = Outage { interval, recovered: 3, unreadable: 0, others: 0, lacks: None, late: false };
        self.append(Entry::Recovery(Recovery::Ended { outage }));
    }

    /// Finds that nothing has come from anywhere since `from`, for too long to be chance.
    pub fn deaf_since(&mut self, from: &str) {
        let interval = Interval { from: instant(from), to: self.now.plus(span("10m")) };
        let row = NewRow { received_at: self.now, entry: Entry::Blind(interval) };
        self.store.append(&[row], interval.from).unwrap();
        self.drain();
    }

    /// What the same journal comes to in another store, all of it in one batch.
    pub fn again(&self, rules: &str) -> String {
        let mut world = Self { now: self.now, ..Self::new(rules) };
        for row in self.store.journal(1, 10_000).unwrap() {
            if let Entry::RuleSet { hash } = &row.entry {
                world.store.keep_rule_set(hash, &self.store.rule_set(hash).unwrap().unwrap()).unwrap();
            }
            let new = NewRow { received_at: row.received_at, entry: row.entry };
            world.store.append(&[new], row.at).unwrap();
        }
        world.drain();
        world.history()
    }

    fn move_to(&mut self, now: Timestamp) {
        if !self.gathered.is_empty() {
            self.store.append(&self.gathered, self.now).unwrap();
            self.gathered.clear();
        }
        self.now = now;
    }

    /// The notification at this place of the timeline turns out not to have reached anybody.
    pub fn give_up(&mut self, place: usize) {
        let Notification { key, group, .. } = self.notifications[place].clone();
        self.append(Entry::DeliveryFailed(DeliveryFailure { key, group }));
    }

    /// Lets everything that `story` does come in one batch.
    pub fn at_once(&mut self, story: impl FnOnce(&mut Self)) {
        self.gathering = true;
        story(self);
        self.move_to(self.now);
        self.gathering = false;
        self.drain();
    }

    fn drain(&mut self) {
        if self.gathering {
            return;
        }
        while let Some(done) = self.processor.turn(self.now).unwrap() {
            assert_eq!(done.broke, None, "the engine panicked");
            self.faults.extend(done.faults);
            if self.habit == Habit::Restarting {
                self.restart();
            }
        }
        // Each when it was decided: what waited until now would be judged again.
        while let Some(due) = self.store.next_delivery(&Room::new(1000)).unwrap().filter(|due| *due <= self.now) {
            self.deliver(due);
        }
    }

    fn deliver(&mut self, now: Timestamp) {
        let until = now.plus(span("1m"));
        let mut render = |_: &Notification| Rendered::Failed { error: String::new() };
        let mut leased = self.store.lease(now, until, &Room::new(1000), &mut render).unwrap();
        leased.sort_by_key(|delivery| (delivery.notification.due, delivery.id));
        for delivery in leased {
            let result = AttemptResult::Delivered { reply: String::new(), refused: None, rest: Vec::new(), root: None };
            let attempt =
                Attempt { delivery: delivery.id, at: self.now, took: Duration::ZERO, result, stand_ins: Vec::new() };
            self.store.record(&[attempt], now).unwrap();
            let notification = delivery.notification;
            self.notifications.push(notification.clone());
            let mut line =
                format!("{} → {} ({}):", notification.due, notification.receiver, notification.channel.kind());
            match notification.content {
                Content::Alerts { firing, ended, repeat, update, .. } => {
                    for alert in firing {
                        let again = if repeat { " again" } else { "" };
                        let again = if update { " as people see it" } else { again };
                        write!(line, " #{} {} {}{again};", alert.number, alert.state, alert.severity).unwrap();
                    }
                    for alert in ended {
                        write!(line, " #{} {};", alert.number, alert.state).unwrap();
                    }
                }
                Content::Test { .. } => line.push_str(" test"),
                Content::Summary(summary) => {
                    let (open, ended) = (summary.counts.open_total(), summary.counts.ended_total());
                    let (why, messages) = (summary.why, summary.messages);
                    write!(line, " {open} open, {ended} ended in one ({why:?}, {messages} messages)").unwrap();
                }
                Content::SilenceEnds { silence, until, hidden, .. } => {
                    write!(line, " silence {silence} ends {until}, hides {hidden}").unwrap();
                }
                Content::Digest(_) | Content::SelfAlert(_) => line.push_str(" other"),
            }
            self.messages.push(line);
        }
    }

    /// Every alert, oldest first.
    pub fn alerts(&self) -> Vec<Alert> {
        let mut alerts = self.store.alerts(&AlertFilter { limit: 10_000, ..AlertFilter::default() }).unwrap();
        alerts.reverse();
        alerts
    }

    /// The messages of the timeline alone.
    pub fn messages(&self) -> String {
        self.timeline().lines().filter(|line| line.contains('→')).map(|line| format!("{line}\n")).collect()
    }

    /// Every move of every alert, then every message decided.
    pub fn timeline(&self) -> String {
        self.told(|_| String::new())
    }

    /// The timeline, where each move says when it happened or was due, if it was noticed at another time.
    pub fn history(&self) -> String {
        self.told(|moved| if moved.at == moved.noticed_at { String::new() } else { format!(", as of {}", moved.at) })
    }

    fn told(&self, more: impl Fn(&Transition) -> String) -> String {
        let mut text = String::new();
        for alert in self.alerts() {
            write!(text, "#{} {} on {}, seen {}×", alert.number, alert.rule, alert.subject, alert.count).unwrap();
            for (set, word) in [(alert.baseline, ", baseline"), (alert.shadow, ", shadow")] {
                text.push_str(if set { word } else { "" });
            }
            text.push('\n');
            for moved in self.store.transitions(alert.number).unwrap() {
                let Transition { noticed_at, to, severity, reason, .. } = &moved;
                writeln!(text, "  {noticed_at} {to} {severity}{}: {reason}", more(&moved)).unwrap();
            }
        }
        for line in &self.messages {
            writeln!(text, "{line}").unwrap();
        }
        text
    }
}
