//! The webhooks of a fleet: the same for the same seed, in order, as documented, and not too many.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use pulsewarden::engine::SubjectKind;
use pulsewarden::impilo::schema::{self, PayloadField, Shape};
use pulsewarden::impilo::{Envelope, facts, payload};
use pulsewarden::simulate::{Fleet, Webhook};
use serde_json::Value;

use crate::{BEGIN, plan, webhooks};

fn hash(webhooks: &[Webhook]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for webhook in webhooks {
        (webhook.at, webhook.id, webhook.kind, &webhook.body).hash(&mut hasher);
    }
    hasher.finish()
}

#[test]
fn the_same_seed_brings_the_same_bytes_and_another_seed_others() {
    let first = hash(&webhooks(1, 40, 20));
    assert_eq!(first, hash(&webhooks(1, 40, 20)));
    assert_ne!(first, hash(&webhooks(2, 40, 20)));
}

#[test]
fn webhooks_come_in_the_order_of_time_and_every_id_once() {
    let all = webhooks(3, 60, 20);
    let ids: BTreeSet<u64> = all.iter().map(|webhook| webhook.id).collect();
    assert_eq!(ids.len(), all.len());
    assert!(all.is_sorted_by_key(|webhook| webhook.at));
    assert!(all[0].at >= BEGIN && all[all.len() - 1].at < BEGIN.plus(Duration::from_secs(20 * 86_400)));
}

