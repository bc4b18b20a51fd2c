//! What each channel makes of every answer, and that no answer makes a secret show.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use pulsewarden::config::{Bundle, Email, Endpoint, Pagerduty, SecretRef, Settings, Slack};
use pulsewarden::engine::{Channel, Content, Labels, Notification, Phi, Severity, Timestamp};
use pulsewarden::notify::{self, Senders, Sent, Templates};
use pulsewarden::replay::samples;
use pulsewarden::store::{Delivery, Rendered, Root};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::stand_in::{Answer, Asked, StandIn};

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn slack() -> Channel {
    Channel::SlackWebhook { webhook: "alerts".to_owned() }
}

fn bot() -> Channel {
    Channel::SlackChannel { channel: "#device-alerts".to_owned() }
}

fn webhook() -> Channel {
    Channel::Webhook { endpoint: "records".to_owned() }
}

fn pagerduty() -> Channel {
    Channel::Pagerduty { integration: "oncall".to_owned() }
}

/// Senders that know nobody but the stand-in; every secret holds the word `geheim`.
fn senders(at: &StandIn) -> Senders {
    // The first test in the process installs it for all.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let secret = |text: String| SecretRef::Literal(SecretString::from(text));
    let by = |name: &str, text: String| BTreeMap::from([(name.to_owned(), secret(text))]);
    let hook = || format!("{}/geheim", at.url());
    let endpoint = Endpoint { url: secret(hook()), secret: secret("whsec_Z2VoZWlt".to_owned()) };
    let settings = Settings {
        slack: Slack {
            webhooks: by("alerts", hook()),
            bot_token: Some(secret("xoxb-geheim".to_owned())),
            signing_secret: None,
            api: format!("{}/api", at.url()),
        },
        endpoints: BTreeMap::from([("records".to_owned(), endpoint)]),
        pagerduty: Pagerduty { integrations: by("oncall", "geheim".to_owned()), api: at.url() },
        ..Settings::default()
    };
    Senders::new(&settings).unwrap()
}

fn delivery(channel: Channel, content: Content, root: Option<Root>) -> Delivery {
    let notification = Notification {
        key: KEY.to_owned(),
        receiver: "team".to_owned(),
        phi: Phi::Ids,
        channel,
        group: "g".to_owned(),
        due: Timestamp(1_000),
        content,
        remarks: Vec::new(),
    };
    let rendered = notify::render(&notification, &Templates::shipped(), None);
    Delivery { id: 1, notification, attempts: 0, since: Timestamp(1_000), rendered, root }
}

fn sample(channel: Channel) -> Delivery {
    delivery(channel, Content::Test { by: "ops".to_owned() }, None)
}

/// A group's message that says that there is nothing left.
fn of_group(root: Option<Root>) -> Delivery {
    let content = Content::Alerts {
        group_labels: Labels::new(),
        firing: Vec::new(),
        ended: Vec::new(),
        firing_omitted: 0,
        ended_omitted: 0,
        repeat: false,
        update: false,
        thread: 7,
    };
    delivery(bot(), content, root)
}

fn root() -> Root {
    let open = BTreeMap::from([(7, Severity::Warning)]);
    Root { thread: 7, message: "1.1".to_owned(), place: "C1".to_owned(), shown: Timestamp(500), open }
}

