//! Believable payloads for the events of test cases: whole ones, as Impilo documents them, made from a few ids. Every person
//! and number is made up.
//!
//! What is invented of a subject stays so within a case. Device N is with patient N at site 3, and is a scale (item 40),
//! until the case says something else.

mod models;
mod parcel;

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use crate::config::{CaseEvent, Id};
use crate::engine::{SubjectKind, Timestamp};
use parcel::Parcel;

/// Where patients are at home, and devices that nobody has, unless a case says something else.
const SITE: Id = Id::Number(3);

/// The subjects of one case, as far as its events told.
#[derive(Default)]
pub struct Cast {
    devices: BTreeMap<Id, Device>,
    /// Patients, with their sites.
    patients: BTreeMap<Id, Id>,
    parcels: BTreeMap<(SubjectKind, Id), Parcel>,
    /// Events so far.
    count: u64,
}

/// A device, and whose it is.
#[derive(Clone)]
struct Device {
    patient: Option<Id>,
    site: Id,
    item: Id,
    status: String,
    /// When it last reported.
    seen: Option<Timestamp>,
    /// When it came to its patient, or left one.
    moved: Option<Timestamp>,
}

impl Cast {
    /// The payload of an event that happened `at`. Events must be asked for in the order in which they come.
    pub fn payload(&mut self, event: &CaseEvent, at: Timestamp) -> Json {
        self.count += 1;
        if event.names.is_empty() {
            return event.payload.clone().unwrap_or_else(|| json!({}));
        }
        let mut payload = self.whole(event, at);
        if let Some(more) = &event.payload {
            lay_over(&mut payload, more);
        }
        payload
    }

    fn whole(&mut self, event: &CaseEvent, at: Timestamp) -> Json {
        let family = event.kind.split_once('.').map_or(&*event.kind, |(family, _)| family);
        match (family, &*event.kind) {
            (_, "device.lowBattery") => json!({ "batteryPercentage": 15, "device": self.reporting(event, at) }),
            (_, "device.weakSignal" | "device.healthcheck") => json!({ "device": self.reporting(event, at) }),
            (_, "device.associationCreated") => self.association(event, at, true),
            (_, "device.associationRemoved") => self.association(event, at, false),
            ("reading", _) => self.reading(event, at),
            ("patient", _) => {
                let patient = named(event, SubjectKind::Patient).unwrap_or(Id::Number(1));
                if let Some(site) = named(event, SubjectKind::Site) {
                    self.patients.insert(patient.clone(), site);
                }
                self.patient(&patient, event)
            }
            ("order" | "return", _) => self.parcel(event, at),
            ("supportTicket", _) => self.ticket(event, at),
            ("procurement" | "transferRequest", _) => self.stock(event, at),
            ("packedKit", _) => {
                let device = named(event, SubjectKind::Device).map_or(Json::Null, |id| id.to_json());
                json!({
                    "eventTimestamp": at.to_string(), "eventType": event.status.as_deref().unwrap_or("started"),
                    "packedKitId": id_of(event, SubjectKind::PackedKit), "deviceId": device
                })
            }
            _ => self.undescribed(event, at),
        }
    }

    /// The device of an event, for reading and changing. What a case says with its first mention goes on to hold.
    fn device(&mut self, id: &Id, event: &CaseEvent) -> &mut Device {
        let patients = &self.patients;
        self.devices.entry(id.clone()).or_insert_with(|| {
            let patient = match event.names.get(&SubjectKind::Patient) {
                Some(Id::None) => None,
                Some(patient) => Some(patient.clone()),
                None => Some(id.clone()),
            };
            let home = || patient.as_ref().and_then(|patient| patients.get(patient).cloned());
            let site = named(event, SubjectKind::Site).or_else(home).unwrap_or(SITE);
            let item = named(event, SubjectKind::Item).unwrap_or_else(|| models::item_of(&event.kind));
            let status = if patient.is_some() { "withPatient" } else { "available" };
            Device { patient, site, item, status: status.to_owned(), seen: None, moved: None }
        })
    }

