//! How devices are at Impilo is asked: all at first, and each before it is called silent.

use std::time::Duration;

use pulsewarden::engine::Timestamp;
use serde_json::{Value, json};

use super::harness::{World, eventually};
use super::impilo::Impilo;
use super::stand_in::Answer;

/// Devices fall silent soon, as [`LONGER_THAN`] says.
const RULES: &str = r#"
receivers: [{ name: team, phi: ids, cap: never, email: [{ to: [team@clinic.example] }] }]
route: { receiver: team, group_by: [alertname], group_wait: 0s, group_interval: 1s, repeat_interval: 24h }
rules:
  - { alert: Quiet, subject: device, silent: { event: [device.healthcheck], longer_than: 40s }, while: device.associated, severity: critical }
"#;

const LONGER_THAN: Duration = Duration::from_secs(40);

fn now() -> Timestamp {
    Timestamp::from(chrono::Utc::now())
}

fn device(id: u64, check: Timestamp) -> Value {
    json!({
        "id": id, "item": { "id": 40, "name": "Cellular Scale" }, "currentStatus": "withPatient",
        "lastHealthCheck": check.to_string(), "currentPatient": { "id": 5, "firstName": "A", "lastName": "B" }
    })
}

async fn world(impilo: &Impilo) -> World {
    let mut world = World::with(RULES, "").await;
    world.configure(&impilo.configuration(&world));
    world.start().await;
    world
}

/// The alerts of the rule, each with its subject, whether it is baseline, and when its silence was too long.
fn quiet(world: &World) -> Vec<(String, bool, Option<Timestamp>)> {
    let alerts = world.alerts();
    let alerts = alerts.iter().filter(|alert| alert["rule"] == "Quiet");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let told = alerts.map(|alert| {
        (text(&alert["subject"]["id"]), alert["baseline"] == true, alert["opened_at"].as_i64().map(Timestamp))
    });
    told.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fleet_is_read_once_at_first_and_what_was_so_already_is_told_as_such() {
    let impilo = Impilo::start().await;
    let check = now().minus(Duration::from_secs(30 * 86_400));
    impilo.account().devices = (1..=300).map(|id| device(id, check)).collect();
    let world = world(&impilo).await;
    let found = eventually("the fleet is known", || {
        let devices = world.json(&["devices", "--limit", "1000"]);
        devices.as_array().filter(|devices| devices.len() >= 300).cloned()
    });
    assert_eq!(found.await.len(), 300);
    let alerts = eventually("all of them are silent", || {
        let alerts = quiet(&world);
        (alerts.len() == 300).then_some(alerts)
    });
    assert!(alerts.await.iter().all(|(_, baseline, _)| *baseline));
    // By pages, and few devices by themselves.
    let asked = impilo.api.asked().into_iter().filter(|asked| asked.path.starts_with("/api/v3/device")).count();
    assert!(asked < 100, "{asked}");
    assert_eq!(world.team_mails().len(), 0, "one summary, after it has gathered for two minutes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_asked_for_before_it_is_called_silent() {
    let impilo = Impilo::start().await;
    let world = world(&impilo).await;
    // Impilo has trouble with one of them, which is no trouble of the other's.
    impilo.interrupt(|_, asked| asked.path.ends_with("/device/6").then(|| Answer::status(500)));
    let first = now();
    for id in [6, 7] {
        let heard = json!({ "id": id, "type": "device.healthcheck", "payload": { "device": device(id, first) } });
        assert!(world.post(&heard).await.is_success());
    }
    // Of this health check no webhook comes.
    let missed = first.plus(Duration::from_secs(5));
    impilo.account().devices = vec![device(7, missed)];
    let silent = |id: &str| quiet(&world).into_iter().find(|(device, ..)| device == id);
    let (_, baseline, opened_at) = eventually("it is silent", || silent("7")).await;
    assert_eq!((baseline, opened_at), (false, Some(missed.plus(LONGER_THAN))));
    let asked = impilo.api.asked().into_iter().filter(|asked| asked.path == "/api/v3/device/7").count();
    assert!((1..=3).contains(&asked), "once for each end of its silence: {asked}");
}
