//! Every kind of rule, from its file to the model.

use std::time::Duration;

use pulsewarden::config::{Bundle, Problems};
use pulsewarden::engine::{
    BusinessTime, EventPattern, Length, Resolve, Rule, RuleSet, Share, Since, SubjectKind, Trigger,
};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// The rules of a file that has nothing to complain of but that nobody is told.
fn rules(text: &str) -> RuleSet {
    match Bundle::of(&[("rules.yaml", text)]).compile() {
        Ok((rules, warnings)) => {
            let warnings: Vec<_> = warnings.into_iter().filter(|warning| warning.place.is_some()).collect();
            assert!(warnings.is_empty(), "{}", warnings.into_iter().collect::<Problems>().render(false));
            rules
        }
        Err(problems) => panic!("{}", problems.render(false)),
    }
}

/// The only rule of a file.
fn rule(keys: &str) -> &'static Rule {
    let rules: &RuleSet = Box::leak(Box::new(rules(&format!("rules:\n- {{ alert: A, {keys} }}\n"))));
    &rules.rules[0]
}

fn plain(hours: u32) -> Length {
    Length::Plain(HOUR * hours)
}

fn exactly(name: &str) -> EventPattern {
    EventPattern::Exactly(name.to_owned())
}

fn source(rule: &Rule) -> Option<&str> {
    rule.holds.as_ref().map(pulsewarden::engine::Condition::source)
}

#[test]
fn a_count_is_of_events_or_of_different_subjects() {
    let rule = self::rule("event: device.weakSignal, count: { at_least: 3, within: 24h }");
    let Trigger::Count { test, at_least: 3, within, distinct: None } = &rule.trigger else { panic!("{rule:?}") };
    assert_eq!((&test.events, within), (&vec![exactly("device.weakSignal")], &plain(24)));
    assert_eq!(rule.expire, Some(plain(90 * 24)));
    let rule = self::rule(
        "subject: site, event: device.weakSignal, count: { at_least: 5, distinct: device, within: 1h }, \
         resolve: { count: { below: 2, within: 24h } }",
    );
    assert!(matches!(rule.trigger, Trigger::Count { at_least: 5, distinct: Some(SubjectKind::Device), .. }));
    assert!(matches!(&rule.resolve[..], [Resolve::Below { count: 2, within }] if *within == plain(24)));
}

#[test]
fn a_share_is_of_devices_with_patients() {
    let rule =
        self::rule("subject: item, event: device.lowBattery, share: { at_least: 2.5%, and_at_least: 5, within: 7d }");
    let Trigger::Share { share, and_at_least: 5, distinct: SubjectKind::Device, within, .. } = &rule.trigger else {
        panic!("{rule:?}")
    };
    assert_eq!((*share, within), (Share { part: 0.025, inclusive: true }, &plain(7 * 24)));
    let rule = self::rule(
        "subject: site, event: device.lowBattery, \
         share: { more_than: 5%, of: devices_with_patients, distinct: device, within: 7d }",
    );
    assert!(matches!(rule.trigger, Trigger::Share { share, and_at_least: 1, .. } if !share.inclusive));
}

#[test]
fn a_silence_is_where_something_should_be_heard() {
    let rule = self::rule("silent: { longer_than: 72h }");
    let Trigger::Silent { events, longer_than, since: Since::Heard } = &rule.trigger else { panic!("{rule:?}") };
    assert_eq!(events, &[EventPattern::Prefix("reading.".to_owned()), exactly("device.healthcheck")]);
    assert_eq!((longer_than, rule.subject, &rule.expire), (&plain(72), SubjectKind::Device, &None));
    assert_eq!(source(rule), Some("device.associated && !device.readings_disabled"));
    let reads: Vec<String> = rule.reads.iter().map(|read| read.path.join(".")).collect();
    assert_eq!(reads, ["device.associated", "device.item", "device.readings_disabled", "device.serial"]);

    let rule = self::rule(
        "subject: device, silent: { event: reading.weight, longer_than: 14d, since: delivered }, while: device.associated",
    );
    assert!(
        matches!(&rule.trigger, Trigger::Silent { events, since: Since::Delivered, .. } if events == &[exactly("reading.weight")])
    );
    assert_eq!(source(rule), Some("device.associated"));
    assert_eq!(source(self::rule("subject: patient, silent: { longer_than: 7d }")), None);
}

#[test]
fn a_state_holds_for_a_time_and_begins_anew() {
    let rule = self::rule(
        "subject: order, while: 'order.status in [\"onHold\", \"shipped\"]', for: 48h, each: order.status, grace: 2h",
    );
    let Trigger::While { lasting: Some(lasting), each: Some(each) } = &rule.trigger else { panic!("{rule:?}") };
    assert_eq!((lasting, each.as_str(), &rule.grace), (&plain(48), "status", &Some(plain(2))));
    assert!(rule.expire.is_none() && source(rule).is_some());
    let rule = self::rule("subject: device, while: device.battery < 10");
    assert!(matches!(rule.trigger, Trigger::While { lasting: None, each: None }));
}

