//! The schemas of rule files and of their tests, by a validator that is not ours, against what the reader says of the same
//! files: a schema refuses nothing that the reader takes, and takes no wrong shape.

mod plain_yaml;
mod said;
mod slips;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use boon::{Compiler, SchemaIndex, Schemas};
use pulsewarden::config::{rules_schema, tests_schema};
use serde_json::{Value as Json, json};

use super::{root, yaml_files};
use said::Said;
use slips::{places, slips};

/// A schema at work.
struct Validator {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Validator {
    /// The schema itself is held to the rules of its draft.
    fn of(schema: Json) -> Self {
        let mut compiler = Compiler::new();
        compiler.add_resource("schema.json", schema).unwrap();
        let mut schemas = Schemas::new();
        let index = compiler.compile("schema.json", &mut schemas).unwrap_or_else(|error| panic!("{error:#}"));
        Self { schemas, index }
    }

    fn refuses(&self, value: &Json) -> Option<String> {
        self.schemas.validate(value, self.index).err().map(|error| format!("{error:#}"))
    }
}

/// The YAML files below a folder.
fn below(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![root().join(folder)];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            match entry.is_dir() {
                true => open.push(entry),
                false if entry.extension().is_some_and(|ending| ending == "yaml") => found.push(entry),
                false => {}
            }
        }
    }
    found.sort();
    found
}

fn is_test(path: &Path) -> bool {
    path.to_str().unwrap().ends_with(".test.yaml")
}

/// The rule files that stand in documents.
fn documented() -> Vec<String> {
    shown_in(&["README.md", "docs/rules.md"])
}

