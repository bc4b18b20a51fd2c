//! Rows of Impilo's log: each is paired with what came by itself, once, or is new.

use std::time::Duration;

use pulsewarden::engine::{Interval, Recovery, Source, Timestamp};
use pulsewarden::store::{
    Appended, Entry, EventRow, JournalRow, Logged, NewRow, Placing, Print, RecoveryNotes, Store, TakenIn,
};

use crate::Engine;
use crate::samples::at;

const KIND: &str = "device.lowBattery";
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// Far enough from the beginning of time for what lies before it.
const NOON: Timestamp = Timestamp(1_772_445_600_000);

/// A body is its own print here.
fn print(body: &[u8]) -> Option<Print> {
    let mut print = [0; 32];
    print[..body.len().min(32)].copy_from_slice(&body[..body.len().min(32)]);
    Some(print)
}

fn webhook(id: &str, body: &str, received_at: Timestamp) -> NewRow {
    let entry = Entry::Event(EventRow {
        kind: KIND.to_owned(),
        envelope_id: Some(id.to_owned()),
        log_id: None,
        source: Source::Webhook,
        body: Some(body.as_bytes().to_vec()),
    });
    NewRow { received_at, entry }
}

fn logged(log_id: i64, envelope_id: Option<&str>, body: &str, created_at: Timestamp) -> Logged {
    Logged {
        kind: KIND.to_owned(),
        log_id: Some(log_id),
        webhook_id: None,
        before: false,
        envelope_id: envelope_id.map(str::to_owned),
        created_at,
        comes_until: created_at.plus(Duration::from_secs(3 * 3600)),
        print: print(body.as_bytes()).unwrap(),
        reduced: None,
        body: body.as_bytes().to_vec(),
    }
}

fn take_in(store: &dyn Store, rows: &[Logged], placing: Placing, now: Timestamp) -> Vec<TakenIn> {
    store.take_in(rows, &[], (placing, now), &print, &mut |_, _| ()).unwrap()
}

/// Envelope and log ids with the source and the time, in the journal's order.
fn rows(store: &dyn Store) -> Vec<(String, Option<i64>, Source, i64)> {
    let told = |row: JournalRow| match row.entry {
        Entry::Event(event) => Some((
            event.envelope_id.unwrap_or_default(),
            event.log_id,
            event.source,
            row.at.since(NOON).as_secs().cast_signed() / 60,
        )),
        _ => None,
    };
    store.journal(0, 1000).unwrap().into_iter().filter_map(told).collect()
}

pub fn the_whole_envelope_is_found_by_its_id<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    store.append(&[webhook("7", "a", NOON)], NOON).unwrap();
    let log = [logged(1, Some("7"), "a", NOON), logged(2, Some("8"), "a", NOON)];
    assert_eq!(take_in(&*store, &log, Placing::Nowhere, NOON), [TakenIn::Known, TakenIn::New]);
    assert_eq!(rows(&*store).len(), 1, "to look changes nothing");
    assert_eq!(rows(&*store)[0].1, None);
    assert_eq!(take_in(&*store, &log, Placing::Last, NOON), [TakenIn::Known, TakenIn::New]);
    assert_eq!(take_in(&*store, &log, Placing::Last, NOON), [TakenIn::Known, TakenIn::Known]);
    let kept = rows(&*store);
    assert_eq!(kept[0], ("7".to_owned(), Some(1), Source::Webhook, 0));
    assert_eq!(kept[1], ("8".to_owned(), Some(2), Source::Recovered, 0));
    // What comes late after all is known by its id.
    assert_eq!(store.append(&[webhook("8", "a", NOON)], NOON).unwrap(), [Appended::Known]);
}

