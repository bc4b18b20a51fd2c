//! What becomes of absences once Impilo's log was read: what it vouches for counts as heard, and of the rest it is known why not.

use std::time::Duration;

use super::recovery::Recovered;
use crate::account::recovery::LogPart;
use crate::engine::{Interval, Lack, Outage, Timestamp};
use crate::store::{Doubt, Quarantined, RecoveryNotes, Tally, meet, within};

/// Whoever keeps a log keeps it for as long as this (inferred). Only of longer absences is it doubted that it reaches back.
const KEPT_AT_LEAST: Duration = Duration::from_secs(24 * 60 * 60);

/// How many stretches are remembered that the log does not vouch for.
const MOST_DOUBTS: usize = 1000;

/// How many rows are remembered, by their time, that cannot be read.
const MOST_UNREADABLE: usize = 1000;

/// What a reading brought besides events.
#[derive(Default)]
pub(super) struct Brought {
    pub recovered: Recovered,
    /// When rows of ours were created.
    pub created: Vec<Timestamp>,
    /// When rows were created that do not tell whose they are.
    pub untold: Vec<Timestamp>,
    /// Whether a subscription leads here; `None` where Impilo does not tell its subscriptions.
    pub subscribed: Option<bool>,
    /// From when on the log reaches, where it may not reach back as far as it was asked.
    pub reaches: Option<Timestamp>,
}

impl Brought {
    /// Why it is not certain that this was all, though no gap is known.
    pub fn lack(&self) -> Option<Lack> {
        let elsewhere = self.recovered.rows == 0 && self.recovered.others > 0 && self.subscribed != Some(true);
        elsewhere.then_some(Lack::Elsewhere)
    }
}

/// Whether the log may not reach back to where it begins any more.
pub(super) fn may_be_forgotten(absence: &Interval) -> bool {
    absence.to.since(absence.from) > KEPT_AT_LEAST
}

/// Keeps in mind which rows of a part of the log cannot be read; gives those that nobody knew of. The log is read with an
/// overlap, so that most come more than once.
pub(super) fn remember_unread<'part>(notes: &mut RecoveryNotes, part: &'part LogPart) -> Vec<&'part Quarantined> {
    let oldest = notes.unreadable_at.first().copied().filter(|_| notes.unreadable_at.len() >= MOST_UNREADABLE);
    let mut new = Vec::new();
    for bad in &part.unreadable {
        let forgotten = oldest.is_some_and(|oldest| bad.received_at < oldest);
        if let (Err(place), false) = (notes.unreadable_at.binary_search(&bad.received_at), forgotten) {
            notes.unreadable_at.insert(place, bad.received_at);
            notes.unreadable += 1;
        }
        new.push(bad);
    }
    // What came by itself after all is not missing.
    let still = |at: &&Timestamp| part.unreadable.iter().all(|bad| bad.received_at != **at);
    for at in part.kept_at.iter().filter(still) {
        if let Ok(place) = notes.unreadable_at.binary_search(at) {
            notes.unreadable_at.remove(place);
            notes.unreadable = notes.unreadable.saturating_sub(1);
        }
    }
    for (over, quarantined) in &part.stepped_over {
        // How many there are in a stretch is known best where most were seen.
        let known = notes.stepped_over.iter_mut().find(|known| meet(&known.interval, &over.interval));
        match known {
            Some(known) => {
                notes.unreadable += over.rows.saturating_sub(known.rows);
                known.rows = known.rows.max(over.rows);
                known.interval.from = known.interval.from.min(over.interval.from);
                known.interval.to = known.interval.to.max(over.interval.to);
            }
            None => {
                notes.unreadable += over.rows;
                notes.stepped_over.push(over.clone());
                new.push(quarantined);
            }
        }
    }
    let too_many = notes.unreadable_at.len().saturating_sub(MOST_UNREADABLE);
    notes.unreadable_at.drain(..too_many);
    let too_many = notes.stepped_over.len().saturating_sub(MOST_UNREADABLE);
    notes.stepped_over.drain(..too_many);
    new
}

/// Keeps in mind what a part of the log says of the absences that wait for it.
pub(super) fn tally(notes: &mut RecoveryNotes, part: &LogPart, begins: Timestamp) {
    let RecoveryNotes { absences, tally, untold_at, read_until, .. } = notes;
    if absences.is_empty() {
        return;
    }
    tally.from = match (tally.from, *read_until) {
        (Some(from), Some(until)) if begins <= until => Some(from.min(begins)),
        _ => Some(begins),
    };
    tally.oldest = tally.oldest.into_iter().chain(part.oldest).min();
    tally.ours += part.ours;
    // What was read before is not counted twice.
    let new = |at: &&Timestamp| read_until.is_none_or(|until| until <= **at);
    let of_absence = |at: &&Timestamp| absences.iter().any(|absence| within(absence, at));
    tally.others += part.others_at.iter().filter(new).filter(of_absence).count() as u64;
    for absence in absences.iter() {
        // One is enough.
        if !untold_at.iter().any(|at| within(absence, at)) {
            untold_at.extend(part.untold_at.iter().find(|at| within(absence, at)));
        }
    }
}

