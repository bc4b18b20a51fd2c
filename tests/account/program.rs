//! `pulsewarden simulate`, as its users run it.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use pulsewarden::simulate::{Problem, Truth};
use serde_json::{Value, json};

use crate::world::Receiver;

fn simulate(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pulsewarden"));
    command.arg("simulate").args(arguments);
    command
}

fn printed(arguments: &[&str]) -> String {
    let output = simulate(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

const PLAN: [&str; 6] = ["--begin", "2026-01-05T12:00:00Z", "--devices", "60", "--days", "12"];

fn with_plan(arguments: &[&str]) -> Vec<String> {
    arguments.iter().chain(&PLAN).map(|argument| (*argument).to_owned()).collect()
}

#[test]
fn a_history_is_the_same_for_the_same_seed_and_backtest_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("events.jsonl");
    let truth = folder.path().join("truth.jsonl");
    let (file, truth) = (file.to_str().unwrap(), truth.to_str().unwrap());
    let run = |arguments: &[&str]| {
        let arguments = with_plan(arguments);
        printed(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let first = run(&["--out", "-", "--seed", "4"]);
    assert!(first.lines().count() > 1000);
    assert_eq!(run(&["--out", file, "--seed", "4", "--truth", truth]), "");
    assert!(std::fs::read_to_string(file).unwrap() == first);
    assert!(run(&["--out", "-", "--seed", "5"]) != first);
    let line: Value = serde_json::from_str(first.lines().next().unwrap()).unwrap();
    let names: Vec<&String> = line.as_object().unwrap().keys().collect();
    assert_eq!(names, ["id", "payload", "received_at", "type"]);

    let truths = std::fs::read_to_string(truth).unwrap();
    let truths: Vec<Truth> = truths.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(truths.iter().any(|truth| truth.problem == Problem::LowBattery), "{truths:?}");
    assert!(truths.iter().any(|truth| truth.until.is_none()));

    let rules = concat!(env!("CARGO_MANIFEST_DIR"), "/rules");
    let mut backtest = Command::new(env!("CARGO_BIN_EXE_pulsewarden"));
    let output = backtest.args(["backtest", "--rules", rules, "--events", file, "--json"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["events"], first.lines().count());
}

/// A running stand-in: where it listens, and what it prints afterwards.
struct Running {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
    url: String,
}

fn start(arguments: &[&str]) -> Running {
    let mut child = simulate(arguments).args(["--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    let url = line.trim_end().trim_start_matches("the stand-in listens on ").to_owned();
    Running { child, lines, url }
}

impl Running {
    /// Its exit code and what it said last.
    fn end(mut self) -> (i32, String) {
        let mut said = String::new();
        self.lines.read_to_string(&mut said).unwrap();
        (self.child.wait().unwrap().code().unwrap(), said)
    }

    fn terminate(self) -> (i32, String) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
        self.end()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_tells_its_history_and_ends() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let receiver = Receiver::start(|_, before| if before == 5 { 500 } else { 200 });
    let arguments = with_plan(&["--once", "--speed", "10000000", "--subscribe", &receiver.url, "--secret", "s3cret"]);
    let running = start(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let (code, said) = tokio::task::spawn_blocking(|| running.end()).await.unwrap();
    assert_eq!(code, 0, "{said}");
    let came = receiver.came();
    assert!(came.len() > 1000 && came.iter().all(|came| came.secret.as_deref() == Some("s3cret")));
    let told =
        format!("{} events told; {} attempts, {} delivered, 1 refused", came.len() - 1, came.len(), came.len() - 1);
    assert!(said.starts_with(&told), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn undocumented_requests_are_listed_at_the_end_and_spoil_the_exit_code() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::new();
    for (path, code) in [("/api/v3/device?status=withPatient", 0), ("/api/v3/device?state=withPatient", 1)] {
        let running = start(&["--by-hand", "--devices", "3", "--api-key", "the-key"]);
        let asked = http.get(format!("{}{path}", running.url)).header("Impilo-API-Key", "the-key");
        assert_eq!(asked.send().await.unwrap().status(), if code == 0 { 200 } else { 400 });
        let (ended, said) = running.terminate();
        assert_eq!(ended, code, "{said}");
        let listed = "refused GET /api/v3/device with 400: the query parameter `state` is not documented here";
        assert_eq!(said.contains(listed), code == 1, "{said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_goes_by_itself_cannot_be_moved() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let running = start(&["--devices", "3", "--begin", "2026-01-05T12:00:00Z", "--speed", "3600"]);
    let http = reqwest::Client::new();
    let clock = format!("{}/simulate/clock", running.url);
    let answer = http.post(&clock).body(json!({ "to": "2027-01-05T12:00:00Z" }).to_string()).send().await.unwrap();
    assert_eq!(answer.status(), 409);
    // An hour in a second: waiting for what is due does not stop it.
    loop {
        let answer = http.post(&clock).send().await.unwrap();
        let status: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        if status["now"].as_str().unwrap() > "2026-01-05T13:00:00.000Z" {
            break;
        }
    }
    assert_eq!(running.terminate().0, 0);
}

#[test]
fn what_makes_no_sense_is_said() {
    for (arguments, said) in [
        (&["--undelivered", "6h..2h"][..], "two lengths as in 2h..6h"),
        (&["--duplicates", "2"], "a share from 0 to 1"),
        (&["--out", "-", "--subscribe", "http://a.example/"], "cannot be used with"),
        (&["--by-hand", "--speed", "3"], "cannot be used with"),
        (&["--begin", "yesterday"], "a time as in"),
    ] {
        let output = simulate(arguments).output().unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && errors.contains(said), "{arguments:?}: {errors}");
    }
}

#[test]
fn what_cannot_be_invented_or_written_is_refused_and_says_why() {
    let refused = |arguments: &[&str]| {
        let output = simulate(arguments).output().unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(refused(&["--out", "-", "--devices", "99999999999"]).contains("from 1 to 1000000"));
    assert!(refused(&["--out", "-", "--begin", "9999-12-31T00:00:00Z"]).contains("from 1970 to 2999"));
    for address in ["notaurl", "ftp://a.example/"] {
        assert!(refused(&["--subscribe", address]).contains("http://127.0.0.1:8080/webhooks/impilo"));
    }
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    assert!(refused(&["--out", &at("a"), "--truth", &at("./a")]).contains("the same file"));
    assert!(refused(&["--out", "-", "--truth", "-"]).contains("the same file"));
    let arguments = with_plan(&["--out", &at("a"), "--truth", "-"]);
    let truths = printed(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(truths.lines().count() > 3 && truths.lines().all(|line| line.contains("problem")), "{truths}");
}
