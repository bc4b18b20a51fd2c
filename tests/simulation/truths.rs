//! What is said to be wrong is wrong, and there is some of everything.

use std::collections::{BTreeMap, BTreeSet};

use pulsewarden::engine::{About, Subject, SubjectKind, Timestamp};
use pulsewarden::impilo::{facts, payload};
use pulsewarden::simulate::{Fleet, Happening, Problem, Truth, Webhook};

use crate::plan;

fn history(seed: u64, devices: u64, days: u32) -> (Vec<Webhook>, Vec<Truth>) {
    let (mut webhooks, mut truths) = (Vec::new(), Vec::new());
    for happening in Fleet::new(plan(seed, devices, days)) {
        match happening {
            Happening::Webhook(webhook) => webhooks.push(webhook),
            Happening::Truth(truth) => truths.push(truth),
        }
    }
    (webhooks, truths)
}

#[test]
fn everything_that_can_be_wrong_is_wrong_somewhere() {
    let mut counts: BTreeMap<Problem, usize> = BTreeMap::new();
    for happening in Fleet::new(plan(11, 2000, 60)) {
        if let Happening::Truth(truth) = happening {
            *counts.entry(truth.problem).or_default() += 1;
        }
    }
    let missing: Vec<Problem> = Problem::ALL.into_iter().filter(|problem| !counts.contains_key(problem)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(counts[&Problem::LowBattery] < 2000 && counts[&Problem::DefectiveModel] < 3, "{counts:?}");
}

#[test]
fn truths_are_lines_of_json_that_can_be_read_back() {
    let (_, truths) = history(12, 60, 60);
    assert!(truths.iter().any(|truth| truth.until.is_none()) && truths.iter().any(|truth| truth.until.is_some()));
    let mut lines = Vec::new();
    for truth in &truths {
        truth.write_line(&mut lines).unwrap();
    }
    let lines = String::from_utf8(lines).unwrap();
    let read: Vec<Truth> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(read, truths);
    assert!(lines.starts_with(r#"{"problem":""#) && lines.contains(r#""kind":"device","id":"1000"#), "{lines:.200}");
}

/// The device that a webhook of a device or a reading is about. Reading every one of them whole would take long.
fn device_of(webhook: &Webhook) -> String {
    let body = std::str::from_utf8(&webhook.body).unwrap();
    let (_, rest) = body.split_once(r#""device":{"id":"#).unwrap();
    rest.split(',').next().unwrap().to_owned()
}

fn facts_of(webhook: &Webhook) -> Vec<About> {
    facts(webhook.kind, payload(&webhook.body).unwrap().value(), webhook.at).about
}

/// One thing that is heard: when, by which type, with which status.
type Heard = (Timestamp, &'static str, Option<String>);

/// What is heard of every subject.
fn heard(webhooks: &[Webhook]) -> BTreeMap<Subject, Vec<Heard>> {
    let mut heard: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for webhook in webhooks {
        let (subject, status) = if webhook.kind.starts_with("device.") || webhook.kind.starts_with("reading.") {
            (Subject::new(SubjectKind::Device, device_of(webhook)), None)
        } else {
            let about = facts_of(webhook).remove(0);
            let status = about.facts.iter().find(|fact| fact.name == "status");
            (about.subject, status.and_then(|fact| fact.value.as_text()).map(str::to_owned))
        };
        heard.entry(subject).or_default().push((webhook.at, webhook.kind, status));
    }
    heard
}

#[test]
fn truths_agree_with_what_is_heard() {
    let (webhooks, truths) = history(13, 150, 50);
    let heard = heard(&webhooks);
    let low = truths.iter().filter(|truth| truth.problem == Problem::LowBattery);
    let low: Vec<(Subject, Timestamp)> = low.map(|truth| (truth.subject.clone(), truth.from)).collect();
    let silent = truths.iter().filter(|truth| [Problem::Silent, Problem::NeverHeard].contains(&truth.problem));
    let silent: Vec<Truth> = silent.cloned().collect();
    let none = Vec::new();
    let mut proven = BTreeSet::new();
    for Truth { problem, subject, from, until } in truths {
        let of = heard.get(&subject).unwrap_or(&none);
        let until = until.unwrap_or(Timestamp(i64::MAX));
        assert!(from <= until);
        let within = of.iter().filter(|(at, ..)| from < *at && *at < until);
        let mut kinds = within.clone().map(|(_, kind, _)| *kind);
        let status = |at: Timestamp| of.iter().find(|told| told.0 == at).and_then(|told| told.2.as_deref());
        match problem {
            // Its order or return may still be spoken of.
            Problem::FlatBattery | Problem::Silent | Problem::NeverHeard => {
                // That it was given out is Impilo's word, not the device's.
                let own = |kind: &str| kind.starts_with("device.") && !kind.starts_with("device.association");
                let spoke = kinds.find(|kind| own(kind) || kind.starts_with("reading."));
                assert_eq!(spoke, None, "{subject} {problem:?} from {from} until {until}");
            }
            Problem::StoppedMeasuring | Problem::NeverUsed => {
                // What was kept in the device before may still come.
                let measured = kinds.filter(|kind| kind.starts_with("reading.")).count();
                assert!(measured <= 2, "{subject} {problem:?}: {measured} readings");
            }
            Problem::OrderStuck
            | Problem::OrderUnableToFulfill
            | Problem::UnsuccessfulDelivery
            | Problem::NeverCollected
            | Problem::RmaOverdue
            | Problem::LostInTransit
            | Problem::StuckInReceiving
            | Problem::OrderNotShipped
            | Problem::ParcelLost
            | Problem::SentBack
            | Problem::ReturnVoided => {
                let expected: &[&str] = match problem {
                    Problem::OrderStuck => {
                        &["onHold", "pendingInventory", "reconfirmAddress", "pendingAdditionalInformation"]
                    }
                    Problem::OrderUnableToFulfill => &["unableToFulfill"],
                    Problem::UnsuccessfulDelivery => &["unsuccessfulDelivery"],
                    Problem::NeverCollected => &["availableForPickup"],
                    Problem::RmaOverdue => &["pendingReturn"],
                    Problem::LostInTransit => &["inTransit"],
                    Problem::OrderNotShipped => &["awaitingShipment"],
                    Problem::ParcelLost => &["shipped"],
                    Problem::SentBack => &["returnIssued"],
                    Problem::ReturnVoided => &["voided"],
                    _ => &["receiving"],
                };
                assert!(status(from).is_some_and(|status| expected.contains(&status)), "{subject}: {problem:?}");
                assert_eq!(within.count(), 0, "{subject} {problem:?}");
            }
            Problem::TicketUnanswered => assert_eq!(status(from), Some("needsIntake"), "{subject}"),
            Problem::TicketLeftOpen => assert_eq!(status(from), Some("open"), "{subject}"),
            Problem::ProcurementStuck | Problem::TransferStuck => {
                assert!(status(from).is_some_and(|status| ["requested", "approved"].contains(&status)), "{subject}");
                assert_eq!(within.count(), 0, "{subject}");
            }
            Problem::NotReturned => {
                let lies = |kind: &str| kind == "device.healthcheck" || kind.starts_with("reading.");
                assert!(kinds.all(lies), "{subject}");
            }
            Problem::UsedByNobody => {
                assert!(kinds.all(|kind| !kind.starts_with("device.association")), "{subject}");
            }
            Problem::NotAssigned => assert_eq!(kinds.next(), None, "{subject}"),
            Problem::ArchivedHolds => {
                let measured = kinds.filter(|kind| kind.starts_with("reading.")).count();
                assert_eq!(measured, 0, "{subject}");
            }
            Problem::FadingRadio => assert!(of.iter().any(|(at, kind, _)| *kind == "device.weakSignal" && *at >= from)),
            Problem::BatteryDrains => {
                let before = from.0 - 45 * 86_400_000;
                let mut low = low.iter().filter(|(device, _)| *device == subject);
                assert!(low.any(|(_, at)| (before..from.0).contains(&at.0)), "{subject} from {from}");
            }
            Problem::AssociationChurn => {
                // One of the moves lies at its beginning, another at its end.
                let moves = kinds.filter(|kind| kind.starts_with("device.association")).count();
                assert!(moves >= 4 || until == Timestamp(i64::MAX), "{subject}: {moves} moves");
            }
            Problem::WeakCoverage => {
                let signals = kinds.filter(|kind| *kind == "device.weakSignal").count();
                let days = until.0.min(webhooks[webhooks.len() - 1].at.0).saturating_sub(from.0) / 86_400_000;
                assert!(signals as i64 >= days / 4, "{subject}: {signals} signals in {days} days");
            }
            Problem::LowBattery => {
                let told = of.iter().filter(|(at, kind, _)| *kind == "device.lowBattery" && *at >= from).count();
                let dumb = silent.iter().any(|one| one.subject == subject && one.from <= from);
                assert!(told > 0 || dumb, "{subject} from {from}");
            }
            Problem::SiteOutage | Problem::DefectiveModel => {}
        }
        proven.insert(problem);
    }
    assert!(proven.len() >= 12, "{proven:?}");
}

#[test]
fn an_outage_of_a_site_is_heard_from_many_of_its_devices() {
    let (webhooks, truths) = history(14, 200, 60);
    let mut outages = 0;
    for truth in truths.iter().filter(|truth| truth.problem == Problem::SiteOutage) {
        let until = truth.until.unwrap();
        let mut devices = BTreeSet::new();
        for webhook in webhooks.iter().filter(|one| (truth.from..until).contains(&one.at)) {
            let about = facts_of(webhook);
            if !about.iter().any(|about| about.subject == truth.subject) {
                continue;
            }
            if webhook.kind == "device.weakSignal" {
                devices.insert(about[0].subject.id.clone());
            }
            let is_alive = webhook.kind == "device.healthcheck" || webhook.kind.starts_with("reading.");
            let has_patient = about.iter().any(|about| about.subject.kind == SubjectKind::Patient);
            assert!(!(is_alive && has_patient), "{webhook:?} came through an outage of {}", truth.subject);
        }
        assert!(devices.len() >= 5, "{}: {devices:?}", truth.subject);
        outages += 1;
    }
    assert!(outages >= 3, "{outages}");
}

#[test]
fn a_defective_model_fills_a_week_with_low_batteries() {
    let (webhooks, truths) = history(15, 400, 40);
    let truth = truths.iter().find(|truth| truth.problem == Problem::DefectiveModel).unwrap();
    let item = format!(r#""item":{{"id":{},"#, truth.subject.id);
    let of_item = |one: &&Webhook| std::str::from_utf8(&one.body).unwrap().contains(&item);
    let until = truth.from.0 + 7 * 86_400_000;
    let week: Vec<&Webhook> = webhooks.iter().filter(|one| (truth.from.0..until).contains(&one.at.0)).collect();
    let devices = |kind: &str| -> BTreeSet<String> {
        week.iter().copied().filter(|one| one.kind == kind).filter(of_item).map(device_of).collect()
    };
    let (low, alive) = (devices("device.lowBattery"), devices("device.healthcheck"));
    assert!(low.len() * 4 >= alive.len(), "{} of {}", low.len(), alive.len());
}
