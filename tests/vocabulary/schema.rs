//! The tables of known types agree with what the parser finds, and nothing protected is marked as free.

use std::collections::BTreeSet;

use pulsewarden::engine::{Field, Protection, SubjectKind};
use pulsewarden::impilo::schema::{self, EVENT_TYPES, PayloadField, Shape};
use serde_json::Value;

use crate::facts::facts_of;
use crate::fixtures;

#[test]
fn there_is_a_fixture_of_every_known_type() {
    let known: BTreeSet<&str> = EVENT_TYPES.iter().map(|known| known.name).collect();
    let all = fixtures();
    let shown: BTreeSet<&str> = all.iter().map(|one| one.name.as_str()).filter(|name| !name.contains('/')).collect();
    assert_eq!(known.len(), 25);
    assert_eq!(known, shown);
}

#[test]
fn the_first_subject_is_the_one_that_the_event_is_about() {
    for fixture in fixtures().iter().filter(|fixture| !fixture.name.starts_with("odd/")) {
        let known = schema::event_type(&fixture.name).unwrap();
        let facts = facts_of(&fixture.body);
        assert_eq!(facts.about.first().map(|about| about.subject.kind), Some(known.subject), "{}", fixture.name);
        for about in &facts.about {
            assert!(known.names.contains(&about.subject.kind), "{} names a {}", fixture.name, about.subject.kind);
        }
    }
}

#[test]
fn every_fact_is_a_field_of_its_subject_and_every_link_leads_to_a_subject_of_the_event() {
    for fixture in fixtures() {
        for about in facts_of(&fixture.body).about {
            for fact in &about.facts {
                let kind = about.subject.kind;
                assert!(Field::find(kind, fact.name).is_some(), "{}: {kind} has no {}", fixture.name, fact.name);
            }
            let kinds: BTreeSet<SubjectKind> = about.links.iter().map(|(kind, _)| *kind).collect();
            assert_eq!(kinds.len(), about.links.len(), "{}: two links to one kind", fixture.name);
        }
    }
}

/// What a field of a fixture is, against what the table says.
fn fits(field: &PayloadField, value: &Value, way: &str) {
    match (field.shape, value) {
        (_, Value::Null) => {}
        (Shape::Text | Shape::Time, Value::String(_))
        | (Shape::Number, Value::Number(_))
        | (Shape::Bool, Value::Bool(_))
        | (Shape::Id, Value::Number(_) | Value::String(_)) => {}
        (Shape::Texts, Value::Array(items)) => assert!(items.iter().all(Value::is_string), "{way}"),
        (Shape::Object(inner), Value::Object(_)) => all_fit(inner, value, way),
        (Shape::Objects(inner), Value::Array(items)) => items.iter().for_each(|item| all_fit(inner, item, way)),
        (shape, _) => panic!("{way} is not {shape:?}"),
    }
}

pub fn all_fit(fields: &[PayloadField], value: &Value, way: &str) {
    for (name, inner) in value.as_object().unwrap() {
        let field = fields.iter().find(|field| field.name == name);
        fits(field.unwrap_or_else(|| panic!("{way}.{name} is in no table")), inner, &format!("{way}.{name}"));
    }
}

#[test]
fn every_field_of_every_fixture_is_in_its_table_with_its_type() {
    for fixture in fixtures().iter().filter(|fixture| !fixture.name.starts_with("odd/")) {
        let known = schema::event_type(&fixture.name).unwrap();
        all_fit(known.payload, &crate::payload_of(&fixture.body), &fixture.name);
    }
}

#[test]
fn what_identifies_or_describes_a_person_is_protected() {
    const FULL: [&str; 27] = [
        "firstName",
        "lastName",
        "dateOfBirth",
        "email",
        "phoneNumber",
        "address",
        "sex",
        "externalIdentifier",
        "note",
        "deviceIdentifiers",
        "value",
        "externalOrderIds",
        "weight",
        "glucose",
        "bloodOxygen",
        "heartRate",
        "systolic",
        "diastolic",
        "temperature",
        "peakExpiratoryFlow",
        "respiration",
        "duration",
        "bedTime",
        "patient",
        "currentPatient",
        "supportTicketNotes",
        "orderNotes",
    ];
    const OPEN: [&str; 8] = ["item", "manufacturer", "id", "name", "model", "sku", "orderable", "active"];
    fn walk(fields: &[PayloadField], way: &str) {
        for field in fields {
            let way = format!("{way}.{}", field.name);
            let tracking = way.contains("trackingNumbers");
            if FULL.contains(&field.name) && !tracking {
                assert_eq!(field.protection, Protection::Full, "{way}");
            }
            if field.protection == Protection::None {
                assert!(OPEN.contains(&field.name), "{way} is free");
                assert!(way.contains("item") || way.contains("site"), "{way} is free");
            }
            match field.shape {
                Shape::Object(inner) | Shape::Objects(inner) => walk(inner, &way),
                _ => {}
            }
        }
    }
    for known in EVENT_TYPES {
        walk(known.payload, known.name);
    }
}

#[test]
fn a_path_that_is_in_no_table_has_no_class() {
    assert!(schema::payload_field("device.lowBattery", &["device", "currentPatient", "language"]).is_none());
    assert!(schema::payload_field("device.tamperDetected", &["device"]).is_none());
    let battery = schema::payload_field("device.lowBattery", &["batteryPercentage"]).unwrap();
    assert_eq!(battery.protection, Protection::Ids);
    let site = schema::payload_field("device.lowBattery", &["device", "currentPatient", "site", "name"]).unwrap();
    assert_eq!(site.protection, Protection::None);
}
