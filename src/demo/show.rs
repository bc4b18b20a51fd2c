//! What the demo prints: what happens at Impilo, what fires, what is mailed.

use std::collections::BTreeMap;
use std::fmt::Arguments;
use std::io::{IsTerminal, Write};

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::mail_catcher::Mail;
use crate::daemon::Shared;
use crate::engine::{AlertState, Timestamp};
use crate::store::AlertFilter;

/// The longest line of a mail, in letters.
const WIDTH: usize = 92;

/// How far mails are set in.
const INDENT: &str = "                   ";

/// What only the first mail is shown with.
const ADVICE: &str = "How to look into it:";

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

    /// One line of the story: when, where, what.
    fn line(&self, at: Timestamp, (color, place): (u8, &str), what: &str) {
        let time = at.to_string();
        let time = self.paint(FAINT, time.get(11..16).unwrap_or(&time));
        self.say(format_args!("{time}  {}  {what}", self.paint(color, &format!("{place:<10}"))));
    }

    /// Text between the lines of the story.
    pub(super) fn tell(&self, text: &str) {
        for line in wrapped(text, WIDTH + 8) {
            self.say(format_args!("{line}"));
        }
    }

    pub(super) fn title(&self, text: &str) {
        self.say(format_args!("{}", self.paint(BOLD, text)));
    }

    /// A part of the story begins.
    pub(super) fn chapter(&self, title: &str, text: &str) {
        self.say(format_args!(""));
        self.title(title);
        self.tell(text);
        self.say(format_args!(""));
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
        self.line(at, (BLUE, "→ Impilo"), what);
    }

    /// Impilo tells something, and nobody is there.
    pub(super) fn lost(&self, at: Timestamp, what: &str) {
        self.line(at, (RED, "✗ lost"), what);
    }

    /// What is not told one by one.
    pub(super) fn aside(&self, at: Timestamp, what: &str) {
        self.line(at, (FAINT, "·"), &self.paint(FAINT, what));
    }

    pub(super) fn mail(&mut self, at: Timestamp, mail: &Mail) {
        let subject = mail.header("Subject").unwrap_or_default();
        self.line(at, (MAGENTA, "✉ mail"), &format!("to {}: {}", mail.to.join(", "), self.paint(BOLD, &subject)));
        let text = mail.text();
        let advises = text.contains(ADVICE);
        let whole = !advises || !self.explained;
        self.explained |= advises;
        // The first line says again what stands above, and behind the dashes stands who sends it.
        let lines = text.lines().skip(2).take_while(|line| *line != "--").filter(|line| !line.trim().is_empty());
        for line in lines.take_while(|line| whole || !line.starts_with(ADVICE)) {
            for part in wrapped(line, WIDTH) {
                self.say(format_args!("{INDENT}{part}"));
            }
        }
    }

    pub(super) fn slack(&self, at: Timestamp, message: &Value) {
        let text = message.get("text").and_then(Value::as_str).unwrap_or_default();
        self.line(at, (GREEN, "# Slack"), &format!("#device-alerts: {text}"));
    }
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
                let what = format!("#{} {} on {}: {state} ({})", alert.number, alert.rule, alert.subject, moved.reason);
                show.line(shared.clock.now(), (YELLOW, "! alert"), &what);
            }
            *shown = moves.len();
        }
    }
}
