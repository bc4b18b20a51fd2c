//! Invented messages of every sort: one for each rule, with the values that its texts read, and what else messages can be
//! about. Templates are tried with them, and previewed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;

use super::invent::Cast;
use crate::config::{CaseEvent, Id, Place, Source, When};
use crate::engine::{
    ALERTS_SHOWN, Alert, AlertState, Caller, Callers, Channel, Content, Counts, DigestCharts, DigestHealth, DigestPart,
    DigestReport, DigestRow, DigestRows, DigestSection, End, EventRef, Evidence, Field, FieldType, Folded, Grounds,
    Interval, Labels, Lack, Notification, Outage, Phi, Protection, Read, Reason, Remark, Rule, RuleSet, Seen,
    SelfAlert, Subject, SubjectKind, Summary, Timestamp, Value,
};
use crate::impilo::schema::{self, EventType};
use crate::notify::Sample;

/// When the samples happen: 2 March 2026, 10:00 UTC.
const AT: Timestamp = Timestamp(1_772_445_600_000);

const HOUR: Duration = Duration::from_secs(3600);

/// The id of every subject.
const ID: i64 = 7;

/// What stands in every text of the sample that must come out escaped.
const MARKUP: &str = "<i>&\"{{ 7*7 }}<!here>";

/// Messages of every sort that these rules can lead to.
#[must_use]
pub fn samples(rules: &RuleSet) -> Vec<Sample> {
    let mut samples = Vec::new();
    let mut add =
        |what: String, content: Content| samples.push(Sample { what, notification: message(content), markup: None });
    let firing: Vec<Alert> = rules.rules.iter().map(|rule| alert(rules, rule)).collect();
    for alert in &firing {
        add(format!("a firing alert of {}", alert.rule), alerts(vec![alert.clone()], Vec::new()));
        let over = ended(alert, AlertState::Resolved);
        add(format!("an ended alert of {}", alert.rule), alerts(Vec::new(), vec![over]));
    }
    for state in [AlertState::Expired, AlertState::Closed] {
        let over = firing.iter().take(1).map(|alert| ended(alert, state)).collect();
        add(format!("an alert that is {state}"), alerts(Vec::new(), over));
    }
    let most: Vec<Alert> = firing.iter().cycle().take(ALERTS_SHOWN).cloned().collect();
    let over: Vec<Alert> = most.iter().map(|alert| ended(alert, AlertState::Resolved)).collect();
    add("many alerts".to_owned(), many(most.clone(), over.clone(), false));
    add("many alerts again".to_owned(), many(most.clone(), Vec::new(), true));
    let baseline = most.iter().map(|alert| Alert { baseline: true, ..alert.clone() }).collect();
    add("what was so already".to_owned(), alerts(baseline, Vec::new()));
    add("a digest".to_owned(), Content::Digest(Box::new(report(&most, &over))));
    add("a digest of a quiet day".to_owned(), Content::Digest(Box::new(report(&[], &[]))));
    for why in [Folded::Cap, Folded::Quiet] {
        add("a summary of messages".to_owned(), summary(&most, &over, why, None));
    }
    let lacks = [
        Lack::NotConfigured,
        Lack::Refused,
        Lack::Unreachable,
        Lack::Unreadable,
        Lack::Elsewhere,
        Lack::NotSubscribed,
        Lack::Untold,
        Lack::OutOfReach,
    ];
    for lacks in std::iter::once(None).chain(lacks.map(Some)) {
        let interval = Interval { from: AT.minus(4 * HOUR), to: AT };
        let outage = Outage {
            interval,
            recovered: 57,
            unreadable: u64::from(lacks == Some(Lack::Unreadable)),
            others: if lacks == Some(Lack::Elsewhere) { 57 } else { 0 },
            lacks,
            late: false,
        };
        add("what was due during an outage".to_owned(), summary(&most, &over, Folded::Outage, Some(outage)));
    }
    let ends = Content::SilenceEnds { silence: 3, by: "an administrator".to_owned(), until: AT, hidden: 5 };
    add("a silence that ends soon".to_owned(), ends);
    add("a test message".to_owned(), Content::Test { by: "an administrator".to_owned() });
    for firing in [true, false] {
        add("what Pulsewarden says of itself".to_owned(), Content::SelfAlert(of_itself(firing)));
    }
    let marked = firing.iter().take(1).map(marked).collect();
    let stands_in = Remark::StandsIn {
        receiver: "desk".to_owned(),
        channel: "email".to_owned(),
        given_up: true,
        without_ends: false,
    };
    let ended = Remark::EndedMeanwhile { alerts: BTreeSet::from([4, 5]) };
    let late = Notification { remarks: vec![stands_in, ended], ..message(alerts(most.clone(), Vec::new())) };
    samples.push(Sample { what: "a message in place of another".to_owned(), notification: late, markup: None });
    samples.push(Sample {
        what: "an alert with markup in its values".to_owned(),
        notification: message(alerts(marked, Vec::new())),
        markup: Some("<i>"),
    });
    samples
}

