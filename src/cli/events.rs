//! `events`: the journal, newest first, without payloads.

use clap::Args;
use serde::Serialize;

use super::output::{instant, json, printable, table, text};
use super::{FINE, reader};
use crate::config::Settings;
use crate::engine::{Position, Source, Timestamp};
use crate::impilo;
use crate::journal::codec;
use crate::store::{Entry, EventRow, JournalRow, Store};

/// Rows read at once while looking for one device.
const PAGE: usize = 500;

#[derive(Debug, Args)]
pub struct EventArguments {
    /// Events of this type alone
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// Events that speak of this device alone, by Impilo's id
    #[arg(long, value_name = "ID")]
    device: Option<String>,
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    /// Print JSON for programs
    #[arg(long)]
    json: bool,
}

/// An event without its payload.
#[derive(Serialize)]
struct Line {
    position: Position,
    received_at: String,
    #[serde(skip)]
    received: Timestamp,
    occurred_at: Option<String>,
    #[serde(rename = "type")]
    kind: String,
    id: String,
    source: Source,
    /// Kind and Impilo's id of everything that the event speaks of.
    about: Vec<String>,
}

pub(super) fn run(settings: &Settings, arguments: &EventArguments) -> anyhow::Result<u8> {
    let store = reader(settings)?;
    let wanted = arguments.device.as_ref().map(|id| format!("device {id}"));
    let mut lines: Vec<Line> = Vec::new();
    let mut before = Position::MAX;
    while lines.len() < arguments.limit {
        let rows = store.events_before(before, arguments.kind.as_deref(), PAGE)?;
        let Some(last) = rows.last() else { break };
        before = last.position;
        let read = rows.into_iter().filter_map(line);
        lines.extend(read.filter(|line| wanted.as_ref().is_none_or(|wanted| line.about.contains(wanted))));
    }
    lines.truncate(arguments.limit);
    if arguments.json {
        json(&lines)?;
    } else if lines.is_empty() {
        text("No such event has come.\n")?;
    } else {
        let rows = lines.iter().map(|line| {
            vec![
                line.position.to_string(),
                instant(line.received),
                printable(&line.kind),
                printable(&line.id),
                line.source.as_str().to_owned(),
                printable(&line.about.join(", ")),
            ]
        });
        text(&table(&["ROW", "RECEIVED", "TYPE", "ID", "SOURCE", "ABOUT"], rows.collect()))?;
    }
    Ok(FINE)
}

fn line(row: JournalRow) -> Option<Line> {
    let Entry::Event(EventRow { kind, envelope_id, source, body, .. }) = row.entry else { return None };
    let payload = body.and_then(|body| impilo::payload(&codec::decode(&body).ok()?));
    let facts = payload.map(|payload| impilo::facts(&kind, payload.value(), row.received_at)).unwrap_or_default();
    Some(Line {
        position: row.position,
        received_at: row.received_at.to_string(),
        received: row.received_at,
        occurred_at: facts.occurred_at.map(|at| at.to_string()),
        kind,
        id: envelope_id.unwrap_or_default(),
        source,
        about: facts.about.iter().map(|about| about.subject.to_string()).collect(),
    })
}
