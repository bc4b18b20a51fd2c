//! `deliveries`: every message and where it stands.

use clap::Args;

use super::output::{instant, json, printable, table, text};
use super::{FINE, reader};
use crate::config::Settings;
use crate::store::{DeliveryRow, DeliveryState, Store};

#[derive(Debug, Args)]
pub struct DeliveryArguments {
    /// Those given up alone
    #[arg(long, conflicts_with = "waiting")]
    dead: bool,
    /// Those still to be delivered alone
    #[arg(long)]
    waiting: bool,
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

pub(super) fn run(settings: &Settings, arguments: &DeliveryArguments) -> anyhow::Result<u8> {
    let state = match (arguments.dead, arguments.waiting) {
        (true, _) => Some(DeliveryState::Dead),
        (_, true) => Some(DeliveryState::Waiting),
        _ => None,
    };
    let rows = reader(settings)?.deliveries(arguments.alert, state, arguments.limit)?;
    if arguments.json {
        json(&rows)?;
    } else if rows.is_empty() {
        text("There is no such message.\n")?;
    } else {
        text(&list(&rows))?;
    }
    Ok(FINE)
}

fn list(rows: &[DeliveryRow]) -> String {
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
