//! `routes`: the tree of routes, and who would be told of an alert with given labels.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};

use super::output::{colors_stderr, instant, printable, text};
use super::people::instant_in_zone;
use super::{FINE, USED_WRONGLY, WRONG, settings};
use crate::clock::Clock;
use crate::config::Bundle;
use crate::engine::{
    Channel, GroupBy, Labels, Length, Matcher, Muted, Protection, Route, RuleSet, Seen, Severity, Timestamp, Value,
    muted,
};

#[derive(Debug, Args)]
pub struct RoutesArguments {
    #[command(subcommand)]
    command: Option<RoutesCommand>,
    /// Read the rule files in this folder, without a configuration
    #[arg(long, value_name = "FOLDER", global = true)]
    rules: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum RoutesCommand {
    /// Show the tree of routes
    Show,
    /// Say who would be told of an alert with these labels, and when
    Test {
        /// Labels of the alert, as in severity=critical "site=North Clinic"
        #[arg(value_name = "LABEL=VALUE")]
        labels: Vec<String>,
        /// For one that fires then, as in 2026-03-07T22:00:00Z, where that is not now
        #[arg(long, value_name = "TIME", value_parser = instant_in_zone)]
        at: Option<Timestamp>,
    },
}

pub(super) fn run(config: &Path, arguments: &RoutesArguments) -> anyhow::Result<u8> {
    let bundle = match &arguments.rules {
        Some(rules) => Bundle::read(None, rules),
        None => {
            let settings = settings(config)?;
            Bundle::read(settings.library.as_deref(), &settings.rules)
        }
    };
    let rules = match bundle.and_then(|bundle| bundle.compile()) {
        Ok((rules, _)) => rules,
        Err(problems) => {
            eprint!("{}", problems.render(colors_stderr()));
            return Ok(WRONG);
        }
    };
    let Some(top) = &rules.route else {
        eprintln!("pulsewarden: the rule files have no route, so that nobody is told of any alert");
        return Ok(WRONG);
    };
    match &arguments.command {
        None | Some(RoutesCommand::Show) => {
            let mut out = String::new();
            show(top, 0, &mut out);
            text(&out)?;
        }
        Some(RoutesCommand::Test { labels, at }) => match read(labels) {
            Ok(labels) => text(&told(&rules, top, &labels, *at))?,
            Err(wrong) => {
                eprintln!("pulsewarden: `{wrong}` is not a label with its value; write severity=critical");
                return Ok(USED_WRONGLY);
            }
        },
    }
    Ok(FINE)
}

/// A route and those below it, each a line.
fn show(route: &Route, depth: usize, out: &mut String) {
    let on = if route.goes_on { ", and on to the next" } else { "" };
    let _ = writeln!(out, "{}{} → {}{on}", "  ".repeat(depth), matched(&route.matchers), route.receiver);
    for below in &route.routes {
        show(below, depth + 1, out);
    }
}

fn matched(matchers: &[Matcher]) -> String {
    if matchers.is_empty() {
        return "everything".to_owned();
    }
    matchers.iter().map(Matcher::to_string).collect::<Vec<_>>().join(", ")
}

/// Labels as they were given; the first that is none, where there is one.
fn read(given: &[String]) -> Result<Labels, String> {
    let one = |text: &String| {
        let (name, value) = text.split_once('=').filter(|(name, _)| !name.trim().is_empty()).ok_or(text.clone())?;
        let value = value.trim().trim_matches('"');
        Ok((name.trim().to_owned(), Seen { value: Value::from(value), protection: Protection::None }))
    };
    given.iter().map(one).collect()
}

/// Who is told of an alert with these labels, with whom it comes in one message, and when.
fn told(rules: &RuleSet, top: &Route, labels: &Labels, at: Option<Timestamp>) -> String {
    let mut out = String::new();
    for route in top.taken_by(labels) {
        let channels = rules.receiver(&route.receiver).map(|receiver| receiver.channels.as_slice()).unwrap_or_default();
        let channels: Vec<String> = channels.iter().map(channel).collect();
        let ways = if channels.is_empty() { "no way to it".to_owned() } else { channels.join(", ") };
        let _ = writeln!(out, "{} ({ways})", route.receiver);
        let by = if route.key.is_empty() { "on top".to_owned() } else { format!("of {}", matched(&route.matchers)) };
        let _ = writeln!(out, "  by the route {by}");
        let _ = writeln!(out, "  {}", gathered(&route.group_by, labels));
        let first = match route.group_wait {
            Duration::ZERO => "told at once".to_owned(),
            wait => format!("told {} after it fires", length(wait)),
        };
        let (changes, repeats) = (length(route.group_interval), length(route.repeat_interval));
        let _ = writeln!(
            out,
            "  {first}; what changes, {changes} after the message before; again every {repeats} until somebody takes it on"
        );
        let waits = timetable(rules, route, labels, at.unwrap_or_else(|| Clock::Wall.now()));
        // Of an alert that fires now there is nothing to say but what holds it back.
        if at.is_some() || waits.len() > 2 {
            let _ = writeln!(out, "  {}", waits.join("; "));
        }
        let receiver = rules.receiver(&route.receiver);
        if let Some(cap) = receiver.and_then(|receiver| receiver.cap) {
            let (messages, per) = (cap.messages, length(cap.per));
            let _ = writeln!(out, "  at most {messages} messages in {per}; what is more comes in summaries");
        }
        for step in &route.escalate {
            let _ = writeln!(out, "  nobody takes it on for {}: {} is told, too", length(step.after), step.receiver);
        }
    }
    out
}

/// When the first message of an alert that fires `at` goes, and what holds it back until then.
fn timetable(rules: &RuleSet, route: &Route, labels: &Labels, at: Timestamp) -> Vec<String> {
    let mut when = at.plus(route.group_wait);
    let mut waits = Vec::new();
    // Each of the two can run into the other.
    for _ in 0..100 {
        if let Some((why, until)) = muted(&route.mute_time_intervals, &route.active_time_intervals, when) {
            let why = match why {
                Muted::In(interval) => format!("muted in {interval}"),
                Muted::Inactive => "active at other times".to_owned(),
            };
            let Some(until) = until else {
                waits.push(format!("fires {}", instant(at)));
                waits.push(format!("the route is {why}, and stays so for as long as can be seen"));
                waits.push("nobody is told".to_owned());
                return waits;
            };
            waits.push(format!("the route is {why} until {}", instant(until)));
            when = until;
            continue;
        }
        let severity = labels.get("severity").and_then(|seen| seen.value.as_text());
        let severity = Severity::ALL.into_iter().find(|known| Some(known.as_str()) == severity);
        let quiet = rules.receiver(&route.receiver).and_then(|receiver| receiver.quiet.as_ref());
        match quiet.filter(|quiet| !severity.is_some_and(|severity| quiet.except.contains(&severity))) {
            Some(quiet) if !quiet.calendar.is_open(when) => {
                when = quiet.calendar.add_days(when, 0);
                let name = quiet.calendar.name();
                waits.push(format!(
                    "quiet hours, outside of {name}, last until {}, then it comes in one summary",
                    instant(when)
                ));
            }
            _ => break,
        }
    }
    waits.insert(0, format!("fires {}", instant(at)));
    waits.push(format!("told {}", instant(when)));
    waits
}

fn gathered(by: &GroupBy, labels: &Labels) -> String {
    match by {
        GroupBy::Each => "in a message of its own".to_owned(),
        GroupBy::Labels(names) if names.is_empty() => "in one message with all other alerts of this route".to_owned(),
        GroupBy::Labels(names) => {
            let value = |name: &String| labels.get(name).and_then(|seen| seen.value.as_text()).map(printable);
            let same =
                names.iter().map(|name| value(name).map_or_else(|| name.clone(), |value| format!("{name} {value}")));
            format!("in one message with those of the same {}", same.collect::<Vec<_>>().join(", "))
        }
    }
}

fn channel(channel: &Channel) -> String {
    match channel {
        Channel::Email { to } => format!("mail to {}", to.join(", ")),
        Channel::SlackWebhook { webhook } => format!("Slack webhook {webhook}"),
        Channel::SlackChannel { channel } => format!("Slack channel {channel}"),
        Channel::Webhook { endpoint } => format!("webhook {endpoint}"),
        Channel::Pagerduty { integration } => format!("PagerDuty {integration}"),
    }
}

fn length(span: Duration) -> String {
    Length::from(span).to_string()
}
