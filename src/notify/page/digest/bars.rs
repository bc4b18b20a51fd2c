//! Small charts, where people would rather look than read.

use std::collections::BTreeMap;

use crate::engine::{BATTERY_STEPS, DigestReport};
use crate::notify::page::{Bar, Section};
use crate::notify::phi::{self, Told, day, repeated, told};

/// Sites in one chart.
const SITES: usize = 10;

/// The longest bar in text, in characters.
const LONGEST: u64 = 20;

/// How many alerts were open day by day, and where they are.
pub(super) fn open_alerts(report: &DigestReport) -> Vec<Section> {
    let charts = &report.charts;
    let mut sections = Vec::new();
    if charts.days.iter().any(|(_, open)| *open > 0) {
        let days = charts.days.iter().map(|(at, open)| (day(*at, &report.time_zone), *open)).collect();
        sections.push(chart("Open alerts at the end of each day", days));
    }
    if charts.sites.len() > 1 {
        let bars = by_site(&charts.sites);
        sections.push(Section { title: told!("Open alerts by site"), bars, ..Section::default() });
    }
    sections
}

pub(super) fn batteries(report: &DigestReport) -> Option<Section> {
    let counts = &report.charts.batteries;
    if counts.iter().all(|count| *count == 0) {
        return None;
    }
    let steps = BATTERY_STEPS.iter().enumerate().zip(counts).map(|((at, from), count)| {
        let label = match BATTERY_STEPS.get(at + 1) {
            Some(to) => told!(*from, " to ", to - 1, "%"),
            None => told!(*from, "% and more"),
        };
        (label, *count)
    });
    Some(chart("Batteries of devices with patients", steps.collect()))
}

/// The sites with the most of something.
pub(super) fn by_site(sites: &BTreeMap<String, u64>) -> Vec<Bar> {
    let mut sorted = phi::by_site(sites);
    sorted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let rest: u64 = sorted.iter().skip(SITES).map(|(_, count)| count).sum();
    let others = sorted.len().saturating_sub(SITES);
    sorted.truncate(SITES);
    if others > 0 {
        sorted.push((told!(others, " other sites"), rest));
    }
    bars(sorted)
}

fn chart(title: &'static str, values: Vec<(Told, u64)>) -> Section {
    Section { title: told!(title), bars: bars(values), ..Section::default() }
}

fn bars(values: Vec<(Told, u64)>) -> Vec<Bar> {
    let most = values.iter().map(|(_, value)| *value).max().unwrap_or_default().max(1);
    let widest = values.iter().map(|(label, _)| label.length()).max().unwrap_or_default();
    // What there is, however little, has a bar.
    let part = |value: u64, of: u64| (value.saturating_mul(of) / most).max(u64::from(value > 0));
    let bar = |(label, value): (Told, u64)| Bar {
        pad: repeated(" ", widest.saturating_sub(label.length())),
        blocks: repeated("▇", usize::try_from(part(value, LONGEST)).unwrap_or_default()),
        share: part(value, 100),
        label,
        value,
    };
    values.into_iter().map(bar).collect()
}
