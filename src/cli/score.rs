//! `score`: what rules find of what is wrong in an invented fleet, and what they tell without a reason.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use serde::Serialize;

use super::output::{counted, instant, json, table, text};
use super::tried::{Tried, short};
use super::{FINE, WRONG};
use crate::config::{Reviewed, review_settings};
use crate::engine::Timestamp;
use crate::score::{Cause, Score, score};
use crate::simulate::{Disturb, Plan};

/// 5 January 2026, noon UTC: a Monday.
const BEGIN: Timestamp = Timestamp(1_767_614_400_000);

/// What rules should reach: so much of what can be seen is found, and no more of the alerts are false. In percent.
const FOUND: f64 = 99.0;
const FALSE: f64 = 1.0;

#[derive(Debug, Args)]
pub struct ScoreArguments {
    /// How many devices the fleet has
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = super::simulate::devices)]
    devices: u64,
    /// How many days of its life are told
    #[arg(long, value_name = "N", default_value_t = 60)]
    days: u32,
    /// Another number is another history
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Let webhooks come late, twice and out of order, as Impilo's retries make them
    #[arg(long)]
    disturbed: bool,
    /// Try the rules in this folder; otherwise the configured ones
    #[arg(long, value_name = "FOLDER")]
    rules: Option<PathBuf>,
    /// The folder of the shipped rules, which those under trial may change; otherwise the configured one
    #[arg(long, value_name = "FOLDER")]
    library: Option<PathBuf>,
    /// List at most this many missed problems, and as many false alerts
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// Print JSON for programs: every missed problem and every false alert
    #[arg(long)]
    json: bool,
}

/// The result as programs read it.
#[derive(Serialize)]
struct Printed<'s> {
    devices: u64,
    days: u32,
    seed: u64,
    disturbed: bool,
    rule_set: &'s str,
    /// Without a value where there was nothing to find, and none to judge.
    found_percent: Option<f64>,
    false_percent: Option<f64>,
    #[serde(flatten)]
    score: &'s Score,
}

pub(super) fn run(config: &Path, arguments: &ScoreArguments) -> anyhow::Result<u8> {
    let Reviewed { settings, understood, .. } = review_settings(config);
    let settings = understood.then_some(settings);
    let Some(folder) = arguments.rules.as_deref().or(settings.as_ref().map(|settings| settings.rules.as_path())) else {
        bail!("there is no configuration that names the rules; say which: --rules FOLDER");
    };
    let tried = Tried::of_folder(folder, arguments.library.as_deref(), settings.as_ref())?;
    let &ScoreArguments { devices, days, seed, disturbed, .. } = arguments;
    let plan = Plan { seed, devices, days, begin: BEGIN };
    let disturb = if disturbed { as_retries_make_them(seed) } else { Disturb { seed, ..Disturb::default() } };
    let shown = std::io::stderr().is_terminal();
    let mut progress = |done: f64| {
        if shown {
            // A terminal that has gone away needs no progress.
            let _ = write!(std::io::stderr(), "\r\x1b[K{:3.0} %", done * 100.0);
        }
    };
    let result = score(plan, disturb, &tried.rules, &mut progress).context("the hours of the office")?;
    if shown {
        let _ = write!(std::io::stderr(), "\r\x1b[K");
    }
    let (found_percent, false_percent) = (result.found_percent(), result.false_percent());
    if arguments.json {
        let rule_set = &tried.rules.hash;
        json(&Printed { devices, days, seed, disturbed, rule_set, found_percent, false_percent, score: &result })?;
    } else {
        text(&tell(&result, &tried, arguments))?;
    }
    let is_good = found_percent.is_some_and(|found| found >= FOUND) && false_percent.is_none_or(|part| part <= FALSE);
    Ok(if is_good { FINE } else { WRONG })
}

/// One attempt in ten fails, one answer in twenty is lost, and one attempt in ten is overtaken.
fn as_retries_make_them(seed: u64) -> Disturb {
    let held_up = Duration::from_secs(600);
    Disturb { seed, duplicates: 0.05, failures: 0.1, reordering: 0.1, held_up, ..Disturb::default() }
}

fn tell(score: &Score, tried: &Tried, arguments: &ScoreArguments) -> String {
    let mut out = String::new();
    let ScoreArguments { devices, days, seed, limit, .. } = arguments;
    let _ = writeln!(
        out,
        "Rules {} ({}) over {days} days of {devices} invented devices, seed {seed}: {} webhooks",
        tried.name,
        short(&tried.rules.hash),
        score.webhooks
    );
    let _ = match score.found_percent() {
        Some(found) => writeln!(
            out,
            "Found {found:.2} % of the problems that the webhooks show: {} of {}",
            score.found, score.visible
        ),
        None => {
            writeln!(out, "There was nothing to find: the webhooks show no problem. Take more --devices or --days.")
        }
    };
    let _ = match score.false_percent() {
        Some(part) => writeln!(out, "False {part:.2} % of the alerts: {} of {}", score.wrong, score.judged),
        None => writeln!(out, "No alert is right or false."),
    };
    let _ = writeln!(out, "Repeated, for a problem that was told already: {}\n", counted(score.repeated, "alert"));
    out.push_str(&problems(score));
    out.push('\n');
    out.push_str(&rules(score));
    out.push_str(&not_judged(score));
    out.push_str(&misses(score, *limit));
    out.push_str(&false_alerts(score, *limit));
    for (rule, fault) in &score.faults {
        let _ = writeln!(out, "\n{rule} could not always be computed: {fault}");
    }
    out
}

