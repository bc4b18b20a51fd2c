//! `doctor`: what is wrong between the daemon and its account at Impilo, and what to do.

use super::output::{json, printable, text};
use super::{FINE, Json, WRONG};
use crate::account::doctor::{Report, Verdict};
use crate::api::client::AdminClient;
use crate::config::Settings;

pub(super) async fn run(settings: &Settings, how: Json) -> anyhow::Result<u8> {
    let client = AdminClient::patient(&settings.admin.socket)?;
    let report: Report = client.post("/api/v1/impilo/doctor", &serde_json::json!({})).await?;
    if how.json {
        json(&report)?;
    } else {
        text(&told(&report))?;
    }
    Ok(if report.is_fine() { FINE } else { WRONG })
}

fn told(report: &Report) -> String {
    let mut out = String::new();
    for check in &report.checks {
        let word = match check.verdict {
            Verdict::Fine => "ok     ",
            Verdict::Wrong => "wrong  ",
            Verdict::Unknown => "unknown",
        };
        out += &format!("{word}  {}: {}\n", check.name, printable(&check.found));
        if let Some(advice) = &check.advice {
            out += &format!("         -> {}\n", printable(advice));
        }
    }
    out += if report.is_fine() {
        "\nAll is well with Impilo.\n"
    } else {
        "\nSomething is to be done, or could not be looked at.\n"
    };
    out
}
