//! Where a device goes: to a patient, from one, to the next.

use super::{Device, Due, Whereabouts};
use crate::engine::Timestamp;
use crate::simulate::chance::{DAY, HOUR, MINUTE};
use crate::simulate::person::Patient;
use crate::simulate::told::{Body, Told};
use crate::simulate::truth::Problem;
use crate::simulate::world::World;

/// What becomes of a device that was taken from its patient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A return is opened.
    Return,
    /// Nobody thinks of it, for weeks.
    Forgotten,
    /// The next patient of the site gets it.
    HandedOver,
    /// The same patient gets it again, and that as often as this.
    Again(u64),
}

/// What ends when a device is no longer its patient's.
const WITH_PATIENT: [Problem; 10] = [
    Problem::LowBattery,
    Problem::FlatBattery,
    Problem::Silent,
    Problem::NeverHeard,
    Problem::FadingRadio,
    Problem::BatteryDrains,
    Problem::ArchivedHolds,
    Problem::StoppedMeasuring,
    Problem::NeverUsed,
    Problem::WeakCoverage,
];

/// What a device does only while a patient has it.
const DUE_WITH_PATIENT: [Due; 13] = [
    Due::Life,
    Due::Measure,
    Due::Repeat,
    Due::Upload,
    Due::Check,
    Due::Battery,
    Due::Replace,
    Due::Weak,
    Due::Radio,
    Due::Outage,
    Due::Patient,
    Due::Habit,
    Due::Ticket,
];

impl Device {
    pub(super) fn get_on(&mut self, world: &World, told: &mut Told) {
        match self.whereabouts {
            Whereabouts::Stock => self.place_order(world, told),
            Whereabouts::Delivered => self.associate(world, told),
            Whereabouts::AtSite => {
                self.next_patient(world, told);
                self.associate(world, told);
            }
            Whereabouts::WithPatient => self.leave(world, told),
            Whereabouts::Removed => self.after_removal(world, told),
            Whereabouts::Ordered | Whereabouts::Returning => {}
        }
    }

    pub(super) fn lie_at_site(&mut self, now: Timestamp) {
        self.whereabouts = Whereabouts::AtSite;
        self.status = "availableAtSite";
        let needed = self.chance.between(DAY, DAY * 45);
        self.agenda.set(Due::Life, now.plus(needed));
        self.agenda.set(Due::Check, now.plus(self.chance.between(MINUTE, DAY)));
    }

    pub(super) fn place_with_patient(&mut self) {
        self.whereabouts = Whereabouts::WithPatient;
        self.status = "withPatient";
        self.associated = true;
    }

    /// Another patient is to have the device: Impilo is told of somebody new.
    pub(super) fn next_patient(&mut self, world: &World, told: &mut Told) {
        self.turn += 1;
        self.patient = Patient::new(world, self.site, self.place, self.turn, told.now);
        self.tell_patient("patient.created", told);
    }

    pub(super) fn associate(&mut self, world: &World, told: &mut Told) {
        let now = told.now;
        self.place_with_patient();
        let happened = now.minus(self.chance.between(MINUTE / 300, MINUTE / 15));
        self.associated_at = Some(happened);
        self.troubles.end(Problem::NotAssigned, told);
        self.tell_association(true, happened, world, told);
        if self.next == Next::Again(0) {
            self.troubles.end(Problem::AssociationChurn, told);
            self.next = Next::Return;
        }
        let stays = if let Next::Again(_) = self.next {
            self.chance.between(MINUTE * 10, HOUR * 8)
        } else {
            self.used = false;
            self.untouched = self.model().measure.is_some() && self.chance.happens(0.08);
            self.chance.between(DAY * 25, DAY * 400)
        };
        if self.untouched {
            self.begins(Problem::NeverUsed, happened);
        }
        self.settle(world, now);
        if !matches!(self.next, Next::Again(_)) && self.chance.happens(0.02) {
            self.stay_dark(happened, now);
        }
        self.agenda.set(Due::Life, now.plus(stays));
    }

    /// Begins all that a device does while a patient has it.
    pub(super) fn settle(&mut self, world: &World, now: Timestamp) {
        self.kept = None;
        if self.untouched {
            if self.chance.happens(0.5) {
                self.agenda.set(Due::Measure, now.plus(self.chance.between(DAY * 12, DAY * 50)));
            }
        } else {
            self.plan_measuring(world, now);
        }
        self.plan_habit(now);
        self.agenda.set(Due::Check, now.plus(self.chance.about(self.model().check / 2)));
        self.agenda.set(Due::Patient, self.patient.changes_at.max(now));
        self.agenda.set(Due::Ticket, now.plus(self.chance.between(DAY, DAY * 220)));
        self.settle_battery(now);
        self.settle_radio(world, now);
    }

