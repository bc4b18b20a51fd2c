//! `notify test`: proves that a receiver is reached.

use clap::Args;

use super::output::{json, printable, table, text};
use super::{FINE, WRONG};
use crate::api::client::AdminClient;
use crate::api::{TestRequest, TestResult};
use crate::config::Settings;

#[derive(Debug, Args)]
pub struct TestArguments {
    /// The receiver, as the rule files name it
    #[arg(value_name = "RECEIVER", required_unless_present = "named", conflicts_with = "named")]
    receiver: Option<String>,
    /// The same
    #[arg(long = "receiver", value_name = "RECEIVER", hide = true)]
    named: Option<String>,
    /// Print JSON for programs
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(settings: &Settings, arguments: &TestArguments) -> anyhow::Result<u8> {
    // The command line asks for one of the two.
    let receiver = arguments.receiver.clone().or_else(|| arguments.named.clone()).unwrap_or_default();
    let request = TestRequest { receiver, by: asker() };
    let client = AdminClient::new(&settings.admin.socket)?;
    let results: Vec<TestResult> = client.post("/api/v1/notifications/test", &request).await?;
    show(results, arguments.json)
}

/// Who asks, as the message tells.
pub(super) fn asker() -> String {
    login().unwrap_or_else(|| "an administrator".to_owned())
}

/// The account that somebody is logged in with, behind `sudo` too.
pub(super) fn login() -> Option<String> {
    std::env::var("SUDO_USER").or_else(|_| std::env::var("USER")).ok()
}

/// What became of the messages, and whether all is well.
pub(super) fn show(results: Vec<TestResult>, as_json: bool) -> anyhow::Result<u8> {
    let well = results.iter().all(|result| result.state == "delivered");
    if as_json {
        json(&results)?;
    } else {
        let rows = results.into_iter().map(|result| {
            vec![
                result.channel,
                result.state,
                result.attempts.to_string(),
                result.error.as_deref().map(printable).unwrap_or_default(),
            ]
        });
        text(&table(&["CHANNEL", "RESULT", "ATTEMPTS", "ERROR"], rows.collect()))?;
    }
    Ok(if well { FINE } else { WRONG })
}
