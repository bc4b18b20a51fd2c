//! Subjects, alerts and groups, and the commit of what a batch decided.

use pulsewarden::engine::{Alert, AlertState, Severity, Slice, SubjectKind};
use pulsewarden::store::{AlertFilter, AlertOrder, Outcome, Progress, Room};

use crate::Engine;
use crate::samples::{
    alert, at, commit, device, ended, event, group, member, notification, outcome, progress, settled, slice, transition,
};

fn numbers(alerts: &[Alert]) -> Vec<u64> {
    alerts.iter().map(|alert| alert.number).collect()
}

fn filter() -> AlertFilter {
    AlertFilter { limit: 100, ..AlertFilter::default() }
}

pub fn nothing_is_known_at_first<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    assert_eq!(store.progress().unwrap(), Progress { next_alert: 1, ..Progress::default() });
    assert_eq!(store.load(&[device("1")]).unwrap(), [Slice::new(device("1"))]);
    assert!(store.journal(0, 10).unwrap().is_empty());
    assert!(store.due(at(i64::MAX), 10).unwrap().is_empty());
    assert!(store.subjects_with_open_alerts().unwrap().is_empty());
    assert!(store.alerts(&filter()).unwrap().is_empty());
    assert_eq!(store.next_delivery(&Room::new(1)).unwrap(), None);
}

pub fn what_was_committed_is_loaded<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    let one = slice(&device("1"), Some(40), vec![alert(1, &device("1"), 10), alert(2, &device("1"), 11)]);
    let other = slice(&device("2"), None, vec![]);
    let mut gathered = slice(&group("g"), Some(50), vec![]);
    gathered.members.extend([member(alert(1, &device("1"), 10))]);
    commit(&*store, &[&one, &other, &gathered], &[]);
    let asked = [group("g"), device("1"), device("unknown"), device("2"), device("1")];
    let kept = [&gathered, &one, &Slice::new(device("unknown")), &other, &one].map(settled);
    assert_eq!(store.load(&asked).unwrap(), kept);
    drop(store);
    assert_eq!(engine.open().load(&asked).unwrap(), kept);
}

pub fn a_commit_is_whole_or_nothing<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    store.append(&[event("a", "1")], at(1)).unwrap();
    let open = alert(1, &device("1"), 10);
    let one = slice(&device("1"), Some(40), vec![open.clone()]);
    let (transitions, notifications) = ([transition(&open)], [notification("k", "g", 1, vec![open.clone()])]);
    let gone = [ended(alert(2, &device("2"), 3), AlertState::Expired, 4)];
    let progress = progress(1);
    let whole = Outcome {
        slices: &[&one],
        ended: &gone,
        transitions: &transitions,
        notifications: &notifications,
        ..outcome(&progress)
    };
    for table in ["subjects", "alerts", "transitions", "outbox", "progress"] {
        engine.break_table(table);
        assert!(store.commit(&whole).is_err(), "{table} is broken");
        engine.mend_table(table);
        assert_eq!(store.progress().unwrap().position, 0);
        assert_eq!(store.load(&[device("1")]).unwrap(), [Slice::new(device("1"))]);
        assert!(store.alerts(&filter()).unwrap().is_empty());
        assert!(store.transitions(1).unwrap().is_empty());
        assert!(store.deliveries(None, None, 10).unwrap().is_empty());
    }
    store.commit(&whole).unwrap();
    assert_eq!(store.progress().unwrap(), progress);
    assert_eq!(store.load(&[device("1")]).unwrap(), [settled(&one)]);
    assert_eq!(numbers(&store.alerts(&filter()).unwrap()), [2, 1]);
    assert_eq!(store.transitions(1).unwrap(), transitions);
    assert_eq!(store.deliveries(None, None, 10).unwrap().len(), 1);
}

