//! An outbox that is delivered by the clock of a test, to a mail server and Slacks that do as they are told.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use pulsewarden::clock::Clock;
use pulsewarden::config::{Bundle, Email, SecretRef, Settings};
use pulsewarden::deliver::{self, Lanes};
use pulsewarden::demo::mail_catcher::MailCatcher;
use pulsewarden::demo::slack_stand_in::SlackStandIn;
use pulsewarden::engine::{
    Alert, AlertState, Channel, Content, End, Evidence, Labels, Notification, Protection, Reason, Receiver, Records,
    RuleFiles, RuleSet, Seen, Severity, Subject, SubjectKind, Timestamp, Value,
};
use pulsewarden::notify::{Senders, Templates};
use pulsewarden::store::sqlite::Sqlite;
use pulsewarden::store::{DeliveryRow, DeliveryState, Outcome, Progress, Store};
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::stand_in::{Answer, StandIn};

const PATIENCE: Duration = Duration::from_secs(60);

/// How long a mail is waited for, in real time.
const MAIL_TIMEOUT: Duration = Duration::from_millis(400);

/// Mails to `ops` and to `it`; Slack messages to `chat` and to `steady`, each by a webhook of its own, and to `room` by a bot.
pub const RULES: &str = r##"
receivers:
  - { name: ops, phi: ids, email: [{ to: [ops@clinic.example] }], fallback: it, fallback_after: 30m }
  - { name: it, phi: none, email: [{ to: [it@clinic.example] }], slack: [{ webhook: steady }] }
  - { name: chat, phi: ids, slack: [{ webhook: chat }] }
  - { name: room, phi: ids, slack: [{ channel: "#room" }] }
  - { name: steady, phi: ids, slack: [{ webhook: steady }] }
route: { receiver: ops }
"##;

pub struct World {
    folder: TempDir,
    pub store: Arc<dyn Store>,
    hand: Arc<AtomicI64>,
    pub mail: MailCatcher,
    pub chat: SlackStandIn,
    pub steady: SlackStandIn,
    /// Slack's Web API, for the bot.
    pub room: StandIn,
    senders: watch::Sender<Arc<Senders>>,
    rules: watch::Sender<Arc<RuleSet>>,
    pub lanes: Arc<Lanes>,
    wake: Arc<Notify>,
    running: Option<(CancellationToken, JoinHandle<()>)>,
}

