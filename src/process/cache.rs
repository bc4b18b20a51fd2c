//! Slices in memory: a bounded cache in two generations, so that what is used stays and what is not falls out.

use std::collections::HashMap;

use crate::engine::{Slice, Subject};

/// A bounded cache of slices.
#[derive(Debug)]
pub(super) struct Cache {
    young: HashMap<Subject, Slice>,
    old: HashMap<Subject, Slice>,
    /// How many slices a generation holds.
    room: usize,
}

impl Cache {
    /// A cache of at most twice `room` slices, and what one batch adds.
    pub(super) fn new(room: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), room }
    }

    pub(super) fn contains(&self, subject: &Subject) -> bool {
        self.young.contains_key(subject) || self.old.contains_key(subject)
    }

    /// Keeps the slice of `subject` from falling out soon; false where it is not in memory.
    pub(super) fn uses(&mut self, subject: &Subject) -> bool {
        if self.young.contains_key(subject) {
            return true;
        }
        let Some(slice) = self.old.remove(subject) else { return false };
        self.young.insert(subject.clone(), slice);
        true
    }

    /// A slice that [`Cache::uses`] has found, or that was put in since.
    pub(super) fn used(&mut self, subject: &Subject) -> Option<&mut Slice> {
        self.young.get_mut(subject)
    }

    pub(super) fn insert(&mut self, slice: Slice) {
        self.old.remove(&slice.subject);
        self.young.insert(slice.subject.clone(), slice);
    }

    /// The slice of `subject`, without counting as use.
    pub(super) fn peek(&self, subject: &Subject) -> Option<&Slice> {
        self.young.get(subject).or_else(|| self.old.get(subject))
    }

    pub(super) fn peek_mut(&mut self, subject: &Subject) -> Option<&mut Slice> {
        match self.young.get_mut(subject) {
            Some(slice) => Some(slice),
            None => self.old.get_mut(subject),
        }
    }

    pub(super) fn remove(&mut self, subject: &Subject) {
        self.young.remove(subject);
        self.old.remove(subject);
    }

    pub(super) fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
    }

    /// Lets the older generation go once the younger one is full. Only clean slices may be in the cache then.
    pub(super) fn age(&mut self) {
        if self.young.len() >= self.room {
            self.old = std::mem::take(&mut self.young);
        }
    }
}
