//! Rule files that are bad, good again, and changed while the daemon runs.

use std::fs;
use std::path::PathBuf;

use expect_test::expect_file;
use pulsewarden::store::Store;
use rustix::process::Signal;

use crate::events::battery;
use crate::harness::{RECEIVERS, World, eventually, shipped_rules};

const BROKEN: &str = "rules:\n  - alert: [\n";

#[tokio::test(flavor = "multi_thread")]
async fn bad_rule_files_at_start_leave_the_last_good_rules_in_force() {
    let mut world = World::new().await;
    world.start().await;
    assert_eq!(world.post(&battery(1, 9001, 50)).await, 200);
    world.settle().await;
    let good = world.json(&["status"])["rules"]["in_force"].clone();
    assert!(world.stop().await.success());

    world.write_rules(BROKEN);
    world.start().await;
    assert_eq!(world.post(&battery(2, 9001, 8)).await, 200);
    eventually("the mail", || world.team_mails().pop()).await;
    let own = eventually("the self-alert", || world.own_mails().pop()).await;
    assert!(own.text().contains("the last good rules serve") && own.text().contains("own.yaml"), "{}", own.text());

    let status = world.json(&["status"]);
    assert_eq!(status["rules"]["in_force"], good);
    assert!(status["rules"]["problem"].as_str().unwrap().contains("own.yaml"));
    let screen = world.run(&["status"]);
    assert_eq!(screen.code, 1);
    let lines = screen.stdout.lines().filter(|line| line.trim_start().starts_with('!'));
    assert!(lines.clone().all(|line| line.contains("the last good rules serve")), "{}", screen.stdout);
    assert_eq!(lines.count(), 1, "{}", screen.stdout);
    assert!(world.log().contains("the last good rules serve"));
}