pub fn due_subjects_come_in_order<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    let mut slices = [
        slice(&device("2"), Some(30), vec![]),
        slice(&group("1"), Some(30), vec![]),
        slice(&device("10"), Some(30), vec![]),
        slice(&device("3"), Some(20), vec![]),
        slice(&device("4"), None, vec![]),
        slice(&device("5"), Some(31), vec![]),
    ];
    slices[1].members.extend([member(alert(1, &device("2"), 1))]);
    commit(&*store, &slices.each_ref(), &[]);
    let order = [
        (at(20), device("3")),
        (at(30), device("10")),
        (at(30), device("2")),
        (at(30), group("1")),
        (at(31), device("5")),
    ];
    assert_eq!(store.due(at(100), 100).unwrap(), order);
    assert_eq!(store.due(at(30), 100).unwrap(), order[..4]);
    assert_eq!(store.due(at(100), 2).unwrap(), order[..2]);
    slices[3].due = None;
    slices[5].due = Some(at(1));
    slices[0].projection.news_at = Some(at(78));
    commit(&*store, &slices.each_ref(), &[]);
    let moved: Vec<_> = store.due(at(100), 100).unwrap().into_iter().map(|(_, subject)| subject.id).collect();
    assert_eq!(moved, ["5", "10", "2", "1"]);
    assert_eq!(store.load(&[device("2")]).unwrap()[0].projection.news_at, Some(at(78)));
}

pub fn ended_alerts_leave_their_slice_and_stay_listed<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    let (first, second) = (alert(1, &device("1"), 10), alert(2, &device("1"), 11));
    let mut one = slice(&device("1"), None, vec![first.clone(), second]);
    let other = slice(&device("2"), None, vec![alert(3, &device("2"), 12)]);
    commit(&*store, &[&one, &other], &[]);
    assert_eq!(store.subjects_with_open_alerts().unwrap(), [device("1"), device("2")]);
    one.alerts.remove(0);
    commit(&*store, &[&one], &[ended(first, AlertState::Resolved, 20)]);
    assert_eq!(numbers(&store.load(&[device("1")]).unwrap()[0].alerts), [2]);
    let resolved = store.alerts(&AlertFilter { number: Some(1), ..filter() }).unwrap();
    assert_eq!((resolved[0].state, resolved[0].end.as_ref().unwrap().noticed_at), (AlertState::Resolved, at(20)));
    assert_eq!(store.figures().unwrap().open_alerts, 2);
    let last = one.alerts.remove(0);
    commit(&*store, &[&one], &[ended(last, AlertState::Closed, 21)]);
    assert_eq!(store.load(&[device("1")]).unwrap(), [settled(&one)]);
    assert_eq!(store.subjects_with_open_alerts().unwrap(), [device("2")]);
}

pub fn members_come_and_go_and_a_spent_group_is_forgotten<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    let mut gathered = slice(&group("g"), Some(5), vec![]);
    gathered.members.extend((1..=3).map(|number| member(alert(number, &device("1"), 1))));
    let mut beside = slice(&group("h"), None, vec![]);
    beside.members.extend([member(alert(1, &device("1"), 1))]);
    commit(&*store, &[&gathered, &beside], &[]);
    gathered.members.remove(&2);
    gathered.removed_members.push(2);
    gathered.members.get_mut(&3).unwrap().alert.count = 9;
    commit(&*store, &[&gathered], &[]);
    assert_eq!(store.load(&[group("g"), group("h")]).unwrap(), [settled(&gathered), settled(&beside)]);
    gathered.removed_members = vec![1, 3];
    gathered.members.clear();
    commit(&*store, &[&gathered], &[]);
    assert_eq!(store.load(&[group("g"), group("h")]).unwrap(), [Slice::new(group("g")), settled(&beside)]);
    assert!(store.due(at(100), 10).unwrap().is_empty());
}

pub fn an_unchanged_alert_is_left_alone<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    let mut one = slice(&device("1"), None, vec![alert(1, &device("1"), 10)]);
    commit(&*store, &[&one], &[]);
    one.alerts[0].count = 5;
    one.alerts[0].changed = false;
    commit(&*store, &[&one], &[]);
    assert_eq!(store.load(&[device("1")]).unwrap()[0].alerts[0].count, 1);
    one.alerts[0].changed = true;
    one.dirty = false;
    one.projection.news_at = None;
    commit(&*store, &[&one], &[]);
    let kept = store.load(&[device("1")]).unwrap().remove(0);
    assert_eq!((kept.alerts[0].count, kept.projection.news_at), (5, Some(at(77))));
}

