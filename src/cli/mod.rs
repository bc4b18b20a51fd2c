//! The command line.

mod alerts;
mod audit;
mod backtest;
mod check;
mod deliveries;
mod devices;
mod digest;
mod doctor;
mod events;
mod explain;
mod held;
mod impilo;
mod notify;
mod output;
mod people;
mod preview;
mod record;
mod recover;
mod reload;
mod routes;
mod schema;
mod score;
mod serve;
mod silence;
mod simulate;
mod status;
mod test;
mod tried;
mod words;

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::config::{Settings, Storage, load_settings};
use crate::daemon::StartError;
use crate::store::sqlite::Sqlite;

/// Everything is well.
const FINE: u8 = 0;
/// The command found something wrong.
const WRONG: u8 = 1;
/// The command cannot know what is meant.
const USED_WRONGLY: u8 = 2;
/// The daemon cannot start before somebody changes something.
const MISCONFIGURED: u8 = 78;

/// Watches connected medical devices through Impilo's webhooks and tells the right people.
///
/// Pulsewarden receives what Impilo reports about devices, orders and returns, keeps it, evaluates the rule files that
/// care-operations people edit, and sends alerts by mail and Slack, and digests on a schedule.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Exit codes: 0 fine, 1 something is wrong, 2 used wrongly, 78 cannot start before somebody changes something.\n\nStart with: pulsewarden demo"
)]
pub struct Arguments {
    /// The configuration file.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "PULSEWARDEN_CONFIG",
        default_value = "/etc/pulsewarden/pulsewarden.yaml"
    )]
    config: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the daemon
    ///
    /// Receives webhooks until SIGTERM or SIGINT. A changed configuration and changed rule files come into force by themselves;
    /// SIGHUP reads them again at once. Bad rule files never keep it from receiving: the last good ones serve. Exit code 78 means that somebody must change something first: there is no
    /// secret, the configuration cannot be used, or the store may not be used or is a newer version's. What may pass by
    /// itself, as a full disk or a port in use, ends it with exit code 1, so that the service manager tries again.
    Serve,
    /// Let the running daemon read configuration and rules again; exit code 1 where they cannot be used
    ///
    /// What changes comes into force by itself; this does not wait, and says how it went. Bad files change nothing: what served
    /// before serves on.
    Reload,
    /// Show what Pulsewarden does, on a day with invented devices; needs no configuration, network or account
    Demo(DemoArguments),
    /// How the daemon is doing, on one screen; exit code 1 where something is wrong
    Status(Json),
    /// Check configuration and rule files; shows every problem at once
    ///
    /// Exit code 1 where there is an error; warnings alone are fine.
    #[command(
        after_help = "Examples:\n  pulsewarden check\n  pulsewarden check --rules ./rules      # rule files alone, without a configuration"
    )]
    Check(check::CheckArguments),
    /// Show the tree of routes, and who would be told of an alert
    #[command(
        after_help = "Examples:\n  pulsewarden routes\n  pulsewarden routes test severity=critical \"site=North Clinic\"\n  pulsewarden routes test --rules ./rules area=it"
    )]
    Routes(routes::RoutesArguments),
    /// Run the test cases beside the rules: invented events, and which alerts and messages must come of them
    ///
    /// Exit code 1 where something is not as a test expects, or cannot be read; 2 where there is nothing to test.
    #[command(
        after_help = "Examples:\n  pulsewarden test\n  pulsewarden test ./rules --coverage\n  pulsewarden test ./rules/battery.test.yaml --run critical --junit results.xml"
    )]
    Test(test::TestArguments),
    /// What rules would have made of recorded events: which alerts, when, for whom; and how another rule set differs
    ///
    /// It reads the store beside the running daemon and changes nothing. With --exit-code it ends with 1 where the two rule
    /// sets differ.
    #[command(
        after_help = "Examples:\n  pulsewarden backtest --since 30d                          # the rules in force\n  pulsewarden backtest --rules ./rules --against live\n  pulsewarden backtest --rules ./new --against ./old --events events.jsonl --json"
    )]
    Backtest(backtest::BacktestArguments),
    /// Score rules against an invented fleet: what they find of what is really wrong in it, and what they tell without a reason
    ///
    /// Every problem that the webhooks show is expected to be told, by the rules and within the time that the documentation of
    /// the shipped rules names; each one missed and each false alert is listed with its cause. Exit code 1 where less than
    /// 99 % is found or more than 1 % of the alerts is false.
    #[command(
        after_help = "Examples:\n  pulsewarden score\n  pulsewarden score --devices 10000 --days 60 --seed 7 --disturbed\n  pulsewarden score --rules ./rules --json"
    )]
    Score(score::ScoreArguments),
    /// List alerts, or show one with its moves, its evidence and where each message went
    #[command(
        after_help = "Examples:\n  pulsewarden alerts                     # open ones\n  pulsewarden alerts --all\n  pulsewarden alerts 12"
    )]
    Alerts(alerts::AlertArguments),
    /// Take alerts on: they are not repeated, and nobody else is called
    #[command(
        after_help = "Examples:\n  pulsewarden ack 4821\n  pulsewarden ack 4821 4822 --for 5d --note \"batteries are on their way\""
    )]
    Ack(people::AckArguments),
    /// Give alerts back: their receivers are told again, and escalation counts from now
    Unack(people::About),
    /// Say who is to see to alerts
    #[command(after_help = "Example:\n  pulsewarden assign 4821 --to Cleo")]
    Assign(people::AssignArguments),
    /// Write something about alerts
    #[command(after_help = "Example:\n  pulsewarden note 4821 --text \"called twice, no answer\"")]
    Note(people::NoteArguments),
    /// Say that alerts are over, whatever the devices say
    #[command(after_help = "Example:\n  pulsewarden resolve 4821 --note \"replaced on site\"")]
    Resolve(people::ResolveArguments),
    /// Tell nobody of some alerts, for a time
    #[command(
        after_help = "Examples:\n  pulsewarden silence add device=81500 --for 4h --comment \"battery change\"\n  pulsewarden silence add 'alertname=~\"Device.*\"' \"site=North Clinic\" --until-resolved --comment \"router swap\"\n  pulsewarden silence list\n  pulsewarden silence end 3"
    )]
    Silence(silence::SilenceArguments),
    /// Who did what about alerts and silences, and how
    Audit(audit::AuditArguments),
    /// Say why an alert fired and ended, or why a rule does not fire for a subject, and when it would
    ///
    /// What is told of an alert was recorded when it was decided.
    #[command(
        after_help = "Examples:\n  pulsewarden explain 12                        # an alert\n  pulsewarden explain DeviceSilent device 81500  # a rule and a subject\n  pulsewarden explain order 30188                # every rule about it"
    )]
    Explain(explain::ExplainArguments),
    /// List devices, or show one with its state, its alerts, and why rules did not fire
    Devices(devices::DeviceArguments),
    /// List events, newest first; shows no payload
    Events(events::EventArguments),
    /// List messages and where they stand, show one with each attempt, or send again what was given up
    #[command(
        after_help = "Examples:\n  pulsewarden deliveries --dead\n  pulsewarden deliveries list --receiver logistics --waiting\n  pulsewarden deliveries show 17\n  pulsewarden deliveries resend 17"
    )]
    Deliveries(deliveries::DeliveryArguments),
    /// List digests, or send one now
    #[command(after_help = "Examples:\n  pulsewarden digest list\n  pulsewarden digest send daily-device-health")]
    Digest {
        #[command(subcommand)]
        command: digest::DigestCommand,
    },
    /// Write a message to files as it would go to a receiver: the HTML and the text of the mail, the JSON for Slack
    ///
    /// It reads the configuration, the rule files and templates on disk, and the store beside the running daemon, and sends
    /// nothing.
    #[command(
        after_help = "Examples:\n  pulsewarden preview 12 --receiver logistics                  # an alert\n  pulsewarden preview daily --receiver logistics --out /tmp    # a digest\n  pulsewarden preview DeviceBatteryLow --receiver logistics    # an invented alert of a rule"
    )]
    Preview(preview::PreviewArguments),
    /// Ask Impilo, through the running daemon
    #[command(
        after_help = "Examples:\n  pulsewarden impilo webhooks list\n  pulsewarden impilo webhooks sync            # shows what is to be done\n  pulsewarden impilo webhooks sync --apply\n  pulsewarden impilo webhooks test            # proves the way from Impilo to here\n  pulsewarden impilo secret rotate\n  pulsewarden impilo recover --since 6h --dry-run"
    )]
    Impilo {
        #[command(subcommand)]
        command: ImpiloCommand,
    },
    /// Check everything between this daemon and Impilo, and say what to do; exit code 1 where something is wrong or cannot be told
    ///
    /// The key, the secret, the subscriptions and their address, rules that nothing comes for, the last webhook of each type,
    /// errors in Impilo's log, and the clocks. The daemon does the same every day, and tells `self` of what is wrong.
    Doctor(Json),
    /// Try a receiver
    Notify {
        #[command(subcommand)]
        command: NotifyCommand,
    },
    /// Play Impilo with an invented fleet: its documented interface over HTTP, and webhooks with its schedule of retries
    ///
    /// It needs no configuration. Requests that Impilo does not document are refused with a reason; at the end they are
    /// listed, and the exit code is 1 where there was one. What stands under /simulate/ is not Impilo's: there the clock is
    /// moved and the account is made to behave otherwise.
    #[command(
        after_help = "Examples:\n  pulsewarden simulate --secret s3cret --subscribe http://127.0.0.1:8080/webhooks/impilo --devices 5000\n  pulsewarden simulate --by-hand --begin 2026-01-05T00:00:00Z --truth truth.jsonl"
    )]
    Simulate(simulate::SimulateArguments),
    /// Print the JSON Schema of rule files or of their tests, by which editors complete, explain and check them
    ///
    /// The package has both beside the shipped rules.
    #[command(
        after_help = "Examples:\n  pulsewarden schema > rules.schema.json\n  pulsewarden schema tests > tests.schema.json"
    )]
    Schema(schema::SchemaArguments),
    /// Print completions for a shell
    #[command(after_help = "Example:\n  pulsewarden completions bash > /etc/bash_completion.d/pulsewarden")]
    Completions { shell: clap_complete::Shell },
    /// Print the manual page
    Man,
}

