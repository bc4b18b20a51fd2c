//! Rules tried on other histories: test cases, and backtests over recorded events.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod backtests;
mod cases;
mod disguises;
mod examples;
mod mistakes;
mod recorded;
mod records;
mod same;
mod scores;

use std::fs;
use std::path::Path;
use std::process::Command;

/// What a command came to, with `FOLDER` in the place of the folder's path.
struct Output {
    code: i32,
    printed: String,
    errors: String,
}

/// Runs the program with a configuration that is not there, unless the arguments name another.
fn pulsewarden(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pulsewarden"));
    command.env("PULSEWARDEN_CONFIG", folder.join("pulsewarden.yaml")).args(arguments).current_dir(folder);
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().replace(folder.to_str().unwrap(), "FOLDER");
    Output { code: output.status.code().unwrap(), printed: text(output.stdout), errors: text(output.stderr) }
}

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// A battery rule, a rule about a state, one about silence, and somebody to tell.
const RULES: &str = r#"settings: { low_battery: 20 }
rules:
  - alert: Low
    event: device.lowBattery
    where: "payload.batteryPercentage <= settings.low_battery"
    raise: [{ to: critical, where: "payload.batteryPercentage <= 5" }]
    annotations: { summary: "Battery at {{ device.battery }}% on {{ device.item }} {{ device.serial }}" }
    resolve: [{ event: device.lowBattery, where: "payload.batteryPercentage > 40" }]
  - alert: Stuck
    subject: order
    while: 'order.status == "onHold"'
    for: 2d
  - alert: Silent
    subject: device
    silent: { event: "reading.*", longer_than: 3d }
    while: device.associated
receivers: [{ name: team, email: [{ to: [team@clinic.example] }], slack: [{ webhook: team }] }]
route: { receiver: team, group_by: [alertname], group_wait: 2m, group_interval: 10m, repeat_interval: 24h }
"#;

/// Runs test cases beside [`RULES`].
fn tested(cases: &str, arguments: &[&str]) -> Output {
    let files = folder(&[("rules/own.yaml", RULES), ("rules/own.test.yaml", cases)]);
    let arguments: Vec<&str> = ["test", "rules"].iter().chain(arguments).copied().collect();
    pulsewarden(files.path(), &arguments)
}
