//! What Impilo documents is answered; everything else is refused with a reason and remembered.

use serde_json::{Value, json};

use crate::world::{KEY, World, options};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_documented_request_is_answered() {
    let world = World::start(options(150, 60));
    world.advance("20d").await;
    let webhook = world.subscribe("device.lowBattery", "http://127.0.0.1:9/hook").await;
    let order = world.get("/api/v3/order?size=1").await["content"][0]["id"].clone();
    let back = world.get("/api/v3/return?size=1").await["content"][0]["id"].clone();
    let ticket = world.get("/api/v3/support-ticket?size=1").await["content"][0]["id"].clone();
    let requests = [
        ("GET", "/api/v3/webhook?page=1&size=250".to_owned(), Value::Null, 200),
        ("GET", format!("/api/v3/webhook/{webhook}"), Value::Null, 200),
        ("PATCH", format!("/api/v3/webhook/{webhook}"), json!({ "url": "https://clinic.example/hook" }), 200),
        ("POST", "/api/v3/webhook".to_owned(), json!({ "type": "reading.ecg", "url": "https://clinic.example/" }), 200),
        ("DELETE", format!("/api/v3/webhook/{webhook}"), Value::Null, 204),
        ("GET", "/api/v3/webhook-secret".to_owned(), Value::Null, 404),
        ("PATCH", "/api/v3/webhook-secret".to_owned(), json!({ "secret": "a" }), 400),
        ("DELETE", "/api/v3/webhook-secret".to_owned(), Value::Null, 400),
        ("POST", "/api/v3/webhook-secret".to_owned(), json!({ "secret": "a" }), 200),
        ("POST", "/api/v3/webhook-secret".to_owned(), json!({ "secret": "b" }), 400),
        ("PATCH", "/api/v3/webhook-secret".to_owned(), json!({ "secret": "b" }), 200),
        ("GET", "/api/v3/webhook-secret".to_owned(), Value::Null, 200),
        ("DELETE", "/api/v3/webhook-secret".to_owned(), Value::Null, 204),
        ("POST", "/api/v3/webhook-secret".to_owned(), json!({}), 200),
        (
            "GET",
            "/api/v3/webhook/logs?webhookType=order.status&retryAttemptsMin=0&retryAttemptsMax=3&lastResponseStatus=200\
             &lastResponseStatus=500&startTimestamp=2026-01-05T00:00:00Z&endTimestamp=2026-01-06T01:00:00%2B01:00\
             &startLastRetryTimestamp=2026-01-05T00:00:00Z&endLastRetryTimestamp=2026-01-05T00:00:00.5Z&page=2&size=1"
                .to_owned(),
            Value::Null,
            200,
        ),
        (
            "GET",
            "/api/v3/device?status=withPatient&status=used&sort=deviceId&sortDescending=true&id=100001&id=100002\
             &siteId=3000&patientId=2000000&patientSiteId=3000&itemId=71"
                .to_owned(),
            Value::Null,
            200,
        ),
        ("GET", "/api/v3/device/100003".to_owned(), Value::Null, 200),
        ("GET", "/api/v3/device/1".to_owned(), Value::Null, 404),
        ("GET", "/api/v3/order?patientId=1&externalOrderId=WEB-1&externalOrderId=WEB-2".to_owned(), Value::Null, 200),
        ("GET", format!("/api/v3/order/{order}"), Value::Null, 200),
        (
            "GET",
            "/api/v3/return?status=inTransit&relatedOrderId=5&lastUpdatedBefore=2026-01-20&standalone=false".to_owned(),
            Value::Null,
            200,
        ),
        ("GET", format!("/api/v3/return/{back}"), Value::Null, 200),
        (
            "GET",
            "/api/v3/support-ticket?ticketType=patientSetup&patientId=2&createdAt=2026-01-05T00:00:00Z\
             &updatedAt=2026-01-05T00:00:00Z&open=true"
                .to_owned(),
            Value::Null,
            200,
        ),
        ("GET", format!("/api/v3/support-ticket/{ticket}"), Value::Null, 200),
        ("POST", "/api/v3/test/blood-glucose-webhook".to_owned(), json!({ "patientId": 1, "glucose": 95 }), 201),
        (
            "POST",
            "/api/v3/test/blood-oxygen-webhook".to_owned(),
            json!({ "patientId": 1, "bloodOxygen": 98, "heartRate": 75 }),
            201,
        ),
        (
            "POST",
            "/api/v3/test/blood-pressure-webhook".to_owned(),
            json!({ "patientId": 1, "systolic": 120, "diastolic": 80, "heartRate": 100 }),
            201,
        ),
        ("POST", "/api/v3/test/weight-webhook".to_owned(), json!({ "patientId": 1, "weight": 70.5 }), 201),
        (
            "POST",
            "/api/v3/test/device-association-created".to_owned(),
            json!({ "patientId": 1, "deviceId": 1, "deviceIdentifier": "D1" }),
            201,
        ),
        ("POST", "/api/v3/test/device-association-removed".to_owned(), json!({}), 201),
        ("POST", "/api/v3/test/order-status-webhook".to_owned(), json!({ "orderStatusName": "shipped" }), 201),
        (
            "POST",
            "/api/v3/test/order-status-full-webhook".to_owned(),
            json!({ "orderId": 5, "externalOrderIds": ["1"], "patientId": 1, "orderStatus": "shipped" }),
            201,
        ),
    ];
    for (method, path, body, status) in requests {
        let answer = world.ask(method, &path, (!body.is_null()).then_some(body)).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
    }
    assert_eq!(world.refused().await, [] as [Value; 0]);
}

