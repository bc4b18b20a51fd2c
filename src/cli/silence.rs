//! `silence`: nobody is told of what matches, for a time.

use std::fmt::Write;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::output::{counted, instant, json, printable, shown, table, text};
use super::people::{By, instant_in_zone, length};
use super::{FINE, USED_WRONGLY, WRONG, reader};
use crate::api::client::AdminClient;
use crate::api::{UnsilenceRequest, Unsilenced};
use crate::clock::Clock;
use crate::config::Settings;
use crate::engine::{Alert, Matcher, SilenceRecord, Timestamp};
use crate::people::{NewSilence, hidden_by};
use crate::store::Store;

/// How many of the alerts that a silence would hide are listed.
const LISTED: usize = 20;

#[derive(Debug, Args)]
pub struct SilenceArguments {
    #[command(subcommand)]
    command: SilenceCommand,
}

#[derive(Debug, Subcommand)]
enum SilenceCommand {
    /// Make a silence; says first what it hides
    Add(AddArguments),
    /// List silences that are not over
    List {
        /// Those that are over, too
        #[arg(long)]
        all: bool,
        /// Print JSON for programs
        #[arg(long)]
        json: bool,
    },
    /// End a silence now; what it hid and is still so is told
    End {
        /// Its number
        silence: u64,
        #[command(flatten)]
        by: By,
    },
}

