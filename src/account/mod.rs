//! The account at Impilo, seen over its v3 API: what it sends us, and what it says when it is asked.

mod accepted;
mod call;
pub mod client;
pub mod doctor;
mod error;
mod kept;
pub mod needs;
mod pace;
pub mod pages;
pub mod reconcile;
pub mod recovery;
pub mod rotation;
pub mod untaken;
pub mod webhooks;

use std::sync::{Mutex, PoisonError};

pub use accepted::{Offered, SecretUse, Secrets};
pub use client::Client;
pub use error::ApiError;
pub use kept::KeptError;
pub use pace::Pace;

use crate::clock::Clock;
use crate::config::{SecretError, Settings};

/// Why nothing can be asked of Impilo.
#[derive(Debug, thiserror::Error)]
pub enum NoClient {
    #[error(
        "no API key of Impilo's is configured; make one in Impilo's account portal, put it into \
         /etc/pulsewarden/secrets/impilo-api-key, and add to pulsewarden.yaml, under `impilo`: \
         api_key: {{ credential: impilo-api-key }}"
    )]
    NoKey,
    #[error("Impilo's API key cannot be read: {0}")]
    Key(#[from] SecretError),
    #[error("{0:#}")]
    Unusable(anyhow::Error),
}

/// The client that the settings make, kept until they change. All that ask share it, so that what one is told holds for all.
pub struct Access {
    kept: Mutex<Clients>,
    clock: Clock,
}

#[derive(Default)]
struct Clients {
    client: Option<Client>,
    /// The one before the settings were read anew.
    before: Option<Client>,
}

impl Access {
    /// `clock` is held against Impilo's.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { kept: Mutex::default(), clock }
    }

    /// Where there is no client yet, the key is read now, so that one that was put there late is found.
    ///
    /// # Errors
    /// Where there is no key, or none that can be used.
    pub fn client(&self, settings: &Settings) -> Result<Client, NoClient> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = &kept.client {
            return Ok(client.clone());
        }
        let key = settings.impilo.api_key.as_ref().ok_or(NoClient::NoKey)?.read()?;
        let new = Client::new(&settings.impilo.api, key).map_err(NoClient::Unusable)?.by(self.clock.clone());
        // The same account may still want to be left alone.
        let client = kept.before.take().filter(|before| before.is_of_the_account_of(&new)).unwrap_or(new);
        Ok(kept.client.insert(client).clone())
    }

    /// The key or the address may be another now.
    pub fn forget(&self) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = kept.client.take() {
            kept.before = Some(client);
        }
    }
}
