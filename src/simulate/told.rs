//! What the simulated world tells: webhooks, written by hand into one text that is used again, and truths.

use std::collections::VecDeque;
use std::fmt::{Display, Write};

use chrono::{Datelike, Timelike};

use super::{Happening, Truth, Webhook};
use crate::engine::Timestamp;

/// Envelopes have ids from here on.
const FIRST_ENVELOPE: u64 = 4_000_001;

/// JSON under construction. Texts go in as they are: nothing invented needs escaping.
#[derive(Clone, Debug, Default)]
pub(super) struct Body {
    text: String,
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

    /// A time, in quotes, as [`Timestamp`] shows it; null where no calendar knows it.
    pub fn time(&mut self, at: Timestamp) -> &mut Self {
        let Some(at) = at.to_utc() else { return self.add("null") };
        let mut text = *b"\"0000-00-00T00:00:00.000Z\"";
        let year = u32::try_from(at.year()).unwrap_or_default();
        digits(&mut text[1..5], year);
        digits(&mut text[6..8], at.month());
        digits(&mut text[9..11], at.day());
        digits(&mut text[12..14], at.hour());
        digits(&mut text[15..17], at.minute());
        digits(&mut text[18..20], at.second());
        digits(&mut text[21..24], at.timestamp_subsec_millis());
        self.add(std::str::from_utf8(&text).unwrap_or("null"))
    }

    /// What was written so far, which is forgotten.
    pub fn take(&mut self) -> String {
        std::mem::take(&mut self.text)
    }
}

/// Fills `places` with the last digits of a number.
fn digits(places: &mut [u8], number: u32) {
    let mut left = number;
    for place in places.iter_mut().rev() {
        *place = b"0123456789"[(left % 10) as usize];
        left /= 10;
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