/// An alert of a rule, as an event of the rule's type with invented people could have fired it.
#[must_use]
pub fn alert(rules: &RuleSet, rule: &Rule) -> Alert {
    let kind = event_of(rule);
    let payload = kind.map(payload);
    let read = |read: &Read| {
        let value = value_of(&read.path, payload.as_ref(), rules);
        (read.path.join("."), Seen { value, protection: read.protection })
    };
    let mut values: BTreeMap<String, Seen> = rule.reads.iter().map(read).collect();
    if rule.subject == SubjectKind::Device {
        let serial = Seen { value: Value::from("SN-7"), protection: Protection::Ids };
        values.entry("device.serial".to_owned()).or_insert(serial);
    }
    let event = kind.map(|kind| EventRef {
        position: 1,
        id: "1".to_owned(),
        kind: kind.name.to_owned(),
        occurred_at: AT,
        received_at: AT,
    });
    Alert {
        number: 12,
        rule: rule.name.to_string(),
        subject: Subject::new(rule.subject, ID.to_string()),
        episode: 1,
        state: AlertState::Firing,
        severity: rule.severity,
        labels: labels(rules, rule),
        opened_at: AT,
        noticed_at: AT.plus(HOUR),
        matched_at: AT.plus(HOUR),
        count: 3,
        evidence: Evidence { event, values, grounds: Grounds::default() },
        annotations: rule.annotations.clone(),
        end: None,
        groups: Vec::new(),
        told_group_at: AT,
        rule_set: String::new(),
        ending: None,
        baseline: false,
        shadow: rule.shadow,
        fired: 3,
        acknowledged: None,
        assignee: None,
        notes: Vec::new(),
        escalates_from: None,
        escalated: BTreeSet::new(),
        inhibition: Vec::new(),
        inhibited_by: BTreeMap::new(),
        changed: false,
    }
}

/// A known event type that the rule is about.
fn event_of(rule: &Rule) -> Option<&'static EventType> {
    let test = rule.trigger.test()?;
    schema::EVENT_TYPES.iter().find(|known| test.events.iter().any(|pattern| pattern.matches(known.name)))
}

fn payload(kind: &EventType) -> Json {
    let event = CaseEvent {
        place: Place { source: Arc::new(Source::new("", "")), at: 0..0 },
        when: When::Once(Duration::ZERO),
        kind: kind.name.to_owned(),
        names: kind.names.iter().map(|kind| (*kind, Id::Number(ID))).collect(),
        devices: Vec::new(),
        status: None,
        late: None,
        payload: None,
    };
    Cast::default().payload(&event, AT)
}

/// What stands under a name: in the payload, in the settings, or what its type and name make likely.
fn value_of(path: &[String], payload: Option<&Json>, rules: &RuleSet) -> Value {
    let steps: Vec<&str> = path.iter().map(String::as_str).collect();
    match steps.as_slice() {
        ["payload", rest @ ..] => {
            let found = payload.and_then(|payload| rest.iter().try_fold(payload, |at, step| at.get(step)));
            found.and_then(of_json).unwrap_or_else(|| Value::from("something"))
        }
        ["settings", name, ..] => rules.settings.get(*name).cloned().unwrap_or(Value::Int(ID)),
        ["now"] | ["event", "occurred_at" | "received_at"] => Value::Time(AT),
        ["event", "type"] => Value::from("device.lowBattery"),
        [kind, name] => SubjectKind::parse(kind).map_or_else(|| Value::from("something"), |kind| of_field(kind, name)),
        _ => Value::from("something"),
    }
}

