//! The lines of a digest: alerts, patients, devices, orders and returns, each as its receiver may see it.

use super::{local, span};
use crate::engine::{
    Alert, Caller, DigestReport, DigestRow, Phi, Reason, Seen, Severity, SubjectKind, Timestamp, UNKNOWN, Value,
};
use crate::notify::page::alerts::{entry, reason, severity_tone, words};
use crate::notify::page::{Line, Tone, label};
use crate::notify::phi::{self, HIDDEN, printable};

/// Times that lie further apart than this are told apart.
const NOTEWORTHY: i64 = 10 * 60 * 1000;

/// Reads a report for a receiver.
pub(super) struct Reader<'r> {
    pub phi: Phi,
    pub report: &'r DigestReport,
}

impl Reader<'_> {
    pub(super) fn alert(&self, alert: &Alert) -> Line {
        let shown = entry(alert, self.phi);
        let mut facts = vec![self.place(alert)];
        facts.extend(self.times(alert));
        facts.extend(self.standing(alert));
        if alert.count > 1 {
            facts.push(format!("seen {} times", alert.count));
        }
        let mut details = vec![joined(facts)];
        details.extend(shown.action.map(|action| format!("To do: {action}")));
        Line {
            badge: Some(shown.badge),
            tone: shown.tone,
            title: format!("{} (alert {})", shown.summary, alert.number),
            details,
        }
    }

    /// A patient with what is open, each in a line of its own.
    pub(super) fn caller(&self, caller: &Caller) -> Line {
        let first = caller.alerts.first();
        let text = |name: &str| first.map(|alert| label(alert, name, self.phi)).filter(|text| is_known(text));
        let who = text("patient").map(|id| format!("Patient {id}"));
        let since = first.map(|alert| alert.opened_at);
        let since = since.map(|since| format!("since {} ({})", self.local(since), span(since, self.report.made_at)));
        let title = [Some(who.unwrap_or_else(|| "A patient".to_owned())), text("site"), since];
        let mut details: Vec<String> = caller.alerts.iter().map(|alert| self.problem(alert)).collect();
        let rest = caller.total.saturating_sub(caller.alerts.len() as u64);
        if rest > 0 {
            details.push(format!("and {rest} more"));
        }
        let worst = caller.alerts.iter().map(|alert| alert.severity).max().unwrap_or(Severity::Info);
        Line {
            badge: Some(worst.as_str().to_owned()),
            tone: severity_tone(worst),
            title: joined(title.into_iter().flatten().collect()),
            details,
        }
    }

    /// One open problem of a patient. Without identifiers, its rule says what it is.
    fn problem(&self, alert: &Alert) -> String {
        let what = match self.phi {
            Phi::None => words(&alert.rule),
            _ => entry(alert, self.phi).summary,
        };
        let mut about = vec![format!("alert {}", alert.number), alert.severity.as_str().to_owned()];
        if alert.noticed_at >= self.report.from {
            about.push("new".to_owned());
        }
        about.extend(self.times(alert));
        about.extend(self.hands(alert));
        format!("{what} ({})", about.join(", "))
    }

    /// A device, an order or a return.
    pub(super) fn row(&self, row: &DigestRow) -> Line {
        let value = |name: &str| row.values.get(name).and_then(|seen| self.value(seen));
        let known = |name: &str| row.labels.get(name).and_then(|seen| self.value(seen)).filter(|text| is_known(text));
        let (id, kind) = (printable(&row.subject.id), row.subject.kind);
        let title = match kind {
            SubjectKind::Device => {
                let name = [known("item").unwrap_or_else(|| "Device".to_owned()), value("serial").unwrap_or_default()];
                name.join(" ").trim_end().to_owned()
            }
            SubjectKind::Order => format!("Order {id}"),
            _ => format!("Return {id}"),
        };
        let mut facts: Vec<String> = value("status").into_iter().collect();
        facts.extend(value("status_at").map(|at| format!("since {at}")));
        facts.extend(value("battery").map(|percent| format!("{percent}%")));
        facts.extend(value("battery_at").map(|at| format!("measured {at}")));
        if row.values.contains_key("last_heard_at") {
            facts.extend(value("last_heard_at").map(|at| format!("last heard {at}")));
        } else if kind == SubjectKind::Device && !row.values.contains_key("battery") {
            facts.push("never heard".to_owned());
        }
        facts.extend(value("placed_at").map(|at| format!("placed {at}")));
        facts.extend(value("tracking_numbers").filter(|text| !text.is_empty()).map(|text| format!("tracking {text}")));
        facts.extend(known("site"));
        facts.extend(known("patient").map(|id| format!("patient id {id}")));
        if kind == SubjectKind::Device {
            facts.push(format!("device id {id}"));
        }
        facts.extend(row.alert.map(|number| format!("alert {number}")));
        Line { badge: None, tone: Tone::Info, title, details: vec![joined(facts)] }
    }

    /// A value where it may be seen, with times in the digest's zone.
    fn value(&self, seen: &Seen) -> Option<String> {
        match &seen.value {
            _ if seen.protection > self.phi => None,
            Value::Time(at) => Some(self.local(*at)),
            _ => Some(phi::text(seen, self.phi)),
        }
    }

    /// Which device it is about, and whose.
    fn place(&self, alert: &Alert) -> String {
        let serial = alert.evidence.values.get("device.serial").and_then(|seen| self.value(seen));
        let named = |word: &str, name: &str| {
            Some(label(alert, name, self.phi)).filter(|text| is_known(text)).map(|id| format!("{word}{id}"))
        };
        let facts = [
            named("", "item"),
            serial,
            named("", "site"),
            named("patient id ", "patient"),
            named("device id ", "device"),
            named("order id ", "order"),
            named("return id ", "return"),
        ];
        joined(facts.into_iter().flatten().collect())
    }

    /// When it happened, when that was learned where it is noteworthy, and how it ended.
    fn times(&self, alert: &Alert) -> Vec<String> {
        let mut times = vec![format!("since {}", self.local(alert.opened_at))];
        if alert.noticed_at.0.saturating_sub(alert.opened_at.0).abs() > NOTEWORTHY {
            times.push(format!("learned {}", self.local(alert.noticed_at)));
        }
        if let Some(end) = &alert.end {
            times.push(format!("until {}: {}", self.local(end.at), self.reason(&end.reason)));
        }
        times
    }

    fn reason(&self, why: &Reason) -> String {
        match why {
            Reason::QuietSince { last_match } => {
                format!("heard from, with nothing new since {}", self.local(*last_match))
            }
            Reason::NoNews { since } => format!("no news since {}; not known to be well", self.local(*since)),
            _ => reason(why, self.phi),
        }
    }

    /// Whether an open alert is new, and in whose hands.
    fn standing(&self, alert: &Alert) -> Vec<String> {
        if alert.end.is_some() {
            return Vec::new();
        }
        let new = (alert.noticed_at >= self.report.from).then(|| "new".to_owned());
        new.into_iter().chain(self.hands(alert)).collect()
    }

    /// Who has taken it on. People write what they like there, so it is told where identifiers are.
    fn hands(&self, alert: &Alert) -> Vec<String> {
        let named = self.phi != Phi::None;
        let mut hands = Vec::new();
        if let Some(taken) = &alert.acknowledged {
            hands.push(if named {
                format!("acknowledged by {}", printable(&taken.by))
            } else {
                "acknowledged".to_owned()
            });
        }
        if let Some(who) = alert.assignee.as_ref().filter(|_| named) {
            hands.push(format!("assigned to {}", printable(who)));
        }
        hands
    }

    fn local(&self, at: Timestamp) -> String {
        local(at, &self.report.time_zone)
    }
}

fn is_known(text: &str) -> bool {
    !text.is_empty() && text != UNKNOWN && text != HIDDEN
}

fn joined(facts: Vec<String>) -> String {
    facts.into_iter().filter(|fact| !fact.is_empty()).collect::<Vec<_>>().join(" · ")
}