#[derive(Debug, Subcommand)]
enum ImpiloCommand {
    /// Take in from Impilo's webhook log what did not arrive; exit code 1 where rows of it cannot be read
    ///
    /// The daemon does that by itself at its start, after silence and every quarter of an hour. What is here already is left
    /// as it is. It keeps to `impilo.requests_per_minute`, so that long stretches take their time, and ends where it is
    /// interrupted; what was taken in until then stays.
    Recover(recover::RecoverArguments),
    /// The subscriptions by which Impilo sends webhooks
    Webhooks {
        #[command(subcommand)]
        command: impilo::WebhookCommand,
    },
    /// The secret that Impilo's webhooks carry
    Secret {
        #[command(subcommand)]
        command: impilo::SecretCommand,
    },
}

#[derive(Debug, Subcommand)]
enum NotifyCommand {
    /// Send a marked test message to a receiver, through the running daemon
    Test(notify::TestArguments),
}

/// How results are printed.
#[derive(Clone, Copy, Debug, Args)]
pub struct Json {
    /// Print JSON for programs
    #[arg(long)]
    json: bool,
}

/// How the demo runs.
#[derive(Debug, Args)]
pub struct DemoArguments {
    /// Where the demo listens; a free port of the loopback by default
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    port: u16,
    /// Keep running after the story until Ctrl-C, also where there is no terminal
    #[arg(long)]
    keep: bool,
    /// Tell the story this many times faster
    #[arg(long, value_name = "N", default_value_t = 1.0, value_parser = speed)]
    speed: f64,
}

