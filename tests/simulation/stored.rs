//! The same journal through the real processor and a real store.

use std::path::Path;
use std::sync::Arc;

use fastrand::Rng;
use pulsewarden::engine::{AlertState, RuleSet, Source, SubjectKind, Timestamp};
use pulsewarden::journal::codec;
use pulsewarden::process::Processor;
use pulsewarden::store::sqlite::Sqlite;
use pulsewarden::store::{AlertFilter, Entry, EventRow, NewRow, Store};

use crate::daemon::{Disk, Row, What};
use crate::invariants::{Holds, ensure};
use crate::pool::RULE_SETS;

/// More than any story has of anything.
const ALL: usize = 1_000_000;

/// Slices in memory: few, so that they come and go.
const ROOM: usize = 8;

/// Appends and decides the rows, with crashes, and compares what is in the store with what a life came to.
pub fn agrees(lived: &Disk, rows: &[Row], end: Timestamp, chance: &mut Rng) -> Holds {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pulsewarden.db");
    let mut store = open(&path);
    for set in RULE_SETS.iter() {
        store.keep_rule_set(&set.hash, &set.bundle).unwrap();
    }
    let mut processor = processor(&store);
    let mut left = rows;
    while !left.is_empty() {
        let (batch, rest) = left.split_at(chance.usize(1..=left.len().min(64)));
        for row in batch {
            store.append(&[entry(row)], row.at).unwrap();
        }
        let now = batch[batch.len() - 1].at;
        while let Some(done) = processor.turn(now).unwrap() {
            ensure!(done.broke.is_none(), "the engine panicked at {:?}", done.broke);
            if chance.f64() < 0.1 {
                drop(processor);
                store = open(&path);
                processor = self::processor(&store);
            }
        }
        left = rest;
    }
    while let Some(done) = processor.turn(end).unwrap() {
        ensure!(done.broke.is_none(), "the engine panicked at {:?}", done.broke);
    }
    let kept = kept(&*store, lived);
    let mut by_alert = lived.clone();
    by_alert.transitions.sort_by_key(|moved| moved.alert);
    by_alert.notifications.clear();
    let difference = by_alert.difference(&kept);
    ensure!(difference.is_none(), "{}", difference.unwrap_or_default());
    let keys = store.deliveries(None, None, ALL).unwrap().into_iter().rev().map(|delivery| delivery.key);
    let same = keys.eq(lived.notifications.iter().map(|notification| notification.key.clone()));
    ensure!(same, "other messages are in the outbox");
    Ok(())
}

fn open(path: &Path) -> Arc<dyn Store> {
    Arc::new(Sqlite::open(path).unwrap())
}

fn compile(hash: &str) -> Option<Arc<RuleSet>> {
    RULE_SETS.iter().find(|set| set.hash == hash).map(|set| Arc::clone(&set.rules))
}

fn processor(store: &Arc<dyn Store>) -> Processor {
    Processor::new(Arc::clone(store), Box::new(compile), Arc::default(), ROOM).unwrap()
}

fn entry(row: &Row) -> NewRow {
    let entry = match &row.what {
        What::Event { read, body } => {
            let recovered = read.source == Source::Recovered;
            Entry::Event(EventRow {
                kind: read.kind.clone(),
                envelope_id: Some(read.id.clone()),
                log_id: recovered.then(|| read.id.parse().unwrap()),
                source: read.source,
                body: Some(codec::encode(body)),
            })
        }
        What::Rules(place) => Entry::RuleSet { hash: RULE_SETS[*place].hash.clone() },
        What::DeliveryFailed(failure) => Entry::DeliveryFailed(failure.clone()),
        What::Blind(interval) => Entry::Blind(*interval),
        What::Command(command) => Entry::Command(command.clone()),
    };
    NewRow { received_at: row.received_at, entry }
}

/// What is in the store, in the form in which the simulated daemon keeps it; messages apart.
fn kept(store: &dyn Store, lived: &Disk) -> Disk {
    let progress = store.progress().unwrap();
    let mut disk = Disk { position: progress.position, next_alert: progress.next_alert, ..Disk::default() };
    disk.rule_set = RULE_SETS.iter().position(|set| set.hash == progress.rule_set).unwrap_or_default();
    disk.standing = progress.standing;
    let groups = lived.subjects.keys().filter(|subject| !subject.kind.is_named()).cloned();
    let groups = store.load(&groups.collect::<Vec<_>>()).unwrap();
    let named = SubjectKind::NAMED.into_iter().flat_map(|kind| store.subjects(kind, None, ALL).unwrap());
    for slice in named.chain(groups) {
        disk.put(slice);
    }
    for alert in store.alerts(&AlertFilter { limit: ALL, ..AlertFilter::default() }).unwrap() {
        disk.transitions.extend(store.transitions(alert.number).unwrap());
        if alert.state != AlertState::Firing {
            disk.ended.insert(alert.number, alert);
        }
    }
    disk.transitions.sort_by_key(|moved| moved.alert);
    disk
}