/// What a result says, in a word; nothing of it may show a secret.
fn word(sent: &Sent) -> String {
    assert!(!format!("{sent:?}").contains("geheim"), "{sent:?}");
    match sent {
        Sent::Delivered { refused: None, .. } => "delivered".to_owned(),
        Sent::Delivered { .. } => "in part".to_owned(),
        Sent::Retry { after: Some(after), .. } => format!("after {}", after.as_secs()),
        Sent::Retry { answered: true, .. } => "again".to_owned(),
        Sent::Retry { .. } => "no answer".to_owned(),
        Sent::Rejected { .. } => "never".to_owned(),
        Sent::Needless { .. } => "nothing to send".to_owned(),
        Sent::Unsendable { .. } => "not at all".to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_status_means() {
    let at = StandIn::start(|_| Answer::Reset).await;
    let senders = senders(&at);
    let date = "Sun, 09 Sep 2001 01:47:10 GMT".to_owned();
    let wait = |status, after: &str| Answer::Say(status, vec![("Retry-After", after.to_owned())], String::new());
    let until = Answer::Say(
        503,
        vec![("Date", "Sun, 09 Sep 2001 01:46:40 GMT".to_owned()), ("Retry-After", date)],
        String::new(),
    );
    // Slack's webhook, its bot, an endpoint, PagerDuty.
    let table = [
        (Answer::status(202), ["delivered", "again", "delivered", "delivered"]),
        (Answer::status(301), ["again"; 4]),
        (Answer::status(307), ["again"; 4]),
        (Answer::status(400), ["never", "again", "never", "never"]),
        (Answer::status(401), ["again"; 4]),
        (Answer::status(403), ["again"; 4]),
        (Answer::status(404), ["again"; 4]),
        (Answer::status(408), ["again"; 4]),
        (Answer::status(410), ["again", "again", "never", "never"]),
        (Answer::status(413), ["never", "again", "never", "never"]),
        (Answer::status(422), ["never", "again", "never", "never"]),
        (Answer::status(425), ["again"; 4]),
        (Answer::status(429), ["again"; 4]),
        (wait(429, "7"), ["after 7"; 4]),
        (wait(429, "0"), ["after 1"; 4]),
        (wait(503, "86400"), ["after 3600"; 4]),
        (until, ["after 30"; 4]),
        (Answer::status(500), ["again"; 4]),
        (Answer::status(502), ["again"; 4]),
        (Answer::status(503), ["again"; 4]),
        (Answer::status(504), ["again"; 4]),
        (Answer::Reset, ["no answer"; 4]),
    ];
    for (answer, expected) in table {
        let said = answer.clone();
        at.answer(move |_| said.clone());
        for (channel, expected) in [slack(), bot(), webhook(), pagerduty()].into_iter().zip(expected) {
            let sent = senders.send(&sample(channel.clone())).await;
            assert_eq!(word(&sent), expected, "{channel:?} {answer:?} {sent:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_side_that_says_nothing_is_given_up_for_now() {
    let at = StandIn::start(|_| Answer::Silence).await;
    let senders = senders(&at);
    let deliveries = [slack(), bot(), webhook(), pagerduty()].map(sample);
    let [a, b, c, d] = &deliveries;
    let sent = tokio::time::timeout(Duration::from_secs(60), async {
        tokio::join!(senders.send(a), senders.send(b), senders.send(c), senders.send(d))
    });
    let (a, b, c, d) = sent.await.unwrap();
    assert_eq!([a, b, c, d].map(|sent| word(&sent)), ["no answer"; 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_word_of_slack_means() {
    let at = StandIn::start(|_| Answer::Reset).await;
    let senders = senders(&at);
    let table = [
        ("after 30", &["ratelimited", "rate_limited"][..]),
        ("again", &["fatal_error", "internal_error", "service_unavailable", "request_timeout", "a_new_word", ""]),
        ("again", &["channel_not_found", "not_in_channel", "is_archived", "restricted_action"]),
        ("again", &["invalid_auth", "not_authed", "token_revoked", "account_inactive", "missing_scope"]),
        ("never", &["msg_too_long", "msg_blocks_too_long", "invalid_blocks", "invalid_arguments", "no_text"]),
        ("never", &["invalid_blocks_format", "metadata_too_large", "invalid_metadata_format"]),
    ];
    for (expected, words) in table {
        for error in words {
            at.answer(move |_| Answer::json(&json!({ "ok": false, "error": error })));
            let sent = senders.send(&sample(bot())).await;
            assert_eq!(word(&sent), expected, "{error}");
            let sent = senders.send(&of_group(Some(root()))).await;
            assert_eq!(word(&sent), expected, "{error} to a change");
        }
    }
    let wait = r#"{"ok":false,"error":"ratelimited"}"#.to_owned();
    at.answer(move |_| Answer::Say(200, vec![("Retry-After", "11".to_owned())], wait.clone()));
    assert_eq!(word(&senders.send(&sample(bot())).await), "after 11");
}

/// Answers as Slack does, and says no to what `refused` names.
fn slack_like(refused: &'static [(&'static str, &'static str)]) -> impl FnMut(&Asked) -> Answer + Send {
    move |asked| match refused.iter().find(|(what, _)| asked.path.ends_with(what) || asked.body.contains(what)) {
        Some((_, error)) => Answer::json(&json!({ "ok": false, "error": error })),
        None => Answer::json(&json!({ "ok": true, "channel": "C2", "ts": "2.2" })),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_changes_the_first_message_and_then_replies() {
    let at = StandIn::start(slack_like(&[])).await;
    let senders = senders(&at);
    let methods = |from: usize| -> Vec<String> {
        at.asked()[from..].iter().map(|asked| asked.path.trim_start_matches("/api/").to_owned()).collect()
    };
    // The first one.
    let Sent::Delivered { root: Some(begun), .. } = senders.send(&of_group(None)).await else { panic!("no root") };
    assert_eq!((begun.thread, &*begun.message, &*begun.place), (7, "2.2", "C2"));
    let first = at.asked()[0].clone();
    assert_eq!(first.headers["authorization"], "Bearer xoxb-geheim");
    let body = first.json();
    assert_eq!((&body["channel"], &body["metadata"]["event_payload"]["key"]), (&json!("#device-alerts"), &json!(KEY)));
    // A later one.
    let Sent::Delivered { root: Some(shown), .. } = senders.send(&of_group(Some(root()))).await else {
        panic!("no root")
    };
    assert_eq!((&*shown.message, shown.shown, shown.open.len()), ("1.1", Timestamp(1_000), 0));
    assert_eq!(methods(1), ["chat.update", "chat.postMessage"]);
    let (update, reply) = (at.asked()[1].json(), at.asked()[2].json());
    assert_eq!((&update["channel"], &update["ts"]), (&json!("C1"), &json!("1.1")));
    assert_eq!((&reply["thread_ts"], &reply["reply_broadcast"]), (&json!("1.1"), &json!(false)));
    // One that comes after a newer one tells what happened, and changes nothing.
    let newer = Root { shown: Timestamp(2_000), ..root() };
    assert!(matches!(senders.send(&of_group(Some(newer))).await, Sent::Delivered { root: None, .. }));
    assert_eq!(methods(3), ["chat.postMessage"]);
    // One of another thread begins anew.
    let other = Root { thread: 3, ..root() };
    assert!(matches!(senders.send(&of_group(Some(other))).await, Sent::Delivered { root: Some(_), .. }));
    assert_eq!(methods(4), ["chat.postMessage"]);
    assert!(at.asked()[4].json().get("thread_ts").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_somebody_deleted_is_posted_anew() {
    for refused in [
        &[("chat.update", "message_not_found")][..],
        &[("chat.update", "cant_update_message")],
        &[("chat.update", "edit_window_closed")],
        &[("thread_ts", "thread_not_found")],
        &[("thread_ts", "message_not_found")],
        &[("C1", "channel_not_found")],
    ] {
        let at = StandIn::start(slack_like(refused)).await;
        let Sent::Delivered { root: Some(begun), .. } = senders(&at).send(&of_group(Some(root()))).await else {
            panic!("{refused:?}")
        };
        assert_eq!(&*begun.message, "2.2");
        assert_eq!(at.asked().last().unwrap().json()["channel"], "#device-alerts");
    }
    // A reply that fails for now is made again, with the change before it.
    let at = StandIn::start(slack_like(&[("thread_ts", "internal_error")])).await;
    assert_eq!(word(&senders(&at).send(&of_group(Some(root()))).await), "again");
}

#[tokio::test(flavor = "multi_thread")]
async fn pagerduty_is_told_the_rest_where_a_part_fails() {
    let event = |n: usize| json!({ "event_action": "trigger", "dedup_key": format!("k{n}") }).to_string();
    let many = |count: usize| Delivery {
        rendered: Rendered::Pagerduty { events: (0..count).map(event).collect() },
        ..sample(pagerduty())
    };
    let told =
        |at: &StandIn| -> Vec<Value> { at.asked().iter().map(|asked| asked.json()["dedup_key"].clone()).collect() };
    let failing = |which: &'static str, status: u16| {
        move |asked: &Asked| match asked.body.contains(which) {
            true => Answer::Say(status, Vec::new(), r#"{"status":"invalid event"}"#.to_owned()),
            false => Answer::status(202),
        }
    };
    // One that is wrong keeps no other from being told.
    let at = StandIn::start(failing("k1", 400)).await;
    let sent = senders(&at).send(&many(3)).await;
    assert_eq!((word(&sent), told(&at).len()), ("in part".to_owned(), 3));
    assert_eq!(at.asked()[0].json()["routing_key"], "geheim");
    // What has been taken is not said again.
    let at = StandIn::start(failing("k1", 500)).await;
    let senders_here = senders(&at);
    assert_eq!(word(&senders_here.send(&many(3)).await), "again");
    at.answer(failing("nothing", 500));
    assert_eq!(word(&senders_here.send(&many(3)).await), "delivered");
    assert_eq!(told(&at), ["k0", "k1", "k2", "k1"]);
    // Where it wants to be left alone, it is.
    let at = StandIn::start(failing("k1", 429)).await;
    let senders_here = senders(&at);
    assert_eq!(word(&senders_here.send(&many(3)).await), "again");
    assert_eq!(told(&at), ["k0", "k1"]);
    at.answer(failing("nothing", 500));
    assert_eq!(word(&senders_here.send(&many(3)).await), "delivered");
    assert_eq!(told(&at), ["k0", "k1", "k1", "k2"]);
    // A key that is wrong can be mended; an event that is wrong cannot.
    let wrong_key = r#"{"status":"invalid event","errors":["'routing_key' is invalid"]}"#;
    let at = StandIn::start(|_| Answer::Say(400, Vec::new(), wrong_key.to_owned())).await;
    assert_eq!(word(&senders(&at).send(&many(2)).await), "again");
    let at = StandIn::start(failing("k", 400)).await;
    assert_eq!(word(&senders(&at).send(&many(2)).await), "never");
}

/// Speaks SMTP, and at one step says what it is told; without words it breaks the connection there.
async fn mail_server(step: &'static str, says: Option<&'static str>) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(mail_session(BufReader::new(stream), step, says));
        }
    });
    address
}

async fn mail_session(mut stream: BufReader<TcpStream>, step: &'static str, says: Option<&'static str>) -> Option<()> {
    let (mut line, mut at) = (String::new(), "banner");
    loop {
        let usual = match at {
            "banner" => "220 here",
            "DATA" => "354 go on",
            "QUIT" => "221 bye",
            _ => "250 ok",
        };
        let said = if at == step { says? } else { usual };
        stream.write_all(format!("{said}\r\n").as_bytes()).await.ok()?;
        let in_message = said.starts_with("354");
        loop {
            line.clear();
            stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
            if !in_message || line == ".\r\n" {
                break;
            }
        }
        at = if in_message {
            "end"
        } else {
            COMMANDS.into_iter().find(|command| line.starts_with(command)).unwrap_or("other")
        };
    }
}

const COMMANDS: [&str; 5] = ["EHLO", "MAIL", "RCPT", "DATA", "QUIT"];

async fn send_mail(step: &'static str, says: Option<&'static str>) -> String {
    word(&mail(step, says).await)
}

async fn mail(step: &'static str, says: Option<&'static str>) -> Sent {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let email = Email {
        smtp: format!("smtp://{}", mail_server(step, says).await),
        username: None,
        password: None,
        ca_file: None,
        from: "Pulsewarden <alerts@clinic.example>".to_owned(),
        timeout: Duration::from_secs(20),
    };
    let senders = Senders::new(&Settings { email: Some(email), ..Settings::default() }).unwrap();
    senders.send(&sample(Channel::Email { to: vec!["team@clinic.example".to_owned()] })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_mail_server_says_at_each_step_is_for_now_or_for_good() {
    assert_eq!(send_mail("none", None).await, "delivered");
    for step in ["banner", "EHLO", "MAIL", "RCPT", "DATA", "end"] {
        for says in ["450 busy", "451 not now", "452 full"] {
            assert_eq!(send_mail(step, Some(says)).await, "again", "{says} to {step}");
        }
        // These are about the server and not the message, so that others would fare no better.
        for says in ["421 closing", "521 no mail here", "530 who are you", "535 no"] {
            assert_eq!(send_mail(step, Some(says)).await, "no answer", "{says} to {step}");
        }
        assert_eq!(send_mail(step, None).await, "no answer", "nothing to {step}");
    }
    for says in ["550 no", "552 too large", "553 not so", "554 no"] {
        for step in ["MAIL", "RCPT", "DATA", "end"] {
            assert_eq!(send_mail(step, Some(says)).await, "never", "{says} to {step}");
        }
        // Whoever turns everybody away says nothing of the message.
        for step in ["banner", "EHLO"] {
            assert_eq!(send_mail(step, Some(says)).await, "no answer", "{says} to {step}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_is_spoken_to_over_tls_or_not_at_all() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let secret = |text: &str| SecretRef::Literal(SecretString::from(text));
    for (url, key) in [
        ("http://records.example/geheim", "geheim"),
        ("no address geheim", "geheim"),
        ("https://localhost:1/geheim", "whsec_geheim!"),
    ] {
        let endpoint = Endpoint { url: secret(url), secret: secret(key) };
        let endpoints = BTreeMap::from([("records".to_owned(), endpoint)]);
        let senders = Senders::new(&Settings { endpoints, ..Settings::default() }).unwrap();
        let sent = senders.send(&sample(webhook())).await;
        assert_eq!(word(&sent), "no answer");
        assert!(format!("{sent:?}").contains("webhook.endpoints.records"), "{sent:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_back_of_a_message_is_not_kept() {
    let echo = r#"{"error":"invalid_payload","got":{"firstName":"Lindqvist","email":"x@y.example"}}"#;
    let at = StandIn::start(|_| Answer::Reset).await;
    let senders = senders(&at);
    for status in [200, 400, 422, 500] {
        at.answer(move |_| Answer::Say(status, Vec::new(), echo.to_owned()));
        for channel in [slack(), bot(), webhook(), pagerduty()] {
            let sent = format!("{:?}", senders.send(&sample(channel.clone())).await);
            assert!(!sent.contains("Lindqvist") && !sent.contains("firstName"), "{channel:?} {status} {sent}");
            assert!(sent.contains(&status.to_string()), "{sent}");
        }
    }
    let refused = json!({ "ok": false, "error": "anna_lindqvist" });
    at.answer(move |_| Answer::json(&refused));
    assert!(!format!("{:?}", senders.send(&sample(bot())).await).contains("lindqvist"));
    for (step, says) in
        [("end", "554 5.7.1 rejected: Battery low for Lindqvist"), ("end", "250 2.0.0 ok: Lindqvist is told")]
    {
        let sent = format!("{:?}", mail(step, Some(says)).await);
        assert!(
            !sent.contains("Lindqvist") && (sent.contains("5.7.1 rejected") || sent.contains("2.0.0 ok")),
            "{sent}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_there_is_nothing_to_send_nothing_is_delivered() {
    let at = StandIn::start(|_| Answer::status(202)).await;
    let senders = senders(&at);
    let digest = delivery(pagerduty(), Content::Digest(Box::default()), None);
    assert_eq!(word(&senders.send(&digest).await), "nothing to send");
    assert!(at.asked().is_empty());
}

#[test]
fn an_endpoint_reads_all_of_a_digest() {
    let rules = Bundle::of(&[("a.yaml", "rules: [{ alert: A, event: device.lowBattery }]")]).compile().unwrap().0;
    let samples = samples(&rules);
    let digest = samples.into_iter().find(|sample| matches!(sample.notification.content, Content::Digest(_))).unwrap();
    let notification = Notification { channel: webhook(), ..digest.notification };
    let Rendered::Webhook { body } = notify::render(&notification, &Templates::shipped(), None) else { panic!() };
    let body: Value = serde_json::from_str(&body).unwrap();
    let all = |name: &str| -> Vec<&Value> {
        let sections = body["sections"].as_array().unwrap().iter();
        sections.flat_map(|section| section[name].as_array().unwrap()).collect()
    };
    assert!(!all("lines").is_empty() && all("lines").iter().all(|line| line["title"].is_string()), "{body}");
    assert!(!all("bars").is_empty() && all("bars").iter().all(|bar| bar["value"].is_u64()), "{body}");
}
