-- The first message of each group's present thread, by the way out that it took: later messages answer to it.
CREATE TABLE thread_roots (
    group_id TEXT NOT NULL,
    lane TEXT NOT NULL,
    thread INTEGER NOT NULL,
    written_at INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (group_id, lane)
);
CREATE INDEX thread_roots_written ON thread_roots (written_at);

-- A group's messages go out one after the other: what waits and what is under way, with its group.
DROP INDEX outbox_waiting;
CREATE INDEX outbox_waiting ON outbox (lane, next_attempt_at, group_id, leased) WHERE state = 0;
CREATE INDEX outbox_under_way ON outbox (group_id) WHERE state = 0 AND leased = 1;
