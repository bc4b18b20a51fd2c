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
    let by =
        std::env::var("SUDO_USER").or_else(|_| std::env::var("USER")).unwrap_or_else(|_| "an administrator".to_owned());
    // The command line asks for one of the two.
    let receiver = arguments.receiver.clone().or_else(|| arguments.named.clone()).unwrap_or_default();
    let request = TestRequest { receiver, by };
    let client = AdminClient::new(&settings.admin.socket)?;
    let results: Vec<TestResult> = client.post("/api/v1/notifications/test", &request).await?;
    let well = results.iter().all(|result| result.state == "delivered");
    if arguments.json {
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
