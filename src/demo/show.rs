//! What the demo prints: what arrives, what fires, what is mailed.

use std::cell::Cell;
use std::fmt::Arguments;
use std::io::{IsTerminal, Write};

use serde_json::Value;

use super::fleet::Moment;
use super::mail_catcher::Mail;
use crate::daemon::Shared;
use crate::engine::AlertState;
use crate::store::AlertFilter;

/// Prints, in colours where there is a terminal.
pub(super) struct Show {
    colors: bool,
    /// The reader of the output has gone, as `head` does.
    closed: Cell<bool>,
}

impl Show {
    pub(super) fn new() -> Self {
        let colors = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { colors, closed: Cell::new(false) }
    }

    /// Whether nobody reads any more.
    pub(super) fn is_closed(&self) -> bool {
        self.closed.get()
    }

    fn say(&self, line: Arguments<'_>) {
        if writeln!(std::io::stdout(), "{line}").is_err() {
            self.closed.set(true);
        }
    }

    fn paint(&self, code: u8, text: &str) -> String {
        if self.colors { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    pub(super) fn welcome(&self, url: &str, secret: &str) {
        self.say(format_args!("{}", self.paint(1, "Pulsewarden demo")));
        self.say(format_args!("The real daemon listens on {url}, with a mail server and a Slack of its own."));
        self.say(format_args!("A small invented fleet now reports, as Impilo would. Post an event yourself:\n"));
        self.say(format_args!("{}\n", self.curl(url, secret)));
    }

    fn curl(&self, url: &str, secret: &str) -> String {
        // Only a new id is a new event: the shell makes one each time the line is run.
        let body = r#"{"id":'"$(date +%s%N)"',"type":"device.lowBattery","payload":{"batteryPercentage":6,"device":{"id":77,"item":{"id":1,"name":"My Scale"},"deviceIdentifiers":[{"type":"serial","value":"MY-1"}]}}}"#;
        let command = format!(
            "curl -i {url} -H 'Impilo-Webhook-Secret: {secret}' -H 'Content-Type: application/json' -d '{body}'"
        );
        self.paint(36, &command)
    }

    pub(super) fn event(&self, moment: &Moment, status: u16) {
        let kind = moment.body.get("type").and_then(Value::as_str).unwrap_or("?");
        self.say(format_args!("{} {kind:<28} {} (answered {status})", self.paint(34, "→ webhook"), moment.caption));
    }

    fn fired(&self, line: &str) {
        self.say(format_args!("{} {line}", self.paint(33, "! alert  ")));
    }

    pub(super) fn mail(&self, mail: &Mail) {
        let subject = mail.header("Subject").unwrap_or_default();
        self.say(format_args!(
            "{} to {}: {}",
            self.paint(35, "✉ mail   "),
            mail.to.join(", "),
            self.paint(1, &subject)
        ));
        for line in mail.text().lines().skip(2).filter(|line| !line.trim().is_empty()).take_while(|line| *line != "--")
        {
            self.say(format_args!("            {line}"));
        }
    }

    pub(super) fn slack(&self, message: &Value) {
        let text = message.get("text").and_then(Value::as_str).unwrap_or_default();
        self.say(format_args!("{} #device-alerts: {text}", self.paint(32, "# slack  ")));
    }

    pub(super) fn summary(&self, shared: &Shared) -> anyhow::Result<()> {
        let figures = shared.store.figures()?;
        let all = shared.store.count_alerts(&AlertFilter::default())?;
        self.say(format_args!(
            "\n{} {} webhooks kept, {all} alerts fired, {} still open, {} devices known.",
            self.paint(1, "That was it:"),
            figures.last_by_type.iter().map(|(_, _, count)| count).sum::<u64>(),
            figures.open_alerts,
            figures.devices
        ));
        Ok(())
    }

    pub(super) fn staying(&self, url: &str, secret: &str) {
        self.say(format_args!(
            "\nThe daemon stays up until Ctrl-C. Post an event yourself:\n\n{}\n",
            self.curl(url, secret)
        ));
    }
}

/// Which moves of alerts have been shown.
#[derive(Default)]
pub(super) struct Moves {
    shown: std::collections::BTreeMap<u64, usize>,
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
                show.fired(&format!(
                    "#{} {} on {}: {state}, {}",
                    alert.number, alert.rule, alert.subject, moved.reason
                ));
            }
            *shown = moves.len();
        }
    }
}
