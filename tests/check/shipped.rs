//! The files that are shipped are right, and say what holds.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

use expect_test::expect_file;
use pulsewarden::config::{
    Bundle, DEFAULT_FILE, Own, Pagerduty, Problems, Settings, Slack, parse_settings, read_test_file, test_files,
};
use pulsewarden::engine::{Protection, RuleSet, Severity, Value};

use super::{root, yaml_files};

fn shipped() -> RuleSet {
    let bundle = Bundle::read(None, &root().join("rules")).unwrap();
    bundle.compile().unwrap_or_else(|problems| panic!("{}", problems.render(false))).0
}

#[test]
fn the_shipped_rules_have_no_problems() {
    let bundle = Bundle::read(None, &root().join("rules")).unwrap();
    let (rules, warnings) = bundle.compile().unwrap_or_else(|problems| panic!("{}", problems.render(false)));
    let warnings: Vec<_> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings, ["there is no route, so alerts are recorded and nobody is told"]);
    assert!(rules.rule("DeviceBatteryLow").is_some());
    for rule in &rules.rules {
        let missing: Vec<_> = ["summary", "description", "action", "runbook"]
            .iter()
            .filter(|name| !rule.annotations.contains_key(**name))
            .collect();
        assert!(missing.is_empty(), "{} has no {missing:?}", rule.name);
        let sentences = rule.annotations["runbook"].split_inclusive(['.', '?']).filter(|part| part.len() > 4).count();
        assert!((3..=7).contains(&sentences), "the runbook of {} has {sentences} sentences", rule.name);
        assert!(rule.labels.contains_key("area"), "{} has no area", rule.name);
        let personal: Vec<_> = rule.reads.iter().filter(|read| read.protection == Protection::Full).collect();
        assert!(personal.is_empty(), "{} reads {personal:?}", rule.name);
    }
}

#[test]
fn every_shipped_rule_is_tested_as_it_fires_as_it_does_not_and_as_it_ends() {
    let rules = shipped();
    let mut looks: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let (files, _) = test_files(&root().join("rules"));
    let read: Vec<_> = files.iter().map(|file| read_test_file(file, Some(&rules))).collect();
    for expected in read.iter().flat_map(|file| &file.cases).flat_map(|case| &case.expect) {
        let looks = looks.entry(&expected.alert).or_default();
        looks.insert(if expected.firing.is_empty() { "silent" } else { "fires" });
        if expected.ended().any(|(_, alerts)| !alerts.is_empty()) {
            looks.insert("ends");
        }
    }
    for rule in &rules.rules {
        let looks: Vec<_> = looks.remove(&*rule.name).unwrap_or_default().into_iter().collect();
        assert_eq!(looks, ["ends", "fires", "silent"], "the tests of {}", rule.name);
    }
}

/// A setting as its file has it.
struct Setting {
    name: String,
    value: String,
    meaning: String,
}

fn settings(text: &str) -> Vec<Setting> {
    let lines = text.lines().skip_while(|line| *line != "settings:").skip(1).take_while(|line| line.starts_with("  "));
    let setting = |line: &str| {
        let (name, rest) = line.trim().split_once(": ")?;
        let (value, meaning) = rest.split_once(" #").unwrap_or_else(|| panic!("{name} has no comment"));
        Some(Setting { name: name.to_owned(), value: value.trim().to_owned(), meaning: meaning.trim().to_owned() })
    };
    lines.filter_map(setting).collect()
}

/// The settings that a rule reads, in the order of their names.
fn settings_of(text: &str, rule: &str) -> Vec<String> {
    let (_, rest) = text.split_once(&format!("  - alert: {rule}\n")).unwrap();
    let block = rest.split("\n  - alert: ").next().unwrap();
    let name = |part: &str| part.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let names: BTreeSet<String> = block.split("settings.").skip(1).map(name).collect();
    names.into_iter().collect()
}

/// The library's page, with everything that the files say. When a rule fires and what ends it is written by hand.
fn library(written: &str) -> String {
    let rules = shipped();
    let by_hand: BTreeMap<&str, [&str; 2]> = written
        .lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.strip_prefix("| `")?.split(" | ").collect();
            let [name, _, _, when, ends, _] = *cells else { return None };
            Some((name.trim_end_matches('`'), [when, ends]))
        })
        .collect();
    let mut tables = String::new();
    for (file, text) in yaml_files("rules").into_iter().filter(|(file, _)| !file.ends_with(".test.yaml")) {
        let names = text.lines().filter_map(|line| line.strip_prefix("  - alert: "));
        let of_file: Vec<_> = names.map(|name| rules.rule(name).unwrap()).collect();
        if of_file.is_empty() {
            continue;
        }
        tables += &format!(
            "\n### {file}\n\n| rule | about | severity | when | ends | settings |\n|---|---|---|---|---|---|\n"
        );
        for rule in of_file {
            let [when, ends] = by_hand.get(&*rule.name).copied().unwrap_or(["?"; 2]);
            let severity = match rule.raise.iter().map(|raise| raise.to).max() {
                Some(raised) => format!("{}, later {raised}", rule.severity),
                None => rule.severity.to_string(),
            };
            let read = settings_of(&text, &rule.name);
            let read = if read.is_empty() { "-".to_owned() } else { format!("`{}`", read.join("`, `")) };
            tables += &format!("| `{}` | {} | {severity} | {when} | {ends} | {read} |\n", rule.name, rule.subject);
        }
        tables += "\n| setting | default | meaning |\n|---|---|---|\n";
        for Setting { name, value, meaning } in settings(&text) {
            tables += &format!("| `{name}` | `{value}` | {meaning} |\n");
        }
    }
    let head = "<!-- rules: written by the tests, but for the columns `when` and `ends` -->\n";
    let (before, rest) = written.split_once(head).unwrap();
    let (_, after) = rest.split_once("\n<!-- end -->").unwrap();
    format!("{before}{head}{tables}\n<!-- end -->{after}")
}