fn of_json(json: &Json) -> Option<Value> {
    match json {
        Json::Bool(flag) => Some(Value::Bool(*flag)),
        Json::Number(number) => number.as_i64().map(Value::Int).or_else(|| number.as_f64().map(Value::Float)),
        Json::String(text) => Some(Value::from(text.as_str())),
        Json::Array(items) => Some(Value::List(items.iter().filter_map(of_json).collect())),
        Json::Null | Json::Object(_) => None,
    }
}

fn of_field(kind: SubjectKind, name: &str) -> Value {
    let ty = Field::find(kind, name).map_or(FieldType::Text, |field| field.ty);
    let text = match name {
        "serial" => "SN-7",
        "item" | "name" if kind != SubjectKind::Site => "Cellular Scale",
        "site" | "name" => "Harbor Clinic",
        "model" => "CS-1",
        "manufacturer" => "Acme Health",
        "status" => "shipped",
        "tracking_numbers" => "1Z-7",
        _ => "7",
    };
    match ty {
        FieldType::Text => Value::from(text),
        FieldType::Number => Value::Int(8),
        FieldType::Bool => Value::Bool(true),
        FieldType::Time => Value::Time(AT),
        FieldType::List => Value::List(vec![Value::from(text)]),
    }
}

/// The labels that every alert has, the rule's own, and those of tables.
fn labels(rules: &RuleSet, rule: &Rule) -> Labels {
    let seen = |text: &str, protection| Seen { value: Value::from(text), protection };
    let severity = rule.severity.as_str();
    let open = [
        ("alertname", &*rule.name),
        ("severity", severity),
        ("subject", rule.subject.as_str()),
        ("site", "Harbor Clinic"),
        ("item", "Cellular Scale"),
        ("model", "CS-1"),
    ];
    let mut labels: Labels =
        open.into_iter().map(|(name, text)| (name.to_owned(), seen(text, Protection::None))).collect();
    let named = event_of(rule).map_or(SubjectKind::NAMED.as_slice(), |event| event.names);
    for kind in [SubjectKind::Device, SubjectKind::Patient, rule.subject] {
        let many = matches!(rule.subject, SubjectKind::Site | SubjectKind::Item) && kind != rule.subject;
        let id = if named.contains(&kind) && !many { "7" } else { "unknown" };
        labels.entry(kind.as_str().to_owned()).or_insert_with(|| seen(id, Protection::Ids));
    }
    for (name, text) in &rule.labels {
        labels.entry(name.clone()).or_insert_with(|| seen(text, Protection::None));
    }
    for column in rules.tables.iter().flat_map(|table| &table.columns) {
        labels.entry(column.clone()).or_insert_with(|| seen("sample", Protection::None));
    }
    labels
}

fn ended(alert: &Alert, state: AlertState) -> Alert {
    let reason = match state {
        AlertState::Expired => Reason::NoNews { since: AT },
        AlertState::Closed => Reason::RuleRemoved,
        _ => Reason::Disassociated,
    };
    let end = End { at: AT.plus(HOUR), noticed_at: AT.plus(2 * HOUR), reason, event: None };
    Alert { state, end: Some(end), ..alert.clone() }
}

/// The alert with markup in the place of every text that was received.
fn marked(alert: &Alert) -> Alert {
    let mut marked = alert.clone();
    let labels = marked.labels.iter_mut().filter(|(name, _)| !matches!(name.as_str(), "alertname" | "severity"));
    for seen in marked.evidence.values.values_mut().chain(labels.map(|(_, seen)| seen)) {
        if matches!(seen.value, Value::Text(_)) {
            seen.value = Value::from(MARKUP);
        }
    }
    marked
}

fn alerts(firing: Vec<Alert>, ended: Vec<Alert>) -> Content {
    of_group(firing, ended, 0, false)
}

/// Twice as many as are listed.
fn many(firing: Vec<Alert>, ended: Vec<Alert>, repeat: bool) -> Content {
    of_group(firing, ended, 1, repeat)
}

fn of_group(firing: Vec<Alert>, ended: Vec<Alert>, times_omitted: usize, repeat: bool) -> Content {
    let (firing_omitted, ended_omitted) = (firing.len() * times_omitted, ended.len() * times_omitted);
    let (group_labels, update, thread) = (Labels::new(), false, 12);
    Content::Alerts { group_labels, firing, ended, firing_omitted, ended_omitted, repeat, update, thread }
}