impl World {
    pub async fn new() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(Sqlite::open(&folder.path().join("pulsewarden.db")).unwrap());
        let (mail, _) = MailCatcher::start().await.unwrap();
        let (chat, _) = SlackStandIn::start().unwrap();
        let (steady, _) = SlackStandIn::start().unwrap();
        let room = StandIn::start(|_| posted()).await;
        std::fs::write(folder.path().join("chat"), chat.url()).unwrap();
        std::fs::write(folder.path().join("steady"), steady.url()).unwrap();
        std::fs::write(folder.path().join("bot"), "xoxb-test").unwrap();
        let mut world = Self {
            hand: Arc::new(AtomicI64::new(1_772_445_600_000)),
            senders: watch::Sender::new(Arc::new(Senders::new(&Settings::default()).unwrap())),
            rules: watch::Sender::new(Arc::default()),
            lanes: Arc::default(),
            wake: Arc::default(),
            running: None,
            folder,
            store,
            mail,
            chat,
            steady,
            room,
        };
        world.mail_goes_to(&world.mail.url());
        world.rules_become(RULES);
        world.start();
        world
    }

    fn settings(&self, smtp: &str) -> Settings {
        let webhook = |name: &str| (name.to_owned(), SecretRef::File(self.folder.path().join(name)));
        let mut settings = Settings {
            email: Some(Email {
                smtp: smtp.to_owned(),
                username: None,
                password: None,
                ca_file: None,
                from: "Pulsewarden <alerts@clinic.example>".to_owned(),
                timeout: MAIL_TIMEOUT,
            }),
            ..Settings::default()
        };
        settings.slack.webhooks = BTreeMap::from([webhook("chat"), webhook("steady")]);
        settings.slack.bot_token = Some(SecretRef::File(self.folder.path().join("bot")));
        settings.pagerduty.integrations =
            BTreeMap::from([("oncall".to_owned(), SecretRef::File(self.folder.path().join("bot")))]);
        settings.pagerduty.api = self.room.url();
        settings.slack.api = format!("{}/api", self.room.url());
        settings
    }

    /// From now on mail goes to this server, as after a reload.
    pub fn mail_goes_to(&self, smtp: &str) {
        self.senders.send_replace(Arc::new(Senders::new(&self.settings(smtp)).unwrap()));
    }

    /// The webhook of `chat` leads there from now on.
    pub fn chat_goes_to(&self, url: &str) {
        std::fs::write(self.folder.path().join("chat"), url).unwrap();
    }

    /// Begins to deliver, as a daemon that has just been started.
    pub fn start(&mut self) {
        self.store.release().unwrap();
        self.lanes = Arc::default();
        let stop = CancellationToken::new();
        let delivery = deliver::run(deliver::Parts {
            store: Arc::clone(&self.store),
            clock: Clock::Hand(Arc::clone(&self.hand)),
            senders: self.senders.subscribe(),
            templates: watch::Sender::new(Arc::new(Templates::shipped())).subscribe(),
            links: Arc::new(|_| None),
            rule_sets: self.rules.subscribe(),
            settings: Settings::default().delivery,
            lanes: Arc::clone(&self.lanes),
            wake: Arc::clone(&self.wake),
            stop: stop.clone(),
        });
        self.running = Some((stop, tokio::spawn(delivery)));
    }

    /// Stops delivering once what is under way has ended.
    pub async fn stop(&mut self) {
        let (stop, delivery) = self.running.take().unwrap();
        stop.cancel();
        delivery.await.unwrap();
    }

    pub fn now(&self) -> Timestamp {
        Timestamp(self.hand.load(Ordering::SeqCst))
    }

    /// Moves the clock and lets what is due then be tried.
    pub async fn advance(&self, seconds: i64) {
        self.hand.fetch_add(seconds * 1000, Ordering::SeqCst);
        self.wake.notify_one();
        tokio::time::sleep(Duration::from_millis(15)).await;
    }

    /// Moves the clock on, half a minute at a time.
    pub async fn pass(&self, minutes: i64) {
        for _ in 0..minutes * 2 {
            self.advance(30).await;
        }
    }

    pub fn tell(&self, notification: Notification) {
        self.store.enqueue(&[notification]).unwrap();
        self.wake.notify_one();
    }

    /// A message of the group, named by its key, about alerts that are open and others that have ended.
    pub fn message(&self, key: &str, to: &str, group: &str, firing: &[u64], ended: &[u64]) -> Notification {
        let rules = self.rules.borrow();
        let receiver = rules.receiver(to).unwrap();
        Notification {
            key: key.to_owned(),
            receiver: to.to_owned(),
            phi: receiver.phi,
            channel: receiver.channels[0].clone(),
            group: group.to_owned(),
            due: self.now(),
            content: Content::Alerts {
                group_labels: Labels::new(),
                firing: firing.iter().map(|number| alert(*number)).collect(),
                ended: ended.iter().map(|number| over(*number, self.now())).collect(),
                firing_omitted: 0,
                ended_omitted: 0,
                repeat: false,
                update: false,
                thread: 0,
            },
            remarks: Vec::new(),
        }
    }

    /// The alert ends, as processing commits it.
    pub fn end(&self, number: u64) {
        self.commit(&self.store.progress().unwrap(), &[over(number, self.now())]);
    }

    /// These rules come into force, as processing commits it.
    pub fn rules_become(&self, rules: &str) {
        let rules = Bundle::of(&[("rules.yaml", rules)]).compile();
        let (rules, _) = rules.unwrap_or_else(|bad| panic!("{}", bad.render(false)));
        let progress = Progress { rule_set: rules.hash.clone(), ..self.store.progress().unwrap() };
        self.commit(&progress, &[]);
        self.rules.send_replace(Arc::new(rules));
    }

    /// The mails to `ops` go to these addresses, whatever a rule file may say.
    pub fn ops_is_at(&self, addresses: &[&str]) {
        let ops = Receiver {
            name: "ops".to_owned(),
            phi: Protection::Ids,
            channels: vec![Channel::Email { to: addresses.iter().map(|address| (*address).to_owned()).collect() }],
            send_resolved: true,
            fallback: self.rules.borrow().receiver("ops").and_then(|ops| ops.fallback.clone()),
            cap: None,
            quiet: None,
        };
        let others = self.rules.borrow().receivers.iter().filter(|one| one.name != "ops").cloned().collect::<Vec<_>>();
        let receivers = std::iter::once(ops).chain(others).collect();
        let rules = RuleSet::new(RuleFiles { hash: "ops".to_owned(), receivers, ..RuleFiles::default() });
        let progress = Progress { rule_set: rules.hash.clone(), ..self.store.progress().unwrap() };
        self.commit(&progress, &[]);
        self.rules.send_replace(Arc::new(rules));
    }

    fn commit(&self, progress: &Progress, ended: &[Alert]) {
        let noticed_at = self.now();
        let (slices, transitions, notifications) = (&[], &[], &[]);
        let outcome =
            Outcome { progress, slices, ended, transitions, notifications, records: &Records::default(), noticed_at };
        self.store.commit(&outcome).unwrap();
    }

    pub fn rows(&self) -> Vec<DeliveryRow> {
        self.store.deliveries(None, None, 10_000).unwrap()
    }

    pub fn row(&self, key: &str) -> DeliveryRow {
        self.rows().into_iter().find(|row| row.key == key).unwrap_or_else(|| panic!("there is no {key}"))
    }

    /// Waits while the clock stands until something is so.
    pub async fn until(&self, what: &str, mut is: impl FnMut(&Self) -> bool) {
        self.until_moving(0, what, &mut is).await;
    }

    async fn until_moving(&self, seconds: i64, what: &str, is: &mut dyn FnMut(&Self) -> bool) {
        let patience = tokio::time::Instant::now() + PATIENCE;
        while !is(self) {
            assert!(tokio::time::Instant::now() < patience, "waited in vain: {what}: {:#?}", self.rows());
            self.advance(seconds).await;
        }
    }

    /// Waits while the clock stands until all deliveries to a receiver are in this state.
    pub async fn until_all(&self, receiver: &str, state: DeliveryState) {
        let are = |world: &Self| world.rows().iter().all(|row| row.receiver != receiver || row.state == state);
        self.until("every delivery", are).await;
    }

    /// Moves the clock until nothing waits to be delivered.
    pub async fn until_nothing_waits(&self) {
        let mut is_so = |world: &Self| world.rows().iter().all(|row| row.state != DeliveryState::Waiting);
        self.until_moving(30, "every delivery", &mut is_so).await;
    }

    /// How many mails came to an address, by `Message-ID` without its domain.
    pub fn mails_to(&self, address: &str) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for mail in self.mail.mails().iter().filter(|mail| mail.to.iter().any(|to| to == address)) {
            let id = mail.header("Message-ID").unwrap();
            *counts.entry(id.trim_start_matches('<').split('@').next().unwrap().to_owned()).or_default() += 1;
        }
        counts
    }
}

