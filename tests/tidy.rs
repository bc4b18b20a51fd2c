//! The rules that the tree keeps, read from its own sources.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use pulsewarden::config::{Bundle, DEFAULT_FILE, IDENTIFIERS, SECRETS_FOLDER, parse_settings};
use pulsewarden::engine::{FIELDS, FieldType, Protection, SubjectKind};
use pulsewarden::impilo::schema;

/// A source file: its path below the project's folder, and its text.
struct Source {
    path: String,
    text: String,
}

impl Source {
    /// The lines outside tests, with their numbers.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let numbered = self.text.lines().enumerate().map(|(at, line)| (at + 1, line));
        numbered.take_while(|(_, line)| !line.starts_with("#[cfg(test)]"))
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &str, ending: &str) -> Vec<Source> {
    fn walk(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, ending, found);
            } else if path.extension().is_some_and(|found| found == ending) {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join(folder), ending, &mut found);
    found.sort();
    let read = |path: PathBuf| Source {
        text: fs::read_to_string(&path).unwrap(),
        path: path.strip_prefix(root()).unwrap().display().to_string(),
    };
    found.into_iter().map(read).collect()
}

fn none(faults: Vec<String>) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

/// Every line of `sources` that holds one of `words`, as a fault.
fn lines_with(sources: &[Source], words: &[&str], why: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for source in sources {
        for (number, line) in source.code() {
            if line.trim_start().starts_with("//") {
                continue;
            }
            if let Some(word) = words.iter().find(|word| line.contains(**word)) {
                faults.push(format!("{}:{number}: `{word}`: {why}", source.path));
            }
        }
    }
    faults
}

#[test]
fn the_engine_is_pure() {
    let engine = files("src/engine", "rs");
    let words = [
        "SystemTime",
        "Instant::",
        "Utc::now",
        "std::fs",
        "std::net",
        "std::env",
        "std::io",
        "std::thread",
        "tokio",
        "tracing",
        "fastrand",
        "HashMap",
        "HashSet",
        "async ",
        "println!",
        "rusqlite",
        "crate::impilo",
        "crate::store",
        "crate::config",
        "crate::notify",
        "crate::process",
        "crate::journal",
        "crate::clock",
        "crate::telemetry",
    ];
    none(lines_with(&engine, &words, "the engine has no clock, chance, I/O or log, and no other module"));
}

#[test]
fn modules_use_only_what_lies_below_them() {
    let forbidden: [(&str, &[&str]); 11] = [
        (
            "src/store",
            &[
                "notify", "receive", "process", "deliver", "digest", "watch", "api", "config", "cli", "daemon",
                "journal",
            ],
        ),
        ("src/notify", &["store::sqlite", "receive", "process", "deliver", "watch", "api", "cli", "daemon"]),
        (
            "src/impilo",
            &["store", "notify", "receive", "process", "deliver", "watch", "api", "config", "cli", "daemon", "journal"],
        ),
        (
            "src/config",
            &["store", "notify", "receive", "process", "deliver", "watch", "api", "cli", "daemon", "journal"],
        ),
        (
            "src/simulate",
            &["store", "receive", "process", "deliver", "notify", "watch", "api", "cli", "daemon", "score"],
        ),
        ("src/score", &["store", "receive", "deliver", "notify", "watch", "api", "config", "cli", "demo", "daemon"]),
        ("src/replay", &["store::sqlite", "receive", "deliver", "watch", "api", "cli", "demo", "daemon", "simulate"]),
        ("src/process", &["notify", "receive", "deliver", "watch", "api", "config", "cli", "daemon"]),
        ("src/journal", &["notify", "receive", "process", "deliver", "watch", "api", "config", "cli", "daemon"]),
        ("src/account", &["store::sqlite", "receive", "process", "deliver", "watch", "api", "cli", "demo", "daemon"]),
        ("src/api", &["cli", "demo", "receive", "store::sqlite"]),
    ];
    let mut faults = Vec::new();
    for (folder, modules) in forbidden {
        let words: Vec<String> = modules.iter().map(|module| format!("crate::{module}")).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        faults.extend(lines_with(&files(folder, "rs"), &words, "this module must not know that one"));
    }
    none(faults);
}

