//! What an event costs on its way through processing: reading it back, understanding it, deciding, committing; and what
//! rules on other types add.
//!
//! `cargo bench --bench step` prints microseconds per event; `cargo bench --bench step -- whole` does the whole alone, for
//! counting what it takes by other means than the clock.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a benchmark ends where something is wrong")]

mod fleet;

use std::collections::HashMap;
use std::fmt::Write;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use pulsewarden::config::Bundle;
use pulsewarden::engine::{
    Effects, Event, Ground, Input, Message, RuleSet, Slice, Source, Standing, Subject, Timestamp, step,
};
use pulsewarden::impilo;
use pulsewarden::journal::codec;
use pulsewarden::process::Processor;
use pulsewarden::store::sqlite::Sqlite;
use pulsewarden::store::{Entry, EventRow, NewRow, Store};

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const EVENTS: u64 = 20_000;
const DEVICES: u64 = 5_000;
const RULE: &str =
    "{ alert: Low, subject: device, event: device.lowBattery, where: \"payload.batteryPercentage <= 20\" }";

fn main() {
    let bodies: Vec<String> = (0..EVENTS).map(|number| fleet::webhook(number, DEVICES).to_string()).collect();
    let size = bodies.iter().map(String::len).sum::<usize>() / bodies.len();
    println!(
        "{EVENTS} events of {size} bytes about {DEVICES} devices; microseconds per event, by the clock and by the processor\n"
    );
    if !std::env::args().any(|argument| argument == "whole") {
        memory();
        println!();
        reading(&bodies);
        println!();
        let one = deciding(&bodies, 1);
        for rules in [100, 1000] {
            let time = deciding(&bodies, rules);
            println!("    {:+.1} % against one rule", (time / one - 1.0) * 100.0);
        }
        println!();
    }
    whole(&bodies);
}

fn per_event(what: &str, count: usize, work: impl FnOnce()) -> f64 {
    let (began, taken) = (Instant::now(), processor_time());
    work();
    let taken = (processor_time() - taken) / count as f64;
    let micros = began.elapsed().as_secs_f64() * 1e6 / count as f64;
    println!("{what:<58} {micros:>8.2} {taken:>8.2}");
    micros
}

/// Microseconds of processor time that the threads of this process have taken, the kernel's part included: what a busy machine
/// does not lengthen much.
fn processor_time() -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let spent = tasks.map(|task| std::fs::read_to_string(task.unwrap().path().join("schedstat")).unwrap());
    spent.map(|spent| spent.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e3).sum()
}

fn reading(bodies: &[String]) {
    let encoded: Vec<Vec<u8>> = bodies.iter().map(|body| codec::encode(body.as_bytes())).collect();
    let kept = encoded.iter().map(Vec::len).sum::<usize>() / encoded.len();
    per_event("read the envelope", bodies.len(), || {
        bodies.iter().for_each(|body| drop(black_box(impilo::Envelope::read(body.as_bytes()))));
    });
    per_event(&format!("pack the body (to {kept} bytes)"), bodies.len(), || {
        bodies.iter().for_each(|body| drop(black_box(codec::encode(body.as_bytes()))));
    });
    per_event("unpack the body", encoded.len(), || {
        encoded.iter().for_each(|body| drop(black_box(codec::decode(body))));
    });
    per_event("parse the payload", bodies.len(), || {
        bodies.iter().for_each(|body| drop(black_box(impilo::payload(body.as_bytes()))));
    });
    let payloads: Vec<_> = bodies.iter().map(|body| impilo::payload(body.as_bytes()).unwrap()).collect();
    per_event("understand the payload", payloads.len(), || {
        for payload in &payloads {
            drop(black_box(impilo::facts("device.lowBattery", payload.value(), Timestamp(1))));
        }
    });
}

/// A rule set with one rule on `device.lowBattery` and the rest on types that never come.
fn rule_set(rules: usize) -> RuleSet {
    let mut text = format!("rules:\n  - {RULE}\n");
    for number in 1..rules {
        writeln!(text, "  - {{ alert: Other{number}, subject: device, event: \"vendor.type{number}\", where: \"payload.level <= {number}\" }}").unwrap();
    }
    match Bundle::of(&[("rules.yaml", &text)]).compile() {
        Ok((rules, _)) => rules,
        Err(problems) => panic!("{}", problems.render(false)),
    }
}

