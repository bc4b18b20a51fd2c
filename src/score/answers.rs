//! What is expected of rules: which of them answer which problem, by what the webhooks show it, and by when.
//!
//! This is the only place that says so. The thresholds are those that the shipped rules name in their own words; they are
//! written down once more here, so that a rule file with others is measured by the same. Nothing here looks at what fired.

use std::sync::Arc;
use std::time::Duration;

use super::heard::{History, Status, Stretch};
use crate::engine::{Calendar, Timestamp};
use crate::simulate::{Problem, Truth};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// How long rules with windows of a day or more wait for what comes late.
const GRACE: Duration = Duration::from_secs(2 * 3600);

/// At and below this many percent a battery is low.
pub(super) const LOW: f64 = 20.0;
/// A low figure so much above the last one shows that the battery was changed.
pub(super) const CHANGED: f64 = 8.0;
const DRAINS_WITHIN: Duration = DAY.saturating_mul(45);
const SILENT_AFTER: Duration = DAY.saturating_mul(3);
const NEVER_HEARD_AFTER: Duration = DAY.saturating_mul(7);
const NEVER_USED_AFTER: Duration = DAY.saturating_mul(10);
/// A health check, with the last reading longer ago than this, and no reading for so long after it.
pub(super) const READINGS_STOP: Duration = DAY.saturating_mul(7);
const USED_AGAIN_WITHIN: Duration = DAY;
pub(super) const WEAK: usize = 5;
pub(super) const WEAK_WITHIN: Duration = DAY.saturating_mul(5);
pub(super) const CHURN: u32 = 3;
pub(super) const CHURN_WITHIN: Duration = DAY.saturating_mul(7);
const RETURN_OPENED_WITHIN: Duration = DAY.saturating_mul(7);
const ASSOCIATED_WITHIN: Duration = DAY.saturating_mul(5);
const ARCHIVED_HOLDS: Duration = DAY.saturating_mul(7);
/// So many readings within this time.
pub(super) const STRAY: usize = 2;
pub(super) const STRAY_WITHIN: Duration = DAY.saturating_mul(3);

/// A part of the devices with patients, and so many at least.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    percent: usize,
    least: usize,
}

impl Share {
    pub fn is_reached(self, some: usize, of: usize) -> bool {
        some >= self.least && some * 100 >= of * self.percent
    }
}

pub(super) const OUTAGE: Share = Share { percent: 25, least: 5 };
pub(super) const OUTAGE_WITHIN: Duration = HOUR;
pub(super) const DEFECT: Share = Share { percent: 40, least: 10 };
pub(super) const DEFECT_WITHIN: Duration = DAY.saturating_mul(7);

/// How long a status is borne.
#[derive(Clone, Copy, Debug)]
enum Patience {
    /// A time of the clock, and the grace.
    Plain(Duration),
    Business(u32),
    /// Business days, and the grace.
    BusinessAndGrace(u32),
}

/// By what the webhooks show a problem, and so from when on it is expected to be told.
#[derive(Clone, Copy, Debug)]
enum Evidence {
    /// A low figure.
    LowFigure,
    /// A battery that runs low for the second time, with a better figure between, or one that shows that it was changed.
    FellTwice,
    /// No sign of life.
    Unheard,
    /// A health check, while the last reading lies long back, and no reading after it; or none since it was given out.
    Stopped,
    /// Health checks, and no reading since the device was given out.
    Unused,
    WeakSignals,
    GivenOut,
    /// Taken from its patient, and then nothing.
    Taken,
    /// Its order was delivered, and then nothing.
    Delivered,
    /// Its patient is archived.
    Archived,
    /// Readings of a device that nobody has.
    Stray,
    /// Enough devices of a site or a model.
    Reached,
    /// A status, at once.
    Told(&'static [&'static str]),
    /// A status that stays; any of those that are listed together goes on for the others.
    Held(&'static [(&'static [&'static str], Patience)]),
}

/// The rules that answer a problem, whichever of them speaks.
struct Answer {
    problem: Problem,
    rules: &'static [&'static str],
    evidence: Evidence,
}

const fn answer(problem: Problem, rules: &'static [&'static str], evidence: Evidence) -> Answer {
    Answer { problem, rules, evidence }
}

