//! What a device has before it, each thing once.

use crate::engine::Timestamp;

const NEVER: Timestamp = Timestamp(i64::MAX);

/// What comes due in a device's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Where the device is: ordered, given to a patient, taken back.
    Life,
    /// Its order gets on.
    Order,
    /// Its return gets on.
    Return,
    /// Its patient measures, or should.
    Measure,
    /// Measures again, to be sure.
    Repeat,
    /// A reading that was kept in the device is sent.
    Upload,
    /// It checks in.
    Check,
    /// It warns of its battery, or that is empty.
    Battery,
    /// Somebody puts in a new battery.
    Replace,
    /// It warns of a weak signal.
    Weak,
    /// Its radio fades, falls silent or comes back.
    Radio,
    /// The coverage of its site fails.
    Outage,
    /// A bad batch of batteries shows.
    Defect,
    /// Its patient moves house.
    Patient,
    /// Its patient stops measuring, or begins again.
    Habit,
    /// Somebody opens, answers or closes a ticket about it.
    Ticket,
}

impl Due {
    const ALL: [Self; 16] = [
        Self::Life,
        Self::Order,
        Self::Return,
        Self::Measure,
        Self::Repeat,
        Self::Upload,
        Self::Check,
        Self::Battery,
        Self::Replace,
        Self::Weak,
        Self::Radio,
        Self::Outage,
        Self::Defect,
        Self::Patient,
        Self::Habit,
        Self::Ticket,
    ];
}

#[derive(Clone, Debug)]
pub(super) struct Agenda([Timestamp; Due::ALL.len()]);

impl Agenda {
    pub fn new() -> Self {
        Self([NEVER; Due::ALL.len()])
    }

    /// Sets when something comes due, in place of what was set before.
    pub fn set(&mut self, due: Due, at: Timestamp) {
        self.0[due as usize] = at;
    }

    pub fn clear(&mut self, due: Due) {
        self.set(due, NEVER);
    }

    pub fn is_set(&self, due: Due) -> bool {
        self.0[due as usize] != NEVER
    }

    /// When the next thing comes due.
    pub fn next_at(&self) -> Timestamp {
        self.0.iter().copied().min().unwrap_or(NEVER)
    }

    /// The next thing, which is taken off.
    pub fn take(&mut self) -> Option<Due> {
        let next = self.next_at();
        let due = Due::ALL.into_iter().find(|due| next != NEVER && self.0[*due as usize] == next)?;
        self.clear(due);
        Some(due)
    }
}
