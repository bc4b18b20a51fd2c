//! Mails to several addresses, which a mail server answers each in a way of its own.

use std::collections::BTreeSet;

use pulsewarden::engine::{Channel, Notification};
use pulsewarden::store::{AttemptOutcome, DeliveryRow, DeliveryState};

use crate::post_office::PostOffice;
use crate::world::{World, told_of};

fn to(world: &World, key: &str, addresses: &[&str]) -> Notification {
    let channel = Channel::Email { to: addresses.iter().map(|address| (*address).to_owned()).collect() };
    Notification { channel, ..world.message(key, "ops", key, &[7], &[]) }
}

/// The deliveries of one message's rest, by the state that they are in.
fn rest(world: &World, key: &str, state: DeliveryState) -> Option<DeliveryRow> {
    let starts = format!("{key}/");
    world.rows().into_iter().find(|row| row.key.starts_with(&starts) && row.state == state)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_refused_for_now_gets_its_mail_later_and_one_refused_for_good_is_told_of() {
    let world = World::new().await;
    let office = PostOffice::start().await;
    office.answer("a@clinic.example", "550 no such user");
    office.answer("b@clinic.example", "451 greylisted");
    world.mail_goes_to(&office.url());
    let all = ["a@clinic.example", "b@clinic.example", "c@clinic.example"];
    world.ops_is_at(&all);
    world.tell(to(&world, "m", &all));
    world.until("one address has it", |_| office.count("c@clinic.example") == 1).await;
    world.until("it is recorded", |world| world.row("m").state == DeliveryState::Delivered).await;
    let dead = rest(&world, "m", DeliveryState::Dead).expect("one that is given up");
    assert_eq!(dead.channel.destination(), "a@clinic.example");
    assert!(dead.last_error.as_deref().unwrap().contains("550"), "{dead:?}");
    let waiting = rest(&world, "m", DeliveryState::Waiting).expect("one that waits");
    assert_eq!((waiting.channel.destination(), waiting.alerts), ("b@clinic.example".to_owned(), vec![7]));
    let told = world.store.attempts(world.row("m").id).unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].outcome, AttemptOutcome::Accepted);
    assert!(told[0].answer.contains("refused") && told[0].answer.contains("put it off"), "{told:?}");
    world.pass(10).await;
    office.take("b@clinic.example");
    world.until_nothing_waits().await;
    let ids: BTreeSet<String> =
        office.letters().iter().map(|letter| letter.header("Message-ID").unwrap().to_owned()).collect();
    assert_eq!((office.count("b@clinic.example"), office.count("c@clinic.example")), (1, 1));
    assert_eq!(ids.len(), 1, "the same mail for everybody");
    let subjects: BTreeSet<_> =
        office.letters().iter().map(|letter| letter.header("Subject").unwrap().to_owned()).collect();
    assert_eq!(subjects.len(), 1, "no answer to itself");
    assert_eq!(told_of(&world.steady, 7), 0, "the receiver was reached");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_put_off_until_patience_ends_is_given_up_and_its_fallback_hears() {
    let world = World::new().await;
    let office = PostOffice::start().await;
    office.answer("b@clinic.example", "452 mailbox full");
    world.mail_goes_to(&office.url());
    let both = ["a@clinic.example", "b@clinic.example"];
    world.ops_is_at(&both);
    world.tell(to(&world, "m", &both));
    world.until("it was tried", |world| world.row("m").last_error.is_some()).await;
    while world.rows().iter().any(|row| row.state == DeliveryState::Waiting) {
        world.advance(10 * 60).await;
    }
    assert_eq!(office.count("a@clinic.example"), 1);
    assert_eq!(world.row("m").state, DeliveryState::Delivered);
    let dead = rest(&world, "m", DeliveryState::Dead).expect("one that is given up");
    assert!(dead.last_error.as_deref().unwrap().contains("given up after"), "{dead:?}");
    assert!(dead.attempts > 50, "{dead:?}");
    assert_eq!(told_of(&world.steady, 7), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_no_server_takes_keeps_nobody_from_his_mail_and_no_lane_closed() {
    let world = World::new().await;
    let office = PostOffice::start().await;
    world.mail_goes_to(&office.url());
    world.ops_is_at(&[
        "jörg@clinic.example",
        "ann@clinic.example",
        "info@büro.example",
        "m@clinic.example",
        "M@clinic.example",
    ]);
    for number in 1..=6 {
        let key = format!("never{number}");
        world.tell(to(&world, &key, &["jörg@clinic.example"]));
    }
    world.tell(to(&world, "both", &["jörg@clinic.example", "ann@clinic.example"]));
    world.tell(to(&world, "abroad", &["info@büro.example"]));
    world.tell(to(&world, "twice", &["m@clinic.example", "m@clinic.example", "M@clinic.example"]));
    world
        .until("they have ended", |world| {
            world.rows().iter().all(|row| row.receiver != "ops" || row.state != DeliveryState::Waiting)
        })
        .await;
    assert!(world.lanes.troubled().is_empty());
    for number in 1..=6 {
        let row = world.row(&format!("never{number}"));
        assert_eq!((row.state, row.attempts), (DeliveryState::Dead, 1));
    }
    let to_ann = office.letters().into_iter().find(|letter| letter.to == ["ann@clinic.example"]);
    assert!(to_ann.is_some(), "{:?}", office.letters());
    assert_eq!(rest(&world, "both", DeliveryState::Dead).unwrap().channel.destination(), "jörg@clinic.example");
    assert_eq!(office.count("info@xn--bro-hoa.example"), 1);
    assert_eq!((office.count("m@clinic.example"), office.count("M@clinic.example")), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_whose_answer_is_lost_goes_once_in_each_attempt() {
    let world = World::new().await;
    let office = PostOffice::start().await;
    office.forget_to_say(true);
    world.mail_goes_to(&office.url());
    world.tell(world.message("m", "ops", "g", &[7], &[]));
    world.until("it was tried", |world| world.row("m").last_error.is_some()).await;
    assert_eq!((office.letters().len(), world.row("m").attempts), (1, 1));
    office.forget_to_say(false);
    world.until_nothing_waits().await;
    assert_eq!((office.letters().len(), world.row("m").attempts), (2, 2));
}