pub fn without_an_id_each_row_pairs_with_one_webhook<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    let later = |minutes: u32| NOON.plus(MINUTE * minutes);
    // The same event twice within an hour, and once more a day later.
    for (id, received_at) in [("1", later(1)), ("2", later(40))] {
        store.append(&[webhook(id, "same", received_at)], received_at).unwrap();
    }
    let day = NOON.plus(HOUR * 24);
    let log = [
        logged(1, None, "same", NOON),
        logged(2, None, "same", later(39)),
        logged(3, None, "same", later(41)),
        logged(4, None, "other", NOON),
        logged(5, None, "same", day),
    ];
    let new = TakenIn::New;
    let known = TakenIn::Known;
    assert_eq!(take_in(&*store, &log, Placing::Last, day), [known, known, new, new, new]);
    assert_eq!(take_in(&*store, &log, Placing::Last, day), [known; 5]);
    let kept = rows(&*store);
    assert_eq!(kept.len(), 5);
    assert_eq!((kept[0].1, kept[1].1), (Some(1), Some(2)));
}

pub fn the_window_of_a_pair_is_that_of_clocks_and_retries<E: Engine>() {
    for (received, pairs) in [(-6, false), (-5, true), (0, true), (180, true), (181, false)] {
        let engine = E::new();
        let store = engine.open();
        let received_at = Timestamp(NOON.0 + received * 60_000);
        store.append(&[webhook("1", "a", received_at)], received_at).unwrap();
        let taken = take_in(&*store, &[logged(1, None, "a", NOON)], Placing::Last, NOON.plus(HOUR * 4));
        assert_eq!(taken == [TakenIn::Known], pairs, "{received} minutes");
    }
}

pub fn a_late_webhook_takes_its_recovered_copy_over<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    assert!(!store.expects_copies(NOON));
    take_in(&*store, &[logged(1, None, "a", NOON), logged(2, None, "a", NOON.plus(MINUTE))], Placing::Last, NOON);
    let figures = store.figures().unwrap();
    assert_eq!(
        (figures.last_webhook, figures.last_by_type[0].1),
        (None, NOON.plus(MINUTE)),
        "it has a time of its own"
    );
    drop(store);
    let store = engine.open();
    assert!(store.expects_copies(NOON.plus(HOUR * 2)) && !store.expects_copies(NOON.plus(HOUR * 7)));
    let later = NOON.plus(HOUR);
    let came = [webhook("7", "a", later), webhook("8", "a", later), webhook("9", "a", later)];
    let prints = vec![print(b"a"); 3];
    let appended = store.append_printed(&came, &prints, later).unwrap();
    assert!(matches!(appended[..], [Appended::Known, Appended::Known, Appended::New { .. }]), "{appended:?}");
    assert_eq!(store.append_printed(&came, &prints, later).unwrap(), [Appended::Known; 3]);
    let kept = rows(&*store);
    let ids: Vec<&str> = kept.iter().map(|row| row.0.as_str()).collect();
    assert_eq!(ids, ["7", "8", "9"]);
    assert_eq!(kept[0].2, Source::Recovered, "where it came from first stays told");
}

/// The first attempt comes at once, and the next no sooner than a quarter of an hour later. What is the same in between, or
/// hours later, is another event: it is kept.
pub fn a_late_webhook_comes_when_impilo_sends_and_no_other_is_taken_for_it<E: Engine>() {
    let minutes = [(0, true), (1, true), (5, false), (13, false), (15, true), (105, true), (180, true), (181, false)];
    for (minutes, adopted) in minutes {
        let engine = E::new();
        let store = engine.open();
        take_in(&*store, &[logged(1, None, "a", NOON)], Placing::Last, NOON.plus(MINUTE));
        let later = NOON.plus(MINUTE * minutes);
        let prints = if store.expects_copies(later) { vec![print(b"a")] } else { Vec::new() };
        let appended = store.append_printed(&[webhook("7", "a", later)], &prints, later).unwrap();
        assert_eq!(appended == [Appended::Known], adopted, "{minutes} minutes");
    }
}

