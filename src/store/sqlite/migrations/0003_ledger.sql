-- Each attempt to deliver; `at` is when it began, `took` in milliseconds.
CREATE TABLE attempts (
    delivery INTEGER NOT NULL,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    took INTEGER NOT NULL,
    outcome INTEGER NOT NULL,
    answer TEXT NOT NULL,
    PRIMARY KEY (delivery, number)
) WITHOUT ROWID;

ALTER TABLE outbox ADD COLUMN receiver TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN leased_at INTEGER;
ALTER TABLE outbox ADD COLUMN resent_from INTEGER;
ALTER TABLE outbox ADD COLUMN stands_in_for INTEGER;
ALTER TABLE outbox ADD COLUMN superseded_by INTEGER;
-- Whether the receiver's fallback has heard it, or has not to.
ALTER TABLE outbox ADD COLUMN handed_over INTEGER NOT NULL DEFAULT 0;
UPDATE outbox SET receiver = coalesce(json_extract(notification, '$.receiver'), '') WHERE json_valid(notification);
CREATE INDEX outbox_unheard ON outbox (receiver, due) WHERE state = 0 AND handed_over = 0;
DROP INDEX outbox_reminders;
CREATE INDEX outbox_groups ON outbox (group_id) WHERE state = 0;

-- When each receiver was last reached; outlives the deliveries.
CREATE TABLE last_deliveries (
    receiver TEXT NOT NULL,
    lane TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (receiver, lane)
) WITHOUT ROWID;
INSERT INTO last_deliveries SELECT receiver, lane, max(ended_at) FROM outbox
    WHERE state = 1 AND ended_at IS NOT NULL GROUP BY receiver, lane;
