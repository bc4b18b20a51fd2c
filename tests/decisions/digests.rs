//! What digests say: of a small world in golden files, what changed between two, what was missed, for each site, and for each
//! class of receiver.

use std::path::PathBuf;
use std::sync::Arc;

use expect_test::{expect, expect_file};
use pulsewarden::clock::Clock;
use pulsewarden::config::Bundle;
use pulsewarden::digest;
use pulsewarden::engine::{Acknowledgement, Content, Notification, RuleSet, SubjectKind};
use pulsewarden::notify::{self, Templates};
use pulsewarden::store::{Outcome, Rendered};
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};

use crate::payloads::{association, battery, device_of, order};
use crate::world::{World, instant};

const RULES: &str = r#"
rules:
  - alert: DeviceBatteryLow
    subject: device
    event: device.lowBattery
    where: "payload.batteryPercentage <= 20"
    severity: warning
    raise: [{ to: critical, where: "payload.batteryPercentage <= 5" }]
    annotations:
      summary: "Battery at {{ device.battery }}% on {{ device.serial }} of {{ payload.device.currentPatient.firstName }}"
      action: "Ship batteries."
    resolve: [{ event: device.lowBattery, where: "payload.batteryPercentage > 40" }]
  - alert: DeviceSilent
    subject: device
    silent: { longer_than: 48h }
    severity: critical
    annotations: { summary: "Nothing heard of {{ device.serial }} since {{ device.last_heard_at }}" }
receivers: [{ name: team, phi: PHI, email: [{ to: [team@clinic.example] }] }]
digests: [{ digest: daily, schedule: "0 8 * * *", time_zone: America/New_York, receiver: team, MORE }]
"#;

/// The rules with this class of receiver, and more keys of the digest.
fn rules(phi: &str, more: &str) -> String {
    RULES.replace("PHI", phi).replace("MORE", more)
}

fn compiled(rules: &str) -> Arc<RuleSet> {
    let compiled = Bundle::of(&[("rules.yaml", rules)]).compile();
    Arc::new(compiled.unwrap_or_else(|problems| panic!("{}", problems.render(false))).0)
}

/// Lets time come to `at` and what is due run. Gives the messages of digests that come of it.
fn digests_at(world: &mut World, rules: &Arc<RuleSet>, at: &str) -> Vec<Notification> {
    world.until(at);
    let before = world.notifications.len();
    let parts = digest::Parts {
        store: Arc::clone(&world.store),
        clock: Clock::standing_at(world.now),
        rule_sets: watch::Sender::new(Arc::clone(rules)).subscribe(),
        outbox: Arc::new(Notify::new()),
        started_at: world.now,
    };
    digest::tick(&parts).unwrap();
    world.wait("1s");
    world.notifications[before..].to_vec()
}

/// A mail's text, and the table beside it.
fn mail(notification: &Notification) -> (String, Option<String>) {
    match notify::render(notification, &Templates::shipped(), None) {
        Rendered::Email { text, attachments, .. } => (text, attachments.into_iter().next().map(|file| file.content)),
        _ => panic!("not a mail"),
    }
}

/// The first lines, before the sections.
fn head(notification: &Notification) -> String {
    let (text, _) = mail(notification);
    text.split("\n==").next().unwrap().trim().to_owned()
}

/// A device of a site with a patient, with this battery.
fn at_site(id: i64, percentage: i64, patient: i64, site: &str) -> Value {
    let mut payload = battery(id, percentage);
    payload["device"] = device_of(id, Some(patient));
    payload["device"]["site"]["name"] = json!(site);
    payload["device"]["site"]["id"] = json!(site.len());
    payload["device"]["currentPatient"]["site"] = payload["device"]["site"].clone();
    payload
}