#[test]
fn only_commands_and_the_demo_print() {
    let sources: Vec<Source> = files("src", "rs")
        .into_iter()
        .filter(|source| !source.path.starts_with("src/cli") && !source.path.starts_with("src/demo"))
        .collect();
    none(lines_with(&sources, &["println!", "print!(", "dbg!"], "what is said goes through telemetry"));
}

#[test]
fn there_are_no_globals_that_change() {
    let words = ["static mut", "static ref", "OnceLock", "OnceCell", "lazy_static"];
    let mut sources = files("src", "rs");
    none(lines_with(&sources, &words, "state belongs to the daemon"));
    sources.retain(|source| source.path != "src/journal/codec.rs");
    none(lines_with(&sources, &["thread_local!"], "only the codec keeps something for each thread"));
}

#[test]
fn what_may_hold_protected_data_is_never_printed_whole() {
    let sources = files("src", "rs");
    let mut faults = Vec::new();
    for (name, file) in
        [("EventRow", "src/store/mod.rs"), ("Rendered", "src/store/mod.rs"), ("Quarantined", "src/store/mod.rs")]
    {
        let source = sources.iter().find(|source| source.path == file).unwrap();
        let lines: Vec<&str> = source.text.lines().collect();
        let declared = [format!("pub struct {name} "), format!("pub enum {name} ")];
        let at = lines.iter().position(|line| declared.iter().any(|start| line.starts_with(start.as_str()))).unwrap();
        let derives = lines[..at].iter().rev().take_while(|line| line.starts_with("#[") || line.starts_with("///"));
        if derives.into_iter().any(|line| line.starts_with("#[derive") && line.contains("Debug")) {
            faults.push(format!("{file}: {name} derives Debug, and it holds bodies or messages"));
        }
    }
    let logged = ["payload", "body =", "body)", "serial", "patient"];
    for source in &sources {
        for (number, line) in source.code() {
            let logs = ["tracing::info!", "tracing::warn!", "tracing::error!", "tracing::debug!"];
            if logs.iter().any(|log| line.contains(log)) {
                let fields = line.split('"').next().unwrap_or_default();
                if let Some(word) = logged.iter().find(|word| fields.contains(**word)) {
                    faults.push(format!("{}:{number}: `{word}` in a log line", source.path));
                }
            }
        }
    }
    none(faults);
}

#[test]
fn files_say_what_they_are_and_hold_one_idea() {
    let mut faults = Vec::new();
    for source in files("src", "rs").into_iter().chain(files("tests", "rs")).chain(files("benches", "rs")) {
        if !source.text.starts_with("//!") {
            faults.push(format!("{}: begins without saying what it is", source.path));
        }
        let lines = source.text.lines().count();
        if lines > 500 {
            faults.push(format!("{}: {lines} lines; split it by idea", source.path));
        }
        let name = source.path.rsplit('/').next().unwrap_or_default();
        if ["utils.rs", "util.rs", "common.rs", "helpers.rs", "misc.rs"].contains(&name) {
            faults.push(format!("{}: a name that says nothing", source.path));
        }
    }
    none(faults);
}

#[test]
fn nothing_is_left_open() {
    let open = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("todo", "!("), concat!("unimplemented", "!(")];
    let mut sources = files("src", "rs");
    sources.extend(files("tests", "rs"));
    sources.extend(files("docs", "md"));
    none(lines_with(&sources, &open, "finish it, or say it in the changelog"));
}

#[test]
fn everybody_agrees_where_the_secrets_are() {
    let read = |path: &str| fs::read_to_string(root().join(path)).unwrap();
    let unit = read("systemd/pulsewarden.service");
    for line in
        [format!("LoadCredential=secrets:{SECRETS_FOLDER}"), format!("ConditionDirectoryNotEmpty={SECRETS_FOLDER}")]
    {
        assert!(unit.lines().any(|found| found == line), "systemd/pulsewarden.service has no line {line}");
    }
    assert!(read("systemd/pulsewarden.tmpfiles").contains(&format!("d {SECRETS_FOLDER} 0700 root root")));
    assert!(read("systemd/debian/postrm").contains(SECRETS_FOLDER));
    for path in ["README.md", "systemd/debian/postinst", "src/config/default.yaml"] {
        let text = read(path);
        assert!(text.contains(&format!("sudo install -m 600 /dev/stdin {SECRETS_FOLDER}/")), "{path}");
        // What refers to the folder by path is a file that only root can read.
        assert!(!text.contains(&format!("file: {SECRETS_FOLDER}")), "{path}");
    }
}

