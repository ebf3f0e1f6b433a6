package spool

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"loam/gateway/wire"
	"loam/internal/sqlite"
	"loam/sensors"
	"loam/sensors/clock"

	driver "modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"
)

//go:embed migrations/*.sql
var migrations embed.FS

// ErrCorrupt is wrapped by [Open] where the file is damaged. It is left as it is.
var ErrCorrupt = errors.New("spool file is damaged")

// ErrFull is wrapped where readings are refused because the spool has reached its cap and cannot make room.
var ErrFull = errors.New("spool is full")

// ErrReading is wrapped by [Spool.Append] where a reading could never be sealed. None of the readings is kept then.
var ErrReading = errors.New("reading cannot be kept")

// Spool is an open spool. It is safe for concurrent use.
type Spool struct {
	db  *sqlite.DB
	cfg Config
	log *slog.Logger

	group group // appends that wait for their common commit
}

// Open opens or creates the spool at path. A damaged file is refused with an error wrapping [ErrCorrupt] that says how to
// set it aside; it is never emptied, because what is still in it can be recovered by hand.
func Open(ctx context.Context, path string, cfg Config, log *slog.Logger) (*Spool, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if err := checkFiles(path); err != nil {
		return nil, err
	}
	db, err := sqlite.Open(ctx, path, migrations)
	if err != nil {
		return nil, explain(path, err)
	}
	if err := check(ctx, db); err != nil {
		db.Close()
		return nil, explain(path, err)
	}
	return &Spool{db: db, cfg: cfg, log: log}, nil
}

// checkFiles refuses a file that was cut to nothing beside its write-ahead log: SQLite would take it for a new database
// and throw the log away.
func checkFiles(path string) error {
	file, err := os.Stat(path)
	if err != nil || file.Size() > 0 {
		return nil // absent, or SQLite's to judge
	}
	if wal, err := os.Stat(path + "-wal"); err == nil && wal.Size() > 0 {
		return explain(path, fmt.Errorf("%w: the file is empty, its write-ahead log is not", ErrCorrupt))
	}
	return nil
}

// check reads the whole file once.
func check(ctx context.Context, db *sqlite.DB) error {
	var verdict string
	if err := db.Read.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return fmt.Errorf("%w: %s", ErrCorrupt, verdict)
	}
	return nil
}

// explain says what to do about a file that does not open.
func explain(path string, err error) error {
	var e *driver.Error
	if errors.Is(err, sqlite.ErrDamaged) || errors.As(err, &e) && (e.Code()&0xff == codes.SQLITE_CORRUPT || e.Code()&0xff == codes.SQLITE_NOTADB) {
		err = fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if errors.Is(err, ErrCorrupt) {
		return fmt.Errorf("spool: %s: %w: move it aside together with %[1]s-wal and %[1]s-shm and start again; keep the files, their readings can be recovered with the sqlite3 command .recover", path, err)
	}
	return fmt.Errorf("spool: %w", err)
}

// Close commits what waits and closes the spool.
func (s *Spool) Close() error {
	err := s.flush(context.Background())
	return errors.Join(err, s.db.Close())
}

// Append keeps readings. When it returns nil they survive a power cut, at once or as soon as [Config].Sync says; when it
// returns an error none of them is kept. Times are kept in whole milliseconds: what is finer is cut off.
func (s *Spool) Append(ctx context.Context, readings []sensors.Reading) error {
	kept := make([]sensors.Reading, len(readings))
	for i, r := range readings {
		r.At.Wall = r.At.Wall.Truncate(time.Millisecond)
		if err := checkAppended(r); err != nil {
			return err
		}
		kept[i] = r
	}
	if len(kept) == 0 {
		return nil
	}
	err := ctx.Err()
	if err == nil && s.cfg.Sync > 0 {
		err = s.gather(ctx, kept)
	} else if err == nil {
		err = s.commit(ctx, kept)
	}
	if err != nil {
		return fmt.Errorf("spool: append %d readings: %w", len(kept), err)
	}
	return nil
}

func checkAppended(r sensors.Reading) error {
	if err := wire.CheckReading(r); err != nil {
		return fmt.Errorf("spool: %w: %w", ErrReading, err)
	}
	if r.At.State == clock.Redated {
		return fmt.Errorf("spool: %w: reading of channel %s is dated already: that is the spool's to do", ErrReading, r.Channel)
	}
	return nil
}

// commit puts readings on disk, and notes what their clock says of those that wait to be dated.
func (s *Spool) commit(ctx context.Context, readings []sensors.Reading) error {
	return s.db.InTx(ctx, func(tx *sql.Tx) error { return s.put(ctx, tx, readings) })
}

func (s *Spool) put(ctx context.Context, tx *sql.Tx, readings []sensors.Reading) error {
	if len(readings) == 0 {
		return nil
	}
	switch used, err := usedBytes(ctx, tx); {
	case err != nil:
		return err
	case used > s.cfg.maxBytes():
		return fmt.Errorf("%w: %d bytes, [spool] max_bytes is %d", ErrFull, used, s.cfg.maxBytes())
	}
	if err := insert(ctx, tx, readings); err != nil {
		return err
	}
	for _, at := range firstSynced(readings) {
		if err := learn(ctx, tx, at); err != nil {
			return err
		}
	}
	return nil
}

func insert(ctx context.Context, tx *sql.Tx, readings []sensors.Reading) error {
	stmt, err := tx.PrepareContext(ctx, `INSERT INTO unsealed (channel, quantity, mantissa, exponent,
		raw_quantity, raw_mantissa, raw_exponent, wall, uptime, boot, clock, certificate, made, due)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
	if err != nil {
		return err
	}
	defer stmt.Close()
	for _, r := range readings {
		_, err := stmt.ExecContext(ctx, string(r.Channel), string(r.Quantity), r.Value.Mantissa, r.Value.Exponent,
			string(r.RawQuantity), r.Raw.Mantissa, r.Raw.Exponent, r.At.Wall.UnixMilli(), int64(r.At.Uptime), r.At.Boot[:], r.At.State,
			r.Calibration.ID, seconds(r.Calibration.Date), seconds(r.Calibration.Due))
		if err != nil {
			return fmt.Errorf("reading of channel %s: %w", r.Channel, err)
		}
	}
	return nil
}

// seconds is a date as the table has it: the zero time is null.
func seconds(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: t.Unix(), Valid: !t.IsZero()}
}

func date(s sql.NullInt64) time.Time {
	if !s.Valid {
		return time.Time{}
	}
	return time.Unix(s.Int64, 0).UTC()
}
