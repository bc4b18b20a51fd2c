//! What makes an alert more urgent, and what ends it.

use super::SEVERITIES;
use super::events;
use super::kind::Kind;
use super::length::SECOND;
use super::rule::{Draft, all};
use crate::config::problem::Problem;
use crate::config::walk::Fields;
use crate::config::yaml::Node;
use crate::engine::{EventPattern, EventTest, Length, Raise, RaiseWhen, Resolve, Severity, Trigger};

/// The most events that an end can count up to.
const MOST: u32 = 1000;

impl Draft<'_> {
    pub(super) fn raise(
        &mut self,
        node: &Node,
        kind: Kind,
        events: &[EventPattern],
        from: Option<Severity>,
    ) -> Option<Raise> {
        let walk = self.walk;
        let fields = walk.fields(node, "a raise of severity", "{ to: critical, after: 7d }")?;
        let to_node = fields.need(walk, "to", "`raise`", "say which severity: to: critical");
        let to = to_node.and_then(|node| walk.choice(node, "a severity", &SEVERITIES));
        if let (Some(node), Some(to), Some(from)) = (to_node, to, from)
            && to <= from
        {
            walk.warn(
                node,
                format!("the rule is `{from}` already, so this changes nothing"),
                "raise to a higher severity",
            );
        }
        let when = match (fields.get("where"), fields.get("after")) {
            (Some(node), None) if !kind.has_event() => {
                let help = "write `after`, or a second rule with its own `while`";
                walk.error(node, "`where` tests an event, and this rule has none", help);
                None
            }
            (Some(node), None) => self.condition(node, events).map(RaiseWhen::Where),
            (None, Some(node)) => self.lengths.read(node, "7d", SECOND).map(RaiseWhen::After),
            // A key without a value is complained of as such.
            (None, None) if fields.has("where") || fields.has("after") => None,
            (found, _) => {
                let message = if found.is_some() { "both `where` and `after`" } else { "neither `where` nor `after`" };
                let problem = Problem::error(fields.head(), format!("this raise has {message}"));
                walk.add(
                    problem.help(
                        "write one entry for each, as in [{ to: critical, where: … }, { to: critical, after: 7d }]",
                    ),
                );
                None
            }
        };
        fields.done(walk, "`raise`", &[]);
        Some(Raise { to: to?, when: when? })
    }

    pub(super) fn resolve(&mut self, node: &Node, kind: Kind) -> Option<Resolve> {
        const WAYS: [&str; 3] = ["event", "after", "count"];
        let walk = self.walk;
        let example = "{ event: device.healthcheck } or { after: 14d }";
        let fields = walk.fields(node, "an end of the alert", example)?;
        let ways: Vec<&'static str> = WAYS.into_iter().filter(|way| fields.get(way).is_some()).collect();
        let test = fields.get("where");
        let end = match ways.as_slice() {
            ["event"] => self.at_event(&fields),
            [way] => {
                if let Some(node) = test {
                    let help = "write two entries, one of them with `event`";
                    walk.error(node, format!("`where` tests an event, and `{way}` has none"), help);
                }
                if *way == "after" { self.quiet(&fields, kind) } else { self.below(&fields, kind) }
            }
            [] => {
                // Keys without a value are complained of as such.
                if !WAYS.iter().any(|way| fields.has(way)) {
                    let problem = Problem::error(fields.head(), "this end has neither `event` nor `after`");
                    walk.add(problem.help("write { event: TYPE, where: … } or { after: 14d }"));
                }
                None
            }
            [one, other, ..] => {
                let message = format!("this end has both `{one}` and `{other}`");
                let problem = Problem::error(fields.head(), message);
                walk.add(problem.help("write two entries: either of them ends the alert"));
                None
            }
        };
        fields.done(walk, "`resolve`", &[]);
        end
    }

    /// Complains of an `expire` that ends the alert as it fires, since nothing was heard for longer.
    pub(super) fn expires_at_once(&self, node: &Node, expire: &Length, trigger: &Trigger) {
        let (waited, key) = match trigger {
            Trigger::Silent { longer_than, .. } => (longer_than, "longer_than"),
            Trigger::While { lasting: Some(lasting), .. } => (lasting, "for"),
            Trigger::NotFollowedBy { within, .. } => (within, "within"),
            _ => return,
        };
        if let (Length::Plain(expire), Length::Plain(waited)) = (expire, waited)
            && expire <= waited
        {
            let message = format!("this is not longer than `{key}`, so the alert may expire as it fires");
            let help = "`expire` counts from the last news of the subject: make it longer, or remove it";
            self.walk.warn(node, message, help);
        }
    }

    /// Complains of an end that is reached already as the alert fires.
    pub(super) fn ends_soon(&self, node: &Node, end: Option<&Resolve>, trigger: &Trigger) {
        let Some(Resolve::Below { count, within: Length::Plain(ends_within) }) = end else { return };
        let (fires, within) = match trigger {
            Trigger::Event(_) => (1, None),
            Trigger::Count { at_least, within: Length::Plain(within), .. } => (*at_least, Some(within)),
            _ => return,
        };
        if *count > fires && within.is_none_or(|within| ends_within <= within) {
            let message = format!("the alert fires with {fires}, which is below {count}: whatever comes next ends it");
            let help = match fires {
                1 => "write below: 1, or `count` into the rule itself as well".to_owned(),
                _ => format!("write {fires} or less, or a longer `within`"),
            };
            self.walk.warn(node, message, help);
        }
    }

    /// Such an event ends the alert.
    fn at_event(&mut self, fields: &Fields<'_>) -> Option<Resolve> {
        let walk = self.walk;
        let node = fields.get("event")?;
        let patterns = events::read(walk, node);
        if let (Some(patterns), true) = (&patterns, self.told) {
            events::concern(walk, node, patterns, self.subject);
        }
        let condition = match (fields.get("where"), &patterns) {
            (Some(node), Some(patterns)) => Some(self.condition(node, patterns)),
            _ => None,
        };
        Some(Resolve::Event(EventTest { events: patterns?, condition: all(condition)? }))
    }

    /// Nothing matched for this long.
    fn quiet(&self, fields: &Fields<'_>, kind: Kind) -> Option<Resolve> {
        let node = fields.get("after")?;
        if !kind.has_event() {
            let help = match kind {
                Kind::Silent => "remove it: the alert ends when something is heard again",
                _ => "remove it: the alert ends when the state no longer holds",
            };
            self.walk.error(node, "`after` counts from the last event of the rule, and this rule has none", help);
            return None;
        }
        self.lengths.read(node, "14d", SECOND).map(Resolve::After)
    }

    /// Fewer than so many matched.
    fn below(&self, fields: &Fields<'_>, kind: Kind) -> Option<Resolve> {
        let walk = self.walk;
        let node = fields.get("count")?;
        if !kind.counts_events() {
            let help = "an end with `count` is for rules with `event`, alone or with `count` or `share`";
            walk.error(node, "this rule has no events that could be counted", help);
            return None;
        }
        let part = walk.fields(node, "the keys of `count`", "{ below: 2, within: 24h }")?;
        let below = part
            .need(walk, "below", "`count`", "say under how many: below: 2")
            .and_then(|node| self.words.settings.count(walk, node, MOST));
        let within = part
            .need(walk, "within", "`count`", "say within how long: within: 24h")
            .and_then(|node| self.lengths.read(node, "24h", SECOND));
        part.done(walk, "`count` of `resolve`", &[]);
        Some(Resolve::Below { count: below?, within: within? })
    }
}
