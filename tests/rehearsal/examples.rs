//! The shipped rules, and the examples of the documents.

use std::fs;
use std::path::Path;

use crate::{folder, pulsewarden};

#[test]
fn the_shipped_rules_pass_their_tests_and_each_has_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = pulsewarden(root, &["test", "rules", "--coverage"]);
    assert_eq!(output.code, 0, "{}{}", output.printed, output.errors);
    assert!(output.printed.contains("\nevery rule in rules is tested\n"), "{}", output.printed);
}

#[test]
fn the_examples_of_the_documents_hold() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| fs::read_to_string(root.join(name)).unwrap();
    let within = |text: &str, from: &str, to: &str| {
        let (_, rest) = text.split_once(from).unwrap();
        rest.split_once(to).unwrap().0.to_owned()
    };
    let documented = within(&read("docs/rule-tests.md"), "```yaml\n", "```");
    let files = folder(&[("rules/a.test.yaml", &documented)]);
    let shipped = root.join("rules").display().to_string();
    let output = pulsewarden(files.path(), &["test", "rules", "--rules", &shipped]);
    assert_eq!(output.code, 0, "{}", output.printed);
    assert!(output.printed.ends_with("2 tests: 2 ok\n"), "{}", output.printed);

    let readme = read("README.md");
    let rules = within(&readme, "```yaml\n", "```");
    let (_, tests) = readme.split_once("cargo run -- test my-rules`:\n\n").unwrap();
    let tests: Vec<&str> = tests.lines().take_while(|line| line.starts_with("    ")).map(|line| &line[4..]).collect();
    let files = folder(&[("my-rules/battery.yaml", &rules), ("my-rules/battery.test.yaml", &tests.join("\n"))]);
    let output = pulsewarden(files.path(), &["test", "my-rules"]);
    assert_eq!(output.code, 0, "{}", output.printed);
}
