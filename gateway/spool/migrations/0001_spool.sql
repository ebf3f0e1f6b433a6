-- +goose Up
CREATE TABLE unsealed (
    id           INTEGER PRIMARY KEY, -- order of arrival
    channel      TEXT    NOT NULL,
    quantity     TEXT    NOT NULL,
    mantissa     INTEGER NOT NULL,
    exponent     INTEGER NOT NULL,
    raw_quantity TEXT    NOT NULL,
    raw_mantissa INTEGER NOT NULL,
    raw_exponent INTEGER NOT NULL,
    wall         INTEGER NOT NULL, -- Unix milliseconds
    uptime       INTEGER NOT NULL, -- nanoseconds
    boot         BLOB    NOT NULL,
    clock        INTEGER NOT NULL,
    certificate  TEXT    NOT NULL,
    made         INTEGER,          -- Unix seconds; null: not said
    due          INTEGER
) STRICT;
-- what may share a batch, oldest first
CREATE INDEX unsealed_by_boot ON unsealed (boot, clock, id);

CREATE TABLE batch (
    sequence INTEGER PRIMARY KEY,
    digest   BLOB    NOT NULL UNIQUE,
    readings INTEGER NOT NULL,
    oldest   INTEGER NOT NULL, -- first acquisition time, Unix milliseconds
    bytes    BLOB    NOT NULL
) STRICT;

-- where the chain stands: one row, from the first batch on, kept when every batch is settled
CREATE TABLE chain (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    sequence INTEGER NOT NULL,
    digest   BLOB    NOT NULL
) STRICT;

-- +goose Down
DROP TABLE chain;
DROP TABLE batch;
DROP TABLE unsealed;
