//! Rules about what should come before an event.

use expect_test::expect;
use serde_json::{Value, json};

use crate::payloads::{order, person};
use crate::world::play;

const STRANGERS: &str = r#"
rules:
  - alert: OrderForAStranger
    subject: patient
    event: [order.status, order.statusFull]
    not_preceded_by: { event: [patient.created, patient.updated], within: 30d }
"#;

fn patient(id: i64, at: Option<&str>) -> Value {
    let mut patient = person(id);
    patient["updatedAt"] = json!(at);
    patient
}

#[test]
fn what_came_before_within_the_time_keeps_it_from_firing() {
    let history = play(STRANGERS, |world| {
        for id in [1, 2, 3] {
            world.post("patient.created", patient(id, None));
        }
        world.until("2026-04-01T09:59:59.999Z");
        world.post("order.statusFull", order(91, 1, None));
        world.wait("1ms");
        world.post("order.statusFull", order(92, 2, None));
        // At the same instant, whichever comes first.
        world.post("patient.updated", patient(3, None));
        world.post("order.statusFull", order(93, 3, None));
        world.post("order.statusFull", order(94, 4, None));
        world.post("patient.created", patient(4, None));
        world.wait("1d");
        // After it.
        world.post("patient.updated", patient(2, None));
        world.post("order.status", json!({ "orderId": 92, "orderStatusName": "shipped" }));
    });
    expect![[r#"
        #1 OrderForAStranger on patient 2, seen 1×
          2026-04-01T10:00:00.000Z firing warning: order.statusFull came without what should come before
        #2 OrderForAStranger on patient 4, seen 1×
          2026-04-01T10:00:00.000Z firing warning: order.statusFull came without what should come before
          2026-04-01T10:00:00.000Z resolved warning: a late event shows that it was over before
    "#]]
    .assert_eq(&history);
}

#[test]
fn what_came_before_and_is_learned_late_retracts() {
    let history = play(STRANGERS, |world| {
        for id in [1, 2, 3] {
            world.post("order.statusFull", order(90 + id, id, Some("2026-03-02T10:00:00Z")));
        }
        world.wait("1h");
        world.post("patient.updated", patient(1, Some("2026-03-02T10:00:00Z")));
        world.post("patient.updated", patient(2, Some("2026-01-31T10:00:00Z")));
        world.post("patient.updated", patient(3, Some("2026-01-31T10:00:00.001Z")));
        world.wait("60d");
    });
    expect![[r#"
        #1 OrderForAStranger on patient 1, seen 1×
          2026-03-02T10:00:00.000Z firing warning: order.statusFull came without what should come before
          2026-03-02T11:00:00.000Z resolved warning, as of 2026-03-02T10:00:00.000Z: a late event shows that it was over before
        #2 OrderForAStranger on patient 2, seen 1×
          2026-03-02T10:00:00.000Z firing warning: order.statusFull came without what should come before
        #3 OrderForAStranger on patient 3, seen 1×
          2026-03-02T10:00:00.000Z firing warning: order.statusFull came without what should come before
          2026-03-02T11:00:00.000Z resolved warning, as of 2026-01-31T10:00:00.001Z: a late event shows that it was over before
    "#]].assert_eq(&history);
}

#[test]
fn an_event_that_is_learned_late_is_preceded_by_what_came_before_it() {
    let history = play(STRANGERS, |world| {
        for id in [1, 2] {
            world.wait("1d");
            world.post("patient.updated", patient(id, Some("2026-03-01T10:00:00Z")));
        }
        world.until("2026-03-10T10:00:00Z");
        world.post("patient.updated", patient(1, Some("2026-03-10T09:00:00Z")));
        world.post("patient.updated", patient(3, Some("2026-03-10T09:00:00Z")));
        for id in [1, 2, 3] {
            world.post("order.statusFull", order(90 + id, id, Some("2026-03-10T08:00:00Z")));
        }
    });
    expect![[r#"
        #1 OrderForAStranger on patient 3, seen 1×
          2026-03-10T10:00:00.000Z firing warning, as of 2026-03-10T08:00:00.000Z: order.statusFull came without what should come before
    "#]].assert_eq(&history);
}

#[test]
fn what_should_come_before_under_grace_may_be_learned_in_it() {
    let rules = STRANGERS.replace("within: 30d }", "within: 30d }\n    grace: 2h");
    let history = play(&rules, |world| {
        for id in [1, 2] {
            world.post("order.statusFull", order(90 + id, id, Some("2026-03-02T10:00:00Z")));
        }
        world.until("2026-03-02T11:59:59.999Z");
        world.post("patient.created", patient(1, Some("2026-03-02T09:00:00Z")));
        world.post("patient.created", patient(2, Some("2026-03-02T11:00:00Z")));
        world.wait("1ms");
    });
    expect![[r#"
        #1 OrderForAStranger on patient 2, seen 1×
          2026-03-02T12:00:00.000Z firing warning, as of 2026-03-02T10:00:00.000Z: order.statusFull came without what should come before
    "#]].assert_eq(&history);
}
