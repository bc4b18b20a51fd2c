//! What is an envelope and what is not.

use pulsewarden::impilo::{self, Envelope, Form, Unreadable};

use crate::{body, fixtures};

#[test]
fn every_fixture_is_an_envelope() {
    for fixture in fixtures() {
        let envelope = Envelope::read(&fixture.body).unwrap_or_else(|why| panic!("{}: {why}", fixture.name));
        assert!(impilo::payload(&fixture.body).is_some(), "{}", fixture.name);
        if !fixture.name.starts_with("odd/") {
            assert_eq!(envelope.kind, fixture.name);
            assert_eq!(envelope.form, Form::Standard);
        }
    }
}

#[test]
fn ids_are_kept_to_the_last_digit() {
    for (body, id) in [
        (&br#"{"id":9223372036854775807,"type":"t","payload":{}}"#[..], "9223372036854775807"),
        (br#"{"payload":null,"type":"t","id":-4}"#, "-4"),
        (br#"{"id":"57a","type":"t","payload":[]}"#, "57a"),
        (br#"{"id":18446744073709551616,"type":"t","payload":0}"#, "18446744073709551616"),
    ] {
        assert_eq!(Envelope::read(body).unwrap().id, id);
    }
}

#[test]
fn a_redelivery_has_the_id_of_the_first_delivery() {
    let (first, again) = (body("odd/same-event-first"), body("odd/same-event-again"));
    assert_ne!(first, again);
    assert_eq!(Envelope::read(&first), Envelope::read(&again));
}

#[test]
fn the_second_form_is_known_by_a_hash_of_what_it_says() {
    let one = Envelope::read(br#"{"event":"patient.updated","data":{"id":"1","name":"N"}}"#).unwrap();
    let reordered = Envelope::read(br#"{ "data": {"name":"N", "id":"1"}, "event": "patient.updated" }"#).unwrap();
    let other = Envelope::read(br#"{"event":"patient.updated","data":{"id":"2","name":"N"}}"#).unwrap();
    assert_eq!((one.form, one.kind.as_ref()), (Form::EventData, "patient.updated"));
    assert!(one.id.starts_with("sha256:") && one.id.len() == 71);
    assert_eq!(one.id, reordered.id);
    assert_ne!(one.id, other.id);
}

#[test]
fn bodies_too_deep_to_be_read_still_differ() {
    let deep = |end: &str| format!(r#"{{"event":"e","data":{}{end}{}}}"#, "[".repeat(500), "]".repeat(500));
    let (one, other) = (deep("1"), deep("2"));
    assert_ne!(Envelope::read(one.as_bytes()).unwrap().id, Envelope::read(other.as_bytes()).unwrap().id);
    assert!(impilo::payload(one.as_bytes()).is_some(), "it is cut where it is too deep");
}

#[test]
fn what_is_no_envelope_is_refused_for_its_own_reason() {
    let reason = |body: &[u8]| Envelope::read(body).unwrap_err();
    assert!(matches!(reason(b""), Unreadable::NotJson { .. }));
    assert!(matches!(reason(b"battery=low"), Unreadable::NotJson { line: 1, .. }));
    assert!(matches!(reason(br#"{"id":1,"type":"t","payload":{}} x"#), Unreadable::NotJson { .. }));
    assert!(matches!(reason(b"{\"id\":1,\"type\":\"t\",\"payload\":{\"a\":\"\xff\"}}"), Unreadable::NotJson { .. }));
    assert_eq!(reason(b"[]"), Unreadable::NotAnObject);
    assert_eq!(reason(br#" [1,"device.lowBattery",{},null,null]"#), Unreadable::NotAnObject);
    assert_eq!(reason(br#""text""#), Unreadable::NotAnObject);
    assert_eq!(reason(b"{}"), Unreadable::NoType);
    for bad in [r#""""#, "7", "null", "{}", r#""a\nb""#, &format!("{:?}", "t".repeat(201))] {
        assert_eq!(
            reason(format!(r#"{{"id":1,"type":{bad},"payload":{{}}}}"#).as_bytes()),
            Unreadable::NoType,
            "{bad}"
        );
    }
    for bad in [r#""""#, "1.5", "1e3", "null", "{}", "true", &"9".repeat(31)] {
        assert_eq!(
            reason(format!(r#"{{"id":{bad},"type":"t","payload":{{}}}}"#).as_bytes()),
            Unreadable::NoId,
            "{bad}"
        );
    }
    assert_eq!(reason(br#"{"id":1,"type":"t"}"#), Unreadable::NoPayload);
    assert_eq!(reason(br#"{"event":"e"}"#), Unreadable::NoData);
    assert_eq!(reason(br#"{"event":9,"data":{}}"#), Unreadable::NoType);
}

#[test]
fn a_refusal_repeats_nothing_of_the_body() {
    let secret = "Thornquist";
    for body in [
        format!(r#"{{"id":"{secret}"#),
        format!(r#"["{secret}"]"#),
        format!(r#"{{"id":{{"n":"{secret}"}},"type":"t","payload":{{}}}}"#),
        format!(r#"{{"id":1,"type":["{secret}"],"payload":{{}}}}"#),
        format!(r#"{{"id":1,"id":"{secret}","type":"t","payload":{{}}}}"#),
        format!(r#"{{"id":1,"type":"t","payload":{{"a":"{secret}"}}"#),
    ] {
        let why = Envelope::read(body.as_bytes()).unwrap_err();
        assert!(!why.to_string().contains(secret) && !format!("{why:?}").contains(secret), "{why}");
    }
}
