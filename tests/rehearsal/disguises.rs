//! Test cases from recorded events say nothing of whom they were about, and come to the same.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use pulsewarden::config::Bundle;
use pulsewarden::engine::{Protection, RuleSet, Source, Timestamp};
use pulsewarden::impilo::schema::{self, PayloadField, Shape};
use pulsewarden::process::Read;
use pulsewarden::replay::{Original, record, rehearse};
use pulsewarden::simulate::{Fleet, Plan, Webhook};
use serde_json::Value;

/// A Thursday afternoon a year earlier. Clocks change as long after it as after the same day of 2026, so that business days are
/// the same.
const BEGIN: Timestamp = Timestamp(1_741_274_400_000);

fn shipped() -> Arc<RuleSet> {
    let bundle = Bundle::read(None, &Path::new(env!("CARGO_MANIFEST_DIR")).join("rules")).unwrap();
    Arc::new(bundle.compile().unwrap().0)
}

fn original(webhook: &Webhook) -> Original {
    let envelope: Value = serde_json::from_slice(&webhook.body).unwrap();
    let (id, kind) = (webhook.id.to_string(), webhook.kind.to_owned());
    let read = Read::new(id, kind, Source::Webhook, &webhook.body, webhook.at).unwrap();
    Original { received_at: webhook.at, read, payload: envelope["payload"].clone() }
}

/// Texts and long numbers of a payload that must not be found in a file that is passed around.
fn secrets(fields: &[PayloadField], value: &Value, found: &mut BTreeSet<String>) {
    for (name, value) in value.as_object().into_iter().flatten() {
        let field = fields.iter().find(|field| field.name == name);
        match (field.map(|field| field.shape), value) {
            (Some(Shape::Object(inner)), _) => secrets(inner, value, found),
            (Some(Shape::Objects(inner)), Value::Array(items)) => {
                items.iter().for_each(|one| secrets(inner, one, found));
            }
            // Words that any address may have are nobody's.
            (_, Value::String(text))
                if field.is_none_or(|field| field.protection == Protection::Full)
                    && text.len() > 4
                    && text.chars().any(|c| c.is_ascii_digit() || c == '@') =>
            {
                found.insert(text.clone());
            }
            (_, Value::Number(number)) if number.as_u64().is_some_and(|number| number > 20_000) => {
                found.insert(number.to_string());
            }
            _ => {}
        }
    }
}

#[test]
fn nothing_protected_is_written_and_the_rules_do_the_same() {
    let rules = shipped();
    let mut of_kind: BTreeMap<&str, usize> = BTreeMap::new();
    let mut chosen = Vec::new();
    for webhook in Fleet::new(Plan { seed: 5, devices: 60, days: 60, begin: BEGIN }).webhooks() {
        let count = of_kind.entry(webhook.kind).or_default();
        *count += 1;
        if *count <= 12 {
            chosen.push(original(&webhook));
        }
    }
    assert!(of_kind.len() > 15, "{of_kind:?}");
    let recording = record("a fleet", &chosen, &rules).unwrap();
    assert_eq!(recording.differ, BTreeSet::new());
    let mut protected = BTreeSet::new();
    for original in &chosen {
        let known = schema::event_type(&original.read.kind).unwrap();
        secrets(known.payload, &original.payload, &mut protected);
    }
    assert!(protected.len() > 200, "{}", protected.len());
    // A number may be a part of an invented one that is longer.
    let words: BTreeSet<&str> = recording.text.split(|c: char| !c.is_alphanumeric()).collect();
    for secret in protected {
        let is_number = secret.bytes().all(|byte| byte.is_ascii_digit());
        let found = if is_number { words.contains(&*secret) } else { recording.text.contains(&secret) };
        assert!(!found, "{secret}");
    }
    let file = pulsewarden::config::read_test_text("a.test.yaml", &recording.text, Some(&rules));
    assert!(!file.problems.any_errors(), "{}", file.problems);
    assert!(file.cases[0].expect.len() > 5);
    let mismatches = rehearse(&file.cases[0], rules);
    let shown: Vec<String> = mismatches.iter().map(ToString::to_string).collect();
    assert!(shown.is_empty(), "{}", shown.join("\n"));
}
