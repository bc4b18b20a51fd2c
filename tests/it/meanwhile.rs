//! What people ask for while nothing is decided yet, since the log is still being read.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pulsewarden::engine::Source;
use pulsewarden::journal::codec;
use pulsewarden::store::{Entry, EventRow, NewRow, Store};
use serde_json::{Value, json};

use super::doubts::{ago, back_with, row};
use super::events::battery;
use super::harness::{World, eventually};
use super::impilo::{Impilo, URL};
use super::recovery::told_whole;
use super::stand_in::Answer;

fn commands(world: &World) -> Vec<u64> {
    let rows = world.store().journal(0, 1000).unwrap().into_iter();
    rows.filter(|row| matches!(row.entry, Entry::Command(_))).map(|row| row.position).collect()
}

/// A row of the log with this envelope.
fn logged(envelope: &Value, hours: u32) -> Value {
    let mut row = row(envelope["id"].as_i64().unwrap(), 1, Some(URL), ago(hours));
    (row["webhookType"], row["payload"]) = (envelope["type"].clone(), envelope.to_string().into());
    row
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_keeps_its_meaning_where_recovered_rows_come_before_it() {
    let impilo = Impilo::start().await;
    impilo.account().add("device.lowBattery", URL);
    // One has new batteries since, and others have low ones.
    let events = [battery(2001, 9001, 90), battery(2002, 9003, 5), battery(2003, 9004, 5)];
    impilo.account().log = events.iter().map(|envelope| logged(envelope, 4)).collect();
    let closed = Arc::new(AtomicBool::new(true));
    let is_closed = Arc::clone(&closed);
    impilo.interrupt(move |_, asked| {
        let refused = is_closed.load(Ordering::SeqCst) && asked.path.contains("/webhook/logs");
        refused.then(|| Answer::status(503))
    });
    let world = back_with(6, &impilo, |store, gone| {
        let before = gone.minus(Duration::from_secs(60));
        for (id, device) in [(101, 9001), (102, 9002)] {
            let entry = Entry::Event(EventRow {
                kind: "device.lowBattery".to_owned(),
                envelope_id: Some(id.to_string()),
                log_id: None,
                source: Source::Webhook,
                body: Some(codec::encode(battery(id, device, 8).to_string().as_bytes())),
            });
            store.append(&[NewRow { received_at: before, entry }], before).unwrap();
        }
    })
    .await;
    let mut acknowledging = world.command(&["ack", "1", "2", "--by", "ann"]);
    let acknowledging = acknowledging.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let asked = eventually("it is asked for", || Some(commands(&world)).filter(|commands| commands.len() == 2)).await;
    closed.store(false, Ordering::SeqCst);
    told_whole(&world, true).await;
    world.settle().await;
    let output = acknowledging.wait_with_output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("alert 1: it had ended before") && told.contains("alert 2: acknowledged"), "{told}{errors}");
    let moved: Vec<u64> = commands(&world).iter().zip(&asked).map(|(now, before)| now - before).collect();
    assert!(moved.iter().all(|by| *by >= 3 && *by == moved[0]), "{moved:?}");
    let acknowledged: Vec<Value> =
        world.alerts().into_iter().filter(|alert| alert["acknowledged"].is_object()).collect();
    assert_eq!(acknowledged.len(), 1, "{:?}", world.alerts());
    assert_eq!((&acknowledged[0]["number"], &acknowledged[0]["subject"]["id"]), (&json!(2), &json!("9002")));
}
