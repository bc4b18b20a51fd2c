//! What makes a rule fire, read for each kind of rule.

use super::events::{self, Link};
use super::kind::{Kind, key_place};
use super::length::SECOND;
use super::rule::{Draft, all};
use crate::config::check::article;
use crate::config::problem::Problem;
use crate::config::walk::Fields;
use crate::config::yaml::Node;
use crate::engine::{
    Condition, EventPattern, EventTest, Field, Length, Protection, Read, Share, Since, SubjectKind, Trigger,
};

/// What counts as heard where a rule does not say.
const HEARD: [&str; 1] = ["device.healthcheck"];
/// Families of what counts as heard.
const HEARD_FAMILIES: [&str; 1] = ["reading."];

/// Where a device is to be heard: what a rule about silent devices means that does not say.
const WATCHED: &str = "device.associated && !device.readings_disabled";

/// The most events or subjects that a rule can count up to.
pub(in crate::config) const MOST: u32 = 1000;

/// The events that count as heard where a rule does not say.
pub(super) fn heard() -> Vec<EventPattern> {
    let families = HEARD_FAMILIES.iter().map(|family| EventPattern::Prefix((*family).to_owned()));
    families.chain(HEARD.iter().map(|name| EventPattern::Exactly((*name).to_owned()))).collect()
}

