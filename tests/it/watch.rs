//! What Pulsewarden says about itself.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::channel;

use pulsewarden::demo::slack_stand_in::Answer;
use serde_json::Value;

use crate::events::battery;
use crate::harness::{RECEIVERS, World, eventually};

fn watches(world: &World) -> Vec<String> {
    let status = world.json(&["status"]);
    let firing = status["watches"].as_array().unwrap().iter();
    firing.map(|watch| watch["name"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_secrets_and_dead_letters_are_told_once() {
    let mut world = World::new().await;
    world.slack.answer(Answer::Status(404));
    world.start().await;
    for _ in 0..6 {
        world.post_raw(Some("wrong"), "{}").await;
    }
    assert_eq!(world.post(&battery(1, 9001, 8)).await, 200);
    eventually("both watches fire", || (watches(&world) == ["dead_letters", "refused_secrets"]).then_some(())).await;
    eventually("both are mailed", || (world.own_mails().len() == 2).then_some(())).await;
    let told: Vec<String> = world.own_mails().iter().map(|mail| mail.text()).collect();
    assert!(told.iter().any(|text| text.contains("wrong secret")), "{told:?}");
    assert!(told.iter().any(|text| text.contains("pulsewarden deliveries --dead")), "{told:?}");
    assert_eq!(world.run(&["status"]).code, 1);
    let dead = world.json(&["deliveries", "--dead"]);
    assert_eq!(dead[0]["channel"]["kind"], "slack_webhook");
    assert!(dead[0]["last_error"].as_str().unwrap().contains("404"), "{dead}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_heartbeat_reaches_the_outside() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/alive/token", listener.local_addr().unwrap());
    let (beats, beaten) = channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut request = [0; 1024];
            let length = stream.read(&mut request).unwrap_or_default();
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            if beats.send(String::from_utf8_lossy(&request[..length]).into_owned()).is_err() {
                return;
            }
        }
    });
    let mut world = World::with(RECEIVERS, "").await;
    std::fs::write(world.path("heartbeat"), &url).unwrap();
    let own = world.path("heartbeat").display().to_string();
    let text = std::fs::read_to_string(world.path("pulsewarden.yaml")).unwrap();
    let text = text.replace("self: { ", &format!("self: {{ heartbeat: {{ url: {{ file: {own} }}, every: 1m }}, "));
    std::fs::write(world.path("pulsewarden.yaml"), text).unwrap();
    world.start().await;
    let request = eventually("a heartbeat", || beaten.try_recv().ok()).await;
    assert!(request.starts_with("GET /alive/token"), "{request}");
    assert!(!world.log().contains("/alive/token"), "the URL holds a token");
    assert_eq!(world.json(&["status"])["watches"], Value::Array(Vec::new()));
}
