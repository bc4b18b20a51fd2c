//! `backtest`: what rules would have made of recorded events.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use chrono::{DateTime, NaiveDate, Utc};
use clap::Args;
use serde::Serialize;

use super::output::{Progress, counted, instant, json, printable, table, text};
use super::tried::{Tried, short};
use super::{FINE, WRONG, reader_at, store_path};
use crate::clock::Clock;
use crate::config::{Reviewed, Settings, parse_duration, review_settings};
use crate::engine::{RuleSet, Timestamp};
use crate::replay::{
    Backtest, Change, Contrast, Episode, EventsFile, Journal, Outcome, RuleSummary, Window, backtest, difference,
    last_receipt,
};
use crate::store::sqlite::Sqlite;

#[derive(Debug, Args)]
pub struct BacktestArguments {
    /// Look at this long before the end, as in 30d; otherwise at all that there is
    #[arg(long, value_name = "LENGTH", value_parser = length, conflicts_with = "from")]
    since: Option<Duration>,
    /// Look at what came from then on: a date, or an instant as in 2026-03-02T10:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<Timestamp>,
    /// Look at what came until then; otherwise until now, or until the last event of a file
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Timestamp>,
    /// Try the rules in this folder instead of those in force
    #[arg(long, value_name = "FOLDER")]
    rules: Option<PathBuf>,
    /// With a folder of rules: the folder of the shipped ones; otherwise the configured one
    #[arg(long, value_name = "FOLDER")]
    library: Option<PathBuf>,
    /// Compare with an older rule set: a folder, the hash of a stored one, or `live` for the one in force
    #[arg(long, value_name = "FOLDER|HASH|live")]
    against: Option<String>,
    /// Read events from this file, one a line, instead of the store
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
    /// The file of the store; otherwise the configured one
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
    /// List at most this many alerts and differences
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    /// Exit with code 1 where the two rule sets differ
    #[arg(long, requires = "against")]
    exit_code: bool,
    /// Print JSON for programs: every alert and every difference
    #[arg(long)]
    json: bool,
}

/// The result as programs read it.
#[derive(Serialize)]
struct Printed<'r> {
    #[serde(flatten)]
    backtest: &'r Backtest,
    /// `null` where one rule set was run alone.
    differences: Option<&'r [Change]>,
}

pub(super) fn run(config: &Path, arguments: &BacktestArguments) -> anyhow::Result<u8> {
    let Reviewed { settings, understood, .. } = review_settings(config);
    let settings = understood.then_some(settings);
    let store = match (&arguments.store, &settings) {
        (Some(path), _) => Some(reader_at(path)?),
        (None, Some(settings)) if arguments.events.is_none() || arguments.needs_store() => {
            Some(reader_at(store_path(settings))?)
        }
        _ => None,
    };
    let new = match &arguments.rules {
        Some(folder) => Tried::of_folder(folder, arguments.library.as_deref(), settings.as_ref())?,
        None => Tried::in_force(store.as_ref())?,
    };
    let old = arguments.against.as_deref().map(|against| arguments.old(against, store.as_ref(), settings.as_ref()));
    let old = old.transpose()?;
    let mut rule_sets = vec![Arc::clone(&new.rules)];
    rule_sets.extend(old.as_ref().map(|old| Arc::clone(&old.rules)));
    let result = arguments.over(store.as_ref(), &rule_sets)?;
    let changes = match result.outcomes.as_slice() {
        [after, before] => Some(difference(after, &new.rules, before)),
        _ => None,
    };
    if arguments.json {
        json(&Printed { backtest: &result, differences: changes.as_deref() })?;
    } else {
        text(&tell(&result, &new, old.as_ref(), changes.as_deref(), arguments.limit))?;
    }
    let differ = changes.is_some_and(|changes| !changes.is_empty());
    Ok(if arguments.exit_code && differ { WRONG } else { FINE })
}

impl BacktestArguments {
    /// Whether a rule set must come from the store, also where the events do not.
    fn needs_store(&self) -> bool {
        let from_store = |against: &str| against == "live" || !Path::new(against).is_dir();
        self.rules.is_none() || self.against.as_deref().is_some_and(from_store)
    }

    fn old(&self, against: &str, store: Option<&Sqlite>, settings: Option<&Settings>) -> anyhow::Result<Tried> {
        if against == "live" {
            return Tried::in_force(store);
        }
        let folder = Path::new(against);
        if folder.is_dir() {
            return Tried::of_folder(folder, self.library.as_deref(), settings);
        }
        let is_hash = against.len() == 64 && against.bytes().all(|byte| byte.is_ascii_hexdigit());
        match store {
            Some(store) if is_hash => Tried::stored(store, against),
            _ => bail!("`{against}` is neither a folder nor the hash of a rule set that the store keeps, nor `live`"),
        }
    }

