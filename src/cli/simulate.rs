//! `simulate`: a stand-in for Impilo with an invented fleet.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::net::{SocketAddr, TcpListener};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use chrono::{DateTime, Datelike, Utc};
use clap::{Args, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};

use super::output::{Progress, counted, text};
use super::{FINE, WRONG, runtime};
use crate::config::parse_duration;
use crate::engine::Timestamp;
use crate::simulate::Plan;
use crate::simulate::account::{LogPayload, Options, Pace, Quirks, StandIn, Stretch, stream};

/// Years in which a history may begin: those that webhooks can name to the last of its days.
const YEARS: RangeInclusive<i32> = 1970..=2999;

/// Devices of a fleet.
const MOST_DEVICES: u64 = 1_000_000;

#[derive(Debug, Args)]
pub struct SimulateArguments {
    /// Where the stand-in listens
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
    /// Write the history to this file, one envelope a line, and end; - is the standard output
    ///
    /// It is what a receiver gets that takes everything, in the form that backtest --events reads.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["listen", "speed", "by_hand", "api_key", "secret", "subscribe", "once", "api_down", "log_payload"]
    )]
    out: Option<PathBuf>,
    /// End once the history is told and nothing is left to send
    #[arg(long)]
    once: bool,
    /// Another seed is another history
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How many devices there are
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = devices)]
    devices: u64,
    /// How many days are told
    #[arg(long, value_name = "N", default_value_t = 30)]
    days: u32,
    /// When the history begins, as in 2026-01-05T00:00:00Z; now by default
    #[arg(long, value_name = "TIME", value_parser = time)]
    begin: Option<Timestamp>,
    /// Let time pass this many times faster
    ///
    /// Its clock is soon ahead of that of a daemon beside it, which then says so; there take more devices instead.
    #[arg(long, value_name = "N", default_value_t = 1.0, value_parser = speed, conflicts_with = "by_hand")]
    speed: f64,
    /// Let time stand still until POST /simulate/clock moves it
    #[arg(long)]
    by_hand: bool,
    /// What the header Impilo-API-Key must hold
    #[arg(long, value_name = "KEY", default_value = "simulated-key")]
    api_key: String,
    /// The webhook secret that the account has at first; none by default
    #[arg(long, value_name = "SECRET")]
    secret: Option<String>,
    /// Send every type of webhook to this URL from the start on
    #[arg(long, value_name = "URL", value_parser = web_address)]
    subscribe: Option<String>,
    /// Write what goes wrong in the fleet to this file, one line of JSON for each; - is the standard output
    #[arg(long, value_name = "FILE")]
    truth: Option<PathBuf>,
    /// Webhooks under way at once, at most
    #[arg(long, value_name = "N", default_value_t = 16)]
    parallel: usize,
    /// How long an answer to a webhook is waited for
    #[arg(long, value_name = "LENGTH", default_value = "10s", value_parser = length)]
    patience: Duration,
    /// For how long the log keeps its rows
    #[arg(long, value_name = "LENGTH", default_value = "7d", value_parser = length)]
    log_for: Duration,
    /// How many rows the log keeps at most; one that may yet be sent again stays in any case
    #[arg(long, value_name = "N", default_value_t = 500_000)]
    log_rows: usize,
    #[command(flatten)]
    quirks: QuirkArguments,
}

/// [`LogPayload`] on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    /// The whole envelope
    Envelope,
    /// The envelope's payload
    Payload,
    /// With single quotes, which is no JSON
    SingleQuotes,
    /// Cut off in the middle
    Cut,
    /// Another of these from row to row
    Mixed,
}

impl From<Form> for LogPayload {
    fn from(form: Form) -> Self {
        match form {
            Form::Envelope => Self::Envelope,
            Form::Payload => Self::Payload,
            Form::SingleQuotes => Self::SingleQuotes,
            Form::Cut => Self::Cut,
            Form::Mixed => Self::Mixed,
        }
    }
}

#[derive(Debug, Args)]
#[command(next_help_heading = "What goes wrong")]
struct QuirkArguments {
    /// The share of attempts whose answer is lost, so that what was taken comes again
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    duplicates: f64,
    /// The share of attempts that later ones overtake
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    reordered: f64,
    /// The share of webhooks that are sent late
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    late: f64,
    /// How late at most
    #[arg(long, value_name = "LENGTH", default_value = "2h", value_parser = length)]
    late_by: Duration,
    /// Send retries in batches this far apart, so that they come later than documented
    #[arg(long, value_name = "LENGTH", value_parser = length)]
    batch: Option<Duration>,
    /// The share of attempts with a secret that is not the account's
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    wrong_secrets: f64,
    /// The share of webhooks that are written in odd ways that Impilo's documents show
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    odd: f64,
    /// When nothing is delivered, counted from the begin, as in 2h..6h
    #[arg(long, value_name = "FROM..UNTIL", value_parser = stretch)]
    undelivered: Vec<Stretch>,
    /// When the API answers 503, counted from the begin, as in 2h..3h
    #[arg(long, value_name = "FROM..UNTIL", value_parser = stretch)]
    api_down: Vec<Stretch>,
    /// What the log tells as payload
    #[arg(long, value_name = "FORM", value_enum, default_value_t = Form::Envelope)]
    log_payload: Form,
}

pub(super) fn run(arguments: &SimulateArguments) -> anyhow::Result<u8> {
    let options = arguments.options();
    if arguments.out.is_some() && is_one_file(arguments.out.as_deref(), arguments.truth.as_deref()) {
        bail!("--out and --truth name the same file, and one would overwrite the other; name two");
    }
    let truths = arguments.truth.as_deref().map(file).transpose()?;
    match &arguments.out {
        Some(path) => write(path, &options, truths),
        None => runtime()?.block_on(serve(arguments, options, truths)),
    }
}

