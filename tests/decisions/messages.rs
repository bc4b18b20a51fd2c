//! What receivers read, held whole in golden files: mails in both forms and Slack's JSON. `UPDATE_EXPECT=1` writes them anew.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use expect_test::expect_file;
use pulsewarden::clock::Clock;
use pulsewarden::config::Bundle;
use pulsewarden::digest;
use pulsewarden::engine::{Channel, Command, Content, Notification, Phi, SelfAlert};
use pulsewarden::notify::{self, Templates};
use pulsewarden::store::{Entry, Rendered};
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};

use crate::payloads::{association, battery};
use crate::world::World;

/// One receiver for each class, and a text that asks for more than most may see.
const RULES: &str = r#"
rules:
  - alert: DeviceBatteryLow
    subject: device
    event: device.lowBattery
    where: "payload.batteryPercentage <= 20"
    severity: warning
    raise: [{ to: critical, where: "payload.batteryPercentage <= 5" }]
    annotations:
      summary: "Battery at {{ device.battery }}% on {{ device.item }} {{ device.serial }} of {{ payload.device.currentPatient.firstName }}"
      action: "Ship replacement batteries or call the patient."
    resolve: [{ event: device.lowBattery, where: "payload.batteryPercentage > 40" }]
receivers:
  - { name: team, phi: PHI, email: [{ to: [team@clinic.example] }], slack: [{ webhook: team }] }
route: { receiver: team, group_by: [alertname, site], group_wait: 2m, group_interval: 30m, repeat_interval: 24h }
digests:
  - { digest: daily-device-health, schedule: "0 8 * * *", time_zone: America/New_York, receiver: team }
"#;

fn rules(phi: &str) -> String {
    RULES.replace("PHI", phi)
}

/// Holds the mail and the Slack message of these notifications in files of this name.
fn hold(name: &str, notifications: &[Notification]) {
    let golden = |ending: &str| {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/decisions/golden/{name}.{ending}"))
    };
    let (mut text, mut html, mut slack) = (String::new(), String::new(), String::new());
    for notification in notifications {
        match notify::render(notification, &Templates::shipped(), None) {
            Rendered::Email { subject, text: plain, html: rich, .. } => {
                assert!(!subject.contains("SN-"), "a subject holds no identifier: {subject}");
                says_the_same(&plain, &rich);
                writeln!(text, "Subject: {subject}\n\n{plain}").unwrap();
                writeln!(html, "{rich}").unwrap();
            }
            Rendered::Slack { body } => {
                let message: Value = serde_json::from_str(&body).unwrap();
                assert!(
                    !message["text"].as_str().unwrap().contains("SN-"),
                    "a notification's text holds no identifier"
                );
                writeln!(slack, "{}", serde_json::to_string_pretty(&message).unwrap()).unwrap();
            }
            Rendered::Failed { error } => panic!("{error}"),
            other => panic!("{other:?} of a channel that no receiver has"),
        }
    }
    expect_file![golden("txt")].assert_eq(&text);
    expect_file![golden("html")].assert_eq(&html);
    if !slack.is_empty() {
        expect_file![golden("slack.json")].assert_eq(&slack);
    }
}

