package analog

import (
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/i2c/i2creg"
	"periph.io/x/conn/v3/i2c/i2ctest"
	"pgregory.net/rapid"

	"loam/sensors"
	"loam/sensors/clock"
)

// read senses a model once, whose converter has a voltage at input 1 (in 0.1 mV).
func read(t *testing.T, model string, settings map[string]string, tenths int64) (string, error) {
	t.Helper()
	const config = 0x51E3 // AIN1, ±6.144 V, single, 860 a second, no comparator
	code := nearest(new(big.Rat).Mul(big.NewRat(tenths, 1), big.NewRat(10000, 18750)))
	bus := &i2ctest.Playback{DontPanic: true, Ops: []i2ctest.IO{
		{Addr: 0x48, W: []byte{1}, R: []byte{0x85, 0x83}},
		{Addr: 0x48, W: []byte{1, config>>8 | 0x80, config & 0xFF}},
		{Addr: 0x48, W: []byte{1}, R: []byte{config>>8 | 0x80, config & 0xFF}},
		{Addr: 0x48, W: []byte{0}, R: []byte{byte(uint16(code) >> 8), byte(code)}},
	}}
	if err := i2creg.Register("SCRIPTED", nil, -1, func() (i2c.BusCloser, error) { return bus, nil }); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := i2creg.Unregister("SCRIPTED"); err != nil {
			t.Error(err)
		}
	}()
	for _, m := range Models() {
		if m.Name != model {
			continue
		}
		d, err := m.Open(t.Context(), sensors.Wiring{Probe: "pond", Bus: "SCRIPTED", Input: 1, Settings: settings, Clock: clock.NewVirtual(time.Unix(1e9, 0), clock.BootID{})})
		if err != nil {
			t.Fatal(err)
		}
		samples, err := d.Sense(t.Context())
		if closed := d.Close(); closed != nil {
			t.Error(closed)
		}
		if err != nil {
			return "", err
		}
		return samples[0].Value.String(), nil
	}
	t.Fatalf("no model %s", model)
	return "", nil
}

func TestCurrentLoop(t *testing.T) {
	shunt := map[string]string{"shunt_ohm": "100"}
	for tenths, want := range map[int64]string{4000: "4.000", 12000: "12.000", 20000: "20.000"} {
		got, err := read(t, "current-loop", shunt, tenths)
		if d, parsed := sensors.ParseDecimal(got); err != nil || parsed != nil || d.Cmp(dec(int64(tenths)-1, -3)) < 0 || d.Cmp(dec(int64(tenths)+1, -3)) > 0 {
			t.Errorf("%d: %s mA, %v; want %s", tenths, got, err, want)
		}
	}
	for tenths, says := range map[int64]string{0: "broken wire", 3500: "broken wire", 22000: "short circuit", -100: "broken wire"} {
		if got, err := read(t, "current-loop", shunt, tenths); !errors.Is(err, ErrLoop) || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "pond") {
			t.Errorf("%d: %s, %v", tenths, got, err)
		}
	}
}

// The hookup guide prints these voltages for a supply of 5 V over 10 kΩ.
func TestVane(t *testing.T) {
	set := map[string]string{"supply_volt": "5", "pull_up_ohm": "10000"}
	for tenths, want := range map[int64]string{
		38400: "0.0", 19800: "22.5", 22500: "45.0", 4100: "67.5", 4500: "90.0", 3200: "112.5", 9000: "135.0", 6200: "157.5",
		14000: "180.0", 11900: "202.5", 30800: "225.0", 29300: "247.5", 46200: "270.0", 40400: "292.5", 43300: "315.0", 34300: "337.5",
	} {
		if got, err := read(t, "wind-vane", set, tenths); err != nil || got != want {
			t.Errorf("%d: %s°, %v; want %s", tenths, got, err, want)
		}
	}
	for _, tenths := range []int64{50000, 0, -200} {
		if got, err := read(t, "wind-vane", set, tenths); !errors.Is(err, ErrVane) || !strings.Contains(err.Error(), "unplugged") {
			t.Errorf("%d: %s, %v", tenths, got, err)
		}
	}
}

func TestEveryDirectionIsItself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		supply := rapid.Int64Range(18, 55).Draw(t, "supply")
		pullUp := rapid.Int64Range(4700, 22000).Draw(t, "pull up")
		l := vaneVolts(big.NewRat(supply, 10), big.NewRat(pullUp, 1))
		for i, v := range l {
			if got, ok := l.nearest(v); !ok || got != i {
				t.Fatalf("direction %d at %d is %d, %t", i, v, got, ok)
			}
		}
	})
}

func TestBoardsKeepToWhatTheyCanGive(t *testing.T) {
	for _, b := range boards {
		if got, err := read(t, b.name, nil, b.highest+100); !errors.Is(err, ErrTooHigh) {
			t.Errorf("%s: %s, %v", b.name, got, err)
		}
		if got, err := read(t, b.name, nil, b.lowest-100); !errors.Is(err, ErrTooLow) {
			t.Errorf("%s: %s, %v", b.name, got, err)
		}
		if got, err := read(t, b.name, nil, 22500); err != nil || got != "2.2500" {
			t.Errorf("%s: %s, %v", b.name, got, err)
		}
	}
}
