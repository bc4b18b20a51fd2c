//! The account at Impilo, compared with what the rules need: subscriptions, and what the doctor finds.

use std::fs;
use std::net::TcpListener;

use pulsewarden::engine::Timestamp;
use pulsewarden::simulate::Plan;
use pulsewarden::simulate::account::{Options, Pace, StandIn};
use serde_json::{Value, json};

use super::harness::{Output, RECEIVERS, SECRET, World, eventually};
use super::impilo::{Account, Impilo, PUBLIC, URL, lost};
use super::stand_in::Answer;

/// A type that no shipped rule needs.
const NEEDLESS: &str = "packedKit.event";

pub async fn world() -> (World, Impilo) {
    let impilo = Impilo::start().await;
    let mut world = World::new().await;
    impilo.account().secret = Some(SECRET.to_owned());
    world.configure(&impilo.configuration(&world));
    world.start().await;
    (world, impilo)
}

fn sync(world: &World, more: &[&str]) -> Output {
    world.run(&[&["impilo", "webhooks", "sync"], more].concat())
}

/// What is to be done, as `verb type`, and what is left alone, as `left type`.
fn planned(world: &World, more: &[&str]) -> Vec<String> {
    let plan = world.json(&[&["impilo", "webhooks", "sync"], more].concat());
    let steps = plan["steps"].as_array().unwrap().iter().map(|step| (&step["action"], &step["type"]));
    let left = json!("left");
    let left = plan["left"].as_array().unwrap().iter().map(|one| (&left, &one["type"]));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    steps.chain(left).map(|(verb, kind)| format!("{} {}", text(verb), text(kind))).collect()
}

/// Carries the plan out, after which there is nothing left to do, again and again.
fn carried_out(world: &World, more: &[&str]) {
    let done = sync(world, &[&["--apply"], more].concat());
    assert_eq!(done.code, 0, "{done:?}");
    for _ in 0..2 {
        let again = sync(world, &[&["--apply"], more].concat());
        assert!(again.code == 0 && again.stdout.contains("Nothing is to be done"), "{again:?}");
    }
}

