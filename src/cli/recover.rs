//! `impilo recover`: takes in from Impilo's webhook log what did not arrive.

use chrono::{DateTime, Utc};
use clap::Args;

use super::output::{instant, json, text};
use super::people::{instant_in_zone, length};
use super::{FINE, Json, WRONG};
use crate::api::RecoverRequest;
use crate::api::client::AdminClient;
use crate::config::Settings;
use crate::daemon::Recovered;
use crate::engine::Timestamp;

/// Which stretch of the log is read.
#[derive(Debug, Args)]
pub(super) struct RecoverArguments {
    /// From when on: an instant, or how long ago; 30 days are read at once at most
    #[arg(long, value_name = "TIME", value_parser = instant_or_ago)]
    since: Timestamp,
    /// Until when; now by default
    #[arg(long, value_name = "TIME", value_parser = instant_in_zone)]
    until: Option<Timestamp>,
    /// Only say what is missing, and take nothing in
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    how: Json,
}

fn instant_or_ago(written: &str) -> Result<Timestamp, String> {
    if let Ok(ago) = length(written) {
        return Ok(Timestamp::from(Utc::now()).minus(ago));
    }
    let at = written.parse::<DateTime<Utc>>().map(Timestamp::from);
    at.map_err(|_| "an instant with its zone, as in 2026-03-07T22:00:00Z, or a length of time, as in 6h".to_owned())
}

pub(super) async fn run(settings: &Settings, arguments: &RecoverArguments) -> anyhow::Result<u8> {
    let RecoverArguments { since, until, dry_run, how } = arguments;
    let client = AdminClient::patient(&settings.admin.socket)?;
    let request = RecoverRequest { since: *since, until: *until, dry_run: *dry_run };
    let recovered: Recovered = client.post("/api/v1/impilo/recover", &request).await?;
    if how.json {
        json(&recovered)?;
    } else {
        text(&told(&recovered))?;
    }
    Ok(if recovered.unreadable > 0 { WRONG } else { FINE })
}

fn told(recovered: &Recovered) -> String {
    let Recovered { from, until, rows, others, new, unreadable, dry_run, subscribed } = recovered;
    let mut out = format!(
        "Impilo's log from {} to {}: {rows} rows for this address, {others} for others, which were left alone.\n",
        instant(*from),
        instant(*until)
    );
    out += &match (new, dry_run) {
        (0, _) if *rows == 0 && *others > 0 && !subscribed => {
            let why = "All rows are for other addresses or for none, so it is not known whether anything is missing";
            format!("{why}; compare `public_url` with `pulsewarden impilo webhooks list`.\n")
        }
        (0, _) => "Nothing is missing.\n".to_owned(),
        (new, true) => format!("{new} events are missing here; without --dry-run they are taken in.\n"),
        (new, false) => format!("{new} events were missing here and have been taken in.\n"),
    };
    if *unreadable > 0 {
        let now = if *dry_run { "would go into quarantine" } else { "are in quarantine" };
        out += &format!("{unreadable} rows are in no form that can be read, and {now}: their events may be missing.\n");
    }
    out
}
