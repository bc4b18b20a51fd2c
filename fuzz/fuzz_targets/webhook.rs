//! A webhook's body on its whole way: envelope, journal codec, facts, engine with the shipped rules. Nothing may panic.

#![no_main]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use pulsewarden::config::Bundle;
use pulsewarden::engine::{Effects, Event, Input, RuleSet, Slice, Source, Subject, Timestamp, step};
use pulsewarden::impilo::{self, Envelope};
use pulsewarden::journal::codec;

static RULES: LazyLock<RuleSet> = LazyLock::new(|| {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../rules");
    let shipped = Bundle::read(None, folder.as_ref()).unwrap_or_else(|problems| panic!("{}", problems.render(false)));
    shipped.compile().unwrap_or_else(|problems| panic!("{}", problems.render(false))).0
});

fuzz_target!(|body: &[u8]| {
    assert_eq!(codec::decode(&codec::encode(body)).ok().as_deref(), Some(body));
    let Ok(envelope) = Envelope::read(body) else { return };
    let Some(payload) = impilo::payload(body) else { return };
    let received_at = Timestamp(1_790_000_000_000);
    let facts = impilo::facts(&envelope.kind, payload.value(), received_at);
    let (occurred_at, basis) = impilo::placed(&facts, received_at);
    let _ = impilo::reduce(body);
    let Some(first) = facts.about.first() else { return };
    let mut slices: BTreeMap<Subject, Slice> = BTreeMap::new();
    let mut effects = Effects { next_alert: 1, ..Effects::default() };
    // Twice, since the second time something is known already.
    for position in 1..=2 {
        let event = Event {
            position,
            id: &envelope.id,
            kind: &envelope.kind,
            source: Source::Webhook,
            received_at,
            occurred_at,
            basis,
            facts: &facts,
            payload: payload.value(),
        };
        let mut next = Some((first.subject.clone(), None));
        while let Some((subject, message)) = next {
            let slice = slices.entry(subject.clone()).or_insert_with(|| Slice::new(subject));
            let input = match &message {
                None => Input::Event(&event),
                Some(message) => Input::Message { message, event: Some(&event), position },
            };
            step(&RULES, slice, &input, received_at, &mut effects);
            next = effects.messages.pop_front().map(|(subject, message)| (subject, Some(message)));
        }
    }
});
