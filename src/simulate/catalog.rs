//! The models of device that the fleet is made of, and how each is used and wears out.

use std::time::Duration;

use super::chance::{Chance, HOUR};
use super::told::Body;

/// What a device measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    BloodPressure,
    Weight,
    BloodGlucose,
    BloodOxygen,
    Temperature,
    PeakFlow,
    /// Two readings for each night.
    Sleep,
}

/// A model: Impilo's item.
#[derive(Debug)]
pub(super) struct Model {
    pub id: u64,
    name: &'static str,
    model: &'static str,
    maker: (u64, &'static str),
    /// How its serial numbers begin.
    pub serial: &'static str,
    /// How many of a hundred devices are of this model.
    share: u64,
    pub measure: Option<Measure>,
    /// At which hours of the day its patient measures.
    pub hours: &'static [u64],
    /// How often a measurement is repeated at once.
    pub repeats: f64,
    /// How often it checks in by itself.
    pub check: Duration,
    /// How many days a full battery lasts, least and most; `None` where it hangs on the mains.
    pub battery_days: Option<(u64, u64)>,
}

const NORTHFIELD: (u64, &str) = (12, "Northfield Instruments");
const TERN: (u64, &str) = (14, "Tern Harbor Devices");

pub(super) const MODELS: [Model; 8] = [
    Model {
        id: 71,
        name: "Cellular Blood Pressure Monitor",
        model: "CBP-200",
        maker: NORTHFIELD,
        serial: "CBP",
        share: 34,
        measure: Some(Measure::BloodPressure),
        hours: &[8, 20],
        repeats: 0.6,
        check: HOUR.saturating_mul(6),
        battery_days: Some((70, 190)),
    },
    Model {
        id: 72,
        name: "Cellular Scale",
        model: "CS-110",
        maker: NORTHFIELD,
        serial: "CSC",
        share: 22,
        measure: Some(Measure::Weight),
        hours: &[7],
        repeats: 0.1,
        check: HOUR.saturating_mul(5),
        battery_days: Some((120, 400)),
    },
    Model {
        id: 73,
        name: "Cellular Glucometer",
        model: "CG-30",
        maker: TERN,
        serial: "CGL",
        share: 16,
        measure: Some(Measure::BloodGlucose),
        hours: &[7, 12, 18, 22],
        repeats: 0.05,
        check: HOUR.saturating_mul(10),
        battery_days: Some((60, 150)),
    },
    Model {
        id: 74,
        name: "Pulse Oximeter",
        model: "PO-5",
        maker: TERN,
        serial: "POX",
        share: 12,
        measure: Some(Measure::BloodOxygen),
        hours: &[8, 14, 21],
        repeats: 0.15,
        check: HOUR.saturating_mul(7),
        battery_days: Some((50, 120)),
    },
    Model {
        id: 75,
        name: "Home Hub",
        model: "HH-2",
        maker: NORTHFIELD,
        serial: "HHB",
        share: 6,
        measure: None,
        hours: &[],
        repeats: 0.0,
        check: HOUR.saturating_mul(4),
        battery_days: None,
    },
    Model {
        id: 76,
        name: "Ear Thermometer",
        model: "ET-8",
        maker: TERN,
        serial: "ETH",
        share: 3,
        measure: Some(Measure::Temperature),
        hours: &[8, 19],
        repeats: 0.1,
        check: HOUR.saturating_mul(8),
        battery_days: Some((150, 400)),
    },
    Model {
        id: 77,
        name: "Peak Flow Meter",
        model: "PF-1",
        maker: TERN,
        serial: "PFM",
        share: 3,
        measure: Some(Measure::PeakFlow),
        hours: &[8, 20],
        repeats: 0.3,
        check: HOUR.saturating_mul(8),
        battery_days: Some((100, 300)),
    },
    Model {
        id: 78,
        name: "Sleep Mat",
        model: "SM-3",
        maker: NORTHFIELD,
        serial: "SLM",
        share: 4,
        measure: Some(Measure::Sleep),
        hours: &[6],
        repeats: 0.0,
        check: HOUR.saturating_mul(6),
        battery_days: None,
    },
];

/// How many of [`MODELS`], from the first on, have a battery and are common enough for a bad batch to be noticed.
pub(super) const COMMON_WITH_BATTERY: usize = 4;

/// The place of a model among [`MODELS`], the common ones more often.
pub(super) fn draw(chance: &mut Chance) -> usize {
    let mut left = chance.number(0..=99);
    for (place, model) in MODELS.iter().enumerate() {
        match left.checked_sub(model.share) {
            Some(rest) => left = rest,
            None => return place,
        }
    }
    0
}

/// A model as Impilo's Item.
pub(super) fn item(model: &Model) -> String {
    let mut body = Body::default();
    let (maker, made_by) = model.maker;
    body.add(r#"{"id":"#).show(model.id).add(r#","manufacturer":{"id":"#).show(maker);
    body.add(r#","name":""#).add(made_by).add(r#""},"name":""#).add(model.name).add(r#"","model":""#).add(model.model);
    body.add(r#"","sku":""#).show(format_args!("{:07}", model.id)).add(r#"","orderable":true}"#);
    body.take()
}

#[cfg(test)]
mod tests {
    use super::{COMMON_WITH_BATTERY, MODELS};

    #[test]
    fn shares_make_a_whole_and_what_can_be_defective_has_a_battery() {
        assert_eq!(MODELS.iter().map(|model| model.share).sum::<u64>(), 100);
        assert!(MODELS[..COMMON_WITH_BATTERY].iter().all(|model| model.battery_days.is_some() && model.share >= 10));
    }
}