    fn over(&self, store: Option<&Sqlite>, rule_sets: &[Arc<RuleSet>]) -> anyhow::Result<Backtest> {
        let mut progress = Progress::new();
        let result = match (&self.events, store) {
            (Some(path), _) => {
                let end = self.until.or(last_receipt(path)?);
                let window = Window { from: self.begin(end), until: self.until };
                backtest(&mut EventsFile::open(path)?, rule_sets, window, &mut |done, at| progress.show(done, at))
            }
            (None, Some(store)) => {
                let end = self.until.unwrap_or_else(|| Clock::Wall.now());
                let window = Window { from: self.begin(Some(end)), until: Some(end) };
                backtest(&mut Journal::new(store)?, rule_sets, window, &mut |done, at| progress.show(done, at))
            }
            (None, None) => bail!(
                "there is no configuration that names the store; say where events are: --store FILE or --events FILE"
            ),
        };
        progress.clear();
        result.context("the backtest came to no end")
    }

    fn begin(&self, end: Option<Timestamp>) -> Option<Timestamp> {
        self.from.or_else(|| Some(end?.minus(self.since?)))
    }
}

pub(super) fn length(written: &str) -> Result<Duration, String> {
    parse_duration(written).ok_or_else(|| "a number with s, m, h, d or w, as in 30d".to_owned())
}

fn time(written: &str) -> Result<Timestamp, String> {
    if let Ok(at) = written.parse::<DateTime<Utc>>() {
        return Ok(at.into());
    }
    let date = written.parse::<NaiveDate>().ok().and_then(|date| date.and_hms_opt(0, 0, 0));
    date.map(|midnight| midnight.and_utc().into())
        .ok_or_else(|| "a date (midnight UTC) as in 2026-03-02, or an instant as in 2026-03-02T10:00:00Z".to_owned())
}

fn tell(result: &Backtest, new: &Tried, old: Option<&Tried>, changes: Option<&[Change]>, limit: usize) -> String {
    let mut out = heading(result, new, old);
    if let [after, rest @ ..] = result.outcomes.as_slice() {
        out.push('\n');
        out.push_str(&match rest.first() {
            None => summary(after),
            Some(before) => both_summaries(after, before, &new.rules),
        });
        out.push_str(&receivers(after, rest.first()));
        out.push_str(&faults(after));
        out.push('\n');
        out.push_str(&match changes {
            None => alerts(&after.alerts, limit),
            Some(changes) => differences(changes, limit),
        });
    }
    out
}

fn heading(result: &Backtest, new: &Tried, old: Option<&Tried>) -> String {
    let rules = |tried: &Tried| format!("{} ({})", tried.name, short(&tried.rules.hash));
    let mut out = format!("Rules {}", rules(new));
    if let Some(old) = old {
        let _ = write!(out, " against {}", rules(old));
    }
    let _ = writeln!(out, ", from {} until {}", instant(result.from), instant(result.until));
    let _ = write!(out, "{}", count(result.events, "event"));
    match result.history_from.filter(|_| result.warm_up > 0) {
        Some(first) => {
            let _ = writeln!(
                out,
                ", with the state that {} before made, since {}, where the history begins",
                count(result.warm_up, "event"),
                instant(first)
            );
        }
        None => out.push_str("; nothing is known of what was before\n"),
    }
    if result.pruned > 0 {
        let _ = writeln!(
            out,
            "{} passed over, whose bodies retention has removed: what came of them then is missing here",
            count(result.pruned, "event")
        );
    }
    if result.unreadable > 0 {
        let _ = writeln!(out, "{} passed over, which cannot be read back", count(result.unreadable, "event"));
    }
    out
}

fn count(number: u64, what: &str) -> String {
    counted(usize::try_from(number).unwrap_or(usize::MAX), what)
}

fn summary(outcome: &Outcome) -> String {
    let head =
        ["RULE", "OPEN BEFORE", "FIRED", "RESOLVED", "EXPIRED", "CLOSED", "STILL OPEN", "MEDIAN OPEN", "MESSAGES"];
    let rows = outcome.rules.iter().map(|rule| {
        let mut row = vec![rule.rule.clone()];
        row.extend(
            [rule.open_before, rule.fired, rule.resolved, rule.expired, rule.closed, rule.still_open].map(figure),
        );
        row.extend([median(rule), figure(rule.messages)]);
        row
    });
    table(&head, rows.collect())
}

/// Figures of both, as in `12 → 9`; those of rules that only one of them has stand alone.
fn both_summaries(after: &Outcome, before: &Outcome, rules: &RuleSet) -> String {
    let mut old: BTreeMap<&str, &RuleSummary> = before.rules.iter().map(|rule| (rule.rule.as_str(), rule)).collect();
    let mut rows = Vec::new();
    for new in &after.rules {
        let was = rules.rule(&new.rule).map_or(&[][..], |rule| &rule.was);
        let mut names = std::iter::once(new.rule.as_str()).chain(was.iter().map(|name| name.as_str()));
        let before = names.find_map(|name| old.remove(name));
        rows.push((Some(new), before));
    }
    rows.extend(before.rules.iter().filter(|rule| old.contains_key(rule.rule.as_str())).map(|rule| (None, Some(rule))));
    let rows = rows.into_iter().map(|(new, old)| {
        let name = new.or(old).map(|rule| rule.rule.clone()).unwrap_or_default();
        let side = |of: fn(&RuleSummary) -> String| arrow(old.map(of), new.map(of));
        vec![
            name,
            side(|rule| figure(rule.fired)),
            side(|rule| figure(rule.resolved)),
            side(|rule| figure(rule.expired)),
            side(|rule| figure(rule.still_open)),
            side(median),
            side(|rule| figure(rule.messages)),
        ]
    });
    table(&["RULE", "FIRED", "RESOLVED", "EXPIRED", "STILL OPEN", "MEDIAN OPEN", "MESSAGES"], rows.collect())
}

