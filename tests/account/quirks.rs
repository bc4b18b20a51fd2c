//! What may go wrong with the account, each by itself and all at once.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pulsewarden::engine::Timestamp;
use pulsewarden::impilo::{Envelope, facts, payload};
use pulsewarden::simulate::account::{LogPayload, Options, Quirks, Stretch};
use serde_json::{Value, json};

use crate::world::{BEGIN, Receiver, World, lines, minutes, options};

/// A day of a small fleet, told to a receiver that takes everything.
async fn day(quirks: Quirks) -> (World, Receiver) {
    let receiver = Receiver::start(|_, _| 200);
    let mut options = Options { quirks, secret: Some("s3cret".to_owned()), parallel: 1, ..options(60, 1) };
    options.subscribe = Some(receiver.url.clone());
    let world = World::start(options);
    world.advance("2d").await;
    (world, receiver)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_brings_the_same_again() {
    let (world, receiver) = day(Quirks { duplicates: 1.0, ..Quirks::default() }).await;
    let mut times: BTreeMap<u64, usize> = BTreeMap::new();
    for id in receiver.ids() {
        *times.entry(id).or_default() += 1;
    }
    assert!(times.len() > 100 && times.values().all(|times| *times == 4));
    let rows = world.all("/api/v3/webhook/logs").await;
    assert!(rows.iter().all(|row| row["retryAttempts"] == 3 && row.get("lastResponseStatus").is_none()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn some_are_overtaken_and_some_come_late_and_all_come_once() {
    for (quirks, latest) in [
        (Quirks { reordered: 0.3, ..Quirks::default() }, minutes(10)),
        (Quirks { late: 0.3, late_by: minutes(90), ..Quirks::default() }, minutes(90)),
    ] {
        let (told, came) = lines(&Options { quirks, ..options(40, 1) });
        let mut ids: Vec<u64> = came.iter().map(|(_, envelope)| envelope["id"].as_u64().unwrap()).collect();
        assert!(!ids.is_sorted() && came.iter().map(|(at, _)| at).is_sorted());
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(u64::try_from(ids.len()).unwrap(), told);
        let (_, plain) = lines(&options(40, 1));
        let sent: BTreeMap<u64, Timestamp> =
            plain.iter().map(|(at, envelope)| (envelope["id"].as_u64().unwrap(), *at)).collect();
        let late: Vec<Duration> =
            came.iter().map(|(at, envelope)| at.since(sent[&envelope["id"].as_u64().unwrap()])).collect();
        assert!(late.iter().all(|late| *late <= latest) && late.iter().any(|late| *late > latest / 2), "{late:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retries_may_wait_for_their_batch() {
    let receiver = Receiver::start(|_, before| if before == 0 { 500 } else { 200 });
    let quirks = Quirks { batch: minutes(20), ..Quirks::default() };
    let world = World::start(Options { quirks, ..options(0, 0) });
    world.subscribe("device.lowBattery", &receiver.url).await;
    world.advance("3m").await;
    world.tell("device.lowBattery", json!({})).await;
    world.advance("2h").await;
    let rows = world.all("/api/v3/webhook/logs").await;
    assert_eq!(rows[0]["lastRetryTimestamp"], "2026-01-05T12:20:00.000Z");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn some_attempts_carry_another_secret() {
    let (_, receiver) = day(Quirks { wrong_secrets: 0.25, ..Quirks::default() }).await;
    let came = receiver.came();
    let wrong = came.iter().filter(|came| came.secret.as_deref() != Some("s3cret")).count();
    assert!((came.len() / 6..came.len() / 3).contains(&wrong), "{wrong} of {}", came.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_rotation_retries_carry_the_old_secret_or_the_new_one() {
    let receiver = Receiver::start(|came, _| if came.secret.as_deref() == Some("old") { 500 } else { 200 });
    let world = World::start(Options { secret: Some("old".to_owned()), ..options(0, 0) });
    world.subscribe("device.lowBattery", &receiver.url).await;
    for _ in 0..4 {
        world.tell("device.lowBattery", json!({})).await;
    }
    world.advance("1s").await;
    world.ask("PATCH", "/api/v3/webhook-secret", Some(json!({ "secret": "new" }))).await;
    world.advance("15m").await;
    let secrets: Vec<String> = receiver.came().into_iter().map(|came| came.secret.unwrap()).collect();
    assert_eq!(secrets[..4], ["old"; 4]);
    let again: BTreeSet<&str> = secrets[4..].iter().map(String::as_str).collect();
    assert_eq!((secrets.len(), again), (8, BTreeSet::from(["new", "old"])));
}

/// What is written oddly means the same: whom an event is about, and which statuses they have.
#[test]
fn odd_payloads_are_written_otherwise_and_mean_the_same() {
    let (_, plain) = lines(&options(60, 4));
    let (_, odd) = lines(&Options { quirks: Quirks { odd: 1.0, ..Quirks::default() }, ..options(60, 4) });
    assert_eq!(plain.len(), odd.len());
    for ((at, plain), (_, odd)) in plain.iter().zip(&odd) {
        assert_ne!(plain, odd);
        if odd.get("event").is_some() {
            continue;
        }
        let body = odd.to_string();
        let envelope = Envelope::read(body.as_bytes()).unwrap();
        assert_eq!(Some(&*envelope.kind), plain["type"].as_str());
        assert_eq!(odd["id"], plain["id"]);
        let about = |envelope: &Value| {
            let body = envelope.to_string();
            let facts = facts(plain["type"].as_str().unwrap(), payload(body.as_bytes()).unwrap().value(), *at);
            facts.about.into_iter().map(|about| about.subject).collect::<BTreeSet<_>>()
        };
        assert_eq!(about(odd), about(plain), "{odd}");
    }
    let text = odd.iter().map(|(_, envelope)| envelope.to_string()).collect::<Vec<_>>().join("\n");
    for sign in ["futureField", "WITH_PATIENT", "+01:00", ".0Z", "\"deviceEvents\":null"] {
        assert!(text.contains(sign), "no {sign}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rare_ways_of_writing_are_there_too() {
    let receiver = Receiver::start(|_, _| 200);
    let quirks = Quirks { odd: 1.0, ..Quirks::default() };
    let world = World::start(Options { quirks, subscribe: Some(receiver.url.clone()), ..options(0, 0) });
    for id in 0..20 {
        world.tell("patient.updated", json!({ "id": id, "firstName": "Calla", "lastName": "Faraday" })).await;
        let device = json!({ "id": id, "deviceIdentifiers": [], "currentPatient": null });
        world.tell("device.healthcheck", json!({ "device": device })).await;
    }
    world.advance("1s").await;
    let came = receiver.came();
    let second = came.iter().find(|came| came.body["event"] == "patient.updated").unwrap();
    assert!(second.body.get("id").is_none() && second.body["data"]["id"].is_string(), "{second:?}");
    assert!(came.iter().any(|came| came.body["payload"]["deviceIdentifiers"].is_array()), "a bare device");
    assert!(came.iter().any(|came| came.body["payload"]["device"]["currentPatient"] == json!({})));
    assert_eq!((came.len(), world.get("/simulate/status").await["odd"].as_u64()), (40, Some(40)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_delivered_for_hours_is_in_the_log_alone() {
    let out = Stretch { from: minutes(120), until: minutes(360) };
    let (world, receiver) = day(Quirks { undelivered: vec![out], ..Quirks::default() }).await;
    let came: BTreeSet<u64> = receiver.ids().into_iter().collect();
    let rows = world.all("/api/v3/webhook/logs").await;
    let (mut lost, mut late) = (0, 0);
    for row in &rows {
        let envelope: Value = serde_json::from_str(row["payload"].as_str().unwrap()).unwrap();
        let taken = came.contains(&envelope["id"].as_u64().unwrap());
        let created: Timestamp =
            serde_json::from_value::<chrono::DateTime<chrono::Utc>>(row["createTimestamp"].clone()).unwrap().into();
        let after = created.since(BEGIN);
        // The last attempt is made 105 minutes after the first.
        assert_eq!(taken, !(minutes(120)..minutes(360 - 105)).contains(&after), "{after:?}");
        assert_eq!(taken, row.get("lastResponseStatus") == Some(&json!(200)));
        lost += usize::from(!taken);
        late += usize::from(taken && row["retryAttempts"] != 0);
    }
    assert!(lost > 10 && late > 10, "{lost} {late}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_api_answers_503_while_it_is_down() {
    let quirks = Quirks { api_down: vec![Stretch { from: minutes(60), until: minutes(120) }], ..Quirks::default() };
    let world = World::start(Options { quirks, ..options(0, 0) });
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(world.ask("GET", "/api/v3/device", None).await.status);
        world.advance("1h").await;
    }
    world.change(json!({ "api_down": true })).await;
    statuses.push(world.ask("GET", "/api/v3/device", None).await.status);
    assert_eq!(statuses, [200, 503, 200, 503]);
    assert_eq!(world.refused().await, [] as [Value; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_is_refused() {
    let world = World::start(options(0, 0));
    for quirks in [json!({ "duplicates": 7 }), json!({ "late": -0.1 }), json!({ "odd": 1.5, "api_down": true })] {
        assert_eq!(world.ask("PATCH", "/simulate/quirks", Some(quirks)).await.status, 400);
    }
    assert_eq!(world.ask("GET", "/api/v3/device", None).await.status, 200, "nothing of it is done");
    world.advance("1h").await;
    let back = json!({ "to": BEGIN.to_string() });
    assert_eq!(world.ask("POST", "/simulate/clock", Some(back)).await.status, 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_tells_payloads_in_the_form_that_is_wanted() {
    let receiver = Receiver::start(|_, _| 200);
    let world = World::start(options(0, 0));
    world.subscribe("device.lowBattery", &receiver.url).await;
    let id = world.tell("device.lowBattery", json!({ "batteryPercentage": 9 })).await;
    world.advance("1s").await;
    let envelope = format!(r#"{{"id":{id},"type":"device.lowBattery","payload":{{"batteryPercentage":9}}}}"#);
    let cut = &envelope[..envelope.len() / 2];
    let forms = [
        (LogPayload::Envelope, envelope.clone()),
        (LogPayload::Payload, r#"{"batteryPercentage":9}"#.to_owned()),
        (LogPayload::SingleQuotes, envelope.replace('"', "'")),
        (LogPayload::Cut, cut.to_owned()),
    ];
    for (form, expected) in forms {
        world.change(json!({ "log_payload": form })).await;
        let rows = world.all("/api/v3/webhook/logs").await;
        assert_eq!(rows[0]["payload"].as_str(), Some(&*expected));
    }
    world.change(json!({ "log_payload": "mixed" })).await;
    for _ in 0..3 {
        world.tell("device.lowBattery", json!({ "batteryPercentage": 9 })).await;
    }
    let rows = world.all("/api/v3/webhook/logs").await;
    let first: BTreeSet<String> = rows
        .iter()
        .map(|row| row["payload"].as_str().unwrap().replace(&row["id"].to_string(), "").chars().take(9).collect())
        .collect();
    assert!(rows.len() == 4 && first.len() == 3, "{first:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_is_newest_first_and_forgets() {
    let receiver = Receiver::start(|_, _| 200);
    let world = World::start(Options { log_for: minutes(24 * 60), ..options(0, 0) });
    world.subscribe("device.lowBattery", &receiver.url).await;
    let mut told = Vec::new();
    for _ in 0..6 {
        told.push(world.tell("device.lowBattery", json!({})).await);
        world.advance("8h").await;
    }
    let rows = world.all("/api/v3/webhook/logs").await;
    let id =
        |row: &Value| serde_json::from_str::<Value>(row["payload"].as_str().unwrap()).unwrap()["id"].as_u64().unwrap();
    let newest_first: Vec<u64> = told[2..].iter().rev().copied().collect();
    assert_eq!(rows.iter().map(id).collect::<Vec<_>>(), newest_first);
    let span = "startTimestamp=2026-01-06T12:00:00Z&endTimestamp=2026-01-07T04:00:00Z";
    let rows = world.all(&format!("/api/v3/webhook/logs?{span}")).await;
    assert_eq!(rows.iter().map(id).collect::<Vec<_>>(), [told[4], told[3]], "the end is exclusive");
}

/// Everything at once.
fn all_at_once() -> Quirks {
    Quirks {
        duplicates: 0.1,
        reordered: 0.1,
        late: 0.1,
        late_by: minutes(60),
        batch: minutes(5),
        wrong_secrets: 0.1,
        odd: 0.2,
        undelivered: vec![Stretch { from: minutes(60), until: minutes(120) }],
        api_down: Vec::new(),
        log_payload: LogPayload::Mixed,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_wrong_follows_from_the_seed() {
    let (first, _) = day(all_at_once()).await;
    let (second, _) = day(all_at_once()).await;
    let (first, second) = (first.log().await, second.log().await);
    assert!(first.len() > 100 && first == second);
    let options = Options { quirks: all_at_once(), ..options(40, 3) };
    let mut other = options.clone();
    other.plan.seed += 1;
    assert!(lines(&options) == lines(&options));
    assert!(lines(&options) != lines(&other));
}
