//! Patients: who they are, how diligent, and what changes about them. Every one is invented.

use super::chance::{Chance, DAY};
use super::told::Body;
use super::world::{TOWNS, World};
use crate::engine::{SubjectKind, Timestamp};

const FIRST_PATIENT: u64 = 2_000_000;

const FIRST_NAMES: [&str; 24] = [
    "Ingrid", "Oswin", "Calla", "Tobiah", "Maren", "Quillon", "Odalys", "Bertil", "Philippa", "Anselm", "Delphine",
    "Eskil", "Fenna", "Gideon", "Halina", "Isolde", "Jorun", "Kasimir", "Linnea", "Matthis", "Nerys", "Orsolya",
    "Petrus", "Rosalind",
];
const LAST_NAMES: [&str; 22] = [
    "Tamsworth",
    "Pellegrew",
    "Brindlemoor",
    "Hestwick",
    "Ostrivale",
    "Faraday",
    "Thornquist",
    "Marchetti",
    "Okereke",
    "Ravensdale",
    "Sandoval",
    "Tidewell",
    "Underhill",
    "Vantongeren",
    "Wetherby",
    "Yarborough",
    "Zellweger",
    "Albrecht",
    "Castellan",
    "Dunleavy",
    "Eastmark",
    "Fitzwarren",
];
const STREETS: [&str; 6] = ["Larch Lane", "Aspen Knoll", "Kestrel Court", "Mill Ditch Road", "Quay Street", "Elm Rise"];
const NOTES: [&str; 4] = ["Leave with the front desk", "Blue door, dog barks", "Ring twice", "Side entrance"];
const SEXES: [&str; 4] = ["female", "male", "female", "other"];

/// A patient. Several devices of one household hold the same one, each for itself: they draw the same from `chance`.
#[derive(Clone, Debug)]
pub(super) struct Patient {
    pub id: u64,
    /// As Impilo's Patient.
    pub json: String,
    /// How many of the measurements that are due are taken.
    pub diligence: f64,
    /// Lives where coverage is poor.
    pub poor_coverage: bool,
    /// When the habit of measuring ends, if ever.
    pub stops_at: Option<Timestamp>,
    /// When it is taken up again, if ever.
    pub resumes_at: Option<Timestamp>,
    /// When something about the patient changes next.
    pub changes_at: Timestamp,
    chance: Chance,
    name: (&'static str, &'static str),
    born: (u64, u64, u64),
    sex: &'static str,
    street: &'static str,
    number: u64,
    note: &'static str,
    archived: bool,
}

impl Patient {
    /// The patient that a device has first (`turn` 0) or later. The first one's household is that of the device.
    pub fn new(world: &World, site: usize, device: u64, turn: u64, since: Timestamp) -> Self {
        let id = FIRST_PATIENT + device * 1000 + turn;
        let mut chance = Chance::of_subject(world.seed, SubjectKind::Patient, id);
        let stops_at = chance.happens(0.4).then(|| since.plus(chance.between(DAY * 2, DAY * 150)));
        let resumes_at = stops_at.filter(|_| chance.happens(0.6)).map(|at| at.plus(chance.between(DAY * 5, DAY * 60)));
        let mut patient = Self {
            id,
            json: String::new(),
            diligence: chance.hundredths(65..=100) / 100.0,
            poor_coverage: chance.happens(world.sites[site].poor_coverage),
            stops_at,
            resumes_at,
            changes_at: since.plus(chance.about(DAY * 150)),
            name: (chance.pick(&FIRST_NAMES), chance.pick(&LAST_NAMES)),
            born: (chance.number(1932..=1990), chance.number(1..=12), chance.number(1..=28)),
            sex: chance.pick(&SEXES),
            street: chance.pick(&STREETS),
            number: chance.number(1..=900),
            note: chance.pick(&NOTES),
            archived: false,
            chance,
        };
        patient.write(world, site);
        patient
    }

    /// The patient moves.
    pub fn moves(&mut self, world: &World, site: usize) {
        self.street = self.chance.pick(&STREETS);
        self.number = self.chance.number(1..=900);
        self.changes_at = self.changes_at.plus(self.chance.between(DAY, DAY * 300));
        self.write(world, site);
    }

    /// The patient leaves the program.
    pub fn leaves(&mut self, world: &World, site: usize) {
        self.archived = true;
        self.write(world, site);
    }

    fn write(&mut self, world: &World, site: usize) {
        let Self { id, name: (first, last), born: (year, month, day), .. } = *self;
        let its_site = &world.sites[site];
        let (city, state, zip) = TOWNS[its_site.town];
        let (first_small, last_small) = (first.to_lowercase(), last.to_lowercase());
        let mut body = Body::default();
        body.add(r#"{"id":"#).show(id).add(r#","externalIdentifier":"EXT-"#).show(id);
        body.add(r#"","firstName":""#).add(first).add(r#"","lastName":""#).add(last).add(r#"","dateOfBirth":""#);
        body.show(format_args!("{year}-{month:02}-{day:02}"));
        body.add(r#"","email":""#).show(format_args!("{first_small}.{last_small}{id}@example.com"));
        body.add(r#"","phoneNumber":"+1202555"#).show(format_args!("{:04}", id % 10_000));
        body.add(r#"","archived":"#).show(self.archived).add(r#","address":{"lineOne":""#).show(self.number);
        body.add(" ").add(self.street).add(r#"","lineTwo":"Apt "#).show(self.number % 40 + 1).add(r#"","city":""#);
        body.add(city).add(r#"","state":""#).add(state).add(r#"","zipCode":""#).add(zip);
        body.add(r#"","country":"USA","note":""#).add(self.note).add(r#""},"site":"#).add(&its_site.json);
        body.add(r#","enrolled":"#).show(!self.archived).add(r#","sex":""#).add(self.sex).add(r#""}"#);
        self.json = body.take();
    }
}
