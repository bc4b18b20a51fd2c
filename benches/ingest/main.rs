//! Durable ingest through the HTTP port beside a bare actix-web handler, in one run on one machine.
//!
//! `cargo bench --bench ingest` prints requests per second, the answer's latency, and the server's CPU time per request, as
//! figures and as ratios to the bare handler. `PULSEWARDEN_BENCH_SECONDS` sets the length of a round (10).

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark ends where something is wrong")]

#[path = "../fleet/mod.rs"]
mod fleet;
mod load;
mod mail;
mod servers;

use std::time::Duration;

use load::{Load, Measured};
use servers::{Alertmanager, Bare, Daemon};

const CONNECTIONS: usize = 64;

/// The rate, as a part of what the bare handler takes, at which processing must keep up.
const PROCESSED: f64 = 0.20;

fn main() {
    if std::env::args().any(|argument| argument == "--bare") {
        servers::serve_bare();
        return;
    }
    // The HTTP client of the mail round needs it; nothing is encrypted.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let seconds = std::env::var("PULSEWARDEN_BENCH_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(10);
    let round = Duration::from_secs(seconds);
    println!("machine: {}", machine());
    println!(
        "body: {} bytes of device.lowBattery and others; {CONNECTIONS} connections; rounds of {seconds} s\n",
        load::body_size()
    );
    println!("{:<44} {:>9} {:>8} {:>8} {:>9} {:>8}", "case", "req/s", "p50 ms", "p99 ms", "CPU µs/req", "x bare");

    let bare = Bare::start();
    let first = Load::new(bare.address(), CONNECTIONS).run(round, None, &bare);
    show("bare actix-web handler", &first, &first);

    let daemon = Daemon::start();
    let accepted = Load::new(daemon.address(), CONNECTIONS).run(round, None, &daemon);
    show("accepted and synced (backlog may build)", &accepted, &first);
    println!("    backlog at the end: {} events; drained in {:.1} s", daemon.backlog(), daemon.drain().as_secs_f64());
    drop(daemon);

    let daemon = Daemon::start();
    let rate = first.per_second() * PROCESSED;
    let (processed, early, late) = Load::new(daemon.address(), CONNECTIONS).run_steady(round * 6, rate, &daemon);
    show(&format!("accepted and processed, at {PROCESSED} x bare"), &processed, &first);
    println!("    largest backlog: {early} events in the first half, {late} in the second");
    drop(daemon);

    match Alertmanager::start() {
        Some(alertmanager) => {
            let peer = Load::of_alerts(alertmanager.address(), CONNECTIONS).run(round, None, &alertmanager);
            show("Alertmanager, in memory", &peer, &first);
            println!("    accepted and synced is {:.1} times that", accepted.per_second() / peer.per_second());
        }
        None => println!("Alertmanager is not installed (Debian: prometheus-alertmanager)"),
    }

    let again = Load::new(bare.address(), CONNECTIONS).run(round, None, &bare);
    show("bare actix-web handler, again", &again, &first);
    drop(bare);

    mail::latency(round);
}

fn show(case: &str, measured: &Measured, bare: &Measured) {
    println!(
        "{case:<44} {:>9.0} {:>8.2} {:>8.2} {:>9.1} {:>8.2}{}",
        measured.per_second(),
        measured.quantile(0.50),
        measured.quantile(0.99),
        measured.cpu_per_request,
        measured.per_second() / bare.per_second(),
        if measured.refused > 0 { format!("   ({} not 200)", measured.refused) } else { String::new() }
    );
}

fn machine() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown CPU");
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    format!("{}, {cores} cores", model.trim_start_matches([' ', '\t', ':']))
}
