//! Whether a message that waits may still go, and how: by the receivers of the rule set that is in force when it is sent.

use super::effect::{Content, Notification};
use super::receiver::{Channel, Receiver};
use super::rule_set::RuleSet;

/// What the rule set in force makes of a message that was decided under another.
#[derive(Clone, Debug, PartialEq)]
pub enum Admission {
    AsItIs,
    /// It goes to fewer addresses, or tells less.
    Changed(Box<Notification>),
    /// Its receiver is not there any more, or not to be reached this way.
    Nowhere,
}

/// Judges a message. It never tells more than it was decided to, and what Pulsewarden says of itself no rule file addresses.
#[must_use]
pub fn admit(message: &Notification, rules: &RuleSet) -> Admission {
    if matches!(message.content, Content::SelfAlert(_)) {
        return Admission::AsItIs;
    }
    let Some(receiver) = rules.receiver(&message.receiver) else { return Admission::Nowhere };
    let Some(channel) = still_there(&message.channel, receiver) else { return Admission::Nowhere };
    let changed = Notification { channel, phi: message.phi.min(receiver.phi), ..message.clone() };
    if changed == *message { Admission::AsItIs } else { Admission::Changed(Box::new(changed)) }
}

/// The channel as far as the receiver still has it: of a mail, the addresses that are left.
fn still_there(channel: &Channel, receiver: &Receiver) -> Option<Channel> {
    let Channel::Email { to } = channel else { return receiver.channels.contains(channel).then(|| channel.clone()) };
    let has = |address: &&String| {
        receiver.channels.iter().any(|known| matches!(known, Channel::Email { to } if to.contains(address)))
    };
    let left: Vec<String> = to.iter().filter(has).cloned().collect();
    (!left.is_empty()).then_some(Channel::Email { to: left })
}
