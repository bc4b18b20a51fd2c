//! Notifications from their decision to their delivery.

use pulsewarden::engine::{DeliveryFailure, Notification, Timestamp};
use pulsewarden::store::{AttemptResult, Delivery, DeliveryState, Entry, Rendered, Room, Store};

use crate::Engine;
use crate::samples::{alert, at, attempt, dead, delivered, device, notification, rendered};

fn lease(store: &dyn Store, now: i64, until: i64) -> Vec<Delivery> {
    store.lease(at(now), at(until), &Room::new(10), &mut |notification| rendered(&notification.key)).unwrap()
}

fn keys(deliveries: &[Delivery]) -> Vec<&str> {
    deliveries.iter().map(|delivery| delivery.notification.key.as_str()).collect()
}

fn record(store: &dyn Store, delivery: u64, result: AttemptResult) {
    store.record(&[attempt(delivery, 50, result)], at(50)).unwrap();
}

pub fn a_message_is_rendered_once<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    let sent = notification("k", "g", 10, vec![alert(1, &device("1"), 5)]);
    store.enqueue(std::slice::from_ref(&sent)).unwrap();
    assert_eq!(store.next_delivery(&Room::new(1)).unwrap(), Some(at(10)));
    assert!(lease(&*store, 9, 30).is_empty());
    let first = lease(&*store, 10, 30).remove(0);
    let mut kept = sent;
    if let pulsewarden::engine::Content::Alerts { firing, .. } = &mut kept.content {
        firing[0].changed = false;
    }
    assert_eq!((first.notification, first.attempts, first.rendered), (kept, 0, rendered("k")));
    assert_eq!(store.next_delivery(&Room::new(1)).unwrap(), Some(at(30)));
    drop(store);
    let store = engine.open();
    assert!(lease(&*store, 29, 60).is_empty());
    let mut again = store.lease(at(30), at(60), &Room::new(10), &mut |_| panic!("rendered twice")).unwrap();
    let again = again.remove(0);
    assert_eq!((again.id, again.attempts, again.rendered), (first.id, 1, rendered("k")));
}

pub fn what_is_leased_is_leased_to_nobody_else<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    let many: Vec<Notification> =
        (0..60).map(|n| notification(&format!("k{n}"), &format!("g{n}"), 10, vec![])).collect();
    store.enqueue(&many).unwrap();
    let mut ids: Vec<u64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut mine = Vec::new();
                    loop {
                        let leased = store.lease(at(20), at(90), &Room::new(7), &mut |_| rendered("")).unwrap();
                        if leased.is_empty() {
                            return mine;
                        }
                        mine.extend(leased.iter().map(|delivery| delivery.id));
                    }
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    ids.sort_unstable();
    let leased = ids.len();
    ids.dedup();
    assert_eq!((leased, ids.len()), (60, 60));
}

pub fn a_known_key_is_left_alone<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    store.enqueue(&[notification("k", "", 10, vec![]), notification("k", "", 11, vec![])]).unwrap();
    let first = lease(&*store, 20, 30).remove(0);
    record(&*store, first.id, delivered());
    store.enqueue(&[notification("k", "", 12, vec![])]).unwrap();
    assert!(lease(&*store, 100, 200).is_empty());
    assert_eq!(store.deliveries(None, None, 10).unwrap().len(), 1);
}

