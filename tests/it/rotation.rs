//! The webhook secret is replaced while events come, and the daemon is killed at each step: none is refused for its secret.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use super::harness::{SECRET, World, eventually};
use super::impilo::{Impilo, unanswered};
use super::stand_in::{Answer, Asked};

/// Posts events without end, with every secret that Impilo has had: new ones with the newest, and what is sent again with
/// those before.
struct Load {
    url: Arc<Mutex<String>>,
    secrets: Arc<Mutex<Vec<String>>>,
    refused: Arc<AtomicU64>,
    taken: Arc<AtomicU64>,
    stopped: Arc<AtomicBool>,
}

impl Load {
    fn start(impilo: &Arc<Impilo>) -> Self {
        let load = Self {
            url: Arc::default(),
            secrets: Arc::default(),
            refused: Arc::default(),
            taken: Arc::default(),
            stopped: Arc::default(),
        };
        let (url, secrets) = (Arc::clone(&load.url), Arc::clone(&load.secrets));
        let (refused, taken, stopped) = (Arc::clone(&load.refused), Arc::clone(&load.taken), Arc::clone(&load.stopped));
        let impilo = Arc::clone(impilo);
        tokio::spawn(async move {
            let http = reqwest::Client::new();
            for id in 1_u64.. {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let newest = impilo.account().secret.clone().unwrap();
                let all = {
                    let mut all = secrets.lock().unwrap();
                    if !all.contains(&newest) {
                        all.push(newest);
                    }
                    all.clone()
                };
                let to = url.lock().unwrap().clone();
                for secret in all {
                    let body = json!({ "id": id, "type": "device.healthcheck", "payload": { "device": { "id": 5 } } });
                    let sent =
                        http.post(&to).header("Impilo-Webhook-Secret", secret).body(body.to_string()).send().await;
                    // While the daemon is down nothing is refused for its secret.
                    match sent.map(|answer| answer.status().as_u16()) {
                        Ok(401) => refused.fetch_add(1, Ordering::SeqCst),
                        Ok(200) => taken.fetch_add(1, Ordering::SeqCst),
                        _ => 0,
                    };
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        load
    }

    /// Waits until more events have been taken, none of which was refused.
    async fn flows(&self, world: &World) {
        *self.url.lock().unwrap() = world.url();
        let before = self.taken.load(Ordering::SeqCst);
        eventually("events are taken", || (self.taken.load(Ordering::SeqCst) > before + 20).then_some(())).await;
        assert_eq!(self.refused.load(Ordering::SeqCst), 0);
    }
}

/// When the daemon is killed.
type Moment = fn(&mut super::impilo::Account, &Asked) -> Option<Answer>;

fn kept(world: &World) -> Value {
    let text = fs::read_to_string(world.path("impilo-secrets.json")).unwrap_or_else(|_| "{}".to_owned());
    serde_json::from_str(&text).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_event_is_refused_while_the_secret_is_replaced_and_the_daemon_killed_at_each_step() {
    let impilo = Arc::new(Impilo::start().await);
    let mut world = World::new().await;
    impilo.account().secret = Some(SECRET.to_owned());
    world.configure(&impilo.configuration(&world));
    world.start().await;
    let load = Load::start(&impilo);
    load.flows(&world).await;

    let moments: [(&str, Moment); 4] = [
        // The secret that Impilo has is being read: nothing is written.
        ("before it is written", |_, asked| (asked.method == "GET").then_some(Answer::Silence)),
        // The new one is on the disk, and Impilo has not taken it.
        ("before the swap", |_, asked| (asked.method == "PATCH").then_some(Answer::Silence)),
        // Impilo has it, and the daemon does not know.
        ("after the swap", |account, asked| (asked.method == "PATCH").then(|| unanswered(account, asked))),
        // Impilo has said so, and the daemon has not noted it.
        ("before it is confirmed", |account, asked| {
            let swapped = account.secret.as_deref() != Some(SECRET);
            (swapped && asked.method == "GET").then_some(Answer::Silence)
        }),
    ];
    for (when, moment) in moments {
        // Each begins with the secret that the configuration has.
        let reached = Arc::<AtomicBool>::default();
        let told = Arc::clone(&reached);
        if when == "before it is confirmed" {
            world.stop().await;
            impilo.account().secret = Some(SECRET.to_owned());
            load.secrets.lock().unwrap().retain(|secret| secret == SECRET);
            fs::remove_file(world.path("impilo-secrets.json")).unwrap();
            world.start().await;
            load.flows(&world).await;
        }
        impilo.interrupt(move |account, asked| {
            if !asked.path.contains("webhook-secret") {
                return None;
            }
            let answer = moment(account, asked);
            told.fetch_or(answer.is_some(), Ordering::SeqCst);
            answer
        });
        let mut command = world.command(&["impilo", "secret", "rotate"]);
        let mut command = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        eventually(when, || reached.load(Ordering::SeqCst).then_some(())).await;
        load.flows(&world).await;
        world.kill();
        command.wait().unwrap();
        // What the daemon asks at its start is answered as slowly as can be.
        world.start().await;
        load.flows(&world).await;
        impilo.go_on();
        load.flows(&world).await;
    }

    // In the end it goes through, whatever was left behind.
    let rotated = world.run(&["impilo", "secret", "rotate"]);
    assert_eq!(rotated.code, 0, "{rotated:?}");
    load.flows(&world).await;
    let copy = world.path("impilo-webhook-secret");
    let there = impilo.account().secret.clone().unwrap();
    assert!(there != SECRET && there.len() >= 43);
    assert_eq!(fs::read_to_string(&copy).unwrap().trim(), there);
    assert!(rotated.stdout.contains(&copy.display().to_string()) && !rotated.stdout.contains(&there), "{rotated:?}");
    for file in ["impilo-webhook-secret", "impilo-secrets.json"] {
        assert_eq!(fs::metadata(world.path(file)).unwrap().permissions().mode() & 0o777, 0o600, "{file}");
    }
    // It says how often each is used, and that the new one should be configured.
    let status = world.run(&["status"]).stdout;
    assert!(status.matches("Secret ").count() >= 2 && status.contains("used"), "{status}");
    let doctor = world.run(&["doctor"]).stdout;
    assert!(doctor.contains("is accepted, but only") && doctor.contains("sudo install -m 600"), "{doctor}");

    // The overlap is over: the old one is accepted no more, though it is still configured; nor after a restart.
    load.stopped.store(true, Ordering::SeqCst);
    world.kill();
    let mut past = kept(&world);
    for secret in past["secrets"].as_array_mut().unwrap() {
        if let Some(old) = secret["standing"].get_mut("old") {
            old["until"] = json!(1);
        }
    }
    fs::write(world.path("impilo-secrets.json"), past.to_string()).unwrap();
    world.start().await;
    let body = json!({ "id": "last", "type": "device.healthcheck", "payload": { "device": { "id": 5 } } }).to_string();
    eventually("the old secret is dropped", || {
        let left = kept(&world)["secrets"].as_array().unwrap().len();
        (left == 1).then_some(())
    })
    .await;
    assert_eq!(world.post_raw(Some(SECRET), body.clone()).await.status(), 401);
    assert_eq!(world.post_raw(Some(&there), body.clone()).await.status(), 200);
    world.kill();
    world.start().await;
    assert_eq!(world.post_raw(Some(SECRET), body.clone()).await.status(), 401);
    assert_eq!(world.post_raw(Some(&there), body).await.status(), 200);
    // Copied into the configuration, it is all that is needed.
    fs::copy(&copy, world.path("secret")).unwrap();
    assert_eq!(world.run(&["reload"]).code, 0);
    let doctor = world.run(&["doctor"]).stdout;
    assert!(doctor.contains("ok       webhook_secret"), "{doctor}");
    let log = world.log();
    assert!(!log.contains(&there) && !log.contains(SECRET));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_without_a_secret_gets_one_and_a_refusal_changes_nothing() {
    let impilo = Impilo::start().await;
    let mut world = World::new().await;
    world.configure(&impilo.configuration(&world));
    world.start().await;
    impilo.interrupt(|_, asked| (asked.method == "POST").then(|| Answer::status(403)));
    let refused = world.run(&["impilo", "secret", "rotate"]);
    assert!(refused.code == 1 && refused.stderr.contains("Impilo has kept the secret that it had"), "{refused:?}");
    assert_eq!(impilo.account().secret, None);
    let offered = kept(&world)["secrets"][0]["secret"].as_str().unwrap().to_owned();
    impilo.go_on();
    // Another environment of the same account would refuse everything from then on: that needs a word.
    impilo.account().add("device.lowBattery", "https://staging.clinic.example/webhooks/impilo");
    impilo.account().add("device.weakSignal", super::impilo::URL);
    let refused = world.run(&["impilo", "secret", "rotate"]);
    assert!(refused.code == 1 && refused.stderr.contains("(1, to https://staging.clinic.example/"), "{refused:?}");
    assert!(refused.stderr.contains("--yes") && impilo.account().secret.is_none(), "{refused:?}");
    assert_eq!(world.run(&["impilo", "secret", "rotate", "--yes"]).code, 0);
    assert_eq!(impilo.account().secret.as_deref(), Some(&*offered), "what was made is used");
    let body = json!({ "id": 1, "type": "device.healthcheck", "payload": { "device": { "id": 5 } } }).to_string();
    assert_eq!(world.post_raw(Some(&offered), body).await.status(), 200);
}
