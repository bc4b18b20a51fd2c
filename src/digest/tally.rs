//! Alerts, counted and sorted in one pass over them in short: only those that are shown are read whole.

use std::collections::{BTreeMap, BTreeSet};

use super::{LINES, TABLE, Window};
use crate::engine::{AlertState, Digest, Labels, Timestamp, UNKNOWN};
use crate::store::{Outline, Store, StoreError};

/// Alerts in one read.
const PAGE: usize = 2000;

/// Alerts of one patient that are shown.
const OF_ONE_PATIENT: usize = 8;

/// The first few of many, by what sorts them; the number of the alert comes last.
pub(super) struct Best {
    most: usize,
    kept: BTreeSet<(i64, i64, u64)>,
    pub total: u64,
}

impl Best {
    fn of(most: usize) -> Self {
        Self { most, kept: BTreeSet::new(), total: 0 }
    }

    fn add(&mut self, key: (i64, i64, u64)) {
        self.total += 1;
        self.kept.insert(key);
        if self.kept.len() > self.most {
            self.kept.pop_last();
        }
    }

    pub(super) fn numbers(&self) -> impl Iterator<Item = u64> {
        self.kept.iter().map(|(_, _, number)| *number)
    }
}

/// What is open of one patient.
pub(super) struct Open {
    /// By when it happened, then by number.
    pub first: BTreeSet<(Timestamp, u64)>,
    pub total: u64,
}

/// Patients with open alerts.
#[derive(Default)]
pub(super) struct Patients(BTreeMap<String, Open>);

impl Patients {
    fn add(&mut self, patient: &str, alert: &Outline) {
        if !self.0.contains_key(patient) {
            self.0.insert(patient.to_owned(), Open { first: BTreeSet::new(), total: 0 });
        }
        let Some(open) = self.0.get_mut(patient) else { return };
        open.total += 1;
        open.first.insert((alert.opened_at, alert.number));
        if open.first.len() > OF_ONE_PATIENT {
            open.first.pop_last();
        }
    }

    pub(super) fn total(&self) -> u64 {
        self.0.len() as u64
    }

    /// Those whose oldest alert is oldest.
    pub(super) fn oldest(&self) -> Vec<&Open> {
        let mut sorted: BTreeMap<Option<&(Timestamp, u64)>, &Open> = BTreeMap::new();
        for open in self.0.values() {
            sorted.insert(open.first.first(), open);
            if sorted.len() > LINES {
                sorted.pop_last();
            }
        }
        sorted.into_values().collect()
    }
}

/// What one message says of alerts.
pub(super) struct Tally {
    pub open: Best,
    pub fired: Best,
    pub resolved: Best,
    pub expired: Best,
    pub acknowledged: u64,
    pub silenced: u64,
    pub oldest: Option<Timestamp>,
    pub callers: Patients,
    pub handled: Patients,
    pub sites: BTreeMap<String, u64>,
    /// How many were open at each of the window's days.
    pub days: Vec<u64>,
    pub table_open: Best,
    pub table_ended: Best,
}

impl Tally {
    pub(super) fn empty(window: &Window) -> Self {
        Self {
            open: Best::of(LINES),
            fired: Best::of(LINES),
            resolved: Best::of(LINES),
            expired: Best::of(LINES),
            acknowledged: 0,
            silenced: 0,
            oldest: None,
            callers: Patients::default(),
            handled: Patients::default(),
            sites: BTreeMap::new(),
            days: vec![0; window.days.len()],
            table_open: Best::of(TABLE),
            table_ended: Best::of(TABLE),
        }
    }

    /// Whether there is anything that stands open or has changed.
    pub(super) fn says_something(&self) -> bool {
        [&self.open, &self.fired, &self.resolved, &self.expired].iter().any(|part| part.total > 0)
    }

    fn add(&mut self, state: AlertState, alert: &Outline, window: &Window) {
        let number = alert.number;
        let newest = (0, number.cast_signed().saturating_neg(), number);
        let urgent = ((alert.severity as i64).saturating_neg(), alert.noticed_at.0, number);
        let within = |at: Timestamp| window.from <= at && at < window.until;
        let is_open = state == AlertState::Firing;
        for (count, day) in self.days.iter_mut().zip(&window.days) {
            *count += u64::from(alert.noticed_at < *day && (is_open || alert.moved_at >= *day));
        }
        if within(alert.noticed_at) {
            self.fired.add(newest);
        }
        if is_open {
            self.add_open(alert, urgent, window);
        } else if within(alert.moved_at) {
            match state {
                AlertState::Resolved => self.resolved.add(newest),
                _ => self.expired.add(urgent),
            }
            self.table_ended.add(newest);
        }
    }

    fn add_open(&mut self, alert: &Outline, urgent: (i64, i64, u64), window: &Window) {
        self.open.add(urgent);
        self.table_open.add(urgent);
        self.oldest = Some(self.oldest.map_or(alert.opened_at, |oldest| oldest.min(alert.opened_at)));
        *self.sites.entry(label(&alert.labels, "site").to_owned()).or_default() += 1;
        let taken_on = window.is_taken_on(alert.acknowledged.as_ref());
        self.acknowledged += u64::from(taken_on);
        self.silenced += u64::from(window.is_silenced(alert));
        let patient = label(&alert.labels, "patient");
        if patient != UNKNOWN {
            let patients = if taken_on { &mut self.handled } else { &mut self.callers };
            patients.add(patient, alert);
        }
    }
}

/// A label's text; `unknown` where there is none.
pub(super) fn label<'l>(labels: &'l Labels, name: &str) -> &'l str {
    let text = labels.get(name).and_then(|seen| seen.value.as_text());
    text.filter(|text| !text.is_empty()).unwrap_or(UNKNOWN)
}

/// Counts the alerts that a digest is about: by the value of the label that it is split by, or all under the empty text.
pub(super) fn tally(
    store: &dyn Store,
    digest: &Digest,
    window: &Window,
) -> Result<BTreeMap<String, Tally>, StoreError> {
    let mut tallies = BTreeMap::new();
    let earliest = window.days.iter().copied().chain([window.from]).min().unwrap_or(window.from);
    for state in AlertState::ALL {
        let is_open = state == AlertState::Firing;
        let mut after = (if is_open { Timestamp(i64::MIN) } else { earliest }, 0);
        loop {
            let page = store.outlines(state, after, PAGE)?;
            let Some(last) = page.last() else { break };
            after = (last.moved_at, last.number);
            // What ends while this looks was counted as open.
            for alert in page.iter().filter(|alert| is_open || alert.moved_at < window.now) {
                if !digest.matchers.iter().all(|matcher| matcher.holds(&alert.labels)) {
                    continue;
                }
                let value = digest.split_by.as_ref().map_or("", |name| label(&alert.labels, name));
                if !tallies.contains_key(value) {
                    tallies.insert(value.to_owned(), Tally::empty(window));
                }
                if let Some(tally) = tallies.get_mut(value) {
                    tally.add(state, alert, window);
                }
            }
        }
    }
    Ok(tallies)
}
