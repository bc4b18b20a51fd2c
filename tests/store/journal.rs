//! Rows, their places, and repeats.

use std::sync::atomic::{AtomicBool, Ordering};

use pulsewarden::engine::{Command, DeliveryFailure, Source};
use pulsewarden::store::{Appended, Entry, EventRow, JournalRow, NewRow, Quarantined, StoreError};

use crate::Engine;
use crate::samples::{at, event, from_log};

fn new(position: u64, ms: i64) -> Appended {
    Appended::New { position, at: at(ms) }
}

fn ids(rows: &[JournalRow]) -> Vec<String> {
    let id = |row: &JournalRow| match &row.entry {
        Entry::Event(event) => event.envelope_id.clone(),
        _ => None,
    };
    rows.iter().filter_map(id).collect()
}

pub fn rows_come_back_in_order_as_they_went_in<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    let command = Command::TestNotification { receiver: "team".to_owned(), by: "somebody".to_owned() };
    let failure = DeliveryFailure { key: "key".to_owned(), group: "group".to_owned() };
    let row = |entry| NewRow { received_at: at(3), entry };
    let mut replayed = from_log("order.shipped", Some("sha256:00ff"), Some(12));
    if let Entry::Event(event) = &mut replayed.entry {
        event.source = Source::Replayed;
        event.body = None;
    }
    let rows = [
        event("device.lowBattery", "4611686018427387904"),
        row(Entry::Command(command.clone())),
        row(Entry::RuleSet { hash: "abc".to_owned() }),
        row(Entry::DeliveryFailed(failure.clone())),
        replayed,
    ];
    let places: Vec<Appended> = (1..=5).map(|position| new(position, 8)).collect();
    assert_eq!(store.append(&rows, at(8)).unwrap(), places);
    drop(store);
    let kept = engine.open().journal(0, 100).unwrap();
    assert_eq!(
        kept.iter().map(|row| (row.position, row.at.0)).collect::<Vec<_>>(),
        (1..=5).map(|p| (p, 8)).collect::<Vec<_>>()
    );
    assert_eq!(kept.iter().map(|row| row.received_at.0).collect::<Vec<_>>(), [5, 3, 3, 3, 5]);
    assert!(
        matches!(&kept[0].entry, Entry::Event(EventRow { kind, envelope_id: Some(id), log_id: None, source: Source::Webhook, body: Some(body) })
        if kind == "device.lowBattery" && id == "4611686018427387904" && body == b"body of device.lowBattery")
    );
    assert!(matches!(&kept[1].entry, Entry::Command(kept) if *kept == command));
    assert!(matches!(&kept[2].entry, Entry::RuleSet { hash } if hash == "abc"));
    assert!(matches!(&kept[3].entry, Entry::DeliveryFailed(kept) if *kept == failure));
    assert!(
        matches!(&kept[4].entry, Entry::Event(EventRow { envelope_id: Some(id), log_id: Some(12), source: Source::Replayed, body: None, .. })
        if id == "sha256:00ff")
    );
    let after: Vec<u64> = engine.open().journal(2, 2).unwrap().iter().map(|row| row.position).collect();
    assert_eq!(after, [3, 4]);
}

pub fn an_event_is_kept_once<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    let twins = [event("device.lowBattery", "7"), event("device.lowBattery", "7")];
    assert_eq!(store.append(&twins, at(1)).unwrap(), [new(1, 1), Appended::Known]);
    drop(store);
    let store = engine.open();
    assert_eq!(store.append(&twins, at(2)).unwrap(), [Appended::Known, Appended::Known]);
    let others = [
        event("device.weakSignal", "7"),
        event("device.lowBattery", "07"),
        event("device.lowBattery", "+7"),
        event("device.lowBattery", "-7"),
        event("device.lowBattery", "99999999999999999999"),
        event("device.lowBattery", ""),
    ];
    assert!(store.append(&others, at(3)).unwrap().iter().all(|one| *one != Appended::Known));
    assert!(store.append(&others, at(3)).unwrap().iter().all(|one| *one == Appended::Known));
    let recovered = from_log("device.lowBattery", None, Some(7));
    assert_eq!(store.append(&[recovered.clone(), recovered.clone()], at(4)).unwrap(), [new(8, 4), Appended::Known]);
    assert_eq!(store.append(&[from_log("device.weakSignal", None, Some(7))], at(4)).unwrap(), [new(9, 4)]);
    assert_eq!(store.append(&[from_log("device.lowBattery", Some("8"), Some(7))], at(4)).unwrap(), [Appended::Known]);
    assert_eq!(
        store
            .append(&[from_log("device.lowBattery", None, None), from_log("device.lowBattery", None, None)], at(4))
            .unwrap(),
        [new(10, 4), new(11, 4)]
    );
}

pub fn a_repeat_beside_new_events_leaves_no_gap<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    store.append(&[event("a", "1")], at(1)).unwrap();
    let batch = [event("a", "2"), event("a", "1"), event("a", "3"), event("a", "2"), event("a", "4")];
    let appended = store.append(&batch, at(1)).unwrap();
    assert_eq!(appended, [new(2, 1), Appended::Known, new(3, 1), Appended::Known, new(4, 1)]);
    assert_eq!(ids(&store.journal(0, 10).unwrap()), ["1", "2", "3", "4"]);
}

