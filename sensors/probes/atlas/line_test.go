package atlas

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"loam/sensors"
	"loam/sensors/chip/chiptest"
	"loam/sensors/serial"
	"loam/sensors/uart/uarttest"
)

// answering is a port with a circuit that answers from a table, and *ER to what is not in it.
func answering(table map[string]string) *uarttest.Port {
	return &uarttest.Port{Answer: func(sent []byte) []byte {
		if reply, ok := table[string(sent)]; ok {
			return []byte(reply)
		}
		return []byte("*ER\r")
	}}
}

// pH answers as a pH circuit does, with R as given.
func pH(reading string) *uarttest.Port {
	return answering(map[string]string{
		"*OK,1\r": "*OK\r", "C,0\r": "*OK\r", "i\r": "?i,pH,1.98\r*OK\r", "T,25\r": "*OK\r", "R\r": reading,
	})
}

func open(t *testing.T, p *uarttest.Port) (sensors.Driver, error) {
	t.Helper()
	w, _ := uarttest.Wire(p, nil)
	return model(t, "ezo-ph-uart").Open(t.Context(), w)
}

func TestOnASerialPort(t *testing.T) {
	for name, c := range map[string]struct {
		reading string
		want    string
		err     error
	}{
		"a reading":                  {"9.560\r*OK\r", "9.560", nil},
		"the supply is high":         {"*OV\r9.560\r*OK\r", "9.560", nil},
		"one it said by itself":      {"9.559\r9.560\r*OK\r", "9.560", nil},
		"the command is refused":     {"*ER\r", "", ErrSyntax},
		"it restarted":               {"*RS\r*RE\r", "", ErrNoData},
		"cut off":                    {"9.5", "", serial.ErrSilent},
		"never confirmed":            {"9.560\r", "", serial.ErrSilent},
		"talking without end":        {strings.Repeat("9.560\r", lines), "", ErrReply},
		"a line without end":         {strings.Repeat("9", 99), "", nil},
		"a value and a wrong bit":    {"9.5\xb60\r*OK\r", "", ErrReply},
		"confirmed, without a value": {"*OK\r", "", ErrNotValue},
		"nothing":                    {"", "", serial.ErrSilent},
	} {
		t.Run(name, func(t *testing.T) {
			p := pH(c.reading)
			d, err := open(t, p)
			if err != nil {
				t.Fatal(err)
			}
			samples, err := d.Sense(t.Context())
			if got := chiptest.Text(samples); got != c.want || c.err != nil && !errors.Is(err, c.err) || (c.want == "") != (err != nil) {
				t.Errorf("%s, %v; want %s, %v", got, err, c.want, c.err)
			}
			var named *sensors.ProbeError
			if err != nil && (!errors.As(err, &named) || strings.Count(err.Error(), "probe probe (") != 1) {
				t.Errorf("%v does not say once whose it is", err)
			}
			if err := d.Close(); err != nil || p.Open != 0 {
				t.Errorf("%d handles, %v", p.Open, err)
			}
		})
	}
}

func TestItIsMadeToConfirmAndToBeQuiet(t *testing.T) {
	p := pH("9.560\r*OK\r")
	p.Unread = []byte("9.557\r9.558\r9.5")
	d, err := open(t, p)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Sense(t.Context()); err != nil {
		t.Error(err)
	}
	var sent []string
	for _, s := range p.Sent {
		sent = append(sent, string(s))
	}
	if want := []string{"*OK,1\r", "C,0\r", "i\r", "T,25\r", "R\r"}; !slices.Equal(sent, want) {
		t.Errorf("%q, want %q", sent, want)
	}
	if p.Mode != (serial.Mode{Baud: 9600, DataBits: 8, Parity: serial.NoParity, StopBits: 1}) {
		t.Errorf("%s", p.Mode)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

func TestASerialPortWithoutACircuit(t *testing.T) {
	p := &uarttest.Port{}
	if _, err := open(t, p); !errors.Is(err, serial.ErrSilent) || p.Open != 0 {
		t.Errorf("%v, %d handles", err, p.Open)
	}
}

func FuzzLines(f *testing.F) {
	for _, s := range []string{"9.560\r*OK\r", "*ER\r", "*RS\r*RE\r", "?i,EC,2\r*OK\r", "\r\r\r\r\r\r\r"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p := pH(string(b))
		d, err := open(t, p)
		if err != nil {
			t.Fatal(err)
		}
		samples, err := d.Sense(t.Context())
		if (err == nil) != (len(samples) == 1) {
			t.Errorf("%v, %v", samples, err)
		}
		if err == nil && !strings.Contains(string(b), "*OK\r") {
			t.Errorf("%q was taken for a reply", b)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
}
