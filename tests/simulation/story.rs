//! What a seed tells: which rule sets, what comes from Impilo, in which order, and what happens to the daemon meanwhile.

use std::time::Duration;

use fastrand::Rng;
use pulsewarden::engine::Timestamp;
use pulsewarden::simulate::{Disturb, Disturbed, Fleet, Plan, Webhook};

use crate::pool::RULE_SETS;
use crate::turmoil;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

/// Impilo's last attempt comes about so long after its first.
const LAST_ATTEMPT: Duration = Duration::from_secs(105 * 60);

/// After so long without any webhook the daemon thinks that it is deaf, and says so every few minutes.
const DEAF_AFTER: Duration = Duration::from_secs(40 * 60);
const DEAF_AGAIN: Duration = Duration::from_secs(5 * 60);

/// How long is lived through after the last webhook, so that deadlines come.
const AFTERMATH: Duration = DAY.saturating_mul(3);

/// Everything that one seed decides.
pub struct Story {
    pub seed: u64,
    /// The two rule sets, by place among [`RULE_SETS`]; the first is in force at first.
    pub rule_sets: [usize; 2],
    /// What comes, in that order.
    pub arrivals: Vec<Arrival>,
    /// How many messages are given up.
    pub given_up: f64,
}

/// Something comes to the daemon.
pub struct Arrival {
    /// What the daemon's clock shows then; it is not always right.
    pub shown: Timestamp,
    pub coming: Coming,
}

pub enum Coming {
    Webhook(Webhook),
    /// A webhook that is found in Impilo's log, which has had it since then.
    Recovered(Webhook),
    /// The rule set at this place comes into force.
    Reload(usize),
    /// The daemon was away since the last arrival, and is back.
    Back,
    /// Nothing has come from the whole account, for too long to be chance.
    Deaf,
    /// Somebody asks for a sample.
    Sample,
    /// Somebody does something about alerts, or hides some; what and which is drawn when it comes.
    People,
}

/// A stretch of true time.
#[derive(Clone, Copy)]
struct Stretch {
    from: Timestamp,
    to: Timestamp,
}

impl Stretch {
    fn has(self, at: Timestamp) -> bool {
        self.from <= at && at < self.to
    }
}

impl Story {
    pub fn of(seed: u64) -> Self {
        // Neighbouring seeds have nothing in common.
        let mut chance = Rng::with_seed(Rng::with_seed(seed).u64(..));
        let begin = Timestamp(1_772_000_000_000).plus(HOUR * chance.u32(0..24 * 14));
        let webhooks = if chance.f64() < 0.75 {
            turmoil::webhooks(chance.u64(..), begin, DAY * chance.u32(3..=8))
        } else {
            fleet(&mut chance, begin)
        };
        let last = webhooks.last().map_or(begin, |webhook| webhook.at);
        let rule_sets = [0; 2].map(|_| chance.usize(..RULE_SETS.len()));
        let mut coming = disturbed(&mut chance, webhooks);
        let stretch = |chance: &mut Rng, longest: Duration| {
            let length = Duration::from_millis(chance.u64(1..=millis(longest)));
            let from = begin.plus(Duration::from_millis(chance.u64(..=millis(last.since(begin)))));
            Stretch { from, to: from.plus(length) }
        };
        let away: Vec<_> = (0..chance.u32(..3)).map(|_| stretch(&mut chance, HOUR * 8)).collect();
        for absence in &away {
            withhold(&mut chance, &mut coming, *absence);
            coming.push((absence.to, Coming::Back));
        }
        if chance.f64() < 0.3 {
            let deaf = stretch(&mut chance, HOUR * 5);
            withhold(&mut chance, &mut coming, deaf);
            let mut at = deaf.from.plus(DEAF_AFTER);
            while at < deaf.to {
                coming.push((at, Coming::Deaf));
                at = at.plus(DEAF_AGAIN);
            }
        }
        for number in 0..chance.usize(..4) {
            let Stretch { from, .. } = stretch(&mut chance, HOUR);
            coming.push((from, Coming::Reload(rule_sets[(number + 1) % 2])));
        }
        if chance.f64() < 0.1 {
            let Stretch { from, .. } = stretch(&mut chance, HOUR);
            coming.push((from, Coming::Sample));
        }
        if chance.f64() < 0.5 {
            for _ in 0..chance.u32(1..40) {
                let Stretch { from, .. } = stretch(&mut chance, HOUR);
                coming.push((from, Coming::People));
            }
        }
        // Nothing comes while the daemon is away but its return.
        coming.retain(|(at, one)| matches!(one, Coming::Back) || !away.iter().any(|absence| absence.has(*at)));
        coming.sort_by_key(|(at, _)| *at);
        let steps: Vec<_> =
            (0..chance.u32(..3)).map(|_| (stretch(&mut chance, DAY), clock_step(&mut chance))).collect();
        let given_up = if chance.f64() < 0.4 { 0.1 } else { 0.0 };
        let arrivals = coming.into_iter().map(|(at, coming)| {
            let step = steps.iter().find(|(step, _)| step.has(at)).map_or(0, |(_, by)| *by);
            Arrival { shown: Timestamp(at.0 + step), coming }
        });
        let arrivals = arrivals.collect();
        Self { seed, rule_sets, arrivals, given_up }
    }

