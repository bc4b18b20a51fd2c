//! An account that cannot be asked, or answers in unforeseen ways: what the doctor and the self-watch say, and what is accepted.

use std::fs;

use serde_json::{Value, json};

use super::account::world;
use super::harness::{SECRET, World, eventually};
use super::impilo::{Impilo, PUBLIC, URL};
use super::stand_in::Answer;

/// What the doctor found about one thing: verdict, finding, advice.
fn found(world: &World, name: &str) -> String {
    let report = world.json(&["doctor"]);
    let check = report["checks"].as_array().unwrap().iter().find(|check| check["name"] == name);
    let check = check.unwrap_or_else(|| panic!("{name}: {report}"));
    let [verdict, found, advice] = ["verdict", "found", "advice"].map(|part| check[part].as_str().unwrap_or_default());
    format!("{verdict} {found} -> {advice}")
}

fn without_key(world: &World, impilo: &Impilo) -> String {
    let with = impilo.configuration(world);
    let key = format!("api_key: {{ file: {} }}, ", world.path("key").display());
    assert!(with.contains(&key), "{with}");
    with.replace(&key, "")
}

async fn post(world: &World, secret: &str) -> u16 {
    let body = json!({ "id": "one", "type": "device.healthcheck", "payload": { "device": { "id": 5 } } }).to_string();
    world.post_raw(Some(secret), body).await.status().as_u16()
}

