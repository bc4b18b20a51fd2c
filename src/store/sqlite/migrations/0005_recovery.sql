-- Recovered events whose webhook may still come, with what it is known by.
CREATE TABLE recovered (
    position INTEGER PRIMARY KEY,
    type INTEGER NOT NULL,
    print BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    -- Until when its webhook may still come.
    comes_until INTEGER NOT NULL
);
CREATE INDEX recovered_print ON recovered (print);

-- How far Impilo's webhook log has been read; the body is JSON.
CREATE TABLE recovery (
    one INTEGER PRIMARY KEY,
    body TEXT NOT NULL
);
