//! `ack`, `unack`, `assign`, `note`, `resolve`: what people do about alerts, through the running daemon.

use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::Args;

use super::notify::{asker, login};
use super::output::{json, text};
use super::{FINE, WRONG};
use crate::api::ActRequest;
use crate::api::client::AdminClient;
use crate::clock::Clock;
use crate::config::{Settings, parse_duration};
use crate::engine::{Act, Actor, Timestamp};
use crate::people::{Outcome, What};

/// Which alerts, and who asks.
#[derive(Debug, Args)]
pub struct About {
    /// Numbers of alerts
    #[arg(required = true, value_name = "ALERT")]
    alerts: Vec<u64>,
    #[command(flatten)]
    by: By,
    /// Print JSON for programs
    #[arg(long)]
    json: bool,
}

/// Who asks.
#[derive(Debug, Args)]
pub struct By {
    /// Who does it, where that is not you
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

impl By {
    /// The one who asks, as the audit log names them.
    pub(super) fn actor(&self) -> Actor {
        let login = login();
        let name = self.by.clone().unwrap_or_else(asker);
        let via = match login.filter(|login| *login != name) {
            Some(login) => format!("the command line as {login}"),
            None => "the command line".to_owned(),
        };
        Actor { name, via }
    }
}

#[derive(Debug, Args)]
pub struct AckArguments {
    #[command(flatten)]
    about: About,
    /// For this long, as in 5d; then it is told and escalated anew
    #[arg(long = "for", value_name = "LENGTH", value_parser = length)]
    span: Option<Duration>,
    /// Write this about it, too
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

#[derive(Debug, Args)]
pub struct AssignArguments {
    #[command(flatten)]
    about: About,
    /// Who is to see to it
    #[arg(long, value_name = "NAME", required_unless_present = "nobody", conflicts_with = "nobody")]
    to: Option<String>,
    /// Take the assignment back
    #[arg(long)]
    nobody: bool,
}

#[derive(Debug, Args)]
pub struct NoteArguments {
    #[command(flatten)]
    about: About,
    /// What to write; it may name people, and leaves to receivers of `phi: full` alone
    #[arg(long, value_name = "TEXT", required = true)]
    text: String,
}

#[derive(Debug, Args)]
pub struct ResolveArguments {
    #[command(flatten)]
    about: About,
    /// Write this about it, too
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

pub(super) async fn ack(settings: &Settings, arguments: &AckArguments) -> anyhow::Result<u8> {
    let until = arguments.span.map(|span| Clock::Wall.now().plus(span));
    let note = arguments.note.clone().map(|text| Act::Note { text });
    let acts: Vec<Act> = note.into_iter().chain([Act::Acknowledge { until }]).collect();
    carry_out(settings, &arguments.about, acts, "acknowledged").await
}

pub(super) async fn unack(settings: &Settings, about: &About) -> anyhow::Result<u8> {
    carry_out(settings, about, vec![Act::Unacknowledge], "given back").await
}

pub(super) async fn assign(settings: &Settings, arguments: &AssignArguments) -> anyhow::Result<u8> {
    let said = arguments.to.as_ref().map_or_else(|| "assigned to nobody".to_owned(), |to| format!("assigned to {to}"));
    carry_out(settings, &arguments.about, vec![Act::Assign { to: arguments.to.clone() }], &said).await
}

pub(super) async fn note(settings: &Settings, arguments: &NoteArguments) -> anyhow::Result<u8> {
    carry_out(settings, &arguments.about, vec![Act::Note { text: arguments.text.clone() }], "noted").await
}

pub(super) async fn resolve(settings: &Settings, arguments: &ResolveArguments) -> anyhow::Result<u8> {
    let note = arguments.note.clone().map(|text| Act::Note { text });
    let acts: Vec<Act> = note.into_iter().chain([Act::Resolve]).collect();
    carry_out(settings, &arguments.about, acts, "resolved").await
}

async fn carry_out(settings: &Settings, about: &About, acts: Vec<Act>, done: &str) -> anyhow::Result<u8> {
    let client = AdminClient::new(&settings.admin.socket)?;
    let mut outcomes: Vec<Outcome> = Vec::new();
    for act in acts {
        let request = ActRequest { alerts: about.alerts.clone(), act, by: about.by.actor() };
        outcomes = client.post("/api/v1/alerts/act", &request).await?;
    }
    if about.json {
        json(&outcomes)?;
    } else {
        let line = |outcome: &Outcome| match outcome.what {
            What::Done => format!("alert {}: {done}\n", outcome.alert),
            What::Ended => format!("alert {}: it had ended before; nothing was changed\n", outcome.alert),
            What::Unknown => {
                format!("alert {}: there is no such alert; `pulsewarden alerts` lists what is open\n", outcome.alert)
            }
        };
        text(&outcomes.iter().map(line).collect::<String>())?;
    }
    Ok(if outcomes.iter().all(|outcome| outcome.what == What::Done) { FINE } else { WRONG })
}

/// A length of time as rule files write it.
pub(super) fn length(written: &str) -> Result<Duration, String> {
    let found = parse_duration(written).filter(|length| !length.is_zero());
    found.ok_or_else(|| "a number with s, m, h, d or w, as in 4h".to_owned())
}

/// An instant with its zone.
pub(super) fn instant_in_zone(written: &str) -> Result<Timestamp, String> {
    let at = written.parse::<DateTime<Utc>>();
    at.map(Timestamp::from).map_err(|_| "an instant with its zone, as in 2026-03-07T22:00:00Z".to_owned())
}
