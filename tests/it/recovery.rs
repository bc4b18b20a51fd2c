//! A daemon that was away for hours makes up for it from Impilo's log, and comes to what one that was never away knows.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pulsewarden::config::Bundle;
use pulsewarden::demo::mail_catcher::Mail;
use pulsewarden::engine::{Alert, AlertState, Source, SubjectKind, Timestamp};
use pulsewarden::impilo::Envelope;
use pulsewarden::journal::codec;
use pulsewarden::process::Processor;
use pulsewarden::simulate::account::{LogPayload, Options, Pace, Quirks, StandIn, Stretch};
use pulsewarden::simulate::{Fleet, Plan, Webhook};
use pulsewarden::store::sqlite::Sqlite;
use pulsewarden::store::{
    AlertFilter, Attempt, AttemptResult, Entry, EventRow, NewRow, RecoveryNotes, Rendered, Room, Store,
};
use serde_json::Value;

use crate::doubts::{not_whole, sentence};
use crate::harness::{World, eventually};

const HOUR: Duration = Duration::from_secs(3600);

/// How long the daemon is away.
const AWAY: Duration = Duration::from_secs(4 * 3600);

/// How much history there is before.
const BEFORE: Duration = Duration::from_secs(3 * 3600);

/// How many events come while the daemon is away, at least: at night it takes more devices.
const MISSED: usize = 2000;

const URL: &str = "http://alerts.clinic.example/webhooks/impilo";

/// A fleet whose history reaches until now, what of it came before the daemon went away, and a stand-in that has all of it.
struct Account {
    begin: Timestamp,
    gone: Timestamp,
    back: Timestamp,
    webhooks: Vec<Webhook>,
    stand_in: StandIn,
}

impl Account {
    async fn new(quirks: Quirks) -> Self {
        // The first test in the process installs it for all.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let back = Timestamp::from(chrono::Utc::now());
        let gone = back.minus(AWAY);
        let begin = gone.minus(BEFORE);
        let fleet = |devices| {
            let plan = Plan { seed: 5, devices, days: 1, begin };
            let webhooks: Vec<Webhook> = Fleet::new(plan).webhooks().take_while(|webhook| webhook.at <= back).collect();
            (webhooks.iter().filter(|webhook| webhook.at >= gone).count() >= MISSED).then_some((plan, webhooks))
        };
        let (plan, webhooks) = [2000, 4000, 8000, 16_000, 32_000].into_iter().find_map(fleet).unwrap();
        let undelivered = vec![Stretch { from: Duration::ZERO, until: HOUR * 48 }];
        let options = Options {
            subscribe: Some(URL.to_owned()),
            quirks: Quirks { undelivered, ..quirks },
            ..Options::new(plan, Pace::ByHand)
        };
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let stand_in = StandIn::start(options, listener, None).unwrap();
        let http = reqwest::Client::new();
        let clock = format!("http://{}/simulate/clock", stand_in.address());
        let moved = http.post(clock).json(&serde_json::json!({ "to": back.to_string() })).send().await.unwrap();
        assert!(moved.status().is_success(), "{}", moved.text().await.unwrap());
        Self { begin, gone, back, webhooks, stand_in }
    }

    fn before(&self) -> impl Iterator<Item = &Webhook> {
        self.webhooks.iter().filter(|webhook| webhook.at < self.gone)
    }

    fn missed(&self) -> impl Iterator<Item = &Webhook> {
        self.webhooks.iter().filter(|webhook| webhook.at >= self.gone)
    }

    /// Makes the stand-in behave otherwise.
    async fn change(&self, change: Value) {
        let url = format!("http://{}/simulate/quirks", self.stand_in.address());
        assert!(reqwest::Client::new().patch(url).json(&change).send().await.unwrap().status().is_success());
    }
}

/// A daemon's processing over a store, by a clock that is moved by hand.
pub struct Played {
    pub store: Arc<Sqlite>,
    processor: Processor,
}

impl Played {
    pub fn open(path: &Path) -> Self {
        let store = Arc::new(Sqlite::open(path).unwrap());
        let from: Arc<dyn Store> = store.clone();
        let rules = Arc::clone(&from);
        let compile = move |hash: &str| {
            let bundle = Bundle::from_bytes(&rules.rule_set(hash).unwrap()?).unwrap();
            Some(Arc::new(bundle.compile().unwrap().0))
        };
        let processor = Processor::new(from, Box::new(compile), Arc::default(), 8192).unwrap();
        Self { store, processor }
    }

