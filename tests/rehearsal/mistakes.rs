//! What is wrong with test files, and with the rules that they are about.

use expect_test::expect;

use crate::{folder, pulsewarden, tested};

#[test]
fn every_mistake_in_a_test_file_is_shown_at_once() {
    let output = tested(
        r#"
tests:
  - test: many mistakes
    start: yesterday
    settings: { low_batery: 30 }
    events:
      - { at: 0, event: device.lowBatery, device: 7 }
      - { event: device.lowBattery, device: 7 }
      - { at: 1h, event: device.lowBattery, order: 7, late: 2h }
      - { every: 1d, event: reading.weight, device: 7 }
      - { every: 1d, from: 3d, until: 1d, event: reading.weight, device: 7 }
      - { at: 1h, event: patient.updated, patient: 5, status: archived, devices: [7] }
      - { at: 1h, event: vendor.tilted }
    expect:
      - { at: 1h, alert: Lo, firing: [{ device: 7 }] }
      - { at: 1h, alert: Low, fireing: [{ device: 7 }] }
      - { at: 1h, alert: Low, firing: [{ order: 7, severity: high }, { severity: warning }] }
    messages:
      - { at: 1h, receiver: teem, firing: [Low] }
      - { at: 1h, receiver: team }
  - test: nothing
  - test: nothing
rules: []
"#,
        &[],
    );
    expect![[r#"
        error: `yesterday` is not an instant
         --> rules/own.test.yaml:4:12
          |
        4 |     start: yesterday
          |            ^^^^^^^^^
          |
          = help: write date, time and zone, as in 2026-03-02T10:00:00Z

        error: no setting is named `low_batery`
         --> rules/own.test.yaml:5:17
          |
        5 |     settings: { low_batery: 30 }
          |                 ^^^^^^^^^^
          |
          = help: did you mean `low_battery`?

        error: `0` has no unit
         --> rules/own.test.yaml:7:15
          |
        7 |       - { at: 0, event: device.lowBatery, device: 7 }
          |               ^
          |
          = help: write 0s, 0m, 0h, 0d or 0w

        error: unknown event type `device.lowBatery`
         --> rules/own.test.yaml:7:25
          |
        7 |       - { at: 0, event: device.lowBatery, device: 7 }
          |                         ^^^^^^^^^^^^^^^^
          |
          = help: did you mean `device.lowBattery`?

        error: an event needs `at`
         --> rules/own.test.yaml:8:9
          |
        8 |       - { event: device.lowBattery, device: 7 }
          |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ no `at` here
          |
          = help: say when it comes: at: 30m, counted from the start

        error: `device.lowBattery` needs `device`
         --> rules/own.test.yaml:9:9
          |
        9 |       - { at: 1h, event: device.lowBattery, order: 7, late: 2h }
          |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
          |
          = help: say which one it is about: device: 7

        error: `device.lowBattery` names no order
         --> rules/own.test.yaml:9:52
          |
        9 |       - { at: 1h, event: device.lowBattery, order: 7, late: 2h }
          |                                                    ^
          |
          = help: it can name device, patient, site, item

        error: `device.lowBattery` does not say when it happened
         --> rules/own.test.yaml:9:61
          |
        9 |       - { at: 1h, event: device.lowBattery, order: 7, late: 2h }
          |                                                             ^^
          |
          = help: remove `late`: receipt stands for the time at which it happened

        error: a series needs `until`
          --> rules/own.test.yaml:10:9
           |
        10 |       - { every: 1d, event: reading.weight, device: 7 }
           |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ no `until` here
           |
           = help: say when the last one comes: until: 5d

        error: the series ends before it begins
          --> rules/own.test.yaml:11:39
           |
        11 |       - { every: 1d, from: 3d, until: 1d, event: reading.weight, device: 7 }
           |                                       ^^
           |
           = help: write a later `until`

        error: a patient has no status
          --> rules/own.test.yaml:12:63
           |
        12 |       - { at: 1h, event: patient.updated, patient: 5, status: archived, devices: [7] }
           |                                                               ^^^^^^^^
           |
           = help: write `payload: { archived: true }` or the like

        error: only orders and returns have `devices`
          --> rules/own.test.yaml:12:82
           |
        12 |       - { at: 1h, event: patient.updated, patient: 5, status: archived, devices: [7] }
           |                                                                                  ^^^
           |
           = help: write `device: 7`

        error: this event says nothing of what it is about
          --> rules/own.test.yaml:13:9
           |
        13 |       - { at: 1h, event: vendor.tilted }
           |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           |
           = help: add `device: 7` or the like, or a `payload`

        error: no rule is named `Lo`
          --> rules/own.test.yaml:15:26
           |
        15 |       - { at: 1h, alert: Lo, firing: [{ device: 7 }] }
           |                          ^^
           |
           = help: did you mean `Low`?

        error: unknown key `fireing` in an expectation
          --> rules/own.test.yaml:16:31
           |
        16 |       - { at: 1h, alert: Low, fireing: [{ device: 7 }] }
           |                               ^^^^^^^
           |
           = help: did you mean `firing`?

        error: expected `device` here, found `order`
          --> rules/own.test.yaml:17:49
           |
        17 |       - { at: 1h, alert: Low, firing: [{ order: 7, severity: high }, { severity: warning }] }
           |                                                 ^
           |
           = help: the rule is about something else: write device: 7

        error: `high` is not a severity
          --> rules/own.test.yaml:17:62
           |
        17 |       - { at: 1h, alert: Low, firing: [{ order: 7, severity: high }, { severity: warning }] }
           |                                                              ^^^^
           |
           = help: write info, warning or critical

        error: this does not say which alert is meant
          --> rules/own.test.yaml:17:70
           |
        17 |       - { at: 1h, alert: Low, firing: [{ order: 7, severity: high }, { severity: warning }] }
           |                                                                      ^^^^^^^^^^^^^^^^^^^^^
           |
           = help: name its subject: device: 7

        error: no receiver is named `teem`
          --> rules/own.test.yaml:19:29
           |
        19 |       - { at: 1h, receiver: teem, firing: [Low] }
           |                             ^^^^
           |
           = help: did you mean `team`?

        error: this does not say what the message tells
          --> rules/own.test.yaml:20:9
           |
        20 |       - { at: 1h, receiver: team }
           |         ^^^^^^^^^^^^^^^^^^^^^^^^^^
           |
           = help: add `firing: [DeviceBatteryLow]`, or `firing: []` where there should be no message

        error: this test expects nothing
          --> rules/own.test.yaml:21:5
           |
        21 |   - test: nothing
           |     ^^^^^^^^^^^^^
           |
           = help: say what should be: expect: [{ at: 1h, alert: DeviceBatteryLow, firing: [{ device: 7 }] }]

        error: this test expects nothing
          --> rules/own.test.yaml:22:5
           |
        22 |   - test: nothing
           |     ^^^^^^^^^^^^^
           |
           = help: say what should be: expect: [{ at: 1h, alert: DeviceBatteryLow, firing: [{ device: 7 }] }]

        error: two tests are called `nothing`
          --> rules/own.test.yaml:22:11
           |
        21 |   - test: nothing
           |           ------- first here
        22 |   - test: nothing
           |           ^^^^^^^
           |
           = help: give one of the two another name

        error: `rules` belongs into a rule file
          --> rules/own.test.yaml:23:1
           |
        23 | rules: []
           | ^^^^^
           |
           = help: move it to a file beside this one whose name ends in .yaml alone

        24 errors

        1 test: 0 ok, 1 could not be run
    "#]]
    .assert_eq(&output.printed);
    assert_eq!(output.code, 1);
}

#[test]
fn settings_of_a_test_are_judged_where_they_stand() {
    let output = tested(
        "tests:\n  - test: one\n    settings:\n      low_battery: plenty\n    expect: { at: 1h, alert: Low }\n",
        &[],
    );
    expect![[r#"
        rules/own.test.yaml
          FAIL  one

        error: the setting `low_battery` is a number in the rule files
         --> rules/own.test.yaml:4:20
          |
        4 |       low_battery: plenty
          |                    ^^^^^^ this is text
          |
         ::: rules/own.yaml:1:13
          |
        1 | settings: { low_battery: 20 }
          |             ----------- here

        1 error

        1 test: 0 ok, 1 could not be run
    "#]]
    .assert_eq(&output.printed);
    assert_eq!(output.code, 1);
}

#[test]
fn bad_rules_are_shown_and_fail_their_tests() {
    let files = folder(&[
        ("rules/own.yaml", "rules: [{ alert: Low, event: device.lowBatery }]\n"),
        ("rules/own.test.yaml", "tests: [{ test: one, expect: [{ at: 1h, alert: Low }] }]\n"),
    ]);
    let output = pulsewarden(files.path(), &["test", "rules"]);
    expect![[r#"
        error: unknown event type `device.lowBatery`
         --> rules/own.yaml:1:30
          |
        1 | rules: [{ alert: Low, event: device.lowBatery }]
          |                              ^^^^^^^^^^^^^^^^
          |
          = help: did you mean `device.lowBattery`?

        1 error

        1 test: 0 ok, 1 could not be run
    "#]]
    .assert_eq(&output.printed);
    assert_eq!(output.code, 1);
}
