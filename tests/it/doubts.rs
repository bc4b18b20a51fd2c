//! What Impilo's log does not vouch for does not count as heard, and it is said why.

use std::path::Path;
use std::time::Duration;

use pulsewarden::config::Bundle;
use pulsewarden::engine::{Interval, Lack, Outage, Recovery, Source, Timestamp};
use pulsewarden::journal::codec;
use pulsewarden::store::sqlite::Sqlite;
use pulsewarden::store::{Entry, EventRow, NewRow, RecoveryNotes, Store};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::harness::{World, eventually};
use super::impilo::{Impilo, PUBLIC, URL};
use super::recovery::{Played, told_whole};
use super::stand_in::Answer;

pub const HOUR: Duration = Duration::from_secs(3600);

const OTHER: &str = "https://staging.clinic.example/webhooks/impilo";

const RULES: &str = r#"
receivers: [{ name: team, phi: ids, cap: never, email: [{ to: [team@clinic.example] }] }]
route: { receiver: team, group_by: [alertname], group_wait: 1s, group_interval: 5s, repeat_interval: 24h }
rules:
  - { alert: Quiet, subject: device, silent: { longer_than: 5h }, severity: critical }
"#;

pub fn ago(hours: u32) -> Timestamp {
    Timestamp::from(chrono::Utc::now()).minus(HOUR * hours)
}

/// A daemon that heard of one device and then was away for `hours`, started anew.
pub async fn back_after(hours: u32, impilo: &Impilo) -> World {
    back_with(hours, impilo, |_, _| ()).await
}

/// As [`back_after`], where `before` did something to the store before the daemon went away.
pub async fn back_with(hours: u32, impilo: &Impilo, before: impl FnOnce(&dyn Store, Timestamp)) -> World {
    let mut world = World::with(RULES, "").await;
    world.configure(&impilo.configuration(&world));
    let library = concat!(env!("CARGO_MANIFEST_DIR"), "/rules");
    let bundle = Bundle::read(Some(Path::new(library)), &world.path("rules")).unwrap();
    let gone = ago(hours);
    let mut left = Played::open(&world.path("pulsewarden.db"));
    left.rules(&bundle, gone.minus(HOUR));
    let body = json!({ "id": 1, "type": "device.healthcheck", "payload": { "device": { "id": 9 } } }).to_string();
    let entry = Entry::Event(EventRow {
        kind: "device.healthcheck".to_owned(),
        envelope_id: Some("1".to_owned()),
        log_id: None,
        source: Source::Webhook,
        body: Some(codec::encode(body.as_bytes())),
    });
    let heard_at = gone.minus(HOUR / 2);
    left.store.append(&[NewRow { received_at: heard_at, entry }], heard_at).unwrap();
    before(&*left.store, gone);
    left.until(gone);
    left.deliver(gone);
    left.store.probe(gone).unwrap();
    left.close();
    world.start().await;
    world
}

/// A row of the log about a device that was heard from.
pub fn row(id: i64, webhook: i64, url: Option<&str>, at: Timestamp) -> Value {
    let body = json!({ "id": 1000 + id, "type": "device.healthcheck", "payload": { "device": { "id": 100 + id } } });
    let mut row = json!({
        "id": id, "webhookId": webhook, "webhookType": "device.healthcheck", "createTimestamp": at.to_string(),
        "payload": body.to_string(), "retryAttempts": 3, "lastResponseStatus": 503,
    });
    if let Some(url) = url {
        row["webhookUrl"] = url.into();
    }
    row
}

