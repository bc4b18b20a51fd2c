//! What a customer's files change of shipped rules.

use std::fs;

use expect_test::expect;
use pulsewarden::config::{Bundle, Problems};
use pulsewarden::engine::{Resolve, RuleSet, Severity, Trigger};

const SHIPPED: &str = r#"
rules:
  - alert: WeakSignal
    event: device.weakSignal
    where: "device.associated"
    count: { at_least: 3, within: 24h }
    severity: info
    raise: [{ to: critical, after: 3d }]
    labels: { team: logistics, kind: radio }
    annotations: { summary: "Weak signal on {{ device.serial }}", action: "Move the hub." }
    resolve: [{ after: 3d }, { event: device.healthcheck }]
  - { alert: Waits, subject: order, while: 'order.status == "onHold"', for: 48h }
"#;

/// What `check` makes of a customer's file beside the shipped one.
fn compile(own: &str) -> Result<(RuleSet, String), String> {
    let folder = tempfile::tempdir().unwrap();
    let folders = ["library", "own"].map(|name| folder.path().join(name));
    for (folder, text) in folders.iter().zip([SHIPPED, own]) {
        fs::create_dir(folder).unwrap();
        fs::write(folder.join("rules.yaml"), text).unwrap();
    }
    let shown = |problems: Problems| problems.render(false).replace(folder.path().to_str().unwrap(), "");
    match Bundle::read(Some(&folders[0]), &folders[1]).unwrap().compile() {
        Ok((rules, warnings)) => {
            let warnings = warnings.into_iter().filter(|warning| warning.place.is_some());
            Ok((rules, shown(warnings.collect())))
        }
        Err(problems) => Err(shown(problems)),
    }
}

#[test]
fn maps_change_key_by_key_and_everything_else_as_a_whole() {
    let (rules, warnings) = compile(
        "override:\n- alert: WeakSignal\n  count: { at_least: 5 }\n  where: 'device.battery > 10'\n  labels: { team: field }\n  \
         annotations: { action: \"Call the patient.\" }\n  resolve: { after: 14d }\n  shadow: true\n\
         - { alert: Waits, for: 24h, severity: critical, while: 'order.status == \"voided\"', each: order.status }\n",
    )
    .unwrap();
    assert_eq!(warnings, "");
    let rule = rules.rule("WeakSignal").unwrap();
    let Trigger::Count { test, at_least: 5, within, .. } = &rule.trigger else { panic!("{rule:?}") };
    assert_eq!(within.to_string(), "24h");
    assert_eq!(test.condition.as_ref().unwrap().source(), "device.battery > 10");
    assert_eq!((rule.labels["team"].as_str(), rule.labels["kind"].as_str()), ("field", "radio"));
    assert_eq!(rule.annotations["summary"], "Weak signal on {{ device.serial }}");
    assert_eq!(rule.annotations["action"], "Call the patient.");
    assert!(matches!(rule.resolve[..], [Resolve::After(_)]) && rule.shadow);
    let rule = rules.rule("Waits").unwrap();
    let Trigger::While { lasting: Some(lasting), each: Some(_) } = &rule.trigger else { panic!("{rule:?}") };
    assert_eq!((lasting.to_string().as_str(), rule.severity), ("24h", Severity::Critical));
    assert_eq!(rule.holds.as_ref().unwrap().source(), "order.status == \"voided\"");
}

#[test]
fn later_overrides_win_and_own_rules_can_be_changed() {
    let (rules, _) = compile(
        "rules: [{ alert: Own, event: device.lowBattery }]\noverride:\n- { alert: Own, severity: info }\n\
         - { alert: Own, severity: critical }\n- { alert: WeakSignal, disabled: true }\n- { alert: Waits, disabled: false }\n",
    )
    .unwrap();
    assert_eq!(rules.rule("Own").unwrap().severity, Severity::Critical);
    assert!(rules.rule("WeakSignal").is_none() && rules.rule("Waits").is_some());
}