pub fn results_are_recorded<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    store.enqueue(&["a", "b", "c"].map(|key| notification(key, key, 10, vec![]))).unwrap();
    let leased = lease(&*store, 10, 1000);
    assert_eq!(keys(&leased), ["a", "b", "c"]);
    record(&*store, leased[0].id, delivered());
    record(&*store, leased[1].id, AttemptResult::Retry { at: at(70), error: "try later".to_owned() });
    record(&*store, leased[2].id, dead());
    let rows = store.deliveries(None, None, 10).unwrap();
    let states: Vec<_> = rows.iter().map(|row| (row.key.as_str(), row.state, row.attempts)).collect();
    assert_eq!(
        states,
        [("c", DeliveryState::Dead, 1), ("b", DeliveryState::Waiting, 1), ("a", DeliveryState::Delivered, 1)]
    );
    let times: Vec<_> = rows.iter().map(|row| (row.next_attempt_at, row.delivered_at)).collect();
    assert_eq!(times, [(None, None), (Some(at(70)), None), (None, Some(at(50)))]);
    let errors: Vec<_> = rows.iter().map(|row| row.last_error.as_deref()).collect();
    assert_eq!(errors, [Some("550 no such mailbox"), Some("try later"), None]);
    record(&*store, leased[0].id, dead());
    assert_eq!(store.count_dead(at(0), at(51)).unwrap(), 1, "what was delivered cannot die");
    assert_eq!(store.count_dead(at(0), at(50)).unwrap(), 0);
    let figures = store.figures().unwrap();
    assert_eq!((figures.outbox_waiting, figures.outbox_oldest), (1, Some(at(10))));
    assert_eq!((figures.dead_letters, figures.last_dead, figures.last_delivery), (1, Some(at(50)), Some(at(50))));
    assert!(lease(&*store, 69, 100).is_empty());
    assert_eq!(lease(&*store, 70, 100)[0].attempts, 1);
}

pub fn a_delivery_given_up_reaches_its_group_through_the_journal<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    store.enqueue(&[notification("k", "g", 10, vec![]), notification("alone", "", 10, vec![])]).unwrap();
    assert!(store.hold_frontier(at(80), 0).unwrap());
    for delivery in lease(&*store, 10, 1000) {
        record(&*store, delivery.id, dead());
    }
    let rows = store.journal(0, 10).unwrap();
    let failure = DeliveryFailure { key: "k".to_owned(), group: "g".to_owned() };
    assert!(matches!(&rows[..], [row] if row.at == at(80) && row.position == 1
        && matches!(&row.entry, Entry::DeliveryFailed(kept) if *kept == failure)));
}

pub fn a_result_and_its_journal_row_are_kept_together<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    store.enqueue(&[notification("k", "g", 10, vec![])]).unwrap();
    let delivery = lease(&*store, 10, 20).remove(0).id;
    engine.break_table("journal");
    assert!(store.record(&[attempt(delivery, 50, dead())], at(50)).is_err());
    engine.mend_table("journal");
    assert_eq!(store.deliveries(None, Some(DeliveryState::Waiting), 10).unwrap().len(), 1);
    record(&*store, delivery, dead());
    record(&*store, delivery, dead());
    assert_eq!(store.journal(0, 10).unwrap().len(), 1);
}

pub fn leases_of_an_ended_daemon_are_released<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    store.enqueue(&["a", "b"].map(|key| notification(key, key, 10, vec![]))).unwrap();
    let leased = lease(&*store, 10, 1000);
    record(&*store, leased[1].id, AttemptResult::Retry { at: at(500), error: "try later".to_owned() });
    drop(store);
    let store = engine.open();
    store.release().unwrap();
    let again = lease(&*store, 10, 1000);
    assert_eq!((keys(&again), again[0].attempts), (vec!["a"], 1));
}

pub fn deliveries_are_listed_by_alert_and_state<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    let about = |numbers: &[u64]| numbers.iter().map(|number| alert(*number, &device("1"), 5)).collect();
    store
        .enqueue(&[
            notification("a", "g", 10, about(&[1, 2])),
            notification("b", "h", 11, about(&[2])),
            notification("c", "", 12, vec![]),
        ])
        .unwrap();
    let first = lease(&*store, 10, 20).remove(0);
    assert!(matches!(first.rendered, Rendered::Slack { .. }));
    record(&*store, first.id, delivered());
    let listed = |alert, state, limit| {
        let rows = store.deliveries(alert, state, limit).unwrap();
        rows.into_iter().map(|row| row.key).collect::<Vec<_>>()
    };
    assert_eq!(listed(None, None, 2), ["c", "b"]);
    assert_eq!(listed(Some(2), None, 10), ["b", "a"]);
    assert_eq!(listed(Some(2), Some(DeliveryState::Waiting), 10), ["b"]);
    assert_eq!(listed(None, Some(DeliveryState::Delivered), 10), ["a"]);
    assert!(listed(Some(9), None, 10).is_empty());
    let row = store.deliveries(Some(1), None, 1).unwrap().remove(0);
    assert_eq!((row.alerts, row.due, row.group.as_str()), (vec![1, 2], Timestamp(10), "g"));
}
