//! The servers under load, each in a process of its own, so that its CPU time can be told from the generator's.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use actix_web::{App, HttpResponse, HttpServer, web};
use pulsewarden::store::Store;
use pulsewarden::store::sqlite::Sqlite;

pub const SECRET: &str = "benchmark-secret";

pub trait Server {
    fn process(&self) -> u32;

    /// CPU time so far, user and system, in microseconds.
    fn cpu_micros(&self) -> f64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process())).unwrap();
        let after_name = stat.rsplit_once(')').unwrap().1;
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
        ticks * 10_000.0
    }
}

/// An actix-web handler that reads the body and answers 200.
pub struct Bare {
    child: Child,
    address: SocketAddr,
}

impl Bare {
    pub fn start() -> Self {
        let mut child =
            Command::new(std::env::current_exe().unwrap()).arg("--bare").stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, address: line.trim().parse().unwrap() }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Server for Bare {
    fn process(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

pub fn serve_bare() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        println!("{}", listener.local_addr().unwrap());
        let app = || {
            App::new().route("/webhooks/impilo", web::post().to(|_: web::Bytes| async { HttpResponse::Ok().finish() }))
        };
        HttpServer::new(app).workers(2).listen(listener).unwrap().run().await.unwrap();
    });
}

/// Debian's Alertmanager, which keeps alerts in memory; where it is installed.
pub struct Alertmanager {
    child: Child,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Alertmanager {
    pub fn start() -> Option<Self> {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let configuration = folder.path().join("alertmanager.yml");
        fs::write(&configuration, "route: { receiver: nobody }\nreceivers: [{ name: nobody }]\n").unwrap();
        let address = free_address();
        let child = Command::new("prometheus-alertmanager")
            .arg(format!("--config.file={}", configuration.display()))
            .arg(format!("--storage.path={}", folder.path().display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--cluster.listen-address=")
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        wait_for(address);
        Some(Self { child, address, _folder: folder })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Server for Alertmanager {
    fn process(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn free_address() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}

fn wait_for(address: SocketAddr) {
    let patience = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(address).is_err() {
        assert!(Instant::now() < patience, "the server did not open its port");
        thread::sleep(Duration::from_millis(20));
    }
}

/// `pulsewarden serve` with the shipped rules, in a folder of its own.
pub struct Daemon {
    child: Child,
    address: SocketAddr,
    reader: Sqlite,
    _folder: tempfile::TempDir,
}

impl Daemon {
    pub fn start() -> Self {
        Self::start_with("", "")
    }

    /// With more configuration and more rules.
    pub fn start_with(configuration: &str, rules: &str) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let at = |name: &str| folder.path().join(name);
        let address = free_address();
        fs::create_dir(at("rules")).unwrap();
        if !rules.is_empty() {
            fs::write(at("rules/own.yaml"), rules).unwrap();
        }
        fs::write(at("secret"), SECRET).unwrap();
        let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/rules");
        let text = format!(
            "listen: {address}\nstorage: sqlite:{db}\nrules: {own}\nlibrary: {shipped}\nadmin: {{ socket: {socket} }}\nimpilo: {{ webhook_secrets: [{{ file: {secret} }}] }}\nlog: {{ filter: warn }}\n{configuration}",
            db = at("pulsewarden.db").display(),
            own = at("rules").display(),
            socket = at("admin.sock").display(),
            secret = at("secret").display(),
        );
        fs::write(at("pulsewarden.yaml"), text).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_pulsewarden"))
            .args(["--config"])
            .arg(at("pulsewarden.yaml"))
            .arg("serve")
            .spawn()
            .unwrap();
        wait_for(address);
        let reader = Sqlite::open_reader(&at("pulsewarden.db")).unwrap();
        Self { child, address, reader, _folder: folder }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Events kept and not yet processed.
    pub fn backlog(&self) -> u64 {
        let figures = self.reader.figures().unwrap();
        figures.last_position - figures.processed_position
    }

    /// Waits until the backlog is gone.
    pub fn drain(&self) -> Duration {
        let began = Instant::now();
        while self.backlog() > 0 {
            thread::sleep(Duration::from_millis(20));
        }
        began.elapsed()
    }
}

impl Server for Daemon {
    fn process(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}
