//! The whole fleet: whoever has something before them lives through it, the earliest first.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::catalog::MODELS;
use super::clinic::Clinic;
use super::device::{Device, FIRST_DEVICE, InShort};
use super::told::Told;
use super::warehouse::Shelf;
use super::world::World;
use super::{Happening, Plan, Webhook};
use crate::engine::Timestamp;

/// Who has something before them, by place among its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    Clinic(usize),
    Shelf(usize),
    Device(usize),
}

/// A fleet whose history is told in the order of time, one happening after the other. The same plan always brings the
/// same history, and what it holds in memory does not depend on how long that is.
#[derive(Clone, Debug)]
pub struct Fleet {
    world: World,
    clinics: Vec<Clinic>,
    shelves: Vec<Shelf>,
    devices: Vec<Device>,
    /// Exactly one entry for each of them.
    queue: BinaryHeap<Reverse<(Timestamp, Who)>>,
    told: Told,
}

impl Fleet {
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        let world = World::new(&plan);
        let clinics: Vec<Clinic> = (0..world.sites.len()).map(|place| Clinic::new(&world, place)).collect();
        let shelves: Vec<Shelf> = (0..MODELS.len()).map(|model| Shelf::new(&world, model)).collect();
        let devices: Vec<Device> = (0..plan.devices).map(|place| Device::new(&world, place)).collect();
        let mut queue = BinaryHeap::with_capacity(clinics.len() + shelves.len() + devices.len());
        queue.extend(clinics.iter().enumerate().map(|(place, one)| Reverse((one.next_at(), Who::Clinic(place)))));
        queue.extend(shelves.iter().enumerate().map(|(place, one)| Reverse((one.next_at(), Who::Shelf(place)))));
        queue.extend(devices.iter().enumerate().map(|(place, one)| Reverse((one.next_at(), Who::Device(place)))));
        Self { told: Told::new(world.begin), world, clinics, shelves, devices, queue }
    }

    /// The webhooks alone.
    pub fn webhooks(self) -> impl Iterator<Item = Webhook> {
        self.filter_map(|happening| match happening {
            Happening::Webhook(webhook) => Some(webhook),
            Happening::Truth(_) => None,
        })
    }

    /// What happens next, unless that is after `limit`. Nothing of the fleet is then further on than `limit`.
    pub fn next_until(&mut self, limit: Timestamp) -> Option<Happening> {
        loop {
            if let Some(happening) = self.told.next() {
                return Some(happening);
            }
            if self.next_at()? > limit {
                return None;
            }
            if !self.step() {
                self.finish();
            }
        }
    }

    /// When the fleet lives on; `None` once its history has ended and everything is told.
    #[must_use]
    pub fn next_at(&self) -> Option<Timestamp> {
        if self.told.waiting() > 0 {
            return Some(self.told.now);
        }
        self.queue.peek().map(|Reverse((at, _))| (*at).min(self.world.end))
    }

    /// Ends the history before its time: what is wrong now is told as still wrong.
    pub fn break_off(&mut self) {
        self.world.end = self.told.now;
        self.finish();
    }

    /// Every device in the order of its number, in short.
    pub fn devices(&self) -> impl Iterator<Item = InShort> {
        self.devices.iter().map(|device| device.in_short(&self.world))
    }

    /// The device of this number as Impilo's Device.
    #[must_use]
    pub fn device(&self, id: u64) -> Option<String> {
        let place = usize::try_from(id.checked_sub(FIRST_DEVICE)?).ok()?;
        self.devices.get(place).map(|device| device.json(&self.world))
    }

    /// How many entries wait in its queues, now.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queue.len() + self.told.waiting()
    }

    /// Lives through the next thing; false once the history has ended.
    fn step(&mut self) -> bool {
        let (world, told) = (&self.world, &mut self.told);
        let Some(mut first) = self.queue.peek_mut() else { return false };
        let Reverse((at, who)) = *first;
        if at >= world.end {
            return false;
        }
        told.now = at;
        let next_at = match who {
            Who::Clinic(place) => {
                self.clinics[place].live(world, told);
                self.clinics[place].next_at()
            }
            Who::Shelf(place) => {
                self.shelves[place].live(world, told);
                self.shelves[place].next_at()
            }
            Who::Device(place) => {
                self.devices[place].live(world, told);
                self.devices[place].next_at()
            }
        };
        *first = Reverse((next_at, who));
        true
    }

    /// Tells what is still wrong at the end, once.
    fn finish(&mut self) {
        self.told.now = self.world.end;
        self.clinics.iter_mut().for_each(|clinic| clinic.outlive(&mut self.told));
        self.shelves.iter_mut().for_each(|shelf| shelf.outlive(&mut self.told));
        self.devices.iter_mut().for_each(|device| device.outlive(&mut self.told));
        self.queue.clear();
    }
}

impl Iterator for Fleet {
    type Item = Happening;

    fn next(&mut self) -> Option<Happening> {
        self.next_until(Timestamp(i64::MAX))
    }
}