const ANSWERS: [Answer; 31] = {
    use Evidence::{
        Archived, Delivered, FellTwice, GivenOut, Held, LowFigure, Reached, Stopped, Stray, Taken, Told, Unheard,
        Unused, WeakSignals,
    };
    use Patience::{Business, BusinessAndGrace, Plain};
    [
        answer(Problem::LowBattery, &["DeviceBatteryLow"], LowFigure),
        answer(Problem::FlatBattery, &["DeviceBatteryFlat", "DeviceSilent", "DeviceNeverHeard"], Unheard),
        answer(Problem::Silent, &["DeviceSilent", "DeviceBatteryFlat", "DeviceNeverHeard"], Unheard),
        answer(Problem::NeverHeard, &["DeviceNeverHeard", "DeviceBatteryFlat"], Unheard),
        answer(Problem::FadingRadio, &["DeviceWeakSignal"], WeakSignals),
        answer(Problem::BatteryDrains, &["DeviceBatteryDrainsFast"], FellTwice),
        answer(Problem::StoppedMeasuring, &["DeviceReadingsStopped", "DeviceNeverUsed"], Stopped),
        answer(Problem::NeverUsed, &["DeviceNeverUsed"], Unused),
        answer(Problem::WeakCoverage, &["DeviceWeakSignal"], WeakSignals),
        answer(Problem::AssociationChurn, &["DeviceAssociationChurn"], GivenOut),
        answer(Problem::NotReturned, &["ReturnNeverOpened"], Taken),
        answer(Problem::UsedByNobody, &["DeviceUsedWithoutPatient"], Stray),
        answer(Problem::NotAssigned, &["DeviceNotAssociated"], Delivered),
        answer(Problem::ArchivedHolds, &["DeviceWithArchivedPatient"], Archived),
        answer(
            Problem::OrderStuck,
            &["OrderOnHold", "OrderAddressToConfirm", "OrderAwaitsInventory"],
            Held(&[
                (&["onHold", "pendingAdditionalInformation"], Business(1)),
                (&["reconfirmAddress"], Business(1)),
                (&["pendingInventory"], Business(3)),
            ]),
        ),
        answer(Problem::OrderUnableToFulfill, &["OrderUnableToFulfill"], Told(&["unableToFulfill"])),
        answer(Problem::OrderNotShipped, &["OrderNotShipped"], Held(&[(&["awaitingShipment"], Business(3))])),
        answer(Problem::ParcelLost, &["OrderUndelivered"], Held(&[(&["shipped"], Business(7))])),
        answer(Problem::SentBack, &["OrderSentBack"], Told(&["returnIssued"])),
        answer(Problem::UnsuccessfulDelivery, &["OrderUnsuccessfulDelivery"], Told(&["unsuccessfulDelivery"])),
        answer(
            Problem::NeverCollected,
            &["OrderAwaitsPickup"],
            Held(&[(&["availableForPickup"], Plain(DAY.saturating_mul(5)))]),
        ),
        answer(
            Problem::RmaOverdue,
            &["ReturnNotShipped"],
            Held(&[(&["rmaPlaced", "outbound", "pendingReturn"], Plain(DAY.saturating_mul(15)))]),
        ),
        answer(
            Problem::LostInTransit,
            &["ReturnLostInTransit"],
            Held(&[(&["inTransit"], Plain(DAY.saturating_mul(10)))]),
        ),
        answer(
            Problem::StuckInReceiving,
            &["ReturnStuckInReceiving"],
            Held(&[(&["arrived", "receiving"], BusinessAndGrace(5))]),
        ),
        answer(Problem::ReturnVoided, &["ReturnVoided"], Told(&["voided"])),
        answer(Problem::TicketLeftOpen, &["TicketStaysOpen"], Held(&[(&["open"], Business(10))])),
        answer(
            Problem::ProcurementStuck,
            &["ProcurementStuck"],
            Held(&[(&["requested"], Business(10)), (&["approved"], Business(10))]),
        ),
        answer(
            Problem::TransferStuck,
            &["TransferStuck"],
            Held(&[(&["requested"], Business(7)), (&["approved"], Business(7))]),
        ),
        answer(Problem::TicketUnanswered, &["TicketUnanswered"], Held(&[(&["needsIntake"], Business(1))])),
        answer(Problem::SiteOutage, &["SiteConnectivityOutage"], Reached),
        answer(Problem::DefectiveModel, &["ModelBatteryDefect"], Reached),
    ]
};

