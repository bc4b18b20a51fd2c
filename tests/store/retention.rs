//! What goes after its time, and what stays.

use pulsewarden::engine::{AlertState, Timestamp};
use pulsewarden::store::{
    AlertFilter, Appended, Entry, EventRow, NewRow, Outcome, Quarantined, Retention, Room, Store,
};

use crate::Engine;
use crate::samples::{
    alert, at, attempt, commit, delivered, device, ended, event, notification, outcome, progress, rendered, slice,
    transition,
};

const NEVER: Retention = Retention {
    readings_before: Timestamp(0),
    payloads_before: Timestamp(0),
    deliveries_before: Timestamp(0),
    alerts_before: Timestamp(0),
};

/// Prunes until nothing is left to do; returns what `reduce` was shown.
fn prune(store: &dyn Store, retention: Retention) -> Vec<String> {
    let mut shown = Vec::new();
    let mut reduce = |event: &EventRow| {
        shown.push(event.kind.clone());
        Some(b"reduced".to_vec())
    };
    while !store.prune(&retention, &mut reduce).unwrap().complete {}
    shown
}

fn bodies(store: &dyn Store) -> Vec<Option<String>> {
    let body = |entry| match entry {
        Entry::Event(event) => event.body.map(|body| String::from_utf8(body).unwrap()),
        Entry::RuleSet { hash } => Some(hash),
        _ => None,
    };
    store.journal(0, 10_000).unwrap().into_iter().map(|row| body(row.entry)).collect()
}

pub fn old_bodies_shrink_and_go_but_repeats_stay_known<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    let rule_set = NewRow { received_at: at(1), entry: Entry::RuleSet { hash: "abc".to_owned() } };
    store.append(&[event("reading.weight", "1"), event("device.lowBattery", "2"), rule_set], at(100)).unwrap();
    let many: Vec<NewRow> = (0..1300).map(|id| event("device.lowBattery", &format!("m{id}"))).collect();
    store.append(&many, at(150)).unwrap();
    store.append(&[event("reading.weight", "3"), event("device.lowBattery", "4")], at(200)).unwrap();
    store.append(&[event("reading.weight", "5"), event("device.lowBattery", "6")], at(300)).unwrap();
    store.commit(&outcome(&progress(1307))).unwrap();
    assert!(prune(&*store, NEVER).is_empty());
    let readings = Retention { readings_before: at(300), ..NEVER };
    assert_eq!(prune(&*store, readings), ["reading.weight", "reading.weight"]);
    assert!(prune(&*store, readings).is_empty(), "what is reduced stays as it is");
    prune(&*store, Retention { payloads_before: at(200), ..readings });
    let low = Some("body of device.lowBattery".to_owned());
    let kept = bodies(&*store);
    assert_eq!(kept[..3], [None, None, Some("abc".to_owned())]);
    assert!(kept[3..1303].iter().all(Option::is_none));
    let (reduced, weight) = (Some("reduced".to_owned()), Some("body of reading.weight".to_owned()));
    assert_eq!(kept[1303..], [reduced, low.clone(), weight, low]);
    drop(store);
    let store = engine.open();
    let repeat = [event("reading.weight", "1"), event("device.lowBattery", "m7")];
    assert_eq!(store.append(&repeat, at(400)).unwrap(), [Appended::Known, Appended::Known]);
}

pub fn what_is_not_processed_stays<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    store.append(&[event("reading.weight", "1"), event("reading.weight", "2")], at(100)).unwrap();
    store.commit(&outcome(&progress(1))).unwrap();
    let all = Retention { readings_before: at(900), payloads_before: at(900), ..NEVER };
    prune(&*store, all);
    assert_eq!(bodies(&*store), [None, Some("body of reading.weight".to_owned())]);
    store.commit(&outcome(&progress(2))).unwrap();
    prune(&*store, all);
    assert_eq!(bodies(&*store), [None, None]);
}

pub fn old_quarantined_bodies_go<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    for ms in 0..1200 {
        let bad = Quarantined { received_at: at(ms), hash: format!("{ms}"), reason: String::new(), body: Vec::new() };
        assert!(store.quarantine(&bad).unwrap());
    }
    prune(&*store, Retention { payloads_before: at(1100), ..NEVER });
    assert_eq!(store.figures().unwrap().quarantined, 100);
}

pub fn old_deliveries_and_alerts_go<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    let (old, young) = (alert(1, &device("1"), 10), alert(2, &device("1"), 20));
    let open = slice(&device("2"), None, vec![alert(3, &device("2"), 5)]);
    commit(
        &*store,
        &[&open],
        &[ended(old.clone(), AlertState::Resolved, 100), ended(young.clone(), AlertState::Expired, 200)],
    );
    let progress = progress(0);
    let moves = [transition(&old), transition(&young)];
    let told = ["a", "b", "c"].map(|key| notification(key, key, 1, vec![old.clone()]));
    store.commit(&Outcome { transitions: &moves, notifications: &told, ..outcome(&progress) }).unwrap();
    let leased = store.lease(at(1), at(9), &Room::new(2), &mut |_| rendered("")).unwrap();
    for (delivery, ms) in leased.iter().zip([100, 200]) {
        store.record(&[attempt(delivery.id, ms, delivered())], at(ms)).unwrap();
    }
    prune(&*store, Retention { deliveries_before: at(150), ..NEVER });
    let keys: Vec<String> = store.deliveries(Some(1), None, 10).unwrap().into_iter().map(|row| row.key).collect();
    assert_eq!(keys, ["c", "b"], "what still waits stays, however old");
    prune(&*store, Retention { alerts_before: at(150), ..NEVER });
    let filter = AlertFilter { limit: 10, ..AlertFilter::default() };
    let numbers: Vec<u64> = store.alerts(&filter).unwrap().iter().map(|alert| alert.number).collect();
    assert_eq!(numbers, [3, 2], "what is still open stays, however old");
    assert!(store.transitions(1).unwrap().is_empty());
    assert_eq!(store.transitions(2).unwrap().len(), 1);
}
