//! `pulsewarden backtest`: over a file and over a store, alone and against another rule set.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use expect_test::expect;
use pulsewarden::config::Bundle;
use pulsewarden::engine::{Source, Timestamp};
use pulsewarden::impilo::Envelope;
use pulsewarden::journal::codec;
use pulsewarden::process::Processor;
use pulsewarden::store::sqlite::Sqlite;
use pulsewarden::store::{Entry, EventRow, NewRow, Store};
use serde_json::{Value, json};

use crate::{folder, pulsewarden};

/// 2 March 2026, 10:00 UTC.
const BEGIN: Timestamp = Timestamp(1_772_445_600_000);

const RULES: &str = r#"rules:
  - alert: Low
    event: device.lowBattery
    where: "payload.batteryPercentage <= 20"
    raise: [{ to: critical, where: "payload.batteryPercentage <= 5" }]
    resolve: [{ event: device.lowBattery, where: "payload.batteryPercentage > 40" }]
    expire: 10d
  - { alert: Held, subject: order, while: 'order.status == "onHold"', for: 1d }
receivers: [{ name: team, email: [{ to: [team@clinic.example] }] }]
route: { receiver: team, group_by: [alertname], group_wait: 2m, group_interval: 10m, repeat_interval: 7d }
"#;

/// The same, stricter about batteries and more patient with orders, under other names.
const OTHERS: &str = r#"rules:
  - alert: Low
    event: device.lowBattery
    where: "payload.batteryPercentage <= 10"
    resolve: [{ event: device.lowBattery, where: "payload.batteryPercentage > 40" }]
    expire: 10d
  - { alert: OrderHeld, was: Held, subject: order, while: 'order.status == "onHold"', for: 2d }
  - { alert: Weak, event: device.weakSignal }
receivers: [{ name: office, email: [{ to: [office@clinic.example] }] }]
route: { receiver: office, group_by: [alertname], group_wait: 2m, group_interval: 10m, repeat_interval: 7d }
"#;

fn at(hours: u64) -> Timestamp {
    BEGIN.plus(Duration::from_secs(hours * 3600))
}

fn device(id: i64) -> Value {
    json!({ "id": id, "currentStatus": "withPatient", "currentPatient": { "id": id + 100, "lastName": "Quillon" } })
}

/// Hours from the beginning, and what came then.
fn history() -> Vec<(u64, Value)> {
    let battery = |id: i64, percentage: i64| json!({ "batteryPercentage": percentage, "device": device(id) });
    let order = |status: &str| json!({ "orderId": 12, "orderStatusName": status });
    let told = [
        (0, "device.lowBattery", battery(7, 18)),
        (5, "device.lowBattery", battery(8, 9)),
        (24, "order.status", order("onHold")),
        (30, "device.weakSignal", json!({ "device": device(9) })),
        (48, "device.lowBattery", battery(7, 4)),
        (60, "device.lowBattery", battery(8, 90)),
        (90, "order.status", order("shipped")),
        (120, "device.lowBattery", battery(7, 95)),
        (130, "device.lowBattery", battery(10, 20)),
    ];
    let numbered = told.into_iter().enumerate();
    numbered
        .map(|(id, (hours, kind, payload))| (hours, json!({ "id": id + 1, "type": kind, "payload": payload })))
        .collect()
}

fn lines() -> String {
    let mut lines = String::new();
    for (hours, mut envelope) in history() {
        envelope["received_at"] = if hours == 5 { json!(at(5).0) } else { json!(at(hours).to_string()) };
        writeln!(lines, "{envelope}").unwrap();
    }
    lines
}

fn files() -> tempfile::TempDir {
    folder(&[("old/rules.yaml", RULES), ("new/rules.yaml", OTHERS), ("events.jsonl", &lines())])
}

