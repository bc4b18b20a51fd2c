//! Replacing Impilo's webhook secret without refusing anything here. Impilo swaps its one secret at once (documented), and what it
//! sends again may carry the one before for 105 minutes and the time by which its retries are late. So the new secret is on
//! the disk and accepted before Impilo has it, and the old one is accepted for hours after.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::ApiError;
use super::accepted::{self, Secrets};
use super::client::Client;
use super::kept::{self, KeptError};
use crate::engine::Timestamp;

/// How long the old secret is accepted once Impilo has the new one.
pub const OVERLAP: Duration = Duration::from_secs(4 * 60 * 60);

/// Bytes of chance in a secret.
const STRENGTH: usize = 32;

/// The names of the files beside the store: everything that is kept of secrets, and the one that Impilo has, alone, to be
/// copied.
const FILE: &str = "impilo-secrets.json";
const TO_COPY: &str = "impilo-webhook-secret";

/// Why a secret was not replaced.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    #[error("nothing was changed: {0}")]
    Kept(#[from] KeptError),
    #[error("nothing was changed: no chance can be had from the system")]
    NoChance,
    #[error("nothing was changed: {0}")]
    Unasked(ApiError),
    #[error("Impilo has kept the secret that it had: {0}; run the command again")]
    NotSwapped(ApiError),
    #[error("Impilo said that it has the new secret, and still has another; run the command again")]
    Ignored,
    #[error(
        "it is not known whether Impilo has the new secret: {0}; both are accepted here, and it is found out by itself as soon \
         as Impilo answers"
    )]
    Unknown(ApiError),
    #[error("Impilo has the new secret, which is accepted here, but that could not be noted: {0}")]
    Unnoted(KeptError),
}

/// How a secret that is kept stands.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Standing {
    /// Made, and perhaps given to Impilo.
    Offered,
    /// Impilo has it.
    Current,
    /// Impilo had it; without an end as long as it may have it still.
    Old { until: Option<Timestamp> },
}

#[derive(Clone)]
struct Kept {
    secret: SecretString,
    made_at: Timestamp,
    standing: Standing,
}

/// What is in the file.
#[derive(Default, Serialize, Deserialize)]
struct Wire {
    secrets: Vec<WireSecret>,
    /// SHA-256 of secrets that are accepted no more, whatever the configuration says.
    #[serde(default)]
    retired: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct WireSecret {
    secret: String,
    made_at: Timestamp,
    standing: Standing,
}

/// Keeps the secrets that were made here, and says which are accepted.
pub struct Keeper {
    file: PathBuf,
    to_copy: PathBuf,
    accepted: Arc<Secrets>,
    known: Mutex<Known>,
}

#[derive(Clone, Default)]
struct Known {
    /// By their names.
    configured: Vec<(String, SecretString)>,
    kept: Vec<Kept>,
    retired: Vec<String>,
    /// Nobody can learn which secret Impilo has: there is no API key, or none that Impilo takes.
    is_deaf: bool,
    /// Why the file could not be read.
    damage: Option<String>,
}

impl Known {
    /// The configured secrets that were replaced.
    fn replaced(&self) -> impl Iterator<Item = &(String, SecretString)> {
        self.configured.iter().filter(|(_, secret)| self.retired.contains(&print(secret)))
    }
}

/// Where the secret that Impilo has can be copied from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Copy {
    /// It is configured, and need not be copied.
    Needless,
    From(PathBuf),
    /// The file could not be written, and holds another or none.
    Not(PathBuf),
}

/// What came of a rotation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rotated {
    /// The file with the secret that Impilo has now.
    pub secret: PathBuf,
    /// Until when the one before is accepted; `None` where there was none.
    pub old_until: Option<Timestamp>,
    /// Impilo had the new secret already: an earlier rotation was cut short.
    pub was_begun: bool,
}

fn same(one: &SecretString, other: &SecretString) -> bool {
    accepted::arriving(one) == accepted::arriving(other)
}

