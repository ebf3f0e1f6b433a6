package identity_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"loam/gateway/identity"
)

func create(t *testing.T) (*identity.Identity, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys", "gateway.pem")
	id, err := identity.LoadOrCreate(path, "creek-1")
	if err != nil {
		t.Fatal(err)
	}
	return id, path
}

func TestCreateThenLoad(t *testing.T) {
	made, path := create(t)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v: want 0600", info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	for _, load := range []func(string, string) (*identity.Identity, error){identity.Load, identity.LoadOrCreate} {
		again, err := load(path, "creek-1")
		if err != nil {
			t.Fatal(err)
		}
		signature, err := again.Sign([]byte("m"))
		if err != nil || again.ID() != "creek-1" || !ed25519.Verify(made.Public(), []byte("m"), signature) {
			t.Errorf("%v, %v: not the key that was made", again, err)
		}
	}
}

// TestManyCreate: processes started at once all end with the same key.
func TestManyCreate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gateway.pem")
	var wg sync.WaitGroup
	keys := make([]string, 8)
	for i := range keys {
		wg.Go(func() {
			id, err := identity.LoadOrCreate(path, "creek-1")
			if err != nil {
				t.Error(err)
				return
			}
			keys[i] = id.Fingerprint()
		})
	}
	wg.Wait()
	for _, k := range keys {
		if k != keys[0] {
			t.Fatalf("different keys: %v", keys)
		}
	}
}

// TestRefuses: a key file that is not to be trusted is refused with what to do, and left byte for byte as it was.
func TestRefuses(t *testing.T) {
	_, good := create(t)
	raw, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	other, err := x509.MarshalPKCS8PrivateKey(mustRSA(t))
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name    string
		content []byte
		mode    fs.FileMode
		hint    string
	}{
		{"group may read", raw, 0o640, "chmod 600"},
		{"world may read", raw, 0o604, "chmod 600"},
		{"group may write", raw, 0o620, "chmod 600"},
		{"empty", nil, 0o600, "PEM"},
		{"cut short", raw[:len(raw)/2], 0o600, "PEM"},
		{"two keys", append(bytes.Clone(raw), raw...), 0o600, "PEM"},
		{"certificate", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")}), 0o600, "PEM"},
		{"damaged", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")}), 0o600, "PKCS#8"},
		{"RSA", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: other}), 0o600, "Ed25519"},
		{"huge", bytes.Repeat([]byte("#"), 1<<20), 0o600, "bytes"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "key.pem")
			if err := os.WriteFile(path, c.content, c.mode); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, c.mode); err != nil {
				t.Fatal(err)
			}
			for _, load := range []func(string, string) (*identity.Identity, error){identity.Load, identity.LoadOrCreate} {
				_, err := load(path, "creek-1")
				if !errors.Is(err, identity.ErrKeyFile) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), c.hint) {
					t.Errorf("%v: want %v naming the file and %q", err, identity.ErrKeyFile, c.hint)
				}
			}
			if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, c.content) {
				t.Errorf("the file was changed (%v)", err)
			}
		})
	}
	if _, err := identity.Load(filepath.Join(t.TempDir(), "none"), "creek-1"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if _, err := identity.Load(t.TempDir(), "creek-1"); !errors.Is(err, identity.ErrKeyFile) {
		t.Errorf("a folder: %v", err)
	}
	fresh := filepath.Join(t.TempDir(), "key.pem")
	if _, err := identity.LoadOrCreate(fresh, "Creek 1"); err == nil {
		t.Error("accepted an id that no topic can carry")
	}
	if _, err := os.Stat(fresh); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a refused id left a key file behind")
	}
}

// TestNeverPrinted: no verb of fmt, no logger and no encoder gets the private key out.
func TestNeverPrinted(t *testing.T) {
	id, path := create(t)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(raw)
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	seed := parsed.(ed25519.PrivateKey).Seed()
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%b", "%o", "%c", "%U"} {
		for _, v := range []any{id, *id, []*identity.Identity{id}, struct{ I *identity.Identity }{id}} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "id", id)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "id", id)
	if err := json.NewEncoder(&out).Encode(map[string]any{"id": id}); err != nil {
		t.Fatal(err)
	}
	decimal := strings.Trim(fmt.Sprint(seed[:8]), "[]")
	for _, secret := range []string{string(seed), hex.EncodeToString(seed[:8]), strings.ToUpper(hex.EncodeToString(seed[:8])), base64.StdEncoding.EncodeToString(seed)[:10], decimal, strings.ReplaceAll(decimal, " ", ", ")} {
		if strings.Contains(out.String(), secret) {
			t.Fatalf("the private key was printed as %q", secret)
		}
	}
	if !strings.Contains(out.String(), "creek-1") || !strings.Contains(out.String(), id.Fingerprint()) {
		t.Error("nothing useful was printed")
	}
}
