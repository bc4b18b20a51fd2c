//! What the demo prints: what happens at Impilo, what fires, what is mailed.

use std::collections::BTreeMap;
use std::fmt::Arguments;
use std::io::{IsTerminal, Write};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::mail_catcher::Mail;
use crate::daemon::Shared;
use crate::engine::{AlertState, Timestamp};
use crate::store::AlertFilter;

/// The longest line, in letters.
const WIDTH: usize = 100;

/// How far mails are set in, and what does not fit into one line of the story.
const INDENT: usize = 22;

/// What of a mail only the first one is shown with, beside the lines that are set in.
const ADVICE: [&str; 2] = ["How to look into it:", "Take this on:"];

/// How the subjects of digests begin; they are shown whole.
const DIGEST: &str = "[DIGEST]";

/// What is shown of those that are set in.
const TELLING: &str = "  Ended:";

const BOLD: u8 = 1;
const FAINT: u8 = 2;
const RED: u8 = 31;
const GREEN: u8 = 32;
const YELLOW: u8 = 33;
const BLUE: u8 = 34;
const MAGENTA: u8 = 35;
const CYAN: u8 = 36;

/// Prints, in colours where there is a terminal.
pub(super) struct Show {
    colors: bool,
    /// The reader of the output has gone, as `head` does.
    closed: CancellationToken,
    /// Somebody has seen what a whole mail looks like.
    explained: bool,
}

impl Show {
    pub(super) fn new() -> Self {
        let colors = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { colors, closed: CancellationToken::new(), explained: false }
    }

    /// Cancelled once nobody reads any more.
    pub(super) fn closed(&self) -> CancellationToken {
        self.closed.clone()
    }

    fn say(&self, line: Arguments<'_>) {
        if writeln!(std::io::stdout(), "{line}").is_err() {
            self.closed.cancel();
        }
    }

