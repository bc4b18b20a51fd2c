//! What people do about alerts: at random, early and late, and more than once.

use std::collections::BTreeSet;
use std::time::Duration;

use fastrand::Rng;
use pulsewarden::engine::{Act, Actor, Command, Silence, Timestamp};

use crate::invariants::Chronicle;

const HOUR: Duration = Duration::from_secs(3600);

/// Among how many of the newest alerts people look.
const NEWEST: usize = 6;

/// What silences hide.
const HIDDEN: [&str; 6] = [
    "severity=\"warning\"",
    "alertname=~\"OurBattery.*\"",
    "subject=\"device\"",
    "site=\"31\"",
    "receiver!=\"nobody\"",
    "severity=\"critical\"",
];

/// What somebody asks for now; `None` where there is nothing to ask about.
pub fn asks(chance: &mut Rng, chronicle: &Chronicle, now: Timestamp) -> Option<Command> {
    let by = Actor { name: "Ann".to_owned(), via: "command line".to_owned() };
    let newest: Vec<_> = chronicle.alerts().take(NEWEST).collect();
    let silences = chance.u64(1..=4);
    match chance.u32(..10) {
        0 | 1 => {
            let from = if chance.bool() { now } else { now.plus(HOUR * chance.u32(1..6)) };
            let until = Some(from.plus(HOUR * chance.u32(1..30)));
            let matchers = vec![HIDDEN[chance.usize(..HIDDEN.len())].parse().unwrap()];
            Some(silence(Silence {
                number: 0,
                matchers,
                from,
                until,
                alerts: BTreeSet::new(),
                by,
                comment: String::new(),
            }))
        }
        2 => {
            let (alert, _) = newest.first()?;
            let matchers = vec![HIDDEN[0].parse().unwrap()];
            let alerts = BTreeSet::from([*alert]);
            Some(silence(Silence { number: 0, matchers, from: now, until: None, alerts, by, comment: String::new() }))
        }
        3 => Some(Command::Unsilence { silence: silences, by }),
        _ => {
            let (alert, subject) = *newest.get(chance.usize(..newest.len().max(1)))?;
            let act = match chance.u32(..8) {
                0..3 => Act::Acknowledge { until: None },
                3 => Act::Acknowledge { until: Some(now.plus(HOUR * chance.u32(1..10))) },
                4 => Act::Unacknowledge,
                5 => Act::Assign { to: chance.bool().then(|| "Bob".to_owned()) },
                6 => Act::Note { text: "called".to_owned() },
                _ => Act::Resolve,
            };
            Some(Command::Alert { alert, subject: subject.clone(), act, by })
        }
    }
}

fn silence(silence: Silence) -> Command {
    Command::Silence { silence: Box::new(silence) }
}
