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
"#;

/// Who is told, and how alerts are gathered.
const ROUTES: [&str; 4] = [
    "route: { receiver: logistics, group_by: [alertname, site], group_wait: 2m, group_interval: 30m }\n",
    "route: { receiver: logistics, group_wait: 10m, group_interval: 3h, repeat_interval: 12h }\n",
    "route: { receiver: quiet, group_by: [alertname] }\n",
    "route: { receiver: logistics, group_by: [\"...\"], group_wait: 0s, group_interval: 5m }\n",
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
    let mut text = format!("{HEAD}{}rules:\n", ROUTES[chance.usize(..ROUTES.len())]);
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