    /// When it is over.
    pub fn end(&self) -> Timestamp {
        let last = self.arrivals.iter().map(|arrival| arrival.shown).max();
        last.unwrap_or_default().plus(AFTERMATH)
    }
}

/// By how many milliseconds the clock is wrong.
fn clock_step(chance: &mut Rng) -> i64 {
    chance.i64(-7_200_000..=7_200_000)
}

/// A part of a fleet's webhooks: most readings and signs of life left out.
fn fleet(chance: &mut Rng, begin: Timestamp) -> Vec<Webhook> {
    let (devices, days) = (chance.u64(8..=30), chance.u32(5..=20));
    let plan = Plan { seed: chance.u64(..), devices, days, begin };
    let common = |webhook: &Webhook| webhook.kind.starts_with("reading.") || webhook.kind == "device.healthcheck";
    let most = 300.0;
    let kept = (most / (devices as f64 * f64::from(days) * 5.0)).min(1.0);
    let webhooks = Fleet::new(plan).webhooks();
    webhooks.filter(|webhook| !common(webhook) || chance.f64() < kept).collect()
}

/// The webhooks as they come, by true time.
fn disturbed(chance: &mut Rng, webhooks: Vec<Webhook>) -> Vec<(Timestamp, Coming)> {
    let mut disturb = Disturb { seed: chance.u64(..), ..Disturb::default() };
    if chance.f64() < 0.7 {
        disturb.duplicates = 0.05;
        disturb.failures = if chance.bool() { 0.1 } else { 0.3 };
        disturb.reordering = 0.2;
        disturb.held_up = MINUTE * chance.u32(1..15);
        disturb.losses = 0.01;
    }
    Disturbed::new(webhooks.into_iter(), disturb).map(|(at, webhook)| (at, Coming::Webhook(webhook))).collect()
}

/// Lets nothing come in a stretch: what would have comes with a later attempt, is found in Impilo's log, or is lost.
fn withhold(chance: &mut Rng, coming: &mut Vec<(Timestamp, Coming)>, stretch: Stretch) {
    let recovers = chance.bool();
    let mut recovered = Vec::new();
    coming.retain_mut(|(at, one)| {
        let Coming::Webhook(webhook) = one else { return true };
        if !stretch.has(*at) {
            return true;
        }
        if stretch.to.since(*at) < LAST_ATTEMPT {
            *at = stretch.to.plus(MINUTE * chance.u32(0..60));
            return true;
        }
        recovered.push(webhook.clone());
        false
    });
    recovered.sort_by_key(|webhook| webhook.at);
    for (place, webhook) in recovered.into_iter().enumerate().filter(|_| recovers) {
        let at = stretch.to.plus(Duration::from_millis(10 * (place as u64 + 1)));
        coming.push((at, Coming::Recovered(webhook)));
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
