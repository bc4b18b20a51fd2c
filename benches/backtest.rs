//! How many events a second one thread takes through the in-memory run with the shipped rules, everything included: unpacking
//! the stored body, parsing it, understanding it, deciding. Beside it, in the same run, the bare parse of the same bodies.
//!
//! `cargo bench --bench backtest` prints microseconds per event, events per second, and the largest memory of the process.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a benchmark ends where something is wrong")]

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use pulsewarden::config::Bundle;
use pulsewarden::demo::fleet;
use pulsewarden::engine::{Alert, Notification, RuleSet, Source, Timestamp, Transition};
use pulsewarden::impilo::Envelope;
use pulsewarden::journal::codec;
use pulsewarden::process::Read;
use pulsewarden::replay::{Run, Watch};

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const EVENTS: u64 = 100_000;
const DEVICES: u64 = 10_000;
const BEGIN: i64 = 1_767_614_400_000;

struct Row {
    id: String,
    kind: String,
    at: Timestamp,
    body: Vec<u8>,
}

#[derive(Default)]
struct Counts {
    fired: u64,
    moved: u64,
    ended: u64,
    told: u64,
}

impl Watch for Counts {
    fn fired(&mut self, _: &Alert) {
        self.fired += 1;
    }

    fn moved(&mut self, _: &Transition) {
        self.moved += 1;
    }

    fn ended(&mut self, _: &Alert) {
        self.ended += 1;
    }

    fn told(&mut self, _: &Notification) {
        self.told += 1;
    }
}

fn main() {
    let rows: Vec<Row> = (0..EVENTS).map(row).collect();
    let rules = shipped();
    per_event("unpack", &rows, |row| drop(black_box(codec::decode(&row.body).unwrap())));
    per_event("unpack, serde_json::Value", &rows, |row| {
        let body = codec::decode(&row.body).unwrap();
        drop(black_box(serde_json::from_slice::<serde_json::Value>(&body).unwrap()));
    });
    per_event("unpack, parse, understand", &rows, |row| drop(black_box(read(row))));
    for _ in 0..3 {
        let mut run = Run::new(Arc::clone(&rules));
        let mut counts = Counts::default();
        let mut position = 0;
        per_event("the whole run", &rows, |row| {
            position += 1;
            let read = read(row);
            run.take(&read.event(position, row.at), row.at, &mut counts);
        });
        println!(
            "  {} alerts fired, {} moves, {} ended, {} messages",
            counts.fired, counts.moved, counts.ended, counts.told
        );
    }
    println!("{} MiB at most", peak() >> 20);
}

fn row(number: u64) -> Row {
    let body = fleet::webhook(number, DEVICES).to_string();
    let envelope = Envelope::read(body.as_bytes()).unwrap();
    let at = Timestamp(BEGIN + i64::try_from(number).unwrap() * 1000);
    Row { id: envelope.id, kind: envelope.kind.into_owned(), at, body: codec::encode(body.as_bytes()) }
}

fn read(row: &Row) -> Read {
    let body = codec::decode(&row.body).unwrap();
    Read::new(row.id.clone(), row.kind.clone(), Source::Webhook, &body, row.at).unwrap()
}

fn shipped() -> Arc<RuleSet> {
    let bundle = Bundle::read(None, Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/rules")));
    let compiled = bundle.and_then(|bundle| bundle.compile());
    let (rules, _) = compiled.unwrap_or_else(|problems| panic!("{}", problems.render(false)));
    Arc::new(rules)
}

fn per_event(what: &str, rows: &[Row], mut work: impl FnMut(&Row)) {
    let began = Instant::now();
    rows.iter().for_each(&mut work);
    let micros = began.elapsed().as_secs_f64() * 1e6 / rows.len() as f64;
    println!("{what:<40} {micros:>8.2} µs {:>10.0} a second", 1e6 / micros);
}

/// The most bytes that this process ever had in memory.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() * 1024
}
