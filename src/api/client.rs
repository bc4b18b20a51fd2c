//! The command line's side of the admin socket.

use std::io::ErrorKind;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Why the daemon did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("nobody listens on the admin socket {path}: start the service, or compare `admin.socket` with its own")]
    NotRunning { path: PathBuf },
    #[error("this user may not open the admin socket {path}; run it with sudo, or sudo -u pulsewarden")]
    Forbidden { path: PathBuf },
    #[error("the daemon listens on {path} but does not answer; see its log")]
    Silent { path: PathBuf },
    #[error("the daemon refused: {0}")]
    Refused(String),
    #[error("the daemon's answer cannot be understood: {0}; are both of the same version?")]
    Strange(String),
}

/// Talks to the daemon behind one socket.
pub struct AdminClient {
    path: PathBuf,
    http: reqwest::Client,
}

impl AdminClient {
    /// A client for the socket at `path`.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(path: &Path) -> Result<Self, ClientError> {
        let http = reqwest::Client::builder().unix_socket(path).timeout(Duration::from_secs(45)).build();
        let http = http.map_err(|error| ClientError::Strange(error.to_string()))?;
        Ok(Self { path: path.to_owned(), http })
    }

    /// The same, for what takes its time.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn patient(path: &Path) -> Result<Self, ClientError> {
        let http = reqwest::Client::builder().unix_socket(path).timeout(Duration::from_secs(6 * 3600)).build();
        let http = http.map_err(|error| ClientError::Strange(error.to_string()))?;
        Ok(Self { path: path.to_owned(), http })
    }

    /// Reads.
    ///
    /// # Errors
    /// When the daemon cannot be reached or refuses.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.answer(self.http.get(format!("http://pulsewarden{path}"))).await
    }

    /// Asks for something to be done.
    ///
    /// # Errors
    /// When the daemon cannot be reached or refuses.
    pub async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, ClientError> {
        self.answer(self.http.post(format!("http://pulsewarden{path}")).json(body)).await
    }

    async fn answer<T: DeserializeOwned>(&self, request: reqwest::RequestBuilder) -> Result<T, ClientError> {
        let response = request.send().await.map_err(|_| self.unreachable())?;
        let good = response.status().is_success();
        let body: Value = response.json().await.map_err(|error| ClientError::Strange(error.to_string()))?;
        if !good {
            let why = body.get("error").and_then(Value::as_str).unwrap_or("no reason given");
            return Err(ClientError::Refused(why.to_owned()));
        }
        serde_json::from_value(body).map_err(|error| ClientError::Strange(error.to_string()))
    }

    /// Why there was no answer, as the socket itself tells it.
    fn unreachable(&self) -> ClientError {
        let path = self.path.clone();
        match UnixStream::connect(&path) {
            Ok(_) => ClientError::Silent { path },
            Err(error) if error.kind() == ErrorKind::PermissionDenied => ClientError::Forbidden { path },
            Err(_) => ClientError::NotRunning { path },
        }
    }
}