    fn paint(&self, code: u8, text: &str) -> String {
        if self.colors { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// One line of the story: when, where, what, and how that looks.
    fn line(&self, at: Timestamp, (color, place): (u8, &str), what: &str, style: Option<u8>) {
        let time = self.paint(FAINT, &clock(at));
        let place = self.paint(color, &format!("{place:<10}"));
        for (number, part) in wrapped(what, WIDTH - INDENT).into_iter().enumerate() {
            let part = style.map_or_else(|| part.clone(), |style| self.paint(style, &part));
            match number {
                0 => self.say(format_args!("{time}  {place}  {part}")),
                _ => self.say(format_args!("{:INDENT$}{part}", "")),
            }
        }
    }

    /// One line of a mail.
    fn quote(&self, text: &str) {
        let place = INDENT - 2;
        self.say(format_args!("{}", format!("{:place$}{} {text}", "", self.paint(FAINT, "│")).trim_end()));
    }

    /// Text between the lines of the story.
    pub(super) fn tell(&self, text: &str) {
        for line in text.lines().flat_map(|line| wrapped(line, WIDTH)) {
            self.say(format_args!("{line}"));
        }
    }

    pub(super) fn title(&self, text: &str) {
        self.say(format_args!("{}", self.paint(BOLD, text)));
    }

    /// A heading, and text below it.
    pub(super) fn section(&self, title: &str, text: &str) {
        self.say(format_args!(""));
        self.title(title);
        self.tell(text);
    }

    /// A part of the story begins.
    pub(super) fn chapter(&self, title: &str, text: &str) {
        self.section(title, text);
        if !text.is_empty() {
            self.say(format_args!(""));
        }
    }

    /// A line to paste into a shell.
    pub(super) fn curl(&self, url: &str, secret: &str) {
        // Only a new id is a new event: the shell makes one each time the line is run.
        let body = r#"{"id":'"$(date +%s%N)"',"type":"device.lowBattery","payload":{"batteryPercentage":6,"device":{"id":77,"item":{"id":1,"name":"My Scale"},"deviceIdentifiers":[{"type":"serial","value":"MY-1"}]}}}"#;
        let command = format!(
            "curl -i {url} -H 'Impilo-Webhook-Secret: {secret}' -H 'Content-Type: application/json' -d '{body}'"
        );
        self.say(format_args!("\n{}\n", self.paint(CYAN, &command)));
    }

    /// Impilo tells something, and it arrives.
    pub(super) fn event(&self, at: Timestamp, what: &str) {
        self.line(at, (BLUE, "→ Impilo"), what, None);
    }

    /// Impilo tells something, and nobody is there.
    pub(super) fn lost(&self, at: Timestamp, what: &str) {
        self.line(at, (RED, "✗ lost"), what, None);
    }

    /// What is not told one by one.
    pub(super) fn aside(&self, at: Timestamp, what: &str) {
        self.line(at, (FAINT, "·"), what, Some(FAINT));
    }

    pub(super) fn mail(&mut self, at: Timestamp, mail: &Mail) {
        let subject = mail.header("Subject").unwrap_or_default();
        self.line(at, (MAGENTA, "✉ mail"), &format!("to {}: {subject}", mail.to.join(", ")), Some(BOLD));
        let whole = !std::mem::replace(&mut self.explained, true) || subject.starts_with(DIGEST);
        let left_out = |line: &str| {
            ADVICE.iter().any(|advice| line.starts_with(advice))
                || (line.starts_with("  ") && !line.starts_with(TELLING))
        };
        let text = mail.text();
        // The first line says again what stands above, and behind the dashes stands who sends it.
        let lines = text.lines().skip(2).take_while(|line| *line != "--").filter(|line| !line.trim().is_empty());
        for line in lines.filter(|line| whole || !left_out(line)) {
            // A link is for whoever gets the mail, and long.
            let line = line.split_once("/act/").map_or_else(|| line.to_owned(), |(base, _)| format!("{base}/act/…"));
            if line.starts_with("== ") {
                self.quote("");
            }
            wrapped(&line, WIDTH - INDENT).iter().for_each(|part| self.quote(part));
        }
    }

    pub(super) fn slack(&self, at: Timestamp, text: &str) {
        self.line(at, (GREEN, "# Slack"), &format!("#device-alerts: {text}"), None);
    }
}

/// The time of day, in UTC.
fn clock(at: Timestamp) -> String {
    let text = at.to_string();
    text.get(11..19).unwrap_or(&text).to_owned()
}

/// A text in lines of `width` letters at most, each set in as the first is.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let indent: String = text.chars().take_while(|c| *c == ' ').collect();
    let mut lines = vec![indent.clone()];
    for word in text.split_whitespace() {
        let last = lines.last().map_or(0, |line| line.chars().count());
        if last + 1 + word.chars().count() > width && last > indent.len() {
            lines.push(indent.clone());
        }
        if let Some(line) = lines.last_mut() {
            if line.len() > indent.len() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

/// What happened longer ago is told with its time.
const AT_ONCE: Duration = Duration::from_secs(60);

/// Which moves of alerts have been shown.
#[derive(Default)]
pub(super) struct Moves {
    shown: BTreeMap<u64, usize>,
}

impl Moves {
    /// Shows the moves since the last look.
    pub(super) fn show_new(&mut self, show: &Show, shared: &Shared) {
        let Ok(alerts) = shared.store.alerts(&AlertFilter { limit: 100, ..AlertFilter::default() }) else { return };
        for alert in alerts.iter().rev() {
            let Ok(moves) = shared.store.transitions(alert.number) else { continue };
            let shown = self.shown.entry(alert.number).or_default();
            for moved in moves.iter().skip(*shown) {
                let state = match moved.to {
                    AlertState::Firing => moved.severity.to_string(),
                    ended => ended.to_string(),
                };
                let now = shared.clock.now();
                let late =
                    if now.since(moved.at) > AT_ONCE { format!(" at {:.5}", clock(moved.at)) } else { String::new() };
                let what = format!("#{} {}: {state}{late} ({})", alert.number, alert.rule, moved.reason);
                show.line(now, (YELLOW, "! alert"), &what, None);
            }
            *shown = moves.len();
        }
    }
}
