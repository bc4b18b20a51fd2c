//! How often Impilo is asked by what has time.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

const MINUTE: Duration = Duration::from_secs(60);

/// When the last requests were made, by all who keep to it.
#[derive(Default)]
pub struct Pace(Mutex<VecDeque<Instant>>);

impl Pace {
    /// Waits until another request may be made: there are no more than `most` within any minute. Who waits comes in by order
    /// of arrival.
    pub async fn turn(&self, most: u64) {
        let most = usize::try_from(most).unwrap_or(usize::MAX).max(1);
        let mut made = self.0.lock().await;
        while made.len() >= most {
            if let Some(oldest) = made.front() {
                sleep_until(*oldest + MINUTE).await;
            }
            made.pop_front();
        }
        made.push_back(Instant::now());
    }
}
