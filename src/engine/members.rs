//! Different subjects that a rule counts, each with its newest match: by name, and by time, so that neither the count nor its
//! ends cost more where there are many.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize, Serializer};
use smol_str::SmolStr;

use super::time::Timestamp;

/// Different subjects, each with the time of its newest match. Kept as a map of the times by the names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "BTreeMap<SmolStr, Timestamp>")]
pub struct Members {
    by_name: BTreeMap<SmolStr, Timestamp>,
    by_time: BTreeSet<(Timestamp, SmolStr)>,
}

impl Members {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// Counts a match; one that is older than the known one of the same name changes nothing.
    pub(super) fn add(&mut self, name: &str, at: Timestamp) {
        match self.by_name.get_mut(name) {
            Some(known) if *known >= at => {}
            Some(known) => {
                let name = SmolStr::from(name);
                self.by_time.remove(&(*known, name.clone()));
                *known = at;
                self.by_time.insert((at, name));
            }
            None => {
                let name = SmolStr::from(name);
                self.by_name.insert(name.clone(), at);
                self.by_time.insert((at, name));
            }
        }
    }

    /// Forgets the oldest for as long as `over` is true of them; it must be true of all that are older than one of which it is.
    pub(super) fn forget_while(&mut self, over: impl Fn(Timestamp) -> bool) {
        while self.oldest().is_some_and(&over) {
            if let Some((_, name)) = self.by_time.pop_first() {
                self.by_name.remove(&name);
            }
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The time of the oldest newest match.
    pub(super) fn oldest(&self) -> Option<Timestamp> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// The time of the newest match of all.
    pub(super) fn newest(&self) -> Option<Timestamp> {
        self.by_time.last().map(|(at, _)| *at)
    }

    /// The times, the newest first.
    pub(super) fn times(&self) -> impl Iterator<Item = Timestamp> {
        self.by_time.iter().rev().map(|(at, _)| *at)
    }
}

impl From<BTreeMap<SmolStr, Timestamp>> for Members {
    fn from(by_name: BTreeMap<SmolStr, Timestamp>) -> Self {
        let by_time = by_name.iter().map(|(name, at)| (*at, name.clone())).collect();
        Self { by_name, by_time }
    }
}

impl Serialize for Members {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.by_name.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(of: &[(&str, i64)]) -> Members {
        let mut members = Members::default();
        of.iter().for_each(|(name, at)| members.add(name, Timestamp(*at)));
        members
    }

    #[test]
    fn each_counts_once_by_its_newest_match() {
        let members = members(&[("a", 5), ("b", 3), ("a", 9), ("b", 1), ("c", 9)]);
        assert_eq!(members.len(), 3);
        assert_eq!((members.oldest(), members.newest()), (Some(Timestamp(3)), Some(Timestamp(9))));
        assert_eq!(members.times().collect::<Vec<_>>(), [9, 9, 3].map(Timestamp));
    }

    #[test]
    fn the_oldest_are_forgotten_and_what_is_kept_comes_back() {
        let mut members = members(&[("a", 5), ("b", 3), ("c", 9)]);
        members.forget_while(|at| at <= Timestamp(5));
        assert_eq!(members, self::members(&[("c", 9)]));
        members.add("b", Timestamp(4));
        let kept = serde_json::to_string(&members).unwrap();
        assert_eq!(kept, r#"{"b":4,"c":9}"#);
        assert_eq!(serde_json::from_str::<Members>(&kept).unwrap(), members);
        members.clear();
        assert!(members.is_empty() && members.newest().is_none());
    }
}