/// What the team was mailed, as one line.
pub fn mails(world: &World) -> String {
    let mails: String = world.team_mails().iter().map(|mail| mail.text()).collect();
    mails.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What the daemon says when it knows that it is not whole.
pub async fn not_whole(world: &World) -> Value {
    eventually("the gap is told", || {
        let told = world.json(&["status"])["whole"].clone();
        sentence(&told).starts_with("Not whole").then_some(told)
    })
    .await
}

async fn known(world: &World, whole: bool) -> Value {
    if whole { told_whole(world, true).await } else { not_whole(world).await }
}

pub fn sentence(told: &Value) -> &str {
    told["sentence"].as_str().unwrap()
}

/// The devices of which events were taken from the log.
pub fn recovered(world: &World) -> usize {
    let rows = world.store().journal(0, 1000).unwrap().into_iter();
    rows.filter(|row| matches!(&row.entry, Entry::Event(event) if event.source == Source::Recovered)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_for_other_addresses_vouch_for_nothing_until_the_address_is_right() {
    let impilo = Impilo::start().await;
    impilo.log_by_time(&[]);
    impilo.account().add("device.healthcheck", OTHER);
    impilo.account().log = (1..=3).map(|id| row(id, 1, Some(OTHER), ago(4))).collect();
    let mut world = back_after(6, &impilo).await;
    let told = not_whole(&world).await;
    assert!(sentence(&told).contains("3 events of that time, all for other addresses"), "{told}");
    let looked = world.run(&["impilo", "recover", "--since", "6h", "--dry-run"]).stdout;
    assert!(looked.contains("it is not known whether anything is missing"), "{looked}");
    world.settle().await;
    assert_eq!(world.alerts(), Vec::<Value>::new(), "no silence is told that nobody could know of");
    let mails = mails(&world);
    assert!(mails.contains("all for other addresses") && !mails.contains("nothing is missing"), "{mails}");

    world.stop().await;
    let path = world.path("pulsewarden.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace(PUBLIC, "https://staging.clinic.example")).unwrap();
    world.start().await;
    let told = told_whole(&world, true).await;
    assert!(sentence(&told).starts_with("Whole: "), "{told}");
    assert_eq!(recovered(&world), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_others_are_no_evidence_where_a_subscription_led_here_all_the_time() {
    // What was known before the daemon went away: nothing, that one did, and that none did.
    for (before, whole) in [(None, true), (Some(true), true), (Some(false), false)] {
        let impilo = Impilo::start().await;
        impilo.log_by_time(&[]);
        impilo.account().add("device.healthcheck", OTHER);
        impilo.account().add("device.healthcheck", URL);
        impilo.account().log = (1..=3).map(|id| row(id, 1, Some(OTHER), ago(4))).collect();
        let world = back_with(6, &impilo, |store, _| {
            let read_for = Sha256::digest(URL).iter().map(|byte| format!("{byte:02x}")).collect();
            let notes = RecoveryNotes { subscribed: before, read_for: Some(read_for), ..RecoveryNotes::default() };
            store.note_recovery(&notes).unwrap();
        })
        .await;
        let told = known(&world, whole).await;
        assert!(whole || sentence(&told).contains("3 events of that time, all for other addresses"), "{told}");
        let looked = world.run(&["impilo", "recover", "--since", "6h", "--dry-run"]).stdout;
        assert!(looked.contains("3 for others") && looked.contains("Nothing is missing."), "{looked}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_recovers_later_leaves_no_stretch_unread_before_it() {
    let impilo = Impilo::start().await;
    impilo.log_by_time(&[]);
    impilo.account().add("device.healthcheck", URL);
    let mut world = World::with(RULES, "").await;
    world.configure(&impilo.configuration(&world));
    // The log could not be read for a day, while the daemon was there.
    let store = Sqlite::open(&world.path("pulsewarden.db")).unwrap();
    let notes = RecoveryNotes { read_until: Some(ago(24)), ..RecoveryNotes::default() };
    store.note_recovery(&notes).unwrap();
    drop(store);
    impilo.account().log = vec![row(1, 1, Some(URL), ago(12)), row(2, 1, Some(URL), ago(1))];
    impilo.interrupt(|_, asked| asked.path.contains("/webhook/logs").then(|| Answer::status(400)));
    world.start().await;
    eventually("the log was asked for", || {
        impilo.api.asked().iter().any(|asked| asked.path.contains("/webhook/logs")).then_some(())
    })
    .await;
    impilo.log_by_time(&[]);
    let read = world.json(&["impilo", "recover", "--since", "2h"]);
    assert_eq!(read["new"], 1, "{read}");
    let until: Timestamp = serde_json::from_value(world.json(&["status"])["whole"]["read_until"].clone()).unwrap();
    assert!(until <= ago(23), "{until}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_log_vouches_only_where_a_subscription_leads_here() {
    for (url, whole) in [(None, false), (Some(OTHER), false), (Some(URL), true)] {
        let impilo = Impilo::start().await;
        if let Some(url) = url {
            impilo.account().add("device.healthcheck", url);
        }
        let world = back_after(6, &impilo).await;
        let told = known(&world, whole).await;
        assert!(whole || sentence(&told).contains("none of Impilo's webhooks leads here"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_without_an_address_are_told_by_their_subscription() {
    // Ours, another's, and one that nobody knows.
    for (webhook, whole, taken) in [(1, true, 1), (2, true, 0), (9, false, 0)] {
        let impilo = Impilo::start().await;
        impilo.log_by_time(&[]);
        impilo.account().add("device.healthcheck", URL);
        impilo.account().add("device.healthcheck", OTHER);
        impilo.account().log = vec![row(1, 1, Some(URL), ago(8)), row(2, webhook, None, ago(4))];
        let world = back_after(6, &impilo).await;
        let told = known(&world, whole).await;
        assert!(whole || sentence(&told).contains("do not tell for whom they are"), "{told}");
        assert_eq!(recovered(&world), 1 + taken, "webhook {webhook}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_with_the_list_of_subscriptions_decides_nothing() {
    let impilo = Impilo::start().await;
    impilo.log_by_time(&[]);
    let subscription = impilo.account().add("device.healthcheck", URL);
    impilo.account().log = (1..=5).map(|id| row(id, subscription, None, ago(6).plus(HOUR))).collect();
    impilo.account().trouble = 8;
    let world = back_after(8, &impilo).await;
    told_whole(&world, true).await;
    assert_eq!(recovered(&world), 5);
    world.settle().await;
    assert!(!mails(&world).contains("may have been missed"), "{}", mails(&world));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_in_doubt_is_looked_at_again_when_somebody_recovers_it() {
    let impilo = Impilo::start().await;
    impilo.log_by_time(&[]);
    let world = back_after(4, &impilo).await;
    let told = not_whole(&world).await;
    assert!(sentence(&told).contains("none of Impilo's webhooks leads here"), "{told}");
    impilo.account().add("device.healthcheck", URL);
    assert_eq!(world.run(&["impilo", "recover", "--since", "5h"]).code, 0);
    let told = told_whole(&world, true).await;
    assert!(told["sentence"].as_str().unwrap().starts_with("Whole: "), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_further_back_than_the_log_stays_unheard() {
    // Longer than is read, and longer than the log reaches back.
    for (hours, oldest) in [(40 * 24, 35 * 24), (3 * 24, 24)] {
        let impilo = Impilo::start().await;
        impilo.log_by_time(&[]);
        impilo.account().add("device.healthcheck", URL);
        impilo.account().log = vec![row(1, 1, Some(URL), ago(oldest)), row(2, 1, Some(URL), ago(2))];
        let world = back_after(hours, &impilo).await;
        let told = not_whole(&world).await;
        assert!(sentence(&told).contains("further back"), "{told}");
        let left: Vec<Timestamp> =
            ["from", "to"].map(|end| serde_json::from_value(told["not_heard"][0][end].clone()).unwrap()).to_vec();
        let reached = if hours > 30 * 24 { ago(30 * 24) } else { ago(oldest) };
        assert!(left[1].since(reached) < HOUR && reached.since(left[1]) < HOUR, "{left:?}");
        world.settle().await;
        let mails = mails(&world);
        assert!(mails.contains("further back") && !mails.contains("nothing is missing"), "{mails}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_outages_that_were_told_are_withdrawn_once_nothing_is_missing() {
    let impilo = Impilo::start().await;
    impilo.log_by_time(&[]);
    impilo.account().add("device.healthcheck", URL);
    impilo.account().log = vec![row(1, 1, Some(URL), ago(20)), row(2, 1, Some(URL), ago(10))];
    let world = back_with(3, &impilo, |store, gone| {
        let earlier =
            [(23, 18), (13, 8)].map(|(from, to)| Interval { from: gone.minus(HOUR * from), to: gone.minus(HOUR * to) });
        let told = |interval: Interval| Outage {
            interval,
            recovered: 0,
            unreadable: 0,
            others: 0,
            lacks: Some(Lack::Unreachable),
            late: false,
        };
        for interval in earlier {
            let row = |entry| NewRow { received_at: interval.to, entry };
            let ended = Recovery::Ended { outage: told(interval) };
            store.append(&[row(Entry::Blind(interval)), row(Entry::Recovery(ended))], interval.from).unwrap();
        }
        let notes = RecoveryNotes {
            absences: earlier.to_vec(),
            owed: earlier.to_vec(),
            last_outage: Some(told(earlier[1])),
            ..RecoveryNotes::default()
        };
        store.note_recovery(&notes).unwrap();
    })
    .await;
    told_whole(&world, true).await;
    world.settle().await;
    assert_eq!(recovered(&world), 2);
    let mails = mails(&world);
    assert_eq!(mails.matches("has now been able to make up for it").count(), 1, "{mails}");
    assert!(mails.contains("2 events of that time came back from Impilo's log: nothing is missing"), "{mails}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_of_impilo_that_is_ahead_makes_nothing_new() {
    let impilo = Impilo::start().await;
    let mut world = World::with(RULES, "").await;
    world.configure(&impilo.configuration(&world));
    world.start().await;
    let payload = json!({ "batteryPercentage": 5, "device": { "id": 9 } });
    assert!(world.post(&json!({ "id": 7, "type": "device.lowBattery", "payload": payload })).await.is_success());
    let ahead = Timestamp::from(chrono::Utc::now()).plus(Duration::from_secs(600));
    impilo.account().add("device.lowBattery", URL);
    let mut logged = row(1, 1, Some(URL), ahead);
    (logged["webhookType"], logged["payload"]) = ("device.lowBattery".into(), payload.to_string().into());
    impilo.account().log = vec![logged];
    impilo.interrupt(move |account, asked| {
        let Answer::Say(status, mut headers, body) = account.answer(asked) else { return None };
        let theirs = chrono::Utc::now() + Duration::from_secs(600);
        headers.push(("Date", theirs.format("%a, %d %b %Y %H:%M:%S GMT").to_string()));
        Some(Answer::Say(status, headers, body))
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    let read = world.json(&["impilo", "recover", "--since", "1h"]);
    assert_eq!((&read["rows"], &read["new"]), (&json!(1), &json!(0)), "{read}");
}