fn print(secret: &SecretString) -> String {
    accepted::hash(accepted::arriving(secret)).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Keeper {
    /// Reads what is kept in the folder of the store. A file that cannot be read stops nothing: what is configured is
    /// accepted, and [`Keeper::damage`] says what is wrong.
    #[must_use]
    pub fn open(folder: &Path, accepted: Arc<Secrets>) -> Self {
        let file = folder.join(FILE);
        let mut known = Known::default();
        match kept::read::<Wire>(&file) {
            Ok(wire) => {
                let wire = wire.unwrap_or_default();
                known.retired = wire.retired;
                let kept = wire.secrets.into_iter().map(|kept| Kept {
                    secret: SecretString::from(kept.secret),
                    made_at: kept.made_at,
                    standing: kept.standing,
                });
                known.kept = kept.collect();
            }
            Err(error) => known.damage = Some(error.to_string()),
        }
        Self { file, to_copy: folder.join(TO_COPY), accepted, known: Mutex::new(known) }
    }

    /// Why nothing of what was made here is known.
    #[must_use]
    pub fn damage(&self) -> Option<String> {
        self.known().damage.clone()
    }

    /// Where the secret that Impilo has can be copied from, which is accepted here.
    #[must_use]
    pub fn to_copy(&self, there: &SecretString) -> Copy {
        if self.known().configured.iter().any(|(_, secret)| same(secret, there)) {
            return Copy::Needless;
        }
        let holds_it = fs::read(&self.to_copy).is_ok_and(|bytes| bytes == copied(there));
        if holds_it { Copy::From(self.to_copy.clone()) } else { Copy::Not(self.to_copy.clone()) }
    }

    /// From now on these are configured, and a key to ask Impilo with, or none.
    pub fn configure(&self, secrets: Vec<(String, SecretString)>, has_key: bool) {
        let mut known = self.known();
        known.configured = secrets;
        known.is_deaf = !has_key;
        self.publish(&known);
    }

    /// Nobody can learn which secret Impilo has: there is no key that it takes. Then it may have been given a configured secret
    /// back, and every configured one is accepted. Returns whether that is new.
    pub fn go_deaf(&self) -> bool {
        let mut known = self.known();
        let is_new = !known.is_deaf;
        known.is_deaf = true;
        self.publish(&known);
        is_new
    }

    /// The configured secrets that were replaced, by their names, and whether they are accepted all the same.
    #[must_use]
    pub fn replaced(&self) -> (Vec<String>, bool) {
        let known = self.known();
        (known.replaced().map(|(name, _)| name.clone()).collect(), known.is_deaf)
    }

    /// Whether Impilo must be asked what it has before anything more can be done.
    #[must_use]
    pub fn is_waiting(&self, now: Timestamp) -> bool {
        self.known().kept.iter().any(|kept| match kept.standing {
            Standing::Offered => true,
            Standing::Current => false,
            Standing::Old { until } => until.is_none_or(|until| until <= now),
        })
    }

    /// Makes a new secret, or takes the one that was made and not used, and keeps it beside the one that Impilo has.
    fn offer(&self, there: Option<&SecretString>, now: Timestamp) -> Result<SecretString, RotateError> {
        let mut known = self.known();
        let mut next = known.clone();
        if let Some(there) = there.filter(|there| !next.kept.iter().any(|kept| same(&kept.secret, there))) {
            let standing = Standing::Old { until: None };
            next.kept.push(Kept { secret: (*there).clone(), made_at: now, standing });
        }
        let offered = next.kept.iter().find(|kept| kept.standing == Standing::Offered);
        let secret = match offered {
            Some(offered) => offered.secret.clone(),
            None => {
                let secret = fresh()?;
                next.kept.push(Kept { secret: secret.clone(), made_at: now, standing: Standing::Offered });
                secret
            }
        };
        self.save(&next)?;
        *known = next;
        self.publish(&known);
        Ok(secret)
    }

    /// Takes in which secret Impilo has: what was offered has arrived, what was current is old, and what is old for long
    /// enough is dropped. Returns whether an offered one has arrived.
    ///
    /// # Errors
    /// Where it cannot be kept; what was accepted still is.
    pub fn learn(&self, there: &SecretString, now: Timestamp) -> Result<bool, KeptError> {
        let mut known = self.known();
        let mut next = known.clone();
        next.is_deaf = false;
        next.retired.retain(|retired| *retired != print(there));
        let mut arrived = false;
        for kept in &mut next.kept {
            let is_there = same(&kept.secret, there);
            arrived |= is_there && kept.standing == Standing::Offered;
            kept.standing = match kept.standing {
                _ if is_there => Standing::Current,
                Standing::Offered => Standing::Offered,
                Standing::Current | Standing::Old { until: None } => Standing::Old { until: Some(now.plus(OVERLAP)) },
                old => old,
            };
        }
        // Nothing is known to have come after the secret that Impilo has while another is merely offered.
        let over = |kept: &Kept| matches!(kept.standing, Standing::Old { until: Some(until) } if until <= now);
        let dropped: Vec<String> = next.kept.iter().filter(|kept| over(kept)).map(|kept| print(&kept.secret)).collect();
        next.kept.retain(|kept| !over(kept));
        let configured = |retired: &String| next.configured.iter().any(|(_, secret)| print(secret) == *retired);
        let retired = dropped.into_iter().filter(configured).collect::<Vec<_>>();
        next.retired.extend(retired);
        self.save(&next)?;
        *known = next;
        self.publish(&known);
        Ok(arrived)
    }

    fn save(&self, known: &Known) -> Result<(), KeptError> {
        let secrets = known.kept.iter().map(|kept| WireSecret {
            secret: kept.secret.expose_secret().to_owned(),
            made_at: kept.made_at,
            standing: kept.standing,
        });
        let wire = Wire { secrets: secrets.collect(), retired: known.retired.clone() };
        if known.damage.is_some() && self.file.exists() {
            return Err(KeptError::Damaged { path: self.file.clone() });
        }
        if !wire.secrets.is_empty() || !wire.retired.is_empty() || self.file.exists() {
            write_anew(&self.file, &serde_json::to_vec_pretty(&wire).unwrap_or_default())?;
        }
        match known.kept.iter().find(|kept| kept.standing == Standing::Current) {
            Some(current) => write_anew(&self.to_copy, &copied(&current.secret)),
            None => Ok(()),
        }
    }

    fn publish(&self, known: &Known) {
        let is_replaced = |secret: &SecretString| known.retired.contains(&print(secret));
        let configured = known.configured.iter().filter(|(_, secret)| known.is_deaf || !is_replaced(secret));
        let configured = configured.map(|(name, secret)| match is_replaced(secret) {
            true => (format!("{name} (it was replaced; accepted again, since Impilo cannot be asked)"), secret),
            false => (name.clone(), secret),
        });
        let kept = known.kept.iter().map(|kept| {
            let standing = match kept.standing {
                Standing::Offered => "not known to be at Impilo yet".to_owned(),
                Standing::Current if known.is_deaf => "which Impilo had when it was last asked".to_owned(),
                Standing::Current => "which Impilo has".to_owned(),
                Standing::Old { until: None } => "the one before".to_owned(),
                Standing::Old { until: Some(until) } => format!("the one before, until {until}"),
            };
            (format!("{} of {}, {standing}", self.file.display(), kept.made_at), &kept.secret)
        });
        let replaced = known.replaced().filter(|_| !known.is_deaf);
        let replaced = replaced.map(|(name, secret)| (format!("{name} (refused: it was replaced)"), secret));
        self.accepted.replace(configured.chain(kept), replaced);
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What stands in the file that is to be copied.
fn copied(secret: &SecretString) -> Vec<u8> {
    format!("{}\n", secret.expose_secret()).into_bytes()
}

/// Writes what does not stand there already.
fn write_anew(path: &Path, bytes: &[u8]) -> Result<(), KeptError> {
    if fs::read(path).is_ok_and(|there| there == bytes) { Ok(()) } else { kept::write(path, bytes) }
}

fn fresh() -> Result<SecretString, RotateError> {
    let mut bytes = [0; STRENGTH];
    SystemRandom::new().fill(&mut bytes).map_err(|_| RotateError::NoChance)?;
    Ok(SecretString::from(URL_SAFE_NO_PAD.encode(bytes)))
}

/// Gives Impilo a new secret. Whatever cuts this short, every secret that Impilo may send is accepted.
///
/// # Errors
/// Where Impilo does not have the new secret, or nobody knows.
pub async fn rotate(client: &Client, keeper: &Keeper, now: Timestamp) -> Result<Rotated, RotateError> {
    let there = client.secret().await.map_err(RotateError::Unasked)?;
    let rotated = |was_begun| Rotated {
        secret: keeper.to_copy.clone(),
        old_until: there.as_ref().map(|_| now.plus(OVERLAP)),
        was_begun,
    };
    if let Some(there) = &there
        && keeper.learn(there, now)?
    {
        return Ok(rotated(true));
    }
    let new = keeper.offer(there.as_ref(), now)?;
    let swapped = match there {
        Some(_) => client.change_secret(&new).await,
        None => client.create_secret(&new).await,
    };
    match (client.secret().await, swapped) {
        (Ok(Some(there)), _) if same(&there, &new) => {}
        // Its word is enough where it cannot be asked again; where it says something else, it may not have been its word.
        (Err(error), Ok(())) if error.may_pass() => {}
        (Ok(_), Ok(())) => return Err(RotateError::Ignored),
        (Ok(_), Err(error)) => return Err(RotateError::NotSwapped(error)),
        (Err(error), _) => return Err(RotateError::Unknown(error)),
    }
    keeper.learn(&new, now).map_err(RotateError::Unnoted)?;
    Ok(rotated(false))
}
