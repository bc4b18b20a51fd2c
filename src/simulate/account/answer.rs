//! What the account answers to a documented request.

use std::sync::Arc;

use chrono::DateTime;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::facts::Call;
use super::objects::{Kept, Shelf};
use super::request::{Asked, Refusal, refuse};
use super::state::{Account, Subscription};

/// An answer: its status and its JSON, if there is any.
pub(super) type Answer = (u16, Option<String>);

/// The status for what is documented, and what this stand-in cannot do.
pub(super) const NOT_SERVED: u16 = 501;

/// Parameters that are documented, and by which this stand-in cannot choose.
const CANNOT_CHOOSE_BY: [&str; 15] = [
    "externalIdentifier",
    "identifierType",
    "identifier",
    "itemName",
    "itemModel",
    "itemSku",
    "manufacturerId",
    "itemSize",
    "itemClass",
    "readingType",
    "patientExternalIdentifier",
    "patientEmail",
    "patientName",
    "searchString",
    "assigneeEmail",
];

/// Answers a request that was held against the facts.
pub(super) fn answer(account: &mut Account, asked: &Asked) -> Result<Answer, Refusal> {
    if let Some(name) = asked.names().find(|name| CANNOT_CHOOSE_BY.contains(name)) {
        return refuse(NOT_SERVED, format!("`{name}` is documented, and this stand-in cannot choose by it"));
    }
    match asked.call {
        Call::Webhooks => webhooks(account, asked),
        Call::CreateWebhook => create(account, asked),
        Call::Webhook => {
            let id = asked.id;
            let found = account.subscriptions.get(&id).map(|subscription| subscription.json(id));
            found.map_or_else(|| missing("webhook"), |webhook| ok(webhook.to_string()))
        }
        Call::MoveWebhook => move_to(account, asked),
        Call::DeleteWebhook => match account.subscriptions.remove(&asked.id) {
            Some(_) => Ok((204, None)),
            None => missing("webhook"),
        },
        Call::Secret => secret(account),
        Call::CreateSecret if account.secret.is_some() => refuse(400, "there is a secret; PATCH changes it"),
        Call::ChangeSecret | Call::DeleteSecret if account.secret.is_none() => refuse(400, "there is no secret"),
        Call::CreateSecret | Call::ChangeSecret => {
            let given = Some(asked.text("secret")).filter(|given| !given.is_empty());
            account.secret = Some(given.map_or_else(|| account.made_secret(), Arc::from));
            secret(account)
        }
        Call::DeleteSecret => {
            account.secret = None;
            Ok((204, None))
        }
        Call::Log => {
            let (total, rows) = account.log.find(asked, account.quirks.log_payload, asked.page());
            ok(page(asked, total, rows.iter().map(ToString::to_string)))
        }
        Call::Devices => devices(account, asked),
        Call::Device => {
            let prepared = account.devices.get(number(asked.id)).map(Kept::json);
            found(prepared.or_else(|| account.fleet.device(number(asked.id))), "device")
        }
        Call::Orders => orders(account, asked),
        Call::Order => found(account.orders.get(number(asked.id)).map(Kept::json), "order"),
        Call::Returns => returns(account, asked),
        Call::Return => found(account.returns.get(number(asked.id)).map(Kept::json), "return"),
        Call::Tickets => tickets(account, asked),
        Call::Ticket => found(account.tickets.get(number(asked.id)).map(Kept::json), "ticket"),
        _ => {
            trigger(account, asked);
            Ok((201, None))
        }
    }
}

fn ok(json: String) -> Result<Answer, Refusal> {
    Ok((200, Some(json)))
}

fn missing(what: &str) -> Result<Answer, Refusal> {
    refuse(404, format!("there is no {what} of this number"))
}

fn found(json: Option<String>, what: &str) -> Result<Answer, Refusal> {
    json.map_or_else(|| missing(what), ok)
}

/// No object has a number below zero.
fn number(id: i64) -> u64 {
    u64::try_from(id).unwrap_or(u64::MAX)
}

