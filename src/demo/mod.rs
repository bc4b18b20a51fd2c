//! `pulsewarden demo`: a small fleet, a mail catcher and a Slack stand-in around the real daemon.

pub mod fleet;
pub mod mail_catcher;
mod show;
pub mod slack_stand_in;

use std::collections::BTreeMap;
use std::fs;
use std::io::{IsTerminal, Read};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use chrono::Utc;
use secrecy::SecretString;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::{Email, SecretRef, Settings, Storage};
use crate::daemon::Daemon;
use mail_catcher::MailCatcher;
use show::Show;
use slack_stand_in::SlackStandIn;

/// The secret of the demo; it guards a loopback port for a minute.
const SECRET: &str = "demo-secret";

/// How long the last messages are waited for.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// Receivers and route of the demo: everything at once, one message for each alert.
const RULES: &str = include_str!("rules.yaml");

/// Runs the demo. It tells its story `speed` times faster, then ends, or stays where somebody watches or `keep` is set.
///
/// # Errors
/// When a port or the temporary folder cannot be made, or the daemon does not start.
pub async fn run(port: u16, keep: bool, speed: f64) -> anyhow::Result<()> {
    // From here on a signal ends the demo and not the process, so that nothing stays behind.
    let mut signals = Signals::new()?;
    let folder = Folder::new()?;
    let (catcher, mut mails) = MailCatcher::start().await.context("the mail catcher cannot listen")?;
    let (slack, mut messages) = SlackStandIn::start().context("the Slack stand-in cannot listen")?;
    let settings = settings(&folder.0, port, &catcher, &slack)?;
    let show = Show::new();
    let daemon = Daemon::start(settings, None).await?;
    let url = format!("http://{}/webhooks/impilo", daemon.address());
    show.welcome(&url, SECRET);
    let client = reqwest::Client::new();
    let now = Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    let moments = fleet::story(&now, Utc::now().timestamp());
    let stays = keep || (std::io::stdin().is_terminal() && std::io::stdout().is_terminal());

    let told = async {
        for moment in &moments {
            tokio::time::sleep(moment.after.div_f64(speed)).await;
            if show.is_closed() {
                return Ok(());
            }
            let posted = client
                .post(&url)
                .header("Impilo-Webhook-Secret", SECRET)
                .json(&moment.body)
                .send()
                .await
                .context("the webhook of the demo could not be posted")?;
            show.event(moment, posted.status().as_u16());
        }
        tokio::time::sleep(LAST_WORDS).await;
        show.summary(daemon.shared())?;
        if stays {
            show.staying(&url, SECRET);
            std::future::pending::<()>().await;
        }
        anyhow::Ok(())
    };
    let watching = async {
        let mut transitions = show::Moves::default();
        let mut tick = tokio::time::interval(Duration::from_millis(100));
        loop {
            tokio::select! {
                biased;
                _ = tick.tick() => transitions.show_new(&show, daemon.shared()),
                Some(mail) = mails.recv() => {
                    transitions.show_new(&show, daemon.shared());
                    show.mail(&mail);
                }
                Some(message) = messages.recv() => {
                    transitions.show_new(&show, daemon.shared());
                    show.slack(&message);
                }
            }
        }
    };
    let outcome = tokio::select! {
        outcome = told => outcome,
        never = watching => never,
        () = signals.any() => Ok(()),
    };
    daemon.stop().await;
    slack.stop().await;
    outcome
}

fn settings(folder: &Path, port: u16, catcher: &MailCatcher, slack: &SlackStandIn) -> anyhow::Result<Settings> {
    let rules = folder.join("rules");
    fs::create_dir_all(&rules).context("the folder of the demo's rules cannot be made")?;
    for (name, text) in SHIPPED_RULES.iter().chain([&("demo.yaml", RULES)]) {
        fs::write(rules.join(name), text).context("the demo's rules cannot be written")?;
    }
    let mut settings = Settings {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        storage: Storage::Sqlite(folder.join("pulsewarden.db")),
        rules,
        library: None,
        ..Settings::default()
    };
    settings.admin.socket = folder.join("admin.sock");
    settings.impilo.webhook_secrets = vec![SecretRef::Literal(SecretString::from(SECRET))];
    settings.email = Some(Email {
        smtp: catcher.url(),
        username: None,
        password: None,
        ca_file: None,
        from: "Pulsewarden <alerts@clinic.example>".to_owned(),
        timeout: Duration::from_secs(10),
    });
    settings.slack.webhooks =
        BTreeMap::from([("device-alerts".to_owned(), SecretRef::Literal(SecretString::from(slack.url())))]);
    Ok(settings)
}

/// The shipped rule files.
const SHIPPED_RULES: &[(&str, &str)] = &[
    ("association.yaml", include_str!("../../rules/association.yaml")),
    ("battery.yaml", include_str!("../../rules/battery.yaml")),
    ("calendar.yaml", include_str!("../../rules/calendar.yaml")),
    ("orders.yaml", include_str!("../../rules/orders.yaml")),
    ("returns.yaml", include_str!("../../rules/returns.yaml")),
    ("signal.yaml", include_str!("../../rules/signal.yaml")),
    ("silence.yaml", include_str!("../../rules/silence.yaml")),
    ("stock.yaml", include_str!("../../rules/stock.yaml")),
    ("tickets.yaml", include_str!("../../rules/tickets.yaml")),
    ("use.yaml", include_str!("../../rules/use.yaml")),
];

/// What asks the demo to end: a service manager or `kill`, Ctrl-C, a terminal that is closed.
struct Signals([Signal; 3]);

impl Signals {
    fn new() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("signals cannot be awaited");
        Ok(Self([listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?, listen(SignalKind::hangup())?]))
    }

    async fn any(&mut self) {
        let [terminate, interrupt, hangup] = &mut self.0;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

/// A folder that goes with the demo. Nobody else can look into it or guess its name: the folder of temporary files is shared.
struct Folder(PathBuf);

impl Folder {
    fn new() -> anyhow::Result<Self> {
        let mut chance = [0_u8; 16];
        fs::File::open("/dev/urandom")
            .and_then(|mut source| source.read_exact(&mut chance))
            .context("/dev/urandom cannot be read")?;
        let path = std::env::temp_dir().join(format!("pulsewarden-demo-{:032x}", u128::from_ne_bytes(chance)));
        fs::DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .with_context(|| format!("the folder {} cannot be made", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What stays behind in a temporary folder harms nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::SHIPPED_RULES;
    use crate::config::Bundle;

    #[test]
    fn the_demo_has_every_shipped_rule() {
        let folder = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/rules"));
        let shipped = Bundle::read(None, folder).unwrap_or_default();
        let shipped: BTreeMap<_, _> = shipped.files().iter().map(|file| (&*file.name, &*file.text)).collect();
        assert_eq!(SHIPPED_RULES.iter().copied().collect::<BTreeMap<_, _>>(), shipped);
    }
}
