//! Hundreds of thousands of broken bodies: none may panic, hang, or come back changed from the journal's codec.

use pulsewarden::engine::Timestamp;
use pulsewarden::impilo::{self, Envelope};
use pulsewarden::journal::codec;
use serde_json::{Value, json};

use crate::facts::{RECEIVED, facts_in};
use crate::{fixtures, payload_of};

/// Xorshift: the same seed always gives the same bodies.
pub struct Chance(pub u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() >> 11).unwrap() % end.max(1)
    }
}

/// Takes a body the whole way of an event, up to the engine; true where it was an envelope with a payload.
fn takes(body: &[u8], received_at: Timestamp) -> bool {
    let Ok(envelope) = Envelope::read(body) else { return false };
    let Some(payload) = impilo::payload(body) else { return false };
    let facts = impilo::facts(&envelope.kind, payload.value(), received_at);
    let (occurred_at, _) = impilo::placed(&facts, received_at);
    assert!(occurred_at <= received_at.plus(std::time::Duration::from_secs(300)));
    for about in &facts.about {
        assert!(!about.subject.id.is_empty());
    }
    assert!(impilo::reduce(body).is_some());
    true
}

fn comes_back(body: &[u8]) {
    assert_eq!(codec::decode(&codec::encode(body)).unwrap(), body);
}

/// Breaks bytes: flips, cuts, doubles, and tokens of JSON where none belong.
fn broken(body: &mut Vec<u8>, chance: &mut Chance) {
    const TOKENS: [&[u8]; 16] = [
        b"null",
        b"{",
        b"}",
        b"[",
        b"]",
        b"\"",
        b"\\u0000",
        b"\\ud800",
        b"1e999",
        b"-0",
        b"9223372036854775808",
        b",",
        b":",
        b"\xff",
        b"true",
        b"\"id\":",
    ];
    for _ in 0..=chance.below(3) {
        let at = chance.below(body.len());
        let end = (at + chance.below(40)).min(body.len());
        match chance.below(5) {
            0 => {
                if let Some(byte) = body.get_mut(at) {
                    *byte ^= 1 << chance.below(8);
                }
            }
            1 => drop(body.drain(at..end)),
            2 => {
                let piece = body[at..end].to_vec();
                body.splice(at..at, piece);
            }
            3 => drop(body.splice(at..end, TOKENS[chance.below(TOKENS.len())].iter().copied())),
            _ => body.truncate(body.len() - chance.below(body.len() / 8)),
        }
    }
}

/// Puts something else in one place of a value, so that the body stays JSON and only its shape is wrong.
fn bent(value: &mut Value, chance: &mut Chance) {
    let inner = match value {
        Value::Object(fields) if !fields.is_empty() && chance.below(5) > 0 => {
            let at = chance.below(fields.len());
            fields.values_mut().nth(at)
        }
        Value::Array(items) if !items.is_empty() && chance.below(5) > 0 => {
            let at = chance.below(items.len());
            items.get_mut(at)
        }
        _ => None,
    };
    if let Some(inner) = inner {
        return bent(inner, chance);
    }
    *value = match chance.below(14) {
        0 => Value::Null,
        1 => json!({}),
        2 => json!([]),
        3 => json!(""),
        4 => json!(-1),
        5 => json!(u64::MAX),
        6 => json!(1e300),
        7 => json!(i64::MIN),
        8 => json!("9223372036854775807"),
        9 => json!("2026-02-29T25:61:61.999999999999Z"),
        10 => json!("\u{0}\u{202e}é".repeat(1 + chance.below(40))),
        11 => json!([[[[{ "id": 1, "device": { "id": { "id": 2 } } }]]]]),
        12 => json!({ "id": "x", "name": ["y"], "currentPatient": null, "site": 3, "type": "serial", "value": 4 }),
        _ => json!(chance.below(2) == 0),
    };
}

#[test]
fn no_broken_body_panics() {
    let mut chance = Chance(0x5EED_0001);
    let bodies: Vec<Vec<u8>> = fixtures().into_iter().map(|fixture| minified(&fixture.body)).collect();
    let mut taken = 0_u32;
    for round in 0..300_000 {
        let mut body = bodies[chance.below(bodies.len())].clone();
        broken(&mut body, &mut chance);
        taken += u32::from(takes(&body, RECEIVED));
        if round % 4 == 0 {
            comes_back(&body);
        }
    }
    assert!(taken > 1000, "too few of the bodies were still read: {taken}");
}

#[test]
fn no_bent_payload_panics() {
    let mut chance = Chance(0x5EED_0002);
    let payloads: Vec<(String, Value)> = fixtures()
        .iter()
        .map(|fixture| {
            let kind = Envelope::read(&fixture.body).unwrap().kind.into_owned();
            (kind, payload_of(&fixture.body))
        })
        .collect();
    for _ in 0..4_000 {
        let (kind, payload) = &payloads[chance.below(payloads.len())];
        let mut payload = payload.clone();
        for _ in 0..40 {
            bent(&mut payload, &mut chance);
            let received_at = if chance.below(50) == 0 { Timestamp(i64::MAX) } else { RECEIVED };
            let facts = facts_in(kind, &payload, received_at);
            let _ = impilo::placed(&facts, received_at);
        }
        let body = json!({ "id": 1, "type": kind, "payload": payload }).to_string();
        assert!(takes(body.as_bytes(), RECEIVED));
    }
}

#[test]
fn damaged_journal_bodies_are_errors_or_bytes_but_never_panics() {
    let mut chance = Chance(0x5EED_0003);
    let kept: Vec<Vec<u8>> = fixtures().iter().map(|fixture| codec::encode(&fixture.body)).collect();
    for _ in 0..40_000 {
        let mut bytes = kept[chance.below(kept.len())].clone();
        broken(&mut bytes, &mut chance);
        let _ = codec::decode(&bytes);
    }
}

#[test]
fn nesting_is_bounded() {
    for depth in [100, 127, 128, 1000, 100_000] {
        let payload = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        let body = format!(r#"{{"id":1,"type":"device.lowBattery","payload":{payload}}}"#);
        assert!(takes(body.as_bytes(), RECEIVED), "{depth}");
        comes_back(body.as_bytes());
    }
}

#[test]
fn one_value_that_cannot_be_read_takes_nothing_else_with_it() {
    let deep = format!("{}1{}", "[".repeat(130), "]".repeat(130));
    for odd in [r#""Mari \ud83d""#.to_owned(), "1e999".to_owned(), "9".repeat(400), deep] {
        let body = format!(
            r#"{{"id":1,"type":"device.lowBattery","payload":{{"odd":{odd},"batteryPercentage":8,"device":{{"id":7}}}}}}"#
        );
        let facts = crate::facts::facts_of(body.as_bytes());
        let battery = facts.about.first().and_then(|about| about.facts.iter().find(|fact| fact.name == "battery"));
        assert!(battery.is_some(), "{odd}");
    }
}

fn minified(body: &[u8]) -> Vec<u8> {
    serde_json::from_slice::<Value>(body).unwrap().to_string().into_bytes()
}
