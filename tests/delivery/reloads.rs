//! What waits while other rules come into force.

use pulsewarden::demo::mail_catcher::{Answer, Step};
use pulsewarden::demo::slack_stand_in::Answer as Slack;
use pulsewarden::engine::{Channel, Phi};
use pulsewarden::store::DeliveryState;

use crate::world::{RULES, World};

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_tells_no_more_than_its_receiver_may_be_told_by_now() {
    let world = World::new().await;
    world.chat.answer(Slack::Status(500));
    world.tell(world.message("m", "chat", "g", &[7], &[]));
    world.until("it was tried", |world| world.row("m").last_error.is_some()).await;
    world.rules_become(&RULES.replace("name: chat, phi: ids", "name: chat, phi: none"));
    world.chat.answer(Slack::Accept);
    world.until_nothing_waits().await;
    let row = world.row("m");
    assert_eq!((row.state, row.phi, row.attempts), (DeliveryState::Delivered, Phi::None, 2));
    let message = world.chat.messages()[0].to_string();
    assert!(message.contains("#7") && !message.contains("4711"), "{message}");
    // What may be told more by now was decided when less was allowed.
    world.chat.answer(Slack::Status(500));
    world.tell(world.message("less", "chat", "h", &[8], &[]));
    world.until("it was tried", |world| world.row("less").last_error.is_some()).await;
    world.rules_become(RULES);
    world.chat.answer(Slack::Accept);
    world.until_nothing_waits().await;
    assert_eq!(world.row("less").phi, Phi::None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_does_not_go_where_its_receiver_is_no_more() {
    let world = World::new().await;
    world.mail.answer(Answer::Code(Step::Mail, 451));
    world.chat.answer(Slack::Status(500));
    let mut several = world.message("several", "ops", "g", &[7], &[]);
    let two = "ops@clinic.example, gone@clinic.example";
    world.rules_become(&RULES.replace("[ops@clinic.example]", &format!("[{two}]")));
    several.channel = Channel::Email { to: two.split(", ").map(str::to_owned).collect() };
    world.tell(several);
    world.tell(world.message("moved", "chat", "h", &[8], &[]));
    world.until("they were tried", |world| world.rows().iter().all(|row| row.last_error.is_some())).await;
    let moved = RULES.replace(
        "name: chat, phi: ids, slack: [{ webhook: chat }]",
        "name: chat, phi: ids, slack: [{ webhook: steady }]",
    );
    world.rules_become(&moved);
    world.mail.answer(Answer::Accept);
    world.chat.answer(Slack::Accept);
    world.until_nothing_waits().await;
    let mails = world.mail.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, ["ops@clinic.example"]);
    let row = world.row("moved");
    assert_eq!((row.state, row.attempts), (DeliveryState::Dead, 1), "{row:?}");
    assert!(row.last_error.unwrap().contains("its receiver is not there"));
    assert!(world.chat.messages().is_empty());
    let failed = world.store.journal(0, 10).unwrap();
    assert_eq!(failed.len(), 1, "its group hears that it was not told: {failed:?}");
}
