//! Files of test cases, and where they are.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Case;
use crate::config::bundle::{entries, read_text, unreadable_folder};
use crate::config::problem::Problems;
use crate::config::source::Source;
use crate::engine::RuleSet;

/// Folders within folders that are looked into.
const MAX_DEPTH: usize = 8;

/// How the names of test files end.
const ENDING: &str = ".test.yaml";

/// A file of test cases, with all that there is to say against it.
#[derive(Debug)]
pub struct TestFile {
    pub cases: Vec<Case>,
    pub problems: Problems,
}

/// The test files below a folder, in the order of their names.
#[must_use]
pub fn test_files(folder: &Path) -> (Vec<PathBuf>, Problems) {
    let (mut found, mut problems) = (Vec::new(), Problems::default());
    let mut waiting = vec![(folder.to_owned(), 0)];
    while let Some((path, depth)) = waiting.pop() {
        let entries = match entries(&path) {
            Ok(entries) => entries,
            Err(error) => {
                problems.push(unreadable_folder(&path, &error));
                continue;
            }
        };
        for (name, is_folder) in entries {
            let path = path.join(&name);
            if is_folder && depth < MAX_DEPTH {
                waiting.push((path, depth + 1));
            } else if !is_folder && name.ends_with(ENDING) {
                found.push(path);
            }
        }
    }
    found.sort();
    (found, problems)
}

/// Reads a file of test cases. Names in it are compared with `rules` where these are known.
#[must_use]
pub fn read_test_file(path: &Path, rules: Option<&RuleSet>) -> TestFile {
    match read_text(path) {
        Ok(text) => read_test_text(&path.display().to_string(), &text, rules),
        Err(problems) => TestFile { cases: Vec::new(), problems },
    }
}

/// As [`read_test_file`], for a text at hand; `name` is how diagnostics call it.
#[must_use]
pub fn read_test_text(name: &str, text: &str, rules: Option<&RuleSet>) -> TestFile {
    let (cases, problems) = super::read(&Arc::new(Source::new(name, text)), rules);
    TestFile { cases, problems }
}
