//! The tests that stand beside the customer's rules, run before changed rules come into force.

use std::sync::Arc;

use super::Fault;
use crate::config::{Bundle, Settings, TestFile, read_test_file, test_files};
use crate::engine::RuleSet;
use crate::replay::rehearse;

/// Runs every test below the folder of rules.
///
/// # Errors
/// What is wrong with a test file, or the first test whose expectations are not met, with how many others there are.
pub(super) fn pass(settings: &Settings, bundle: &Bundle, rules: &Arc<RuleSet>) -> Result<(), Fault> {
    let (files, problems) = test_files(&settings.rules);
    if problems.any_errors() {
        return Err(Fault::of(&problems));
    }
    let mut failed = Vec::new();
    for file in files {
        let TestFile { cases, problems } = read_test_file(&file, Some(rules));
        if problems.any_errors() {
            return Err(Fault::of(&problems));
        }
        for case in cases {
            let rules = match &case.settings {
                None => Arc::clone(rules),
                Some(settings) => {
                    let (rules, _) =
                        bundle.with(settings.clone()).compile().map_err(|problems| Fault::of(&problems))?;
                    Arc::new(rules)
                }
            };
            let mismatches = rehearse(&case, rules);
            if !mismatches.is_empty() {
                let shown: Vec<String> = mismatches.iter().map(ToString::to_string).collect();
                failed.push((format!("{}: the test `{}` fails", file.display(), case.name), shown.join("\n")));
            }
        }
    }
    let Some((first, _)) = failed.first() else { return Ok(()) };
    let brief = match failed.len() {
        1 => format!("{first}; `pulsewarden test` shows it"),
        more => format!("{first}, and {} more; `pulsewarden test` shows them all", more - 1),
    };
    let whole: Vec<String> = failed.iter().take(5).map(|(head, shown)| format!("{head}\n{shown}")).collect();
    Err(Fault { brief, whole: whole.join("\n\n") })
}
