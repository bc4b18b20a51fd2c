//! What is made of the events that a store has kept.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use expect_test::expect;
use pulsewarden::config::Bundle;
use pulsewarden::engine::{Source, Timestamp};
use pulsewarden::impilo::Envelope;
use pulsewarden::journal::codec;
use pulsewarden::process::Processor;
use pulsewarden::store::sqlite::Sqlite;
use pulsewarden::store::{Entry, EventRow, NewRow, Store};
use serde_json::Value;

use crate::pulsewarden;
use crate::recorded::{BEGIN, RULES, at, blurred, files, history};

#[test]
fn the_store_is_read_beside_the_daemon_and_left_alone() {
    let files = files();
    let path = files.path().join("pulsewarden.db");
    // It stays open for writing, as the daemon has it.
    let open = store(&path, RULES);
    let before: Vec<_> = fs::read_dir(files.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    let digest = open.progress().unwrap();
    let arguments = ["backtest", "--store", "pulsewarden.db", "--until", "2026-03-09", "--limit", "2"];
    let output = pulsewarden(files.path(), &arguments);
    assert_eq!((output.code, output.errors.as_str()), (0, ""));
    expect![[r#"
        Rules in force (HASH), from 2026-03-02 10:00:00 UTC until 2026-03-09 00:00:00 UTC
        9 events; nothing is known of what was before

         RULE  OPEN BEFORE  FIRED  RESOLVED  EXPIRED  CLOSED  STILL OPEN  MEDIAN OPEN  MESSAGES
         Low   0            3      2         0        0       1           5 d          6
         Held  0            1      1         0        0       0           42 h         2

         RECEIVER  MESSAGES
         team      8

         FIRED                    RULE  SUBJECT   SEVERITY  ENDED                    HOW
         2026-03-02 10:00:00 UTC  Low   device 7  critical  2026-03-07 10:00:00 UTC  resolved: device.lowBattery met the rule's resolve condition
         2026-03-02 15:00:00 UTC  Low   device 8  warning   2026-03-04 22:00:00 UTC  resolved: device.lowBattery met the rule's resolve condition
        and 2 alerts more; --limit or --json shows them
    "#]].assert_eq(&blurred(&output.printed));
    let after: Vec<_> = fs::read_dir(files.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(before, after);
    assert_eq!(digest, open.progress().unwrap());

    let hash = Bundle::of(&[("rules.yaml", RULES)]).hash();
    let mut printed = Vec::new();
    for against in ["live", &hash, "old"] {
        let arguments = ["backtest", "--store", "pulsewarden.db", "--rules", "new", "--against", against, "--json"];
        let output = pulsewarden(files.path(), &arguments);
        assert_eq!(output.code, 0, "{}", output.errors);
        let result: Value = serde_json::from_str(&output.printed).unwrap();
        printed.push(result["differences"].clone());
    }
    assert_eq!(printed[0], printed[1]);
    assert_eq!(printed[0], printed[2]);
    assert!(printed[0].as_array().unwrap().len() > 3);
}

#[test]
fn bodies_that_retention_has_removed_are_counted() {
    let files = files();
    let path = files.path().join("pulsewarden.db");
    let open = store(&path, RULES);
    let retention = pulsewarden::store::Retention {
        readings_before: at(24),
        payloads_before: at(24),
        deliveries_before: Timestamp(0),
        alerts_before: Timestamp(0),
    };
    while !open.prune(&retention, &mut |_| None).unwrap().complete {}
    let arguments = ["backtest", "--store", "pulsewarden.db", "--until", "2026-03-09"];
    let output = pulsewarden(files.path(), &arguments);
    let said = "2 events passed over, whose bodies retention has removed: what came of them then is missing here\n";
    assert!(output.printed.contains(said), "{}", output.printed);
}

#[test]
fn recorded_events_become_a_test_case_that_holds_and_names_nobody() {
    let files = files();
    let path = files.path().join("pulsewarden.db");
    let _open = store(&path, RULES);
    let output = pulsewarden(files.path(), &["test", "--record", "1-6,id:7", "--store", "pulsewarden.db"]);
    assert_eq!((output.code, output.errors.as_str()), (0, ""));
    expect![[r#"
        tests:
          - test: "recorded events 2 to 8"
            start: 2026-03-02T10:00:00Z
            events:
              - { at: 0s, event: device.lowBattery, device: 1, patient: 1, payload: { batteryPercentage: 18, device: { currentPatient: { archived: null, enrolled: null, site: null }, deviceEvents: null, disabledReadings: null, item: null, lastHealthCheck: null, site: null, used: null } } }
              - { at: 5h, event: device.lowBattery, device: 2, patient: 2, payload: { batteryPercentage: 9, device: { currentPatient: { archived: null, enrolled: null, site: null }, deviceEvents: null, disabledReadings: null, item: null, lastHealthCheck: null, site: null, used: null } } }
              - { at: 1d, event: order.status, order: 1, status: onHold }
              - { at: 1d6h, event: device.weakSignal, device: 3, patient: 3, payload: { device: { currentPatient: { archived: null, enrolled: null, site: null }, deviceEvents: null, disabledReadings: null, item: null, lastHealthCheck: null, site: null, used: null } } }
              - { at: 2d, event: device.lowBattery, device: 1, patient: 1, payload: { batteryPercentage: 4, device: { currentPatient: { archived: null, enrolled: null, site: null }, deviceEvents: null, disabledReadings: null, item: null, lastHealthCheck: null, site: null, used: null } } }
              - { at: 3d18h, event: order.status, order: 1, status: shipped }
            expect:
              - { at: 0s, alert: Low, firing: [{ device: 1, severity: warning, annotations: { summary: "Low: unknown SN-1" } }] }
              - { at: 5h, alert: Low, firing: [{ device: 1, severity: warning, annotations: { summary: "Low: unknown SN-1" } }, { device: 2, severity: warning, annotations: { summary: "Low: unknown SN-2" } }] }
              - { at: 2d, alert: Held, firing: [{ order: 1, severity: warning, annotations: { summary: "Held: order 1" } }] }
              - { at: 2d, alert: Low, firing: [{ device: 1, severity: critical, annotations: { summary: "Low: unknown SN-1" } }, { device: 2, severity: warning, annotations: { summary: "Low: unknown SN-2" } }] }
              - { at: 3d18h, alert: Held, resolved: [{ order: 1 }] }
    "#]].assert_eq(&output.printed);
    fs::write(files.path().join("old/recorded.test.yaml"), &output.printed).unwrap();
    let again = pulsewarden(files.path(), &["test", "old"]);
    assert_eq!(again.code, 0, "{}", again.printed);
    let none = pulsewarden(files.path(), &["test", "--record", "900", "--store", "pulsewarden.db"]);
    assert_eq!((none.code, none.printed.as_str()), (1, ""));
}

fn row(hours: u64, envelope: &Value) -> NewRow {
    let body = envelope.to_string();
    let read = Envelope::read(body.as_bytes()).unwrap();
    NewRow {
        received_at: at(hours),
        entry: Entry::Event(EventRow {
            kind: read.kind.to_string(),
            envelope_id: Some(read.id),
            log_id: None,
            source: Source::Webhook,
            body: Some(codec::encode(body.as_bytes())),
        }),
    }
}

/// A store in which `rules` are in force and the history has been decided by them.
fn store(path: &Path, rules: &str) -> Arc<dyn Store> {
    let store: Arc<dyn Store> = Arc::new(Sqlite::open(path).unwrap());
    let bundle = Bundle::of(&[("rules.yaml", rules)]);
    store.keep_rule_set(&bundle.hash(), &bundle.to_bytes()).unwrap();
    let compile = Box::new(move |_: &str| bundle.compile().ok().map(|(rules, _)| Arc::new(rules)));
    let mut processor = Processor::new(Arc::clone(&store), compile, Arc::default(), 64).unwrap();
    let hash = Bundle::of(&[("rules.yaml", rules)]).hash();
    store.append(&[NewRow { received_at: BEGIN, entry: Entry::RuleSet { hash } }], BEGIN).unwrap();
    for (hours, envelope) in history() {
        store.append(&[row(hours, &envelope)], at(hours)).unwrap();
    }
    while processor.turn(at(200)).unwrap().is_some() {}
    store
}
