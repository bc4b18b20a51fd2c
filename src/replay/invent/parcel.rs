//! What moves from status to status: orders and returns, and the moves of tickets and stock.

use serde_json::{Value as Json, json};

use super::{Cast, SITE, models, named};
use crate::config::{CaseEvent, Id};
use crate::engine::{SubjectKind, Timestamp};

/// An order, a return, a ticket, a procurement or a transfer, as far as events told.
#[derive(Clone, Default)]
pub(super) struct Parcel {
    patient: Option<Id>,
    order: Option<Id>,
    devices: Vec<Id>,
    /// Statuses, each with the time at which it was reached.
    moves: Vec<(String, Timestamp)>,
}

impl Parcel {
    /// Notes a status, where it is another than the newest; gives it back.
    pub fn moves_to(&mut self, status: &str, at: Timestamp) -> String {
        if self.moves.iter().max_by_key(|(_, at)| *at).is_none_or(|(newest, _)| newest != status) {
            self.moves.push((status.to_owned(), at));
            self.moves.sort_by_key(|(_, at)| *at);
        }
        status.to_owned()
    }

    /// When its first status was reached.
    pub fn begun(&self) -> Option<Timestamp> {
        self.moves.first().map(|(_, at)| *at)
    }

    /// Its moves as a list of Impilo's, with these names for the status and its time.
    pub fn moves(&self, name: &str, time: &str) -> Json {
        let moves = self.moves.iter();
        moves.map(|(status, at)| json!({ name: status, time: at.to_string() })).collect::<Vec<_>>().into()
    }

    fn status(&self) -> Option<&str> {
        self.moves.last().map(|(status, _)| status.as_str())
    }
}

impl Cast {
    /// An order or a return, thin or whole.
    pub(super) fn parcel(&mut self, event: &CaseEvent, at: Timestamp) -> Json {
        let is_order = event.kind.starts_with("order");
        let (kind, first) =
            if is_order { (SubjectKind::Order, "orderPlaced") } else { (SubjectKind::Return, "rmaPlaced") };
        let own = named(event, kind).unwrap_or(Id::Number(1));
        let mut parcel = self.parcels.remove(&(kind, own.clone())).unwrap_or_default();
        let named_devices = event.devices.iter().cloned().chain(named(event, SubjectKind::Device));
        for device in named_devices.filter(|device| *device != Id::None) {
            if !parcel.devices.contains(&device) {
                parcel.devices.push(device);
            }
        }
        if let Some(order) = named(event, SubjectKind::Order).filter(|_| !is_order) {
            parcel.order = Some(order);
        }
        if parcel.patient.is_none() || event.names.contains_key(&SubjectKind::Patient) {
            parcel.patient = self.patient_of(event, &parcel, &own);
        }
        let status = event.status.clone().or_else(|| parcel.status().map(str::to_owned));
        let status = status.unwrap_or_else(|| first.to_owned());
        if parcel.moves.is_empty() {
            parcel.moves_to(first, at);
        }
        parcel.moves_to(&status, at);
        let own_json = own.to_json();
        let written = match &*event.kind {
            "order.status" => {
                json!({ "orderId": own_json, "externalOrderIds": [format!("WEB-{own}")], "orderStatusName": status })
            }
            "return.status" => json!({ "id": own_json, "currentStatus": status }),
            _ => self.whole_parcel(event, at, is_order, &own, &parcel, &status),
        };
        self.parcels.insert((kind, own), parcel);
        written
    }

    /// Whose it is: as the event says, else its device's, else its order's, else the patient of the same number.
    fn patient_of(&self, event: &CaseEvent, parcel: &Parcel, own: &Id) -> Option<Id> {
        match event.names.get(&SubjectKind::Patient) {
            Some(Id::None) => return None,
            Some(patient) => return Some(patient.clone()),
            None if event.names.contains_key(&SubjectKind::Site) => return None,
            None => {}
        }
        let of_device = parcel.devices.iter().find_map(|id| self.devices.get(id)?.patient.clone());
        let of_order = || self.parcels.get(&(SubjectKind::Order, parcel.order.clone()?))?.patient.clone();
        Some(of_device.or_else(of_order).unwrap_or_else(|| own.clone()))
    }

    fn whole_parcel(
        &mut self,
        event: &CaseEvent,
        at: Timestamp,
        is_order: bool,
        own: &Id,
        parcel: &Parcel,
        status: &str,
    ) -> Json {
        for id in &parcel.devices {
            self.send(id, event, at, is_order, status, parcel.patient.as_ref());
        }
        let shown: Vec<_> = parcel.devices.iter().filter_map(|id| Some((id, self.devices.get(id)?.clone()))).collect();
        let item = named(event, SubjectKind::Item).or_else(|| shown.first().map(|(_, device)| device.item.clone()));
        let item = models::item(&item.unwrap_or_else(|| models::item_of("")));
        let devices: Vec<Json> = shown.iter().map(|(id, device)| self.written(id, device, event)).collect();
        let items = json!([{ "item": item, "count": devices.len().max(1) }]);
        let tracking = json!([{ "carrier": "USPS", "value": format!("94001000000000{:0>8}", own.to_string()) }]);
        let mut written = if is_order {
            json!({
                "id": own.to_json(), "externalOrderIds": [format!("WEB-{own}")], "currentStatus": status,
                "orderItems": items, "orderKits": [], "orderEvents": parcel.moves("name", "eventTimestamp"),
                "orderNotes": [], "trackingNumbers": tracking, "devices": devices, "packedKits": [],
                "shippingOption": "standard"
            })
        } else {
            json!({
                "id": own.to_json(), "currentStatus": status, "returnKits": [], "returnItems": items,
                "returnEvents": parcel.moves("type", "eventTimestamp"), "trackingNumbers": tracking,
                "returnDevices": devices
            })
        };
        if let Some(fields) = written.as_object_mut() {
            match &parcel.patient {
                Some(patient) => fields.insert("patient".to_owned(), self.patient(patient, event)),
                None => {
                    let site = named(event, SubjectKind::Site).unwrap_or(SITE);
                    fields.insert("site".to_owned(), models::site(&site))
                }
            };
            if let Some(order) = &parcel.order {
                fields.insert("relatedOrderId".to_owned(), order.to_json());
            }
        }
        written
    }

    /// What the parcel's status means for a device in it.
    fn send(&mut self, id: &Id, event: &CaseEvent, at: Timestamp, is_order: bool, status: &str, patient: Option<&Id>) {
        let is_new = !self.devices.contains_key(id);
        let device = self.device(id, event);
        if is_new && is_order {
            (device.patient, device.status) = (None, "awaitingShipment".to_owned());
        }
        match status {
            "shipped" if is_order && device.patient.is_none() => device.status = "shipped".to_owned(),
            "delivered" if is_order && device.patient.is_none() => {
                device.patient = patient.cloned();
                (device.status, device.moved) = ("delivered".to_owned(), Some(at));
            }
            "completed" if !is_order => {
                device.patient = None;
                (device.status, device.moved) = ("refurbishing".to_owned(), Some(at));
            }
            _ => {}
        }
    }
}
