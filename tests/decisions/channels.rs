//! What leaves over the channels that programs read: held whole in golden files, within Slack's limits whatever it is about, and
//! the threads that messages of a group make.

use std::fmt::Write as _;
use std::path::PathBuf;

use expect_test::expect_file;
use pulsewarden::engine::{
    Acknowledgement, Channel, Command, Content, Notification, Phi, Protection, Seen, SelfAlert, Value as Known,
};
use pulsewarden::notify::{self, Templates};
use pulsewarden::store::{Entry, Rendered};
use serde_json::{Value, json};

use crate::payloads::{association, battery};
use crate::world::World;

const RULES: &str = r##"
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
  - name: team
    phi: PHI
    email: [{ to: [team@clinic.example] }]
    slack: [{ channel: "#device-alerts" }]
    webhook: [{ endpoint: records }]
    pagerduty: [{ integration: oncall }]
route: { receiver: team, group_by: [alertname, site], group_wait: 2m, group_interval: 30m, repeat_interval: 24h }
"##;

fn world(phi: &str) -> World {
    World::new(&RULES.replace("PHI", phi))
}

/// The JSON of a notification for a program, in the order in which it is sent.
fn json_of(notification: &Notification) -> Vec<Value> {
    let read = |text: &String| serde_json::from_str(text).unwrap();
    match notify::render(notification, &Templates::shipped(), None) {
        Rendered::Slack { body } | Rendered::Webhook { body } => vec![read(&body)],
        Rendered::Pagerduty { events } => events.iter().map(read).collect(),
        other => panic!("{other:?}"),
    }
}

fn subject(notification: &Notification) -> String {
    match notify::render(notification, &Templates::shipped(), None) {
        Rendered::Email { subject, .. } => subject,
        other => panic!("{other:?}"),
    }
}

fn of_kind<'w>(world: &'w World, kind: &'w str) -> Vec<&'w Notification> {
    world.notifications.iter().filter(|one| one.channel.kind() == kind).collect()
}

#[test]
fn one_alert_from_its_beginning_to_its_end() {
    for phi in ["none", "ids", "full"] {
        let mut world = world(phi);
        world.post("device.lowBattery", battery(7, 8));
        world.wait("3m");
        world.post("device.associationRemoved", association(7, 5, "2026-03-02T10:40:00Z", false));
        world.wait("1h");
        for kind in ["slack", "webhook", "pagerduty"] {
            let told = of_kind(&world, kind);
            assert_eq!(told.len(), 2);
            let mut text = String::new();
            for message in told.iter().flat_map(|one| json_of(one)) {
                writeln!(text, "{}", serde_json::to_string_pretty(&message).unwrap()).unwrap();
            }
            assert!(kind == "pagerduty" || text.contains("SN-7") == (phi != "none"), "{text}");
            assert_eq!(text.contains("Ada"), phi == "full", "{text}");
            let golden = format!("tests/decisions/golden/{kind}-{phi}.json");
            expect_file![PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(golden)].assert_eq(&text);
        }
    }
}

#[test]
fn what_shows_on_a_locked_screen_holds_no_identifier() {
    let mut world = world("full");
    world.post("device.lowBattery", battery(7, 8));
    world.wait("3m");
    for notification in &world.notifications {
        let shown = match notification.channel.kind() {
            "email" => subject(notification),
            "slack" => json_of(notification)[0]["text"].to_string(),
            "pagerduty" => json_of(notification)[0]["payload"]["summary"].to_string(),
            _ => json_of(notification)[0]["headline"].to_string(),
        };
        assert!(!shown.contains("SN-") && !shown.contains("Ada"), "{shown}");
        assert!(shown.contains("Device battery low"), "{shown}");
    }
}

