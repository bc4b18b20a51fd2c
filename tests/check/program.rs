//! What `pulsewarden check` prints of real files.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use expect_test::expect;

/// What `check` prints, with `FOLDER` in the place of the folder's path, and its exit code.
fn check(folder: &Path, arguments: &[&str]) -> (String, i32) {
    check_with(folder, arguments, None)
}

/// The same with systemd's credentials in a folder.
fn check_with(folder: &Path, arguments: &[&str], credentials: Option<&OsStr>) -> (String, i32) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pulsewarden"));
    command.args(["check", "--config"]).arg(folder.join("pulsewarden.yaml")).args(arguments);
    match credentials {
        Some(credentials) => command.env("CREDENTIALS_DIRECTORY", credentials),
        None => command.env_remove("CREDENTIALS_DIRECTORY"),
    };
    let output = command.output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    (printed.replace(folder.to_str().unwrap(), "FOLDER"), output.status.code().unwrap())
}

/// A folder with these files; `FOLDER` in them is its path.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("rules")).unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text.replace("FOLDER", folder.path().to_str().unwrap())).unwrap();
    }
    folder
}

#[test]
fn nothing_that_is_wrong_hides_what_else_is_wrong() {
    let files = folder(&[
        (
            "pulsewarden.yaml",
            "rules: FOLDER/rules\nlibrary: false\nlisten: 80\nimpilo: { webhook_secrets: [geheim] }\n\
             email: { smtp: nowhere, from: a@b.example }\nslack: { webhooks: { team: geheim } }\n",
        ),
        ("rules/a.yaml", "rules: [\n"),
        (
            "rules/b.yaml",
            "rules:\n- alert: One\n  subject: devise\n  event: device.lowBatery\n  where: device.batery < settings.low\n  \
             annotations: { summary: \"{{ device.sirial }}\" }\n",
        ),
        (
            "rules/c.yaml",
            "receivers:\n- { name: team, email: [{ to: a@b.example }], slack: [{ webhook: team }, { webhook: others }] }\n\
             route: { receiver: elsewhere }\n",
        ),
    ]);
    fs::write(files.path().join("rules/d.yaml"), b"# caf\xe9\n").unwrap();
    let (printed, code) = check(files.path(), &[]);
    assert_eq!(code, 1);
    expect![[r#"
        error: FOLDER/rules/d.yaml:1: not UTF-8: byte 5 is not part of any character
         |
         = help: save the file as UTF-8

        error: `80` is not an IP address with a port
         --> FOLDER/pulsewarden.yaml:3:9
          |
        3 | listen: 80
          |         ^^
          |
          = help: write 127.0.0.1:80 for this machine alone, or 0.0.0.0:80 for every address

        error: a secret must not stand in this file
         --> FOLDER/pulsewarden.yaml:4:29
          |
        4 | impilo: { webhook_secrets: **********
          |                             ^^^^^^ not shown here
          |
          = help: put it into a file of its own (sudo install -m 600 /dev/stdin /etc/pulsewarden/secrets/impilo-webhook-secret), and write webhook_secrets: [{ credential: impilo-webhook-secret }]
          = help: it was readable for everybody who can read this file: change it at its source, too

        error: this is not the address of a mail server
         --> FOLDER/pulsewarden.yaml:5:16
          |
        5 | email: { smtp: nowhere, from: a@b.example }
          |                ^^^^^^^
          |
          = help: write smtps://nowhere:465 (TLS from the start) or smtp://nowhere:587 (STARTTLS)

        error: a secret must not stand in this file
         --> FOLDER/pulsewarden.yaml:6:28
          |
        6 | slack: { webhooks: ******************
          |                            ^^^^^^ not shown here
          |
          = help: put it into a file of its own (sudo install -m 600 /dev/stdin /etc/pulsewarden/secrets/slack-team), and write team: { credential: slack-team }
          = help: it was readable for everybody who can read this file: change it at its source, too

        error: this `[` is never closed
         --> FOLDER/rules/a.yaml:1:8
          |
        1 | rules: [
          |        ^ needs a `]`
          |
          = help: add the missing `]`, or a comma between two items; the reading stopped at line 2

        error: `devise` is not a kind of subject
         --> FOLDER/rules/b.yaml:3:12
          |
        3 |   subject: devise
          |            ^^^^^^
          |
          = help: did you mean `device`?

        error: unknown event type `device.lowBatery`
         --> FOLDER/rules/b.yaml:4:10
          |
        4 |   event: device.lowBatery
          |          ^^^^^^^^^^^^^^^^
          |
          = help: did you mean `device.lowBattery`?

        error: `device` has no field `batery`
         --> FOLDER/rules/b.yaml:5:17
          |
        5 |   where: device.batery < settings.low
          |                 ^^^^^^
          |
          = help: did you mean `device.battery`?

        error: `device` has no field `sirial`
         --> FOLDER/rules/b.yaml:6:31
          |
        6 |   annotations: { summary: "{{ device.sirial }}" }
          |                               ^^^^^^^^^^^^^
          |
          = help: did you mean `device.serial`?

        error: the configuration has no Slack webhook named `others`
         --> FOLDER/rules/c.yaml:2:85
          |
        2 | - { name: team, email: [{ to: a@b.example }], slack: [{ webhook: team }, { webhook: others }] }
          |                                                                                     ^^^^^^
          |
          = help: add to pulsewarden.yaml: slack: { webhooks: { others: { credential: slack-others } } }

        11 errors
    "#]].assert_eq(&printed);
}

#[test]
fn credentials_come_from_the_folder_of_the_unit() {
    let files = folder(&[(
        "pulsewarden.yaml",
        "rules: FOLDER/rules\nlibrary: false\n\
         impilo: { webhook_secrets: [{ credential: first-of-the-test }, { credential: second-of-the-test }] }\n",
    )]);
    let credentials = files.path().join("credentials");
    fs::create_dir(&credentials).unwrap();
    fs::write(credentials.join("first-of-the-test"), "geheim").unwrap();
    fs::write(credentials.join("secrets_second-of-the-test"), "geheim").unwrap();
    let (printed, code) = check_with(files.path(), &[], Some(credentials.as_os_str()));
    assert_eq!((printed.contains("credential"), code), (false, 0), "{printed}");

    fs::remove_file(credentials.join("first-of-the-test")).unwrap();
    let (printed, _) = check_with(files.path(), &[], Some(credentials.as_os_str()));
    assert!(
        printed.contains("put the secret into /etc/pulsewarden/secrets/first-of-the-test and restart"),
        "{printed}"
    );

    // The commands of a reload have the name of a folder that is not there for them.
    let (printed, _) = check_with(files.path(), &[], Some(files.path().join("none").as_os_str()));
    assert!(!printed.contains("credential"), "{printed}");

    let (printed, code) = check(files.path(), &[]);
    assert!(
        printed.contains("sudo install -m 600 /dev/stdin /etc/pulsewarden/secrets/second-of-the-test"),
        "{printed}"
    );
    assert_eq!(code, 0);
}

#[test]
fn a_folder_can_be_checked_beside_the_shipped_rules() {
    let files = folder(&[("rules/a.yaml", "override: [{ alert: DeviceWeakSignal, disabled: true }]\n")]);
    let rules = files.path().join("rules");
    let (printed, code) = check(files.path(), &["--rules", rules.to_str().unwrap()]);
    assert!(code == 1 && printed.contains("add --library /usr/share/pulsewarden/rules"), "{printed}");

    let shipped = super::root().join("rules");
    let both = ["--rules", rules.to_str().unwrap(), "--library", shipped.to_str().unwrap()];
    let (printed, code) = check(files.path(), &both);
    assert_eq!(code, 0, "{printed}");

    let (printed, code) = check(files.path(), &[both[0], both[1], both[2], "/does/not/exist"]);
    assert!(code == 1 && printed.contains("error: there is no folder /does/not/exist"), "{printed}");
}

/// Does what a shell would do with a line that calls curl, without curl; gives the body that was posted.
fn post_as(line: &str) -> String {
    let script = format!("curl() {{ printf '%s\\n' \"$@\"; }}; {line}");
    let arguments = Command::new("sh").args(["-c", &script]).output().unwrap();
    let arguments = String::from_utf8(arguments.stdout).unwrap();
    let [_, url, _, secret, _, kind, _, body] = arguments.lines().collect::<Vec<_>>()[..] else {
        panic!("{arguments}")
    };
    let (host, path) = url.trim_start_matches("http://").split_once('/').unwrap();
    let length = body.len();
    let head = format!("POST /{path} HTTP/1.1\r\nHost: {host}\r\n{secret}\r\n{kind}\r\nContent-Length: {length}\r\n");
    let mut stream = TcpStream::connect(host).unwrap();
    stream.write_all(format!("{head}Connection: close\r\n\r\n{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    body.to_owned()
}

#[test]
fn the_demo_leaves_nothing_behind_when_it_is_ended() {
    let temporary = tempfile::tempdir().unwrap();
    let mut demo = Command::new(env!("CARGO_BIN_EXE_pulsewarden"))
        .args(["demo", "--keep", "--speed", "100"])
        .env("TMPDIR", temporary.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines().map(Result::unwrap);
    let curl = lines.find(|line| line.starts_with("curl ")).unwrap();
    let made: Vec<_> = fs::read_dir(temporary.path()).unwrap().map(Result::unwrap).collect();
    assert_eq!(made.len(), 1);
    assert_eq!(made[0].metadata().unwrap().permissions().mode() & 0o777, 0o700);

    // The printed line can be pasted into a shell, again and again: each time it is another event.
    let posted = [post_as(&curl), post_as(&curl)];
    assert_ne!(posted[0], posted[1]);
    lines.find(|line| line.contains("My Scale")).unwrap();
    let pid = rustix::process::Pid::from_child(&demo);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    lines.for_each(drop);
    assert!(demo.wait().unwrap().success());
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0, "the folder of the demo stays behind");
}
