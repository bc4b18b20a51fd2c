//! Digest runs and rule sets.

use pulsewarden::store::{DigestDue, Room, Store};

use crate::Engine;
use crate::samples::{at, notification, rendered};

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

pub fn rule_sets_are_kept_by_hash<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    assert_eq!(store.rule_set("abc").unwrap(), None);
    store.keep_rule_set("abc", b"files").unwrap();
    store.keep_rule_set("abc", b"files").unwrap();
    drop(store);
    assert_eq!(engine.open().rule_set("abc").unwrap().as_deref(), Some(&b"files"[..]));
}