#[test]
fn the_mails_of_a_group_have_one_subject_and_those_of_the_next_another() {
    let mut world = world("ids");
    world.post("device.lowBattery", battery(7, 8));
    world.post("device.lowBattery", battery(8, 4));
    world.wait("1h");
    world.post("device.lowBattery", battery(9, 4));
    world.wait("1h");
    for id in [7, 8, 9] {
        world.post("device.lowBattery", battery(id, 90));
    }
    world.wait("1h");
    world.post("device.lowBattery", battery(7, 8));
    world.wait("1h");
    let subjects: Vec<String> = of_kind(&world, "email").iter().map(|one| subject(one)).collect();
    assert_eq!(
        subjects,
        [
            "[CRITICAL, 2 open] Device battery low: Harbor Clinic (#1)",
            "[CRITICAL, 3 open] Device battery low: Harbor Clinic (#1)",
            "[CRITICAL, 2 open, 1 ended] Device battery low: Harbor Clinic (#1)",
            "[RESOLVED, 2 over] Device battery low: Harbor Clinic (#1)",
            "[WARNING] Device battery low: Harbor Clinic (#4)",
        ]
    );
    let threads: Vec<u64> = of_kind(&world, "email").iter().map(|one| one.thread()).collect();
    assert_eq!(threads, [1, 1, 1, 1, 4]);
}

#[test]
fn pagerduty_hears_of_each_alert_and_of_what_is_too_much() {
    let mut world = world("ids");
    for id in 1..=60 {
        world.post("device.lowBattery", battery(id, 8));
    }
    world.wait("10m");
    for id in 1..=55 {
        world.post("device.lowBattery", battery(id, 90));
    }
    world.wait("1h");
    let told = of_kind(&world, "pagerduty");
    let (first, second) = (json_of(told[0]), json_of(told[1]));
    let count = |events: &[Value], action: &str| events.iter().filter(|event| event["event_action"] == action).count();
    assert_eq!((count(&first, "trigger"), first.len()), (51, 51));
    assert!(first[50]["payload"]["summary"].as_str().unwrap().starts_with("10 more alerts beside "));
    // Of what has ended nothing is left out, or its incident would stay open.
    assert_eq!((count(&second, "trigger"), count(&second, "resolve")), (5, 55));
    let key = |event: &Value| event["dedup_key"].as_str().unwrap().to_owned();
    assert!(
        second
            .iter()
            .filter(|event| event["event_action"] == "resolve")
            .take(50)
            .all(|event| first.iter().any(|one| key(one) == key(event)))
    );
    let mut taken_on = told[0].clone();
    if let Content::Alerts { firing, .. } = &mut taken_on.content {
        firing.truncate(1);
        let (by, at) = ("Ada".to_owned(), firing[0].opened_at);
        firing[0].acknowledged = Some(Box::new(Acknowledgement { by, at, until: None }));
    }
    let actions: Vec<Value> = json_of(&taken_on).into_iter().map(|event| event["event_action"].clone()).collect();
    assert_eq!(actions, ["trigger", "acknowledge", "trigger"]);
}

#[test]
fn a_test_reaches_every_channel_and_says_that_it_is_one() {
    let mut world = world("none");
    world.append(Entry::Command(Command::TestNotification { receiver: "team".to_owned(), by: "ops".to_owned() }));
    let events = json_of(of_kind(&world, "pagerduty")[0]);
    let actions: Vec<&Value> = events.iter().map(|event| &event["event_action"]).collect();
    assert_eq!(actions, ["trigger", "resolve"]);
    assert_eq!(events[0]["dedup_key"], events[1]["dedup_key"]);
    for kind in ["slack", "webhook", "pagerduty"] {
        let text = json_of(of_kind(&world, kind)[0])[0].to_string();
        assert!(text.contains("[TEST] Pulsewarden reaches team"), "{text}");
    }
}

