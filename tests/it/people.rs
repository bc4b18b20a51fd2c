//! What people do about alerts: on the command line, by Slack's buttons, and what the program tells of it.

use std::time::{SystemTime, UNIX_EPOCH};

use expect_test::expect;
use reqwest::StatusCode;
use ring::hmac;
use serde_json::{Value, json};

use crate::events::battery;
use crate::harness::World;

const SECRET: &str = "slack-signs-with-this";

/// A world with two alerts open, and Slack's signing secret.
async fn world() -> World {
    let mut world = World::new().await;
    let text = std::fs::read_to_string(world.path("pulsewarden.yaml")).unwrap();
    std::fs::write(world.path("signing"), SECRET).unwrap();
    let signing = format!("slack: {{ signing_secret: {{ file: {} }}, ", world.path("signing").display());
    std::fs::write(world.path("pulsewarden.yaml"), text.replace("slack: { ", &signing)).unwrap();
    world.start().await;
    for device in [9001, 9002] {
        assert_eq!(world.post(&battery(device, device, 15)).await, 200);
    }
    world.settle().await;
    world
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().cast_signed()
}

fn signature(secret: &str, stamp: i64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("v0:{stamp}:{body}").as_bytes());
    let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("v0={hex}")
}

fn pressed(action: &str, alerts: &str) -> String {
    let payload = json!({
        "type": "block_actions", "user": { "id": "U1", "username": "ann" },
        "actions": [{ "action_id": action, "value": alerts, "type": "button" }]
    });
    format!(
        "payload={}",
        reqwest::Url::parse_with_params("x:/", [("q", payload.to_string())]).unwrap().query().unwrap()[2..].to_owned()
    )
}

async fn press(world: &World, body: &str, stamp: i64, signature: &str) -> StatusCode {
    let request = world.http.post(format!("{}/slack/interactions", world.url().replace("/webhooks/impilo", "")));
    let request = request
        .header("X-Slack-Request-Timestamp", stamp.to_string())
        .header("X-Slack-Signature", signature)
        .header("Content-Type", "application/x-www-form-urlencoded");
    request.body(body.to_owned()).send().await.unwrap().status()
}

