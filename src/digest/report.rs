//! What a digest says, put together: one report, or one for each value of the label that it is split by.

use std::collections::BTreeMap;

use super::schedule::Passed;
use super::survey::{Survey, survey};
use super::tally::{Best, Open, Patients, Tally, tally};
use super::{DigestError, LINES, TABLE, Window};
use crate::engine::{
    Alert, AlertState, Caller, Callers, Digest, DigestCharts, DigestHealth, DigestPart, DigestReport, DigestSection,
    RuleSet,
};
use crate::store::{Store, StoreError};

/// Rows of all tables of one run together.
const TABLES: usize = 5 * TABLE;

/// The only texts of rules that digests show.
const TEXTS: [&str; 2] = ["summary", "action"];

/// Everything that a report is made from.
pub(super) struct Maker<'m> {
    pub store: &'m dyn Store,
    pub rules: &'m RuleSet,
    pub digest: &'m Digest,
    pub window: &'m Window,
    /// The due times that it stands for; `None` where it was asked for by hand.
    pub passed: Option<&'m Passed>,
    pub asked_by: Option<&'m str>,
    /// Whether something that belongs into it is not decided yet.
    pub undecided: bool,
}

impl Maker<'_> {
    /// The reports, in the order of what they are split by. What has nothing to say is left out, unless nothing has: then one
    /// report says that.
    pub(super) fn reports(&self) -> Result<Vec<DigestReport>, DigestError> {
        let mut tallies = tally(self.store, self.digest, self.window)?;
        let mut surveys = survey(self.store, self.rules, self.digest, self.window)?;
        let frame = self.frame()?;
        if self.digest.split_by.is_none() {
            return Ok(vec![self.report(&frame, "", tallies.remove(""), surveys.remove(""), TABLE)?]);
        }
        tallies.retain(|_, tally| tally.says_something());
        surveys.retain(|value, survey| survey.lists_something() || tallies.contains_key(value));
        let mut values: Vec<String> = tallies.keys().chain(surveys.keys()).cloned().collect();
        values.sort();
        values.dedup();
        if values.is_empty() {
            return Ok(vec![frame]);
        }
        // All reports of a run are held at once, so many have smaller tables.
        let rows = (TABLES / values.len()).clamp(LINES, TABLE);
        let report = |value: &String| self.report(&frame, value, tallies.remove(value), surveys.remove(value), rows);
        values.iter().map(report).collect()
    }

    /// What all reports of one run have in common.
    fn frame(&self) -> Result<DigestReport, DigestError> {
        let Window { from, until, now, .. } = *self.window;
        let vitals = self.store.vitals()?;
        let mut health = DigestHealth::default();
        let blind = &vitals.progress.standing.blind;
        health.blind = blind.iter().filter(|blind| blind.to > from && blind.from < until).copied().collect();
        if self.shows(DigestPart::DeliveryHealth) {
            health.waiting = self.store.figures()?.outbox_waiting;
            health.waiting_since = vitals.outbox_oldest;
            let reached = self.store.last_delivery_by_receiver()?;
            let last = |name: &str| reached.iter().filter(|last| last.receiver == name).map(|last| last.at).max();
            let named = self.rules.receivers.iter().map(|receiver| &receiver.name);
            health.receivers = named.map(|name| (name.clone(), last(name))).collect();
        }
        Ok(DigestReport {
            name: self.digest.name.clone(),
            time_zone: self.digest.time_zone.clone(),
            from,
            until,
            made_at: now,
            parts: self.digest.parts.clone(),
            split: None,
            missed: self.passed.map(|passed| passed.missed.clone()).unwrap_or_default(),
            missed_total: self.passed.map_or(0, |passed| passed.missed_total),
            asked_by: self.asked_by.map(str::to_owned),
            undecided: self.undecided,
            last_webhook: vitals.last_webhook(),
            last_delivery: vitals.last_delivery,
            undelivered: self.store.count_dead(from, until)?,
            health,
            ..DigestReport::default()
        })
    }

    fn report(
        &self,
        frame: &DigestReport,
        value: &str,
        tally: Option<Tally>,
        survey: Option<Survey>,
        rows: usize,
    ) -> Result<DigestReport, DigestError> {
        let tally = tally.unwrap_or_else(|| Tally::empty(self.window));
        let survey = survey.unwrap_or_default();
        let section = |part: DigestPart, best: &Best| self.section(best, self.shows(part));
        let callers = |patients: &Patients| self.callers(patients);
        let days = self.window.days.iter().copied().zip(tally.days.iter().copied()).collect();
        Ok(DigestReport {
            split: self.digest.split_by.as_ref().map(|label| (label.clone(), value.to_owned())),
            fired: section(DigestPart::NewAlerts, &tally.fired)?,
            resolved: section(DigestPart::ResolvedAlerts, &tally.resolved)?,
            expired: section(DigestPart::ResolvedAlerts, &tally.expired)?,
            open: self.open(self.section(&tally.open, self.shows(DigestPart::OpenAlerts))?),
            acknowledged: tally.acknowledged,
            silenced: tally.silenced,
            oldest: tally.oldest,
            worst: tally
                .open
                .numbers()
                .next()
                .map(|number| self.alert(number))
                .transpose()?
                .flatten()
                .map(|a| a.severity),
            callers: callers(&tally.callers)?,
            handled: callers(&tally.handled)?,
            charts: DigestCharts { days, sites: tally.sites.clone(), batteries: survey.batteries.to_vec() },
            table: self.table(&tally, rows)?,
            silent: survey.silent.into_rows(),
            battery: survey.battery.into_rows(),
            orders: survey.orders.into_rows(),
            returns: survey.returns.into_rows(),
            ..frame.clone()
        })
    }

    fn shows(&self, part: DigestPart) -> bool {
        self.digest.parts.contains(&part)
    }

    /// The totals of a part, and its alerts where they are shown.
    fn section(&self, best: &Best, shown: bool) -> Result<DigestSection, StoreError> {
        let alerts = if shown { self.alerts(best.numbers())? } else { Vec::new() };
        Ok(DigestSection { alerts, total: best.total })
    }

    /// What ended since it was counted is no longer called open.
    fn open(&self, mut section: DigestSection) -> DigestSection {
        section.alerts.retain(|alert| alert.state == AlertState::Firing);
        section
    }

    fn callers(&self, patients: &Patients) -> Result<Callers, StoreError> {
        if !self.shows(DigestPart::CallList) {
            return Ok(Callers::default());
        }
        let caller = |open: &Open| -> Result<Caller, StoreError> {
            let alerts = self.alerts(open.first.iter().map(|(_, number)| *number))?;
            let alerts = alerts.into_iter().filter(|alert| alert.state == AlertState::Firing).collect();
            Ok(Caller { alerts, total: open.total })
        };
        let listed: Result<Vec<Caller>, StoreError> = patients.oldest().into_iter().map(caller).collect();
        let listed = listed?.into_iter().filter(|caller| !caller.alerts.is_empty()).collect();
        Ok(Callers { listed, total: patients.total() })
    }

    fn table(&self, tally: &Tally, rows: usize) -> Result<Option<DigestSection>, StoreError> {
        if !self.digest.csv {
            return Ok(None);
        }
        let numbers = tally.table_open.numbers().chain(tally.table_ended.numbers()).take(rows);
        let total = tally.table_open.total + tally.table_ended.total;
        Ok(Some(DigestSection { alerts: self.alerts(numbers)?, total }))
    }

    fn alerts(&self, numbers: impl Iterator<Item = u64>) -> Result<Vec<Alert>, StoreError> {
        numbers.filter_map(|number| self.alert(number).transpose()).collect()
    }

    /// An alert without what no digest shows.
    fn alert(&self, number: u64) -> Result<Option<Alert>, StoreError> {
        let alert = self.store.alert(number)?;
        Ok(alert.map(|alert| Alert {
            groups: Vec::new(),
            notes: Vec::new(),
            annotations: alert
                .annotations
                .into_iter()
                .filter(|(name, _)| TEXTS.contains(&name.as_str()))
                .collect::<BTreeMap<_, _>>(),
            ..alert
        }))
    }
}