impl Draft<'_> {
    /// What makes the rule fire. `part` are the keys below that of its kind, where it has any; `events` its own events,
    /// or those that count as heard.
    pub(super) fn trigger(
        &mut self,
        fields: &Fields<'_>,
        kind: Kind,
        part: Option<&Fields<'_>>,
        events: &[EventPattern],
    ) -> Option<Trigger> {
        if kind == Kind::While {
            let lasting = fields.get("for").map(|node| self.lengths.read(node, "2d", SECOND));
            let each = fields.get("each").map(|node| self.each(node));
            return Some(Trigger::While { lasting: all(lasting)?, each: all(each)? });
        }
        if kind == Kind::Silent {
            return self.silent(part?, events);
        }
        let condition = self.tested(fields, events);
        let test = condition.map(|condition| EventTest { events: events.to_vec(), condition });
        match kind {
            Kind::Count => self.count(fields, part?, events, test),
            Kind::Share => self.share(fields, part?, test),
            Kind::NotFollowedBy | Kind::NotPrecededBy => {
                let (awaited, same, within) = self.awaited(fields, kind, part?, events)?;
                let test = test?;
                Some(match kind {
                    Kind::NotFollowedBy => Trigger::NotFollowedBy { test, awaited, same, within },
                    _ => Trigger::NotPrecededBy { test, awaited, same, within },
                })
            }
            _ => test.map(Trigger::Event),
        }
    }

    /// The subject's own field whose changes begin a state anew.
    fn each(&self, node: &Node) -> Option<String> {
        let subject = self.subject;
        let example = Field::of(subject).find(|field| field.name == "status").map_or("id", |field| field.name);
        let example = format!("{subject}.{example}");
        self.own_field(node, &example).map(|field| field.name.to_owned())
    }

    fn silent(&mut self, part: &Fields<'_>, events: &[EventPattern]) -> Option<Trigger> {
        let walk = self.walk;
        let longer_than = part
            .need(walk, "longer_than", "`silent`", "say for how long: longer_than: 72h")
            .and_then(|node| self.lengths.read(node, "72h", SECOND));
        let choices = [("associated", Since::Associated), ("delivered", Since::Delivered)];
        let since = match part.get("since") {
            None => Some(Since::Heard),
            Some(node) if self.told && self.subject != SubjectKind::Device => {
                let help = "remove it, or write a rule with subject: device";
                walk.error(
                    node,
                    format!("only a device is associated or delivered, not {}", article(self.subject)),
                    help,
                );
                None
            }
            Some(node) => walk.choice(node, "one of the settings of `since`", &choices),
        };
        Some(Trigger::Silent { events: events.to_vec(), longer_than: longer_than?, since: since? })
    }

    /// Where a device that may be silent is to be heard.
    pub(super) fn watched(&mut self) -> Option<Condition> {
        let read = |name: &str| Read {
            path: vec![self.subject.as_str().to_owned(), name.to_owned()],
            protection: Field::find(self.subject, name).map_or(Protection::Ids, |field| field.protection),
        };
        let reads = [read("associated"), read("readings_disabled")];
        self.reads.extend(reads);
        Condition::compile(WATCHED).ok()
    }

    fn count(
        &mut self,
        fields: &Fields<'_>,
        part: &Fields<'_>,
        events: &[EventPattern],
        test: Option<EventTest>,
    ) -> Option<Trigger> {
        let walk = self.walk;
        let node = part.need(walk, "at_least", "`count`", "say how many: at_least: 3");
        let at_least = node.and_then(|node| self.words.settings.count(walk, node, MOST));
        if let (Some(node), Some(1)) = (node, at_least) {
            let help = "remove `count`, or write the number of events that are too many";
            walk.warn(node, "one event fires the rule, so nothing is counted", help);
        }
        let within = self.within(fields, part, Kind::Count);
        let distinct = part.get("distinct").map(|node| self.distinct(fields, node, events));
        Some(Trigger::Count { test: test?, at_least: at_least?, within: within?, distinct: all(distinct)? })
    }

    /// The kind of subject of which each counts once.
    fn distinct(&self, fields: &Fields<'_>, node: &Node, events: &[EventPattern]) -> Option<SubjectKind> {
        let walk = self.walk;
        let kind = events::kind_of_subject(walk, node)?;
        if self.told && kind == self.subject {
            let help = "name what there are several of, or remove `distinct` to count the events";
            walk.error(node, format!("the rule is about one {kind} at a time, so there is never a second one"), help);
            return None;
        }
        if let (true, Some(event)) = (self.told, fields.get("event")) {
            let help = format!("remove `distinct`, or choose events that name {}", article(kind));
            events::need(walk, event, events, kind, &help);
        }
        Some(kind)
    }

    fn share(&mut self, fields: &Fields<'_>, part: &Fields<'_>, test: Option<EventTest>) -> Option<Trigger> {
        let walk = self.walk;
        let has_devices = !self.told || matches!(self.subject, SubjectKind::Site | SubjectKind::Item);
        if !has_devices {
            let message = format!("{} has no devices of which there could be a share", article(self.subject));
            let problem = Problem::error(key_place(fields, "share"), message);
            walk.add(problem.help("write subject: site or subject: item; for one device, use `count`"));
        }
        let share = self.part(part);
        let and_at_least = part.get("and_at_least").map_or(Some(1), |node| self.words.settings.count(walk, node, MOST));
        let of = part.get("of").map_or(Some(()), |node| {
            walk.choice(node, "something of which there can be a share", &[("devices_with_patients", ())])
        });
        let distinct = part.get("distinct").map_or(Some(SubjectKind::Device), |node| {
            walk.choice(node, "what a share of devices can count", &[("device", SubjectKind::Device)])
        });
        let within = self.within(fields, part, Kind::Share);
        of.filter(|()| has_devices)?;
        Some(Trigger::Share {
            test: test?,
            share: share?,
            and_at_least: and_at_least?,
            distinct: distinct?,
            within: within?,
        })
    }

    /// `at_least: 5%` or `more_than: 5%`.
    fn part(&self, part: &Fields<'_>) -> Option<Share> {
        let walk = self.walk;
        let (node, inclusive) = match (part.get("at_least"), part.get("more_than")) {
            (Some(node), None) => (node, true),
            (None, Some(node)) => (node, false),
            (Some(_), Some(node)) => {
                walk.error(node, "both `at_least` and `more_than`", "keep one of the two");
                return None;
            }
            (None, None) => {
                if !part.has("more_than") {
                    part.need(walk, "at_least", "`share`", "say how much: at_least: 5%");
                }
                return None;
            }
        };
        let found = self.words.settings.percentage(walk, node)?;
        let most = if inclusive { 1.0 } else { 0.999_999 };
        if found <= 0.0 || found > most {
            let message = match (found <= 0.0, inclusive) {
                (true, _) => ("this is no share at all: every event would fire the rule", "write more than 0%"),
                (false, true) => ("this is more than all there are, so the rule never fires", "write 100% or less"),
                (false, false) => ("there is never more than all, so the rule never fires", "write less than 100%"),
            };
            walk.error(node, message.0, message.1);
            return None;
        }
        Some(Share { part: found, inclusive })
    }

    /// The event that must follow or come before, what links it to the first, and how long it may take.
    fn awaited(
        &mut self,
        fields: &Fields<'_>,
        kind: Kind,
        part: &Fields<'_>,
        events: &[EventPattern],
    ) -> Option<(EventTest, SubjectKind, Length)> {
        let walk = self.walk;
        let (what, follows) = (format!("`{}`", kind.key()), kind == Kind::NotFollowedBy);
        let same = part.get("same").map_or(Some(self.subject), |node| events::kind_of_subject(walk, node));
        let node = part.need(walk, "event", &what, "say which event: event: device.associationCreated");
        let patterns = node.and_then(|node| events::read(walk, node));
        if let (true, Some(same)) = (self.told, same) {
            if let (Some(node), Some(patterns)) = (node, &patterns) {
                self.linked(node, patterns, same);
            }
            if let (Some(node), true) = (fields.get("event"), same != self.subject) {
                let word = if follows { "follows" } else { "comes before" };
                let help = format!("set `same` to what names both this event and the one that {word}");
                events::need(walk, node, events, same, &help);
            }
        }
        let condition = match (part.get("where"), &patterns) {
            (Some(node), Some(patterns)) => Some(self.condition(node, patterns)),
            _ => None,
        };
        let within = self.within(fields, part, kind);
        let awaited = EventTest { events: patterns?, condition: all(condition)? };
        Some((awaited, same?, within?))
    }

    /// Judges whether awaited events can be linked to the first one.
    fn linked(&self, node: &Node, patterns: &[EventPattern], same: SubjectKind) {
        let walk = self.walk;
        let help = format!("set `same` to what both events name, or choose an event that names {}", article(same));
        events::need(walk, node, patterns, same, &help);
        for (pattern, item) in patterns.iter().zip(walk.items(node)) {
            if let Link::Relation { full } = events::link(pattern, same)
                && !patterns.iter().any(|other| other.matches(full))
            {
                let message = format!("`{}` does not say which {same} it is about", events::shown(pattern));
                let help = format!("it counts where the {same} is known from before; add {full}, which says so");
                walk.warn(item, message, help);
            }
        }
    }

    fn within(&self, fields: &Fields<'_>, part: &Fields<'_>, kind: Kind) -> Option<Length> {
        let node = match part.get("within") {
            Some(node) => node,
            // That it stands in the wrong place is said beside it.
            None if fields.has("within") => return None,
            None => part.need(self.walk, "within", &format!("`{}`", kind.key()), "say how long: within: 24h")?,
        };
        self.lengths.read(node, "24h", SECOND)
    }
}
