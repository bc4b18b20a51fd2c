//! What the mails of one group have in common, so that mail programs keep them together and those of others apart.

use super::alerts::badge;
use crate::engine::{Content, Labels, Notification, Phi};
use crate::notify::phi::{self, Told, told};

/// The subject of a mail about a group's alerts; `None` for every other message.
///
/// Mail programs take messages for one conversation where the subjects are the same but for `Re:` and for what stands in
/// square brackets at the beginning (RFC 5256, part 2.1; Gmail does so, too). So what changes stands in brackets, and what
/// follows is the same in the whole thread and in no other: it ends with the number of the alert that began it.
pub fn subject(notification: &Notification) -> Option<Told> {
    let Content::Alerts { group_labels, firing, ended, firing_omitted, ended_omitted, repeat, thread, .. } =
        &notification.content
    else {
        return None;
    };
    if *thread == 0 {
        return None;
    }
    let (open, over) = (firing.len() + firing_omitted, ended.len() + ended_omitted);
    let again = if *repeat {
        ", still open"
    } else if open > 0 && firing.iter().all(|alert| alert.baseline) {
        ", already so"
    } else {
        ""
    };
    let counts = match (open, over) {
        (0 | 1, 0) | (0, 1) => Told::default(),
        (open, 0) => told!(", ", open, " open"),
        (0, over) => told!(", ", over, " over"),
        (open, over) => told!(", ", open, " open, ", over, " ended"),
    };
    Some(told!("[", badge(firing, ended), again, counts, "] ", topic(group_labels), " (#", *thread, ")"))
}

/// What a group is about, as far as everybody may know: it is fixed when the group opens.
fn topic(labels: &Labels) -> Told {
    let of = |name: &str| phi::open_label(labels, name, Phi::None);
    let rule = of("alertname").map_or_else(|| told!("Alerts"), |rule| phi::in_words(&rule));
    let place: Vec<Told> = [of("item"), of("site")].into_iter().flatten().collect();
    if place.is_empty() { rule } else { told!(rule, ": ", Told::join(&place, ", ")) }
}