/// Somebody takes an alert about a device on.
fn take_on(world: &mut World, device: &str, by: &str) {
    let subject = pulsewarden::engine::Subject::new(SubjectKind::Device, device);
    let mut slice = world.store.load(&[subject]).unwrap().remove(0);
    for alert in &mut slice.alerts {
        alert.acknowledged = Some(Box::new(Acknowledgement { by: by.to_owned(), at: world.now, until: None }));
        alert.assignee = Some("Grace".to_owned());
        alert.changed = true;
    }
    let progress = world.store.progress().unwrap();
    let (slices, noticed_at) = (&[&slice][..], world.now);
    let records = &pulsewarden::engine::Records::default();
    let (ended, transitions, notifications) = (&[], &[], &[]);
    let nothing = Outcome { progress: &progress, slices, ended, transitions, notifications, records, noticed_at };
    world.store.commit(&nothing).unwrap();
    world.restart();
}

/// Two weeks of two sites: batteries, a silence, an order that does not come, a return that does not either.
fn story(world: &mut World, rules: &Arc<RuleSet>) -> Vec<Notification> {
    assert!(digests_at(world, rules, "2026-03-02T10:00:00Z").is_empty());
    world.post("order.statusFull", order(31, 5, Some("2026-03-01T09:00:00Z")));
    world.post(
        "return.statusFull",
        json!({ "id": 41, "currentStatus": "rmaPlaced", "patient": { "id": 6 },
        "returnDevices": [{ "id": 8 }] }),
    );
    world.post("device.lowBattery", at_site(7, 8, 5, "Harbor Clinic"));
    world.post("device.lowBattery", at_site(8, 4, 6, "North Clinic"));
    world.post("device.lowBattery", at_site(9, 55, 6, "North Clinic"));
    world.post("device.lowBattery", at_site(10, 12, 7, "Harbor Clinic"));
    world.post("device.healthcheck", json!({ "device": at_site(9, 55, 6, "North Clinic")["device"] }));
    let first = digests_at(world, rules, "2026-03-02T13:00:10Z");
    assert_eq!(first.len(), 1);
    world.until("2026-03-03T10:00:00Z");
    take_on(world, "10", "Ada Quillon");
    world.post("device.lowBattery", at_site(7, 90, 5, "Harbor Clinic"));
    let mut last = Vec::new();
    for day in 3..=13 {
        let hour = if day < 8 { 13 } else { 12 };
        last = digests_at(world, rules, &format!("2026-03-{day:02}T{hour}:00:10Z"));
        assert_eq!(last.len(), 1);
    }
    [first, last].concat()
}

#[test]
fn every_section_for_each_class_of_receiver() {
    for phi in ["none", "ids", "full"] {
        let text = rules(phi, "csv: true");
        let (mut world, compiled) = (World::new(&text), compiled(&text));
        let told = story(&mut world, &compiled);
        assert_eq!(told.len(), 2);
        let (text, table) = mail(&told[1]);
        let table = table.unwrap();
        let golden = |ending: &str| {
            let file = format!("tests/decisions/golden/digest-sections-{phi}.{ending}");
            PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(file)
        };
        expect_file![golden("txt")].assert_eq(&text);
        expect_file![golden("csv")].assert_eq(&table.replace("\r\n", "\n"));
        let all = format!("{text}{table}{:?}", notify::render(&told[1], &Templates::shipped(), None));
        let Rendered::Email { subject, html, attachments, .. } = notify::render(&told[1], &Templates::shipped(), None)
        else {
            panic!()
        };
        assert_eq!(attachments[0].name, "daily-2026-03-13.csv");
        for all in [all, html] {
            assert_eq!(all.contains("SN-8"), phi != "none", "{phi}");
            for id in ["Patient 6", "patient id", "Order 31", "Return 41", "Grace", "Quillon"] {
                assert!(phi != "none" || !all.contains(id), "{id} under {phi}");
            }
            assert!(phi == "full" || !all.contains("Battery at 4% on SN-8 of Ada"), "{phi}");
        }
        for outside in ["SN-", "Ada", "Patient"] {
            assert!(!subject.contains(outside), "{subject}");
        }
    }
}