/// What Block Kit documents of the blocks that messages use.
fn assert_fits(message: &Value) {
    let length = |text: &Value| text.as_str().unwrap().encode_utf16().count();
    let fits = |text: &Value, most: usize| {
        assert!((1..=most).contains(&length(text)), "{} of {most} in {text}", length(text));
        assert!(!text.as_str().unwrap().trim().is_empty());
    };
    let text_object = |object: &Value, most: usize| {
        assert!(object["type"] == "mrkdwn" || object["type"] == "plain_text");
        fits(&object["text"], most);
    };
    fits(&message["text"], 40_000);
    let blocks = message["blocks"].as_array().unwrap();
    assert!((1..=50).contains(&blocks.len()));
    for block in blocks {
        assert!(length(&json!(block["block_id"].as_str().unwrap_or_default())) <= 255);
        match block["type"].as_str().unwrap() {
            "header" => {
                assert_eq!(block["text"]["type"], "plain_text");
                text_object(&block["text"], 150);
            }
            "section" => {
                text_object(&block["text"], 3000);
                if let Some(fields) = block["fields"].as_array() {
                    assert!((1..=10).contains(&fields.len()));
                    fields.iter().for_each(|field| text_object(field, 2000));
                }
            }
            "context" => {
                let elements = block["elements"].as_array().unwrap();
                assert!((1..=10).contains(&elements.len()));
                elements.iter().for_each(|element| text_object(element, 3000));
            }
            "actions" => {
                let elements = block["elements"].as_array().unwrap();
                assert!((1..=5).contains(&elements.len()));
                for button in elements {
                    assert_eq!(button["type"], "button");
                    fits(&button["action_id"], 255);
                    fits(&button["value"], 2000);
                    text_object(&button["text"], 75);
                    if let Some(confirm) = button.get("confirm") {
                        for (part, most) in [("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)] {
                            text_object(&confirm[part], most);
                        }
                    }
                }
                let ids: std::collections::BTreeSet<_> = elements.iter().map(|one| one["action_id"].as_str()).collect();
                assert_eq!(ids.len(), elements.len(), "an action's id is there once");
            }
            other => panic!("{other} is no block that messages use"),
        }
    }
    if let Some(metadata) = message.get("metadata") {
        assert!(metadata["event_payload"].is_object());
        fits(&metadata["event_type"], 255);
    }
}

#[test]
fn slack_takes_every_message_however_long_and_however_odd() {
    let mut world = world("full");
    world.post("device.lowBattery", battery(7, 8));
    world.wait("3m");
    let sample = of_kind(&world, "slack")[0].clone();
    let Content::Alerts { firing, .. } = &sample.content else { panic!("alerts") };
    let sample_alert = firing[0].clone();
    let texts = [
        String::new(),
        " \n ".to_owned(),
        "&<>".repeat(5000),
        "👩‍⚕️".repeat(4000),
        "*_~`".repeat(4000),
        "line\n".repeat(3000),
    ];
    let channels = [
        Channel::SlackChannel { channel: "#device-alerts".to_owned() },
        Channel::SlackWebhook { webhook: "alerts".to_owned() },
    ];
    for text in &texts {
        let alerts: Vec<_> = (0..15)
            .map(|n| {
                let mut alert = sample_alert.clone();
                alert.number = u64::MAX - n;
                let odd = Seen { value: Known::from(text.as_str()), protection: Protection::None };
                for label in ["item", "site", "device", "patient", "order", "return"] {
                    alert.labels.insert(label.to_owned(), odd.clone());
                }
                alert.rule = format!("Rule{text}");
                for name in ["summary", "description", "action", "runbook"] {
                    alert.annotations.insert(name.to_owned(), text.clone());
                }
                alert
            })
            .collect();
        let contents = [
            Content::Alerts {
                group_labels: alerts[0].labels.clone(),
                firing: alerts.clone(),
                ended: alerts.clone(),
                firing_omitted: 9950,
                ended_omitted: 12,
                repeat: true,
                update: false,
                thread: 1,
            },
            Content::Alerts {
                group_labels: alerts[0].labels.clone(),
                firing: Vec::new(),
                ended: alerts.clone(),
                firing_omitted: 0,
                ended_omitted: 0,
                repeat: false,
                update: false,
                thread: 1,
            },
            Content::Test { by: text.clone() },
            Content::SelfAlert(SelfAlert {
                watch: "low_disk".to_owned(),
                firing: true,
                summary: text.clone(),
                action: text.clone(),
            }),
        ];
        for (channel, content) in channels.iter().flat_map(|channel| contents.iter().map(move |one| (channel, one))) {
            let receiver = format!("team{text}");
            let (channel, content) = (channel.clone(), content.clone());
            let message = json_of(&Notification { channel, content, receiver, phi: Phi::Full, ..sample.clone() });
            assert_fits(&message[0]);
        }
    }
    assert_fits(&json_of(&sample)[0]);
}
