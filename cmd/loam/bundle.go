package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"reflect"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"loam/gateway/identity"
	"loam/internal/mqttlink"
)

// removed stands in a bundle where something was left out.
const removed = "(removed)"

// writeBundle writes what helps somebody else to help: never a key, never a password. Two things see to it. The
// configuration is written anew from the keys loam knows, so that nothing else in the file, comments included, gets in;
// and whatever is secret on this gateway is looked for in every part before it is packed.
func (d *doctor) writeBundle(ctx context.Context, path string) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write the bundle: %w", err)
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			err = errors.Join(fmt.Errorf("write the bundle: %w", err), os.Remove(path))
		}
	}()
	secrets := d.secrets()
	z := gzip.NewWriter(f)
	t := tar.NewWriter(z)
	for _, part := range d.parts(ctx) {
		content := scrub(part.content, secrets)
		header := &tar.Header{Name: "loam-support/" + part.name, Mode: 0o600, Size: int64(len(content)), ModTime: d.report.Time, Format: tar.FormatPAX}
		if err := t.WriteHeader(header); err != nil {
			return err
		}
		if _, err := t.Write(content); err != nil {
			return err
		}
	}
	return errors.Join(t.Close(), z.Close(), f.Sync())
}

type bundlePart struct {
	name    string
	content []byte
}

func (d *doctor) parts(ctx context.Context) []bundlePart {
	parts := []bundlePart{
		{"doctor.json", indented(d.report)},
		{"versions.json", indented(d.versions())},
		{"log.txt", lastLog(ctx)},
	}
	if d.path != "" {
		parts = append(parts, bundlePart{"gateway.toml", shareableConfig(d.path)})
	}
	if d.report.Spool != nil {
		parts = append(parts, bundlePart{"spool.json", indented(d.report.Spool)})
	}
	return parts
}

func indented(v any) []byte {
	raw, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		raw = []byte(err.Error())
	}
	return append(raw, '\n')
}

// versions is what runs here: the program with its modules, the kernel, the board.
func (d *doctor) versions() map[string]any {
	out := map[string]any{"loam": version(), "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH}
	for name, path := range map[string]string{"kernel": "proc/version", "board": "proc/device-tree/model", "system": "etc/os-release"} {
		if f, err := d.machine.Files.Open(path); err == nil {
			raw, err := io.ReadAll(io.LimitReader(f, 4096))
			if f.Close(); err == nil {
				out[name] = strings.TrimRight(string(raw), "\x00\n")
			}
		}
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		modules := map[string]string{}
		for _, m := range info.Deps {
			modules[m.Path] = m.Version
		}
		out["modules"] = modules
	}
	return out
}

// Bounds of the log that goes into a bundle.
const (
	logLines   = 500
	logBytes   = 512 << 10
	logTimeout = 5 * time.Second
)

// lastLog is the newest of what the gateway wrote to the journal, where this user may read it.
func lastLog(ctx context.Context) []byte {
	ctx, cancel := context.WithTimeout(ctx, logTimeout)
	defer cancel()
	out, err := exec.CommandContext(ctx, "journalctl", "--unit=loam-gateway", fmt.Sprintf("--lines=%d", logLines), "--no-pager", "--output=short-iso").Output()
	if err != nil {
		return fmt.Appendf(nil, "the journal cannot be read: %v\n", err)
	}
	return out[max(0, len(out)-logBytes):]
}

// shareableConfig is the configuration with what loam knows the meaning of, and none of it secret.
func shareableConfig(path string) []byte {
	raw, err := os.ReadFile(path)
	if err != nil {
		return fmt.Appendf(nil, "# not readable: %v\n", err)
	}
	var tree map[string]any
	if err := toml.Unmarshal(raw, &tree); err != nil {
		return []byte("# left out: not TOML, so nobody can say what in it is secret; doctor.json says where the mistake is\n")
	}
	known := map[string]bool{}
	tomlKeys(reflect.TypeFor[gatewayConfig](), known, map[reflect.Type]bool{})
	out, err := toml.Marshal(shareable(tree, known, false))
	if err != nil {
		return fmt.Appendf(nil, "# left out: %v\n", err)
	}
	return out
}

// tomlKeys collects the keys a configuration type knows.
func tomlKeys(t reflect.Type, known map[string]bool, seen map[reflect.Type]bool) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		tomlKeys(t.Elem(), known, seen)
	case reflect.Struct:
		if seen[t] {
			return
		}
		seen[t] = true
		for i := range t.NumField() {
			f := t.Field(i)
			if name, _, _ := strings.Cut(f.Tag.Get("toml"), ","); name != "" && name != "-" {
				known[name] = true
			}
			tomlKeys(f.Type, known, seen)
		}
	}
}

