package scan_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/i2c/i2creg"
	"periph.io/x/conn/v3/physic"

	"loam/sensors/catalog"
	"loam/sensors/clock"
	"loam/sensors/scan"
	"loam/sensors/sim"
)

var begin = time.Date(2026, time.May, 4, 0, 0, 0, 0, time.UTC)

// Every probe that can be found is found where it is, and its own driver is among those that understood it.
func TestWhatIsWiredIsFound(t *testing.T) {
	for _, place := range append(sim.Places(), sim.Bench) {
		clk := clock.NewVirtual(begin, clock.BootID{1})
		site, err := sim.NewSite(sim.NewWorld(1, begin), place, func() time.Time { return clk.Now().Wall })
		if err != nil {
			t.Fatal(err)
		}
		s := scan.Scanner{Models: catalog.Models(), Clock: clk, Timeout: time.Minute, Ports: site.OpenSerial}
		i2cs, wires := scan.Buses("")
		found, err := s.I2C(t.Context(), i2cs)
		if err != nil {
			t.Fatal(err)
		}
		more, err := s.OneWire(t.Context(), wires)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, more...)
		for _, p := range site.Probes() {
			if !slices.Contains(append(i2cs, wires...), p.Bus) || len(p.Settings) > 0 {
				continue // on a line that is looked at where people say so, or in need of a setting nobody has made
			}
			i := slices.IndexFunc(found, func(f scan.Found) bool { return f.Bus == p.Bus && f.Address == p.Address })
			if i < 0 || !slices.ContainsFunc(found[i].Candidates, func(c scan.Candidate) bool { return c.Model.Name == p.Driver }) {
				t.Errorf("%s: a %s at %#x on %s was not found", place, p.Driver, p.Address, p.Bus)
			}
		}
		if n := site.Handles(); n != 0 {
			t.Errorf("%d handles are left open", n)
		}
		if err := site.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// stranger is a bus with one chip that no driver knows.
type stranger struct{}

func (stranger) String() string                  { return "stranger" }
func (stranger) SetSpeed(physic.Frequency) error { return nil }
func (stranger) Close() error                    { return nil }
func (stranger) Tx(addr uint16, w, r []byte) error {
	if addr != 0x3C || len(w) > 0 {
		return errors.New("no acknowledge")
	}
	return nil
}

func TestAStrangerIsNamed(t *testing.T) {
	if err := i2creg.Register("STRANGE", nil, -1, func() (i2c.BusCloser, error) { return stranger{}, nil }); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := i2creg.Unregister("STRANGE"); err != nil {
			t.Error(err)
		}
	}()
	told := 0
	s := scan.Scanner{Models: catalog.Models(), Clock: clock.NewVirtual(begin, clock.BootID{1}), Timeout: time.Minute, Heard: func(scan.Found) { told++ }}
	found, err := s.I2C(t.Context(), []string{"STRANGE"})
	if err != nil || len(found) != 1 || found[0].Address != 0x3C || len(found[0].Candidates) != 0 || told != 1 {
		t.Errorf("%+v, %v, told %d", found, err, told)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.I2C(ctx, []string{"STRANGE"}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestSerialPortsAreListedByTheNameThatStays(t *testing.T) {
	root := t.TempDir()
	if ports, err := scan.SerialPorts(root); err != nil || len(ports) != 0 {
		t.Errorf("a machine without any: %v, %v", ports, err)
	}
	byID := filepath.Join(root, "dev/serial/by-id")
	if err := os.MkdirAll(byID, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "dev/ttyUSB1"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"usb-FTDI_A50285BI": "../../ttyUSB1", "usb-pulled-out": "../../ttyUSB7"} {
		if err := os.Symlink(target, filepath.Join(byID, name)); err != nil {
			t.Fatal(err)
		}
	}
	ports, err := scan.SerialPorts(root)
	if want := []scan.SerialPort{{Stable: "/dev/serial/by-id/usb-FTDI_A50285BI", Device: "/dev/ttyUSB1"}}; err != nil || !slices.Equal(ports, want) {
		t.Errorf("%v, %v", ports, err)
	}
}
