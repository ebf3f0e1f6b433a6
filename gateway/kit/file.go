package kit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// replace puts a file in the place of another so that after a power cut there is either the whole of the one or of the
// other.
func replace(path string, content []byte, mode fs.FileMode) error {
	dir := filepath.Dir(path)
	temp, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return fmt.Errorf("kit: write %s: %w", path, err)
	}
	defer os.Remove(temp.Name())
	err = temp.Chmod(mode)
	if err == nil {
		_, err = temp.Write(content)
	}
	if err == nil {
		err = temp.Sync()
	}
	if err = errors.Join(err, temp.Close()); err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("kit: write %s: %w", path, err)
	}
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("kit: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}

// backup is where the earlier configuration is kept.
func backup(path string) string { return path + ".bak" }

// save puts a new configuration in place and keeps the earlier one beside it.
func save(path string, earlier, now []byte) error {
	mode := fs.FileMode(0o640)
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	if err := replace(backup(path), earlier, mode); err != nil {
		return err
	}
	return replace(path, now, mode)
}

// Restore puts back the configuration that was in force before the last change.
func Restore(path string) error {
	raw, err := os.ReadFile(backup(path))
	if err != nil {
		return fmt.Errorf("kit: take back the last change: %w", err)
	}
	return replace(path, raw, 0o640)
}
