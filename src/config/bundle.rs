//! The rule files of one moment, the tables that they name, and the templates of messages beside them, by name and text:
//! what is kept in the store and compiled from there.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::ops::Range;
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
/// The folder of templates below the folder of rules.
const TEMPLATES: &str = "templates/";
/// What the names of templates end in.
const TEMPLATE_ENDS: [&str; 3] = [".html", ".mrkdwn", ".txt"];
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
    /// What a test sets for itself, over both.
    Test,
}

/// One rule file, a CSV file that one names, or a template.
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

/// Every rule file, every table that one names, and every template: the library's first, each folder in name order. The
/// same files give the same bytes and hash.
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

    /// As [`Bundle::read`], for people who want to hear everything at once: what could be read, and all that there is
    /// to say of the folders, files whose names keep them from being read included.
    #[must_use]
    pub fn read_all(library: Option<&Path>, rules: &Path) -> (Self, Problems) {
        let mut bundle = Self::default();
        let mut problems = Problems::default();
        for (origin, folder) in folders(library, rules) {
            let first = bundle.files.len();
            for (name, path) in files_below(folder, is_rule_file, &mut problems) {
                bundle.add(origin, name, path, &mut problems);
            }
            bundle.add_tables(origin, folder, first, &mut problems);
            for (name, path) in templates_below(origin, folder, &mut problems) {
                bundle.add(origin, name, path, &mut problems);
            }
        }
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
                Origin::Test => "test",
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

    /// The same files and one more, which comes last.
    #[must_use]
    pub fn with(&self, file: RuleFile) -> Self {
        let mut bundle = self.clone();
        bundle.files.push(file);
        bundle
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
        self.files.iter().filter(|file| !file.is_table() && !file.is_template())
    }

    /// The templates of messages, by their names below their folder. They decide nothing, but come into force with the
    /// rules beside which they stand.
    pub fn templates(&self) -> impl Iterator<Item = (&str, &RuleFile)> {
        let templates = self.files.iter().filter(|file| file.is_template());
        templates.filter_map(|file| Some((file.name.strip_prefix(TEMPLATES)?, file)))
    }

    /// The same files without templates.
    #[must_use]
    pub fn without_templates(mut self) -> Self {
        self.files.retain(|file| !file.is_template());
        self
    }

    /// The table of this name, from the same folder as the rule file that names it.
    pub(super) fn table(&self, origin: Origin, name: &str) -> Option<&RuleFile> {
        self.files.iter().find(|file| file.origin == origin && file.name == name && file.is_table())
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

    /// The paths of the files that decide what is in force: rule files, tables, templates, and the tests of rules. Beside them,
    /// what keeps folders from being looked into. It opens no file.
    #[must_use]
    pub fn paths(library: Option<&Path>, rules: &Path) -> (Vec<PathBuf>, Problems) {
        let mut problems = Problems::default();
        let mut paths = Vec::new();
        for (_, folder) in folders(library, rules) {
            paths.extend(files_below(folder, decides, &mut problems).into_iter().map(|(_, path)| path));
        }
        paths.extend(templates_below(Origin::Own, rules, &mut Problems::default()).into_iter().map(|(_, path)| path));
        (paths, problems)
    }

    fn add(&mut self, origin: Origin, name: String, path: PathBuf, problems: &mut Problems) {
        match read_text(&path) {
            Ok(text) => self.files.push(RuleFile { origin, name, text, path: Some(path) }),
            Err(found) => problems.extend(found),
        }
    }

    /// Reads the tables that the rule files from `first` on name. One that is not there is missed when these are
    /// compiled.
    fn add_tables(&mut self, origin: Origin, folder: &Path, first: usize, problems: &mut Problems) {
        let named = self.files[first..].iter().flat_map(|file| rules::tables_named_by(&file.name, &file.source()));
        let named: BTreeSet<String> = named.collect();
        for name in named.into_iter().take(MAX_FILES) {
            let path = folder.join(&name);
            if path.is_file() {
                self.add(origin, name, path, problems);
            }
        }
        self.files[first..].sort_by(|a, b| a.name.cmp(&b.name));
    }
}

/// The folders that are there to be read; only the library may be missing.
fn folders<'p>(library: Option<&'p Path>, rules: &'p Path) -> impl Iterator<Item = (Origin, &'p Path)> {
    let library = library.filter(|folder| folder.exists()).map(|folder| (Origin::Library, folder));
    library.into_iter().chain([(Origin::Own, rules)])
}

