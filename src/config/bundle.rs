//! The rule files of one moment, and the tables that they name, by name and text: what is kept in the store and compiled from
//! there.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::hide;
use super::problem::{Problem, Problems};
use super::rules;
use super::settings::Settings;
use super::source::Source;
use crate::engine::RuleSet;

/// Folders within folders that are looked into.
const MAX_DEPTH: usize = 8;
/// Rule files in one bundle.
const MAX_FILES: usize = 2000;
/// Bytes of one rule file.
pub(super) const MAX_FILE: u64 = 1024 * 1024;

/// Which of the two folders a file comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The shipped rules.
    Library,
    /// The customer's own.
    Own,
}

/// One rule file, or a CSV file that one names.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RuleFile {
    pub origin: Origin,
    /// The path below its folder, with `/` between the parts.
    pub name: String,
    pub text: String,
    /// The path that people know; only where the bundle was read from folders.
    #[serde(skip)]
    pub path: Option<PathBuf>,
}

/// Every rule file, and every table that one names: the library's first, each folder in name order. The same files give the
/// same bytes and hash.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bundle {
    files: Vec<RuleFile>,
    /// Something could not be read, so that what refers to it may be right all the same.
    #[serde(skip)]
    incomplete: bool,
}

/// Stored bytes that are not a bundle.
#[derive(Debug, Error)]
#[error("the stored rule set cannot be read: {0}; it was written by another version or is damaged")]
pub struct Unreadable(#[from] serde_json::Error);

impl Bundle {
    /// Reads the rule files below both folders. A `library` that does not exist is left out.
    ///
    /// # Errors
    /// Every folder and file that cannot be read.
    pub fn read(library: Option<&Path>, rules: &Path) -> Result<Self, Problems> {
        let (bundle, problems) = Self::read_all(library, rules);
        if problems.any_errors() { Err(problems) } else { Ok(bundle) }
    }

    /// As [`Bundle::read`], for people who want to hear everything at once: what could be read, and all that there is to say
    /// of the folders, files whose names keep them from being read included.
    #[must_use]
    pub fn read_all(library: Option<&Path>, rules: &Path) -> (Self, Problems) {
        let mut bundle = Self::default();
        let mut problems = Problems::default();
        if let Some(library) = library.filter(|folder| folder.exists()) {
            bundle.gather(Origin::Library, library, &mut problems);
        }
        bundle.gather(Origin::Own, rules, &mut problems);
        bundle.incomplete = problems.any_errors();
        (bundle, problems)
    }

    /// A bundle of the given files: name and text of each, as though from the customer's folder.
    #[must_use]
    pub fn of(files: &[(&str, &str)]) -> Self {
        let own = |(name, text): &(&str, &str)| RuleFile {
            origin: Origin::Own,
            name: (*name).to_owned(),
            text: (*text).to_owned(),
            path: None,
        };
        let mut files: Vec<_> = files.iter().map(own).collect();
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Self { files, incomplete: false }
    }

    /// SHA-256 over origins, names and texts, in hexadecimal.
    #[must_use]
    pub fn hash(&self) -> String {
        let mut hash = Sha256::new();
        for file in &self.files {
            let origin = match file.origin {
                Origin::Library => "library",
                Origin::Own => "own",
            };
            for part in [origin, &file.name, &file.text] {
                // Lengths keep the end of one part from passing for the beginning of the next.
                hash.update((part.len() as u64).to_be_bytes());
                hash.update(part.as_bytes());
            }
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The bundle as the store keeps it.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The bundle that [`Bundle::to_bytes`] wrote.
    ///
    /// # Errors
    /// Bytes of another shape.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Unreadable> {
        Ok(serde_json::from_slice(bytes)?)
    }

    pub(super) const fn is_incomplete(&self) -> bool {
        self.incomplete
    }

    #[must_use]
    pub fn files(&self) -> &[RuleFile] {
        &self.files
    }

    /// The rule files themselves.
    pub(super) fn rule_files(&self) -> impl Iterator<Item = &RuleFile> {
        self.files.iter().filter(|file| !is_table(&file.name))
    }

    /// The table of this name, from the same folder as the rule file that names it.
    pub(super) fn table(&self, origin: Origin, name: &str) -> Option<&RuleFile> {
        self.files.iter().find(|file| file.origin == origin && file.name == name && is_table(&file.name))
    }

    /// Builds and checks the rule set; warnings stand beside it.
    ///
    /// # Errors
    /// Every problem of every file, warnings included, where any is an error.
    pub fn compile(&self) -> Result<(RuleSet, Vec<Problem>), Problems> {
        rules::compile(self)
    }

    /// What receivers need and the configuration does not have: Slack webhooks by name, a mail server.
    #[must_use]
    pub fn check_receivers(&self, settings: &Settings) -> Problems {
        rules::against_settings(self, settings)
    }

    fn gather(&mut self, origin: Origin, folder: &Path, problems: &mut Problems) {
        let first = self.files.len();
        let mut waiting = vec![(folder.to_owned(), String::new(), 0)];
        while let Some((path, name, depth)) = waiting.pop() {
            let entries = match entries(&path) {
                Ok(entries) => entries,
                Err(error) => {
                    problems.push(unreadable_folder(&path, &error));
                    continue;
                }
            };
            for (entry, is_folder) in entries {
                let below = if name.is_empty() { entry.clone() } else { format!("{name}/{entry}") };
                let path = path.join(&entry);
                if is_folder && depth < MAX_DEPTH {
                    waiting.push((path, below, depth + 1));
                } else if !is_folder && is_rule_file(&entry) {
                    match read_text(&path) {
                        Ok(text) => self.files.push(RuleFile { origin, name: below, text, path: Some(path) }),
                        Err(found) => problems.extend(found),
                    }
                } else if !is_folder && let Some(meant) = meant_name(&entry) {
                    problems.push(
                        Problem::general_warning(format!(
                            "{} is not read: the names of rule files end in .yaml",
                            path.display()
                        ))
                        .help(format!("rename it to {meant}")),
                    );
                }
            }
            if self.files.len() - first > MAX_FILES {
                problems.push(Problem::general(format!("more than {MAX_FILES} rule files below {}", folder.display())));
                break;
            }
        }
        self.gather_tables(origin, folder, first, problems);
        self.files[first..].sort_by(|a, b| a.name.cmp(&b.name));
    }

    /// Reads the tables that the rule files from `first` on name. One that is not there is missed when these are compiled.
    fn gather_tables(&mut self, origin: Origin, folder: &Path, first: usize, problems: &mut Problems) {
        let named = self.files[first..].iter().flat_map(|file| rules::tables_named_by(&file.name, &file.source()));
        let named: BTreeSet<String> = named.collect();
        for name in named.into_iter().take(MAX_FILES) {
            let path = folder.join(&name);
            if path.is_file() {
                match read_text(&path) {
                    Ok(text) => self.files.push(RuleFile { origin, name, text, path: Some(path) }),
                    Err(found) => problems.extend(found),
                }
            }
        }
    }
}

impl RuleFile {
    /// The file as diagnostics name and show it.
    #[must_use]
    pub fn source(&self) -> Arc<Source> {
        let name = match (&self.path, self.origin) {
            (Some(path), _) => path.display().to_string(),
            (None, Origin::Own) => self.name.clone(),
            (None, Origin::Library) => format!("library/{}", self.name),
        };
        Arc::new(Source::hiding(name, self.text.clone(), &hide::anywhere(&self.text)))
    }
}

/// Names and whether each is a folder; hidden ones apart. Links are followed.
fn entries(folder: &Path) -> io::Result<Vec<(String, bool)>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if !name.starts_with('.') {
            let is_folder = fs::metadata(entry.path()).is_ok_and(|found| found.is_dir());
            entries.push((name, is_folder));
        }
    }
    entries.sort();
    Ok(entries)
}

