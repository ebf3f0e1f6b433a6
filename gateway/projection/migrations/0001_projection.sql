-- +goose Up
-- next is the first leaf that is not in the store yet; settings is the digest the flags before it were made with.
CREATE TABLE cursor (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    next     INTEGER NOT NULL,
    settings TEXT    NOT NULL
) STRICT;
INSERT INTO cursor (one, next, settings) VALUES (1, 0, '');

-- The latest acquisition time of each series among the leaves before the cursor, in milliseconds since 1970.
CREATE TABLE newest (
    gateway  TEXT    NOT NULL,
    channel  TEXT    NOT NULL,
    quantity TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    PRIMARY KEY (gateway, channel, quantity)
) STRICT, WITHOUT ROWID;

-- Points the store refused, each by itself, and why.
CREATE TABLE refused (
    site     TEXT    NOT NULL,
    gateway  TEXT    NOT NULL,
    channel  TEXT    NOT NULL,
    quantity TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    value    REAL    NOT NULL,
    raw      REAL    NOT NULL,
    flag     INTEGER NOT NULL,
    tests    TEXT    NOT NULL,
    reason   TEXT    NOT NULL,
    PRIMARY KEY (site, gateway, channel, quantity, at)
) STRICT, WITHOUT ROWID;

-- Leaves that could not be projected as a whole, and why. They stay in evidence.
CREATE TABLE unreadable (
    leaf     INTEGER PRIMARY KEY,
    gateway  TEXT    NOT NULL,
    sequence TEXT    NOT NULL,
    reason   TEXT    NOT NULL
) STRICT;

-- +goose Down
DROP TABLE unreadable;
DROP TABLE refused;
DROP TABLE newest;
DROP TABLE cursor;
