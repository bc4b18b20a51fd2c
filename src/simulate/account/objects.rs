//! Orders, returns and tickets as the account has them: as they were told last. What is over is forgotten in time.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use smol_str::SmolStr;

use crate::engine::Timestamp;
use crate::journal::codec;
use crate::simulate::chance::DAY;

/// For how long something is served after its end.
const KEPT_AFTER_END: Duration = DAY.saturating_mul(90);

/// Statuses after which nothing more happens.
const ENDS: [&str; 5] = ["delivered", "returnIssued", "voided", "completed", "closed"];

/// What lists are chosen by.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Traits {
    pub id: u64,
    pub current_status: Option<SmolStr>,
    patient: Option<Named>,
    #[serde(alias = "currentPatient")]
    held_by: Option<Named>,
    site: Option<Named>,
    item: Option<Named>,
    pub related_order_id: Option<u64>,
    pub external_order_ids: Vec<String>,
    pub ticket_type: Option<SmolStr>,
    pub open: Option<bool>,
    pub created_at: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Named {
    id: Option<u64>,
}

impl Traits {
    pub fn patient(&self) -> Option<u64> {
        self.patient.as_ref().or(self.held_by.as_ref()).and_then(|patient| patient.id)
    }

    pub fn site(&self) -> Option<u64> {
        self.site.as_ref().and_then(|site| site.id)
    }

    pub fn item(&self) -> Option<u64> {
        self.item.as_ref().and_then(|item| item.id)
    }

    pub fn status(&self) -> &str {
        self.current_status.as_deref().unwrap_or_default()
    }
}

/// One object.
pub(super) struct Kept {
    packed: Box<[u8]>,
    pub traits: Traits,
    /// When it changed last.
    pub at: Timestamp,
}

impl Kept {
    /// Its JSON.
    pub fn json(&self) -> String {
        String::from_utf8(codec::decode(&self.packed).unwrap_or_default()).unwrap_or_default()
    }
}

/// All objects of one kind.
#[derive(Default)]
pub(super) struct Shelf(BTreeMap<u64, Kept>);

impl Shelf {
    /// Keeps an object as it is now. One that is no object with a number is left out.
    pub fn keep(&mut self, json: &[u8], at: Timestamp) -> Option<u64> {
        let traits: Traits = serde_json::from_slice(json).ok()?;
        let id = traits.id;
        self.0.insert(id, Kept { packed: codec::encode(json).into(), traits, at });
        Some(id)
    }

    /// Forgets an object.
    pub fn remove(&mut self, id: u64) -> bool {
        self.0.remove(&id).is_some()
    }

    /// Forgets what ended long before `now`.
    pub fn forget_before(&mut self, now: Timestamp) {
        self.0.retain(|_, kept| !ENDS.contains(&kept.traits.status()) || now.since(kept.at) < KEPT_AFTER_END);
    }

    pub fn get(&self, id: u64) -> Option<&Kept> {
        self.0.get(&id)
    }

    /// In the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &Kept)> {
        self.0.iter().map(|(id, kept)| (*id, kept))
    }
}
