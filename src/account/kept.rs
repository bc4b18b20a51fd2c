//! Files beside the store that hold secrets: written whole or not at all, and readable by the service's user alone.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Never holds what stands in the file.
#[derive(Debug, Error)]
pub enum KeptError {
    #[error(
        "the file {path} cannot be written: {error}; look at the disk, and at whether the service's user may write there"
    )]
    Write { path: PathBuf, error: io::Error },
    #[error("the file {path} cannot be read: {error}; it must be readable by the service's user")]
    Read { path: PathBuf, error: io::Error },
    #[error("the file {path} is damaged; move it away, and what stood in it is forgotten")]
    Damaged { path: PathBuf },
}

/// What a file holds; `None` where there is none.
///
/// # Errors
/// Where it cannot be read, or does not hold what it should.
pub(super) fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Option<T>, KeptError> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|_| KeptError::Damaged { path: path.to_owned() }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(KeptError::Read { path: path.to_owned(), error }),
    }
}

/// Puts `bytes` in the place of what the file held. Once this returns they are on the disk; whatever happens before, the file
/// holds the one or the other.
///
/// # Errors
/// Where it cannot be written; it holds what it held then.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), KeptError> {
    let written = || {
        let new = path.with_extension("new");
        // One that a crash left behind may have other permissions.
        match fs::remove_file(&new) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()
    };
    written().map_err(|error| KeptError::Write { path: path.to_owned(), error })
}
