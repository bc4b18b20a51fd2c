//! `pulsewarden demo`: the real daemon, with stand-ins for Impilo, a mail server and Slack around it.

mod cast;
pub mod mail_catcher;
mod show;
pub mod slack_stand_in;
mod stage;
mod story;

use std::collections::BTreeMap;
use std::fs;
use std::io::{IsTerminal, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use secrecy::SecretString;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::{Email, SecretRef, Settings, Storage};
use crate::simulate::Plan;
use crate::simulate::account::{Options, Pace, StandIn};
use mail_catcher::MailCatcher;
use slack_stand_in::SlackStandIn;
use stage::{Caught, Stage};

/// The secrets of the demo; they guard loopback ports for a minute.
const SECRET: &str = "demo-secret";
const API_KEY: &str = "demo-key";

/// How many devices the invented account has.
const DEVICES: u64 = 1000;

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
    let (catcher, mails) = MailCatcher::start().await.context("the mail catcher cannot listen")?;
    let (slack, messages) = SlackStandIn::start().context("the Slack stand-in cannot listen")?;
    let stand_in = StandIn::start(account(), loopback(0)?, None).context("the stand-in for Impilo cannot start")?;
    // Impilo is told this address before the daemon runs for the first time, and it is the same after its absence.
    let address = loopback(port)?.local_addr().context("a port of the loopback cannot be told")?;
    let settings = settings(&folder.0, address, &stand_in, &catcher, &slack)?;
    let mut stage = Stage::new(settings, stand_in, Caught { mails, messages }, story::BEGIN, speed);
    let closed = stage.show.closed();
    let url = format!("http://{address}/webhooks/impilo");
    let stays = keep || (std::io::stdin().is_terminal() && std::io::stdout().is_terminal());
    let outcome = tokio::select! {
        outcome = play(&mut stage, &url, stays) => outcome,
        () = closed.cancelled() => Ok(()),
        () = signals.any() => Ok(()),
    };
    stage.stop().await;
    stage.stand_in.stop().await.context("the stand-in for Impilo cannot stop")?;
    slack.stop().await;
    outcome
}

async fn play(stage: &mut Stage, url: &str, stays: bool) -> anyhow::Result<()> {
    stage.show.title("Pulsewarden demo");
    stage.show.tell(&format!(
        "The real program runs here, with stand-ins for Impilo ({DEVICES} devices of invented patients), a mail server and Slack \
         around it. Nothing leaves this machine, and nothing stays on it. The story takes about a minute, and plays on Monday, \
         5 January 2026; times are UTC.\n\
         → is what Impilo sends, ! what Pulsewarden decides about it, # and ✉ are what it tells people."
    ));
    story::tell(stage).await?;
    if stays {
        stage.show.tell("\nPulsewarden stays up until Ctrl-C. Tell it of a low battery yourself:");
        stage.show.curl(url, SECRET);
        stage.stay().await;
    }
    Ok(())
}

/// The invented account. The same seed and begin bring the same fleet, and the same morning.
fn account() -> Options {
    let plan = Plan { seed: 1, devices: DEVICES, days: 365, begin: story::BEGIN };
    Options { api_key: API_KEY.to_owned(), secret: Some(SECRET.to_owned()), ..Options::new(plan, Pace::ByHand) }
}

fn loopback(port: u16) -> anyhow::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .with_context(|| format!("the port {port} of the loopback cannot be opened; choose another with --port"))
}

fn settings(
    folder: &Path,
    address: SocketAddr,
    stand_in: &StandIn,
    catcher: &MailCatcher,
    slack: &SlackStandIn,
) -> anyhow::Result<Settings> {
    let rules = folder.join("rules");
    fs::create_dir_all(&rules).context("the folder of the demo's rules cannot be made")?;
    for (name, text) in SHIPPED_RULES.iter().chain([&("demo.yaml", RULES)]) {
        fs::write(rules.join(name), text).context("the demo's rules cannot be written")?;
    }
    let mut settings = Settings {
        listen: address,
        public_url: Some(format!("http://{address}")),
        storage: Storage::Sqlite(folder.join("pulsewarden.db")),
        rules,
        library: None,
        ..Settings::default()
    };
    settings.admin.socket = folder.join("admin.sock");
    settings.impilo.webhook_secrets = vec![SecretRef::Literal(SecretString::from(SECRET))];
    settings.impilo.api = format!("http://{}", stand_in.address());
    settings.impilo.api_key = Some(SecretRef::Literal(SecretString::from(API_KEY)));
    // The stand-in has time, and the reader has not.
    settings.impilo.requests_per_minute = 6000;
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