fn made(world: &World) -> Vec<Value> {
    let text = fs::read_to_string(world.path("impilo-subscriptions.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn id_of(account: &Account, kind: &str) -> i64 {
    account.webhooks.iter().find(|one| one["type"] == kind).unwrap()["id"].as_i64().unwrap()
}

fn remove(impilo: &Impilo, kind: &str) {
    impilo.account().webhooks.retain(|one| one["type"] != kind);
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_are_right_in_every_situation() {
    let (world, impilo) = world().await;
    let none: [String; 0] = [];

    // Nothing at all: everything is made, one type at a time, and nothing is changed without --apply.
    let shown = sync(&world, &[]);
    assert!(shown.code == 1 && shown.stdout.contains("carry the plan out with --apply"), "{shown:?}");
    assert!(impilo.account().webhooks.is_empty());
    carried_out(&world, &[]);
    let needed = impilo.account().kinds(URL);
    for kind in ["device.lowBattery", "device.healthcheck", "reading.weight", "order.status", "order.statusFull"] {
        assert!(needed.iter().any(|one| one == kind), "{kind}");
    }
    assert!(!needed.iter().any(|kind| kind == NEEDLESS));
    assert_eq!(made(&world).len(), needed.len());

    // One is missing.
    remove(&impilo, "device.lowBattery");
    assert_eq!(planned(&world, &[]), ["create device.lowBattery"]);
    carried_out(&world, &[]);

    // One too many, made here: a rule that needed it is gone.
    let own_rule = format!("{RECEIVERS}rules: [{{ alert: Kit, subject: packed_kit, event: {NEEDLESS} }}]\n");
    world.write_rules(&own_rule);
    world.run(&["reload"]);
    eventually("the rule is in force", || (planned(&world, &[]) == [format!("create {NEEDLESS}")]).then_some(())).await;
    carried_out(&world, &[]);
    world.write_rules(RECEIVERS);
    world.run(&["reload"]);
    eventually("the rule is gone", || (planned(&world, &[]) == [format!("delete {NEEDLESS}")]).then_some(())).await;
    carried_out(&world, &[]);
    assert_eq!(impilo.account().kinds(URL), needed);

    // One too many, made by somebody else, and one of a type that nobody knows.
    impilo.account().add(NEEDLESS, URL);
    impilo.account().add("device.danced", URL);
    assert_eq!(planned(&world, &[]), ["left device.danced", &format!("left {NEEDLESS}")]);
    carried_out(&world, &[]);
    assert_eq!(impilo.account().webhooks.len(), needed.len() + 2);
    assert_eq!(planned(&world, &["--delete-unknown"]), ["delete device.danced", &format!("delete {NEEDLESS}")]);
    carried_out(&world, &["--delete-unknown"]);
    assert_eq!(impilo.account().kinds(URL), needed);

    // Another address has what is missing here, and so has a second environment that is complete: neither is touched.
    remove(&impilo, "device.lowBattery");
    impilo.account().add("device.lowBattery", "https://other.example/hook?token=geheim");
    for kind in &needed {
        impilo.account().add(kind, "https://staging.clinic.example/webhooks/impilo");
    }
    assert_eq!(planned(&world, &[]), ["create device.lowBattery"]);
    carried_out(&world, &["--delete-unknown"]);
    assert_eq!(impilo.account().kinds("https://staging.clinic.example/webhooks/impilo"), needed);
    let list = world.run(&["impilo", "webhooks", "list"]).stdout;
    assert!(list.contains("https://other.example/hook?…") && !list.contains("geheim"), "{list}");
    assert!(list.contains("https://staging.clinic.example/webhooks/impilo"), "{list}");
    impilo.account().add("device.lowBattery", "https://other.example/services/T0/B0/geheim");
    let list = world.run(&["impilo", "webhooks", "list"]).stdout;
    assert!(list.contains("https://other.example/service…") && !list.contains("geheim"), "{list}");
    impilo.account().webhooks.retain(|one| one["url"] == URL);

    // The same address in other letters is the same; a slash at its end, or no TLS, is not.
    for (form, serves) in [
        ("HTTPS://Alerts.Clinic.Example/webhooks/impilo", true),
        ("https://alerts.clinic.example:443/webhooks/impilo", true),
        ("https://alerts.clinic.example/webhooks/impilo/", false),
        ("http://alerts.clinic.example/webhooks/impilo", false),
    ] {
        remove(&impilo, "device.weakSignal");
        impilo.account().add("device.weakSignal", form);
        let plan = planned(&world, &[]);
        if serves {
            assert_eq!(plan, none, "{form}");
            continue;
        }
        assert_eq!(plan, ["create device.weakSignal", "left device.weakSignal"], "{form}");
        carried_out(&world, &["--delete-unknown"]);
        assert_eq!(impilo.account().kinds(URL), needed, "{form}");
    }

    // Twice: ours goes, and of two others none.
    impilo.account().add("device.healthcheck", URL);
    let ours = id_of(&impilo.account(), "device.healthcheck");
    assert_eq!(planned(&world, &[]), ["delete device.healthcheck"]);
    carried_out(&world, &[]);
    assert_ne!(id_of(&impilo.account(), "device.healthcheck"), ours);
    impilo.account().add("device.healthcheck", URL);
    assert_eq!(planned(&world, &[]), ["left device.healthcheck"]);
    carried_out(&world, &["--delete-unknown"]);
    assert_eq!(impilo.account().kinds(URL), needed);

    // Somebody has led one of ours elsewhere by hand: it is not ours any more.
    let place = impilo.account().webhooks.iter().position(|one| one["type"] == "reading.weight").unwrap();
    impilo.account().webhooks[place]["url"] = json!("https://other.example/hook");
    assert_eq!(planned(&world, &[]), ["create reading.weight"]);
    carried_out(&world, &[]);
    assert_eq!(impilo.account().kinds("https://other.example/hook"), ["reading.weight"]);

    // What is gone is forgotten, and what somebody made is not ours.
    let there: Vec<Value> = impilo.account().webhooks.iter().map(|one| one["id"].clone()).collect();
    assert!(made(&world).iter().all(|made| there.contains(&made["id"])), "{:?}", made(&world));
    assert!(made(&world).len() <= needed.len() + 1);

    // Several pages, of which one moves while it is read: what slips over to a page that was read is found all the same.
    {
        let mut account = impilo.account();
        let ours = std::mem::take(&mut account.webhooks);
        for _ in 0..249 {
            account.add("device.lowBattery", "https://a.example/hook");
        }
        account.add("device.weakSignal", "https://a.example/gone");
        account.webhooks.extend(ours);
    }
    let mut moved = false;
    impilo.interrupt(move |account, asked| {
        if !moved && asked.path.contains("page=2") {
            moved = true;
            account.webhooks.retain(|one| one["url"] != "https://a.example/gone");
        }
        None
    });
    assert_eq!(planned(&world, &[]), none);
    impilo.go_on();
    impilo.account().webhooks.retain(|one| one["url"] == URL);

    // What Impilo refuses is said, and keeps nothing else from being done.
    remove(&impilo, "device.lowBattery");
    remove(&impilo, "order.status");
    impilo.account().refused.push("device.lowBattery".to_owned());
    let partly = sync(&world, &["--apply"]);
    assert!(partly.code == 1 && partly.stdout.contains("1 of 2 steps taken"), "{partly:?}");
    assert!(partly.stdout.contains("failed: Impilo answered HTTP 400"), "{partly:?}");
    impilo.account().refused.clear();
    assert_eq!(planned(&world, &[]), ["create device.lowBattery"]);
    carried_out(&world, &[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_made_here_follows_the_public_address() {
    let (world, impilo) = world().await;
    carried_out(&world, &[]);
    let count = impilo.account().webhooks.len();
    let elsewhere = impilo.configuration(&world).replace(PUBLIC, "https://new.clinic.example");
    world.configure(&elsewhere);
    assert_eq!(world.run(&["reload"]).code, 0);
    let moves = planned(&world, &[]);
    assert!(moves.len() == count && moves.iter().all(|step| step.starts_with("move ")), "{moves:?}");
    // An answer is lost: the second attempt is refused, since the address is there already.
    let mut first = true;
    impilo.interrupt(move |account, asked| {
        (asked.method == "PATCH" && std::mem::take(&mut first)).then(|| lost(account, asked))
    });
    carried_out(&world, &[]);
    assert_eq!(impilo.account().kinds("https://new.clinic.example/webhooks/impilo").len(), count);
    assert!(impilo.account().kinds(URL).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_finds_what_is_wrong_and_tells_it() {
    let (world, impilo) = world().await;
    let verdicts = || {
        let report = world.json(&["doctor"]);
        let checks = report["checks"].as_array().unwrap().clone();
        move |name: &str| {
            let check =
                checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("{name}: {checks:?}"));
            format!("{} {}", check["verdict"].as_str().unwrap(), check["found"].as_str().unwrap())
        }
    };
    let found = verdicts();
    assert!(
        found("subscriptions").starts_with("wrong missing: device.associationCreated"),
        "{}",
        found("subscriptions")
    );
    assert!(found("rules").starts_with("wrong rules that can never fire"), "{}", found("rules"));
    for name in ["api_key", "public_url", "webhook_secret", "deliveries", "events"] {
        assert!(found(name).starts_with("fine "), "{}", found(name));
    }
    eventually("the self-watch tells it", || {
        let mails = world.own_mails();
        mails.iter().find(|mail| mail.text().contains("Missing: device.associationCreated")).cloned()
    })
    .await;

    carried_out(&world, &[]);
    let body = json!({ "id": 1, "type": "device.healthcheck", "payload": { "device": { "id": 5 } } });
    assert_eq!(world.post(&body).await, 200);
    impilo.interrupt(|account, asked| Some(dated(account.answer(asked), 0)));
    // What somebody else has here and nobody needs does no harm; what comes twice does.
    let needless = impilo.account().add(NEEDLESS, URL);
    let well = world.run(&["doctor"]);
    assert!(well.code == 0 && well.stdout.contains("All is well with Impilo."), "{well:?}");
    assert!(well.stdout.contains("device.healthcheck 2") && well.stdout.contains("1 that no rule needs"), "{well:?}");
    let doubled = impilo.account().add("device.lowBattery", URL);
    assert!(verdicts()("subscriptions").starts_with("wrong "));
    impilo.account().webhooks.retain(|one| one["id"] != doubled && one["id"] != needless);

    // The log says what was not taken; what went elsewhere is nobody's business.
    let row = |id: i64, url: &str, status: i64, retries: i64| {
        json!({ "id": id, "webhookUrl": url, "webhookType": "device.lowBattery", "payload": "{\"name\": \"Geheim\"}",
                "createTimestamp": 1_692_713_730_345_i64, "lastResponseStatus": status, "retryAttempts": retries })
    };
    impilo.account().log = vec![
        row(1, URL, 503, 0),
        row(2, URL, 401, 3),
        row(3, URL, 200, 2),
        row(4, URL, 200, 0),
        row(5, "https://other.example/hook", 500, 3),
    ];
    let found = verdicts()("deliveries");
    assert!(
        found.starts_with("wrong Impilo's log of the last day shows 2 events that were not taken: 1 with 401"),
        "{found}"
    );
    assert!(found.contains("1 were taken only when") && found.contains("given up on 1"), "{found}");
    impilo.account().log.clear();

    // Another secret there, then none.
    impilo.account().secret = Some("another".to_owned());
    assert!(verdicts()("webhook_secret").starts_with("wrong Impilo's webhook secret is not accepted here"));
    impilo.account().secret = None;
    assert!(verdicts()("webhook_secret").starts_with("wrong Impilo has no webhook secret"));

    // A clock that is wrong.
    impilo.interrupt(|account, asked| Some(dated(account.answer(asked), 650)));
    let clock = verdicts()("clock");
    assert!(clock.starts_with("wrong this machine's clock is 6") && clock.ends_with("behind Impilo's"), "{clock}");

    // A key that is refused.
    impilo.interrupt(|_, _| Some(Answer::status(403)));
    let found = verdicts();
    assert!(found("api_key").starts_with("wrong Impilo refused the API key (HTTP 403)"), "{}", found("api_key"));
    assert!(found("subscriptions").starts_with("unknown "));
    let refused = sync(&world, &[]);
    assert!(refused.code == 1 && refused.stderr.contains("make a new one"), "{refused:?}");
    assert!(!world.log().contains("the-key-of-the-tests") && !world.log().contains("Geheim"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_it_says_so_once_and_does_the_rest() {
    let mut world = World::new().await;
    world.start().await;
    assert_eq!(world.log().matches("outages cannot be healed").count(), 1);
    let refused = sync(&world, &[]);
    assert!(refused.code == 1 && refused.stderr.contains("no API key of Impilo's is configured"), "{refused:?}");
    let doctor = world.run(&["doctor"]);
    assert!(doctor.code == 1 && doctor.stdout.contains("no API key"), "{doctor:?}");
    assert_eq!(world.run(&["status"]).code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_asks_again_where_that_may_help_and_makes_nothing_twice() {
    let (world, impilo) = world().await;
    // Busy, broken, gone: the fourth attempt is answered.
    let mut troubles = vec![
        Answer::Reset,
        Answer::status(502),
        Answer::Say(429, vec![("Retry-After", "1".to_owned())], "{\"geheim\": 1}".to_owned()),
    ];
    impilo.interrupt(move |_, asked| asked.path.starts_with("/api/v3/webhook?").then(|| troubles.pop()).flatten());
    assert!(!planned(&world, &[]).is_empty());

    // Where nothing is found, it is the address that is wrong, and not the secret that is missing.
    impilo.interrupt(|_, _| Some(Answer::status(404)));
    let doctor = world.run(&["doctor"]).stdout;
    assert!(
        doctor.contains("webhook_secret: it cannot be told") && doctor.contains("Compare `impilo.api`"),
        "{doctor}"
    );
    impilo.interrupt(|_, asked| asked.path.ends_with("/webhook-secret").then(|| Answer::status(404)));
    let doctor = world.run(&["doctor"]).stdout;
    assert!(doctor.contains("Impilo has no webhook secret"), "{doctor}");

    // A subscription whose making was not confirmed is not made again, and is known as made at the next look.
    let mut first = true;
    impilo.interrupt(move |account, asked| {
        (asked.method == "POST" && std::mem::take(&mut first)).then(|| lost(account, asked))
    });
    let partly = sync(&world, &["--apply"]);
    assert!(partly.code == 1 && partly.stdout.contains("failed: Impilo answered HTTP 500"), "{partly:?}");
    carried_out(&world, &[]);
    let kinds = impilo.account().kinds(URL);
    assert!(kinds.windows(2).all(|pair| pair[0] != pair[1]), "{kinds:?}");

    // What is no answer of Impilo's is said to be none, and not shown.
    impilo.interrupt(|_, _| Some(Answer::Say(200, Vec::new(), "<html>geheim</html>".to_owned())));
    let strange = sync(&world, &[]);
    assert!(
        strange.stderr.contains("no page where one should be") && !strange.stderr.contains("geheim"),
        "{strange:?}"
    );
    // JSON that is no page is no list without anything in it: nothing is made a second time, and no secret is missing.
    let there = impilo.account().webhooks.len();
    for no_page in [r#"{"message": "Scheduled maintenance"}"#, "{}", "[]", r#"{"content": null}"#] {
        impilo.interrupt(move |_, asked| {
            (asked.method == "GET").then(|| Answer::Say(200, Vec::new(), no_page.to_owned()))
        });
        let refused = sync(&world, &["--apply"]);
        assert!(refused.code == 1 && refused.stderr.contains("no page where one should be"), "{no_page}: {refused:?}");
        let doctor = world.run(&["doctor"]).stdout;
        assert!(doctor.contains("webhook_secret: it cannot be told"), "{doctor}");
        let rotated = world.run(&["impilo", "secret", "rotate"]);
        assert!(rotated.code == 1 && rotated.stderr.contains("nothing was changed"), "{rotated:?}");
    }
    assert!(impilo.account().webhooks.len() == there && impilo.account().secret.as_deref() == Some(SECRET));
    impilo.interrupt(|_, _| Some(Answer::Say(302, vec![("Location", "http://a.example".to_owned())], String::new())));
    assert!(sync(&world, &[]).stderr.contains("Impilo answered HTTP 302"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_too_long_is_asked_for_in_parts() {
    let (world, impilo) = world().await;
    carried_out(&world, &[]);
    let now = chrono::Utc::now() - chrono::TimeDelta::hours(1);
    let row = |id: i64| {
        let body = json!({ "id": id, "type": "device.lowBattery", "payload": { "device": { "id": id } } });
        json!({ "id": id, "webhookUrl": URL, "webhookType": "device.lowBattery", "payload": body.to_string(),
                "createTimestamp": now.to_rfc3339(), "lastResponseStatus": 503, "retryAttempts": 0 })
    };
    impilo.account().log = (1..=270).map(row).collect();
    // An answer that would be longer than is taken, wherever the row 7 is on a page with four others.
    let long = || Answer::Say(200, Vec::new(), " ".repeat(33 << 20));
    impilo.interrupt(move |_, asked| {
        let number = |name: &str| {
            let part = asked.path.split(['?', '&']).find_map(|part| part.strip_prefix(name))?;
            part.parse::<u32>().ok()
        };
        let (page, size) = (number("page=")?, number("size=")?);
        (asked.path.contains("/webhook/logs?") && size > 1 && (page - 1) * size < 7).then(long)
    });
    let looked = world.run(&["impilo", "recover", "--since", "2h", "--dry-run"]);
    assert!(looked.code == 0 && looked.stdout.contains("270 rows for this address"), "{looked:?}");

    let far = world.run(&["impilo", "recover", "--since", "2020-01-01T00:00:00Z", "--dry-run"]);
    assert!(far.code == 1 && far.stderr.contains("first --until 2020-01-31T00:00:00"), "{far:?}");

    // One row that is too long by itself is said to be that, and neither the key nor the address is blamed.
    impilo.interrupt(move |_, asked| asked.path.contains("/webhook/logs?").then(long));
    let looked = world.run(&["impilo", "recover", "--since", "2h", "--dry-run"]);
    assert!(looked.code == 1 && looked.stderr.contains("a single row"), "{looked:?}");
    assert!(!looked.stderr.contains("impilo.api"), "{looked:?}");
    let doctor = world.run(&["doctor"]).stdout;
    assert!(doctor.contains("ok       api_key") && doctor.contains("unknown  deliveries"), "{doctor}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_faithful_account_refuses_nothing_that_it_is_asked() {
    let mut world = World::new().await;
    let now = Timestamp::from(chrono::Utc::now());
    let plan = Plan { seed: 5, devices: 20, days: 2, begin: now };
    let options = Options { secret: Some(SECRET.to_owned()), ..Options::new(plan, Pace::ByHand) };
    let faithful = StandIn::start(options, TcpListener::bind("127.0.0.1:0").unwrap(), None).unwrap();
    world.start().await;
    fs::write(world.path("key"), "simulated-key").unwrap();
    world.configure(&format!(
        "public_url: {}\nimpilo: {{ webhook_secrets: [{{ file: {} }}], api_key: {{ file: {} }}, api: \"http://{}\" }}",
        world.url().trim_end_matches("/webhooks/impilo"),
        world.path("secret").display(),
        world.path("key").display(),
        faithful.address(),
    ));
    assert_eq!(world.run(&["reload"]).code, 0);
    carried_out(&world, &[]);
    assert_eq!(world.run(&["impilo", "secret", "rotate"]).code, 0);
    let tested = world.run(&["impilo", "webhooks", "test"]);
    assert!(tested.code == 0 && tested.stdout.contains("is kept"), "{tested:?}");
    let clock = format!("http://{}/simulate/clock", faithful.address());
    let moved = world.http.post(clock).json(&json!({ "advance": "4h" })).send().await.unwrap();
    assert_eq!(moved.status(), 200);
    eventually("events come with the new secret", || {
        let status = world.json(&["status"]);
        let used = |place: usize| status["receiving"]["secrets"][place]["uses"].as_u64();
        (used(0) == Some(0) && used(1)? > 0).then_some(())
    })
    .await;
    // The stand-in's clock was moved, and the new secret is not configured.
    let report = world.json(&["doctor"]);
    let wrong = report["checks"].as_array().unwrap().iter().filter(|check| check["verdict"] != "fine");
    let wrong: Vec<&str> = wrong.map(|check| check["name"].as_str().unwrap()).collect();
    assert_eq!(wrong, ["clock", "webhook_secret"], "{report}");
    let (tally, refused) = faithful.stop().await.unwrap();
    assert!(tally.delivered > 0 && tally.refused == 0, "{tally:?}");
    // Ids and pages that are not there are part of the documents; nothing else was refused.
    assert!(refused.is_empty(), "{refused:?}");
}

/// The answer of a clock that is so many seconds ahead.
fn dated(answer: Answer, ahead: i64) -> Answer {
    match answer {
        Answer::Say(status, mut headers, body) => {
            let date = chrono::Utc::now() + chrono::TimeDelta::seconds(ahead);
            headers.push(("Date", date.to_rfc2822()));
            Answer::Say(status, headers, body)
        }
        other => other,
    }
}
