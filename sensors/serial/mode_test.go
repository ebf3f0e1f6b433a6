package serial_test

import (
	"testing"
	"time"

	"loam/sensors/serial"
)

func TestModesAreReadAsTheyAreWritten(t *testing.T) {
	for _, text := range []string{"9600 8N1", "1200 7E1", "4800 8O2", "115200 8E1"} {
		var m serial.Mode
		if err := m.UnmarshalText([]byte(text)); err != nil || m.String() != text {
			t.Errorf("%q became %q, %v", text, m, err)
		}
	}
	for _, text := range []string{"", "9600", "9600 8N", "9600 8n1", "9600  8N1", "9600 9N1", "9600 8X1", "9600 8N3", "0 8N1", "fast 8N1", "9600 8N1 "} {
		m := serial.Mode{Baud: 1}
		if err := m.UnmarshalText([]byte(text)); err == nil || m != (serial.Mode{Baud: 1}) {
			t.Errorf("%q became %q, %v", text, m, err)
		}
	}
}

func TestCharactersTakeTheirTime(t *testing.T) {
	for _, c := range []struct {
		mode serial.Mode
		n    int
		want time.Duration
	}{
		{serial.Mode{Baud: 1200, DataBits: 7, Parity: serial.EvenParity, StopBits: 1}, 3, 25 * time.Millisecond},
		{serial.Mode{Baud: 9600, DataBits: 8, Parity: serial.NoParity, StopBits: 1}, 960, time.Second},
		{serial.Mode{Baud: 4800, DataBits: 8, Parity: serial.EvenParity, StopBits: 2}, 400, time.Second},
	} {
		if got := c.mode.Time(c.n); got != c.want {
			t.Errorf("%d characters at %s take %s, want %s", c.n, c.mode, got, c.want)
		}
	}
}