    /// A device as this event has it: what the event says of it holds for the event alone.
    fn shown(&mut self, id: &Id, event: &CaseEvent) -> Device {
        let mut device = self.device(id, event).clone();
        match event.names.get(&SubjectKind::Patient) {
            Some(Id::None) => device.patient = None,
            Some(patient) => device.patient = Some(patient.clone()),
            None => {}
        }
        if let Some(site) = named(event, SubjectKind::Site) {
            device.site = site;
        }
        if let Some(item) = named(event, SubjectKind::Item) {
            device.item = item;
        }
        device
    }

    /// The device that an event comes from.
    fn reporting(&mut self, event: &CaseEvent, at: Timestamp) -> Json {
        let id = named(event, SubjectKind::Device).unwrap_or(Id::Number(1));
        let device = self.device(&id, event);
        device.seen = device.seen.max(Some(at));
        if let Some(status) = &event.status {
            device.status.clone_from(status);
        }
        let shown = self.shown(&id, event);
        self.written(&id, &shown, event)
    }

    /// A device as a payload has it.
    fn written(&self, id: &Id, device: &Device, event: &CaseEvent) -> Json {
        let patient = device.patient.as_ref().map(|patient| self.patient(patient, event));
        models::device(id, device, patient)
    }

    fn patient(&self, id: &Id, event: &CaseEvent) -> Json {
        let site = named(event, SubjectKind::Site).or_else(|| self.patients.get(id).cloned());
        models::patient(id, &site.unwrap_or(SITE))
    }

    fn association(&mut self, event: &CaseEvent, at: Timestamp, created: bool) -> Json {
        let id = named(event, SubjectKind::Device).unwrap_or(Id::Number(1));
        let device = self.device(&id, event);
        let patient = named(event, SubjectKind::Patient).or_else(|| device.patient.clone());
        let patient = patient.unwrap_or_else(|| id.clone());
        let status = event.status.as_deref().unwrap_or(if created { "withPatient" } else { "available" });
        let mut shown = device.clone();
        (shown.patient, shown.status) = (created.then(|| patient.clone()), status.to_owned());
        // What comes late changes nothing that is newer.
        if device.moved <= Some(at) {
            shown.moved = Some(at);
            *device = shown.clone();
        }
        json!({
            "patient": self.patient(&patient, event), "device": self.written(&id, &shown, event),
            "action": if created { "associate" } else { "disassociate" }, "eventTimestamp": at.to_string()
        })
    }

    fn reading(&mut self, event: &CaseEvent, at: Timestamp) -> Json {
        let device = self.reporting(event, at);
        let field = |name: &str| device.get(name).cloned().unwrap_or(Json::Null);
        let mut reading = json!({
            "id": 880_000 + self.count, "readingTimestamp": at.to_string(), "manual": false,
            "deviceTimeZoneOffset": -18_000, "patientTimeZoneOffset": -18_000,
            "patient": field("currentPatient"), "item": field("item"), "device": device
        });
        lay_over(&mut reading, &models::values(&event.kind));
        reading
    }

    fn ticket(&mut self, event: &CaseEvent, at: Timestamp) -> Json {
        let device = named(event, SubjectKind::Device).map(|id| (self.shown(&id, event), id));
        let of_device = device.as_ref().and_then(|(device, _)| device.patient.clone());
        let patient = named(event, SubjectKind::Patient).or(of_device);
        let site = named(event, SubjectKind::Site).or_else(|| self.patients.get(patient.as_ref()?).cloned());
        let own = named(event, SubjectKind::Ticket).unwrap_or(Id::Number(1));
        let ticket = self.parcels.entry((SubjectKind::Ticket, own.clone())).or_default();
        let status = ticket.moves_to(event.status.as_deref().unwrap_or("open"), at);
        let (created, moves) = (ticket.begun().unwrap_or(at), ticket.moves("eventType", "createdAt"));
        let mut written = json!({
            "id": own.to_json(), "customer": models::customer(), "site": models::site(&site.unwrap_or(SITE)),
            "ticketType": "deviceTechnicalSupport", "supportTicketNotes": [], "supportTicketEvents": moves,
            "currentStatus": status, "open": status != "closed", "assignedTeam": "support",
            "createdAt": created.to_string(), "lastUpdated": at.to_string()
        });
        let mut put =
            |name: &str, value: Json| lay_over(&mut written, &Json::Object(Map::from_iter([(name.to_owned(), value)])));
        if let Some(patient) = &patient {
            put("patient", self.patient(patient, event));
        }
        if let Some((device, id)) = &device {
            put("device", self.written(id, device, event));
        }
        if let Some(order) = named(event, SubjectKind::Order) {
            put("order", json!({ "id": order.to_json() }));
        }
        written
    }

