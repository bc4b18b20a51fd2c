//! What Pulsewarden understands of what Impilo sends: invented envelopes of every known type, and odd ones.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod dictionary;
mod envelopes;
mod facts;
mod fleet;
mod mutations;
mod schema;

use std::fs;
use std::path::{Path, PathBuf};

/// One fixture: its name below `tests/fixtures/impilo`, and the body as it would be posted.
pub struct Fixture {
    pub name: String,
    pub path: PathBuf,
    pub body: Vec<u8>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/impilo")
}

/// The envelopes of the known types, each named like its type, then the odd ones, in the order of their names.
pub fn fixtures() -> Vec<Fixture> {
    let mut all = read(&folder(), "");
    all.extend(read(&folder().join("odd"), "odd/"));
    all
}

/// One fixture's body.
pub fn body(name: &str) -> Vec<u8> {
    fs::read(folder().join(format!("{name}.json"))).unwrap()
}

fn read(folder: &Path, prefix: &str) -> Vec<Fixture> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
    paths.sort();
    let name = |path: &Path| format!("{prefix}{}", path.file_stem().unwrap().to_str().unwrap());
    paths.into_iter().map(|path| Fixture { name: name(&path), body: fs::read(&path).unwrap(), path }).collect()
}

/// The payload of a body of either form.
fn payload_of(body: &[u8]) -> serde_json::Value {
    let body: serde_json::Value = serde_json::from_slice(body).unwrap();
    body.get("payload").or(body.get("data")).unwrap().clone()
}