pub fn moves_come_oldest_first<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    let (fired, progress) = (alert(1, &device("1"), 10), progress(1));
    let moves = [
        transition(&fired),
        transition(&alert(2, &device("1"), 10)),
        transition(&ended(fired.clone(), AlertState::Resolved, 12)),
    ];
    store.commit(&Outcome { transitions: &moves[..2], ..outcome(&progress) }).unwrap();
    store.commit(&Outcome { transitions: &moves[2..], ..outcome(&progress) }).unwrap();
    assert_eq!(store.transitions(1).unwrap(), [moves[0].clone(), moves[2].clone()]);
    assert!(store.transitions(3).unwrap().is_empty());
}

pub fn alerts_are_found_by_every_filter<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    let open = slice(&device("1"), None, vec![alert(1, &device("1"), 10), alert(4, &device("1"), 40)]);
    let gone = [
        ended(alert(2, &device("2"), 20), AlertState::Resolved, 50),
        ended(alert(3, &device("1"), 30), AlertState::Expired, 60),
    ];
    commit(&*store, &[&open], &gone);
    let found = |filter: AlertFilter| {
        let alerts = numbers(&store.alerts(&filter).unwrap());
        assert_eq!(store.count_alerts(&AlertFilter { limit: 0, ..filter }).unwrap(), alerts.len() as u64);
        alerts
    };
    assert_eq!(found(filter()), [4, 3, 2, 1]);
    assert_eq!(found(AlertFilter { state: Some(AlertState::Firing), ..filter() }), [4, 1]);
    assert_eq!(found(AlertFilter { subject: Some(device("1")), ..filter() }), [4, 3, 1]);
    assert_eq!(found(AlertFilter { moved_from: Some(at(40)), moved_before: Some(at(60)), ..filter() }), [4, 2]);
    assert_eq!(found(AlertFilter { noticed_from: Some(at(20)), noticed_before: Some(at(40)), ..filter() }), [3, 2]);
    assert_eq!(found(AlertFilter { number: Some(9), ..filter() }), [0_u64; 0]);
    assert_eq!(numbers(&store.alerts(&AlertFilter { limit: 2, ..filter() }).unwrap()), [4, 3]);
}

pub fn the_most_urgent_alerts_come_first_however_old<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    let of = |number, severity, noticed_at| Alert { severity, ..alert(number, &device("1"), noticed_at) };
    let open = vec![
        of(1, Severity::Info, 10),
        of(2, Severity::Critical, 30),
        of(3, Severity::Critical, 20),
        of(4, Severity::Warning, 40),
        of(5, Severity::Info, 5),
    ];
    commit(&*store, &[&slice(&device("1"), None, open)], &[]);
    let urgent = AlertFilter { order: AlertOrder::MostUrgent, ..filter() };
    assert_eq!(numbers(&store.alerts(&urgent).unwrap()), [3, 2, 4, 5, 1]);
    assert_eq!(numbers(&store.alerts(&AlertFilter { limit: 1, ..urgent }).unwrap()), [3]);
}

pub fn subjects_are_listed_page_by_page<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    let slices: Vec<Slice> = ["1", "10", "2"].iter().map(|id| slice(&device(id), None, vec![])).collect();
    let site = slice(&pulsewarden::engine::Subject::new(SubjectKind::Site, "1"), None, vec![]);
    commit(&*store, &slices.iter().chain([&site]).collect::<Vec<_>>(), &[]);
    let page = |after| {
        let slices = store.subjects(SubjectKind::Device, after, 2).unwrap();
        slices.into_iter().map(|slice| slice.subject.id).collect::<Vec<_>>()
    };
    assert_eq!(page(None), ["1", "10"]);
    assert_eq!(page(Some("10")), ["2"]);
    assert!(page(Some("2")).is_empty());
    assert_eq!(store.figures().unwrap().devices, 3);
}

pub fn progress_outlives_a_close<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    store.append(&[event("a", "1"), event("a", "2")], at(1)).unwrap();
    store.commit(&outcome(&progress(1))).unwrap();
    drop(store);
    let store = engine.open();
    assert_eq!(store.progress().unwrap(), progress(1));
    let figures = store.figures().unwrap();
    assert_eq!((figures.last_position, figures.processed_position), (2, 1));
    assert_eq!((figures.oldest_unprocessed, figures.rule_set.as_str()), (Some(at(1)), "hash"));
    store.probe(at(3)).unwrap();
}
