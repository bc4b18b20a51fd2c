//! The daemon beside the stand-in for Impilo, which behaves badly.

use std::net::TcpListener;
use std::time::Duration;

use pulsewarden::engine::Timestamp;
use pulsewarden::simulate::Plan;
use pulsewarden::simulate::account::{Options, Pace, Quirks, StandIn};
use serde_json::{Value, json};

use crate::harness::{SECRET, World};

#[tokio::test(flavor = "multi_thread")]
async fn whatever_impilo_does_each_event_is_kept_once() {
    let mut world = World::new().await;
    world.start().await;
    let begin = Timestamp::from(chrono::Utc::now()).minus(Duration::from_secs(3 * 86_400));
    let plan = Plan { seed: 12, devices: 60, days: 1, begin };
    let quirks =
        Quirks { duplicates: 0.2, reordered: 0.2, late: 0.1, wrong_secrets: 0.1, odd: 0.3, ..Quirks::default() };
    let options = Options {
        secret: Some(SECRET.to_owned()),
        subscribe: Some(world.url()),
        quirks,
        ..Options::new(plan, Pace::ByHand)
    };
    let stand_in = StandIn::start(options, TcpListener::bind("127.0.0.1:0").unwrap(), None).unwrap();
    let clock = format!("http://{}/simulate/clock", stand_in.address());
    let moved = world.http.post(clock).json(&json!({ "advance": "2d" })).send().await.unwrap();
    let told: Value = moved.json().await.unwrap();
    assert_eq!((&told["ended"], &told["waiting"], &told["unreached"]), (&json!(true), &json!(0), &json!(0)));
    let count = |name: &str| told[name].as_u64().unwrap();
    assert!(count("told") > 200 && count("odd") > 50 && count("unanswered") > 40 && count("refused") > 20, "{told}");
    world.settle().await;
    let receiving = &world.json(&["status"])["receiving"];
    assert_eq!(receiving["accepted"], told["told"], "{receiving} {told}");
    assert_eq!(receiving["refused_secret"], told["refused"]);
    assert_eq!(receiving["repeated"].as_u64().unwrap() + count("told"), count("unanswered") + count("delivered"));
    let (_, refused) = stand_in.stop().await.unwrap();
    assert!(refused.is_empty(), "{refused:?}");
}