fn audit(world: &World) -> Vec<(String, String, String, u64)> {
    let text = |action: &Value, path: &str| action.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    let actions = world.json(&["audit"]).as_array().unwrap().clone();
    actions
        .iter()
        .rev()
        .map(|one| {
            let about = one["alert"].as_u64().or(one["silence"].as_u64()).unwrap_or_default();
            (text(one, "/act"), text(one, "/by/name"), text(one, "/by/via"), about)
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_button_in_slack_acts_once_and_only_where_slack_has_signed_it() {
    let mut world = world().await;
    let (body, at) = (pressed("acknowledge", "1,2"), now());
    let good = signature(SECRET, at, &body);
    assert_eq!(press(&world, &body, at, &signature("another", at, &body)).await, 401);
    assert_eq!(press(&world, &pressed("resolve", "1,2"), at, &good).await, 401);
    let old = at - 301;
    assert_eq!(press(&world, &body, old, &signature(SECRET, old, &body)).await, 401);
    assert!(audit(&world).is_empty());
    assert_eq!(press(&world, &body, at, &good).await, 200);
    assert_eq!(press(&world, &body, at, &good).await, 401, "what came before comes from somebody else");
    let spelt = format!("v0={}", good[3..].to_uppercase());
    assert_eq!(press(&world, &body, at, &spelt).await, 401, "however it is spelt");
    let body = pressed("resolve", "2");
    assert_eq!(press(&world, &body, at, &signature(SECRET, at, &body)).await, 200);
    let odd = "payload=nothing";
    assert_eq!(press(&world, odd, at, &signature(SECRET, at, odd)).await, 422);
    let of = |act: &str, alert| (act.to_owned(), "ann".to_owned(), "Slack".to_owned(), alert);
    assert_eq!(audit(&world), [of("acknowledge", 1), of("acknowledge", 2), of("resolve", 2)]);
    let open = world.json(&["alerts"]);
    assert_eq!((open.as_array().unwrap().len(), &open[0]["acknowledged"]["by"]), (1, &json!("ann")));
    // What was seen is known in memory alone, so nothing from before the start counts.
    world.kill();
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    world.start().await;
    let body = pressed("acknowledge", "1,2");
    assert_eq!(press(&world, &body, at, &good).await, 401, "after a restart, too");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_takes_on_hands_over_writes_and_silences() {
    let world = world().await;
    let run = |arguments: &[&str]| {
        let output = world.run(arguments);
        format!("{}{}exit code {}\n", output.stdout, output.stderr, output.code)
    };
    let said = [
        run(&["ack", "1", "--note", "Ada has new batteries", "--by", "ann"]),
        run(&["assign", "1", "--to", "cleo", "--by", "ann"]),
        run(&["unack", "1", "--by", "ann"]),
        run(&["resolve", "2", "77", "--by", "ann"]),
        run(&["ack", "2", "--by", "ann"]),
        run(&["silence", "add", "device=9001", "--for", "4h", "--comment", "on site", "--by", "ann", "--dry-run"]),
        run(&["silence", "add", "device=9001", "--until-resolved", "--comment", "on site", "--by", "ann"]),
        run(&["silence", "add", "device=1", "--until-resolved", "--comment", "on site", "--by", "ann"]),
        run(&["silence", "add", "device", "--for", "1h", "--comment", "on site"]),
        run(&["silence", "end", "1", "--by", "bob"]),
        run(&["silence", "end", "1", "--by", "bob"]),
        run(&["silence", "list"]),
        run(&["ack", "1", "--by", " "]),
        run(&["note", "1", "--text", "", "--by", "ann"]),
        run(&["note", "1", "--text", &"x".repeat(2001), "--by", "ann"]),
        run(&["assign", "1", "--to", "", "--by", "ann"]),
        run(&["audit", "--alert", "99"]),
    ];
    expect![[r#"
        alert 1: acknowledged
        exit code 0
        alert 1: assigned to cleo
        exit code 0
        alert 1: given back
        exit code 0
        alert 2: resolved
        alert 77: there is no such alert; `pulsewarden alerts` lists what is open
        exit code 1
        alert 2: it had ended before; nothing was changed
        exit code 1
        It would hide 1 open alert.
          1  warning DeviceBatteryLow on device 9001 (unknown)
        exit code 0
        silence 1 is in force until it is resolved
        It hides 1 open alert now.
          1  warning DeviceBatteryLow on device 9001 (unknown)
        exit code 0
        pulsewarden: the daemon refused: no open alert matches, so it would end at once; give it a time with --for
        exit code 1
        pulsewarden: `device`: not a matcher; write a label, one of = != =~ !~, and a text: site="North Clinic"
        exit code 2
        silence 1 is over
        exit code 0
        pulsewarden: no silence 1 is in force; `pulsewarden silence list` shows which are
        exit code 1
        No silence is in force.
        exit code 0
        pulsewarden: the daemon refused: the name of who asks is empty
        exit code 1
        pulsewarden: the daemon refused: the note is empty
        exit code 1
        pulsewarden: the daemon refused: the note is longer than 2000 characters
        exit code 1
        pulsewarden: the daemon refused: the name to assign to is empty
        exit code 1
        Nobody has done anything about this alert.
        exit code 0
    "#]]
    .assert_eq(&said.concat());
    let people = run(&["explain", "1"]);
    let people = people.split("\nPeople\n").nth(1).unwrap().split("\nMessages").next().unwrap();
    let people: Vec<&str> =
        people.lines().map(|line| line.split_once("UTC  ").map_or(line, |(_, rest)| rest)).collect();
    expect![[r#"
        note: ann by way of the command line
        acknowledge: ann by way of the command line
        assign to cleo: ann by way of the command line
        unacknowledge: ann by way of the command line
          assigned to cleo"#]]
    .assert_eq(&people.join("\n"));
    let shown = run(&["audit"]) + &run(&["alerts", "1"]);
    assert!(!shown.contains("Ada"), "{shown}");
    assert!(run(&["audit", "--phi"]).contains("Ada has new batteries"));
}

/// The link in the newest mail to the team.
fn link(world: &World) -> String {
    let mail = world.team_mails().pop().unwrap();
    let link = mail.text().split("Take this on: ").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    let (_, token) = link.split_once("/act/").unwrap();
    assert!(link.starts_with("https://alerts.clinic.example/act/"), "{link}");
    assert!(mail.html().replace("&#x2f;", "/").contains(&format!("/act/{token}")), "the HTML has it, too");
    format!("{}/act/{token}", world.url().replace("/webhooks/impilo", ""))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_in_a_mail_shows_on_get_and_acts_on_post_with_a_name() {
    let mut world = World::with(crate::harness::RECEIVERS, "public_url: https://alerts.clinic.example").await;
    world.start().await;
    assert_eq!(world.post(&battery(1, 9001, 15)).await, 200);
    world.settle().await;
    let link = link(&world);
    // Scanners of mail look as often as they like.
    for _ in 0..3 {
        let page = world.http.get(&link).send().await.unwrap();
        assert_eq!(page.status(), 200);
        assert_eq!(page.headers()["cache-control"], "no-store");
        assert_eq!(page.headers()["referrer-policy"], "no-referrer");
        let page = page.text().await.unwrap();
        assert!(page.contains("Alert 1: DeviceBatteryLow") && page.contains("name=\"name\""), "{page}");
        assert!(!page.contains("9001") && !page.contains("SN-"), "{page}");
        assert_eq!(world.http.head(&link).send().await.unwrap().status(), 200);
    }
    assert!(audit(&world).is_empty());
    let send = async |name: &str, span: &str| {
        let body = format!("name={name}&for={span}");
        let request = world.http.post(&link).header("Content-Type", "application/x-www-form-urlencoded").body(body);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    assert_eq!(send("", "").await.0, 422);
    assert_eq!(send("ann", "forever").await.0, 422);
    assert!(audit(&world).is_empty());
    let (status, page) = send("Ann+%3Cscript%3E", "1d").await;
    assert!(status == 200 && page.contains("Done") && !page.contains("<script>"), "{page}");
    let via = "the link sent to team@clinic.example".to_owned();
    assert_eq!(audit(&world), [("acknowledge".to_owned(), "Ann <script>".to_owned(), via, 1)]);
    assert!(world.json(&["alerts"])[0]["acknowledged"]["until"].is_i64());
    let end = link.len() - 3;
    let forged = format!("{}{}", &link[..end], if link.ends_with("AAA") { "BBB" } else { "AAA" });
    for wrong in [forged.as_str(), &link[..end], &format!("{link}x")] {
        assert_eq!(world.http.get(wrong).send().await.unwrap().status(), 404);
        assert_eq!(world.http.post(wrong).send().await.unwrap().status().as_u16() / 100, 4);
    }
    assert_eq!(audit(&world).len(), 1);
}
