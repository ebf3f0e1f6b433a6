-- +goose Up

-- What happened, in order. Only this table is the truth; the others are sums of it, kept for speed, and Check re-adds them.
CREATE TABLE entries (
  sequence INTEGER PRIMARY KEY,
  at       INTEGER NOT NULL,            -- Unix milliseconds
  kind     TEXT NOT NULL CHECK (kind IN ('pending', 'posted', 'voided', 'expired', 'limits')),
  transfer TEXT NOT NULL,               -- '' for limits
  debit    TEXT NOT NULL,               -- for limits: the account they are for
  credit   TEXT NOT NULL,
  asset    TEXT NOT NULL,
  amount   INTEGER NOT NULL,
  origin   TEXT NOT NULL,
  memo     TEXT NOT NULL,
  reverses TEXT NOT NULL,
  deadline INTEGER NOT NULL,            -- Unix milliseconds; 0: none
  minimum  INTEGER,                     -- limits only
  maximum  INTEGER,                     -- limits only
  hash     BLOB NOT NULL                -- SHA-256 over the previous hash and this entry
) STRICT;
CREATE INDEX entries_debit ON entries (debit);
CREATE INDEX entries_credit ON entries (credit);

-- +goose StatementBegin
CREATE TRIGGER entries_never_change BEFORE UPDATE ON entries
BEGIN SELECT RAISE(ABORT, 'ledger entries never change: record a correcting transfer'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER entries_never_go BEFORE DELETE ON entries
BEGIN SELECT RAISE(ABORT, 'ledger entries are never deleted: record a correcting transfer'); END;
-- +goose StatementEnd

-- Where each transfer stands.
CREATE TABLE transfers (
  first    INTEGER PRIMARY KEY REFERENCES entries (sequence),
  id       TEXT NOT NULL UNIQUE,
  body     BLOB NOT NULL,               -- SHA-256 of what the client asked for
  last     INTEGER NOT NULL REFERENCES entries (sequence),
  state    TEXT NOT NULL CHECK (state IN ('pending', 'posted', 'voided', 'expired')),
  deadline INTEGER NOT NULL,
  origin   TEXT,                        -- NULL: none, or given free by a voided or expired reservation
  reverses TEXT                         -- likewise
) STRICT;
CREATE UNIQUE INDEX transfers_origin ON transfers (origin) WHERE origin IS NOT NULL;
CREATE UNIQUE INDEX transfers_reverses ON transfers (reverses) WHERE reverses IS NOT NULL;
CREATE INDEX transfers_due ON transfers (deadline) WHERE state = 'pending';

-- Where each account stands in each asset.
CREATE TABLE accounts (
  account     TEXT NOT NULL,
  asset       TEXT NOT NULL,
  posted      INTEGER NOT NULL,
  pending_in  INTEGER NOT NULL CHECK (pending_in >= 0),
  pending_out INTEGER NOT NULL CHECK (pending_out >= 0),
  minimum     INTEGER,
  maximum     INTEGER,
  PRIMARY KEY (account, asset)
) STRICT, WITHOUT ROWID;

-- An asset's name has one scale, for ever.
CREATE TABLE assets (
  name  TEXT PRIMARY KEY,
  scale INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
