//! Whether the daemon can do its work now, as its public port tells.

use std::time::Duration;

use crate::daemon::Shared;
use crate::receive::NotReady;

/// How far processing may lag before the daemon is not ready.
const LAG: Duration = Duration::from_secs(60);

/// Whether commits work and processing keeps up.
///
/// # Errors
/// Which of them does not.
pub fn check(shared: &Shared) -> Result<(), NotReady> {
    if shared.process.is_failing() || shared.process.is_held() {
        return Err(NotReady::Process);
    }
    let now = shared.clock.now();
    let vitals = shared.store.probe(now).and_then(|()| shared.store.vitals()).map_err(|_| NotReady::Keep)?;
    match vitals.oldest_unprocessed {
        Some(oldest) if shared.lag(oldest) > LAG => Err(NotReady::Lag),
        _ => Ok(()),
    }
}
