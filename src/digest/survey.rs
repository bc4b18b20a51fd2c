//! Devices, orders and returns as they are now: one pass over each kind, page by page, that keeps the few which are shown.

use std::collections::BTreeMap;
use std::time::Duration;

use smol_str::SmolStr;

use super::tally::label;
use super::{LINES, Window};
use crate::engine::{
    BATTERY_STEPS, Digest, DigestPart, DigestRow, DigestRows, Field, Labels, Protection, RuleSet, Seen, Slice,
    SubjectKind, Timestamp, Trigger, UNKNOWN, Value, subject_labels,
};
use crate::store::{Store, StoreError};

/// Subjects in one read.
const PAGE: usize = 500;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// From how long without a word on a device is listed.
const SILENT_AFTER: Duration = DAY.saturating_mul(3);

/// Up to how many percent a battery is listed.
const LOW_BATTERY: i64 = 30;

/// From how long without a change of status on a return is overdue.
const OVERDUE_AFTER: Duration = DAY.saturating_mul(10);

/// From this stage on an order is no longer on its way.
const DELIVERED: u8 = 5;

/// What one message says of devices, orders and returns.
#[derive(Default)]
pub(super) struct Survey {
    pub silent: Rows,
    pub battery: Rows,
    pub orders: Rows,
    pub returns: Rows,
    pub batteries: [u64; BATTERY_STEPS.len()],
}

impl Survey {
    pub(super) fn lists_something(&self) -> bool {
        [&self.silent, &self.battery, &self.orders, &self.returns].iter().any(|rows| rows.total > 0)
    }
}

/// The first few of many.
#[derive(Default)]
pub(super) struct Rows {
    first: BTreeMap<(i64, SmolStr), DigestRow>,
    total: u64,
    sites: BTreeMap<String, u64>,
}

impl Rows {
    fn add(&mut self, by: i64, row: impl FnOnce() -> DigestRow, site: &str, id: &SmolStr) {
        self.total += 1;
        *self.sites.entry(site.to_owned()).or_default() += 1;
        let key = (by, id.clone());
        let later = self.first.last_key_value().is_some_and(|(last, _)| *last < key);
        if self.first.len() < LINES || !later {
            self.first.insert(key, row());
        }
        if self.first.len() > LINES {
            self.first.pop_last();
        }
    }

    pub(super) fn into_rows(self) -> DigestRows {
        DigestRows { listed: self.first.into_values().collect(), total: self.total, sites: self.sites }
    }
}

/// Looks at what a digest's parts are about, by the value of the label that it is split by.
pub(super) fn survey(
    store: &dyn Store,
    rules: &RuleSet,
    digest: &Digest,
    window: &Window,
) -> Result<BTreeMap<String, Survey>, StoreError> {
    let mut surveys = BTreeMap::new();
    let shows = |part: DigestPart| digest.parts.contains(&part);
    let kinds = [
        (SubjectKind::Device, shows(DigestPart::SilentDevices) || shows(DigestPart::Battery)),
        (SubjectKind::Order, shows(DigestPart::OrdersInFlight)),
        (SubjectKind::Return, shows(DigestPart::ReturnsOverdue)),
    ];
    for (kind, _) in kinds.into_iter().filter(|(_, wanted)| *wanted) {
        let mut after: Option<SmolStr> = None;
        loop {
            let page = store.subjects(kind, after.as_deref(), PAGE)?;
            let Some(last) = page.last() else { break };
            after = Some(last.subject.id.clone());
            for slice in &page {
                let labels = subject_labels(rules, slice);
                let Some(value) = place(digest, &labels) else { continue };
                if !surveys.contains_key(value) {
                    surveys.insert(value.to_owned(), Survey::default());
                }
                if let Some(survey) = surveys.get_mut(value) {
                    let sight = Sight { rules, digest, slice, labels: &labels, now: window.now };
                    sight.add_to(survey);
                }
            }
        }
    }
    Ok(surveys)
}

/// Which message something with these labels belongs into; `None` where it belongs into none. A matcher of a label that rules
/// alone give says nothing of what no rule is about.
fn place<'l>(digest: &Digest, labels: &'l Labels) -> Option<&'l str> {
    let mut matchers = digest.matchers.iter().filter(|matcher| labels.contains_key(&matcher.label));
    if !matchers.all(|matcher| matcher.holds(labels)) {
        return None;
    }
    match &digest.split_by {
        Some(name) => labels.contains_key(name).then(|| label(labels, name)),
        None => Some(""),
    }
}