fn speed(text: &str) -> Result<f64, String> {
    let speed = text.parse::<f64>().ok().filter(|speed| (0.1..=1000.0).contains(speed));
    speed.ok_or_else(|| "a number from 0.1 to 1000".to_owned())
}

/// A file that people must mend, already described.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Misconfigured(String);

/// Runs a command.
///
/// # Errors
/// When the command could not do its work.
pub fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let config = arguments.config;
    let code = match arguments.command {
        Command::Serve => serve::run(&config)?,
        Command::Reload => runtime()?.block_on(reload::run(&settings(&config)?))?,
        Command::Demo(demo) => {
            runtime()?.block_on(crate::demo::run(demo.port, demo.keep, demo.speed)).map(|()| FINE)?
        }
        Command::Status(json) => runtime()?.block_on(status::run(&settings(&config)?, json))?,
        Command::Check(check) => check::run(&config, &check)?,
        Command::Routes(routes) => routes::run(&config, &routes)?,
        Command::Test(test) => test::run(&config, &test)?,
        Command::Backtest(backtest) => backtest::run(&config, &backtest)?,
        Command::Score(score) => score::run(&config, &score)?,
        Command::Alerts(alerts) => alerts::run(&settings(&config)?, &alerts)?,
        Command::Ack(ack) => runtime()?.block_on(people::ack(&settings(&config)?, &ack))?,
        Command::Unack(about) => runtime()?.block_on(people::unack(&settings(&config)?, &about))?,
        Command::Assign(assign) => runtime()?.block_on(people::assign(&settings(&config)?, &assign))?,
        Command::Note(note) => runtime()?.block_on(people::note(&settings(&config)?, &note))?,
        Command::Resolve(resolve) => runtime()?.block_on(people::resolve(&settings(&config)?, &resolve))?,
        Command::Silence(silence) => runtime()?.block_on(silence::run(&settings(&config)?, &silence))?,
        Command::Audit(audit) => audit::run(&settings(&config)?, &audit)?,
        Command::Explain(explain) => explain::run(&settings(&config)?, &explain)?,
        Command::Devices(devices) => devices::run(&settings(&config)?, &devices)?,
        Command::Events(events) => events::run(&settings(&config)?, &events)?,
        Command::Deliveries(deliveries) => runtime()?.block_on(deliveries::run(&settings(&config)?, &deliveries))?,
        Command::Digest { command } => digest::run(&settings(&config)?, &command)?,
        Command::Preview(preview) => preview::run(&settings(&config)?, &preview)?,
        Command::Impilo { command: ImpiloCommand::Recover(recover) } => {
            runtime()?.block_on(recover::run(&settings(&config)?, &recover))?
        }
        Command::Impilo { command: ImpiloCommand::Webhooks { command } } => {
            runtime()?.block_on(impilo::webhooks(&settings(&config)?, &command))?
        }
        Command::Impilo { command: ImpiloCommand::Secret { command } } => {
            runtime()?.block_on(impilo::secret(&settings(&config)?, &command))?
        }
        Command::Doctor(json) => runtime()?.block_on(doctor::run(&settings(&config)?, json))?,
        Command::Notify { command: NotifyCommand::Test(test) } => {
            runtime()?.block_on(notify::run(&settings(&config)?, &test))?
        }
        Command::Simulate(simulate) => simulate::run(&simulate)?,
        Command::Schema(schema) => schema::run(&schema)?,
        Command::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "pulsewarden", &mut text);
            std::io::stdout().write_all(&text)?;
            FINE
        }
        Command::Man => {
            let mut text = Vec::new();
            clap_mangen::Man::new(Arguments::command()).render(&mut text)?;
            std::io::stdout().write_all(&text)?;
            FINE
        }
    };
    Ok(ExitCode::from(code))
}