#[test]
fn a_file_of_events_tells_what_rules_would_have_made_of_them() {
    let files = files();
    let output = pulsewarden(files.path(), &["backtest", "--rules", "old", "--events", "events.jsonl"]);
    assert_eq!((output.code, output.errors.as_str()), (0, ""));
    expect![[r#"
        Rules old (HASH), from 2026-03-02 10:00:00 UTC until 2026-03-07 20:00:00 UTC
        9 events; nothing is known of what was before

         RULE  OPEN BEFORE  FIRED  RESOLVED  EXPIRED  CLOSED  STILL OPEN  MEDIAN OPEN  MESSAGES
         Low   0            3      2         0        0       1           5 d          5
         Held  0            1      1         0        0       0           42 h         2

         RECEIVER  MESSAGES
         team      7

         FIRED                    RULE  SUBJECT    SEVERITY  ENDED                    HOW
         2026-03-02 10:00:00 UTC  Low   device 7   critical  2026-03-07 10:00:00 UTC  resolved: device.lowBattery met the rule's resolve condition
         2026-03-02 15:00:00 UTC  Low   device 8   warning   2026-03-04 22:00:00 UTC  resolved: device.lowBattery met the rule's resolve condition
         2026-03-04 10:00:00 UTC  Held  order 12   warning   2026-03-06 04:00:00 UTC  resolved: no longer so: order.status == "onHold"
         2026-03-07 20:00:00 UTC  Low   device 10  warning                            still open
    "#]].assert_eq(&blurred(&output.printed));

    let arguments =
        ["backtest", "--rules", "old", "--events", "events.jsonl", "--from", "2026-03-04", "--until", "2026-03-09"];
    let output = pulsewarden(files.path(), &arguments);
    expect![[r#"
        Rules old (HASH), from 2026-03-04 00:00:00 UTC until 2026-03-09 00:00:00 UTC
        5 events, with the state that 4 events before made, since 2026-03-02 10:00:00 UTC, where the history begins

         RULE  OPEN BEFORE  FIRED  RESOLVED  EXPIRED  CLOSED  STILL OPEN  MEDIAN OPEN  MESSAGES
         Low   2            1      2         0        0       1           5 d          4
         Held  0            1      1         0        0       0           42 h         2

         RECEIVER  MESSAGES
         team      6

         FIRED                             RULE  SUBJECT    SEVERITY  ENDED                    HOW
         2026-03-02 10:00:00 UTC (before)  Low   device 7   critical  2026-03-07 10:00:00 UTC  resolved: device.lowBattery met the rule's resolve condition
         2026-03-02 15:00:00 UTC (before)  Low   device 8   warning   2026-03-04 22:00:00 UTC  resolved: device.lowBattery met the rule's resolve condition
         2026-03-04 10:00:00 UTC           Held  order 12   warning   2026-03-06 04:00:00 UTC  resolved: no longer so: order.status == "onHold"
         2026-03-07 20:00:00 UTC           Low   device 10  warning                            still open
    "#]].assert_eq(&blurred(&output.printed));
    let since = ["backtest", "--rules", "old", "--events", "events.jsonl", "--since", "82h", "--json"];
    let printed: Value = serde_json::from_str(&pulsewarden(files.path(), &since).printed).unwrap();
    assert_eq!((&printed["events"], &printed["warm_up"]), (&json!(5), &json!(4)));
}

/// The hashes of rule sets change with every letter of the files.
fn blurred(printed: &str) -> String {
    let mut out = String::new();
    for word in printed.split_inclusive(['(', ')', '"']) {
        let hex = word.trim_end_matches([')', '"']);
        let is_hash = matches!(hex.len(), 12 | 64) && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        out += &if is_hash { word.replace(hex, "HASH") } else { word.to_owned() };
    }
    out
}

#[test]
fn two_rule_sets_are_compared_alert_by_alert() {
    let files = files();
    let arguments = ["backtest", "--rules", "new", "--against", "old", "--events", "events.jsonl"];
    let output = pulsewarden(files.path(), &arguments);
    assert_eq!((output.code, output.errors.as_str()), (0, ""));
    expect![[r#"
        Rules new (HASH) against old (HASH), from 2026-03-02 10:00:00 UTC until 2026-03-07 20:00:00 UTC
        9 events; nothing is known of what was before

         RULE       FIRED  RESOLVED  EXPIRED  STILL OPEN  MEDIAN OPEN  MESSAGES
         Low        3 → 2  2         0        1 → 0       5 d → 3 d    5 → 4
         OrderHeld  1      1         0        0           42 h → 18 h  2
         Weak       - → 1  - → 0     - → 0    - → 1       - → -        - → 1

         RECEIVER  MESSAGES
         office    0 → 7
         team      7 → 0

         DIFFERENCE             RULE       SUBJECT    OLD                                                                 NEW
         later, other severity  Low        device 7   critical 2026-03-02 10:00:00 UTC, resolved 2026-03-07 10:00:00 UTC  warning 2026-03-04 10:00:00 UTC, resolved 2026-03-07 10:00:00 UTC
         only in new            Weak       device 9   -                                                                   warning 2026-03-03 16:00:00 UTC, still open
         later                  OrderHeld  order 12   warning 2026-03-04 10:00:00 UTC, resolved 2026-03-06 04:00:00 UTC   warning 2026-03-05 10:00:00 UTC, resolved 2026-03-06 04:00:00 UTC
         only in old            Low        device 10  warning 2026-03-07 20:00:00 UTC, still open                         -

        4 differences: 1 only in new, 1 only in old, 2 later, 1 other severity
    "#]].assert_eq(&blurred(&output.printed));

    let with_code: Vec<&str> = arguments.iter().chain(&["--exit-code", "--limit", "2"]).copied().collect();
    let output = pulsewarden(files.path(), &with_code);
    assert_eq!(output.code, 1);
    assert!(output.printed.contains("and 2 differences more; --limit or --json shows them\n"), "{}", output.printed);
    let same = ["backtest", "--rules", "old", "--against", "old", "--events", "events.jsonl", "--exit-code"];
    let output = pulsewarden(files.path(), &same);
    assert!(output.printed.ends_with("\nNo alert differs.\n"), "{}", output.printed);
    assert_eq!(output.code, 0);
}

#[test]
fn programs_get_everything_as_json() {
    let files = files();
    let arguments = ["backtest", "--rules", "new", "--against", "old", "--events", "events.jsonl", "--json"];
    let output = pulsewarden(files.path(), &arguments);
    let mut printed: Value = serde_json::from_str(&output.printed).unwrap();
    // One of each is enough to see their shape.
    for outcome in printed["outcomes"].as_array_mut().unwrap() {
        outcome["rule_set"] = "HASH".into();
        outcome["alerts"].as_array_mut().unwrap().truncate(1);
        outcome["rules"].as_array_mut().unwrap().truncate(1);
    }
    printed["differences"].as_array_mut().unwrap().truncate(1);
    expect![[r#"
        {
          "differences": [
            {
              "contrast": [
                "later",
                "severity"
              ],
              "new": {
                "before": false,
                "end": {
                  "at": 1772877600000,
                  "reason": "device.lowBattery met the rule's resolve condition",
                  "state": "resolved"
                },
                "fired_at": 1772618400000,
                "opened_at": 1772618400000,
                "rule": "Low",
                "severity": "warning",
                "shadow": false,
                "subject": {
                  "id": "7",
                  "kind": "device"
                }
              },
              "old": {
                "before": false,
                "end": {
                  "at": 1772877600000,
                  "reason": "device.lowBattery met the rule's resolve condition",
                  "state": "resolved"
                },
                "fired_at": 1772445600000,
                "opened_at": 1772445600000,
                "rule": "Low",
                "severity": "critical",
                "shadow": false,
                "subject": {
                  "id": "7",
                  "kind": "device"
                }
              },
              "rule": "Low",
              "subject": {
                "id": "7",
                "kind": "device"
              }
            }
          ],
          "events": 9,
          "from": 1772445600000,
          "history_from": 1772445600000,
          "outcomes": [
            {
              "alerts": [
                {
                  "before": false,
                  "end": {
                    "at": 1772661600000,
                    "reason": "device.lowBattery met the rule's resolve condition",
                    "state": "resolved"
                  },
                  "fired_at": 1772463600000,
                  "opened_at": 1772463600000,
                  "rule": "Low",
                  "severity": "warning",
                  "shadow": false,
                  "subject": {
                    "id": "8",
                    "kind": "device"
                  }
                }
              ],
              "faults": {},
              "receivers": {
                "office": 7
              },
              "rule_set": "HASH",
              "rules": [
                {
                  "closed": 0,
                  "expired": 0,
                  "fired": 2,
                  "median_open_seconds": 259200,
                  "messages": 4,
                  "open_before": 0,
                  "resolved": 2,
                  "rule": "Low",
                  "still_open": 0
                }
              ]
            },
            {
              "alerts": [
                {
                  "before": false,
                  "end": {
                    "at": 1772877600000,
                    "reason": "device.lowBattery met the rule's resolve condition",
                    "state": "resolved"
                  },
                  "fired_at": 1772445600000,
                  "opened_at": 1772445600000,
                  "rule": "Low",
                  "severity": "critical",
                  "shadow": false,
                  "subject": {
                    "id": "7",
                    "kind": "device"
                  }
                }
              ],
              "faults": {},
              "receivers": {
                "team": 7
              },
              "rule_set": "HASH",
              "rules": [
                {
                  "closed": 0,
                  "expired": 0,
                  "fired": 3,
                  "median_open_seconds": 432000,
                  "messages": 5,
                  "open_before": 0,
                  "resolved": 2,
                  "rule": "Low",
                  "still_open": 1
                }
              ]
            }
          ],
          "pruned": 0,
          "unreadable": 0,
          "until": 1772913600000,
          "warm_up": 0
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&printed).unwrap());
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
fn what_cannot_be_done_is_said_with_its_place() {
    let files = files();
    let bad = |name: &str, text: &str| fs::write(files.path().join(name), text).unwrap();
    let good = lines();
    let first = good.lines().next().unwrap();
    bad("shape.jsonl", "\n{\"received_at\": 1, \"id\": 1}\n");
    bad("time.jsonl", "{\"id\": 1, \"type\": \"device.weakSignal\", \"payload\": {}}\n");
    bad("order.jsonl", &format!("{}\n{first}\n", good.lines().nth(3).unwrap()));
    fs::create_dir(files.path().join("bad")).unwrap();
    bad("bad/rules.yaml", "rules: [{ alert: Low, event: device.lowBatery }]\n");
    let mut said = String::new();
    for arguments in [
        &["--rules", "old", "--events", "shape.jsonl"][..],
        &["--rules", "old", "--events", "time.jsonl"],
        &["--rules", "old", "--events", "order.jsonl"],
        &["--rules", "old", "--events", "nowhere.jsonl"],
        &["--rules", "bad", "--events", "events.jsonl"],
        &["--rules", "old"],
        &["--events", "events.jsonl"],
        &["--rules", "old", "--against", "nothing", "--events", "events.jsonl"],
        &["--store", "nowhere.db"],
        &["--since", "soon"],
        &["--from", "tomorrow"],
    ] {
        let all: Vec<&str> = ["backtest"].iter().chain(arguments).copied().collect();
        let output = pulsewarden(files.path(), &all);
        assert_eq!(output.printed, "");
        writeln!(said, "{} (exit code {})\n{}", arguments.join(" "), output.code, output.errors).unwrap();
    }
    expect![[r#"
        --rules old --events shape.jsonl (exit code 1)
        pulsewarden: the backtest came to no end: shape.jsonl:2: `type` is missing or not a text of 1 to 200 characters; each line is one envelope, as Impilo sends it

        --rules old --events time.jsonl (exit code 1)
        pulsewarden: the backtest came to no end: time.jsonl:1: no `received_at` beside `id`, `type` and `payload`; write an instant such as 2026-03-02T10:00:00Z

        --rules old --events order.jsonl (exit code 1)
        pulsewarden: the backtest came to no end: order.jsonl:2: it was received before the line above it; sort the file by `received_at`

        --rules old --events nowhere.jsonl (exit code 1)
        pulsewarden: cannot read nowhere.jsonl: No such file or directory (os error 2)

        --rules bad --events events.jsonl (exit code 1)
        error: unknown event type `device.lowBatery`
         --> bad/rules.yaml:1:30
          |
        1 | rules: [{ alert: Low, event: device.lowBatery }]
          |                              ^^^^^^^^^^^^^^^^
          |
          = help: did you mean `device.lowBattery`?

        1 error
        pulsewarden: the rules in bad cannot be used

        --rules old (exit code 1)
        pulsewarden: there is no configuration that names the store; say where events are: --store FILE or --events FILE

        --events events.jsonl (exit code 1)
        pulsewarden: there is no store that knows the rules in force; say which to try: --rules FOLDER

        --rules old --against nothing --events events.jsonl (exit code 1)
        pulsewarden: `nothing` is neither a folder nor the hash of a rule set that the store keeps, nor `live`

        --store nowhere.db (exit code 1)
        pulsewarden: there is no store nowhere.db; start the service once, or correct `storage` in the configuration: the store at nowhere.db cannot be opened for reading now: there is no such file

        --since soon (exit code 2)
        error: invalid value 'soon' for '--since <LENGTH>': a number with s, m, h, d or w, as in 30d

        For more information, try '--help'.

        --from tomorrow (exit code 2)
        error: invalid value 'tomorrow' for '--from <TIME>': a date (midnight UTC) as in 2026-03-02, or an instant as in 2026-03-02T10:00:00Z

        For more information, try '--help'.

    "#]].assert_eq(&said);
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
