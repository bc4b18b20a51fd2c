//! The shipped rules find what is wrong in an invented fleet, and little else.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pulsewarden::config::Bundle;
use pulsewarden::engine::{Alert, Notification, RuleSet, Source, Transition};
use pulsewarden::process::Read;
use pulsewarden::replay::{Run, Watch};
use pulsewarden::simulate::{Fleet, Happening, Problem, Truth};

use crate::plan;

const DEVICES: u64 = 150;
const DAYS: u32 = 45;

/// How long a problem may last before it must have been noticed, in days, and the rules that notice it.
const NOTICED_BY: [(Problem, f64, &[&str]); 17] = [
    (Problem::LowBattery, 0.1, &["DeviceBatteryLow", "DeviceSilent"]),
    (Problem::FlatBattery, 2.2, &["DeviceBatteryFlat", "DeviceSilent"]),
    (Problem::Silent, 3.2, &["DeviceSilent", "DeviceBatteryFlat", "DeviceNeverHeard"]),
    (
        Problem::StoppedMeasuring,
        10.5,
        &["DeviceReadingsStopped", "DeviceNeverUsed", "DeviceSilent", "DeviceBatteryFlat"],
    ),
    (Problem::NeverUsed, 11.0, &["DeviceNeverUsed", "DeviceNeverHeard", "DeviceSilent", "DeviceBatteryFlat"]),
    (Problem::WeakCoverage, 5.5, &["DeviceWeakSignal"]),
    (Problem::AssociationChurn, 2.5, &["DeviceAssociationChurn"]),
    (Problem::NotReturned, 7.2, &["ReturnNeverOpened"]),
    (Problem::OrderStuck, 5.5, &["OrderOnHold", "OrderAddressToConfirm", "OrderAwaitsInventory"]),
    (Problem::OrderUnableToFulfill, 0.1, &["OrderUnableToFulfill"]),
    (Problem::UnsuccessfulDelivery, 0.1, &["OrderUnsuccessfulDelivery"]),
    (Problem::NeverCollected, 5.2, &["OrderAwaitsPickup"]),
    (Problem::RmaOverdue, 15.2, &["ReturnNotShipped"]),
    (Problem::LostInTransit, 10.2, &["ReturnLostInTransit"]),
    (Problem::StuckInReceiving, 9.5, &["ReturnStuckInReceiving"]),
    (Problem::TicketUnanswered, 4.0, &["TicketUnanswered"]),
    (Problem::SiteOutage, 0.2, &["SiteConnectivityOutage"]),
];

/// Rules that tell of what the invented fleet does not call a problem.
const BESIDE: [&str; 3] = ["DeviceBatteryDrainsFast", "OrderSentBack", "ReturnVoided"];

#[derive(Default)]
struct Alerts(BTreeMap<u64, Alert>);

impl Watch for Alerts {
    fn fired(&mut self, alert: &Alert) {
        self.0.insert(alert.number, alert.clone());
    }

    fn moved(&mut self, _: &Transition) {}

    fn ended(&mut self, alert: &Alert) {
        self.0.insert(alert.number, alert.clone());
    }

    fn told(&mut self, _: &Notification) {}
}

fn shipped() -> Arc<RuleSet> {
    let bundle = Bundle::read(None, Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/rules")));
    let compiled = bundle.and_then(|bundle| bundle.compile());
    Arc::new(compiled.unwrap_or_else(|problems| panic!("{}", problems.render(false))).0)
}

#[test]
fn the_shipped_rules_find_what_is_wrong_and_little_else() {
    let plan = plan(21, DEVICES, DAYS);
    let end = plan.begin.plus(Duration::from_secs(u64::from(DAYS) * 86_400));
    let (mut run, mut alerts, mut truths, mut position) = (Run::new(shipped()), Alerts::default(), Vec::new(), 0);
    for happening in Fleet::new(plan) {
        match happening {
            Happening::Truth(truth) => truths.push(truth),
            Happening::Webhook(webhook) => {
                position += 1;
                let (id, kind) = (webhook.id.to_string(), webhook.kind.to_owned());
                let read = Read::new(id, kind, Source::Webhook, &webhook.body, webhook.at).unwrap();
                run.take(&read.event(position, webhook.at), webhook.at, &mut alerts);
            }
        }
    }
    run.wake_until(end, &mut alerts);

    // What begins before the history does, or ends with it, counts for the part that lies in it.
    let within = |truth: &Truth| (truth.from.max(plan.begin), truth.until.unwrap_or(end));
    let meets = |alert: &Alert, truth: &Truth| {
        let (from, until) = within(truth);
        let ended = alert.end.as_ref().map_or(end, |end| end.at);
        alert.subject == truth.subject && alert.opened_at <= until.plus(Duration::from_secs(3600)) && ended >= from
    };
    for truth in &truths {
        let Some((_, patience, rules)) = NOTICED_BY.iter().find(|(problem, ..)| *problem == truth.problem) else {
            continue;
        };
        let (from, until) = within(truth);
        let lasted = until.since(from).as_secs_f64() / 86_400.0;
        let noticed = alerts.0.values().any(|alert| rules.contains(&&*alert.rule) && meets(alert, truth));
        assert!(noticed || lasted < *patience, "{truth:?} was never noticed in {lasted:.1} days");
    }
    let (mut right, mut wrong) = (0, Vec::new());
    for alert in alerts.0.values().filter(|alert| !BESIDE.contains(&&*alert.rule)) {
        let explains = |truth: &&Truth| {
            meets(alert, truth)
                && NOTICED_BY
                    .iter()
                    .any(|(problem, _, rules)| *problem == truth.problem && rules.contains(&&*alert.rule))
        };
        match truths.iter().find(explains) {
            Some(_) => right += 1,
            None => wrong.push(format!("{} on {}", alert.rule, alert.subject)),
        }
    }
    assert!(right > 100 && wrong.len() * 20 < right, "{right} right, and these without a cause: {wrong:#?}");
}
