//! What Impilo says, in Pulsewarden's words.
//!
//! Impilo posts one envelope (`id`, `type`, `payload`) for each event and forgets after three retries. It promises no
//! order, no unique delivery and no fixed set of types, statuses or fields, so everything here is read leniently: what is
//! understood becomes [`Facts`], what is not is kept in the journal as it came, and nothing is refused for its contents.
//! Whether a shape is documented or inferred is said where it is read.

pub mod answer;
mod device;
mod envelope;
mod facts;
mod mend;
mod order;
mod patient;
mod print;
mod read;
mod reading;
pub mod schema;
mod status;
mod stock;
mod ticket;
mod time;

use std::time::Duration;

use serde_json::Map;

pub use envelope::{Envelope, Form, Payload, Unreadable, payload};
pub use facts::facts;
pub use print::{LoggedEvent, UnreadablePayload, logged, print, reduced_print};

use crate::engine::{Basis, Facts, SubjectKind, Timestamp};

/// The type of what is read back of a device, by which nothing is heard from it. Impilo sends none of this type.
pub const READ_BACK: &str = "device.readBack";

/// The field that marks what the first reading of the whole fleet shows.
pub const FOUND: &str = "found";

/// How far ahead of receipt an event's own time may lie before receipt stands in for it.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// When an event happened, and what that rests on.
#[must_use]
pub fn placed(facts: &Facts, received_at: Timestamp) -> (Timestamp, Basis) {
    match facts.occurred_at.map(|own| not_ahead(own, received_at)) {
        Some(Some(own)) => (own, Basis::Own),
        Some(None) => (received_at, Basis::OwnInFuture),
        None => (received_at, Basis::Received),
    }
}

/// A time that Impilo tells, unless it lies too far ahead of receipt to be believed.
fn not_ahead(at: Timestamp, received_at: Timestamp) -> Option<Timestamp> {
    (at <= received_at.plus(CLOCK_TOLERANCE)).then_some(at)
}

/// What may stay of a reading once its retention has passed: id, type, device, patient and time. `None` where the body is
/// not an envelope.
#[must_use]
pub fn reduce(body: &[u8]) -> Option<Vec<u8>> {
    let envelope = Envelope::read(body).ok()?;
    let payload = payload(body)?;
    let payload = payload.value();
    let facts = facts(&envelope.kind, payload, Timestamp::default());
    let mut kept = Map::new();
    if let Some(time) = read::at(payload, "readingTimestamp").filter(|time| time.is_string() || time.is_number()) {
        kept.insert("readingTimestamp".to_owned(), serde_json::to_value(time).ok()?);
    }
    // Not clinical, and without it a reading typed in by hand would count as heard from the device.
    if read::at(payload, "manual").is_some_and(|manual| manual.as_bool() == Some(true)) {
        kept.insert("manual".to_owned(), true.into());
    }
    for (kind, name) in [(SubjectKind::Device, "device"), (SubjectKind::Patient, "patient")] {
        if let Some(about) = facts.about(kind) {
            kept.insert(name.to_owned(), serde_json::json!({ "id": about.subject.id }));
        }
    }
    let reduced = serde_json::json!({ "id": envelope.id, "type": envelope.kind, "payload": kept, "reduced": true });
    Some(reduced.to_string().into_bytes())
}
