//! What the simulated world tells: webhooks, written by hand into one text that is used again, and truths.

use std::collections::VecDeque;
use std::fmt::{Display, Write};

use super::chance::{DAY, millis};
use super::{Happening, Truth, Webhook};
use crate::engine::Timestamp;

/// Envelopes have ids from here on.
const FIRST_ENVELOPE: u64 = 4_000_001;

/// JSON under construction. Texts go in as they are: nothing invented needs escaping.
#[derive(Clone, Debug, Default)]
pub(super) struct Body {
    text: String,
    /// A day and how RFC 3339 begins on it: most times in one history are of one day after the other.
    day: i64,
    date: String,
}

impl Body {
    pub fn add(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    pub fn show(&mut self, value: impl Display) -> &mut Self {
        let _ = write!(self.text, "{value}");
        self
    }

    /// A time, in quotes.
    pub fn time(&mut self, at: Timestamp) -> &mut Self {
        let length = i64::try_from(millis(DAY)).unwrap_or(i64::MAX);
        let (day, of_day) = (at.0.div_euclid(length), at.0.rem_euclid(length));
        if day != self.day || self.date.is_empty() {
            self.day = day;
            self.date = Timestamp(day * length).to_string();
            self.date.truncate("2026-01-05T".len());
        }
        let (seconds, thousandths) = (of_day / 1000, of_day % 1000);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        self.add("\"");
        self.text.push_str(&self.date);
        self.digits(hour, 10).add(":").digits(minute, 10).add(":").digits(second, 10).add(".");
        self.digits(thousandths, 100).add("Z\"")
    }

    /// A number with leading zeros, `unit` being that of its first digit.
    fn digits(&mut self, number: i64, unit: i64) -> &mut Self {
        let mut unit = unit;
        while unit > 0 {
            let digit = u8::try_from(number / unit % 10).unwrap_or_default();
            self.text.push(char::from(b'0' + digit));
            unit /= 10;
        }
        self
    }

    /// What was written so far, which is forgotten.
    pub fn take(&mut self) -> String {
        std::mem::take(&mut self.text)
    }
}

/// What was told and not yet taken, and the time of the world.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub now: Timestamp,
    next_id: u64,
    body: Body,
    ready: VecDeque<Happening>,
}

impl Told {
    pub fn new(now: Timestamp) -> Self {
        Self { now, next_id: FIRST_ENVELOPE, body: Body::default(), ready: VecDeque::new() }
    }

    /// Sends a webhook now; `write` writes its payload.
    pub fn webhook(&mut self, kind: &'static str, write: impl FnOnce(&mut Body)) {
        let id = self.next_id;
        self.next_id += 1;
        self.body.text.clear();
        self.body.add(r#"{"id":"#).show(id).add(r#","type":""#).add(kind).add(r#"","payload":"#);
        write(&mut self.body);
        self.body.add("}");
        let body = self.body.text.as_bytes().to_vec();
        self.ready.push_back(Happening::Webhook(Webhook { at: self.now, id, kind, body }));
    }

    pub fn truth(&mut self, truth: Truth) {
        self.ready.push_back(Happening::Truth(truth));
    }

    pub fn next(&mut self) -> Option<Happening> {
        self.ready.pop_front()
    }

    /// How much waits to be taken.
    pub fn waiting(&self) -> usize {
        self.ready.len()
    }
}

#[cfg(test)]
mod tests {
    use super::{Body, Timestamp};

    #[test]
    fn times_are_written_as_everywhere_else() {
        let mut body = Body::default();
        for at in [0, -1, 999, 1_767_614_400_000, 1_767_614_400_000 - 1, 1_772_496_003_045, 951_827_696_789] {
            body.time(Timestamp(at));
            assert_eq!(body.take(), format!("\"{}\"", Timestamp(at)));
        }
    }
}