// userInfo is what stands before the host of an address.
var userInfo = regexp.MustCompile(`://[^/@\s"]*@`)

// shareable leaves out the value of every key that is not known or sounds secret. What stands under settings is a probe's
// own, and named by its driver.
func shareable(v any, known map[string]bool, ours bool) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, value := range v {
			switch {
			case !ours && !known[key]:
				out[key] = removed
			case soundsSecret(key):
				out[key] = removed
			default:
				out[key] = shareable(value, known, key == "settings")
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = shareable(e, known, ours)
		}
		return out
	case string:
		return userInfo.ReplaceAllString(v, "://"+removed+"@")
	}
	return v
}

// soundsSecret says whether a key's value should not be seen. A file's name may: what is in the file is never read for a
// bundle.
func soundsSecret(key string) bool {
	key = strings.ToLower(key)
	if strings.HasSuffix(key, "_file") || key == "hub_key" { // the hub's key is its public one
		return false
	}
	return slices.ContainsFunc([]string{"password", "passphrase", "secret", "token", "credential", "private", "username", "key", "psk"},
		func(word string) bool { return strings.Contains(key, word) })
}

// secrets are the texts that must not be in a bundle: the lines of the key file, the broker's password, whichever of
// them this process can read. What it cannot read it cannot give away either, but for the log: so the journal's words
// that look like a password are taken out by [scrub] in any case.
func (d *doctor) secrets() []string {
	var all []string
	if !d.valid {
		return all
	}
	if raw, err := os.ReadFile(keyPath(d.cfg.StateDir)); err == nil {
		for line := range strings.Lines(string(raw)) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "-----") {
				all = append(all, line)
			}
		}
	}
	if id, err := identity.Load(keyPath(d.cfg.StateDir), d.cfg.Gateway); err == nil {
		if password, err := identity.BrokerPassword(id, d.cfg.Community); err == nil {
			all = append(all, password)
		}
	}
	if d.cfg.Uplink.PasswordFile != "" {
		if password, err := mqttlink.ReadPassword(d.cfg.Uplink.PasswordFile); err == nil {
			all = append(all, password)
		}
	}
	return all
}

var (
	// saidSecret is a word for a secret, with what it is said to be.
	saidSecret = regexp.MustCompile(`(?i)\b((?:password|passwd|passphrase|secret|token|api[_-]?key)\\?["']?\s*[=:]\s*)(\\?"[^"\n]*"|'[^'\n]*'|[^\s,;}"']+)`)
	// pemBlock is a private key, also one that was escaped for JSON.
	pemBlock = regexp.MustCompile(`(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\z)`)
)

// scrub takes secrets out of a text: those that are known, as they are and as JSON writes them, and what looks like one.
func scrub(content []byte, secrets []string) []byte {
	for _, s := range secrets {
		content = bytes.ReplaceAll(content, []byte(s), []byte(removed))
		if quoted, err := json.Marshal(s); err == nil {
			content = bytes.ReplaceAll(content, quoted[1:len(quoted)-1], []byte(removed))
		}
	}
	content = pemBlock.ReplaceAll(content, []byte(removed))
	content = userInfo.ReplaceAll(content, []byte("://"+removed+"@"))
	return saidSecret.ReplaceAll(content, []byte("${1}"+removed))
}
