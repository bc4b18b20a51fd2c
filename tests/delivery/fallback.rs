//! Receivers that cannot be reached, and those that stand in for them.

use pulsewarden::demo::mail_catcher::{Answer, Step};
use pulsewarden::demo::slack_stand_in::Answer as Slack;
use pulsewarden::engine::Phi;
use pulsewarden::store::DeliveryState;

use crate::world::{RULES, World, nobody, told_of};

#[tokio::test(flavor = "multi_thread")]
async fn a_fallback_hears_what_is_refused_for_good_and_sees_only_what_it_may() {
    let world = World::new().await;
    world.mail.answer(Answer::Code(Step::Rcpt, 550));
    world.tell(world.message("lost", "ops", "g", &[7], &[]));
    world.until_all("ops", DeliveryState::Dead).await;
    world.until("the fallback hears", |world| told_of(&world.steady, 7) > 0).await;
    let rows: Vec<_> = world.rows().into_iter().filter(|row| row.receiver == "it").collect();
    assert_eq!(rows.len(), 2, "each of its channels, once");
    assert!(rows.iter().all(|row| row.phi == Phi::None && row.stands_in_for == Some(world.row("lost").id)));
    assert_eq!(told_of(&world.steady, 7), 1);
    let message = world.steady.messages()[0].to_string();
    assert!(message.contains("This was for ops, which could not be reached by email"), "{message}");
    assert!(message.contains("(alert 7) (in place of ops)"), "{message}");
    assert!(!message.contains("4711"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fallback_hears_what_waits_for_half_an_hour_once_and_its_receiver_still_gets_it() {
    let world = World::new().await;
    world.mail_goes_to(&format!("smtp://{}", nobody()));
    for number in 1..=8 {
        let name = format!("m{number}");
        world.tell(world.message(&name, "ops", &name, &[number], &[]));
    }
    world.until("the lane fails", |world| !world.lanes.troubled().is_empty()).await;
    world.pass(5).await;
    world.tell(world.message("late", "ops", "late", &[9], &[]));
    world.tell(world.message("over", "ops", "over", &[], &[10]));
    world.pass(20).await;
    assert_eq!(told_of(&world.steady, 1), 0, "it may come yet");
    world.pass(20).await;
    world.until("the fallback hears", |world| world.steady.messages().len() >= 9).await;
    for number in 1..=9 {
        assert_eq!(told_of(&world.steady, number), 1, "alert {number}");
    }
    assert_eq!(told_of(&world.steady, 10), 0, "what is over can wait until it is given up");
    world.pass(10).await;
    world.mail_goes_to(&world.mail.url());
    world.until_all("ops", DeliveryState::Delivered).await;
    let mails = world.mails_to("ops@clinic.example");
    assert!(mails.len() == 10 && mails.values().all(|count| *count == 1), "{mails:?}");
    assert_eq!(world.steady.messages().len(), 9);
    assert!(world.steady.messages()[0].to_string().contains("may still arrive there"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_given_up_after_three_days_and_its_fallback_heard_it_once() {
    let world = World::new().await;
    world.mail.answer(Answer::NotNow);
    world.tell(world.message("lost", "ops", "g", &[7], &[]));
    world.until("it is refused", |world| world.row("lost").last_error.is_some()).await;
    let given_up = |world: &World| world.row("lost").state == DeliveryState::Dead;
    while !given_up(&world) {
        world.advance(10 * 60).await;
    }
    let row = world.row("lost");
    assert_eq!(row.state, DeliveryState::Dead, "{row:?}");
    assert!(row.last_error.unwrap().contains("given up after"));
    assert_eq!(told_of(&world.steady, 7), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_told_in_the_place_of_another_is_told_of_the_end() {
    let world = World::new().await;
    let page = "  - { name: page, pagerduty: [{ integration: oncall }], slack: [{ webhook: steady }] }\nroute:";
    world.rules_become(&RULES.replace("fallback: it,", "fallback: page,").replace("route:", page));
    world.mail.answer(Answer::Code(Step::Rcpt, 550));
    world.tell(world.message("lost", "ops", "g", &[7], &[]));
    world.tell(world.message("also", "ops", "h", &[8], &[]));
    world.until("the fallback hears", |world| told_of(&world.steady, 7) > 0 && told_of(&world.steady, 8) > 0).await;
    world.until_all("page", DeliveryState::Delivered).await;
    let triggered: Vec<_> = world.room.asked().iter().map(|asked| asked.json()).collect();
    assert_eq!(triggered.len(), 2);
    world.end(7);
    // The end that its own receiver hears of as little is the same end.
    world.tell(world.message("over", "ops", "g", &[], &[7]));
    world.until("it is told", |world| told_of(&world.steady, 7) > 1).await;
    world.until_nothing_waits().await;
    assert_eq!((told_of(&world.steady, 7), told_of(&world.steady, 8)), (2, 1));
    let events: Vec<_> = world.room.asked().iter().map(|asked| asked.json()).collect();
    assert_eq!(events.len(), 3, "{events:?}");
    assert_eq!(events[2]["event_action"], "resolve");
    let opened = triggered.iter().find(|event| event["payload"]["custom_details"].to_string().contains("battery low"));
    assert!(opened.is_some());
    assert!(triggered.iter().any(|event| event["dedup_key"] == events[2]["dedup_key"]));
    assert!(world.steady.messages().last().unwrap().to_string().contains("RESOLVED"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fallback_that_was_not_reached_yet_hears_that_it_is_over_already() {
    let world = World::new().await;
    world.mail.answer(Answer::Code(Step::Rcpt, 550));
    world.steady.answer(Slack::Status(500));
    world.tell(world.message("lost", "ops", "g", &[7], &[]));
    world
        .until("it is tried", |world| {
            world
                .rows()
                .iter()
                .any(|row| row.receiver == "it" && row.last_error.as_deref().is_some_and(|error| error.contains("500")))
        })
        .await;
    world.end(7);
    world.steady.answer(Slack::Accept);
    world.mail.answer(Answer::Accept);
    world.until_nothing_waits().await;
    let said = world.steady.messages().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert!(!said.contains("WARNING"), "nothing fires any more: {said}");
    assert!(said.contains("[ENDED]") && said.contains("RESOLVED"), "{said}");
}
