-- What people did, and what was held back. Bodies are JSON.

CREATE TABLE actions (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    alert INTEGER,
    body TEXT NOT NULL
);
CREATE INDEX actions_alert ON actions (alert) WHERE alert IS NOT NULL;
CREATE INDEX actions_at ON actions (at);

CREATE TABLE suppressions (
    alert INTEGER NOT NULL,
    group_id TEXT NOT NULL,
    since INTEGER NOT NULL,
    cause TEXT NOT NULL,
    until INTEGER,
    body TEXT NOT NULL,
    PRIMARY KEY (alert, group_id, since, cause)
) WITHOUT ROWID;

CREATE TABLE silences (
    number INTEGER PRIMARY KEY,
    position INTEGER NOT NULL,
    ended_at INTEGER,
    body TEXT NOT NULL
);
CREATE INDEX silences_position ON silences (position);

-- Random bytes that links are signed with; made once.
CREATE TABLE keys (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
);
