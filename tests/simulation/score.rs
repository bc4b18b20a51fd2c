//! The shipped rules find what is wrong in an invented fleet and little else; and whoever has fewer rules finds less.

use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use pulsewarden::config::Bundle;
use pulsewarden::engine::RuleSet;
use pulsewarden::score::{Cause, Score, score};
use pulsewarden::simulate::{Disturb, Problem};

use crate::plan;

/// The shipped rules, and what `beside` changes of them.
fn rules(beside: Option<&str>) -> Arc<RuleSet> {
    let shipped = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/rules"));
    let folder = tempfile::tempdir().unwrap();
    let bundle = match beside {
        Some(text) => {
            std::fs::write(folder.path().join("own.yaml"), text).unwrap();
            Bundle::read(Some(shipped), folder.path())
        }
        None => Bundle::read(None, shipped),
    };
    let compiled = bundle.and_then(|bundle| bundle.compile());
    Arc::new(compiled.unwrap_or_else(|problems| panic!("{}", problems.render(false))).0)
}

fn scored(seed: u64, devices: u64, days: u32, disturb: Disturb, beside: Option<&str>) -> Score {
    score(plan(seed, devices, days), disturb, &rules(beside), &mut |_| {}).unwrap()
}

/// As Impilo's retries make them.
fn disturbed(seed: u64) -> Disturb {
    let held_up = Duration::from_secs(600);
    Disturb { seed, duplicates: 0.05, failures: 0.1, reordering: 0.1, held_up, ..Disturb::default() }
}

#[track_caller]
fn is_good(score: &Score, visible: usize) {
    let (misses, false_alerts) = (&score.misses, &score.false_alerts);
    assert!(score.faults.is_empty(), "{:?}", score.faults);
    assert!(score.visible >= visible, "{}", score.visible);
    assert!(score.found_percent() >= Some(99.0), "{:?} % found; missed: {misses:#?}", score.found_percent());
    assert!(score.false_percent() <= Some(1.0), "{:?} % false: {false_alerts:#?}", score.false_percent());
    assert_eq!(score.found + misses.len(), score.visible);
    assert_eq!(score.wrong, false_alerts.len());
    let parts = |one: &pulsewarden::score::ProblemScore| one.untold + one.too_short + one.unripe + one.visible;
    assert!(score.problems.values().all(|one| one.all == parts(one) && one.visible == one.found + one.missed));
}

static CALM: LazyLock<Score> = LazyLock::new(|| scored(41, 160, 50, Disturb::default(), None));

#[test]
fn the_shipped_rules_find_what_is_wrong_and_little_else() {
    is_good(&CALM, 150);
    // What is often wrong is often to be seen, or the score says nothing.
    for problem in [Problem::LowBattery, Problem::Silent, Problem::StoppedMeasuring, Problem::TicketUnanswered] {
        let one = &CALM.problems[&problem];
        assert!(one.visible * 2 > one.all, "{problem:?}: {one:?}");
    }
}

#[test]
fn what_comes_late_twice_or_out_of_order_changes_little() {
    is_good(&scored(42, 120, 40, disturbed(42), None), 80);
}

#[test]
fn a_rule_that_is_switched_off_or_waits_too_long_is_missed() {
    let beside = "settings: { silent_after: 6d }\noverride: [{ alert: DeviceReadingsStopped, disabled: true }]\n";
    let score = scored(41, 60, 40, Disturb::default(), Some(beside));
    let caused = |problem: Problem, cause: &Cause| {
        score.misses.iter().any(|miss| miss.truth.problem == problem && miss.cause == *cause)
    };
    assert!(caused(Problem::Silent, &Cause::Late), "{:#?}", score.misses);
    assert!(caused(Problem::StoppedMeasuring, &Cause::NoAlert), "{:#?}", score.misses);
    assert!(score.found_percent() < Some(99.0));
    assert!(score.misses.iter().all(|miss| miss.due >= miss.truth.from), "{:#?}", score.misses);
    let stopped = &score.problems[&Problem::StoppedMeasuring];
    assert_eq!(stopped.visible, stopped.found + stopped.missed);
}

#[test]
fn a_rule_that_tells_of_nothing_is_false() {
    let beside = "override: [{ alert: DeviceWeakSignal, count: { at_least: 1, within: 5d } }]\n";
    let score = scored(41, 60, 40, Disturb::default(), Some(beside));
    let rule = &score.rules["DeviceWeakSignal"];
    assert!(rule.wrong > 3 && rule.right > 0, "{rule:?}");
    let is_of_it = |one: &&pulsewarden::score::FalseAlert| one.rule == "DeviceWeakSignal";
    assert_eq!(score.false_alerts.iter().filter(is_of_it).count(), rule.wrong);
    assert!(score.false_percent() > Some(1.0));
}

#[test]
fn alerts_that_nobody_is_told_of_or_that_repeat_another_count_for_nothing() {
    let found = |beside: &str| {
        let score = scored(41, 60, 40, Disturb::default(), Some(beside));
        (score.problems[&Problem::LowBattery].clone(), score.rules["DeviceBatteryLow"].clone(), score)
    };
    let (problem, rule, _) = found("override: [{ alert: DeviceBatteryLow, shadow: true }]\n");
    assert!(problem.visible > 3 && problem.found == 0, "{problem:?}");
    assert!(rule.shadowed > 3 && rule.alerts == 0, "{rule:?}");
    // One that ends soon and fires again and again tells each problem once, and its repeats make no false share small.
    let (problem, rule, score) = found("override: [{ alert: DeviceBatteryLow, expire: 1h }]\n");
    assert!(rule.repeated > rule.right && rule.right <= problem.all, "{rule:?} {problem:?}");
    assert_eq!(score.repeated, score.rules.values().map(|one| one.repeated).sum::<usize>());
    assert_eq!(score.judged, score.rules.values().map(|one| one.right + one.wrong).sum::<usize>());
    // One that never ends tells the first of a device's problems and none after it.
    let beside = "override: [{ alert: DeviceBatteryLow, keep_firing_for: 400d }]\n";
    let (often, usual) =
        (scored(41, 60, 200, Disturb::default(), Some(beside)), scored(41, 60, 200, Disturb::default(), None));
    let found = |score: &Score| score.problems[&Problem::LowBattery].found;
    assert!(found(&often) < found(&usual), "{} {}", found(&often), found(&usual));
    assert!(often.misses.iter().any(|miss| miss.cause == Cause::LeftOver), "{:#?}", often.misses);
}
