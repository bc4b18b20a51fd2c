//! Lengths in business time: weekends, holidays, and both changes of the clock.

use expect_test::expect;
use serde_json::{Value, json};

use crate::payloads::{battery, device, device_of};
use crate::world::play;

/// Rules with the hours of an office in New York, and of a watch over Saturday night.
fn with_hours(rules: &str) -> String {
    format!(
        r#"
calendars:
  office: {{ days: mon-fri, from: "08:00", to: "18:00", time_zone: America/New_York, holidays: [2026-12-25] }}
  night: {{ days: sun, from: "00:00", to: "06:00", time_zone: America/New_York }}
rules:
{rules}
"#
    )
}

fn status(id: i64, status: &str) -> Value {
    json!({ "orderId": id, "orderStatusName": status })
}

const STUCK: &str = r#"
  - alert: OrderStuck
    subject: order
    while: "order.status == 'onHold'"
    for: 2 business days
    calendar: office
"#;

#[test]
fn a_state_holds_for_business_days_over_a_weekend_on_which_the_clock_goes_forward() {
    let history = play(&with_hours(STUCK), |world| {
        // Friday, 10:00 in New York; the clock goes forward on Sunday.
        world.until("2026-03-06T15:00:00Z");
        world.post("order.status", status(1, "onHold"));
        // Saturday: it counts from Monday, 08:00.
        world.until("2026-03-07T15:00:00Z");
        world.post("order.status", status(2, "onHold"));
        // Tuesday, 10:00.
        world.until("2026-03-10T13:59:59.999Z");
        world.wait("1ms");
        // Wednesday, 08:00.
        world.until("2026-03-11T11:59:59.999Z");
        world.wait("1ms");
    });
    expect![[r#"
        #1 OrderStuck on order 1, seen 1×
          2026-03-10T14:00:00.000Z firing warning: it has been so since 2026-03-06T15:00:00.000Z
        #2 OrderStuck on order 2, seen 1×
          2026-03-11T12:00:00.000Z firing warning: it has been so since 2026-03-07T15:00:00.000Z
    "#]]
    .assert_eq(&history);
}

#[test]
fn a_state_holds_for_business_days_over_a_weekend_on_which_the_clock_goes_back() {
    let history = play(&with_hours(STUCK), |world| {
        // Friday, 10:00; the clock goes back on Sunday.
        world.until("2026-10-30T14:00:00Z");
        world.post("order.status", status(1, "onHold"));
        world.post("order.status", status(2, "onHold"));
        // Tuesday, 10:00.
        world.until("2026-11-03T14:59:59.999Z");
        world.post("order.status", status(2, "shipped"));
        world.wait("1ms");
    });
    expect![[r#"
        #1 OrderStuck on order 1, seen 1×
          2026-11-03T15:00:00.000Z firing warning: it has been so since 2026-10-30T14:00:00.000Z
    "#]]
    .assert_eq(&history);
}

#[test]
fn a_holiday_is_no_business_day() {
    let history = play(&with_hours(STUCK), |world| {
        // Thursday, 24 December, 10:00; then Friday is closed.
        world.until("2026-12-24T15:00:00Z");
        world.post("order.status", status(1, "onHold"));
        world.until("2026-12-29T14:59:59.999Z");
        world.wait("1ms");
    });
    expect![[r#"
        #1 OrderStuck on order 1, seen 1×
          2026-12-29T15:00:00.000Z firing warning: it has been so since 2026-12-24T15:00:00.000Z
    "#]]
    .assert_eq(&history);
}

#[test]
fn silence_counts_in_open_hours() {
    let rules = with_hours(
        "  - { alert: DeviceSilent, subject: device, silent: { longer_than: 16 business hours }, calendar: office }",
    );
    let history = play(&rules, |world| {
        // Friday, 17:00: one hour, then ten on Monday, then five on Tuesday.
        world.until("2026-03-06T22:00:00Z");
        world.post("device.healthcheck", json!({ "device": device(7) }));
        world.post("device.healthcheck", json!({ "device": device(8) }));
        world.until("2026-03-10T16:59:59.999Z");
        world.post("device.healthcheck", json!({ "device": device(8) }));
        world.wait("1ms");
        // And back: Friday, 17:00, to Tuesday, 13:00.
        world.until("2026-10-30T21:00:00Z");
        for id in [7, 8] {
            world.post("device.healthcheck", json!({ "device": device(id) }));
        }
        world.until("2026-11-03T17:59:59.999Z");
        world.post("device.healthcheck", json!({ "device": device(8) }));
        world.wait("1ms");
    });
    expect![[r#"
        #1 DeviceSilent on device 7, seen 1×
          2026-03-10T17:00:00.000Z firing warning: nothing heard since 2026-03-06T22:00:00.000Z
          2026-10-30T21:00:00.000Z resolved warning: heard again: device.healthcheck
        #2 DeviceSilent on device 8, seen 1×
          2026-03-12T12:59:59.999Z firing warning: nothing heard since 2026-03-10T16:59:59.999Z
          2026-10-30T21:00:00.000Z resolved warning: heard again: device.healthcheck
        #3 DeviceSilent on device 7, seen 1×
          2026-11-03T18:00:00.000Z firing warning: nothing heard since 2026-10-30T21:00:00.000Z
    "#]]
    .assert_eq(&history);
}

#[test]
fn an_event_exactly_so_many_business_days_ago_no_longer_counts() {
    let rules = with_hours(
        "  - { alert: Weak, subject: device, event: device.weakSignal, calendar: office, \
         count: { at_least: 2, within: 2 business days } }",
    );
    let history = play(&rules, |world| {
        let weak = |id: i64| json!({ "device": device(id) });
        // Friday, 10:00, to Tuesday, 10:00, over both changes.
        for (from, to) in
            [("2026-03-06T15:00:00Z", "2026-03-10T13:59:59.999Z"), ("2026-10-30T14:00:00Z", "2026-11-03T14:59:59.999Z")]
        {
            world.until(from);
            for id in [1, 2] {
                world.post("device.weakSignal", weak(id));
            }
            world.until(to);
            world.post("device.weakSignal", weak(1));
            world.wait("1ms");
            world.post("device.weakSignal", weak(2));
            // The window of the first is empty on Thursday at 09:59:59.999.
            world.wait("1h");
            world.post("device.healthcheck", weak(1));
            world.wait("3d");
        }
    });
    expect![[r#"
        #1 Weak on device 1, seen 2×
          2026-03-10T13:59:59.999Z firing warning: 2 × device.weakSignal within 2 business days
          2026-03-12T13:59:59.999Z resolved warning: heard from, with fewer than the rule asks within 2 business days
        #2 Weak on device 1, seen 2×
          2026-11-03T14:59:59.999Z firing warning: 2 × device.weakSignal within 2 business days
          2026-11-05T14:59:59.999Z resolved warning: heard from, with fewer than the rule asks within 2 business days
    "#]]
    .assert_eq(&history);
}

#[test]
fn what_should_follow_has_business_days_to_do_so() {
    let rules = with_hours(
        r#"
  - alert: NoReturn
    subject: device
    event: device.associationRemoved
    not_followed_by: { event: return.statusFull, within: 3 business days }
    calendar: office
"#,
    );
    let history = play(&rules, |world| {
        let removed = |id: i64, at: &str| json!({ "device": device_of(id, None), "eventTimestamp": at });
        let returned =
            |id: i64| json!({ "id": 90 + id, "currentStatus": "inTransit", "returnDevices": [{ "id": id }] });
        // Thursday, 16:00, to Tuesday, 16:00, over both changes.
        for (from, to) in
            [("2026-03-05T21:00:00Z", "2026-03-10T19:59:59.999Z"), ("2026-10-29T20:00:00Z", "2026-11-03T20:59:59.999Z")]
        {
            world.until(from);
            for id in [1, 2] {
                world.post("device.associationCreated", json!({ "device": device(id) }));
                world.post("device.associationRemoved", removed(id, from));
            }
            world.until(to);
            world.post("return.statusFull", returned(1));
            world.wait("1ms");
            world.post("return.statusFull", returned(2));
        }
    });
    expect![[r#"
        #1 NoReturn on device 2, seen 1×
          2026-03-10T20:00:00.000Z firing warning: device.associationRemoved at 2026-03-05T21:00:00.000Z was not followed by what should come
          2026-03-10T20:00:00.000Z resolved warning: followed after all by return.statusFull
        #2 NoReturn on device 2, seen 1×
          2026-11-03T21:00:00.000Z firing warning: device.associationRemoved at 2026-10-29T20:00:00.000Z was not followed by what should come
          2026-11-03T21:00:00.000Z resolved warning: followed after all by return.statusFull
    "#]].assert_eq(&history);
}

#[test]
fn an_hour_that_the_clock_skips_or_shows_twice_counts_as_it_passes() {
    let rules = with_hours(
        r#"
  - { alert: Night, subject: order, while: "order.status == 'onHold'", for: 6 business hours, calendar: night }
"#,
    );
    let history = play(&rules, |world| {
        world.wait("1h");
        world.post("order.status", status(1, "onHold"));
        // The night to 8 March has five hours; one more on the next.
        world.until("2026-03-15T04:59:59.999Z");
        world.wait("1ms");
        world.post("order.status", status(1, "shipped"));
        // The night to 1 November has seven: 05:00 is after six of them.
        world.until("2026-10-30T10:00:00Z");
        world.post("order.status", status(2, "onHold"));
        world.until("2026-11-01T09:59:59.999Z");
        world.wait("1ms");
    });
    expect![[r#"
        #1 Night on order 1, seen 1×
          2026-03-15T05:00:00.000Z firing warning: it has been so since 2026-03-02T11:00:00.000Z
          2026-03-15T05:00:00.000Z resolved warning: no longer so: order.status == 'onHold'
        #2 Night on order 2, seen 1×
          2026-11-01T10:00:00.000Z firing warning: it has been so since 2026-10-30T10:00:00.000Z
    "#]]
    .assert_eq(&history);
}

#[test]
fn every_other_length_may_be_in_business_time() {
    let rules = with_hours(
        r#"
  - alert: Low
    subject: device
    event: device.lowBattery
    where: "payload.batteryPercentage < 20"
    raise: [{ to: critical, after: 1 business day }]
    resolve: [{ event: device.lowBattery, where: "payload.batteryPercentage > 40" }]
    expire: 5 business days
    grace: 2 business hours
    keep_firing_for: 3 business hours
    calendar: office
"#,
    );
    let history = play(&rules, |world| {
        // Friday, 17:00; grace until Monday, 09:00.
        world.until("2026-03-06T22:00:00Z");
        for id in [1, 2] {
            world.post("device.lowBattery", battery(id, 9));
        }
        world.until("2026-03-09T12:59:59.999Z");
        world.wait("1ms");
        // Tuesday, 17:00: it is kept until Wednesday, 10:00.
        world.until("2026-03-10T21:00:00Z");
        world.post("device.lowBattery", battery(1, 90));
        world.until("2026-03-11T13:59:59.999Z");
        world.wait("1ms");
        world.wait("10d");
    });
    expect![[r#"
        #1 Low on device 1, seen 1×
          2026-03-09T13:00:00.000Z firing warning, as of 2026-03-06T22:00:00.000Z: device.lowBattery met the rule's condition
          2026-03-10T13:00:00.000Z firing critical: severity raised to critical
          2026-03-11T14:00:00.000Z resolved critical, as of 2026-03-10T21:00:00.000Z: device.lowBattery met the rule's resolve condition
        #2 Low on device 2, seen 1×
          2026-03-09T13:00:00.000Z firing warning, as of 2026-03-06T22:00:00.000Z: device.lowBattery met the rule's condition
          2026-03-10T13:00:00.000Z firing critical: severity raised to critical
          2026-03-13T21:00:00.000Z expired critical: no news since 2026-03-06T22:00:00.000Z; not known to be well
    "#]].assert_eq(&history);
}
