//! Which files are read, and how the values in them are.

use std::fs;
use std::path::Path;

use pulsewarden::config::{Bundle, parse_settings};

use super::root;

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
    let text = fs::read_to_string(root().join("rules/battery.yaml")).unwrap();
    let windows = format!("\u{feff}{}", text.replace('\n', "\r\n"));
    let (rules, _) = Bundle::of(&[("a.yaml", &windows)]).compile().unwrap();
    assert!(rules.rule("DeviceBatteryLow").is_some());
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
fn a_log_filter_shows_something_of_pulsewarden() {
    let filter = |text: &str| parse_settings("a.yaml", &format!("log: {{ filter: {text:?} }}")).is_ok();
    for text in ["info", "WARN", "info,lettre=debug", "pulsewarden=debug", "off,pulsewarden=warn", "lettre=debug,error"]
    {
        assert!(filter(text), "{text}");
    }
    let bad = [
        "verbose",
        "inof",
        "warning",
        "off",
        "lettre=debug",
        "info,pulsewarden=off",
        "pulsewarden",
        "a=b=c",
        "info,verbose",
    ];
    for text in bad {
        assert!(!filter(text), "{text}");
    }
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
