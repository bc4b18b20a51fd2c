//! What lies between Impilo and a receiver: webhooks come late, twice, out of order, or never.

use std::collections::BinaryHeap;
use std::iter::Peekable;
use std::time::Duration;

use super::Webhook;
use super::chance::{Chance, MINUTE, millis, spread};
use crate::engine::Timestamp;

/// How long after an attempt that failed Impilo tries again (documented: four attempts in all).
const RETRIES: [Duration; 4] =
    [Duration::ZERO, MINUTE.saturating_mul(15), MINUTE.saturating_mul(30), MINUTE.saturating_mul(60)];

/// How much later than that a retry may be: retries are sent in batches (inferred).
const BATCH: Duration = MINUTE.saturating_mul(20);

/// How often and how badly the way is disturbed. Shares are of all webhooks, or of all attempts to deliver one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Disturb {
    pub seed: u64,
    /// The share of attempts that are kept, and whose answer is lost: Impilo tries again.
    pub duplicates: f64,
    /// The share of attempts that fail: the webhook comes with a retry, or with none of them.
    pub failures: f64,
    /// The share of attempts that are held up on the way, so that later ones overtake them.
    pub reordering: f64,
    /// For how long such an attempt is held up, at most. Below a quarter of an hour, all comes within three hours.
    pub held_up: Duration,
    /// The share of webhooks that Impilo never sends.
    pub losses: f64,
    /// When the receiver is down and every attempt fails.
    pub downtime: Option<Downtime>,
    /// When the receiver's clock is wrong.
    pub clock: Option<ClockSteps>,
}

/// A way that loses nothing and delays nothing but for a moment.
impl Default for Disturb {
    fn default() -> Self {
        Self {
            seed: 0,
            duplicates: 0.0,
            failures: 0.0,
            reordering: 0.0,
            held_up: MINUTE,
            losses: 0.0,
            downtime: None,
            clock: None,
        }
    }
}

/// The receiver is down once in every span of `every`, for `lasting`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Downtime {
    pub every: Duration,
    pub lasting: Duration,
}

/// In every span of `every` the receiver's clock is wrong for a while, by `by` at most, ahead or behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockSteps {
    pub every: Duration,
    pub by: Duration,
}

/// The webhooks of `I` in the order in which they come, each with the time that the receiver's clock shows then.
/// It holds what is on its way: at most what Impilo has sent within the last three hours.
pub struct Disturbed<I: Iterator<Item = Webhook>> {
    source: Peekable<I>,
    disturb: Disturb,
    chance: Chance,
    on_the_way: BinaryHeap<Delivery>,
    /// How many deliveries were sent off.
    sent: u64,
    lost: u64,
}

/// A webhook that will come; the earliest is the greatest.
#[derive(PartialEq, Eq)]
struct Delivery {
    at: Timestamp,
    number: u64,
    webhook: Webhook,
}

impl Ord for Delivery {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

impl PartialOrd for Delivery {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<I: Iterator<Item = Webhook>> Disturbed<I> {
    /// Disturbs `source`, which is in the order of time.
    pub fn new(source: I, disturb: Disturb) -> Self {
        let seed = spread(disturb.seed);
        let disturb = Disturb { seed, ..disturb };
        let chance = Chance::of(seed, 0);
        Self { source: source.peekable(), disturb, chance, on_the_way: BinaryHeap::new(), sent: 0, lost: 0 }
    }

    /// How many webhooks have been lost so far.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// How many deliveries are on their way.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.on_the_way.len()
    }

    /// Sends a webhook off, as often as Impilo tries.
    fn send(&mut self, webhook: Webhook) {
        let Disturb { duplicates, failures, reordering, held_up, losses, .. } = self.disturb;
        if self.chance.happens(losses) {
            self.lost += 1;
            return;
        }
        let mut sent_at = webhook.at;
        let mut kept = false;
        for wait in RETRIES {
            let late = if wait.is_zero() { Duration::ZERO } else { self.chance.between(Duration::ZERO, BATCH) };
            sent_at = sent_at.plus(wait + late);
            let way = self.chance.between(Duration::from_millis(5), Duration::from_millis(250));
            let held = self.chance.happens(reordering).then(|| self.chance.between(Duration::ZERO, held_up));
            let at = sent_at.plus(way + held.unwrap_or_default());
            if self.is_down(at) || self.chance.happens(failures) {
                continue;
            }
            kept = true;
            let answered = !self.chance.happens(duplicates);
            self.sent += 1;
            self.on_the_way.push(Delivery { at, number: self.sent, webhook: webhook.clone() });
            if answered {
                break;
            }
        }
        self.lost += u64::from(!kept);
    }

    fn is_down(&self, at: Timestamp) -> bool {
        self.disturb.downtime.is_some_and(|Downtime { every, lasting }| {
            let (mut chance, begin) = self.span(every, at, 1);
            let from = begin.plus(chance.between(Duration::ZERO, every.saturating_sub(lasting)));
            (from..from.plus(lasting)).contains(&at)
        })
    }

    /// What the receiver's clock shows.
    fn shown(&self, at: Timestamp) -> Timestamp {
        let Some(ClockSteps { every, by }) = self.disturb.clock else { return at };
        let (mut chance, begin) = self.span(every, at, 2);
        let from = begin.plus(chance.between(Duration::ZERO, every));
        let until = from.plus(chance.between(Duration::ZERO, every));
        let (by, ahead) = (chance.between(Duration::ZERO, by), chance.happens(0.5));
        match (from..until).contains(&at) {
            true if ahead => at.plus(by),
            true => at.minus(by),
            false => at,
        }
    }

    /// The span of this length that `at` lies in: what is drawn for it under `topic`, and when it begins.
    fn span(&self, length: Duration, at: Timestamp, topic: u64) -> (Chance, Timestamp) {
        let length = i64::try_from(millis(length)).unwrap_or(i64::MAX).max(1);
        let place = at.0.div_euclid(length);
        let number = u64::from_ne_bytes(place.to_ne_bytes());
        (Chance::of(self.disturb.seed, number ^ (topic << 56)), Timestamp(place * length))
    }
}

impl<I: Iterator<Item = Webhook>> Iterator for Disturbed<I> {
    type Item = (Timestamp, Webhook);

    fn next(&mut self) -> Option<(Timestamp, Webhook)> {
        // Whatever is sent after the next one comes is no rival to it.
        while let Some(webhook) =
            self.source.next_if(|sent| self.on_the_way.peek().is_none_or(|next| sent.at <= next.at))
        {
            self.send(webhook);
        }
        let next = self.on_the_way.pop()?;
        Some((self.shown(next.at), next.webhook))
    }
}
