//! The labels of alerts: what every alert has, what its rule gives, and what tables join.

use super::alert::{Labels, Seen};
use super::rule::{Rule, Severity, Table};
use super::rule_set::RuleSet;
use super::slice::Slice;
use super::subject::SubjectKind;
use super::value::{Protection, Value};

/// What a label holds where nothing is known.
pub const UNKNOWN: &str = "unknown";

/// A label whose value may leave under every setting.
pub(super) fn open_label(text: &str) -> Seen {
    Seen { value: Value::from(text), protection: Protection::None }
}

/// The labels that every alert has, and the rule's own.
pub(super) fn labels(rules: &RuleSet, rule: &Rule, slice: &Slice, severity: Severity) -> Labels {
    let mut labels = placed(slice);
    labels.insert("alertname".to_owned(), open_label(&rule.name));
    labels.insert("severity".to_owned(), open_label(severity.as_str()));
    for (name, value) in &rule.labels {
        labels.entry(name.clone()).or_insert_with(|| open_label(value));
    }
    for table in &rules.tables {
        join(table, slice, &mut labels);
    }
    labels
}

/// The labels that alerts about this subject have whatever rule raises them.
#[must_use]
pub fn subject_labels(rules: &RuleSet, slice: &Slice) -> Labels {
    let mut labels = placed(slice);
    for table in &rules.tables {
        join(table, slice, &mut labels);
    }
    labels
}

/// What a subject is, and what it belongs to.
fn placed(slice: &Slice) -> Labels {
    let kind = slice.subject.kind;
    let projection = &slice.projection;
    let own = |name: &str| projection.record.get(name).and_then(Value::as_text);
    let copy = |kind: SubjectKind, name: &str| {
        projection.related.get(&kind).and_then(|related| related.record.get(name)).and_then(Value::as_text)
    };
    let id_of = |wanted: SubjectKind, field: &str| {
        if kind == wanted {
            return Some(slice.subject.id.as_str());
        }
        own(field).or_else(|| projection.related.get(&wanted).map(|related| related.id.as_str()))
    };
    let own_name = |wanted: SubjectKind| (kind == wanted).then(|| own("name").unwrap_or(&slice.subject.id));
    let site = own_name(SubjectKind::Site).or_else(|| own("site")).or_else(|| copy(SubjectKind::Site, "name"));
    let site = site.or_else(|| id_of(SubjectKind::Site, "site"));
    let item = own_name(SubjectKind::Item).or_else(|| own("item")).or_else(|| copy(SubjectKind::Item, "name"));
    let model = own("model").or_else(|| copy(SubjectKind::Item, "model"));
    let mut labels = Labels::new();
    let mut put = |name: &str, value: Option<&str>, protection: Protection| {
        let seen = Seen { value: Value::from(value.unwrap_or(UNKNOWN)), protection };
        labels.insert(name.to_owned(), seen);
    };
    put("subject", Some(kind.as_str()), Protection::None);
    put("device", id_of(SubjectKind::Device, "device"), Protection::Ids);
    put("patient", id_of(SubjectKind::Patient, "patient"), Protection::Ids);
    put("site", site, Protection::None);
    put("item", item, Protection::None);
    put("model", model, Protection::None);
    if !matches!(kind, SubjectKind::Device | SubjectKind::Patient | SubjectKind::Site | SubjectKind::Item) {
        put(kind.as_str(), Some(&slice.subject.id), Protection::Ids);
    }
    labels
}

/// Adds the labels that a table has for an alert. A site is looked up by its name, then by its id.
fn join(table: &Table, slice: &Slice, labels: &mut Labels) {
    let key = labels.get(&table.key).and_then(|seen| seen.value.as_text());
    let site = (table.key == SubjectKind::Site.as_str()).then(|| id_of(slice, SubjectKind::Site)).flatten();
    let row = key.and_then(|key| table.rows.get(key)).or_else(|| table.rows.get(site?));
    let joined: Vec<_> = table
        .columns
        .iter()
        .enumerate()
        .map(|(at, column)| {
            let value = row.and_then(|row| row.get(at)).map_or(UNKNOWN, String::as_str);
            (column.clone(), open_label(value))
        })
        .collect();
    for (column, label) in joined {
        labels.entry(column).or_insert(label);
    }
}

/// The id of the subject of `kind` that a slice is, or belongs to.
fn id_of(slice: &Slice, kind: SubjectKind) -> Option<&str> {
    if slice.subject.kind == kind {
        return Some(&slice.subject.id);
    }
    slice.projection.related.get(&kind).map(|related| related.id.as_str())
}
