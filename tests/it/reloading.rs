//! Files that change under a running daemon, in all the ways in which people and programs write them.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pulsewarden::config::Bundle;
use pulsewarden::store::{Entry, Store};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::events::battery;
use crate::harness::{RECEIVERS, SECRET, World, eventually, shipped_rules};

/// Nobody is told, so that only what is decided counts.
const LOW: &str = "settings: { low_battery: 20 }\n";
const HIGH: &str = "settings: { low_battery: 40 }\n";
const BROKEN: &str = "settings: { low_battery: 40 }\nrules:\n  - alert: [\n";

/// How long a change may take on a machine that is busy with other tests.
const SOON: Duration = Duration::from_secs(20);

async fn soon<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    match timeout(SOON, eventually(what, look)).await {
        Ok(found) => found,
        Err(_) => panic!("not within {SOON:?}: {what}"),
    }
}

/// Posts a battery of 30 % again and again, each of another device.
struct Posting {
    stop: Arc<AtomicBool>,
    task: JoinHandle<u64>,
}

impl Posting {
    fn start(world: &World) -> Self {
        let (http, url, stop) = (world.http.clone(), world.url(), Arc::new(AtomicBool::new(false)));
        let stopped = Arc::clone(&stop);
        let task = tokio::spawn(async move {
            let mut id = 0;
            while !stopped.load(Ordering::Relaxed) {
                id += 1;
                let request = http.post(&url).header("Impilo-Webhook-Secret", SECRET);
                let answer = request.body(battery(id, 10_000 + id, 30).to_string()).send().await.unwrap();
                assert_eq!(answer.status(), 200);
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            id
        });
        Self { stop, task }
    }

    /// How many were posted.
    async fn stop(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await.unwrap()
    }
}

/// Every event that was answered is kept once, and decided once by the rules that stand before it in the journal.
fn each_is_decided_once(world: &World, posted: u64) {
    let mut high = false;
    let (mut kept, mut expected) = (0, BTreeSet::new());
    for row in world.store().journal(0, usize::MAX >> 1).unwrap() {
        match row.entry {
            Entry::RuleSet { hash } => {
                let bundle = Bundle::from_bytes(&world.store().rule_set(&hash).unwrap().unwrap()).unwrap();
                high = bundle.files().iter().any(|file| file.text.contains(HIGH));
            }
            Entry::Event(event) => {
                kept += 1;
                let id: u64 = event.envelope_id.unwrap().parse().unwrap();
                if high {
                    expected.insert((10_000 + id).to_string());
                }
            }
            _ => {}
        }
    }
    // So many low batteries speak of their model, too.
    let mut alerts = world.alerts();
    alerts.retain(|alert| alert["rule"] == "DeviceBatteryLow");
    assert!(alerts.iter().all(|alert| alert["count"] == 1), "{alerts:?}");
    let found = alerts.iter().map(|alert| alert["subject"]["id"].as_str().unwrap().to_owned());
    assert_eq!((kept, found.collect::<BTreeSet<_>>(), alerts.len()), (posted, expected.clone(), expected.len()));
}

/// Starts with the low threshold, lets `change` set the high one while events come, and looks whether it decides.
async fn takes_effect(prepare: impl FnOnce(&World), change: impl FnOnce(&World)) -> World {
    let mut world = World::with(LOW, "").await;
    prepare(&world);
    world.start().await;
    let posting = Posting::start(&world);
    eventually("events are decided", || (world.store().figures().unwrap().processed_position > 20).then_some(())).await;
    assert!(world.alerts().is_empty());
    change(&world);
    soon("the new threshold decides", || (world.store().figures().unwrap().open_alerts > 20).then_some(())).await;
    let posted = posting.stop().await;
    world.settle().await;
    each_is_decided_once(&world, posted);
    assert!(world.json(&["status"])["rules"]["problem"].is_null());
    assert!(!world.log().contains("cannot be used"), "{}", world.log());
    world
}

/// How often files were taken because they had changed.
fn taken(world: &World) -> usize {
    world.log().matches("files have changed and were read again").count()
}

fn saying(world: &World, words: &str) -> usize {
    let mails = world.own_mails();
    let said: BTreeSet<_> =
        mails.iter().filter(|mail| mail.text().contains(words)).map(|mail| mail.header("Message-ID")).collect();
    said.len()
}

async fn told(world: &World, words: &str) {
    eventually(words, || (saying(world, words) > 0).then_some(())).await;
}

async fn in_force(world: &World, words: &str) {
    soon(words, || {
        let hash = world.store().figures().unwrap().rule_set;
        let bundle = Bundle::from_bytes(&world.store().rule_set(&hash).unwrap()?).unwrap();
        bundle.files().iter().any(|file| file.text.contains(words)).then_some(())
    })
    .await;
}

/// Puts a file beside and renames it over the old one, as most editors do.
fn replace(path: &Path, text: &str) {
    let beside = path.with_extension("new");
    fs::write(&beside, text).unwrap();
    fs::rename(beside, path).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_threshold_that_is_renamed_into_place_decides() {
    let world = takes_effect(|_| {}, |world| replace(&world.path("rules/own.yaml"), HIGH)).await;
    assert_eq!(taken(&world), 1, "{}", world.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_threshold_that_is_written_in_two_halves_decides() {
    let in_halves = |world: &World| {
        let mut file = fs::File::create(world.path("rules/own.yaml")).unwrap();
        let (first, second) = HIGH.split_at(20);
        std::thread::sleep(Duration::from_millis(50));
        file.write_all(first.as_bytes()).unwrap();
        std::thread::sleep(Duration::from_millis(50));
        file.write_all(second.as_bytes()).unwrap();
    };
    let world = takes_effect(|_| {}, in_halves).await;
    told(&world, "The rules have changed").await;
    assert_eq!(world.own_mails().len(), 1, "none of half a file");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_threshold_behind_a_link_that_is_turned_decides() {
    let folders = |world: &World| {
        fs::rename(world.path("rules"), world.path("first")).unwrap();
        fs::create_dir(world.path("second")).unwrap();
        fs::write(world.path("second/own.yaml"), HIGH).unwrap();
        symlink("first", world.path("rules")).unwrap();
    };
    let turn = |world: &World| {
        symlink("second", world.path("turned")).unwrap();
        fs::rename(world.path("turned"), world.path("rules")).unwrap();
    };
    takes_effect(folders, turn).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_file_changes_nothing_and_is_told_with_its_place_until_it_is_mended() {
    let mut world = World::new().await;
    world.start().await;
    in_force(&world, "receivers:").await;
    let before = world.json(&["status"])["rules"].clone();
    assert!(before["in_force_since"].is_number() || before["in_force_since"].is_string(), "{before}");

    fs::write(world.path("rules/more.yaml"), BROKEN).unwrap();
    soon("status knows", || world.json(&["status"])["rules"]["problem"].is_string().then_some(())).await;
    told(&world, "The rule files cannot be used").await;
    let mail = world.own_mails().pop().unwrap();
    let place = format!("{}:3:12", world.path("rules/more.yaml").display());
    let hash = before["in_force"].as_str().unwrap()[..12].to_owned();
    assert!(mail.text().contains(&place), "{}", mail.text());
    for text in [mail.text(), mail.html()] {
        assert!(text.contains(&hash) && text.contains("go on serving"), "{text}");
        assert!(text.contains("\n3 |   - alert: [\n  |            ^ needs a `]`\n"), "{text}");
    }
    assert_eq!(world.json(&["status"])["rules"]["in_force"], before["in_force"]);
    let screen = world.run(&["status"]);
    assert!(screen.code == 1 && screen.stdout.contains(&place), "{screen:?}");
    assert_eq!(world.post(&battery(1, 9001, 30)).await, 200);
    assert_eq!(world.post(&battery(2, 9002, 8)).await, 200);
    world.settle().await;
    assert_eq!(world.alerts().len(), 1, "the rules of before decide");

    fs::write(world.path("rules/more.yaml"), HIGH).unwrap();
    in_force(&world, HIGH).await;
    told(&world, "All is well again: rule_files").await;
    told(&world, "Setting low_battery: 20 → 40").await;
    assert_eq!(world.json(&["status"])["rules"]["problem"], serde_json::Value::Null);
    assert_eq!(world.run(&["status"]).code, 0);
    assert_eq!(world.log().matches("the rule files cannot be used").count(), 1, "{}", world.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_editors_put_beside_a_file_does_nothing() {
    let mut world = World::new().await;
    world.start().await;
    in_force(&world, "receivers:").await;
    for name in [".own.yaml.swp", "own.yaml~", "4913", "#own.yaml#", "own.yaml.bak", ".own.yaml", "sedX7c2aQ"] {
        fs::write(world.path("rules").join(name), BROKEN).unwrap();
    }
    symlink("somebody@host.4711", world.path("rules/.#own.yaml")).unwrap();
    replace(&world.path("rules/own.yaml"), RECEIVERS);
    replace(&world.path("pulsewarden.yaml"), &fs::read_to_string(world.path("pulsewarden.yaml")).unwrap());
    tokio::time::sleep(Duration::from_secs(2)).await;
    // What comes now is taken alone, so the rest was seen and left.
    fs::write(world.path("rules/more.yaml"), format!("# no more than this\n{LOW}")).unwrap();
    in_force(&world, "no more than this").await;
    assert_eq!(taken(&world), 1, "{}", world.log());
    assert!(!world.log().contains("cannot be used"), "{}", world.log());
    world.settle().await;
    assert_eq!(world.own_mails().len(), 0, "nothing says anything else than before");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_goes_away_and_comes_back_is_found() {
    let mut world = World::with(&format!("{RECEIVERS}{LOW}"), "").await;
    world.start().await;
    in_force(&world, LOW).await;
    fs::rename(world.path("rules"), world.path("away")).unwrap();
    let problem = || world.json(&["status"])["rules"]["problem"].as_str().map(str::to_owned);
    let said = soon("status knows", problem).await;
    assert!(said.contains("cannot read the folder"), "{said}");
    assert_eq!(world.post(&battery(1, 9001, 8)).await, 200);
    eventually("the mail", || world.team_mails().pop()).await;

    fs::create_dir(world.path("rules")).unwrap();
    fs::write(world.path("rules/made-anew.yaml"), format!("{RECEIVERS}{HIGH}")).unwrap();
    in_force(&world, HIGH).await;
    soon("all is well", || problem().is_none().then_some(())).await;
    assert_eq!(world.post(&battery(2, 9002, 30)).await, 200);
    eventually("the mail", || (world.team_mails().len() == 2).then_some(())).await;
    // A file that goes away is believed, too.
    fs::write(world.path("rules/more.yaml"), "digests: []\n").unwrap();
    in_force(&world, "digests: []").await;
    fs::remove_file(world.path("rules/more.yaml")).unwrap();
    soon("it is gone", || {
        let hash = world.store().figures().unwrap().rule_set;
        let bundle = Bundle::from_bytes(&world.store().rule_set(&hash).unwrap()?).unwrap();
        bundle.files().iter().all(|file| file.name != "more.yaml").then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_is_taken_when_it_changes_and_told_when_it_is_bad() {
    let mut world = World::new().await;
    world.start().await;
    let config = world.path("pulsewarden.yaml");
    let good = fs::read_to_string(&config).unwrap();
    let secret = world.path("secret").display().to_string();
    let with_both =
        good.replace(&format!("[{{ file: {secret} }}]"), &format!("[{{ file: {secret} }}, {{ file: {secret}-2 }}]"));
    replace(&config, &with_both);
    let summary = || {
        let watches = world.json(&["status"])["watches"].clone();
        let found = watches.as_array().unwrap().iter().find(|watch| watch["name"] == "configuration")?;
        found["summary"].as_str().map(str::to_owned)
    };
    let said = soon("status knows", summary).await;
    assert!(said.starts_with("The configuration file cannot be used") && said.contains("secret-2"), "{said}");
    // What it refers to is no file that is watched.
    fs::write(world.path("secret-2"), "another").unwrap();
    eventually("it is taken", || (taken(&world) == 1).then_some(())).await;
    assert_eq!(world.post_raw(Some("another"), battery(1, 9001, 8).to_string()).await.status(), 200);

    // Other folders, which are good only later.
    replace(
        &config,
        &with_both.replace(&world.path("rules").display().to_string(), &world.path("other").display().to_string()),
    );
    soon("status knows", || world.json(&["status"])["rules"]["problem"].is_string().then_some(())).await;
    fs::create_dir(world.path("other")).unwrap();
    fs::write(world.path("other/own.yaml"), format!("{RECEIVERS}{HIGH}")).unwrap();
    in_force(&world, HIGH).await;
    // A receiver that the configuration cannot serve is refused as a whole.
    let unknown = format!("{RECEIVERS}{LOW}").replace("webhook: alerts", "webhook: alarms");
    replace(&world.path("other/own.yaml"), &unknown);
    let problem = || world.json(&["status"])["rules"]["problem"].as_str().map(str::to_owned);
    let said = soon("status knows", problem).await;
    assert!(said.contains("no Slack webhook named `alarms`"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_rule_set_is_announced_once_whatever_happens() {
    let mut world = World::with(&format!("{RECEIVERS}{LOW}"), "").await;
    world.start().await;
    in_force(&world, LOW).await;
    for (number, threshold) in [(1, "40"), (2, "20"), (3, "40")] {
        let text = format!("{RECEIVERS}settings: {{ low_battery: {threshold} }}\n");
        replace(&world.path("rules/own.yaml"), &text);
        in_force(&world, &text).await;
        world.kill();
        world.start().await;
        let announced = || (saying(&world, "The rules have changed: 1 setting changed.") == number).then_some(());
        eventually("the announcement", announced).await;
    }
    assert!(world.stop().await.success());
    // Also what changed while it did not run.
    fs::write(
        world.path("rules/own.yaml"),
        format!(
            "{RECEIVERS}{HIGH}rules: [{{ alert: Mine, subject: device, event: device.lowBattery, severity: info }}]\n"
        ),
    )
    .unwrap();
    world.start().await;
    told(&world, "Rules added: Mine").await;
    assert_eq!(saying(&world, "The rules have changed"), 4);
    assert_eq!(saying(&world, &format!("Now: {} rules", shipped_rules() + 1)), 1);
    let announced = world.log().lines().filter(|line| line.contains("The rules have changed")).count();
    assert_eq!(announced, 1, "{}", world.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_whose_own_tests_fail_change_nothing_and_say_which() {
    let mut world = World::new().await;
    world.start().await;
    in_force(&world, "receivers:").await;
    let before = world.json(&["status"])["rules"]["in_force"].clone();
    let test = "tests:\n  - test: thirty percent is not low\n    events:\n      \
        - { at: 0s, event: device.lowBattery, device: 7, payload: { batteryPercentage: 30 } }\n    expect:\n      \
        - { at: 1m, alert: DeviceBatteryLow, firing: [] }\n";
    fs::write(world.path("rules/battery.test.yaml"), test).unwrap();
    fs::write(world.path("rules/more.yaml"), HIGH).unwrap();
    let problem =
        soon("status knows", || world.json(&["status"])["rules"]["problem"].as_str().map(str::to_owned)).await;
    assert!(problem.contains("the test `thirty percent is not low` fails"), "{problem}");
    assert_eq!(world.json(&["status"])["rules"]["in_force"], before);
    told(&world, "The rule files cannot be used").await;
    let mail = world.own_mails().pop().unwrap();
    assert!(mail.text().contains("DeviceBatteryLow"), "{}", mail.text());

    fs::write(world.path("rules/battery.test.yaml"), test.replace("firing: []", "firing: [{ device: 7 }]")).unwrap();
    in_force(&world, HIGH).await;
}
