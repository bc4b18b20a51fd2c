//! The facts of every fixture, held in a golden file beside it. `UPDATE_EXPECT=1` writes them anew.

use std::fmt::Write as _;

use expect_test::expect_file;
use pulsewarden::engine::{About, Fact, Facts, Subject, SubjectKind, Timestamp, Value};
use pulsewarden::impilo::{self, Envelope};
use serde_json::json;

use crate::{body, fixtures};

/// 1 March 2026, noon UTC: after everything that the fixtures tell of, one from the future apart.
pub const RECEIVED: Timestamp = Timestamp(1_772_366_400_000);

pub fn facts_of(body: &[u8]) -> Facts {
    let envelope = Envelope::read(body).unwrap();
    impilo::facts(&envelope.kind, impilo::payload(body).unwrap().value(), RECEIVED)
}

/// The facts of a payload that stands in no envelope.
pub fn facts_in(kind: &str, payload: &serde_json::Value, received_at: Timestamp) -> Facts {
    let body = json!({ "payload": payload }).to_string();
    impilo::facts(kind, impilo::payload(body.as_bytes()).unwrap().value(), received_at)
}

fn said(about: &About, name: &str) -> Option<String> {
    about.facts.iter().find(|fact| fact.name == name).map(|fact| shown(&fact.value))
}

/// A value in words. `Debug` hides it, since it may be protected.
fn shown(value: &Value) -> String {
    match value {
        Value::Bool(flag) => flag.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Text(text) => format!("{text:?}"),
        Value::Time(at) if *at == RECEIVED => "receipt".to_owned(),
        Value::Time(at) => at.to_string(),
        Value::Span(millis) => format!("{millis} ms"),
        Value::List(values) => format!("[{}]", values.iter().map(shown).collect::<Vec<_>>().join(", ")),
    }
}

fn told(facts: &Facts) -> String {
    let (at, basis) = impilo::placed(facts, RECEIVED);
    let mut text =
        format!("occurred: {} ({basis:?})\n", if at == RECEIVED { "receipt".to_owned() } else { at.to_string() });
    if let Some(association) = facts.association {
        writeln!(text, "association: {association:?}").unwrap();
    }
    for about in &facts.about {
        let heard = if about.heard { ", heard from" } else { "" };
        let over = if about.over { ", over" } else { "" };
        let back = if about.brings_back { ", back" } else { "" };
        writeln!(text, "{}{heard}{over}{back}", about.subject).unwrap();
        for Fact { name, value, at, stage } in &about.facts {
            write!(text, "  {name} = {}", shown(value)).unwrap();
            if let Some(at) = at {
                write!(text, " as of {at}").unwrap();
            }
            if let Some(stage) = stage {
                write!(text, " (stage {stage})").unwrap();
            }
            text.push('\n');
        }
        for (kind, id) in &about.links {
            writeln!(text, "  → {kind} {id}").unwrap();
        }
    }
    text
}

#[test]
fn every_fixture_is_understood_as_far_as_it_goes() {
    for fixture in fixtures() {
        let facts = told(&facts_of(&fixture.body));
        expect_file![fixture.path.with_extension("facts")].assert_eq(&facts);
    }
}

#[test]
fn no_name_address_or_reading_is_projected() {
    for fixture in fixtures() {
        let facts = told(&facts_of(&fixture.body)).to_lowercase();
        for protected in
            ["odalys", "thornquist", "bertil", "marchetti", "łucja", "aspen", "kestrel", "example.org", "jh-d", "jh-5"]
        {
            assert!(!facts.contains(protected), "{}: {protected}", fixture.name);
        }
        assert!(!format!("{:?}", facts_of(&fixture.body)).contains("CRB7"), "{}: Debug shows a serial", fixture.name);
    }
}

#[test]
fn the_same_event_says_the_same_whatever_the_order_of_its_keys() {
    assert_eq!(facts_of(&body("odd/same-event-first")), facts_of(&body("odd/same-event-again")));
}

#[test]
fn a_future_time_never_reaches_a_fact() {
    let facts = facts_of(&body("odd/association-from-the-future"));
    for fact in facts.about.iter().flat_map(|about| &about.facts) {
        assert!(fact.value.as_time().is_none_or(|at| at <= RECEIVED), "{}", fact.name);
    }
}

#[test]
fn an_event_speaks_of_a_bounded_number_of_subjects() {
    let devices: Vec<_> = (0..20_000).map(|id| json!({ "id": id })).collect();
    let facts = facts_in("order.statusFull", &json!({ "id": 1, "devices": devices }), RECEIVED);
    assert_eq!(facts.about.len(), 1000);
    let kit = |kit: u64| json!({ "devices": (0..75).map(|id| json!({ "id": kit * 75 + id })).collect::<Vec<_>>() });
    let kits: Vec<_> = (0..1000).map(kit).collect();
    let facts = facts_in("order.statusFull", &json!({ "id": 1, "packedKits": kits }), RECEIVED);
    assert_eq!(facts.about.len(), 1000);
    assert_eq!(facts.about[0].subject, Subject::new(SubjectKind::Order, "1"));
    let lists = json!({ "id": 1, "transferItems": kits });
    assert_eq!(facts_in("transferRequest.statusFull", &lists, RECEIVED).about.len(), 1000);
}

#[test]
fn what_is_said_twice_of_one_of_many_subjects_is_gathered_under_it() {
    let devices: Vec<_> = (0..100).chain(0..100).map(|id| json!({ "id": id, "currentStatus": "packed" })).collect();
    let facts = facts_in("order.statusFull", &json!({ "id": 1, "devices": devices }), RECEIVED);
    assert_eq!(facts.about.len(), 101);
    assert!(facts.about.iter().skip(1).all(|about| about.facts.len() == 1));
}

#[test]
fn endless_texts_are_cut_and_stand_on_one_line() {
    let name = format!("North\r\nBcc: everyone {}", "x".repeat(5000));
    let device = json!({ "id": 1, "site": { "id": 2, "name": name }, "currentStatus": "é".repeat(5000) });
    let facts = facts_in("device.weakSignal", &json!({ "device": device }), RECEIVED);
    let about = facts.of(&Subject::new(SubjectKind::Device, "1")).unwrap();
    let site = about.facts.iter().find(|fact| fact.name == "site").and_then(|fact| fact.value.as_text()).unwrap();
    assert!(site.starts_with("North  Bcc") && site.chars().count() == 300);
    assert!(said(about, "status").unwrap().chars().count() <= 302);
}

#[test]
fn a_reduced_reading_still_says_who_and_when() {
    for (name, heard) in [("reading.weight", true), ("reading.temperature", false)] {
        let whole = body(name);
        let reduced = impilo::reduce(&whole).unwrap();
        let text = String::from_utf8(reduced.clone()).unwrap();
        assert!(text.len() < 300 && !text.contains("201.2") && !text.contains("98.9") && !text.contains("firstName"));
        let (before, after) = (facts_of(&whole), facts_of(&reduced));
        assert_eq!(Envelope::read(&whole).unwrap().id, Envelope::read(&reduced).unwrap().id);
        assert_eq!(before.occurred_at, after.occurred_at);
        for kind in [SubjectKind::Device, SubjectKind::Patient] {
            let (before, after) = (before.about(kind).unwrap(), after.about(kind).unwrap());
            assert_eq!((&before.subject, before.heard), (&after.subject, heard));
            assert_eq!(before.heard, after.heard);
        }
        assert_eq!(impilo::reduce(&reduced).unwrap(), reduced, "reducing twice changes nothing");
    }
}
