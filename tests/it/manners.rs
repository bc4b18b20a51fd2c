//! How Impilo is asked: no more than it was allowed, not while it wants to be left alone, and for nobody who has gone.

use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::harness::{SECRET, World, eventually};
use super::impilo::Impilo;
use super::stand_in::{Answer, Asked};

async fn world(impilo: &Impilo, requests_per_minute: u32) -> World {
    let mut world = World::new().await;
    impilo.account().secret = Some(SECRET.to_owned());
    world.configure(&impilo.configuration_with(&world, requests_per_minute));
    world.start().await;
    world
}

/// Requests of those who read the log, so far; the daily checks look for errors in it.
fn readings(impilo: &Impilo) -> usize {
    let reads = |asked: &Asked| {
        let is_check = asked.path.contains("retryAttemptsMin") || asked.path.contains("lastResponseStatus");
        asked.path.contains("/webhook/logs") && !is_check
    };
    impilo.api.asked().iter().filter(|asked| reads(asked)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_the_log_keeps_to_the_requests_a_minute() {
    let impilo = Impilo::start().await;
    let world = world(&impilo, 8).await;
    // Sixteen parts by time.
    let mut reading = world.command(&["impilo", "recover", "--since", "95h", "--dry-run"]).spawn().unwrap();
    eventually("it reads", || (readings(&impilo) >= 4).then_some(())).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(readings(&impilo) <= 8, "{}", readings(&impilo));
    assert!(reading.try_wait().unwrap().is_none());
    reading.kill().unwrap();
    reading.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recovery_ends_with_whoever_asked_for_it() {
    let impilo = Impilo::start().await;
    let world = world(&impilo, 6000).await;
    impilo.interrupt(|_, asked| {
        if asked.path.contains("/webhook/logs") {
            std::thread::sleep(Duration::from_millis(100));
        }
        None
    });
    let parts = 80;
    let mut command = world.command(&["impilo", "recover", "--since", "480h"]);
    let mut reading = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let before = readings(&impilo);
    eventually("it reads", || (readings(&impilo) >= before + 3).then_some(())).await;
    // Not by INT, which is ignored where the tests run in the background of a shell.
    kill_process(Pid::from_child(&reading), Signal::TERM).unwrap();
    reading.wait().unwrap();
    // One that comes after it has its turn, long before the first would have been done.
    let next = world.json(&["impilo", "recover", "--since", "2h"]);
    assert_eq!(next["new"], 0, "{next}");
    assert!(readings(&impilo) < before + parts / 2, "{} of {parts}", readings(&impilo) - before);
    let status = world.json(&["status"])["whole"].clone();
    assert_eq!(status["whole"], true, "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_impilo_asks_of_one_holds_for_all() {
    let impilo = Impilo::start().await;
    let world = world(&impilo, 6000).await;
    eventually("the first reading and the first check are done", || {
        let asked = impilo.api.asked();
        let checked = asked.iter().any(|asked| asked.path.contains("retryAttemptsMin"));
        (checked && readings(&impilo) > 0).then_some(())
    })
    .await;
    impilo.interrupt(|_, _| Some(Answer::Say(503, vec![("Retry-After", "600".to_owned())], String::new())));
    let before = impilo.api.asked().len();
    // The daemon may have asked by itself a moment before.
    let busy = world.run(&["impilo", "webhooks", "sync"]);
    let told = ["600", "599", "598", "597"].iter().any(|left| busy.stderr.contains(&format!("asks to wait {left} s")));
    assert!(busy.code == 1 && told, "{busy:?}");
    assert_eq!(impilo.api.asked().len(), before + 1);

    // Whoever comes next does not ask at all, and nobody is sent to look at his network.
    let doctor = world.run(&["doctor"]).stdout;
    assert!(doctor.contains("Nothing is to be done here but to wait"), "{doctor}");
    assert!(!doctor.contains("firewall") && !doctor.contains("impilo.api"), "{doctor}");
    for command in [&["impilo", "webhooks", "list"][..], &["impilo", "recover", "--since", "2h"]] {
        let left_alone = world.run(command);
        assert!(left_alone.code == 1 && left_alone.stderr.contains("Impilo is busy"), "{left_alone:?}");
    }
    // Nor where the settings were only read anew.
    assert_eq!(world.run(&["reload"]).code, 0);
    assert_eq!(world.run(&["impilo", "webhooks", "list"]).code, 1);
    assert_eq!(impilo.api.asked().len(), before + 1);
    // Another account has not said anything yet.
    let other = Impilo::start().await;
    world.configure(&other.configuration(&world));
    assert_eq!(world.run(&["reload"]).code, 0);
    assert_eq!(world.run(&["impilo", "webhooks", "list"]).code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_wait_is_sat_out_by_all() {
    let impilo = Impilo::start().await;
    let world = world(&impilo, 6000).await;
    let asked_for = Duration::from_secs(3);
    let told: Arc<Mutex<Option<Instant>>> = Arc::default();
    let too_soon = Arc::<AtomicUsize>::default();
    let (telling, counting) = (Arc::clone(&told), Arc::clone(&too_soon));
    impilo.interrupt(move |_, asked| {
        let mut told = telling.lock().unwrap();
        match *told {
            None if asked.path.starts_with("/api/v3/webhook?") => {
                *told = Some(Instant::now());
                return Some(Answer::Say(429, vec![("Retry-After", asked_for.as_secs().to_string())], String::new()));
            }
            Some(at) if at.elapsed() < asked_for => {
                counting.fetch_add(1, Ordering::SeqCst);
            }
            _ => {}
        }
        None
    });
    let mut command = world.command(&["impilo", "webhooks", "list"]);
    let mut first = command.stdout(Stdio::null()).spawn().unwrap();
    eventually("one is told to wait", || told.lock().unwrap().map(drop)).await;
    // It arrives where it was heard.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let second = world.run(&["impilo", "recover", "--since", "2h"]);
    assert_eq!(second.code, 0, "{second:?}");
    assert!(first.wait().unwrap().success());
    assert_eq!(too_soon.load(Ordering::SeqCst), 0);
}
