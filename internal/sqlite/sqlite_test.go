package sqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"loam/internal/sqlite"
)

func schema(statements ...string) fstest.MapFS {
	files := fstest.MapFS{}
	for i, s := range statements {
		files["migrations/0000"+string(rune('1'+i))+"_step.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\n" + s + ";\n")}
	}
	return files
}

const leaf = `CREATE TABLE leaf (n INTEGER PRIMARY KEY)`

func count(t *testing.T, db *sqlite.DB) (n int) {
	t.Helper()
	if err := db.Read.QueryRowContext(t.Context(), `SELECT count(*) FROM leaf`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func insert(ctx context.Context, db *sqlite.DB, then error) error {
	return db.InTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO leaf DEFAULT VALUES`); err != nil {
			return err
		}
		return then
	})
}

// The name of the folder may hold what a URL would take for something else.
func TestWhatWasCommittedIsThereAfterTheSchemaGrew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a folder?mode=memory#1 %41", "leaf.db")
	db, err := sqlite.Open(t.Context(), path, schema(leaf))
	if err != nil {
		t.Fatal(err)
	}
	errGivenUp := errors.New("given up")
	if err := insert(t.Context(), db, nil); err != nil {
		t.Fatal(err)
	}
	if err := insert(t.Context(), db, errGivenUp); !errors.Is(err, errGivenUp) {
		t.Errorf("%v", err)
	}
	if n := count(t, db); n != 1 {
		t.Errorf("%d rows, one was committed", n)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if db, err = sqlite.Open(t.Context(), path, schema(leaf, `ALTER TABLE leaf ADD COLUMN word TEXT`)); err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Write.ExecContext(t.Context(), `INSERT INTO leaf (word) VALUES ('new')`); err != nil {
		t.Error(err)
	}
	if n := count(t, db); n != 2 || db.Path() != path {
		t.Errorf("%d rows in %s", n, db.Path())
	}
}

// A power cut must not take back what was acknowledged: every connection syncs on commit, and writes ahead.
func TestEveryConnectionIsDurable(t *testing.T) {
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "leaf.db"), schema(leaf))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, pool := range []*sql.DB{db.Write, db.Read} {
		for pragma, want := range map[string]string{"synchronous": "2", "journal_mode": "wal", "foreign_keys": "1", "busy_timeout": "10000"} {
			var got string
			if err := pool.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
				t.Errorf("%s is %s, not %s: %v", pragma, got, want, err)
			}
		}
	}
}

func TestAFileThatIsNoneIsLeftAsItIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "leaf.db")
	junk := bytes.Repeat([]byte("not a database. "), 1024)
	if err := os.WriteFile(path, junk, 0o600); err != nil {
		t.Fatal(err)
	}
	if db, err := sqlite.Open(t.Context(), path, schema(leaf)); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("%v, %v", db, err)
	}
	if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, junk) {
		t.Errorf("the file was changed: %v", err)
	}
}

func TestASchemaThatFailsNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "leaf.db")
	if db, err := sqlite.Open(t.Context(), path, schema(`CREATE TABLE`)); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("%v, %v", db, err)
	}
}

// However a file is broken, the error says that it is and the file stays as it was.
func TestADamagedFileIsCalledDamaged(t *testing.T) {
	for name, damage := range map[string]func(raw []byte) []byte{
		"the first bytes": func(raw []byte) []byte { return append(make([]byte, 100), raw[100:]...) },
		"the second page": func(raw []byte) []byte {
			return append(bytes.Clone(raw[:4096]), bytes.Repeat([]byte{0xa5}, len(raw)-4096)...)
		},
		"cut in the middle": func(raw []byte) []byte { return raw[:5000] },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "leaf.db")
			db, err := sqlite.Open(t.Context(), path, schema(leaf))
			if err == nil {
				err = errors.Join(insert(t.Context(), db, nil), db.Close())
			}
			if err != nil {
				t.Fatal(err)
			}
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			broken := damage(raw)
			if err := os.WriteFile(path, broken, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := sqlite.Open(t.Context(), path, schema(leaf)); !errors.Is(err, sqlite.ErrDamaged) {
				t.Errorf("Open = %v", err)
			}
			if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, broken) {
				t.Errorf("the file was changed, %v", err)
			}
		})
	}
}
