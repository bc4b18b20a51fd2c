//! The envelope of one webhook, read without its payload.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;
use serde_json_borrow::{OwnedValue, Value as Json};
use sha2::{Digest, Sha256};

use super::mend::mended;

/// Which of the known forms an envelope has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `{id, type, payload}`: documented.
    Standard,
    /// `{event, data}`: shown in one published guide, contradicting the rest.
    EventData,
}

/// What the receiver needs of a webhook body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// Impilo's id in decimal, or its text; for [`Form::EventData`], which has none, a hash of the body.
    pub id: String,
    /// The event type; an open set.
    pub kind: Cow<'a, str>,
    pub form: Form,
}

/// Why a body is not an envelope. Says nothing of what stands in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("the body is not JSON (line {line}, column {column})")]
    NotJson { line: usize, column: usize },
    #[error("the body is JSON but not an object with `id`, `type` and `payload`")]
    NotAnObject,
    #[error("`id` is missing, or neither a whole number nor a text")]
    NoId,
    #[error("`type` is missing or not a text of 1 to 200 characters")]
    NoType,
    #[error("`payload` is missing")]
    NoPayload,
    #[error("`data` is missing beside `event`")]
    NoData,
}

/// A field that is absent where it is missing, and present even where it is null.
#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    payload: Option<&'a RawValue>,
    #[serde(borrow, default)]
    event: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    data: Option<&'a RawValue>,
}

fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

impl<'a> Envelope<'a> {
    /// Reads the envelope and leaves the payload alone.
    ///
    /// # Errors
    /// When the body is neither of the known forms.
    pub fn read(body: &'a [u8]) -> Result<Self, Unreadable> {
        let not_json = |error: serde_json::Error| {
            if error.is_data() {
                Unreadable::NotAnObject
            } else {
                Unreadable::NotJson { line: error.line(), column: error.column() }
            }
        };
        // A list would be read as the fields in their order.
        if body.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
            return Err(serde_json::from_slice::<IgnoredAny>(body).map_or_else(not_json, |_| Unreadable::NotAnObject));
        }
        let wire: Wire<'a> = serde_json::from_slice(body).map_err(not_json)?;
        if wire.kind.is_none() && wire.event.is_some() {
            let kind = wire.event.and_then(text).ok_or(Unreadable::NoType)?;
            let Some(_) = wire.data else { return Err(Unreadable::NoData) };
            return Ok(Self { id: hash_of(body), kind, form: Form::EventData });
        }
        let kind = wire.kind.and_then(text).ok_or(Unreadable::NoType)?;
        let id = wire.id.and_then(identifier).ok_or(Unreadable::NoId)?;
        if wire.payload.is_none() {
            return Err(Unreadable::NoPayload);
        }
        Ok(Self { id, kind, form: Form::Standard })
    }
}

/// A type's text: not empty, of bounded length, without control characters.
fn text(raw: &RawValue) -> Option<Cow<'_, str>> {
    let text: Cow<'_, str> = match serde_json::from_str::<&str>(raw.get()) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(serde_json::from_str::<String>(raw.get()).ok()?),
    };
    let fits = !text.is_empty() && text.chars().count() <= 200 && !text.chars().any(char::is_control);
    fits.then_some(text)
}

/// An id as text: Impilo's are int64 (documented), one guide shows a text.
fn identifier(raw: &RawValue) -> Option<String> {
    let source = raw.get();
    if source.starts_with('"') {
        return text(raw).map(Cow::into_owned);
    }
    let digits = source.strip_prefix('-').unwrap_or(source);
    let whole = !digits.is_empty() && digits.len() <= 30 && digits.bytes().all(|byte| byte.is_ascii_digit());
    whole.then(|| source.to_owned())
}

/// A hash of the body that neither spacing nor the order of keys changes. A body that cannot be read in full (nested
/// deeper than anything Impilo sends) is hashed as it came.
fn hash_of(body: &[u8]) -> String {
    let canonical = serde_json::from_slice::<Value>(body).map(|value| value.to_string().into_bytes());
    let digest = canonical.map_or_else(|_| Sha256::digest(body), Sha256::digest);
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// A body whose payload can be read. It borrows its texts from the body, which spares a hundred small allocations.
pub struct Payload {
    body: OwnedValue,
    /// The payload's name: `payload` or `data`.
    name: &'static str,
}

impl Payload {
    /// The payload itself.
    #[must_use]
    pub fn value(&self) -> &Json<'_> {
        let body = self.body.get_value();
        body.as_object().and_then(|fields| fields.get(self.name)).unwrap_or(body)
    }
}

/// The payload of either form; `None` where the body is no envelope. What no reader takes is mended first.
#[must_use]
pub fn payload(body: &[u8]) -> Option<Payload> {
    let body = match OwnedValue::from_slice(body) {
        Ok(body) => body,
        Err(_) => OwnedValue::from_string(mended(std::str::from_utf8(body).ok()?)).ok()?,
    };
    let fields = body.get_value().as_object()?;
    let name = ["payload", "data"].into_iter().find(|name| fields.contains_key(name))?;
    Some(Payload { body, name })
}
