//! What the daily checks of the account at Impilo say to the self-watch.

use std::time::Duration;

use super::look::{Finding, State};
use crate::account::doctor::{Report, Verdict};
use crate::daemon::Shared;

/// What a check found is told again this long after the last time where nothing else is wrong than was told, and this long
/// where something else is.
const ANEW: Duration = Duration::from_secs(24 * 60 * 60);
const NEWS: Duration = Duration::from_secs(2 * 60);

/// How long Impilo may be unreachable before it is told: longer than it takes until it is looked again.
const UNREACHED: Duration = Duration::from_secs(40 * 60);

/// The checks by name, what their watches are called, and in words.
const WATCHES: [(&str, &str, &str); 8] = [
    ("api_key", "impilo_api", "Impilo's API"),
    ("public_url", "impilo_address", "The address for Impilo"),
    ("clock", "impilo_clock", "This machine's clock"),
    ("webhook_secret", "impilo_secret", "Impilo's webhook secret"),
    ("kept_secrets", "impilo_kept_secrets", "Webhook secrets that were made here"),
    ("subscriptions", "impilo_subscriptions", "Impilo's subscriptions"),
    ("rules", "impilo_rules", "Rules and Impilo's subscriptions"),
    ("deliveries", "impilo_deliveries", "Impilo's webhooks to this daemon"),
];

/// One watch for each check. Nothing is known before the first report, or without an API key.
pub(super) fn findings(shared: &Shared) -> Vec<Finding> {
    let report = shared.impilo.report();
    WATCHES.iter().map(|(check, name, words)| finding(report.as_ref(), check, name, words)).collect()
}

fn finding(report: Option<&Report>, check: &str, name: &'static str, words: &'static str) -> Finding {
    let found = report.and_then(|report| report.checks.iter().find(|found| found.name == check));
    let (state, details) = match found.map(|found| (found.verdict, found)) {
        Some((Verdict::Wrong, found)) => (State::Wrong(sentence(words, &found.found)), found.advice.clone()),
        Some((Verdict::Fine, _)) => (State::Well, None),
        // A check that a report lacks has nothing to say.
        None if report.is_some() => (State::Well, None),
        Some((Verdict::Unknown, _)) | None => (State::Unknown, None),
    };
    let action = "`pulsewarden doctor` checks everything again.";
    let patience = if check == "api_key" { UNREACHED } else { Duration::ZERO };
    let faults = found.map(|found| found.faults.clone()).unwrap_or_default();
    Finding { name, words, state, action, details, patience, faults, spacing: ANEW, news_spacing: NEWS }
}

/// What was found, with what it is about before it unless it begins with that itself.
fn sentence(words: &str, found: &str) -> String {
    match found.get(..words.len()) {
        Some(beginning) if beginning.eq_ignore_ascii_case(words) => format!("{words}{}.", &found[words.len()..]),
        _ => format!("{words}: {found}."),
    }
}
