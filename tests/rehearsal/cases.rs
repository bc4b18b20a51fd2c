//! `pulsewarden test`: what passes, what fails and how that looks, and what is wrong with test files.

use std::fs;

use expect_test::expect;

use crate::{RULES, folder, pulsewarden, tested};

#[test]
fn every_kind_of_expectation_can_be_met() {
    let output = tested(
        r#"
tests:
  - test: a battery runs down and is replaced
    events:
      - { at: 0s, event: device.lowBattery, device: 7, payload: { batteryPercentage: 9 } }
      - { at: 10m, event: device.lowBattery, device: 7, payload: { batteryPercentage: 4 } }
      - { at: 1h, event: device.lowBattery, device: 7, payload: { batteryPercentage: 90 } }
    expect:
      - { at: 0s, alert: Low, firing: { device: 7, severity: warning, count: 1 } }
      - at: 30m
        alert: Low
        firing:
          - device: 7
            severity: critical
            count: 2
            labels: { site: Harbor Clinic, item: Cellular Scale, device: 7, severity: critical }
            annotations: { summary: "Battery at 4% on Cellular Scale SN-7" }
            because: raised
      - { at: 2h, alert: Low, firing: [], resolved: [{ device: 7, because: resolve condition }], expired: [], closed: [] }
    messages:
      - { at: 10m, receiver: team, firing: [Low] }
      - { at: 30m, receiver: team, firing: [Low] }
      - { at: 1h, receiver: team, resolved: [Low] }
      - { at: 2d, receiver: team, firing: [] }
  - test: an order is held for too long
    start: 2026-03-06T08:00:00-05:00
    events:
      - { at: 0s, event: order.statusFull, order: 12, device: 7, patient: 5, status: onHold }
      - { at: 3d, event: order.status, order: 12, status: shipped }
    expect:
      - { at: 1d, alert: Stuck, pending: [{ order: 12, because: "since 0s, until 2d" }] }
      - { at: 2d, alert: Stuck, firing: [{ order: 12, labels: { patient: "5" } }] }
      - { at: 3d, alert: Stuck, resolved: [{ order: 12 }] }
  - test: readings stop
    events:
      - { every: 1d, from: 0s, until: 4d, event: reading.weight, device: 7 }
      - { at: 4d, late: 2h, event: device.associationRemoved, device: 8 }
      - { at: 9d, event: device.associationRemoved, device: 7 }
    expect:
      - { at: 6d, alert: Silent }
      - { at: 7d, alert: Silent, firing: [{ device: 7 }] }
      - { at: 10d, alert: Silent, resolved: [{ device: 7, because: disassociated }] }
  - test: a customer wants to know earlier
    settings: { low_battery: 50 }
    events: [{ at: 0s, event: device.lowBattery, device: 7, payload: { batteryPercentage: 45 } }]
    expect: [{ at: 1m, alert: Low, firing: [{ device: 7 }] }]
"#,
        &["--coverage"],
    );
    expect![[r#"
        rules/own.test.yaml
          ok    a battery runs down and is replaced
          ok    an order is held for too long
          ok    readings stop
          ok    a customer wants to know earlier

        every rule in rules is tested

        4 tests: 4 ok
    "#]]
    .assert_eq(&output.printed);
    assert_eq!((output.code, output.errors.as_str()), (0, ""));
}

#[test]
fn what_is_not_as_expected_is_shown_side_by_side() {
    let output = tested(
        r#"
tests:
  - test: a battery runs down
    events:
      - { at: 0s, event: device.lowBattery, device: 7, payload: { batteryPercentage: 9 } }
      - { at: 1h, event: device.lowBattery, device: 9, payload: { batteryPercentage: 3 } }
      - { at: 1h, event: device.lowBattery, device: 8, payload: { batteryPercentage: 30 } }
    expect:
      - at: 90m
        alert: Low
        firing:
          - device: 7
            severity: critical
            labels: { site: Elsewhere, team: north }
            annotations: { summary: "Battery at 10%" }
            count: 2
            because: repeated
          - { device: 8 }
          - { device: 11 }
        resolved: [{ device: 7 }]
      - { at: 2h, alert: Low, pending: [{ device: 9 }] }
    messages:
      - { at: 1h, receiver: team, resolved: [Low] }
      - { at: 2h, receiver: team, firing: [] }
  - test: an order is held
    events: [{ at: 0s, event: order.status, order: 12, status: onHold }]
    expect:
      - { at: 1h, alert: Stuck, firing: [{ order: 12 }, { order: 13 }] }
      - { at: 1d, alert: Silent, firing: [{ device: 7 }] }
"#,
        &["--coverage"],
    );
    expect![[r#"
        rules/own.test.yaml
          FAIL  a battery runs down
                rules/own.test.yaml:23:9: at 1h, messages to team
                  messages
                    - expected one of resolved Low, which is not there
                    + found    one of firing Low at 2m, which is not expected
                    + found    one of firing Low at 1h, which is not expected
                rules/own.test.yaml:9:9: at 1h30m, Low
                  firing
                    ~ device 7
                        severity    - expected critical
                                    + found    warning
                        label site  - expected Elsewhere
                                    + found    Harbor Clinic
                        label team  - expected north
                                    + found    nothing
                        summary     - expected Battery at 10%
                                    + found    Battery at 9% on Cellular Scale SN-7
                        count       - expected 2
                                    + found    1
                        because     - expected …repeated…
                                    + found    device.lowBattery met the rule's condition
                    - expected device 8, which is not there
                        it never fired: not met: payload.batteryPercentage <= settings.low_battery
                    - expected device 11, which is not there
                        nothing was heard of device 11
                    + found    device 9, critical since 1h, which is not expected
                        device.lowBattery met the rule's condition
                  resolved
                    - expected device 7, which is not there
                        it is firing
                rules/own.test.yaml:21:9: at 2h, Low
                  pending
                    - expected device 9, which is not there
                        it is firing
                  firing
                    + found    device 7, warning since 0s, which is not expected
                        device.lowBattery met the rule's condition
                    + found    device 9, critical since 1h, which is not expected
                        device.lowBattery met the rule's condition
          FAIL  an order is held
                rules/own.test.yaml:28:9: at 1h, Stuck
                  pending
                    + found    order 12, warning, which is not expected
                        pending since 0s, until 2d
                  firing
                    - expected order 12, which is not there
                        it is pending since 0s, until 2d
                    - expected order 13, which is not there
                        nothing was heard of order 13
                rules/own.test.yaml:29:9: at 1d, Silent
                  firing
                    - expected device 7, which is not there
                        nothing was heard of device 7

        every rule in rules is tested

        2 tests: 0 ok, 2 failed
    "#]]
    .assert_eq(&output.printed);
    assert_eq!(output.code, 1);
}

#[test]
fn build_servers_read_the_results() {
    let files = folder(&[
        ("rules/own.yaml", RULES),
        (
            "rules/a.test.yaml",
            "tests:\n  - test: \"<ok> & \\\"quoted\\\"\"\n    expect: { at: 1h, alert: Low }\n  - test: fails\n    \
             expect: { at: 1h, alert: Low, firing: [{ device: \"<7>\" }] }\n",
        ),
        ("rules/b.test.yaml", "tests: 1\n"),
    ]);
    let output = pulsewarden(files.path(), &["test", "rules", "--junit", "results.xml"]);
    assert_eq!(output.code, 1);
    let xml = fs::read_to_string(files.path().join("results.xml")).unwrap();
    let mut blurred = String::new();
    for (place, part) in xml.split("time=\"").enumerate() {
        let part = if place == 0 { part } else { &part[part.find('"').unwrap()..] };
        blurred += &format!("{}{part}", if place == 0 { "" } else { "time=\"…" });
    }
    expect![[r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites tests="3" failures="1" errors="1" time="…">
          <testsuite name="rules/a.test.yaml" tests="2" failures="1" errors="0" time="…">
            <testcase name="&lt;ok&gt; &amp; &quot;quoted&quot;" classname="rules/a.test.yaml" time="…"/>
            <testcase name="fails" classname="rules/a.test.yaml" time="…">
              <failure message="rules/a.test.yaml:5:13: at 1h, Low">rules/a.test.yaml:5:13: at 1h, Low
          firing
            - expected device &lt;7&gt;, which is not there
                nothing was heard of device &lt;7&gt;
        </failure>
            </testcase>
          </testsuite>
          <testsuite name="rules/b.test.yaml" tests="1" failures="0" errors="1" time="…">
            <testcase name="(the file)" classname="rules/b.test.yaml" time="…">
              <error message="error: expected a test, found a number">error: expected a test, found a number
         --&gt; rules/b.test.yaml:1:8
          |
        1 | tests: 1
          |        ^
          |
          = help: write something like { test: a low battery fires, events: […], expect: […] }

        1 error
        </error>
            </testcase>
          </testsuite>
        </testsuites>
    "#]]
    .assert_eq(&blurred);
    well_formed(&xml);
}

/// A check of XML as far as it is used here: elements open and close in order, and text holds no bare sign.
fn well_formed(xml: &str) {
    let body = xml.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n").unwrap();
    let mut open = Vec::new();
    for piece in body.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').unwrap();
        assert!(!text.contains('>'), "{text}");
        for bare in text.split('&').skip(1).chain(tag.split('&').skip(1)) {
            let entity = bare.split(';').next().unwrap();
            assert!(["amp", "lt", "gt", "quot"].contains(&entity), "&{entity}");
        }
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty());
}

#[test]
fn tests_can_be_chosen_and_what_is_not_there_is_said() {
    let cases = "tests:\n  - test: one\n    expect: { at: 1h, alert: Low }\n  - test: two\n    \
                 expect: { at: 1h, alert: Low, firing: { device: 7 } }\n";
    let one = tested(cases, &["--run", "one", "--coverage"]);
    expect![[r#"
        rules/own.test.yaml
          ok    one

        warning: 2 of 3 rules in rules without any test:
          Stuck
          Silent

        1 test: 1 ok
    "#]]
    .assert_eq(&one.printed);
    assert_eq!(one.code, 0);
    assert_eq!(tested(cases, &["--run", "three"]).code, 2);

    let files = folder(&[("rules/own.yaml", RULES)]);
    for (arguments, said) in [
        (&["test", "rules"][..], "pulsewarden: there are no test files in rules: their names end in .test.yaml\n"),
        (&["test", "elsewhere"], "pulsewarden: there is no file or folder elsewhere\n"),
        (&["test", "rules/own.yaml"], "pulsewarden: rules/own.yaml is no test file: their names end in .test.yaml\n"),
        (
            &["test"],
            "pulsewarden: there is no configuration that names the rules; say which: pulsewarden test FOLDER\n",
        ),
    ] {
        let output = pulsewarden(files.path(), arguments);
        assert_eq!((output.code, output.errors.as_str()), (2, said), "{arguments:?}");
    }
}

#[test]
fn the_configuration_says_which_rules_belong_together() {
    let files = folder(&[
        (
            "library/low.yaml",
            "rules: [{ alert: Low, event: device.lowBattery, where: \"payload.batteryPercentage <= 20\" }]\n",
        ),
        ("own/own.yaml", "override: [{ alert: Low, severity: critical }]\n"),
        (
            "own/deep/own.test.yaml",
            "tests:\n  - test: urgent\n    events: { at: 0s, event: device.lowBattery, device: 7 }\n    \
             expect: { at: 1h, alert: Low, firing: { device: 7, severity: critical } }\n",
        ),
        (
            "library/low.test.yaml",
            "tests:\n  - test: as shipped\n    events: { at: 0s, event: device.lowBattery, device: 7 }\n    \
             expect: { at: 1h, alert: Low, firing: { device: 7, severity: warning } }\n",
        ),
    ]);
    let at = |name: &str| files.path().join(name).display().to_string();
    let configuration = format!("rules: {}\nlibrary: {}\n", at("own"), at("library"));
    fs::write(files.path().join("pulsewarden.yaml"), configuration).unwrap();
    let output = pulsewarden(files.path(), &["test"]);
    expect![[r#"
        FOLDER/own/deep/own.test.yaml
          ok    urgent

        1 test: 1 ok
    "#]]
    .assert_eq(&output.printed);
    assert_eq!(output.code, 0);
    let output = pulsewarden(files.path(), &["test", "library", "own", "--coverage"]);
    expect![[r#"
        library/low.test.yaml
          ok    as shipped
        own/deep/own.test.yaml
          ok    urgent

        every rule in FOLDER/library is tested

        2 tests: 2 ok
    "#]]
    .assert_eq(&output.printed);
    assert_eq!(output.code, 0);
}