#[test]
fn one_event_is_awaited_after_or_before_another() {
    let rule = self::rule(
        "subject: device, event: device.associationRemoved, not_followed_by: { same: device, within: 14d, \
         event: [return.status, return.statusFull, device.associationCreated] }",
    );
    let Trigger::NotFollowedBy { test, awaited, same: SubjectKind::Device, within } = &rule.trigger else {
        panic!("{rule:?}")
    };
    assert_eq!((test.events.len(), awaited.events.len(), within), (1, 3, &plain(14 * 24)));
    assert!(rule.expire.is_none());
    let rule = self::rule(
        "event: order.statusFull, where: 'order.status == \"shipped\"', while: order.shipped_at > order.placed_at, \
         not_preceded_by: { event: device.associationCreated, where: has(payload.patient), same: patient, within: 30d }",
    );
    assert!(matches!(&rule.trigger, Trigger::NotPrecededBy { awaited, same: SubjectKind::Patient, .. }
        if awaited.condition.is_some()));
    assert!(rule.expire.is_some() && rule.holds.is_some());
}

#[test]
fn a_number_passes_a_limit() {
    let text = "settings: { low: 20 }\nrules:\n- alert: A\n  event: device.lowBattery\n  \
                where: \"device.associated || true\"\n  falls: { field: device.battery, below: settings.low }\n";
    let rules = self::rules(text);
    let condition = rules.rules[0].trigger.test().unwrap().condition.as_ref().unwrap().source().to_owned();
    assert_eq!(
        condition,
        "previous.battery >= settings.low && device.battery < settings.low && (device.associated || true)"
    );
    let reads: Vec<String> = rules.rules[0].reads.iter().map(|read| read.path.join(".")).collect();
    assert!(reads.contains(&"previous.battery".to_owned()) && reads.contains(&"settings.low".to_owned()));
    let rule = self::rule("event: device.lowBattery, rises: { field: device.battery, above: 80 }");
    assert_eq!(
        rule.trigger.test().unwrap().condition.as_ref().unwrap().source(),
        "previous.battery <= 80 && device.battery > 80"
    );
}

#[test]
fn what_stands_beside_the_kind_is_read() {
    let rule = self::rule(
        "event: device.lowBattery, was: [B, C], shadow: true, keep_firing_for: 1h, grace: 0s, repeat_backoff: 1.5, \
         expire: 30d, annotations: { summary: a, description: b, action: c, runbook: d }",
    );
    assert_eq!((&rule.was[..], rule.shadow, rule.repeat_backoff), (&["B".into(), "C".into()][..], true, Some(1.5)));
    assert_eq!((&rule.keep_firing_for, &rule.grace, &rule.expire), (&Some(plain(1)), &None, &Some(plain(30 * 24))));
    assert_eq!(rule.annotations.len(), 4);
}

#[test]
fn lengths_are_of_the_clock_or_of_a_calendar() {
    let office = "office: { days: mon-fri, from: \"08:00\", to: \"18:00\", time_zone: America/New_York }";
    let ward = "ward: { days: [sat, sun-mon], from: \"20:00\", to: \"06:00\", time_zone: UTC, holidays: 2026-12-26 }";
    let business = |rules: &RuleSet, at: usize| match &rules.rules[at].trigger {
        Trigger::While { lasting: Some(Length::Business { calendar, amount }), .. } => {
            (calendar.name().to_owned(), *amount)
        }
        other => panic!("{other:?}"),
    };
    let state = "subject: order, while: order.status == \"onHold\"";
    let rules = self::rules(&format!(
        "settings: {{ patience: 90 business minutes }}\ncalendars: {{ {office}, {ward} }}\nrules:\n\
         - {{ alert: A, {state}, for: 1 business day, calendar: office }}\n\
         - {{ alert: B, {state}, for: settings.patience, calendar: ward }}\n\
         - {{ alert: C, {state}, for: 2d, keep_firing_for: 8 business hours, calendar: ward }}\n"
    ));
    assert_eq!(business(&rules, 0), ("office".to_owned(), BusinessTime::Days(1)));
    assert_eq!(business(&rules, 1), ("ward".to_owned(), BusinessTime::Open(HOUR * 3 / 2)));
    assert!(matches!(rules.rules[2].keep_firing_for, Some(Length::Business { .. })));
    assert_eq!(rules.calendars.len(), 2);
    let rules =
        self::rules(&format!("calendars: {{ {office} }}\nrules: [{{ alert: A, {state}, for: 2 business days }}]"));
    assert_eq!(business(&rules, 0), ("office".to_owned(), BusinessTime::Days(2)));
}
