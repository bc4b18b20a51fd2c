//! Messages that could not be sent for long, against how their alerts stand when they can.

use std::collections::BTreeSet;

use pulsewarden::engine::{Alert, AlertState, Content, Notification, Remark};
use pulsewarden::store::{Delivery, DeliveryFilter, DeliveryState, Room, Store};

use crate::Engine;
use crate::samples::{alert, at, attempt, commit, delivered, device, ended, notification, put_off, rendered};

const HOUR: i64 = 3_600_000;

fn lease(store: &dyn Store, now: i64) -> Vec<Delivery> {
    store.lease(at(now), at(now + 1000), &Room::new(10), &mut |notification| rendered(&notification.key)).unwrap()
}

fn firing(number: u64) -> Alert {
    alert(number, &device("1"), 5)
}

fn over(number: u64) -> Alert {
    ended(firing(number), AlertState::Resolved, 30)
}

/// The alert ends, as processing commits it.
fn end(store: &dyn Store, number: u64) {
    commit(store, &[], &[over(number)]);
}

fn telling(key: &str, due: i64, open: &[u64], over_now: &[u64]) -> Notification {
    let mut message = notification(key, "g", due, open.iter().map(|number| firing(*number)).collect());
    if let Content::Alerts { ended, .. } = &mut message.content {
        *ended = over_now.iter().map(|number| over(*number)).collect();
    }
    message
}

/// What a message lists as open and as ended, and its remarks.
fn says(notification: &Notification) -> (Vec<u64>, Vec<u64>, &[Remark]) {
    let Content::Alerts { firing, ended, .. } = &notification.content else { panic!("it is about alerts") };
    let numbers = |alerts: &[Alert]| alerts.iter().map(|alert| alert.number).collect();
    (numbers(firing), numbers(ended), &notification.remarks)
}

fn set(numbers: &[u64]) -> BTreeSet<u64> {
    numbers.iter().copied().collect()
}

pub fn what_is_young_or_still_so_stands<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    end(&*store, 1);
    store.enqueue(&[telling("young", 10, &[1, 2], &[])]).unwrap();
    let young = lease(&*store, HOUR + 9).remove(0);
    assert_eq!(says(&young.notification), (vec![1, 2], vec![], &[][..]));
    store.record(&[attempt(young.id, HOUR + 9, delivered())], at(HOUR + 9)).unwrap();
    store.enqueue(&[telling("so", 10, &[2], &[])]).unwrap();
    assert_eq!(says(&lease(&*store, 3 * HOUR)[0].notification), (vec![2], vec![], &[][..]));
}

pub fn what_has_ended_meanwhile_is_told_in_a_line<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    store.enqueue(&[telling("a", 10, &[1, 2], &[])]).unwrap();
    let id = lease(&*store, 10)[0].id;
    store.record(&[attempt(id, 20, put_off(2 * HOUR))], at(20)).unwrap();
    end(&*store, 1);
    let line = [Remark::EndedMeanwhile { alerts: set(&[1]) }];
    let again = lease(&*store, 2 * HOUR).remove(0);
    assert_eq!((again.id, again.attempts), (id, 1));
    assert_eq!((again.notification.key.as_str(), says(&again.notification)), ("a", (vec![2], vec![], &line[..])));
    store.record(&[attempt(id, 2 * HOUR, put_off(3 * HOUR))], at(2 * HOUR)).unwrap();
    end(&*store, 2);
    let last = lease(&*store, 3 * HOUR).remove(0);
    let line = [Remark::EndedMeanwhile { alerts: set(&[1, 2]) }];
    assert_eq!(says(&last.notification), (vec![], vec![], &line[..]), "nobody else tells it");
    assert_eq!(store.deliveries(Some(1), None, 10).unwrap().len(), 1, "it is still found by its alerts");
}

pub fn what_fired_and_ended_is_one_line_of_the_message_of_its_end<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    store.enqueue(&[telling("told", 5, &[9], &[])]).unwrap();
    let told = lease(&*store, 5).remove(0).id;
    store.record(&[attempt(told, 6, delivered())], at(6)).unwrap();
    store.enqueue(&[telling("fires", 10, &[1, 9], &[]), telling("more", 20, &[1, 2, 9], &[])]).unwrap();
    store.enqueue(&[telling("ends", 30, &[2], &[1, 9])]).unwrap();
    end(&*store, 1);
    end(&*store, 9);
    let leased = lease(&*store, 2 * HOUR);
    assert_eq!(leased.len(), 1, "{leased:?}");
    let line = [Remark::FiredAndEnded { alerts: set(&[1]) }];
    assert_eq!(leased[0].notification.key, "ends");
    assert_eq!(says(&leased[0].notification), (vec![2], vec![9], &line[..]), "9 was known, 1 was not");
    let gone = store
        .find_deliveries(&DeliveryFilter {
            state: Some(DeliveryState::Superseded),
            limit: 10,
            ..DeliveryFilter::default()
        })
        .unwrap();
    let by: Vec<_> = gone.iter().map(|row| (row.key.as_str(), row.superseded_by)).collect();
    assert_eq!(by, [("more", Some(leased[0].id)), ("fires", Some(leased[0].id))]);
    store.record(&[attempt(leased[0].id, 2 * HOUR, delivered())], at(2 * HOUR)).unwrap();
    assert!(lease(&*store, 9 * HOUR).is_empty());
}

pub fn a_message_that_was_overtaken_is_not_sent<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    store.enqueue(&[telling("fires", 10, &[1], &[])]).unwrap();
    let first = lease(&*store, 10).remove(0).id;
    store.record(&[attempt(first, 20, put_off(1000))], at(20)).unwrap();
    store.enqueue(&[telling("ends", 100, &[], &[1])]).unwrap();
    end(&*store, 1);
    let second = lease(&*store, 100).remove(0);
    assert_eq!(second.notification.key, "ends");
    store.record(&[attempt(second.id, 110, delivered())], at(110)).unwrap();
    assert!(lease(&*store, 1000).is_empty(), "to tell now that it fires would be wrong");
    let row = store.deliveries(None, Some(DeliveryState::Superseded), 1).unwrap().remove(0);
    assert_eq!((row.id, row.superseded_by), (first, Some(second.id)));
}

pub fn what_is_being_sent_is_left_alone<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    store.enqueue(&[telling("ends", 10, &[], &[1])]).unwrap();
    end(&*store, 1);
    let mut room = Room::new(10);
    let sending = lease(&*store, 2 * HOUR).remove(0);
    room.enter(sending.id, sending.notification.channel.lane());
    store.enqueue(&[telling("fires", 20, &[1], &[])]).unwrap();
    let next = |room: &Room| store.lease(at(2 * HOUR), at(9 * HOUR), room, &mut |_| rendered("")).unwrap();
    assert!(next(&room).is_empty(), "a group's messages go one after the other");
    store.record(&[attempt(sending.id, 2 * HOUR, delivered())], at(2 * HOUR)).unwrap();
    room.leave(sending.id);
    let second = next(&room).remove(0);
    let line = [Remark::EndedMeanwhile { alerts: set(&[1]) }];
    assert_eq!(says(&second.notification), (vec![], vec![], &line[..]));
    assert_eq!(says(&sending.notification).1, [1]);
}
