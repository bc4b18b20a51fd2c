//! The file and its connections: one writer that waits its turn, readers beside it, tables brought up to date.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};
use rustix::fs::{FlockOperation, fcntl_lock};
use rustix::io::Errno;

use crate::engine::{Position, Timestamp};
use crate::store::StoreError;

/// Migrations in order; the file's `user_version` says how many it has.
const MIGRATIONS: [&str; 5] = [
    include_str!("migrations/0001_begin.sql"),
    include_str!("migrations/0002_people.sql"),
    include_str!("migrations/0003_ledger.sql"),
    include_str!("migrations/0004_threads.sql"),
    include_str!("migrations/0005_recovery.sql"),
];

/// How long a statement waits for another process, such as a backup.
const BUSY: Duration = Duration::from_secs(5);

/// Read connections kept open.
const READERS: usize = 4;

/// What the writer knows of the journal without asking.
pub(super) struct Ends {
    pub position: Position,
    /// No later row has an `at` below this.
    pub at: Timestamp,
    /// Ids of event types.
    pub types: HashMap<String, i64>,
}

/// A transaction of the writer, and what it knows.
pub(super) struct Writer<'w> {
    pub sql: Transaction<'w>,
    pub ends: &'w mut Ends,
    /// Types that this transaction adds; known to all once it has committed.
    pub new_types: Vec<(String, i64)>,
}

struct Open {
    connection: Connection,
    ends: Ends,
}

/// One SQLite file.
pub(super) struct Database {
    path: PathBuf,
    readable_only: bool,
    /// Device and inode of the file that was opened for writing: what is known in memory is true of that one alone.
    file: Option<(u64, u64)>,
    turn: Turnstile,
    /// `None` after a failure: opened anew at the next write.
    writer: Mutex<Option<Open>>,
    /// The highest frontier ever held; outlives a writer that is opened anew.
    held: Mutex<Timestamp>,
    readers: Mutex<Vec<Connection>>,
    /// Says that this process writes; ends with it, however that ends.
    _claim: Option<fs::File>,
}