#[test]
fn every_dependency_is_justified() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let table = fs::read_to_string(root().join("docs/dependencies.md")).unwrap();
    let mut named = BTreeSet::new();
    let mut inside = false;
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = matches!(line, "[dependencies]" | "[dev-dependencies]");
        } else if let (true, Some((name, _))) = (inside, line.split_once(" = ")) {
            named.insert(name.to_owned());
        }
    }
    let justified: BTreeSet<String> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split_once(" |").map(|(name, _)| name.to_owned()))
        .filter(|name| name != "crate")
        .collect();
    assert_eq!(named, justified, "Cargo.toml against docs/dependencies.md");
}

#[test]
fn the_readme_lists_every_key_of_the_configuration() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let listed: BTreeSet<String> = readme
        .lines()
        .filter(|line| line.starts_with("| `") || line.starts_with("| (top)"))
        .filter_map(|line| {
            let mut cells = line.split('|').map(str::trim).skip(1);
            let (section, keys) = (cells.next()?, cells.next()?);
            let section = if section == "(top)" { String::new() } else { format!("{}.", section.trim_matches('`')) };
            keys.starts_with('`')
                .then(|| keys.split(", ").map(|key| format!("{section}{}", key.trim_matches('`'))).collect::<Vec<_>>())
        })
        .flatten()
        .collect();
    let mut known = BTreeSet::new();
    let mut section = String::new();
    for line in DEFAULT_FILE.lines() {
        let indented = line.starts_with("  ");
        let Some((key, _)) = line.trim_start().trim_start_matches('#').split_once(':') else { continue };
        if key.is_empty() || !key.chars().all(|c| c.is_ascii_lowercase() || c == '_') {
            continue;
        }
        if indented {
            known.insert(format!("{section}.{key}"));
        } else if line.starts_with('#') {
            known.insert(key.to_owned());
        } else {
            section = key.to_owned();
        }
    }
    assert_eq!(listed, known, "README.md against src/config/default.yaml");
}

#[test]
fn the_examples_of_the_documents_hold() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    for name in ["README.md", "docs/rules.md"] {
        let text = fs::read_to_string(root().join(name)).unwrap();
        let blocks: Vec<&str> = text.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
        assert!(!blocks.is_empty());
        for block in blocks {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join("example.yaml"), block).unwrap();
            let bundle = Bundle::read(Some(&root().join("rules")), folder.path()).unwrap();
            if let Err(problems) = bundle.compile() {
                panic!("{name}\n{}", problems.render(false));
            }
        }
    }
    let example = fs::read_to_string(root().join("docs/examples/pulsewarden.yaml")).unwrap();
    if let Err(problems) = parse_settings("docs/examples/pulsewarden.yaml", &example) {
        panic!("{}", problems.render(false));
    }
    for line in readme.lines().filter(|line| line.starts_with("bash ") || line.contains("](")) {
        for link in line.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            assert!(
                link.starts_with("http") || root().join(link).exists(),
                "README.md links to {link}, which is not there"
            );
        }
    }
}