#[test]
fn what_is_wrong_is_shown_in_the_file_in_which_it_stands() {
    let problems = compile(
        "override:\n- alert: WeakSignal\n  count: { at_least: 0, within: 24 }\n  where: 'device.batery < 10'\n  subject: site\n  \
         sumary: x\n  silent: { longer_than: 72h }\n  severity: critical\n- { alert: Waits, for: no, disable: true, event: order.status }\n\
         - { alert: WekSignal, severity: info }\n- { alert: Waits }\n- { alert: Waits, enabled: false }\n",
    )
    .unwrap_err();
    expect![[r#"
        error: this number is out of range
         --> /own/rules.yaml:3:22
          |
        3 |   count: { at_least: 0, within: 24 }
          |                      ^
          |
          = help: write a number from 1 to 1000

        error: `24` has no unit
         --> /own/rules.yaml:3:33
          |
        3 |   count: { at_least: 0, within: 24 }
          |                                 ^^
          |
          = help: write 24s, 24m, 24h, 24d or 24w

        error: `device` has no field `batery`
         --> /own/rules.yaml:4:18
          |
        4 |   where: 'device.batery < 10'
          |                  ^^^^^^
          |
          = help: did you mean `device.battery`?

        error: an override cannot change what a rule is about
         --> /own/rules.yaml:5:3
          |
        5 |   subject: site
          |   ^^^^^^^
          |
          = help: switch the rule off with `disabled: true`, and write a rule of your own

        error: unknown key `sumary` in a rule
         --> /own/rules.yaml:6:3
          |
        6 |   sumary: x
          |   ^^^^^^
          |
          = help: a rule can have `alert`, `was`, `subject`, `event`, `where`, `falls`, `rises`, `count`, `share`, `not_followed_by`, `not_preceded_by`, `silent`, `while`, `for`, `each`, `severity`, `raise`, `labels`, `annotations`, `resolve`, `expire`, `ends_with_relations`, `calendar`, `grace`, `keep_firing_for`, `repeat_backoff` and `shadow`

        error: the rule has no `silent`, and an override cannot make it another kind of rule
         --> /own/rules.yaml:7:3
          |
        7 |   silent: { longer_than: 72h }
          |   ^^^^^^
          |
          = help: switch the rule off with `disabled: true`, and write a rule of your own

        error: `no` reads as false in YAML 1.1 and as text in YAML 1.2
         --> /own/rules.yaml:9:24
          |
        9 | - { alert: Waits, for: no, disable: true, event: order.status }
          |                        ^^
          |
          = help: write a length of time, as in 2d

        error: unknown key `disable` in an override
         --> /own/rules.yaml:9:28
          |
        9 | - { alert: Waits, for: no, disable: true, event: order.status }
          |                            ^^^^^^^
          |
          = help: did you mean `disabled`?

        error: the rule has no `event`, and an override cannot make it another kind of rule
         --> /own/rules.yaml:9:43
          |
        9 | - { alert: Waits, for: no, disable: true, event: order.status }
          |                                           ^^^^^
          |
          = help: switch the rule off with `disabled: true`, and write a rule of your own

        error: no rule is named `WekSignal`
          --> /own/rules.yaml:10:12
           |
        10 | - { alert: WekSignal, severity: info }
           |            ^^^^^^^^^
           |
           = help: did you mean `WeakSignal`?

        warning: this override changes nothing
          --> /own/rules.yaml:11:3
           |
        11 | - { alert: Waits }
           |   ^^^^^^^^^^^^^^^^
           |
           = help: add what is to be changed, such as `severity: critical` or `disabled: true`

        error: unknown key `enabled` in an override
          --> /own/rules.yaml:12:19
           |
        12 | - { alert: Waits, enabled: false }
           |                   ^^^^^^^
           |
           = help: write disabled: true or false

        11 errors, 1 warning
    "#]].assert_eq(&problems);
}

#[test]
fn a_map_by_name_is_no_list_of_overrides() {
    let problems = compile("override:\n  WeakSignal: { disabled: true }\n").unwrap_err();
    expect![[r#"
        error: `override` is a list, and this is a map
         --> /own/rules.yaml:2:3
          |
        2 |   WeakSignal: { disabled: true }
          |   ^^^^^^^^^^
          |
          = help: begin each with a dash and its name: `- alert: WeakSignal`, its keys below that

        1 error
    "#]]
    .assert_eq(&problems);
}
