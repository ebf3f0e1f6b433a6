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

-- 1: nothing more can be spared of it
ALTER TABLE batch ADD COLUMN thin INTEGER NOT NULL DEFAULT 0;
CREATE INDEX batch_to_thin ON batch (sequence) WHERE thin = 0;

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
DROP INDEX batch_to_thin;
ALTER TABLE batch DROP COLUMN thin;
DROP TABLE synced;
DROP INDEX unsealed_by_uptime;
CREATE INDEX unsealed_by_boot ON unsealed (boot, clock, id);
