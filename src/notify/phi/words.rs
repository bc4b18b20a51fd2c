//! What every receiver may see: words of the program, numbers, instants, and the names that rule files give.

use chrono::DateTime;

use super::{Told, printable};
use crate::engine::{Alert, DigestReport, Notification, SelfAlert, Severity, SubjectKind, Timestamp};

/// What may stand in any message as it is.
pub(in crate::notify) trait Tell {
    fn tell(self) -> Told;
}

impl Tell for Told {
    fn tell(self) -> Told {
        self
    }
}

impl Tell for &Told {
    fn tell(self) -> Told {
        self.clone()
    }
}

/// Words of the program itself: nothing that was received lives as long.
impl Tell for &'static str {
    fn tell(self) -> Told {
        Told(self.to_owned())
    }
}

impl Tell for u64 {
    fn tell(self) -> Told {
        Told(self.to_string())
    }
}

impl Tell for u32 {
    fn tell(self) -> Told {
        Told(self.to_string())
    }
}

impl Tell for usize {
    fn tell(self) -> Told {
        Told(self.to_string())
    }
}

impl Tell for Severity {
    fn tell(self) -> Told {
        self.as_str().tell()
    }
}

impl Tell for SubjectKind {
    fn tell(self) -> Told {
        self.as_str().tell()
    }
}

/// An instant for people, to the minute.
pub(in crate::notify) fn instant(at: Timestamp) -> Told {
    Told(
        DateTime::from_timestamp_millis(at.0)
            .map_or_else(|| "an unknown time".to_owned(), |at| at.format("%Y-%m-%d %H:%M UTC").to_string()),
    )
}

/// The same in a zone of its own, where there is one of this name.
pub(in crate::notify) fn local(at: Timestamp, time_zone: &str) -> Told {
    match (time_zone.parse::<chrono_tz::Tz>(), at.to_utc()) {
        (Ok(zone), Some(at)) => Told(at.with_timezone(&zone).format("%Y-%m-%d %H:%M %Z").to_string()),
        _ => instant(at),
    }
}

/// The name of an alert's rule, in words.
pub(in crate::notify) fn rule(alert: &Alert) -> Told {
    Told(words(&alert.rule))
}

/// The name of a digest, in words.
pub(in crate::notify) fn digest(report: &DigestReport) -> Told {
    Told(words(&report.name))
}

/// The name of the receiver, as rule files have it.
pub(in crate::notify) fn receiver(notification: &Notification) -> Told {
    Told(printable(&notification.receiver))
}

/// The account that asked for a test message.
pub(in crate::notify) fn asked_by(by: &str) -> Told {
    Told(printable(by))
}

/// What Pulsewarden says of its own state, which carries nothing protected: the watch, its summary, and what to do.
pub(in crate::notify) fn of_itself(alert: &SelfAlert) -> [Told; 3] {
    [&alert.watch, &alert.summary, &alert.action].map(|text| Told(text.clone()))
}

/// `DeviceBatteryLow` as words: "Device battery low".
fn words(name: &str) -> String {
    let mut text = String::new();
    let mut before = ' ';
    for c in name.chars() {
        if matches!(c, '_' | '-' | ' ') {
            text.push(' ');
        } else if c.is_uppercase() && before.is_lowercase() {
            text.push(' ');
            text.extend(c.to_lowercase());
        } else {
            text.push(c);
        }
        before = c;
    }
    text
}