/// Writes the history to a file.
fn write(path: &Path, options: &Options, truths: Option<Box<dyn Write + Send>>) -> anyhow::Result<u8> {
    let mut out = file(path)?;
    let plan = options.plan;
    let length = f64::from(plan.days.max(1)) * 86_400.0;
    let mut progress = Progress::new();
    let written = stream(options, &mut *out, truths, &mut |at| {
        progress.show(at.since(plan.begin).as_secs_f64() / length, at);
    });
    progress.clear();
    written.map_err(anyhow::Error::from).context("the history cannot be written")?;
    Ok(FINE)
}

async fn serve(
    arguments: &SimulateArguments,
    options: Options,
    truths: Option<Box<dyn Write + Send>>,
) -> anyhow::Result<u8> {
    let listener = TcpListener::bind(arguments.listen)
        .with_context(|| format!("{} cannot be listened on; name another with --listen", arguments.listen))?;
    let mut terminate = signal(SignalKind::terminate()).context("signals cannot be awaited")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("signals cannot be awaited")?;
    let stand_in = StandIn::start(options, listener, truths).context("the stand-in cannot start")?;
    text(&format!("the stand-in listens on http://{}\n", stand_in.address()))?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = stand_in.ended(), if arguments.once => {}
    }
    let (tally, refused) = stand_in.stop().await.context("the file of truths cannot be written")?;
    let mut said = format!(
        "{} told; {} attempts, {} delivered, {} refused, {} without an answer, {} given up; {} of {} refused\n",
        counted(count(tally.told), "event"),
        tally.attempts,
        tally.delivered + tally.unanswered,
        tally.refused,
        tally.unreached,
        tally.given_up,
        tally.refused_requests,
        counted(count(tally.requests), "request"),
    );
    for one in &refused {
        said += &format!("refused {} {} with {}: {}\n", one.method, one.path, one.status, one.reason);
    }
    text(&said)?;
    Ok(if refused.is_empty() { FINE } else { WRONG })
}

fn count(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn file(path: &Path) -> anyhow::Result<Box<dyn Write + Send>> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(BufWriter::with_capacity(1 << 16, std::io::stdout())));
    }
    let file = File::create(path).with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(Box::new(BufWriter::with_capacity(1 << 16, file)))
}

/// Whether both name one file, by whatever way.
fn is_one_file(one: Option<&Path>, other: Option<&Path>) -> bool {
    let (Some(one), Some(other)) = (one, other) else { return false };
    let whole = |path: &Path| {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let of_folder = || Some(folder.canonicalize().ok()?.join(path.file_name()?));
        path.canonicalize().ok().or_else(of_folder)
    };
    one == other || whole(one).is_some_and(|one| whole(other) == Some(one))
}

impl SimulateArguments {
    fn options(&self) -> Options {
        let begin = self.begin.unwrap_or_else(|| Timestamp::from(Utc::now()));
        let plan = Plan { seed: self.seed, devices: self.devices, days: self.days, begin };
        let quirks = &self.quirks;
        Options {
            api_key: self.api_key.clone(),
            secret: self.secret.clone(),
            subscribe: self.subscribe.clone(),
            parallel: self.parallel,
            patience: self.patience,
            log_for: self.log_for,
            log_rows: self.log_rows,
            quirks: Quirks {
                duplicates: quirks.duplicates,
                reordered: quirks.reordered,
                late: quirks.late,
                late_by: quirks.late_by,
                batch: quirks.batch.unwrap_or_default(),
                wrong_secrets: quirks.wrong_secrets,
                odd: quirks.odd,
                undelivered: quirks.undelivered.clone(),
                api_down: quirks.api_down.clone(),
                log_payload: quirks.log_payload.into(),
            },
            ..Options::new(plan, if self.by_hand { Pace::ByHand } else { Pace::Times(self.speed) })
        }
    }
}

fn time(text: &str) -> Result<Timestamp, String> {
    let at = DateTime::parse_from_rfc3339(text).map_err(|_| "a time as in 2026-01-05T00:00:00Z".to_owned())?;
    if !YEARS.contains(&at.year()) {
        return Err(format!("a time from {} to {}", YEARS.start(), YEARS.end()));
    }
    Ok(Timestamp(at.timestamp_millis()))
}

/// As many as can be held: a fleet of this size takes some gigabytes.
pub(super) fn devices(text: &str) -> Result<u64, String> {
    let devices = text.parse().ok().filter(|devices| (1..=MOST_DEVICES).contains(devices));
    devices.ok_or_else(|| format!("a number from 1 to {MOST_DEVICES}"))
}

fn web_address(text: &str) -> Result<String, String> {
    let url = reqwest::Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.map(|_| text.to_owned()).ok_or_else(|| "an address as in http://127.0.0.1:8080/webhooks/impilo".to_owned())
}

fn length(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "a length as in 10s, 15m, 2h or 7d".to_owned())
}

fn speed(text: &str) -> Result<f64, String> {
    let speed = text.parse::<f64>().ok().filter(|speed| (0.01..=1e7).contains(speed));
    speed.ok_or_else(|| "a number from 0.01 to 10000000".to_owned())
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "a share from 0 to 1".to_owned())
}

fn stretch(text: &str) -> Result<Stretch, String> {
    let ends = text.split_once("..").and_then(|(from, until)| parse_duration(from).zip(parse_duration(until)));
    let ends = ends.filter(|(from, until)| from < until);
    ends.map(|(from, until)| Stretch { from, until }).ok_or_else(|| "two lengths as in 2h..6h".to_owned())
}
