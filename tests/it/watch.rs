//! What Pulsewarden says about itself.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::channel;

use std::time::Duration;

use pulsewarden::clock::Clock;
use pulsewarden::demo::mail_catcher::Answer as MailAnswer;
use pulsewarden::demo::slack_stand_in::Answer;
use pulsewarden::engine::{Channel, Command, Content, Notification, Phi};
use pulsewarden::store::sqlite::Sqlite;
use pulsewarden::store::{Entry, NewRow, Store};
use serde_json::{Value, json};

use crate::events::battery;
use crate::harness::{RECEIVERS, World, eventually};
use crate::outages::allow_files;

fn watches(world: &World) -> Vec<String> {
    let status = world.json(&["status"]);
    let firing = status["watches"].as_array().unwrap().iter();
    firing.map(|watch| watch["name"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_secrets_and_dead_letters_are_told_once() {
    let mut world = World::new().await;
    world.slack.answer(Answer::Status(400));
    world.start().await;
    for _ in 0..6 {
        world.post_raw(Some("wrong"), "{}").await;
    }
    assert_eq!(world.post(&battery(1, 9001, 8)).await, 200);
    eventually("both watches fire", || (watches(&world) == ["dead_letters", "refused_secrets"]).then_some(())).await;
    eventually("both are mailed", || (world.own_mails().len() == 2).then_some(())).await;
    let told: Vec<String> = world.own_mails().iter().map(|mail| mail.text()).collect();
    assert!(told.iter().any(|text| text.contains("wrong secret")), "{told:?}");
    assert!(told.iter().any(|text| text.contains("pulsewarden deliveries --dead")), "{told:?}");
    assert_eq!(world.run(&["status"]).code, 1);
    let dead = world.json(&["deliveries", "--dead"]);
    assert_eq!(dead[0]["channel"]["kind"], "slack_webhook");
    assert!(dead[0]["last_error"].as_str().unwrap().contains("400"), "{dead}");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_every_webhook_is_refused_nothing_is_heard() {
    let mut world = World::new().await;
    world.start().await;
    let gaps = |world: &World| world.json(&["status"])["whole"]["not_heard"].as_array().unwrap().len();
    assert_eq!(world.post(&battery(1, 9001, 8)).await, 200);
    for _ in 0..6 {
        world.post_raw(Some("wrong"), "{}").await;
    }
    eventually("the refusals are seen", || watches(&world).contains(&"refused_secrets".to_owned()).then_some(())).await;
    assert_eq!(gaps(&world), 0, "some of what comes is taken");
    // A daemon that has taken nothing since it started.
    world.stop().await;
    world.start().await;
    for _ in 0..6 {
        world.post_raw(Some("wrong"), "{}").await;
    }
    eventually("it is noted as unheard", || (gaps(&world) == 1).then_some(())).await;
}

/// The mails about itself that say this.
fn saying(world: &World, words: &str) -> usize {
    world.own_mails().iter().filter(|mail| mail.text().contains(words)).count()
}

async fn told(world: &World, words: &str) {
    eventually(words, || (saying(world, words) > 0).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_type_is_told_once_for_ever_and_is_no_fault() {
    let unknown = |id: u64, kind: &str| json!({ "id": id, "type": kind, "payload": {} });
    let mut world = World::new().await;
    world.start().await;
    assert_eq!(world.post(&unknown(1, "device.tiltDetected")).await, 200);
    assert_eq!(world.post(&unknown(2, "device.tiltDetected")).await, 200);
    told(&world, "device.tiltDetected").await;
    assert!(!world.log().contains("tiltDetected"));
    assert_eq!(world.run(&["status"]).code, 0);
    assert!(world.stop().await.success());
    world.start().await;
    assert_eq!(world.post(&unknown(3, "device.tiltDetected")).await, 200);
    let long = format!("aä{}", "b".repeat(80));
    assert_eq!(world.post(&unknown(4, &long)).await, 200);
    told(&world, "a?bbbb").await;
    assert_eq!(saying(&world, "device.tiltDetected"), 1);
    assert_eq!(saying(&world, &"b".repeat(80)), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_told_is_not_told_again_after_a_crash_and_its_end_is() {
    let mut world = World::new().await;
    world.write_rules("rules: [");
    world.start().await;
    told(&world, "The rule files cannot be used").await;
    // What was sent and is not recorded yet comes again after a crash, as every message does.
    world.settle().await;
    for _ in 0..2 {
        world.kill();
        world.start().await;
        eventually("it fires", || (watches(&world) == ["rule_files"]).then_some(())).await;
    }
    world.kill();
    world.write_rules(RECEIVERS);
    world.start().await;
    told(&world, "All is well again: rule_files").await;
    assert_eq!(world.own_mails().len(), 2);
    assert_eq!(watches(&world), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_neither_kept_nor_sent_is_told_when_it_can() {
    let mut world = World::new().await;
    world.start().await;
    world.mail.answer(MailAnswer::NotNow);
    allow_files(&world, Some(0));
    let in_vain = || world.log().contains("neither be kept nor sent").then_some(());
    eventually("an attempt to tell", in_vain).await;
    assert_eq!(world.own_mails().len(), 0);
    world.mail.answer(MailAnswer::Accept);
    told(&world, "Nothing can be kept").await;
    allow_files(&world, None);
    told(&world, "All is well again: commits").await;
    assert_eq!(saying(&world, "Nothing can be kept"), 2, "once when it began, and once in what has ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_waits_long_is_told() {
    let mut world = World::new().await;
    world.slack.answer(Answer::Status(500));
    let store = Sqlite::open(&world.path("pulsewarden.db")).unwrap();
    let old = Notification {
        key: "old".to_owned(),
        receiver: "team".to_owned(),
        phi: Phi::None,
        channel: Channel::SlackWebhook { webhook: "alerts".to_owned() },
        group: String::new(),
        due: Clock::Wall.now().minus(Duration::from_secs(1800)),
        content: Content::Test { by: "a test".to_owned() },
        remarks: Vec::new(),
    };
    store.enqueue(&[old]).unwrap();
    drop(store);
    world.start().await;
    told(&world, "waiting to be delivered").await;
    assert_eq!(watches(&world), ["undelivered"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_ahead_of_the_clock_is_told() {
    let mut world = World::new().await;
    let ahead = Clock::Wall.now().plus(Duration::from_secs(7200));
    let store = Sqlite::open(&world.path("pulsewarden.db")).unwrap();
    let entry = Entry::Command(Command::TestNotification { receiver: "nobody".to_owned(), by: "a test".to_owned() });
    store.append(&[NewRow { received_at: ahead, entry }], ahead).unwrap();
    drop(store);
    world.start().await;
    told(&world, "alerts are held back").await;
    assert_eq!(watches(&world), ["clock"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_heartbeat_reaches_the_outside() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/alive/token", listener.local_addr().unwrap());
    let (beats, beaten) = channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut request = [0; 1024];
            let length = stream.read(&mut request).unwrap_or_default();
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            if beats.send(String::from_utf8_lossy(&request[..length]).into_owned()).is_err() {
                return;
            }
        }
    });
    let mut world = World::with(RECEIVERS, "").await;
    std::fs::write(world.path("heartbeat"), &url).unwrap();
    let own = world.path("heartbeat").display().to_string();
    let text = std::fs::read_to_string(world.path("pulsewarden.yaml")).unwrap();
    let text = text.replace("self: { ", &format!("self: {{ heartbeat: {{ url: {{ file: {own} }}, every: 1m }}, "));
    std::fs::write(world.path("pulsewarden.yaml"), text).unwrap();
    world.start().await;
    let request = eventually("a heartbeat", || beaten.try_recv().ok()).await;
    assert!(request.starts_with("GET /alive/token"), "{request}");
    assert!(!world.log().contains("/alive/token"), "the URL holds a token");
    assert_eq!(world.json(&["status"])["watches"], Value::Array(Vec::new()));
}
