//! The events of a case.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{CaseEvent, Id, Reader, When, payload};
use crate::config::suggest::nearest;
use crate::config::walk::Fields;
use crate::config::yaml::Node;
use crate::engine::SubjectKind;
use crate::impilo::schema::{self, EVENT_TYPES};

/// Events that one series may have.
const LONGEST_SERIES: u128 = 100_000;

const EXAMPLE: &str = "{ at: 0s, event: device.lowBattery, device: 7 }";

impl Reader<'_> {
    pub(super) fn event(self, node: &Node) -> Option<CaseEvent> {
        let walk = self.walk;
        let fields = walk.fields(node, "an event", EXAMPLE)?;
        let when = self.when(&fields);
        let kind = fields.need(walk, "event", "an event", "add its type: event: device.lowBattery");
        let kind = kind.and_then(|node| self.kind(node));
        let mut names = BTreeMap::new();
        for kind in SubjectKind::NAMED {
            if let Some(id) = fields.get(kind.as_str()).and_then(|node| self.id(node)) {
                names.insert(kind, id);
            }
        }
        let devices = fields.get("devices").map_or(&[][..], |node| walk.items(node));
        let devices: Vec<Id> = devices.iter().filter_map(|node| self.id(node)).collect();
        let status = fields.get("status").and_then(|node| walk.full_text(node, "shipped")).map(str::to_owned);
        let late = fields.get("late").and_then(|node| Some((node, walk.duration(node, "2h", Duration::ZERO)?)));
        let payload = fields.get("payload").and_then(|node| payload::read(walk, node));
        if let Some(kind) = &kind {
            self.fits(&fields, kind, &names, payload.is_some());
            if let Some((node, _)) = late.as_ref().filter(|_| !schema::tells_time(kind)) {
                let help = "remove `late`: receipt stands for the time at which it happened";
                walk.error(node, format!("`{kind}` does not say when it happened"), help);
            }
        }
        let place = fields.head();
        fields.done(walk, "an event", &[]);
        let late = late.map(|(_, late)| late);
        Some(CaseEvent { place, when: when?, kind: kind?, names, devices, status, late, payload })
    }

    /// `at`, or `every` with `from` and `until`.
    fn when(self, fields: &Fields<'_>) -> Option<When> {
        let walk = self.walk;
        let Some(every_node) = fields.get("every") else {
            let needed = fields.need(walk, "at", "an event", "say when it comes: at: 30m, counted from the start");
            for key in ["from", "until"] {
                if let Some(node) = fields.get(key) {
                    walk.error(node, format!("`{key}` belongs to a series"), "add `every: 1d`, or write `at` instead");
                }
            }
            return needed.and_then(|node| self.offset(node)).map(When::Once);
        };
        let every = walk.duration(every_node, "1d", Duration::from_secs(1));
        if let Some(node) = fields.get("at") {
            walk.error(node, "a series has no `at`", "write `from` and `until`, or remove `every`");
        }
        let from = fields.get("from").map_or(Some(Duration::ZERO), |node| self.offset(node));
        let until_node = fields.need(walk, "until", "a series", "say when the last one comes: until: 5d");
        let until = until_node.and_then(|node| self.offset(node));
        let (every, from, until) = (every?, from?, until?);
        if until < from {
            walk.error(until_node?, "the series ends before it begins", "write a later `until`");
            return None;
        }
        if (until - from).as_millis() / every.as_millis() >= LONGEST_SERIES {
            let help = format!("at most {LONGEST_SERIES} events can stand in one series");
            walk.error(every_node, "this series is too long", help);
            return None;
        }
        Some(When::Series { from, until, every })
    }

    /// An event type; one that is nearly a known one is a slip.
    fn kind(self, node: &Node) -> Option<String> {
        let name = self.walk.full_text(node, "device.lowBattery")?;
        if schema::event_type(name).is_none()
            && let Some(near) = nearest(name, EVENT_TYPES.iter().map(|known| known.name))
        {
            let shown = self.walk.quotable(node, name);
            self.walk.error(node, format!("unknown event type `{shown}`"), format!("did you mean `{near}`?"));
            return None;
        }
        Some(name.to_owned())
    }

    /// Whether the short keys say what the event is about, and nothing that it cannot say.
    fn fits(self, fields: &Fields<'_>, kind: &str, names: &BTreeMap<SubjectKind, Id>, has_payload: bool) {
        let walk = self.walk;
        let Some(known) = schema::event_type(kind) else {
            if names.is_empty() && !has_payload {
                let problem = "this event says nothing of what it is about";
                walk.error(fields.node, problem, "add `device: 7` or the like, or a `payload`");
            }
            return;
        };
        let about = known.subject;
        let whole = names.is_empty() && has_payload;
        if !whole && !matches!(names.get(&about), Some(Id::Number(_) | Id::Text(_))) {
            let help = format!("say which one it is about: {about}: 7");
            walk.error(fields.node, format!("`{kind}` needs `{about}`"), help);
        }
        for strange in names.keys().filter(|name| !known.names.contains(name)) {
            if let Some(node) = fields.get(strange.as_str()) {
                let can: Vec<&str> = known.names.iter().map(|name| name.as_str()).collect();
                let message = format!("`{kind}` names no {strange}");
                walk.error(node, message, format!("it can name {}", can.join(", ")));
            }
        }
        if let Some(node) = fields.get("devices").filter(|_| !matches!(about, SubjectKind::Order | SubjectKind::Return))
        {
            walk.error(node, "only orders and returns have `devices`", "write `device: 7`");
        }
        if let Some(node) = fields.get("status").filter(|_| about == SubjectKind::Patient) {
            walk.error(node, "a patient has no status", "write `payload: { archived: true }` or the like");
        }
    }
}