    pub fn rules(&mut self, bundle: &Bundle, at: Timestamp) {
        self.store.keep_rule_set(&bundle.hash(), &bundle.to_bytes()).unwrap();
        let row = NewRow { received_at: at, entry: Entry::RuleSet { hash: bundle.hash() } };
        self.store.append(&[row], at).unwrap();
        self.until(at);
    }

    pub fn take(&mut self, webhooks: &[&Webhook]) {
        for webhook in webhooks {
            self.store.append(&[row(webhook)], webhook.at).unwrap();
        }
        if let Some(last) = webhooks.last() {
            self.until(last.at);
        }
    }

    pub fn until(&mut self, at: Timestamp) {
        while self.processor.turn(at).unwrap().is_some() {}
    }

    /// Waits until nobody has the file open, so that all of it is in it.
    pub fn close(self) {
        let Self { mut store, processor } = self;
        drop(processor);
        while let Err(shared) = Arc::try_unwrap(store) {
            store = shared;
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Everything that waits to be sent is taken as delivered.
    pub fn deliver(&self, now: Timestamp) {
        loop {
            let mut render = |_: &_| Rendered::Failed { error: "a test".to_owned() };
            let leased = self.store.lease(now, now.plus(HOUR), &Room::new(100), &mut render).unwrap();
            if leased.is_empty() {
                return;
            }
            let attempts: Vec<Attempt> = leased
                .iter()
                .map(|delivery| Attempt {
                    delivery: delivery.id,
                    at: now,
                    took: Duration::ZERO,
                    result: AttemptResult::Delivered {
                        reply: "ok".to_owned(),
                        refused: None,
                        root: None,
                        rest: Vec::new(),
                    },
                    stand_ins: Vec::new(),
                })
                .collect();
            self.store.record(&attempts, now).unwrap();
        }
    }
}

fn row(webhook: &Webhook) -> NewRow {
    let envelope = Envelope::read(&webhook.body).unwrap();
    let entry = Entry::Event(EventRow {
        kind: envelope.kind.into_owned(),
        envelope_id: Some(envelope.id),
        log_id: None,
        source: Source::Webhook,
        body: Some(codec::encode(&webhook.body)),
    });
    NewRow { received_at: webhook.at, entry }
}

/// By type and payload, how often an event is there, and when it was received.
type Events = BTreeMap<(String, [u8; 32]), (usize, Vec<Timestamp>)>;

/// Every event of a journal that Impilo has sent, by type, with how often it is there, told by its payload.
fn events(store: &dyn Store) -> Events {
    let mut events = Events::new();
    for row in store.journal(0, 1_000_000).unwrap() {
        if let Entry::Event(event) = row.entry
            && event.source != Source::Reconciled
        {
            let body = codec::decode(&event.body.unwrap()).unwrap();
            let known = events.entry((event.kind, pulsewarden::impilo::print(&body).unwrap())).or_default();
            known.0 += 1;
            known.1.push(row.received_at);
        }
    }
    events
}

/// The state of every subject of a kind.
fn states(store: &dyn Store, kind: SubjectKind) -> BTreeMap<String, String> {
    let slices = store.subjects(kind, None, 1_000_000).unwrap();
    slices
        .into_iter()
        .map(|slice| (slice.subject.id.to_string(), serde_json::to_string(&slice.projection.record).unwrap()))
        .collect()
}

/// Alerts as they stood at an instant, without the times at which they were noticed.
fn alerts(store: &dyn Store, at: Timestamp) -> BTreeSet<String> {
    let filter = AlertFilter { limit: 1_000_000, ..AlertFilter::default() };
    let told = |alert: Alert| {
        let end = alert.end.as_ref().filter(|end| end.at <= at);
        let ended = end.map(|end| (alert.state, end.at));
        format!(
            "{} {} {} opened {} matched {} {ended:?} x{}",
            alert.rule, alert.subject, alert.severity, alert.opened_at, alert.matched_at, alert.count
        )
    };
    store.alerts(&filter).unwrap().into_iter().filter(|alert| alert.opened_at <= at).map(told).collect()
}

/// Rules of every kind, with times so short that hours are enough for them.
const RULES: &str = r#"
receivers: [{ name: team, phi: ids, cap: never, email: [{ to: [team@clinic.example] }] }]
route: { receiver: team, group_by: [alertname], group_wait: 30s, group_interval: 10m, repeat_interval: 24h }
rules:
  - { alert: Quiet, subject: device, silent: { event: ["reading.*", device.healthcheck], longer_than: 5h }, severity: warning }
  - { alert: Weighed, subject: device, event: reading.weight, where: "payload.weight > 200.0", severity: critical, resolve: [{ event: device.healthcheck }] }
  - { alert: Busy, subject: patient, event: "reading.*", count: { at_least: 2, within: 1h }, severity: warning }
  - { alert: Held, subject: order, while: 'order.status in ["orderPlaced", "awaitingShipment", "shipped"]', for: 2h, severity: info }
  - { alert: NotChecked, subject: device, event: reading.bloodPressure, not_followed_by: { event: device.healthcheck, same: device, within: 90m }, severity: info }
"#;

/// A world whose store is as a daemon left it that went away, and one that went on.
async fn prepare(account: &Account, impilo: &str) -> (World, Played) {
    let mut world = World::with(RULES, "").await;
    configure(&world, account, impilo);
    let library = concat!(env!("CARGO_MANIFEST_DIR"), "/rules");
    let bundle = Bundle::read(Some(Path::new(library)), &world.path("rules")).unwrap();
    {
        let mut left = Played::open(&world.path("pulsewarden.db"));
        left.rules(&bundle, account.begin);
        left.take(&account.before().collect::<Vec<_>>());
        left.until(account.gone);
        left.deliver(account.gone);
        left.store.probe(account.gone).unwrap();
        // What is read back is another test's.
        let (read_back_at, fleet_read_at) = (Some(account.back), Some(account.back));
        let notes = RecoveryNotes { read_back_at, fleet_read_at, ..RecoveryNotes::default() };
        left.store.note_recovery(&notes).unwrap();
        left.close();
    }
    fs::copy(world.path("pulsewarden.db"), world.path("never-away.db")).unwrap();
    if world.path("pulsewarden.db-wal").exists() {
        fs::copy(world.path("pulsewarden.db-wal"), world.path("never-away.db-wal")).unwrap();
    }
    let mut went_on = Played::open(&world.path("never-away.db"));
    went_on.take(&account.missed().collect::<Vec<_>>());
    world.start().await;
    (world, went_on)
}

fn configure(world: &World, account: &Account, impilo: &str) {
    fs::write(world.path("key"), "simulated-key").unwrap();
    world.configure("public_url: http://alerts.clinic.example");
    let path = world.path("pulsewarden.yaml");
    let text = fs::read_to_string(&path).unwrap();
    let key = world.path("key").display().to_string();
    let api = account.stand_in.address();
    let impilo = impilo.replace("KEY", &format!("api_key: {{ file: {key} }}, api: \"http://{api}\""));
    let often = if impilo.contains("requests_per_minute") { "" } else { "requests_per_minute: 6000, " };
    fs::write(&path, text.replace("impilo: { ", &format!("impilo: {{ {often}{impilo}"))).unwrap();
}

/// Events, states, and alerts as they stood at `at` are the same.
fn assert_same(world: &World, went_on: &mut Played, at: Timestamp) {
    went_on.until(Timestamp::from(chrono::Utc::now()));
    let (ours, theirs) = (world.store(), &*went_on.store);
    let (held, sent) = (events(ours), events(theirs));
    let differs = |one: &Events, other: &Events| -> Vec<String> {
        let other = one.iter().filter(|(event, count)| other.get(*event) != Some(*count));
        other.map(|((kind, _), (count, at))| format!("{kind} x{count} {at:?}")).collect()
    };
    assert_eq!((differs(&held, &sent), differs(&sent, &held)), (Vec::new(), Vec::new()));
    assert_same_states(ours, theirs);
    let (ours, theirs) = (alerts(ours, at), alerts(theirs, at));
    let only = |one: &BTreeSet<String>, other: &BTreeSet<String>| one.difference(other).cloned().collect::<Vec<_>>();
    assert_eq!((only(&ours, &theirs), only(&theirs, &ours)), (Vec::new(), Vec::new()));
}

/// What is known of devices, orders, returns and patients is the same.
fn assert_same_states(ours: &dyn Store, theirs: &dyn Store) {
    for kind in [SubjectKind::Device, SubjectKind::Order, SubjectKind::Return, SubjectKind::Patient] {
        let (ours, theirs) = (states(ours, kind), states(theirs, kind));
        let other = ours.iter().find(|(id, state)| theirs.get(*id) != Some(*state));
        assert_eq!(other.map(|(id, state)| (id, Some(state), theirs.get(id))), None);
        assert_eq!(ours.len(), theirs.len(), "{kind}");
    }
}

/// Waits until the daemon says whether it is whole.
pub async fn told_whole(world: &World, whole: bool) -> Value {
    eventually("the daemon knows whether it is whole", || {
        let told = world.json(&["status"])["whole"].clone();
        let known = told["last_outage"].is_object() && told["whole"] == whole;
        known.then_some(told)
    })
    .await
}

/// The one message that tells the team of the outage, as text; nothing that was due meanwhile goes by itself.
fn the_message(world: &World, account: &Account) -> String {
    let meanwhile = world.store().deliveries(None, None, 10_000).unwrap();
    let meanwhile = meanwhile.iter().filter(|row| account.gone < row.due && row.due < account.back);
    assert_eq!(meanwhile.count(), 0);
    let of_outage = |mail: &Mail| mail.header("Subject").is_some_and(|told| told.contains("after an outage"));
    let mails: Vec<Mail> = world.team_mails().into_iter().filter(of_outage).collect();
    assert_eq!(mails.len(), 1);
    mails[0].text()
}

#[tokio::test(flavor = "multi_thread")]
async fn four_hours_away_are_made_up_for_from_the_log() {
    for form in [LogPayload::Envelope, LogPayload::Payload] {
        let account = Account::new(Quirks { log_payload: form, ..Quirks::default() }).await;
        let (world, mut went_on) = prepare(&account, "KEY, ").await;
        let whole = told_whole(&world, true).await;
        world.settle().await;
        assert_same(&world, &mut went_on, account.back);
        let since = AlertFilter { noticed_from: Some(account.gone), limit: 10_000, ..AlertFilter::default() };
        let happened = went_on.store.alerts(&since).unwrap();
        for rule in ["Quiet", "Busy", "NotChecked"] {
            assert!(happened.iter().any(|alert| alert.rule == rule), "{rule} did not fire meanwhile");
        }
        let message = the_message(&world, &account);
        let missed = account.missed().count();
        assert!(message.contains(&format!("{missed} events of that time came back")), "{message}");
        assert!(message.contains("nothing is missing") && !message.contains("batteries"), "{message}");
        assert!(whole["sentence"].as_str().unwrap().starts_with("Whole: "), "{whole}");
        assert_eq!(whole["not_heard"], serde_json::json!([]));
        assert_eq!(world.run(&["impilo", "recover", "--since", "12h", "--dry-run"]).code, 0);
        let again: Value = world.json(&["impilo", "recover", "--since", "12h"]);
        assert_eq!(again["new"], 0, "{again}");
        let (_, refused) = account.stand_in.stop().await.unwrap();
        assert!(refused.is_empty(), "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_reached_is_read_when_it_can() {
    let account = Account::new(Quirks::default()).await;
    account.change(serde_json::json!({ "api_down": true })).await;
    let (world, mut went_on) = prepare(&account, "recovery_wait: 1s, KEY, ").await;
    let told = told_whole(&world, false).await;
    assert!(told["sentence"].as_str().unwrap().contains("could not be read"), "{told}");
    world.settle().await;
    let absences = |world: &World| world.alerts().iter().filter(|alert| alert["rule"] == "Quiet").count();
    let before = absences(&world);
    let went = went_on.store.alerts(&AlertFilter {
        noticed_before: Some(account.gone),
        limit: 10_000,
        ..AlertFilter::default()
    });
    let went = went.unwrap().iter().filter(|alert| alert.rule == "Quiet").count();
    assert_eq!(before, went, "no silence is held against a device while nothing is known of it");

    account.change(serde_json::json!({ "api_down": false })).await;
    told_whole(&world, true).await;
    world.settle().await;
    let (held, sent) = (events(world.store()), events(&*went_on.store));
    assert!(held.keys().eq(sent.keys()), "all that the log has is held");
    went_on.until(account.back);
    assert_same_states(world.store(), &*went_on.store);
    // What is wrong is told, though much that came and went meanwhile left no trace here.
    let open = |store: &dyn Store| -> BTreeSet<String> {
        let filter = AlertFilter { state: Some(AlertState::Firing), limit: 1_000_000, ..AlertFilter::default() };
        let open = store.alerts(&filter).unwrap().into_iter().filter(|alert| alert.opened_at <= account.back);
        open.map(|alert| format!("{} {}", alert.rule, alert.subject)).collect()
    };
    let missed: Vec<String> = open(&*went_on.store).difference(&open(world.store())).cloned().collect();
    assert_eq!(missed, Vec::<String>::new());
    // One message when it came back, and one when the log could be read.
    let told: Vec<_> = world.team_mails().iter().map(|mail| mail.header("Subject").unwrap_or_default()).collect();
    assert_eq!(told.iter().filter(|subject| subject.ends_with("after an outage")).count(), 2, "{told:?}");
    let silent = |store: &dyn Store| -> BTreeSet<String> {
        let open = alerts(store, account.back);
        open.into_iter().filter(|alert| alert.starts_with("Quiet") && alert.contains(" None ")).collect()
    };
    let (ours, theirs) = (silent(world.store()), silent(&*went_on.store));
    let only = |one: &BTreeSet<String>, other: &BTreeSet<String>| one.difference(other).cloned().collect::<Vec<_>>();
    assert_eq!((only(&ours, &theirs), only(&theirs, &ours)), (Vec::new(), Vec::new()), "silence is silence");
    let mails: String = world.team_mails().iter().map(|mail| mail.text()).collect();
    assert!(mails.contains("has now been able to make up for it"), "{mails}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_api_key_it_says_what_may_be_missing() {
    let account = Account::new(Quirks::default()).await;
    let (world, went_on) = prepare(&account, "").await;
    let told = told_whole(&world, false).await;
    assert!(told["sentence"].as_str().unwrap().contains("not configured"), "{told}");
    world.settle().await;
    let message = the_message(&world, &account);
    assert!(message.contains("Low batteries and weak signals"), "{message}");
    let known: BTreeSet<String> = alerts(&*went_on.store, account.gone);
    let fresh: Vec<_> =
        alerts(world.store(), account.back).into_iter().filter(|alert| alert.starts_with("Quiet")).collect();
    let known: Vec<_> = known.into_iter().filter(|alert| alert.starts_with("Quiet")).collect();
    assert_eq!(fresh.len(), known.len(), "no silence is told that nobody could know of");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_rows_are_put_into_their_place_it_has_each_once() {
    let account = Account::new(Quirks::default()).await;
    // After the start nothing is asked for in time.
    let (mut world, mut went_on) = prepare(&account, "requests_per_minute: 1, KEY, ").await;
    let missed = account.missed().count();
    let recovered = |world: &World| -> usize {
        let rows = world.store().journal(0, 1_000_000).unwrap().into_iter();
        rows.filter(|row| matches!(&row.entry, Entry::Event(event) if event.source == Source::Recovered)).count()
    };
    let seed = fastrand::u64(..);
    eprintln!("instants of seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut partly = 0;
    for round in 0..4 {
        if round == 0 {
            // The first part is in place, and the next is still being read.
            eventually("rows are put into their place", || (recovered(&world) > 0).then_some(())).await;
        } else {
            tokio::time::sleep(Duration::from_millis(random.u64(0..400))).await;
        }
        world.kill();
        let there = recovered(&world);
        partly += usize::from(there > 0 && there < missed);
        world.start().await;
    }
    eprintln!("killed {partly} times with a part of {missed} rows in place");
    told_whole(&world, true).await;
    world.settle().await;
    assert_same(&world, &mut went_on, account.back);
    assert_eq!(recovered(&world), missed);
    assert!(the_message(&world, &account).contains("nothing is missing"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_in_no_form_that_can_be_read_lies_in_quarantine_and_is_told() {
    for form in [LogPayload::SingleQuotes, LogPayload::Cut] {
        let account = Account::new(Quirks { log_payload: form, ..Quirks::default() }).await;
        let (world, went_on) = prepare(&account, "KEY, ").await;
        let told = not_whole(&world).await;
        assert!(sentence(&told).contains("rows of Impilo's log cannot be read"), "{told}");
        // Rows of one instant count as one.
        let missed: Vec<Timestamp> = account.missed().map(|webhook| webhook.at).collect();
        let instants = missed.iter().collect::<BTreeSet<_>>().len();
        let unreadable = usize::try_from(told["unreadable"].as_u64().unwrap()).unwrap();
        assert!(
            (instants..=missed.len() + account.before().count()).contains(&unreadable),
            "{unreadable} of {instants}"
        );
        let quarantined = world.store().figures().unwrap().quarantined;
        assert!(quarantined > 0);
        // Looked at again, they are the same.
        let again = world.run(&["impilo", "recover", "--since", "4h"]);
        assert!(again.code == 1 && again.stdout.contains("are in quarantine"), "{again:?}");
        let later = world.json(&["status"])["whole"].clone();
        assert_eq!(later["unreadable"], told["unreadable"], "{later}");
        assert_eq!(world.store().figures().unwrap().quarantined, quarantined);
        world.settle().await;
        let message = the_message(&world, &account);
        assert!(message.contains("cannot be read and lie in quarantine"), "{message}");
        drop(went_on);
    }
}