/// Rotates, and lets the hours pass for which the old secret is accepted.
async fn replaced(world: &mut World) {
    assert_eq!(world.run(&["impilo", "secret", "rotate"]).code, 0);
    world.stop().await;
    let file = world.path("impilo-secrets.json");
    let mut kept: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    for secret in kept["secrets"].as_array_mut().unwrap() {
        if let Some(old) = secret["standing"].get_mut("old") {
            old["until"] = json!(1);
        }
    }
    fs::write(&file, kept.to_string()).unwrap();
    world.start().await;
    world.run(&["doctor"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_usable_key_a_configured_secret_is_accepted_although_it_was_replaced() {
    let (mut world, impilo) = world().await;
    replaced(&mut world).await;
    let new = impilo.account().secret.clone().unwrap();
    assert_eq!((post(&world, SECRET).await, post(&world, &new).await), (401, 200));
    assert!(world.log().contains("its secret is the one that was replaced"), "{}", world.log());
    let status = world.run(&["status"]).stdout;
    assert!(status.contains("(refused: it was replaced)"), "{status}");

    // The key is refused: nobody can learn which Impilo has.
    impilo.interrupt(|_, _| Some(Answer::status(401)));
    for _ in 0..2 {
        let secret = found(&world, "webhook_secret");
        assert!(
            secret.starts_with("unknown ") && secret.contains("accepted again although it was replaced"),
            "{secret}"
        );
    }
    assert_eq!((post(&world, SECRET).await, post(&world, &new).await), (200, 200));
    assert_eq!(world.log().matches("is accepted again, since it is configured").count(), 1, "{}", world.log());
    // It takes the key again, and has the new one.
    impilo.go_on();
    world.run(&["doctor"]);
    assert_eq!((post(&world, SECRET).await, post(&world, &new).await), (401, 200));

    // Without a key, from the start on.
    world.stop().await;
    world.configure(&without_key(&world, &impilo));
    world.start().await;
    assert_eq!((post(&world, SECRET).await, post(&world, &new).await), (200, 200));
    let status = world.run(&["status"]).stdout;
    assert!(status.contains("accepted again, since Impilo cannot be asked"), "{status}");
    assert!(found(&world, "webhook_secret").contains("accepted again although it was replaced"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_the_secret_before_is_not_given_to_be_copied() {
    let (world, impilo) = world().await;
    assert_eq!(world.run(&["impilo", "secret", "rotate"]).code, 0);
    // The second arrives, and Impilo does not say so; then the file cannot be replaced.
    let mut swapped = false;
    impilo.interrupt(move |account, asked| {
        if asked.method == "PATCH" {
            swapped = true;
            return Some(super::impilo::lost(account, asked));
        }
        (swapped && asked.path.ends_with("/webhook-secret")).then(|| Answer::status(503))
    });
    assert_eq!(world.run(&["impilo", "secret", "rotate"]).code, 1);
    impilo.go_on();
    fs::create_dir_all(world.path("impilo-webhook-secret.new").join("in the way")).unwrap();
    let secret = found(&world, "webhook_secret");
    assert!(secret.starts_with("wrong ") && secret.contains("cannot be written to"), "{secret}");
    assert!(secret.contains("Copy nothing from there yet") && !secret.contains("sudo install"), "{secret}");
    fs::remove_dir_all(world.path("impilo-webhook-secret.new")).unwrap();
    let secret = found(&world, "webhook_secret");
    assert!(secret.contains("sudo install"), "{secret}");
    let copy = fs::read_to_string(world.path("impilo-webhook-secret")).unwrap();
    assert_eq!(Some(copy.trim()), impilo.account().secret.as_deref());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_looked_at_is_said_and_the_rest_is_looked_at() {
    let (mut world, impilo) = world().await;
    // What was made here is not known: nothing can be compared, and the rules can be looked at all the same.
    fs::write(world.path("impilo-subscriptions.json"), "{").unwrap();
    let subscriptions = found(&world, "subscriptions");
    assert!(
        subscriptions.starts_with("wrong ") && subscriptions.contains("impilo-subscriptions.json is damaged"),
        "{subscriptions}"
    );
    assert!(found(&world, "rules").starts_with("wrong rules that can never fire"));
    eventually("the self-watch tells it", || {
        let mails = world.own_mails();
        mails
            .iter()
            .any(|mail| mail.text().contains("Impilo's subscriptions: it cannot be told which were made"))
            .then_some(())
    })
    .await;
    fs::remove_file(world.path("impilo-subscriptions.json")).unwrap();

    // Impilo takes one status at a time, as its page says; and there are statuses that no daemon gives.
    let row = |status: Value, retries: i64| {
        json!({ "id": 1, "webhookUrl": URL, "webhookType": "device.lowBattery", "payload": "{}",
                "createTimestamp": 1_692_713_730_345_i64, "lastResponseStatus": status, "retryAttempts": retries })
    };
    impilo.interrupt(|_, asked| (asked.path.matches("lastResponseStatus").count() > 1).then(|| Answer::status(400)));
    for (status, retries, said) in [
        (json!(410), 0, "wrong Impilo's log of the last day shows 1 events that were not taken: 1 with 410"),
        (json!(302), 0, "1 with 302"),
        (json!(520), 0, "1 with 520"),
        (json!(null), 3, "1 without an answer"),
        (json!(200), 0, "fine "),
    ] {
        impilo.account().log = vec![row(status, retries)];
        let deliveries = found(&world, "deliveries");
        assert!(deliveries.contains(said), "{deliveries}");
    }
    assert!(found(&world, "api_key").starts_with("fine "));
    // A question that it does not take says nothing against the key.
    impilo.interrupt(|_, asked| asked.path.contains("lastResponseStatus").then(|| Answer::status(400)));
    assert!(found(&world, "api_key").starts_with("fine ") && found(&world, "deliveries").starts_with("unknown "));

    // A clock of which nothing is heard any more is not told of.
    let dated = |ahead| {
        let date = chrono::Utc::now() + chrono::TimeDelta::seconds(ahead);
        Answer::Say(200, vec![("Date", date.to_rfc2822())], "{\"secret\": \"one\"}".to_owned())
    };
    impilo.interrupt(move |_, asked| asked.path.ends_with("/webhook-secret").then(|| dated(650)));
    assert!(found(&world, "clock").starts_with("wrong "));
    impilo.interrupt(|_, _| Some(Answer::Reset));
    assert!(found(&world, "clock").starts_with("unknown "));
    impilo.go_on();

    // Which deliveries were for here nobody can tell without the address.
    world.stop().await;
    world.configure(&impilo.configuration(&world).replace(&format!("public_url: {PUBLIC}"), ""));
    world.start().await;
    impilo.account().log = vec![row(json!(401), 3)];
    assert!(found(&world, "deliveries").starts_with("unknown it cannot be told: `public_url` is not configured"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_cannot_be_used_is_told_by_itself_and_so_are_lost_secrets_without_a_key() {
    let (mut world, impilo) = world().await;
    world.run(&["doctor"]);
    fs::write(world.path("key"), "one\ntwo\n").unwrap();
    assert_eq!(world.run(&["reload"]).code, 0);
    // The self-watch has patience with it, and status has none.
    eventually("status tells it", || {
        let status = world.run(&["status"]).stdout;
        status.contains("! Impilo's API key cannot be used").then_some(())
    })
    .await;
    world.stop().await;

    world.configure(&without_key(&world, &impilo));
    fs::write(world.path("impilo-secrets.json"), "{").unwrap();
    world.start().await;
    eventually("it is mailed", || {
        let mails = world.own_mails();
        mails.iter().any(|mail| mail.text().contains("impilo-secrets.json is damaged")).then_some(())
    })
    .await;
    let status = world.run(&["status"]).stdout;
    assert!(!status.contains("no API key"), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_endless_ends_and_blanks_around_a_secret_are_nothing() {
    let (world, impilo) = world().await;
    let mut id = 0;
    impilo.interrupt(move |_, asked| {
        asked.path.starts_with("/api/v3/webhook?").then(|| {
            let row = |id| json!({ "id": id, "type": "order.status", "url": "https://x.example" });
            id += 250;
            Answer::json(&json!({ "content": (id..id + 250).map(row).collect::<Vec<_>>() }))
        })
    });
    let listed = world.run(&["impilo", "webhooks", "list"]);
    assert!(listed.code == 1 && listed.stderr.contains("a list has more rows than it can have"), "{listed:?}");
    impilo.interrupt(|_, asked| {
        asked.path.ends_with("/webhook-secret").then(|| Answer::Say(200, Vec::new(), " ".repeat(33 << 20)))
    });
    assert!(found(&world, "webhook_secret").contains("far too long for a secret"));
    // A secret with blanks around it arrives without them.
    impilo.go_on();
    impilo.account().secret = Some(format!(" {SECRET} "));
    assert!(found(&world, "webhook_secret").starts_with("fine "));
}