fn summary(firing: &[Alert], ended: &[Alert], why: Folded, outage: Option<Outage>) -> Content {
    let mut counts = Counts::default();
    firing.iter().chain(ended).for_each(|alert| counts.add(alert));
    Content::Summary(Box::new(Summary {
        why,
        since: AT,
        outage,
        messages: 40,
        counts,
        alerts: firing.to_vec(),
        ended: ended.to_vec(),
    }))
}

fn report(firing: &[Alert], ended: &[Alert]) -> DigestReport {
    let total = |listed: usize| 2 * listed as u64;
    let section = |alerts: &[Alert]| DigestSection { alerts: alerts.to_vec(), total: total(alerts.len()) };
    let full = !firing.is_empty();
    let at = full.then_some(AT);
    let callers = |alerts: &[Alert]| {
        let alerts: Vec<Alert> = alerts.iter().take(3).cloned().collect();
        let caller = Caller { total: total(alerts.len()), alerts };
        Callers { listed: full.then_some(caller).into_iter().collect(), total: total(usize::from(full)) }
    };
    let sites = BTreeMap::from([("Harbor Clinic".to_owned(), 3), ("Hill Clinic".to_owned(), 1)]);
    let rows = |kind: SubjectKind| {
        let listed: Vec<DigestRow> = at.iter().map(|_| row(kind, firing.first())).collect();
        DigestRows { total: total(listed.len()), listed, sites: if full { sites.clone() } else { BTreeMap::new() } }
    };
    DigestReport {
        name: "daily".to_owned(),
        time_zone: "America/New_York".to_owned(),
        from: AT,
        until: AT.plus(24 * HOUR),
        made_at: AT.plus(25 * HOUR),
        parts: DigestPart::ALL.to_vec(),
        missed: at.into_iter().collect(),
        missed_total: u64::from(full),
        undecided: full,
        fired: section(firing),
        resolved: section(ended),
        expired: section(ended),
        open: section(firing),
        acknowledged: u64::from(full),
        worst: firing.iter().map(|alert| alert.severity).max(),
        oldest: at,
        callers: callers(firing),
        handled: callers(firing),
        silent: rows(SubjectKind::Device),
        battery: rows(SubjectKind::Device),
        orders: rows(SubjectKind::Order),
        returns: rows(SubjectKind::Return),
        charts: if full {
            DigestCharts { days: vec![(AT, 2), (AT.plus(24 * HOUR), 5)], sites: sites.clone(), batteries: vec![1; 6] }
        } else {
            DigestCharts::default()
        },
        last_webhook: at,
        last_delivery: at,
        undelivered: firing.len() as u64,
        health: DigestHealth {
            waiting: u64::from(full),
            waiting_since: at,
            receivers: vec![("team".to_owned(), at), ("nobody".to_owned(), None)],
            blind: Vec::new(),
        },
        ..DigestReport::default()
    }
}

/// A device, an order or a return in a digest.
fn row(kind: SubjectKind, alert: Option<&Alert>) -> DigestRow {
    let names = ["serial", "status", "battery", "tracking_numbers"];
    let seen = |name: &str| Seen { value: of_field(kind, name), protection: Protection::Ids };
    DigestRow {
        subject: Subject::new(kind, ID.to_string()),
        labels: alert.map(|alert| alert.labels.clone()).unwrap_or_default(),
        values: names.into_iter().map(|name| (name.to_owned(), seen(name))).collect(),
        alert: alert.map(|alert| alert.number),
    }
}

fn of_itself(firing: bool) -> SelfAlert {
    SelfAlert {
        watch: "low_disk".to_owned(),
        firing,
        summary: "Only 12 MiB are free on the disk of the store.".to_owned(),
        action: "Free space on the disk that holds the store.\n\nIt is the same disk\nas before.".to_owned(),
    }
}

fn message(content: Content) -> Notification {
    Notification {
        key: "sample".to_owned(),
        receiver: "team".to_owned(),
        phi: Phi::Ids,
        channel: Channel::Email { to: vec!["team@clinic.example".to_owned()] },
        group: String::new(),
        due: AT,
        content,
        remarks: Vec::new(),
    }
}
