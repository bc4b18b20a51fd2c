//! Rules of every kind, and the rule sets that are drawn from them.

use std::fs;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use fastrand::Rng;
use pulsewarden::config::Bundle;
use pulsewarden::engine::RuleSet;

/// A rule set, and the files that it comes from.
pub struct Drawn {
    pub hash: String,
    pub bundle: Vec<u8>,
    pub rules: Arc<RuleSet>,
}

/// How many rule sets there are: seeds share them, since compiling takes longer than living through a story.
const SETS: u64 = 24;

/// Of so many sets one has the shipped library beside it.
const WITH_LIBRARY: u64 = 4;

/// How the names of the pool's rules begin in a rule set, so that they are not those of shipped ones.
pub const OURS: &str = "Our";

/// How much of the pool a set has.
const SHARE: f64 = 0.45;

/// Every rule set that a seed can draw.
pub static RULE_SETS: LazyLock<Vec<Drawn>> = LazyLock::new(|| (0..SETS).map(draw).collect());

/// The folder of the shipped rules.
pub fn library() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/rules"))
}

const HEAD: &str = r#"
settings: { low: 20, patience: 20h }
calendars:
  office: { days: mon-fri, from: "08:00", to: "18:00", time_zone: America/New_York, holidays: [2026-03-04] }
receivers:
  - { name: logistics, email: [{ to: [logistics@clinic.example] }], slack: [{ webhook: logistics }] }
  - { name: quiet, email: [{ to: [quiet@clinic.example] }], send_resolved: false }
  - { name: lead, email: [{ to: [lead@clinic.example] }], webhook: [{ endpoint: records }] }
  - { name: capped, email: [{ to: [capped@clinic.example] }], cap: { messages: 2, per: 2h } }
  - { name: daytime, slack: [{ webhook: daytime }], quiet: { calendar: office, except: critical } }
time_intervals:
  - { name: nights, time_intervals: [{ times: [{ start_time: "20:00", end_time: "24:00" }, { start_time: "00:00", end_time: "06:00" }], location: America/Denver }] }
  - { name: workdays, time_intervals: [{ weekdays: ["monday:friday"], location: Europe/Berlin }] }
"#;

/// Which alerts say more than others.
const INHIBITIONS: [&str; 3] = [
    "",
    "inhibit_rules: [{ source_matchers: ['severity=\"critical\"'], target_matchers: ['severity!=\"critical\"'], equal: [site] }]\n",
    r#"
inhibit_rules:
  - { source_matchers: ['alertname=~"OurSite.*"'], target_matchers: ['subject="device"'], equal: [site] }
  - { source_matchers: ['alertname=~"OurBattery.*"'], target_matchers: ['alertname=~"OurWeak.*"'], equal: [device] }
"#,
];

/// Who is told, and how alerts are gathered.
const ROUTES: [&str; 7] = [
    "route: { receiver: logistics, group_by: [alertname, site], group_wait: 2m, group_interval: 30m }\n",
    "route: { receiver: logistics, group_wait: 10m, group_interval: 3h, repeat_interval: 12h }\n",
    "route: { receiver: quiet, group_by: [alertname] }\n",
    "route: { receiver: logistics, group_by: [\"...\"], group_wait: 0s, group_interval: 5m }\n",
    "route: { receiver: capped, group_by: [alertname, device], group_wait: 0s, group_interval: 10m, repeat_interval: 6h }\n",
    r#"
route:
  receiver: daytime
  group_by: [alertname]
  group_wait: 1m
  routes:
    - { matchers: ['subject="site"'], receiver: lead, group_wait: 0s }
    - { matchers: ['alertname=~"OurBattery.*"'], receiver: capped, mute_time_intervals: [nights], continue: true }
    - { matchers: ['subject="device"'], receiver: logistics, escalate: [{ after: 2h, receiver: lead }, { after: 6h, receiver: capped }] }
"#,
    r#"
route:
  receiver: logistics
  group_by: [site]
  group_interval: 20m
  repeat_interval: 8h
  escalate: [{ after: 3h, receiver: daytime }]
  routes:
    - matchers: ['severity="critical"']
      receiver: lead
      group_wait: 0s
      continue: true
    - { matchers: ['subject=~"order|return"'], receiver: daytime, active_time_intervals: [workdays] }
"#,
];

/// The rules, one after the other.
const RULES: &str = include_str!("pool.yaml");

/// Every rule of the pool, with its name.
fn rules() -> impl Iterator<Item = (&'static str, &'static str)> {
    let bodies = RULES.split("\n- alert: ").skip(1);
    bodies.map(|body| (body.lines().next().unwrap_or_default(), body))
}

fn draw(number: u64) -> Drawn {
    let mut chance = Rng::with_seed(number);
    let (route, inhibitions) = (chance.usize(..ROUTES.len()), chance.usize(..INHIBITIONS.len()));
    let mut text = format!("{HEAD}{}{}rules:\n", INHIBITIONS[inhibitions], ROUTES[route]);
    let mut pool: Vec<_> = rules().collect();
    chance.shuffle(&mut pool);
    let mut names: Vec<&str> = Vec::new();
    for (name, body) in pool {
        if !names.contains(&name) && chance.f64() < SHARE {
            names.push(name);
            text.extend(["  - alert: ", OURS]);
            body.lines().for_each(|line| text.extend([line, "\n  "]));
            text.push('\n');
        }
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rules.yaml"), &text).unwrap();
    let shipped = number.is_multiple_of(WITH_LIBRARY).then(library);
    let bundle = Bundle::read(shipped, folder.path()).unwrap();
    let (rules, _) = bundle.compile().unwrap_or_else(|problems| panic!("{}", problems.render(false)));
    Drawn { hash: bundle.hash(), bundle: bundle.to_bytes(), rules: Arc::new(rules) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{OURS, RULE_SETS, rules};

    #[test]
    fn every_rule_is_drawn_somewhere() {
        let names: BTreeSet<&str> = rules().map(|(name, _)| name).collect();
        let drawn = RULE_SETS.iter().flat_map(|set| set.rules.rules.iter().map(|rule| rule.name.as_str()));
        let drawn: BTreeSet<&str> = drawn.filter_map(|name| name.strip_prefix(OURS)).collect();
        assert!(names.is_subset(&drawn), "{:?}", names.difference(&drawn));
    }
}
