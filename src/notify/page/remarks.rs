//! What became of a message on its way, before what it says.

use std::collections::BTreeSet;

use super::Page;
use crate::engine::{Content, Notification, Remark};
use crate::notify::phi::{self, Told, instant, told};

/// How many alerts one line names.
const NAMED: usize = 20;

/// Puts the message's remarks before the rest of its page.
pub(super) fn tell(page: &mut Page, notification: &Notification) {
    let remarks = &notification.remarks;
    if remarks.is_empty() {
        return;
    }
    let named: usize = remarks.iter().filter_map(Remark::alerts).map(BTreeSet::len).sum();
    if named > 0 && lists_nothing(&notification.content) {
        page.headline = told!("[ENDED] ", counted(named), " before this could be delivered");
    }
    for (receiver, _) in remarks.iter().filter_map(phi::stands_in) {
        page.headline = told!(&page.headline, " (in place of ", receiver, ")");
    }
    page.lead.splice(0..0, remarks.iter().map(line));
}

fn lists_nothing(content: &Content) -> bool {
    matches!(content, Content::Alerts { firing, ended, .. } if firing.is_empty() && ended.is_empty())
}

fn line(remark: &Remark) -> Told {
    match remark {
        Remark::StandsIn { given_up, .. } => {
            let (receiver, channel) = phi::stands_in(remark).unwrap_or_default();
            if *given_up {
                told!(
                    "This was for ",
                    receiver,
                    ", which could not be reached by ",
                    channel,
                    ": given up there, it comes to you."
                )
            } else {
                told!(
                    "This is for ",
                    receiver,
                    ", which could not be reached by ",
                    channel,
                    " so far: it comes to you as well, and may still arrive there."
                )
            }
        }
        Remark::EndedMeanwhile { alerts } => {
            let have = if alerts.len() == 1 { "has" } else { "have" };
            told!(counted(alerts.len()), " of this message ", have, " ended meanwhile: ", list(alerts), ".")
        }
        Remark::FiredAndEnded { alerts } => told!(
            counted(alerts.len()),
            " fired and ended again while messages could not be delivered: ",
            list(alerts),
            "."
        ),
        Remark::SentAgain { due } => {
            told!("Sent again by hand: it could not be delivered when it was due, ", instant(*due), ".")
        }
    }
}

fn counted(alerts: usize) -> Told {
    told!(alerts, if alerts == 1 { " alert" } else { " alerts" })
}

fn list(alerts: &BTreeSet<u64>) -> Told {
    let named: Vec<Told> = alerts.iter().take(NAMED).map(|number| told!(*number)).collect();
    let named = Told::join(&named, ", ");
    let more = alerts.len().saturating_sub(NAMED);
    if more > 0 { told!(named, " and ", more, " more") } else { named }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_counts_and_names_alerts() {
        let ended = |alerts: &[u64]| line(&Remark::EndedMeanwhile { alerts: alerts.iter().copied().collect() });
        assert_eq!(ended(&[7]).as_str(), "1 alert of this message has ended meanwhile: 7.");
        assert_eq!(ended(&[7, 9]).as_str(), "2 alerts of this message have ended meanwhile: 7, 9.");
        let many: BTreeSet<u64> = (1..=25).collect();
        let text = line(&Remark::FiredAndEnded { alerts: many });
        assert!(text.starts_with("25 alerts fired and ended again") && text.ends_with("19, 20 and 5 more."), "{text}");
    }
}
