//! Digests of the built program: once for each due time whatever happens in between, listed, and sent by hand.

use std::collections::BTreeSet;

use pulsewarden::demo::mail_catcher::{Answer, Mail};
use pulsewarden::engine::Timestamp;
use pulsewarden::store::sqlite::Sqlite;
use pulsewarden::store::{DigestDue, Store};

use crate::events::battery;
use crate::harness::{RECEIVERS, World, eventually};

const DIGEST: &str = "digests: [{ digest: yearly, schedule: [\"0 8 1 1 *\", \"0 8 1 7 *\"], time_zone: America/New_York, \
                      receiver: team, csv: true }]\n";

fn digests(world: &World) -> Vec<Mail> {
    let mails = world.team_mails().into_iter();
    mails.filter(|mail| mail.header("Subject").unwrap().starts_with("[DIGEST]")).collect()
}

/// A world whose digest was due a minute ago.
async fn overdue() -> (World, Timestamp) {
    let world = World::with(&format!("{RECEIVERS}\n{DIGEST}"), "").await;
    let now = Timestamp::from(chrono::Utc::now());
    let missed = DigestDue {
        schedule: "0 8 1 1 *, 0 8 1 7 * America/New_York".to_owned(),
        due: Timestamp(now.0 - 60_000),
        covered_until: Timestamp(now.0 - 120_000),
    };
    Sqlite::open(&world.path("pulsewarden.db")).unwrap().schedule_digest("yearly", &missed).unwrap();
    (world, now)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missed_digest_is_sent_once_also_across_a_restart() {
    let (mut world, now) = overdue().await;
    world.start().await;
    eventually("the digest", || (digests(&world).len() == 1).then_some(())).await;
    world.settle().await;
    world.kill();
    world.start().await;
    assert_eq!(world.post(&battery(1, 9001, 8)).await, 200);
    eventually("the mail about the alert", || (world.team_mails().len() > 1).then_some(())).await;
    world.settle().await;
    assert_eq!(digests(&world).len(), 1);
    let due = world.store().digest_due("yearly").unwrap().unwrap().due;
    assert!(due > now);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_put_together_before_a_crash_is_sent_after_it() {
    let (mut world, now) = overdue().await;
    world.mail.answer(Answer::NotNow);
    world.start().await;
    // The due row has moved, with the message in the same commit; nobody has taken that yet.
    let moved = || world.store().digest_due("yearly").unwrap().is_some_and(|known| known.due > now).then_some(());
    eventually("the due row has moved", moved).await;
    world.kill();
    world.mail.answer(Answer::Accept);
    world.start().await;
    eventually("the digest", || (!digests(&world).is_empty()).then_some(())).await;
    world.settle().await;
    // An attempt that was under way at the crash may have come through: the same message then, by its id.
    let ids: BTreeSet<_> = digests(&world).iter().map(|mail| mail.header("Message-ID")).collect();
    assert_eq!(ids.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn digests_are_listed_and_sent_by_hand() {
    let mut world = World::with(&format!("{RECEIVERS}\n{DIGEST}"), "").await;
    world.start().await;
    eventually("the due row", || world.store().digest_due("yearly").unwrap()).await;
    assert_eq!(world.post(&battery(1, 9001, 8)).await, 200);
    world.settle().await;
    let list = world.run(&["digest", "list"]);
    assert_eq!(list.code, 0, "{list:?}");
    for said in ["yearly → team", "At 08:00", "America/New_York time", "-01 08:00 E", "covers everything since"] {
        assert!(list.stdout.contains(said), "{said} in {list:?}");
    }
    let listed = world.json(&["digest", "list"]);
    assert_eq!(listed[0]["next"].as_array().unwrap().len(), 3, "{listed}");

    let before = world.store().digest_due("yearly").unwrap();
    let sent = world.run(&["digest", "send", "yearly"]);
    assert_eq!(sent.code, 0, "{sent:?}");
    assert_eq!(sent.stdout.matches("delivered").count(), 2, "{sent:?}");
    let mail = digests(&world).pop().unwrap();
    assert!(mail.text().contains("Asked for by hand by") && mail.text().contains("1 new"), "{}", mail.text());
    assert!(mail.raw.contains("filename=\"yearly-"), "the table stands beside it");
    assert_eq!(world.store().digest_due("yearly").unwrap(), before, "the due row stays");

    let unknown = world.run(&["digest", "send", "nothing"]);
    assert_eq!(unknown.code, 1);
    assert!(unknown.stderr.contains("no digest `nothing`"), "{unknown:?}");
}
