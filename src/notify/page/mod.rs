//! What a message says, before it takes the form of a channel.

mod alerts;
mod digest;
mod remarks;
mod summary;
mod text;
mod thread;

use serde::Serialize;

pub(super) use alerts::{entry, heading, reason};
pub(super) use digest::local;
pub use text::{annotation, label};
pub(super) use thread::subject;

use super::phi;
use crate::engine::{Content, Notification, SelfAlert};

/// A message's contents.
#[derive(Debug, Serialize)]
pub(super) struct Page {
    /// For the mail's subject and Slack's notification: holds no identifier.
    pub headline: String,
    pub tone: Tone,
    /// A sentence or two before the lists. What has several lines is shown as it stands.
    pub lead: Vec<String>,
    pub sections: Vec<Section>,
    /// Small print.
    pub foot: Vec<String>,
}

/// How a message looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Tone {
    Critical,
    Warning,
    Info,
    Good,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Section {
    pub title: String,
    pub entries: Vec<Entry>,
    /// A list to go through, in place of entries.
    pub lines: Vec<Line>,
    /// A small chart.
    pub bars: Vec<Bar>,
    /// What the list leaves out.
    pub more: Option<String>,
}

/// One line of a list, with what belongs to it.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    pub badge: Option<String>,
    pub tone: Tone,
    pub title: String,
    pub details: Vec<String>,
}

/// One bar of a chart, drawn beside its number.
#[derive(Debug, Serialize)]
pub(super) struct Bar {
    pub label: String,
    pub value: u64,
    /// Its length in percent of the longest.
    pub share: u64,
    /// The same for texts: what makes labels equally wide, and the bar itself.
    pub pad: String,
    pub blocks: String,
}

/// One alert in a list.
#[derive(Debug, Serialize)]
pub(super) struct Entry {
    pub number: u64,
    pub badge: String,
    pub tone: Tone,
    pub title: String,
    pub summary: String,
    /// What came before it, and what it may mean.
    pub description: Option<String>,
    pub action: Option<String>,
    /// How to look into it.
    pub runbook: Option<String>,
    pub facts: Vec<(String, String)>,
}

/// The page of a notification.
pub(super) fn of(notification: &Notification) -> Page {
    let mut page = content(notification);
    remarks::tell(&mut page, notification);
    page
}

fn content(notification: &Notification) -> Page {
    let phi = notification.phi;
    match &notification.content {
        Content::Alerts { firing, ended, firing_omitted, ended_omitted, repeat, .. } => {
            alerts::of(phi, firing, ended, *firing_omitted, *ended_omitted, *repeat, &notification.receiver)
        }
        Content::Summary(told) => summary::of(phi, told, &notification.receiver),
        Content::SilenceEnds { silence, by, until, hidden } => Page {
            headline: format!("[SILENCE] Silence {silence} ends soon and hides {hidden} alerts"),
            tone: Tone::Info,
            lead: vec![
                format!("Silence {silence} by {by} ends at {}.", phi::instant(*until)),
                format!(
                    "It has hidden {hidden} alerts from {}. What is still so will be told then.",
                    notification.receiver
                ),
                format!(
                    "To go on, make another: `pulsewarden silence add`. To end it now: `pulsewarden silence end {silence}`."
                ),
            ],
            sections: Vec::new(),
            foot: vec![foot(&notification.receiver)],
        },
        Content::Digest(report) => digest::of(phi, report, &notification.receiver),
        Content::Test { by } => Page {
            headline: format!("[TEST] Pulsewarden reaches {}", notification.receiver),
            tone: Tone::Info,
            lead: vec![
                format!("This is a test for the receiver {}, asked for by {by}.", notification.receiver),
                "Nothing is wrong and nothing needs to be done.".to_owned(),
            ],
            sections: Vec::new(),
            foot: vec![foot(&notification.receiver)],
        },
        Content::SelfAlert(alert) => own(alert),
    }
}

fn foot(receiver: &str) -> String {
    format!("Sent by Pulsewarden to the receiver {receiver}.")
}

fn own(alert: &SelfAlert) -> Page {
    let badge = if alert.firing { "PULSEWARDEN" } else { "PULSEWARDEN OK" };
    Page {
        headline: format!("[{badge}] {}", alert.summary),
        tone: if alert.firing { Tone::Critical } else { Tone::Good },
        lead: std::iter::once(alert.summary.as_str()).chain(alert.action.split("\n\n")).map(str::to_owned).collect(),
        sections: Vec::new(),
        foot: vec![format!("Pulsewarden watches itself; this is its watch {}.", alert.watch)],
    }
}