fn is_table(name: &str) -> bool {
    name.ends_with(".csv")
}

fn is_rule_file(name: &str) -> bool {
    name.ends_with(".yaml") && !name.ends_with(".test.yaml")
}

/// The name that makes a rule file of one that was probably meant to be: `.yml`, other cases, and the `.txt` that some editors
/// add.
fn meant_name(name: &str) -> Option<String> {
    let lower = name.to_ascii_lowercase();
    let stem = lower.strip_suffix(".txt").unwrap_or(&lower);
    let stem = stem.strip_suffix(".yaml").or_else(|| stem.strip_suffix(".yml"))?;
    let meant = format!("{}.yaml", name.get(..stem.len())?);
    (meant != name && is_rule_file(&meant)).then_some(meant)
}

/// The text of a file, or what keeps it from being read as text.
pub(super) fn read_text(path: &Path) -> Result<String, Problems> {
    let shown = path.display();
    let found = fs::metadata(path).and_then(|found| {
        if found.len() > MAX_FILE {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than 1 MiB"));
        }
        fs::read(path)
    });
    let bytes = found.map_err(|error| -> Problems {
        Problem::general(format!("cannot read {shown}: {error}"))
            .help("check that the file exists and that the service's user may read it")
            .into()
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
        Problem::general(format!("{shown}:{line}: not UTF-8: byte {at} is not part of any character"))
            .help("save the file as UTF-8")
            .into()
    })
}

fn unreadable_folder(folder: &Path, error: &io::Error) -> Problem {
    Problem::general(format!("cannot read the folder {}: {error}", folder.display()))
        .help("create it, or set `rules:` in pulsewarden.yaml to the folder of your rule files")
}
