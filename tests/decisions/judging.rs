//! When all that is known is judged by new rules: before anything that comes after them.

use crate::rule_changes::{NONE, STATES, check, status};
use crate::world::{World, play};
use expect_test::expect;

#[test]
fn what_comes_right_after_the_rules_does_not_overtake_them() {
    let history = play(NONE, |world| {
        for id in [1, 2, 3] {
            world.post("order.status", status(id, "onHold"));
        }
        world.wait("3d");
        world.rules(STATES);
        world.post("order.status", status(3, "onHold"));
        world.post("order.status", status(2, "shipped"));
        world.wait("1d");
        world.post("order.status", status(4, "onHold"));
        world.rules(NONE);
        world.rules(STATES);
        world.wait("3d");
    });
    expect![[r#"
        #1 OrderStuck on order 1, seen 1×, baseline
          2026-03-05T10:00:00.000Z firing warning, as of 2026-03-04T10:00:00.000Z: it has been so since 2026-03-02T10:00:00.000Z
          2026-03-06T10:00:00.000Z closed warning: the rule was removed; no longer watched
        #2 OrderStuck on order 2, seen 1×, baseline
          2026-03-05T10:00:00.000Z firing warning, as of 2026-03-04T10:00:00.000Z: it has been so since 2026-03-02T10:00:00.000Z
          2026-03-05T10:00:00.000Z resolved warning: no longer so: order.status == 'onHold'
        #3 OrderStuck on order 3, seen 1×, baseline
          2026-03-05T10:00:00.000Z firing warning, as of 2026-03-04T10:00:00.000Z: it has been so since 2026-03-02T10:00:00.000Z
          2026-03-06T10:00:00.000Z closed warning: the rule was removed; no longer watched
        #4 OrderStuck on order 1, seen 1×, baseline
          2026-03-06T10:00:00.000Z firing warning, as of 2026-03-04T10:00:00.000Z: it has been so since 2026-03-02T10:00:00.000Z
        #5 OrderStuck on order 3, seen 1×, baseline
          2026-03-06T10:00:00.000Z firing warning, as of 2026-03-04T10:00:00.000Z: it has been so since 2026-03-02T10:00:00.000Z
        #6 OrderStuck on order 4, seen 1×
          2026-03-08T10:00:00.000Z firing warning: it has been so since 2026-03-06T10:00:00.000Z
    "#]].assert_eq(&history);
}

#[test]
fn what_is_known_from_before_is_judged_before_anything_that_comes_after_the_rules() {
    let play = |at_once: bool| {
        let mut world = World::new(NONE);
        for id in [1, 2, 3, 4] {
            world.post("order.status", status(id, "onHold"));
        }
        world.post("device.healthcheck", check(1));
        world.wait("3d");
        world.restart();
        let more = |world: &mut World| {
            world.post("order.status", status(4, "onHold"));
            world.rules(STATES);
            world.post("order.status", status(3, "onHold"));
            world.wait("1h");
            world.post("order.status", status(2, "shipped"));
            // Rules that have their day between others.
            world.rules(NONE);
            world.wait("1h");
            world.rules(&STATES.replace("OrderStuck", "OrderHeld"));
            world.wait("1h");
            world.rules(&STATES.replace("OrderStuck", "OrderWaits, was: OrderHeld"));
            world.post("order.status", status(1, "shipped"));
        };
        if at_once {
            world.at_once(more);
        } else {
            more(&mut world);
        }
        world.history()
    };
    let history = play(false);
    assert_eq!(history, play(true));
    expect![[r#"
        #1 DeviceSilent on device 1, seen 1×, baseline
          2026-03-05T10:00:00.000Z firing warning: nothing heard since 2026-03-02T10:00:00.000Z
          2026-03-05T11:00:00.000Z closed warning: the rule was removed; no longer watched
        #2 OrderStuck on order 1, seen 1×, baseline
          2026-03-05T10:00:00.000Z firing warning, as of 2026-03-04T10:00:00.000Z: it has been so since 2026-03-02T10:00:00.000Z
          2026-03-05T11:00:00.000Z closed warning: the rule was removed; no longer watched
        #3 OrderStuck on order 2, seen 1×, baseline
          2026-03-05T10:00:00.000Z firing warning, as of 2026-03-04T10:00:00.000Z: it has been so since 2026-03-02T10:00:00.000Z
          2026-03-05T11:00:00.000Z resolved warning: no longer so: order.status == 'onHold'
        #4 OrderStuck on order 3, seen 1×, baseline
          2026-03-05T10:00:00.000Z firing warning, as of 2026-03-04T10:00:00.000Z: it has been so since 2026-03-02T10:00:00.000Z
          2026-03-05T11:00:00.000Z closed warning: the rule was removed; no longer watched
        #5 OrderStuck on order 4, seen 1×, baseline
          2026-03-05T10:00:00.000Z firing warning, as of 2026-03-04T10:00:00.000Z: it has been so since 2026-03-02T10:00:00.000Z
          2026-03-05T11:00:00.000Z closed warning: the rule was removed; no longer watched
        #6 DeviceSilent on device 1, seen 1×, baseline
          2026-03-05T12:00:00.000Z firing warning, as of 2026-03-05T10:00:00.000Z: nothing heard since 2026-03-02T10:00:00.000Z
        #7 OrderWaits on order 1, seen 1×, baseline
          2026-03-05T12:00:00.000Z firing warning, as of 2026-03-04T10:00:00.000Z: it has been so since 2026-03-02T10:00:00.000Z
          2026-03-05T13:00:00.000Z resolved warning: no longer so: order.status == 'onHold'
        #8 OrderWaits on order 3, seen 1×, baseline
          2026-03-05T12:00:00.000Z firing warning, as of 2026-03-04T10:00:00.000Z: it has been so since 2026-03-02T10:00:00.000Z
        #9 OrderWaits on order 4, seen 1×, baseline
          2026-03-05T12:00:00.000Z firing warning, as of 2026-03-04T10:00:00.000Z: it has been so since 2026-03-02T10:00:00.000Z
    "#]].assert_eq(&history);
}

#[test]
fn thousands_of_subjects_are_judged_across_restarts_with_the_same_result() {
    let fleet = |restarts: bool| {
        let mut world = World::new(NONE);
        world.at_once(|world| {
            for id in 1..=3000 {
                world.post("order.status", status(id, if id % 3 == 0 { "onHold" } else { "orderPlaced" }));
            }
        });
        world.wait("3d");
        if restarts {
            world.restart_in_between(STATES);
        } else {
            world.rules(STATES);
        }
        world.post("order.status", status(3, "shipped"));
        world.wait("1d");
        world.history()
    };
    let history = fleet(false);
    assert_eq!(history, fleet(true));
    let lines: Vec<&str> = history.lines().filter(|line| line.starts_with('#')).collect();
    assert_eq!(lines.len(), 1000);
    assert!(lines.iter().all(|line| line.ends_with("baseline")));
}