    /// The patient gives the device up, in one of the ways that people find.
    fn leave(&mut self, world: &World, told: &mut Told) {
        if let Next::Again(left) = self.next {
            self.next = Next::Again(left.saturating_sub(1));
            self.remove(world, told);
            self.agenda.set(Due::Life, told.now.plus(self.chance.between(MINUTE * 5, HOUR * 4)));
            return;
        }
        if self.troubles.has(Problem::ArchivedHolds) {
            return self.open_return(world, told);
        }
        if self.turn > 0 && self.chance.happens(0.06) {
            return self.part_without_a_word(world, told);
        }
        let wait = match self.chance.number(0..=99) {
            0..22 => return self.open_return(world, told),
            22..74 => {
                self.next = Next::Return;
                self.chance.between(MINUTE * 5, DAY * 2)
            }
            74..86 => {
                self.next = Next::Forgotten;
                self.chance.between(DAY * 20, DAY * 90)
            }
            86..96 => {
                self.next = Next::HandedOver;
                self.chance.between(HOUR, DAY * 2)
            }
            _ => {
                self.next = Next::Again(self.chance.number(3..=6));
                self.begins(Problem::AssociationChurn, told.now);
                self.chance.between(MINUTE * 5, HOUR * 4)
            }
        };
        self.remove(world, told);
        if self.next == Next::Forgotten {
            self.begins(Problem::NotReturned, told.now);
            let works = !self.battery.is_flat && !self.radio.is_silent();
            if works && self.model().measure.is_some() && !self.idle && !self.untouched && self.chance.happens(0.2) {
                self.begins(Problem::UsedByNobody, told.now);
                self.plan_measuring(world, told.now);
            }
        }
        self.agenda.set(Due::Life, told.now.plus(wait));
    }

    /// The patient leaves the program, and keeps the device, which goes on checking in.
    fn part_without_a_word(&mut self, world: &World, told: &mut Told) {
        for problem in WITH_PATIENT {
            self.troubles.end(problem, told);
        }
        self.close_ticket(world, told);
        for due in DUE_WITH_PATIENT.into_iter().filter(|due| *due != Due::Check) {
            self.agenda.clear(due);
        }
        self.patient.leaves(world, self.site);
        self.tell_patient("patient.updated", told);
        self.begins(Problem::ArchivedHolds, told.now);
        self.agenda.set(Due::Life, told.now.plus(self.chance.between(DAY * 9, DAY * 40)));
    }

    /// Takes the device from its patient.
    pub(super) fn remove(&mut self, world: &World, told: &mut Told) {
        for problem in WITH_PATIENT {
            self.troubles.end(problem, told);
        }
        for due in DUE_WITH_PATIENT {
            self.agenda.clear(due);
        }
        self.whereabouts = Whereabouts::Removed;
        self.status = "available";
        self.associated = false;
        self.low_at = None;
        self.skipping_since = None;
        let happened = told.now.minus(self.chance.between(MINUTE / 300, MINUTE / 15));
        self.tell_association(false, happened, world, told);
        self.close_ticket(world, told);
        if self.next == Next::Return && self.turn > 0 && self.chance.happens(0.3) {
            self.patient.leaves(world, self.site);
            self.tell_patient("patient.updated", told);
        }
        // It lies there and goes on checking in.
        if self.chance.happens(0.4) {
            self.agenda.set(Due::Check, told.now.plus(self.chance.about(DAY)));
        }
    }

    fn after_removal(&mut self, world: &World, told: &mut Told) {
        match self.next {
            Next::Again(_) => return self.associate(world, told),
            Next::Return => return self.open_return(world, told),
            Next::HandedOver => {}
            Next::Forgotten => {
                self.troubles.end(Problem::NotReturned, told);
                self.troubles.end(Problem::UsedByNobody, told);
                self.agenda.clear(Due::Measure);
                self.agenda.clear(Due::Repeat);
                self.agenda.clear(Due::Upload);
                if self.chance.happens(0.6) {
                    return self.open_return(world, told);
                }
            }
        }
        self.next = Next::Return;
        self.next_patient(world, told);
        self.associate(world, told);
    }

    /// Something about the patient changes. Of a household's devices, the first one's turn is to tell it.
    pub(super) fn patient_moves(&mut self, world: &World, told: &mut Told) {
        self.patient.moves(world, self.site);
        self.agenda.set(Due::Patient, self.patient.changes_at);
        if self.turn > 0 || super::household_of(self.place) == self.place {
            self.tell_patient("patient.updated", told);
        }
    }

    fn tell_patient(&self, kind: &'static str, told: &mut Told) {
        told.webhook(kind, |body| {
            body.add(&self.patient.json);
        });
    }

    fn tell_association(&self, created: bool, happened: Timestamp, world: &World, told: &mut Told) {
        let (kind, action) = match created {
            true => ("device.associationCreated", "associate"),
            false => ("device.associationRemoved", "disassociate"),
        };
        told.webhook(kind, |body: &mut Body| {
            body.add(r#"{"patient":"#).add(&self.patient.json).add(r#","device":"#);
            self.write(world, body);
            body.add(r#","action":""#).add(action).add(r#"","eventTimestamp":"#).time(happened).add("}");
        });
    }
}
