//! Mail to a real mail server, over TLS and with a password, read by a parser that is not ours.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::events::{NAMES, battery, serial};
use crate::harness::{RECEIVERS, World, eventually};

const PASSWORD: &str = "correct horse: battery staple";

/// Debian's aiosmtpd, which takes mail over TLS alone and from those alone who know the password.
struct MailServer {
    child: Child,
    /// Closing it ends the server.
    _stdin: ChildStdin,
    port: u64,
    mails: Arc<Mutex<Vec<Value>>>,
}

impl MailServer {
    fn start(world: &World, implicit_tls: bool) -> Self {
        let (key, certificate) = (world.path("mail.key"), world.path("mail.pem"));
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"])
            .args([
                "-addext",
                "subjectAltName=DNS:localhost",
                "-addext",
                "basicConstraints=critical,CA:FALSE",
                "-keyout",
            ])
            .args([key.as_os_str(), "-out".as_ref(), certificate.as_os_str()])
            .stderr(Stdio::null())
            .status();
        assert!(made.unwrap().success());
        let mut child = Command::new("/usr/bin/python3")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/smtp_server.py"))
            .args(["--password", PASSWORD, "--key"])
            .args([key.as_os_str(), "--certificate".as_ref(), certificate.as_os_str()])
            .args(implicit_tls.then_some("--implicit"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // It tells of every connection that ends as these tests mean it to.
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut said = move || serde_json::from_str::<Value>(&lines.next()?).ok();
        let port = said().expect("the mail server starts")["port"].as_u64().unwrap();
        let mails = Arc::<Mutex<Vec<Value>>>::default();
        let kept = Arc::clone(&mails);
        std::thread::spawn(move || {
            while let Some(mail) = said() {
                kept.lock().unwrap().push(mail);
            }
        });
        Self { _stdin: child.stdin.take().unwrap(), child, port, mails }
    }

    fn mails(&self) -> Vec<Value> {
        self.mails.lock().unwrap().clone()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A world whose mail goes to `server`; `trusted` says whether its certificate is.
async fn world_with(implicit_tls: bool, password: &str, trusted: bool) -> (World, MailServer) {
    world_of(RECEIVERS, implicit_tls, password, trusted).await
}

async fn world_of(rules: &str, implicit_tls: bool, password: &str, trusted: bool) -> (World, MailServer) {
    let world = World::with(rules, "").await;
    let server = MailServer::start(&world, implicit_tls);
    fs::write(world.path("password"), password).unwrap();
    let scheme = if implicit_tls { "smtps" } else { "smtp" };
    let authority = format!(", ca_file: {}", world.path("mail.pem").display());
    let email = format!(
        "email: {{ smtp: \"{scheme}://localhost:{}\", username: pulsewarden, password: {{ file: {} }}, timeout: 10s{}, ",
        server.port,
        world.path("password").display(),
        if trusted { authority.as_str() } else { "" }
    );
    let text = fs::read_to_string(world.path("pulsewarden.yaml")).unwrap();
    let text = text.replace(&format!("email: {{ smtp: \"{}\", ", world.mail.url()), &email);
    assert!(text.contains(&email));
    fs::write(world.path("pulsewarden.yaml"), text).unwrap();
    (world, server)
}

/// Why the mail has not gone out, as the ledger tells.
async fn last_error(world: &World) -> String {
    eventually("an attempt has failed", || {
        let waiting = world.json(&["deliveries", "--waiting"]);
        Some(waiting.as_array()?.iter().find_map(|row| row["last_error"].as_str())?.to_owned())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_is_what_a_real_server_and_an_independent_parser_take_it_for() {
    for implicit_tls in [false, true] {
        let (mut world, server) = world_with(implicit_tls, PASSWORD, true).await;
        world.start().await;
        assert_eq!(world.post(&battery(1, 9001, 8)).await, 200);
        let mail = eventually("the mail", || server.mails().pop()).await;
        world.settle().await;
        assert_eq!(server.mails().len(), 1);
        assert_eq!((&mail["tls"], &mail["authenticated"]), (&true.into(), &true.into()), "{mail}");
        assert_eq!(mail["to"], serde_json::json!(["team@clinic.example"]));
        assert_eq!(mail["structure"], serde_json::json!(["multipart/alternative", "text/plain", "text/html"]));
        assert_eq!(mail["defects"], serde_json::json!([]));
        assert_eq!(mail["bare_newline"], false);
        assert!(mail["longest_line"].as_u64().unwrap() <= 998, "{mail}");
        let headers = &mail["headers"];
        assert!(headers["message-id"].as_str().unwrap().ends_with("@clinic.example>"), "{headers}");
        assert_eq!(headers["from"], "Pulsewarden <alerts@clinic.example>");
        assert_eq!(headers["auto-submitted"], "auto-generated");
        assert!(
            headers["subject"].as_str().unwrap().contains("Device battery low") && headers["date"].is_string(),
            "{headers}"
        );
        assert!(headers.get("list-unsubscribe").is_none(), "{headers}");
        for form in ["plain", "html"] {
            assert_eq!(mail[form]["charset"], "utf-8");
            let text = mail[form]["text"].as_str().unwrap();
            assert!(text.contains(&serial(9001)) && text.contains("8%"), "{text}");
            assert!(NAMES.iter().all(|name| !text.contains(name)));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_of_a_digest_stands_beside_both_texts() {
    let digest = "digests: [{ digest: daily, schedule: \"0 8 1 1 *\", time_zone: UTC, receiver: team, csv: true }]\n";
    let (mut world, server) = world_of(&format!("{RECEIVERS}{digest}"), true, PASSWORD, true).await;
    world.start().await;
    assert_eq!(world.post(&battery(1, 9001, 8)).await, 200);
    world.settle().await;
    let sent = world.run(&["digest", "send", "daily"]);
    assert_eq!(sent.code, 0, "{sent:?}");
    let mail =
        eventually("the digest", || server.mails().into_iter().find(|mail| mail["structure"][0] == "multipart/mixed"));
    let mail = mail.await;
    let parts = ["multipart/mixed", "multipart/alternative", "text/plain", "text/html", "text/csv"];
    assert_eq!(mail["structure"], serde_json::json!(parts));
    assert_eq!(mail["defects"], serde_json::json!([]));
    assert!(mail["longest_line"].as_u64().unwrap() <= 998, "{mail}");
    let table = &mail["attachments"][0];
    let today = chrono::Utc::now().format("%Y").to_string();
    assert!(table["name"].as_str().unwrap().starts_with(&format!("daily-{today}")), "{table}");
    let text = table["text"].as_str().unwrap();
    assert!(text.starts_with("\u{feff}alert,rule,severity,") && text.contains(&serial(9001)), "{text}");
    assert!(text.lines().count() == 2 && text.ends_with("\r\n"), "{text:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_refused_keeps_no_other_from_its_mail() {
    for (refused, state) in [("full@clinic.example", "waiting"), ("gone@clinic.example", "dead")] {
        let addresses = format!("[team@clinic.example, {refused}, other@clinic.example]");
        let rules = RECEIVERS.replace("[team@clinic.example]", &addresses);
        let (mut world, server) = world_of(&rules, false, PASSWORD, true).await;
        world.start().await;
        assert_eq!(world.post(&battery(1, 9001, 8)).await, 200);
        let team =
            || server.mails().into_iter().filter(|mail| mail["to"][0] != "it@clinic.example").collect::<Vec<_>>();
        eventually("both others have it", || (team().len() == 2).then_some(())).await;
        let rows = || {
            let all = world.json(&["deliveries"]);
            let rows = all.as_array().unwrap().iter().filter(|row| row["channel"]["kind"] == "email");
            rows.cloned().collect::<Vec<Value>>()
        };
        let whole = || rows().into_iter().find(|row| row["state"] == "delivered");
        let mail = eventually("it is recorded", whole).await;
        assert!(mail["last_error"].as_str().unwrap().starts_with("1 "), "{mail}");
        let rest = rows().into_iter().find(|row| row["channel"]["to"][0] == refused).expect("the rest");
        assert_eq!(rest["state"], state, "{rest}");
        let told: Vec<Value> = team().iter().map(|mail| mail["to"][0].clone()).collect();
        assert_eq!(told, ["team@clinic.example", "other@clinic.example"]);
        let shown = world.run(&["deliveries", "show", &rest["id"].to_string()]);
        assert!(shown.stdout.contains(&format!("for {refused} alone")), "{shown:?}");
        if state == "dead" {
            assert_eq!(world.run(&["deliveries", "resend", &rest["id"].to_string()]).code, 0);
            let resent = || rows().into_iter().find(|row| row["resent_from"] == rest["id"] && row["state"] == "dead");
            let again = eventually("it is refused again", resent).await;
            assert_eq!((&again["channel"], team().len()), (&rest["channel"], 2), "to nobody who has it");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_waits_to_be_mended() {
    let (mut world, server) = world_with(true, "wrong", true).await;
    world.start().await;
    assert_eq!(world.post(&battery(1, 9001, 8)).await, 200);
    let error = last_error(&world).await;
    assert!(error.contains("535"), "{error}");
    assert!(server.mails().is_empty());
    fs::write(world.path("password"), PASSWORD).unwrap();
    eventually("the mail", || server.mails().pop()).await;
    assert!(!world.log().contains(PASSWORD));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_said_to_a_server_that_cannot_prove_who_it_is() {
    for implicit_tls in [false, true] {
        let (mut world, server) = world_with(implicit_tls, PASSWORD, false).await;
        world.start().await;
        assert_eq!(world.post(&battery(1, 9001, 8)).await, 200);
        let error = last_error(&world).await;
        assert!(error.contains("certificate"), "{error}");
        assert!(server.mails().is_empty());
    }
}

/// Two sites, whose messages come in groups, with texts that mail must encode.
const TWO_SITES: &str = r#"
receivers: [{ name: team, phi: ids, email: [{ to: [team@clinic.example] }] }]
route: { receiver: team, group_by: [device], group_wait: 0s, group_interval: 1s, repeat_interval: 24h }
override:
  - { alert: DeviceBatteryDrainsFast, disabled: true }
  - { alert: DeviceBatteryLow, annotations: { summary: "Naïve ☎ {{ device.serial }} LONG", action: "Ruf an — 電池" } }
"#;

/// A subject as mail programs compare it (RFC 5256, part 2.1): without `Re:` and without what stands in brackets before it.
fn base(subject: &str) -> &str {
    let mut rest = subject.trim();
    loop {
        let next = rest.strip_prefix("Re:").unwrap_or(rest).trim_start();
        let next =
            next.strip_prefix('[').and_then(|blob| blob.split_once(']')).map_or(next, |(_, after)| after).trim_start();
        if next == rest {
            return rest;
        }
        rest = next;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mails_of_a_group_make_one_conversation() {
    let rules = TWO_SITES.replace("LONG", &"weit ".repeat(250));
    let (mut world, server) = world_of(&rules, false, PASSWORD, true).await;
    world.start().await;
    let mut id = 0;
    for (device, percentage, mails) in [(9001, 8, 1), (9002, 8, 2), (9001, 3, 3), (9002, 3, 4)] {
        id += 1;
        assert_eq!(world.post(&battery(id, device, percentage)).await, 200);
        eventually("the mail", || (server.mails().len() == mails).then_some(())).await;
        world.settle().await;
        // What the first mail was outlives the daemon.
        if mails == 2 {
            world.stop().await;
            world.start().await;
        }
    }
    assert_eq!(world.post(&battery(90, 9001, 90)).await, 200);
    eventually("the end", || (server.mails().len() == 5).then_some(())).await;
    world.settle().await;
    assert_eq!(world.post(&battery(91, 9001, 8)).await, 200);
    eventually("a new beginning", || (server.mails().len() == 6).then_some(())).await;
    let mails = server.mails();
    let header = |place: usize, name: &str| mails[place]["headers"][name].as_str().unwrap_or_default().to_owned();
    let (firsts, followers) = ([0, 1, 5], [(2, 0), (3, 1), (4, 0)]);
    for place in firsts {
        assert!(!header(place, "subject").starts_with("Re:") && header(place, "in-reply-to").is_empty());
    }
    for (place, first) in followers {
        assert_eq!(header(place, "in-reply-to"), header(first, "message-id"));
        assert_eq!(mails[place]["references"].as_array().unwrap().last(), Some(&header(first, "message-id").into()));
        assert_eq!(mails[place]["references"][0], mails[first]["references"][0]);
        assert!(header(place, "subject").starts_with("Re: ["), "{}", header(place, "subject"));
        assert_eq!(base(&header(place, "subject")), base(&header(first, "subject")));
    }
    assert!(header(4, "subject").starts_with("Re: [RESOLVED]"));
    for part in [
        |mail: &Value| base(mail["headers"]["subject"].as_str().unwrap()).to_owned(),
        |mail: &Value| mail["references"][0].to_string(),
        |mail: &Value| mail["ids"][0].to_string(),
    ] {
        let apart: BTreeSet<String> = firsts.iter().map(|place| part(&mails[*place])).collect();
        assert_eq!(apart.len(), 3, "{apart:?}");
    }
    for mail in &mails {
        assert_eq!((mail["ids"].as_array().unwrap().len(), &mail["defects"]), (1, &serde_json::json!([])));
        assert!(mail["headers"].get("list-unsubscribe").is_none());
        assert!(mail["longest_line"].as_u64().unwrap() <= 998 && mail["bare_newline"] == false, "{mail}");
        assert!(
            mail["encodings"].as_array().unwrap().iter().all(|one| one == "quoted-printable" || one == "base64"),
            "{mail}"
        );
        assert!(!mail["headers"]["subject"].as_str().unwrap().contains("CSC-"));
        // Both parts say the same.
        let (plain, html) = (mail["plain"]["text"].as_str().unwrap(), mail["html"]["text"].as_str().unwrap());
        for told in [serial(9001), serial(9002), "電池".to_owned(), "weit weit".to_owned(), "Naïve ☎".to_owned()] {
            assert_eq!(plain.contains(&told), html.contains(&told), "{told}");
        }
        let numbers = |text: &str, before: &str| -> BTreeSet<String> {
            let found = text.split(before).skip(1);
            found.map(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>()).collect()
        };
        assert_eq!(
            numbers(plain, "(alert "),
            numbers(html, ">alert ").union(&numbers(html, "(alert ")).cloned().collect()
        );
    }
}