/// Where the daemon was there, and nothing came, only a row of the log shows that Impilo had anything to say.
pub(super) fn heard(
    notes: &RecoveryNotes,
    blind: &[Interval],
    read_until: Timestamp,
    brought: &Brought,
) -> Vec<Interval> {
    let is_absence = |blind: &Interval| {
        let doubts = notes.doubts.iter().map(|doubt| &doubt.interval);
        notes.absences.iter().chain(doubts).any(|absence| meet(absence, blind))
    };
    let told = |blind: &&Interval| brought.created.iter().any(|at| within(blind, at));
    let in_doubt =
        |interval: &Interval| notes.unread(interval) > 0 || brought.untold.iter().any(|at| within(interval, at));
    let heard = blind.iter().filter(|blind| !is_absence(blind)).filter(told);
    let heard = heard.map(|blind| Interval { from: blind.from, to: blind.to.min(read_until) });
    heard.filter(|interval| interval.from < interval.to && !in_doubt(interval)).collect()
}

/// Decides of each absence that was read to its end how much of it counts as heard, and why the rest does not. While the daemon
/// was away nothing came by itself, so it takes a log that was read in full, and that is known to speak of us.
pub(super) fn settle(notes: &mut RecoveryNotes, read_until: Timestamp, brought: &Brought) -> Vec<Interval> {
    let mut healed = Vec::new();
    let read: Vec<Interval> = notes.absences.extract_if(.., |absence| absence.to <= read_until).collect();
    let Tally { from, ours, others, .. } = notes.tally;
    let leads_here = brought.subscribed == Some(true);
    // What was sent before may have gone to an address that was ours.
    let always_led_here = leads_here && notes.subscribed != Some(false);
    for absence in read {
        let reaches = brought.reaches.filter(|_| may_be_forgotten(&absence));
        let begins = absence.from.max(from.unwrap_or(read_until)).max(reaches.unwrap_or(absence.from)).min(absence.to);
        if absence.from < begins {
            let interval = Interval { from: absence.from, to: begins };
            notes.doubts.push(Doubt { interval, lack: Lack::OutOfReach, others: 0 });
        }
        let interval = Interval { from: begins, to: absence.to };
        if interval.from >= interval.to {
            continue;
        }
        let doubt = |lack, others| Some(Doubt { interval, lack, others });
        let doubt = if notes.unread(&interval) > 0 {
            doubt(Lack::Unreadable, 0)
        } else if notes.untold_at.iter().any(|at| within(&interval, at)) {
            doubt(Lack::Untold, 0)
        } else if ours == 0 && others > 0 && !always_led_here {
            doubt(Lack::Elsewhere, others)
        } else if ours == 0 && !leads_here {
            doubt(Lack::NotSubscribed, 0)
        } else {
            None
        };
        match doubt {
            Some(doubt) => notes.doubts.push(doubt),
            None => healed.push(interval),
        }
    }
    if notes.absences.is_empty() {
        (notes.tally, notes.untold_at) = (Tally::default(), Vec::new());
    }
    let too_many = notes.doubts.len().saturating_sub(MOST_DOUBTS);
    notes.doubts.drain(..too_many);
    healed
}

/// The outages of which it was told that something may be missing, as one, where nothing is missing any more.
pub(super) fn made_up_for(notes: &mut RecoveryNotes) -> Option<Outage> {
    let RecoveryNotes { absences, doubts, owed, last_outage, returned, .. } = notes;
    let waits = |owed: &Interval| {
        absences.iter().chain(doubts.iter().map(|doubt| &doubt.interval)).any(|absence| meet(absence, owed))
    };
    let made_up: Vec<Interval> = owed.extract_if(.., |owed| !waits(owed)).collect();
    let from = made_up.iter().map(|interval| interval.from).min()?;
    let to = made_up.iter().map(|interval| interval.to).max()?;
    let interval = Interval { from, to };
    let late = Outage { interval, recovered: *returned, unreadable: 0, others: 0, lacks: None, late: true };
    if last_outage.as_ref().is_some_and(|last| made_up.contains(&last.interval)) {
        *last_outage = Some(late.clone());
    }
    Some(late)
}