/// The keys that the parser lists when it meets one that it does not know, by what has them.
fn keys_by_owner() -> BTreeMap<String, BTreeSet<String>> {
    let text = "nonsense: 1\nrules: [{ alert: A, event: device.lowBattery, nonsense: 1, \
                falls: { field: device.battery, below: 1, nonsense: 1 }, rises: { field: device.battery, above: 1, nonsense: 1 }, \
                raise: { to: critical, after: 1d, nonsense: 1 }, resolve: [{ event: device.healthcheck, nonsense: 1 }, \
                { count: { below: 1, within: 1d, nonsense: 1 } }] }, \
                { alert: B, event: device.lowBattery, count: { at_least: 2, within: 1d, nonsense: 1 } }, \
                { alert: C, event: device.lowBattery, share: { at_least: 5%, within: 1d, nonsense: 1 } }, \
                { alert: D, silent: { longer_than: 1d, nonsense: 1 } }, \
                { alert: E, event: device.lowBattery, not_followed_by: { event: device.weakSignal, within: 1d, nonsense: 1 } }, \
                { alert: F, event: device.lowBattery, not_preceded_by: { event: device.weakSignal, within: 1d, nonsense: 1 } }]\n\
                receivers: [{ name: a, nonsense: 1, email: { to: a@b.example, nonsense: 1 }, \
                slack: { webhook: a, nonsense: 1 }, \
                webhook: { endpoint: a, nonsense: 1 }, pagerduty: { integration: a, nonsense: 1 }, \
                cap: { messages: 1, per: 1h, nonsense: 1 }, quiet: { calendar: a, nonsense: 1 } }]\n\
                route: { receiver: a, nonsense: 1, escalate: { after: 1h, receiver: a, nonsense: 1 }, routes: { nonsense: 1 } }\n\
                inhibit_rules: { source_matchers: 'severity = \"info\"', target_matchers: 'site = \"a\"', equal: site, nonsense: 1 }\n\
                time_intervals: { name: a, time_intervals: { times: { start_time: \"08:00\", end_time: \"09:00\", nonsense: 1 }, \
                nonsense: 1 }, nonsense: 1 }\n\
                digests: [{ digest: a, schedule: \"0 8 * * *\", time_zone: UTC, receiver: a, nonsense: 1 }]\n\
                calendars: { a: { days: mon, from: \"08:00\", \
                to: \"18:00\", time_zone: UTC, nonsense: 1 } }\ntables: [{ file: a.csv, key: site, columns: [a], nonsense: 1 }]\n";
    let problems = Bundle::of(&[("a.yaml", text)]).compile().unwrap_err();
    let mut found = BTreeMap::new();
    for problem in problems.iter().filter(|problem| problem.message.starts_with("unknown key `nonsense` in ")) {
        let owner = problem.message.trim_start_matches("unknown key `nonsense` in ").to_owned();
        let (_, keys) = problem.help[0].split_once(" can have ").unwrap();
        found.insert(owner, keys.split('`').skip(1).step_by(2).map(str::to_owned).collect());
    }
    found
}

#[test]
fn the_reference_of_rule_files_lists_every_key() {
    let reference = fs::read_to_string(root().join("docs/rules.md")).unwrap();
    let tables: Vec<BTreeSet<String>> = reference
        .split("| key | type | default | meaning |\n|---|---|---|---|\n")
        .skip(1)
        .map(|table| {
            let rows = table.lines().take_while(|line| line.starts_with("| `"));
            rows.map(|row| row.split('`').nth(1).unwrap().to_owned()).collect()
        })
        .collect();
    let owners = [
        "a rule file",
        "a rule",
        "`falls`",
        "`rises`",
        "`count`",
        "`share`",
        "`silent`",
        "`not_followed_by`",
        "`not_preceded_by`",
        "`raise`",
        "`resolve`",
        "`count` of `resolve`",
        "a receiver",
        "`email`",
        "`slack`",
        "`webhook`",
        "`pagerduty`",
        "`cap`",
        "`quiet`",
        "the route",
        "a route",
        "`escalate`",
        "an inhibition rule",
        "a time interval",
        "a span of time",
        "`times`",
        "a digest",
        "a calendar",
        "a table",
    ];
    let keys = keys_by_owner();
    assert_eq!((tables.len(), keys.len()), (owners.len(), owners.len()));
    for (owner, table) in owners.iter().zip(&tables) {
        assert_eq!(Some(table), keys.get(*owner), "docs/rules.md against the keys of {owner}");
    }
}

