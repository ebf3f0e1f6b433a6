-- +goose Up
CREATE TABLE statement (
    sequence INTEGER PRIMARY KEY,  -- order of issue
    id       TEXT    NOT NULL UNIQUE,
    site     TEXT    NOT NULL,
    method   TEXT    NOT NULL,     -- name; versions of one method share it
    digest   TEXT    NOT NULL,     -- of the method file: its version
    from_at  INTEGER NOT NULL,     -- period, seconds since 1970, from_at <= t < to_at
    to_at    INTEGER NOT NULL,
    statement BLOB   NOT NULL,     -- canonical JSON
    bundle   BLOB    NOT NULL,     -- the file that anyone can recompute
    UNIQUE (site, from_at, to_at, digest)
) STRICT;
CREATE INDEX statement_period ON statement (site, method, to_at);
CREATE INDEX statement_latest ON statement (to_at, site);

-- +goose Down
DROP TABLE statement;