/// One device, order or return.
struct Sight<'s> {
    rules: &'s RuleSet,
    digest: &'s Digest,
    slice: &'s Slice,
    labels: &'s Labels,
    now: Timestamp,
}

impl Sight<'_> {
    fn add_to(&self, survey: &mut Survey) {
        match self.slice.subject.kind {
            SubjectKind::Device => self.device(survey),
            SubjectKind::Order => self.order(&mut survey.orders),
            SubjectKind::Return => self.return_(&mut survey.returns),
            _ => {}
        }
    }

    fn device(&self, survey: &mut Survey) {
        let record = &self.slice.projection.record;
        let is_with_patient = record.get("associated").and_then(Value::as_bool) != Some(false)
            && label(self.labels, "patient") != UNKNOWN;
        if !is_with_patient {
            return;
        }
        let shows = |part: DigestPart| self.digest.parts.contains(&part);
        if shows(DigestPart::SilentDevices) {
            self.silent(&mut survey.silent);
        }
        let percent = match record.get("battery") {
            Some(Value::Int(percent)) => Some(*percent),
            Some(Value::Float(percent)) => Some(percent.round() as i64),
            _ => None,
        };
        if let (true, Some(percent)) = (shows(DigestPart::Battery), percent) {
            let above = BATTERY_STEPS.iter().filter(|step| i64::from(**step) <= percent).count();
            if let Some(count) = survey.batteries.get_mut(above.saturating_sub(1)) {
                *count += 1;
            }
            if percent <= LOW_BATTERY {
                self.list(&mut survey.battery, percent, &["serial", "battery", "battery_at"], None);
            }
        }
    }

    /// A device about whose silence an alert is open, or that was not heard for long.
    fn silent(&self, rows: &mut Rows) {
        let is_silence =
            |name: &str| self.rules.rule(name).is_some_and(|rule| matches!(rule.trigger, Trigger::Silent { .. }));
        let alert = self.slice.alerts.iter().find(|alert| !alert.shadow && is_silence(&alert.rule));
        let projection = &self.slice.projection;
        let since = projection.heard_at.or_else(|| projection.record.get("associated_at")?.as_time());
        let long = since.is_some_and(|since| self.now.since(since) >= SILENT_AFTER);
        if alert.is_none() && !long {
            return;
        }
        let by = since.map_or(i64::MIN, |since| since.0);
        self.list(rows, by, &["serial", "last_heard_at"], alert.map(|alert| alert.number));
    }

    fn order(&self, rows: &mut Rows) {
        let projection = &self.slice.projection;
        let on_its_way = !projection.over && projection.record.stage().is_none_or(|stage| stage < DELIVERED);
        if on_its_way && projection.record.get("status").is_some() {
            let since = self.since("placed_at").or_else(|| self.since("status_at"));
            let by = since.map_or(i64::MAX, |since| since.0);
            self.list(rows, by, &["status", "status_at", "placed_at", "tracking_numbers"], None);
        }
    }

    fn return_(&self, rows: &mut Rows) {
        let since = self.since("status_at").or(self.slice.projection.news_at);
        if let (false, Some(since)) = (self.slice.projection.over, since)
            && self.now.since(since) >= OVERDUE_AFTER
        {
            self.list(rows, since.0, &["status", "status_at", "tracking_numbers"], None);
        }
    }

    fn since(&self, name: &str) -> Option<Timestamp> {
        self.slice.projection.record.get(name)?.as_time()
    }

    fn list(&self, rows: &mut Rows, by: i64, names: &[&str], alert: Option<u64>) {
        let subject = &self.slice.subject;
        let row = || {
            let value = |name: &str| self.slice.projection.record.get(name).cloned();
            let seen = names.iter().filter_map(|name| {
                let protection = Field::find(subject.kind, name).map_or(Protection::Full, |field| field.protection);
                Some(((*name).to_owned(), Seen { value: value(name)?, protection }))
            });
            let mut values: BTreeMap<String, Seen> = seen.collect();
            if let Some(heard) = self.slice.projection.heard_at.filter(|_| names.contains(&"last_heard_at")) {
                let seen = Seen { value: Value::Time(heard), protection: Protection::Ids };
                values.insert("last_heard_at".to_owned(), seen);
            }
            DigestRow { subject: subject.clone(), labels: self.labels.clone(), values, alert }
        };
        rows.add(by, row, label(self.labels, "site"), &subject.id);
    }
}