#[test]
fn one_device_more_changes_no_other_life() {
    /// All but the envelope's id, which counts what is sent.
    fn told(webhook: &Webhook) -> (i64, &str) {
        let body = std::str::from_utf8(&webhook.body).unwrap();
        (webhook.at.0, body.split_once(r#","type":"#).unwrap().1)
    }
    let (fewer, more) = (webhooks(4, 30, 40), webhooks(4, 31, 40));
    let mut left: BTreeMap<(i64, &str), usize> = BTreeMap::new();
    for webhook in &more {
        *left.entry(told(webhook)).or_default() += 1;
    }
    for webhook in &fewer {
        let count = left.get_mut(&told(webhook)).unwrap();
        *count -= 1;
    }
    let added: Vec<&str> = left.iter().filter(|(_, count)| **count > 0).map(|((_, body), _)| *body).collect();
    assert_eq!(added.len(), more.len() - fewer.len());
    assert!(added.len() > 20);
    // Its own id, or those of its orders, returns and patients.
    assert!(added.iter().all(|body| body.contains("100030") || body.contains("3003") || body.contains("60001")));
}

#[test]
fn a_fleet_without_devices_or_days_has_little_to_tell() {
    assert_eq!(webhooks(1, 10, 0), []);
    assert!(webhooks(1, 0, 10).iter().all(|webhook| webhook.kind.starts_with("procurement.")));
}

fn fits(field: &PayloadField, value: &Value, way: &str) {
    match (field.shape, value) {
        (_, Value::Null) => assert_eq!(field.name, "currentPatient", "{way}"),
        (Shape::Text | Shape::Time, Value::String(_))
        | (Shape::Number, Value::Number(_))
        | (Shape::Bool, Value::Bool(_))
        | (Shape::Id, Value::Number(_)) => {}
        (Shape::Texts, Value::Array(items)) => assert!(items.iter().all(Value::is_string), "{way}"),
        (Shape::Object(inner), Value::Object(_)) => all_fit(inner, value, way),
        (Shape::Objects(inner), Value::Array(items)) => items.iter().for_each(|item| all_fit(inner, item, way)),
        (shape, _) => panic!("{way} is not {shape:?}"),
    }
}

fn all_fit(fields: &[PayloadField], value: &Value, way: &str) {
    for (name, inner) in value.as_object().unwrap() {
        // `createdBy: null` is what the documentation says of a note without an author.
        if name == "createdBy" && inner.is_null() {
            continue;
        }
        let field = fields.iter().find(|field| field.name == name);
        fits(field.unwrap_or_else(|| panic!("{way}.{name} is in no table")), inner, &format!("{way}.{name}"));
    }
}

#[test]
fn every_body_is_a_documented_one_of_its_type_and_names_its_subject() {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for webhook in Fleet::new(plan(5, 500, 25)).webhooks() {
        let count = seen.entry(webhook.kind).or_default();
        *count += 1;
        if *count > 60 && !count.is_multiple_of(60) {
            continue;
        }
        let envelope = Envelope::read(&webhook.body).unwrap();
        assert_eq!((envelope.id, &*envelope.kind), (webhook.id.to_string(), webhook.kind));
        let known = schema::event_type(webhook.kind).unwrap();
        let body: Value = serde_json::from_slice(&webhook.body).unwrap();
        all_fit(known.payload, &body["payload"], webhook.kind);
        let read = payload(&webhook.body).unwrap();
        let said = facts(webhook.kind, read.value(), webhook.at);
        assert_eq!(said.about[0].subject.kind, known.subject, "{webhook:?}");
        assert!(said.about.iter().all(|about| known.names.contains(&about.subject.kind)), "{webhook:?}");
        if let Some(own) = said.occurred_at {
            assert!(own <= webhook.at, "{webhook:?} tells what has not happened yet");
        }
    }
    let known: BTreeSet<&str> = schema::EVENT_TYPES.iter().map(|known| known.name).collect();
    assert_eq!(seen.into_keys().collect::<BTreeSet<_>>(), known);
}

#[test]
fn bodies_are_as_long_as_those_of_the_documentation() {
    let mut lengths: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for webhook in webhooks(6, 100, 20) {
        let (count, sum) = lengths.entry(webhook.kind).or_default();
        (*count, *sum) = (*count + 1, *sum + webhook.body.len());
    }
    for (kind, (count, sum)) in lengths {
        let expected = match kind {
            "reading.bloodPressure" | "reading.weight" | "reading.bloodGlucose" | "reading.bloodOxygen" => 2100..2800,
            "device.healthcheck" | "device.lowBattery" | "device.weakSignal" => 1200..1700,
            _ => 80..3500,
        };
        assert!(expected.contains(&(sum / count)), "{kind}: {} bytes", sum / count);
    }
}

#[test]
fn a_device_sends_about_five_webhooks_a_day() {
    let count = Fleet::new(plan(7, 200, 60)).webhooks().count();
    assert!((42_000..78_000).contains(&count), "{count}");
}

#[test]
fn what_waits_does_not_grow_with_the_history() {
    let (devices, sites, models) = (20, 2, 8);
    let mut fleet = Fleet::new(plan(8, devices, 400));
    let mut most = fleet.waiting();
    let mut count = 0;
    while fleet.next().is_some() {
        count += 1;
        most = most.max(fleet.waiting());
    }
    assert!(count > 20_000, "{count}");
    // What one step tells waits beside the queue, for a moment.
    assert!(most <= usize::try_from(devices).unwrap() + sites + models + 12, "{most}");
}

#[test]
fn what_is_delivered_is_associated_with_its_patient_soon() {
    let mut delivered = BTreeMap::new();
    let (mut soon, mut late) = (0, 0);
    let kinds = ["order.statusFull", "device.associationCreated"];
    for webhook in Fleet::new(plan(9, 300, 40)).webhooks().filter(|one| kinds.contains(&one.kind)) {
        let read = payload(&webhook.body).unwrap();
        let said = facts(webhook.kind, read.value(), webhook.at);
        match webhook.kind {
            "order.statusFull" if said.about[0].over => {
                let patient = said.about.iter().any(|about| about.subject.kind == SubjectKind::Patient);
                for about in said.about.iter().filter(|about| about.subject.kind == SubjectKind::Device && patient) {
                    delivered.insert(about.subject.id.clone(), webhook.at);
                }
            }
            "device.associationCreated" => {
                if let Some(at) = delivered.remove(&said.about[0].subject.id) {
                    match webhook.at.since(at) <= Duration::from_secs(3 * 86_400) {
                        true => soon += 1,
                        false => late += 1,
                    }
                }
            }
            _ => {}
        }
    }
    assert!(soon > 15 && late * 8 < soon, "{soon} soon, {late} late");
    assert!(delivered.len() <= 5, "{delivered:?}");
}
