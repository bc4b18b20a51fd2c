//! What the messages of a group hang on.

use std::collections::BTreeMap;

use pulsewarden::engine::{Content, Notification, Severity};
use pulsewarden::store::{AttemptResult, Delivery, Retention, Room, Root, Store};

use crate::Engine;
use crate::samples::{at, attempt, notification, rendered};

fn lease(store: &dyn Store, now: i64, until: i64) -> Vec<Delivery> {
    store.lease(at(now), at(until), &Room::new(10), &mut |_| rendered("")).unwrap()
}

fn keys(deliveries: &[Delivery]) -> Vec<&str> {
    deliveries.iter().map(|delivery| delivery.notification.key.as_str()).collect()
}

fn of_thread(key: &str, group: &str, due: i64, number: u64) -> Notification {
    let mut made = notification(key, group, due, vec![]);
    if let Content::Alerts { thread, .. } = &mut made.content {
        *thread = number;
    }
    made
}

fn root(thread: u64, message: &str) -> Root {
    let open = BTreeMap::from([(thread, Severity::Critical)]);
    Root { thread, message: message.to_owned(), place: "C1".to_owned(), shown: at(10), open }
}

fn delivered(store: &dyn Store, delivery: u64, ms: i64, root: Option<Root>) {
    let result = AttemptResult::Delivered { reply: "ok".to_owned(), refused: None, rest: Vec::new(), root };
    store.record(&[attempt(delivery, ms, result)], at(ms)).unwrap();
}

pub fn messages_of_a_group_go_out_one_after_the_other<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    let told = [("a", "g"), ("b", "g"), ("c", "h"), ("d", "g"), ("e", ""), ("f", "")];
    store.enqueue(&told.map(|(key, group)| of_thread(key, group, 10, 1))).unwrap();
    let first = lease(&*store, 10, 1000);
    assert_eq!(keys(&first), ["a", "c", "e", "f"], "what belongs to no group waits for nothing");
    assert!(lease(&*store, 11, 1000).is_empty());
    // Nobody is woken for what cannot go out yet.
    assert_eq!(store.next_delivery(&Room::new(10)).unwrap(), Some(at(1000)));
    let result = AttemptResult::Retry { at: at(500), error: "try later".to_owned() };
    store.record(&[attempt(first[0].id, 12, result)], at(12)).unwrap();
    let second = lease(&*store, 12, 1000);
    assert_eq!(keys(&second), ["b"], "one that is to be tried again keeps no other");
    delivered(&*store, second[0].id, 13, None);
    assert_eq!(keys(&lease(&*store, 13, 1000)), ["d"]);
    // A lease that came to nothing is leased anew, whatever else there is.
    assert_eq!(keys(&lease(&*store, 1000, 2000)), ["c", "d", "e", "f"]);
}

pub fn what_a_group_hangs_on_is_kept_with_the_result<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    store.enqueue(&["a", "b", "c"].map(|key| of_thread(key, "g", 10, 1))).unwrap();
    store.enqueue(&[of_thread("other", "h", 10, 1), notification("alone", "", 10, vec![])]).unwrap();
    let first = lease(&*store, 10, 1000);
    assert!(first.iter().all(|delivery| delivery.root.is_none()));
    engine.break_table("thread_roots");
    let result =
        AttemptResult::Delivered { reply: "ok".to_owned(), refused: None, rest: Vec::new(), root: Some(root(1, "m1")) };
    let attempt = attempt(first[0].id, 20, result);
    assert!(store.record(std::slice::from_ref(&attempt), at(20)).is_err());
    engine.mend_table("thread_roots");
    store.record(&[attempt], at(20)).unwrap();
    drop(store);
    let store = engine.open();
    let second = lease(&*store, 20, 1000);
    assert_eq!((keys(&second), second[0].root.clone()), (vec!["b"], Some(root(1, "m1"))));
    // A newer thread takes its place, and an older one does not take it back.
    delivered(&*store, second[0].id, 21, Some(root(4, "m4")));
    let third = lease(&*store, 21, 1000);
    assert_eq!(third[0].root, Some(root(4, "m4")));
    delivered(&*store, third[0].id, 22, Some(root(1, "m1")));
    store.enqueue(&[of_thread("d", "g", 30, 4)]).unwrap();
    assert_eq!(lease(&*store, 30, 1000)[0].root, Some(root(4, "m4")));
}

pub fn old_threads_are_forgotten<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    store.enqueue(&[of_thread("a", "g", 10, 1), of_thread("b", "h", 10, 1)]).unwrap();
    for (delivery, ms) in lease(&*store, 10, 1000).iter().zip([100, 200]) {
        delivered(&*store, delivery.id, ms, Some(root(1, "m")));
    }
    let never = at(i64::MIN);
    let retention =
        Retention { readings_before: never, payloads_before: never, deliveries_before: at(150), alerts_before: never };
    while !store.prune(&retention, &mut |_| None).unwrap().complete {}
    store.enqueue(&[of_thread("c", "g", 300, 1), of_thread("d", "h", 300, 1)]).unwrap();
    let known: Vec<bool> = lease(&*store, 300, 1000).iter().map(|delivery| delivery.root.is_some()).collect();
    assert_eq!(known, [false, true]);
}
