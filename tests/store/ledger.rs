//! The ledger of deliveries: attempts, proofs, lanes, fallbacks, and what is sent again.

use std::time::Duration;

use pulsewarden::engine::{Channel, Notification, Phi, Receiver, Remark, Timestamp, stand_ins};
use pulsewarden::store::{
    Attempt, AttemptOutcome, Delivery, DeliveryFilter, DeliveryRow, DeliveryState, LastDelivery, Limit, NotResent,
    Overdue, Resend, Retention, Room, Store,
};

use crate::Engine;
use crate::samples::{alert, at, attempt, commit, dead, delivered, device, ended, notification, put_off, rendered};

fn lease_in(store: &dyn Store, now: i64, room: &Room) -> Vec<Delivery> {
    store.lease(at(now), at(now + 1000), room, &mut |notification| rendered(&notification.key)).unwrap()
}

fn lease(store: &dyn Store, now: i64) -> Vec<Delivery> {
    lease_in(store, now, &Room::new(10))
}

fn row(store: &dyn Store, id: u64) -> DeliveryRow {
    store.find_deliveries(&DeliveryFilter { id: Some(id), limit: 1, ..DeliveryFilter::default() }).unwrap().remove(0)
}

fn limit(at_once: usize, not_before: i64, since: i64) -> Option<Limit> {
    Some(Limit { at_once, not_before: at(not_before), failing_since: Some(at(since)) })
}

pub fn each_attempt_is_kept_with_its_result<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    store.enqueue(&[notification("k", "g", 10, vec![])]).unwrap();
    let id = lease(&*store, 10)[0].id;
    assert!(store.attempts(id).unwrap().is_empty());
    store.record(&[attempt(id, 20, put_off(70))], at(20)).unwrap();
    lease(&*store, 70);
    store.record(&[attempt(id, 90, delivered())], at(90)).unwrap();
    store.record(&[attempt(id, 90, delivered())], at(90)).unwrap();
    let kept = store.attempts(id).unwrap();
    let kept: Vec<_> =
        kept.iter().map(|one| (one.number, one.at, one.took, one.outcome, one.answer.as_str())).collect();
    let first = (1, at(13), 7, AttemptOutcome::PutOff, "try later");
    assert_eq!(kept, [first, (2, at(83), 7, AttemptOutcome::Accepted, "250 ok")]);
    assert!(store.attempts(id + 1).unwrap().is_empty());

    store.enqueue(&[notification("l", "h", 100, vec![])]).unwrap();
    let id = lease(&*store, 100)[0].id;
    engine.break_table("attempts");
    assert!(store.record(&[attempt(id, 110, delivered())], at(110)).is_err());
    engine.mend_table("attempts");
    assert_eq!(row(&*store, id).state, DeliveryState::Waiting, "no result without its attempt");
}

pub fn an_attempt_whose_answer_was_lost_is_told_as_such<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    store.enqueue(&[notification("k", "g", 10, vec![])]).unwrap();
    let id = lease(&*store, 15)[0].id;
    drop(store);
    let store = engine.open();
    store.release().unwrap();
    store.release().unwrap();
    assert_eq!(lease(&*store, 20)[0].attempts, 1);
    store.record(&[attempt(id, 50, delivered())], at(50)).unwrap();
    let kept = store.attempts(id).unwrap();
    assert_eq!(kept.iter().map(|one| one.number).collect::<Vec<_>>(), [1, 2]);
    assert_eq!((kept[0].outcome, kept[0].at), (AttemptOutcome::Unknown, at(15)));
}

pub fn a_receiver_is_proven_by_its_last_delivery<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    let mail = Channel::Email { to: vec!["team@clinic.example".to_owned()] };
    store
        .enqueue(&[
            notification("a", "g", 10, vec![]),
            notification("b", "h", 11, vec![]),
            Notification { channel: mail, ..notification("c", "i", 12, vec![]) },
            Notification { receiver: "other".to_owned(), ..notification("d", "j", 13, vec![]) },
        ])
        .unwrap();
    for delivery in lease(&*store, 20) {
        let result = if delivery.notification.receiver == "other" { dead() } else { delivered() };
        let ended = if delivery.notification.key == "a" { 90 } else { 80 };
        store.record(&[attempt(delivery.id, ended, result)], at(ended)).unwrap();
    }
    let last = |lane: &str, ms| LastDelivery { receiver: "team".to_owned(), lane: lane.to_owned(), at: at(ms) };
    let all = [last("email", 80), last("slack logistics", 90)];
    assert_eq!(store.last_delivery_by_receiver().unwrap(), all);
    prune_deliveries(&*store, 1000);
    assert_eq!(store.figures().unwrap().last_by_receiver, all, "the proof outlives the delivery");
}

