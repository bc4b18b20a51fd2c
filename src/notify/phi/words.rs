//! What every receiver may see: words of the program, numbers, instants, and the names that rule files give.

use std::collections::BTreeMap;

use chrono::DateTime;

use super::{Told, printable};
use crate::engine::{Alert, Counts, DigestReport, Notification, Remark, SelfAlert, Severity, SubjectKind, Timestamp};

/// Characters of the name of a site beside its bar.
const LONGEST_SITE: usize = 32;

/// Characters of what a digest of several is about.
const LONGEST_SPLIT: usize = 80;

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

impl Tell for u8 {
    fn tell(self) -> Told {
        Told(self.to_string())
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

/// The local day that ends at an instant, or has come that far.
pub(in crate::notify) fn day(at: Timestamp, time_zone: &str) -> Told {
    let within = Timestamp(at.0.saturating_sub(1));
    match (time_zone.parse::<chrono_tz::Tz>(), within.to_utc()) {
        (Ok(zone), Some(at)) => Told(at.with_timezone(&zone).format("%a %d %b").to_string()),
        _ => instant(at),
    }
}

/// A text of the program, so many times.
pub(in crate::notify) fn repeated(what: &'static str, times: usize) -> Told {
    Told(what.repeat(times))
}

/// Numbers of open alerts, by rule.
pub(in crate::notify) fn open_by_rule(counts: &Counts) -> Vec<(Told, &BTreeMap<Severity, u64>)> {
    counts.open.iter().map(|(rule, by_severity)| (Told(words(rule)), by_severity)).collect()
}

/// Numbers of ended alerts, by rule.
pub(in crate::notify) fn ended_by_rule(counts: &Counts) -> Vec<(Told, u64)> {
    counts.ended.iter().map(|(rule, count)| (Told(words(rule)), *count)).collect()
}

/// Numbers by site, the name of each in so many characters that it leaves room for its bar.
pub(in crate::notify) fn by_site(sites: &BTreeMap<String, u64>) -> Vec<(Told, u64)> {
    sites.iter().map(|(site, count)| (Told(short(site, LONGEST_SITE)), *count)).collect()
}

fn short(text: &str, longest: usize) -> String {
    let text = printable(text);
    if text.chars().count() <= longest {
        return text;
    }
    text.chars().take(longest - 1).chain(['…']).collect()
}

/// What a digest of several is about, so short that it leaves room in a headline: only labels that every receiver may see
/// split one.
pub(in crate::notify) fn split(report: &DigestReport) -> Option<Told> {
    report.split.as_ref().map(|(_, value)| Told(short(value, LONGEST_SPLIT)))
}

/// When each receiver was last reached.
pub(in crate::notify) fn proven(report: &DigestReport) -> Vec<(Told, Option<Timestamp>)> {
    report.health.receivers.iter().map(|(name, at)| (Told(printable(name)), *at)).collect()
}

/// The receiver that a message was for, and the kind of channel by which it could not be reached.
pub(in crate::notify) fn stands_in(remark: &Remark) -> Option<(Told, Told)> {
    match remark {
        Remark::StandsIn { receiver, channel, .. } => Some((Told(printable(receiver)), Told(printable(channel)))),
        _ => None,
    }
}

/// A name that is told already, in words.
pub(in crate::notify) fn in_words(name: &Told) -> Told {
    Told(words(&name.0))
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

/// A link of our own making, which names no person and no device.
pub(in crate::notify) fn link(address: &str) -> Told {
    Told(address.to_owned())
}

/// Who asked for a message or made a silence: the account of somebody of the staff.
pub(in crate::notify) fn account(by: &str) -> Told {
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