/// What Slack's Web API says of a message that it takes.
pub fn posted() -> Answer {
    Answer::json(&json!({ "ok": true, "channel": "C0001", "ts": "1700000000.000100" }))
}

/// What Slack's Web API says of one that it does not take, in a word, with status 200.
pub fn not_posted(word: &str) -> Answer {
    Answer::json(&json!({ "ok": false, "error": word }))
}

/// An address of this machine at which nobody listens.
pub fn nobody() -> String {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().to_string()
}

/// An address of this machine at which every connection is reset after its first bytes.
pub fn resetter() -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            // Closed with bytes unread, which the other side hears of as a reset.
            std::thread::sleep(Duration::from_millis(2));
            drop(stream);
        }
    });
    address
}

/// An address of this machine at which nothing is ever answered.
pub fn silent() -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || listener.incoming().map_while(Result::ok).collect::<Vec<_>>());
    address
}

/// How often a Slack was told of an alert.
pub fn told_of(slack: &SlackStandIn, number: u64) -> usize {
    let name = format!("#{number}\n");
    slack.messages().iter().filter(|message| message["blocks"].to_string().replace("\\n", "\n").contains(&name)).count()
}

fn alert(number: u64) -> Alert {
    Alert {
        number,
        rule: "DeviceBatteryLow".to_owned(),
        subject: Subject::new(SubjectKind::Device, "1"),
        episode: 1,
        state: AlertState::Firing,
        severity: Severity::Warning,
        labels: BTreeMap::from([(
            "patient".to_owned(),
            Seen { value: Value::from("patient-4711"), protection: Protection::Ids },
        )]),
        opened_at: Timestamp(1),
        noticed_at: Timestamp(1),
        matched_at: Timestamp(1),
        count: 1,
        evidence: Evidence::default(),
        annotations: BTreeMap::from([("summary".to_owned(), "battery low".to_owned())]),
        end: None,
        groups: Vec::new(),
        told_group_at: Timestamp(1),
        rule_set: "hash".to_owned(),
        ending: None,
        baseline: false,
        shadow: false,
        fired: 1,
        acknowledged: None,
        assignee: None,
        notes: Vec::new(),
        escalates_from: None,
        escalated: BTreeSet::new(),
        inhibition: Vec::new(),
        inhibited_by: BTreeMap::new(),
        changed: true,
    }
}

fn over(number: u64, at: Timestamp) -> Alert {
    let end = End { at, noticed_at: at, reason: Reason::Disassociated, event: None };
    Alert { state: AlertState::Resolved, end: Some(end), ..alert(number) }
}
