//! What people read when a file is wrong, and that the shipped files are right.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use expect_test::{expect, expect_file};
use pulsewarden::config::{
    Bundle, DEFAULT_FILE, IDENTIFIERS, Level, Own, Problems, SecretRef, Settings, exposure, parse_settings,
};
use pulsewarden::engine::{Protection, Severity, Value};
use secrecy::ExposeSecret as _;

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
        slack: settings.slack.clone(),
        own: Own { email: settings.own.email.clone(), heartbeat, ..usual.own },
        ..usual
    };
    assert_eq!(format!("{settings:?}"), format!("{default:?}"));
}

#[test]
fn a_bundle_is_the_same_after_the_store() {
    let bundle = Bundle::read(None, &root().join("rules")).unwrap();
    let again = Bundle::from_bytes(&bundle.to_bytes()).unwrap();
    assert_eq!(again.hash(), bundle.hash());
    assert_eq!(again.to_bytes(), bundle.to_bytes());
    assert_eq!(again.compile().unwrap().0.hash, bundle.hash());
    assert_ne!(Bundle::of(&[("a.yaml", "rules: []")]).hash(), Bundle::of(&[("b.yaml", "rules: []")]).hash());
    Bundle::from_bytes(b"{").unwrap_err();
}

#[test]
fn folders_are_read_in_name_order_and_what_cannot_be_read_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::create_dir(path.join("b")).unwrap();
    for name in ["c.yaml", "b/x.yaml", "a.yaml", "a.test.yaml", ".hidden.yaml", "notes.txt"] {
        fs::write(path.join(name), "rules: []\n").unwrap();
    }
    let bundle = Bundle::read(Some(Path::new("/does/not/exist")), path).unwrap();
    let names: Vec<_> = bundle.files().iter().map(|file| &*file.name).collect();
    assert_eq!(names, ["a.yaml", "b/x.yaml", "c.yaml"]);

    let missing = Bundle::read(None, &path.join("missing")).unwrap_err();
    assert!(missing.render(false).contains("cannot read the folder"));
    fs::write(path.join("latin.yaml"), b"rules: []\n# caf\xe9\n").unwrap();
    let latin = Bundle::read(None, path).unwrap_err().render(false);
    assert!(latin.contains("latin.yaml:2: not UTF-8"), "{latin}");
}

#[test]
fn files_that_were_meant_to_be_rules_are_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("b")).unwrap();
    for name in ["a.yml", "b/C.YAML", "d.yaml.txt", "e.yaml", "e.test.yaml", "f.txt", "g.yaml.bak", "h.yaml~"] {
        fs::write(folder.path().join(name), "rules: []\n").unwrap();
    }
    let (bundle, problems) = Bundle::read_all(None, folder.path());
    assert_eq!(bundle.files().len(), 1);
    let mut said: Vec<_> = problems
        .iter()
        .map(|problem| format!("{}; {}", problem, problem.help.join(" ")).replace(folder.path().to_str().unwrap(), ""))
        .collect();
    said.sort();
    assert_eq!(
        said,
        [
            "/a.yml is not read: the names of rule files end in .yaml; rename it to a.yaml",
            "/b/C.YAML is not read: the names of rule files end in .yaml; rename it to C.yaml",
            "/d.yaml.txt is not read: the names of rule files end in .yaml; rename it to d.yaml",
        ]
    );
    assert!(Bundle::read(None, folder.path()).is_ok(), "a warning keeps nothing from being read");
}

#[test]
fn line_ends_of_windows_and_byte_order_marks_are_fine() {
    let text = fs::read_to_string(root().join("rules/low-battery.yaml")).unwrap();
    let windows = format!("\u{feff}{}", text.replace('\n', "\r\n"));
    let (rules, _) = Bundle::of(&[("a.yaml", &windows)]).compile().unwrap();
    assert!(rules.rule("DeviceBatteryLow").is_some());
}

#[test]
fn hostile_files_are_refused_quickly() {
    let deep = "[".repeat(5000);
    let wide = "- {a: b, c: [d, e]}\n".repeat(40_000);
    let odd =
        ["\u{0}", "a\rb", "\u{feff}\u{feff}", "? ? ? ?", "--- ---", "%TAG !e! x\n---\n!e!a b", "\"\\x\"", "|9\n x"];
    let keys: String = (0..5_000).map(|key| format!("key{key}: 1\n")).collect();
    for text in [&*deep, &*wide, &*keys].into_iter().chain(odd) {
        let _ = Bundle::of(&[("a.yaml", text)]).compile().map_err(|problems| problems.render(false));
        let _ = parse_settings("a.yaml", text).map_err(|problems| problems.render(true));
    }
}

#[test]
fn no_rules_and_no_folder_of_rules_are_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    let (_, warnings) = Bundle::read(None, folder.path()).unwrap().compile().unwrap();
    assert_eq!(warnings[0].to_string(), "there are no rules, so nothing will ever raise an alert");

    let (settings, warnings) = parse_settings("a.yaml", "library: /does/not/exist").unwrap();
    assert_eq!(warnings[0].to_string(), "a.yaml:1:10: there is no folder `/does/not/exist`");
    assert_eq!(settings.library.as_deref(), Some(Path::new("/does/not/exist")));
    assert_eq!(parse_settings("a.yaml", "library: false").unwrap().0.library, None);
}

