//! How many events a second one thread takes through the in-memory run with the shipped rules, everything included: unpacking
//! the stored body, parsing it, understanding it, deciding. Beside it, in the same run over the same bodies, what the bare
//! parse by `serde_json` costs.
//!
//! `cargo bench --bench backtest` takes 10,000 invented devices through 60 days; two numbers after `--` are others. Time is
//! that of the thread on the processor, so that what else runs on the machine counts less.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a benchmark ends where something is wrong")]

use std::fs::{self, File};
use std::hint::black_box;
use std::io::{BufReader, BufWriter, Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pulsewarden::config::Bundle;
use pulsewarden::engine::{Alert, Notification, RuleSet, Source, Timestamp, Transition};
use pulsewarden::journal::codec;
use pulsewarden::process::Read;
use pulsewarden::replay::{Journal, Run, Watch, Window, backtest};
use pulsewarden::simulate::{Fleet, Plan};
use pulsewarden::store::sqlite::Sqlite;
use pulsewarden::store::{Entry, EventRow, NewRow, Store};

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BEGIN: Timestamp = Timestamp(1_767_614_400_000);

/// Rows that are measured at a time, each way after the other.
const CHUNK: usize = 5_000;

/// Rows of the backtest that reads a store.
const STORED: usize = 200_000;

/// A row as the journal keeps it.
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
    let mut numbers = std::env::args().filter_map(|argument| argument.parse::<u64>().ok());
    let (devices, days) = (numbers.next().unwrap_or(10_000), numbers.next().unwrap_or(60));
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("backtest.rows");
    let count = keep_history(&path, devices, u32::try_from(days).unwrap());
    println!("{count} events of {devices} devices in {days} days; time on the processor for each\n");
    // From here on the largest memory is that of the run.
    let _ = fs::write("/proc/self/clear_refs", "5");
    let before = memory("VmRSS:");

    let mut run = Run::new(shipped());
    let mut counts = Counts::default();
    let (mut bare, mut read_only, mut whole) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    let mut position = 0;
    let mut rows = Rows::open(&path);
    loop {
        let chunk: Vec<Row> = rows.by_ref().take(CHUNK).collect();
        let Some(last) = chunk.last() else { break };
        bare += measured(|| {
            for row in &chunk {
                let body = codec::decode(&row.body).unwrap();
                drop(black_box(serde_json::from_slice::<serde_json::Value>(&body).unwrap()));
            }
        });
        read_only += measured(|| chunk.iter().for_each(|row| drop(black_box(read(row)))));
        whole += measured(|| {
            for row in &chunk {
                position += 1;
                let read = read(row);
                run.take(&read.event(position, row.at), row.at, &mut counts);
            }
        });
        let _ = black_box(last.at);
    }
    let (most, subjects) = (memory("VmHWM:"), run.slices().count());
    drop(run);
    let stored = from_store(&path);
    fs::remove_file(&path).unwrap();
    let per_event = |what: &str, time: Duration| {
        let micros = time.as_secs_f64() * 1e6 / count as f64;
        println!("{what:<48} {micros:>8.2} µs {:>10.0} a second", 1e6 / micros);
        micros
    };
    let bare = per_event("unpack, parse by serde_json", bare);
    per_event("unpack, parse, understand", read_only);
    let whole = per_event("the whole run", whole);
    let (count, time) = stored;
    let micros = time.as_secs_f64() * 1e6 / count as f64;
    println!("{:<48} {micros:>8.2} µs {:>10.0} a second", format!("a backtest of {count} in a store"), 1e6 / micros);
    println!("\nthe whole run takes {:.2} times the bare parse", whole / bare);
    let Counts { fired, moved, ended, told } = counts;
    println!("{fired} alerts fired, {moved} moves, {ended} ended, {told} messages; {subjects} subjects");
    println!("{} MiB of memory at most, {} MiB before", most >> 20, before >> 20);
}

/// The time of a backtest over the first rows, read from a store; with their number.
fn from_store(path: &Path) -> (u64, Duration) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let store = Sqlite::open(&folder.path().join("bench.db")).unwrap();
    let kept: Vec<Row> = Rows::open(path).take(STORED).collect();
    for chunk in kept.chunks(1000) {
        let rows: Vec<NewRow> = chunk
            .iter()
            .map(|row| NewRow {
                received_at: row.at,
                entry: Entry::Event(EventRow {
                    kind: row.kind.clone(),
                    envelope_id: Some(row.id.clone()),
                    log_id: None,
                    source: Source::Webhook,
                    body: Some(row.body.clone()),
                }),
            })
            .collect();
        store.append(&rows, chunk.iter().map(|row| row.at).max().unwrap()).unwrap();
    }
    let rules = [shipped()];
    let mut events = 0;
    let time = measured(|| {
        let mut journal = Journal::new(&store).unwrap();
        events = backtest(&mut journal, &rules, Window::default(), &mut |_, _| {}).unwrap().events;
    });
    (events, time)
}

/// Writes a fleet's history to a file, as the journal keeps it; gives the number of its events.
fn keep_history(path: &Path, devices: u64, days: u32) -> u64 {
    let mut out = BufWriter::new(File::create(path).unwrap());
    let mut count = 0;
    for webhook in Fleet::new(Plan { seed: 1, devices, days, begin: BEGIN }).webhooks() {
        let body = codec::encode(&webhook.body);
        out.write_all(&webhook.at.0.to_le_bytes()).unwrap();
        out.write_all(&webhook.id.to_le_bytes()).unwrap();
        for part in [webhook.kind.as_bytes(), &body] {
            out.write_all(&u32::try_from(part.len()).unwrap().to_le_bytes()).unwrap();
            out.write_all(part).unwrap();
        }
        count += 1;
    }
    out.flush().unwrap();
    count
}

/// The rows of such a file.
struct Rows(BufReader<File>);

impl Rows {
    fn open(path: &Path) -> Self {
        Self(BufReader::with_capacity(1 << 20, File::open(path).unwrap()))
    }

    fn part<const N: usize>(&mut self) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        self.0.read_exact(&mut bytes).ok().map(|()| bytes)
    }

    fn text(&mut self) -> Option<Vec<u8>> {
        let length = u32::from_le_bytes(self.part()?);
        let mut bytes = vec![0; length as usize];
        self.0.read_exact(&mut bytes).ok().map(|()| bytes)
    }
}

impl Iterator for Rows {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        let at = Timestamp(i64::from_le_bytes(self.part()?));
        let id = u64::from_le_bytes(self.part()?).to_string();
        let kind = String::from_utf8(self.text()?).ok()?;
        Some(Row { id, kind, at, body: self.text()? })
    }
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

fn measured(work: impl FnOnce()) -> Duration {
    let began = on_processor();
    work();
    on_processor() - began
}

/// How long this thread has been on a processor.
fn on_processor() -> Duration {
    let schedule = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(schedule.split_whitespace().next().unwrap().parse().unwrap())
}

/// Bytes of this process, by the kernel's name for them.
fn memory(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() * 1024
}