pub fn times_never_go_back<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    assert_eq!(store.append(&[event("a", "1")], at(100)).unwrap(), [new(1, 100)]);
    assert_eq!(store.append(&[event("a", "2")], at(40)).unwrap(), [new(2, 100)]);
    drop(store);
    let store = engine.open();
    assert_eq!(store.append(&[event("a", "3")], at(50)).unwrap(), [new(3, 100)]);
    let mut progress = crate::samples::progress(3);
    progress.frontier = at(500);
    store.commit(&crate::samples::outcome(&progress)).unwrap();
    drop(store);
    assert_eq!(engine.open().append(&[event("a", "4")], at(60)).unwrap(), [new(4, 500)]);
}

pub fn a_held_frontier_binds_later_rows<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    assert!(store.hold_frontier(at(50), 0).unwrap());
    assert_eq!(store.append(&[event("a", "1")], at(10)).unwrap(), [new(1, 50)]);
    assert!(!store.hold_frontier(at(90), 0).unwrap(), "a row came that is not processed");
    assert!(store.hold_frontier(at(80), 1).unwrap());
    assert!(store.hold_frontier(at(70), 1).unwrap(), "an earlier one takes nothing back");
    engine.break_table("journal");
    assert!(store.append(&[event("a", "2")], at(10)).is_err());
    engine.mend_table("journal");
    assert_eq!(store.append(&[event("a", "2")], at(10)).unwrap(), [new(2, 80)]);
}

pub fn a_frontier_is_held_against_rows_that_come_meanwhile<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for id in 0..200 {
                store.append(&[event("a", &id.to_string())], at(0)).unwrap();
            }
            stop.store(true, Ordering::SeqCst);
        });
        let mut held = Vec::new();
        for ms in 1.. {
            let processed = store.figures().unwrap().last_position;
            if store.hold_frontier(at(ms), processed).unwrap() {
                held.push((processed, at(ms)));
            }
            if stop.load(Ordering::SeqCst) {
                break;
            }
        }
        let rows = store.journal(0, 1000).unwrap();
        assert_eq!(rows.len(), 200);
        for (processed, frontier) in held {
            assert!(rows.iter().filter(|row| row.position > processed).all(|row| row.at >= frontier));
        }
    });
}

pub fn a_failed_append_keeps_nothing_and_heals<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    store.append(&[event("a", "1")], at(1)).unwrap();
    engine.break_table("journal");
    let batch = [event("new.type", "2"), event("a", "3")];
    for _ in 0..2 {
        assert!(matches!(store.append(&batch, at(2)), Err(StoreError::Unavailable { .. })));
    }
    assert_eq!(store.journal(0, 10).unwrap().len(), 1);
    assert_eq!(store.figures().unwrap().last_by_type.len(), 1);
    engine.mend_table("journal");
    assert_eq!(store.append(&batch, at(3)).unwrap(), [new(2, 3), new(3, 3)]);
}

pub fn a_bad_body_is_quarantined_once<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    let bad = |hash: &str| Quarantined {
        received_at: at(1),
        hash: hash.to_owned(),
        reason: "not JSON".to_owned(),
        body: b"{".to_vec(),
    };
    assert!(store.quarantine(&bad("one")).unwrap());
    assert!(!store.quarantine(&bad("one")).unwrap());
    assert!(store.quarantine(&bad("two")).unwrap());
    assert_eq!(store.figures().unwrap().quarantined, 2);
}

pub fn events_are_listed_newest_first<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    let rule_set = NewRow { received_at: at(1), entry: Entry::RuleSet { hash: "abc".to_owned() } };
    let rows = [event("a", "1"), event("b", "2"), rule_set, event("a", "3"), event("a", "4")];
    store.append(&rows, at(1)).unwrap();
    assert_eq!(ids(&store.events_before(u64::MAX, None, 3).unwrap()), ["4", "3", "2"]);
    assert_eq!(ids(&store.events_before(u64::MAX, Some("a"), 10).unwrap()), ["4", "3", "1"]);
    assert_eq!(ids(&store.events_before(4, Some("a"), 10).unwrap()), ["1"]);
    assert!(store.events_before(u64::MAX, Some("nobody.knows"), 10).unwrap().is_empty());
}

pub fn a_rare_type_is_found_far_back<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    let mut rows = vec![event("rare", "first"), event("rare", "second")];
    rows.extend((0..2500).map(|id| event("common", &format!("{id}"))));
    rows.push(event("rare", "last"));
    store.append(&rows, at(1)).unwrap();
    assert_eq!(ids(&store.events_before(u64::MAX, Some("rare"), 10).unwrap()), ["last", "second", "first"]);
    assert_eq!(ids(&store.events_before(u64::MAX, Some("rare"), 2).unwrap()), ["last", "second"]);
    assert_eq!(ids(&store.events_before(2503, Some("rare"), 1).unwrap()), ["second"]);
}

pub fn the_kept_are_counted_by_type<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    let mut late = event("a", "3");
    late.received_at = at(2);
    store.append(&[event("a", "1"), event("b", "2"), event("a", "1")], at(9)).unwrap();
    store.append(&[late], at(9)).unwrap();
    let figures = store.figures().unwrap();
    assert_eq!(figures.last_by_type, [("a".to_owned(), at(5), 2), ("b".to_owned(), at(5), 1)]);
    assert_eq!((figures.last_position, figures.processed_position), (3, 0));
    assert_eq!((figures.last_webhook, figures.oldest_unprocessed), (Some(at(5)), Some(at(9))));
}
