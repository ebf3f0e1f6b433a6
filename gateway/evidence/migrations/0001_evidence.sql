-- +goose Up
CREATE TABLE leaf (
    idx      INTEGER PRIMARY KEY,  -- place in the log, from 0 without gaps
    received INTEGER NOT NULL,     -- ms since 1970
    gateway  TEXT    NOT NULL,
    sequence INTEGER NOT NULL,
    digest   BLOB    NOT NULL,     -- SHA-256 of bytes
    previous BLOB    NOT NULL,     -- digest the batch says came before it; 32 zero bytes: starts a chain
    readings INTEGER NOT NULL,
    first_at INTEGER,              -- earliest and latest acquisition time, ms since 1970
    last_at  INTEGER,
    tree     BLOB    NOT NULL,     -- the hashes of the RFC 6962 tree this leaf completed, from its own upwards
    bytes    BLOB    NOT NULL      -- the sealed batch as received
) STRICT;
CREATE UNIQUE INDEX leaf_sequence ON leaf (gateway, sequence);
CREATE INDEX leaf_span ON leaf (gateway, first_at, last_at);

-- What there is of each gateway.
CREATE TABLE head (
    gateway  TEXT PRIMARY KEY,
    sequence INTEGER NOT NULL,     -- highest in the log
    batches  INTEGER NOT NULL,
    readings INTEGER NOT NULL,
    restarts INTEGER NOT NULL,     -- batches after the first that start a chain anew
    max_span INTEGER NOT NULL,     -- longest time one batch covers, ms
    last_at  INTEGER,              -- latest acquisition time, ms since 1970
    received INTEGER NOT NULL      -- when the last one arrived, ms since 1970
) STRICT, WITHOUT ROWID;

-- The size and root of the tree, written in the same transaction as its newest leaf.
CREATE TABLE tree (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    size INTEGER NOT NULL,
    root BLOB    NOT NULL
) STRICT;

-- The newest tree the hub has signed: nothing the log says later may contradict it.
CREATE TABLE checkpoint (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    size INTEGER NOT NULL,
    root BLOB    NOT NULL,
    note BLOB    NOT NULL
) STRICT;

-- +goose Down
DROP TABLE checkpoint;
DROP TABLE tree;
DROP TABLE head;
DROP TABLE leaf;
