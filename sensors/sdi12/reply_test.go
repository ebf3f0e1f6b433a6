package sdi12

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestVectors(t *testing.T) {
	raw, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []struct {
			ID, Kind string
			Bytes    string `json:"bytes_hex"`
			Inputs   struct{ Text, As string }
			Expected struct {
				CRC     struct{ Value string }
				CRC16   struct{ Hex string }
				Address struct{ Value string }
				Values  struct{ Value []json.Number }
				Error   *struct{ Value string }
			}
		}
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	ran := map[string]int{}
	for _, v := range file.Vectors {
		ran[v.Kind]++
		switch {
		case v.Kind == "crc" && v.Expected.CRC16.Hex != "":
			if got := fmt.Sprintf("%04x", CRC(v.Inputs.Text)); got != v.Expected.CRC16.Hex {
				t.Errorf("%s: %s, want %s", v.ID, got, v.Expected.CRC16.Hex)
			}
		case v.Kind == "crc":
			if got := Seal(v.Inputs.Text); got != v.Inputs.Text+v.Expected.CRC.Value {
				t.Errorf("%s: %s, want %s", v.ID, got, v.Expected.CRC.Value)
			}
		case v.Kind == "frame":
			line, err := hex.DecodeString(v.Bytes)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Values(line[0], string(line), true)
			if (err != nil) != (v.Expected.Error != nil) || string(line[0]) != v.Expected.Address.Value || len(got) != len(v.Expected.Values.Value) {
				t.Errorf("%s: %v, %v; want %+v", v.ID, got, err, v.Expected)
				continue
			}
			for i, want := range v.Expected.Values.Value {
				if got[i].String() != want.String() {
					t.Errorf("%s: value %d is %s, want %s", v.ID, i, got[i], want)
				}
			}
		default:
			t.Errorf("%s: no test for kind %q", v.ID, v.Kind)
		}
	}
	if ran["crc"] < 3 || ran["frame"] < 1 {
		t.Errorf("vectors ran: %v", ran)
	}
}

func TestValuesKeepTheirDigits(t *testing.T) {
	for line, want := range map[string]string{
		"0+3.14\r\n":             "3.14",
		"0+3.140-0.0+10\r\n":     "3.140 0.0 10",
		"0-9999\r\n":             "-9999",
		"0-9999.0\r\n":           "-9999.0",
		"0+1846.16+22.3+1\r\n":   "1846.16 22.3 1",
		"0-.5+7.\r\n":            "-0.5 7",
		"0+0001\r\n":             "1",
		"0\r\n":                  "",
		"0+123456789012.5-1\r\n": "123456789012.5 -1",
	} {
		values, err := Values('0', line, false)
		var got []string
		for _, v := range values {
			got = append(got, v.String())
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%q: %v, %v; want %s", line, got, err, want)
		}
		if values, err := Values('0', Seal(strings.TrimSuffix(line, "\r\n"))+"\r\n", true); err != nil || len(values) != len(got) {
			t.Errorf("%q with a checksum: %v, %v", line, values, err)
		}
	}
}

func TestValuesRefusesWhatIsNone(t *testing.T) {
	for _, line := range []string{
		"", "\r\n", "0+1", "0+1\n", "1+1\r\n", "01\r\n", "0+\r\n", "0+-1\r\n", "0+1+\r\n", "0+1.2.3\r\n", "0+1e5\r\n", "0+ 1\r\n", "0+0x1\r\n", "0+1_0\r\n",
		"0+1\r\n\r\n", "0+.\r\n", "0+99999999999999999999\r\n", "0+0.1234567890123\r\n", "0é\r\n",
	} {
		if got, err := Values('0', line, false); !errors.Is(err, ErrReply) {
			t.Errorf("%q: %v, %v", line, got, err)
		}
	}
	for _, line := range []string{"0+3.14OqY\r\n", "0+3.14\r\n", "0+3.15OqZ\r\n", "OqZ\r\n", "\r\n"} {
		if got, err := Values('0', line, true); !errors.Is(err, ErrChecksum) {
			t.Errorf("%q: %v, %v", line, got, err)
		}
	}
}

func TestStartAndIdentity(t *testing.T) {
	for _, c := range []struct {
		line            string
		digits          int
		seconds, values int
		err             error
	}{
		{"a0013\r\n", 1, 1, 3, nil}, {"a00203\r\n", 2, 2, 3, nil}, {"a99999\r\n", 2, 999, 99, nil}, {"a0000\r\n", 1, 0, 0, nil},
		{"a00203\r\n", 1, 0, 0, ErrReply}, {"a0013\r\n", 2, 0, 0, ErrReply}, {"b0013\r\n", 1, 0, 0, ErrReply}, {"a001x\r\n", 1, 0, 0, ErrReply},
		{"a\r\n", 1, 0, 0, ErrReply}, {"a-013\r\n", 1, 0, 0, ErrReply},
	} {
		seconds, values, err := start('a', c.line, c.digits)
		if seconds != c.seconds || values != c.values || !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
			t.Errorf("%q: %d s, %d values, %v", c.line, seconds, values, err)
		}
	}
	id, err := identity('0', "013METER   TER12 112T12-00012345\r\n")
	if err != nil || id != (Identity{"13", "METER", "TER12", "112T12-00012345"}) || id.String() != "METER TER12" {
		t.Errorf("%+v, %v", id, err)
	}
	if _, err := identity('0', "013METER\r\n"); !errors.Is(err, ErrReply) {
		t.Error(err)
	}
}

func TestCommands(t *testing.T) {
	for _, c := range []Command{"M", "MC", "C", "CC", "M1", "C9", "CC3", "R0", "R9", "RC0"} {
		if err := c.Validate(); err != nil {
			t.Error(err)
		}
	}
	for _, c := range []Command{"", "D0", "R", "RC", "M0", "M10", "m", "M!", "0M", "X", "A1", "V", "I", "C0", "R00"} {
		if c.Validate() == nil {
			t.Errorf("%q was accepted", c)
		}
	}
}

func FuzzReply(f *testing.F) {
	for _, s := range []string{"0+3.14+2.718+1.414Ipz\r\n", "0\r\n", "0-9999+1.\r\n", "00013\r\n", "013METER   TER12 112\r\n", "0é+\r\n"} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, line string, sealed bool) {
		if sealed {
			if text, ok := strings.CutSuffix(line, "\r\n"); ok {
				line = Seal(text) + "\r\n"
			}
		}
		values, err := Values('0', line, sealed)
		if err != nil && values != nil {
			t.Errorf("%q: %v and %v", line, values, err)
		}
		var back strings.Builder
		for _, v := range values {
			if v.Mantissa >= 0 {
				back.WriteByte('+')
			}
			back.WriteString(v.String())
		}
		again, err := Values('0', "0"+back.String()+"\r\n", false)
		if err != nil || len(again) != len(values) {
			t.Errorf("%q was read as %v, which is read as %v, %v", line, values, again, err)
		}
		for i := range again {
			if again[i] != values[i] {
				t.Errorf("%q: %v, then %v", line, values[i], again[i])
			}
		}
		if seconds, n, err := start('0', line, 2); err == nil && (seconds < 0 || seconds > 999 || n < 0 || n > 99) {
			t.Errorf("%q: %d seconds, %d values", line, seconds, n)
		}
		_, _ = identity('0', line)
	})
}
