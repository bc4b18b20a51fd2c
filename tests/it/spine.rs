//! The main job: a webhook comes in, an alert goes out.

use crate::events::{ITEM, NAMES, association_removed, battery, serial};
use crate::harness::{World, eventually};

/// Everything that has left the daemon or that a command shows.
fn everything_shown(world: &World) -> String {
    let mails = world.mail.mails();
    let mut shown: Vec<String> = mails.iter().flat_map(|mail| [mail.raw.clone(), mail.text(), mail.html()]).collect();
    shown.extend(world.slack.messages().iter().map(ToString::to_string));
    shown.push(world.log());
    let commands: [&[&str]; 8] = [
        &["status"],
        &["alerts", "--all"],
        &["alerts", "1"],
        &["alerts", "1", "--json"],
        &["devices"],
        &["devices", "9001", "--json"],
        &["events", "--json"],
        &["deliveries", "--json"],
    ];
    for arguments in commands {
        let output = world.run(arguments);
        shown.extend([output.stdout, output.stderr]);
    }
    shown.join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_low_battery_is_told_once_and_resolved_with_its_reason() {
    let mut world = World::new().await;
    world.start().await;
    let event = battery(1, 9001, 8);
    assert_eq!(world.post(&event).await, 200);
    eventually("the mail", || world.team_mails().pop()).await;
    eventually("the Slack message", || world.slack.messages().pop()).await;
    for _ in 0..3 {
        assert_eq!(world.post(&event).await, 200);
    }
    world.settle().await;
    let (mails, messages) = (world.team_mails(), world.slack.messages());
    assert_eq!((mails.len(), messages.len()), (1, 1));
    for told in [mails[0].text(), mails[0].html(), messages[0].to_string()] {
        assert!(told.contains(&serial(9001)) && told.contains(ITEM) && told.contains("8%"), "{told}");
    }
    assert!(!mails[0].header("Subject").unwrap().contains(&serial(9001)), "the subject carries no identifier");
    assert!(mails[0].header("Message-ID").is_some());
    let alerts = world.alerts();
    assert_eq!(alerts.len(), 1);
    assert_eq!((&alerts[0]["state"], &alerts[0]["count"]), (&"firing".into(), &1.into()));

    assert_eq!(world.post(&association_removed(2, 9001)).await, 200);
    eventually("the mail about the end", || (world.team_mails().len() == 2).then_some(())).await;
    world.settle().await;
    let alert = &world.alerts()[0];
    assert_eq!((&alert["state"], &alert["end"]["reason"]["why"]), (&"resolved".into(), &"disassociated".into()));
    let mail = &world.team_mails()[1];
    assert!(mail.text().contains("the device was disassociated from its patient"), "{}", mail.text());
    assert!(world.run(&["alerts", "1"]).stdout.contains("the device was disassociated from its patient"));

    let shown = everything_shown(&world);
    for name in NAMES {
        assert!(!shown.contains(name), "the patient's name was shown");
    }
    assert!(!shown.contains("358294077100001"), "the IMEI was shown");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_tells_why_a_rule_did_not_fire() {
    let mut world = World::new().await;
    world.start().await;
    assert_eq!(world.post(&battery(1, 9001, 35)).await, 200);
    world.settle().await;
    assert!(world.alerts().is_empty());
    let told = world.run(&["devices", "9001"]).stdout;
    assert!(told.contains("DeviceBatteryLow at journal row 2: not met: !has(payload.batteryPercentage) || payload.batteryPercentage <= "), "{told}");
}
