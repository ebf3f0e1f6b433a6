package identity

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

const (
	pemType    = "PRIVATE KEY" // PKCS#8, RFC 7468 section 10
	maxKeyFile = 16 << 10
	ownerOnly  = 0o600
)

// readKey reads and judges the key file at path. What it judges is the open file, so nobody can swap it in between.
func readKey(path string) (ed25519.PrivateKey, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	switch {
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("identity: %w: %s is not a regular file", ErrKeyFile, path)
	case info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("identity: %w: %s can be read or written by others (mode %#o): run chmod 600 %s, and if others use this machine, enrol a new key", ErrKeyFile, path, info.Mode().Perm(), path)
	}
	raw, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err != nil {
		return nil, fmt.Errorf("identity: read %s: %w", path, err)
	}
	key, err := parsePEM(raw)
	if err != nil {
		return nil, fmt.Errorf("identity: %w: %s: %w: restore it from a backup, or move it away to enrol a new key", ErrKeyFile, path, err)
	}
	return key, nil
}

// parsePEM reads one PEM block and nothing else. Its errors never quote what they read.
func parsePEM(raw []byte) (ed25519.PrivateKey, error) {
	if len(raw) > maxKeyFile {
		return nil, fmt.Errorf("more than %d bytes", maxKeyFile)
	}
	block, rest := pem.Decode(raw)
	if block == nil || block.Type != pemType || len(rest) != 0 {
		return nil, errors.New(`not one PEM block "` + pemType + `"`)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("not a PKCS#8 private key")
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("a %T where an Ed25519 key is needed", parsed)
	}
	return key, nil
}

// writeKey puts the key at path so that after a power cut there is either the whole file or none. It never replaces a
// file that is there: the error then wraps fs.ErrExist.
func writeKey(path string, key ed25519.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("identity: encode the key: %w", err)
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("identity: make the folder of %s: %w", path, err)
	}
	temp, err := os.CreateTemp(dir, ".key-*") // mode 0600
	if err != nil {
		return fmt.Errorf("identity: create the key file: %w", err)
	}
	defer os.Remove(temp.Name())
	if err := fill(temp, pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: der})); err != nil {
		return fmt.Errorf("identity: write %s: %w", temp.Name(), err)
	}
	if err := os.Link(temp.Name(), path); err != nil { // unlike a rename, it fails where path exists
		return fmt.Errorf("identity: put the key at %s: %w", path, err)
	}
	return syncDir(dir)
}

// fill writes, syncs and closes f.
func fill(f *os.File, content []byte) error {
	err := f.Chmod(ownerOnly)
	if err == nil {
		_, err = f.Write(content)
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// syncDir makes a new name in dir survive a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("identity: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("identity: sync %s: %w", dir, err)
	}
	return nil
}
