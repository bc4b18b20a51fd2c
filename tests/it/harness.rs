//! A daemon of its own for each test, with a mail server and a Slack that it talks to.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use pulsewarden::config::Bundle;
use pulsewarden::demo::mail_catcher::{Mail, MailCatcher};
use pulsewarden::demo::slack_stand_in::SlackStandIn;
use pulsewarden::engine::Timestamp;
use pulsewarden::store::Store;
use pulsewarden::store::sqlite::Sqlite;
use reqwest::StatusCode;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

pub const SECRET: &str = "the-secret-of-the-tests";

/// Everything at once, one message for each alert, by mail and by Slack.
pub const RECEIVERS: &str = r#"
receivers: [{ name: team, phi: ids, cap: never, email: [{ to: [team@clinic.example] }], slack: [{ webhook: alerts }] }]
route: { receiver: team, group_by: ["..."], group_wait: 0s, group_interval: 1s, repeat_interval: 24h }
"#;

/// How many rules the library has.
pub fn shipped_rules() -> usize {
    let library = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/rules"));
    Bundle::read(None, library).unwrap().compile().unwrap().0.rules.len()
}

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(90);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// A folder with configuration, rules and store; a daemon in it, perhaps running.
pub struct World {
    folder: TempDir,
    pub mail: MailCatcher,
    pub slack: SlackStandIn,
    pub http: reqwest::Client,
    daemon: Option<Running>,
    reader: OnceLock<Sqlite>,
}

struct Running {
    child: Child,
    log: Log,
    address: SocketAddr,
}

/// What a process has written to its standard error so far.
type Log = Arc<Mutex<Vec<String>>>;

/// What a command came to.
#[derive(Debug)]
pub struct Output {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl World {
    /// With the shipped rules and [`RECEIVERS`].
    pub async fn new() -> Self {
        Self::with(RECEIVERS, "").await
    }

    /// With rules of its own beside the shipped ones, and more configuration.
    pub async fn with(rules: &str, configuration: &str) -> Self {
        // The first test in the process installs it for all.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (mail, _) = MailCatcher::start().await.unwrap();
        let (slack, _) = SlackStandIn::start().unwrap();
        let http = reqwest::Client::new();
        let folder = tempfile::tempdir().unwrap();
        let world = Self { folder, mail, slack, http, daemon: None, reader: OnceLock::new() };
        fs::create_dir(world.path("rules")).unwrap();
        fs::write(world.path("secret"), SECRET).unwrap();
        fs::write(world.path("slack"), world.slack.url()).unwrap();
        world.write_rules(rules);
        world.configure(configuration);
        world
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write_rules(&self, rules: &str) {
        fs::write(self.path("rules/own.yaml"), rules).unwrap();
    }

    /// Writes the configuration, with these lines more.
    pub fn configure(&self, more: &str) {
        let at = |name: &str| self.path(name).display().to_string();
        // What a test says of Impilo stands in the place of the usual.
        let impilo = format!("impilo: {{ webhook_secrets: [{{ file: {} }}] }}\n", at("secret"));
        let impilo = if more.contains("impilo:") { "" } else { &impilo };
        let text = format!(
            "listen: 127.0.0.1:0\nstorage: sqlite:{db}\nrules: {own}\nlibrary: {shipped}\nadmin: {{ socket: {socket} }}\n\
             {impilo}log: {{ format: json }}\n\
             email: {{ smtp: \"{smtp}\", from: \"Pulsewarden <alerts@clinic.example>\" }}\n\
             slack: {{ webhooks: {{ alerts: {{ file: {slack} }} }} }}\n\
             self: {{ email: [it@clinic.example], disk_free: 1MiB }}\n\
             delivery: {{ retry_first: 1s, retry_max: 2s }}\n{more}\n",
            db = at("pulsewarden.db"),
            own = at("rules"),
            shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/rules"),
            socket = at("admin.sock"),
            smtp = self.mail.url(),
            slack = at("slack"),
        );
        fs::write(self.path("pulsewarden.yaml"), text).unwrap();
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        command(&self.path("pulsewarden.yaml"), arguments)
    }

    /// Starts the daemon and waits until it receives.
    pub async fn start(&mut self) {
        assert!(self.daemon.is_none(), "it runs already");
        let mut child = self.command(&["serve"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Log::default();
        let (errors, lines) = (child.stderr.take().unwrap(), Arc::clone(&log));
        std::thread::spawn(move || {
            for line in BufReader::new(errors).lines().map_while(Result::ok) {
                lines.lock().unwrap().push(line);
            }
        });
        let address = eventually("the daemon receives", || {
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none(), "the daemon ended: {:#?}", log.lock().unwrap());
            log.lock().unwrap().iter().find_map(|line| {
                let line: Value = serde_json::from_str(line).ok()?;
                line.get("address")?.as_str()?.parse().ok()
            })
        });
        let address = address.await;
        self.daemon = Some(Running { child, log, address });
    }

    fn running(&self) -> &Running {
        self.daemon.as_ref().expect("the daemon runs")
    }

    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.running().child)
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        let mut daemon = self.daemon.take().expect("the daemon runs");
        daemon.child.kill().unwrap();
        daemon.child.wait().unwrap();
    }

