//! From the request to the mail server's receipt, at 200 events a second, each with a mail of its own.

use std::fs;
use std::io::Write;
use std::time::{Duration, Instant};

use pulsewarden::demo::mail_catcher::MailCatcher;
use serde_json::json;

use crate::servers::{Daemon, SECRET};

const PER_SECOND: u64 = 200;

const RULES: &str = "
rules:
  - { alert: Every, subject: device, event: device.healthcheck, annotations: { summary: \"number {{ device.serial }}\" } }
receivers:
  - { name: team, cap: never, email: [{ to: [team@clinic.example] }] }
route: { receiver: team, group_by: [\"...\"], group_wait: 0s }
";

pub fn latency(length: Duration) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let (catcher, mut arrivals) = MailCatcher::start().await.unwrap();
        let email = format!("email: {{ smtp: \"{}\", from: alerts@clinic.example }}\n", catcher.url());
        let daemon = Daemon::start_with(&email, RULES);
        let url = format!("http://{}/webhooks/impilo", daemon.address());
        let client = reqwest::Client::new();
        let count = PER_SECOND * length.as_secs();
        let began = Instant::now();
        let receiving = tokio::spawn(async move {
            let mut received = Vec::new();
            while received.len() < count as usize {
                let Ok(Some(mail)) = tokio::time::timeout(Duration::from_secs(10), arrivals.recv()).await else { break };
                let text = mail.text();
                let number = text.split("number N-").nth(1).and_then(|rest| rest.split_whitespace().next()?.parse::<usize>().ok());
                received.push((number.unwrap(), Instant::now()));
            }
            received
        });
        let mut sent = Vec::new();
        let mut posts = tokio::task::JoinSet::new();
        for number in 0..count {
            tokio::time::sleep_until((began + Duration::from_micros(number * 1_000_000 / PER_SECOND)).into()).await;
            let body = json!({ "id": number + 1, "type": "device.healthcheck", "payload": { "device": {
                "id": number + 1, "deviceIdentifiers": [{ "type": "serial", "value": format!("N-{number} ") }]
            } } });
            sent.push(Instant::now());
            let request = client.post(&url).header("Impilo-Webhook-Secret", SECRET).json(&body);
            posts.spawn(async move { assert!(request.send().await.unwrap().status().is_success()) });
        }
        while posts.join_next().await.is_some() {}
        let received = receiving.await.unwrap();
        let mut waits: Vec<f64> =
            received.iter().map(|(number, at)| at.duration_since(sent[*number]).as_secs_f64() * 1000.0).collect();
        waits.sort_unstable_by(f64::total_cmp);
        let quantile = |q: f64| waits.get((waits.len() as f64 * q) as usize).copied().unwrap_or(f64::NAN);
        println!(
            "\nrequest to mail at {PER_SECOND} events/s: {} of {count} mails, p50 {:.1} ms, p99 {:.1} ms; fsync p99 {:.2} ms",
            received.len(), quantile(0.50), quantile(0.99), fsync_p99()
        );
    });
}

/// What one small write and sync takes on the same disk.
fn fsync_p99() -> f64 {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut file = fs::File::create(folder.path().join("probe")).unwrap();
    let mut times: Vec<f64> = (0..300)
        .map(|_| {
            file.write_all(&[0; 4096]).unwrap();
            let began = Instant::now();
            file.sync_data().unwrap();
            began.elapsed().as_secs_f64() * 1000.0
        })
        .collect();
    times.sort_unstable_by(f64::total_cmp);
    times[297]
}