#[test]
fn durations_and_sizes_read_as_written() {
    let quiet_after = |text: &str| {
        let text = format!("self: {{ quiet_after: {text} }}");
        parse_settings("a.yaml", &text).map(|(settings, _)| settings.own.quiet_after.as_secs()).ok()
    };
    let cases = [("90s", 90), ("15m", 900), ("2h", 7200), ("3d", 259_200), ("1w", 604_800), ("1h30m", 5400)];
    for (text, seconds) in cases {
        assert_eq!(quiet_after(text), Some(seconds), "{text}");
    }
    for text in ["90", "-1h", "1.5h", "99999999999999999999h", "99999d", "1h30", "h", "\"\"", "[1h]"] {
        assert_eq!(quiet_after(text), None, "{text}");
    }
    let disk_free = |text: &str| {
        let text = format!("self: {{ disk_free: {text} }}");
        parse_settings("a.yaml", &text).map(|(settings, _)| settings.own.disk_free).ok()
    };
    for (text, bytes) in [("100B", 100), ("2KiB", 2048), ("3MiB", 3_145_728), ("1GB", 1_000_000_000)] {
        assert_eq!(disk_free(text), Some(bytes), "{text}");
    }
    for text in ["5", "1M", "99999999999TiB", "MiB"] {
        assert_eq!(disk_free(text), None, "{text}");
    }
}

#[test]
fn secrets_are_read_from_where_they_are_and_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        SecretRef::File(path)
    };
    let good = file("good", b"geheim\n").read().unwrap();
    assert_eq!(good.expose_secret(), "geheim");
    let bad = [
        file("empty", b" \n"),
        file("lines", b"geheim\ngeheim\n"),
        file("binary", b"geheim\xff"),
        SecretRef::File(folder.path().join("missing")),
        SecretRef::Credential("pulsewarden-has-no-such-credential".to_owned()),
        SecretRef::Env("PULSEWARDEN_HAS_NO_SUCH_VARIABLE".to_owned()),
    ];
    for secret in bad {
        let error = secret.read().unwrap_err();
        assert!(!error.to_string().contains("geheim") && !format!("{error:?}").contains("geheim"), "{error}");
    }
    let literal = SecretRef::Literal("geheim".into());
    assert!(!format!("{literal:?} {literal}").contains("geheim"));
}

#[test]
fn a_secret_stays_hidden_whatever_is_wrong_around_it() {
    let templates = [
        "email:\n  smtp: smtps://mail.example:465\n  password: SECRET\n  from: a@b.example\n",
        "email: { smtp: x, password: SECRET, from: y }\n",
        "impilo:\n  webhook_secrets:\n    - SECRET\n    - { file: /a }\n  api_key: \"SECRET\"\n",
        "slack:\n  webhooks:\n    a: https://hooks.slack.com/services/SECRET\n    b: { env: x!SECRET }\n",
        "slack:\n  bot_token: |\n    SECRET\n",
        "self:\n  heartbeat: { url: { env: 'https://x.example/SECRET' } }\n",
    ];
    let pieces =
        ["\t", "\n", "\n    ", ": ", "\"", "'", "{", "}", "[", "]", "&a ", "!t ", "é", "---\n", " #", "- ", "?"];
    let mut chance = Chance(11);
    for round in 0..6_000 {
        let template = templates[round % templates.len()];
        let secret = template.rfind("SECRET").unwrap();
        // Whatever comes after the last secret may be wrong, and so may a first line; a key that is misspelt names no secret.
        let after: Vec<usize> = (secret + 6..=template.len()).collect();
        let mut text = template.to_owned();
        for _ in 0..=chance.below(2) {
            let at = after[chance.below(after.len())];
            if text.is_char_boundary(at) {
                text.insert_str(at, pieces[chance.below(pieces.len())]);
            }
        }
        if chance.below(2) == 0 {
            text.insert_str(0, ["a: b: c\n", "\"x\n", "[\n", "x: !t y\n", "password: 1\n"][chance.below(5)]);
        }
        let text = text.replace("SECRET", "geheim");
        let shown = settings_problems("a.yaml", &text);
        assert!(!shown.contains("geheim"), "{text}\n{shown}");
    }
}

/// A small generator of pseudo-random numbers, the same on every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit.max(1)
    }
}

#[test]
fn no_mutation_of_a_file_panics() {
    let mut files: Vec<String> = yaml_files("tests/bad-rules").into_iter().map(|(_, text)| text).collect();
    for folder in ["rules", "docs/examples", "tests/bad-settings"] {
        files.extend(yaml_files(folder).into_iter().map(|(_, text)| text));
    }
    let pieces = [
        "\t", "\r", "\n", "\n  ", "- ", ": ", "\"", "'", "{", "}", "[", "]", "|", ">-", "#", "&a ", "*a", "!t ", "é",
        "😀", "\u{0}", "\u{feff}", "---\n", "...", "{{", "}}", "\\", "<<: ", "~", "?", "%", "@", "\u{85}", "\u{2028}",
    ];
    let mut chance = Chance(7);
    for _ in 0..4_000 {
        let mut text: Vec<char> = files[chance.below(files.len())].chars().collect();
        for _ in 0..=chance.below(4) {
            let at = chance.below(text.len() + 1);
            match chance.below(4) {
                0 if at < text.len() => {
                    text.remove(at);
                }
                1 => text.truncate(at),
                2 => {
                    let end = (at + chance.below(30)).min(text.len());
                    let part = text[at..end].to_vec();
                    let to = chance.below(text.len() + 1);
                    text.splice(to..to, part);
                }
                _ => {
                    let piece = pieces[chance.below(pieces.len())];
                    text.splice(at..at, piece.chars());
                }
            }
        }
        let text: String = text.into_iter().collect();
        let _ = Bundle::of(&[("a.yaml", &text)]).compile().map_err(|problems| problems.render(false));
        let _ = parse_settings("a.yaml", &text).map_err(|problems| problems.render(false));
    }
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
