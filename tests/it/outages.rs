//! Stopping, and a disk that is full.

use pulsewarden::demo::mail_catcher::Answer;
use pulsewarden::store::{Entry, Store};
use rustix::process::{Resource, Rlimit, prlimit};

use crate::events::battery;
use crate::harness::{RECEIVERS, SECRET, World, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_keeps_what_was_answered() {
    let mut world = World::new().await;
    world.start().await;
    let (url, http) = (world.url(), world.http.clone());
    let posting = tokio::spawn(async move {
        let mut answered = Vec::new();
        for id in 1.. {
            let body = battery(id, 9000 + id % 7, 8).to_string();
            match http.post(&url).header("Impilo-Webhook-Secret", SECRET).body(body).send().await {
                Ok(response) if response.status() == 200 => answered.push(id.to_string()),
                Ok(response) => assert_eq!(response.status(), 503),
                Err(_) => break,
            }
        }
        answered
    });
    eventually("some events are kept", || (world.store().figures().unwrap().last_position > 50).then_some(())).await;
    assert!(world.stop().await.success());
    let answered = posting.await.unwrap();
    let kept: Vec<String> = world
        .store()
        .journal(0, 1_000_000)
        .unwrap()
        .into_iter()
        .filter_map(|row| match row.entry {
            Entry::Event(event) => event.envelope_id,
            _ => None,
        })
        .collect();
    assert!(answered.iter().all(|id| kept.contains(id)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_that_hangs_does_not_keep_the_daemon_from_stopping() {
    let mut world = World::new().await;
    world.mail.answer(Answer::Silence);
    world.start().await;
    assert_eq!(world.post(&battery(1, 9001, 8)).await, 200);
    eventually("Slack has heard", || (!world.slack.messages().is_empty()).then_some(())).await;
    assert!(world.stop().await.success());

    world.mail.answer(Answer::Accept);
    world.start().await;
    eventually("the mail", || world.team_mails().pop()).await;
}

/// Lets the daemon's files grow to this size, or without a limit.
pub fn allow_files(world: &World, size: Option<u64>) {
    let limit = prlimit(Some(world.pid()), Resource::Fsize, Rlimit { current: None, maximum: None }).unwrap();
    prlimit(Some(world.pid()), Resource::Fsize, Rlimit { current: size, maximum: limit.maximum }).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_answered_with_503_and_healed_without_a_restart() {
    let mut world = World::new().await;
    world.start().await;
    assert_eq!(world.post(&battery(1, 9001, 8)).await, 200);
    world.settle().await;

    allow_files(&world, Some(0));
    let refused = world.post_raw(Some(SECRET), battery(2, 9002, 8).to_string()).await;
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("Retry-After"));
    let unreadable = world.post_raw(Some(SECRET), "no JSON").await;
    assert_eq!(unreadable.status(), 503, "what cannot be quarantined must come again");
    let base = world.url().replace("/webhooks/impilo", "");
    assert_eq!(world.http.get(format!("{base}/readyz")).send().await.unwrap().status(), 503);
    assert_eq!(world.http.get(format!("{base}/healthz")).send().await.unwrap().status(), 200);

    allow_files(&world, None);
    assert_eq!(world.post(&battery(2, 9002, 8)).await, 200);
    assert_eq!(world.post_raw(Some(SECRET), "no JSON").await.status(), 422);
    eventually("the second mail", || (world.team_mails().len() > 1).then_some(())).await;
    world.settle().await;
    assert_eq!(world.alerts().len(), 2);
    assert_eq!(world.team_mails().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn good_rules_that_find_a_full_disk_come_into_force_by_themselves() {
    let mut world = World::new().await;
    world.start().await;
    world.settle().await;

    allow_files(&world, Some(0));
    world.write_rules(&format!("{RECEIVERS}\nsettings: {{ low_battery: 40 }}\n"));
    let refused = world.run(&["reload"]);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("come into force by themselves"), "{refused:?}");
    let rules = world.json(&["status"])["rules"].clone();
    assert!(rules["problem"].is_null() && rules["waiting"].is_string(), "{rules}");

    allow_files(&world, None);
    eventually("the rules are in force", || world.json(&["status"])["rules"]["waiting"].is_null().then_some(())).await;
    world.settle().await;
    assert_eq!(world.post(&battery(1, 9001, 30)).await, 200);
    world.settle().await;
    assert_eq!(world.alerts().len(), 1);
}
