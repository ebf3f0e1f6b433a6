package recording_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"loam/sensors"
	"loam/sensors/catalog"
	"loam/sensors/clock"
	"loam/sensors/recording"
	"loam/sensors/sim"
)

var begin = time.Date(2026, time.May, 4, 0, 0, 0, 0, time.UTC)

// sense opens the probe and asks it three times.
func sense(t *testing.T, w sensors.Wiring, m sensors.Model) []sensors.Sample {
	t.Helper()
	d, err := m.Open(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}()
	var all []sensors.Sample
	for range 3 {
		samples, err := d.Sense(t.Context())
		if errors.Is(err, sensors.ErrNotReady) {
			err = w.Clock.Sleep(t.Context(), m.WarmUp+time.Second)
		}
		if err != nil {
			t.Fatalf("%s: %v", m.Name, err)
		}
		all = append(all, samples...)
		if err := w.Clock.Sleep(t.Context(), time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// Whatever probe was recorded, its driver says the same when the recording is played.
func TestARecordingPlaysBackToTheSameSamples(t *testing.T) {
	for _, place := range append(sim.Places(), sim.Bench) {
		for _, p := range sim.Wiring(sim.NewWorld(1, begin), place) {
			m, err := catalog.Find(p.Driver)
			if err != nil {
				t.Fatal(err)
			}
			if m.Bus != sensors.GPIO { // a contact has no conversation: it is counted
				t.Run(p.Name, func(t *testing.T) { playsBack(t, place, p, m) })
			}
		}
	}
}

func playsBack(t *testing.T, place sim.Place, p sim.Probe, m sensors.Model) {
	clk := clock.NewVirtual(begin, clock.BootID{1})
	site, err := sim.NewSite(sim.NewWorld(1, begin), place, func() time.Time { return clk.Now().Wall })
	if err != nil {
		t.Fatal(err)
	}
	var tape bytes.Buffer
	r := recording.NewRecorder(&tape)
	unwrap, err := r.Wrap()
	if err != nil {
		t.Fatal(err)
	}
	w := site.Wired(p, clk)
	w.Serial = r.Serial(w.Serial)
	if m.Bus == sensors.I2C || m.Bus == sensors.OneWire {
		w.Bus = recording.Prefix + w.Bus
	}
	recorded := sense(t, w, m)
	if err := errors.Join(unwrap(), site.Close(), r.Err()); err != nil {
		t.Fatal(err)
	}

	player, err := recording.Load(bytes.NewReader(tape.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	unregister, err := player.Register()
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unregister(); err != nil {
			t.Error(err)
		}
	}()
	again := clock.NewVirtual(begin, clock.BootID{1})
	w = sensors.Wiring{Probe: p.Name, Bus: p.Bus, Address: p.Address, Input: p.Input, Medium: p.Medium, Settings: p.Settings, Clock: again, Serial: player.OpenSerial}
	if played := sense(t, w, m); !reflect.DeepEqual(played, recorded) {
		t.Errorf("recorded %v\nplayed   %v", recorded, played)
	}
	if n := player.Left(); n != 0 {
		t.Errorf("%d exchanges were not asked for", n)
	}
	w.Clock = clock.NewVirtual(begin, clock.BootID{1})
	if d, err := m.Open(t.Context(), w); err == nil {
		if _, err := d.Sense(t.Context()); !errors.Is(err, recording.ErrDiffers) {
			t.Errorf("past its end: %v", err)
		}
	} else if !errors.Is(err, recording.ErrDiffers) {
		t.Errorf("past its end: %v", err)
	}
}

func TestWhatIsNoRecordingIsSaid(t *testing.T) {
	for name, text := range map[string]string{
		"not json":       "hello",
		"unknown key":    `{"bus":"I2C1","do":"tx","colour":"green"}`,
		"unknown deed":   `{"bus":"I2C1","do":"dance"}`,
		"no bus":         `{"do":"tx"}`,
		"no hexadecimal": `{"bus":"I2C1","do":"tx","write":"xyz"}`,
		"two kinds":      `{"bus":"I2C1","do":"tx","address":118}` + "\n" + `{"bus":"I2C1","do":"read"}`,
	} {
		if _, err := recording.Load(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), "exchange") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(`{"bus":"I2C1","do":"tx","address":118,"write":"d0","read":"60"}`))
	f.Add([]byte(`{"bus":"/dev/ttyUSB0","do":"read","read":"0102","mode":"9600 8N1"}` + "\n" + `{"bus":"W1","do":"search","found":[1]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := recording.Load(bytes.NewReader(raw))
		if err == nil && p.Left() < 0 {
			t.Error("less than nothing is left")
		}
	})
}