/// Says what went wrong, with its causes.
pub fn print_error(error: &anyhow::Error) {
    if is_closed_pipe(error) {
        return;
    }
    eprintln!("pulsewarden: {error:#}");
}

/// The exit code of an error.
#[must_use]
pub fn exit_code(error: &anyhow::Error) -> ExitCode {
    if is_closed_pipe(error) {
        return ExitCode::from(FINE);
    }
    let misconfigured = error.downcast_ref::<Misconfigured>().is_some()
        || error.downcast_ref::<StartError>().is_some_and(StartError::needs_a_human);
    ExitCode::from(if misconfigured { MISCONFIGURED } else { WRONG })
}

/// The reader of our output has seen enough, as `head` does.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
    kind == Some(ErrorKind::BrokenPipe)
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("the runtime cannot be started")
}

/// The settings of the configuration file; every problem in it is printed.
fn settings(path: &std::path::Path) -> anyhow::Result<Settings> {
    match load_settings(path) {
        Ok((settings, _)) => Ok(settings),
        Err(problems) => {
            eprint!("{}", problems.render(output::colors_stderr()));
            Err(Misconfigured(format!("the configuration {} cannot be used", path.display())).into())
        }
    }
}

/// The store, for reading; the daemon need not run.
fn reader(settings: &Settings) -> anyhow::Result<Sqlite> {
    reader_at(store_path(settings))
}

/// The file of the configured store.
const fn store_path(settings: &Settings) -> &PathBuf {
    let Storage::Sqlite(path) = &settings.storage;
    path
}

/// The store in a file, for reading.
fn reader_at(path: &std::path::Path) -> anyhow::Result<Sqlite> {
    let place = path.display();
    // Asked before SQLite has the file open, whose locks would go when this closes.
    let found = File::open(path).map(drop).map_err(|error| error.kind());
    Sqlite::open_reader(path).with_context(|| match found {
        Err(ErrorKind::PermissionDenied) => {
            format!("this user may not read the store {place}; run it with sudo, or sudo -u pulsewarden")
        }
        Err(ErrorKind::NotFound) => {
            format!("there is no store {place}; start the service once, or correct `storage` in the configuration")
        }
        _ => format!("the store {place} cannot be read"),
    })
}
