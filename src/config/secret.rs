//! Reading a secret from where the configuration says it is.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use secrecy::SecretString;
use thiserror::Error;

use super::settings::SecretRef;

/// Where the unit takes the service's credentials from: each file in it becomes one. Only root can look into it.
pub const SECRETS_FOLDER: &str = "/etc/pulsewarden/secrets";
/// What systemd puts before the name of a file that comes from a folder of credentials, by the folder's name in the
/// unit.
const FROM_FOLDER: &str = "secrets_";

/// Bytes; anything larger is not a secret but the wrong file.
const MAX_SECRET: u64 = 64 * 1024;

/// Why a secret could not be read. Never holds the secret.
#[derive(Debug, Error)]
pub enum SecretError {
    #[error("cannot read the secret in {path}: {error}; create the file, readable by the service's user")]
    File { path: PathBuf, error: io::Error },
    #[error(
        "no credential named {name}: only systemd provides credentials; start the service with systemctl, or refer to the \
         secret by `file` or `env`"
    )]
    NoCredentials { name: String },
    #[error(
        "cannot read the credential {name}: {error}; put the secret into {SECRETS_FOLDER}/{name} and restart the service, \
         as systemd reads secrets at its start"
    )]
    Credential { name: String, error: io::Error },
    #[error(
        "cannot read {SECRETS_FOLDER}/{name}, from which the service gets the credential {name}: {error}; to write it: \
         sudo install -m 600 /dev/stdin {SECRETS_FOLDER}/{name}"
    )]
    Unwritten { name: String, error: io::Error },
    #[error("the environment variable {name} is not set; set it for the service, or refer to the secret by `file`")]
    Env { name: String },
    #[error("the secret in {place} is empty; write the secret into it")]
    Empty { place: String },
    #[error("the secret in {place} is not text of one line; keep the secret alone in it")]
    NotOneLine { place: String },
}

impl SecretRef {
    /// The secret itself, without the line end that editors leave behind.
    ///
    /// # Errors
    /// Where the file, credential or variable is missing, empty, or holds more than one line.
    pub fn read(&self) -> Result<SecretString, SecretError> {
        let place = self.to_string();
        match self {
            Self::File(path) => {
                let text = read(path).map_err(|error| SecretError::File { path: path.clone(), error })?;
                tidy(text, place)
            }
            Self::Credential(name) => {
                let folder = env::var_os("CREDENTIALS_DIRECTORY")
                    .ok_or_else(|| SecretError::NoCredentials { name: name.clone() })?;
                let folder = Path::new(&folder);
                // One that the unit names by itself goes before one of the folder.
                let text = read(&folder.join(name))
                    .or_else(|_| read(&folder.join(format!("{FROM_FOLDER}{name}"))))
                    .map_err(|error| SecretError::Credential { name: name.clone(), error })?;
                tidy(text, place)
            }
            Self::Env(name) => {
                let text = env::var(name).map_err(|_| SecretError::Env { name: name.clone() })?;
                tidy(text, place)
            }
            Self::Literal(secret) => Ok(secret.clone()),
        }
    }

    /// Whether the service will find the secret, as far as this process can tell, which need not be the service:
    /// outside it there are no credentials, but root can see the files that they are made of.
    ///
    /// # Errors
    /// As [`SecretRef::read`].
    pub fn look(&self) -> Result<(), SecretError> {
        match self {
            Self::Credential(name) if env::var_os("CREDENTIALS_DIRECTORY").is_none() => {
                let path = Path::new(SECRETS_FOLDER).join(name);
                let text = read(&path).map_err(|error| SecretError::Unwritten { name: name.clone(), error })?;
                tidy(text, format!("file {}", path.display())).map(drop)
            }
            // The commands of a reload have the name of the folder without the folder.
            Self::Credential(_)
                if env::var_os("CREDENTIALS_DIRECTORY").is_some_and(|folder| !Path::new(&folder).is_dir()) =>
            {
                Ok(())
            }
            _ => self.read().map(drop),
        }
    }
}

impl SecretError {
    /// Whether it is this process, and perhaps not the service, that may not read the secret.
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        match self {
            Self::File { error, .. } | Self::Credential { error, .. } | Self::Unwritten { error, .. } => {
                error.kind() == io::ErrorKind::PermissionDenied
            }
            _ => false,
        }
    }
}

/// Where the secret is, never what it is.
impl std::fmt::Display for SecretRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Credential(name) => write!(f, "credential {name}"),
            Self::Env(name) => write!(f, "environment variable {name}"),
            Self::Literal(_) => f.write_str("a literal"),
        }
    }
}

fn read(path: &Path) -> io::Result<String> {
    if fs::metadata(path)?.len() > MAX_SECRET {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "too large for a secret"));
    }
    fs::read_to_string(path)
}

fn tidy(text: String, place: String) -> Result<SecretString, SecretError> {
    let text = text.trim_end_matches(['\r', '\n']);
    if text.trim().is_empty() {
        return Err(SecretError::Empty { place });
    }
    if text.chars().any(char::is_control) {
        return Err(SecretError::NotOneLine { place });
    }
    Ok(SecretString::from(text))
}