/// The YAML that stands in these documents.
fn shown_in(documents: &[&str]) -> Vec<String> {
    let texts: Vec<String> = documents.iter().map(|name| fs::read_to_string(root().join(name)).unwrap()).collect();
    let blocks = texts.iter().flat_map(|text| text.split("```yaml\n").skip(1));
    blocks.map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn what_is_shipped_and_what_is_shown_has_the_shape_of_the_schemas() {
    let (rules, tests) = (Validator::of(rules_schema()), Validator::of(tests_schema()));
    let mut seen = 0;
    let files = below("rules").into_iter().chain(below("docs/examples")).chain([root().join("src/demo/rules.yaml")]);
    for path in files.filter(|path| !path.ends_with("docs/examples/pulsewarden.yaml")) {
        let text = fs::read_to_string(&path).unwrap();
        let validator = if is_test(&path) { &tests } else { &rules };
        let value = plain_yaml::read(&text).unwrap_or_else(|| panic!("{}", path.display()));
        if let Some(error) = validator.refuses(&value) {
            panic!("{}: {error}", path.display());
        }
        seen += 1;
    }
    let shown = documented().into_iter().map(|text| (text, &rules));
    for (text, validator) in shown.chain(shown_in(&["docs/rule-tests.md"]).into_iter().map(|text| (text, &tests))) {
        if let Some(error) = validator.refuses(&plain_yaml::read(&text).unwrap()) {
            panic!("{text}\n{error}");
        }
        seen += 1;
    }
    assert!(seen > 15);
}

/// Complains where reader and schema do not agree on a file.
fn compare(validator: &Validator, file: &Json, said: &Said) -> Result<(), String> {
    let text = &said.text;
    match validator.refuses(file) {
        Some(error) if !said.wrong => Err(format!("refused by the schema alone: {text}\n{error}")),
        None if said.shape => Err(format!("taken by the schema: {text}\n{}", said.all.render(false))),
        _ => Ok(()),
    }
}

/// The file as it is, and with each item of its lists alone.
fn apart(file: &Json) -> Vec<Json> {
    let mut files = vec![file.clone()];
    for key in ["rules", "receivers", "digests", "tables"] {
        let Some(items) = file.get(key).and_then(Json::as_array) else { continue };
        for item in items {
            let mut alone = json!({ key: [item] });
            for word in ["settings", "calendars"] {
                if let Some(value) = file.get(word) {
                    alone[word] = value.clone();
                }
            }
            files.push(alone);
        }
    }
    files
}

#[test]
fn the_schema_refuses_the_mistakes_in_shape_and_no_others() {
    let validator = Validator::of(rules_schema());
    let mut faults = Vec::new();
    for (name, text) in yaml_files("tests/bad-rules") {
        let Some(file) = plain_yaml::read(&text) else {
            assert!(Said::of_rule_text(&text).wrong, "{name} is YAML to us alone");
            continue;
        };
        for file in apart(&file) {
            faults.extend(compare(&validator, &file, &Said::of_rules(&file)).err());
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

/// Files that have what the documents leave out.
const MORE: [&str; 9] = [
    "settings: { patience: 48h, words: [a, [1]], holds: true }\n\
     rules: { alert: A, was: B, event: device.lowBattery, expire: settings.patience, grace: 0s, keep_firing_for: 1h, \
     falls: { field: device.battery, below: 20 }, raise: { to: critical, after: 7d }, repeat_backoff: 1.5 }",
    "rules: { alert: A, event: device.lowBattery, rises: { field: device.battery, above: 20 }, expire: never }",
    "settings: { few: 5%, many: 3 }\n\
     rules: { alert: A, subject: site, event: [device.lowBattery], while: device.associated, shadow: true, \
     share: { more_than: settings.few, and_at_least: settings.many, distinct: device, within: 3d }, \
     resolve: { count: { below: 2, within: 24h } } }",
    "calendars: { office: { days: [mon-thu, Sat], from: \"8:00\", to: \"24:00\", time_zone: UTC, holidays: 2026-12-25 } }\n\
     rules: { alert: A, silent: { event: reading.weight, longer_than: 3 business days, since: associated }, \
     calendar: office }",
    "tables: { file: teams.csv, key: site, columns: team }",
    "receivers: { name: a, email: { to: \"A <a@b.example>\" }, slack: [{ webhook: b }, { channel: \"#b\" }], \
     webhook: { endpoint: c }, pagerduty: { integration: d }, send_resolved: false }\n\
     route: { receiver: a, group_by: \"...\", group_wait: 0s, group_interval: 1m, repeat_interval: 1h30m,\n\
     \x20 routes: [{ matchers: 'severity = \"info\"', continue: true, receiver: a, group_by: site, group_wait: 1m,\n\
     \x20 group_interval: 1m, repeat_interval: 1h, routes: { matchers: ['area =~ \"it|care\"'] } }] }\n\
     digests: { digest: d, schedule: \"0 8 * * *\", time_zone: UTC, receiver: a, skip_when_empty: true }",
    "receivers: [{ name: a, email: { to: a@b.example }, cap: never, quiet: { calendar: office, except: [critical, warning] } }, \
     { name: b, email: { to: a@b.example }, cap: { messages: 20, per: 1h } }]\n\
     calendars: { office: { days: mon, from: \"8:00\", to: \"17:00\", time_zone: UTC } }\n\
     route: { receiver: a, escalate: { after: 1h, receiver: b }, routes: { matchers: ['site != x'], active_time_intervals: [t], \
     mute_time_intervals: t, escalate: [{ after: 1h, receiver: b }] } }\n\
     inhibit_rules: { source_matchers: 'severity = \"critical\"', target_matchers: ['severity = \"info\"'], equal: [site, item] }\n\
     time_intervals: { name: t, time_intervals: [{ times: { start_time: \"00:00\", end_time: \"24:00\" }, weekdays: [monday:friday, sunday], \
     days_of_month: [\"1:5\", \"-3:-1\", 15], months: [january:march, \"12\", june], years: [\"2026:2027\", 2029], location: Europe/Berlin }] }",
    "receivers: { name: a, email: { to: a@b.example } }\n\
     digests: { digest: d, schedule: [\"0 8 * * *\", \"0 9 * * 1\"], time_zone: UTC, receiver: a, sections: [battery, call_list],\n\
     \x20 matchers: 'severity = \"info\"', split_by: site, csv: true }",
    "override: [{ alert: Other, count: { at_least: 2 }, severity: info }, { alert: Other, disabled: true }]",
];

const TESTS: [&str; 2] = [
    "tests: { test: a, start: 2026-03-02T10:00:00Z, settings: { low: 5 }, \
     events: [{ at: 0s, event: order.statusFull, order: 7, devices: [8, nine], status: shipped, late: 2h, payload: { a: 1 } }, \
     { every: 1d, from: 1d, until: 3d, event: reading.weight, device: 7, patient: none }], \
     expect: { at: 1h, alert: A, pending: [], firing: { device: 7, severity: info, labels: { team: 3 }, annotations: \
     { summary: low }, count: 2, because: a reason }, resolved: [], expired: [], closed: [] } }",
    "tests: [{ test: b, messages: [{ at: 1h, receiver: r, firing: [A], resolved: B, expired: [], closed: [] }] }]",
];

/// Complains of every slip on which reader and schema do not agree.
fn agree(schema: Json, files: impl IntoIterator<Item = String>, said: fn(&Json) -> Said, least: usize) {
    let validator = Validator::of(schema);
    let mut faults = Vec::new();
    let (mut seen, mut count) = (BTreeSet::new(), 0);
    for text in files {
        let file = plain_yaml::read(&text).unwrap();
        for file in slips(&file, &mut seen) {
            faults.extend(compare(&validator, &file, &said(&file)).err());
            count += 1;
        }
    }
    assert!(count > least, "{count}");
    assert!(faults.is_empty(), "{} of {count}\n{}", faults.len(), faults[..faults.len().min(10)].join("\n\n"));
}

#[test]
fn reader_and_schema_agree_on_every_slip() {
    agree(rules_schema(), MORE.map(str::to_owned).into_iter().chain(documented()), Said::of_rules, 2000);
    agree(tests_schema(), TESTS.map(str::to_owned), Said::of_tests, 500);
}

/// The keys of each map that has no others, and that they are explained.
fn keys_of_schema(schema: &Json, found: &mut BTreeSet<BTreeSet<String>>) {
    if schema.get("additionalProperties") == Some(&Json::Bool(false)) {
        let keys = schema["properties"].as_object().unwrap();
        for (key, shape) in keys {
            assert!(shape["description"].as_str().is_some_and(|words| words.len() > 5), "{}: {key}", schema["title"]);
        }
        found.insert(keys.keys().cloned().collect());
    }
    match schema {
        Json::Object(keys) => keys.values().for_each(|schema| keys_of_schema(schema, found)),
        Json::Array(items) => items.iter().for_each(|schema| keys_of_schema(schema, found)),
        _ => {}
    }
}

/// The keys that the reader lists, for each map in the files, when it meets one that it does not know.
fn keys_of_reader(files: impl IntoIterator<Item = String>, said: fn(&Json) -> Said) -> BTreeSet<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for text in files {
        let file = plain_yaml::read(&text).unwrap();
        let mut maps = vec![String::new()];
        places(&file, "", &mut maps);
        for at in maps {
            let mut file = file.clone();
            let Json::Object(keys) = file.pointer_mut(&at).unwrap() else { continue };
            keys.insert("nonsense".to_owned(), json!(1));
            let said = said(&file);
            let unknown = said.all.iter().filter(|problem| problem.message.starts_with("unknown key `nonsense` in "));
            for (_, keys) in unknown.filter_map(|problem| problem.help[0].split_once(" can have ")) {
                found.insert(keys.split('`').skip(1).step_by(2).map(str::to_owned).collect());
            }
        }
    }
    found
}

#[test]
fn reader_and_schema_know_the_same_keys() {
    let mut found = BTreeSet::new();
    keys_of_schema(&rules_schema(), &mut found);
    let mut known = keys_of_reader(MORE.map(str::to_owned).into_iter().chain(documented()), Said::of_rules);
    // What an override can have is what a rule can have, but for what it is about.
    let rule = known.iter().find(|keys| keys.contains("severity")).unwrap();
    let mut change = rule.clone();
    change.remove("subject");
    change.insert("disabled".to_owned());
    known.insert(change);
    assert_eq!(found, known);

    let mut found = BTreeSet::new();
    keys_of_schema(&tests_schema(), &mut found);
    assert_eq!(found, keys_of_reader(TESTS.map(str::to_owned), Said::of_tests));
}

#[test]
fn reader_and_schema_know_the_same_words() {
    let schema = rules_schema();
    let choices = [
        ("rules: { alert: A, event: a.b, severity: nonsense }", "severity/enum"),
        ("rules: { alert: A, event: a.b, subject: nonsense }", "subject/enum"),
        ("rules: { alert: A, silent: { longer_than: 1d, since: nonsense } }", "rule_silent/properties/since/enum"),
        ("rules: { alert: A, event: a.b, share: { of: nonsense } }", "rule_share/properties/of/enum"),
        ("rules: { alert: A, event: a.b, share: { distinct: nonsense } }", "rule_share/properties/distinct/enum"),
        ("receivers: { name: a, phi: nonsense }", "receiver/properties/phi/enum"),
    ];
    for (text, at) in choices {
        let said = Said::of_rule_text(text);
        let problem = said.all.iter().find(|problem| problem.message.starts_with("`nonsense` is not ")).unwrap();
        let words = problem.help[0].strip_prefix("write ").unwrap().replace(" or ", ", ");
        let known: Vec<&str> = words.split(", ").collect();
        assert_eq!(schema.pointer(&format!("/$defs/{at}")), Some(&json!(known)), "{text}");
    }
}

#[test]
fn every_shipped_rule_file_and_example_names_its_schema() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(manifest.contains(r#"["rules/*.schema.json", "usr/share/pulsewarden/rules/", "644"]"#));
    for path in below("rules").into_iter().chain(below("docs/examples")) {
        let text = fs::read_to_string(&path).unwrap();
        let named = text.lines().next().unwrap().strip_prefix("# yaml-language-server: $schema=");
        if path.ends_with("docs/examples/pulsewarden.yaml") {
            assert_eq!(named, None, "no rule file");
            continue;
        }
        let wanted = if is_test(&path) { "rules/tests.schema.json" } else { "rules/rules.schema.json" };
        let named = named.unwrap_or_else(|| panic!("{} does not begin with its schema", path.display()));
        // The customer's files name what is installed; the shipped ones what lies beside them, here and there.
        let found = match named.strip_prefix("/usr/share/pulsewarden/") {
            Some(installed) => root().join(installed),
            None => path.parent().unwrap().join(named),
        };
        let is_shipped = path.starts_with(root().join("rules"));
        assert_eq!(is_shipped, named.starts_with('.'), "{}", path.display());
        let found = fs::canonicalize(&found).unwrap_or_else(|error| panic!("{}: {error}", found.display()));
        assert_eq!(found, fs::canonicalize(root().join(wanted)).unwrap(), "{}", path.display());
    }
}