/// The files below a folder whose names are `wanted`: their names and paths, by name.
fn files_below(folder: &Path, wanted: fn(&str) -> bool, problems: &mut Problems) -> Vec<(String, PathBuf)> {
    let mut files = Vec::new();
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
            } else if !is_folder && wanted(&entry) {
                files.push((below, path));
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
        if files.len() > MAX_FILES {
            problems.push(Problem::general(format!("more than {MAX_FILES} rule files below {}", folder.display())));
            break;
        }
    }
    files.sort();
    files
}

/// The templates in their folder below the customer's rules, where there is one.
fn templates_below(origin: Origin, rules: &Path, problems: &mut Problems) -> Vec<(String, PathBuf)> {
    let folder = rules.join(TEMPLATES);
    if origin != Origin::Own || !folder.is_dir() {
        return Vec::new();
    }
    let mut strange = |path: &Path| {
        problems.push(
            Problem::general_warning(format!("{} is not read: no template is named like that", path.display()))
                .help(format!("the names of templates end in {}", TEMPLATE_ENDS.join(", "))),
        );
    };
    let mut found = Vec::new();
    // What cannot be read there was told when rule files were looked for.
    for (name, path) in files_below(&folder, |_| true, &mut Problems::default()) {
        match &*name {
            name if is_template(name) => found.push((format!("{TEMPLATES}{name}"), path)),
            name if decides(name) => {}
            _ => strange(&path),
        }
    }
    found
}

fn is_template(name: &str) -> bool {
    TEMPLATE_ENDS.iter().any(|end| name.ends_with(end))
}

impl RuleFile {
    /// Whether it is a table, and not a rule file itself.
    pub(super) fn is_table(&self) -> bool {
        is_table(&self.name)
    }

    /// Whether it is a template of messages.
    pub(super) fn is_template(&self) -> bool {
        self.name.strip_prefix(TEMPLATES).is_some_and(is_template)
    }

    /// What a test sets for itself: the key `settings` and its value, which stand at `at` in its file. The rest of the
    /// file is blank, so that what there is to say of them has its place.
    pub(super) fn of_settings(source: &Source, at: &Range<usize>) -> Self {
        let blank = |(place, c): (usize, char)| match c {
            '\n' => "\n".to_owned(),
            c if at.contains(&place) => c.to_string(),
            c => " ".repeat(c.len_utf8()),
        };
        let text = source.text.char_indices().map(blank).collect();
        Self { origin: Origin::Test, name: source.name.clone(), text, path: None }
    }

    /// The file as diagnostics name and show it.
    #[must_use]
    pub fn source(&self) -> Arc<Source> {
        let name = match (&self.path, self.origin) {
            (Some(path), _) => path.display().to_string(),
            (None, Origin::Own | Origin::Test) => self.name.clone(),
            (None, Origin::Library) => format!("library/{}", self.name),
        };
        Arc::new(Source::hiding(name, self.text.clone(), &hidden(&self.text)))
    }
}

/// What must not be shown of a rule file: no secret belongs there, but a part of the configuration may stand there by
/// mistake. The file of a table is none, though its key is that of a reference to a secret.
fn hidden(text: &str) -> Vec<Range<usize>> {
    let mut hidden = hide::secrets(text);
    hidden.retain(|range| !text[..range.start].trim_end_matches([' ', '"', '\'']).ends_with("file:"));
    hidden
}

/// Names and whether each is a folder; hidden ones apart. Links are followed.
pub(super) fn entries(folder: &Path) -> io::Result<Vec<(String, bool)>> {
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

/// Whether a file of this name has a say in what is in force.
fn decides(name: &str) -> bool {
    name.ends_with(".yaml") || is_table(name)
}

fn is_rule_file(name: &str) -> bool {
    name.ends_with(".yaml") && !name.ends_with(".test.yaml")
}

/// The name that makes a rule file of one that was probably meant to be: `.yml`, other cases, and the `.txt` that some
/// editors add.
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

pub(super) fn unreadable_folder(folder: &Path, error: &io::Error) -> Problem {
    Problem::general(format!("cannot read the folder {}: {error}", folder.display()))
        .help("create it, or set `rules:` in pulsewarden.yaml to the folder of your rule files")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_that_stand_in_a_rule_file_by_mistake_are_not_shown() {
        let text = "email: { username: care, password: swordfish }\nimpilo: { webhook_secrets: [hunter2hunter2] }\n\
                    tables: [{ file: teams.csv, key: site }]\n";
        let source = Bundle::of(&[("own.yaml", text)]).files()[0].source();
        let shown = source.shown();
        assert!(!shown.contains("swordfish") && !shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("username: care") && shown.contains("file: teams.csv, key: site"), "{shown}");
    }
}
