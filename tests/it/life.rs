//! Signs of life: what the service manager and others hear, and what they do not hear any more.

use std::os::unix::net::UnixDatagram;
use std::process::Stdio;
use std::sync::Arc;

use pulsewarden::clock::Clock;
use pulsewarden::engine::Command;
use pulsewarden::journal::Journal;
use pulsewarden::store::sqlite::Sqlite;
use pulsewarden::store::{Entry, NewRow};

use crate::harness::{World, command};

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_that_dies_is_noticed() {
    let world = World::new().await;
    let store = Arc::new(Sqlite::open(&world.path("pulsewarden.db")).unwrap());
    let dies = Arc::new(|| panic!("this text is for nobody"));
    let (journal, thread) = Journal::start(store, Clock::Wall, 8, Arc::default(), dies).unwrap();
    journal.life().check().unwrap();

    let command = Command::TestNotification { receiver: "team".to_owned(), by: "a test".to_owned() };
    let row = NewRow { received_at: Clock::Wall.now(), entry: Entry::Command(command) };
    journal.append(row).await.unwrap();
    journal.life().ended().await;
    assert!(journal.life().check().unwrap_err().contains("has ended"));
    assert!(!thread.join(), "it ended by a panic");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_manager_hears_that_the_daemon_lives() {
    let world = World::new().await;
    let path = world.path("notify.sock");
    let manager = UnixDatagram::bind(&path).unwrap();
    let mut serve = command(&world.path("pulsewarden.yaml"), &["serve"]);
    serve.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "200000").stderr(Stdio::null());
    let mut daemon = serve.spawn().unwrap();
    let heard = tokio::task::spawn_blocking(move || {
        let mut heard = String::new();
        let mut word = [0; 4096];
        while heard.matches("WATCHDOG=1").count() < 3 {
            let length = manager.recv(&mut word).unwrap();
            heard.push_str(std::str::from_utf8(&word[..length]).unwrap());
        }
        heard
    });
    assert!(heard.await.unwrap().contains("READY=1"));
    daemon.kill().unwrap();
    daemon.wait().unwrap();
}
