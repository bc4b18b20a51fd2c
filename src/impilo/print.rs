//! What two deliveries of one event have in common, where Impilo's log does not tell the id of the envelope.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::mend::mended;
use super::{Envelope, reduce};

/// A hash of the payload of an envelope that neither spacing nor the order of keys changes; `None` where the body is none.
#[must_use]
pub fn print(body: &[u8]) -> Option<[u8; 32]> {
    let body: Value = match serde_json::from_slice(body) {
        Ok(body) => body,
        Err(_) => serde_json::from_str(&mended(std::str::from_utf8(body).ok()?)).ok()?,
    };
    let fields = body.as_object()?;
    let payload = ["payload", "data"].into_iter().find_map(|name| fields.get(name))?;
    Some(Sha256::digest(payload.to_string()).into())
}

/// The print of what retention leaves of an event.
#[must_use]
pub fn reduced_print(body: &[u8]) -> Option<[u8; 32]> {
    print(&reduce(body)?)
}

/// What a row of Impilo's webhook log has as its `payload`, whose form is not documented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoggedEvent {
    /// The whole envelope, with its type and id.
    Envelope { kind: String, id: String, body: Vec<u8> },
    /// The payload alone, here in an envelope around it whose id is that of the log's row.
    Inner { kind: String, body: Vec<u8> },
}

/// Why a row's payload cannot be read. Says nothing of what stands in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnreadablePayload {
    #[error("a row of Impilo's log has no payload")]
    Missing,
    #[error("the payload of a row of Impilo's log is not JSON")]
    NotJson,
    #[error("the payload of a row of Impilo's log is JSON but no object")]
    NotAnObject,
    #[error("a row of Impilo's log has a payload without its type")]
    NoType,
}

/// Reads what a row of the log has, in each of the forms that it may have.
///
/// # Errors
/// When it is in none of them.
pub fn logged(payload: &str, kind: Option<&str>, log_id: Option<i64>) -> Result<LoggedEvent, UnreadablePayload> {
    if payload.trim().is_empty() {
        return Err(UnreadablePayload::Missing);
    }
    if let Ok(envelope) = Envelope::read(payload.as_bytes()) {
        let body = payload.as_bytes().to_vec();
        return Ok(LoggedEvent::Envelope { kind: envelope.kind.into_owned(), id: envelope.id, body });
    }
    match serde_json::from_str::<Value>(payload) {
        Ok(Value::Object(_)) => {
            let kind = kind.ok_or(UnreadablePayload::NoType)?;
            let name = serde_json::to_string(kind).map_err(|_| UnreadablePayload::NoType)?;
            let id = log_id.unwrap_or_default();
            let body = format!("{{\"id\":{id},\"type\":{name},\"payload\":{payload}}}").into_bytes();
            Ok(LoggedEvent::Inner { kind: kind.to_owned(), body })
        }
        // A text in a text: the object was made JSON twice.
        Ok(Value::String(inner)) if inner.trim_start().starts_with('{') => logged(&inner, kind, log_id),
        Ok(_) => Err(UnreadablePayload::NotAnObject),
        Err(_) => Err(UnreadablePayload::NotJson),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_payload_has_the_same_print_in_every_form() {
        let envelope = r#"{"id":7,"type":"device.lowBattery","payload":{"batteryPercentage":8,"device":{"id":1}}}"#;
        let inner = r#" { "device": {"id": 1}, "batteryPercentage": 8 }"#;
        let Ok(LoggedEvent::Envelope { id, kind, body }) = logged(envelope, None, Some(3)) else { panic!() };
        assert_eq!((id.as_str(), kind.as_str()), ("7", "device.lowBattery"));
        let Ok(LoggedEvent::Inner { body: around, .. }) = logged(inner, Some("device.lowBattery"), Some(3)) else {
            panic!()
        };
        assert_eq!(print(&body), print(&around));
        assert!(print(&body).is_some());
        let twice = serde_json::to_string(inner).unwrap();
        let Ok(LoggedEvent::Inner { body, .. }) = logged(&twice, Some("device.lowBattery"), None) else { panic!() };
        assert_eq!(print(&body), print(&around));
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        assert_eq!(logged("{'id':1234}", Some("order.status"), None), Err(UnreadablePayload::NotJson));
        assert_eq!(logged("[1]", Some("order.status"), None), Err(UnreadablePayload::NotAnObject));
        assert_eq!(logged(r#"{"orderId":1}"#, None, None), Err(UnreadablePayload::NoType));
        assert_eq!(logged(" ", Some("order.status"), None), Err(UnreadablePayload::Missing));
    }
}
