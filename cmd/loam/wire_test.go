package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"loam/gateway/wire"
)

// goldenMessages are the batches and receipts of the wire's golden files.
func goldenMessages(t testing.TB) [][]byte {
	t.Helper()
	files, err := filepath.Glob("../../gateway/wire/testdata/*.json")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d golden files, %v", len(files), err)
	}
	var all [][]byte
	for _, path := range files {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var many []struct{ Sealed string }
		if json.Unmarshal(raw, &many) != nil {
			many = append(many, struct{ Sealed string }{})
			if err := json.Unmarshal(raw, &many[0]); err != nil {
				t.Fatal(err)
			}
		}
		for _, m := range many {
			sealed, err := hex.DecodeString(m.Sealed)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, sealed)
		}
	}
	return all
}

// A message reads the same from its bytes, from their digits in either case, and from digits with white space between.
func TestReadWire(t *testing.T) {
	for _, raw := range goldenMessages(t) {
		digits := hex.EncodeToString(raw)
		for _, form := range []string{string(raw), digits, strings.ToUpper(digits), digits[:20] + "\n  " + digits[20:] + "\r\n"} {
			got, err := readWire("-", strings.NewReader(form))
			if err != nil || !bytes.Equal(got, raw) {
				t.Errorf("%.40q reads as %x, %v", form, got, err)
			}
		}
	}
	if _, err := readWire("-", io.LimitReader(endless{}, 1<<30)); err == nil || !strings.Contains(err.Error(), wire.ErrTooLarge.Error()) {
		t.Errorf("a gigabyte: %v", err)
	}
}

// endless is a file without end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// FuzzWireDecode: no bytes make decoding or printing panic, what prints has no control character a terminal would obey,
// and what is a batch or a receipt is named as one.
func FuzzWireDecode(f *testing.F) {
	for _, raw := range goldenMessages(f) {
		f.Add(raw)
		f.Add(raw[:len(raw)-1])
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := decodeMessage(raw)
		if err != nil {
			return
		}
		if (m.Kind == "batch") != (m.Batch != nil) || (m.Kind == "receipt") != (m.Receipt != nil) {
			t.Fatalf("kind %q: %+v", m.Kind, m)
		}
		var out bytes.Buffer
		if err := m.print(&out); err != nil {
			t.Fatal(err)
		}
		for _, c := range out.String() {
			if c != '\n' && (c < ' ' || c == 0x7f || c >= 0x80 && c < 0xa0) {
				t.Fatalf("prints %q", c)
			}
		}
		if _, err := json.Marshal(m); err != nil {
			t.Fatal(err)
		}
	})
}