/// A method and a path, a body with its type, and how it is refused.
type Wrong = (&'static str, &'static str, Option<(&'static str, &'static str)>, u16, &'static str);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_else_is_refused_with_a_reason() {
    let world = World::start(options(3, 1));
    const SUBSCRIPTION: &str = r#"{"type":"order.status","url":"https://clinic.example/"}"#;
    const JSON: &str = "application/json";
    let requests: [Wrong; 31] = [
        ("GET", "/api/v2/webhook", None, 404, "documented at this path"),
        ("GET", "/api/v3/webhook/", None, 404, "documented at this path"),
        ("GET", "/api/v3/webhooks", None, 404, "documented at this path"),
        ("GET", "/api/v3/device/many", None, 404, "documented at this path"),
        ("PUT", "/api/v3/webhook", Some((SUBSCRIPTION, JSON)), 405, "GET, POST"),
        ("DELETE", "/api/v3/device/100001", None, 405, "documented here: GET"),
        ("POST", "/api/v3/webhook/logs", None, 405, "documented here: GET"),
        ("GET", "/api/v3/webhook?size=251", None, 400, "from 1 to 250"),
        ("GET", "/api/v3/webhook?size=0", None, 400, "from 1 to 250"),
        ("GET", "/api/v3/webhook?page=0", None, 400, "the first page is 1"),
        ("GET", "/api/v3/webhook?page=1&page=2", None, 400, "`page` may stand once"),
        ("GET", "/api/v3/webhook?page=one", None, 400, "`page` must be a whole number of 32 bits"),
        ("GET", "/api/v3/order?status=shipped", None, 400, "`status` is not documented"),
        ("GET", "/api/v3/device?updatedSince=2026-01-05T00:00:00Z", None, 400, "`updatedSince` is not documented"),
        ("GET", "/api/v3/device?status=withPatient,used", None, 400, "`status` must be one of"),
        ("GET", "/api/v3/device?sort=id", None, 400, "`sort` must be one of"),
        ("GET", "/api/v3/device?sort=itemName", None, 501, "cannot sort by it"),
        ("GET", "/api/v3/device?patientName=X", None, 501, "cannot choose by it"),
        ("GET", "/api/v3/return?status=inTransit&status=arrived", None, 400, "`status` may stand once"),
        ("GET", "/api/v3/return?lastUpdatedBefore=2026-01-05T00:00:00Z", None, 400, "a date as in"),
        ("GET", "/api/v3/webhook/logs?startTimestamp=1767614400000", None, 400, "a time as in"),
        ("GET", "/api/v3/webhook/logs?startTimestamp=2026-01-05", None, 400, "a time as in"),
        ("GET", "/api/v3/webhook/logs?webhookType=packedKit.event", None, 400, "`webhookType` must be one of"),
        ("GET", "/api/v3/webhook/logs?webhookUrl=x", None, 400, "`webhookUrl` is not documented"),
        ("GET", "/api/v3/webhook", Some(("{}", JSON)), 400, "no body is documented"),
        ("POST", "/api/v3/webhook", Some((SUBSCRIPTION, "text/plain")), 415, "application/json"),
        ("POST", "/api/v3/webhook", Some((r#"{"types":["order.status"]}"#, JSON)), 400, "`types` is not documented"),
        ("POST", "/api/v3/webhook", Some((r#"{"type":"order.status"}"#, JSON)), 400, "`url` is missing"),
        ("PATCH", "/api/v3/webhook-secret", Some(("{}", JSON)), 400, "`secret` is missing"),
        (
            "PATCH",
            "/api/v3/webhook-secret",
            Some((r#"{"secret":"a","secret":"b"}"#, JSON)),
            400,
            "stand once in the body",
        ),
        (
            "POST",
            "/api/v3/test/weight-webhook",
            Some((r#"{"patientId":"1"}"#, JSON)),
            400,
            "`patientId` must be a whole number of 64 bits",
        ),
    ];
    for (method, path, body, status, reason) in requests {
        let answer = world.ask_as(method, path, body, Some(KEY)).await;
        let told = answer.body["reason"].as_str().unwrap_or_default();
        assert!(answer.status == status && told.contains(reason), "{method} {path}: {} {told}", answer.status);
    }
    for (key, reason) in [(None, "is missing"), (Some("other"), "another key")] {
        let answer = world.ask_as("GET", "/api/v3/webhook", None, key).await;
        assert!(answer.status == 401 && answer.body["reason"].as_str().unwrap().contains(reason), "{answer:?}");
    }
    let refused = world.refused().await;
    assert_eq!(refused.len(), 33);
    assert_eq!((&refused[7]["path"], &refused[7]["status"]), (&json!("/api/v3/webhook"), &json!(400)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_changes_nothing() {
    let world = World::start(options(0, 0));
    let id = world.subscribe("order.status", "https://clinic.example/a").await;
    let path = format!("/api/v3/webhook/{id}");
    let same = json!({ "url": "https://clinic.example/a" });
    assert_eq!(world.ask("PATCH", &path, Some(same)).await.status, 400);
    for url in ["clinic.example", "ftp://clinic.example/", ""] {
        assert_eq!(world.ask("PATCH", &path, Some(json!({ "url": url }))).await.status, 400, "{url}");
    }
    let other = json!({ "url": "https://clinic.example/b", "id": 5 });
    assert_eq!(world.ask("PATCH", &path, Some(other)).await.status, 400);
    let page = world.get("/api/v3/webhook").await;
    let kept = json!({ "id": id, "type": "order.status", "url": "https://clinic.example/a" });
    let expected = json!({ "content": [kept], "page": 1, "size": 15, "total": 1, "first": true, "last": true });
    assert_eq!(page, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clock_of_answers_is_the_simulated_one() {
    let world = World::start(options(0, 0));
    world.advance("36h").await;
    assert_eq!(world.ask("GET", "/api/v3/webhook", None).await.date, "Wed, 07 Jan 2026 00:00:00 GMT");
}
