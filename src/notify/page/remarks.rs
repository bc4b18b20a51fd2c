//! What became of a message on its way, before what it says.

use std::collections::BTreeSet;

use super::Page;
use crate::engine::{Content, Notification, Remark};
use crate::notify::phi::instant;

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
        page.headline = format!("[ENDED] {} before this could be delivered", counted(named));
    }
    for remark in remarks {
        if let Remark::StandsIn { receiver, .. } = remark {
            page.headline.push_str(&format!(" (in place of {receiver})"));
        }
    }
    page.lead.splice(0..0, remarks.iter().map(line));
}

fn lists_nothing(content: &Content) -> bool {
    matches!(content, Content::Alerts { firing, ended, .. } if firing.is_empty() && ended.is_empty())
}

fn line(remark: &Remark) -> String {
    match remark {
        Remark::StandsIn { receiver, channel, given_up: true } => {
            format!(
                "This was for {receiver}, which could not be reached by {channel}: given up there, it comes to you."
            )
        }
        Remark::StandsIn { receiver, channel, given_up: false } => format!(
            "This is for {receiver}, which could not be reached by {channel} so far: it comes to you as well, and may \
             still arrive there."
        ),
        Remark::EndedMeanwhile { alerts } => {
            let have = if alerts.len() == 1 { "has" } else { "have" };
            format!("{} of this message {have} ended meanwhile: {}.", counted(alerts.len()), list(alerts))
        }
        Remark::FiredAndEnded { alerts } => format!(
            "{} fired and ended again while messages could not be delivered: {}.",
            counted(alerts.len()),
            list(alerts)
        ),
        Remark::SentAgain { due } => {
            format!("Sent again by hand: it could not be delivered when it was due, {}.", instant(*due))
        }
    }
}

fn counted(alerts: usize) -> String {
    if alerts == 1 { "1 alert".to_owned() } else { format!("{alerts} alerts") }
}

fn list(alerts: &BTreeSet<u64>) -> String {
    let named = alerts.iter().take(NAMED).map(u64::to_string).collect::<Vec<_>>().join(", ");
    let more = alerts.len().saturating_sub(NAMED);
    if more > 0 { format!("{named} and {more} more") } else { named }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_counts_and_names_alerts() {
        let ended = |alerts: &[u64]| line(&Remark::EndedMeanwhile { alerts: alerts.iter().copied().collect() });
        assert_eq!(ended(&[7]), "1 alert of this message has ended meanwhile: 7.");
        assert_eq!(ended(&[7, 9]), "2 alerts of this message have ended meanwhile: 7, 9.");
        let many: BTreeSet<u64> = (1..=25).collect();
        let text = line(&Remark::FiredAndEnded { alerts: many });
        assert!(text.starts_with("25 alerts fired and ended again") && text.ends_with("19, 20 and 5 more."), "{text}");
    }
}
