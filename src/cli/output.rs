//! Tables for people, JSON for programs.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use crate::engine::{Protection, Seen, Timestamp, Value};
use crate::telemetry;

/// How often the progress is shown.
const SHOW_EVERY: Duration = Duration::from_millis(200);

/// Whether diagnostics may be coloured.
pub(super) fn colors_stderr() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// Whether output may be coloured.
pub(super) fn colors_stdout() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// Prints a value as JSON.
pub(super) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, value)?;
    writeln!(out)?;
    Ok(())
}

/// Prints lines.
pub(super) fn text(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(())
}

/// A table of plain columns, as wide as the terminal.
pub(super) fn table(head: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    if !std::io::stdout().is_terminal() {
        table.set_content_arrangement(ContentArrangement::Disabled);
    }
    table.set_header(head.iter().copied());
    table.add_rows(rows);
    let lines: Vec<String> = table.to_string().lines().map(|line| line.trim_end().to_owned()).collect();
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

/// Records that whoever runs this command is shown what leaves under `full` alone.
pub(super) fn audited(command: &str, what: &str) {
    let by = std::env::var("SUDO_USER").or_else(|_| std::env::var("USER"));
    telemetry::protected_shown(&by.unwrap_or_else(|_| "unknown".to_owned()), command, &printable(what));
}

/// As in `1 rule` and `2 rules`.
pub(super) fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// An instant to the second, in UTC.
pub(super) fn instant(at: Timestamp) -> String {
    at.to_utc().map_or_else(|| at.to_string(), |at| at.format("%Y-%m-%d %H:%M:%S UTC").to_string())
}

/// How long ago, roughly.
pub(super) fn ago(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.since(at).as_secs();
    match seconds {
        0..=119 => format!("{seconds} s ago"),
        120..=7199 => format!("{} min ago", seconds / 60),
        7200..=172_799 => format!("{} h ago", seconds / 3600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

/// What stands for a value that is shown with `--phi` alone.
pub(super) const HIDDEN: &str = "[hidden]";

/// Hides a value that may leave under `full` only.
pub(super) fn hide(seen: &mut Seen) {
    if seen.protection == Protection::Full {
        seen.value = Value::from(HIDDEN);
    }
}

/// A value of an alert, unless it may leave under `full` only.
pub(super) fn shown(seen: &Seen) -> String {
    if seen.protection == Protection::Full { HIDDEN.to_owned() } else { plain(&seen.value) }
}

/// A value of a subject's state.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Bool(flag) => flag.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Text(text) => printable(text),
        Value::Time(at) => instant(*at),
        Value::Span(millis) => format!("{} s", millis / 1000),
        Value::List(values) => values.iter().map(plain).collect::<Vec<_>>().join(", "),
    }
}

/// Text that cannot steer a terminal: payloads may hold any character.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// How far it is, on a terminal; nothing where errors go elsewhere.
pub(super) struct Progress {
    shown: bool,
    began: Instant,
    last: Option<Instant>,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self { shown: std::io::stderr().is_terminal(), began: Instant::now(), last: None }
    }

    pub(super) fn show(&mut self, done: f64, at: Timestamp) {
        if !self.shown || self.last.is_some_and(|last| last.elapsed() < SHOW_EVERY) {
            return;
        }
        self.last = Some(Instant::now());
        let left = self.began.elapsed().as_secs_f64() * (1.0 - done) / done.max(1e-6);
        // A terminal that has gone away needs no progress.
        let _ = write!(std::io::stderr(), "\r\x1b[K{:3.0} %, {}, about {left:.0} s left", done * 100.0, instant(at));
    }

    pub(super) fn clear(&self) {
        if self.shown && self.last.is_some() {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}
