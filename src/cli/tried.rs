//! Rule sets that are tried: those of a folder, those in force, and stored ones.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};

use super::output::colors_stderr;
use crate::config::{Bundle, Problems, Settings};
use crate::engine::RuleSet;
use crate::store::Store;
use crate::store::sqlite::Sqlite;

/// A rule set, and how people know it.
pub(super) struct Tried {
    pub name: String,
    pub rules: Arc<RuleSet>,
}

/// Rule files that cannot be used; what is wrong with them has been printed.
#[derive(Debug, thiserror::Error)]
#[error("{0} cannot be used")]
struct BadRules(String);

impl Tried {
    /// The rules of a folder, with the shipped ones: those in `library`, or else the configured ones.
    pub fn of_folder(folder: &Path, library: Option<&Path>, settings: Option<&Settings>) -> anyhow::Result<Self> {
        let configured = settings.and_then(|settings| settings.library.as_deref()).filter(|library| *library != folder);
        let bundle = Bundle::read(library.or(configured), folder);
        Self::compile(folder.display().to_string(), format!("the rules in {}", folder.display()), bundle)
    }

    /// The rules that decide in the daemon now.
    pub fn in_force(store: Option<&Sqlite>) -> anyhow::Result<Self> {
        let Some(store) = store else {
            bail!("there is no store that knows the rules in force; say which to try: --rules FOLDER");
        };
        let hash = store.progress()?.rule_set;
        if hash.is_empty() {
            bail!(
                "the store has never had rules in force; start the service once, or say which to try: --rules FOLDER"
            );
        }
        Ok(Self { name: "in force".to_owned(), ..Self::stored(store, &hash)? })
    }

    /// The rule set of this hash, as the store keeps it.
    pub fn stored(store: &Sqlite, hash: &str) -> anyhow::Result<Self> {
        let Some(bytes) = store.rule_set(hash)? else { bail!("the store keeps no rule set {hash}") };
        let bundle = Bundle::from_bytes(&bytes).with_context(|| format!("the rule set {hash}"))?;
        Self::compile(short(hash).to_owned(), format!("the stored rule set {}", short(hash)), Ok(bundle))
    }

    fn compile(name: String, what: String, bundle: Result<Bundle, Problems>) -> anyhow::Result<Self> {
        match bundle.and_then(|bundle| bundle.compile()) {
            Ok((rules, _)) => Ok(Self { name, rules: Arc::new(rules) }),
            Err(problems) => {
                eprint!("{}", problems.render(colors_stderr()));
                Err(BadRules(what).into())
            }
        }
    }
}

/// Enough of a hash to know it by.
pub(super) fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}
