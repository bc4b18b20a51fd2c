//! The lines of a digest: alerts, patients, devices, orders and returns, each as its receiver may see it.

use super::span;
use crate::engine::{Alert, Caller, DigestReport, DigestRow, Phi, Reason, Seen, Severity, SubjectKind, Timestamp};
use crate::notify::page::alerts::{entry, severity_tone};
use crate::notify::page::{Line, Tone};
use crate::notify::phi::{self, Tell, Told, label, told};

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
            facts.push(told!("seen ", alert.count, " times"));
        }
        let mut details = vec![joined(facts)];
        details.extend(shown.action.map(|action| told!("To do: ", action)));
        Line {
            badge: Some(shown.badge),
            tone: shown.tone,
            title: told!(shown.summary, " (alert ", alert.number, ")"),
            details,
        }
    }

    /// A patient with what is open, each in a line of its own.
    pub(super) fn caller(&self, caller: &Caller) -> Line {
        let first = caller.alerts.first();
        let text = |name: &str| first.map(|alert| label(alert, name, self.phi)).filter(Told::is_known);
        let who = text("patient").map(|id| told!("Patient ", id));
        let since = first.map(|alert| alert.opened_at);
        let since = since.map(|since| told!("since ", self.local(since), " (", span(since, self.report.made_at), ")"));
        let title = [Some(who.unwrap_or_else(|| told!("A patient"))), text("site"), since];
        let mut details: Vec<Told> = caller.alerts.iter().map(|alert| self.problem(alert)).collect();
        let rest = caller.total.saturating_sub(caller.alerts.len() as u64);
        if rest > 0 {
            details.push(told!("and ", rest, " more"));
        }
        let worst = caller.alerts.iter().map(|alert| alert.severity).max().unwrap_or(Severity::Info);
        Line {
            badge: Some(worst.tell()),
            tone: severity_tone(worst),
            title: joined(title.into_iter().flatten().collect()),
            details,
        }
    }

    /// One open problem of a patient. Without identifiers, its rule says what it is.
    fn problem(&self, alert: &Alert) -> Told {
        let what = match self.phi {
            Phi::None => phi::rule(alert),
            _ => entry(alert, self.phi).summary,
        };
        let mut about = vec![told!("alert ", alert.number), alert.severity.tell()];
        if alert.noticed_at >= self.report.from {
            about.push(told!("new"));
        }
        about.extend(self.times(alert));
        about.extend(self.hands(alert));
        told!(what, " (", Told::join(&about, ", "), ")")
    }

    /// A device, an order or a return.
    pub(super) fn row(&self, row: &DigestRow) -> Line {
        let value = |name: &str| row.values.get(name).and_then(|seen| self.value(seen));
        let known = |name: &str| row.labels.get(name).and_then(|seen| self.value(seen)).filter(Told::is_known);
        let (id, kind) = (phi::subject_id(&row.subject, self.phi), row.subject.kind);
        let title = match kind {
            SubjectKind::Device => {
                let name = [known("item").unwrap_or_else(|| told!("Device")), value("serial").unwrap_or_default()];
                let name: Vec<Told> = name.into_iter().filter(|part| !part.is_empty()).collect();
                Told::join(&name, " ")
            }
            SubjectKind::Order => told!("Order ", &id),
            _ => told!("Return ", &id),
        };
        let mut facts: Vec<Told> = value("status").into_iter().collect();
        facts.extend(value("status_at").map(|at| told!("since ", at)));
        facts.extend(value("battery").map(|percent| told!(percent, "%")));
        facts.extend(value("battery_at").map(|at| told!("measured ", at)));
        if row.values.contains_key("last_heard_at") {
            facts.extend(value("last_heard_at").map(|at| told!("last heard ", at)));
        } else if kind == SubjectKind::Device && !row.values.contains_key("battery") {
            facts.push(told!("never heard"));
        }
        facts.extend(value("placed_at").map(|at| told!("placed ", at)));
        facts.extend(value("tracking_numbers").filter(|text| !text.is_empty()).map(|text| told!("tracking ", text)));
        facts.extend(known("site"));
        facts.extend(known("patient").map(|id| told!("patient id ", id)));
        if kind == SubjectKind::Device {
            facts.push(told!("device id ", id));
        }
        facts.extend(row.alert.map(|number| told!("alert ", number)));
        Line { badge: None, tone: Tone::Info, title, details: vec![joined(facts)] }
    }

    /// A value where it may be seen, with times in the digest's zone.
    fn value(&self, seen: &Seen) -> Option<Told> {
        phi::open_value(seen, self.phi, &self.report.time_zone)
    }

    /// Which device it is about, and whose.
    fn place(&self, alert: &Alert) -> Told {
        let serial = alert.evidence.values.get("device.serial").and_then(|seen| self.value(seen));
        let named = |word: &'static str, name: &str| {
            Some(label(alert, name, self.phi)).filter(Told::is_known).map(|id| told!(word, id))
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
    fn times(&self, alert: &Alert) -> Vec<Told> {
        let mut times = vec![told!("since ", self.local(alert.opened_at))];
        if alert.noticed_at.0.saturating_sub(alert.opened_at.0).abs() > NOTEWORTHY {
            times.push(told!("learned ", self.local(alert.noticed_at)));
        }
        if let Some(end) = &alert.end {
            times.push(told!("until ", self.local(end.at), ": ", self.reason(&end.reason)));
        }
        times
    }

    fn reason(&self, why: &Reason) -> Told {
        match why {
            Reason::QuietSince { last_match } => {
                told!("heard from, with nothing new since ", self.local(*last_match))
            }
            Reason::NoNews { since } => told!("no news since ", self.local(*since), "; not known to be well"),
            _ => phi::reason(why, self.phi),
        }
    }

    /// Whether an open alert is new, and in whose hands.
    fn standing(&self, alert: &Alert) -> Vec<Told> {
        if alert.end.is_some() {
            return Vec::new();
        }
        let new = (alert.noticed_at >= self.report.from).then(|| told!("new"));
        new.into_iter().chain(self.hands(alert)).collect()
    }

    /// Who has taken it on. People write what they like there, so it is told where identifiers are.
    fn hands(&self, alert: &Alert) -> Vec<Told> {
        let mut hands = Vec::new();
        if let Some((by, _, _)) = phi::acknowledged(alert) {
            hands.push(if self.phi == Phi::None { told!("acknowledged") } else { told!("acknowledged by ", by) });
        }
        hands.extend(phi::assignee(alert, self.phi).map(|who| told!("assigned to ", who)));
        hands
    }

    fn local(&self, at: Timestamp) -> Told {
        phi::local(at, &self.report.time_zone)
    }
}

fn joined(facts: Vec<Told>) -> Told {
    let facts: Vec<Told> = facts.into_iter().filter(|fact| !fact.is_empty()).collect();
    Told::join(&facts, " · ")
}
