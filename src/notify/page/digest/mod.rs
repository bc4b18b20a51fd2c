//! What a digest says.

mod bars;
mod health;
mod lines;

use super::alerts::{more, severity_tone};
use super::{Page, Section, Tone, foot};
use crate::engine::{Callers, DigestPart, DigestReport, DigestRows, DigestSection, Interval, Phi, Timestamp};
use crate::notify::phi::{self, Told, local, told};
use lines::Reader;

/// What was put together so long after it was due says so, in milliseconds.
const LATE: i64 = 15 * 60 * 1000;

pub(super) fn of(phi: Phi, report: &DigestReport, receiver: Told) -> Page {
    let reader = Reader { phi, report };
    let mut sections = Vec::new();
    for part in &report.parts {
        sections.extend(section(*part, &reader));
    }
    let about = phi::split(report).map_or_else(Told::default, |value| told!(", ", value));
    let (fired, open) = (report.fired.total, report.open.total);
    Page {
        headline: told!("[DIGEST] ", phi::digest(report), about, ": ", fired, " new, ", open, " open"),
        preheader: Told::join(&news(report), " "),
        kind: "digest",
        tone: report.worst.map_or(Tone::Good, severity_tone),
        lead: lead(report),
        sections,
        link: None,
        foot: small_print(report).into_iter().chain([foot(receiver)]).collect(),
    }
}

/// What the sections do not say themselves.
fn small_print(report: &DigestReport) -> Vec<Told> {
    let mut said = Vec::new();
    if !report.parts.contains(&DigestPart::DeliveryHealth) {
        said.push(proof(report));
    }
    if let Some(table) = report.table.as_ref().filter(|table| table.total > table.alerts.len() as u64) {
        said.push(told!("The table beside this mail has ", table.alerts.len(), " of ", table.total, " alerts."));
    }
    said
}

/// What changed since the last one, and what stands in the way of trusting this one.
fn lead(report: &DigestReport) -> Vec<Told> {
    let mut lead = Vec::new();
    if let Some(by) = &report.asked_by {
        lead.push(told!("Asked for by hand by ", phi::account(by), "; the next one comes at its own time."));
    }
    lead.extend(catching_up(report));
    if report.undecided {
        lead.push(told!(
            "Not everything that happened before is decided yet: what is missing here is in the next one."
        ));
    }
    lead.extend(news(report));
    if report.undelivered > 0 {
        let what = counted(report.undelivered, "message");
        lead.push(told!(what, " could not be delivered: `pulsewarden deliveries --dead` lists them."));
    }
    if !report.parts.contains(&DigestPart::DeliveryHealth) {
        lead.extend(report.health.blind.iter().take(3).map(|blind| unheard(blind, &report.time_zone)));
    }
    lead
}

/// What changed, and what is open.
fn news(report: &DigestReport) -> Vec<Told> {
    let since = local(report.from, &report.time_zone);
    let DigestReport { fired, resolved, expired, open, .. } = report;
    if [fired, resolved, expired, open].iter().all(|part| part.total == 0) {
        return vec![told!("Nothing new and nothing open since ", since, ". ", proof(report))];
    }
    let ended = match expired.total {
        0 => Told::default(),
        count => told!(", ", count, " ended without news"),
    };
    let changed = told!("Since ", since, ": ", fired.total, " new, ", resolved.total, " resolved", ended, ".");
    vec![changed, standing(report)]
}

/// What is open, how long, and what of it is in somebody's hands.
fn standing(report: &DigestReport) -> Told {
    let apart: Vec<Told> = [(report.acknowledged, " acknowledged"), (report.silenced, " silenced")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| told!(count, word))
        .collect();
    let apart = if apart.is_empty() { Told::default() } else { told!(" (", Told::join(&apart, ", "), ")") };
    let oldest = report.oldest.map_or_else(Told::default, |oldest| {
        let age = span(oldest, report.made_at);
        told!("; the oldest since ", local(oldest, &report.time_zone), " (", age, ")")
    });
    told!("Open now: ", report.open.total, apart, oldest, ".")
}

/// Why it comes late, or stands for more than one.
fn catching_up(report: &DigestReport) -> Vec<Told> {
    let local = |at: &Timestamp| local(*at, &report.time_zone);
    let mut said = Vec::new();
    if report.made_at.0.saturating_sub(report.until.0) > LATE {
        let (due, made) = (local(&report.until), local(&report.made_at));
        said.push(told!("It was due at ", due, " and could be put together only at ", made, "."));
    }
    if report.missed_total > 0 {
        let named: Vec<Told> = report.missed.iter().map(local).collect();
        let rest = report.missed_total.saturating_sub(named.len() as u64);
        let earlier = if rest > 0 { told!(rest, " earlier, ") } else { Told::default() };
        let what = counted(report.missed_total, "digest");
        said.push(told!("It covers ", what, " that could not be sent: ", earlier, Told::join(&named, ", "), "."));
    }
    said
}

