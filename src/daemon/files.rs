//! Notices that rule files or the configuration have changed, by looking at them again and again: names, sizes, times
//! and inodes, which costs next to nothing. The kernel's own notifications would come at once, but not from network
//! file systems, not when their number is used up, and not of what is behind a link that leads elsewhere now.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use super::Shared;
use crate::config::{Bundle, Settings};

/// How often it looks, and how often while something changes.
const LOOK_EVERY: Duration = Duration::from_millis(250);
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// A look that takes long, as at thousands of files, is followed by this many times as long a rest.
const REST: u32 = 50;

/// Files that were left alone for this long are written.
const QUIET: Duration = Duration::from_millis(300);

/// Files that cannot be used, or are empty or gone, may still be on their way for this long.
const QUIET_WHEN_DOUBTFUL: Duration = Duration::from_millis(500);

/// Files that are never left alone are read all the same.
const PATIENCE: Duration = Duration::from_secs(10);

/// A configuration that cannot be used may be good for what is beside it, such as the file of a secret: how often it is
/// tried.
const TRY_AGAIN: Duration = Duration::from_secs(5);

/// What a file held, in so far as it can be told from what it holds now.
pub(super) type Print = [u8; 32];

/// The print of a file; `None` where it cannot be read.
pub(super) fn print_of(path: &Path) -> Option<Print> {
    Some(Sha256::digest(fs::read(path).ok()?).into())
}

/// The configuration file as it was before it was read.
pub struct ConfigFile {
    path: PathBuf,
    print: Option<Print>,
}

impl ConfigFile {
    /// To be made before the settings are read, so that what changes in between is noticed.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        Self { path: path.to_owned(), print: print_of(path) }
    }

    pub(super) fn into_parts(self) -> (PathBuf, Option<Print>) {
        (self.path, self.print)
    }
}

/// The folders of rule files.
#[derive(Clone, Debug)]
pub(super) struct Folders {
    library: Option<PathBuf>,
    rules: PathBuf,
}

impl Folders {
    pub(super) fn of(settings: &Settings) -> Self {
        Self { library: settings.library.clone(), rules: settings.rules.clone() }
    }
}

/// How the files look from outside.
#[derive(Clone, PartialEq, Eq)]
struct Sight {
    /// `None` for what cannot be looked at.
    files: BTreeMap<PathBuf, Option<Mark>>,
    /// What keeps folders from being read.
    problems: String,
}

/// What of a file changes when it is written or replaced.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Mark {
    device: u64,
    inode: u64,
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Sight {
    fn of(folders: &Folders, config: Option<&Path>) -> Self {
        let (paths, problems) = Bundle::paths(folders.library.as_deref(), &folders.rules);
        let paths = paths.into_iter().chain(config.map(Path::to_owned));
        let files = paths.map(|path| {
            let mark = Mark::of(&path);
            (path, mark)
        });
        Self { files: files.collect(), problems: problems.to_string() }
    }

    /// Whether something that was there is gone: perhaps an editor is about to put the new file in its place.
    fn lacks_some_of(&self, before: &Self) -> bool {
        let is_there = |path| self.files.get(path).is_some_and(Option::is_some);
        before.files.iter().any(|(path, mark)| mark.is_some() && !is_there(path))
    }
}

impl Mark {
    /// Links are followed: what counts is the file behind them.
    fn of(path: &Path) -> Option<Self> {
        let found = fs::metadata(path).ok()?;
        Some(Self {
            device: found.dev(),
            inode: found.ino(),
            length: found.len(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        })
    }
}

impl Shared {
    /// Brings changed files into force, until stopped.
    pub(super) async fn keep_watching(self: Arc<Self>, stop: CancellationToken) {
        let mut judged = None;
        while let Some(mut sight) = self.sight_other_than(judged.as_ref(), &stop).await {
            let doubtful = judged.as_ref().is_some_and(|judged| sight.lacks_some_of(judged));
            if doubtful || !self.take_changes(true).await {
                let Some(later) = self.quiet(sight, QUIET_WHEN_DOUBTFUL, &stop).await else { return };
                sight = later;
                self.take_changes(false).await;
            }
            // What changes from here on, or has changed while it was read, looks other than this.
            judged = Some(sight);
        }
    }

    /// Waits until the files look other than `judged` and are left alone; `None` when stopped.
    async fn sight_other_than(&self, judged: Option<&Sight>, stop: &CancellationToken) -> Option<Sight> {
        let judged_at = Instant::now();
        loop {
            let began = Instant::now();
            let sight = self.sight().await?;
            let again = judged_at.elapsed() >= TRY_AGAIN && self.rule_files().configuration.is_some();
            if judged != Some(&sight) || again {
                return self.quiet(sight, QUIET, stop).await;
            }
            rest(LOOK_EVERY.max(began.elapsed() * REST), stop).await?;
        }
    }

    /// Waits until the files have looked the same for so long.
    async fn quiet(&self, mut sight: Sight, quiet: Duration, stop: &CancellationToken) -> Option<Sight> {
        let began = Instant::now();
        let mut since = began;
        while since.elapsed() < quiet && began.elapsed() < PATIENCE {
            rest(LOOK_AGAIN, stop).await?;
            let now = self.sight().await?;
            if now != sight {
                (sight, since) = (now, Instant::now());
            }
        }
        Some(sight)
    }

    /// `None` where the daemon ends.
    async fn sight(&self) -> Option<Sight> {
        let refused = self.standing.lock().await.refused.clone();
        let (folders, config) = (refused.unwrap_or_else(|| Folders::of(&self.settings())), self.config.clone());
        tokio::task::spawn_blocking(move || Sight::of(&folders, config.as_deref())).await.ok()
    }
}

/// Rests, unless stopped before: then `None`.
async fn rest(rest: Duration, stop: &CancellationToken) -> Option<()> {
    tokio::select! {
        () = stop.cancelled() => None,
        () = tokio::time::sleep(rest) => Some(()),
    }
}
