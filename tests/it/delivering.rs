//! Messages against receivers that are busy, broken or silent.

use std::time::{Duration, Instant};

use pulsewarden::demo::mail_catcher::Answer as MailAnswer;
use pulsewarden::demo::slack_stand_in::Answer as SlackAnswer;

use crate::events::battery;
use crate::harness::{RECEIVERS, World, eventually};

/// The one delivery by this channel.
fn delivery(world: &World, channel: &str) -> serde_json::Value {
    let all = world.json(&["deliveries"]);
    let of_channel = |row: &&serde_json::Value| row["channel"]["kind"] == channel && row["receiver"] == "team";
    let mut found = all.as_array().unwrap().iter().filter(of_channel);
    let one = found.next().cloned().unwrap_or_default();
    assert!(found.next().is_none(), "{all}");
    one
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_slack_is_given_the_time_that_it_asks_for() {
    let mut world = World::new().await;
    world.slack.answer(SlackAnswer::TooMany(6));
    world.start().await;
    assert_eq!(world.post(&battery(1, 9001, 8)).await, 200);
    eventually("Slack refuses", || delivery(&world, "slack_webhook")["last_error"].as_str().map(str::to_owned)).await;
    let refused = Instant::now();
    world.slack.answer(SlackAnswer::Accept);
    eventually("the Slack message", || world.slack.messages().pop()).await;
    // Without the header it would have come again within two seconds.
    assert!(refused.elapsed() > Duration::from_secs(4));
    world.settle().await;
    assert_eq!(delivery(&world, "slack_webhook")["attempts"], 2);
    assert_eq!(world.slack.messages().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_for_now_comes_again_and_what_is_refused_for_good_does_not() {
    let mut world = World::new().await;
    world.mail.answer(MailAnswer::NotNow);
    world.slack.answer(SlackAnswer::Status(500));
    world.start().await;
    assert_eq!(world.post(&battery(1, 9001, 8)).await, 200);
    for channel in ["email", "slack_webhook"] {
        eventually("two attempts", || (delivery(&world, channel)["attempts"].as_u64()? >= 2).then_some(())).await;
    }
    world.slack.answer(SlackAnswer::Accept);
    eventually("the Slack message", || world.slack.messages().pop()).await;
    world.mail.answer(MailAnswer::Never);
    let given_up = || (delivery(&world, "email")["state"] == "dead").then_some(());
    eventually("the mail is given up", given_up).await;
    assert!(delivery(&world, "email")["last_error"].as_str().unwrap().contains("550"));
    assert!(world.team_mails().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_that_says_nothing_delays_nobody_else() {
    // So many low batteries would speak of their model, too.
    let rules = format!("{RECEIVERS}override: [{{ alert: ModelBatteryDefect, disabled: true }}]\n");
    let mut world = World::with(&rules, "").await;
    let text = std::fs::read_to_string(world.path("pulsewarden.yaml")).unwrap();
    std::fs::write(world.path("pulsewarden.yaml"), text.replace("email: { ", "email: { timeout: 5s, ")).unwrap();
    world.mail.answer(MailAnswer::Silence);
    world.start().await;
    for device in 9001..9061 {
        assert_eq!(world.post(&battery(device, device, 8)).await, 200);
    }
    let patience = Instant::now() + Duration::from_secs(60);
    eventually("every Slack message", || (world.slack.messages().len() == 60).then_some(())).await;
    assert!(Instant::now() < patience, "Slack waited for the mail server");
    world.mail.answer(MailAnswer::Accept);
    eventually("every mail", || (world.team_mails().len() >= 60).then_some(())).await;
}