/// Whether what is told can be trusted to be all.
fn proof(report: &DigestReport) -> Told {
    let proven = |what: &'static str, at: Option<Timestamp>| match at {
        Some(at) => told!("Last ", what, ": ", local(at, &report.time_zone), "."),
        None => told!("No ", what, " yet."),
    };
    told!(proven("webhook", report.last_webhook), " ", proven("proven delivery", report.last_delivery))
}

fn section(part: DigestPart, reader: &Reader<'_>) -> Vec<Section> {
    let report = reader.report;
    match part {
        DigestPart::CallList => callers(reader),
        DigestPart::NewAlerts => alerts("New", &report.fired, reader).into_iter().collect(),
        DigestPart::OpenAlerts => {
            let list = alerts("Open", &report.open, reader);
            list.into_iter().chain(bars::open_alerts(report)).collect()
        }
        DigestPart::ResolvedAlerts => {
            let ends = [("Resolved", &report.resolved), ("Ended without news", &report.expired)];
            ends.into_iter().filter_map(|(title, part)| alerts(title, part, reader)).collect()
        }
        DigestPart::SilentDevices => rows("Silent devices", &report.silent, "devices", reader).into_iter().collect(),
        DigestPart::Battery => {
            let list = rows("Low batteries", &report.battery, "devices", reader);
            bars::batteries(report).into_iter().chain(list).collect()
        }
        DigestPart::OrdersInFlight => {
            rows("Orders on their way", &report.orders, "orders", reader).into_iter().collect()
        }
        DigestPart::ReturnsOverdue => rows("Returns overdue", &report.returns, "returns", reader).into_iter().collect(),
        DigestPart::DeliveryHealth => vec![health::section(report)],
    }
}

fn alerts(title: &'static str, part: &DigestSection, reader: &Reader<'_>) -> Option<Section> {
    let omitted = usize::try_from(part.total).unwrap_or(usize::MAX).saturating_sub(part.alerts.len());
    (part.total > 0).then(|| Section {
        title: told!(title, " (", part.total, ")"),
        lines: part.alerts.iter().map(|alert| reader.alert(alert)).collect(),
        more: more(omitted),
        ..Section::default()
    })
}

/// Whom to call, and apart from them, whom somebody has taken on.
fn callers(reader: &Reader<'_>) -> Vec<Section> {
    let list = |title: &'static str, callers: &Callers| {
        let rest = callers.total.saturating_sub(callers.listed.len() as u64);
        (callers.total > 0).then(|| Section {
            title: told!(title, " (", counted(callers.total, "patient"), ")"),
            lines: callers.listed.iter().map(|caller| reader.caller(caller)).collect(),
            more: (rest > 0).then(|| told!("and ", counted(rest, "patient"), " more")),
            ..Section::default()
        })
    };
    let report = reader.report;
    [list("To call", &report.callers), list("Taken on already", &report.handled)].into_iter().flatten().collect()
}

/// Without identifiers there is nothing to tell them apart by, so they are counted by site.
fn rows(title: &'static str, rows: &DigestRows, what: &'static str, reader: &Reader<'_>) -> Option<Section> {
    let title = told!(title, " (", rows.total, ")");
    if rows.total == 0 {
        return None;
    }
    if reader.phi == Phi::None {
        return Some(Section { title, bars: bars::by_site(&rows.sites), ..Section::default() });
    }
    let rest = rows.total.saturating_sub(rows.listed.len() as u64);
    Some(Section {
        title,
        lines: rows.listed.iter().map(|row| reader.row(row)).collect(),
        more: (rest > 0).then(|| told!("and ", rest, " more ", what)),
        ..Section::default()
    })
}

fn unheard(blind: &Interval, time_zone: &str) -> Told {
    let (from, to) = (local(blind.from, time_zone), local(blind.to, time_zone));
    told!("Nothing could be heard from ", from, " to ", to, ": what happened then may be missing here.")
}

fn counted(count: u64, what: &'static str) -> Told {
    told!(count, " ", what, if count == 1 { "" } else { "s" })
}

/// How long something has been so, roughly.
fn span(from: Timestamp, to: Timestamp) -> Told {
    let hours = to.since(from).as_secs() / 3600;
    match hours {
        0 => told!("less than an hour"),
        1..=47 => counted(hours, "hour"),
        _ => counted(hours / 24, "day"),
    }
}