    /// A procurement or a transfer.
    fn stock(&mut self, event: &CaseEvent, at: Timestamp) -> Json {
        let kind = if event.kind.starts_with("procurement") { SubjectKind::Procurement } else { SubjectKind::Transfer };
        let own = named(event, kind).unwrap_or(Id::Number(1));
        let stock = self.parcels.entry((kind, own.clone())).or_default();
        let status = stock.moves_to(event.status.as_deref().unwrap_or("requested"), at);
        let (begun, moves) = (stock.begun().unwrap_or(at), stock.moves("name", "eventTimestamp"));
        let item = models::item(&named(event, SubjectKind::Item).unwrap_or_else(|| models::item_of("")));
        let own = own.to_json();
        match &*event.kind {
            "procurement.statusFull" => json!({
                "id": own, "currentStatus": status, "procurementType": "shippingNotice", "procurementEvents": moves,
                "procurementItems": [{ "item": item, "quantityRequested": 10, "quantityApproved": 10, "trackingNumbers": [] }]
            }),
            "transferRequest.statusFull" => {
                let device = named(event, SubjectKind::Device).map(|id| (self.shown(&id, event), id));
                let devices: Vec<Json> = device.iter().map(|(device, id)| self.written(id, device, event)).collect();
                json!({
                    "id": own, "fromCustomer": models::customer(), "toCustomer": { "id": 1, "name": "Warehouse" },
                    "currentStatus": status, "createdAt": begun.to_string(), "transferRequestNotes": [],
                    "transferRequestEvents": moves, "transferItems": [{ "item": item, "count": 1, "devices": devices }]
                })
            }
            "procurement.status" => json!({ "procurementId": own, "currentStatus": status }),
            _ => json!({ "transferRequestId": own, "currentStatus": status }),
        }
    }

    /// A type that nobody has described: what it names, each under its own word.
    fn undescribed(&mut self, event: &CaseEvent, at: Timestamp) -> Json {
        let mut payload = Map::new();
        if event.late.is_some() {
            payload.insert("eventTimestamp".to_owned(), at.to_string().into());
        }
        for (kind, id) in &event.names {
            let (name, value) = match kind {
                SubjectKind::Device => ("device", self.reporting(event, at)),
                SubjectKind::Patient if *id == Id::None => continue,
                SubjectKind::Patient => ("patient", self.patient(id, event)),
                SubjectKind::Site => ("site", models::site(id)),
                SubjectKind::Item => ("item", models::item(id)),
                SubjectKind::Order => ("order", json!({ "id": id.to_json() })),
                SubjectKind::Return => ("return", json!({ "id": id.to_json() })),
                SubjectKind::Ticket => ("supportTicket", json!({ "id": id.to_json() })),
                SubjectKind::Procurement => ("procurement", json!({ "id": id.to_json() })),
                SubjectKind::Transfer => ("transferRequest", json!({ "id": id.to_json() })),
                SubjectKind::PackedKit => ("packedKit", json!({ "id": id.to_json() })),
                SubjectKind::Group | SubjectKind::Silence | SubjectKind::Inhibition | SubjectKind::Outlet => continue,
            };
            payload.insert(name.to_owned(), value);
        }
        Json::Object(payload)
    }
}

/// What an event names, `none` apart.
fn named(event: &CaseEvent, kind: SubjectKind) -> Option<Id> {
    event.names.get(&kind).filter(|id| **id != Id::None).cloned()
}

fn id_of(event: &CaseEvent, kind: SubjectKind) -> Json {
    named(event, kind).unwrap_or(Id::Number(1)).to_json()
}

