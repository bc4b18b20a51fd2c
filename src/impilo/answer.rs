//! What Impilo's API answers: pages of objects, rows of the webhook log, subscriptions, the secret. No field of any is promised
//! (documented: all are optional), so each is read leniently, and what is missing stays so.

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json_borrow::{OwnedValue, Value};

use super::mend::mended;
use super::read;
use crate::engine::Timestamp;

/// The JSON text of one object of Impilo's, a device for instance. It holds protected health information, so it cannot be
/// printed.
#[derive(Clone, PartialEq, Eq)]
pub struct RawObject(String);

impl RawObject {
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text, in which people may be named.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }

    #[must_use]
    pub fn into_text(self) -> String {
        self.0
    }

    /// Impilo's id of the object, in decimal; `None` where it has none, or one that is no number (documented: all are).
    #[must_use]
    pub fn id(&self) -> Option<String> {
        whole(parsed(&self.0)?.get_value(), "id").map(|id| id.to_string())
    }

    /// Whether it is an object at all, and not what a proxy or a maintenance page says.
    #[must_use]
    pub fn is_object(&self) -> bool {
        self.0.trim_start().starts_with('{') && serde_json::from_str::<&RawValue>(&self.0).is_ok()
    }
}

/// One page of a list.
#[derive(Clone, PartialEq, Eq)]
pub struct Page<T> {
    pub rows: Vec<T>,
    /// Whether Impilo says that no page follows. Where it says nothing, the list ends with an empty page.
    pub last: bool,
    /// How many rows there are on all pages, where it says so.
    pub total: Option<i64>,
    /// Rows of it that are not among `rows`, since nothing can be done with them.
    pub left_out: usize,
    /// Rows of it that are longer than is taken.
    pub too_long: Vec<TooLong>,
}

/// A row of a list that is longer than is taken, so that nothing is known of it but where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong {
    /// The row of the list that it is; the first is 1.
    pub place: u32,
    /// How many of the page's rows stand before it.
    pub behind: usize,
}

#[derive(Deserialize)]
struct Wire {
    content: Vec<Box<RawValue>>,
    #[serde(default)]
    last: Option<serde_json::Value>,
    #[serde(default)]
    total: Option<serde_json::Value>,
}

impl Page<RawObject> {
    /// Reads a page: an object with the list `content`. Anything else is no page, and `None`: what a proxy or a maintenance page
    /// says must not pass for a list in which nothing is.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        // Derived code would take a list for an object.
        if !text.trim_start().starts_with('{') {
            return None;
        }
        let wire: Wire = serde_json::from_str(text).ok()?;
        let said = wire.last.is_some_and(|last| last.as_bool() == Some(true) || last.as_str() == Some("true"));
        let last = said || wire.content.is_empty();
        let count = wire.content.len();
        let objects = wire.content.into_iter().filter(|row| row.get().starts_with('{'));
        let rows: Vec<RawObject> = objects.map(|row| RawObject(row.get().to_owned())).collect();
        let left_out = count - rows.len();
        let total = wire.total.and_then(|total| total.as_i64());
        Some(Self { rows, last, total, left_out, too_long: Vec::new() })
    }

    /// The same page of what `read` makes of each object; what it cannot read is left out.
    pub fn map<T>(self, read: impl Fn(&Value) -> Option<T>) -> Page<T> {
        let of = |row: RawObject| read(parsed(&row.0)?.get_value());
        let count = self.rows.len();
        let rows: Vec<T> = self.rows.into_iter().filter_map(of).collect();
        let left_out = self.left_out + count - rows.len();
        Page { rows, last: self.last, total: self.total, left_out, too_long: self.too_long }
    }

    /// The same page of the objects that have an id.
    #[must_use]
    pub fn of_objects(mut self) -> Self {
        let count = self.rows.len();
        self.rows.retain(|row| row.id().is_some());
        self.left_out += count - self.rows.len() + self.too_long.len();
        self
    }

    /// The same page of rows of the log; where some are too long, one row stands for them.
    #[must_use]
    pub fn of_log(self) -> Page<LogRow> {
        let mut page = self.map(LogRow::read);
        for gap in page.too_long.chunk_by(|one, next| one.behind == next.behind).rev() {
            let Some(TooLong { place, behind }) = gap.first().copied() else { continue };
            let behind = behind.min(page.rows.len());
            let (from, to) = between(&page.rows, behind);
            let unread = Unread { place, rows: gap.len() as u64, from, to };
            page.rows.insert(behind, LogRow { unread: Some(unread), ..LogRow::default() });
        }
        page
    }
}