impl Database {
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let mut database = Self::at(path, false);
        database.make()?;
        database._claim = Some(database.claim()?);
        database.file = database.file_there();
        let open = database.connect_writer().map_err(|error| database.failure("open", &error))?;
        *lock(&database.writer) = Some(open?);
        Ok(database)
    }

    pub(super) fn open_reader(path: &Path) -> Result<Self, StoreError> {
        let database = Self::at(path, true);
        if !path.exists() {
            return Err(database.unavailable("be opened for reading", "there is no such file"));
        }
        let found = database.read("be opened for reading", |reader| Ok(version(reader)?))?;
        database.check_version(found)?;
        Ok(database)
    }

    fn at(path: &Path, readable_only: bool) -> Self {
        Self {
            path: path.to_owned(),
            readable_only,
            file: None,
            turn: Turnstile::default(),
            writer: Mutex::new(None),
            held: Mutex::new(Timestamp::default()),
            readers: Mutex::new(Vec::new()),
            _claim: None,
        }
    }

    /// Only one process writes: positions, leases and what is due are known in its memory. A file beside the store bears
    /// the lock, since closing any descriptor of the store itself would take SQLite's own locks away.
    fn claim(&self) -> Result<fs::File, StoreError> {
        let failed = |error: std::io::Error| self.unavailable("be claimed for writing", &error.to_string());
        // Two names of one file are one store.
        let mut path = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone()).into_os_string();
        path.push("-lock");
        let file = fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path).map_err(failed)?;
        match fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(file),
            Err(Errno::ACCESS | Errno::AGAIN) => {
                Err(self.unavailable("be opened", "another Pulsewarden writes to it; stop that one first"))
            }
            Err(error) => Err(failed(error.into())),
        }
    }

    /// Makes folder and file so that nobody else can read them.
    fn make(&self) -> Result<(), StoreError> {
        let failed = |error: std::io::Error| self.unavailable("make its file", &error.to_string());
        if let Some(folder) = self.path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists()) {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        }
        if !self.path.exists() {
            fs::OpenOptions::new().create(true).append(true).mode(0o600).open(&self.path).map_err(failed)?;
        }
        Ok(())
    }

    /// The file that the path leads to now.
    fn file_there(&self) -> Option<(u64, u64)> {
        fs::metadata(&self.path).ok().map(|file| (file.dev(), file.ino()))
    }

    /// Whether the path leads no more to the file that was opened: what is written to that one would be lost with it.
    fn has_moved(&self) -> bool {
        self.file.is_some() && self.file != self.file_there()
    }

    fn moved(&self, doing: &'static str) -> StoreError {
        self.unavailable(doing, "the file was moved or replaced; put it back or restart")
    }

    fn connect_writer(&self) -> rusqlite::Result<Result<Open, StoreError>> {
        if self.has_moved() {
            return Ok(Err(self.moved("be opened")));
        }
        // Never made anew here: an empty store in place of one that has gone would hide the loss.
        let mut connection = Connection::open_with_flags(
            &self.path,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        connection.busy_timeout(BUSY)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "cache_size", -32_000)?;
        connection.pragma_update(None, "wal_autocheckpoint", 4_000)?;
        connection.set_prepared_statement_cache_capacity(64);
        let found = version(&connection)?;
        if let Err(error) = self.check_version(found) {
            return Ok(Err(error));
        }
        for (number, migration) in MIGRATIONS.iter().enumerate().skip(found as usize) {
            let sql = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            sql.execute_batch(migration)?;
            sql.pragma_update(None, "user_version", number as i64 + 1)?;
            sql.commit()?;
        }
        let ends = self.ends(&connection)?;
        Ok(Ok(Open { connection, ends }))
    }

    fn ends(&self, connection: &Connection) -> rusqlite::Result<Ends> {
        let (position, at): (i64, i64) = connection.query_row(
            "SELECT coalesce(max(position), 0), coalesce((SELECT at FROM journal ORDER BY position DESC LIMIT 1), 0) FROM journal",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        let frontier: i64 = connection.query_row("SELECT frontier FROM progress", [], |row| row.get(0))?;
        let types = connection
            .prepare("SELECT name, id FROM event_types")?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        let at = Timestamp(at.max(frontier)).max(*lock(&self.held));
        Ok(Ends { position: position.unsigned_abs(), at, types })
    }

    fn check_version(&self, found: u32) -> Result<(), StoreError> {
        let known = MIGRATIONS.len() as u32;
        if found > known {
            return Err(StoreError::TooNew { place: self.place(), found, known });
        }
        if self.readable_only && found < known {
            return Err(self.unavailable(
                "be read by this version",
                "its tables are of an older one; start the service once to bring them up to date",
            ));
        }
        Ok(())
    }

    /// Runs one transaction and syncs it.
    pub(super) fn synced<T>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&mut Writer<'_>) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        self.write(doing, "FULL", work)
    }

    /// Runs one transaction that the next synced one makes durable.
    pub(super) fn unsynced<T>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&mut Writer<'_>) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        self.write(doing, "NORMAL", work)
    }

    fn write<T>(
        &self,
        doing: &'static str,
        synchronous: &str,
        work: impl FnOnce(&mut Writer<'_>) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        if self.readable_only {
            return Err(self.unavailable(doing, "it was opened for reading"));
        }
        let _turn = self.turn.wait();
        let mut slot = lock(&self.writer);
        let mut open = match slot.take() {
            Some(open) => open,
            None => self.connect_writer().map_err(|error| self.failure(doing, &error))??,
        };
        let (position, at) = (open.ends.position, open.ends.at);
        match transact(&mut open, synchronous, work, || self.has_moved()) {
            Ok(done) => {
                *slot = Some(open);
                Ok(done)
            }
            Err(Failure::Damaged(what)) => {
                (open.ends.position, open.ends.at) = (position, at);
                *slot = Some(open);
                Err(StoreError::Damaged { place: self.place(), what })
            }
            Err(Failure::Moved) => {
                // The readers beside it look at the same file. With the last connection its log is written back into it.
                lock(&self.readers).clear();
                Err(self.moved(doing))
            }
            Err(Failure::Sql(error)) => Err(self.failure(doing, &error)),
        }
    }

    /// Runs one read on a connection of its own.
    pub(super) fn read<T>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        let pooled = lock(&self.readers).pop();
        let connection = match pooled {
            Some(connection) => connection,
            None if self.has_moved() => return Err(self.moved(doing)),
            None => self.connect_reader().map_err(|error| self.failure(doing, &error))?,
        };
        match work(&connection) {
            Ok(done) => {
                let mut readers = lock(&self.readers);
                if readers.len() < READERS {
                    readers.push(connection);
                }
                Ok(done)
            }
            Err(Failure::Damaged(what)) => Err(StoreError::Damaged { place: self.place(), what }),
            Err(Failure::Moved) => Err(self.moved(doing)),
            Err(Failure::Sql(error)) => Err(self.failure(doing, &error)),
        }
    }

    fn connect_reader(&self) -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(
            &self.path,
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        connection.busy_timeout(BUSY)?;
        connection.set_prepared_statement_cache_capacity(32);
        Ok(connection)
    }

    pub(super) fn hold_frontier(&self, at: Timestamp, processed: Position) -> Result<bool, StoreError> {
        let _turn = self.turn.wait();
        let mut slot = lock(&self.writer);
        if slot.is_none() {
            *slot = Some(self.connect_writer().map_err(|error| self.failure("hold the frontier", &error))??);
        }
        let Some(open) = slot.as_mut().filter(|open| open.ends.position == processed) else { return Ok(false) };
        open.ends.at = open.ends.at.max(at);
        let mut held = lock(&self.held);
        *held = (*held).max(at);
        Ok(true)
    }

    /// Something cannot be turned into a row.
    pub(super) fn unreadable(&self, what: &str, error: &serde_json::Error) -> StoreError {
        let what = format!("{what} cannot be written down (column {})", error.column());
        StoreError::Damaged { place: self.place(), what }
    }

    fn place(&self) -> String {
        self.path.display().to_string()
    }

    fn unavailable(&self, doing: &'static str, cause: &str) -> StoreError {
        StoreError::Unavailable { place: self.place(), doing, cause: cause.to_owned() }
    }

    /// Says what SQLite said, by its code: its texts can quote values.
    fn failure(&self, doing: &'static str, error: &rusqlite::Error) -> StoreError {
        let cause = match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => "the disk is full",
            Some(ErrorCode::ReadOnly) => "the file or its folder is read-only",
            Some(ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied) => "permission denied",
            Some(ErrorCode::CannotOpen) => "the file or its folder cannot be opened; check its owner and permissions",
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => "another process holds it locked",
            Some(ErrorCode::SystemIoFailure) => "the disk reports an I/O error",
            Some(ErrorCode::NotADatabase) => "the file is not a SQLite database",
            Some(ErrorCode::DatabaseCorrupt) => "the file is damaged; restore a backup",
            Some(code) => return self.unavailable(doing, &format!("SQLite reports {code:?}")),
            None => "it holds something that this version cannot read",
        };
        self.unavailable(doing, cause)
    }
}

