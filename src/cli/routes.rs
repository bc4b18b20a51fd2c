//! `routes`: the tree of routes, and who would be told of an alert with given labels.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};

use super::output::{colors_stderr, printable, text};
use super::{FINE, USED_WRONGLY, WRONG, settings};
use crate::config::Bundle;
use crate::engine::{Channel, GroupBy, Labels, Length, Matcher, Protection, Route, RuleSet, Seen, Value};

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
        Some(RoutesCommand::Test { labels }) => match read(labels) {
            Ok(labels) => text(&told(&rules, top, &labels))?,
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
fn told(rules: &RuleSet, top: &Route, labels: &Labels) -> String {
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
        let _ = writeln!(out, "  {first}; what changes, {changes} after the message before; again every {repeats}");
    }
    out
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