    /// SIGTERM, and waits for the end.
    pub async fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        let mut daemon = self.daemon.take().expect("the daemon runs");
        eventually("the daemon ends", || daemon.child.try_wait().unwrap()).await
    }

    /// What the running daemon has logged.
    pub fn log(&self) -> String {
        self.running().log.lock().unwrap().join("\n")
    }

    pub fn url(&self) -> String {
        format!("http://{}/webhooks/impilo", self.running().address)
    }

    /// Posts a webhook as Impilo does.
    pub async fn post(&self, body: &Value) -> StatusCode {
        self.post_raw(Some(SECRET), body.to_string()).await.status()
    }

    pub async fn post_raw(&self, secret: Option<&str>, body: impl Into<reqwest::Body>) -> reqwest::Response {
        let mut request = self.http.post(self.url()).body(body);
        if let Some(secret) = secret {
            request = request.header("Impilo-Webhook-Secret", secret);
        }
        request.send().await.unwrap()
    }

    /// Runs a command of the program to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        output(self.command(arguments))
    }

    /// What a reading command prints with `--json`.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--json"]].concat());
        serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error} in {output:?}"))
    }

    pub fn alerts(&self) -> Vec<Value> {
        self.json(&["alerts", "--all", "--limit", "100000"]).as_array().unwrap().clone()
    }

    /// The store as another process sees it.
    pub fn store(&self) -> &Sqlite {
        self.reader.get_or_init(|| Sqlite::open_reader(&self.path("pulsewarden.db")).unwrap())
    }

    /// Waits until everything kept is processed and every message delivered.
    pub async fn settle(&self) {
        eventually("everything is processed and delivered", || {
            let figures = self.store().figures().unwrap();
            let now = Timestamp::from(chrono::Utc::now());
            // A group of its own due time decides after the event that it speaks of.
            let decided =
                figures.processed_position == figures.last_position && self.store().due(now, 1).unwrap().is_empty();
            (decided && figures.outbox_waiting == 0).then_some(())
        })
        .await;
    }

    /// Mails to the team, so none that Pulsewarden writes about itself.
    pub fn team_mails(&self) -> Vec<Mail> {
        self.mail.mails().into_iter().filter(|mail| mail.to.iter().any(|to| to == "team@clinic.example")).collect()
    }

    /// Mails that Pulsewarden writes about itself.
    pub fn own_mails(&self) -> Vec<Mail> {
        self.mail.mails().into_iter().filter(|mail| mail.to.iter().any(|to| to == "it@clinic.example")).collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(daemon) = &mut self.daemon {
            if std::thread::panicking() {
                eprintln!("the daemon's log:\n{}", daemon.log.lock().unwrap().join("\n"));
            }
            // It may have ended by itself.
            let _ = daemon.child.kill();
            let _ = daemon.child.wait();
        }
    }
}

/// A command of the program. Where a file may grow no more it hears of it by an error, not by a signal.
pub fn command(config: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_pulsewarden"), "--config"]);
    command.arg(config).args(arguments).env_remove("JOURNAL_STREAM").env_remove("NOTIFY_SOCKET").stdin(Stdio::null());
    command
}

/// Runs a command to its end.
pub fn output(mut command: Command) -> Output {
    let output = command.output().unwrap();
    Output {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Looks again and again until there is something.
pub async fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let patience = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(tokio::time::Instant::now() < patience, "waited in vain: {what}");
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}