/// Between which times those rows were created that stand behind so many others, as far as the order of these tells. Neither
/// order is documented.
fn between(rows: &[LogRow], behind: usize) -> (Option<Timestamp>, Option<Timestamp>) {
    let time = |row: &LogRow| row.created_at;
    let times: Vec<Timestamp> = rows.iter().filter_map(time).collect();
    let (before, after) = rows.split_at(behind);
    let (before, after) = (before.iter().rev().find_map(time), after.iter().find_map(time));
    let (rises, falls) = (times.is_sorted(), times.is_sorted_by(|one, next| one >= next));
    match (rises, falls) {
        (true, false) => (before, after),
        (false, true) => (after, before),
        // All are of one time.
        (true, true) if before.is_some() && after.is_some() => (before, after),
        _ => (None, None),
    }
}

/// What the log holds of a webhook's body: a text of unknown form (documented as a string; whole envelope, inner payload, or
/// no JSON at all). It cannot be printed.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct LoggedPayload(String);

impl LoggedPayload {
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text, in which people may be named.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

/// One row of Impilo's webhook log: one event of one subscription (documented; whether `id` equals the envelope's is not).
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct LogRow {
    pub id: Option<i64>,
    /// The subscription's.
    pub webhook_id: Option<i64>,
    pub kind: Option<String>,
    /// May hold a token.
    pub url: Option<String>,
    pub payload: Option<LoggedPayload>,
    pub created_at: Option<Timestamp>,
    /// The HTTP status of our last answer.
    pub last_status: Option<i32>,
    pub retry_attempts: Option<i32>,
    pub last_retry_at: Option<Timestamp>,
    /// It stands for rows that are longer than is taken; nothing else is known then.
    pub unread: Option<Unread>,
}

/// Impilo sends an event once and so many times more (documented).
const RETRIES: i32 = 3;

/// Rows of the log, one behind the other, that are longer than is taken.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Unread {
    /// The row of the list that the first of them is; the first of all is 1.
    pub place: u32,
    pub rows: u64,
    /// They were created at or after this …
    pub from: Option<Timestamp>,
    /// … and at or before this.
    pub to: Option<Timestamp>,
}

impl LogRow {
    /// Reads a row, whatever it lacks. `None` where it is no object.
    #[must_use]
    pub fn read(row: &Value) -> Option<Self> {
        row.as_object()?;
        Some(Self {
            id: whole(row, "id"),
            webhook_id: whole(row, "webhookId"),
            kind: owned(row, "webhookType"),
            url: owned(row, "webhookUrl"),
            payload: payload(row),
            created_at: read::instant(row, "createTimestamp"),
            last_status: small(row, "lastResponseStatus"),
            retry_attempts: small(row, "retryAttempts"),
            last_retry_at: read::instant(row, "lastRetryTimestamp"),
            unread: None,
        })
    }

    /// Whether our last answer was a success. 200 is documented; that other 2xx are one is inferred.
    #[must_use]
    pub fn was_taken(&self) -> bool {
        self.last_status.is_some_and(|status| (200..300).contains(&status))
    }

    /// Whether it was sent as often as Impilo sends an event.
    #[must_use]
    pub fn was_sent_last(&self) -> bool {
        self.retry_attempts.is_some_and(|retries| retries >= RETRIES)
    }
}

/// One subscription: one type to one address (documented).
#[derive(Clone, PartialEq, Eq)]
pub struct Subscription {
    pub id: i64,
    pub kind: String,
    /// May hold a token.
    pub url: String,
}

impl Subscription {
    /// Reads a subscription. `None` where it has no id, so that nothing can be done with it.
    #[must_use]
    pub fn read(row: &Value) -> Option<Self> {
        let (kind, url) = (owned(row, "type").unwrap_or_default(), owned(row, "url").unwrap_or_default());
        Some(Self { id: whole(row, "id")?, kind, url })
    }

    /// As [`Subscription::read`], from an answer's text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::read(OwnedValue::parse_from(text.to_owned()).ok()?.get_value())
    }
}

/// The secret in an answer's text, empty where it is said to be; `None` where the answer says nothing of one.
#[must_use]
pub fn secret(text: &str) -> Option<SecretString> {
    let answer = OwnedValue::parse_from(text.to_owned()).ok()?;
    match read::at(answer.get_value(), "secret")? {
        Value::Str(secret) => Some(SecretString::from(secret.as_ref())),
        Value::Null => Some(SecretString::default()),
        _ => None,
    }
}

/// What a text holds. One that was cut in the middle of a letter, for one, must not take its object with it.
fn parsed(text: &str) -> Option<OwnedValue> {
    OwnedValue::parse_from(text.to_owned()).or_else(|_| OwnedValue::parse_from(mended(text))).ok()
}

