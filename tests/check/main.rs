//! What people read when a file is wrong, and that the shipped files are right.
#![allow(clippy::unwrap_used, clippy::panic)]

mod conditions;
mod files;
mod hostile;
mod kinds;
mod overrides;
mod program;
mod routes;
mod schema;
mod secrets;
mod shipped;
mod tables;
mod templates;

use std::fs;
use std::path::PathBuf;

use expect_test::{expect, expect_file};
use pulsewarden::config::{Bundle, IDENTIFIERS, Level, Problems, exposure, parse_settings};
use pulsewarden::engine::Protection;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The YAML files of a folder, with their texts, in name order.
fn yaml_files(folder: &str) -> Vec<(String, String)> {
    let mut files: Vec<_> = fs::read_dir(root().join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap()))
        .collect();
    files.sort();
    files
}

fn expected(folder: &str, name: &str) -> PathBuf {
    root().join(folder).join(name).with_extension("expected")
}

/// What `check` says of one rule file.
fn rule_problems(name: &str, text: &str) -> String {
    match Bundle::of(&[(name, text)]).compile() {
        Ok((_, warnings)) => warnings.into_iter().collect::<Problems>().render(false),
        Err(problems) => problems.render(false),
    }
}

/// What `check` says of one configuration file.
fn settings_problems(name: &str, text: &str) -> String {
    match parse_settings(name, text) {
        Ok((_, warnings)) => warnings.into_iter().collect::<Problems>().render(false),
        Err(problems) => problems.render(false),
    }
}

#[test]
fn every_mistake_in_a_rule_file_is_shown_with_its_place_and_a_way_out() {
    for (name, text) in yaml_files("tests/bad-rules") {
        expect_file![expected("tests/bad-rules", &name)].assert_eq(&rule_problems(&name, &text));
    }
}

#[test]
fn every_mistake_in_the_configuration_is_shown_with_its_place_and_a_way_out() {
    for (name, text) in yaml_files("tests/bad-settings") {
        expect_file![expected("tests/bad-settings", &name)].assert_eq(&settings_problems(&name, &text));
    }
}

#[test]
fn ten_mistakes_give_ten_diagnostics() {
    let text = fs::read_to_string(root().join("tests/bad-rules/ten-mistakes.yaml")).unwrap();
    let problems = Bundle::of(&[("ten-mistakes.yaml", &text)]).compile().unwrap_err();
    assert_eq!(problems.len(), 10, "{problems}");
    assert!(problems.iter().all(|problem| problem.level == Level::Error && problem.place.is_some()));
}

#[test]
fn no_diagnostic_shows_a_secret() {
    for (name, text) in yaml_files("tests/bad-settings") {
        assert!(!settings_problems(&name, &text).contains("geheim"), "{name}");
    }
    for (name, text) in yaml_files("tests/bad-rules") {
        assert!(!rule_problems(&name, &text).contains("geheim"), "{name}");
    }
}