fn problems(score: &Score) -> String {
    let head = [
        "problem",
        "all",
        "not shown",
        "too short",
        "not due yet",
        "visible",
        "found",
        "missed",
        "told after",
        "longest",
    ];
    let rows = score.problems.iter().map(|(problem, one)| {
        let numbers = [one.all, one.untold, one.too_short, one.unripe, one.visible, one.found, one.missed];
        let spans = [one.median_seconds, one.longest_seconds].map(|seconds| match one.found {
            0 => String::new(),
            _ => span(seconds),
        });
        let name = [word(problem)];
        name.into_iter().chain(numbers.map(|number| number.to_string())).chain(spans).collect()
    });
    table(&head, rows.collect())
}

fn rules(score: &Score) -> String {
    let rows = score.rules.iter().map(|(rule, one)| {
        let numbers = [one.alerts, one.right, one.repeated, one.wrong, one.not_judged, one.shadowed];
        let numbers = numbers.map(|number| number.to_string());
        [rule.clone()].into_iter().chain(numbers).collect()
    });
    table(&["rule", "alerts", "right", "repeated", "false", "not judged", "in shadow"], rows.collect())
}

/// The rules of which nobody can tell here what they are worth.
fn not_judged(score: &Score) -> String {
    let rules = score.rules.iter().filter(|(_, one)| one.not_judged > 0);
    let rules: Vec<String> =
        rules.map(|(rule, one)| format!("{rule} ({})", counted(one.not_judged, "alert"))).collect();
    if rules.is_empty() {
        return String::new();
    }
    format!("\nNot judged, since no problem of the fleet is theirs by name: {}\n", rules.join(", "))
}

fn misses(score: &Score, limit: usize) -> String {
    let causes = score.misses.iter().map(|miss| format!("{}: {}", word(&miss.truth.problem), cause(&miss.cause)));
    let mut out = tallied("Missed", causes);
    let rows = score.misses.iter().take(limit).map(|miss| {
        let over = miss.truth.until.map_or_else(|| "to the end".to_owned(), instant);
        vec![
            word(&miss.truth.problem),
            miss.truth.subject.to_string(),
            instant(miss.truth.from),
            over,
            instant(miss.due),
            miss.told_at.map(instant).unwrap_or_default(),
            cause(&miss.cause),
        ]
    });
    out.push_str(&listed(
        &["problem", "about", "from", "until", "due", "told", "cause"],
        rows.collect(),
        score.misses.len(),
    ));
    out
}

fn false_alerts(score: &Score, limit: usize) -> String {
    let causes = score.false_alerts.iter().map(|one| format!("{}: {}", one.rule, cause(&one.cause)));
    let mut out = tallied("False", causes);
    let rows = score.false_alerts.iter().take(limit).map(|one| {
        let ended = one.ended_at.map_or_else(|| "open".to_owned(), instant);
        vec![one.rule.clone(), one.subject.to_string(), instant(one.fired_at), ended, cause(&one.cause)]
    });
    out.push_str(&listed(&["rule", "about", "fired", "ended", "cause"], rows.collect(), score.false_alerts.len()));
    out
}

/// How often each cause stands among them.
fn tallied(what: &str, causes: impl Iterator<Item = String>) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    causes.for_each(|cause| *counts.entry(cause).or_default() += 1);
    let mut out = String::new();
    if !counts.is_empty() {
        let _ = writeln!(out, "\n{what}, by cause:");
    }
    for (cause, count) in counts {
        let _ = writeln!(out, "{count:6}  {cause}");
    }
    out
}

fn listed(head: &[&str], rows: Vec<Vec<String>>, all: usize) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let left = all - rows.len();
    let mut out = format!("\n{}", table(head, rows));
    if left > 0 {
        let _ = writeln!(out, "and {left} more; --limit shows more of them, --json all");
    }
    out
}

fn cause(cause: &Cause) -> String {
    match cause {
        Cause::NoRule => "none of the rules that tell it is there".to_owned(),
        Cause::Late => "told too late".to_owned(),
        Cause::EndedBefore => "the alert had ended before it was due".to_owned(),
        Cause::LeftOver => "the alert of an earlier problem was open still".to_owned(),
        Cause::LateEvent => "a late event took the alert back".to_owned(),
        Cause::NoAlert => "no alert".to_owned(),
        Cause::Before { problem } => format!("before {} began", word(problem)),
        Cause::After { problem } => format!("after {} was over", word(problem)),
        Cause::Another { problem } => format!("during {}", word(problem)),
        Cause::Nothing => "nothing was wrong".to_owned(),
    }
}

/// A problem as the truth's lines name it.
fn word(problem: &crate::simulate::Problem) -> String {
    let written = serde_json::to_value(problem).ok();
    written.and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn span(seconds: u64) -> String {
    match seconds {
        0..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}
