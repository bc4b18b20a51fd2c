//! docs/simulate.md says what the stand-in does.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::world::{World, options};

fn documented() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/simulate.md")).unwrap()
}

/// The lines of the examples.
fn examples(text: &str) -> Vec<String> {
    let blocks = text.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks.flat_map(str::lines).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_of_the_examples_are_answered() {
    let world = World::start(options(20, 2));
    let mut asked = 0;
    for line in examples(&documented()) {
        let Some(rest) = line.strip_prefix("curl -X ") else { continue };
        let (method, rest) = rest.split_once(' ').unwrap();
        let (url, body) = rest.trim().split_once(" -d ").unwrap_or((rest.trim(), ""));
        let path = url.strip_prefix("http://127.0.0.1:8090").unwrap();
        let body = body.trim_matches('\'');
        let answer = world.ask_as(method, path, (!body.is_empty()).then_some((body, "text/plain")), None).await;
        assert!((200..300).contains(&answer.status), "{line}: {} {}", answer.status, answer.body);
        asked += 1;
    }
    assert_eq!(asked, 7);
}

#[test]
fn the_example_of_a_file_is_written_and_every_option_of_the_examples_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let pulsewarden = || Command::new(env!("CARGO_BIN_EXE_pulsewarden"));
    let help = pulsewarden().args(["simulate", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let text = documented();
    for line in examples(&text).iter().filter(|line| line.starts_with("pulsewarden simulate")) {
        let arguments: Vec<&str> = line.split(' ').skip(1).collect();
        if arguments.contains(&"--out") {
            let output = pulsewarden().args(&arguments).current_dir(&folder).output().unwrap();
            assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        }
        for option in arguments.iter().filter(|argument| argument.starts_with("--")) {
            assert!(help.contains(&format!("{option} ")) || help.contains(&format!("{option}\n")), "{option}");
        }
    }
    assert!(fs::read_to_string(folder.path().join("events.jsonl")).unwrap().lines().count() > 1000);
    assert!(fs::metadata(folder.path().join("truth.jsonl")).unwrap().len() > 100);
    let options = help.lines().filter_map(|line| line.trim_start().strip_prefix("--")?.split([' ', '=']).next());
    for option in options.filter(|option| !matches!(*option, "config" | "listen")) {
        assert!(text.contains(&format!("--{option}")), "docs/simulate.md does not tell of --{option}");
    }
}