#[derive(Debug, Args)]
struct AddArguments {
    /// What the labels of alerts must be: device=81500, "site=North Clinic", 'alertname=~"Device.*"'
    #[arg(required = true, value_name = "MATCHER")]
    matchers: Vec<String>,
    /// How long, as in 4h
    #[arg(long = "for", value_name = "LENGTH", value_parser = length, group = "end")]
    span: Option<Duration>,
    /// Until then, as in 2026-03-02T18:00:00Z
    #[arg(long, value_name = "TIME", value_parser = instant_in_zone, group = "end")]
    until: Option<Timestamp>,
    /// Until the alerts that match now have ended; those that come later are told
    #[arg(long, group = "end")]
    until_resolved: bool,
    /// From then on, where that is not now
    #[arg(long, value_name = "TIME", value_parser = instant_in_zone, conflicts_with = "until_resolved")]
    from: Option<Timestamp>,
    /// Why, for those who find it
    #[arg(long, value_name = "TEXT", required = true)]
    comment: String,
    /// Only say what it would hide
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    by: By,
    /// Print JSON for programs
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(settings: &Settings, arguments: &SilenceArguments) -> anyhow::Result<u8> {
    match &arguments.command {
        SilenceCommand::Add(add) => self::add(settings, add).await,
        SilenceCommand::List { all, json: as_json } => list(settings, *all, *as_json),
        SilenceCommand::End { silence, by } => {
            let client = AdminClient::new(&settings.admin.socket)?;
            let request = UnsilenceRequest { silence: *silence, by: by.actor() };
            let Unsilenced { ended } = client.post("/api/v1/silences/end", &request).await?;
            if !ended {
                eprintln!("pulsewarden: no silence {silence} is in force; `pulsewarden silence list` shows which are");
                return Ok(WRONG);
            }
            text(&format!("silence {silence} is over\n"))?;
            Ok(FINE)
        }
    }
}

async fn add(settings: &Settings, arguments: &AddArguments) -> anyhow::Result<u8> {
    let mut matchers = Vec::new();
    for written in &arguments.matchers {
        match read(written) {
            Ok(matcher) => matchers.push(matcher),
            Err(why) => {
                eprintln!(
                    "pulsewarden: `{written}`: {why}; write a label, one of = != =~ !~, and a text: site=\"North Clinic\""
                );
                return Ok(USED_WRONGLY);
            }
        }
    }
    if arguments.span.is_none() && arguments.until.is_none() && !arguments.until_resolved {
        eprintln!("pulsewarden: say for how long: --for 4h, --until TIME or --until-resolved");
        return Ok(USED_WRONGLY);
    }
    if arguments.dry_run {
        let hidden = hidden_by(&reader(settings)?, &matchers)?;
        if arguments.json {
            let numbers: Vec<u64> = hidden.iter().map(|alert| alert.number).collect();
            json(&numbers)?;
        } else {
            text(&format!("It would hide {}.\n{}", counted(hidden.len(), "open alert"), lines(&hidden)))?;
        }
        return Ok(FINE);
    }
    // What it hides is told even where this user may not read the store.
    let hidden = reader(settings).ok().and_then(|store| hidden_by(&store, &matchers).ok());
    let begin = arguments.from.unwrap_or_else(|| Clock::Wall.now());
    let until = arguments.until.or_else(|| arguments.span.map(|span| begin.plus(span)));
    let by = arguments.by.actor();
    let new = NewSilence { matchers, from: arguments.from, until, by, comment: arguments.comment.clone() };
    let record: SilenceRecord = AdminClient::new(&settings.admin.socket)?.post("/api/v1/silences", &new).await?;
    if arguments.json {
        json(&record)?;
        return Ok(FINE);
    }
    let end = match record.silence.until {
        Some(until) => format!("until {}", instant(until)),
        None => format!("until {} resolved", if record.silence.alerts.len() == 1 { "it is" } else { "they are" }),
    };
    let mut out = format!("silence {} is in force {end}\n", record.silence.number);
    if begin > Clock::Wall.now() {
        out = format!("silence {} begins {} and lasts {end}\n", record.silence.number, instant(begin));
    }
    if let Some(hidden) = hidden {
        let _ = writeln!(out, "It hides {} now.", counted(hidden.len(), "open alert"));
        out.push_str(&lines(&hidden));
        if hidden.is_empty() {
            out.push_str("Nothing matches yet: compare the labels with those of `pulsewarden alerts NUMBER`.\n");
        }
    }
    text(&out)?;
    Ok(FINE)
}

/// A shell takes quotes away, so a text with spaces stands as it is.
fn read(written: &str) -> Result<Matcher, String> {
    written.parse().or_else(|error: crate::engine::MatcherError| {
        let operator = ["=~", "!~", "!=", "="].into_iter().find(|operator| written.contains(operator));
        let quoted = operator.and_then(|operator| {
            let (label, value) = written.split_once(operator)?;
            let quote = if value.contains('"') { '\'' } else { '"' };
            format!("{label}{operator}{quote}{value}{quote}").parse().ok()
        });
        quoted.ok_or_else(|| error.to_string())
    })
}

fn lines(alerts: &[Alert]) -> String {
    let mut out = String::new();
    for alert in alerts.iter().take(LISTED) {
        let site = alert.labels.get("site").map(shown).unwrap_or_default();
        let _ = writeln!(out, "  {}  {} {} on {} ({site})", alert.number, alert.severity, alert.rule, alert.subject);
    }
    if alerts.len() > LISTED {
        let _ = writeln!(out, "  and {} more", alerts.len() - LISTED);
    }
    out
}

fn list(settings: &Settings, all: bool, as_json: bool) -> anyhow::Result<u8> {
    let silences = reader(settings)?.silences(all, 1000)?;
    if as_json {
        json(&silences)?;
        return Ok(FINE);
    }
    if silences.is_empty() {
        text(if all { "There never was a silence.\n" } else { "No silence is in force.\n" })?;
        return Ok(FINE);
    }
    let now = Clock::Wall.now();
    let row = |record: &SilenceRecord| {
        let silence = &record.silence;
        let state = match (record.ended_at, silence.from > now) {
            (Some(_), _) => "over",
            (None, true) => "pending",
            (None, false) => "active",
        };
        let matchers: Vec<String> = silence.matchers.iter().map(|matcher| printable(&matcher.to_string())).collect();
        vec![
            silence.number.to_string(),
            state.to_owned(),
            matchers.join(", "),
            instant(silence.from),
            silence.until.map_or_else(|| format!("until alerts {:?} end", silence.alerts), instant),
            printable(&silence.by.name),
            printable(&silence.comment),
        ]
    };
    let head = ["NUMBER", "STATE", "MATCHERS", "FROM", "UNTIL", "BY", "COMMENT"];
    text(&table(&head, silences.iter().map(row).collect()))?;
    Ok(FINE)
}
