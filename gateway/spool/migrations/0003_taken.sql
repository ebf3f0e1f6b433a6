-- +goose Up
-- What was taken over from other systems, in the transaction that kept its readings: messages by their key …
CREATE TABLE taken (
    id     INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    key    BLOB NOT NULL,
    UNIQUE (source, key)
) STRICT;

-- … and files by how far they were read
CREATE TABLE position (
    source   TEXT PRIMARY KEY,
    position TEXT NOT NULL
) STRICT;

-- +goose Down
DROP TABLE position;
DROP TABLE taken;