/// A page as Impilo documents it.
fn page(asked: &Asked, total: usize, content: impl Iterator<Item = String>) -> String {
    let (page, size) = asked.page();
    let content = content.collect::<Vec<_>>().join(",");
    let last = page.saturating_mul(size) >= total;
    let first = page == 1;
    format!(r#"{{"content":[{content}],"page":{page},"size":{size},"total":{total},"first":{first},"last":{last}}}"#)
}

/// The page that is asked for, of all that fits.
fn paged<T>(asked: &Asked, all: &[T], json: impl Fn(&T) -> String) -> Result<Answer, Refusal> {
    let (number, size) = asked.page();
    let shown = all.iter().skip((number - 1).saturating_mul(size)).take(size);
    ok(page(asked, all.len(), shown.map(json)))
}

impl Subscription {
    fn json(&self, id: i64) -> Value {
        json!({ "id": id, "type": self.kind, "url": &*self.url })
    }
}

fn webhooks(account: &Account, asked: &Asked) -> Result<Answer, Refusal> {
    let all: Vec<_> = account.subscriptions.iter().collect();
    paged(asked, &all, |(id, subscription)| subscription.json(**id).to_string())
}

fn create(account: &mut Account, asked: &Asked) -> Result<Answer, Refusal> {
    check_url(asked.text("url"))?;
    let id = account.subscribe(asked.text("type"), asked.text("url"));
    ok(account.subscriptions[&id].json(id).to_string())
}

fn move_to(account: &mut Account, asked: &Asked) -> Result<Answer, Refusal> {
    let url = asked.text("url");
    check_url(url)?;
    let Some(subscription) = account.subscriptions.get_mut(&asked.id) else { return missing("webhook") };
    if &*subscription.url == url {
        return refuse(400, "the webhook has this URL already");
    }
    subscription.url = url.into();
    ok(subscription.json(asked.id).to_string())
}

fn check_url(url: &str) -> Result<(), Refusal> {
    let is_url = reqwest::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if is_url { Ok(()) } else { refuse(400, "`url` must be one of http or https") }
}

fn secret(account: &Account) -> Result<Answer, Refusal> {
    match &account.secret {
        Some(secret) => ok(json!({ "secret": &**secret }).to_string()),
        None => refuse(404, "there is no secret"),
    }
}

fn devices(account: &Account, asked: &Asked) -> Result<Answer, Refusal> {
    if let Some(sort) = asked.one("sort").filter(|sort| *sort != "deviceId") {
        return refuse(NOT_SERVED, format!("`sort={sort}` is documented, and this stand-in cannot sort by it"));
    }
    let statuses: Vec<&str> = asked.all("status").collect();
    let numbers = |name| asked.all(name).map(|text| text.parse::<u64>().ok()).collect::<Vec<_>>();
    let (ids, patients, sites, items) = (numbers("id"), numbers("patientId"), numbers("siteId"), numbers("itemId"));
    let at_site = numbers("patientSiteId");
    let one_of = |wanted: &[Option<u64>], is: Option<u64>| wanted.is_empty() || is.is_some() && wanted.contains(&is);
    let fits = |id: u64, status: &str, patient: Option<u64>, site: Option<u64>, item: Option<u64>| {
        (statuses.is_empty() || statuses.contains(&status))
            && one_of(&ids, Some(id))
            && one_of(&patients, patient)
            && one_of(&sites, site)
            && one_of(&at_site, patient.and(site))
            && one_of(&items, item)
    };
    let of_fleet = account.fleet.devices().filter(|device| account.devices.get(device.id).is_none());
    let of_fleet = of_fleet.filter(|one| fits(one.id, one.status, one.patient, Some(one.site), Some(one.item)));
    let mut all: Vec<u64> = of_fleet.map(|device| device.id).collect();
    let prepared = account.devices.iter().filter(|(id, kept)| {
        let traits = &kept.traits;
        fits(*id, traits.status(), traits.patient(), traits.site(), traits.item())
    });
    all.extend(prepared.map(|(id, _)| id));
    all.sort_unstable();
    if asked.one("sortDescending") == Some("true") {
        all.reverse();
    }
    paged(asked, &all, |id| {
        let prepared = account.devices.get(*id).map(Kept::json);
        prepared.or_else(|| account.fleet.device(*id)).unwrap_or_default()
    })
}

fn chosen(shelf: &Shelf, asked: &Asked, fits: impl Fn(&Kept) -> bool) -> Result<Answer, Refusal> {
    let all: Vec<&Kept> = shelf.iter().map(|(_, kept)| kept).filter(|kept| fits(kept)).collect();
    paged(asked, &all, |kept| kept.json())
}

fn orders(account: &Account, asked: &Asked) -> Result<Answer, Refusal> {
    let patient: Option<u64> = asked.number("patientId");
    let external: Vec<&str> = asked.all("externalOrderId").collect();
    chosen(&account.orders, asked, |order| {
        let known = &order.traits.external_order_ids;
        (patient.is_none() || order.traits.patient() == patient)
            && (external.is_empty() || known.iter().any(|known| external.contains(&known.as_str())))
    })
}

fn returns(account: &Account, asked: &Asked) -> Result<Answer, Refusal> {
    let related: Option<u64> = asked.number("relatedOrderId");
    let standalone: Option<bool> = asked.number("standalone");
    let before = asked.one("lastUpdatedBefore");
    chosen(&account.returns, asked, |one| {
        let traits = &one.traits;
        asked.one("status").is_none_or(|status| traits.status() == status)
            && (related.is_none() || traits.related_order_id == related)
            && standalone.is_none_or(|alone| traits.related_order_id.is_none() == alone)
            && before.is_none_or(|day| &*one.at.to_string() < day)
    })
}

fn tickets(account: &Account, asked: &Asked) -> Result<Answer, Refusal> {
    let patient: Option<u64> = asked.number("patientId");
    let open: Option<bool> = asked.number("open");
    let millis = |text: &str| DateTime::parse_from_rfc3339(text).ok().map(|at| at.timestamp_millis());
    let created = asked.one("createdAt").and_then(millis);
    let updated = asked.one("updatedAt").and_then(millis);
    chosen(&account.tickets, asked, |ticket| {
        let traits = &ticket.traits;
        (patient.is_none() || traits.patient() == patient)
            && (open.is_none() || traits.open == open)
            && asked.one("ticketType").is_none_or(|kind| traits.ticket_type.as_deref() == Some(kind))
            && created.is_none_or(|from| traits.created_at.as_deref().and_then(millis).is_some_and(|at| at >= from))
            && updated.is_none_or(|from| ticket.at.0 >= from)
    })
}

/// A webhook that somebody asked for, to try their receiver. The objects in it are invented and need not exist.
fn trigger(account: &mut Account, asked: &Asked) {
    let body = &asked.body;
    let value = |name: &str| body.get(name).cloned().unwrap_or(Value::Null);
    let now = account.now.to_string();
    let patient = json!({ "id": value("patientId"), "firstName": "Test", "lastName": "Patient" });
    let reading = |fields: &[(&str, Value)]| {
        let mut reading = json!({ "id": 1, "readingTimestamp": now, "manual": false, "patient": patient });
        for (name, value) in fields {
            reading[*name] = value.clone();
        }
        reading
    };
    let association = |action: &str| {
        let identifiers = json!([{ "type": "serial", "value": value("deviceIdentifier") }]);
        let device = json!({ "id": value("deviceId"), "deviceIdentifiers": identifiers });
        json!({ "patient": patient, "device": device, "action": action, "eventTimestamp": now })
    };
    let (kind, payload) = match asked.call {
        Call::TestGlucose => ("reading.bloodGlucose", reading(&[("glucose", value("glucose"))])),
        Call::TestOxygen => {
            let fields = [("bloodOxygen", value("bloodOxygen")), ("heartRate", value("heartRate"))];
            ("reading.bloodOxygen", reading(&fields))
        }
        Call::TestPressure => {
            let fields = ["systolic", "diastolic", "heartRate"].map(|name| (name, value(name)));
            ("reading.bloodPressure", reading(&fields))
        }
        Call::TestWeight => ("reading.weight", reading(&[("weight", value("weight")), ("weightUnit", "lbs".into())])),
        Call::TestAssociated => ("device.associationCreated", association("associate")),
        Call::TestRemoved => ("device.associationRemoved", association("disassociate")),
        Call::TestOrder => {
            // Its number is random, as documented: it is no order of the account.
            let order = 900_000_000 + account.tally.requests;
            let external = value("externalOrderIds");
            let payload =
                json!({ "orderId": order, "externalOrderIds": external, "orderStatusName": value("orderStatusName") });
            ("order.status", payload)
        }
        _ => {
            let parcels = json!([{ "carrier": "USPS", "value": value("trackingNumber") }]);
            let payload = json!({
                "id": value("orderId"), "externalOrderIds": value("externalOrderIds"), "patient": patient,
                "currentStatus": value("orderStatus"), "trackingNumbers": parcels,
            });
            ("order.statusFull", payload)
        }
    };
    if let Ok(payload) = RawValue::from_string(payload.to_string()) {
        account.add(kind, payload.get(), false);
    }
}
