//! `kill -9` at many instants changes nothing that the journal decides.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pulsewarden::engine::Timestamp;
use pulsewarden::store::sqlite::Sqlite;
use pulsewarden::store::{Entry, JournalRow, NewRow, Store};
use reqwest::StatusCode;
use serde_json::Value;
use tokio::sync::watch;

use crate::events::{association_removed, battery, health_check};
use crate::harness::{SECRET, World, eventually};

const EVENTS: u64 = 5000;
const KILLS: u64 = 24;
const CLIENTS: u64 = 8;
const DEVICES: u64 = 160;

/// Each alert is told when it fires and never again, so what is sent does not depend on when.
const RULES: &str = r#"
receivers:
  - { name: team, phi: ids, cap: never, send_resolved: false, email: [{ to: [team@clinic.example] }], slack: [{ webhook: alerts }] }
route: { receiver: team, group_by: ["..."], group_wait: 0s, group_interval: 1s, repeat_interval: 24h }
"#;

/// Three devices of four have low batteries; some of them are taken from their patients at last.
fn event(id: u64) -> Value {
    let device = 9000 + id % DEVICES;
    match id {
        _ if id > EVENTS - DEVICES && device.is_multiple_of(5) => association_removed(id, device),
        _ if id.is_multiple_of(3) => health_check(id, device),
        _ if device.is_multiple_of(4) => battery(id, device, 30 + id % 60),
        _ => battery(id, device, 6 + id % 12),
    }
}

/// Posts its share of the events in order, each until it is answered with 200.
async fn client(share: u64, mut url: watch::Receiver<String>, answered: Arc<AtomicU64>) {
    let http = reqwest::Client::new();
    for id in (1..=EVENTS).filter(|id| id % CLIENTS == share) {
        let body = event(id).to_string();
        loop {
            let to = url.borrow_and_update().clone();
            let posted = http.post(to).header("Impilo-Webhook-Secret", SECRET).body(body.clone()).send().await;
            if posted.is_ok_and(|response| response.status() == StatusCode::OK) {
                answered.fetch_add(1, Ordering::SeqCst);
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn journal(store: &Sqlite) -> Vec<JournalRow> {
    store.journal(0, usize::try_from(EVENTS).unwrap() * 2).unwrap()
}

/// Fills the store of a world that never ran with the journal of another.
fn copy_journal(from: &Sqlite, to: &World) {
    let rows = journal(from);
    let store = Sqlite::open(&to.path("pulsewarden.db")).unwrap();
    for same in rows.chunk_by(|a, b| a.at == b.at) {
        let new: Vec<NewRow> =
            same.iter().map(|row| NewRow { received_at: row.received_at, entry: row.entry.clone() }).collect();
        for row in same {
            if let Entry::RuleSet { hash } = &row.entry {
                store.keep_rule_set(hash, &from.rule_set(hash).unwrap().unwrap()).unwrap();
            }
        }
        store.append(&new, same[0].at).unwrap();
    }
    let places = |rows: &[JournalRow]| rows.iter().map(|row| (row.position, row.at)).collect::<Vec<(u64, Timestamp)>>();
    assert_eq!(places(&journal(&store)), places(&rows));
}

/// The team's mails by Message-ID. A repeat is allowed where it is the same message.
fn mails(world: &World) -> BTreeMap<String, (String, String)> {
    let mut mails = BTreeMap::new();
    for mail in world.team_mails() {
        let said = (mail.header("Subject").unwrap(), mail.text());
        let before = mails.insert(mail.header("Message-ID").unwrap(), said.clone());
        assert!(before.is_none_or(|before| before == said), "two messages with one Message-ID");
    }
    mails
}

fn slack_messages(world: &World) -> BTreeSet<String> {
    world.slack.messages().iter().map(ToString::to_string).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn killing_it_again_and_again_changes_nothing() {
    let mut world = World::with(RULES, "").await;
    world.start().await;
    let url = watch::Sender::new(world.url());
    let answered = Arc::new(AtomicU64::new(0));
    let clients: Vec<_> =
        (0..CLIENTS).map(|share| tokio::spawn(client(share, url.subscribe(), Arc::clone(&answered)))).collect();

    let seed = fastrand::u64(..);
    eprintln!("instants of seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    for kill in 1..=KILLS {
        let far_enough = kill * (EVENTS - 200) / KILLS;
        eventually("events are answered", || (answered.load(Ordering::SeqCst) >= far_enough).then_some(())).await;
        tokio::time::sleep(Duration::from_micros(random.u64(0..40_000))).await;
        world.kill();
        world.start().await;
        url.send_replace(world.url());
    }
    for client in clients {
        client.await.unwrap();
    }
    world.settle().await;

    let kept: Vec<String> = journal(world.store())
        .into_iter()
        .filter_map(|row| match row.entry {
            Entry::Event(event) => event.envelope_id,
            _ => None,
        })
        .collect();
    let distinct: BTreeSet<&String> = kept.iter().collect();
    assert_eq!((kept.len() as u64, distinct.len() as u64), (EVENTS, EVENTS), "each answered event is kept once");

    let mut uncrashed = World::with(RULES, "").await;
    copy_journal(world.store(), &uncrashed);
    uncrashed.start().await;
    uncrashed.settle().await;

    assert_eq!(world.alerts(), uncrashed.alerts());
    assert!(!world.alerts().is_empty());
    assert_eq!(mails(&world), mails(&uncrashed));
    assert_eq!(slack_messages(&world), slack_messages(&uncrashed));
    assert_eq!(mails(&world).len(), world.alerts().len());
}