#[test]
fn a_digest_says_what_changed_since_the_last_one() {
    let text = rules("ids", "skip_when_empty: false");
    let (mut world, compiled) = (World::new(&text), compiled(&text));
    let told = story(&mut world, &compiled);
    expect![[r#"
        [DIGEST] daily: 3 new, 3 open

        Since 2026-03-02 05:00 EST: 3 new, 0 resolved.
        Open now: 3; the oldest since 2026-03-02 05:00 EST (3 hours).

        [DIGEST] daily: 0 new, 3 open

        Since 2026-03-12 08:00 EDT: 0 new, 0 resolved.
        Open now: 3 (1 acknowledged); the oldest since 2026-03-02 05:00 EST (11 days)."#]]
    .assert_eq(&told.iter().map(head).collect::<Vec<_>>().join("\n\n"));
    for (device, percentage) in [(8, 80), (10, 80)] {
        world.post("device.lowBattery", at_site(device, percentage, 6, "North Clinic"));
    }
    world.post("device.lowBattery", at_site(7, 80, 5, "Harbor Clinic"));
    world.post("device.lowBattery", at_site(9, 80, 6, "North Clinic"));
    let third = digests_at(&mut world, &compiled, "2026-03-14T12:00:10Z");
    let fourth = digests_at(&mut world, &compiled, "2026-03-15T12:00:10Z");
    expect![[r#"
        [DIGEST] daily: 0 new, 1 open

        Since 2026-03-13 08:00 EDT: 0 new, 2 resolved.
        Open now: 1; the oldest since 2026-03-04 05:00 EST (10 days).

        [DIGEST] daily: 0 new, 1 open

        Since 2026-03-14 08:00 EDT: 0 new, 0 resolved.
        Open now: 1; the oldest since 2026-03-04 05:00 EST (11 days)."#]]
    .assert_eq(&third.iter().chain(&fourth).map(head).collect::<Vec<_>>().join("\n\n"));
}

#[test]
fn what_was_missed_is_told_once_with_a_note() {
    let text = rules("ids", "sections: open_alerts");
    let (mut world, compiled) = (World::new(&text), compiled(&text));
    digests_at(&mut world, &compiled, "2026-03-02T10:00:00Z");
    world.post("device.lowBattery", battery(7, 8));
    let late = digests_at(&mut world, &compiled, "2026-03-05T15:30:00Z");
    expect![[r#"
        [DIGEST] daily: 1 new, 1 open

        It was due at 2026-03-05 08:00 EST and could be put together only at 2026-03-05 10:30 EST.
        It covers 3 digests that could not be sent: 2026-03-02 08:00 EST, 2026-03-03 08:00 EST, 2026-03-04 08:00 EST.
        Since 2026-03-02 05:00 EST: 1 new, 0 resolved.
        Open now: 1; the oldest since 2026-03-02 05:00 EST (3 days)."#]]
    .assert_eq(&late.iter().map(head).collect::<Vec<_>>().join("\n\n"));
    world.restart();
    assert!(digests_at(&mut world, &compiled, "2026-03-05T15:31:00Z").is_empty(), "it is told once");
    let next = digests_at(&mut world, &compiled, "2026-03-06T13:00:10Z");
    assert_eq!(next.len(), 1);
    assert!(!head(&next[0]).contains("could not be sent"), "{}", head(&next[0]));
}

#[test]
fn each_site_gets_a_message_of_its_own() {
    let text = rules("none", "split_by: site, sections: [call_list, open_alerts]");
    let (mut world, compiled) = (World::new(&text), compiled(&text));
    digests_at(&mut world, &compiled, "2026-03-02T10:00:00Z");
    let none = digests_at(&mut world, &compiled, "2026-03-02T13:00:10Z");
    assert_eq!(none.len(), 1, "where nothing is to be told, that is told once");
    assert!(head(&none[0]).contains("Nothing new and nothing open"));
    world.post("device.lowBattery", at_site(7, 8, 5, "Harbor Clinic"));
    world.post("device.lowBattery", at_site(8, 4, 6, "North Clinic"));
    world.post("device.lowBattery", at_site(9, 4, 6, "North Clinic"));
    let two = digests_at(&mut world, &compiled, "2026-03-03T13:00:10Z");
    let heads: Vec<String> = two.iter().map(|one| head(one).lines().next().unwrap().to_owned()).collect();
    assert_eq!(heads, ["[DIGEST] daily, Harbor Clinic: 1 new, 1 open", "[DIGEST] daily, North Clinic: 2 new, 2 open"]);
    assert_eq!(two.iter().map(|one| &one.key).collect::<std::collections::BTreeSet<_>>().len(), 2);
    assert!(!mail(&two[0]).0.contains("North"));
    assert!(digests_at(&mut world, &compiled, "2026-03-03T13:01:00Z").is_empty());
}

#[test]
fn matchers_choose_alerts_and_devices() {
    let text = rules(
        "ids",
        "matchers: ['site = \"North Clinic\"', 'alertname =~ \".*Low\"'], sections: [open_alerts, battery]",
    );
    let (mut world, compiled) = (World::new(&text), compiled(&text));
    digests_at(&mut world, &compiled, "2026-03-02T10:00:00Z");
    world.post("device.lowBattery", at_site(7, 8, 5, "Harbor Clinic"));
    world.post("device.lowBattery", at_site(8, 4, 6, "North Clinic"));
    let told = digests_at(&mut world, &compiled, "2026-03-02T13:00:10Z");
    let (text, _) = mail(&told[0]);
    assert!(text.contains("1 new, 1 open") && text.contains("Low batteries (1)"), "{text}");
    assert!(text.contains("SN-8") && !text.contains("SN-7") && !text.contains("Harbor"), "{text}");
}

#[test]
fn a_section_shows_so_many_and_says_how_many_more() {
    let text = rules("ids", "sections: [call_list, open_alerts, battery]");
    let (mut world, compiled) = (World::new(&text), compiled(&text));
    digests_at(&mut world, &compiled, "2026-03-02T10:00:00Z");
    for id in 1..=40 {
        world.post("device.lowBattery", at_site(id, 10, 100 + id / 2, "Harbor Clinic"));
    }
    let told = digests_at(&mut world, &compiled, "2026-03-02T13:00:10Z");
    let (text, _) = mail(&told[0]);
    for said in ["To call (21 patients)", "Open (40)", "and 15 more: `pulsewarden alerts`", "and 15 more devices"] {
        assert!(text.contains(said), "{said} in {text}");
    }
    assert_eq!(text.matches("\n- WARNING: Battery at").count(), 25);
}

#[test]
fn slack_takes_the_largest_digest() {
    let text = rules("full", "skip_when_empty: false")
        .replace("email: [{ to: [team@clinic.example] }]", "slack: [{ webhook: a }]");
    let (mut world, compiled) = (World::new(&text), compiled(&text));
    digests_at(&mut world, &compiled, "2026-03-02T10:00:00Z");
    for id in 1..=60 {
        let site = format!("<Clinic> & `{id}` {}", "of a long name ".repeat(20));
        world.post("device.lowBattery", at_site(id, 4, 100 + id, &site));
        world.post("device.healthcheck", json!({ "device": at_site(id, 4, 100 + id, &site)["device"] }));
        world.post("order.statusFull", order(id, 100 + id, Some("2026-03-01T09:00:00Z")));
        world.post("return.statusFull", json!({ "id": id, "currentStatus": "rmaPlaced" }));
    }
    let told = digests_at(&mut world, &compiled, "2026-03-16T12:00:10Z");
    let Rendered::Slack { body } = notify::render(&told[0], &Templates::shipped(), None) else {
        panic!("not a Slack message")
    };
    let message: Value = serde_json::from_str(&body).unwrap();
    let blocks = message["blocks"].as_array().unwrap();
    assert!((20..=50).contains(&blocks.len()), "{}", blocks.len());
    for block in blocks {
        let shown = block["text"]["text"].as_str().or(block["elements"][0]["text"].as_str()).unwrap();
        let longest = if block["type"] == "header" { 150 } else { 3000 };
        assert!((1..=longest).contains(&shown.chars().count()), "{shown}");
        assert_eq!(shown.matches("```").count() % 2, 0, "{shown}");
    }
    for said in ["To call (60 patients)", "Orders on their way (60)", "Returns overdue (60)", "▇", "left out here"] {
        assert!(body.contains(said), "{said} in {body}");
    }
}

#[test]
fn when_it_happened_and_when_that_was_learned_are_told_apart() {
    let text = r#"
rules: [{ alert: Handed, subject: device, event: device.associationCreated, annotations: { summary: Handed over } }]
receivers: [{ name: team, email: [{ to: [team@clinic.example] }] }]
digests: [{ digest: daily, schedule: "0 8 * * *", time_zone: Europe/Berlin, receiver: team, sections: new_alerts }]
"#;
    let (mut world, compiled) = (World::new(text), compiled(text));
    digests_at(&mut world, &compiled, "2026-03-02T10:00:00Z");
    world.post("device.associationCreated", association(7, 5, "2026-03-02T07:30:00Z", true));
    let told = digests_at(&mut world, &compiled, "2026-03-03T07:00:10Z");
    let (text, _) = mail(&told[0]);
    assert!(text.contains("since 2026-03-02 08:30 CET · learned 2026-03-02 11:00 CET · new"), "{text}");
}

#[test]
fn a_digest_without_anything_is_sent_unless_it_is_to_be_skipped() {
    for (more, count) in [("skip_when_empty: true", 0), ("skip_when_empty: false", 1)] {
        let text = rules("ids", more);
        let (mut world, compiled) = (World::new(&text), compiled(&text));
        digests_at(&mut world, &compiled, "2026-03-02T10:00:00Z");
        assert_eq!(digests_at(&mut world, &compiled, "2026-03-02T13:00:10Z").len(), count);
        assert!(digests_at(&mut world, &compiled, "2026-03-02T13:00:20Z").is_empty());
    }
}

#[test]
fn one_by_hand_is_marked_and_moves_nothing() {
    let text = rules("ids", "sections: open_alerts");
    let (mut world, compiled) = (World::new(&text), compiled(&text));
    digests_at(&mut world, &compiled, "2026-03-02T10:00:00Z");
    world.post("device.lowBattery", battery(7, 8));
    world.until("2026-03-02T12:00:00Z");
    let parts = digest::Parts {
        store: Arc::clone(&world.store),
        clock: Clock::standing_at(world.now),
        rule_sets: watch::Sender::new(Arc::clone(&compiled)).subscribe(),
        outbox: Arc::new(Notify::new()),
        started_at: world.now,
    };
    let due = world.store.digest_due("daily").unwrap();
    assert_eq!(digest::send(&parts, "daily", "Grace").unwrap().len(), 1);
    assert_eq!(world.store.digest_due("daily").unwrap(), due);
    world.wait("1s");
    let by_hand = world.notifications.last().unwrap().clone();
    assert!(head(&by_hand).contains("Asked for by hand by Grace"), "{}", head(&by_hand));
    let error = digest::send(&parts, "dayly", "Grace").unwrap_err();
    assert!(error.to_string().contains("no digest `dayly`"), "{error}");
    let own = digests_at(&mut world, &compiled, "2026-03-02T13:00:10Z");
    assert!(head(&own[0]).contains("1 new, 1 open"), "it says everything again: {}", head(&own[0]));
    assert!(matches!(&own[0].content, Content::Digest(report) if report.from == instant("2026-03-02T10:00:00Z")));
}
