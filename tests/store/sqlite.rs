//! SQLite in the suite, and what concerns its files alone.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pulsewarden::store::sqlite::Sqlite;
use pulsewarden::store::{Appended, DeliveryFilter, LastDelivery, Store, StoreError};
use rusqlite::Connection;

use crate::Engine;
use crate::samples::{at, event, notification};

/// A folder for one file and what SQLite puts beside it.
pub struct Files(tempfile::TempDir);

impl Files {
    fn path(&self) -> PathBuf {
        self.0.path().join("state/pulsewarden.db")
    }

    fn run(&self, sql: &str) {
        Connection::open(self.path()).unwrap().execute_batch(sql).unwrap();
    }
}

impl Engine for Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn open(&self) -> Arc<dyn Store> {
        Arc::new(Sqlite::open(&self.path()).unwrap())
    }

    fn break_table(&self, table: &str) {
        for event in ["INSERT", "UPDATE"] {
            self.run(&format!(
                "CREATE TRIGGER broken_{table}_{event} AFTER {event} ON {table}
                 BEGIN SELECT RAISE(ABORT, 'broken by a test'); END"
            ));
        }
    }

    fn mend_table(&self, table: &str) {
        self.run(&format!("DROP TRIGGER broken_{table}_INSERT; DROP TRIGGER broken_{table}_UPDATE"));
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn nobody_else_can_read_what_it_makes() {
    let files = Files::new();
    let store = files.open();
    store.append(&[event("device.lowBattery", "1")], at(1)).unwrap();
    let folder = files.path().parent().unwrap().to_owned();
    assert_eq!(mode(&folder), 0o700);
    let made: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(made.len() > 2, "the log lies beside the store: {made:?}");
    assert!(made.iter().all(|path| mode(path) == 0o600));
}

#[test]
fn a_newer_schema_is_left_alone() {
    let files = Files::new();
    drop(files.open());
    files.run("PRAGMA user_version = 99");
    let refused = |error: Option<StoreError>| assert!(matches!(error, Some(StoreError::TooNew { found: 99, .. })));
    refused(Sqlite::open(&files.path()).err());
    refused(Sqlite::open_reader(&files.path()).err());
}

#[test]
fn a_reader_sees_what_the_writer_commits_and_writes_nothing() {
    let files = Files::new();
    assert!(Sqlite::open_reader(&files.path()).is_err(), "a reader makes no store");
    assert!(!files.path().exists());
    let store = files.open();
    let reader = Sqlite::open_reader(&files.path()).unwrap();
    store.append(&[event("device.lowBattery", "1")], at(1)).unwrap();
    assert_eq!(reader.journal(0, 10).unwrap().len(), 1);
    assert!(reader.append(&[event("device.lowBattery", "2")], at(1)).is_err());
    assert!(reader.probe(at(1)).is_err());
    drop(store);
    assert_eq!(reader.journal(0, 10).unwrap().len(), 1, "it stays readable after the writer has gone");
    drop(reader);
    let store = files.open();
    store.append(&[event("device.lowBattery", "3")], at(1)).unwrap();
}

#[test]
fn a_second_writer_never_makes_an_event_look_known() {
    let files = Files::new();
    let (one, other) = (files.open(), files.open());
    one.append(&[event("device.lowBattery", "1")], at(1)).unwrap();
    let new = event("device.lowBattery", "2");
    assert!(matches!(other.append(std::slice::from_ref(&new), at(1)), Err(StoreError::Unavailable { .. })));
    assert_eq!(other.append(&[new], at(1)).unwrap(), [Appended::New { position: 2, at: at(1) }]);
}

#[test]
fn what_is_not_a_store_is_refused() {
    let files = Files::new();
    std::fs::create_dir(files.path().parent().unwrap()).unwrap();
    std::fs::write(files.path(), "no database, but long enough to be looked at as one".repeat(100)).unwrap();
    let error = Sqlite::open(&files.path()).err().unwrap();
    assert!(error.to_string().contains("not a SQLite database"), "{error}");
}

#[test]
fn a_file_that_was_moved_takes_nothing_until_it_is_back() {
    let files = Files::new();
    let store = files.open();
    let away = files.path().with_extension("away");
    store.append(&[event("device.lowBattery", "1")], at(1)).unwrap();
    std::fs::rename(files.path(), &away).unwrap();
    for _ in 0..2 {
        let error = store.append(&[event("device.lowBattery", "2")], at(1)).unwrap_err();
        assert!(error.to_string().contains("put it back or restart"), "{error}");
        assert!(store.probe(at(1)).is_err());
    }
    std::fs::write(files.path(), "another file").unwrap();
    assert!(store.append(&[event("device.lowBattery", "2")], at(1)).is_err());
    assert!(store.progress().is_err());
    std::fs::rename(&away, files.path()).unwrap();
    let kept = store.append(&[event("device.lowBattery", "1"), event("device.lowBattery", "2")], at(1)).unwrap();
    assert_eq!(kept, [Appended::Known, Appended::New { position: 2, at: at(1) }]);
    assert_eq!(files.open().journal(0, 10).unwrap().len(), 2);
}

#[test]
fn a_file_that_was_deleted_takes_nothing() {
    let files = Files::new();
    let store = files.open();
    std::fs::remove_file(files.path()).unwrap();
    assert!(matches!(store.append(&[event("device.lowBattery", "1")], at(1)), Err(StoreError::Unavailable { .. })));
    assert!(!files.path().exists(), "no empty one takes its place");
}

#[test]
fn deliveries_of_the_version_before_are_kept_and_proven() {
    let files = Files::new();
    std::fs::create_dir_all(files.path().parent().unwrap()).unwrap();
    files.run(include_str!("../../src/store/sqlite/migrations/0001_begin.sql"));
    let body = serde_json::to_string(&notification("k", "g", 10, vec![])).unwrap();
    for (key, state, ended, body) in
        [("a", 1, "70", &*body), ("b", 1, "60", &body), ("c", 2, "80", &body), ("d", 0, "NULL", "{")]
    {
        files.run(&format!(
            "INSERT INTO outbox (key, group_id, lane, repeats, state, due, next_attempt_at, leased, attempts, ended_at, notification)
             VALUES ('{key}', 'g', 'email', 0, {state}, 10, 10, 0, 1, {ended}, '{body}')"
        ));
    }
    files.run("PRAGMA user_version = 1");
    let store = files.open();
    let last = store.last_delivery_by_receiver().unwrap();
    assert_eq!(last, [LastDelivery { receiver: "team".to_owned(), lane: "email".to_owned(), at: at(70) }]);
    let filter = DeliveryFilter { receiver: Some("team".to_owned()), limit: 10, ..DeliveryFilter::default() };
    assert_eq!(store.find_deliveries(&filter).unwrap().len(), 3);
}
