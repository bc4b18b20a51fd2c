//! The secrets that webhooks may carry, and how often each was used.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use crate::engine::Timestamp;

/// The secrets that are accepted now. Several are valid while one is being replaced.
#[derive(Default)]
pub struct Secrets(RwLock<Vec<Accepted>>);

struct Accepted {
    hash: [u8; 32],
    name: String,
    /// It was replaced, and is known so that a webhook with it can be told from one with a wrong secret.
    replaced: bool,
    uses: Arc<Uses>,
}

/// What a webhook's secret is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offered {
    Accepted,
    Missing,
    Wrong,
    /// Once right, and refused since it was replaced.
    Replaced,
}

#[derive(Default)]
struct Uses {
    count: AtomicU64,
    /// Milliseconds of the epoch; 0 where there was none.
    last: AtomicI64,
}

/// How often a secret was used since the start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretUse {
    /// Where the secret is, never what it is.
    pub name: String,
    pub uses: u64,
    pub last: Option<Timestamp>,
}

impl Secrets {
    /// From now on these are accepted, by their names, and no others; those of `replaced` are refused and known. One that was
    /// known before goes on counting. Of two names for the same secret the first holds.
    pub fn replace<'s>(
        &self,
        secrets: impl IntoIterator<Item = (String, &'s SecretString)>,
        replaced: impl IntoIterator<Item = (String, &'s SecretString)>,
    ) {
        let mut accepted = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let mut new: Vec<Accepted> = Vec::new();
        let secrets = secrets.into_iter().map(|(name, secret)| (name, secret, false));
        let replaced = replaced.into_iter().map(|(name, secret)| (name, secret, true));
        for (name, secret, replaced) in secrets.chain(replaced) {
            let hash = hash(arriving(secret));
            if new.iter().all(|known| known.hash != hash) {
                let before = accepted.iter().find(|known| known.hash == hash);
                let uses = before.map(|before| Arc::clone(&before.uses)).unwrap_or_default();
                new.push(Accepted { hash, name, replaced, uses });
            }
        }
        *accepted = new;
    }

    /// Compares hashes, and every one of them, so that the time taken tells nothing.
    pub fn accept(&self, offered: &[u8], now: Timestamp) -> Offered {
        let is_missing = offered.is_empty();
        let offered = hash(offered);
        let secrets = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let (mut found, mut replaced) = (Choice::from(0), Choice::from(0));
        for secret in &*secrets {
            let this = secret.hash.ct_eq(&offered);
            secret.uses.count.fetch_add(u64::from(this.unwrap_u8()), Ordering::Relaxed);
            secret.uses.last.fetch_max(now.0 * i64::from(this.unwrap_u8()), Ordering::Relaxed);
            let was_replaced = Choice::from(u8::from(secret.replaced));
            found |= this & !was_replaced;
            replaced |= this & was_replaced;
        }
        match (bool::from(found), bool::from(replaced)) {
            (true, _) => Offered::Accepted,
            (false, true) => Offered::Replaced,
            (false, false) if is_missing => Offered::Missing,
            (false, false) => Offered::Wrong,
        }
    }

    /// The name of a secret that is accepted. Does not count as a use.
    #[must_use]
    pub fn name_of(&self, secret: &SecretString) -> Option<String> {
        let hash = hash(arriving(secret));
        let secrets = self.0.read().unwrap_or_else(PoisonError::into_inner);
        secrets.iter().find(|known| known.hash == hash && !known.replaced).map(|known| known.name.clone())
    }

    /// How often each was used.
    #[must_use]
    pub fn uses(&self) -> Vec<SecretUse> {
        let secrets = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let of = |secret: &Accepted| SecretUse {
            name: secret.name.clone(),
            uses: secret.uses.count.load(Ordering::Relaxed),
            last: Some(Timestamp(secret.uses.last.load(Ordering::Relaxed))).filter(|last| last.0 > 0),
        };
        secrets.iter().map(of).collect()
    }
}

/// A secret as it arrives: a header's value has no blanks around it (RFC 9110).
pub(super) fn arriving(secret: &SecretString) -> &[u8] {
    secret.expose_secret().trim_matches([' ', '\t']).as_bytes()
}

/// What is kept of a secret where it must only be known again.
#[must_use]
pub(super) fn hash(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
