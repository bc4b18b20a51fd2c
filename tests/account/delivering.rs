//! Webhooks come to whoever has subscribed, with the secret, and again after 15, 30 and 60 minutes while nobody takes them.

use serde_json::{Value, json};

use crate::world::{Receiver, World, options};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_goes_to_each_subscription_of_its_type_with_the_secret() {
    let receiver = Receiver::start(|_, _| 200);
    let world = World::start(options(0, 0));
    let first = world.subscribe("device.lowBattery", &format!("{}/a", receiver.url)).await;
    let second = world.subscribe("device.lowBattery", &format!("{}/b", receiver.url)).await;
    world.subscribe("device.weakSignal", &receiver.url).await;
    let without = world.tell("device.lowBattery", json!({ "batteryPercentage": 9 })).await;
    world.advance("1m").await;
    world.ask("POST", "/api/v3/webhook-secret", Some(json!({ "secret": "s3cret" }))).await;
    world.tell("device.lowBattery", json!({ "batteryPercentage": 8 })).await;
    world.tell("patient.updated", json!({ "id": 1 })).await;
    world.advance("1m").await;
    let came = receiver.came();
    assert_eq!(came.len(), 4);
    let envelope = json!({ "id": without, "type": "device.lowBattery", "payload": { "batteryPercentage": 9 } });
    assert!(came[..2].iter().all(|came| came.body == envelope && came.secret.is_none()), "{came:?}");
    assert!(came[2..].iter().all(|came| came.secret.as_deref() == Some("s3cret")), "{came:?}");
    let rows = world.all("/api/v3/webhook/logs").await;
    let mut to: Vec<i64> = rows.iter().map(|row| row["webhookId"].as_i64().unwrap()).collect();
    to.sort_unstable();
    assert_eq!(to, [first, first, second, second]);
}

