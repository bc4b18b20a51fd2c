//! `deliveries`: every message and where it stands, what each attempt came to, and sending again what was given up.

use std::fmt::Write;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::backtest::length;
use super::output::{counted, instant, json, printable, table, text};
use super::{FINE, WRONG, reader};
use crate::api::client::{AdminClient, ClientError};
use crate::config::Settings;
use crate::store::{
    AttemptOutcome, AttemptRow, DeliveryFilter, DeliveryRow, DeliveryState, Resend, Resent, Store, is_rest,
};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct DeliveryArguments {
    #[command(subcommand)]
    command: Option<DeliveryCommand>,
    #[command(flatten)]
    list: ListArguments,
}

#[derive(Debug, Subcommand)]
enum DeliveryCommand {
    /// List messages and where they stand
    List(ListArguments),
    /// Show one message with each attempt to deliver it
    Show(ShowArguments),
    /// Send messages once more that were given up, through the running daemon
    #[command(
        after_help = "Examples:\n  pulsewarden deliveries resend 17 18\n  pulsewarden deliveries resend --all-dead --receiver logistics --since 2d"
    )]
    Resend(ResendArguments),
}

#[derive(Debug, Args)]
struct ListArguments {
    /// Those given up alone
    #[arg(long, conflicts_with = "waiting")]
    dead: bool,
    /// Those still to be delivered alone
    #[arg(long)]
    waiting: bool,
    /// Those to this receiver alone
    #[arg(long, value_name = "NAME")]
    receiver: Option<String>,
    /// Those about this alert alone
    #[arg(long, value_name = "NUMBER")]
    alert: Option<u64>,
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    /// Print JSON for programs
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct ShowArguments {
    /// As the list shows it
    id: u64,
    /// Print JSON for programs
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct ResendArguments {
    /// Messages, as the list shows them
    #[arg(value_name = "ID", required_unless_present = "all_dead", conflicts_with = "all_dead")]
    ids: Vec<u64>,
    /// Everything that was given up and is not told again already
    #[arg(long)]
    all_dead: bool,
    /// Of this receiver alone
    #[arg(long, value_name = "NAME", requires = "all_dead")]
    receiver: Option<String>,
    /// Given up within this time alone, as in 2d
    #[arg(long, value_name = "LENGTH", requires = "all_dead", value_parser = length)]
    since: Option<Duration>,
    /// Send again what was not given up, too
    #[arg(long, conflicts_with = "all_dead")]
    force: bool,
    /// Print JSON for programs
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(settings: &Settings, arguments: &DeliveryArguments) -> anyhow::Result<u8> {
    match &arguments.command {
        None => list(settings, &arguments.list),
        Some(DeliveryCommand::List(arguments)) => list(settings, arguments),
        Some(DeliveryCommand::Show(arguments)) => show(settings, arguments),
        Some(DeliveryCommand::Resend(arguments)) => resend(settings, arguments).await,
    }
}

fn list(settings: &Settings, arguments: &ListArguments) -> anyhow::Result<u8> {
    let state = match (arguments.dead, arguments.waiting) {
        (true, _) => Some(DeliveryState::Dead),
        (_, true) => Some(DeliveryState::Waiting),
        _ => None,
    };
    let (alert, receiver, limit) = (arguments.alert, arguments.receiver.clone(), arguments.limit);
    let rows = reader(settings)?.find_deliveries(&DeliveryFilter { id: None, alert, state, receiver, limit })?;
    if arguments.json {
        json(&rows)?;
    } else if rows.is_empty() {
        text("There is no such message.\n")?;
    } else {
        text(&rows_of(&rows))?;
    }
    Ok(FINE)
}

fn rows_of(rows: &[DeliveryRow]) -> String {
    let rows = rows.iter().map(|row| {
        let state = match row.state {
            DeliveryState::Waiting => "waiting",
            DeliveryState::Delivered => "delivered",
            DeliveryState::Dead => "given up",
            DeliveryState::Superseded => "superseded",
        };
        let alerts: Vec<String> = row.alerts.iter().map(u64::to_string).collect();
        vec![
            row.id.to_string(),
            instant(row.due),
            row.receiver.clone(),
            row.channel.kind().to_owned(),
            alerts.join(", "),
            state.to_owned(),
            row.attempts.to_string(),
            row.last_error.as_deref().map(printable).unwrap_or_default(),
        ]
    });
    table(&["ID", "DUE", "RECEIVER", "CHANNEL", "ALERTS", "STATE", "ATTEMPTS", "LAST ERROR"], rows.collect())
}

/// A message and its attempts.
#[derive(Serialize)]
pub(super) struct Told {
    #[serde(flatten)]
    row: DeliveryRow,
    history: Vec<AttemptRow>,
}

impl Told {
    pub(super) fn of(store: &dyn Store, row: DeliveryRow) -> anyhow::Result<Self> {
        let history = store.attempts(row.id)?;
        Ok(Self { row, history })
    }

    /// What a message came to, in words.
    pub(super) fn in_words(&self, out: &mut String) {
        let Self { row, history } = self;
        let state = match row.state {
            DeliveryState::Delivered => format!("delivered {}", row.delivered_at.map(instant).unwrap_or_default()),
            DeliveryState::Dead => "given up".to_owned(),
            DeliveryState::Superseded => match row.superseded_by {
                Some(by) => format!("not sent: message {by} tells it"),
                None => {
                    let why = row.last_error.as_deref().map(printable);
                    format!("not sent: {}", why.as_deref().unwrap_or("a newer message took its place"))
                }
            },
            DeliveryState::Waiting => {
                format!("waiting, next attempt {}", row.next_attempt_at.map(instant).unwrap_or_default())
            }
        };
        let _ = writeln!(
            out,
            "  {}  message {} to {} by {}: {state}, {}",
            instant(row.due),
            row.id,
            row.receiver,
            row.channel.kind(),
            counted(row.attempts as usize, "attempt")
        );
        if is_rest(&row.key) {
            let _ =
                writeln!(out, "      for {} alone, where it did not arrive with the others", row.channel.destination());
        }
        if let Some(of) = row.stands_in_for {
            let _ = writeln!(out, "      in place of message {of}, whose receiver could not be reached");
        }
        if let Some(from) = row.resent_from {
            let _ = writeln!(out, "      sent again by hand; before, it was message {from}");
        }
        for attempt in history {
            let _ = writeln!(out, "      {}. {} {}", attempt.number, instant(attempt.at), came_to(attempt));
        }
        let recorded = history.last().map_or(0, |attempt| attempt.number);
        // Attempts of an older version are counted and not recorded.
        let all_recorded = recorded > 0 || row.attempts == 1;
        if row.attempts > recorded && all_recorded && row.state == DeliveryState::Waiting {
            let _ = writeln!(out, "      {}. under way", row.attempts);
        }
        // What attempts do not tell, as of a message that could not be read back.
        if let Some(error) = row.last_error.as_deref().filter(|_| history.is_empty()) {
            let _ = writeln!(out, "      {}", printable(error));
        }
    }
}

/// The messages about an alert, newest first, each with its attempts.
pub(super) fn deliveries_of(store: &dyn Store, alert: u64) -> anyhow::Result<Vec<Told>> {
    store.deliveries(Some(alert), None, 100)?.into_iter().map(|row| Told::of(store, row)).collect()
}

fn came_to(attempt: &AttemptRow) -> String {
    let after = format!("after {}.{:01} s", attempt.took / 1000, attempt.took % 1000 / 100);
    let answer = printable(&attempt.answer);
    match attempt.outcome {
        AttemptOutcome::Accepted => format!("accepted {after}: {answer}"),
        AttemptOutcome::PutOff => format!("failed {after}, to be tried again: {answer}"),
        AttemptOutcome::GivenUp => format!("failed for good {after}: {answer}"),
        AttemptOutcome::Unknown => "the daemon ended before the answer came, so it may have arrived".to_owned(),
    }
}

fn show(settings: &Settings, arguments: &ShowArguments) -> anyhow::Result<u8> {
    let store = reader(settings)?;
    let filter = DeliveryFilter { id: Some(arguments.id), limit: 1, ..DeliveryFilter::default() };
    let Some(row) = store.find_deliveries(&filter)?.pop() else {
        eprintln!("pulsewarden: there is no message {}; `pulsewarden deliveries` lists them", arguments.id);
        return Ok(WRONG);
    };
    let alerts: Vec<String> = row.alerts.iter().map(u64::to_string).collect();
    let told = Told::of(&store, row)?;
    if arguments.json {
        json(&told)?;
    } else {
        let mut out = String::new();
        told.in_words(&mut out);
        if !alerts.is_empty() {
            let _ = writeln!(out, "      about alerts {}", alerts.join(", "));
        }
        text(&out)?;
    }
    Ok(FINE)
}

async fn resend(settings: &Settings, arguments: &ResendArguments) -> anyhow::Result<u8> {
    let asked = Resend {
        ids: arguments.ids.clone(),
        receiver: arguments.receiver.clone(),
        within: arguments.since,
        force: arguments.force,
    };
    let client = AdminClient::new(&settings.admin.socket)?;
    let sent: Vec<Resent> = match client.post("/api/v1/deliveries/resend", &asked).await {
        Ok(sent) => sent,
        Err(ClientError::Refused(why)) => {
            eprintln!("pulsewarden: nothing is sent again: {why}");
            return Ok(WRONG);
        }
        Err(error) => return Err(error.into()),
    };
    if arguments.json {
        json(&sent)?;
    } else if sent.is_empty() {
        text("Nothing was given up that is not told again already.\n")?;
    } else {
        let lines = sent.iter().map(|Resent { from, id }| format!("Message {from} is sent again as message {id}.\n"));
        text(&lines.collect::<String>())?;
    }
    Ok(FINE)
}