fn deciding(bodies: &[String], count: usize) -> f64 {
    let rules = rule_set(count);
    let events: Vec<_> = bodies
        .iter()
        .map(|body| {
            let envelope = impilo::Envelope::read(body.as_bytes()).unwrap();
            let payload = impilo::payload(body.as_bytes()).unwrap();
            let facts = impilo::facts(&envelope.kind, payload.value(), Timestamp(1_760_000_000_000));
            (envelope, payload, facts)
        })
        .collect();
    let mut slices: HashMap<Subject, Slice> = HashMap::new();
    let mut effects = Effects { next_alert: 1, ..Effects::default() };
    let standing = Standing::default();
    let mut pass = || {
        for (number, (envelope, payload, facts)) in events.iter().enumerate() {
            let at = Timestamp(1_760_000_000_000 + number as i64);
            let (occurred_at, basis) = impilo::placed(facts, at);
            let event = Event {
                position: number as u64 + 1,
                id: &envelope.id,
                kind: &envelope.kind,
                source: Source::Webhook,
                received_at: at,
                occurred_at,
                basis,
                facts,
                payload: payload.value(),
            };
            let subject = &facts.about[0].subject;
            if !slices.contains_key(subject) {
                slices.insert(subject.clone(), Slice::new(subject.clone()));
            }
            let slice = slices.get_mut(subject).unwrap();
            step(Ground { rules: &rules, standing: &standing }, slice, &Input::Event(&event), at, &mut effects);
            while let Some((to, message)) = effects.messages.pop_front() {
                let slice = slices.entry(to.clone()).or_insert_with(|| Slice::new(to));
                let message: &Message = &message;
                let input = Input::Message { message, event: Some(&event), position: event.position };
                step(Ground { rules: &rules, standing: &standing }, slice, &input, at, &mut effects);
            }
            effects.transitions.clear();
            effects.ended.clear();
        }
    };
    pass();
    let rounds = 5;
    let best = (0..rounds)
        .map(|_| {
            let began = Instant::now();
            pass();
            began.elapsed().as_secs_f64() * 1e6 / bodies.len() as f64
        })
        .fold(f64::INFINITY, f64::min);
    println!("{:<58} {best:>8.2}", format!("step, {count} rules loaded (best of {rounds})"));
    best
}

fn whole(bodies: &[String]) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let store: Arc<dyn Store> = Arc::new(Sqlite::open(&folder.path().join("bench.db")).unwrap());
    let shipped = Bundle::read(None, std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/rules")));
    let bundle = shipped.unwrap_or_else(|problems| panic!("{}", problems.render(false)));
    store.keep_rule_set(&bundle.hash(), &bundle.to_bytes()).unwrap();
    let now = Timestamp(1_760_000_000_000);
    store.append(&[NewRow { received_at: now, entry: Entry::RuleSet { hash: bundle.hash() } }], now).unwrap();
    let rows: Vec<NewRow> = bodies
        .iter()
        .map(|body| {
            let envelope = impilo::Envelope::read(body.as_bytes()).unwrap();
            NewRow {
                received_at: now,
                entry: Entry::Event(EventRow {
                    kind: envelope.kind.into_owned(),
                    envelope_id: Some(envelope.id),
                    log_id: None,
                    source: Source::Webhook,
                    body: Some(codec::encode(body.as_bytes())),
                }),
            }
        })
        .collect();
    for batch in [64, 256] {
        let half = &rows[if batch == 64 { 0..rows.len() / 2 } else { rows.len() / 2..rows.len() }];
        per_event(&format!("append, {batch} events in a commit"), half.len(), || {
            half.chunks(batch).for_each(|chunk| drop(store.append(chunk, now).unwrap()));
        });
    }
    let compile = move |_: &str| bundle.compile().ok().map(|(rules, _)| Arc::new(rules));
    let mut processor = Processor::new(Arc::clone(&store), Box::new(compile), Arc::default(), 8_192).unwrap();
    per_event(
        "process with the shipped rules, committed",
        rows.len(),
        || {
            while processor.turn(now).unwrap().is_some() {}
        },
    );
}

/// What the process holds once many devices are known and each has been heard.
fn memory() {
    const KNOWN: u64 = 100_000;
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let store: Arc<dyn Store> = Arc::new(Sqlite::open(&folder.path().join("bench.db")).unwrap());
    let mut processor = Processor::new(Arc::clone(&store), Box::new(|_: &str| None), Arc::default(), 8_192).unwrap();
    let now = Timestamp(1_760_000_000_000);
    let before = resident();
    for from in (0..KNOWN).step_by(500) {
        let rows: Vec<NewRow> = (from..from + 500).map(|number| battery_of(number, now)).collect();
        store.append(&rows, now).unwrap();
        while processor.turn(now).unwrap().is_some() {}
    }
    let figures = store.figures().unwrap();
    println!(
        "{} devices known: {} MiB more in memory, {} MiB on disk",
        figures.devices,
        resident().saturating_sub(before) >> 20,
        figures.database_bytes >> 20
    );
}

fn battery_of(device: u64, now: Timestamp) -> NewRow {
    let body = serde_json::json!({ "id": device + 1, "type": "device.lowBattery", "payload": {
        "batteryPercentage": 30,
        "device": {
            "id": device, "item": { "id": 1, "name": "Cellular Scale", "model": "CS-110" }, "currentStatus": "withPatient",
            "currentPatient": { "id": 500_000 + device, "firstName": "Ada", "lastName": "Corrin", "site": { "id": 3, "name": "Harbor" } },
            "deviceIdentifiers": [{ "type": "serial", "value": format!("SN-{device}") }]
        }
    } });
    let body = body.to_string();
    let entry = Entry::Event(EventRow {
        kind: "device.lowBattery".to_owned(),
        envelope_id: Some((device + 1).to_string()),
        log_id: None,
        source: Source::Webhook,
        body: Some(codec::encode(body.as_bytes())),
    });
    NewRow { received_at: now, entry }
}

/// Bytes of this process in memory.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() * 1024
}
