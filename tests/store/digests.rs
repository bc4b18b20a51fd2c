//! Digest runs, what they are put together from, and rule sets.

use pulsewarden::engine::{Acknowledgement, Alert, AlertState, Severity};
use pulsewarden::store::{DigestDue, Room, Store};

use crate::Engine;
use crate::samples::{alert, at, commit, device, ended, labels, notification, rendered, slice};

fn due(schedule: &str, ms: i64) -> DigestDue {
    DigestDue { schedule: schedule.to_owned(), due: at(ms), covered_until: at(ms - 10) }
}

pub fn a_digest_runs_once<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    let next = due("0 8 * * *", 200);
    let run = |store: &dyn Store, from| {
        store.run_digest("daily", at(from), &next, &[notification("d-100", "", 100, vec![])]).unwrap()
    };
    assert!(!run(&*store, 100), "it has no due time yet");
    store.schedule_digest("daily", &due("0 8 * * *", 100)).unwrap();
    let ran: usize = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..4).map(|_| scope.spawn(|| usize::from(run(&*store, 100)))).collect();
        runs.into_iter().map(|run| run.join().unwrap()).sum()
    });
    assert_eq!(ran, 1);
    drop(store);
    let store = engine.open();
    assert!(!run(&*store, 100));
    assert_eq!(store.digest_due("daily").unwrap(), Some(next));
    let leased = store.lease(at(500), at(900), &Room::new(10), &mut |_| rendered("a digest")).unwrap();
    assert_eq!(leased.len(), 1);
}

pub fn a_schedule_is_kept_until_it_changes<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    assert_eq!(store.digest_due("daily").unwrap(), None);
    store.schedule_digest("daily", &due("0 8 * * *", 100)).unwrap();
    store.schedule_digest("daily", &due("0 8 * * *", 300)).unwrap();
    assert_eq!(store.digest_due("daily").unwrap(), Some(due("0 8 * * *", 100)));
    store.schedule_digest("daily", &due("0 9 * * *", 300)).unwrap();
    let changed = DigestDue { covered_until: at(90), ..due("0 9 * * *", 300) };
    assert_eq!(store.digest_due("daily").unwrap(), Some(changed), "what was covered stays covered");
}

pub fn alerts_in_short_come_page_by_page<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    let mut open: Vec<Alert> =
        (1..=5).map(|number| alert(number, &device("1"), 100 + number.cast_signed() / 2)).collect();
    open[1].shadow = true;
    open[2].severity = Severity::Critical;
    open[2].acknowledged = Some(Box::new(Acknowledgement { by: "Grace".to_owned(), at: at(9), until: Some(at(99)) }));
    let over = [ended(alert(6, &device("1"), 50), AlertState::Resolved, 300)];
    commit(&*store, &[&slice(&device("1"), None, open.clone())], &over);
    let numbers = |state, after, limit| -> Vec<u64> {
        store.outlines(state, after, limit).unwrap().iter().map(|alert| alert.number).collect()
    };
    assert_eq!(
        numbers(AlertState::Firing, (at(0), 0), 10),
        [1, 3, 4, 5],
        "in the order of their moves; none is tried out"
    );
    assert_eq!(numbers(AlertState::Firing, (at(0), 0), 2), [1, 3]);
    assert_eq!(
        numbers(AlertState::Firing, (at(101), 3), 10),
        [4, 5],
        "where the page before ended, within one instant too"
    );
    assert_eq!(numbers(AlertState::Resolved, (at(300), 0), 10), [6]);
    assert_eq!(numbers(AlertState::Resolved, (at(301), 0), 10), [0; 0]);
    let third = &store.outlines(AlertState::Firing, (at(0), 0), 2).unwrap()[1];
    assert_eq!(
        (third.severity, third.opened_at, third.noticed_at, third.moved_at),
        (Severity::Critical, at(100), at(101), at(101))
    );
    assert_eq!(third.acknowledged.as_ref(), open[2].acknowledged.as_deref());
    assert_eq!(third.labels, labels());
}

pub fn rule_sets_are_kept_by_hash<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    assert_eq!(store.rule_set("abc").unwrap(), None);
    store.keep_rule_set("abc", b"files").unwrap();
    store.keep_rule_set("abc", b"files").unwrap();
    drop(store);
    assert_eq!(engine.open().rule_set("abc").unwrap().as_deref(), Some(&b"files"[..]));
}