pub fn rows_of_several_subscriptions_are_one_event<E: Engine>() {
    let of = |log_id, webhook_id, minutes: u32| Logged {
        webhook_id: Some(webhook_id),
        ..logged(log_id, None, "a", NOON.plus(MINUTE * minutes))
    };
    let (new, known) = (TakenIn::New, TakenIn::Known);
    let now = NOON.plus(HOUR * 3);
    for delivered in [true, false] {
        let engine = E::new();
        let store = engine.open();
        if delivered {
            store.append(&[webhook("1", "a", NOON)], NOON).unwrap();
        }
        let first = if delivered { known } else { new };
        // Again an hour later, which is another event.
        let log = [of(1, 1, 0), of(2, 2, 0), of(3, 1, 60), of(4, 2, 60)];
        assert_eq!(take_in(&*store, &log, Placing::Nowhere, now), [first, known, new, known]);
        assert_eq!(take_in(&*store, &log, Placing::Last, now), [first, known, new, known]);
        assert_eq!(take_in(&*store, &log, Placing::Last, now), [known; 4]);
        // Read from between the two on.
        let log = [Logged { before: true, ..of(1, 1, 0) }, of(2, 2, 0)];
        assert_eq!(take_in(&*store, &log, Placing::Last, now), [known; 2]);
        assert_eq!(rows(&*store).len(), 2);
        // One subscription tells one event once.
        assert_eq!(take_in(&*store, &[of(5, 1, 1)], Placing::Last, now), [new]);
    }
}

pub fn what_is_recovered_in_order_stands_before_what_came_later<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    let later = |minutes: u32| NOON.plus(MINUTE * minutes);
    store.append(&[webhook("1", "a", NOON)], NOON).unwrap();
    store.append(&[webhook("5", "e", later(50)), webhook("6", "f", later(50))], later(50)).unwrap();
    let log = [
        logged(13, Some("3"), "c", later(20)),
        logged(12, Some("2"), "b", later(10)),
        logged(11, Some("1"), "a", NOON),
        logged(15, Some("5"), "e", later(49)),
        logged(17, Some("7"), "g", later(55)),
    ];
    take_in(&*store, &log, Placing::InOrder, later(60));
    // What was blind counts as heard before anything of it is decided.
    let interval = Interval { from: later(5), to: later(50) };
    let healed = NewRow { received_at: later(60), entry: Entry::Recovery(Recovery::Healed { interval }) };
    store.take_in(&[], &[(interval.from, healed)], (Placing::InOrder, later(60)), &print, &mut |_, _| ()).unwrap();
    store.append(&[webhook("8", "h", later(61))], later(61)).unwrap();
    let places: Vec<(String, i64)> = rows(&*store).into_iter().map(|row| (row.0, row.3)).collect();
    let expected = [("1", 0), ("2", 10), ("3", 20), ("5", 50), ("6", 50), ("7", 55), ("8", 61)];
    assert_eq!(places, expected.map(|(id, minute)| (id.to_owned(), minute)));
    let journal = store.journal(0, 100).unwrap();
    let positions: Vec<u64> = journal.iter().map(|row| row.position).collect();
    assert_eq!(positions, (1..=8).collect::<Vec<_>>());
    assert!(matches!(journal[1].entry, Entry::Recovery(_)), "{:?}", journal[1]);
    assert_eq!(store.figures().unwrap().last_webhook, Some(later(61)), "what was recovered is no webhook");
}

pub fn how_far_the_log_was_read_is_remembered<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    assert_eq!(store.recovery().unwrap(), RecoveryNotes::default());
    let interval = Interval { from: at(1), to: at(2) };
    let notes = RecoveryNotes {
        read_until: Some(at(9)),
        absences: vec![interval],
        unreadable_at: vec![at(3)],
        ..RecoveryNotes::default()
    };
    store.note_recovery(&notes).unwrap();
    drop(store);
    assert_eq!(engine.open().recovery().unwrap(), notes);
}

pub fn what_is_remembered_of_the_log_is_kept_with_its_rows_or_not_at_all<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    let rows = [logged(7, None, "a", at(1)), logged(8, None, "b", at(2))];
    let mut note = |taken: &[TakenIn], notes: &mut RecoveryNotes| notes.recovered += taken.len() as u64;
    store.take_in(&rows, &[], (Placing::Nowhere, at(9)), &print, &mut note).unwrap();
    assert_eq!(store.recovery().unwrap(), RecoveryNotes::default());
    store.take_in(&rows, &[], (Placing::Last, at(9)), &print, &mut note).unwrap();
    drop(store);
    let store = engine.open();
    assert_eq!((store.recovery().unwrap().recovered, store.figures().unwrap().last_position), (2, 2));
}