fn prune_deliveries(store: &dyn Store, before: i64) {
    let old = Timestamp(0);
    let retention =
        Retention { readings_before: old, payloads_before: old, deliveries_before: at(before), alerts_before: old };
    while !store.prune(&retention, &mut |_| None).unwrap().complete {}
}

pub fn a_lane_takes_what_its_limit_lets<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    let many: Vec<Notification> =
        (0..5).map(|n| notification(&format!("k{n}"), &format!("g{n}"), 10, vec![])).collect();
    store.enqueue(&many).unwrap();
    let lane = many[0].channel.lane();
    let mut room = Room::new(10);
    room.limit(&lane, limit(1, 500, 40));
    assert!(lease_in(&*store, 499, &room).is_empty());
    assert_eq!(store.next_delivery(&room).unwrap(), Some(at(500)));
    let probe = lease_in(&*store, 500, &room);
    assert_eq!((probe.len(), probe[0].since), (1, at(40)), "patience began when the lane failed");
    room.enter(probe[0].id, lane.clone());
    assert!(lease_in(&*store, 500, &room).is_empty());
    assert_eq!(store.next_delivery(&room).unwrap(), None);
    room.leave(probe[0].id);
    room.limit(&lane, None);
    let rest = lease_in(&*store, 600, &room);
    assert_eq!((rest.len(), rest[0].since), (4, at(600)));
    assert!(rest.iter().all(|delivery| delivery.attempts == 0), "those that waited have used up nothing");
}

pub fn what_waits_in_a_lane_that_is_back_is_hastened<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    store.enqueue(&["a", "b"].map(|key| notification(key, key, 10, vec![]))).unwrap();
    let leased = lease(&*store, 10);
    store.record(&[attempt(leased[0].id, 20, put_off(5000))], at(20)).unwrap();
    store.hasten("email", at(30)).unwrap();
    assert!(lease(&*store, 40).is_empty());
    store.hasten("slack logistics", at(30)).unwrap();
    let again: Vec<u64> = lease(&*store, 40).iter().map(|delivery| delivery.id).collect();
    assert_eq!(again, [leased[0].id], "what is being sent is left alone");
}

fn it() -> Receiver {
    Receiver {
        name: "it".to_owned(),
        phi: Phi::None,
        channels: vec![Channel::Email { to: vec!["it@clinic.example".to_owned()] }],
        send_resolved: true,
        fallback: None,
        cap: None,
        quiet: None,
    }
}

pub fn a_fallback_hears_what_is_given_up_once<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    let about = || vec![alert(1, &device("1"), 5)];
    // One receiver with two channels, which are groups of their own.
    let mail = Channel::Email { to: vec!["team@clinic.example".to_owned()] };
    let second = Notification { channel: mail, ..notification("b", "h", 10, about()) };
    store.enqueue(&[notification("a", "g", 10, about()), second]).unwrap();
    let leased = lease(&*store, 10);
    for delivery in &leased {
        let stand_ins = stand_ins(&delivery.notification, &it(), true, at(50));
        let given_up = Attempt { stand_ins, ..attempt(delivery.id, 50, dead()) };
        store.record(std::slice::from_ref(&given_up), at(50)).unwrap();
        store.record(&[given_up], at(50)).unwrap();
    }
    let told = lease(&*store, 60);
    assert_eq!(told.len(), 1, "{told:?}");
    let told = &told[0].notification;
    assert_eq!((told.receiver.as_str(), told.phi, told.group.as_str(), told.due), ("it", Phi::None, "", at(50)));
    let said = Remark::StandsIn {
        receiver: "team".to_owned(),
        channel: "email".to_owned(),
        given_up: true,
        without_ends: false,
    };
    assert_eq!(told.remarks, [said]);
    let row = store.deliveries(Some(1), None, 1).unwrap().remove(0);
    assert_eq!((row.receiver.as_str(), row.stands_in_for), ("it", Some(leased[0].id)));
    assert!(stand_ins(told, &Receiver { name: "team".to_owned(), ..it() }, true, at(60)).is_empty(), "it was there");
}

