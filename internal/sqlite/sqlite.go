// Package sqlite opens one durable SQLite file the one right way: write-ahead log, full sync on commit, one writer,
// foreign keys on, versioned schema.
//
// Every stage that keeps something owns a file of its own and hands its migrations to [Open]; no stage reads another's
// tables.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/pressly/goose/v3"
	driver "modernc.org/sqlite" // registers "sqlite", pure Go
	codes "modernc.org/sqlite/lib"
)

// DB is an open file: Write is the single writer's connection, Read a small pool that never blocks it.
type DB struct {
	Write *sql.DB
	Read  *sql.DB
	path  string
}

// ErrDamaged is wrapped by [Open] where the file is there and is not, or no longer, a whole database.
var ErrDamaged = errors.New("the file is damaged")

// Open opens or creates the file at path and brings its schema up to date with migrations/*.sql (goose format) in
// files. A file that cannot be opened or migrated is left as it is: corrupt evidence is set aside by a person, never
// emptied by a program.
func Open(ctx context.Context, path string, files fs.FS) (*DB, error) {
	db, err := open(ctx, path, files)
	var code *driver.Error
	if errors.As(err, &code) && (code.Code()&0xff == codes.SQLITE_CORRUPT || code.Code()&0xff == codes.SQLITE_NOTADB) {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return db, err
}

func open(ctx context.Context, path string, files fs.FS) (*DB, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, fmt.Errorf("sqlite: make the folder of %s: %w", path, err)
	}
	write, err := connect(ctx, path, 1)
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, write, files); err != nil {
		if damage := check(ctx, write); damage != nil { // what fails on a damaged file is not always said to be damage
			err = fmt.Errorf("%w (%w)", damage, err)
		}
		write.Close()
		return nil, fmt.Errorf("sqlite: bring the schema of %s up to date: %w", path, err)
	}
	read, err := connect(ctx, path, 4)
	if err != nil {
		write.Close()
		return nil, err
	}
	return &DB{Write: write, Read: read, path: path}, nil
}

// connect opens a pool of n connections. synchronous=FULL makes a commit survive a power cut, not only a crash.
func connect(ctx context.Context, path string, n int) (*sql.DB, error) {
	pragmas := url.Values{"_pragma": {
		"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(ON)", "temp_store(MEMORY)",
	}, "_txlock": {"immediate"}}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+pragmas.Encode())
	if err != nil {
		return nil, fmt.Errorf("sqlite: open %s: %w", path, err)
	}
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	if err := db.PingContext(ctx); err != nil {
		db.Close()
		return nil, fmt.Errorf("sqlite: open %s: %w", path, err)
	}
	return db, nil
}

func migrate(ctx context.Context, db *sql.DB, files fs.FS) error {
	migrations, err := fs.Sub(files, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, migrations, goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}

// check reads the whole file once.
func check(ctx context.Context, db *sql.DB) error {
	var verdict string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return fmt.Errorf("%w: %s", ErrDamaged, strings.ReplaceAll(verdict, "\n", " "))
	}
	return nil
}

// Path returns where the file is.
func (d *DB) Path() string { return d.path }

// InTx runs do in one write transaction and commits it, or rolls back when do fails.
func (d *DB) InTx(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := d.Write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("sqlite: begin on %s: %w", d.path, err)
	}
	if err := do(tx); err != nil {
		_ = tx.Rollback() // the cause is err
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("sqlite: commit on %s: %w", d.path, err)
	}
	return nil
}

// Close closes both pools.
func (d *DB) Close() error {
	readErr := d.Read.Close()
	if err := d.Write.Close(); err != nil {
		return fmt.Errorf("sqlite: close %s: %w", d.path, err)
	}
	return readErr
}
