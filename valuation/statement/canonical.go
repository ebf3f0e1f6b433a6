package statement

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/gowebpki/jcs"
)

// ErrNotCanonical says that bytes are not the one canonical form of what they hold: unknown or repeated keys, other
// spacing or order, another spelling of a number or a string.
var ErrNotCanonical = errors.New("not in canonical form")

// Canonical writes v as JSON in canonical form (RFC 8785).
func Canonical(v any) ([]byte, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("statement: %w", err)
	}
	raw, err = jcs.Transform(raw)
	if err != nil {
		return nil, fmt.Errorf("statement: %w", err)
	}
	return raw, nil
}

// decode reads raw into the struct that into points to and refuses whatever does not encode to the same bytes again.
func decode(raw []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%w: %w", ErrNotCanonical, err)
	}
	again, err := Canonical(into)
	if err != nil {
		return err
	}
	if !bytes.Equal(raw, again) {
		at := 0
		for at < len(raw) && at < len(again) && raw[at] == again[at] {
			at++
		}
		return fmt.Errorf("%w: byte %d is not what it must be", ErrNotCanonical, at)
	}
	return nil
}

// Digest returns the SHA-256 of v's canonical form in hexadecimal.
func Digest(v any) (string, error) {
	raw, err := Canonical(v)
	if err != nil {
		return "", err
	}
	return HexDigest(raw), nil
}

// HexDigest returns the SHA-256 of raw in hexadecimal.
func HexDigest(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// ID returns the identity of a statement: the site and the start of the period for people to read, and 64 bits of the
// SHA-256 over community, site, period and method digest, which make it unique.
func ID(community, site string, from, to time.Time, methodDigest string) string {
	text := fmt.Sprintf("%s\n%s\n%s\n%s\n%s\n", community, site, Time(from), Time(to), methodDigest)
	return fmt.Sprintf("%s-%s-%s", site, from.UTC().Format("20060102T1504Z"), HexDigest([]byte(text))[:16])
}

// Time writes a time as statements carry it: RFC 3339, UTC, whole seconds.
func Time(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// ParseTime reads what [Time] writes, and nothing else.
func ParseTime(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || Time(t) != s {
		return time.Time{}, fmt.Errorf("statement: %q is not a time in UTC such as 2026-03-01T00:00:00Z", s)
	}
	return t.UTC(), nil
}

func base64Encode(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

// base64Decode reads base64url without padding; a text with other bits in its last character is refused.
func base64Decode(s string) ([]byte, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err == nil && base64Encode(raw) != s { // the decoder passes over line ends
		err = errors.New("line ends inside")
	}
	if err != nil {
		return nil, fmt.Errorf("%w: base64url: %w", ErrNotCanonical, err)
	}
	return raw, nil
}
