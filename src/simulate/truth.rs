//! What is really wrong in the simulated world, whoever notices.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use super::told::Told;
use crate::engine::{Subject, SubjectKind, Timestamp};

/// What can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Problem {
    /// A device with a patient runs low, from the first percent that Impilo warns of until the battery is replaced.
    LowBattery,
    /// Its battery is empty: nothing comes from it.
    FlatBattery,
    /// The radio of a device fails: nothing comes from it, however good its battery.
    Silent,
    /// A device was given to a patient and never comes on, so that nothing was ever heard of it there.
    NeverHeard,
    /// The radio of a device fails, and says so before it falls silent.
    FadingRadio,
    /// A battery was replaced and ran down again within 45 days.
    BatteryDrains,
    /// The device checks in, and its patient measures no more.
    StoppedMeasuring,
    /// A device that was given to a patient and has never measured.
    NeverUsed,
    /// A device lives where coverage is poor, and says so again and again.
    WeakCoverage,
    /// A device goes back and forth between having a patient and having none.
    AssociationChurn,
    /// A device was taken from its patient, and nobody opens a return.
    NotReturned,
    /// A device was taken from its patient, who goes on measuring with it.
    UsedByNobody,
    /// A device was delivered, and for days nobody gives it to its patient.
    NotAssigned,
    /// Its patient has left the program, and nobody asks for the device.
    ArchivedHolds,
    /// An order waits before shipment for days.
    OrderStuck,
    OrderUnableToFulfill,
    /// A parcel is packed and not fetched.
    OrderNotShipped,
    /// A carrier has lost a parcel, or brings it weeks late.
    ParcelLost,
    UnsuccessfulDelivery,
    /// A parcel goes back to the warehouse instead of to its patient.
    SentBack,
    /// A parcel waits to be picked up, and nobody comes.
    NeverCollected,
    /// The patient has what a return needs and does not send it.
    RmaOverdue,
    /// A parcel of a return never arrives, or weeks late.
    LostInTransit,
    /// A return has arrived and is not worked off.
    StuckInReceiving,
    /// A return is called off.
    ReturnVoided,
    TicketUnanswered,
    /// A ticket was answered and is not closed for weeks.
    TicketLeftOpen,
    ProcurementStuck,
    TransferStuck,
    /// The coverage of a whole site fails for an hour or more.
    SiteOutage,
    /// Batteries of one model fail by the dozen.
    DefectiveModel,
}

impl Problem {
    /// Every problem.
    pub const ALL: [Self; 31] = [
        Self::LowBattery,
        Self::FlatBattery,
        Self::Silent,
        Self::NeverHeard,
        Self::FadingRadio,
        Self::BatteryDrains,
        Self::StoppedMeasuring,
        Self::NeverUsed,
        Self::WeakCoverage,
        Self::AssociationChurn,
        Self::NotReturned,
        Self::UsedByNobody,
        Self::NotAssigned,
        Self::ArchivedHolds,
        Self::OrderStuck,
        Self::OrderUnableToFulfill,
        Self::OrderNotShipped,
        Self::ParcelLost,
        Self::UnsuccessfulDelivery,
        Self::SentBack,
        Self::NeverCollected,
        Self::RmaOverdue,
        Self::LostInTransit,
        Self::StuckInReceiving,
        Self::ReturnVoided,
        Self::TicketUnanswered,
        Self::TicketLeftOpen,
        Self::ProcurementStuck,
        Self::TransferStuck,
        Self::SiteOutage,
        Self::DefectiveModel,
    ];
}

/// A problem that one subject has, and how long. `until` is missing where it outlives the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Truth {
    pub problem: Problem,
    #[serde(flatten)]
    pub subject: Subject,
    pub from: Timestamp,
    pub until: Option<Timestamp>,
}

impl Truth {
    /// Writes it as one line of JSON.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn write_line(&self, out: &mut impl Write) -> io::Result<()> {
        serde_json::to_writer(&mut *out, self)?;
        out.write_all(b"\n")
    }
}

#[derive(Clone, Debug)]
struct Trouble {
    problem: Problem,
    kind: SubjectKind,
    id: u64,
    from: Timestamp,
}

/// What is wrong with something now; each problem once at most.
#[derive(Clone, Debug, Default)]
pub(super) struct Troubles(Vec<Trouble>);

impl Troubles {
    pub fn has(&self, problem: Problem) -> bool {
        self.0.iter().any(|trouble| trouble.problem == problem)
    }

    /// Notes a problem, unless it is noted already.
    pub fn begin(&mut self, problem: Problem, kind: SubjectKind, id: u64, from: Timestamp) {
        if !self.has(problem) {
            self.0.push(Trouble { problem, kind, id, from });
        }
    }

    /// Tells a problem that ends now; nothing where there is none.
    pub fn end(&mut self, problem: Problem, told: &mut Told) {
        if let Some(place) = self.0.iter().position(|trouble| trouble.problem == problem) {
            let trouble = self.0.remove(place);
            let until = Some(told.now);
            told.truth(trouble.into_truth(until));
        }
    }

    /// Tells every problem that is left when the history ends.
    pub fn outlive(&mut self, told: &mut Told) {
        for trouble in self.0.drain(..) {
            told.truth(trouble.into_truth(None));
        }
    }
}

impl Trouble {
    fn into_truth(self, until: Option<Timestamp>) -> Truth {
        let subject = Subject::new(self.kind, self.id.to_string());
        Truth { problem: self.problem, subject, from: self.from, until }
    }
}
