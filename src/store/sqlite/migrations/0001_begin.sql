-- Instants are milliseconds since 1970 in UTC. Numbers for kinds and states are the positions in the code's lists.

CREATE TABLE event_types (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    events INTEGER NOT NULL,
    last_received_at INTEGER NOT NULL
);

-- Positions have no gaps. An envelope id that is a whole number is kept as one. Ids rise with time whatever the type, so they
-- come first in their index: then a batch of events touches one page of it.
CREATE TABLE journal (
    position INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    type INTEGER,
    envelope_id,
    log_id INTEGER,
    source INTEGER,
    body BLOB
);
CREATE UNIQUE INDEX journal_envelope ON journal (envelope_id, type) WHERE envelope_id IS NOT NULL;
CREATE UNIQUE INDEX journal_log ON journal (log_id, type) WHERE log_id IS NOT NULL;

CREATE TABLE subjects (
    key INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    body TEXT NOT NULL,
    due INTEGER,
    open_alerts INTEGER NOT NULL
);
CREATE UNIQUE INDEX subjects_id ON subjects (kind, id);
CREATE INDEX subjects_due ON subjects (due, kind, id) WHERE due IS NOT NULL;
CREATE INDEX subjects_open ON subjects (kind, id) WHERE open_alerts > 0;

CREATE TABLE alerts (
    number INTEGER PRIMARY KEY,
    rule TEXT NOT NULL,
    kind INTEGER NOT NULL,
    id TEXT NOT NULL,
    state INTEGER NOT NULL,
    severity INTEGER NOT NULL,
    shadow INTEGER NOT NULL,
    noticed_at INTEGER NOT NULL,
    moved_at INTEGER NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX alerts_subject ON alerts (kind, id, state);
CREATE INDEX alerts_moved ON alerts (state, moved_at);
CREATE INDEX alerts_noticed ON alerts (noticed_at);

CREATE TABLE transitions (
    id INTEGER PRIMARY KEY,
    alert INTEGER NOT NULL,
    committed_at INTEGER NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX transitions_alert ON transitions (alert);

CREATE TABLE group_members (
    group_id TEXT NOT NULL,
    alert INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (group_id, alert)
);

CREATE TABLE outbox (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    group_id TEXT NOT NULL,
    lane TEXT NOT NULL,
    repeats INTEGER NOT NULL,
    state INTEGER NOT NULL,
    due INTEGER NOT NULL,
    next_attempt_at INTEGER,
    leased INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    first_attempt_at INTEGER,
    ended_at INTEGER,
    last_error TEXT,
    reply TEXT,
    notification TEXT NOT NULL,
    rendered TEXT
);
CREATE INDEX outbox_waiting ON outbox (lane, next_attempt_at) WHERE state = 0;
CREATE INDEX outbox_due ON outbox (due, state) WHERE state = 0;
CREATE INDEX outbox_reminders ON outbox (group_id) WHERE state = 0 AND repeats = 1;
CREATE INDEX outbox_ended ON outbox (state, ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE outbox_alerts (
    alert INTEGER NOT NULL,
    delivery INTEGER NOT NULL,
    PRIMARY KEY (alert, delivery)
);

CREATE TABLE digests (
    name TEXT PRIMARY KEY,
    schedule TEXT NOT NULL,
    due INTEGER NOT NULL,
    covered_until INTEGER NOT NULL
);

CREATE TABLE rule_sets (
    hash TEXT PRIMARY KEY,
    bundle BLOB NOT NULL
);

CREATE TABLE quarantine (
    hash TEXT PRIMARY KEY,
    received_at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    body BLOB NOT NULL
);
CREATE INDEX quarantine_received ON quarantine (received_at);

-- What the self-watch has told and not taken back, so that a restart does not tell it again.
CREATE TABLE self_watches (
    name TEXT PRIMARY KEY,
    since INTEGER NOT NULL,
    summary TEXT NOT NULL
);

CREATE TABLE progress (
    one INTEGER PRIMARY KEY,
    position INTEGER NOT NULL,
    frontier INTEGER NOT NULL,
    next_alert INTEGER NOT NULL,
    rule_set TEXT NOT NULL,
    standing TEXT NOT NULL,
    to_judge TEXT
);
INSERT INTO progress (one, position, frontier, next_alert, rule_set, standing) VALUES (1, 0, 0, 1, '', '{}');

CREATE TABLE probe (
    one INTEGER PRIMARY KEY,
    at INTEGER NOT NULL
);
INSERT INTO probe (one, at) VALUES (1, 0);

-- Bodies up to these positions are reduced, or removed, already.
CREATE TABLE pruned (
    one INTEGER PRIMARY KEY,
    reduced_until INTEGER NOT NULL,
    emptied_until INTEGER NOT NULL
);
INSERT INTO pruned (one, reduced_until, emptied_until) VALUES (1, 0, 0);
