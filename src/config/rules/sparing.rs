//! How a receiver is spared: a cap on messages, and quiet hours.

use std::time::Duration;

use super::intervals::all;
use super::length::plain;
use super::{SEVERITIES, Vocabulary};
use crate::config::walk::{Fields, Walk};
use crate::config::yaml::Node;
use crate::engine::{Cap, Channel, Quiet, Severity};

/// What holds for people where a receiver says nothing.
const CAP: Cap = Cap { messages: 60, per: Duration::from_secs(60 * 60) };

const EXAMPLE_CAP: &str = "{ messages: 20, per: 1h }";
const EXAMPLE_QUIET: &str = "{ calendar: office, except: critical }";

/// The most messages that a cap can allow.
const MOST: u64 = 10_000;

/// The cap of a receiver: `never` takes away the one that people have.
pub(super) fn cap(walk: &Walk, words: &Vocabulary, fields: &Fields<'_>, channels: &[Channel]) -> Option<Option<Cap>> {
    let Some(node) = fields.get("cap") else {
        return Some(channels.iter().any(Channel::is_read_by_people).then_some(CAP));
    };
    if walk.is_word(node, "never") {
        return Some(None);
    }
    let fields = walk.fields(node, "a cap", EXAMPLE_CAP)?;
    let messages = fields
        .need(walk, "messages", "`cap`", "say how many: messages: 20")
        .and_then(|node| walk.count(node, 1..=MOST));
    let per = fields
        .need(walk, "per", "`cap`", "say in which time: per: 1h")
        .and_then(|node| plain(walk, words, node, "1h", Duration::from_secs(60)));
    fields.done(walk, "`cap`", &[]);
    let messages = u32::try_from(messages?).ok()?;
    Some(Some(Cap { messages, per: per? }))
}

/// The quiet hours of a receiver.
pub(super) fn quiet(walk: &Walk, words: &Vocabulary, node: &Node) -> Option<Quiet> {
    let fields = walk.fields(node, "quiet hours", EXAMPLE_QUIET)?;
    let calendar = fields
        .need(walk, "calendar", "`quiet`", "say outside of which hours messages wait: calendar: office")
        .and_then(|node| words.calendars.named(walk, node));
    let except = fields.get("except").map_or(Some(vec![Severity::Critical]), |node| {
        all(walk.some_items(node, "critical").iter().map(|node| walk.choice(node, "a severity", &SEVERITIES)))
    });
    fields.done(walk, "`quiet`", &[]);
    Some(Quiet { calendar: calendar?, except: except? })
}
