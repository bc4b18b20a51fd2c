//! An hour in which the mail server and Slack fail in every way that they can: nothing is lost, doubled or late elsewhere.

use std::sync::atomic::{AtomicU64, Ordering};

use pulsewarden::demo::mail_catcher::Answer::{Code, HangUpAt, SilenceAt};
use pulsewarden::demo::mail_catcher::{Answer as Mail, Step};
use pulsewarden::demo::slack_stand_in::Answer as Slack;
use pulsewarden::store::{AttemptOutcome, DeliveryState};

use crate::stand_in::{Answer as Said, Asked};
use crate::world::{World, nobody, not_posted, posted, resetter, told_of};

/// Every minute of `minutes` each receiver gets a message; the steady one has its own before the clock moves on.
async fn minutes(world: &World, next: &AtomicU64, minutes: u64) {
    for _ in 0..minutes {
        let number = next.fetch_add(1, Ordering::SeqCst);
        for to in ["ops", "chat", "room", "steady"] {
            let name = format!("{to}-{number}");
            world.tell(world.message(&name, to, &name, &[number], &[]));
        }
        world.until_all("steady", DeliveryState::Delivered).await;
        world.pass(1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_of_every_failure_loses_doubles_and_delays_nothing() {
    let mut world = World::new().await;
    let next = AtomicU64::new(1);
    world.chat.answer(Slack::TooMany(120));
    world.room.answer(|_| not_posted("ratelimited"));
    // What fires and ends while nothing gets through.
    world.mail_goes_to(&format!("smtp://{}", nobody()));
    world.tell(world.message("fires", "ops", "group", &[5000], &[]));
    minutes(&world, &next, 3).await;
    world.end(5000);
    world.tell(world.message("ends", "ops", "group", &[], &[5000]));

    minutes(&world, &next, 3).await;
    world.mail_goes_to(&world.mail.url());
    let garbled = Said::Say(200, Vec::new(), "<html>upstream</html>".to_owned());
    let wait =
        Said::Say(429, vec![("Retry-After", "90".to_owned())], r#"{"ok":false,"error":"ratelimited"}"#.to_owned());
    let rooms = [
        not_posted("internal_error"),
        not_posted("fatal_error"),
        Said::status(500),
        not_posted("ratelimited"),
        wait,
        not_posted("service_unavailable"),
        Said::Reset,
        not_posted("request_timeout"),
        not_posted("invalid_auth"),
        not_posted("channel_not_found"),
        not_posted("not_in_channel"),
        garbled,
        not_posted("team_added_to_org"),
        Said::status(503),
    ];
    let trouble = [
        (SilenceAt(Step::Banner), Slack::Status(500)),
        (Code(Step::Banner, 421), Slack::Status(503)),
        (Code(Step::Banner, 554), Slack::Status(500)),
        (HangUpAt(Step::Banner), Slack::TooMany(30)),
        (Code(Step::Ehlo, 451), Slack::Status(500)),
        (Code(Step::Mail, 451), Slack::Status(502)),
        (SilenceAt(Step::Mail), Slack::TooMany(600)),
        (Code(Step::Rcpt, 450), Slack::TooMany(1)),
        (HangUpAt(Step::Rcpt), Slack::Status(500)),
        (Code(Step::Data, 451), Slack::Status(500)),
        (SilenceAt(Step::Data), Slack::Status(408)),
        (Mail::NotNow, Slack::Status(500)),
        (Mail::Silence, Slack::Status(302)),
        (HangUpAt(Step::End), Slack::Status(504)),
    ];
    for (place, ((mail, slack), room)) in trouble.into_iter().zip(rooms).enumerate() {
        world.room.answer(move |_| room.clone());
        world.mail.answer(mail);
        world.chat.answer(slack);
        match place {
            2 => world.chat_goes_to(&format!("http://{}/", nobody())),
            4 => world.chat_goes_to(&format!("http://{}/", resetter())),
            6 => world.chat_goes_to(&world.chat.url()),
            9 => {
                // Whatever was known of the lanes is forgotten.
                world.stop().await;
                world.start();
            }
            _ => {}
        }
        minutes(&world, &next, 4).await;
    }
    let told = next.load(Ordering::SeqCst) - 1;
    assert!(world.mails_to("ops@clinic.example").is_empty());
    assert!(world.chat.messages().is_empty());
    let refused = world.room.asked().len();
    assert!(world.rows().iter().all(|row| row.state != DeliveryState::Dead), "nothing was refused for good");

    world.mail.answer(Mail::Accept);
    world.chat.answer(Slack::Accept);
    world.room.answer(|_| posted());
    world.until_nothing_waits().await;
    let mails = world.mails_to("ops@clinic.example");
    assert_eq!(mails.len() as u64, told + 1);
    assert!(mails.values().all(|count| *count == 1), "{mails:?}");
    let keys: Vec<String> = world.room.asked().iter().skip(refused).map(key).collect();
    for number in 1..=told {
        let room = format!("room-{number}");
        assert_eq!(keys.iter().filter(|key| **key == room).count(), 1, "{room}");
        assert_eq!(mails.get(&format!("ops-{number}")), Some(&1), "mail {number}");
        assert_eq!(told_of(&world.chat, number), 1, "chat {number}");
        let steady = world.row(&format!("steady-{number}"));
        assert_eq!((steady.attempts, steady.delivered_at), (1, Some(steady.due)), "others delay nobody");
    }
    let (fires, ends) = (world.row("fires"), world.row("ends"));
    assert_eq!((fires.state, fires.superseded_by), (DeliveryState::Superseded, Some(ends.id)));
    assert_eq!(mails.get("ends"), Some(&1), "what was over is told once");
    let attempts = world.store.attempts(fires.id).unwrap();
    assert!(attempts.iter().all(|attempt| attempt.outcome == AttemptOutcome::PutOff), "{attempts:?}");
    let most = world.rows().iter().map(|row| row.attempts).max().unwrap();
    assert!(most < 20, "a lane that fails tries little: {most}");
}

/// The key of the message that a bot posts.
fn key(asked: &Asked) -> String {
    asked.json()["metadata"]["event_payload"]["key"].as_str().unwrap().to_owned()
}
