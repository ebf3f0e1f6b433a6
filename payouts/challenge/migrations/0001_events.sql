-- +goose Up

-- Everything that was said about a statement, in order. A statement's state is what its events add up to.
CREATE TABLE events (
  number    INTEGER PRIMARY KEY,       -- of an objection: its number
  statement TEXT NOT NULL,
  kind      TEXT NOT NULL CHECK (kind IN ('proposed', 'objected', 'upheld', 'dismissed', 'final', 'paid')),
  at        INTEGER NOT NULL,          -- Unix milliseconds
  person    TEXT NOT NULL,             -- who objected or decided
  reason    TEXT NOT NULL,
  objection INTEGER NOT NULL,          -- upheld, dismissed: which; else 0
  until     INTEGER NOT NULL           -- proposed, dismissed: when the window ends from then on, Unix milliseconds; else 0
) STRICT;
CREATE INDEX events_statement ON events (statement, number);
-- The ends of a statement come once.
CREATE UNIQUE INDEX events_once ON events (statement, kind) WHERE kind IN ('proposed', 'upheld', 'final', 'paid');
CREATE UNIQUE INDEX events_decided_once ON events (objection) WHERE objection > 0;

-- +goose StatementBegin
CREATE TRIGGER events_never_change BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'what was said about a statement never changes'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER events_never_go BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'what was said about a statement is never deleted'); END;
-- +goose StatementEnd