#[tokio::test(flavor = "multi_thread")]
async fn with_bad_rule_files_and_none_before_it_receives() {
    let mut world = World::with(BROKEN, "").await;
    world.start().await;
    assert_eq!(world.post(&battery(1, 9001, 8)).await, 200);
    world.settle().await;
    assert!(world.alerts().is_empty());
    assert_eq!(world.run(&["status"]).code, 1);

    world.write_rules(RECEIVERS);
    world.signal(Signal::HUP);
    eventually("the rules are in force", || world.json(&["status"])["rules"]["problem"].is_null().then_some(())).await;
    assert_eq!(world.post(&battery(2, 9002, 8)).await, 200);
    eventually("the mail", || world.team_mails().pop()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_brings_good_rules_into_force_and_no_bad_ones() {
    let mut world = World::new().await;
    world.start().await;
    world.write_rules(BROKEN);
    world.signal(Signal::HUP);
    eventually("the problem is told", || world.json(&["status"])["rules"]["problem"].is_string().then_some(())).await;
    assert_eq!(world.post(&battery(1, 9001, 30)).await, 200);
    world.settle().await;
    assert!(world.alerts().is_empty());

    world.write_rules(&format!("{RECEIVERS}\nsettings: {{ low_battery: 40 }}\n"));
    world.signal(Signal::HUP);
    eventually("the problem is over", || world.json(&["status"])["rules"]["problem"].is_null().then_some(())).await;
    world.settle().await;
    assert_eq!(world.post(&battery(2, 9001, 30)).await, 200);
    world.settle().await;
    assert_eq!(world.alerts().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_with_bad_rules_changes_nothing_of_the_configuration_either() {
    let mut world = World::new().await;
    world.start().await;
    fs::write(world.path("secret"), "another").unwrap();
    world.write_rules(BROKEN);
    let bad = world.run(&["reload"]);
    assert_eq!(bad.code, 1, "{bad:?}");
    assert!(bad.stderr.contains("own.yaml"), "{bad:?}");
    assert_eq!(world.post(&battery(1, 9001, 8)).await, 200, "the secret of before serves on");

    world.write_rules(RECEIVERS);
    let good = world.run(&["reload"]);
    assert_eq!(good.code, 0, "{good:?}");
    assert_eq!(world.post(&battery(2, 9001, 8)).await, 401);
    assert_eq!(world.post_raw(Some("another"), battery(2, 9001, 8).to_string()).await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_reload_cannot_change_is_named_and_stays() {
    let mut world = World::new().await;
    world.start().await;
    world.configure("receive: { max_body: 2MiB, max_in_flight: 5 }\n");
    let text = fs::read_to_string(world.path("pulsewarden.yaml")).unwrap();
    let elsewhere = world.path("elsewhere/pulsewarden.db").display().to_string();
    fs::write(
        world.path("pulsewarden.yaml"),
        text.replace(&world.path("pulsewarden.db").display().to_string(), &elsewhere),
    )
    .unwrap();
    assert_eq!(world.run(&["reload"]).code, 0);
    let said = "storage, receive.max_body, receive.max_in_flight changed: restart the service";
    eventually("the log names it", || world.log().contains(said).then_some(())).await;
    let free = world.json(&["status"])["disk_free"].as_u64();
    assert!(free.is_some(), "the disk that is written to is still the one that is watched");
}

/// Makes every stored rule set one that cannot be read.
fn spoil_stored_rules(world: &World) {
    let store = rusqlite::Connection::open(world.path("pulsewarden.db")).unwrap();
    assert!(store.execute("UPDATE rule_sets SET bundle = x'00'", []).unwrap() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_usable_rules_nothing_is_processed_until_the_files_are_good() {
    let mut world = World::new().await;
    world.start().await;
    world.settle().await;
    assert!(world.stop().await.success());

    spoil_stored_rules(&world);
    world.write_rules(BROKEN);
    world.start().await;
    assert_eq!(world.post(&battery(1, 9001, 8)).await, 200);
    let status = world.json(&["status"]);
    assert_eq!(status["rules"]["held"], true);
    let screen = world.run(&["status"]);
    assert_eq!(screen.code, 1);
    assert!(screen.stdout.contains("events are kept and none is processed"), "{}", screen.stdout);
    assert!(world.log().contains("none is processed until the files are good"));
    let own = eventually("the self-alert", || world.own_mails().pop()).await;
    assert!(own.text().contains("none is processed until the files are good"), "{}", own.text());
    let figures = world.store().figures().unwrap();
    assert!(figures.processed_position < figures.last_position);

    world.write_rules(&format!("{RECEIVERS}\nsettings: {{ low_battery: 40 }}\n"));
    let reloaded = world.run(&["reload"]);
    assert_eq!(reloaded.code, 0, "{reloaded:?}");
    world.settle().await;
    assert_eq!(world.alerts().len(), 1, "what came meanwhile is decided by the good rules");
    assert_eq!(world.json(&["status"])["rules"]["held"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn good_files_come_into_force_where_the_stored_rules_cannot_be_used() {
    let mut world = World::new().await;
    world.start().await;
    world.settle().await;
    assert!(world.stop().await.success());
    spoil_stored_rules(&world);
    world.start().await;
    assert_eq!(world.post(&battery(1, 9001, 8)).await, 200);
    world.settle().await;
    assert_eq!(world.alerts().len(), 1);
    assert_eq!(world.run(&["status"]).code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn check_shows_ten_mistakes_in_one_run() {
    let world = World::new().await;
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    fs::copy(root.join("tests/bad-rules/ten-mistakes.yaml"), world.path("rules/own.yaml")).unwrap();
    let folder = world.path("rules").display().to_string();
    let checked = world.run(&["check", "--rules", &folder]);
    assert_eq!((checked.code, &*checked.stderr), (1, ""));
    assert_eq!(checked.stdout.matches("error: ").count(), 10);
    expect_file![root.join("tests/it/ten-mistakes.expected")].assert_eq(&checked.stdout.replace(&folder, "RULES"));
}

#[tokio::test(flavor = "multi_thread")]
async fn check_passes_good_files_and_says_who_is_told_what() {
    let world = World::new().await;
    let checked = world.run(&["check"]);
    assert_eq!(checked.code, 0, "{checked:?}");
    assert!(checked.stdout.contains("team") && checked.stdout.contains("serial number"), "{}", checked.stdout);
    let sum = format!("{} rules, 1 receiver, 0 digests: ok", shipped_rules());
    assert!(checked.stdout.contains(&sum), "{}", checked.stdout);

    fs::remove_file(world.path("secret")).unwrap();
    let unreadable = world.run(&["check"]);
    assert_eq!(unreadable.code, 0);
    assert!(unreadable.stdout.contains("warning: from this shell, cannot read the secret"), "{}", unreadable.stdout);

    world.write_rules(&RECEIVERS.replace("webhook: alerts", "webhook: alarms"));
    let unknown = world.run(&["check"]);
    assert_eq!(unknown.code, 1);
    assert!(unknown.stdout.contains("did you mean `alerts`?"), "{}", unknown.stdout);
}
