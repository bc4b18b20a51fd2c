//! `check`: every problem of configuration and rule files, in one run.

use std::path::{Path, PathBuf};

use clap::Args;

use super::output::{colors_stdout, text};
use super::{FINE, WRONG};
use crate::config::{Bundle, Problem, Problems, Settings, load_settings};

#[derive(Debug, Args)]
pub struct CheckArguments {
    /// Check the rule files in this folder alone, without a configuration
    #[arg(long, value_name = "FOLDER")]
    rules: Option<PathBuf>,
}

pub(super) fn run(config: &Path, arguments: &CheckArguments) -> anyhow::Result<u8> {
    let mut problems = Problems::default();
    let settings = match &arguments.rules {
        Some(_) => None,
        None => match load_settings(config) {
            Ok((settings, warnings)) => {
                add(&mut problems, warnings);
                Some(settings)
            }
            Err(found) => {
                add(&mut problems, found.into_vec());
                None
            }
        },
    };
    let folders = match (&arguments.rules, &settings) {
        (Some(rules), _) => Some((None, rules.clone())),
        (None, Some(settings)) => Some((settings.library.clone(), settings.rules.clone())),
        (None, None) => None,
    };
    let mut summary = String::new();
    if let Some((library, rules)) = folders {
        summary = check_rules(&mut problems, settings.as_ref(), library.as_deref(), &rules);
    }
    if let Some(settings) = &settings {
        summary.push_str(&secrets(settings));
    }
    let wrong = problems.any_errors();
    text(&problems.render(colors_stdout()))?;
    if !wrong {
        text(&summary)?;
    }
    Ok(if wrong { WRONG } else { FINE })
}

fn add(problems: &mut Problems, found: Vec<Problem>) {
    for problem in found {
        problems.push(problem);
    }
}

fn check_rules(problems: &mut Problems, settings: Option<&Settings>, library: Option<&Path>, rules: &Path) -> String {
    let compiled = Bundle::read(library, rules).and_then(|bundle| {
        let (rule_set, warnings) = bundle.compile()?;
        Ok((rule_set, warnings))
    });
    match compiled {
        Ok((rule_set, warnings)) => {
            add(problems, warnings);
            let _ = settings;
            format!(
                "{} rules, {} receivers, {} digests: fine.\n",
                rule_set.rules.len(),
                rule_set.receivers.len(),
                rule_set.digests.len()
            )
        }
        Err(found) => {
            add(problems, found.into_vec());
            String::new()
        }
    }
}

/// Secrets that this shell cannot read may still be there for the service.
fn secrets(settings: &Settings) -> String {
    let unreadable = settings.impilo.webhook_secrets.iter().filter_map(|secret| secret.read().err());
    unreadable.map(|error| format!("note: from this shell, {error}\n")).collect()
}
