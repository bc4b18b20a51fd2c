//! `pulsewarden backtest`: over a file, alone and against another rule set.

use std::fmt::Write as _;
use std::fs;

use expect_test::expect;
use serde_json::{Value, json};

use crate::pulsewarden;
use crate::recorded::{blurred, files, lines};

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
