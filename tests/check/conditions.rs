//! Conditions about which there is nothing to say, and some about which there is.

use pulsewarden::config::{Bundle, Problems};

/// What `check` says of a condition at a low battery, its own route apart.
fn said(condition: &str, key: &str) -> String {
    let text = format!(
        "settings: {{ low: 20, none: 0, word: used }}\n\
         calendars: {{ office: {{ days: mon-fri, from: \"08:00\", to: \"18:00\", time_zone: UTC }} }}\n\
         rules:\n- alert: A\n  subject: device\n  event: [device.lowBattery, device.healthcheck]\n  {key}: {condition:?}\n  \
         annotations: {{ summary: \"{{{{ settings.low }}}}{{{{ settings.none }}}}{{{{ settings.word }}}}\" }}\n"
    );
    let problems: Problems = match Bundle::of(&[("a.yaml", &text)]).compile() {
        Ok((_, warnings)) => warnings.into_iter().filter(|warning| warning.place.is_some()).collect(),
        Err(problems) => problems,
    };
    problems.iter().map(|problem| problem.message.clone()).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_can_be_true_is_left_alone() {
    for condition in [
        "device.status == 'used' && device.battery == 20 && device.battery <= settings.low",
        "device.status == 'used' || device.status == 'shipped'",
        "device.status != 'used' && device.status != 'shipped'",
        "device.status in ['used', 'shipped'] && device.status != 'used'",
        "!(device.status in ['used']) && device.status == 'shipped'",
        "device.status == settings.word && device.status != 'shipped'",
        "device.battery > 10 && device.battery < 11",
        "10 <= device.battery && device.battery <= 10",
        "!(device.battery < 10) && !(device.battery > 10)",
        "device.battery < -5 || device.battery > settings.none",
        "!has(payload.batteryPercentage) || payload.batteryPercentage <= settings.low",
        "has(payload.batteryPercentage) && payload.batteryPercentage <= settings.low",
        "event.type == 'device.lowBattery' && device.associated",
        "event.type != 'device.healthcheck' || device.battery > 5",
        "device.associated && (!device.associated || device.battery > 3)",
        "previous.status == 'used' && device.status == 'shipped'",
        "previous.battery >= 20 && device.battery < 20",
        "device.status == 'used' ? device.battery > 3 : device.battery > 30",
        "device.status.contains('used') && device.status.contains('ship')",
        "age(device.battery_at) > duration('72h') && business_time('office', device.battery_at) > duration('8h')",
        "payload.device.deviceEvents.exists(e, e.type == 'a') && payload.device.deviceEvents.exists(e, e.type == 'b')",
    ] {
        assert_eq!(said(condition, "where"), "", "{condition}");
    }
    assert_eq!(said("device.associated && device.battery < 20 && patient.enrolled", "while"), "");
}

#[test]
fn what_cannot_be_true_is_said() {
    for condition in [
        "device.status == 'used' && device.status in ['shipped', 'packed']",
        "device.status == settings.word && device.status == 'shipped'",
        "device.status in []",
        "!(device.status != 'used') && device.status != 'used'",
        "device.battery > 10 && device.battery < 10",
        "device.battery >= 10 && !(device.battery > 5)",
        "device.battery > settings.low && device.battery < -1",
        "device.associated && !device.associated",
        "device.associated && (device.battery < 3 && device.battery > 5 || !device.associated)",
        "event.type == 'device.weakSignal'",
    ] {
        assert!(said(condition, "where").ends_with("never true"), "{condition}: {}", said(condition, "where"));
    }
}

#[test]
fn a_comment_begins_outside_of_quotes_alone() {
    assert_eq!(said("device.serial.contains('//') || device.serial.contains(\"a\\\\\\\"//\")", "where"), "");
    assert_eq!(said("device.battery > 3 // low", "where"), "a condition holds no comments");
}