/// Shipped rules about what never happens to this fleet: whatever they tell is false.
const NEVER: [&str; 3] = ["DeviceReadingsDisabled", "SiteSilent", "ModelSilent"];

/// The rules that answer a problem.
pub(super) fn rules_for(problem: Problem) -> &'static [&'static str] {
    ANSWERS.iter().find(|answer| answer.problem == problem).map_or(&[], |answer| answer.rules)
}

/// Whether alerts of this rule answer any problem, and so can be true or false.
pub(super) fn is_judged(rule: &str) -> bool {
    NEVER.contains(&rule) || ANSWERS.iter().any(|answer| answer.rules.contains(&rule))
}

/// How a problem looks by the webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sight {
    /// It is expected to be told at this time.
    Seen(Timestamp),
    /// It was over before it lasted long enough to be told.
    TooShort,
    /// It had not lasted long enough, or shown often enough, when the history ended.
    Unripe,
    /// Its webhooks never showed it, or too few came.
    Untold,
}

/// What is needed to judge.
#[derive(Clone, Debug)]
pub(super) struct Ground {
    /// When the history begins and ends.
    pub begin: Timestamp,
    pub end: Timestamp,
    /// By how much webhooks may come late.
    pub slack: Duration,
    /// In whose hours waiting is counted.
    pub office: Arc<Calendar>,
}

impl Ground {
    /// How a problem looks to whoever hears the webhooks.
    pub fn sight(&self, truth: &Truth, history: Option<&History>) -> Sight {
        let Some(Answer { evidence, .. }) = ANSWERS.iter().find(|answer| answer.problem == truth.problem) else {
            return Sight::Untold;
        };
        let Some(history) = history else { return Sight::Untold };
        let from = truth.from.max(self.begin);
        let over = truth.until.unwrap_or(self.end);
        let first = |times: &[Timestamp]| times.iter().copied().find(|at| *at >= from && *at <= over.plus(self.slack));
        let seen = match *evidence {
            Evidence::LowFigure => first(&history.low),
            Evidence::FellTwice => {
                let pairs = history.falls.windows(2).filter(|pair| pair[1].since(pair[0]) <= DRAINS_WITHIN);
                first(&pairs.map(|pair| pair[1]).collect::<Vec<_>>())
            }
            Evidence::WeakSignals => first(&history.weak_again),
            Evidence::GivenOut => first(&history.churned),
            Evidence::Reached => first(&history.reached),
            Evidence::Unheard => return self.unheard(history, from, over),
            Evidence::Unused => return self.unused(history, from, over),
            Evidence::Stopped => {
                let stopped = history.stopped.iter().copied();
                let sight = self.first_ripe(stopped, from, over, |check| check.plus(USED_AGAIN_WITHIN + GRACE));
                let unused = self.unused(history, from, over);
                return match (sight, unused) {
                    (Sight::Seen(_), _) => sight,
                    (_, Sight::Seen(_)) => unused,
                    _ if from.plus(READINGS_STOP + USED_AGAIN_WITHIN + GRACE) > over => self.too_short(over),
                    _ => sight,
                };
            }
            Evidence::Stray => first(&history.stray),
            Evidence::Taken => return self.since(&history.taken, RETURN_OPENED_WITHIN, from, over),
            Evidence::Delivered => return self.since(&history.delivered, ASSOCIATED_WITHIN, from, over),
            Evidence::Archived => return self.since(&history.archived, ARCHIVED_HOLDS, from, over),
            Evidence::Told(names) => {
                let told = history.statuses.iter().filter(|status| names.contains(&&*status.name));
                let mut times: Vec<Timestamp> = told.map(|status| status.came).collect();
                times.sort_unstable();
                first(&times)
            }
            Evidence::Held(sets) => return self.held(sets, history, from, over),
        };
        match seen {
            Some(due) => Sight::Seen(due),
            // What is counted may still become enough.
            None if truth.until.is_none() && !matches!(evidence, Evidence::LowFigure | Evidence::Told(_)) => {
                Sight::Unripe
            }
            None => Sight::Untold,
        }
    }

