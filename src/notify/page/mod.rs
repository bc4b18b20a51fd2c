//! What a message says, before it takes the form of a channel.

mod alerts;
mod digest;
mod remarks;
mod summary;
mod thread;

use serde::Serialize;

pub(super) use alerts::{entry, heading};
pub(super) use thread::subject;

use super::phi::{self, Told, told};
use crate::engine::{Content, Notification, Phi, SelfAlert};

/// A message's contents, and all that a template can see: made for one class of receivers.
#[derive(Debug, Serialize)]
pub(super) struct Page {
    /// For the mail's subject and Slack's notification, whoever the receiver is: it holds no identifier.
    pub headline: Told,
    /// What mail programs show beside the subject, on a locked screen too: it holds no identifier either.
    pub preheader: Told,
    /// What it is: `alerts`, `summary`, `silence_ends`, `digest`, `test` or `self`.
    pub kind: &'static str,
    pub tone: Tone,
    /// A sentence or two before the lists. What has several lines is shown as it stands.
    pub lead: Vec<Told>,
    pub sections: Vec<Section>,
    /// Where the reader can take on what the message lists.
    pub link: Option<Told>,
    /// Small print.
    pub foot: Vec<Told>,
}

/// The kind of a page on which Pulsewarden speaks of itself.
pub(super) const SELF: &str = "self";

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
    pub title: Told,
    pub entries: Vec<Entry>,
    /// A list to go through, in place of entries.
    pub lines: Vec<Line>,
    /// A small chart.
    pub bars: Vec<Bar>,
    /// What the list leaves out.
    pub more: Option<Told>,
}

/// One line of a list, with what belongs to it.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    pub badge: Option<Told>,
    pub tone: Tone,
    pub title: Told,
    pub details: Vec<Told>,
}

/// One bar of a chart, drawn beside its number.
#[derive(Debug, Serialize)]
pub(super) struct Bar {
    pub label: Told,
    pub value: u64,
    /// Its length in percent of the longest.
    pub share: u64,
    /// The same for texts: what makes labels equally wide, and the bar itself.
    pub pad: Told,
    pub blocks: Told,
}

/// One alert in a list.
#[derive(Debug, Serialize)]
pub(super) struct Entry {
    pub number: u64,
    pub badge: Told,
    pub tone: Tone,
    pub title: Told,
    pub summary: Told,
    /// What came before it, and what it may mean.
    pub description: Option<Told>,
    pub action: Option<Told>,
    /// How to look into it.
    pub runbook: Option<Told>,
    pub facts: Vec<(Told, Told)>,
}

/// The page of a notification, for whoever may see `phi`.
pub(super) fn of(notification: &Notification, phi: Phi) -> Page {
    let mut page = content(notification, phi);
    remarks::tell(&mut page, notification);
    page
}

fn content(notification: &Notification, phi: Phi) -> Page {
    let receiver = phi::receiver(notification);
    match &notification.content {
        Content::Alerts { firing, ended, firing_omitted, ended_omitted, repeat, .. } => {
            alerts::of(phi, firing, ended, *firing_omitted, *ended_omitted, *repeat, receiver)
        }
        Content::Summary(told) => summary::of(phi, told, receiver),
        Content::SilenceEnds { silence, by, until, hidden } => Page {
            headline: told!("[SILENCE] Silence ", *silence, " ends soon and hides ", *hidden, " alerts"),
            preheader: told!("What is still so will be told when it has ended."),
            kind: "silence_ends",
            tone: Tone::Info,
            lead: vec![
                told!("Silence ", *silence, " by ", phi::account(by), " ends at ", phi::instant(*until), "."),
                told!("It has hidden ", *hidden, " alerts from ", &receiver, ". What is still so will be told then."),
                told!(
                    "To go on, make another: `pulsewarden silence add`. To end it now: `pulsewarden silence end ",
                    *silence,
                    "`."
                ),
            ],
            sections: Vec::new(),
            link: None,
            foot: vec![foot(receiver)],
        },
        Content::Digest(report) => digest::of(phi, report, receiver),
        Content::Test { by } => Page {
            headline: told!("[TEST] Pulsewarden reaches ", &receiver),
            preheader: told!("Nothing is wrong and nothing needs to be done."),
            kind: "test",
            tone: Tone::Info,
            lead: vec![
                told!("This is a test for the receiver ", &receiver, ", asked for by ", phi::account(by), "."),
                told!("Nothing is wrong and nothing needs to be done."),
            ],
            sections: Vec::new(),
            link: None,
            foot: vec![foot(receiver)],
        },
        Content::SelfAlert(alert) => own(alert),
    }
}

fn foot(receiver: Told) -> Told {
    told!("Sent by Pulsewarden to the receiver ", receiver, ".")
}

fn own(alert: &SelfAlert) -> Page {
    let badge = if alert.firing { "[PULSEWARDEN] " } else { "[PULSEWARDEN OK] " };
    let [watch, summary, action] = phi::of_itself(alert);
    Page {
        headline: told!(badge, &summary),
        preheader: told!("Pulsewarden about itself."),
        kind: SELF,
        tone: if alert.firing { Tone::Critical } else { Tone::Good },
        lead: std::iter::once(summary).chain(action.paragraphs()).collect(),
        sections: Vec::new(),
        link: None,
        foot: vec![told!("Pulsewarden watches itself; this is its watch ", watch, ".")],
    }
}
