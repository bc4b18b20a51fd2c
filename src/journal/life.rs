//! Signs of life of a thread: whether it still runs, and whether it makes progress.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio_util::sync::{CancellationToken, DropGuard};

/// A thread that gave no sign for this long is stuck.
const STUCK: Duration = Duration::from_secs(60);

/// What a thread shows of itself to others. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Life {
    began: Instant,
    /// Milliseconds from `began` to the latest sign.
    sign: Arc<AtomicU64>,
    ended: CancellationToken,
}

impl Default for Life {
    fn default() -> Self {
        Self { began: Instant::now(), sign: Arc::default(), ended: CancellationToken::new() }
    }
}

impl Life {
    /// The thread keeps this as long as it runs: dropping it, also in a panic, tells that the thread has ended.
    #[must_use]
    pub fn while_held(&self) -> DropGuard {
        self.ended.clone().drop_guard()
    }

    /// The thread makes progress.
    pub fn sign(&self) {
        let elapsed = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.sign.store(elapsed, Ordering::Relaxed);
    }

    /// Returns once the thread has ended.
    pub async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// Whether the thread runs and makes progress; the text says why not.
    ///
    /// # Errors
    /// When it has ended, or gave no sign for a minute.
    pub fn check(&self) -> Result<(), String> {
        if self.ended.is_cancelled() {
            return Err("has ended".to_owned());
        }
        let quiet = self.began.elapsed().saturating_sub(Duration::from_millis(self.sign.load(Ordering::Relaxed)));
        if quiet > STUCK {
            return Err(format!("has been stuck for {} s", quiet.as_secs()));
        }
        Ok(())
    }
}