/// Retries of the first and only row: how often, when last, and with which answer.
async fn row(world: &World) -> (Value, Value, Value) {
    let rows = world.all("/api/v3/webhook/logs").await;
    assert_eq!(rows.len(), 1);
    let field = |name: &str| rows[0].get(name).cloned().unwrap_or(Value::Null);
    (field("retryAttempts"), field("lastRetryTimestamp"), field("lastResponseStatus"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_comes_again_after_15_30_and_60_minutes_and_then_no_more() {
    let receiver = Receiver::start(|_, before| [500, 404, 202, 401][before]);
    let world = World::start(options(0, 0));
    world.subscribe("device.lowBattery", &receiver.url).await;
    let id = world.tell("device.lowBattery", json!({})).await;
    let steps = [
        ("14m", 1, json!(0), Value::Null, 500),
        ("59s", 1, json!(0), Value::Null, 500),
        ("1s", 2, json!(1), json!("2026-01-05T12:15:00.000Z"), 404),
        ("29m", 2, json!(1), json!("2026-01-05T12:15:00.000Z"), 404),
        // That another answer than 200 counts is documented nowhere.
        ("1m", 3, json!(2), json!("2026-01-05T12:45:00.000Z"), 202),
        ("59m", 3, json!(2), json!("2026-01-05T12:45:00.000Z"), 202),
        ("1m", 4, json!(3), json!("2026-01-05T13:45:00.000Z"), 401),
        ("2d", 4, json!(3), json!("2026-01-05T13:45:00.000Z"), 401),
    ];
    for (by, came, retries, last, status) in steps {
        world.advance(by).await;
        assert_eq!(receiver.ids(), vec![id; came], "after {by} more");
        assert_eq!(row(&world).await, (retries, last, json!(status)), "after {by} more");
    }
    let told = world.get("/simulate/status").await;
    assert_eq!((&told["attempts"], &told["refused"], &told["given_up"]), (&json!(4), &json!(4), &json!(1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_schedule_runs_in_one_move_of_the_clock() {
    let receiver = Receiver::start(|_, before| if before < 9 { 503 } else { 200 });
    let world = World::start(options(0, 0));
    world.subscribe("device.lowBattery", &receiver.url).await;
    for _ in 0..3 {
        world.tell("device.lowBattery", json!({})).await;
    }
    world.advance("1d").await;
    let told = world.get("/simulate/status").await;
    assert_eq!((&told["attempts"], &told["delivered"], &told["given_up"]), (&json!(12), &json!(3), &json!(0)));
    let rows = world.all("/api/v3/webhook/logs?retryAttemptsMin=3&lastResponseStatus=200").await;
    assert_eq!(rows.len(), 3);
    assert!(rows.iter().all(|row| row["lastRetryTimestamp"] == "2026-01-05T13:45:00.000Z"), "{rows:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_at_the_url_leaves_a_row_without_a_status() {
    let world = World::start(options(0, 0));
    world.subscribe("device.lowBattery", "http://127.0.0.1:9/hook").await;
    world.tell("device.lowBattery", json!({})).await;
    world.advance("20m").await;
    assert_eq!(row(&world).await, (json!(1), json!("2026-01-05T12:15:00.000Z"), Value::Null));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_fleet_is_told_in_its_order_and_the_same_for_the_same_seed() {
    let mut histories = Vec::new();
    for parallel in [1, 1] {
        let receiver = Receiver::start(|_, _| 200);
        let mut options = options(40, 2);
        options.subscribe = Some(receiver.url.clone());
        options.parallel = parallel;
        let world = World::start(options);
        let told = world.advance("3d").await;
        assert_eq!((&told["ended"], &told["waiting"], &told["delivered"]), (&json!(true), &json!(0), &told["told"]));
        let ids = receiver.ids();
        assert!(ids.len() > 300 && ids.is_sorted(), "{}", ids.len());
        histories.push((receiver.came(), world.log().await));
    }
    assert!(histories[0] == histories[1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhooks_are_under_way_at_once_as_far_as_is_allowed() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let counters = (Arc::clone(&now), Arc::clone(&most));
    let app = move || {
        let (now, most) = counters.clone();
        let receive = move || {
            let (now, most) = (Arc::clone(&now), Arc::clone(&most));
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::time::sleep(std::time::Duration::from_millis(30)).await;
                now.fetch_sub(1, Ordering::SeqCst);
                actix_web::HttpResponse::Ok().finish()
            }
        };
        actix_web::App::new().default_service(actix_web::web::post().to(receive))
    };
    tokio::spawn(actix_web::HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run());
    let mut options = options(0, 0);
    options.parallel = 4;
    let world = World::start(options);
    world.subscribe("device.lowBattery", &url).await;
    for _ in 0..24 {
        world.tell("device.lowBattery", json!({})).await;
    }
    world.advance("1m").await;
    assert_eq!(world.get("/simulate/status").await["delivered"], 24);
    assert_eq!(most.load(Ordering::SeqCst), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn test_triggers_come_as_webhooks() {
    let receiver = Receiver::start(|_, _| 200);
    let mut options = options(0, 0);
    options.subscribe = Some(receiver.url.clone());
    let world = World::start(options);
    world.ask("POST", "/api/v3/test/weight-webhook", Some(json!({ "patientId": 7, "weight": 70.5 }))).await;
    let order = json!({ "orderStatusName": "orderPlaced", "externalOrderIds": ["17"] });
    world.ask("POST", "/api/v3/test/order-status-webhook", Some(order)).await;
    world.advance("1s").await;
    let came = receiver.came();
    assert_eq!(came.len(), 2);
    let weight = &came.iter().find(|came| came.body["type"] == "reading.weight").unwrap().body["payload"];
    assert_eq!((&weight["weight"], &weight["patient"]["id"]), (&json!(70.5), &json!(7)));
    let order = &came.iter().find(|came| came.body["type"] == "order.status").unwrap().body["payload"];
    assert_eq!(order["orderStatusName"], "orderPlaced");
    // A test order may not exist.
    assert_eq!(world.ask("GET", &format!("/api/v3/order/{}", order["orderId"]), None).await.status, 404);
}
