//! `audit`: who did what, and how.

use clap::Args;

use super::output::{instant, json, printable, table, text};
use super::{FINE, reader};
use crate::config::Settings;
use crate::engine::Action;
use crate::store::Store;

#[derive(Debug, Args)]
pub struct AuditArguments {
    /// What was done about this alert alone
    #[arg(long, value_name = "ALERT")]
    alert: Option<u64>,
    /// Show what was written, too; it may name people
    #[arg(long)]
    phi: bool,
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
    /// Print JSON for programs
    #[arg(long)]
    json: bool,
}

pub(super) fn run(settings: &Settings, arguments: &AuditArguments) -> anyhow::Result<u8> {
    let mut actions = reader(settings)?.actions(arguments.alert, arguments.limit)?;
    if !arguments.phi {
        for action in actions.iter_mut().filter(|action| action.act == "note") {
            "[hidden]".clone_into(&mut action.detail);
        }
    }
    if arguments.json {
        json(&actions)?;
        return Ok(FINE);
    }
    if actions.is_empty() {
        text(match arguments.alert {
            Some(_) => "Nobody has done anything about this alert.\n",
            None => "Nobody has done anything yet.\n",
        })?;
        return Ok(FINE);
    }
    let row = |action: &Action| {
        let about = match (action.alert, action.silence) {
            (Some(alert), _) => format!("alert {alert}"),
            (None, Some(silence)) => format!("silence {silence}"),
            (None, None) => String::new(),
        };
        let detail = if action.done { action.detail.clone() } else { "came too late: it had ended".to_owned() };
        vec![
            instant(action.at),
            printable(&action.by.name),
            printable(&action.by.via),
            action.act.clone(),
            about,
            printable(&detail),
        ]
    };
    text(&table(&["TIME", "WHO", "HOW", "WHAT", "ABOUT", "DETAIL"], actions.iter().map(row).collect()))?;
    Ok(FINE)
}
