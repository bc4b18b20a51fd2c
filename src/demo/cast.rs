//! Which of the stand-in's devices play a part, and what Impilo tells of them.

use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};

use crate::engine::Timestamp;
use crate::simulate::InShort;
use crate::simulate::account::StandIn;

/// The models of the fleet that are blood pressure monitors, scales and glucometers (Impilo's items).
const MONITOR: u64 = 71;
const SCALE: u64 = 72;
const GLUCOMETER: u64 = 73;

/// How many devices of one clinic lose their signal.
const FADING: usize = 6;

/// The orders of the story, and its reading: far from the fleet's own.
const ORDER: u64 = 900_417;
const LATER_ORDER: u64 = 900_422;
const READING: u64 = 900_000_001;

/// How long before the first news an order was placed.
const ORDERED_BEFORE: Duration = Duration::from_secs(26 * 3600);

/// One webhook of the story: its type and payload.
pub(super) type Told = (&'static str, Value);

/// Devices of the fleet, each as Impilo's Device.
pub(super) struct Cast {
    monitor: Value,
    scale: Value,
    glucometer: Value,
    fading: Vec<Value>,
}

impl Cast {
    /// The same devices for the same fleet: the first of each kind that are with patients.
    ///
    /// # Errors
    /// Where the fleet is too small.
    pub(super) fn of(stand_in: &StandIn) -> anyhow::Result<Self> {
        let with_patients: Vec<InShort> =
            stand_in.devices().into_iter().filter(|device| device.status == "withPatient").collect();
        let json = |device: &InShort| stand_in.device(device.id).and_then(|text| serde_json::from_str(&text).ok());
        // The smallest clinic comes first.
        let small = with_patients.first().map(|device| device.site);
        let first = |item| {
            let mut others = with_patients.iter().filter(|device| Some(device.site) != small);
            others.find(|device| device.item == item).and_then(json).context("the demo's fleet lacks a device")
        };
        let fading = with_patients.iter().filter(|device| Some(device.site) == small).take(FADING);
        Ok(Self {
            monitor: first(MONITOR)?,
            scale: first(SCALE)?,
            glucometer: first(GLUCOMETER)?,
            fading: fading.filter_map(json).collect(),
        })
    }

    /// The monitor's battery.
    pub(super) fn battery(&self, percentage: u8) -> Told {
        battery(&self.monitor, percentage)
    }

    /// The glucometer's battery.
    pub(super) fn other_battery(&self, percentage: u8) -> Told {
        battery(&self.glucometer, percentage)
    }

    /// The clinic's devices, each with a weak signal.
    pub(super) fn fading(&self) -> impl Iterator<Item = Told> {
        self.fading.iter().map(|device| ("device.weakSignal", json!({ "device": device })))
    }

    /// The monitor is given to its patient.
    pub(super) fn given(&self, at: Timestamp) -> Told {
        let payload = json!({
            "patient": self.monitor["currentPatient"], "device": self.monitor, "action": "associate",
            "eventTimestamp": at.to_string()
        });
        ("device.associationCreated", payload)
    }

    /// A reading of the monitor.
    pub(super) fn reading(&self, at: Timestamp) -> Told {
        let payload = json!({
            "id": READING, "readingTimestamp": at.to_string(), "manual": false, "systolic": 124, "diastolic": 79,
            "heartRate": 66, "systolicUnit": "mmhg", "diastolicUnit": "mmhg", "heartRateUnit": "bpm",
            "patient": self.monitor["currentPatient"], "item": self.monitor["item"], "device": self.monitor
        });
        ("reading.bloodPressure", payload)
    }

    /// An order of a scale like the one that its patient has.
    pub(super) fn order(&self, status: &str, at: Timestamp) -> Told {
        self.order_of(ORDER, status, at)
    }

    /// Another one.
    pub(super) fn later_order(&self, status: &str, at: Timestamp) -> Told {
        self.order_of(LATER_ORDER, status, at)
    }

    fn order_of(&self, id: u64, status: &str, at: Timestamp) -> Told {
        let placed = at.minus(ORDERED_BEFORE).to_string();
        let payload = json!({
            "id": id, "externalOrderIds": [format!("WEB-{id}")], "patient": self.scale["currentPatient"],
            "currentStatus": status, "orderItems": [{ "item": self.scale["item"], "count": 1 }], "orderKits": [],
            "orderEvents": [
                { "name": "orderPlaced", "eventTimestamp": placed },
                { "name": status, "eventTimestamp": at.to_string() }
            ],
            "orderNotes": [], "trackingNumbers": [], "devices": [], "packedKits": [], "shippingOption": "standard"
        });
        ("order.statusFull", payload)
    }
}

fn battery(device: &Value, percentage: u8) -> Told {
    ("device.lowBattery", json!({ "batteryPercentage": percentage, "device": device }))
}
