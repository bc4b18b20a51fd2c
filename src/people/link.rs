//! Signed links in mails: whoever has the mail may do this one thing about the alerts that it listed, for a time.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::{ExposeSecret, SecretSlice};
use serde::{Deserialize, Serialize};

use crate::engine::{Channel, Content, Notification, Timestamp};
use crate::store::{Store, StoreError};

/// The name of the key in the store.
const KEY: &str = "links";

/// The longest token that is looked at, in bytes.
const LONGEST: usize = 16 * 1024;

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    Acknowledge,
}

/// What a link says. It names no person and no device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    #[serde(rename = "p")]
    pub purpose: Purpose,
    /// The alerts that the message listed.
    #[serde(rename = "a")]
    pub alerts: Vec<u64>,
    /// Where the message went.
    #[serde(rename = "t")]
    pub to: String,
    /// When the link expires.
    #[serde(rename = "u")]
    pub until: Timestamp,
}

/// Why a link leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    #[error("this link is not one of ours, or was cut off on its way")]
    Forged,
    #[error("this link has expired")]
    Expired,
}

/// How long a link leads somewhere.
const LASTS: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The link by which the reader of a mail takes on the open alerts that it lists; `base` is the address of the public port.
/// The same mail always has the same link.
#[must_use]
pub fn to_take_on(signer: &Signer, base: &str, notification: &Notification) -> Option<String> {
    let (Content::Alerts { firing, .. }, Channel::Email { to }) = (&notification.content, &notification.channel) else {
        return None;
    };
    let open = firing.iter().filter(|alert| alert.acknowledged.is_none());
    let alerts: Vec<u64> = open.map(|alert| alert.number).collect();
    let until = notification.due.plus(LASTS);
    let link = Link { purpose: Purpose::Acknowledge, alerts, to: to.join(", "), until };
    (!link.alerts.is_empty()).then(|| format!("{base}/act/{}", signer.sign(&link)))
}

/// Signs links, and knows its own.
#[derive(Clone)]
pub struct Signer {
    key: SecretSlice<u8>,
}

impl Signer {
    /// The signer of a store: its key is made once, and kept there.
    ///
    /// # Errors
    /// When the store can neither give nor keep it.
    pub fn of(store: &dyn Store) -> Result<Self, StoreError> {
        let mut fresh = [0; 32];
        let made = SystemRandom::new().fill(&mut fresh);
        made.map_err(|_| StoreError::Unavailable {
            place: "this machine".to_owned(),
            doing: "make a key",
            cause: "there are no random numbers".to_owned(),
        })?;
        Ok(Self { key: store.key(KEY, &fresh)? })
    }

    /// The token of a link.
    #[must_use]
    pub fn sign(&self, link: &Link) -> String {
        let said = serde_json::to_vec(link).unwrap_or_default();
        let signature = hmac::sign(&self.key(), &said);
        format!("{}.{}", URL_SAFE_NO_PAD.encode(said), URL_SAFE_NO_PAD.encode(signature))
    }

    /// What a token says, where it is ours and has not expired.
    ///
    /// # Errors
    /// When it is not, or has.
    pub fn read(&self, token: &str, now: Timestamp) -> Result<Link, LinkError> {
        if token.len() > LONGEST {
            return Err(LinkError::Forged);
        }
        let (said, signature) = token.split_once('.').ok_or(LinkError::Forged)?;
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| LinkError::Forged);
        let (said, signature) = (decode(said)?, decode(signature)?);
        // In constant time.
        hmac::verify(&self.key(), &said, &signature).map_err(|_| LinkError::Forged)?;
        let link: Link = serde_json::from_slice(&said).map_err(|_| LinkError::Forged)?;
        if link.until <= now { Err(LinkError::Expired) } else { Ok(link) }
    }

    fn key(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, self.key.expose_secret())
    }
}
