//! Sends webhooks when they are due, several at once, and never lets time pass over a retry.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, watch};
use tokio_util::sync::CancellationToken;

use super::Options;
use super::pace::Clock;
use super::state::{Account, Attempt, Next};

/// The header of the secret (documented).
const SECRET_HEADER: &str = "Impilo-Webhook-Secret";

/// How soon to look again at the shortest while something is under way.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// The account and its clock, for whoever serves, sends or moves time.
pub(super) struct Shared {
    account: Mutex<Account>,
    clock: Mutex<Clock>,
    /// Something has changed that may be due.
    changed: Notify,
    /// How many changes there were, and how many of them are done with: nothing is due or under way.
    changes: Mutex<u64>,
    settled: watch::Sender<u64>,
}

impl Shared {
    pub fn new(account: Account, clock: Clock) -> Self {
        let settled = watch::Sender::new(0);
        let (account, clock) = (Mutex::new(account), Mutex::new(clock));
        Self { account, clock, changed: Notify::new(), changes: Mutex::new(0), settled }
    }

    pub fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn clock(&self) -> MutexGuard<'_, Clock> {
        self.clock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that something may be due; gives the number of this change.
    pub fn change(&self) -> u64 {
        let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        *changes += 1;
        self.changed.notify_one();
        *changes
    }

    fn changes(&self) -> u64 {
        *self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until nothing is due or under way after a change.
    pub async fn settle(&self, change: u64) {
        // The sender of the news lives in here.
        let _ = self.settled.subscribe().wait_for(|settled| *settled >= change).await;
    }
}

/// Sends until it is told to stop.
pub(super) async fn run(shared: Arc<Shared>, client: reqwest::Client, options: Options, stop: CancellationToken) {
    let room = Arc::new(Semaphore::new(options.parallel.max(1)));
    loop {
        let changes = shared.changes();
        let limit = shared.clock().now();
        let (next, busy) = {
            let mut account = shared.account();
            let next = account.next(limit);
            (next, account.is_busy())
        };
        let wait = match next {
            Next::More => Some(Duration::ZERO),
            Next::Send(attempt) => {
                let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
                let (shared, client) = (Arc::clone(&shared), client.clone());
                let patience = options.patience;
                tokio::spawn(async move {
                    let status = post(&client, &attempt, patience).await;
                    shared.account().end(&attempt, status);
                    shared.changed.notify_one();
                    drop(place);
                });
                Some(Duration::ZERO)
            }
            // What is under way may hold time back; its end wakes us.
            Next::Rest(next) if busy => next.and_then(|at| shared.clock().wait(at)).map(|wait| wait.max(LOOK_AGAIN)),
            Next::Rest(next) => {
                shared.settled.send_replace(changes);
                next.and_then(|at| shared.clock().wait(at))
            }
        };
        match wait {
            Some(Duration::ZERO) if !stop.is_cancelled() => tokio::task::yield_now().await,
            wait => {
                let pause = async {
                    match wait {
                        Some(wait) => tokio::time::sleep(wait).await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = shared.changed.notified() => {}
                    () = pause => {}
                }
            }
        }
    }
}

/// The status of the answer, if there is one.
async fn post(client: &reqwest::Client, attempt: &Attempt, patience: Duration) -> Option<u16> {
    let mut request = client.post(&*attempt.url).header("Content-Type", "application/json").timeout(patience);
    if let Some(secret) = &attempt.secret {
        request = request.header(SECRET_HEADER, &**secret);
    }
    let answer = request.body(attempt.body.clone()).send().await.ok()?;
    Some(answer.status().as_u16())
}
