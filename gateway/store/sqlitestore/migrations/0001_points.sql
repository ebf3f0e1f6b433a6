-- +goose Up
CREATE TABLE series (
    id       INTEGER PRIMARY KEY,
    site     TEXT NOT NULL,
    gateway  TEXT NOT NULL,
    channel  TEXT NOT NULL,
    quantity TEXT NOT NULL,
    UNIQUE (site, gateway, channel, quantity)
) STRICT;

-- at is milliseconds since 1970. minus says which zeros are negative, because SQLite forgets: 1 value, 2 raw.
CREATE TABLE point (
    series INTEGER NOT NULL REFERENCES series (id),
    at     INTEGER NOT NULL,
    value  REAL    NOT NULL,
    raw    REAL    NOT NULL,
    minus  INTEGER NOT NULL,
    flag   INTEGER NOT NULL,
    tests  TEXT    NOT NULL,
    PRIMARY KEY (series, at)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE point;
DROP TABLE series;