/// What the reference says of fields, events, labels and `phi`, written from the code.
fn parts_of_the_reference() -> [(&'static str, String); 5] {
    let unknown =
        "rules: [{ alert: A, event: device.lowBattery, annotations: { summary: \"{{ labels.nonsense }}\" } }]";
    let problems = Bundle::of(&[("a.yaml", unknown)]).compile().unwrap_err();
    let labels = problems.iter().next().unwrap().help[0].trim_start_matches("`labels` has ").replace(", ", "`, `");

    let mut events = String::from("| type | about | names also | shape |\n|---|---|---|---|\n");
    for event in schema::EVENT_TYPES {
        let names: Vec<&str> = event.names.iter().skip(1).map(|kind| kind.as_str()).collect();
        let shape = if event.mark == schema::Mark::Documented { "documented" } else { "guessed" };
        events += &format!("| `{}` | {} | {} | {shape} |\n", event.name, event.subject, names.join(", "));
    }
    let phi = |protection: Protection| match protection {
        Protection::None => "none",
        Protection::Ids => "ids",
        Protection::Full => "full",
    };
    let (mut fields, mut statuses) = (String::new(), String::new());
    for kind in SubjectKind::NAMED {
        fields += &format!("\n### {kind}\n\n| field | type | least `phi` |\n|---|---|---|\n");
        for field in FIELDS.iter().filter(|field| field.kind == kind) {
            let ty = match field.ty {
                FieldType::Text => "text",
                FieldType::Number => "number",
                FieldType::Bool => "true or false",
                FieldType::Time => "time",
                FieldType::List => "list of texts",
            };
            fields += &format!("| `{}` | {ty} | {} |\n", field.name, phi(field.protection));
        }
        let known: Vec<&str> = schema::statuses(kind).collect();
        if !known.is_empty() {
            statuses += &format!("- {kind}: `{}`\n", known.join("`, `"));
        }
    }
    let mut leaves = String::from("| what | `none` | `ids` | `full` |\n|---|---|---|---|\n");
    for class in &IDENTIFIERS {
        let told = [Protection::None, Protection::Ids, Protection::Full]
            .map(|under| if class.protection <= under { "yes" } else { "-" });
        leaves += &format!("| {} | {} |\n", class.name, told.join(" | "));
    }
    [
        ("labels", format!("Alerts have `{labels}`.\n")),
        ("events", events),
        ("fields", fields.trim_start().to_owned()),
        ("statuses", statuses),
        ("phi", leaves),
    ]
}

#[test]
fn the_reference_of_rule_files_says_what_the_code_does() {
    let mut reference = fs::read_to_string(root().join("docs/rules.md")).unwrap();
    for (name, text) in parts_of_the_reference() {
        let head = format!("<!-- {name}: written by the tests -->\n");
        let (before, rest) = reference.split_once(&head).unwrap();
        let (_, after) = rest.split_once("<!-- end -->").unwrap();
        reference = format!("{before}{head}\n{text}\n<!-- end -->{after}");
    }
    expect_test::expect_file!["../docs/rules.md"].assert_eq(&reference);
}

#[test]
fn manual_page_completions_and_schemas_are_what_the_program_prints() {
    let printed = |arguments: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_pulsewarden")).args(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    expect_test::expect_file!["../docs/pulsewarden.1"].assert_eq(&printed(&["man"]));
    for shell in ["bash", "fish", "zsh"] {
        let file = root().join(format!("docs/completions/pulsewarden.{shell}"));
        expect_test::expect_file![file].assert_eq(&printed(&["completions", shell]));
    }
    for of in ["rules", "tests"] {
        let file = root().join(format!("rules/{of}.schema.json"));
        expect_test::expect_file![file].assert_eq(&printed(&["schema", of]));
    }
}

#[test]
fn the_package_is_of_this_version_and_of_files_that_are_there() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let changelog = fs::read_to_string(root().join("systemd/debian/changelog")).unwrap();
    let version = manifest.lines().find_map(|line| line.strip_prefix("version = ")).unwrap().trim_matches('"');
    assert!(changelog.starts_with(&format!("pulsewarden ({version}-1) ")), "systemd/debian/changelog");
    let assets = manifest.lines().filter_map(|line| line.strip_prefix("    [\"")?.split('"').next());
    for asset in assets.filter(|asset| !asset.starts_with("target/") && !asset.contains('*')) {
        assert!(root().join(asset).exists(), "Cargo.toml packages {asset}, which is not there");
    }
}