/// Both forms of a mail say the same, and the one in HTML loads nothing.
fn says_the_same(plain: &str, rich: &str) {
    for outside in ["src=", "href=", "url(", "<link", "<img", "<script", "@import"] {
        assert!(!rich.contains(outside), "{outside} in {rich}");
    }
    // What mail programs show beside the subject is for the glance alone.
    let (head, body) = rich.split_once("</div>").unwrap();
    assert!(head.contains("display:none"));
    let (mut shown, mut inside) = (String::new(), false);
    for c in body.chars() {
        match c {
            '<' => inside = true,
            '>' => (inside, _) = (false, shown.push(' ')),
            c if !inside => shown.push(c),
            _ => {}
        }
    }
    for (entity, c) in [
        ("&#x27;", "'"),
        ("&quot;", "\""),
        ("&#x2f;", "/"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&nbsp;", " "),
        ("&middot;", " "),
    ] {
        shown = shown.replace(entity, c);
    }
    let words = |text: &str| -> BTreeSet<String> {
        let words = text.replace("&amp;", "&").to_lowercase();
        words.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
    };
    assert_eq!(words(plain), words(&shown));
}

#[test]
fn one_alert_for_each_class_of_receiver() {
    for phi in ["none", "ids", "full"] {
        let mut world = World::new(&rules(phi));
        world.post("device.lowBattery", battery(7, 8));
        world.wait("3m");
        hold(&format!("alert-{phi}"), &world.notifications);
        let shown: String = world.notifications.iter().map(|one| format!("{:?}", as_text(one))).collect();
        assert_eq!(shown.contains("SN-7"), phi != "none");
        assert_eq!(shown.contains("Ada"), phi == "full");
    }
}

fn as_text(notification: &Notification) -> String {
    match notify::render(notification, &Templates::shipped(), None) {
        Rendered::Email { subject, text, html, .. } => [subject, text, html].concat(),
        Rendered::Slack { body } => body,
        Rendered::Webhook { body } => body,
        Rendered::Pagerduty { events } => events.concat(),
        Rendered::Failed { error } => error,
    }
}

#[test]
fn an_alert_that_has_ended() {
    let mut world = World::new(&rules("ids"));
    world.post("device.lowBattery", battery(7, 8));
    world.wait("1h");
    world.post("device.associationRemoved", association(7, 5, "2026-03-02T10:40:00Z", false));
    world.wait("1h");
    hold("ended", &world.notifications[2..]);
}

#[test]
fn a_group_of_many_with_some_over() {
    let mut world = World::new(&rules("ids"));
    for id in 1..70 {
        world.post("device.lowBattery", battery(id, id % 20));
    }
    world.wait("10m");
    for id in 1..4 {
        world.post("device.lowBattery", battery(id, 90));
    }
    world.wait("1h");
    hold("group", &world.notifications[2..]);
}

#[test]
fn texts_that_would_be_markup_elsewhere_are_only_texts() {
    let mut world = World::new(&rules("ids"));
    let mut payload = battery(7, 8);
    payload["device"]["item"]["name"] = json!("<b>Scale</b> & <https://evil.example|click> *bold* `code`");
    payload["device"]["deviceIdentifiers"][0]["value"] = json!("SN\r\nBcc: x@evil.example {{ 7*7 }}");
    world.post("device.lowBattery", payload);
    world.wait("3m");
    hold("markup", &world.notifications);
}

#[test]
fn a_digest_of_a_busy_day_and_of_a_quiet_one() {
    let mut world = World::new(&rules("ids"));
    let bundle = Bundle::of(&[("rules.yaml", &rules("ids"))]);
    let compiled = Arc::new(bundle.compile().unwrap_or_else(|problems| panic!("{}", problems.render(false))).0);
    let tick = |world: &World| {
        let parts = digest::Parts {
            store: Arc::clone(&world.store),
            clock: Clock::standing_at(world.now),
            rule_sets: watch::Sender::new(Arc::clone(&compiled)).subscribe(),
            outbox: Arc::new(Notify::new()),
            started_at: world.now,
        };
        digest::tick(&parts).unwrap();
    };
    let digests = |world: &mut World| -> Vec<Notification> {
        world.wait("1m");
        let found = world.notifications.iter().filter(|one| matches!(one.content, Content::Digest(_)));
        found.cloned().collect()
    };
    tick(&world);
    world.post("device.lowBattery", battery(7, 8));
    world.post("device.lowBattery", battery(8, 4));
    world.wait("2h");
    world.post("device.lowBattery", battery(7, 90));
    world.wait("23h");
    tick(&world);
    hold("digest", &digests(&mut world));
    world.post("device.associationRemoved", association(8, 5, "2026-03-03T11:00:00Z", false));
    for _ in 0..2 {
        world.wait("1d");
        tick(&world);
    }
    let all = digests(&mut world);
    hold("digest-quiet", &all[all.len() - 2..]);
}

#[test]
fn a_test_message_and_what_pulsewarden_says_of_itself() {
    let mut world = World::new(&rules("none"));
    world.append(Entry::Command(Command::TestNotification { receiver: "team".to_owned(), by: "ops".to_owned() }));
    hold("test-message", &world.notifications);
    let alert = SelfAlert {
        watch: "low_disk".to_owned(),
        firing: true,
        summary: "Only 12 MiB are free on the disk of the store.".to_owned(),
        action: "Free space on the disk that holds the store.".to_owned(),
    };
    let own = Notification {
        key: "k".to_owned(),
        receiver: "self".to_owned(),
        phi: Phi::None,
        channel: Channel::Email { to: vec!["it@clinic.example".to_owned()] },
        group: String::new(),
        due: world.now,
        content: Content::SelfAlert(alert),
        remarks: Vec::new(),
    };
    hold("self", &[own]);
}