fn arrow(old: Option<String>, new: Option<String>) -> String {
    match (old, new) {
        (Some(old), Some(new)) if old == new => new,
        (old, new) => {
            let side = |side: Option<String>| side.filter(|text| !text.is_empty()).unwrap_or_else(|| "-".to_owned());
            format!("{} → {}", side(old), side(new))
        }
    }
}

fn figure(number: u64) -> String {
    number.to_string()
}

fn median(rule: &RuleSummary) -> String {
    rule.median_open_seconds.map(span).unwrap_or_default()
}

/// A length of time, roughly.
fn span(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        7200..=172_799 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

fn receivers(after: &Outcome, before: Option<&Outcome>) -> String {
    let mut names: Vec<&String> =
        after.receivers.keys().chain(before.iter().flat_map(|old| old.receivers.keys())).collect();
    names.sort();
    names.dedup();
    if names.is_empty() {
        return "\nNobody would have been told.\n".to_owned();
    }
    let told = |outcome: &Outcome, name: &String| figure(outcome.receivers.get(name).copied().unwrap_or_default());
    let rows = names.into_iter().map(|name| {
        let new = Some(told(after, name));
        vec![name.clone(), before.map_or_else(|| told(after, name), |old| arrow(Some(told(old, name)), new))]
    });
    format!("\n{}", table(&["RECEIVER", "MESSAGES"], rows.collect()))
}

fn faults(outcome: &Outcome) -> String {
    let lines = outcome
        .faults
        .iter()
        .map(|(rule, fault)| format!("\nA condition of {rule} could not be computed: {}\n", printable(fault)));
    lines.collect()
}

fn alerts(alerts: &[Episode], limit: usize) -> String {
    if alerts.is_empty() {
        return "No alert would have fired.\n".to_owned();
    }
    let rows = alerts.iter().take(limit).map(|alert| {
        let (ended, how) = end(alert);
        vec![fired(alert), alert.rule.clone(), printable(&alert.subject.to_string()), severity(alert), ended, how]
    });
    let mut out = table(&["FIRED", "RULE", "SUBJECT", "SEVERITY", "ENDED", "HOW"], rows.collect());
    more(&mut out, alerts.len(), limit, "alert");
    out
}

fn more(out: &mut String, all: usize, limit: usize, what: &str) {
    if all > limit {
        let _ = writeln!(out, "and {} more; --limit or --json shows them", counted(all - limit, what));
    }
}

fn fired(alert: &Episode) -> String {
    let before = if alert.before { " (before)" } else { "" };
    format!("{}{before}", instant(alert.fired_at))
}

fn severity(alert: &Episode) -> String {
    let shadow = if alert.shadow { " (shadow)" } else { "" };
    format!("{}{shadow}", alert.severity)
}

fn end(alert: &Episode) -> (String, String) {
    match &alert.end {
        Some(end) => (instant(end.at), format!("{}: {}", end.state, printable(&end.reason))),
        None => (String::new(), "still open".to_owned()),
    }
}

fn differences(changes: &[Change], limit: usize) -> String {
    if changes.is_empty() {
        return "No alert differs.\n".to_owned();
    }
    let rows = changes.iter().take(limit).map(|change| {
        let words: Vec<&str> = change.contrast.iter().map(|contrast| contrast.as_str()).collect();
        vec![
            words.join(", "),
            change.rule.clone(),
            printable(&change.subject.to_string()),
            side(change.old.as_ref()),
            side(change.new.as_ref()),
        ]
    });
    let mut out = table(&["DIFFERENCE", "RULE", "SUBJECT", "OLD", "NEW"], rows.collect());
    more(&mut out, changes.len(), limit, "difference");
    let all =
        [Contrast::OnlyNew, Contrast::OnlyOld, Contrast::Earlier, Contrast::Later, Contrast::Severity, Contrast::End];
    let parts = all.iter().filter_map(|contrast| {
        let count = changes.iter().filter(|change| change.contrast.contains(contrast)).count();
        (count > 0).then(|| format!("{count} {}", contrast.as_str()))
    });
    let parts: Vec<String> = parts.collect();
    let _ = writeln!(out, "\n{}: {}", counted(changes.len(), "difference"), parts.join(", "));
    out
}

/// When an alert was open, and how urgent it was.
fn side(alert: Option<&Episode>) -> String {
    let Some(alert) = alert else { return "-".to_owned() };
    let until = alert.end.as_ref().map_or("still open".to_owned(), |end| format!("{} {}", end.state, instant(end.at)));
    format!("{} {}, {until}", severity(alert), fired(alert))
}
