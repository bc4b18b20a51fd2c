//! The ledger of deliveries, as its commands tell it, through outages and `kill -9`.

use std::collections::BTreeMap;

use pulsewarden::demo::mail_catcher::Answer as MailAnswer;
use pulsewarden::demo::slack_stand_in::Answer as SlackAnswer;
use serde_json::Value;

use crate::events::battery;
use crate::harness::{RECEIVERS, World, eventually};

/// So many low batteries would speak of their model, too.
fn rules() -> String {
    format!("{RECEIVERS}override: [{{ alert: ModelBatteryDefect, disabled: true }}]\n")
}

fn deliveries(world: &World, more: &[&str]) -> Vec<Value> {
    world.json(&[&["deliveries", "list", "--limit", "1000"], more].concat()).as_array().unwrap().clone()
}

/// How often each mail to the team came, by its `Message-ID`.
fn mails(world: &World) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for mail in world.team_mails() {
        *counts.entry(mail.header("Message-ID").unwrap()).or_default() += 1;
    }
    counts
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_again_and_again_in_an_outage_it_loses_and_doubles_nothing() {
    let mut world = World::with(&rules(), "").await;
    world.mail.answer(MailAnswer::NotNow);
    world.slack.answer(SlackAnswer::Status(500));
    world.start().await;
    for round in 0..3 {
        for device in (9001 + round * 10)..(9011 + round * 10) {
            assert_eq!(world.post(&battery(device, device, 8)).await, 200);
        }
        let told = usize::try_from(round + 1).unwrap() * 20;
        eventually("every message was tried", || {
            let all = deliveries(&world, &[]);
            let failed = all.iter().filter(|row| row["channel"]["kind"] == "email" && !row["last_error"].is_null());
            (all.len() == told && failed.count() == told / 2).then_some(())
        })
        .await;
        world.kill();
        world.start().await;
    }
    world.mail.answer(MailAnswer::Accept);
    world.slack.answer(SlackAnswer::Accept);
    world.settle().await;
    let mails = mails(&world);
    assert_eq!(mails.len(), 30);
    assert!(mails.values().all(|count| *count == 1), "{mails:?}");
    let slack: std::collections::BTreeSet<String> = world.slack.messages().iter().map(Value::to_string).collect();
    assert_eq!((slack.len(), world.slack.messages().len()), (30, 30));
    let id = deliveries(&world, &[])[0]["id"].to_string();
    let told = world.run(&["deliveries", "show", &id]);
    assert!(told.stdout.contains("delivered") && told.stdout.contains("accepted after"), "{told:?}");
    let status = world.run(&["status"]);
    assert!(status.stdout.contains("LAST REACHED") && status.stdout.contains("slack alerts"), "{status:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_that_fails_is_told_of_once_and_seen_in_status() {
    let mut world = World::with(&rules(), "").await;
    world.slack.answer(SlackAnswer::Status(500));
    world.start().await;
    for device in 9001..9013 {
        assert_eq!(world.post(&battery(device, device, 8)).await, 200);
    }
    let fails = "a way out fails as a whole";
    eventually("the lane fails", || world.log().contains(fails).then_some(())).await;
    let status = world.run(&["status"]);
    assert_eq!(status.code, 1);
    assert!(status.stdout.contains("messages by slack alerts fail since"), "{status:?}");
    eventually("the mails come", || (world.team_mails().len() == 12).then_some(())).await;
    world.slack.answer(SlackAnswer::Accept);
    world.settle().await;
    let log = world.log();
    assert_eq!((log.matches(fails).count(), log.matches("a way out works again").count()), (1, 1));
    assert_eq!(world.slack.messages().len(), 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_given_up_is_sent_again_once_it_can_be() {
    let mut world = World::new().await;
    world.mail.answer(MailAnswer::Never);
    world.start().await;
    assert_eq!(world.post(&battery(1, 9001, 8)).await, 200);
    let dead = || deliveries(&world, &["--dead", "--receiver", "team"]).first().map(|row| row["id"].to_string());
    let id = eventually("the mail is given up", dead).await;
    let explained = world.run(&["explain", "1"]);
    assert!(explained.stdout.contains("given up, 1 attempt"), "{explained:?}");
    assert!(explained.stdout.contains("failed for good after"), "{explained:?}");
    let unknown = world.run(&["deliveries", "resend", "4711"]);
    assert_eq!(unknown.code, 1);
    assert!(unknown.stderr.contains("nothing is sent again: there is no message 4711"), "{unknown:?}");
    let slack = deliveries(&world, &["--alert", "1"]);
    let slack = slack.iter().find(|row| row["state"] == "delivered").unwrap()["id"].to_string();
    let refused = world.run(&["deliveries", "resend", &slack]);
    assert!(refused.stderr.contains("was not given up: it is delivered; --force"), "{refused:?}");
    world.mail.answer(MailAnswer::Accept);
    let resent = world.run(&["deliveries", "resend", &id, "--force"]);
    assert!(resent.stdout.contains(&format!("Message {id} is sent again as message")), "{resent:?}");
    eventually("the mail", || world.team_mails().into_iter().find(|mail| mail.raw.contains("Sent again by hand")))
        .await;
    // With the next news, its group tells it anew.
    assert_eq!(world.run(&["ack", "1"]).code, 0);
    eventually("its group tells it anew", || (world.team_mails().len() >= 2).then_some(())).await;
    world.settle().await;
    let told = world.run(&["deliveries", "resend", &id]);
    assert!(told.stderr.contains("tells again what message"), "{told:?}");
    let again = world.run(&["deliveries", "resend", "--all-dead", "--receiver", "team", "--since", "1h"]);
    assert!(again.stdout.contains("Nothing was given up"), "{again:?}");
    eventually("Pulsewarden says so itself", || {
        world.own_mails().into_iter().find(|mail| mail.raw.contains("given up"))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_of_a_receiver_tells_what_became_of_each_channel() {
    let mut world = World::new().await;
    world.slack.answer(SlackAnswer::Status(500));
    world.start().await;
    let told = world.run(&["notify", "test", "team"]);
    assert_eq!(told.code, 1);
    let line = |channel: &str| told.stdout.lines().find(|line| line.contains(channel)).unwrap().to_owned();
    assert!(line("email").contains("delivered") && line("email").contains('1'), "{told:?}");
    assert!(line("slack").contains("failed, trying again") && line("slack").contains("500"), "{told:?}");
    assert_eq!(world.json(&["notify", "test", "--receiver", "team"])[1]["attempts"], 1);
}