fn payload(row: &Value) -> Option<LoggedPayload> {
    match read::at(row, "payload")? {
        Value::Null => None,
        Value::Str(text) => Some(LoggedPayload(text.clone().into_owned())),
        // Documented as a string; should it come as JSON, its text says the same.
        other => Some(LoggedPayload(other.to_string())),
    }
}

fn owned(row: &Value, name: &str) -> Option<String> {
    match read::at(row, name)? {
        Value::Str(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        _ => None,
    }
}

fn whole(row: &Value, name: &str) -> Option<i64> {
    read::id(row, name)?.parse().ok()
}

fn small(row: &Value, name: &str) -> Option<i32> {
    whole(row, name).and_then(|number| i32::try_from(number).ok())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn row(text: &str) -> LogRow {
        Page::read(&format!("{{\"content\": [{text}]}}")).unwrap().map(LogRow::read).rows.remove(0)
    }

    #[test]
    fn a_row_of_the_log_is_read_in_every_form() {
        let full =
            row(r#"{"id": 7, "webhookId": 3, "webhookType": "device.lowBattery", "webhookUrl": "https://a.example/w",
            "payload": "{'id':1234}", "createTimestamp": 1692713730345, "lastResponseStatus": 503, "retryAttempts": 3,
            "lastRetryTimestamp": "2023-08-22T14:15:30.3Z"}"#);
        assert_eq!(
            (full.id, full.webhook_id, full.last_status, full.retry_attempts),
            (Some(7), Some(3), Some(503), Some(3))
        );
        assert_eq!(full.payload.as_ref().map(LoggedPayload::text), Some("{'id':1234}"));
        assert_eq!(full.created_at, Some(Timestamp(1_692_713_730_345)));
        assert_eq!(full.last_retry_at, Some(Timestamp(1_692_713_730_300)));
        let nulls =
            row(r#"{"id": null, "payload": null, "createTimestamp": null, "webhookType": "", "retryAttempts": {}}"#);
        assert!(nulls == row("{}"));
        assert!(nulls.id.is_none() && nulls.payload.is_none() && nulls.created_at.is_none() && nulls.kind.is_none());
        let texts =
            row(r#"{"id": "9223372036854775807", "payload": {"id": 5}, "createTimestamp": "2013-10-20T19:20:30+01:00",
            "lastResponseStatus": "200", "retryAttempts": 99999999999}"#);
        assert_eq!((texts.id, texts.last_status, texts.retry_attempts), (Some(i64::MAX), Some(200), None));
        assert_eq!(texts.payload.as_ref().map(LoggedPayload::text), Some(r#"{"id":5}"#));
        assert_eq!(texts.created_at, Some(Timestamp(1_382_293_230_000)));
        assert_eq!(row(r#"{"createTimestamp": "yesterday"}"#).created_at, None);
    }

    #[test]
    fn a_page_says_whether_another_follows() {
        let last = |text| Page::read(text).map(|page| (page.rows.len(), page.last, page.total));
        assert_eq!(last(r#"{"content": [{}, {}], "last": false, "total": 5}"#), Some((2, false, Some(5))));
        assert_eq!(last(r#"{"content": [{}], "last": true}"#), Some((1, true, None)));
        assert_eq!(last(r#"{"content": [{}]}"#), Some((1, false, None)));
        assert_eq!(last(r#"{"content": [], "last": false}"#), Some((0, true, None)));
        assert_eq!(last(r#"{"content": [{}, 5, null], "page": 0, "total": null}"#), Some((1, false, None)));
        assert_eq!(last(r#"{"content": [5]}"#), Some((0, false, None)));
    }

    #[test]
    fn what_is_no_page_is_none() {
        for none in ["", "<html>", "5", "{}", "[]", "[{}]", "[[]]", r#""Scheduled maintenance""#] {
            assert!(Page::read(none).is_none(), "{none}");
        }
        for content in ["5", "null", "{}", r#""""#] {
            assert!(Page::read(&format!(r#"{{"content": {content}, "last": true}}"#)).is_none(), "{content}");
        }
        assert!(Page::read(r#"{"message": "Scheduled maintenance"}"#).is_none());
    }

    #[test]
    fn only_an_answer_that_names_the_secret_says_anything_of_it() {
        let read = |text| secret(text).map(|secret| secret.expose_secret().to_owned());
        for unreadable in ["", "{}", "[]", r#""s""#, r#"{"secret": 5}"#, r#"{"message": "Scheduled maintenance"}"#] {
            assert_eq!(read(unreadable), None, "{unreadable}");
        }
        for none in [r#"{"secret": null}"#, r#"{"secret": ""}"#] {
            assert_eq!(read(none).as_deref(), Some(""), "{none}");
        }
        assert_eq!(read(r#"{"secret": "s"}"#).as_deref(), Some("s"));
    }
}