#[test]
fn the_page_of_the_library_lists_every_rule_as_it_is() {
    let page = root().join("docs/library.md");
    let written = library(&fs::read_to_string(&page).unwrap());
    expect_file![page].assert_eq(&written);
    assert!(!written.contains("| ? |"), "docs/library.md does not say when a rule fires, and what ends it");
    let files = yaml_files("rules");
    let texts: String = files.iter().map(|(_, text)| text.as_str()).collect();
    for setting in files.iter().flat_map(|(_, text)| settings(text)) {
        assert!(texts.contains(&format!("settings.{}", setting.name)), "no rule reads {}", setting.name);
    }
}

#[test]
fn the_example_files_work_beside_the_shipped_rules() {
    let folder = tempfile::tempdir().unwrap();
    let examples = root().join("docs/examples");
    let add = |name: &str| {
        fs::copy(examples.join(name), folder.path().join(name)).unwrap();
        let bundle = Bundle::read(Some(&root().join("rules")), folder.path()).unwrap();
        let (rules, warnings) = bundle.compile().unwrap_or_else(|problems| panic!("{}", problems.render(false)));
        assert!(warnings.is_empty(), "{}", warnings.into_iter().collect::<Problems>().render(false));
        (bundle, rules)
    };
    // What is installed says who is told, and leaves the shipped rules alone.
    let (shipped, _) = Bundle::read(None, &root().join("rules")).unwrap().compile().unwrap();
    let (_, installed) = add("receivers.yaml");
    assert_eq!(format!("{:?}", installed.rules), format!("{:?}", shipped.rules));
    assert_eq!(installed.settings, shipped.settings);
    assert_eq!(installed.route.as_ref().unwrap().receiver, "logistics");
    assert_eq!(installed.digests.len(), 1);

    let (_, more) = add("digests.yaml");
    assert_eq!(more.digests.len(), 4);

    let (bundle, rules) = add("customising.yaml");
    assert!(rules.rule("DeviceWeakSignal").is_none(), "the override disables it");
    assert_eq!(rules.rule("OrderUnableToFulfill").unwrap().severity, Severity::Warning);
    assert_eq!(rules.settings["low_battery"], Value::Int(25));
    assert_eq!(rules.rules.len(), shipped.rules.len());

    let text = fs::read_to_string(examples.join("pulsewarden.yaml")).unwrap();
    let (settings, warnings) = parse_settings("pulsewarden.yaml", &text).unwrap();
    assert!(warnings.is_empty());
    settings.may_serve().unwrap();
    assert!(bundle.check_receivers(&settings).is_empty());
}

/// The shipped configuration with every key that stands in a comment made to count.
fn uncommented() -> String {
    let lines = DEFAULT_FILE.lines().map(|line| {
        let indent = line.len() - line.trim_start().len();
        match line.trim_start().strip_prefix('#') {
            Some(key) if key.starts_with(|first: char| first.is_ascii_lowercase()) => {
                format!("{}{key}", &line[..indent])
            }
            _ => line.to_owned(),
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_shipped_configuration_is_the_default() {
    let (settings, warnings) = parse_settings("pulsewarden.yaml", DEFAULT_FILE).unwrap();
    assert!(warnings.is_empty());
    let default = Settings { impilo: settings.impilo.clone(), ..Settings::default() };
    assert_eq!(format!("{settings:?}"), format!("{default:?}"));
    settings.may_serve().unwrap();
    Settings::default().may_serve().unwrap_err();
}

#[test]
fn the_shipped_configuration_states_the_defaults() {
    let text = uncommented();
    let (settings, warnings) = parse_settings("pulsewarden.yaml", &text).unwrap_or_else(|problems| {
        panic!("{}", problems.render(false));
    });
    assert!(warnings.is_empty());
    let usual = Settings::default();
    let heartbeat = settings.own.heartbeat.clone();
    assert_eq!(heartbeat.as_ref().unwrap().every, Duration::from_secs(60));
    assert_eq!(settings.email.as_ref().unwrap().timeout, Duration::from_secs(30));
    // What has no default is shown by example.
    let default = Settings {
        public_url: Some("https://alerts.clinic.example".to_owned()),
        impilo: settings.impilo.clone(),
        email: settings.email.clone(),
        slack: Slack { api: usual.slack.api.clone(), ..settings.slack.clone() },
        endpoints: settings.endpoints.clone(),
        pagerduty: Pagerduty { api: usual.pagerduty.api.clone(), ..settings.pagerduty.clone() },
        own: Own { email: settings.own.email.clone(), heartbeat, ..usual.own },
        ..usual
    };
    assert_eq!(format!("{settings:?}"), format!("{default:?}"));
}
