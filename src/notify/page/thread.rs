//! What the mails of one group have in common, so that mail programs keep them together and those of others apart.

use super::alerts::{badge, open_label, words};
use crate::engine::{Content, Labels, Notification};

/// The subject of a mail about a group's alerts; `None` for every other message.
///
/// Mail programs take messages for one conversation where the subjects are the same but for `Re:` and for what stands in
/// square brackets at the beginning (RFC 5256, part 2.1; Gmail does so, too). So what changes stands in brackets, and what
/// follows is the same in the whole thread and in no other: it ends with the number of the alert that began it.
pub fn subject(notification: &Notification) -> Option<String> {
    let Content::Alerts { group_labels, firing, ended, firing_omitted, ended_omitted, repeat, thread, .. } =
        &notification.content
    else {
        return None;
    };
    if *thread == 0 {
        return None;
    }
    let (open, over) = (firing.len() + firing_omitted, ended.len() + ended_omitted);
    let mut state = badge(firing, ended);
    if *repeat {
        state.push_str(", still open");
    } else if open > 0 && firing.iter().all(|alert| alert.baseline) {
        state.push_str(", already so");
    }
    match (open, over) {
        (0 | 1, 0) | (0, 1) => {}
        (open, 0) => state.push_str(&format!(", {open} open")),
        (0, over) => state.push_str(&format!(", {over} over")),
        (open, over) => state.push_str(&format!(", {open} open, {over} ended")),
    }
    Some(format!("[{state}] {} (#{thread})", topic(group_labels)))
}

/// What a group is about, as far as everybody may know: it is fixed when the group opens.
fn topic(labels: &Labels) -> String {
    let of = |name: &str| open_label(labels, name);
    let rule = of("alertname").map_or_else(|| "Alerts".to_owned(), |rule| words(&rule));
    let place: Vec<String> = [of("item"), of("site")].into_iter().flatten().collect();
    if place.is_empty() { rule } else { format!("{rule}: {}", place.join(", ")) }
}
