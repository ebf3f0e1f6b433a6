-- +goose Up
DROP INDEX unsealed_by_boot;
-- what may share a batch, by when it was read
CREATE INDEX unsealed_by_uptime ON unsealed (boot, clock, uptime);

-- looks at a synchronised clock, each later than readings of its boot that wait to be dated by it
CREATE TABLE synced (
    boot   BLOB    NOT NULL,
    uptime INTEGER NOT NULL, -- nanoseconds
    wall   INTEGER NOT NULL, -- Unix milliseconds
    PRIMARY KEY (boot, uptime)
) STRICT, WITHOUT ROWID;

-- The digest is not indexed any more: it is looked for only where a hub could not read so much as the sequence, and each
-- index is a page to write for each batch.
CREATE TABLE pending (
    sequence INTEGER PRIMARY KEY,
    digest   BLOB    NOT NULL,
    readings INTEGER NOT NULL,
    oldest   INTEGER NOT NULL, -- first acquisition time, Unix milliseconds
    thin     INTEGER NOT NULL, -- 1: nothing more can be spared of it
    bytes    BLOB    NOT NULL
) STRICT;
INSERT INTO pending SELECT sequence, digest, readings, oldest, 0, bytes FROM batch;
DROP TABLE batch;
ALTER TABLE pending RENAME TO batch;

-- what was thinned so far: one row, from the first time on
CREATE TABLE thinned (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    batches  INTEGER NOT NULL,
    readings INTEGER NOT NULL, -- that were in them
    kept     INTEGER NOT NULL,
    first_at INTEGER NOT NULL, -- acquisition times, Unix milliseconds
    last_at  INTEGER NOT NULL
) STRICT;

-- +goose Down
DROP TABLE thinned;
ALTER TABLE batch DROP COLUMN thin;
DROP TABLE synced;
DROP INDEX unsealed_by_uptime;
CREATE INDEX unsealed_by_boot ON unsealed (boot, clock, id);
