//! A lane that fails as a whole, and one in which a single receiver does.

use pulsewarden::demo::mail_catcher::{Answer, Step};
use pulsewarden::demo::slack_stand_in::Answer as Slack;
use pulsewarden::store::DeliveryState;

use crate::stand_in::Answer as Said;
use crate::world::{World, nobody, posted, silent, told_of};

#[tokio::test(flavor = "multi_thread")]
async fn while_a_lane_fails_others_in_it_wait_untried_and_all_go_when_it_is_back() {
    let world = World::new().await;
    world.mail_goes_to(&format!("smtp://{}", nobody()));
    for number in 1..=40 {
        let name = format!("m{number}");
        world.tell(world.message(&name, "ops", &name, &[number], &[]));
    }
    world.until("the lane fails", |world| !world.lanes.troubled().is_empty()).await;
    world.pass(10).await;
    let state = world.lanes.troubled().remove(0);
    assert_eq!(state.lane, "email");
    assert!(state.failing_since.unwrap() < world.now());
    let untried = world.rows().iter().filter(|row| row.receiver == "ops" && row.attempts == 0).count();
    assert!(untried >= 10, "{untried}");
    world.mail_goes_to(&world.mail.url());
    // A changed configuration is tried at once, and the first success lets everything go.
    world.until_all("ops", DeliveryState::Delivered).await;
    assert_eq!(world.mails_to("ops@clinic.example").len(), 40);
    assert!(world.lanes.troubled().is_empty());
    let last = world.store.last_delivery_by_receiver().unwrap();
    assert_eq!((last[0].receiver.as_str(), last[0].lane.as_str(), last[0].at), ("ops", "email", world.now()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_about_one_address_closes_the_way_to_nobody() {
    let world = World::new().await;
    world.mail.answer(Answer::Code(Step::Rcpt, 450));
    for number in 1..=10 {
        let name = format!("m{number}");
        world.tell(world.message(&name, "ops", &name, &[number], &[]));
    }
    world.until("each is refused", |world| world.rows().iter().all(|row| row.last_error.is_some())).await;
    assert!(world.lanes.troubled().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_that_is_asked_to_wait_waits_with_all_that_is_in_it() {
    let world = World::new().await;
    world.chat.answer(Slack::TooMany(600));
    world.tell(world.message("first", "chat", "first", &[1], &[]));
    world.until("Slack asks for time", |world| !world.lanes.troubled().is_empty()).await;
    world.chat.answer(Slack::Accept);
    world.tell(world.message("second", "chat", "second", &[2], &[]));
    world.pass(5).await;
    assert_eq!((world.row("first").attempts, world.row("second").attempts), (1, 0));
    world.until_nothing_waits().await;
    assert_eq!((told_of(&world.chat, 1), told_of(&world.chat, 2)), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slack_that_says_nothing_delays_no_other_and_is_asked_again() {
    let world = World::new().await;
    world.chat_goes_to(&format!("http://{}/", silent()));
    world.room.answer(|_| Said::Silence);
    world.tell(world.message("kept", "chat", "kept", &[1], &[]));
    world.tell(world.message("posted", "room", "posted", &[1], &[]));
    for number in 2..=20 {
        for to in ["ops", "steady"] {
            let name = format!("{to}-{number}");
            world.tell(world.message(&name, to, &name, &[number], &[]));
        }
    }
    world.until_all("steady", DeliveryState::Delivered).await;
    world.until_all("ops", DeliveryState::Delivered).await;
    for waits in ["kept", "posted"] {
        let row = world.row(waits);
        assert_eq!((row.attempts, row.last_error), (1, None), "{waits} still waits for an answer");
    }
    world.chat_goes_to(&world.chat.url());
    world.room.answer(|_| posted());
    let is_given_up = |world: &World, key| world.row(key).last_error.is_some();
    world.until("it is given up to wait", |world| is_given_up(world, "kept") && is_given_up(world, "posted")).await;
    world.until_nothing_waits().await;
    assert_eq!(told_of(&world.chat, 1), 1);
    let asked = world.room.asked();
    assert_eq!(asked.len(), 2, "the attempt without an answer, and the next");
    for asked in &asked {
        assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/api/chat.postMessage"));
        assert_eq!(asked.headers["authorization"], "Bearer xoxb-test");
    }
}
