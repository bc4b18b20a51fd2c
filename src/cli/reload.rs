//! `reload`: lets the running daemon read configuration and rules again.

use super::FINE;
use super::output::text;
use crate::api::client::AdminClient;
use crate::config::Settings;

pub(super) async fn run(settings: &Settings) -> anyhow::Result<u8> {
    let client = AdminClient::new(&settings.admin.socket)?;
    let _: serde_json::Value = client.post("/api/v1/reload", &serde_json::json!({})).await?;
    text("Configuration and rules were read again and come into force.\n")?;
    Ok(FINE)
}
