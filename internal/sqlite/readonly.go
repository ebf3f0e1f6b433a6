package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
)

// OpenReadOnly opens a file that is there, to look at it only: nothing is written, made or brought up to date, and whoever
// works with the file is not disturbed. Its Write refuses everything.
func OpenReadOnly(ctx context.Context, path string) (*DB, error) {
	if _, err := os.Stat(path); err != nil { // SQLite's own word for this is less clear
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	options := url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(2000)", "query_only(ON)"}}
	if wal, err := os.Stat(path + "-wal"); err != nil || wal.Size() == 0 {
		options.Set("immutable", "1") // everything is in the file itself; without this, SQLite would put two files beside it
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+options.Encode())
	if err != nil {
		return nil, fmt.Errorf("sqlite: look at %s: %w", path, err)
	}
	db.SetMaxOpenConns(1)
	var tables int
	if err := db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables); err != nil {
		db.Close()
		return nil, fmt.Errorf("sqlite: look at %s: %w", path, err)
	}
	return &DB{Write: db, Read: db, path: path}, nil
}