#[test]
fn receivers_need_what_the_configuration_has() {
    let receivers = "receivers: [{ name: a, email: [{ to: a@b.example }], slack: [{ webhook: logistcs }] }]";
    let bundle = Bundle::of(&[("receivers.yaml", receivers)]);
    let configuration = "slack: { webhooks: { logistics: { env: URL } } }";
    let (settings, _) = parse_settings("pulsewarden.yaml", configuration).unwrap();
    expect![[r#"
        error: the configuration has no mail server
         --> receivers.yaml:1:38
          |
        1 | receivers: [{ name: a, email: [{ to: a@b.example }], slack: [{ webhook: logistcs }] }]
          |                                      ^^^^^^^^^^^
          |
          = help: fill in `email:` in pulsewarden.yaml, or remove `email` here

        error: the configuration has no Slack webhook named `logistcs`
         --> receivers.yaml:1:73
          |
        1 | receivers: [{ name: a, email: [{ to: a@b.example }], slack: [{ webhook: logistcs }] }]
          |                                                                         ^^^^^^^^
          |
          = help: did you mean `logistics`?

        2 errors
    "#]]
    .assert_eq(&bundle.check_receivers(&settings).render(false));
}

#[test]
fn every_channel_needs_what_the_configuration_has() {
    let receivers = "receivers:\n  - name: a\n    slack: { channel: \"#alerts\" }\n    webhook: [{ endpoint: recods }, { endpoint: other }]\n    \
                     pagerduty: { integration: oncall }\n";
    let bundle = Bundle::of(&[("receivers.yaml", receivers)]);
    let configuration = "webhook: { endpoints: { records: { url: { env: URL }, secret: { env: SECRET } } } }";
    let (settings, _) = parse_settings("pulsewarden.yaml", configuration).unwrap();
    expect![[r##"
        error: the configuration has no bot for Slack
         --> receivers.yaml:3:23
          |
        3 |     slack: { channel: "#alerts" }
          |                       ^^^^^^^^^
          |
          = help: add to pulsewarden.yaml: slack: { bot_token: { credential: slack-bot-token } }
          = help: or use an incoming webhook here: webhook: NAME

        error: the configuration has no endpoint named `recods`
         --> receivers.yaml:4:27
          |
        4 |     webhook: [{ endpoint: recods }, { endpoint: other }]
          |                           ^^^^^^
          |
          = help: did you mean `records`?

        error: the configuration has no endpoint named `other`
         --> receivers.yaml:4:49
          |
        4 |     webhook: [{ endpoint: recods }, { endpoint: other }]
          |                                                 ^^^^^
          |
          = help: add to pulsewarden.yaml: webhook: { endpoints: { other: { url: { credential: webhook-other-url }, secret: { credential: webhook-other-secret } } } }

        error: the configuration has no PagerDuty integration named `oncall`
         --> receivers.yaml:5:31
          |
        5 |     pagerduty: { integration: oncall }
          |                               ^^^^^^
          |
          = help: add to pulsewarden.yaml: pagerduty: { integrations: { oncall: { credential: pagerduty-oncall } } }

        4 errors
    "##]].assert_eq(&bundle.check_receivers(&settings).render(false));
    let configuration = "slack: { bot_token: { env: TOKEN } }\npagerduty: { integrations: { oncall: { env: KEY } } }\n\
                         webhook: { endpoints: { recods: { url: { env: URL }, secret: { env: SECRET } }, \
                         other: { url: { env: URL }, secret: { env: SECRET } } } }";
    let (settings, warnings) = parse_settings("pulsewarden.yaml", configuration).unwrap();
    assert!(warnings.is_empty() && bundle.check_receivers(&settings).is_empty());
}

#[test]
fn the_table_of_receivers_says_what_each_is_told() {
    let text = "receivers:\n- { name: open, phi: none, email: [{ to: a@b.example }] }\n- { name: usual, email: [{ to: a@b.example }] }";
    let (rules, _) = Bundle::of(&[("receivers.yaml", text)]).compile().unwrap();
    let told = |receiver: usize, class: &str| {
        let class = IDENTIFIERS.iter().position(|known| known.name.contains(class)).unwrap();
        exposure(&rules)[receiver].leaves[class]
    };
    assert!(told(0, "alert number") && !told(0, "serial"));
    assert!(told(1, "serial") && !told(1, "names"));
}

#[test]
fn a_rule_keeps_what_its_conditions_and_texts_read() {
    let text = r#"
settings: { low: 20 }
rules:
  - alert: A
    event: device.lowBattery
    where: "payload.batteryPercentage <= settings.low && payload.device.deviceEvents.exists(e, e.type == 'x')"
    raise: { to: critical, where: "previous.battery < 5" }
    resolve: { event: device.healthcheck, where: "has(payload.device.externalIdentifier)" }
    annotations: { summary: "{{ device.serial }} of {{ patient.site }} at {{ event.occurred_at }}" }
  - { alert: B, event: order.status }
"#;
    let (rules, _) = Bundle::of(&[("a.yaml", text)]).compile().unwrap();
    let reads = |rule: &str| -> Vec<(String, Protection)> {
        rules.rule(rule).unwrap().reads.iter().map(|read| (read.path.join("."), read.protection)).collect()
    };
    let named = |list: &[(&str, Protection)]| -> Vec<(String, Protection)> {
        list.iter().map(|(path, protection)| ((*path).to_owned(), *protection)).collect()
    };
    assert_eq!(
        reads("A"),
        named(&[
            ("device.serial", Protection::Ids),
            ("event.occurred_at", Protection::Ids),
            ("patient.site", Protection::None),
            ("payload.batteryPercentage", Protection::Ids),
            ("payload.device.deviceEvents", Protection::Ids),
            ("payload.device.externalIdentifier", Protection::Full),
            ("previous.battery", Protection::Ids),
            ("settings.low", Protection::None),
        ])
    );
    assert_eq!(reads("B"), named(&[("order.id", Protection::Ids)]));
    assert_eq!(rules.rule("B").unwrap().annotations["summary"], "B: order {{ order.id }}");
}

/// A small generator of pseudo-random numbers, the same on every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit.max(1)
    }
}