    /// How long whoever hears the webhooks alone must take a problem to last: until something shows that it is over.
    pub fn shows_until(&self, truth: &Truth, history: Option<&History>) -> Timestamp {
        let over = truth.until.unwrap_or(self.end);
        let answer = ANSWERS.iter().find(|answer| answer.problem == truth.problem);
        let (Some(Answer { evidence, .. }), Some(history)) = (answer, history) else { return over };
        let next = match evidence {
            Evidence::Unheard => history.gaps.iter().chain(&history.gap_now()).find_map(|gap| gap.ends_after(over)),
            Evidence::Unused | Evidence::Stopped => {
                let unused =
                    history.unused_times.iter().chain(&history.unused_now()).find_map(|one| one.ends_after(over));
                unused.or_else(|| history.stopped.iter().find_map(|one| one.ends_after(over)))
            }
            _ => None,
        };
        let taken = history.taken.iter().find(|at| **at >= over).copied().unwrap_or(self.end);
        next.map_or(over, |until| until.min(taken).min(self.end).max(over))
    }

    /// Seen where it was due before it was over.
    fn ripe(&self, due: Timestamp, over: Timestamp) -> Sight {
        if due.plus(self.slack) < over { Sight::Seen(due) } else { self.too_short(over) }
    }

    fn too_short(&self, over: Timestamp) -> Sight {
        if over >= self.end { Sight::Unripe } else { Sight::TooShort }
    }

    /// Something happened at one of these times, and nothing followed for so long.
    fn since(&self, times: &[Timestamp], patience: Duration, from: Timestamp, over: Timestamp) -> Sight {
        let within = |at: &&Timestamp| **at >= from.minus(self.slack) && **at <= over;
        match times.iter().find(within) {
            Some(at) => self.ripe(at.plus(patience + GRACE), over),
            None => Sight::Untold,
        }
    }

    fn unheard(&self, history: &History, from: Timestamp, over: Timestamp) -> Sight {
        let silences = history.gaps.iter().copied().chain(history.gap_now());
        self.first_ripe(silences, from, over, |gap| {
            // What lies before the device was given out is no silence of its patient's.
            let given = history.given.iter().rev().find(|at| **at <= over && **at >= gap);
            given.map_or(gap.plus(SILENT_AFTER + GRACE), |given| given.plus(NEVER_HEARD_AFTER + GRACE))
        })
    }

    fn unused(&self, history: &History, from: Timestamp, over: Timestamp) -> Sight {
        let times = history.unused_times.iter().copied().chain(history.unused_now());
        self.first_ripe(times, from, over, |unused| unused.plus(NEVER_USED_AFTER + GRACE))
    }

    /// The first of these stretches within a problem that lasted until it was due. Where there is none at all, it may be that
    /// the problem itself was too short for one.
    fn first_ripe(
        &self,
        stretches: impl Iterator<Item = Stretch>,
        from: Timestamp,
        over: Timestamp,
        due: impl Fn(Timestamp) -> Timestamp,
    ) -> Sight {
        let long_enough = due(from).plus(self.slack) < over;
        let mut sight = if long_enough { Sight::Untold } else { self.too_short(over) };
        for stretch in stretches.filter(|one| one.from < over && one.until.is_none_or(|until| until > from)) {
            sight = self.ripe(due(stretch.from), over.min(stretch.until.unwrap_or(self.end)));
            if let Sight::Seen(_) = sight {
                break;
            }
        }
        sight
    }

    fn held(&self, sets: &[(&[&str], Patience)], history: &History, from: Timestamp, over: Timestamp) -> Sight {
        let mut statuses: Vec<&Status> = history.statuses.iter().collect();
        statuses.sort_by_key(|status| (status.from, status.came));
        let at = statuses.iter().rposition(|status| {
            status.from <= from.plus(self.slack) && sets.iter().any(|(names, _)| names.contains(&&*status.name))
        });
        let Some(at) = at else { return Sight::Untold };
        let Some((names, patience)) = sets.iter().find(|(names, _)| names.contains(&&*statuses[at].name)) else {
            return Sight::Untold;
        };
        let run = statuses[..=at].iter().rev().take_while(|status| names.contains(&&*status.name)).count();
        let first = statuses[at + 1 - run];
        let due = match patience {
            Patience::Plain(span) => first.from.plus(*span + GRACE),
            Patience::Business(days) => self.office.add_days(first.from, *days),
            Patience::BusinessAndGrace(days) => self.office.add_days(first.from, *days).plus(GRACE),
        };
        self.ripe(due.max(statuses[at].came), over)
    }
}