/// Lays `more` over `under`, object by object; null takes a field away.
pub(super) fn lay_over(under: &mut Json, more: &Json) {
    match (under, more) {
        (Json::Object(under), Json::Object(more)) => {
            for (name, value) in more {
                match value {
                    Json::Null => {
                        under.remove(name);
                    }
                    Json::Object(_) => lay_over(under.entry(name.clone()).or_insert_with(|| json!({})), value),
                    _ => {
                        under.insert(name.clone(), value.clone());
                    }
                }
            }
        }
        (under, more) => *under = more.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::config::{Place, Source, When};
    use crate::impilo::{self, schema};

    fn event(kind: &str, names: &[(SubjectKind, i64)]) -> CaseEvent {
        CaseEvent {
            place: Place { source: Arc::new(Source::new("a.test.yaml", "")), at: 0..0 },
            when: When::Once(std::time::Duration::ZERO),
            kind: kind.to_owned(),
            names: names.iter().map(|(kind, id)| (*kind, Id::Number(*id))).collect(),
            devices: Vec::new(),
            status: None,
            late: None,
            payload: None,
        }
    }

    fn facts(kind: &str, payload: &Json) -> crate::engine::Facts {
        let body = json!({ "id": 1, "type": kind, "payload": payload }).to_string();
        let payload = impilo::payload(body.as_bytes()).unwrap();
        impilo::facts(kind, payload.value(), Timestamp(1_772_445_600_000))
    }

    #[test]
    fn every_known_type_is_about_what_its_short_key_names() {
        for known in schema::EVENT_TYPES {
            let event = event(known.name, &[(known.subject, 7)]);
            let at = Timestamp(1_772_445_500_000);
            let facts = facts(known.name, &Cast::default().payload(&event, at));
            let first = &facts.about[0].subject;
            assert_eq!((first.kind, &*first.id), (known.subject, "7"), "{}", known.name);
            let told = schema::tells_time(known.name).then_some(at);
            assert_eq!(facts.occurred_at, told, "{}", known.name);
        }
    }

    #[test]
    fn payloads_hold_what_the_schema_knows() {
        fn names(fields: &[schema::PayloadField], value: &Json, path: &str, strange: &mut Vec<String>) {
            for (name, value) in value.as_object().into_iter().flatten() {
                let path = format!("{path}.{name}");
                let Some(field) = fields.iter().find(|field| field.name == name) else {
                    strange.push(path);
                    continue;
                };
                match field.shape {
                    schema::Shape::Object(inner) => names(inner, value, &path, strange),
                    schema::Shape::Objects(inner) => {
                        value.as_array().into_iter().flatten().for_each(|one| names(inner, one, &path, strange));
                    }
                    _ => assert!(!value.is_object(), "{path}"),
                }
            }
        }
        let mut strange = Vec::new();
        for known in schema::EVENT_TYPES {
            let all: Vec<_> = known.names.iter().zip(7..).map(|(kind, id)| (*kind, id)).collect();
            let payload = Cast::default().payload(&event(known.name, &all), Timestamp(1_772_445_500_000));
            names(known.payload, &payload, known.name, &mut strange);
        }
        assert_eq!(strange, Vec::<String>::new());
    }

    #[test]
    fn what_happened_before_is_remembered() {
        let mut cast = Cast::default();
        let mut tell = |kind: &str, names: &[(SubjectKind, i64)], at: i64| {
            let payload = cast.payload(&event(kind, names), Timestamp(at));
            payload["device"]["currentPatient"]["id"].clone()
        };
        let device = (SubjectKind::Device, 7);
        assert_eq!(tell("device.weakSignal", &[device], 1000), json!(7));
        assert_eq!(tell("device.associationRemoved", &[device], 2000), Json::Null);
        assert_eq!(tell("device.weakSignal", &[device], 3000), Json::Null);
        assert_eq!(tell("device.associationCreated", &[device, (SubjectKind::Patient, 9)], 4000), json!(9));
        assert_eq!(tell("device.associationRemoved", &[device], 2500), Json::Null);
        assert_eq!(tell("reading.weight", &[device], 5000), json!(9), "what was late has changed nothing");
    }
}
