//! Mail to a real mail server, over TLS and with a password, read by a parser that is not ours.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::events::{ITEM, NAMES, battery, serial};
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
        assert!(headers["subject"].as_str().unwrap().contains(ITEM) && headers["date"].is_string(), "{headers}");
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
    for refused in ["full@clinic.example", "gone@clinic.example"] {
        let addresses = format!("[team@clinic.example, {refused}, other@clinic.example]");
        let rules = RECEIVERS.replace("[team@clinic.example]", &addresses);
        let (mut world, server) = world_of(&rules, false, PASSWORD, true).await;
        world.start().await;
        assert_eq!(world.post(&battery(1, 9001, 8)).await, 200);
        eventually("both others have it", || (server.mails().len() == 2).then_some(())).await;
        world.settle().await;
        let told: Vec<Value> = server.mails().iter().map(|mail| mail["to"][0].clone()).collect();
        assert_eq!(told, ["team@clinic.example", "other@clinic.example"]);
        let all = world.json(&["deliveries"]);
        let mail = all.as_array().unwrap().iter().find(|row| row["channel"]["kind"] == "email").unwrap();
        assert_eq!(mail["state"], "delivered");
        assert!(mail["last_error"].as_str().unwrap().starts_with("1 of 3 addresses did not get it"), "{mail}");
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
