//! What is said of a message besides what it tells: whom it stands in for, and what became of it on its way.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::alert::Alert;
use super::effect::{Content, Notification};
use super::lifecycle::key_of;
use super::receiver::Receiver;
use super::time::Timestamp;

/// What became of a message on its way, told before what it says. Holds no identifier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "remark", rename_all = "snake_case")]
pub enum Remark {
    /// It goes to a fallback, since this receiver could not be reached by that kind of channel.
    StandsIn {
        receiver: String,
        channel: String,
        /// False where it is still tried, so that it may arrive there as well.
        given_up: bool,
        /// True where the fallback hears of no ends.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        without_ends: bool,
    },
    /// Alerts that it was to tell as open, and that ended before it could be sent.
    EndedMeanwhile { alerts: BTreeSet<u64> },
    /// Alerts that fired and ended while the messages about them could not be delivered, told here in their place.
    FiredAndEnded { alerts: BTreeSet<u64> },
    /// It was given up, and somebody has sent it again.
    SentAgain { due: Timestamp },
}

impl Remark {
    /// The alerts that it names.
    #[must_use]
    pub fn alerts(&self) -> Option<&BTreeSet<u64>> {
        match self {
            Self::EndedMeanwhile { alerts } | Self::FiredAndEnded { alerts } => Some(alerts),
            Self::StandsIn { .. } | Self::SentAgain { .. } => None,
        }
    }
}

/// The messages by which a fallback hears what `missed` could not tell its own receiver, one for each of its channels. Their
/// keys come from what it says, so that several channels of one receiver that fail alike bring one message, once.
///
/// Tests of receivers and what Pulsewarden says of itself have no fallback; nor does a message come back to a receiver that
/// it has been to.
#[must_use]
pub fn stand_ins(missed: &Notification, fallback: &Receiver, given_up: bool, now: Timestamp) -> Vec<Notification> {
    let stood_in = |remark: &Remark| matches!(remark, Remark::StandsIn { receiver, .. } if *receiver == fallback.name);
    let been_there = missed.receiver == fallback.name || missed.remarks.iter().any(stood_in);
    if been_there || matches!(missed.content, Content::Test { .. } | Content::SelfAlert(_)) {
        return Vec::new();
    }
    let mut remarks = missed.remarks.clone();
    remarks.insert(
        0,
        Remark::StandsIn {
            receiver: missed.receiver.clone(),
            channel: missed.channel.kind().to_owned(),
            given_up,
            without_ends: !fallback.send_resolved,
        },
    );
    let one = |(place, channel): (usize, &super::receiver::Channel)| Notification {
        key: key_of(&["stands in", &same(missed), &fallback.name, &place.to_string()]),
        receiver: fallback.name.clone(),
        phi: fallback.phi,
        channel: channel.clone(),
        group: String::new(),
        due: now,
        content: missed.content.clone(),
        remarks: remarks.clone(),
    };
    let is_digest = matches!(missed.content, Content::Digest(_));
    let channels = fallback.channels.iter().enumerate();
    channels.filter(|(_, channel)| !is_digest || channel.takes_digests()).map(one).collect()
}

/// The message by which a fallback hears of the end of alerts that `told` told it of as open; `None` where it hears of no ends.
#[must_use]
pub fn stand_in_ends(told: &Notification, ended: &[Alert], now: Timestamp) -> Option<Notification> {
    let Content::Alerts { group_labels, .. } = &told.content else { return None };
    let stands_in = |remark: &&Remark| matches!(remark, Remark::StandsIn { .. });
    let remarks: Vec<Remark> = told.remarks.iter().filter(stands_in).cloned().collect();
    if remarks.iter().any(|remark| matches!(remark, Remark::StandsIn { without_ends: true, .. })) {
        return None;
    }
    let shown = told.channel.ends_shown();
    let mut key = vec!["stood in".to_owned(), told.key.clone()];
    key.extend(ended.iter().map(|alert| alert.number.to_string()));
    key.push(now.0.to_string());
    Some(Notification {
        key: key_of(&key.iter().map(String::as_str).collect::<Vec<_>>()),
        due: now,
        content: Content::Alerts {
            group_labels: group_labels.clone(),
            firing: Vec::new(),
            ended: ended.iter().take(shown).cloned().collect(),
            firing_omitted: 0,
            ended_omitted: ended.len().saturating_sub(shown),
            repeat: false,
            update: false,
            thread: 0,
        },
        remarks,
        ..told.clone()
    })
}

/// What messages have in common that tell a receiver the same over its several channels: they were decided together, about
/// the same alerts.
fn same(notification: &Notification) -> String {
    let about = match &notification.content {
        Content::Alerts { group_labels, firing, ended, .. } => {
            let mut alerts: BTreeSet<u64> = firing.iter().chain(ended).map(|alert| alert.number).collect();
            alerts.extend(notification.remarks.iter().filter_map(Remark::alerts).flatten());
            let labels = group_labels.iter().map(|(name, seen)| format!("{name} {}", seen.value.key()));
            labels.chain(alerts.iter().map(u64::to_string)).collect::<Vec<_>>().join("\u{1f}")
        }
        Content::Digest(report) => report.name.clone(),
        Content::Summary(_) | Content::SilenceEnds { .. } | Content::Test { .. } | Content::SelfAlert(_) => {
            notification.key.clone()
        }
    };
    key_of(&[&notification.receiver, &notification.due.0.to_string(), &about])
}
