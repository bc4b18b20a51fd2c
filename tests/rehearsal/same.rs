//! The run in memory decides what the daemon decides.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pulsewarden::config::Bundle;
use pulsewarden::engine::{RuleSet, Source, Timestamp};
use pulsewarden::impilo::Envelope;
use pulsewarden::journal::codec;
use pulsewarden::process::Processor;
use pulsewarden::replay::{Episode, Journal, Window, backtest};
use pulsewarden::simulate::{Disturb, Disturbed, Fleet, Plan};
use pulsewarden::store::sqlite::Sqlite;
use pulsewarden::store::{AlertFilter, Entry, EventRow, NewRow, Store};

const BEGIN: Timestamp = Timestamp(1_772_445_600_000);

const ROUTE: &str = "receivers: [{ name: team, email: [{ to: [team@clinic.example] }] }]\n\
                     route: { receiver: team, group_by: [alertname, site], group_wait: 2m, group_interval: 30m }\n";

fn row(at: Timestamp, body: &[u8]) -> NewRow {
    let envelope = Envelope::read(body).unwrap();
    NewRow {
        received_at: at,
        entry: Entry::Event(EventRow {
            kind: envelope.kind.to_string(),
            envelope_id: Some(envelope.id.clone()),
            log_id: None,
            source: Source::Webhook,
            body: Some(codec::encode(body)),
        }),
    }
}

/// The shipped rules, with somebody to tell.
fn bundle(folder: &Path) -> Bundle {
    std::fs::write(folder.join("route.yaml"), ROUTE).unwrap();
    let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    Bundle::read(Some(&library), folder).unwrap_or_else(|problems| panic!("{}", problems.render(false)))
}

/// An alert, as far as both sides know it.
type Told = (String, String, i64, i64, String, Option<(i64, String, String)>);

fn told(episode: &Episode) -> Told {
    let end = episode.end.as_ref().map(|end| (end.at.0, end.state.to_string(), end.reason.clone()));
    let subject = episode.subject.to_string();
    (episode.rule.clone(), subject, episode.opened_at.0, episode.fired_at.0, episode.severity.to_string(), end)
}

#[test]
fn a_fleet_gives_the_same_alerts_in_memory_as_in_the_store() {
    let rules_folder = tempfile::tempdir().unwrap();
    let bundle = bundle(rules_folder.path());
    let rules: Arc<RuleSet> = Arc::new(bundle.compile().unwrap_or_else(|found| panic!("{}", found.render(false))).0);
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(Sqlite::open(&folder.path().join("pulsewarden.db")).unwrap());
    let compiled = Arc::clone(&rules);
    let compile = Box::new(move |_: &str| Some(Arc::clone(&compiled)));
    let mut processor = Processor::new(Arc::clone(&store), compile, Arc::default(), 64).unwrap();
    store.append(&[NewRow { received_at: BEGIN, entry: Entry::RuleSet { hash: bundle.hash() } }], BEGIN).unwrap();
    let fleet = Fleet::new(Plan { seed: 11, devices: 30, days: 21, begin: BEGIN });
    let disturb = Disturb { duplicates: 0.02, failures: 0.02, reordering: 0.01, ..Disturb::default() };
    let mut now = BEGIN;
    let webhooks: Vec<_> = Disturbed::new(fleet.webhooks(), disturb).collect();
    for batch in webhooks.chunks(64) {
        let rows: Vec<NewRow> = batch.iter().map(|(at, webhook)| row(*at, &webhook.body)).collect();
        now = rows.iter().map(|row| row.received_at).max().unwrap_or(now).max(now);
        store.append(&rows, now).unwrap();
        while processor.turn(now).unwrap().is_some() {}
    }
    let end = now.plus(Duration::from_secs(5 * 86_400));
    while processor.turn(end).unwrap().is_some() {}

    let window = Window { from: None, until: Some(end) };
    let result = backtest(&mut Journal::new(&*store).unwrap(), &[rules], window, &mut |_, _| {}).unwrap();
    let outcome = &result.outcomes[0];
    let all = AlertFilter { limit: usize::MAX >> 1, ..AlertFilter::default() };
    let stored: BTreeSet<Told> = store
        .alerts(&all)
        .unwrap()
        .iter()
        .map(|alert| {
            let end = alert.end.as_ref();
            let end = end.map(|end| (end.noticed_at.0, alert.state.to_string(), end.reason.to_string()));
            let subject = alert.subject.to_string();
            let severity = alert.severity.to_string();
            (alert.rule.clone(), subject, alert.opened_at.0, alert.noticed_at.0, severity, end)
        })
        .collect();
    let tried: BTreeSet<Told> = outcome.alerts.iter().map(told).collect();
    assert!(stored.len() > 20, "{} alerts", stored.len());
    assert_eq!(stored, tried);
    assert_eq!(outcome.alerts.len(), tried.len());

    // Reminders that were not sent before a newer message took their place were decided all the same.
    let messages = store.deliveries(None, None, usize::MAX >> 1).unwrap();
    assert_eq!(outcome.receivers.get("team").copied().unwrap_or_default(), messages.len() as u64);
    assert!(result.events > 1000, "{} events", result.events);
}