fn transact<T>(
    open: &mut Open,
    synchronous: &str,
    work: impl FnOnce(&mut Writer<'_>) -> Result<T, Failure>,
    has_moved: impl FnOnce() -> bool,
) -> Result<T, Failure> {
    open.connection.pragma_update(None, "synchronous", synchronous)?;
    let sql = open.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut writer = Writer { sql, ends: &mut open.ends, new_types: Vec::new() };
    let done = work(&mut writer)?;
    let Writer { sql, ends, new_types } = writer;
    // As late as can be, so that nothing is answered as kept which nobody will find.
    if has_moved() {
        return Err(Failure::Moved);
    }
    sql.commit()?;
    ends.types.extend(new_types);
    Ok(done)
}

/// Why a piece of work on a connection failed.
pub(super) enum Failure {
    Sql(rusqlite::Error),
    /// What was read makes no sense; never holds a value.
    Damaged(String),
    /// The file is no longer where it was opened.
    Moved,
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl Failure {
    /// A stored body that does not parse. The parser's text can quote values, so only the place is told.
    pub(super) fn body(of: &str, error: &serde_json::Error) -> Self {
        Self::Damaged(format!("the body of {of} does not parse (column {})", error.column()))
    }
}

/// A value as it is kept: JSON, in a text that need not grow while it is written.
pub(super) fn json(value: &impl serde::Serialize) -> Result<String, serde_json::Error> {
    let mut text = Vec::with_capacity(2048);
    serde_json::to_writer(&mut text, value)?;
    String::from_utf8(text).map_err(serde::ser::Error::custom)
}

fn version(connection: &Connection) -> rusqlite::Result<u32> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lets writers in by order of arrival: a busy journal must not starve processing, nor the other way round.
#[derive(Default)]
struct Turnstile {
    tickets: Mutex<(u64, u64)>,
    moved: Condvar,
}

struct Turn<'t>(&'t Turnstile);

impl Turnstile {
    fn wait(&self) -> Turn<'_> {
        let mut tickets = lock(&self.tickets);
        let mine = tickets.0;
        tickets.0 += 1;
        let waited = self.moved.wait_while(tickets, |(_, serving)| *serving != mine);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
        Turn(self)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        lock(&self.0.tickets).1 += 1;
        self.0.moved.notify_all();
    }
}
