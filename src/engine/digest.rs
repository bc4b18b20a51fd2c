//! Digests: when, to whom and about what; and what one says.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::alert::{Alert, Labels, Seen};
use super::length::Interval;
use super::route::Matcher;
use super::rule::Severity;
use super::subject::Subject;
use super::time::Timestamp;

/// A digest: a scheduled summary for one receiver.
#[derive(Clone, Debug, PartialEq)]
pub struct Digest {
    pub name: String,
    /// Cron, five fields each; it is due whenever one of them is.
    pub schedules: Vec<String>,
    /// An IANA zone name.
    pub time_zone: String,
    pub receiver: String,
    /// In the order in which they are shown.
    pub parts: Vec<DigestPart>,
    /// What an alert must have for the digest to be about it.
    pub matchers: Vec<Matcher>,
    /// The label of which each value gets a message of its own.
    pub split_by: Option<String>,
    /// Whether mails have the alerts as a table beside them.
    pub csv: bool,
    pub skip_when_empty: bool,
}

/// A part of what digests can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DigestPart {
    CallList,
    NewAlerts,
    OpenAlerts,
    ResolvedAlerts,
    SilentDevices,
    Battery,
    OrdersInFlight,
    ReturnsOverdue,
    DeliveryHealth,
}

impl DigestPart {
    /// Every part, in the order that holds where a digest names none.
    pub const ALL: [Self; 9] = [
        Self::CallList,
        Self::NewAlerts,
        Self::OpenAlerts,
        Self::ResolvedAlerts,
        Self::SilentDevices,
        Self::Battery,
        Self::OrdersInFlight,
        Self::ReturnsOverdue,
        Self::DeliveryHealth,
    ];

    /// The word for it in rule files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CallList => "call_list",
            Self::NewAlerts => "new_alerts",
            Self::OpenAlerts => "open_alerts",
            Self::ResolvedAlerts => "resolved_alerts",
            Self::SilentDevices => "silent_devices",
            Self::Battery => "battery",
            Self::OrdersInFlight => "orders_in_flight",
            Self::ReturnsOverdue => "returns_overdue",
            Self::DeliveryHealth => "delivery_health",
        }
    }
}

/// What a digest says: what moved since the last one for this receiver, and what is so now. It holds what its receiver may
/// see and what it may not; rendering leaves out the latter.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DigestReport {
    pub name: String,
    pub time_zone: String,
    /// The instants between which it looks; `from` is the last digest's `until`.
    pub from: Timestamp,
    pub until: Timestamp,
    /// When it was put together: what is open, is open then.
    #[serde(default)]
    pub made_at: Timestamp,
    /// What it shows, in order.
    #[serde(default)]
    pub parts: Vec<DigestPart>,
    /// The label by which it was split, with the value that this one is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<(String, String)>,
    /// Due times that passed unused before this one: the newest of them, oldest first; and how many there are in all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missed: Vec<Timestamp>,
    #[serde(default)]
    pub missed_total: u64,
    /// Who asked for it by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_by: Option<String>,
    /// Something that happened before it was not decided yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub undecided: bool,
    pub fired: DigestSection,
    pub resolved: DigestSection,
    /// Ended without being known to be well: expired and closed.
    pub expired: DigestSection,
    pub open: DigestSection,
    /// Of the open ones, how many somebody has taken on.
    #[serde(default)]
    pub acknowledged: u64,
    /// Of the open ones, how many a silence holds back.
    #[serde(default)]
    pub silenced: u64,
    /// The highest severity of those.
    #[serde(default)]
    pub worst: Option<Severity>,
    /// When the oldest open one happened.
    #[serde(default)]
    pub oldest: Option<Timestamp>,
    /// Patients with open alerts that nobody has taken on.
    #[serde(default)]
    pub callers: Callers,
    /// Patients with open alerts that somebody has taken on.
    #[serde(default)]
    pub handled: Callers,
    #[serde(default)]
    pub silent: DigestRows,
    #[serde(default)]
    pub battery: DigestRows,
    #[serde(default)]
    pub orders: DigestRows,
    #[serde(default)]
    pub returns: DigestRows,
    #[serde(default)]
    pub charts: DigestCharts,
    /// Receipt of the newest webhook.
    pub last_webhook: Option<Timestamp>,
    /// When a message was last accepted by a mail server or by Slack.
    pub last_delivery: Option<Timestamp>,
    /// Notifications given up since the last digest.
    pub undelivered: u64,
    #[serde(default)]
    pub health: DigestHealth,
    /// The alerts for the table beside a mail: open ones, most urgent first, then those that ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<DigestSection>,
}

/// One part of a digest: the alerts that it lists, and how many there are in all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DigestSection {
    pub alerts: Vec<Alert>,
    pub total: u64,
}

/// Patients to be called, the one whose open alerts are oldest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Callers {
    pub listed: Vec<Caller>,
    pub total: u64,
}

/// One patient with what is open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Caller {
    /// Oldest first, a few at most.
    pub alerts: Vec<Alert>,
    pub total: u64,
}

/// One part of a digest about devices, orders or returns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DigestRows {
    pub listed: Vec<DigestRow>,
    pub total: u64,
    /// How many there are at each site.
    pub sites: BTreeMap<String, u64>,
}

/// A device, an order or a return, with the fields that are shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DigestRow {
    pub subject: Subject,
    pub labels: Labels,
    pub values: BTreeMap<String, Seen>,
    /// The open alert that tells of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert: Option<u64>,
}

/// What a digest draws.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DigestCharts {
    /// How many alerts were open at the end of each day, with the instant; the last one is that of the digest.
    pub days: Vec<(Timestamp, u64)>,
    /// Open alerts by site.
    pub sites: BTreeMap<String, u64>,
    /// How many devices with patients have a battery within each of [`BATTERY_STEPS`].
    pub batteries: Vec<u64>,
}

/// Where the bars of the batteries begin, in percent.
pub const BATTERY_STEPS: [u8; 6] = [0, 10, 20, 40, 60, 80];

/// How well messages come through.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DigestHealth {
    /// Messages that wait, and since when the oldest has been due.
    pub waiting: u64,
    pub waiting_since: Option<Timestamp>,
    /// Receivers with their last proven deliveries.
    pub receivers: Vec<(String, Option<Timestamp>)>,
    /// Stretches since the last digest in which nothing could be heard.
    pub blind: Vec<Interval>,
}
