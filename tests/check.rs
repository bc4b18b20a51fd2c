//! What people read when a file is wrong, and that the shipped files are right.

use std::fs;
use std::path::PathBuf;

use expect_test::expect_file;
use pulsewarden::config::{Bundle, Problems, parse_settings};

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

#[test]
fn every_mistake_in_a_rule_file_is_shown_with_its_place_and_a_way_out() {
    for (name, text) in yaml_files("tests/bad-rules") {
        expect_file![expected("tests/bad-rules", &name)].assert_eq(&rule_problems(&name, &text));
    }
}

#[test]
fn every_mistake_in_the_configuration_is_shown_with_its_place_and_a_way_out() {
    for (name, text) in yaml_files("tests/bad-settings") {
        let shown = match parse_settings(&name, &text) {
            Ok((_, warnings)) => warnings.into_iter().collect::<Problems>().render(false),
            Err(problems) => problems.render(false),
        };
        expect_file![expected("tests/bad-settings", &name)].assert_eq(&shown);
    }
}
