//! Chance: whatever is drawn comes from here, the same for the same seed on every machine.

use std::ops::RangeInclusive;
use std::time::Duration;

use fastrand::Rng;

use crate::engine::SubjectKind;

pub(super) const MINUTE: Duration = Duration::from_secs(60);
pub(super) const HOUR: Duration = Duration::from_secs(3600);
pub(super) const DAY: Duration = Duration::from_secs(86_400);

/// One stream of draws.
#[derive(Clone, Debug)]
pub(super) struct Chance(Rng);

impl Chance {
    /// The stream with a number of its own: what is drawn from it moves nothing that another draws.
    pub fn of(seed: u64, number: u64) -> Self {
        Self(Rng::with_seed(seed ^ number))
    }

    /// The stream of one subject.
    pub fn of_subject(seed: u64, kind: SubjectKind, id: u64) -> Self {
        Self::of(seed, id ^ ((kind as u64) << 56))
    }

    /// A stream that follows from this one and goes its own way.
    pub fn fork(&mut self) -> Self {
        Self(self.0.fork())
    }

    /// True in this share of all cases.
    pub fn happens(&mut self, share: f64) -> bool {
        self.0.f64() < share
    }

    pub fn number(&mut self, range: RangeInclusive<u64>) -> u64 {
        let (least, most) = range.into_inner();
        self.0.u64(least..=most.max(least))
    }

    /// A number between two, to the hundredth.
    pub fn hundredths(&mut self, range: RangeInclusive<u64>) -> f64 {
        let (least, most) = range.into_inner();
        let drawn = self.number(least * 100..=most * 100);
        f64::from(u32::try_from(drawn).unwrap_or(u32::MAX)) / 100.0
    }

    /// A span between two, to the millisecond.
    pub fn between(&mut self, least: Duration, most: Duration) -> Duration {
        Duration::from_millis(self.number(millis(least)..=millis(most)))
    }

    /// A span around `mean`: anything up to its double.
    pub fn about(&mut self, mean: Duration) -> Duration {
        self.between(Duration::ZERO, mean * 2)
    }

    /// One of `from`, which is not empty.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.0.usize(..from.len())]
    }
}

/// A seed whose neighbours have nothing in common with it.
pub(super) fn spread(seed: u64) -> u64 {
    Rng::with_seed(seed).u64(..)
}

pub(super) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
