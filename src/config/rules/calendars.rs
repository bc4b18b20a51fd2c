//! Calendars: the hours in which business is done.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Placed;
use crate::config::suggest::nearest;
use crate::config::walk::Walk;
use crate::config::yaml::Node;
use crate::engine::Calendar;

/// How to write one.
const EXAMPLE: &str =
    "calendars: { office: { days: mon-fri, from: \"08:00\", to: \"18:00\", time_zone: America/New_York } }";

/// The calendars by name; one that is wrong in itself is known by its name alone.
#[derive(Default)]
pub(super) struct Calendars {
    pub known: BTreeMap<String, Placed<Option<Arc<Calendar>>>>,
    /// A file could not be read, so that there may be others.
    pub incomplete: bool,
}

impl Calendars {
    /// The calendar that a rule names.
    pub(super) fn named(&self, walk: &Walk, node: &Node) -> Option<Arc<Calendar>> {
        let name = walk.full_text(node, "office")?;
        if let Some(found) = self.known.get(name) {
            return found.value.clone();
        }
        if !self.incomplete {
            walk.error(node, format!("no calendar is named `{name}`"), self.instead(name));
        }
        None
    }

    /// The one calendar that there is, for a length of business time in a rule that names none.
    pub(super) fn only(&self, walk: &Walk, node: &Node) -> Option<Arc<Calendar>> {
        let mut all = self.known.values();
        match (all.next(), all.next()) {
            (Some(only), None) => only.value.clone(),
            (None, _) => {
                if !self.incomplete {
                    walk.error(node, "there is no calendar that says what business time is", format!("add {EXAMPLE}"));
                }
                None
            }
            (Some(_), Some(_)) => {
                let names: Vec<&str> = self.known.keys().map(String::as_str).collect();
                let help = format!("add `calendar:` to the rule; there are {}", names.join(", "));
                walk.error(node, "business time of which calendar?", help);
                None
            }
        }
    }

    /// What to write instead of a name that no calendar has.
    pub(super) fn instead(&self, name: &str) -> String {
        let names: Vec<&str> = self.known.keys().map(String::as_str).collect();
        match nearest(name, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if names.is_empty() => format!("add {}", EXAMPLE.replace("office", name)),
            None => format!("the calendars are {}", names.join(", ")),
        }
    }
}
