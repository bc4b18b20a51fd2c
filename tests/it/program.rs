//! The program itself: starting, stopping, its commands, its exit codes.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use pulsewarden::demo::mail_catcher::Answer;

use crate::events::battery;
use crate::harness::{Output, World, command, output};

#[tokio::test(flavor = "multi_thread")]
async fn without_secret_port_or_store_it_does_not_start() {
    let world = World::new().await;
    let whole = fs::read_to_string(world.path("pulsewarden.yaml")).unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let secret = world.path("secret").display().to_string();
    let store = world.path("pulsewarden.db").display().to_string();
    let cases = [
        (78, whole.replace(&format!("[{{ file: {secret} }}]"), "[]"), "webhook_secrets"),
        (78, whole.replace(&secret, "/does/not/exist"), "/does/not/exist"),
        (1, whole.replace("127.0.0.1:0", &address), "cannot be opened"),
        (78, whole.replace(&store, &format!("{secret}/pulsewarden.db")), "the store at"),
        (78, whole.replace("listen:", "lisen:"), "did you mean `listen`?"),
    ];
    for (code, text, said) in cases {
        fs::write(world.path("pulsewarden.yaml"), text).unwrap();
        let ended = world.run(&["serve"]);
        assert_eq!(ended.code, code, "{ended:?}");
        assert!(ended.stderr.contains(said), "{ended:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_one_daemon_has_a_store() {
    let mut world = World::new().await;
    world.start().await;
    let other = world.run(&["serve"]);
    assert_eq!(other.code, 1, "what ends by itself is tried again: {other:?}");
    assert!(other.stderr.contains("another Pulsewarden writes to it"), "{other:?}");
    assert_eq!(world.post(&battery(1, 9001, 8)).await, 200);
    world.kill();
    world.start().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_a_newer_version_needs_somebody() {
    let world = World::new().await;
    let store = rusqlite::Connection::open(world.path("pulsewarden.db")).unwrap();
    store.pragma_update(None, "user_version", 1000).unwrap();
    drop(store);
    let ended = world.run(&["serve"]);
    assert_eq!(ended.code, 78, "{ended:?}");
    assert!(ended.stderr.contains("install a newer Pulsewarden"), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_use_is_told_apart_from_what_is_wrong() {
    let world = World::new().await;
    assert_eq!(world.run(&["serv"]).code, 2);
    assert_eq!(world.run(&["notify", "test"]).code, 2);
    assert_eq!(output(command(Path::new("/does/not/exist.yaml"), &["serve"])).code, 78);
    let status = world.run(&["status"]);
    assert_eq!(status.code, 1);
    assert!(status.stdout.contains("not running"), "{status:?}");
    let alerts = world.run(&["alerts"]);
    assert_eq!(alerts.code, 1);
    assert!(alerts.stderr.contains("there is no store"), "{alerts:?}");
    let reload = world.run(&["reload"]);
    assert_eq!(reload.code, 1);
    assert!(reload.stderr.contains("nobody listens"), "{reload:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_daemon_can_be_read() {
    let mut world = World::new().await;
    world.start().await;
    assert_eq!(world.post(&battery(1, 9001, 8)).await, 200);
    world.settle().await;
    assert!(world.stop().await.success());
    assert_eq!(world.alerts().len(), 1);
    let status = world.run(&["status"]);
    assert_eq!(status.code, 1);
    assert!(status.stdout.contains("not running") && status.stdout.contains("device.lowBattery"), "{status:?}");
    assert_eq!(world.run(&["alerts", "99"]).code, 1);
    assert_eq!(world.run(&["devices", "1"]).code, 1);
    let events = world.json(&["events"]);
    assert_eq!(events[0]["type"], "device.lowBattery");
    assert!(events[0].get("payload").is_none() && events[0].get("body").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_daemon_says_so() {
    let mut world = World::new().await;
    world.start().await;
    assert_eq!(world.post(&battery(1, 9001, 8)).await, 200);
    world.settle().await;
    let status = world.run(&["status"]);
    assert_eq!(status.code, 0, "{status:?}");
    assert!(status.stdout.contains("is well") && !status.stdout.contains('\u{1b}'), "{status:?}");
    let base = world.url().replace("/webhooks/impilo", "");
    for page in ["/healthz", "/readyz"] {
        assert_eq!(world.http.get(format!("{base}{page}")).send().await.unwrap().status(), 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_message_proves_a_receiver() {
    let mut world = World::new().await;
    world.start().await;
    let tested = world.run(&["notify", "test", "--receiver", "team"]);
    assert_eq!(tested.code, 0, "{tested:?}");
    assert_eq!(tested.stdout.matches("delivered").count(), 2, "{tested:?}");
    let mail = world.team_mails().pop().unwrap();
    assert!(mail.header("Subject").unwrap().starts_with("[TEST]"));
    assert_eq!(world.slack.messages().len(), 1);

    let unknown = world.run(&["notify", "test", "--receiver", "nobody"]);
    assert_eq!(unknown.code, 1);
    assert!(unknown.stderr.contains("nobody"), "{unknown:?}");

    world.mail.answer(Answer::NotNow);
    let failed = world.run(&["notify", "test", "--receiver", "team"]);
    assert_eq!(failed.code, 1, "{failed:?}");
    assert!(failed.stdout.contains("451"), "{failed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_tells_its_story_and_ends() {
    let world = World::new().await;
    let tell = || tokio::task::spawn_blocking(demo(&world));
    let (demo, again) = tokio::join!(tell(), tell());
    let (demo, again) = (demo.unwrap(), again.unwrap());
    assert_eq!(demo.code, 0, "{demo:?}");
    for said in [
        "sends 24 types of event",
        "DeviceBatteryLow: warning",
        "device-team@clinic.example: [WARNING]",
        "✗ lost",
        "DeviceBatteryLow: critical at 13:40 (",
        "events of that time came back from Impilo's log: nothing is missing.",
        "OrderUnableToFulfill: resolved at 15:45 (",
        "[DIGEST] end of day: 5 new, 1 open",
        "To call (1 patient)",
        "alerts still open: 1. Is anything missing? Whole:",
    ] {
        assert!(demo.stdout.contains(said), "{said} is missing in {}", demo.stdout);
    }
    assert!(!demo.stdout.contains('\u{1b}'), "no colours in a pipe");
    assert!(demo.stdout.lines().all(|line| line.chars().count() <= 100), "{}", demo.stdout);
    assert_eq!(told(&demo.stdout), told(&again.stdout), "it is the same every time");
}

fn demo(world: &World) -> impl FnOnce() -> Output + use<> {
    let command = command(&world.path("none.yaml"), &["demo", "--speed", "20"]);
    move || output(command)
}

/// What happens in the demo's story, without the time of day.
fn told(story: &str) -> BTreeSet<&str> {
    let places = ["  → Impilo", "  ! alert", "  # Slack", "  ✉ mail", "  ✗ lost"];
    let lines = story.lines().filter_map(|line| line.get(8..));
    lines.filter(|line| places.iter().any(|place| line.starts_with(place))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn completions_and_the_manual_page_are_printed() {
    let world = World::new().await;
    assert!(world.run(&["completions", "bash"]).stdout.contains("pulsewarden"));
    assert!(world.run(&["man"]).stdout.contains("pulsewarden"));
}