pub fn a_fallback_hears_what_waits_too_long_once<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    let open = || vec![alert(1, &device("1"), 5)];
    let keys = ["tried", "untried", "young"];
    let all = keys.map(|key| notification(key, key, if key == "young" { 900 } else { 10 }, open()));
    store.enqueue(&all).unwrap();
    let mut room = Room::new(1);
    let tried = lease_in(&*store, 20, &room).remove(0);
    let overdue = |lanes: &[&str]| Overdue {
        receiver: "team".to_owned(),
        due_until: at(500),
        closed_lanes: lanes.iter().map(|lane| (*lane).to_owned()).collect(),
        now: at(1000),
    };
    let hand_over = |lanes: &[&str]| {
        store.hand_over(&overdue(lanes), &mut |missed| stand_ins(missed, &it(), false, at(1000))).unwrap()
    };
    assert_eq!(hand_over(&[]), 0, "the first attempt is under way");
    store.record(&[attempt(tried.id, 30, put_off(5000))], at(30)).unwrap();
    assert_eq!((hand_over(&[]), hand_over(&[])), (1, 0));
    assert_eq!((hand_over(&["email"]), hand_over(&["slack logistics"])), (0, 1));
    room.limit("slack logistics", limit(1, 9000, 20));
    let told = lease_in(&*store, 1000, &room);
    assert_eq!(told.len(), 1);
    room.limit("slack logistics", None);
    // What it has heard it does not hear again when the message is given up.
    let last = lease_in(&*store, 6000, &Room::new(10)).into_iter().find(|delivery| delivery.id == tried.id).unwrap();
    let given_up =
        Attempt { stand_ins: stand_ins(&last.notification, &it(), true, at(6000)), ..attempt(tried.id, 6000, dead()) };
    let before = store.deliveries(None, None, 100).unwrap().len();
    store.record(&[given_up], at(6000)).unwrap();
    assert_eq!(store.deliveries(None, None, 100).unwrap().len(), before);
}

pub fn what_was_given_up_is_sent_again<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    let (one, two) = (alert(1, &device("1"), 5), alert(2, &device("1"), 5));
    commit(&*store, &[], &[ended(one.clone(), pulsewarden::engine::AlertState::Resolved, 30)]);
    store.enqueue(&[notification("a", "g", 10, vec![one, two]), notification("b", "h", 10, vec![])]).unwrap();
    let leased = lease(&*store, 10);
    store.record(&[attempt(leased[0].id, 50, dead())], at(50)).unwrap();
    let resend = |ids: &[u64], force| {
        let asked = Resend { ids: ids.to_vec(), force, ..Resend::default() };
        store.resend(&asked, at(100), &mut |old| Ok(Notification { phi: Phi::None, ..old.clone() })).unwrap()
    };
    assert_eq!(resend(&[77], false), Err(NotResent::Unknown(77)));
    let waiting = NotResent::NotDead { id: leased[1].id, state: "still waiting" };
    assert_eq!(resend(&[leased[0].id, leased[1].id], false), Err(waiting));
    assert_eq!(store.deliveries(None, None, 10).unwrap().len(), 2, "all or none");
    let first = resend(&[leased[0].id], false).unwrap();
    let second = resend(&[leased[0].id], false).unwrap();
    assert_ne!(first[0].id, second[0].id);
    assert_eq!(resend(&[leased[1].id], true).unwrap().len(), 1);
    assert_eq!(row(&*store, first[0].id).resent_from, Some(leased[0].id));
    let sent = lease(&*store, 100).remove(0);
    assert_eq!((sent.notification.phi, sent.notification.group.as_str()), (Phi::None, "g"));
    let pulsewarden::engine::Content::Alerts { firing, .. } = &sent.notification.content else { panic!() };
    assert_eq!(firing.iter().map(|alert| alert.number).collect::<Vec<_>>(), [2], "the other has ended meanwhile");
    store.record(&[attempt(sent.id, 120, dead())], at(120)).unwrap();
    let failures = store.journal(0, 10).unwrap().len();
    assert_eq!(failures, 1, "the group heard of the first failure alone");
    let all = |receiver: Option<&str>, within| {
        let receiver = receiver.map(str::to_owned);
        let asked = Resend { receiver, within, ..Resend::default() };
        store.resend(&asked, at(200), &mut |old| Ok(old.clone())).unwrap().unwrap().len()
    };
    assert_eq!(all(Some("nobody"), None), 0);
    assert_eq!(all(None, Some(Duration::from_millis(10))), 0);
    assert_eq!((all(Some("team"), Some(Duration::from_millis(90))), all(None, None)), (1, 0), "once");
    let refused =
        store.resend(&Resend { ids: vec![sent.id], ..Resend::default() }, at(200), &mut |_| Err("no".to_owned()));
    assert_eq!(refused.unwrap(), Err(NotResent::Impossible { id: sent.id, why: "no".to_owned() }));
}

pub fn old_attempts_go_with_their_delivery<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    store.enqueue(&["a", "b"].map(|key| notification(key, key, 10, vec![]))).unwrap();
    let leased = lease(&*store, 10);
    store.record(&[attempt(leased[0].id, 50, delivered()), attempt(leased[1].id, 90, delivered())], at(90)).unwrap();
    prune_deliveries(&*store, 60);
    assert_eq!(store.attempts(leased[0].id).unwrap().len(), 0);
    assert_eq!(store.attempts(leased[1].id).unwrap().len(), 1);
}
