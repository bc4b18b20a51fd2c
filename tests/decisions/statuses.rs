//! Orders and returns: statuses with and without a time, late ones, ends.

use expect_test::expect;
use serde_json::{Value, json};

use crate::world::World;

const RULES: &str = r#"
rules:
  - alert: OrderOnHold
    subject: order
    event: [order.status, order.statusFull]
    where: "order.status == 'onHold'"
    resolve:
      - { event: [order.status, order.statusFull], where: "order.status != 'onHold'" }
  - alert: ReturnArrived
    subject: return
    event: [return.status, return.statusFull]
    where: "return.status == 'arrived'"
"#;

fn order(status: &str) -> Value {
    json!({ "orderId": 90, "orderStatusName": status })
}

#[test]
fn a_stuck_order_resolves_when_it_moves_on() {
    let mut world = World::new(RULES);
    world.post("order.status", order("onHold"));
    world.wait("1d");
    world.post("order.status", order("shipped"));
    expect![[r#"
        #1 OrderOnHold on order 90, seen 1×
          2026-03-02T10:00:00.000Z firing warning: order.status met the rule's condition
          2026-03-03T10:00:00.000Z resolved warning: order.status met the rule's resolve condition
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn a_status_without_a_time_never_takes_an_order_back() {
    let mut world = World::new(RULES);
    world.post("order.status", order("delivered"));
    world.wait("15m");
    world.post("order.status", order("onHold"));
    expect![[""]].assert_eq(&world.timeline());
}

#[test]
fn delivery_ends_what_the_order_had_open() {
    let mut world = World::new(&RULES.replace("order.status != 'onHold'", "order.status == 'shipped'"));
    world.post("order.status", order("ON_HOLD"));
    world.wait("1h");
    let full = json!({ "id": 90, "currentStatus": "delivered",
        "orderEvents": [{ "name": "delivered", "eventTimestamp": "2026-03-02T10:45:00Z" }] });
    world.post("order.statusFull", full);
    expect![[r#"
        #1 OrderOnHold on order 90, seen 1×
          2026-03-02T10:00:00.000Z firing warning: order.status met the rule's condition
          2026-03-02T11:00:00.000Z resolved warning: its status is now delivered
    "#]]
    .assert_eq(&world.timeline());
}

#[test]
fn a_completed_return_ends_its_alerts() {
    let mut world = World::new(RULES);
    world.post("return.status", json!({ "id": 12, "currentStatus": "arrived" }));
    world.wait("1h");
    world.post("return.status", json!({ "returnId": 12, "status": "completed" }));
    expect![[r#"
        #1 ReturnArrived on return 12, seen 1×
          2026-03-02T10:00:00.000Z firing warning: return.status met the rule's condition
          2026-03-02T11:00:00.000Z resolved warning: its status is now completed
    "#]]
    .assert_eq(&world.timeline());
}
