//! `check`: every problem of configuration and rule files, in one run.

use std::path::{Path, PathBuf};

use clap::Args;

use super::output::{colors_stdout, counted, table, text};
use super::{FINE, WRONG};
use crate::config::{
    Bundle, IDENTIFIERS, Problem, Problems, Reviewed, SecretRef, Settings, exposure, protected_reads, review_settings,
};
use crate::engine::{Phi, RuleSet};
use crate::notify::Templates;
use crate::replay::samples;

#[derive(Debug, Args)]
pub struct CheckArguments {
    /// Check the rule files in this folder alone, without a configuration
    #[arg(long, value_name = "FOLDER")]
    rules: Option<PathBuf>,
    /// With --rules: the folder of the shipped rules, which the files there may change
    #[arg(long, value_name = "FOLDER", requires = "rules")]
    library: Option<PathBuf>,
}

pub(super) fn run(config: &Path, arguments: &CheckArguments) -> anyhow::Result<u8> {
    let mut problems = Problems::default();
    let rules = match &arguments.rules {
        Some(rules) => {
            let library = arguments.library.as_deref();
            if let Some(missing) = library.filter(|folder| !folder.is_dir()) {
                problems.push(
                    Problem::general(format!("there is no folder {}", missing.display()))
                        .help("the package puts the shipped rules into /usr/share/pulsewarden/rules"),
                );
            }
            check_rules(&mut problems, None, library, rules)
        }
        None => check_all(&mut problems, config),
    };
    let wrong = problems.any_errors();
    text(&problems.render(colors_stdout()))?;
    if let (false, Some(rules)) = (wrong, rules) {
        text(&summary(&rules))?;
    }
    Ok(if wrong { WRONG } else { FINE })
}

/// What is wrong in one place keeps nothing else from being checked.
fn check_all(problems: &mut Problems, config: &Path) -> Option<RuleSet> {
    let Reviewed { settings, problems: found, understood } = review_settings(config);
    problems.extend(found);
    if understood {
        check_secrets(problems, &settings);
        return check_rules(problems, Some(&settings), settings.library.as_deref(), &settings.rules);
    }
    // Where the rules are cannot be told, so they are looked for in the usual place.
    let usual = settings.rules.as_path();
    if usual.is_dir() { check_rules(problems, None, settings.library.as_deref(), usual) } else { None }
}

fn check_rules(
    problems: &mut Problems,
    settings: Option<&Settings>,
    library: Option<&Path>,
    rules: &Path,
) -> Option<RuleSet> {
    let (bundle, found) = Bundle::read_all(library, rules);
    problems.extend(found);
    if let Some(settings) = settings {
        problems.extend(bundle.check_receivers(settings));
    }
    match bundle.compile() {
        Ok((rules, warnings)) => {
            problems.extend(warnings);
            check_templates(problems, &bundle, &rules);
            Some(rules)
        }
        Err(found) => {
            problems.extend(found);
            None
        }
    }
}

/// Every template, with a message of every sort that the rules can lead to.
fn check_templates(problems: &mut Problems, bundle: &Bundle, rules: &RuleSet) {
    match Templates::of(bundle) {
        Ok((templates, warnings)) => {
            problems.extend(warnings);
            problems.extend(templates.check(&samples(rules)));
        }
        Err(found) => problems.extend(found),
    }
}

/// Secrets that this shell cannot read may still be there for the service.
fn check_secrets(problems: &mut Problems, settings: &Settings) {
    let password = settings.email.as_ref().and_then(|email| email.password.as_ref());
    let heartbeat = settings.own.heartbeat.as_ref().map(|heartbeat| &heartbeat.url);
    let all = settings
        .impilo
        .webhook_secrets
        .iter()
        .chain(&settings.impilo.api_key)
        .chain(password)
        .chain(settings.secrets_of_outlets());
    for (secret, error) in all.chain(heartbeat).filter_map(|secret| Some((secret, secret.look().err()?))) {
        problems.push(match secret {
            SecretRef::Credential(_) if !error.is_forbidden() => Problem::general_warning(error.to_string()),
            SecretRef::Credential(name) => {
                Problem::general_warning(format!("only root can see whether there is a secret {name}"))
                    .help("run this command with sudo")
            }
            _ => Problem::general_warning(format!("from this shell, {error}; the service may still read it")),
        });
    }
    if let Some(file) = settings.email.as_ref().and_then(|email| email.ca_file.as_ref())
        && let Err(error) = std::fs::read(file)
    {
        let message = format!("cannot read {}, the `ca_file` of `email`: {error}", file.display());
        problems.push(match error.kind() {
            std::io::ErrorKind::PermissionDenied => {
                Problem::general_warning(message).help("the service may still read it")
            }
            _ => Problem::general(message).help("put the certificate authority there, or remove `ca_file`"),
        });
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
    let reads = protected_reads(rules);
    if !reads.is_empty() {
        let rows = reads.into_iter().map(|read| vec![read.rule, read.names.join(", ")]);
        out.push_str(&table(&["RULE", "READS WHAT LEAVES UNDER full ALONE"], rows.collect()));
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

const fn phi(phi: Phi) -> &'static str {
    match phi {
        Phi::None => "none",
        Phi::Ids => "ids",
        Phi::Full => "full",
    }
}
