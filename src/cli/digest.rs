//! `digest`: when each digest is due, and one sent by hand.

use anyhow::Context;
use chrono_tz::Tz;
use clap::{Args, Subcommand};
use croner::Cron;
use serde_json::json;

use super::notify::{asker, show};
use super::output::{instant, json, text};
use super::{FINE, USED_WRONGLY, reader, runtime};
use crate::api::client::AdminClient;
use crate::api::{DigestRequest, TestResult};
use crate::clock::Clock;
use crate::config::{Bundle, Settings};
use crate::digest::due_times;
use crate::engine::{Digest, DigestPart, Matcher, RuleSet, Timestamp};
use crate::store::{DigestDue, Store};

/// Due times that are shown of each digest.
const SHOWN: usize = 3;

#[derive(Debug, Subcommand)]
pub enum DigestCommand {
    /// List the digests of the rules in force, with their next due times in words and in their own zones
    List(ListArguments),
    /// Send a digest now, marked as asked for by hand; the next one comes at its own time and says everything that this one says
    Send(SendArguments),
}

#[derive(Debug, Args)]
pub struct ListArguments {
    /// Print JSON for programs
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct SendArguments {
    /// The digest, as the rule files name it
    #[arg(value_name = "NAME")]
    name: String,
    /// Print JSON for programs
    #[arg(long)]
    json: bool,
}

pub(super) fn run(settings: &Settings, command: &DigestCommand) -> anyhow::Result<u8> {
    match command {
        DigestCommand::List(arguments) => list(settings, arguments),
        DigestCommand::Send(arguments) => runtime()?.block_on(send(settings, arguments)),
    }
}

async fn send(settings: &Settings, arguments: &SendArguments) -> anyhow::Result<u8> {
    let request = DigestRequest { digest: arguments.name.clone(), by: asker() };
    let client = AdminClient::new(&settings.admin.socket)?;
    let results: Vec<TestResult> = client.post("/api/v1/digests/send", &request).await?;
    show(results, arguments.json)
}

fn list(settings: &Settings, arguments: &ListArguments) -> anyhow::Result<u8> {
    let store = reader(settings)?;
    let hash = store.progress()?.rule_set;
    let Some(rules) = in_force(&store, &hash)? else {
        eprintln!("pulsewarden: no rules are in force yet; start the service once");
        return Ok(USED_WRONGLY);
    };
    let now = Clock::Wall.now();
    let mut shown = Vec::new();
    let mut out = String::new();
    for digest in &rules.digests {
        let known = store.digest_due(&digest.name)?;
        let times = upcoming(digest, known.as_ref(), now)?;
        if arguments.json {
            shown.push(json!({
                "digest": digest.name, "receiver": digest.receiver, "schedule": digest.schedules,
                "time_zone": digest.time_zone, "next": times, "covered_until": known.map(|known| known.covered_until),
            }));
        } else {
            out.push_str(&paragraph(digest, known.as_ref(), &times, now));
        }
    }
    if arguments.json {
        json(&shown)?;
    } else if rules.digests.is_empty() {
        text("There is no digest in the rules in force.\n")?;
    } else {
        text(out.trim_start_matches('\n'))?;
    }
    Ok(FINE)
}

fn in_force(store: &dyn Store, hash: &str) -> anyhow::Result<Option<RuleSet>> {
    let Some(bytes) = store.rule_set(hash)? else { return Ok(None) };
    let bundle = Bundle::from_bytes(&bytes).context("the rule set in force cannot be read back")?;
    match bundle.compile() {
        Ok((rules, _)) => Ok(Some(rules)),
        Err(_) => anyhow::bail!("this version cannot use the rule set in force; run `pulsewarden check`"),
    }
}

/// The next due times; the first is the stored one, where that is of this schedule.
fn upcoming(digest: &Digest, known: Option<&DigestDue>, now: Timestamp) -> anyhow::Result<Vec<Timestamp>> {
    let mut times = due_times(digest, now, SHOWN)?;
    if let Some(due) = known.map(|known| known.due).filter(|due| *due <= now) {
        times.insert(0, due);
        times.truncate(SHOWN);
    }
    Ok(times)
}

fn paragraph(digest: &Digest, known: Option<&DigestDue>, times: &[Timestamp], now: Timestamp) -> String {
    let mut lines = vec![format!("\n{} → {}", digest.name, digest.receiver)];
    for schedule in &digest.schedules {
        let words = schedule.parse::<Cron>().map(|cron| cron.describe());
        let words = words.unwrap_or_else(|_| schedule.clone());
        lines.push(format!("  {}, {} time", words.trim_end_matches('.'), digest.time_zone));
    }
    for at in times {
        let late = if *at <= now { " (due now)" } else { "" };
        lines.push(format!("  next: {}{late}", local(*at, &digest.time_zone)));
    }
    if let Some(known) = known {
        lines.push(format!("  covers everything since {}", local(known.covered_until, &digest.time_zone)));
    }
    if !digest.matchers.is_empty() {
        let matchers: Vec<String> = digest.matchers.iter().map(Matcher::to_string).collect();
        lines.push(format!("  about alerts with {}", matchers.join(" and ")));
    }
    if let Some(label) = &digest.split_by {
        lines.push(format!("  one message for each {label}"));
    }
    let parts: Vec<&str> = digest.parts.iter().map(|part| DigestPart::as_str(*part)).collect();
    lines.push(format!("  sections: {}", parts.join(", ")));
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// An instant in a digest's own zone, with the day of the week.
fn local(at: Timestamp, time_zone: &str) -> String {
    match (time_zone.parse::<Tz>(), at.to_utc()) {
        (Ok(zone), Some(at)) => at.with_timezone(&zone).format("%a %Y-%m-%d %H:%M %Z").to_string(),
        _ => instant(at),
    }
}
