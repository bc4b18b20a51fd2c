//! A few hundred seeds in the test command; by hand as many as you like:
//!
//! `PULSEWARDEN_SEEDS=100000 cargo test --test simulation every_seed_holds`, from `PULSEWARDEN_SEED` on where that is set.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use fastrand::Rng;

use crate::daemon::Disk;
use crate::run::{Failure, Life, replayed, same};
use crate::stored;
use crate::story::Story;

/// How many seeds the test command lives through.
const SEEDS: u64 = 200;

/// Of so many seeds one has its journal decided through a real store as well, which takes longer.
const STORED: u64 = 10;

/// How many of the last steps a replayed failure shows; `PULSEWARDEN_STEPS` shows others.
const STEPS_SHOWN: usize = 60;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} must be a number")))
}

/// Lives through a seed's story, and through its journal again.
fn live(seed: u64, shown: usize) -> Result<(), Failure> {
    let story = Story::of(seed);
    let lived = Life::of(&story, shown).live()?;
    let chance = &mut Rng::with_seed(seed);
    let again = |from: Disk, how: &str, chance: &mut Rng| {
        let disk = replayed(from, &lived.rows, lived.end, chance);
        same(&lived.disk, &disk)
            .map_err(|what| Failure { what: format!("{how} comes to something else: {what}"), steps: String::new() })
    };
    again(Disk::new(), "the whole journal again", chance)?;
    lived.snapshot.clone().map_or(Ok(()), |snapshot| again(snapshot, "the journal from a snapshot on", chance))?;
    if seed.is_multiple_of(STORED) {
        let stored = stored::agrees(&lived.disk, &lived.rows, lived.end, chance);
        stored.map_err(|what| Failure {
            what: format!("the store comes to something else: {what}"),
            steps: String::new(),
        })?;
    }
    Ok(())
}

/// As [`live`], where a panic is a failure like any other.
fn holds(seed: u64, shown: usize) -> Result<(), Failure> {
    let lived = catch_unwind(AssertUnwindSafe(|| live(seed, shown)));
    lived.unwrap_or_else(|_| Err(Failure { what: "panicked, as said above".to_owned(), steps: String::new() }))
}

#[test]
fn every_seed_holds() {
    let first = setting("PULSEWARDEN_SEED").unwrap_or(1);
    let seeds = setting("PULSEWARDEN_SEEDS").unwrap_or(SEEDS);
    let next = AtomicU64::new(first);
    let failed: Mutex<Option<(u64, Failure)>> = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first.saturating_add(seeds) || failed.lock().unwrap().is_some() {
                        return;
                    }
                    if let Err(failure) = holds(seed, 0) {
                        failed.lock().unwrap().get_or_insert((seed, failure));
                    }
                }
            });
        }
    });
    if let Some((seed, Failure { what, .. })) = failed.into_inner().unwrap() {
        let again = format!("PULSEWARDEN_SEED={seed} cargo test --test simulation one_seed -- --nocapture");
        panic!("seed {seed}: {what}\n\nReplay it, with its last steps:\n{again}\n");
    }
}

#[test]
fn one_seed() {
    let seed = setting("PULSEWARDEN_SEED").unwrap_or(1);
    let shown = setting("PULSEWARDEN_STEPS").map_or(STEPS_SHOWN, |shown| usize::try_from(shown).unwrap());
    if let Err(Failure { what, steps }) = holds(seed, shown) {
        panic!("seed {seed}: {what}\n{steps}");
    }
}
