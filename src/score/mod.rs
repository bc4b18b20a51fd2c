//! Rules scored against an invented fleet, of which it is known what is really wrong: what they find, what they miss, and
//! what they tell without a reason.
//!
//! A problem counts as visible where the webhooks show it long and often enough ([`answers`]); nobody who has only them can
//! see the others. The history streams through the rules: what is kept of it are the problems, the alerts, and in short what
//! each device, order and return has said.

mod answers;
mod heard;
mod verdict;

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use chrono_tz::Tz;

use self::answers::Ground;
use self::heard::Heard;
use self::verdict::Alerts;
pub use self::verdict::{Cause, FalseAlert, Miss, ProblemScore, RuleScore, Score};
use crate::engine::{Calendar, RuleSet, Source, Timestamp};
use crate::process::Read;
use crate::replay::Run;
use crate::simulate::{Disturb, Disturbed, Fleet, Happening, Plan, Truth};

const DAY: Duration = Duration::from_secs(86_400);

/// How late a webhook is at most that nothing holds up, with what Impilo's own times differ from receipt.
const AT_ONCE: Duration = Duration::from_secs(5 * 60);
/// How late the last attempt comes.
const WITH_RETRIES: Duration = Duration::from_secs(3 * 3600);

/// Runs the rules over the fleet's history and judges what they tell. `progress` hears which part of it is done.
///
/// # Errors
/// When the hours in which business is done are no hours.
pub fn score(
    plan: Plan,
    disturb: Disturb,
    rules: &Arc<RuleSet>,
    progress: &mut dyn FnMut(f64),
) -> Result<Score, crate::engine::CalendarError> {
    let end = plan.begin.plus(DAY.saturating_mul(plan.days));
    let calm = disturb.failures + disturb.duplicates + disturb.reordering <= 0.0 && disturb.downtime.is_none();
    let slack = if calm { AT_ONCE } else { WITH_RETRIES };
    let office = match rules.calendars.get("office") {
        Some(office) => Arc::clone(office),
        None => Arc::new(weekdays()?),
    };
    let (mut run, mut alerts, mut heard) = (Run::new(Arc::clone(rules)), Alerts::default(), Heard::default());
    let (mut truths, mut known, mut position) = (Vec::new(), Recent::default(), 0);
    let webhooks = Fleet::new(plan).filter_map(|happening| apart(happening, &mut truths));
    for (at, webhook) in Disturbed::new(webhooks, disturb).take_while(|(at, _)| *at < end) {
        if !known.is_new(webhook.id, at) {
            continue;
        }
        let Some(read) = Read::new(webhook.id.to_string(), webhook.kind.to_owned(), Source::Webhook, &webhook.body, at)
        else {
            continue;
        };
        position += 1;
        let event = read.event(position, at);
        heard.take(&event);
        run.take(&event, at, &mut alerts);
        if position % 4096 == 0 {
            progress(at.since(plan.begin).as_secs_f64() / end.since(plan.begin).as_secs_f64().max(1.0));
        }
    }
    run.wake_until(end, &mut alerts);
    let ground = Ground { begin: plan.begin, end, slack, office };
    let faults = run.faults().iter().map(|(rule, fault)| (rule.clone(), fault.clone())).collect();
    Ok(verdict::judge(&ground, &truths, &alerts, &heard, rules, position, faults))
}

/// The webhook, where it is one; a truth is kept.
fn apart(happening: Happening, truths: &mut Vec<Truth>) -> Option<crate::simulate::Webhook> {
    match happening {
        Happening::Webhook(webhook) => Some(webhook),
        Happening::Truth(truth) => {
            truths.push(truth);
            None
        }
    }
}

/// The hours of an office where the rules name none.
fn weekdays() -> Result<Calendar, crate::engine::CalendarError> {
    let days = [true, true, true, true, true, false, false];
    Calendar::new("office", days, 8 * 60, 18 * 60, Tz::America__New_York, &std::collections::BTreeSet::new())
}

/// The envelopes of the last hours: one that comes again counts once.
#[derive(Default)]
struct Recent {
    ids: HashSet<u64>,
    order: VecDeque<(Timestamp, u64)>,
}

impl Recent {
    fn is_new(&mut self, id: u64, at: Timestamp) -> bool {
        while let Some((_, old)) = self.order.pop_front_if(|(then, _)| at.since(*then) > WITH_RETRIES * 2) {
            self.ids.remove(&old);
        }
        let new = self.ids.insert(id);
        if new {
            self.order.push_back((at, id));
        }
        new
    }
}
