//! What `pulsewarden routes` says of the tree of routes.

use std::fs;
use std::process::Command;

use expect_test::{Expect, expect};

const RULES: &str = r#"
receivers:
  - { name: logistics, email: { to: [a@clinic.example, b@clinic.example] } }
  - { name: oncall, email: { to: oncall@clinic.example }, slack: { webhook: oncall } }
  - { name: north, slack: { webhook: north } }
route:
  receiver: logistics
  group_by: [alertname, site]
  routes:
    - { matchers: 'severity = "critical"', receiver: oncall, group_wait: 0s, continue: true, group_by: "..." }
    - matchers: ['subject =~ "device|patient"', "site !~ 'South'"]
      group_by: []
      routes:
        - { matchers: 'site = "North"', receiver: north, group_interval: 1h }
        - { matchers: 'site != ""' }
"#;

fn routes(rules: &str, arguments: &[&str], says: Expect) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rules.yaml"), rules).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_pulsewarden"));
    let output = command.arg("routes").args(arguments).arg("--rules").arg(folder.path()).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let code = output.status.code().unwrap();
    let said = String::from_utf8(said).unwrap().replace(folder.path().to_str().unwrap(), "FOLDER");
    says.assert_eq(&format!("{said}exit code {code}\n"));
}

#[test]
fn the_tree_is_shown_as_it_is_walked() {
    routes(
        RULES,
        &[],
        expect![[r#"
        everything → logistics
          severity="critical" → oncall, and on to the next
          subject=~"device|patient", site!~"South" → logistics
            site="North" → north
            site!="" → logistics
        exit code 0
    "#]],
    );
}

#[test]
fn it_is_said_who_is_told_with_what_and_when() {
    routes(
        RULES,
        &["test", "severity=critical", "subject=device", "site=North"],
        expect![[r#"
            oncall (mail to oncall@clinic.example, Slack webhook oncall)
              by the route of severity="critical"
              in a message of its own
              told at once; what changes, 30m after the message before; again every 24h until somebody takes it on
              at most 60 messages in 1h; what is more comes in summaries
            north (Slack webhook north)
              by the route of site="North"
              in one message with all other alerts of this route
              told 2m after it fires; what changes, 1h after the message before; again every 24h until somebody takes it on
              at most 60 messages in 1h; what is more comes in summaries
            exit code 0
        "#]],
    );
    routes(
        RULES,
        &["test", "subject=device", "site=\"East\""],
        expect![[r#"
            logistics (mail to a@clinic.example, b@clinic.example)
              by the route of site!=""
              in one message with all other alerts of this route
              told 2m after it fires; what changes, 30m after the message before; again every 24h until somebody takes it on
              at most 60 messages in 1h; what is more comes in summaries
            exit code 0
        "#]],
    );
    routes(
        RULES,
        &["test", "subject=device", "site=South"],
        expect![[r#"
            logistics (mail to a@clinic.example, b@clinic.example)
              by the route on top
              in one message with those of the same alertname, site South
              told 2m after it fires; what changes, 30m after the message before; again every 24h until somebody takes it on
              at most 60 messages in 1h; what is more comes in summaries
            exit code 0
        "#]],
    );
    routes(
        RULES,
        &["test", "subject=patient"],
        expect![[r#"
            logistics (mail to a@clinic.example, b@clinic.example)
              by the route of subject=~"device|patient", site!~"South"
              in one message with all other alerts of this route
              told 2m after it fires; what changes, 30m after the message before; again every 24h until somebody takes it on
              at most 60 messages in 1h; what is more comes in summaries
            exit code 0
        "#]],
    );
    routes(
        RULES,
        &["test"],
        expect![[r#"
            logistics (mail to a@clinic.example, b@clinic.example)
              by the route on top
              in one message with those of the same alertname, site
              told 2m after it fires; what changes, 30m after the message before; again every 24h until somebody takes it on
              at most 60 messages in 1h; what is more comes in summaries
            exit code 0
        "#]],
    );
}

#[test]
fn what_cannot_be_answered_is_said() {
    routes(
        RULES,
        &["test", "severity"],
        expect![[r#"
        pulsewarden: `severity` is not a label with its value; write severity=critical
        exit code 2
    "#]],
    );
    routes(
        "rules: []\n",
        &["test"],
        expect![[r#"
        pulsewarden: the rule files have no route, so that nobody is told of any alert
        exit code 1
    "#]],
    );
    routes(
        "route: { receiver: nobody }\n",
        &[],
        expect![[r#"
            error: no receiver is named `nobody`
             --> FOLDER/rules.yaml:1:20
              |
            1 | route: { receiver: nobody }
              |                    ^^^^^^
              |
              = help: define it: receivers: [{ name: nobody, email: [{ to: […] }] }]

            1 error
            exit code 1
        "#]],
    );
}

#[test]
fn it_is_said_when_an_alert_of_some_hour_is_told_and_what_holds_it_back() {
    let rules = r#"
receivers:
  - { name: logistics, email: { to: a@clinic.example }, quiet: { calendar: office } }
  - { name: lead, email: { to: lead@clinic.example } }
calendars: { office: { days: mon-fri, from: "08:00", to: "18:00", time_zone: America/New_York } }
time_intervals: { name: nights, time_intervals: { times: [{ start_time: "20:00", end_time: "24:00" }, { start_time: "00:00", end_time: "06:00" }], location: America/New_York } }
route:
  receiver: logistics
  routes:
    - { matchers: 'severity = "warning"', mute_time_intervals: nights }
    - { matchers: 'severity = "critical"', escalate: { after: 30m, receiver: lead } }
"#;
    routes(
        rules,
        &["test", "severity=warning", "--at", "2026-03-07T03:00:00Z"],
        expect![[r#"
            logistics (mail to a@clinic.example)
              by the route of severity="warning"
              in one message with all other alerts of this route
              told 2m after it fires; what changes, 30m after the message before; again every 24h until somebody takes it on
              fires 2026-03-07 03:00:00 UTC; the route is muted in nights until 2026-03-07 11:00:00 UTC; quiet hours, outside of office, last until 2026-03-09 12:00:00 UTC, then it comes in one summary; told 2026-03-09 12:00:00 UTC
              at most 60 messages in 1h; what is more comes in summaries
            exit code 0
        "#]],
    );
    routes(
        rules,
        &["test", "severity=critical", "--at", "2026-03-07T03:00:00Z"],
        expect![[r#"
            logistics (mail to a@clinic.example)
              by the route of severity="critical"
              in one message with all other alerts of this route
              told 2m after it fires; what changes, 30m after the message before; again every 24h until somebody takes it on
              fires 2026-03-07 03:00:00 UTC; told 2026-03-07 03:02:00 UTC
              at most 60 messages in 1h; what is more comes in summaries
              nobody takes it on for 30m: lead is told, too
            exit code 0
        "#]],
    );
    routes(
        rules,
        &["test", "severity=warning", "--at", "noon"],
        expect![[r#"
        error: invalid value 'noon' for '--at <TIME>': an instant with its zone, as in 2026-03-07T22:00:00Z

        For more information, try '--help'.
        exit code 2
    "#]],
    );
}
