//! `check`: every problem of configuration and rule files, in one run.

use std::path::{Path, PathBuf};

use clap::Args;

use super::output::{colors_stdout, table, text};
use super::{FINE, WRONG};
use crate::config::{Bundle, IDENTIFIERS, Problem, Problems, Settings, exposure, load_settings};
use crate::engine::{Phi, RuleSet};

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
        (Some(rules), _) => Some((None, rules.as_path())),
        (None, Some(settings)) => Some((settings.library.as_deref(), settings.rules.as_path())),
        (None, None) => None,
    };
    let rules = folders.and_then(|(library, rules)| check_rules(&mut problems, settings.as_ref(), library, rules));
    if let Some(settings) = &settings {
        check_secrets(&mut problems, settings);
    }
    let wrong = problems.any_errors();
    text(&problems.render(colors_stdout()))?;
    if let (false, Some(rules)) = (wrong, rules) {
        text(&summary(&rules))?;
    }
    Ok(if wrong { WRONG } else { FINE })
}

fn add(problems: &mut Problems, found: Vec<Problem>) {
    for problem in found {
        problems.push(problem);
    }
}

fn check_rules(
    problems: &mut Problems,
    settings: Option<&Settings>,
    library: Option<&Path>,
    rules: &Path,
) -> Option<RuleSet> {
    let (bundle, found) = Bundle::read_all(library, rules);
    add(problems, found.into_vec());
    match bundle.compile() {
        Ok((rules, warnings)) => {
            add(problems, warnings);
            if let Some(settings) = settings {
                add(problems, bundle.check_receivers(settings).into_vec());
            }
            Some(rules)
        }
        Err(found) => {
            add(problems, found.into_vec());
            None
        }
    }
}

/// Secrets that this shell cannot read may still be there for the service: a credential exists for the service alone.
fn check_secrets(problems: &mut Problems, settings: &Settings) {
    let password = settings.email.as_ref().and_then(|email| email.password.as_ref());
    let heartbeat = settings.own.heartbeat.as_ref().map(|heartbeat| &heartbeat.url);
    let all = settings.impilo.webhook_secrets.iter().chain(password).chain(settings.slack.webhooks.values());
    for error in all.chain(heartbeat).filter_map(|secret| secret.read().err()) {
        problems.push(Problem::general_warning(format!("from this shell, {error}; the service may still read it")));
    }
    if let Err(error) = settings.may_serve() {
        problems.push(Problem::general_warning(format!("the service would not start: {error}")));
    }
}

/// Who is told what, and how much there is.
fn summary(rules: &RuleSet) -> String {
    let mut out = String::new();
    let receivers = exposure(rules);
    if !receivers.is_empty() {
        let mut head = vec!["MAY LEAVE".to_owned()];
        head.extend(
            receivers
                .iter()
                .map(|one| format!("{} (phi: {}; {})", one.receiver, phi(one.phi), one.channels.join(", "))),
        );
        let rows = IDENTIFIERS.iter().enumerate().map(|(place, class)| {
            let told = receivers.iter().map(|one| if one.leaves[place] { "yes" } else { "-" }.to_owned());
            std::iter::once(class.name.to_owned()).chain(told).collect()
        });
        let head: Vec<&str> = head.iter().map(String::as_str).collect();
        out = table(&head, rows.collect());
        out.push('\n');
    }
    let parts = [
        counted(rules.rules.len(), "rule"),
        counted(rules.receivers.len(), "receiver"),
        counted(rules.digests.len(), "digest"),
    ];
    out.push_str(&format!("{}: ok\n", parts.join(", ")));
    out
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

const fn phi(phi: Phi) -> &'static str {
    match phi {
        Phi::None => "none",
        Phi::Ids => "ids",
        Phi::Full => "full",
    }
}
