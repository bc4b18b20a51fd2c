//! The files that are shipped are right, and say what holds.

use std::fs;
use std::time::Duration;

use pulsewarden::config::{Bundle, DEFAULT_FILE, Own, Problems, Settings, parse_settings};
use pulsewarden::engine::{Severity, Value};

use super::root;

#[test]
fn the_shipped_rules_have_no_problems() {
    let bundle = Bundle::read(None, &root().join("rules")).unwrap();
    let (rules, warnings) = bundle.compile().unwrap_or_else(|problems| panic!("{}", problems.render(false)));
    let warnings: Vec<_> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings, ["there is no route, so alerts are recorded and nobody is told"]);
    assert!(rules.rule("DeviceBatteryLow").is_some());
    for rule in &rules.rules {
        for annotation in ["summary", "action"] {
            assert!(rule.annotations.contains_key(annotation), "{} has no {annotation}", rule.name);
        }
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
    let warnings: Vec<_> = warnings.iter().map(|problem| &*problem.message).collect();
    assert_eq!(warnings, ["`public_url` has no effect in this version"]);
    let usual = Settings::default();
    let heartbeat = settings.own.heartbeat.clone();
    assert_eq!(heartbeat.as_ref().unwrap().every, Duration::from_secs(60));
    assert_eq!(settings.email.as_ref().unwrap().timeout, Duration::from_secs(30));
    // What has no default is shown by example.
    let default = Settings {
        public_url: Some("https://alerts.clinic.example".to_owned()),
        impilo: settings.impilo.clone(),
        email: settings.email.clone(),
        slack: settings.slack.clone(),
        own: Own { email: settings.own.email.clone(), heartbeat, ..usual.own },
        ..usual
    };
    assert_eq!(format!("{settings:?}"), format!("{default:?}"));
}
