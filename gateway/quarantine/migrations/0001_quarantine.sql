-- +goose Up
CREATE TABLE item (
    id       INTEGER PRIMARY KEY,
    digest   BLOB    NOT NULL, -- SHA-256 of all the bytes, also where only the first ones are kept
    reason   TEXT    NOT NULL,
    verified INTEGER NOT NULL, -- 1: the signature held, never dropped
    gateway  TEXT    NOT NULL,
    detail   TEXT    NOT NULL,
    first    INTEGER NOT NULL, -- ms since 1970, when it came first and last
    last     INTEGER NOT NULL,
    size     INTEGER NOT NULL,
    kept     INTEGER NOT NULL, -- length of bytes
    bytes    BLOB    NOT NULL,
    seen     INTEGER NOT NULL,
    UNIQUE (digest, reason)
) STRICT;

-- Oldest first among what may be dropped, and newest first for people.
CREATE INDEX item_droppable ON item (reason, last, id, kept) WHERE verified = 0;
CREATE INDEX item_last ON item (last, id);

-- What was ever put here, also what has been dropped since.
CREATE TABLE tally (
    reason  TEXT PRIMARY KEY,
    items   INTEGER NOT NULL, -- different batches
    seen    INTEGER NOT NULL, -- arrivals
    dropped INTEGER NOT NULL, -- items dropped to make room
    droppable INTEGER NOT NULL, -- items that may be dropped, now
    bytes     INTEGER NOT NULL  -- and the bytes kept of them
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE tally;
DROP TABLE item;
