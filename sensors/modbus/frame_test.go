package modbus

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestVectors runs the checksums and commands; replies are the register maps' to explain (probes/modbusprobe).
func TestVectors(t *testing.T) {
	raw, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []struct {
			ID, Kind string
			Bytes    string `json:"bytes_hex"`
			Inputs   struct {
				Address  byte
				Function Function
				Register uint16
				Count    uint16
			}
			Expected struct{ CRC, Bytes struct{ Hex string } }
		}
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	ran := map[string]int{}
	for _, v := range file.Vectors {
		ran[v.Kind]++
		switch v.Kind {
		case "crc":
			b := unhex(t, v.Bytes)
			if got := hex.EncodeToString(Seal(slices.Clone(b))[len(b):]); got != v.Expected.CRC.Hex {
				t.Errorf("%s: checksum %s, want %s", v.ID, got, v.Expected.CRC.Hex)
			}
		case "command":
			r := Request{v.Inputs.Function, v.Inputs.Register, v.Inputs.Count}
			if got := hex.EncodeToString(r.Frame(v.Inputs.Address)); r.Validate() != nil || got != v.Expected.Bytes.Hex {
				t.Errorf("%s: %s, want %s", v.ID, got, v.Expected.Bytes.Hex)
			}
		default:
			t.Errorf("%s: no test for kind %q", v.ID, v.Kind)
		}
	}
	if ran["crc"] < 1 || ran["command"] < 3 {
		t.Errorf("vectors ran: %v", ran)
	}
}

func TestRegistersTakesOnlyTheReply(t *testing.T) {
	three := Request{ReadHolding, 0, 3}
	good := "01 03 06 01 EF 01 44 00 04 B5 59"
	if got, err := three.Registers(1, unhex(t, good)); err != nil || !slices.Equal(got, []uint16{495, 324, 4}) {
		t.Errorf("%v, %v", got, err)
	}
	for name, c := range map[string]struct {
		request Request
		address byte
		frame   []byte
		want    error
	}{
		"nothing":             {three, 1, nil, ErrChecksum},
		"a damaged bit":       {three, 1, unhex(t, "01 03 06 01 EF 01 44 00 05 B5 59"), ErrChecksum},
		"cut short":           {three, 1, unhex(t, "01 03 06 01 EF 01 44 00 04 B5"), ErrChecksum},
		"another probe":       {three, 2, unhex(t, good), ErrNotTheReply},
		"another function":    {Request{ReadInput, 0, 3}, 1, unhex(t, good), ErrNotTheReply},
		"another length":      {Request{ReadHolding, 0, 2}, 1, unhex(t, good), ErrNotTheReply},
		"a wrong byte count":  {three, 1, Seal(unhex(t, "01 03 04 01 EF 01 44 00 04")), ErrNotTheReply},
		"its own request":     {three, 1, three.Frame(1), ErrNotTheReply},
		"no such registers":   {three, 1, Seal([]byte{1, 0x83, 2}), Exception(2)},
		"busy":                {three, 1, Seal([]byte{1, 0x83, 6}), Exception(6)},
		"an unknown code":     {three, 1, Seal([]byte{1, 0x83, 77}), Exception(77)},
		"exception, function": {three, 1, Seal([]byte{1, 0x84, 2}), ErrNotTheReply},
	} {
		if got, err := c.request.Registers(c.address, c.frame); !errors.Is(err, c.want) || got != nil {
			t.Errorf("%s: %v, %v; want %v", name, got, err, c.want)
		}
	}
}

func TestExceptionsSayWhatTheyMean(t *testing.T) {
	said := map[string]bool{}
	for _, code := range []Exception{1, 2, 3, 4, 5, 6, 8, 10, 11, 99} {
		text := code.Error()
		if said[text[strings.Index(text, ":"):]] {
			t.Errorf("%q was said before", text)
		}
		said[text[strings.Index(text, ":"):]] = true
	}
}

func TestValidateRefusesWhatNoProbeAnswers(t *testing.T) {
	for _, r := range []Request{{ReadHolding, 0, 1}, {ReadInput, 0xFFFF, 1}, {ReadHolding, 0xFF83, 125}} {
		if err := r.Validate(); err != nil {
			t.Errorf("%v: %v", r, err)
		}
	}
	for _, r := range []Request{{6, 0, 1}, {0, 0, 1}, {ReadHolding, 0, 0}, {ReadHolding, 0, 126}, {ReadHolding, 0xFFFF, 2}, {ReadHolding, 0xFF84, 125}} {
		if r.Validate() == nil {
			t.Errorf("%v was accepted", r)
		}
	}
}

func FuzzReply(f *testing.F) {
	f.Add(byte(1), byte(3), uint16(3), []byte("\x01\x03\x06\x01\xEF\x01\x44\x00\x04"), true)
	f.Add(byte(1), byte(3), uint16(3), []byte("\xFF\x00\x01\x83\x02"), true)
	f.Add(byte(254), byte(4), uint16(1), []byte("\xFE\x04\x02\x01\x90\xAC\xD8"), false)
	f.Fuzz(func(t *testing.T, address, function byte, count uint16, b []byte, mend bool) {
		if mend { // or no random bytes would ever get past the checksum
			b = Seal(slices.Clone(b))
		}
		r := Request{Function(function), 0, count}
		if r.Validate() != nil {
			return
		}
		registers, err := r.Registers(address, b)
		if (err == nil) != (len(registers) == int(count)) {
			t.Errorf("% x: %d registers, %v", b, len(registers), err)
		}
		got, found, ok := r.find(address, b)
		if ok != (got != nil || found != nil) || got != nil && len(got) != int(count) {
			t.Errorf("% x: found %v, %v, %t", b, got, found, ok)
		}
		if err == nil && !slices.Equal(got, registers) {
			t.Errorf("% x: found %v where it is %v", b, got, registers)
		}
	})
}
