//! What the self-watch has told.

use pulsewarden::store::{Store, Telling, Told};

use crate::Engine;
use crate::samples::{at, notification};

fn told(name: &str) -> Told {
    Told { name: name.to_owned(), since: at(7), summary: "It lags.".to_owned() }
}

fn waiting(store: &dyn Store) -> u64 {
    store.figures().unwrap().outbox_waiting
}

pub fn what_was_told_outlives_a_close_and_is_told_once<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    assert_eq!(store.told().unwrap(), []);
    for _ in 0..2 {
        store.tell(&Telling::Begins(told("lag")), &[notification("lag begins", "", 7, vec![])]).unwrap();
    }
    store.tell(&Telling::Begins(told("commits")), &[]).unwrap();
    drop(store);
    let store = engine.open();
    assert_eq!(store.told().unwrap(), [told("commits"), told("lag")]);
    assert_eq!(waiting(&*store), 1);
    let ends = Telling::Ends { name: "lag".to_owned() };
    store.tell(&ends, &[notification("lag ends", "", 9, vec![])]).unwrap();
    assert_eq!(store.told().unwrap(), [told("commits")]);
    assert_eq!(waiting(&*store), 2);
}

pub fn it_is_remembered_with_its_messages_or_not_at_all<E: Engine>() {
    let engine = E::new();
    let store = engine.open();
    engine.break_table("outbox");
    let message = [notification("lag begins", "", 7, vec![])];
    assert!(store.tell(&Telling::Begins(told("lag")), &message).is_err());
    assert_eq!(store.told().unwrap(), []);
    engine.mend_table("outbox");
    store.tell(&Telling::Begins(told("lag")), &message).unwrap();
    assert_eq!((store.told().unwrap(), waiting(&*store)), (vec![told("lag")], 1));
}
